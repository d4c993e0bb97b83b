"""What a board reads and signs: the first page, the record of the decision, and the same as Markdown."""

from __future__ import annotations

import json
import math
import re
from html import unescape
from pathlib import Path

import pytest
from msgspec.structs import replace
from records import record as bare

import meshlab as ml
from meshlab.models.decision.labels import lower_first
from meshlab.reviews import comparison
from meshlab.reviews.comparison import _beaten
from meshlab.reviews.record import Review
from meshlab.reviews.review import open_review
from meshlab.show import charts, first_page, report
from meshlab.show.charts.intervals import estimates
from meshlab.show.export.chart import PLOTLY_MIME, STILL, contents
from meshlab.show.labels import listed, plain
from meshlab.show.theme import figure_text
from meshlab.units import rounded

EXAMPLES = ("bookinfo-istio", "fleet-500-aks", "online-boutique", "openshift-aws", "wikikube-eqiad")


@pytest.fixture(scope="module")
def examples() -> dict[str, Review]:
    """Reviews of the example teams by name."""
    return {name: open_review(name) for name in EXAMPLES}


def team(folder: Path, text: str) -> Review:
    """The review of a team file."""
    path = folder / "team.yaml"
    path.write_text(f"team: a\n{text}", encoding="utf-8")
    return open_review(path)


def words(html: str) -> str:
    """The text of a fragment."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_first_page_answers_what_a_board_asks(examples: dict[str, Review], name: str) -> None:
    """Answer, every known figure of the pair with its interval, objection, certainty, change, gap and next step."""
    review = examples[name]
    page = words(first_page.summary(review).html)
    assert review.verdict.sentence in page
    assert first_page.objections(review)[0] in page
    for heading in ("How sure is it?", "What would change it?", "What is not known", "What is next?"):
        assert heading in page
    assert first_page.next_step(review) in page
    first = first_page.chosen(review)
    assert first is not None
    for row in first_page.figure_rows(review, [first]):
        (cell,) = row["cells"]
        assert (cell["text"] or "not known") in page
        assert cell["interval"] in page


def test_the_first_page_says_what_stands_against_the_recommendation(examples: dict[str, Review]) -> None:
    """That it may not fit, that another option is better throughout, and that a move by choice is never paid back."""
    small = ml.review({**examples["fleet-500-aks"].known, "node_memory_gib": 4})
    said, first = first_page.objections(small), first_page.chosen(small)
    assert first is not None
    share = f"{100 * first['within']['fits']:.0f} %"
    assert said[0] == f"It fits into the memory of the cluster with a probability of only {share}."
    (beaten,) = [row for row in said if "USD less over the horizon: " in row]
    assert beaten.startswith("Azure CNI + Linkerd (edge releases) costs ")
    assert "; in latency and memory it is as good or better." in beaten
    assert any("the platform's provider supports this one" in reason for reason in small.verdict.why)
    budget = r", but a running budget below [\d,.]+ USD a month would\.$"
    assert any(re.search(budget, sentence) for sentence in first_page.certainty(examples["fleet-500-aks"]))
    assert not any(sentence.endswith("the move is never paid back.") for sentence in said)
    ailing = {"cloud": "eks", "current_cni": "aws-vpc", "cni_healthy": False, "needs": ["policy_audit_log"]}
    moved = ml.review({"nodes": 12, "pods": 400, "greenfield": False, "current_mesh": "none", **ailing})
    assert any(sentence.endswith("the move is never paid back.") for sentence in first_page.objections(moved))
    assert "ml-caution" in first_page.summary(examples["fleet-500-aks"]).html
    known, unknown = {"median": 1.0}, {"median": None}
    criteria = {"total_usd": unknown, "added_p99_ms": known, "memory_gib": unknown}
    assert _beaten({"criteria": criteria}, "A", told_apart=("cost",)) == (
        "A is as good or better in latency; memory cannot be compared."
    )


def test_no_first_page_hides_what_the_numbers_say_against_it(examples: dict[str, Review], shared: Path) -> None:
    """In examples and the field's decisions: dominated, over a limit, or not paid back stands on the first page."""
    fields = sorted((shared / "field" / "verdicts").glob("*.yaml"))
    reviews = [*examples.values(), *map(open_review, fields)]
    assert len(reviews) > len(EXAMPLES)
    weak = 0
    for review in reviews:
        assert review.comparison is not None, review.team
        page = words(first_page.summary(review).html)
        for first in (option for option in review.comparison["options"] if option["recommended"]):
            if first["dominated_by"]:
                weak += 1
                other = re.escape(first["dominated_by"])
                assert re.search(f"{other} (is|costs .* USD less .* it is) as good or better", page), review.team
            over = [share for share in first["within"].values() if share is not None and share < 0.95]
            weak += len(over)
            told = [page.count(sign) for sign in ("It exceeds ", "with a probability of only ")]
            assert sum(told) == len(over), review.team
            saved, months = first["saves_usd_per_month"], first["payback_months"]
            if saved is not None and (months is None or months > review.comparison["horizon_months"]):
                weak += 1
                signs = ("never paid back", "pays for the move only after", "does not pay for the move within")
                # against what cannot stay it is no argument: the table alone says so
                stays = any(row["today"] and row["eligible"] is not False for row in review.comparison["options"])
                assert any(sign in page for sign in signs) is stays, review.team
                assert ("Paid back" in page) is stays, review.team
    assert weak > 3


