"""A review joins the models' answers; these tests follow single inputs from team file to report."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

import meshlab as ml
from meshlab.errors import MeshlabError
from meshlab.files import pretty_json
from meshlab.models import decision
from meshlab.reviews.cases import example_teams, find_teams, open_path
from meshlab.reviews.record import Disagreement, Review
from meshlab.reviews.review import build_reviews, open_review, outline, read_review, summary
from meshlab.reviews.team import Team, read_team
from meshlab.scenario import inputs
from meshlab.show import report

TEAMS = sorted(example_teams().glob("*.yaml"))


def write(folder: Path, name: str, text: str) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def review_of(folder: Path, text: str) -> Review:
    """The review of a team file with this text."""
    return open_review(write(folder, "team.yaml", text))


@pytest.fixture(scope="module")
def examples() -> list[Review]:
    """The reviews of all example teams."""
    return build_reviews([open_path(path) for path in find_teams([example_teams()])])


def test_every_example_team_has_a_verdict_with_reasons_and_five_estimates(examples: list[Review]) -> None:
    """Every example team gets a verdict with reasons and an estimate of each of the five data planes."""
    assert [review.team for review in examples] == [path.stem for path in TEAMS]
    for review in examples:
        assert review.verdict.reasons, review.team
        assert [row["dataplane"] for row in review.estimates] == [
            "none",
            "istio-sidecar",
            "istio-ambient",
            "cilium",
            "linkerd",
        ]


def test_every_example_team_names_its_source_and_the_reason_of_each_assumption() -> None:
    """Each example team says where its facts come from and why each supposed value was supposed."""
    for path in TEAMS:
        team = read_team(path)
        assert len(team.source) > 40, path
        assert all(len(assumption.why) > 10 for assumption in team.assumptions.values()), path


def test_requests_per_second_of_a_team_file_reaches_the_report(tmp_path: Path) -> None:
    """A rate that a team states shows in the scenario, the table of inputs and the report, and moves the CPU figure."""
    slow = review_of(tmp_path, "team: a\nscenario: {requests_per_second: 1234, pods: 100}\n")
    fast = review_of(tmp_path, "team: a\nscenario: {requests_per_second: 123400, pods: 100}\n")
    row = next(row for row in slow.inputs if row.input == "requests_per_second")
    assert row.value == slow.scenario["requests_per_second"] == 1234
    assert row.status == "stated"
    assert "1,234" in report.facts(slow).html
    cpu = [
        next(r for r in review.estimates if r["dataplane"] == "istio-sidecar")["cpu_cores"] for review in (slow, fast)
    ]
    assert cpu[1] > 2 * cpu[0]


def test_what_a_team_does_not_say_is_listed_as_an_assumption_or_as_unknown(tmp_path: Path) -> None:
    """An input that nobody gave is either a default, listed with its reason, or unknown and null."""
    review = review_of(tmp_path, "team: a\n")
    assumed = {row.input: row for row in review.assumptions}
    for name, spec in inputs().items():
        if spec.default is None:
            assert review.scenario[name] is None
            assert name not in assumed
        else:
            assert assumed[name].value is not None
            assert assumed[name].why


def test_a_stated_value_wins_over_the_cluster_and_the_difference_is_shown(tmp_path: Path, fixtures: Path) -> None:
    """Where team file and dump disagree the team file is used, and both values stand in the review."""
    dump = fixtures / "cluster_dump" / "replicatedhq__troubleshoot__nodes.json"
    review = review_of(tmp_path, f"team: a\ncluster: {dump}\nscenario: {{nodes: 5}}\n")
    assert review.scenario["nodes"] == 5
    assert [(row.input, row.used, row.found) for row in review.disagreements] == [("nodes", 5, 7)]
    assert "holds 7" in report.facts(review).html


def test_facts_of_a_dump_fill_what_the_team_does_not_state(tmp_path: Path, fixtures: Path) -> None:
    """Seven nodes in a dump are seven nodes in the scenario, marked as read from the cluster."""
    dump = fixtures / "cluster_dump" / "replicatedhq__troubleshoot__nodes.json"
    review = review_of(tmp_path, f"team: a\ncluster: {dump}\n")
    row = next(row for row in review.inputs if row.input == "nodes")
    assert (row.value, row.status) == (7, "measured")
    assert "nodes" not in {item.input for item in review.assumptions}


@pytest.mark.parametrize("stated", ["", "scenario: {services: 500}\n"])
def test_a_default_puts_no_more_pods_into_a_mesh_than_the_dump_holds(
    stated: str, tmp_path: Path, fixtures: Path
) -> None:
    """Of an OpenShift without applications the 73 pods that could join a mesh stand in, and the report warns of it."""
    dump = fixtures / "support_bundle" / "openshift__must-gather-clean__must-gather-aws-subset.tar.gz"
    review = review_of(tmp_path, f"team: a\ncluster: {dump}\n{stated}")
    assert (review.scenario["pods"], review.scenario["namespaces"]) == (73, 32)
    assumed = {row.input: row.why for row in review.assumptions}
    assert "no application pods: of the 174 pods that run, at most 73" in str(assumed["pods"])
    assert {row.input for row in review.disagreements} == ({"services"} if stated else set())
    for shown in (report.headline(review).html, report.headline(review).text, report.markdown_page(review)):
        assert "The dump shows no application pods" in shown.replace("\\", "")


def test_no_caution_where_applications_run(tmp_path: Path, fixtures: Path) -> None:
    """Pods that were found or stated stand on their own."""
    dump = fixtures / "support_bundle" / "openshift__must-gather-clean__must-gather-aws-subset.tar.gz"
    review = review_of(tmp_path, f"team: a\ncluster: {dump}\nscenario: {{pods: 60, namespaces: 20}}\n")
    assert report.caution(review) is None
    assert review.disagreements == []


def test_a_dump_stands_as_a_team_of_its_own(fixtures: Path) -> None:
    """A dump without a team file is reviewed under a name made from its file."""
    review = open_review(fixtures / "mesh_pods" / "np-guard__network-config-analyzer__bookinfo_pods_list.json")
    assert review.team == "np-guard-network-config-analyzer-bookinfo-pods-list"
    assert review.scenario["current_mesh"] == "istio-sidecar"
    assert review.scenario["pods"] == 6


def test_the_same_inputs_give_the_same_review_and_others_another_hash(tmp_path: Path) -> None:
    """Two reviews of one team are equal to the byte; a changed input changes the hash."""
    text = "team: a\nscenario: {pods: 100}\n"
    assert pretty_json(review_of(tmp_path, text)) == pretty_json(review_of(tmp_path, text))
    changed = review_of(tmp_path, text.replace("100", "101"))
    assert changed.inputs_sha256 != review_of(tmp_path, text).inputs_sha256


def test_a_review_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    """Reports travel: the folder in which they were made shows nowhere in them."""
    review = review_of(tmp_path, "team: a\nscenario: {pods: 100}\n")
    assert str(tmp_path) not in pretty_json(review)


def test_a_written_review_is_read_back_as_it_was(tmp_path: Path) -> None:
    """A review.json is a review: charts and reports need nothing else."""
    review = review_of(tmp_path, "team: a\n")
    path = write(tmp_path, "review.json", pretty_json(review))
    assert read_review(path) == review
    assert pretty_json(read_review(path)) == path.read_text(encoding="utf-8")
    assert open_review(path).team == "a"


OWN_RULE = """id,side,priority,condition,option,lenient,reason,source_id,text_date
OWN,cni,0,pods > 10,calico,false,we know it,opencost-default,2026-11-28
"""


@pytest.mark.parametrize("own", [False, True])
def test_an_outline_grows_into_the_review_of_its_case(tmp_path: Path, fixtures: Path, own: bool) -> None:
    """A review.json that holds a case alone is completed to the bytes of the review, with a team's own tables, too."""
    dump = fixtures / "mesh_pods" / "np-guard__network-config-analyzer__bookinfo_pods_list.json"
    text = (
        f"team: a\ncluster: {dump}\nneeds: [mtls]\nassumptions: {{pods: {{value: 40, why: a guess}}}}\nterraform: raw\n"
    )
    case = open_path(write(tmp_path, "team.yaml", text))
    if own:
        (tmp_path / "own").mkdir()
        write(tmp_path / "own", "preferences.csv", OWN_RULE)
    expected = build_reviews([case], decision.load_tables(tmp_path / "own") if own else None)[0]
    path = write(tmp_path, "review.json", pretty_json(outline(case, "own" if own else None)))
    assert pretty_json(open_review(path)) == pretty_json(expected) == path.read_text(encoding="utf-8")
    assert bool(expected.tables_changed) is own


