"""Where blocks begin and end, and where a document only speaks of them."""

from __future__ import annotations

import pytest

from meshlab.run.embed.blocks import find_blocks, split

OPEN, CLOSE = "<!-- meshlab chart=memory team=x -->", "<!-- /meshlab -->"


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("a", 1), ("a\n", 1), ("a\r\nb\rc\nd", 4), ("a\x0bb\u2028c\n", 1), ("\r\r\n\n", 3), ("a\x00b\n", 1)],
)
def test_lines_joined_are_the_document(text: str, count: int) -> None:
    """Lines are split where Markdown splits them and nowhere else, and nothing is lost."""
    lines = split(text)
    assert "".join(lines) == text
    assert len(lines) == count


@pytest.mark.parametrize(
    ("name", "text", "blocks"),
    [
        ("plain", f"a\n\n{OPEN}\n{CLOSE}\n", 1),
        ("right after a paragraph", f"a\n{OPEN}\n{CLOSE}\nb\n", 1),
        ("the whole document", f"{OPEN}\n{CLOSE}", 1),
        ("Windows line endings", f"a\r\n{OPEN}\r\nold\r\n{CLOSE}\r\n", 1),
        ("old Mac line endings", f"a\r{OPEN}\rold\r{CLOSE}\r", 1),
        ("in a list", f"- a\n\n  {OPEN}\n  {CLOSE}\n", 1),
        ("in a quotation", f"> {OPEN}\n> {CLOSE}\n", 1),
        ("of MDX", "{/* meshlab verdict team=x */}\n{/* /meshlab */}\n", 1),
        ("little room", "<!--meshlab verdict team=x-->\n<!--/meshlab-->\n", 1),
        ("in an HTML element", f"<div>\n{OPEN}\n{CLOSE}\n</div>\n", 1),
        ("two", f"{OPEN}\n{CLOSE}\n{OPEN}\n{CLOSE}\n", 2),
        ("in a fence", f"```\n{OPEN}\n{CLOSE}\n```\n", 0),
        ("in a fence of tildes", f"~~~md\n{OPEN}\n```\n{CLOSE}\n~~~\n", 0),
        ("in a longer fence", f"````\n```\n{OPEN}\n{CLOSE}\n```\n````\n", 0),
        ("in a fence that does not end", f"```\n{OPEN}\n{CLOSE}\n", 0),
        ("in a fence of a list", f"- a\n\n  ```\n  {OPEN}\n  {CLOSE}\n  ```\n", 0),
        ("in indented code", f"a\n\n    {OPEN}\n    {CLOSE}\n", 0),
        ("in inline code", f"a `{OPEN}` b\n", 0),
        ("in pre", f"<pre>\n{OPEN}\n{CLOSE}\n</pre>\n", 0),
        ("in another comment", f"<!-- for example\n{OPEN}\n", 0),
        ("in front matter", f"---\ntitle: |\n  {OPEN}\n  {CLOSE}\n---\n", 0),
        ("after front matter with a fence in it", f"---\nx: |\n```\n---\n{OPEN}\n{CLOSE}\n", 1),
        ("of another tool", "<!-- meshlab-other -->\n<!-- /meshlab-other -->\n", 0),
        ("in a line of prose", f"see {OPEN} for this\n", 0),
        ("a fence in a block", f"{OPEN}\n```\ncode\n```\n{CLOSE}\n", 1),
    ],
)
def test_blocks_are_found_where_a_reader_sees_them(name: str, text: str, blocks: int) -> None:
    """A marker is one where Markdown shows a comment; where it shows code, it is text."""
    found, problems = find_blocks(split(text), "doc.md")
    assert (len(found), problems) == (blocks, []), name


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (f"a\n{OPEN}\nb\n", 2, "does not end"),
        (f"a\n{CLOSE}\n", 2, "did not begin"),
        (f"{OPEN}\n{OPEN}\n{CLOSE}\n", 2, "within that of line 1"),
        (f"{OPEN}\n```\n{CLOSE}\n", 1, "does not end"),
    ],
)
def test_a_block_without_its_end_is_told(text: str, line: int, told: str) -> None:
    """Blocks that do not end, that end twice or that begin within another are told with their line."""
    _, problems = find_blocks(split(text), "doc.md")
    assert [(problem.line, told in problem.what) for problem in problems] == [(line, True)]
