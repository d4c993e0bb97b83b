"""Rendering: whole files or none, one bad team among good ones, the same bytes twice, nothing from the network."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from meshlab.errors import MeshlabError
from meshlab.files import pretty_json
from meshlab.reviews.cases import Given, open_path
from meshlab.reviews.review import open_review, outline
from meshlab.run.batch import batch, pages
from meshlab.run.batch.batch import Job, render_reviews
from meshlab.run.batch.pages import Wish, render_files
from meshlab.run.cli import reviews


def team(folder: Path, name: str, text: str = "scenario: {pods: 40}\n") -> Path:
    """A team file."""
    path = folder / f"{name}.yaml"
    path.write_text(f"team: {name}\n{text}", encoding="utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths in it."""
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
    outcomes = render_reviews([*paths, double], Job(out), jobs=2)
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
        *(f"{name}/review.{end}" for name in ("good", "other") for end in ("html", "ipynb", "json")),
        *(f"{name}/.meshlab.json" for name in ("good", "other")),
        "index.html",
        "index.json",
        "index.csv",
    }
    index = json.loads((rendered / "index.json").read_text(encoding="utf-8"))
    assert [row["team"] for row in index["reviews"]] == ["good", "other"]
    assert {row["team"]: row["reasons"][0] for row in index["failed"]}["bad"].endswith("did you mean 'nodes'?")
    assert "did you mean" in (rendered / "index.html").read_text(encoding="utf-8")


def test_a_report_opens_with_the_first_page_then_the_record_then_what_a_board_asks(rendered: Path) -> None:
    """The order of a report's parts is the order in which a board asks; all but the first two are folded."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    parts = [
        '<section class="ml ml-summary">',
        'id="Decision-record"',
        '<section class="ml ml-record">',
        'id="Why,-and-arguments-against"',
        'id="What-every-option-costs"',
        'id="What-the-mesh-alone-adds"',
        'id="What-the-move-takes"',
        'id="What-would-change-the-answer"',
        'id="The-facts,-and-where-each-comes-from"',
        'id="What-is-assumed"',
        'id="The-decision-tables,-row-by-row"',
        'id="Sources"',
    ]
    body = html[html.index('<main id="answer">') :]
    places = [body.index(part) for part in parts]
    assert places == sorted(places)
    folded = re.findall(r'<details class="part"><summary><h2 id="([^"]+)"', body)
    assert len(folded) == len(re.findall("<h2 id=", body)) - 1
    assert "Decision-record" not in folded
    assert body.count("<details") == body.count("</details>")


def test_code_is_hidden_and_nothing_is_fetched(rendered: Path) -> None:
    """The page shows no code, and every script, style, picture and font is a part of it."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    assert "ml.review" not in html
    loads = re.findall(
        r"""(?:<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=|url\(|@import\s*)["']?([^"')\s>]+)""", html
    )
    assert not [place for place in loads if not place.startswith("#")]


def test_reports_stay_small(rendered: Path) -> None:
    """A report is at most 400 KB."""
    assert (rendered / "good" / "review.html").stat().st_size <= 400_000


def test_every_chart_of_a_report_has_its_figures_as_a_table(rendered: Path) -> None:
    """Beside each chart its figures stand in a table."""
    html = (rendered / "good" / "review.html").read_text(encoding="utf-8")
    assert html.count(' class="chart" role="img"') == html.count('class="ml ml-figures"') == 5


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
    names = ("good", "bad", "other", "again")
    render_reviews([folder / f"{name}.yaml" for name in names], Job(again), jobs=1)
    assert tree(again) == tree(rendered)


