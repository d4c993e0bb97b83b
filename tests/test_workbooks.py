"""All workbooks, run as papermill runs them: with their defaults, and with each example team where they take one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from meshlab.reviews.review import example_teams, open_review
from meshlab.tables import resource

WORKBOOKS = sorted(path.stem for path in resource("workbooks").glob("*.ipynb"))
TEAMS = sorted(path.stem for path in example_teams().glob("*.yaml"))


def read(name: str) -> Any:
    """A workbook as it is committed."""
    return nbformat.read(resource("workbooks") / f"{name}.ipynb", as_version=4)


def run(name: str, folder: Path, **parameters: object) -> Any:
    """A workbook after a run with these parameters, in forks of a warm process."""
    target = folder / f"{name}.ipynb"
    papermill.execute_notebook(
        resource("workbooks") / f"{name}.ipynb", target, parameters, engine_name="meshlab", progress_bar=False
    )
    return nbformat.read(target, as_version=4)


def parameters(name: str) -> dict[str, Any]:
    """Parameters of a workbook, as papermill finds them."""
    return papermill.inspect_notebook(resource("workbooks") / f"{name}.ipynb")


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_is_committed_without_outputs(name: str) -> None:
    """A workbook is valid, holds no outputs, names its cells, and has one cell of parameters."""
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == ["parameters"]


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_is_thin(name: str) -> None:
    """Beside its parameters no cell holds a definition, a loop, or more than twenty lines."""
    for cell in read(name).cells:
        if cell.cell_type == "code" and cell.id != "parameters":
            lines = cell.source.splitlines()
            assert len(lines) <= 20, cell.id
            assert not [line for line in lines if line.lstrip().startswith(("def ", "class ", "for ", "while "))]


@pytest.mark.parametrize("name", WORKBOOKS)
def test_every_parameter_is_typed_and_explained(name: str) -> None:
    """Papermill finds a type and a help text for each parameter."""
    for parameter in parameters(name).values():
        assert parameter["inferred_type_name"] != "None", parameter
        assert len(parameter["help"]) > 10, parameter


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_runs_with_its_defaults(name: str, tmp_path: Path) -> None:
    """No cell fails or writes to its error stream, and static fragments are there beside any controls."""
    notebook = run(name, tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    assert sum("text/html" in output.data for output in outputs) >= 5


TAKING = [name for name in WORKBOOKS if "source" in parameters(name)]
"""Workbooks that take a source."""

MEETINGS = [
    pytest.param(name, team, marks=() if (place - of_team) % len(TEAMS) < 2 else pytest.mark.soak)
    for place, name in enumerate(TAKING)
    for of_team, team in enumerate(TEAMS)
]
"""Each of them with each team. The ordinary tests take two of the five teams, each in two workbooks."""


@pytest.mark.parametrize(("name", "team"), MEETINGS)
def test_a_workbook_runs_with_each_example_team(name: str, team: str, tmp_path: Path) -> None:
    """A workbook that takes a source shows the review of each example team, stamped with its hash."""
    notebook = run(name, tmp_path, source=team)
    (stamp,) = [cell for cell in notebook.cells if cell.id == "stamp"]
    assert open_review(team).inputs_sha256[:12] in stamp.outputs[0].data["text/plain"]
