"""The explanation of a verdict: its fields, what it asks, and where its flips lead."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from meshlab.models.decision import answers, decide, explain, explain_again
from meshlab.scenario import frame_of, inputs
from meshlab.tables import read_table

Draw = Callable[[int, int, float], pl.DataFrame]

CALICO: dict[str, Any] = {
    "scenario": "a",
    "cloud": "self-managed",
    "greenfield": False,
    "windows_nodes": 0,
    "kernel_oldest": "5.15.0",
    "current_cni": "calico",
    "current_cni_edition": "self-run",
    "current_mesh": "none",
    "cni_healthy": True,
    "regulated": False,
    "bgp_fabric": False,
    "needs": ["mtls"],
}

FIELDS = (
    "scenario cni mesh edition tuned sentence settled evidence_grade matched reasons unmet blockers conflicts flips "
    "unknown questions options parts"
).split()


def explained(**changes: object) -> dict[str, Any]:
    """The explanation of the scenario above with other facts."""
    return explain(frame_of([{**CALICO, **changes}]))[0]


def test_it_holds_the_fields_that_others_rely_on() -> None:
    """Every field of the interface is there, and each option has its own."""
    answer = explained()
    assert set(FIELDS) <= answer.keys()
    assert "confidence" not in answer
    option = {"cni", "mesh", "edition", "tuned", "today", "eligible", "unmet", "unknown", "why_not", "rank"}
    assert all(option <= each.keys() for each in answer["options"])
    assert [each["rank"] for each in answer["options"]] == list(range(1, len(answer["options"]) + 1))


def test_what_runs_and_is_healthy_stays_and_a_mesh_is_added() -> None:
    """A healthy Calico stays where workload identity is asked for, and no option in it lacks a need."""
    answer = explained()
    assert answer["cni"] == "stay"
    assert answer["mesh"] not in ("none", "stay", None)
    assert answer["unmet"] == []
    assert answer["options"][0]["eligible"] is True


def test_without_needs_there_is_no_verdict_on_the_mesh_but_three_questions() -> None:
    """Where nobody said what is asked, the mesh is null and the questions say what to ask first."""
    answer = explained(needs=None)
    assert (answer["cni"], answer["mesh"], answer["settled"]) == ("stay", None, False)
    assert len(answer["questions"]) == 3
    assert "needs" in answer["unknown"]


def test_a_new_cluster_nowhere_gets_a_network_on_condition() -> None:
    """What a kernel speaks for is told, with what it hangs on: a platform may bring its own."""
    (answer,) = explain(frame_of([{"scenario": "x", "greenfield": True, "kernel_oldest": "6.1.0"}]))
    assert (answer["cni"], answer["mesh"], answer["settled"]) == ("cilium", None, False)
    assert "To be found out first" in answer["sentence"]
    assert "not known: cloud" in answer["sentence"]


def test_nothing_asked_leaves_everything_as_it_is() -> None:
    """An empty list of needs is an answer: nothing is asked, so nothing moves."""
    answer = explained(needs=[])
    assert (answer["cni"], answer["mesh"]) == ("stay", "none")


@pytest.mark.parametrize("needs", [["mtls"], ["dns_policy"], ["l7_policy", "egress_gateway"]])
def test_flips_lead_where_they_say(needs: list[str]) -> None:
    """The change of each flip, made to the scenario, gives the answer that the flip names."""
    answer = explained(needs=needs)
    for flip in answer["flips"]:
        changed = {change["input"]: change["to"] for change in flip["changes"]}
        (row,) = answers(frame_of([{**CALICO, "needs": needs, **changed}])).collect().rows(named=True)
        assert (row["cni"], row["mesh"]) == (flip["cni"], flip["mesh"]), flip


NAMES = ("cni", "mesh", "cni_edition", "mesh_edition")
NUMBERS: dict[str, list[Any]] = {
    "windows_nodes": [0, 1, 2, 40],
    "nodes": [1, 499, 500, 501, 1000, 1001, 5000],
    "pods": [1, 39_000, 40_000, 40_001],
    "services": [1, 499, 500, 20_000],
    "requests_per_second": [1.0, 3000.0, 3001.0, 9999.0, 10_000.0, 1e6],
    "licence_usd_per_year": [0.0, 1.0, 1e5],
    "kernel_oldest": ["4.18.0-305.el8", "4.18.0-553.el8", "5.4.0", "5.9.0", "5.10.0", "6.8.0"],
}
"""Values on every side of what the tables ask of them."""


def one_step(facts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every scenario in which one fact that can change is another: the fact's name, and all facts."""
    held = facts["needs"]
    for need in inputs()["needs"].choices:
        others = [one for one in held if one != need]
        yield f"needs: {need}", {**facts, "needs": others if need in held else [*held, need]}
    for name, spec in inputs().items():
        if facts[name] is None or spec.actionability == "fixed":
            continue
        values = [not facts[name]] if spec.type == "boolean" else NUMBERS.get(name, [])
        yield from ((name, {**facts, name: value}) for value in values if value != facts[name])


