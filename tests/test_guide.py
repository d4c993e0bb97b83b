"""The guided review: which questions are asked, what their answers lead to, and what becomes of answers in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meshlab.errors import MeshlabError
from meshlab.models.decision import decide
from meshlab.models.decision.questions import open_questions, questions
from meshlab.reviews.team import read_team
from meshlab.scenario import frame_of
from meshlab.show import report, views, widgets
from meshlab.show.widgets.scenario_files import FollowUp, run

CLUSTER: dict[str, Any] = {
    "current_cni": "calico",
    "current_mesh": "none",
    "kernel_oldest": "5.15.0",
    "cloud": "eks",
    "greenfield": False,
    "windows_nodes": 0,
}
"""What a dump tells: everything but what is needed."""

KNOWN = {**CLUSTER, "needs": ["mtls"], "cloud": None}


def answer(values: dict[str, Any]) -> tuple[str | None, ...]:
    """What is decided for a scenario."""
    frame = decide(frame_of([{"scenario": "x", **values}])).collect()
    return frame.select("cni", "mesh", "cni_edition", "mesh_edition").row(0)


@pytest.mark.parametrize("values", [CLUSTER, KNOWN], ids=["needs unknown", "cloud unknown"])
def test_each_answer_leads_to_what_is_decided_then(values: dict[str, Any]) -> None:
    """Each value that a question names leads to the decision for the scenario with it, and that is another one."""
    asked = open_questions(frame_of([{"scenario": "x", **values}]))
    assert asked
    now = answer({**values, "needs": values.get("needs") or []})
    for each in asked:
        assert each.now == now
        for change, reached in each.leads.items():
            assert reached == answer(change.on({**values, "needs": values.get("needs") or []})) != now
    different = [len({*each.leads.values()}) for each in asked]
    assert different == sorted(different, reverse=True)


def test_what_is_known_is_not_asked() -> None:
    """A known input, a need among known ones and the edition of what does not run are no questions."""
    asked = {each.question.id for each in open_questions(frame_of([{"scenario": "x", **KNOWN}]))}
    assert "cloud" in asked
    assert not asked & {"identity", "requests", "kernel_oldest", "current_mesh_edition"}
    again = open_questions(frame_of([{"scenario": "x", **KNOWN}]), ["identity"])
    assert {"requests", "traffic"} <= {each.question.id for each in again}


@pytest.fixture
def panel() -> widgets.Panel:
    """A panel that holds what a dump tells."""
    return widgets.panel(CLUSTER)


def guide_of(panel: widgets.Panel) -> Any:
    """The questions beside a panel."""
    explorer = widgets.Desk(panel).explorer
    explorer.chooser.value = "Questions"
    return explorer.pages["Questions"].view


def test_five_questions_come_first_each_with_its_why_and_its_answers(panel: widgets.Panel) -> None:
    """Five are shown, those that lead to the most answers first; a button shows what is left."""
    guide = guide_of(panel)
    asked = open_questions(frame_of([{"scenario": "x", **CLUSTER}]))
    assert list(guide.rows) == [each.question.id for each in asked[:5]]
    for each in asked[:5]:
        row = guide.rows[each.question.id]
        assert each.question.why in row.children[0].value
        assert row.leads.value.count("<li>") == min(len({*each.leads.values()}), 99)
        assert "otherwise" in row.leads.value
    guide.more.click()
    assert list(guide.rows) == [each.question.id for each in asked]
    assert guide.more.layout.display == "none"


def test_an_answer_goes_to_the_panel_and_needs_answered_in_part_are_an_assumption(
    panel: widgets.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was ticked is needed; needs that nobody was asked about are told as an assumption, also in the team file."""
    monkeypatch.chdir(tmp_path)
    guide = guide_of(panel)
    guide.more.click()
    guide.rows["identity"].control.boxes["mtls"].value = True
    assert panel.scenario["needs"] == ["mtls"]
    guide.rows["traffic"].control.none.value = True
    assert panel.scenario["needs"] == ["mtls"]
    assert {"identity", "traffic"} <= guide.rows.keys()
    panel.scenario_files.name.value = "part"
    panel.scenario_files.save()
    team = read_team(tmp_path / "part.yaml")
    assert "needs" not in team.stated
    assert team.assumptions["needs"].value == ["mtls"]
    assert "nobody was asked about" in team.assumptions["needs"].why
    assert "Retries" not in team.assumptions["needs"].why
    assert [row.input for row in panel.whole(panel.scenario).assumptions if row.input == "needs"] == ["needs"]


def test_needs_that_were_all_asked_about_are_stated(
    panel: widgets.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every question about needs answered the list is what the team states."""
    monkeypatch.chdir(tmp_path)
    guide = guide_of(panel)
    for each in [each for each in questions() if each.needs]:
        guide._answer(each, ["mtls"] if each.id == "identity" else [])
    assert panel.assumed == {}
    assert panel.scenario["needs"] == ["mtls"]
    panel.scenario_files.name.value = "whole"
    panel.scenario_files.save()
    assert read_team(tmp_path / "whole.yaml").stated["needs"] == ["mtls"]


def test_an_answer_that_is_taken_back_is_unknown_again(panel: widgets.Panel) -> None:
    """Without a tick a question about needs is open again, and so is an input without a value."""
    guide = guide_of(panel)
    first = next(row for row in guide.rows.values() if row.question.needs)
    box = next(iter(first.control.boxes.values()))
    box.value = True
    assert panel.scenario["needs"]
    box.value = False
    assert "needs" not in panel.scenario
    assert panel.assumed == {}
    guide.anew.click()
    assert panel.scenario == {}
    guide.rows["current_cni"].control.choice.value = "cilium"
    assert panel.scenario == {"current_cni": "cilium"}
    guide.rows["current_cni"].control.choice.value = ""
    assert panel.scenario == {}


DUMP = """\
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
  - apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: reads, namespace: shop}
    spec: {rules: [{to: [{operation: {methods: [GET]}}]}]}