def test_a_budget_that_is_broken_is_named_as_people_know_it(tmp_path: Path) -> None:
    """The label of the budget stands in the sentence and not its id; one that may hold has its probability."""
    review = team(
        tmp_path,
        "scenario: {pods: 4000, nodes: 60, services: 300, cloud: self-managed, current_cni: calico, "
        "current_mesh: none, cni_healthy: true, kernel_oldest: 6.1.0, max_added_p99_ms: 1, max_usd_per_month: 2000}\n"
        "needs: [mtls]\n",
    )
    said = first_page.objections(review)
    assert any("the latency budget with a probability of only" in sentence for sentence in said)
    assert not any("max_" in sentence for sentence in said)
    assert "Latency budget is exceeded" in {
        row["risk"].partition(" (")[0] for row in first_page.decision(review)["risks"]
    }
    told = [comparison._exceeds(*each) for each in (("max_usd_per_month", 0.0), ("fits", 0.01), ("fits", 0.5))]
    assert told == [
        "It exceeds the running budget.",
        "It exceeds the memory of the cluster.",
        "It fits into the memory of the cluster with a probability of only 50 %.",
    ]


@pytest.mark.parametrize(
    ("scenario", "needs", "said"),
    [
        (
            "current_cni: flannel, current_cni_edition: k3s, current_mesh: none",
            "encryption_in_transit",
            "nothing has to be moved. Unless it is done already: switch encryption between nodes on",
        ),
        ("current_cni: flannel, current_cni_edition: k3s, current_mesh: none", "network_policy", "has to be moved."),
        (
            "current_cni: calico, current_cni_edition: self-run, current_mesh: none, max_move_hours: 25",
            "mtls",
            "Raise the budget of the move, or rehearse it first",
        ),
        (
            "current_cni: calico, current_cni_edition: self-run, current_mesh: none, max_added_p99_ms: 1",
            "mtls",
            "Measure first whether it keeps to its budget",
        ),
    ],
)
def test_the_next_step_is_one_that_helps(tmp_path: Path, scenario: str, needs: str, said: str) -> None:
    """What stays may have to be switched on, and hours of a move are not what a load test measures."""
    shared = "cloud: self-managed, windows_nodes: 0, cni_healthy: true, kernel_oldest: 6.1.0, nodes: 6, services: 20"
    review = team(tmp_path, f"scenario: {{{shared}, {scenario}}}\nneeds: [{needs}]\n")
    assert said in first_page.next_step(review)
    assert ("Unless it is done" in first_page.next_step(review)) is ("Unless it is done" in said)


def test_where_not_enough_is_known_questions_take_the_place_of_the_answer(tmp_path: Path) -> None:
    """Without needs nothing is recommended, the questions are there, and the record is not to be signed."""
    review = team(tmp_path, "scenario: {pods: 400, nodes: 12}\n")
    page = first_page.summary(review).html
    assert review.verdict.questions[0]["question"] in words(page)
    assert "★ recommended" not in page
    assert first_page.chosen(review) is None
    assert "There is nothing to sign yet" in first_page.record(review).html
    assert "Answer the questions" in first_page.next_step(review)


def test_where_nothing_meets_everything_the_nearest_are_compared_and_nothing_is_to_be_signed(tmp_path: Path) -> None:
    """Windows workloads in a mesh on AKS: no option, so the lead says so, and its rivals stand beside what runs."""
    review = team(
        tmp_path,
        "scenario: {cloud: aks, current_cni: azure-cni, current_cni_edition: azure-npm, nodes: 40, "
        "windows_nodes: 12, greenfield: false, kernel_oldest: 5.15.0, current_mesh: none, cni_healthy: true}\n"
        "needs: [mtls, windows_nodes]",
    )
    page = words(first_page.summary(review).html)
    assert page.startswith("None of the options meets everything that is asked. ")
    shown = first_page.options_shown(review)
    assert len(shown) > 1
    assert not any(option["recommended"] or option["eligible"] for option in shown)
    assert "recommended" not in page
    assert "Sign the decision record" not in page
    assert "Decide which need the platform can do without" in page
    assert "# a: None of the options meets everything that is asked\n" in report.decision_record(review)


def test_nodes_that_a_mesh_leaves_out_speak_against_it(tmp_path: Path) -> None:
    """A cluster with Windows nodes reads on the first page that they stay outside of what is recommended."""
    review = team(
        tmp_path,
        "scenario: {cloud: aks, current_cni: azure-cni, current_cni_edition: calico-policy-engine, nodes: 20, "
        "windows_nodes: 5, greenfield: false, kernel_oldest: 5.15.0, current_mesh: none, cni_healthy: true}\n"
        "needs: [mtls]",
    )
    assert any("Windows nodes stay outside" in sentence for sentence in first_page.objections(review))


def test_what_encryption_between_nodes_takes_is_said_where_the_network_has_to_do_it(tmp_path: Path) -> None:
    """A Calico that stays encrypts only once WireGuard is switched on, which takes CPU; else it need not."""
    facts = (
        "{cloud: self-managed, current_cni: calico, current_mesh: none, nodes: 40, windows_nodes: 0, "
        "greenfield: false, kernel_oldest: 5.15.0, cni_healthy: true}"
    )
    page = words(first_page.summary(team(tmp_path, f"scenario: {facts}\nneeds: [encryption_in_transit]")).html)
    assert re.search(r"See that traffic is encrypted between nodes.* WireGuard takes [\d.]+ cores \([\d.]+ – ", page)
    without = words(first_page.summary(team(tmp_path, f"scenario: {facts}\nneeds: [flow_observability]")).html)
    assert "encrypted between nodes" not in without


