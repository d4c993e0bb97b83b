"""Filling and checking the blocks of documents: everything is worked out before the first byte is written.

A document's encoding, its byte order mark and its line endings stay what they are.
"""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from meshlab.errors import MeshlabError, Problem, problems_of
from meshlab.files import read_bounded, write_whole
from meshlab.reviews.record import Review
from meshlab.run.embed.blocks import (
    Block,
    Content,
    Request,
    content,
    file_of,
    find_blocks,
    headline_words,
    left_over,
    pictures_of,
    read_request,
    shown_by,
    split,
    team_of,
)
from meshlab.show.charts import Chart
from meshlab.show.charts.files import opened
from meshlab.show.export.chart import contents, number
from meshlab.show.theme import figure_text

# --- documents as they lie on disk -----------------------------------------------------------------------------------


MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Marks by which a document says how it is encoded."""

MAXIMUM_BYTES = 16 * 2**20
"""Largest document that is read."""


class Document(msgspec.Struct, frozen=True):
    """A document and how it is written."""

    file: Path
    text: str
    mark: bytes
    encoding: str

    def encoded(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return self.mark + text.encode(self.encoding)


def write_markdown(document: Document, text: str) -> None:
    """Put another text in a document's place: whole, under its rights, and where a link to it points."""
    place = document.file.resolve()
    mode = place.stat().st_mode
    write_whole(place, document.encoded(text))
    place.chmod(mode)