def test_every_cited_source_is_in_the_review(examples: list[Review]) -> None:
    """Each source that a preference which holds cites is listed with its title and what its authors sell."""
    for review in examples:
        listed = {row["source_id"] for row in review.sources}
        for rule in (row for row in review.verdict.rows if row["state"] == "matched"):
            assert set(filter(None, (rule["source_id"] or "").replace(";", " ").split())) <= listed
        assert all(row["title"] and row["vendor_interest"] for row in review.sources)


def test_an_unknown_team_is_named_with_the_nearest_one() -> None:
    """A mistyped example team gets a hint."""
    with pytest.raises(MeshlabError, match="did you mean 'online-boutique'"):
        open_review("online-botique")


def test_a_folder_of_teams_gives_its_teams_and_not_the_dumps_beside_them(tmp_path: Path) -> None:
    """Dumps that lie beside team files are their clusters, not teams."""
    write(tmp_path, "a.yaml", "team: a\n")
    write(tmp_path, "b.yml", "# b\nteam: b\n")
    write(tmp_path, "nodes.yaml", "apiVersion: v1\nkind: List\nitems: []\n")
    write(tmp_path, "readme.md", "team: no\n")
    assert [path.name for path in find_teams([tmp_path])] == ["a.yaml", "b.yml"]


