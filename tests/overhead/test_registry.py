"""The tables of data planes and figures: what is written of each, and what a new one may not lack."""

from __future__ import annotations

import polars as pl
import pytest
from overhead_frames import one

from meshlab.models.overhead import citing, dataplane_of_mesh, estimate, figures, mesh_dataplanes
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.models.overhead.dataplanes import MODELS, linkerd
from meshlab.models.overhead.estimates import coefficients_of
from meshlab.models.overhead.registry import RANGED, _faults, coefficients_used, in_evidence_range, incomplete
from meshlab.scenario import inputs
from meshlab.tables import read_table

MODELS_AND_KUMA = {**MODELS, "kuma": linkerd}

Tables = dict[str, pl.DataFrame]


def with_kuma() -> Tables:
    """All tables with a data plane that is Linkerd in everything but its name."""
    table = read_table("dataplanes")
    row = table.filter(dataplane="linkerd").with_columns(dataplane=pl.lit("kuma"))
    ranges = read_table("evidence/range")
    own = ranges.filter(dataplane="linkerd").with_columns(dataplane=pl.lit("kuma"))
    names = pl.col("dataplane").str.replace("linkerd", "linkerd|kuma")
    return {
        "table": pl.concat([table, row]),
        "ranges": pl.concat([ranges, own]),
        "coefficients": coefficient_table().with_columns(names),
    }


def lacking(tables: Tables) -> list[str]:
    """What is told of the tables, less the files and what to do."""
    return [problem.what for problem in incomplete(**tables, models=MODELS_AND_KUMA)]


# --- what a data plane may not lack --------------------------------------------------------------------------------


def test_the_tables_of_the_repository_are_whole() -> None:
    """Nothing is missing of any data plane, nor of one that is another by a new name."""
    assert not list(incomplete(read_table("dataplanes"), read_table("evidence/range"), coefficient_table(), MODELS))
    assert not list(_faults(read_table("dataplanes")))
    assert lacking(with_kuma()) == []


def test_a_data_plane_that_was_not_measured_is_outside_of_what_was() -> None:
    """Without a range every scenario is extrapolated, so that a first fit can run."""
    assert pl.select(in_evidence_range("kuma")).item() is False


@pytest.mark.parametrize("quantity", RANGED)
def test_a_missing_range_is_told(quantity: str) -> None:
    """Each quantity of which nobody says how far it was measured is named with the data plane."""
    tables = with_kuma()
    tables["ranges"] = tables["ranges"].filter(~((pl.col("dataplane") == "kuma") & (pl.col("quantity") == quantity)))
    assert lacking(tables) == [f"kuma has no range of {quantity}"]


@pytest.mark.parametrize(
    "coefficient", ["linkerd_base_mib", "linkerd_memory_spread", "stall_rarity", "byte_mcores", "mtls_latency_factor"]
)
@pytest.mark.parametrize("change", ["gone", "unnamed"])
def test_a_missing_coefficient_is_told(coefficient: str, change: str) -> None:
    """A coefficient in the equations, or in what data planes share, that is not there or names others only is told.

    Without the name it would enter the figures, and neither their sources nor what moves them most.
    """
    tables, is_row = with_kuma(), pl.col("coefficient") == coefficient
    if change == "gone":
        tables["coefficients"] = tables["coefficients"].filter(~is_row)
        assert f"kuma has no coefficient {coefficient}" in lacking(tables)
        return
    others = pl.when(is_row).then(pl.col("dataplane").str.replace("|kuma", "", literal=True)).otherwise("dataplane")
    tables["coefficients"] = tables["coefficients"].with_columns(dataplane=others)
    assert lacking(tables) == [f"{coefficient} enters kuma, which its row does not name"]


def test_missing_equations_and_a_missing_row_are_told() -> None:
    """A row without equations is named, and so are equations without a row."""
    tables = with_kuma()
    assert [problem.what for problem in incomplete(**tables, models=MODELS)] == ["data plane 'kuma' has no equations"]
    tables["table"] = read_table("dataplanes")
    assert lacking(tables) == ["the equations of 'kuma' have no row"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": "Cilium"}, "label 'Cilium' stands twice"),
        ({"letter": "S"}, "letter 'S' stands twice"),
        ({"hue_dark": "#DD9CC4"}, "colour '#DD9CC4' of linkerd is none"),
        ({"proxy_per": "rack"}, "proxy_per of linkerd is rack"),
    ],
)
def test_a_wrong_cell_is_told(change: dict[str, str], told: str) -> None:
    """Names and marks that two data planes share, a colour that is none and a proxy that stands nowhere are told."""
    cells = [
        pl.when(dataplane="linkerd").then(pl.lit(value)).otherwise(name).alias(name) for name, value in change.items()
    ]
    assert told in [problem.what for problem in _faults(read_table("dataplanes").with_columns(cells))]


@pytest.mark.parametrize("dataplane", mesh_dataplanes())
def test_the_equations_name_what_the_figures_cite(dataplane: str) -> None:
    """The coefficients of the equations are those from which the estimate's own expressions are made."""
    of_figures = set().union(*(coefficients_of(figure, dataplane) for figure in citing()))
    assert coefficients_used(MODELS[dataplane]) == of_figures


# --- what is read from them ----------------------------------------------------------------------------------------


def test_data_planes_are_those_of_the_decision() -> None:
    """Each option of a mesh that names a data plane names the one of that mesh, and each mesh of one may run today."""
    options = read_table("decision/meshes").filter(pl.col("dataplane").is_not_null())
    assert set(options.select("mesh", "dataplane").iter_rows()) == set(dataplane_of_mesh().items())
    assert dataplane_of_mesh().keys() <= set(inputs()["current_mesh"].choices)


def test_figures_are_the_columns_of_an_estimate() -> None:
    """The table of figures names what an estimate returns, and nothing else."""
    columns = estimate(one()).collect_schema().names()
    ends = [f"{name}{end}" for name, figure in figures().items() if figure.interval for end in ("_lo", "_hi")]
    assert {*figures(), *ends, "scenario", "dataplane", "in_evidence_range"} == set(columns)


def test_units_of_figures_are_declared() -> None:
    """Each figure's unit is one of ``units.csv``, and the one that its name ends in."""
    assert {figure.unit for figure in figures().values()} <= set(read_table("units")["unit"])
    ends = {"gib": "GiB", "cores": "cores", "ms": "ms", "month": "USD/month", "load": "share", "filled": "count"}
    assert all(ends[name.rpartition("_")[2]] == figure.unit for name, figure in figures().items())
