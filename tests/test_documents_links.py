"""Links between the documents of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *(ROOT / "docs").glob("*.md")]


def targets(text: str) -> Iterator[str]:
    """Where the links and images of a document lead; what stands in code leads nowhere."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield str(target)


def anchors(text: str) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    tokens = MarkdownIt("commonmark").parse(text)
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(file: Path, target: str) -> bool:
    """Whether a link of a document is an address of the web, or leads to a file of the project and a heading of it."""
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = unquote(target).partition("#")
    place = (file.parent / path).resolve() if path else file
    found = place.is_relative_to(ROOT) and place.exists()
    return found and (not anchor or anchor in anchors(place.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", sorted(DOCUMENTS), ids=lambda file: file.name)
def test_local_links_lead_to_files_and_headings(file: Path) -> None:
    """Each link and picture that is no web address names a file of the project and, behind a #, one of its headings."""
    text = file.read_text(encoding="utf-8")
    assert [target for target in targets(text) if not leads_somewhere(file, target)] == []


def test_a_broken_link_would_be_seen() -> None:
    """Links in prose and in tables are read, those in code are not; headings lose their marks of punctuation."""
    text = "# What, then?\n\n[a](b.md#c) `[d](e.md)`\n\n| h |\n| --- |\n| ![i](j.svg) |\n"
    assert list(targets(text)) == ["b.md#c", "j.svg"]
    assert anchors(text) == {"what-then"}
    led = (
        "docs/embedding.md#embedded",
        "docs/embedding.md#embbeded",
        "docs/none.md",
        "../elsewhere.md",
        "https://a.example",
    )
    assert [leads_somewhere(ROOT / "README.md", target) for target in led] == [True, False, False, False, True]