def nearer(facts: dict[str, Any], flip: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The scenario one short of a flip of a count."""
    name, value = flip["input"], flip["to"]
    if isinstance(value, int) and not isinstance(value, bool):
        short = value + (1 if value < facts[name] else -1)
        yield f"short of {name} {value}", {**facts, name: short}


def check_flips(frame: pl.DataFrame) -> None:
    """Each flip leads where it says, and no change of one fact to something that can be had is left out."""
    for number, verdict in enumerate(explain(frame)):
        (facts,) = frame[number].rows(named=True)
        first = verdict["options"][0]
        if facts["needs"] is None or first["eligible"] is None:
            continue
        tried = [*one_step(facts), *(step for flip in verdict["flips"] for step in nearer(facts, flip))]
        promised = [
            {**facts, **{change["input"]: change["to"] for change in flip["changes"]}} for flip in verdict["flips"]
        ]
        rows = [{**row, "scenario": str(n)} for n, row in enumerate([facts, *promised, *(row for _, row in tried)])]
        changed = pl.DataFrame(rows, schema=frame.schema)
        here, *found = decide(changed).select(*NAMES, "eligible").collect().rows()
        told = set()
        for flip, answer in zip(verdict["flips"], found, strict=False):
            assert answer == (flip["cni"], flip["mesh"], flip["edition"]["cni"], flip["edition"]["mesh"], True), flip
            assert answer[:4] != here[:4], flip
            told.add((flip["input"], answer[:4]))
            short = [n for n, (name, _) in enumerate(tried) if name == f"short of {flip['input']} {flip['to']}"]
            assert all(found[len(promised) + n] != answer for n in short), flip
        for n, (name, row) in enumerate(tried):
            *answer, eligible = found[len(promised) + n]
            if (
                not name.startswith("short of")
                and eligible
                and tuple(answer) != here[:4]
                and None not in answer[:2]
                and (name, tuple(answer)) not in told
            ):
                older = (
                    name == "kernel_oldest"
                )  # an older kernel does not come back, and a newer one takes nothing away
                impossible = explain(changed[1 + len(promised) + n], outlook=False)[0]["contradictions"]
                assert older or impossible, (facts, name, row[name.split(":")[0]], answer)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_flips_are_those_that_brute_force_finds(draw: Draw, missing: float) -> None:
    """Of random clusters, each need, boolean and bound tried by itself leads elsewhere where a flip says so alone."""
    check_flips(draw(20, 41 + int(10 * missing), missing))


ACNS = {
    "cloud": "aks",
    "current_cni": "cilium",
    "current_cni_edition": "azure-cni-powered-by-cilium-acns",
    "needs": ["l7_policy"],
}


@pytest.mark.parametrize("nodes", [900, 2000])
def test_flips_of_counts_are_the_nearest(nodes: int) -> None:
    """At and beyond the provider's limit for policy at layer 7 the flip names the last or the first node count."""
    facts = {**CALICO, **ACNS, "nodes": nodes, "pods": 50_000, "requests_per_second": 100.0}
    check_flips(frame_of([facts]))
    assert [flip["to"] for flip in explain(frame_of([facts]))[0]["flips"] if flip["input"] == "nodes"] == (
        [1001] if nodes < 1001 else [1000]
    )


def test_a_verdict_that_is_kept_is_the_one_that_would_be_made(draw: Draw) -> None:
    """A number moves to and fro, over limits, and beside limits that it has passed and that name it."""
    beyond = frame_of([{**CALICO, **ACNS, "pods": 50_000, "requests_per_second": 100.0}])
    for scenario in [*draw(8, 21, 0.3).iter_slices(1), beyond]:
        for nodes in (3, 4, 999, 1_000, 1_001, 5_000, 1_001, 4):
            moved = scenario.with_columns(nodes=pl.lit(nodes, pl.Int64))
            assert [explain_again(moved)] == explain(moved, outlook=False)


@pytest.mark.soak
@pytest.mark.parametrize("missing", [0.0, 0.15, 0.5])
def test_many_flips_are_those_that_brute_force_finds(draw: Draw, missing: float) -> None:
    """So it is of five hundred clusters each."""
    check_flips(draw(500, 43 + int(100 * missing), missing))


EDITIONS = read_table("decision/networks").select("network", "edition", "platforms").rows()


@pytest.mark.parametrize(
    ("cloud", "cni"), [("self-managed", "calico"), ("self-managed", "flannel"), ("eks", "aws-vpc"), ("aks", "cilium")]
)
@pytest.mark.parametrize("needs", [["mtls"], ["sctp"], ["dns_policy"], ["l7_policy"]])
def test_an_edition_is_asked_for_where_one_of_the_product_would_change_the_answer(
    cloud: str, cni: str, needs: list[str]
) -> None:
    """Editions of other products and of other platforms are no reason to ask which edition runs."""
    known = {"policy_engine": "none", "mesh_healthy": True, "licence_usd_per_year": 0, "nodes": 9, "pods": 90}
    facts = {**CALICO, **known, "cloud": cloud, "current_cni": cni, "current_cni_edition": None, "needs": needs}
    places = {"any", cloud}
    own = [edition for name, edition, platforms in EDITIONS if name == cni and places & {*platforms.split("|")}]
    rows = [{**facts, "scenario": str(n), "current_cni_edition": edition} for n, edition in enumerate([None, *own])]
    here, *completed = decide(frame_of(rows)).select(NAMES).collect().rows()
    (verdict,) = explain(frame_of([facts]))
    assert ("current_cni_edition" in verdict["unknown"]) == any(answer != here for answer in completed)


@pytest.mark.parametrize(
    "missing", [["licence_usd_per_year"], ["mesh_healthy"], ["cni_healthy", "policy_engine", "current_cni_edition"]]
)
@pytest.mark.parametrize("needs", [["mtls"], ["fips", "mtls"], ["dns_policy", "traffic_management"]])
@pytest.mark.parametrize("cloud", [("eks", "aws-vpc"), ("aks", "azure-cni"), ("gke", "gke-legacy")])
def test_a_fact_that_turns_out_leads_where_it_was_told(
    cloud: tuple[str, str], needs: list[str], missing: list[str]
) -> None:
    """The verdict with a value stated is the answer that was told for it, and any other value changes nothing."""
    known = {"policy_engine": "none", "mesh_healthy": True, "licence_usd_per_year": 0, "nodes": 9, "pods": 90}
    place = {"cloud": cloud[0], "current_cni": cloud[1], "current_mesh": "istio-sidecar", "needs": needs}
    facts = {**CALICO, **known, **place, **dict.fromkeys(missing)}
    (verdict,) = explain(frame_of([facts]))
    assert {lead["input"] for lead in verdict["leads"]} <= {*verdict["unknown"]}
    for lead in verdict["leads"]:
        rows = [{**facts, "scenario": str(value), lead["input"]: value} for value in lead["to"]]
        told = {(lead["cni"], lead["mesh"], *(lead["edition"][side] for side in ("cni", "mesh")))}
        assert {*decide(frame_of(rows)).select(NAMES).collect().rows()} == told
    for name in missing:
        of_name = [value for lead in verdict["leads"] if lead["input"] == name for value in lead["to"]]
        if inputs()[name].type == "boolean":
            now = decide(frame_of([facts])).select(NAMES).collect().row(0)
            rest = [{**facts, name: value} for value in (True, False) if value not in of_name]
            assert all(decide(frame_of([row])).select(NAMES).collect().row(0) == now for row in rest)


@pytest.mark.parametrize(("side", "product"), [("cni", "Calico"), ("mesh", "Linkerd")])
def test_what_stays_though_it_is_unhealthy_is_said_to_be(side: str, product: str) -> None:
    """An answer that keeps a product which is said to be unhealthy says so where a reader looks first."""
    facts: dict[str, object] = {"current_cni": "calico", "current_mesh": "linkerd", "needs": ["mtls", "retries", "bgp"]}
    facts |= {"cni_healthy": True, "mesh_healthy": True}
    well, ailing = explained(**facts), explained(**{**facts, f"{side}_healthy": False})
    assert "unhealthy" not in well["sentence"]
    assert "is said to be unhealthy" in ailing["sentence"]
    assert (f"Keep {product}" in ailing["sentence"]) == (ailing[side] == "stay")


@pytest.mark.parametrize("cni_healthy", [True, False])
def test_what_nobody_knows_the_name_of_may_stay_if_it_does(cni_healthy: bool) -> None:
    """Another network stands first, for that is known to do it; what runs well is not said to go in any case."""
    facts = {"cloud": "self-managed", "current_cni": "other", "cni_healthy": cni_healthy, "current_mesh": "none"}
    answer = explained(**facts, needs=["bgp"])
    stays = "If the network plugin of today turns out to do that, it stays."
    assert (stays in answer["sentence"]) == cni_healthy


OPENSHIFT_MESH: dict[str, Any] = {
    "cloud": "openshift",
    "current_cni": "ovn-kubernetes",
    "current_cni_edition": "openshift",
    "current_mesh": "istio-sidecar",
    "current_mesh_edition": "openshift-service-mesh",
}
EKS: dict[str, Any] = {"cloud": "eks", "current_cni": "aws-vpc", "current_cni_edition": "network-policy-agent"}
CONSUL: dict[str, Any] = {**EKS, "current_mesh": "consul", "mesh_healthy": False}
FIPS: dict[str, Any] = {"current_mesh": "istio-sidecar", "current_mesh_edition": "vendor-fips", "mesh_healthy": False}


@pytest.mark.parametrize(
    ("facts", "side", "answer"),
    [
        # what the provider runs takes the place of an engine that ails, and switching one on repairs no data plane
        ({**EKS, "current_cni_edition": "calico-policy-engine", "cni_healthy": False}, "cni", "network-policy-agent"),
        ({"cloud": "gke", "current_cni": "gke-legacy", "current_cni_edition": None, "cni_healthy": False}, "cni", None),
        # another product stands before what ails, although a part of it is a beta
        ({**CONSUL, "needs": ["mtls", "virtual_machines", "envoy_extensions"]}, "mesh", "self-run-with-sidecars"),
        # money that is spent already is no money spent on a repair
        ({**FIPS, "licence_usd_per_year": 100_000, "needs": ["mtls", "fips"]}, "mesh", "vendor-fips"),
        # what has ended goes, whatever ails it
        ({**EKS, "current_mesh": "app-mesh", "mesh_healthy": False, "provider_support_required": True,
          "licence_usd_per_year": 100_000}, "mesh", "vendor-fips"),
    ],
)  # fmt: skip
def test_what_ails_gives_way_to_what_repairs_it(facts: dict[str, Any], side: str, answer: str | None) -> None:
    """An edition repairs something only where somebody else runs it, and another product stands before what ails."""
    verdict = explained(**{"needs": [], **facts} if "cni_healthy" in facts else facts)
    assert verdict["edition"][side] == answer
    assert (verdict[side] == "stay") == (answer is None)


@pytest.mark.parametrize(("healthy", "said"), [(True, "may stay at the edge"), (False, "Replace")])
def test_a_gateway_stays_beside_a_mesh_unless_it_ails(healthy: bool, said: str) -> None:
    """A mesh between services takes nothing from the entry that runs at the edge."""
    facts = {"current_mesh": "gateway", "current_mesh_edition": "envoy-gateway", "mesh_healthy": healthy}
    assert said in explained(**facts, needs=["mtls", "gateway_api"])["sentence"]


def test_what_ails_is_said_beside_what_else_it_lacks() -> None:
    """A plugin that no table knows is asked for, and that it ails is told before anybody is to find out why."""
    answer = explained(current_cni="other", current_cni_edition=None, cni_healthy=False, needs=["bgp"])
    assert "is said to be unhealthy" in answer["sentence"]
    assert "is said to be unhealthy" in answer["reasons"][0]


def test_a_fee_binds_whichever_edition_of_the_network_runs() -> None:
    """Cloud Service Mesh costs its fee also where nobody knows which engine stands beside the network."""
    gke: dict[str, Any] = {"cloud": "gke", "current_cni": "gke-legacy", "current_cni_edition": None}
    priced = explained(**gke, needs=["l7_observability"])
    assert (priced["edition"]["mesh"], priced["settled"]) == ("cloud-service-mesh", False)
    assert "licence_usd_per_year" in priced["unknown"]
    assert explained(**gke, needs=["l7_observability"], licence_usd_per_year=0)["edition"]["mesh"] == "self-run"


@pytest.mark.parametrize(
    ("cloud", "cni", "edition", "answer"),
    [
        ("eks", "aws-vpc", "no-policy-engine", "network-policy-agent"),
        ("aks", "azure-cni", "no-policy-engine", "azure-cni-powered-by-cilium"),
        ("gke", "gke-legacy", "no-policy-engine", "calico-policy"),
        ("self-managed", "flannel", "self-run", None),
    ],
)
def test_policies_take_what_enforces_them(cloud: str, cni: str, edition: str, answer: str | None) -> None:
    """Where policies have no effect the provider's own engine is switched on; flannel has one to switch on itself."""
    verdict = explained(cloud=cloud, current_cni=cni, current_cni_edition=edition, needs=["network_policy"])
    assert (verdict["edition"]["cni"], verdict["mesh"]) == (answer, "none")
    assert answer or any("netpol.enabled" in reason for reason in verdict["reasons"])


def test_support_takes_an_edition_for_which_somebody_answers() -> None:
    """The open-source builds of a mesh have no vendor: a contract is for another edition, and takes money."""
    paid = explained(needs=["mtls", "vendor_support"], licence_usd_per_year=100_000)
    assert (paid["cni"], paid["edition"]["mesh"]) == ("calico-enterprise", "vendor-fips")
    assert explained(needs=["mtls", "vendor_support"], licence_usd_per_year=0)["options"][0]["eligible"] is False


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"needs": ["l7_observability"], "current_cni": "cilium", "policy_engine": "cilium"}, "only where a rule"),
        ({"needs": ["mtls", "virtual_machines"]}, "on the machine, which pods have to reach"),
        (
            {**EKS, "current_cni_edition": "calico-policy-engine", "cni_healthy": False, "needs": []},
            "own kinds rewritten",
        ),
        ({"needs": [], "current_cni": "cilium", "windows_nodes": 3}, "Cilium runs on no Windows node"),
        (
            {
                "cloud": "gke",
                "current_cni": "none",
                "greenfield": True,
                "current_cni_edition": None,
                "needs": ["zone_aware"],
            },
            "find out before a mesh is added",
        ),
        (
            {
                "cloud": "gke",
                "current_cni": "cilium",
                "current_cni_edition": "dataplane-v2",
                "nodes": 9000,
                "needs": ["network_policy"],
            },
            "at most 7,500 nodes",
        ),
        (
            {
                "cloud": "aks",
                "current_cni": "cilium",
                "current_cni_edition": "azure-cni-powered-by-cilium-acns",
                "needs": ["network_policy"],
            },
            "costs extra, and Azure CNI powered by Cilium meets all that is asked as well",
        ),
        (
            {"needs": ["network_policy"], "current_cni": "flannel", "current_cni_edition": None},
            "If what runs is flannel",
        ),
        # less than a mesh does part of it
        ({"needs": ["traffic_split"]}, "Envoy Gateway does part of it, weighted routing (At the edge only)"),
        ({"needs": ["grpc_balancing"]}, "switched on in each client): where that is enough, no mesh is needed"),
        # one mesh has both modes since its release 3.4
        ({**OPENSHIFT_MESH, "mesh_healthy": False, "needs": ["mtls"]}, "needs Service Mesh 3.4"),
    ],
)  # fmt: skip
def test_what_a_team_has_to_accept_is_told(facts: dict[str, Any], said: str) -> None:
    """Where a need is met only on a condition, and where policies do not go along, the reasons say it."""
    assert any(said in reason for reason in explained(**facts)["reasons"])