AKS = (
    "scenario: {{cloud: aks, current_cni: azure-cni, current_cni_edition: {edition}, nodes: 30, services: 60, "
    "windows_nodes: 0, greenfield: {new}, kernel_oldest: 5.15.0, current_mesh: none, cni_healthy: true, "
    "regulated: false}}\nneeds: [{needs}]"
)


@pytest.mark.parametrize(
    ("edition", "new", "needs", "said"),
    [
        ("azure-npm", "false", "mtls, l7_observability", "before its support ends on 2028-09-30"),
        ("no-policy-engine", "false", "gateway_api", "costs extra (gateway and capacity units per hour)"),
        ("no-policy-engine", "true", "mtls", "The facts as stated cannot hold together"),
        ("calico-policy-engine", "false", "host_protection", "removing the policy engine that AKS manages first"),
        ("no-policy-engine", "false", "egress_gateway", "meets egress gateway in part: AKS add-on, not the plugin"),
    ],
)
def test_a_day_a_price_and_a_contradiction_stand_on_the_first_page(
    tmp_path: Path, edition: str, new: str, needs: str, said: str
) -> None:
    """However much the figures say, what ends, what is paid for, what a move needs and what is wrong are told."""
    review = team(tmp_path, AKS.format(edition=edition, new=new, needs=needs))
    assert sum(said in sentence for sentence in first_page.objections(review)) == 1
    assert ("Correct the facts" in first_page.next_step(review)) is (new == "true")


def test_what_nobody_has_read_comes_before_the_signature(tmp_path: Path) -> None:
    """Whether Red Hat's mesh meets FIPS is to be found out, and no price of a licence is missed."""
    facts = (
        "{cloud: openshift, current_cni: ovn-kubernetes, current_mesh: none, nodes: 24, services: 70, cni_healthy: true"
    )
    review = team(tmp_path, f"scenario: {facts}, licence_usd_per_year: 0}}\nneeds: [mtls, fips]")
    begun = r"Find out first whether it meets FIPS mode, and what is not known: [a-z ]+\. If the answer stands"
    assert re.match(begun, first_page.next_step(review))
    assert not any("licence is not stated" in sentence for sentence in first_page.certainty(review))


def test_what_ails_and_stays_is_weighed_against_what_keeps_it_too(tmp_path: Path) -> None:
    """Costs of other meshes over the plugin that stays are known, and not said to be unknown."""
    facts = (
        "{cloud: eks, current_cni: cilium, current_cni_edition: self-run, current_mesh: none, nodes: 24, services: 70"
    )
    review = team(
        tmp_path, f"scenario: {facts}, kernel_oldest: 6.1.0, windows_nodes: 0, cni_healthy: false}}\nneeds: []"
    )
    assert review.verdict.cni == "stay"
    assert any("cheapest option whose cost is known" in sentence for sentence in first_page.certainty(review))


def test_the_reason_for_an_option_that_is_beaten_is_its_own(tmp_path: Path) -> None:
    """Where the first preferences hand over, none that speaks of what runs is given as the reason for a mesh."""
    facts = "{cloud: self-managed, current_cni: calico, current_mesh: none, nodes: 24, services: 70, cni_healthy: true}"
    review = team(tmp_path, f"scenario: {facts}\nneeds: [egress_gateway, retries]")
    (beaten,) = (sentence for sentence in first_page.objections(review) if "as good or better" in sentence)
    assert "The reason for the recommended one" not in beaten
    assert review.verdict.why[0].startswith("Sidecars of Istio meet all that is asked")
    assert not any("the mesh of today" in reason.lower() for reason in review.verdict.why)


def test_least_and_most_of_a_row_are_marked_and_bars_lie_on_one_scale(examples: dict[str, Review]) -> None:
    """Of options that can be chosen one is the least and one the most; each interval is drawn where it belongs."""
    review = examples["fleet-500-aks"]
    shown = first_page.options_shown(review)
    rows = {row["label"]: row["cells"] for row in first_page.figure_rows(review, shown)}
    assert [cell["mark"] for cell in rows["Memory"]] == ["most", "", "", "least"]
    assert [row["today"] for row in shown] == [False, True, False, False]
    for cells in rows.values():
        for cell in cells:
            left, middle, right = cell["bar"]
            assert 0 <= left <= middle <= right <= 100
    assert rows["Memory"][0]["bar"][1] > rows["Memory"][2]["bar"][1] > rows["Memory"][3]["bar"][1]


def test_the_hours_of_a_move_have_their_money_beside_them(examples: dict[str, Review]) -> None:
    """Hours of people cost: what they come to, with a second cluster where there is one, stands beside the hours."""
    review = examples["fleet-500-aks"]
    shown = first_page.options_shown(review)
    (cells,) = [row["cells"] for row in first_page.figure_rows(review, shown) if row["label"] == "The move"]
    for option, cell in zip(shown, cells, strict=True):
        usd, hours = option["criteria"]["move_usd"]["median"], option["criteria"]["move_hours"]["median"]
        assert cell["note"].endswith(" USD") == bool(usd and hours)
    small = ml.review({"nodes": 6, "pods": 120, "cloud": "self-managed", "current_cni": "calico", "needs": []})
    for each in (review, small):  # a move that is made, and one that only others would take
        rows = first_page.figure_rows(each, first_page.options_shown(each))
        assert [row["unit"] for row in rows if row["label"] == "The move"] == ["person-hours"]


