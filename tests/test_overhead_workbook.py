"""The overhead workbook, run as papermill runs it and turned into a page."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import papermill
import pytest

from meshlab.reviews.review import review_values
from meshlab.show import charts
from meshlab.show.charts.intervals import COST, CPU, LATENCY, MEMORY
from meshlab.tables import resource

PLOTLY_MIME = "application/vnd.plotly.v1+json"
WORKBOOK = resource("workbooks") / "overhead.ipynb"


def run(folder: Path, **parameters: object) -> Any:
    """The workbook after a run with these parameters."""
    target = folder / "overhead.ipynb"
    papermill.execute_notebook(WORKBOOK, target, parameters, progress_bar=False, cwd=folder)
    return nbformat.read(target, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The workbook after a run with its defaults."""
    return run(tmp_path_factory.mktemp("overhead"))


def outputs(notebook: Any, mime: str) -> list[Any]:
    """Outputs of one kind, in their order."""
    return [
        output.data[mime]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if mime in output.get("data", {})
    ]


def test_the_workbook_is_committed_without_outputs() -> None:
    """The workbook carries no outputs and no execution counts, and one cell of parameters."""
    notebook = nbformat.read(WORKBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == ["parameters"]


def test_every_parameter_is_typed_and_explained() -> None:
    """Papermill finds a type and a help text for each parameter."""
    found = papermill.inspect_notebook(WORKBOOK)
    assert {"nodes", "services", "pods", "requests_per_second", "interactive", "theme"} <= set(found)
    for name, parameter in found.items():
        assert parameter["inferred_type_name"] != "None", name
        assert len(parameter["help"]) > 10, name


def test_the_workbook_runs_with_its_defaults(executed: Any) -> None:
    """No cell fails or complains, and every chart is drawn, each with its figures as a table beside it."""
    kinds = [output.output_type for cell in executed.cells for output in cell.get("outputs", [])]
    assert set(kinds) == {"display_data", "execute_result"}
    assert [figure["layout"]["title"]["text"] for figure in outputs(executed, PLOTLY_MIME)] == [
        *(shown.title for shown in (MEMORY, CPU, LATENCY, COST)),
        "Cost over pods in the mesh",
        "Latency that builds up along a path of calls",
        "Where Istio ambient and Cilium cost the same",
        "What moves the cost of Istio ambient",
        "What network plugins cost alone",
        "A chain of rules grows with Services, maps do not",
        "Memory over services each proxy knows",
    ]
    tables = [
        output.data["text/html"]
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if PLOTLY_MIME in output.get("data", {})
    ]
    assert all("<table" in table for table in tables)


def test_the_figure_that_is_taken_apart_is_the_sum_of_its_coefficients(executed: Any) -> None:
    """Added up by hand from the file of coefficients, a sidecar that knows 120 services is the table's second row."""
    with (Path(__file__).parents[1] / "data" / "coefficients.csv").open(encoding="utf-8", newline="") as stream:
        mib = {row["coefficient"]: float(row["median"]) for row in csv.DictReader(stream)}
    expected = mib["sidecar_base_mib"] + 120 * mib["sidecar_service_mib"] + 480 * mib["sidecar_endpoint_mib"]
    expected += 20 * mib["sidecar_connection_mib"]
    told = [text for text in outputs(executed, "text/plain") if "endpoints: 480; connections: 20" in text]
    assert f"services: 120; endpoints: 480; connections: 20; MiB: {expected:.1f}\n" in told[0]


def test_controls_leave_a_sentence_where_no_kernel_runs(executed: Any) -> None:
    """A page that was rendered without a kernel says how to get the controls, not what widgets are made of."""
    (cell,) = [cell for cell in executed.cells if cell.id == "controls"]
    assert "meshlab lab" in cell.outputs[0].data["text/plain"]


def test_a_run_shows_its_parameters(tmp_path: Path) -> None:
    """Other parameters give the figures that the models give for them, and no controls where none are asked for."""
    values = {"nodes": 3, "services": 10, "pods": 40, "requests_per_second": 800.0, "l7_traffic_share": 0.0}
    notebook = run(tmp_path, **values, interactive=False, theme="print")
    expected = charts.chart("memory", review_values({**values, "call_depth": 3}), charts.Look("print")).spec
    assert outputs(notebook, PLOTLY_MIME)[0]["data"] == expected["data"]
    assert not outputs(notebook, "application/vnd.jupyter.widget-view+json")


def test_the_page_asks_no_network_for_its_figures(tmp_path: Path) -> None:
    """A page made of a batch run loads nothing of plotly's from another host."""
    notebook = run(tmp_path, interactive=False)
    page, _ = nbconvert.HTMLExporter(template_name="basic", exclude_input=True).from_notebook_node(notebook)
    assert "Istio ambient" in page
    assert not re.search(r"<script[^>]+src=.https?:", page)
