"""The audit: every rule against a case that passes and one that fails, against no data, and against real dumps."""

from __future__ import annotations

import csv
import itertools
import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlab.cluster.audit import audit, rules
from meshlab.cluster.audit.inventory import QUERIES, read_inventory, selects
from meshlab.cluster.audit.rules import Rule, judge
from meshlab.errors import MeshlabError
from meshlab.run.cli import main
from meshlab.tables import read_table

CASES = Path(__file__).parent / "audit_cases"
GOLDEN = Path(__file__).parent / "golden"
RULES = [pytest.param(rule, id=rule.id) for rule in rules()]
DUMPS = {
    "bookinfo": ("mesh_pods/np-guard__network-config-analyzer__bookinfo_pods_list.json",),
    "boutique": (
        "mesh_pods/np-guard__network-config-analyzer__onlineboutique_live_all_depl.yaml",
        "mesh_pods/np-guard__network-config-analyzer__onlineboutique_live_all_services.yaml",
        "mesh_pods/np-guard__network-config-analyzer__onlineboutique_live_ns_list.yaml",
        "policy_config/np-guard__network-config-analyzer__onlineboutique_live_policies.yaml",
        "policy_config/np-guard__network-config-analyzer__onlineboutique_live_sidecars.yaml",
        "policy_config/np-guard__network-config-analyzer__onlineboutique_live_istio-gateways.yaml",
    ),
    "kurl": ("support_bundle/replicatedhq__sbctl__troubleshoot-kurl-weave.tar.gz",),
    "must_gather_aws": ("support_bundle/openshift__must-gather-clean__must-gather-aws-subset.tar.gz",),
    "must_gather_vsphere": ("support_bundle/openshift__must-gather-clean__must-gather-vsphere-subset.tar.gz",),
    "must_gather_bare_metal": (
        "support_bundle/openshift__cluster-node-tuning-operator__must-gather.bare-metal.tar.gz",
    ),
    "cilium_policies": ("policy_config/JJGadgets__Biohazard__cilium_netpols_core.yaml",),
}
"""Real dumps that the golden tables speak of."""


def golden(name: str) -> list[dict[str, str]]:
    """Rows of a golden table."""
    with (GOLDEN / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def found(rule: Rule, *paths: Path, at: datetime | None = None) -> dict[str, object]:
    """What one rule finds in files."""
    return judge(rule, read_inventory(list(paths), at))


def test_a_mode_that_is_none_is_not_shown(tmp_path: Path) -> None:
    """What stands in a ConfigMap where a mode is looked for may be anything, a secret among it."""
    case = (CASES / "calico-ebpf-ipvs" / "fail.yaml").read_text(encoding="utf-8")
    (tmp_path / "dump.yaml").write_text(case.replace("ipvs", "swordfish"), encoding="utf-8")
    assert "swordfish" not in str(audit([tmp_path / "dump.yaml"]))


def documents(rule: Rule, state: str) -> list[dict]:
    """The objects of a rule's case."""
    with (CASES / rule.id / f"{state}.yaml").open(encoding="utf-8") as stream:
        return list(yaml.safe_load_all(stream))


NO_BUDGETS = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudgetList", "items": []}
"""What a cluster without anything that rules ask about may show."""


def written(folder: Path, objects: list[dict]) -> Path:
    """A JSON List of the objects, in a file."""
    path = folder / "dump.json"
    items = objects or [NO_BUDGETS]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
    return path


# --- a case that passes and one that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_case_that_passes(rule: Rule) -> None:
    """Each rule passes its good case for what it saw there, with nothing missing."""
    finding = found(rule, CASES / rule.id / "pass.yaml")
    assert (finding["state"], finding["missing"], finding["count"]) == ("pass", [], 0), finding
    assert finding["detail"]


@pytest.mark.parametrize("row", golden("audit_cases.csv"), ids=lambda row: row["rule"])
def test_case_that_fails(row: dict[str, str]) -> None:
    """Each rule finds in its bad case just the objects that were broken by hand, and says how."""
    (rule,) = (rule for rule in rules() if rule.id == row["rule"])
    finding = found(rule, CASES / rule.id / "fail.yaml")
    assert finding["state"] == "fail"
    assert finding["objects"] == list(filter(None, row["objects"].split("|")))
    assert row["detail"] in finding["detail"]


@pytest.mark.parametrize(("port", "state"), [("80", "pass"), ("8080", "unknown"), (None, "fail")])
def test_a_port_with_a_setting_of_its_own_is_asked_by_that(port: str | None, state: str, tmp_path: Path) -> None:
    """Plain text to a port contradicts strict pods but where that port has its own mode; renumbered nobody can tell."""
    (rule,) = (rule for rule in rules() if rule.id == "mtls-contradictory")
    pods, services = (
        [each for each in documents(rule, "pass") if each["kind"] == kind and each["metadata"]["name"][:3] == "web"]
        for kind in ("Pod", "Service")
    )
    settings = {"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "DISABLE"}}]}
    objects = [
        *(*pods, *services),
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "mtls": {"mode": "STRICT"},
                **({"portLevelMtls": {port: {"mode": "DISABLE"}}} if port else {}),
            },
        },
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"host": "web", "trafficPolicy": settings},
        },
    ]

    assert found(rule, written(tmp_path, objects))["state"] == state