def test_windows_nodes_of_openshift_are_a_matter_of_its_own_network() -> None:
    """Nothing holds policy on them there; the nearest is what Red Hat supports them on."""
    facts = {"cloud": "openshift", "greenfield": True, "current_cni": "none", "current_cni_edition": None}
    assert (
        explained(**facts, windows_nodes=3, needs=["windows_nodes"], licence_usd_per_year=0)["cni"] == "ovn-kubernetes"
    )


def test_what_the_platform_brings_for_the_edge_stands_before_what_a_team_runs() -> None:
    """OpenShift's own operator serves the Gateway API."""
    facts = {"cloud": "openshift", "current_cni": "ovn-kubernetes", "current_cni_edition": "openshift"}
    assert explained(**facts, needs=["gateway_api"])["edition"]["mesh"] == "openshift-ingress-operator"


def test_nodes_of_another_kind_are_a_way_out() -> None:
    """Where nothing but Fargate runs, what would do on machines is named, and machines as what would change it."""
    answer = explained(**EKS, daemonsets_run=False)
    assert "would, but" in answer["sentence"]
    assert "daemonsets_run" in {flip["input"] for flip in answer["flips"]}


COMPLETIONS: dict[str, list[Any]] = {
    "windows_nodes": [0, 1, 40],
    "kernel_oldest": ["5.4.0", "5.15.0", "6.8.0"],
    "cni_healthy": [True, False],
    "regulated": [True, False],
    "bgp_fabric": [True, False],
    "current_cni_edition": ["self-run", "self-run-ebpf", "self-run-windows-hns"],
    "current_mesh": ["none", "linkerd", "istio-sidecar"],
}
"""Facts that may be missing, with values on every side of what the tables ask of them."""