def read_markdown(file: Path) -> Document:
    """A document in UTF-8 or UTF-16, or in any encoding if it says nothing of meshlab."""
    content = read_bounded(file, MAXIMUM_BYTES)
    mark, encoding = next((pair for pair in MARKS if content.startswith(pair[0])), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if b"meshlab" not in content.replace(b"\0", b""):  # it has no block, so its letters are nobody's business here
            return Document(file, content.decode("latin-1"), b"", "latin-1")
        line = content.count(b"\n", 0, error.start) + 1
        raise MeshlabError(Problem(str(file), "is neither UTF-8 nor UTF-16", "save it in UTF-8", line)) from error
    return Document(file, text, mark, encoding)


# --- filling and checking --------------------------------------------------------------------------------------------


class _Part(msgspec.Struct, frozen=True):
    """A block with what it asks for and what belongs in it."""

    block: Block
    request: Request
    content: Content


class Filled(msgspec.Struct, frozen=True):
    """A document with its blocks filled."""

    document: Document
    lines: Sequence[str]
    parts: Sequence[_Part]

    @property
    def folder(self) -> Path:
        """Folder of the document's pictures."""
        return pictures_of(self.document.file)

    @property
    def text(self) -> str:
        """The document as it should be."""
        lines, ending = list(self.lines), _ending(self.lines)
        for part in reversed(self.parts):
            lines[part.block.first : part.block.end] = _between(part, ending)
        return "".join(lines)

    @property
    def changed(self) -> bool:
        """Whether the document is not as it should be."""
        return self.text != self.document.text

    @property
    def pictures(self) -> dict[Path, Chart]:
        """Pictures of its blocks by file."""
        return {self.folder / part.content.file: part.content.picture for part in self.parts if part.content.picture}

    def outdated(self) -> list[tuple[Path, Chart]]:
        """Pictures that are missing, or that show something else."""
        return [(file, shown) for file, shown in self.pictures.items() if shown_by(file) != shown.drawing_sha256]


class _Desk(msgspec.Struct):
    """What is opened once however many blocks ask for it."""

    teams: Path | None
    reviews: dict[Path, Review] = msgspec.field(default_factory=dict[Path, Review])

    def review(self, file: Path) -> Review:
        if file.resolve() not in self.reviews:
            self.reviews[file.resolve()] = opened(file)
        return self.reviews[file.resolve()]


def fill(files: Sequence[Path], *, teams: Path | None = None) -> list[Filled]:
    """Fill the blocks of documents, draw the pictures that are missing or stale, and remove those of no block.

    Args:
        files: Documents.
        teams: A folder of team files, or of reports, whose names are known beside those of the example teams.

    Returns:
        Each document as it was, with what was filled in.

    Raises:
        MeshlabError: All problems of all documents; nothing is written.
    """
    done = _worked_out(files, teams)
    pictures = {file: shown for each in done for file, shown in each.outdated()}
    drawn = {file: contents([shown], file.suffix.removeprefix("."))[0] for file, shown in pictures.items()}
    for file, picture in drawn.items():
        write_whole(file, picture)
    for each in done:
        if each.changed:
            write_markdown(each.document, each.text)
        gone = list(left_over(each.folder, each.pictures))
        for file in gone:
            file.unlink()
        if gone and not any(each.folder.iterdir()):
            each.folder.rmdir()
    return done


def check(files: Sequence[Path], *, teams: Path | None = None) -> list[Problem]:
    """Blocks that are stale, and by how much their figures have moved. Nothing is changed, and no browser is needed.

    Args:
        files: Documents.
        teams: A folder of team files, or of reports.

    Raises:
        MeshlabError: All problems of all documents.
    """
    return [problem for each in _worked_out(files, teams) for problem in _stale(each, teams)]


def _worked_out(files: Sequence[Path], teams: Path | None) -> list[Filled]:
    problems: list[Problem] = []
    done: list[Filled] = []
    desk = _Desk(teams)
    for file in dict.fromkeys(files):
        try:
            done.append(_filled(read_markdown(file), desk))
        except Exception as error:  # noqa: BLE001  (whatever it is, the other documents are looked at)
            problems += problems_of(error, str(file))
    if problems:
        raise MeshlabError(dict.fromkeys(problems))
    return done


def _filled(document: Document, desk: _Desk) -> Filled:
    lines = split(document.text)
    blocks, problems = find_blocks(lines, str(document.file))
    parts: list[_Part] = []
    for block in blocks:
        try:
            parts.append(_part(block, document.file, desk))
        except Exception as error:  # noqa: BLE001  (whatever it is, it is one block's)
            problems += [
                replace(each, line=each.line or block.line) if each.file == str(document.file) else each
                for each in problems_of(error, str(document.file))
            ]
    problems += _clashes(parts, str(document.file))
    if pictures_of(document.file).is_symlink():
        todo = "make it a folder: pictures stay beside their document"
        problems.append(Problem(str(pictures_of(document.file)), "is a link", todo))
    filled = Filled(document, lines, parts)
    problems += problems or _misplaced(filled)
    if problems:
        raise MeshlabError(sorted(problems, key=lambda problem: problem.line or 0))
    return filled


def _part(block: Block, file: Path, desk: _Desk) -> _Part:
    request = read_request(block.words, str(file), block.line)
    team, data = request.options.get("team"), request.options.get("file")
    review = desk.review(team_of(file, team, block.line, desk.teams)) if team else None
    source = file_of(file, data, block.line) if data else None
    return _Part(block, request, content(request, review, source, pictures_of(file).name))


def _misplaced(filled: Filled) -> list[Problem]:
    """Blocks that would not be found again once they are filled: what Markdown is around them, they would change."""
    wanted = [part.block.words for part in filled.parts]
    found = [block.words for block in find_blocks(split(filled.text), "")[0]]
    if found == wanted:
        return []
    place = next((n for n, words in enumerate(wanted) if found[n : n + 1] != [words]), len(wanted) - 1)
    todo = "put it on lines of its own, with empty ones around it and no deeper indent"
    block = filled.parts[place].block
    return [Problem(str(filled.document.file), "a block cannot be filled where it stands", todo, block.line)]


def _clashes(parts: Sequence[_Part], file: str) -> list[Problem]:
    """Two blocks whose pictures would have one name: two teams of one name, from two files."""
    first: dict[str, Chart] = {}
    problems: list[Problem] = []
    for part in parts:
        shown = part.content.picture
        if shown and first.setdefault(part.content.file, shown).drawing_sha256 != shown.drawing_sha256:
            what = f"two blocks would have the picture {part.content.file}"
            problems.append(Problem(file, what, "name the two teams differently", part.block.line))
    return problems


def _ending(lines: Sequence[str]) -> str:
    """The line ending of a document: that of its first line."""
    first = lines[0] if lines else "\n"
    return first[len(first.rstrip("\r\n")) :] or "\n"


def _between(part: _Part, ending: str) -> list[str]:
    """The lines between a block's comments: an empty one, the content, an empty one."""
    prefix = part.block.prefix
    return [f"{prefix}{line}".rstrip() + ending for line in ("", *part.content.lines, "")]


def _stale(filled: Filled, teams: Path | None) -> list[Problem]:
    file, ending = str(filled.document.file), _ending(filled.lines)
    outdated = {picture for picture, _ in filled.outdated()}
    todo = f"run '{shlex.join(['meshlab', 'embed', *(('--teams', str(teams)) if teams else ()), file])}'"
    problems: list[Problem] = []
    for part in filled.parts:
        before, after = filled.lines[part.block.first : part.block.end], _between(part, ending)
        picture = filled.folder / part.content.file
        if list(before) != after:
            why = moved(before, after)
        elif part.content.picture and picture in outdated:
            why = f"its picture is {'of other figures' if picture.exists() else 'missing'}"
        else:
            continue
        what = f"{headline_words(part.request)} is stale: {why}"
        problems.append(Problem(file, what, todo, part.block.line))
    return problems


# --- by how much figures have moved ----------------------------------------------------------------------------------


MOST = 3
"""Moves that a message tells; more are counted."""


def moved(before: Sequence[str], after: Sequence[str]) -> str:
    """What differs between two contents of a block, in words."""
    if not any(line.strip() for line in before):
        return "it is empty"
    old, new = _table(before), _table(after)
    if not new:
        return "its text has changed"
    if [row[0] for row in old] != [row[0] for row in new] or old[:1] != new[:1]:
        return "its table has other rows or columns"
    moves = list(_moves(old, new))
    if not moves and _inputs(before) == _inputs(after):
        return "its text has changed"
    if not moves:
        return "no figure has moved, its inputs have changed"
    more = f", and {len(moves) - MOST} more" if len(moves) > MOST else ""
    return f"{'; '.join(moves[:MOST])}{more}"


def _table(lines: Sequence[str]) -> list[list[str]]:
    """Cells of the lines that are a table, less its rule."""
    rows = [line.strip().lstrip("> ") for line in lines]
    cells = [[part.strip() for part in row.strip("|").split(" | ")] for row in rows if row.startswith("|")]
    return [row for row in cells if set("".join(row)) != {"-"}]


def _inputs(lines: Sequence[str]) -> list[str]:
    """Hashes of what the block was made from."""
    return re.findall(r"Inputs `([0-9a-f]{12})", "\n".join(lines))


def _moves(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> Iterator[str]:
    head = [text.replace("\\", "") for text in new[0]]
    for was, now in zip(old[1:], new[1:], strict=True):
        for column, (one, other) in enumerate(zip(was, now, strict=False)):
            if one != other:
                # figures have their unit in the heading: what stands before them without one names the row
                row = " ".join(now[place] for place in range(max(1, column)) if "[" not in head[place])
                yield f"{row}, {head[column]}: {one or 'nothing'} → {other or 'nothing'}{_share(one, other)}"


def _share(one: str, other: str) -> str:
    """The move as a share of what was there, where both cells are single numbers."""
    before, after = number(one), number(other)
    if not before or not after or not float(before):
        return ""
    share = 100 * (float(after) / float(before) - 1)
    return f" ({'+' if share >= 0 else '−'}{figure_text(abs(share))} %)"