@pytest.mark.parametrize(
    ("text", "names_a_team"),
    [
        ('{"team": "payments"}', True),
        ('{\n  "needs": ["mtls"],\n  "team": "payments"\n}', True),
        ("{team: payments}", True),
        ("'team': payments", True),
        ('{"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"labels": {"team": "payments"}}}]}', False),
        ("apiVersion: v1\nkind: List\nitems:\n- metadata:\n    labels:\n      team: payments\n", False),
    ],
)
def test_a_label_named_team_makes_no_team_file(tmp_path: Path, text: str, names_a_team: bool) -> None:
    """A team file has the key ``team`` at its top; a dump whose pods are labelled with their team is a dump."""
    admitted: list[Team] = []
    with suppress(MeshlabError):  # none of these shows a cluster
        open_path(write(tmp_path, "prod.yaml", text), admitted.append)
    (found,) = admitted
    assert (found.name, found.cluster is None) == (("payments", True) if names_a_team else ("prod", False))


def test_paths_that_lead_nowhere_are_all_named(tmp_path: Path) -> None:
    """Two wrong paths are two problems in one answer."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(MeshlabError) as caught:
        find_teams([tmp_path / "missing", tmp_path / "empty"])
    assert [problem.what for problem in caught.value.problems] == [
        "no such file or folder",
        "holds neither team files nor a dump",
    ]


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7777 * 7777 }}"]
)
def test_other_peoples_text_is_escaped_in_every_fragment(tmp_path: Path, hostile: str) -> None:
    """Notes, sources and names from a dump show as text, never as markup."""
    review = review_of(tmp_path, "team: a\nscenario: {pods: 10}\n")
    review = replace(
        review,
        notes=hostile,
        source=hostile,
        facts={"unknown": [hostile]},
        disagreements=[Disagreement(input="nodes", used=hostile, found=hostile, source=hostile)],
        verdict=replace(review.verdict, reasons=[hostile]),
    )
    parts = [
        report.verdict,
        report.headline,
        report.flips,
        report.facts,
        report.rules,
        report.assumptions,
        report.sources,
        report.stamp,
    ]
    html = "".join(part(review).html for part in parts)
    assert hostile not in html.replace("{{", "") or "<" not in hostile
    assert "<script" not in html
    assert "<img" not in html
    assert "60481729" not in report.stamp(review).html


def test_what_a_team_demands_of_terraform_makes_a_warning_a_blocker(tmp_path: Path) -> None:
    """A need that no provider types is a warning, and a blocker where the team says that it must be typed."""
    text = "team: a\nscenario: {greenfield: true, kernel_oldest: 6.1.0, cloud: self-managed}\nneeds: [mtls]\n"
    warned, blocked = review_of(tmp_path, text), review_of(tmp_path, f"{text}terraform: typed\n")
    assert {row["severity"] for row in warned.iac} == {"warning"}
    assert "blocker" in {row["severity"] for row in blocked.iac}
    assert "(blocks)" in report.terraform(blocked).html
    assert warned.inputs_sha256 != blocked.inputs_sha256
    with pytest.raises(MeshlabError, match="did you mean 'typed'"):
        review_of(tmp_path, f"{text}terraform: type\n")


def test_every_example_review_says_what_terraform_cannot_express(examples: list[Review]) -> None:
    """The tracker's part stands in each example review, each row with its source and its day."""
    for review in examples:
        for row in review.iac:
            assert row["source_id"], review.team
            assert row["as_of"], review.team
        assert "<section" in report.terraform(review).html
    assert sum(bool(review.iac) for review in examples) >= 4