@pytest.mark.parametrize("needs", [["mtls"], ["sctp"], []])
def test_what_is_settled_is_what_no_completion_changes(needs: list[str]) -> None:
    """Of two missing facts, and of seven: a settled answer is that of every completion, or else a fact is named."""
    stated: dict[str, Any] = {**CALICO, "mesh_healthy": True, "licence_usd_per_year": 0, "needs": needs}
    stated |= {"policy_engine": "none", "current_mesh_edition": None}
    for missing in [*itertools.combinations(COMPLETIONS, 2), tuple(COMPLETIONS)]:
        facts: dict[str, Any] = {**stated, **dict.fromkeys(missing)}
        answer = explain(frame_of([facts]))[0]
        values = itertools.product(*(COMPLETIONS[name] for name in missing))
        rows = [{**facts, **dict(zip(missing, each, strict=True)), "scenario": str(n)} for n, each in enumerate(values)]
        columns = ("cni", "mesh", "cni_edition", "mesh_edition")
        completed = set(decide(frame_of(rows)).select(columns).collect().rows())
        here = (answer["cni"], answer["mesh"], answer["edition"]["cni"], answer["edition"]["mesh"])
        if answer["settled"]:
            assert completed == {here}, (missing, completed)
        elif completed != {here}:
            assert set(answer["unknown"]) & set(missing), (missing, answer["unknown"])


