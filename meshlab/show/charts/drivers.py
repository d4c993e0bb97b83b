"""What moves a figure most: for each driver the span between the ends of its interval, around today's figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models import sensitivity
from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.models.sensitivity import how_moved
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import STRONGEST
from meshlab.scenario import inputs
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot, Stated
from meshlab.show.charts.intervals import VALUE_AXIS
from meshlab.show.export import Chart
from meshlab.show.theme import figure_text, interval_text, wrap
from meshlab.tables import read_table

SIDES_PX = (230, 124)
"""Room for names to the left and figures to the right. [px]"""

KINDS = {"input": "", "coefficient": "/"}
"""Hatching that tells what a team can find out from what only measurements can narrow."""

KEY = "Plain: an input, moved as its row says. Hatched: a coefficient, over its 10–90 % interval. Line: as it stands."


def drivers(of: Review | Stated, look: Look, *, figure: str, dataplane: str | None) -> Chart:
    """What moves a figure most, the strongest first.

    Args:
        of: A review, or stated values.
        look: Theme and size.
        figure: The figure.
        dataplane: The data plane; the one that the review recommends unless given.

    Raises:
        MeshlabError: There is no such figure, or nothing says which data plane.
    """
    if figure not in figures():
        raise MeshlabError(Problem("figure", f"unknown figure {shorten(figure)}", did_you_mean(figure, figures())))
    shown, ids = figures()[figure], list[str]()
    if dataplane is not None:
        found = sensitivity.tornado(canvas.known_frame(of), dataplane, figure).head(STRONGEST)
        rows = found.with_columns(dataplane=pl.lit(dataplane)).to_dicts()
    elif isinstance(of, Review):
        rows = [row for row in of.sensitivity or () if row["figure_name"] == figure]
        ids = canvas.cited(of, figure, filter(None, (of.headline.dataplane,)))
    else:
        raise MeshlabError(Problem("drivers", "name no data plane", did_you_mean("", mesh_dataplanes())))
    label, unit = shown.label, shown.unit
    title, key = f"{label}: nothing to move", "No mesh is recommended, so no input moves what it would add."
    if rows:
        title = f"What moves the {label[0].lower()}{label[1:]} of {dataplanes()[rows[0]['dataplane']].label}"
        key = KEY
    sentences = [
        f"{driver_label(row['driver'])}: "
        f"{figure_text(row['figure_at_low'])} to {figure_text(row['figure_at_high'])} {unit}."
        for row in rows
    ]
    table = [
        {
            "driver": driver_label(row["driver"]),
            "kind": row["kind"],
            "from": driver_value(row["low"]),
            "to": driver_value(row["high"]),
            "unit": row["unit"] or "",
            "moved": how_moved(row["driver"]),
            f"lowest [{unit}]": figure_text(row["figure_at_low"]),
            f"as it stands [{unit}]": figure_text(row["figure"]),
            f"highest [{unit}]": figure_text(row["figure_at_high"]),
        }
        for row in rows
    ]
    plot = _plot(rows, f"{label} [{unit}]", look) if rows else canvas.NOTHING_DRAWN
    captions = Captions("drivers", title, key, canvas.subtitle(of))
    return canvas.chart_of(captions, plot, table, look, sentences=sentences, source_ids=ids)


def _plot(rows: Sequence[Row], title: str, look: Look) -> Plot:
    colours, now = look.colours, rows[0]["figure"]
    lines = [wrap(driver_label(row["driver"]), SIDES_PX[0] - 24, 13) for row in rows]
    values = [canvas.escape(_values(row)) for row in rows]
    figures = [_figures(row) for row in rows]
    labels = ["<br>".join(map(canvas.escape, label)) for label in lines]
    names = [f"<b>{label}</b><br>{canvas.small(value)}" for label, value in zip(labels, values, strict=True)]
    as_it_stands = {"type": "line", "x0": now, "x1": now, "y0": 0, "y1": 1, "yref": "paper"}
    layout = {
        "xaxis": {**VALUE_AXIS, "title": {"text": title}, "zerolinecolor": colours.muted},
        **canvas.named_rows(names, figures, look),
        "shapes": [{**as_it_stands, "line": {"color": colours.ink, "width": 1.5}}],
    }
    hues = [dataplanes()[row["dataplane"]].hues[look.theme] for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(rows))),
        "base": [row["figure_at_low"] for row in rows],
        "x": [row["figure_at_high"] - row["figure_at_low"] for row in rows],
        "width": 0.5,
        "marker": canvas.hatched(hues, [KINDS[row["kind"]] for row in rows], colours.paper),
        "customdata": [
            f"{driver_label(row['driver'])}: {value}<br>{shown}"
            for row, value, shown in zip(rows, values, figures, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    # every row is as high as the one whose label has the most lines
    row_px = 24 + 18 * max(map(len, lines))
    return Plot([bars, canvas.ANCHOR], layout, row_px * len(rows), below_px=canvas.AXIS_PX, sides_px=SIDES_PX)


def _values(row: Row) -> str:
    """Values of the driver at both ends, with their unit."""
    return f"{driver_value(row['low'])} to {driver_value(row['high'])}{driver_unit(row['unit'])}"


def _figures(row: Row) -> str:
    low, high = row["figure_at_low"], row["figure_at_high"]
    return interval_text(low, high) or figure_text(low)


# --- drivers in words ----------------------------------------------------------------------------------------------


def driver_label(driver: str) -> str:
    """An input or a coefficient by its label."""
    return inputs()[driver].label if driver in inputs() else _coefficient_labels().get(driver, driver)


@cache
def _coefficient_labels() -> dict[str, str]:
    return dict(read_table("coefficient_labels").iter_rows())


def driver_unit(unit: str | None) -> str:
    """The unit behind a value of a driver; a count and a factor need none."""
    return "" if unit in (None, "", "count", "factor") else f" {unit}"


def driver_value(text: str) -> str:
    """A value of a driver as a person writes it: numbers with few digits, yes and no."""
    try:
        return figure_text(float(text))
    except ValueError:
        return {"True": "yes", "False": "no"}.get(text, text)
