"""The layers of docs/architecture.md: a later part imports an earlier one, never the reverse."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "meshlab"

PARTS: tuple[str, ...] = (
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
    "reviews.measurement_plan",
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
    "run.batch run.embed",
    "run.lab",
    "run.sweep",
    "api",
    "run.cli",
    "__main__",
)
"""Modules and packages from the first part to the last; those of one line do not import each other."""

FACE = ""
"""The package's own ``__init__``, which offers what ``api`` holds: it stands before all parts and may know any."""

LEVEL = {name: level for level, row in enumerate(PARTS) for name in row.split()}
LAYERS = {name.partition(".")[0] for name in LEVEL if "." in name}

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
        "reviews.measurement_plan run.sweep"
    ),
    "papermill": "run.batch",
    "plotly": "show.export show.widgets run.batch",
    "scipy": "run.sweep",
    "sqlglot": "models.decision planning.migration",
    "traitlets": "show.widgets run.batch",
    "yaml": "documents cluster.facts planning.iac run.cli",
}
"""Libraries that only some parts may know: models meet neither pictures nor widgets nor notebooks."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def part(names: list[str]) -> str:
    """The part of a dotted name below meshlab: a module of the foundations, or a layer and what stands in it."""
    return ".".join(names[:2] if names[0] in LAYERS else names[:1])


def part_of(path: Path) -> str:
    """The part that a file stands in; a layer's or the package's own ``__init__`` stands in none."""
    names = path.relative_to(PACKAGE).with_suffix("").parts
    return part([name for name in names if name != "__init__"] or [""])


def imported(path: Path) -> Iterator[str]:
    """Every name that the file imports, dotted, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, so that this test can read them"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_imported(path: Path) -> set[str]:
    """Parts of ours that the file imports from."""
    names = [name.split(".")[1:] for name in imported(path) if name.partition(".")[0] == "meshlab"]
    return {part(parts) for parts in names if parts and not parts[0].startswith("__")}


def test_each_module_stands_in_a_part() -> None:
    """Every module has a place in the order, every place is taken, and none is named twice."""
    standing = {part_of(path) for path in MODULES} - LAYERS - {FACE}
    assert standing == LEVEL.keys()
    assert sum(len(row.split()) for row in PARTS) == len(LEVEL)


def test_imports_point_one_way() -> None:
    """A module imports only from earlier parts, or from within its own."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in MODULES
        for other in parts_imported(path) - {part_of(path)}
        if part_of(path) != FACE and (other not in LEVEL or LEVEL[other] >= LEVEL.get(part_of(path), 0))
    ]
    assert not wrong


def test_the_package_needs_nothing_beside_it() -> None:
    """No module imports what makes the coefficients, or a test: a wheel carries neither."""
    beside = {path.name for path in PACKAGE.parent.iterdir() if path.is_dir()} - {PACKAGE.name}
    assert "fitting" in beside
    strays = [str(path) for path in MODULES if beside & {name.partition(".")[0] for name in imported(path)}]
    assert not strays


def test_libraries_keep_to_their_parts() -> None:
    """Plotly, widgets, notebooks, templates, the command line and SQL are known only where they belong."""
    strays = [
        f"{path.relative_to(PACKAGE)} imports {library}"
        for path in MODULES
        for library in {name.partition(".")[0] for name in imported(path)} & KEEPERS.keys()
        if part_of(path) not in KEEPERS[library].split()
    ]
    assert not strays


def test_names_in_the_tables_of_documents_exist() -> None:
    """Modules, functions and paths that the tables of architecture.md and CONTRIBUTING.md name are there."""
    root = PACKAGE.parent
    tops = ("meshlab", "data", "docs", "fitting", "tests", "workbooks", "requirements", "reports")
    files = [path for top in tops for path in [root / top, *(root / top).rglob("*")] if "__pycache__" not in path.parts]
    known = {name for path in files for name in (path.name, path.stem)} | {path.name for path in root.iterdir()}
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        known |= set(re.findall(r"^(?:def |class )?(\w+)\s*[:=(]", text, re.MULTILINE))
    wrong = [
        f"{document}: {name}"
        for document in ("docs/architecture.md", "CONTRIBUTING.md")
        for line in (root / document).read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([\w./]+(?:\(\))?)`", line)
        if not name.endswith(".json")  # what a review writes
        if not ((root / name).exists() if name.count("/") > name.endswith("/") else _last(name) in known)
    ]
    assert not wrong


def _last(name: str) -> str:
    """What a name ends in: of ``tables.resource()`` the function, of ``benches/`` the folder, of a file all of it."""
    return name.strip("/()") if re.search(r"\.(?:py|csv|md|toml)$", name) else re.split(r"[./]", name.strip("/()"))[-1]