@pytest.mark.parametrize("changes", [{"greenfield": True}, {"cloud": "aks", "current_cni": "aws-vpc"}])
def test_facts_that_cannot_hold_together_settle_nothing(changes: dict[str, Any]) -> None:
    """A new cluster on which a plugin runs, and Amazon's plugin on Azure, are told, whatever is known otherwise."""
    answer = explained(current_cni_edition=None, current_mesh="none", mesh_healthy=True, **changes)
    assert answer["contradictions"]
    assert answer["settled"] is False


def test_a_mesh_that_no_table_knows_is_asked_for_before_it_is_replaced() -> None:
    """What it is may keep it; where nothing is asked of it nobody has to know."""
    answer = explained(current_mesh="other", mesh_healthy=True)
    assert "current_mesh" in answer["unknown"]
    assert answer["settled"] is False
    assert "current_mesh" not in explained(current_mesh="other", mesh_healthy=True, needs=[])["unknown"]


def test_the_day_on_which_support_will_end_is_a_reason_to_go() -> None:
    """Kubenet, which enforces nothing, is left for an engine of AKS, and goes anyway in 2028."""
    kubenet = {"cloud": "aks", "current_cni": "azure-cni", "current_cni_edition": "kubenet"}
    sentence = explained(**kubenet, needs=["network_policy"], licence_usd_per_year=0)["sentence"]
    assert "support for kubenet on AKS ends on 2028-03-31" in sentence


