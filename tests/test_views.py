"""Views that follow a panel, driven in Python: pages, the answer with its flips, the map, and files on the files."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.models import decision
from meshlab.models.decision.domain_map import domain_map
from meshlab.reviews.cases import example_teams, open_case, open_path
from meshlab.reviews.review import light_review, open_review, review_values
from meshlab.reviews.team import Team, read_team, team_text
from meshlab.scenario import frame_of
from meshlab.show import report, widgets
from meshlab.show.charts import Chart, Look, chart, stated
from meshlab.show.theme import option_words
from meshlab.show.widgets.scenario_files import NO_EXAMPLE, ScenarioFiles, _read

VALUES: dict[str, Any] = {
    "services": 120,
    "pods": 480,
    "needs": ["mtls"],
    "current_cni": "calico",
    "current_mesh": "none",
    "kernel_oldest": "5.15.0",
}


@pytest.fixture
def panel() -> widgets.Panel:
    """A panel of a platform whose facts are known."""
    return widgets.panel(VALUES)


# --- pages ---------------------------------------------------------------------------------------------------------


def test_only_the_page_in_sight_is_computed(panel: widgets.Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change computes the page in sight alone, and a page that comes into sight shows the newest scenario."""
    computed: list[str] = []

    def noted(name: str, *given: Any, **options: Any) -> Chart:
        computed.append(name)
        return chart(name, *given, **options)

    explorer = widgets.explorer(panel)
    monkeypatch.setattr(sys.modules["meshlab.show.widgets.explorer"], "chart", noted)
    panel.controls["pods"].text.value = "900"
    assert computed == ["memory", "cpu", "latency", "cost"]
    explorer.chooser.value = "Curves"
    panel.controls["pods"].text.value = "1100"
    assert computed[4:] == ["curve-cost"] * 2
    look = Look("light", min_width=500)
    drawn = chart("curve-cost", stated({**VALUES, "pods": 1100}), look, over="pods", figure="cost_usd_per_month")
    assert list(explorer.figures.figures) == ["curves"]
    assert explorer.figures.figures["curves"]["data"] == drawn.spec["data"]


def test_every_page_shows_something_and_says_it_in_words(panel: widgets.Panel) -> None:
    """Each page draws at once when it comes into sight, and each of its figures has an alternative in words."""
    explorer = widgets.explorer(panel)
    for name in explorer.pages:
        explorer.chooser.value = name
        assert explorer.choices.selected_index == list(explorer.pages).index(name)
        if name == "Assumed":
            assert explorer.figures.figures == {}
            assert "four replicas a service" not in explorer.text.value
            assert "ten services a namespace" in explorer.text.value
        else:
            assert explorer.text.value == ""
            assert explorer.figures.figures
            assert all(len(figure["alt"]) > 40 for figure in explorer.figures.figures.values())
    assert panel.message.value == ""


def test_what_a_page_shows_can_be_chosen(panel: widgets.Panel) -> None:
    """Another input or figure redraws the page; the same thing cannot be chosen twice, the lists change places."""
    explorer = widgets.explorer(panel)
    explorer.chooser.value = "Curves"
    explorer.page.choices["over"].value = "nodes"
    assert "over worker nodes" in explorer.figures.figures["curves"]["alt"]
    explorer.chooser.value = "Break-even"
    one, other = (explorer.page.choices[name] for name in ("one", "other"))
    before = one.value, other.value
    one.value = other.value
    assert (one.value, other.value) == before[::-1]


def test_a_page_follows_the_theme_of_the_page(panel: widgets.Panel) -> None:
    """When the page turns dark, what is in sight is drawn in dark colours."""
    explorer = widgets.explorer(panel)
    explorer.figures.dark = True
    review = review_values(panel.scenario)
    assert explorer.figures.figures["cost"]["data"] == chart("cost", review, Look("dark")).spec["data"]


# --- the answer ----------------------------------------------------------------------------------------------------


def test_the_answer_is_that_of_the_decision(panel: widgets.Panel) -> None:
    """The heading is the verdict of the scenario, with reasons, and the three numbers of the review."""
    view = widgets.AnswerView(panel)
    review = review_values(VALUES)
    assert report.title_text(review) in view.headline.title.value
    assert report.headline(structs.replace(review, tuning=None)).html == view.headline.answer.value
    assert view.reasons.reasons.value == report.verdict(review).html


def test_each_flip_keeps_its_promise(panel: widgets.Panel) -> None:
    """Pressing the button of a flip changes the facts that it names, and the verdict becomes what it said."""
    buttons = [child for child in widgets.AnswerView(panel).reasons.flips.children if hasattr(child, "click")]
    assert buttons
    for text in [button.description for button in buttons]:
        panel.set(VALUES)
        view = widgets.AnswerView(panel)
        (button,) = [child for child in view.reasons.flips.children if getattr(child, "description", None) == text]
        button.click()
        assert f">{text.rpartition('→ ')[2]}<" in view.headline.title.value
        assert panel.scenario != VALUES