"""


def test_needs_in_use_are_filled_in(panel: widgets.Panel, tmp_path: Path) -> None:
    """What the objects of a dump use is ticked with its evidence, counts, and can be taken back."""
    guide = guide_of(panel)
    file = tmp_path / "shop.yaml"
    file.write_text(DUMP, encoding="utf-8")
    panel.scenario_files.load(file)
    assert panel.scenario["needs"] == ["l7_policy"]
    guide.more.click()
    row = guide.rows["requests"]
    assert row.control.boxes["l7_policy"].value
    assert "In use: Layer 7 policy, such as by AuthorizationPolicy shop/reads" in row.children[0].value
    row.control.none.value = True
    assert panel.scenario["needs"] == []


def test_every_view_of_the_desk_tells_something(panel: widgets.Panel) -> None:
    """Each view is there when it comes into sight, beside the same answer, and none complains."""
    panel.set({**CLUSTER, "needs": ["mtls"], "pods": 480, "services": 120})
    explorer = widgets.Desk(panel).explorer
    words = {"Comparison": "Cheapest", "Migration": "Takes", "Evidence": "Median factor", "Assumptions": "price"}
    for name in explorer.pages:
        explorer.chooser.value = name
        assert words.get(name, "") in explorer.text.value
        assert explorer.pages[name].view or explorer.text.value or explorer.figures.figures
    assert panel.message.value == ""


def test_lists_choose_what_evidence_and_terraform_show() -> None:
    """Another choice of a list shows other figures: predicted with their own source, of another release or product."""
    view = widgets.evidence_view()
    for name in view.pages:
        view.chooser.value = name
        (before,) = view.figures.figures.values()
        view.page.choices["left_out"].value = False
        (after,) = view.figures.figures.values()
        assert before["data"] != after["data"]
    view = widgets.terraform_view()
    for name, choice in (("Options", "version"), ("Features", "product")):
        view.chooser.value = name
        before = view.text.value
        view.page.choices[choice].value = view.page.choices[choice].options[-1][1]
        assert "<td" in view.text.value != before


def test_a_move_is_planned_for_what_is_loaded() -> None:
    """Another team that is loaded gives the plan of its own move, and nothing can be saved there."""
    moves = widgets.MoveView(*views.opened("openshift-aws"))
    before = moves.words.value
    moves.scenario_files.example.value = "bookinfo-istio"
    planned = views.planned(*views.opened("bookinfo-istio"), own=moves.own)
    assert moves.words.value == report.migration_line(planned).html != before
    assert moves.scenario_files.save_button not in [
        each for row in moves.scenario_files.children for each in getattr(row, "children", ())
    ]


# --- what follows --------------------------------------------------------------------------------------------------


def test_what_follows_is_offered_once_a_team_is_saved(
    panel: widgets.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving offers the file and a block for a document; a name that is no Markdown document here is refused."""
    monkeypatch.setenv("MESHLAB_FOLDER", str(tmp_path))
    follow_up: FollowUp = panel.scenario_files.follow_up
    assert follow_up.layout.display == "none"
    panel.scenario_files.name.value = "mine"
    panel.scenario_files.save()
    assert follow_up.layout.display == ""
    files = {file["label"]: file for file in follow_up.files.files}
    assert files["Download the team file"]["text"] == (tmp_path / "mine.yaml").read_text("utf-8")
    follow_up.chart.value = "memory"
    files = {file["label"]: file for file in follow_up.files.files}
    block = "<!-- meshlab chart=memory team=mine.yaml -->\n<!-- /meshlab -->\n"
    assert files["Copy the block of the chart"]["text"] == block
    for name in ("../up.md", "notes.txt", ""):
        follow_up.document.value = name
        follow_up.add.click()
        assert "names no Markdown document" in follow_up.message.value
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_document_of_any_kind_is_answered(tmp_path: Path) -> None:
    """What stands at a document's name may be no text or no file, and the name may look like an option."""
    (tmp_path / "mine.yaml").write_text("team: mine\nscenario: {nodes: 5, pods: 100}\n", encoding="utf-8")
    (tmp_path / "latin.md").write_bytes(b"\xff")
    (tmp_path / "folder.md").mkdir()
    follow_up = FollowUp()
    follow_up.path = tmp_path / "mine.yaml"
    for name, words in (
        ("latin.md", "is not UTF-8"),
        ("folder.md", "cannot be read"),
        ("x" * 400 + ".md", "File name too long"),
        ("-x.md", "The chart is ready"),
    ):
        follow_up.document.value = name
        follow_up.add.click()
        assert words in follow_up.message.value
    assert (tmp_path / "latin.md").read_bytes() == b"\xff"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    """The error of a command is told in its own words."""
    with pytest.raises(MeshlabError, match=r"meshlab embed: .*no-such\.md"):
        run(["embed", "no-such.md"], tmp_path)