def test_a_service_mesh_that_has_ended_is_left_for_its_next_release() -> None:
    """Red Hat supports Service Mesh 2 no longer, however well it runs; what a dump shows of it is an edition."""
    two = {**OPENSHIFT_MESH, "current_mesh_edition": "openshift-service-mesh-2", "mesh_healthy": True}
    answer = explained(**two, needs=["mtls"])
    assert (answer["mesh"], answer["edition"]["mesh"]) == ("istio-sidecar", "openshift-service-mesh")
    assert "support for OpenShift Service Mesh 2 ended on 2026-06-30" in answer["sentence"]


def test_what_goes_with_what_runs_is_told() -> None:
    """Linkerd that nobody asks for goes with its identities; a mesh that stays takes nothing away."""
    runs: dict[str, Any] = {"current_mesh": "linkerd", "current_mesh_edition": "edge-open-source"}
    left = explained(**runs, mesh_healthy=False, needs=[])
    assert left["mesh"] == "none"
    assert {"mtls", "retries"} <= {*left["lost"]}
    assert "windows_nodes" not in left["lost"]
    stays = explained(**runs, mesh_healthy=True, needs=[])
    assert (stays["mesh"], stays["lost"]) == ("stay", [])
    assert "it runs, though nothing that is asked needs it" in stays["sentence"]


def test_what_nobody_knows_to_meet_what_is_asked_is_no_case_against_the_answer() -> None:
    """Cilium's own mutual TLS is a beta or not read: that it meets what is asked is not said of it."""
    answer = explained(current_cni="cilium", policy_engine="cilium")
    said = {row["recommendation"]: row["eligible"] for row in answer["conflicts"] if row["side"] == "mesh"}
    assert said["cilium-mesh"] is False
    assert answer["decided_by"]["mesh"] == "ambient"


def test_what_is_met_in_part_is_not_said_to_be_lacked() -> None:
    """OpenShift runs Windows nodes without policy; names are no part of Calico at all."""
    openshift = explained(
        cloud="openshift", current_cni="ovn-kubernetes", current_cni_edition="openshift", needs=["windows_nodes"]
    )
    assert "Windows nodes only in part" in openshift["sentence"]
    names = explained(needs=["dns_policy", "sctp"], licence_usd_per_year=0)
    assert "lacks DNS policy" in names["sentence"]


def test_antrea_takes_over_from_no_release_that_anyone_runs() -> None:
    """Its migrator was verified with releases of 2023 alone, so that it is for a new cluster, and it is said why."""
    answer = explained(current_cni_edition="self-run", needs=["dns_policy", "sctp"], licence_usd_per_year=0)
    assert not any(option["eligible"] for option in answer["options"])
    (why,) = {
        option["why_not"] for option in answer["options"] if option["cni"] == "antrea" and option["mesh"] == "none"
    }
    assert "its migrator was verified with: Calico 3.26 or flannel 0.22" in why
    elsewhere = explained(current_cni="canal", needs=["dns_policy", "sctp"], licence_usd_per_year=0)
    assert any("no other move to it is documented" in (option["why_not"] or "") for option in elsewhere["options"])


def test_a_demand_that_bars_everything_is_told_with_two_ways_out() -> None:
    """Support is demanded and nothing may be bought: one of the two gives way."""
    answer = explained(provider_support_required=True, licence_usd_per_year=0, needs=["cluster_policy"])
    assert answer["mesh"] is None
    assert "Needed first: a team that may run it" in answer["sentence"]
    assert "Or first: a licence budget" in answer["sentence"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {**EKS, "current_cni": "calico", "needs": ["network_policy"], "provider_support_required": True},
            "Or on a new cluster: Amazon VPC CNI with its network policy agent without a mesh.",
        ),
        (
            {
                "cloud": "aks",
                "current_cni": "azure-cni",
                "current_cni_edition": "azure-npm",
                "policy_engine": "azure-npm",
                "windows_nodes": 6,
                "needs": ["network_policy"],
            },
            "On a new cluster, Azure CNI with Calico as policy engine without a mesh would.",
        ),
        (
            {"current_cni": "cilium", "needs": ["sctp", "bgp"]},
            "On a new cluster, Calico with iptables or nftables without a mesh would.",
        ),
        (
            {"cloud": "aks", "current_cni": "azure-cni", "windows_nodes": 6, "needs": ["network_policy"]},
            "Should it fall short, a new cluster would have Azure CNI with Calico as policy engine without a mesh.",
        ),
    ],
)
def test_what_a_new_cluster_would_have_is_named(facts: dict[str, Any], said: str) -> None:
    """Where nothing but the age of the cluster bars an option that meets everything, the answer says so."""
    answer = explained(**facts, licence_usd_per_year=0)
    assert said in answer["sentence"]
    assert answer["new_cluster_option"]["label"] in said
    assert answer["new_cluster_option"]["eligible"]


def test_what_is_barred_here_is_not_named_twice_as_what_a_new_cluster_would_have() -> None:
    """With Windows nodes on AKS one option meets all, in a new cluster alone: once with why, and not again without."""
    answer = explained(
        cloud="aks",
        current_cni="azure-cni",
        current_cni_edition="azure-npm",
        policy_engine="azure-npm",
        windows_nodes=8,
        needs=["network_policy", "windows_nodes"],
    )
    label = answer["new_cluster_option"]["label"]
    assert f"{label} would, but: Azure CNI with Calico as policy engine needs a new AKS cluster" in answer["sentence"]
    assert answer["sentence"].count(label) == 1
    assert "On a new cluster" not in answer["sentence"]