def test_nothing_is_imported_from_the_folder_in_which_a_user_happens_to_be(tmp_path: Path) -> None:
    """A module of the working folder that has the name of a library is not taken for the library."""
    for name in ("nbformat", "jinja2", "papermill", "struct"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w').close()\n", encoding="utf-8")
    command = Path(sys.executable).parent / "meshlab"
    path = team(tmp_path, "a")
    subprocess.run([command, "review", path, "--format", "ipynb"], cwd=tmp_path, check=True, capture_output=True)
    assert not (tmp_path / "imported").exists()


def test_only_what_was_asked_for_is_written(tmp_path: Path) -> None:
    """JSON alone needs no kernel and leaves neither page nor notebook nor script."""
    render_reviews([team(tmp_path, "a")], Job(tmp_path / "out", ("json",)))
    assert set(tree(tmp_path / "out")) == {"a/.meshlab.json", "a/review.json", "index.csv", "index.html", "index.json"}


def test_markdown_and_decision_record_tell_the_verdict_and_escape_other_peoples_text(tmp_path: Path) -> None:
    """Both documents name the verdict and the hash; a team's own words cannot become markup in them."""
    path = team(
        tmp_path, "a", "needs: [mtls]\nassumptions: {pods: {value: 40, why: '<img src=x> | [x](javascript:1)'}}\n"
    )
    render_reviews([path], Job(tmp_path / "out", ("md", "adr")))
    markdown, record = (
        (tmp_path / "out" / "a" / f"review.{end}").read_text(encoding="utf-8") for end in ("md", "adr.md")
    )
    assert record.startswith("---\nstatus: proposed\ndate:\ndecision-makers:\n---\n")
    for heading in ("Context and Problem Statement", "Considered Options", "Decision Outcome", "Consequences"):
        assert f" {heading}\n" in record
    assert r"\<img src=x\> \| \[x\](javascript:1)" in markdown
    assert "<img" not in markdown.replace(r"\<img", "")
    assert open_review(path).inputs_sha256 in markdown


def test_what_is_unchanged_is_reused_and_what_changed_is_rendered(tmp_path: Path) -> None:
    """A second run reuses a review whose inputs are the same, and renders one that changed, is damaged or is forced."""
    paths = [team(tmp_path, "a"), team(tmp_path, "b")]
    job = Job(tmp_path / "out", ("json",))

    def reused(wanted: Job) -> dict[str, bool]:
        return {outcome.team: outcome.reused for outcome in render_reviews(paths, wanted, jobs=1)}

    assert reused(job) == {"a": False, "b": False}
    before = tree(job.out)
    assert reused(job) == {"a": True, "b": True}
    assert tree(job.out) == before
    team(tmp_path, "b", "scenario: {pods: 41}\n")
    assert reused(job) == {"a": True, "b": False}
    (job.out / "a" / "review.json").write_text("damaged", encoding="utf-8")
    assert reused(job) == {"a": False, "b": True}
    assert reused(Job(job.out, ("json",), force=True)) == {"a": False, "b": False}
    assert reused(Job(job.out, ("json", "md"))) == {"a": False, "b": False}


def test_a_folder_never_holds_reviews_of_different_inputs(tmp_path: Path) -> None:
    """Forms that were not asked for again go once the inputs have changed, and stay while they are the same."""
    path, folder = team(tmp_path, "a"), tmp_path / "out" / "a"

    def review_to(*formats: str) -> dict[str, bool]:
        (outcome,) = render_reviews([path], Job(tmp_path / "out", formats), jobs=1)
        assert not outcome.failed
        return {file.name: outcome.reused for file in sorted(folder.glob("review.*"))}

    assert review_to("json", "md") == {"review.json": False, "review.md": False}
    assert review_to("adr") == {"review.adr.md": False, "review.json": False, "review.md": False}
    assert set(review_to("md", "json", "adr").values()) == {True}
    team(tmp_path, "a", "scenario: {pods: 41}\n")
    assert review_to("md", "adr") == {"review.adr.md": False, "review.md": False}
    assert open_review(path).inputs_sha256 in (folder / "review.adr.md").read_text(encoding="utf-8")
    (folder / "review.json").write_text("of somebody else", encoding="utf-8")
    assert review_to("adr") == {"review.adr.md": True, "review.json": True, "review.md": True}
    team(tmp_path, "a", "scenario: {pods: 42}\n")
    (folder / "notes.txt").write_text("a reader's own", encoding="utf-8")
    assert review_to("adr") == {"review.adr.md": False}
    assert (folder / "notes.txt").is_file()


def test_a_decision_record_links_to_what_is_written_beside_it_and_to_nothing_else(tmp_path: Path) -> None:
    """Each link of a record is a file that the same call wrote; alone, it names the inputs by their hash."""
    path = team(tmp_path, "a")
    for formats in (("adr",), ("adr", "json"), ("adr", "json", "md")):
        out = tmp_path / "-".join(formats)
        render_reviews([path], Job(out, formats), jobs=1)
        record = (out / "a" / "review.adr.md").read_text(encoding="utf-8")
        assert re.findall(r"\]\(([^)]*)\)", record) == [f"review.{form}" for form in formats[1:]]
        assert open_review(path).inputs_sha256 in record
        assert record.endswith(".\n")
        assert not record.endswith("\n\n")


def test_leftovers_of_a_killed_run_are_removed_and_never_taken_for_reports(tmp_path: Path) -> None:
    """A temporary file of a run that was killed goes with the next run of that team."""
    job = Job(tmp_path / "out", ("json",))
    (job.out / "a").mkdir(parents=True)
    (job.out / "a" / ".meshlab-writing-x").write_text("half", encoding="utf-8")
    render_reviews([team(tmp_path, "a")], job, jobs=1)
    assert sorted(path.name for path in (job.out / "a").iterdir()) == [".meshlab.json", "review.json"]


def test_a_baseline_shows_what_changed_since(tmp_path: Path) -> None:
    """Against an earlier run: a new verdict and figures beyond their interval are named, small moves are not."""
    known = "greenfield: true, kernel_oldest: 6.1.0, windows_nodes: 0, regulated: false"
    text = f"scenario: {{pods: PODS, {known}}}\nneeds: NEEDS\n"

    def write(pods: int, needs: str, out: str, baseline: str | None = None) -> dict[str, object]:
        paths = [team(tmp_path, "a", text.replace("PODS", str(pods)).replace("NEEDS", needs)), team(tmp_path, "b")]
        render_reviews(paths, Job(tmp_path / out, ("json",)), jobs=1, baseline=baseline and tmp_path / baseline)
        index = json.loads((tmp_path / out / "index.json").read_text(encoding="utf-8"))
        return {row["team"]: row.get("changes") for row in index["reviews"]}

    assert write(400, "[]", "one") == {"a": None, "b": None}
    assert write(404, "[]", "two", "one") == {"a": [], "b": []}
    changed = write(400, "[mtls]", "three", "one")
    assert changed["b"] == []
    assert any(line.startswith(("mesh: no mesh", "mesh: No mesh")) for line in changed["a"])


def test_where_no_team_can_be_read_nothing_is_written(tmp_path: Path) -> None:
    """Two bad teams are an error with the problems of both, and no reports folder."""
    paths = [team(tmp_path, "a", "scenario: {nodez: 3}\n"), team(tmp_path, "b", "scenario: {nodes: 0}\n")]
    with pytest.raises(MeshlabError) as caught:
        render_reviews(paths, Job(tmp_path / "out"))
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "out").exists()