@pytest.mark.parametrize(
    ("planes", "state"),
    [(("1.27.0",), "pass"), (("1.26.0", "1.29.0"), "pass"), (("1.29.0",), "fail"), (("1.25.0",), "fail")],
)
def test_a_proxy_may_follow_the_revision_that_is_nearest(planes: tuple[str, ...], state: str, tmp_path: Path) -> None:
    """While an upgrade by revision lasts, old proxies have their old control plane beside the new one."""
    (rule,) = (rule for rule in rules() if rule.id == "proxy-skew-unsupported")
    istiod, web = documents(rule, "pass")
    objects = [web]
    for number, version in enumerate(planes):
        containers = [{"name": "discovery", "image": f"docker.io/istio/pilot:{version}"}]
        named = istiod["metadata"] | {"name": f"istiod-{number}"}
        objects.append(istiod | {"metadata": named, "spec": {"containers": containers}})

    assert found(rule, written(tmp_path, objects))["state"] == state


def test_vxlan_needs_no_peers(tmp_path: Path) -> None:
    """Calico's agent routes packets of VXLAN by itself: a cluster without peers and without their mesh is well."""
    (rule,) = (rule for rule in rules() if rule.id == "bgp-no-routes")
    objects = documents(rule, "fail")
    objects[-1]["spec"] |= {"ipipMode": "Never", "vxlanMode": "CrossSubnet"}

    assert found(rule, written(tmp_path, objects))["state"] == "not applicable"


def test_every_rule_has_both_cases() -> None:
    """No rule is without a case that passes and one that fails, and no case is without its rule."""
    names = {rule.id for rule in rules()}
    assert {row["rule"] for row in golden("audit_cases.csv")} == names
    assert {path.parent.name for path in CASES.glob("*/pass.yaml")} == names
    assert {path.parent.name for path in CASES.glob("*/fail.yaml")} == names


# --- no data, less data, other order ---------------------------------------------------------------------------------


def test_empty_dump_decides_nothing(tmp_path: Path) -> None:
    """Of a dump that holds a List of none every rule is unknown, and each says what it would need."""
    findings = audit([written(tmp_path, [])])
    assert [finding["rule"] for finding in findings if finding["state"] != "unknown"] == []
    assert [finding["rule"] for finding in findings if not finding["missing"]] == []


NO_DUMPS = {
    "nothing": "",
    "a List of nothing": '{"apiVersion": "v1", "kind": "List", "items": []}',
    "names": "node/n1\npod/a\n",
    "a page": "<!DOCTYPE html><html><body>Log in</body></html>",
    "values of a chart": "replicaCount: 1\nimage:\n  tag: v1\n",
    "an answer of the API server": '{"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 401}',
    "a kubeconfig": "apiVersion: v1\nkind: Config\nclusters: []\n",
    "a table": "NAME   STATUS   ROLES    AGE   VERSION\nn1     Ready    <none>   1d    v1.31.1\n",
    "a packed archive": b"\xfd7zXZ\x00\x00\x04",
}
"""Files that are no dump of a cluster."""