def test_no_new_cluster_is_named_where_this_one_can_have_what_is_asked() -> None:
    """What meets everything in place needs no other cluster, and a new one is no way out of itself."""
    for facts in ({"current_cni": "calico", "greenfield": False}, {"greenfield": True, "current_cni": "none"}):
        assert explained(cloud="self-managed", needs=[], **facts)["new_cluster_option"] is None


@pytest.mark.parametrize(
    ("kernel", "edition", "mesh", "caveat"),
    [
        ("3.10.0", "self-run", "linkerd", False),
        ("5.15.0", "self-run", "istio-ambient", False),
        ("5.15.0", "self-run-ebpf", "istio-ambient", True),
    ],
)
def test_what_ambient_mode_asks_of_nodes_and_network(kernel: str, edition: str, mesh: str, caveat: bool) -> None:
    """A kernel on which its rules can be set; and of Calico a setting, where that runs in eBPF."""
    answer = explained(kernel_oldest=kernel, current_cni_edition=edition, needs=["mtls"])
    assert answer["mesh"] == mesh
    assert any("connect-time" in reason for reason in answer["reasons"]) is caveat


@pytest.mark.parametrize(
    ("edition", "needs", "answer"),
    [
        ("network-policy-agent", ["network_policy"], "eks-auto-mode"),
        ("calico-policy-engine", ["network_policy"], "eks-auto-mode"),
        ("network-policy-agent", [], None),
    ],
)
def test_no_policy_holds_where_no_agent_runs(edition: str, needs: list[str], answer: str | None) -> None:
    """On Fargate alone an engine that is switched on enforces nothing: nodes that are machines come first."""
    facts = {**EKS, "current_cni_edition": edition, "daemonsets_run": False, "needs": needs}
    verdict = explained(**facts)
    assert verdict["edition"]["cni"] == answer
    assert (verdict["options"][0]["eligible"] is True) is (answer is not None or not needs)


@pytest.mark.parametrize(
    ("facts", "cni"),
    [({"licence_usd_per_year": 0}, "calico"), ({"licence_usd_per_year": 0, "cni_healthy": False}, "cilium")],
)
def test_a_licence_that_ends_leaves_the_makers_free_build(facts: dict[str, Any], cni: str) -> None:
    """Calico takes the place of Calico Enterprise, unless that ails: the same data plane would repair nothing."""
    assert explained(current_cni="calico-enterprise", needs=["network_policy"], **facts)["cni"] == cni


def test_an_edition_that_is_not_known_is_no_text_that_nobody_has_read() -> None:
    """Windows nodes on AKS hang on the engine, which is asked for; a cell that was not read is another matter."""
    azure: dict[str, Any] = {"cloud": "aks", "current_cni": "azure-cni", "current_cni_edition": None}
    answer = explained(**azure, windows_nodes=4, needs=["windows_nodes"])
    assert (answer["options"][0]["eligible"], answer["evidence_grade"]) == (None, "documented")
    gke = explained(cloud="gke", current_cni="cilium", current_cni_edition="dataplane-v2", needs=["host_protection"])
    assert (gke["options"][0]["eligible"], gke["evidence_grade"]) == (None, "prior")


OPENSHIFT = {"cloud": "openshift", "current_cni": "ovn-kubernetes"}


@pytest.mark.parametrize(
    ("facts", "needs", "mesh"),
    [
        ({"cloud": "gke", "current_cni": "cilium"}, ["grpc_policy"], ("istio-sidecar", "cloud-service-mesh")),
        (OPENSHIFT, ["failover"], ("istio-sidecar", "openshift-service-mesh")),
        ({"cloud": "eks", "current_cni": "aws-vpc"}, ["grpc_balancing"], ("linkerd", "edge-open-source")),
    ],
)
def test_what_is_inferred_lowers_the_grade_and_unseats_nothing(
    facts: dict[str, str], needs: list[str], mesh: tuple[str, str]
) -> None:
    """A provider's mesh is not passed over for a self-run one because its page leaves out what upstream's says."""
    verdict = explained(**facts, current_cni_edition=None, needs=needs)
    assert (verdict["mesh"], verdict["edition"]["mesh"]) == mesh
    assert verdict["evidence_grade"] == ("extrapolated" if mesh[0] == "istio-sidecar" else "documented")


def test_a_gateway_of_unknown_make_is_none_of_those_that_are_known() -> None:
    """What every gateway does keeps it; what depends on its make is asked, and it stays if it turns out to do that."""
    facts = {"cloud": "self-managed", "current_cni": "calico", "current_cni_edition": "self-run"}
    kept = explained(**facts, current_mesh="gateway", needs=["gateway_api"])
    assert kept["mesh"] == "stay"
    assert "Envoy Gateway" not in kept["sentence"]
    asked = explained(**facts, current_mesh="gateway", needs=["gateway_api", "jwt"])
    assert "current_mesh_edition" in asked["unknown"]
    assert asked["sentence"].endswith("If the gateway of today turns out to do that, it stays.")
    named = explained(**facts, current_mesh="gateway", current_mesh_edition="envoy-gateway", needs=["jwt"])
    assert named["mesh"] == "stay"


