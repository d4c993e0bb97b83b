"""The rooms of docs/architecture.md: a later one imports an earlier one, never the reverse."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "meshlab"

ROOMS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "errors kept",
        "documents files tables units",
        "durations scenario",
        "facts team",
        "overhead",
        "audit decision evidence iac",
        "migration",
        "curves sensitivity",
        "cases",
        "moves",
        "review",
        "theme",
        "charts",
        "report",
        "exhibits explorations migration_views",
        "pictures",
        "embed",
        "controls rendering",
        "sweep",
        "lab",
        "cli",
        "__main__",
    )
)
"""Modules and subpackages of meshlab from the first room to the last; those of one room do not import each other."""

LEVEL = {name: level for level, room in enumerate(ROOMS) for name in room}

KEEPERS: dict[str, str] = {
    "anywidget": "controls",
    "choreographer": "pictures rendering",
    "click": "cli",
    "comm": "rendering",
    "distributed": "rendering",
    "ipykernel": "rendering",
    "ipywidgets": "controls",
    "jinja2": "report",
    "jupyter_client": "rendering",
    "markdown_it": "embed",
    "nbclient": "rendering",
    "nbconvert": "rendering",
    "nbformat": "rendering",
    "numpy": "decision evidence sweep",
    "papermill": "rendering",
    "plotly": "theme charts controls pictures report rendering",
    "scipy": "evidence sweep",
    "sqlglot": "decision",
    "traitlets": "controls rendering",
    "yaml": "documents facts iac cli",
}
"""Libraries that only some rooms may know: models meet neither pictures nor widgets nor notebooks."""


def modules() -> list[Path]:
    """Source files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """First name below meshlab of the module in that file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every name that the file imports, dotted, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, so that this test can read them"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """Rooms of ours that the file imports from."""
    names = (name.split(".") for name in imported(path))
    return {parts[1] for parts in names if parts[0] == "meshlab" and len(parts) > 1 and parts[1] in LEVEL}


MODULES = [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in modules()]


@pytest.mark.parametrize("path", MODULES)
def test_module_stands_in_a_room(path: Path) -> None:
    """Every module has a place in the order of rooms."""
    assert room_of(path) in LEVEL or path.name == "__init__.py"


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_one_way(path: Path) -> None:
    """A module imports only from earlier rooms, or from within its own package."""
    own = room_of(path)
    level = LEVEL.get(own, 0)
    later = {name for name in rooms_imported(path) if name != own and LEVEL[name] >= level}
    assert not later, f"{own} may not import {', '.join(sorted(later))}"


@pytest.mark.parametrize("path", MODULES)
def test_imports_name_modules_that_exist(path: Path) -> None:
    """What is imported from meshlab itself is a room of the table, or a name that the package defines."""
    names = [name.split(".") for name in imported(path) if name.partition(".")[0] == "meshlab"]
    assert {parts[1] for parts in names if len(parts) > 1} <= {*LEVEL, "__version__"}


@pytest.mark.parametrize("path", MODULES)
def test_libraries_keep_to_their_rooms(path: Path) -> None:
    """Plotly, widgets, notebooks, templates, the command line and SQL are known only where they belong."""
    strays = {
        library
        for library in {name.partition(".")[0] for name in imported(path)} & KEEPERS.keys()
        if room_of(path) not in KEEPERS[library].split()
    }
    assert not strays, f"{room_of(path)} may not import {', '.join(sorted(strays))}"


def test_package_itself_imports_nothing() -> None:
    """Importing meshlab alone loads none of its rooms and no library."""
    assert list(imported(PACKAGE / "__init__.py")) == []


def test_table_of_rooms_is_up_to_date() -> None:
    """The order names each room once, and no room that has left."""
    assert sum(map(len, ROOMS)) == len(LEVEL)
    present = {room_of(path) for path in modules()}
    assert LEVEL.keys() <= present