def test_missing_facts_that_matter_are_named() -> None:
    """Facts that are unknown and could change the answer stand in the view by their labels."""
    view = widgets.AnswerView(widgets.panel({"services": 120}))
    for name in decision.explain(frame_of([{"scenario": "x", "services": 120}]))[0]["unknown"]:
        assert report.input_label(str(name)) in view.reasons.missing.value


# --- the map -------------------------------------------------------------------------------------------------------


def test_the_map_follows_its_axes_and_the_panel(panel: widgets.Panel) -> None:
    """A field for each pair of cells, its words the verdicts of the domain map, over the axes that were chosen."""
    view = widgets.DecisionView(panel)
    view.across.value = "regulated"
    panel.set({**VALUES, "services": 900})
    frame = domain_map({**VALUES, "services": 900}, "regulated", "kernel_oldest")
    (figure,) = view.figures.figures.values()
    assert len(figure["data"][0]["x"]) == frame.height
    assert [text.split("<br>")[-1] for text in figure["data"][0]["customdata"]] == [
        f"{option_words(row['cni'])}; {option_words(row['mesh'])}" for row in frame.iter_rows(named=True)
    ]


def test_a_weighed_map_waits_for_the_hand_to_rest(panel: widgets.Panel) -> None:
    """Coloured by chances each field says its own, after a pause; the map of verdicts follows at once."""
    view = widgets.DecisionView(panel, "greenfield", "needs:mtls")
    view.colour.value = "probability"
    assert view.map.pause_s > 0
    (figure,) = view.figures.figures.values()
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert sum(text.endswith(("%", "not known")) for text in texts) == len(figure["data"][0]["x"])
    view.colour.value = "verdict"
    assert view.map.pause_s == 0


def test_the_rows_of_the_tables_stand_beside_the_map(panel: widgets.Panel) -> None:
    """The matrix shows as many rows as decided or could have, drawn as a report of the same facts draws it."""
    view = widgets.DecisionView(panel)
    drawn = chart("matrix", review_values(VALUES), Look(min_width=500)).spec
    assert view.rows.figures["matrix"]["data"] == drawn["data"]


def test_one_input_for_both_axes_is_refused_in_words(panel: widgets.Panel) -> None:
    """The same input across and down changes nothing in the map, and the panel says why."""
    view = widgets.DecisionView(panel)
    before = view.figures.tick
    view.across.value = "kernel_oldest"
    assert view.figures.tick == before
    assert "both axes" in panel.message.value


# --- the files -----------------------------------------------------------------------------------------------------


def files_of(panel: widgets.Panel) -> ScenarioFiles:
    """The files of a panel."""
    (files,) = [child for child in panel.children if isinstance(child, ScenarioFiles)]
    return files


def test_an_example_team_is_loaded(panel: widgets.Panel) -> None:
    """Choosing an example gives the panel what its team file and cluster say, and says how many values."""
    files = files_of(panel)
    files.example.value = "online-boutique"
    given = {row.input: row.value for row in open_review("online-boutique").inputs}
    assert panel.scenario.items() <= given.items()
    assert panel.scenario["services"] == given["services"]
    assert f"Loaded online-boutique: {len(panel.scenario)} values." in files.message.value
    files.example.value = NO_EXAMPLE
    assert panel.scenario["services"] == given["services"]


def test_a_file_with_mistakes_is_told_line_by_line(panel: widgets.Panel, tmp_path: Path) -> None:
    """All problems of a file are shown with their lines, and the panel stays as it was."""
    file = tmp_path / "bad.yaml"
    file.write_text("team: bad\nscenario:\n  nodes: few\n  servises: 3\n", encoding="utf-8")
    files = files_of(panel)
    files.load(file)
    assert "bad.yaml, line 3" in files.message.value
    assert "bad.yaml, line 4" in files.message.value
    assert panel.scenario == VALUES


@pytest.mark.parametrize("text", ["~nobody-of-that-name/x", "x" * 5000, "a\0b", "/dev/zero", "\udcff", "."])
def test_whatever_is_typed_as_a_path_is_answered(text: str, panel: widgets.Panel, tmp_path: Path) -> None:
    """No path ends in silence, which a page without code would keep for ever."""
    files = files_of(panel)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESHLAB_FOLDER", str(tmp_path))
        files.path.value = text
        files.load_button.click()
    assert 'role="alert"' in files.message.value
    assert panel.scenario == VALUES


@pytest.mark.parametrize("name", ["", "..", "x" * 5000, "a\0b"])
def test_whatever_an_upload_is_called_is_answered(name: str, panel: widgets.Panel) -> None:
    """A page may say any name of a file that it sends."""
    files = files_of(panel)
    files._uploaded({"new": [{"name": name, "content": b"team: a"}]})
    assert 'role="alert"' in files.message.value


def test_a_missing_file_and_markup_in_its_name_are_told_as_text(panel: widgets.Panel) -> None:
    """A path that leads nowhere is an error in words, and its name is never markup."""
    files = files_of(panel)
    files.load(Path("<b>x.yaml"))
    assert "no such file" in files.message.value
    assert "<b>" not in files.message.value


