"""The words of docs/language.md: what is never written stands nowhere that a reader could see it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "language.md"


def forbidden() -> list[str]:
    """The last column of the guide's table."""
    rows = re.findall(r"(?m)^\|[^|]*\|[^|]*\|([^|]*)\|$", GUIDE.read_text(encoding="utf-8"))[2:]
    return [word for cell in rows for word in map(str.strip, cell.split(";"))]


NEVER = re.compile(rf"\b(?:{'|'.join(map(re.escape, forbidden()))})\b", re.IGNORECASE)


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module that may be shown: all but those that describe the code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    about = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in about:
            yield node.lineno, node.value


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What a reader may see of a file, with the lines where it stands."""
    if path.suffix == ".py":
        yield from messages(path)
    elif path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield from ((number, "".join(cell["source"])) for number, cell in enumerate(cells))
    else:
        yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


READ = sorted(
    {
        *(ROOT / "meshlab").rglob("*.py"),
        *(path for path in (ROOT / "meshlab" / "templates").rglob("*") if path.is_file()),
        *(ROOT / "data").rglob("*.csv"),
        *(ROOT / "workbooks").glob("*.ipynb"),
        *(ROOT / "docs").glob("*.md"),
        *ROOT.glob("*.md"),
    }
    - {GUIDE}
)


def test_the_guide_names_what_is_never_written() -> None:
    """The list that the other test looks for is there, in words and not as a table's rule."""
    words = forbidden()
    assert {"the article", "the hand rests", "foretold", "a need more", "sight of requests"} <= set(words)
    assert all(re.fullmatch(r"[a-z][a-z -]+", word.lower()) for word in words)


@pytest.mark.parametrize("folder", sorted({path.relative_to(ROOT).parts[0] for path in READ if path.parent != ROOT}))
def test_nothing_is_said_that_is_never_written(folder: str) -> None:
    """Templates, tables, messages, workbooks and documents hold none of the words."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for path in READ
        if path.is_relative_to(ROOT / folder)
        for line, text in texts(path)
        if (match := NEVER.search(text))
    ]
    assert found == []


def test_the_documents_at_the_top_are_read_too() -> None:
    """README, changelog and contributing guide hold none of the words."""
    found = [
        f"{path.name}:{line}: {match[0]}"
        for path in ROOT.glob("*.md")
        for line, text in texts(path)
        if (match := NEVER.search(text))
    ]
    assert found == []