@pytest.mark.parametrize("content", NO_DUMPS.values(), ids=NO_DUMPS)
def test_what_is_no_dump_is_refused(content: str | bytes, tmp_path: Path) -> None:
    """Of a file that is no dump the audit says so on one line and ends with status 2, as the other commands do."""
    path = tmp_path / "given"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(main, ["audit", str(path)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("rule", RULES)
def test_no_pass_without_a_needed_kind(rule: Rule, tmp_path: Path) -> None:
    """Without the objects of a kind that it needs a rule neither passes nor finds that its subject does not exist."""
    objects = documents(rule, "pass")
    for kind in rule.needs:
        rest = [item for item in objects if item["kind"].removesuffix("List") != kind]
        finding = found(rule, written(tmp_path, rest))
        assert finding["state"] != "pass", (kind, finding)
        applies = not str(finding["detail"]).startswith("does not apply")
        assert finding["state"] != "not applicable" or not applies, (kind, finding)
        assert finding["state"] != "unknown" or kind in finding["missing"], (kind, finding)


@pytest.mark.parametrize("rule", RULES)
def test_pods_that_are_not_in_the_dump_count_as_missing(rule: Rule, tmp_path: Path) -> None:
    """Where controllers report more pods than the dump holds, no rule about pods passes."""
    reported = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "many", "namespace": "shop"},
        "spec": {"replicas": 500, "template": {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}},
        "status": {"replicas": 500},
    }
    finding = found(rule, written(tmp_path, [*documents(rule, "pass"), reported]))
    if "Pod" in rule.needs:
        assert (finding["state"], "Pod" in finding["missing"]) == ("unknown", True)


@pytest.mark.parametrize(
    ("name", "kinds", "detail"),
    [
        pytest.param("certificate-expiry", ["Certificate"], "there are no Certificates", id="none of what it is about"),
        pytest.param("calico-typha", ["Node"], "does not apply: cni.product is weave", id="another plugin"),
    ],
)
def test_a_rule_without_a_subject_is_not_applicable(name: str, kinds: list[str], detail: str, tmp_path: Path) -> None:
    """A rule passes for what it looked at; where there is nothing to look at it says that it is not applicable."""
    (rule,) = (rule for rule in rules() if rule.id == name)
    (plugin,) = (case for case in rules() if case.id == "network-plugin-discontinued")
    lists = [
        {"apiVersion": "cert-manager.io/v1" if kind == "Certificate" else "v1", "kind": f"{kind}List", "items": []}
        for kind in kinds
    ]
    for number, each in enumerate([*documents(plugin, "fail"), *lists]):
        (tmp_path / f"{number}.json").write_text(json.dumps(each), encoding="utf-8")
    finding = found(rule, tmp_path)
    assert (finding["state"], finding["detail"], finding["missing"]) == ("not applicable", detail, [])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_order_and_form_of_the_dump_do_not_matter(tmp_path: Path, data: st.DataObject) -> None:
    """JSON in any order of objects gives what the YAML of the case gives."""
    rule = data.draw(st.sampled_from(rules()))
    state = data.draw(st.sampled_from(["pass", "fail"]))
    shuffled = data.draw(st.permutations(documents(rule, state)))
    assert found(rule, written(tmp_path, shuffled)) == found(rule, CASES / rule.id / f"{state}.yaml")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_part_of_a_dump_is_judged(tmp_path: Path, data: st.DataObject) -> None:
    """Every rule gives an answer on whatever objects are there, and an unknown one says what is missing."""
    pool = list(
        itertools.chain.from_iterable(
            documents(rule, state)
            for rule in data.draw(st.lists(st.sampled_from(rules()), max_size=4))
            for state in ("pass", "fail")
        )
    )
    objects = data.draw(st.lists(st.sampled_from(pool), max_size=12)) if pool else []
    for finding in audit([written(tmp_path, objects)]):
        assert finding["state"] in ("pass", "fail", "unknown", "not applicable")
        assert bool(finding["missing"]) >= (finding["state"] == "unknown")
        looked_at_none = str(finding["detail"]).startswith("0 ") and str(finding["detail"]).endswith("looked at")
        assert finding["state"] != "pass" or not looked_at_none, finding


