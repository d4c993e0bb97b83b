"""Where the blocks of a document lie: between two comments, and not where a document only quotes them.

CommonMark's own parser says what is code. So a marker in a fence, in indented code or in ``<pre>`` is text about
meshlab, and one that stands between paragraphs, in a list or in a quotation is a marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt

from meshlab.errors import Problem, shorten

LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")
"""Lines as Markdown counts them, each with its ending; Python would split at more characters."""

_MARKER = re.compile(
    r"(?P<prefix>[ \t]*(?:>[ \t]*)*)"
    r"(?:<!--[ \t]*(?P<html>/?meshlab(?=[ \t]|-->).*?)-->"
    r"|\{/\*[ \t]*(?P<mdx>/?meshlab(?=[ \t]|\*/).*?)\*/\})"
    r"[ \t]*[\r\n]*"
)
"""A line that begins or ends a block: a comment of HTML, or of MDX, where there are no others."""

_RAW = re.compile(r"\s*<(?:pre|script|style|textarea|!--|\?|![A-Za-z]|!\[CDATA\[)", re.IGNORECASE)
"""How HTML begins in which nothing is Markdown, up to its end."""

_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*(?:\r\n|\r|\n)")

CLOSING = {"html": "<!-- /meshlab -->", "mdx": "{/* /meshlab */}"}
"""How a block ends, by the kind of its comment."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document.

    Args:
        line: Line of its opening comment, counted from 1.
        first: Place of the first line of its content among the lines of the document.
        end: Place of its closing comment.
        prefix: What stands before each of its lines: the indent of a list, the marks of a quotation.
        words: What it asks for, as the document has it.
    """

    line: int
    first: int
    end: int
    prefix: str
    words: str


@dataclass(frozen=True, slots=True)
class _Marker:
    place: int
    prefix: str
    kind: str
    words: str
    closes: bool


def split(text: str) -> list[str]:
    """Lines of a document, each with its ending; joined they are the document again."""
    return LINES.findall(text)


def find_blocks(lines: Sequence[str], file: str) -> tuple[list[Block], list[Problem]]:
    """Blocks of a document, and what is wrong with where they begin and end.

    Args:
        lines: The document.
        file: How messages name it.
    """
    blocks: list[Block] = []
    problems: list[Problem] = []
    opened: _Marker | None = None
    for marker in _markers(lines):
        line = marker.place + 1
        if marker.closes and opened is None:
            problems.append(Problem(file, "a block ends that did not begin", "remove the comment", line))
        elif marker.closes and opened is not None:
            blocks.append(Block(opened.place + 1, opened.place + 1, marker.place, opened.prefix, opened.words))
            opened = None
        elif opened is not None:
            what = f"a block begins within that of line {opened.place + 1}"
            problems.append(Problem(file, what, f"end that one first, with {CLOSING[opened.kind]}", line))
            opened = marker
        else:
            opened = marker
    if opened is not None:
        what = f"block {shorten(opened.words)} does not end"
        problems.append(Problem(file, what, f"add a line {CLOSING[opened.kind]}", opened.place + 1))
    return blocks, problems


def _markers(lines: Sequence[str]) -> Iterator[_Marker]:
    found = [(place, match) for place, line in enumerate(lines) if (match := _MARKER.fullmatch(line))]
    quoted = _quoted(lines) if found else set()
    for place, match in found:
        if place not in quoted:
            kind = "html" if match["html"] is not None else "mdx"
            closes, words = match[kind].startswith("/"), match[kind].removeprefix("/").removeprefix("meshlab").strip()
            yield _Marker(place, match["prefix"], kind, words, closes)


def _quoted(lines: Sequence[str]) -> set[int]:
    """Places of lines that are code, or raw HTML, or the document's front matter."""
    front = _front_matter(lines)
    body = "".join(["\n"] * front + [line.rstrip("\r\n") + "\n" for line in lines[front:]])
    quoted = set(range(front))
    for token in _parser().parse(body):
        if token.map and (token.type in ("fence", "code_block") or _is_raw(token.type, token.content)):
            quoted |= set(range(*token.map))
    return quoted


def _is_raw(kind: str, content: str) -> bool:
    first = content.partition("\n")[0]
    return kind == "html_block" and _RAW.match(content) is not None and not _MARKER.fullmatch(first)


def _front_matter(lines: Sequence[str]) -> int:
    """Number of lines of the document's front matter."""
    if not lines or not _FRONT_MATTER.fullmatch(lines[0].removeprefix("\ufeff")):
        return 0
    fence = lines[0].removeprefix("\ufeff").strip()
    return next((place + 1 for place, line in enumerate(lines) if place and line.strip() == fence), 0)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")