def test_a_cell_that_raises_keeps_the_part_run_notebook(tmp_path: Path) -> None:
    """A review whose workbook fails says which cell and why, and keeps what ran."""
    case = open_path(team(tmp_path, "a"))
    case.given["pods"] = Given("many", "stated", None)
    result = render_files(case.team.name, pretty_json(outline(case)), Wish(("html",)))
    assert result.row is None
    assert str(result.problems[0]).startswith("a: cell ")
    assert re.search(r"of review\.ipynb raised \w+Error: .*; see a/failed\.ipynb", str(result.problems[0]))
    kept = json.loads(result.files["failed.ipynb"])
    assert any(
        output.get("ename", "").endswith("Error") for cell in kept["cells"] for output in cell.get("outputs", [])
    )


BROKEN = {
    "raises": "1 / 0",
    "never ends": "while True: pass",
    "eats memory": "x = bytearray(1 << 44)",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_notebook_costs_only_its_own_report(tmp_path: Path, fault: str) -> None:
    """A notebook that raises, hangs, eats memory or dies: its part is kept, the index says why, others are made."""
    opened = "import meshlab as ml\nreview = ml.review(source)\nprint('ran', review.team)"
    sources = ('source = ""', opened, f"if review.team == 'bad':\n    {BROKEN[fault]}")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    made.cells[0].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": ""}
    nbformat.write(made, tmp_path / "workbook.ipynb")
    limit_s = 10 if fault == "never ends" else 60  # the one is waited for; the others would only hide what they show
    job = Job(tmp_path / "out", ("html", "ipynb"), workbook=str(tmp_path / "workbook.ipynb"), cell_limit_s=limit_s)
    outcomes = render_reviews([team(tmp_path, name) for name in ("bad", "good")], job, jobs=1)
    assert [(outcome.team, outcome.failed) for outcome in outcomes] == [("bad", True), ("good", False)]
    assert {name for name in tree(job.out) if name.startswith(("bad", "good"))} == {
        *("bad/failed.ipynb", "good/review.html", "good/review.ipynb", "good/.meshlab.json")
    }
    assert "ran bad" in (job.out / "bad" / "failed.ipynb").read_text(encoding="utf-8")
    (failed,) = json.loads((job.out / "index.json").read_text(encoding="utf-8"))["failed"]
    assert failed["reasons"][0].startswith("bad: ")
    assert "workbook.ipynb" in failed["reasons"][0]


def test_an_unwritable_folder_is_an_error_in_words(tmp_path: Path) -> None:
    """A file where the reports folder should be is told as such."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(MeshlabError, match="is a file; give a folder with --out"):
        render_reviews([team(tmp_path, "a")], Job(tmp_path / "out", ("json",)))


def test_a_scheduler_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where nothing listens at the address, or there is no Dask, it is told before a reports folder is made."""
    told = r"--scheduler: (no Dask scheduler at|distributed is not installed)"
    with pytest.raises(MeshlabError, match=told):
        render_reviews([team(tmp_path, "a")], Job(tmp_path / "out", ("json",)), scheduler="tcp://127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_a_disk_without_room_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reports folder in which nothing can be written is told, and removed again."""

    def full(*_: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(batch.tempfile, "TemporaryFile", full)
    with pytest.raises(MeshlabError, match="cannot be written: No space left on device"):
        render_reviews([team(tmp_path, "a")], Job(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_costs_the_reports_that_no_longer_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before stays whole, what does not fit is a failed row with its reason, and the rest is done."""
    fill_after(monkeypatch, "review.json", 1)
    outcomes = render_reviews([team(tmp_path, name) for name in "ab"], Job(tmp_path / "out", ("json", "md")), jobs=1)
    assert sorted(outcome.failed for outcome in outcomes) == [False, True]
    (failed,) = json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))["failed"]
    assert "No space left on device; check space and rights" in failed["reasons"][0]
    assert not [name for name in tree(tmp_path / "out") if "writing" in name or name.startswith(failed["team"])]


def test_an_index_that_cannot_be_written_is_a_failure_after_the_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reports are there, and the last outcome says why the index is not."""
    fill_after(monkeypatch, "index.json", 0)
    outcomes = render_reviews([team(tmp_path, "a")], Job(tmp_path / "out", ("json",)), jobs=1)
    assert [(outcome.team, outcome.failed) for outcome in outcomes] == [("a", False), ("index", True)]
    assert "No space left" in outcomes[1].reasons[0]
    assert "a/review.json" in tree(tmp_path / "out")


def fill_after(monkeypatch: pytest.MonkeyPatch, name: str, count: int) -> None:
    """Let the disk be full for files of a name, any unless given, once so many of them are written."""
    replace, places = Path.replace, []

    def full(self: Path, target: Path) -> Path:
        if name in ("", target.name):
            places.append(target)
            if len(places) > count:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)


def test_a_team_folder_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    """Where one team's files cannot be put in place the others are, and the index says why."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("a file", encoding="utf-8")
    outcomes = render_reviews([team(tmp_path, "a"), team(tmp_path, "b")], Job(out, ("json",)), jobs=1)
    assert {outcome.team: outcome.failed for outcome in outcomes} == {"a": True, "b": False}
    assert (
        "cannot be written" in json.loads((out / "index.json").read_text(encoding="utf-8"))["failed"][0]["reasons"][0]
    )


def test_the_command_knows_every_format() -> None:
    """What the command accepts before it imports the batch is what the batch can make."""
    assert tuple(pages.FORMATS) == reviews.FORMATS