def test_what_nobody_read_of_a_network_is_told_before_a_mesh_is_added_for_it_and_is_not_lost() -> None:
    """Needs that the network has to meet beside it change nothing about that."""
    new = {"cloud": "gke", "greenfield": True, "current_cni": "none", "current_cni_edition": None}
    verdict = explained(**new, needs=["udp", "zone_aware"])
    assert (
        "GKE Dataplane V2 may meet balancing by zone by itself: find out before a mesh is added." in verdict["reasons"]
    )
    kubenet = {"cloud": "aks", "current_cni": "azure-cni", "current_cni_edition": "kubenet"}
    assert "zone_aware" not in explained(**kubenet, needs=["network_policy"])["lost"]


def test_of_meshes_that_one_preference_names_alike_the_next_decides() -> None:
    """OpenShift's provider supports sidecars and ambient mode: ambient mode it is, unless a need is a beta there."""
    facts = {"cloud": "openshift", "current_cni": "ovn-kubernetes", "current_mesh": "none", "greenfield": False}
    told = {
        mesh: explain(frame_of([{"scenario": mesh, **facts, "needs": needs}]), outlook=False)[0]
        for mesh, needs in (("istio-ambient", ["mtls"]), ("istio-sidecar", ["mtls", "retries"]))
    }
    assert {mesh: verdict["mesh"] for mesh, verdict in told.items()} == {mesh: mesh for mesh in told}
    # the network may link the clusters, yet identity has to hold across them
    across = explain(frame_of([{"scenario": "x", **facts, "needs": ["mtls", "multi_cluster"]}]), outlook=False)[0]
    assert across["mesh"] == "istio-sidecar"
    assert {verdict["edition"]["mesh"] for verdict in told.values()} == {"openshift-service-mesh"}
    supported, by_proxy_of_a_node = told["istio-ambient"]["why"]
    assert "provider supports this one" in supported
    assert by_proxy_of_a_node.startswith("Ambient mode brings")
    assert told["istio-sidecar"]["why"][1].startswith("OpenShift Service Mesh 3 in ambient mode ranks behind it")


AKS_CALICO = {"cloud": "aks", "current_cni": "azure-cni", "current_cni_edition": "calico-policy-engine"}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        # the maker's upgrade takes over the Calico that AKS manages; one of the team's own takes it away first
        (
            {**AKS_CALICO, "needs": ["dns_policy"], "gradual_move_required": True},
            "from now on with Calico Enterprise as",
        ),
        ({**AKS_CALICO, "needs": ["host_protection"]}, "from now on with Calico as policy engine (run by you)."),
        ({"current_mesh": None, "needs": ["mtls"]}, "Find out first whether a mesh runs already."),
        (
            {"current_mesh": "istio-ambient", "current_mesh_edition": "self-run", "needs": ["envoy_extensions"]},
            "Move Istio ambient to Istio in ambient mode (with sidecars where a workload needs one).",
        ),
    ],
)
def test_a_sentence_says_what_becomes_of_what_runs(facts: dict[str, Any], told: str) -> None:
    """Another edition keeps its brackets and its way, and a mesh is not added before it is known whether one runs."""
    assert told in explained(**{"licence_usd_per_year": 1, **facts})["sentence"]


def test_a_mesh_that_leaves_the_support_of_the_provider_says_so() -> None:
    """The add-on of AKS spans no clusters; the same Istio run by oneself does, and nobody else upgrades it."""
    aks = {"cloud": "aks", "current_cni": "cilium", "current_cni_edition": "azure-cni-powered-by-cilium"}
    mesh = {"current_mesh": "istio-sidecar", "current_mesh_edition": "aks-add-on"}
    verdict = explained(**aks, **mesh, needs=["mtls", "multi_cluster"])
    assert verdict["edition"]["mesh"] == "self-run"
    assert (
        "Istio with sidecars (run by you) is yours to run and to upgrade; AKS's Istio add-on is the provider's."
        in (verdict["reasons"])
    )


@pytest.mark.parametrize(("needs", "mesh"), [(["zone_aware"], "none"), (["mtls", "zone_aware"], "istio-sidecar")])
def test_no_mesh_comes_for_zones_alone_where_the_hints_of_services_may_do(needs: list[str], mesh: str) -> None:
    """Whether the provider's Cilium follows them is tried first; a mesh that comes anyway balances by zone, too."""
    facts = {"cloud": "gke", "current_cni": "cilium", "current_cni_edition": "dataplane-v2"}
    verdict = explained(**facts, needs=needs)
    assert verdict["mesh"] == mesh
    assert ("Should it fall short, GKE Dataplane V2 with Cloud Service Mesh" in verdict["sentence"]) is (mesh == "none")


def test_questions_after_a_verdict_that_falls_short_open_an_option() -> None:
    """What would only rule options out is not asked where nothing meets what is asked."""
    verdict = explained(cloud="gke", current_cni="cilium", current_cni_edition="dataplane-v2", needs=["sctp"])
    assert verdict["unmet"] == ["sctp"]
    assert verdict["questions"] == []