def test_a_title_begins_as_a_sentence_does(examples: list[Review]) -> None:
    """Whatever is recommended, its words begin with a capital: they stand as headings and in cells."""
    assert report.option_text("stay", "calico") == "Keep Calico"
    for option in (None, "stay", "none", "gateway", "cilium", "calico-enterprise", "istio-ambient", "linkerd"):
        assert report.option_text(option)[0].isupper(), option
    for review in examples:
        assert report.title_text(review)[0].isupper(), review.team


def test_a_row_of_the_index_says_how_near_the_provider_s_limit_is() -> None:
    """At 1,000 nodes and more pods than the limit allows, one node more changes the answer: a thousandth away."""
    at_the_limit = ml.review(
        {
            "scenario": "a",
            "nodes": 1000,
            "services": 900,
            "pods": 50_000,
            "cloud": "aks",
            "current_cni": "cilium",
            "current_cni_edition": "azure-cni-powered-by-cilium-acns",
            "current_mesh": "none",
            "greenfield": False,
            "cni_healthy": True,
            "kernel_oldest": "6.6.0",
            "windows_nodes": 0,
            "regulated": False,
            "needs": ["l7_policy"],
            "licence_usd_per_year": 100_000,
            "requests_per_second": 2000,
        }
    )
    assert summary(at_the_limit)["margin"] == pytest.approx(0.001)


def test_a_budget_strikes_out_the_same_options_whatever_the_cloud() -> None:
    """Where the cloud is not known, other contests are tried: the options over budget are the same in each of them."""
    known = {
        "scenario": "a",
        "nodes": 30,
        "services": 90,
        "pods": 600,
        "current_cni": "calico",
        "current_mesh": "none",
        "greenfield": False,
        "needs": ["mtls"],
        "max_usd_per_month": 200,
    }
    verdict = ml.review(known).verdict
    assert "cloud" in verdict.unknown
    over = {option["label"] for option in verdict.options if "over budget" in (option["why_not"] or "")}
    assert over
    elsewhere = {
        option["label"]
        for cloud in ("eks", "openshift")
        for option in ml.review({**known, "cloud": cloud}).verdict.options
        if option["label"] in {each["label"] for each in verdict.options} and "over budget" in (option["why_not"] or "")
    }
    assert elsewhere <= over