# --- real dumps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dump", DUMPS)
def test_real_dump(dump: str, fixtures: Path) -> None:
    """In the real dumps every rule ends as was worked out by hand."""
    expected = {row["rule"]: row[dump] for row in golden("audit_dumps.csv")}
    findings = audit([fixtures / name for name in DUMPS[dump]])
    assert {str(finding["rule"]): finding["state"] for finding in findings} == expected


@pytest.mark.parametrize("row", golden("audit_details.csv"), ids=lambda row: f"{row['dump']}-{row['rule']}")
def test_figures_of_real_dump(row: dict[str, str], fixtures: Path) -> None:
    """The figures in findings are those that were counted apart."""
    (rule,) = (rule for rule in rules() if rule.id == row["rule"])
    finding = found(rule, *(fixtures / name for name in DUMPS[row["dump"]]))
    assert (finding["detail"], finding["count"]) == (row["detail"], int(row["count"]))


def test_support_is_judged_at_the_moment_of_the_dump(fixtures: Path) -> None:
    """Istio 1.20 was supported when the boutique was dumped in January 2024, and no more in 2026."""
    (rule,) = (rule for rule in rules() if rule.id == "release-unsupported")
    paths = [fixtures / name for name in DUMPS["boutique"]]
    assert found(rule, *paths)["state"] == "unknown"
    later = found(rule, *paths, at=datetime(2026, 1, 1))  # noqa: DTZ001  (the audit counts in UTC without a zone)
    assert (later["state"], later["count"]) == ("fail", 4)
    assert "Deployment istio-system/istiod" in later["objects"]
    assert "Pod default/loki-0 runs istio 1.20.1, whose support ended on 2024-06-25" in later["detail"]


# --- names, secrets, errors ------------------------------------------------------------------------------------------


def test_anonymous_findings_hold_no_name() -> None:
    """With anonymize no name of the dump is in the findings, and the same name always gives the same stand-in."""
    path = CASES / "mtls-contradictory" / "fail.yaml"
    plain, hidden = audit([path]), audit([path], anonymize=True)
    text = json.dumps([{**finding, "why": "", "check": "", "title": ""} for finding in hidden], default=str)
    for name in ("web-1", "db-1", "shop", "db.data", "*.local", "istio-system"):
        assert name in json.dumps(plain, default=str)
        assert name not in text
    assert [finding["state"] for finding in plain] == [finding["state"] for finding in hidden]
    assert hidden == audit([path], anonymize=True)


PLANTED = "planted-secret-7391"


def test_secrets_stay_in_the_dump(tmp_path: Path) -> None:
    """What Secrets, config maps, environments and annotations hold beyond the named switches is in no finding."""
    objects = [*documents(next(rule for rule in rules() if rule.id == "conntrack-lowered"), "fail")]
    (config,) = (item for item in objects if item["kind"] == "ConfigMap")
    config["data"]["kubeconfig.conf"] = PLANTED
    config["data"]["config.conf"] += f"token: {PLANTED}\n"
    config["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": PLANTED}
    for item in objects:
        if item["kind"] == "Pod":
            item["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": PLANTED}]
            item["spec"]["containers"][0]["args"] = [f"--token={PLANTED}"]
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"tls.key": PLANTED}})
    inventory = read_inventory([written(tmp_path, objects)])
    frames = [frame.collect().write_json() for frame in inventory.frames.values()]
    assert PLANTED not in json.dumps(audit([tmp_path / "dump.json"])) + "".join(frames) + inventory.facts.write_json()