def test_plan_and_drivers_are_of_what_is_recommended(examples: dict[str, Review]) -> None:
    """Hours, money and nodes of the plan are those of the first page, and drivers start at the scoped sidecars."""
    review = examples["fleet-500-aks"]
    first, plan = first_page.chosen(review), review.migration
    assert first is not None
    assert plan is not None
    assert first["label"].endswith(", scoped")
    for name, figure in (("hours", "move_hours"), ("usd", "move_usd")):
        ends = [first["criteria"][figure][end] for end in ("lo", "median", "hi")]
        assert [plan[f"{name}{end}"] for end in ("_lo", "", "_hi")] == pytest.approx(ends)
    nodes = figure_text(first["criteria"]["nodes"]["median"])
    assert any(step["action"].endswith(f"they fill {nodes} nodes") for step in plan["steps"])
    for row in review.sensitivity or ():
        criteria = first["criteria"][row["figure_name"]]
        assert criteria["lo"] < row["figure"] < criteria["hi"], row["driver"]


def test_how_often_an_option_is_the_cheapest_is_told_only_among_several(tmp_path: Path) -> None:
    """With one price alone, or where each rival is the same network and a mesh more, there is no such row."""
    review = team(tmp_path, "scenario: {nodes: 6, pods: 120, cloud: self-managed, current_cni: calico}\nneeds: []\n")
    compared = review.comparison
    assert compared is not None
    for priced, told in ((0, False), (1, False), (3, True)):
        page = replace(review, comparison={**compared, "priced": priced})
        text = words(first_page.summary(page).html) + words(report.comparison(page).html)
        for end in ("priced", "options with a known price"):
            assert text.count(f"of {priced} {end}") == told
        assert ("Cheapest" in text) == told


CALICO = {"cni": "calico", "edition": {"cni": "self-run", "mesh": None}}
OTHER = {"cni": "cilium", "edition": {"cni": "self-run", "mesh": None}}


@pytest.mark.parametrize(
    ("known", "priced"),
    [
        ([], 0),
        ([CALICO | {"mesh": "linkerd"}], 1),
        ([CALICO | {"mesh": "none"}, CALICO | {"mesh": "linkerd"}, CALICO | {"mesh": "istio-ambient"}], 0),
        ([CALICO | {"mesh": "none"}, CALICO | {"mesh": "linkerd"}, OTHER | {"mesh": "none"}], 3),
        ([CALICO | {"mesh": "linkerd"}, CALICO | {"mesh": "istio-ambient"}], 2),
    ],
)
def test_an_option_that_all_others_contain_is_no_winner(known: list[dict[str, object]], priced: int) -> None:
    """Where all others are the same network with a mesh beside it, being cheaper tells nothing."""
    rows = [{**row, "probability_best": 0.5} for row in known]
    assert comparison._priced([*rows, {**CALICO, "mesh": "none", "probability_best": None}]) == priced


