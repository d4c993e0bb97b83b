"""Rendering: whole files or none, one bad team among good ones, the same bytes twice, nothing from the network."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.render import render_one, render_reviews
from meshlab.review import open_review


def team(folder: Path, name: str, text: str = "scenario: {pods: 40}\n") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"team: {name}\n{text}", encoding="utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder with two good teams and two bad ones."""
    folder = tmp_path_factory.mktemp("teams")
    out = folder / "reports"
    paths = [
        team(folder, "good"),
        team(folder, "bad", "scenario: {nodez: 3}\n"),
        team(folder, "other", "notes: <b>&\n"),
    ]
    double = folder / "again.yaml"
    double.write_text("team: GOOD\n", encoding="utf-8")
    outcomes = render_reviews([*paths, double], out, jobs=2)
    assert [(outcome.team, outcome.failed) for outcome in outcomes] == [
        ("again", True),
        ("bad", True),
        ("good", False),
        ("other", False),
    ]
    return out


def test_good_teams_are_rendered_beside_a_bad_one(rendered: Path) -> None:
    """The good teams have all three files, the bad one has none and the index says why."""
    assert set(tree(rendered)) == {
        "assets/plotly.min.js",
        *(f"{name}/review.{end}" for name in ("good", "other") for end in ("html", "ipynb", "json")),
        "index.html",
        "index.json",
    }
    index = json.loads((rendered / "index.json").read_text(encoding="utf-8"))
    assert [row["team"] for row in index["reviews"]] == ["good", "other"]
    assert {row["team"]: row["reasons"][0] for row in index["failed"]}["bad"].endswith("did you mean 'nodes'?")
    assert "did you mean" in (rendered / "index.html").read_text(encoding="utf-8")


def test_a_report_opens_with_the_verdict_then_the_three_numbers_then_what_could_change_it(rendered: Path) -> None:
    """The order of a report's parts is the order in which a reader asks."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    parts = [
        "ml-verdict",
        "ml-headline",
        "What-could-change-the-answer",
        "The-facts-and-where",
        "data-plane-would-add",
        "row-by-row",
        "What-is-assumed",
        'id="Sources"',
    ]
    body = html[html.index("<main>") :]
    places = [body.index(part) for part in parts]
    assert places == sorted(places)


def test_code_is_hidden_and_nothing_is_fetched(rendered: Path) -> None:
    """The page shows no code, and every script, style, picture and font it loads lies beside it."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    assert "open_review" not in html
    loads = re.findall(
        r"""(?:<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=|url\(|@import\s*)["']?([^"')\s>]+)""", html
    )
    assert set(loads) == {"../assets/plotly.min.js"}
    assert (rendered / "good" / "../assets/plotly.min.js").is_file()


def test_reports_stay_small(rendered: Path) -> None:
    """A report is at most 400 KB apart from the shared script."""
    assert (rendered / "good" / "review.html").stat().st_size <= 400_000


def test_every_chart_of_a_report_has_its_figures_as_a_table(rendered: Path) -> None:
    """A reader without the script finds each chart's figures in a table beside it."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    assert html.count('class="plotly"') == html.count('class="ml ml-figures"') == 5


def test_the_notebook_names_no_path_and_no_time(rendered: Path) -> None:
    """A rendered notebook can be handed on: it holds no folder of this machine and no time of the run."""
    text = (rendered / "good" / "review.ipynb").read_text(encoding="utf-8")
    assert str(rendered.parent) not in text
    assert "start_time" not in text
    assert "iopub" not in text


def test_notes_are_text_in_the_page(rendered: Path) -> None:
    """A team's notes are shown as they were written."""
    assert "&lt;b&gt;&amp;" in (rendered / "other" / "review.html").read_text(encoding="utf-8")


def test_the_same_inputs_give_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    """A second run of one job gives, file by file, the bytes of the first run of two."""
    folder = rendered.parent
    again = tmp_path / "reports"
    render_reviews(
        [folder / "good.yaml", folder / "bad.yaml", folder / "other.yaml", folder / "again.yaml"], again, jobs=1
    )
    assert tree(again) == tree(rendered)


def test_only_what_was_asked_for_is_written(tmp_path: Path) -> None:
    """JSON alone needs no kernel and leaves neither page nor notebook nor script."""
    render_reviews([team(tmp_path, "a")], tmp_path / "out", formats=["json"])
    assert sorted(tree(tmp_path / "out")) == ["a/review.json", "index.html", "index.json"]


def test_where_no_team_can_be_read_nothing_is_written(tmp_path: Path) -> None:
    """Two bad teams are an error with the problems of both, and no reports folder."""
    paths = [team(tmp_path, "a", "scenario: {nodez: 3}\n"), team(tmp_path, "b", "scenario: {nodes: 0}\n")]
    with pytest.raises(MeshlabError) as caught:
        render_reviews(paths, tmp_path / "out")
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "out").exists()


def test_a_cell_that_raises_keeps_the_part_run_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A review whose workbook fails says which cell and why, and keeps what ran."""
    review = open_review(team(tmp_path, "a"))
    del review["headline"]
    with pytest.raises(MeshlabError, match=r"review\.ipynb raised KeyError: 'headline'; see a/failed\.ipynb"):
        render_one(review, tmp_path / "out", ("html",), tmp_path / "work")
    kept = json.loads((tmp_path / "out" / "a" / "failed.ipynb").read_text(encoding="utf-8"))
    assert any(output.get("ename") == "KeyError" for cell in kept["cells"] for output in cell.get("outputs", []))
    assert sorted(tree(tmp_path / "out")) == ["a/failed.ipynb"]


def test_an_unwritable_folder_is_an_error_in_words(tmp_path: Path) -> None:
    """A file where the reports folder should be is told as such."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(MeshlabError, match="cannot be written"):
        render_reviews([team(tmp_path, "a")], tmp_path / "out", formats=["json"])
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
