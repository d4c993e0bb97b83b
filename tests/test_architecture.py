"""The wings of docs/architecture.md: a later room imports an earlier one, never the reverse."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "meshlab"

ROOMS: tuple[str, ...] = (
    "errors",
    "files units",
    "cache",
    "documents tables",
    "scenario",
    "cluster.facts",
    "cluster.audit",
    "models.overhead",
    "models.decision models.evidence",
    "models.curves models.pairs models.sensitivity",
    "planning.comparison planning.iac planning.migration",
    "reviews.record reviews.team",
    "reviews.measured",
    "reviews.cases",
    "reviews.advice",
    "reviews.migration",
    "reviews.comparison",
    "reviews.measurement",
    "reviews.review",
    "show.theme",
    "show.labels",
    "show.fragments",
    "show.export",
    "show.charts",
    "show.first_page",
    "show.report",
    "show.runbooks",
    "show.views",
    "show.widgets",
    "run.batch run.embed run.lab",
    "run.sweep",
    "api",
    "run.cli",
    "__main__",
)
"""Modules and packages from the first room to the last; those of one line do not import each other."""

FACE = ""
"""The package's own ``__init__``, which offers what ``api`` holds: it stands before all rooms and may know any."""

LEVEL = {name: level for level, row in enumerate(ROOMS) for name in row.split()}
WINGS = {name.partition(".")[0] for name in LEVEL if "." in name}

KEEPERS: dict[str, str] = {
    "anywidget": "show.widgets",
    "choreographer": "run.batch run.cli",
    "click": "run.cli",
    "comm": "run.batch",
    "distributed": "run.batch",
    "ipykernel": "run.batch",
    "ipywidgets": "show.widgets",
    "jinja2": "show.fragments show.report",
    "jupyter_client": "run.batch",
    "markdown_it": "run.embed",
    "nbclient": "run.batch",
    "nbconvert": "run.batch",
    "nbformat": "run.batch",
    "numpy": (
        "models.decision models.evidence models.overhead models.sensitivity planning.comparison reviews.comparison "
        "reviews.measurement run.sweep"
    ),
    "papermill": "run.batch",
    "plotly": "show.export show.widgets run.batch",
    "scipy": "run.sweep",
    "sqlglot": "models.decision",
    "traitlets": "show.widgets run.batch",
    "yaml": "documents cluster.facts planning.iac run.cli",
}
"""Libraries that only some rooms may know: models meet neither pictures nor widgets nor notebooks."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(names: list[str]) -> str:
    """The room of a dotted name below meshlab: a module of the foundations, or a wing and what stands in it."""
    return ".".join(names[:2] if names[0] in WINGS else names[:1])


def room_of(path: Path) -> str:
    """The room that a file stands in; a wing's or the package's own ``__init__`` stands in none."""
    names = path.relative_to(PACKAGE).with_suffix("").parts
    return room([name for name in names if name != "__init__"] or [""])


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
    names = [name.split(".")[1:] for name in imported(path) if name.partition(".")[0] == "meshlab"]
    return {room(parts) for parts in names if parts and not parts[0].startswith("__")}


def test_each_module_stands_in_a_room() -> None:
    """Every module has a place in the order, every place is taken, and none is named twice."""
    standing = {room_of(path) for path in MODULES} - WINGS - {FACE}
    assert standing == LEVEL.keys()
    assert sum(len(row.split()) for row in ROOMS) == len(LEVEL)


def test_imports_point_one_way() -> None:
    """A module imports only from earlier rooms, or from within its own."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in MODULES
        for other in rooms_imported(path) - {room_of(path)}
        if room_of(path) != FACE and (other not in LEVEL or LEVEL[other] >= LEVEL.get(room_of(path), 0))
    ]
    assert not wrong


def test_the_package_needs_nothing_beside_it() -> None:
    """No module imports what makes the coefficients, or a test: a wheel carries neither."""
    beside = {path.name for path in PACKAGE.parent.iterdir() if path.is_dir()} - {PACKAGE.name}
    assert "fitting" in beside
    strays = [str(path) for path in MODULES if beside & {name.partition(".")[0] for name in imported(path)}]
    assert not strays


def test_libraries_keep_to_their_rooms() -> None:
    """Plotly, widgets, notebooks, templates, the command line and SQL are known only where they belong."""
    strays = [
        f"{path.relative_to(PACKAGE)} imports {library}"
        for path in MODULES
        for library in {name.partition(".")[0] for name in imported(path)} & KEEPERS.keys()
        if room_of(path) not in KEEPERS[library].split()
    ]
    assert not strays