def test_what_is_cheaper_is_told_by_the_medians_of_the_table(tmp_path: Path) -> None:
    """The totals in the sentence are those that the table shows, digit by digit; the work is what that sum pays for."""
    review = team(
        tmp_path,
        "scenario: {nodes: 12, services: 60, cloud: self-managed, windows_nodes: 0, current_cni: calico,"
        " current_mesh: none, greenfield: false, cni_healthy: true, kernel_oldest: 5.15.0, regulated: false}\n"
        "needs: [mtls, multi_cluster, retries]\n",
    )
    rows = review.comparison["options"] if review.comparison else []
    first = next(row for row in rows if row["recommended"])
    (line,) = [line for line in (review.comparison or {})["against"] if "USD less over the horizon" in line]
    rival = next(row for row in rows if line.startswith(f"{row['label']} costs "))
    other, mine = (row["criteria"]["total_usd"]["median"] for row in (rival, first))
    assert f" costs {figure_text(mine - other)} USD less " in line
    assert f": {figure_text(other)} instead of {figure_text(mine)}" in line
    fleet = open_review("fleet-500-aks").comparison
    assert fleet is not None
    premium = fleet["premium"]
    # an hour costs 60 to 150 USD, most likely 100: some 102 in the middle
    assert premium["usd"] / 36 / 105 < premium["person_hours_per_month"] < premium["usd"] / 36 / 99
    assert (
        f"the price of {figure_text(premium['person_hours_per_month'])} person-hours of work a month"
        in fleet["against"][0]
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_record_can_be_signed_and_the_decision_record_says_the_same(examples: dict[str, Review], name: str) -> None:
    """Status, blanks for who and when, triggers, risks with owners, exits: in HTML and in Markdown alike."""
    review = examples[name]
    held, page, adr = first_page.decision(review), words(first_page.record(review).html), report.decision_record(review)
    assert first_page.record(review).html.count("to be filled in") == 3 + len(held["risks"])
    assert adr.startswith("---\nstatus: proposed\ndate:\ndecision-makers:\n---\n")
    for line in (*held["ranking"], *held["triggers"], *held["exits"], review.verdict.sentence):
        assert " ".join(line.split()) in page
        assert plain(line) in adr
    for row in held["risks"]:
        assert all(row.values())
        assert not re.match("the vendor's offer|look with|support of|a new release", row["sign"], re.IGNORECASE)
        assert " ".join(row["risk"].split()) in page
        assert f"| {plain(row['risk'])} | {plain(row['sign'])} | {row['owner']} |" in adr
    assert not any(line.startswith("Way back") for line in held["exits"])
    moves = bool(review.migration) and not review.migration["stays"] and not review.migration["fresh"]
    assert any("go back" in line for line in held["exits"]) == moves
    assert 1 <= held["review_months"] <= first_page.YEAR
    assert sum(flip["changes"] != [] for flip in review.verdict.flips) >= len(held["triggers"]) - 1


def test_other_peoples_text_is_escaped_on_the_page_that_is_signed(examples: dict[str, Review]) -> None:
    """Markup in a sentence, a caveat, a risk or an option's name shows as text."""
    review, hostile = examples["fleet-500-aks"], "<img src=x onerror=alert(1)>"
    compared = json.loads(json.dumps(review.comparison))
    compared["against"] = [hostile]
    compared["options"][0]["label"] = hostile
    options = [
        {
            **row,
            "caveats": [{"kind": "caveat", "text": hostile, "sign": hostile, "mitigation": hostile}],
            "label": hostile,
        }
        for row in review.verdict.options
    ]
    verdict = replace(review.verdict, sentence=hostile, options=options)
    plan = {
        **(review.migration or {}),
        "risks": [dict.fromkeys(("risk", "sign", "owner", "abort", "rollback"), hostile)],
    }
    changed = replace(review, verdict=verdict, comparison=compared, migration=plan)
    assert "<img" not in first_page.summary(changed).html + first_page.record(changed).html
    assert "<img" not in re.sub(r"\\<img", "", report.decision_record(changed) + report.markdown_page(changed))


def test_a_review_without_a_comparison_has_a_first_page() -> None:
    """Where nothing was compared the sentence, what speaks against it and the next step are left."""
    review = bare(scenario={"current_cni": None, "current_mesh": None})
    assert "What is next?" in first_page.summary(review).html
    assert "Exit criteria" in first_page.record(review).html


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_link_to_a_source_leads_to_its_row(examples: dict[str, Review], name: str) -> None:
    """From a figure to the row of its source, and from there to the page that says it."""
    review = examples[name]
    parts = (first_page.summary, report.rules, report.migration, report.terraform, report.findings)
    linked = {each for part in parts for each in re.findall(r'href="#source-([^"]+)"', part(review).html)}
    rows = set(re.findall(r'id="source-([^"]+)"', report.sources(review).html))
    assert {row["source_id"] for row in review.sources} == rows
    assert linked
    assert linked <= rows


@pytest.mark.parametrize("name", EXAMPLES)
def test_tables_have_captions_and_their_headings_a_scope(examples: dict[str, Review], name: str) -> None:
    """Whoever hears a page is told what a table holds and what a heading belongs to."""
    review = examples[name]
    parts = (
        *(
            first_page.summary,
            first_page.record,
            report.verdict,
            report.comparison,
            report.flips,
            report.facts,
            report.rules,
        ),
        *(report.assumptions, report.drivers, report.findings, report.migration, report.terraform, report.sources),
    )
    for part in parts:
        html = part(review).html
        assert len(re.findall(r"<table[^>]*>\s*<caption", html)) == html.count("<table"), part
        assert not re.search(r"<th(?![^>]*scope)[ >]", html), part


def test_no_chart_shows_the_bar_that_uploads_it(examples: dict[str, Review]) -> None:
    """Neither a notebook, nor a piece of HTML, nor a report nor a live view offers to send figures away."""
    assert STILL == {"displayModeBar": False, "displaylogo": False, "plotlyServerURL": ""}
    drawn = charts.chart("memory", examples["fleet-500-aks"])
    assert drawn._repr_mimebundle_()[PLOTLY_MIME]["config"] == STILL  # type: ignore[index]
    assert json.dumps(STILL) in contents([drawn], "html", script="plotly.min.js")[0].decode()
    root = Path(report.__file__).parents[1]
    assert "Plotly" not in (root / "templates" / "report" / "index.html.j2").read_text("utf-8")
    live = (root / "show" / "widgets" / "live.js").read_text("utf-8")
    calls = re.findall(r"displayModeBar: false, displaylogo: false, plotlyServerURL: \"\"", live)
    assert len(calls) == live.count("displayModeBar") == 1


def test_a_chart_whose_figures_differ_much_has_a_logarithmic_scale_that_says_so(examples: dict[str, Review]) -> None:
    """On it every interval lies within the axis; where figures are alike, or below zero, the bars begin at zero."""
    for name in EXAMPLES:
        for kind in ("memory", "cpu", "cost"):
            drawn = charts.chart(kind, examples[name])
            axis = drawn.spec["layout"]["xaxis"]
            shown = next(trace for trace in drawn.spec["data"] if trace.get("error_x"))
            some = [value for value in shown["x"] if value]
            ends = zip(shown["x"], shown["error_x"]["arrayminus"], strict=True)
            saves = any(median - below < 0 for median, below in ends if median is not None)
            assert (axis.get("type") == "log") == (max(some) > 20 * min(some) and not saves), (name, kind)
            assert ("logarithmic" in axis["title"]["text"]) == (axis.get("type") == "log")
            if axis.get("type") == "log":
                assert all(axis["range"][0] < value < axis["range"][1] for value in map(math.log10, some))


def test_lists_and_first_letters_within_a_sentence() -> None:
    """One, two, more than fit; names and abbreviations keep their capital."""
    assert [listed("abc"[:count], "or", 2) for count in range(4)] == ["", "a", "a or b", "a, b, and 1 more"]
    assert [*map(lower_first, ("Virtual machines", "FIPS mode", "Envoy extensions", "A pod", ""))] == [
        *("virtual machines", "FIPS mode", "Envoy extensions", "a pod", ""),
    ]


def test_the_record_weighs_each_option_against_the_recommended_one(examples: dict[str, Review]) -> None:
    """Options have arguments of their own, with money, memory and the move; Markdown asks what is to be known."""
    for name, review in examples.items():
        weighed = report.decision_record(review).partition("## Pros and Cons of the Options")[2].partition("## More")[0]
        parts = [part.partition("\n")[2].strip() for part in weighed.split("### ")[1:]]
        first = first_page.chosen(review)
        assert all(part.startswith("- ") for part in parts), name
        if first is not None:
            assert f"costs {report.figure_text(first['criteria']['monthly_usd']['median'])} USD" in parts[0] or (
                first["criteria"]["monthly_usd"]["median"] is None and "costs an unknown number of USD" in parts[0]
            )
            assert any(" instead of " in part for part in parts[1:]), name
        page = report.markdown_page(review)
        assert all(report.plain(item["question"]) in page for item in review.verdict.questions)
        assert "## Why\n" in page
        silent = replace(review, verdict=replace(review.verdict, reasons=()))
        assert "## Why\n" not in report.markdown_page(silent)
        assert "| Total over " in page or "| Total " not in page


def test_what_a_dump_counts_is_not_called_measured_by_the_team(fixtures: Path) -> None:
    """One status stands for both, and the report's words say which it is."""
    review = open_review(fixtures / "cluster_dump" / "newrelic__nri-kubernetes__k8s_1_35_cluster.yaml")
    page = report.facts(review).html
    assert page.count("counted in the dump") == sum(row.status == "measured" for row in review.inputs) > 0
    assert "measured by the team" not in page
    files = [{"file": row.source} for row in review.inputs if row.status == "measured"]
    own = {"files": [{**files[0], "kind": "table", "inputs": [], "figures": 0, "notes": []}], "figures": []}
    assert "measured by the team" in report.facts(replace(review, measured=own)).html


def test_a_dump_alone_comes_with_the_team_file_to_begin_with(tmp_path: Path, shared: Path) -> None:
    """Written beside the dump as it stands on the page it is a team file, and its review asks for it no more."""
    dump = tmp_path / "prod.json"
    dump.write_bytes((shared / "field" / "dumps" / "cni-two-agents-aks-cilium.json").read_bytes())
    review = open_review(dump)
    begun = first_page.starter(review)
    assert begun is not None
    assert begun.replace('"', "&#34;").split("\n")[1] in first_page.summary(review).html
    assert "in a team file like the one above" in first_page.next_step(review)
    own = tmp_path / "prod.yaml"
    own.write_text(begun, encoding="utf-8")
    answered = open_review(own)
    assert answered.verdict.questions == []
    assert first_page.starter(answered) is None


def test_rows_say_which_of_them_decides_and_which_hands_over(shared: Path) -> None:
    """Where mutual TLS is asked, that nothing asks for a mesh holds in vain; what runs today decides."""
    html = report.rules(open_review(shared / "field" / "verdicts" / "16-linkerd-licence.yaml")).html
    of_row = dict(re.findall(r"<code>([\w-]+)</code></td>\s*<td>(.*?)</td>", html, re.DOTALL))
    assert "hands over: its option cannot be chosen" in of_row["no-mesh"]
    assert "decides" in of_row["running-network"]
    assert "hands over" not in of_row["linkerd"]


def test_why_this_one_names_what_stands_behind_it(examples: dict[str, Review], shared: Path) -> None:
    """Of two that the same preference prefers, and of one that is preferred before, what is not finished there."""
    (why,) = [row for row in examples["openshift-aws"].verdict.why if "ranks behind it" in row]
    assert why.startswith(
        "OpenShift Service Mesh 3 in ambient mode ranks behind it; not generally available there: traffic man"
    )
    civitas = open_review(shared / "field" / "verdicts" / "01-civitas-core.yaml")
    assert "Istio in ambient mode (run by you) ranks behind it" in words(first_page.summary(civitas).html)
    assert not any(row.verdict.why for row in examples.values() if row.verdict.mesh == "stay" == row.verdict.cni)


def test_a_network_without_a_mesh_is_given_no_figures_of_a_mesh(shared: Path) -> None:
    """Neither the star nor the headline is that of Cilium's mesh; and where nothing runs yet, no row runs today."""
    schenker = open_review(shared / "field" / "verdicts" / "05-db-schenker.yaml")
    assert (schenker.verdict.cni, schenker.verdict.mesh, schenker.headline.dataplane) == ("cilium", "none", "none")
    rows = estimates(schenker, ["memory_gib"]).rows(named=True)
    assert {row["dataplane"]: (row["recommended"], row["today"]) for row in rows}["none"] == (True, True)
    new = open_review(shared / "field" / "verdicts" / "01-civitas-core.yaml")
    assert not estimates(new, ["memory_gib"])["today"].any()


def test_what_is_ruled_out_is_not_praised(shared: Path) -> None:
    """A preference for what cannot be had is told with what bars it, and the grade says that conditions stand above."""
    managed = open_review(shared / "field" / "verdicts" / "23-aks-managed-cilium.yaml")
    barred = [row for row in managed.verdict.conflicts if row["ruled_out"]]
    assert barred
    assert all(row["why_not"] in words(report.verdict(managed).html) for row in barred)
    assert not any(row["reason"] in words(report.verdict(managed).html) for row in barred)
    assert first_page.DOCUMENTED_ALONE in " ".join(first_page.certainty(managed))


def test_what_does_not_pay_is_not_the_next_step(shared: Path) -> None:
    """Scoping of what runs is advised only where it pays within the horizon."""
    fips = open_review(shared / "field" / "verdicts" / "07-uds-core-fips.yaml")
    assert fips.comparison is not None
    (tuned,) = [row for row in fips.comparison["options"] if row["tuned"] and row["today"]]
    assert tuned["payback_months"] > fips.comparison["horizon_months"]
    assert first_page.scoping_text(fips) is None
    rich = replace(fips, comparison={**fips.comparison, "horizon_months": tuned["payback_months"] + 1})
    assert first_page.scoping_text(rich)


def test_a_fee_that_is_not_known_is_told_by_what_it_may_be(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the fee that is named the other option costs less, by the same medians; where none may be, that is said."""
    monkeypatch.setattr(comparison, "_fees", dict)  # as if nobody had a list price
    for name, worth in (("08-govuk-eks", True), ("15-intenseye-grpc", False)):
        compared = open_review(shared / "field" / "verdicts" / f"{name}.yaml").comparison
        assert compared is not None
        totals = {row["label"]: row["criteria"]["total_usd"]["median"] for row in compared["options"]}
        (first,) = [row for row in compared["options"] if row["recommended"]]
        (told,) = [sentence for sentence in compared["against"] if " fee" in sentence]
        rival = max((label for label in totals if label in told), key=len)
        monthly, move = (first["criteria"][figure]["median"] for figure in ("cost_usd_per_month", "move_usd"))
        fee = (totals[rival] - move) / compared["horizon_months"] - monthly
        assert (fee > 0) is worth
        assert f"above {rounded(fee)} USD a month" in told if worth else "Whatever its fee" in told


def test_a_fee_with_a_list_price_is_counted(shared: Path) -> None:
    """EKS Auto Mode takes 12 % of what its nodes cost by the same prices, and is over a budget for fees below that."""
    path = shared / "field" / "verdicts" / "08-govuk-eks.yaml"
    review = open_review(path)
    first, of = first_page.chosen(review), review.scenario
    assert first is not None
    hourly = of["node_cpu_cores"] * of["cpu_usd_per_core_hour"] + of["node_memory_gib"] * of["memory_usd_per_gib_hour"]
    fee = 0.12 * of["nodes"] * hourly * 8760 / 12
    assert first["criteria"]["licence_usd_per_month"]["median"] == pytest.approx(fee)
    assert "of it a fee at list price" in words(first_page.summary(review).html)
    assert (
        "fees at list price"
        in next(row for row in review.sources if row["source_id"] == "eks-auto-mode-fee")["supports"]
    )
    enough, less = (ml.review({**review.known, "licence_usd_per_year": share * fee * 12}) for share in (1.01, 0.99))
    assert enough.verdict.edition["cni"] == "eks-auto-mode" != less.verdict.edition["cni"]


def test_a_release_that_nobody_supports_is_upgraded_before_it_stays(tmp_path: Path) -> None:
    """What the dump shows and the audit finds is an argument against, and the first of what is next."""
    dump = Path(__file__).parent / "audit_cases" / "release-unsupported" / "fail.yaml"
    known = "scenario: {current_cni: calico, current_mesh: istio-sidecar, mesh_healthy: true, cni_healthy: true}"
    page = team(tmp_path, f"cluster: {dump}\nneeds: [mtls]\n{known}\n")
    assert (page.verdict.cni, page.verdict.mesh) == ("stay", "stay")
    (told,) = [sentence for sentence in first_page.objections(page) if "whose support ended on" in sentence]
    assert told in words(first_page.summary(page).html)
    assert first_page.next_step(page).startswith("Upgrade what is out of support. ")


def test_the_cheapest_of_the_others_is_among_those_that_are_shown(examples: dict[str, Review], shared: Path) -> None:
    """A winner of the row of the cheapest has a column, and what runs today, tuned, only where that pays."""
    for review in (*examples.values(), open_review(shared / "field" / "verdicts" / "01-civitas-core.yaml")):
        shown = first_page.options_shown(review)
        others = [row for row in (review.comparison or {"options": ()})["options"] if row["probability_best"]]
        best = max(others, key=lambda row: row["probability_best"], default=None)
        assert best is None or best["tuned"] or best in shown
    assert not any(row["tuned"] for row in first_page.options_shown(examples["bookinfo-istio"]))


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("05-db-schenker", ["Calico without a mesh", "Calico Enterprise without a mesh"]),
        ("07-uds-core-fips", ["Istio in ambient mode (a vendor's build with FIPS)", "Buoyant Enterprise"]),
        ("08-govuk-eks", ["with Calico Enterprise as policy engine", "Cilium (run by you) without a mesh"]),
        ("16-linkerd-licence", ["Linkerd (edge releases)", "Buoyant Enterprise for Linkerd"]),
    ],
)
def test_what_a_board_would_weigh_stands_beside_the_answer(name: str, beside: list[str], shared: Path) -> None:
    """What can be chosen before what is open, no needless mesh, and editions where they are the question."""
    review = open_review(shared / "field" / "verdicts" / f"{name}.yaml")
    labels = [row["label"] for row in first_page.options_shown(review)]
    assert all(any(words in label for label in labels) for words in beside)


def test_where_the_edition_of_today_may_have_to_go_the_choice_is_named(shared: Path) -> None:
    """To pay, to run edge releases, or to leave: what Linkerd without stable releases comes to, beside one plugin."""
    said = first_page.next_step(open_review(shared / "field" / "verdicts" / "16-linkerd-licence.yaml"))
    choice = said.partition("otherwise choose: ")[2]
    ways = re.split(r", or |, | or ", choice.rstrip("."))
    assert [way.removeprefix("Cilium + ") for way in ways] == [
        "Linkerd (edge releases)",
        "Buoyant Enterprise for Linkerd",
        "Istio in ambient mode (run by you)",
    ]


def test_what_a_new_cluster_would_have_is_priced_beside_the_rest(shared: Path) -> None:
    """Where that is the only way out it has a column: its move is that of a second cluster, and nothing is weighed."""
    review = open_review(shared / "field" / "verdicts" / "10-aks-windows.yaml")
    option = first_page.options_shown(review)[1]
    assert option["label"] == "Azure CNI with Calico as policy engine without a mesh"
    assert option["move"]["second_cluster"]
    assert (option["eligible"], option["probability_best"]) == (False, None)
    in_place = (
        next(row for row in review.comparison["options"] if row["mesh"] == "istio-ambient") if review.comparison else {}
    )
    assert option["criteria"]["move_usd"]["lo"] > in_place["criteria"]["move_usd"]["hi"]
    assert option["criteria"]["memory_gib"]["median"] is None  # that of its engine was not measured
    text = words(first_page.summary(review).html)
    assert "in a new cluster" in text
    assert "a second cluster included" in text
    assert f"otherwise choose: {option['label']}, in a new cluster." in text


def test_a_network_that_all_options_have_and_nobody_measured_tells_none_apart(
    examples: dict[str, Review], tmp_path: Path
) -> None:
    """Of OpenShift's network no figure is known: meshes on it are compared by themselves, and it is said so."""
    review = examples["openshift-aws"]
    assert review.comparison is not None
    rows = {row["mesh"]: row for row in review.comparison["options"] if not row["today"]}
    alone = {row["dataplane"]: row["memory_gib"] for row in review.estimates}
    for mesh, row in rows.items():
        assert row["mesh_alone"]
        assert row["criteria"]["memory_gib"]["median"] == pytest.approx(alone[mesh], rel=0.3)
        assert row["payback_months"] is row["saves_usd_per_month"] is None
    text = words(first_page.summary(review).html)
    assert text.count("the mesh alone") == 4
    assert "no measurement covers it, so that figures are of the mesh alone." in text
    # where some keep a network and others come with one that was measured, they are not alike
    apart = team(
        tmp_path, "scenario: {nodes: 6, pods: 90, cloud: eks, current_cni: aws-vpc}\nneeds: [dns_policy, mtls]\n"
    )
    assert not any(row["mesh_alone"] for row in (apart.comparison or {})["options"])


def test_a_default_for_traffic_at_layer_7_is_told_where_all_of_it_may_be_asked(tmp_path: Path) -> None:
    """Ambient mode takes more with each request that is read: a default is no answer where requests are to be seen."""
    text = "scenario: {{nodes: 12, services: 60, pods: 300, cloud: self-managed, current_cni: calico{}}}\nneeds: [{}]\n"
    asked = team(tmp_path, text.format("", "l7_observability"))
    assert "20 % is assumed" in first_page.summary(asked).text
    for given, needs in ((", l7_traffic_share: 1", "l7_observability"), ("", "mtls")):
        assert "is assumed, and in ambient" not in first_page.summary(team(tmp_path, text.format(given, needs))).text


def test_what_has_to_be_set_up_in_what_stays_is_told_with_its_command(tmp_path: Path) -> None:
    """Encryption that the network of today can do and that is off: next step, report and sources name it."""
    cluster = "scenario: {nodes: 6, pods: 120, cloud: self-managed, current_cni: flannel, current_cni_edition: k3s}\n"
    review = team(tmp_path, f"{cluster}needs: [encryption_in_transit]\n")
    assert "Unless it is done already: switch encryption between nodes on" in first_page.next_step(review)
    html = report.migration(review).html
    assert "wireguard-native" in html
    assert {"k3s-networking"} <= {
        row["source_id"] for row in review.sources if "what has to be set up" in row["supports"]
    }


def test_a_long_answer_is_a_headline_and_what_has_to_be_found_out(tmp_path: Path) -> None:
    """What is recommended stands in bold, and what it hangs on below it, so that no word of the answer is lost."""
    review = team(tmp_path, "scenario: {nodes: 6, current_cni: calico}\nneeds: [mtls, dns_policy]\n")
    assert len(review.verdict.sentence) > first_page.HEADLINE
    page = first_page.summary(review).html
    headline = words(page.partition("</p>")[0])
    assert headline.endswith(".")
    assert len(headline) <= first_page.HEADLINE
    assert "To be found out first: " not in headline
    assert review.verdict.sentence in words(page)