def test_all_paths_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A path that is not there and one that is no dump are both reported."""
    (tmp_path / "broken.json").write_text('{"kind": "List", "items": [', encoding="utf-8")
    with pytest.raises(MeshlabError) as caught:
        audit([tmp_path / "absent.json", tmp_path / "broken.json"])
    assert len(caught.value.problems) == 2
    with pytest.raises(MeshlabError, match="no dump was given"):
        audit([])


# --- the tables ------------------------------------------------------------------------------------------------------


def test_rules_are_sound() -> None:
    """Ids are unique, severities known, every query of the audit is used and exists, every kind is one that is read."""
    assert len({rule.id for rule in rules()}) == len(rules())
    assert {rule.severity for rule in rules()} <= {"high", "medium", "low"}
    own = {name for name, query in QUERIES.items() if query.__module__.startswith("meshlab.cluster.audit.")}
    assert {rule.query for rule in rules()} == own
    kinds = set(read_table("audit/kinds")["kind"])
    assert {kind for rule in rules() for kind in rule.needs} <= kinds


@pytest.mark.parametrize("rule", RULES)
def test_conditions_name_columns_that_exist(rule: Rule, tmp_path: Path) -> None:
    """A rule's conditions and its particulars look only at facts and at columns of its query."""
    inventory = read_inventory([written(tmp_path, [])])
    facts = set(inventory.facts.columns)
    columns = {*facts, *QUERIES[rule.query](inventory).collect_schema().names()}
    assert set(pl.sql_expr(rule.applies).meta.root_names()) <= facts
    assert set(pl.sql_expr(rule.fails).meta.root_names()) <= columns
    assert {"kind", "namespace", "name"} <= columns
    cells = dict.fromkeys(columns, 0) | {"object": "", "ends": datetime(2026, 1, 1), "ended": datetime(2026, 1, 1)}  # noqa: DTZ001
    for template in filter(None, (rule.detail, rule.undecided, rule.subject)):
        assert template.format_map(cells)


def test_every_encapsulation_that_facts_tell_has_its_bytes() -> None:
    """Overheads name each pair of product, encapsulation and encryption once, and none is negative."""
    table = read_table("audit/overheads")
    assert table.select("product", "encapsulation", "encryption").is_unique().all()
    assert table["overhead_bytes"].min() == 0
    assert set(table["encapsulation"]) <= {"none", "ipip", "vxlan", "geneve", "wireguard"}


@given(
    selector=st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=1),
    labels=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")),
)
@settings(max_examples=60, deadline=None)
def test_selector_selects_where_all_its_labels_are(selector: dict[str, str], labels: dict[str, str]) -> None:
    """A selector selects labels just where each of its own is among them."""
    schema = {"id": pl.Int64, "key": pl.String, "value": pl.String}
    frames = [
        pl.LazyFrame([(number, *item) for item in pairs.items()], schema=schema, orient="row")
        for number, pairs in ((1, selector), (2, labels))
    ]
    expected = [(1, 2)] if selector.items() <= labels.items() else []
    assert selects(*frames).collect().rows() == expected


def test_an_empty_list_of_kubectl_counts_by_the_name_of_its_file(tmp_path: Path) -> None:
    """Kubectl's List of nothing says no kind: in a file named after one it proves that there are none of it."""
    nodes = tmp_path / "nodes.json"
    nodes.write_text('{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "a"}}', encoding="utf-8")
    missing: dict[str, set[str]] = {}
    for name in ("more.json", "peerauthentication.json", "networkpolicies.json"):
        empty = tmp_path / name
        empty.write_text('{"apiVersion": "v1", "items": [], "kind": "List"}', encoding="utf-8")
        shown = tmp_path / "folder"
        shown.mkdir(exist_ok=True)
        (shown / name).write_bytes(empty.read_bytes())
        (shown / "nodes.json").write_bytes(nodes.read_bytes())
        missing[name] = {kind for finding in audit([shown]) for kind in finding["missing"]}
        (shown / name).unlink()
    assert {"PeerAuthentication", "NetworkPolicy"} <= missing["more.json"]
    assert missing["more.json"] - missing["peerauthentication.json"] >= {"PeerAuthentication"}
    assert missing["more.json"] - missing["networkpolicies.json"] >= {"NetworkPolicy"}
