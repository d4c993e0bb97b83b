"""Documents with blocks: filled once and for all, checked, and everything else as it was."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from meshlab.errors import MeshlabError
from meshlab.files import pretty_json
from meshlab.reviews.cases import example_teams
from meshlab.reviews.record import Review
from meshlab.run.embed import Filled, check, fill
from meshlab.run.embed.blocks import find_blocks, split
from meshlab.show.charts.files import opened

Write = Callable[..., Path]
Embed = Callable[..., list[Filled]]

TEAM = "fleet-500-aks"
CLOSE = "<!-- /meshlab -->"
BLOCKS = (
    f"<!-- meshlab chart=memory team={TEAM} -->",
    f"<!-- meshlab chart=matrix team={TEAM} theme=dark width=640 -->",
    "<!-- meshlab chart=agreement-memory -->",
    f"<!-- meshlab table=latency team={TEAM} -->",
    f"<!-- meshlab verdict team={TEAM} -->",
    f"{{/* meshlab assumptions team={TEAM} */}}",
)


def block(opening: str, within: str = "", newline: str = "\n") -> str:
    """A block with something in it."""
    close = CLOSE if opening.startswith("<") else "{/* /meshlab */}"
    return newline.join([opening, *([within] if within else []), close, ""])


def outside(text: str) -> list[str]:
    """A document less the content of its blocks."""
    lines = split(text)
    found, _ = find_blocks(lines, "doc.md")
    inner = {place for each in found for place in range(each.first, each.end)}
    return [line for place, line in enumerate(lines) if place not in inner]


@pytest.mark.parametrize("opening", BLOCKS)
def test_twice_is_once(opening: str, write: Write, embed: Embed) -> None:
    """A document that is filled is as it should be, and filling it again changes no byte of it or of its pictures."""
    file = write(f"# A\n\n{block(opening)}\nb\n")
    assert embed(file)[0].changed
    first = {each: each.read_bytes() for each in file.parent.rglob("*") if each.is_file()}
    assert not embed(file)[0].changed
    assert first == {each: each.read_bytes() for each in file.parent.rglob("*") if each.is_file()}
    assert check([file]) == []


PIECES = st.sampled_from(
    [
        *(block(opening) for opening in BLOCKS[:5]),
        block(BLOCKS[0], "old text\n\n| a | b |"),
        block(BLOCKS[4], "```\ncode\n```", "\r\n"),
        f"- item\n\n  {BLOCKS[4]}\n  {CLOSE}\n",
        f"> {BLOCKS[3]}\n> {CLOSE}\n",
        f"```\n{BLOCKS[0]}\n{CLOSE}\n```\n",
        f"~~~~md\n{BLOCKS[0]}\n~~~~\n",
        f"    {BLOCKS[0]}\n    {CLOSE}\n",
        f"<pre>\n{BLOCKS[0]}\n</pre>\n",
        "<div>\n",
        "</div>\n\n",
        "```\n",
        "~~~\n",
        "<!--\n",
        "-->\n",
        "---\n",
        "\n",
        "- a\n",
        "> b\r\n",
        "1. c\r",
        "| x |\n| - |\n",
        "[a]: b\n",
        "a\x0b\u2028\u0085b\n",
        "\ufeff",
        "\x00\n",
        "end",
    ]
)
DOCUMENTS = st.lists(st.one_of(PIECES, st.text(st.characters(exclude_categories=["Cs"]), max_size=30)), max_size=9)


@pytest.fixture
def reviews_once(monkeypatch: pytest.MonkeyPatch, example_review: Callable[[Path], Review]) -> None:
    """Example teams do not change between the examples of a property."""
    monkeypatch.setattr("meshlab.run.embed.filling.opened", example_review)


@pytest.mark.usefixtures("reviews_once")
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(pieces=[block(BLOCKS[0]), "end"], mark="")
@example(pieces=["<div>\n", f"    {BLOCKS[0]}\n    {CLOSE}\n"], mark="")
@given(pieces=DOCUMENTS, mark=st.sampled_from(["", "\ufeff"]))
def test_nothing_outside_blocks_changes(pieces: list[str], mark: str, write: Write, embed: Embed) -> None:
    """Of any document nothing outside of its blocks changes; filled twice it is as filled once; a wrong one is left."""
    before = (mark + "".join(pieces)).encode()
    file = write(before)
    try:
        embed(file)
    except MeshlabError:
        assert file.read_bytes() == before
        return
    after = file.read_bytes()
    marked = [content.decode().removeprefix("\ufeff") for content in (before, after)]
    assert outside(marked[0]) == outside(marked[1])
    assert after.startswith("\ufeff".encode()) == before.startswith("\ufeff".encode())
    embed(file)
    assert file.read_bytes() == after
    assert check([file]) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_encoding_and_line_endings_stay(newline: str, encoding: str, write: Write, embed: Embed) -> None:
    """Byte order mark, encoding, line endings and a missing final newline are as they were."""
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    text = newline.join([f"{mark}# Größe", "", BLOCKS[0], CLOSE, "the end"])
    file = write(text.encode(encoding))
    embed(file)
    after = file.read_bytes().decode(encoding)
    assert outside(after) == outside(text)
    assert set(re.findall(r"\r\n|\r|\n", after)) == {newline}
    assert after.endswith("the end")
    assert after.count("\ufeff") == len(mark)


def test_a_document_in_another_encoding_is_refused(write: Write, embed: Embed) -> None:
    """Latin-1 is refused with its line, and stays as it is."""
    content = f"a\nGröße\n{block(BLOCKS[0])}".encode("latin-1")
    file = write(content)
    with pytest.raises(MeshlabError, match=r":2: is neither UTF-8 nor UTF-16"):
        embed(file)
    assert file.read_bytes() == content


def test_a_document_without_blocks_may_be_in_any_encoding(write: Write, embed: Embed) -> None:
    """What says nothing of meshlab is left alone, whatever its letters are."""
    content = "Größe\n".encode("latin-1")
    file = write(content)
    embed(file)
    assert file.read_bytes() == content
    assert check([file]) == []


def test_a_document_keeps_its_rights_and_its_links(write: Write, embed: Embed, tmp_path: Path) -> None:
    """A filled document may be read by whom it could be before, and a link to it stays a link."""
    file = write(block(BLOCKS[3]), "real/doc.md")
    file.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(file)
    embed(link)
    assert link.is_symlink()
    assert "| data plane |" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o640


def test_pictures_stay_beside_their_document(write: Write, embed: Embed, tmp_path: Path) -> None:
    """A folder of pictures that is a link to elsewhere is refused, and nothing is written there."""
    (tmp_path / "elsewhere").mkdir()
    file = write(block(BLOCKS[0]), "docs/doc.md")
    (tmp_path / "docs" / "doc.md.assets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MeshlabError, match="is a link"):
        embed(file)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_all_problems_at_once_and_nothing_written(write: Write, embed: Embed, tmp_path: Path) -> None:
    """Every problem of every document is told, and neither document nor picture is written."""
    good = write(block(BLOCKS[0]), "good.md")
    bad = write(
        block("<!-- meshlab chart=memroy team=x -->") + block("<!-- meshlab verdict team=fleet-500-ask -->") + CLOSE,
        "bad.md",
    )
    before = {file: file.read_bytes() for file in (good, bad)}
    with pytest.raises(MeshlabError) as caught:
        embed(good, bad)
    told = [str(problem) for problem in caught.value.problems]
    assert [re.sub(r".*bad\.md", "bad.md", line) for line in told] == [
        "bad.md:1: unknown chart 'memroy'; did you mean 'memory'?",
        (
            "bad.md:3: unknown team 'fleet-500-ask'; did you mean 'fleet-500-aks'? "
            "--teams DIR names the folder of the team files"
        ),
        "bad.md:5: a block ends that did not begin; remove the comment",
    ]
    assert before == {file: file.read_bytes() for file in (good, bad)}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.md", "good.md"]


# --- teams and files -----------------------------------------------------------------------------------------------


def test_a_team_of_a_path_and_of_a_folder(write: Write, embed: Embed, tmp_path: Path) -> None:
    """A team is named by a path relative to the document, by a name of a folder of teams, or by one of its reports."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "teams").mkdir()
    shutil.copy(example_teams() / "online-boutique.yaml", tmp_path / "teams" / "shop.yaml")
    report = tmp_path / "reports" / TEAM / "review.json"
    report.parent.mkdir(parents=True)
    report.write_text(pretty_json(opened(TEAM)), encoding="utf-8")
    teams = ("../teams/shop.yaml", "shop", f"../reports/{TEAM}/review.json")
    text = "".join(block(f"<!-- meshlab chart=cost team={team} -->") for team in teams)
    file = write(text, "docs/design.md")
    embed(file, teams=tmp_path / "teams")
    names = sorted(each.name for each in (tmp_path / "docs" / "design.md.assets").iterdir())
    assert names == ["fleet-500-aks-cost.svg", "online-boutique-cost.svg"]