def test_an_upload_is_read_and_leaves_no_file(panel: widgets.Panel) -> None:
    """A file of the browser is read from its bytes; a path in its name leads nowhere else."""
    files = files_of(panel)
    content = memoryview(b"team: mine\nscenario: {nodes: 9}\n")
    files.upload.value = (
        {"name": "../mine.yaml", "type": "", "size": 31, "content": content, "last_modified": datetime.now(UTC)},
    )
    assert panel.scenario == {"nodes": 9}
    assert files.upload.value == ()
    assert not Path("../mine.yaml").exists()


def test_what_is_saved_can_be_read_again(panel: widgets.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved scenario is a team file that states exactly its values; saving again replaces it."""
    monkeypatch.chdir(tmp_path)
    files = files_of(panel)
    files.name.value = "mine"
    for pods in (480, 900):
        panel.controls["pods"].text.value = str(pods)
        files.save_button.click()
        assert f"Saved {tmp_path / 'mine.yaml'}." in files.message.value
        team = read_team(tmp_path / "mine.yaml")
        assert team.stated == {**VALUES, "pods": pods}


def saved(panel: widgets.Panel, file: Path, change: dict[str, object] | None = None) -> Path:
    """A file that was loaded, changed and saved, in the working folder."""
    files = files_of(panel)
    files._take(_read(file))
    panel.set(panel.scenario | (change or {}))
    files.name.value = "again"
    files.save_button.click()
    return Path("again.yaml")


@pytest.mark.parametrize("file", sorted(example_teams().glob("*.yaml")), ids=lambda file: file.stem)
def test_what_was_loaded_and_saved_is_the_same_team(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team that was loaded and saved differs in its name and file alone: what was assumed still is, with its why."""
    monkeypatch.chdir(tmp_path)
    team = read_team(saved(widgets.panel(), file))
    assert replace(team, name="", file="") == replace(read_team(file), name="", file="")
    one, other = (
        {name: (item.value, item.status) for name, item in open_case(each).given.items()}
        for each in (team, read_team(file))
    )
    assert one == other


def test_what_is_changed_is_stated_and_the_rest_stays_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed assumption and a changed fact are stated; other facts still come from the dump, whose path leads."""
    monkeypatch.chdir(tmp_path)
    dump = Path(__file__).parent / "migration" / "budgets.yaml"
    file = tmp_path / "below" / "t.yaml"
    file.parent.mkdir()
    assumed = "assumptions: {services: {value: 9, why: a guess}}"
    file.write_text(f"team: t\ncluster: {dump}\nnotes: n\n{assumed}\n", encoding="utf-8")
    before = open_path(file)
    team = read_team(saved(widgets.panel(), file, {"nodes": 77}))
    assert team.stated == {"nodes": 77}
    assert (team.notes, team.assumptions) == ("n", before.team.assumptions)
    others = open_case(team).given | {"nodes": before.given["nodes"]}
    assert others == before.given
    Path("again.yaml").unlink()
    assert read_team(saved(widgets.panel(), file, {"services": 8})).stated == {"services": 8}


def test_a_file_that_was_there_before_is_left_alone(
    panel: widgets.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving never replaces a file that this panel did not write, and refuses names that are no names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.yaml").write_text("team: theirs\n", encoding="utf-8")
    files = files_of(panel)
    for name, words in (("theirs", "exists already"), ("../up", "letters, digits"), ("", "letters, digits")):
        files.name.value = name
        files.save_button.click()
        assert words in files.message.value
    assert (tmp_path / "theirs.yaml").read_text(encoding="utf-8") == "team: theirs\n"
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.yaml"]


@pytest.mark.parametrize(
    "values",
    [{}, {"nodes": 3}, {"needs": []}, {"needs": ["mtls"]}, {"kernel_oldest": "5.10"}, {"mtls": False, "pods": 12}],
)
def test_a_team_s_text_says_its_values(tmp_path: Path, values: dict[str, object]) -> None:
    """The text of a team is read as the values that it was made of: none, empty and unknown stay apart."""
    file = tmp_path / "t.yaml"
    file.write_text(team_text(Team("t", "", values, source='from "here": now')), encoding="utf-8")
    team = read_team(file)
    assert team.stated == values
    assert team.source == 'from "here": now'


def test_a_team_without_a_plain_name_has_no_text() -> None:
    """A name that could leave its folder is refused."""
    with pytest.raises(MeshlabError, match="letters, digits"):
        team_text(Team("../x", ""))


# --- light reviews -------------------------------------------------------------------------------------------------


def test_a_light_review_says_what_the_whole_one_says() -> None:
    """Scenario, estimates, headline and verdict of a light review are those of the whole one."""
    light, whole = light_review(VALUES), review_values(VALUES)
    for part in ("scenario", "estimates", "headline"):
        assert getattr(light, part) == getattr(whole, part)
    for name in ("cni", "mesh"):
        assert getattr(light.verdict, name) == getattr(whole.verdict, name)