@pytest.mark.parametrize(
    "path", ["../../outside.yaml", "/etc/hostname", "link.yaml", "a\x00.yaml", "a" * 300 + ".yaml"]
)
def test_a_path_does_not_leave_the_project(path: str, write: Write, embed: Embed, tmp_path: Path) -> None:
    """A path out of the project, by steps, from the root or by a link, is refused, and what is there is not read."""
    (tmp_path / "outside.yaml").write_text("team: outside\n", encoding="utf-8")
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "docs").mkdir()
    (project / "docs" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    file = write(block(f"<!-- meshlab verdict team={path} -->"), "project/docs/a.md")
    with pytest.raises(MeshlabError, match=r"lies outside|there is no file"):
        embed(file)


def test_two_teams_of_one_name_are_told(write: Write, embed: Embed, tmp_path: Path) -> None:
    """Two files whose teams have one name would share a picture, and are told apart by neither."""
    for number, pods in enumerate((10, 20)):
        (tmp_path / f"t{number}.yaml").write_text(f"team: one\nscenario: {{pods: {pods}}}\n", encoding="utf-8")
    file = write("".join(block(f"<!-- meshlab chart=memory team=t{number}.yaml -->") for number in range(2)))
    with pytest.raises(MeshlabError, match=r"two blocks would have the picture one-memory\.svg"):
        embed(file)


def test_a_table_of_results(write: Write, embed: Embed, tmp_path: Path) -> None:
    """A table is read from JSON or CSV, with chosen columns under headings of their own."""
    rows = [{"name": "a|b", "stats": {"median": 0.0123456}, "ok": True}, {"name": "c", "stats": {"median": 12345}}]
    (tmp_path / "r.json").write_text(json.dumps({"benchmarks": rows}), encoding="utf-8")
    (tmp_path / "r.csv").write_text("name,n\nx,1\ny,\n", encoding="utf-8")
    words = 'table=data file=r.json rows=benchmarks columns="name:Benchmark,stats.median:median [s],ok"'
    file = write(block(f"<!-- meshlab {words} -->") + block("<!-- meshlab table=data file=r.csv -->"))
    embed(file)
    text = file.read_text(encoding="utf-8")
    assert (
        "| Benchmark | median \\[s\\] | ok |\n| --- | --- | --- |\n| a\\|b | 0.0123 | yes |\n| c | 12,345 |  |\n"
        in text
    )
    assert "| name | n |\n| --- | --- |\n| x | 1 |\n| y |  |\n" in text


@pytest.mark.parametrize(
    ("content", "words", "told"),
    [
        ("{", "", "neither CSV nor JSON"),
        ("{}", "", "holds no rows"),
        ("[]", "", "holds no rows"),
        ('{"a": [1]}', "rows=a", "holds no rows at 'a'"),
        ('[{"name": 1}]', "columns=noun", "has no column .noun."),
        ("[" * 100_000, "", "neither CSV nor JSON"),
    ],
)
def test_a_file_without_such_rows_is_told(
    content: str, words: str, told: str, write: Write, embed: Embed, tmp_path: Path
) -> None:
    """A file that is no table, has no rows or lacks a column is told."""
    (tmp_path / "r.json").write_text(content, encoding="utf-8")
    with pytest.raises(MeshlabError, match=told):
        embed(write(block(f"<!-- meshlab table=data file=r.json {words} -->")))


# --- staleness -----------------------------------------------------------------------------------------------------


def test_a_stale_block_tells_by_how_much_its_figures_moved(write: Write, embed: Embed, tmp_path: Path) -> None:
    """When a team's facts change, the check names the block, its line, and the move of each figure with its share."""
    team = tmp_path / "t.yaml"
    team.write_text("team: t\nscenario: {pods: 100, services: 10, nodes: 3}\n", encoding="utf-8")
    file = write(f"a\n\n{block('<!-- meshlab chart=memory team=t.yaml -->')}")
    embed(file)
    before = _medians(file)
    team.write_text("team: t\nscenario: {pods: 200, services: 10, nodes: 3}\n", encoding="utf-8")
    content = file.read_bytes()
    (stale,) = check([file])
    assert stale.line == 3
    assert file.read_bytes() == content
    embed(file)
    after = _medians(file)
    one, other = before["Istio sidecar"], after["Istio sidecar"]
    share = 100 * (float(other) / float(one) - 1)
    found = re.search(r"Istio sidecar, median \[GiB\]: (\S+) → (\S+) \(\+(\S+) %\)", stale.what)
    assert found
    assert (found[1], found[2]) == (one, other)
    assert float(found[3]) == pytest.approx(share, rel=0.05)


def test_pictures_of_no_block_go_and_others_stay(write: Write, embed: Embed, tmp_path: Path) -> None:
    """Of what lies beside a document only what was drawn for a block of it goes, and the folder once it is empty."""
    opening = "<!-- meshlab chart=memory team=online-boutique width=600 -->"
    file, folder = write(block(opening)), tmp_path / "doc.md.assets"
    embed(file)
    (drawn,) = folder.iterdir()
    assert drawn.name == "online-boutique-memory-600.svg"
    own = {"sketch.svg": b"<svg/>", "online-boutique-memory-800.svg": b"<svg/>", "kept.svg": drawn.read_bytes()}
    for name, content in own.items():
        (folder / name).write_bytes(content)
    embed(file)
    assert {picture.name for picture in folder.iterdir()} == {drawn.name, *own}
    file.write_text(block(opening.replace("600", "700")), encoding="utf-8")
    embed(file)
    assert {picture.name for picture in folder.iterdir()} == {"online-boutique-memory-700.svg", *own}
    for name in own:
        (folder / name).unlink()
    file.write_text("No block.\n", encoding="utf-8")
    embed(file)
    assert not folder.exists()


def _medians(file: Path) -> dict[str, str]:
    rows = [line.split("|") for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return {row[1].strip(): row[2].strip() for row in rows}


def test_a_check_tells_what_else_is_stale(write: Write, embed: Embed, tmp_path: Path) -> None:
    """An empty block, a lost picture, other inputs without other figures and a changed text are told apart."""
    (tmp_path / "t.yaml").write_text("team: t\nscenario: {pods: 100}\n", encoding="utf-8")
    file = write(block("<!-- meshlab chart=memory team=t.yaml -->"))
    assert "it is empty" in check([file])[0].what
    embed(file)
    picture = next((tmp_path / "doc.md.assets").iterdir())
    picture.unlink()
    assert "its picture is missing" in check([file])[0].what
    picture.write_text("<svg/>", encoding="utf-8")
    assert "its picture is of other figures" in check([file])[0].what
    embed(file)
    assert check([file]) == []
    file.write_text(file.read_text(encoding="utf-8").replace("Memory that", "Memories that"), encoding="utf-8")
    assert "its text has changed" in check([file])[0].what
    embed(file)
    (tmp_path / "t.yaml").write_text("team: t\nnotes: new\nscenario: {pods: 100}\n", encoding="utf-8")
    assert "no figure has moved, its inputs have changed" in check([file])[0].what


# --- what a reader sees --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", BLOCKS[:5])
def test_a_block_is_a_picture_a_table_and_links(opening: str, write: Write, embed: Embed) -> None:
    """Markdown reads a block as an image or a table, and as links to the pages of its sources."""
    file = write(block(opening))
    embed(file)
    page = MarkdownIt("commonmark").enable("table").render(file.read_text(encoding="utf-8"))
    assert ("<img" in page) == ("chart=" in opening)
    assert "<table>" in page
    links = re.findall(r'<a href="(https?://[^"]+)">([^<]+)</a>', page)
    assert len(links) >= 3
    assert re.search(r"<code>[0-9a-f]{12}</code>", page)
    assert re.search(r"read up to \d{4}-\d{2}", page)


def test_hostile_text_of_a_team_is_text(write: Write, embed: Embed, tmp_path: Path) -> None:
    """Notes, sources and reasons of a team are no markup of a document, and its name no path."""
    source = "[x](javascript:alert(1)) <script>alert(1)</script> {evil()} | `c`"
    (tmp_path / "t.yaml").write_text(
        f"team: t\nsource: {json.dumps(source)}\nassumptions: {{pods: {{value: 5, why: {json.dumps(source)}}}}}\n",
        encoding="utf-8",
    )
    file = write(block("<!-- meshlab chart=memory team=t.yaml -->") + block("<!-- meshlab assumptions team=t.yaml -->"))
    embed(file)
    text = file.read_text(encoding="utf-8")
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "{evil" not in text.replace("\\{evil", "")


def test_a_document_with_pictures_of_both_kinds(write: Write) -> None:
    """A document is filled, checked, and the same when filled again."""
    file = write(block(BLOCKS[0]) + block(f"<!-- meshlab chart=cost team={TEAM} form=png -->"))
    fill([file])
    pictures = {each: each.read_bytes() for each in (file.parent / "doc.md.assets").iterdir()}
    assert sorted(each.suffix for each in pictures) == [".png", ".svg"]
    assert check([file]) == []
    for each in pictures:
        each.unlink()
    fill([file])
    assert pictures == {each: each.read_bytes() for each in (file.parent / "doc.md.assets").iterdir()}
