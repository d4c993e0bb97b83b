"""The map of the domain: the verdict in every cell of two inputs, in words first and in colour second."""

from __future__ import annotations

from typing import Any

import polars as pl

from meshlab.models.overhead import NONE, dataplane_of_mesh, dataplanes
from meshlab.show.charts.canvas import Captions, Look, Plot, chart_of, escape, small
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import TEXT_PX, mix, option_words, wrap

ROW_PX, AXIS_PX, TITLE_ROOM_PX = 56, 84, 28
"""Height of a row of cells, room for the axis below and for a title above. [px]"""

SIDES_PX = (150, 12)
"""Room to the left, for the values of the input that runs downwards, and to the right. [px]"""

LABEL_PX = 11
"""Size of type in a cell. [px]"""


def domain(frame: pl.DataFrame, across: str, down: str, subject: str, look: Look) -> Chart:
    """The verdict over two inputs.

    Args:
        frame: Columns of ``decision.domain_map``.
        across: Label of the input from left to right.
        down: Label of the input from top to bottom.
        subject: What is held fixed: the line under the title.
        look: Theme and size.
    """
    rows = [
        {
            across: row["across"],
            down: row["down"],
            "network plugin": option_words(row["cni"]),
            "mesh": option_words(row["mesh"]),
            "as given": "● yes" if row["here"] else "",
        }
        for row in frame.iter_rows(named=True)
    ]
    key = "Each field: network plugin, then mesh. Thick frame and ●: the facts as given."
    captions = Captions("domain", "The verdict over two inputs", key, subject)
    here = [
        f"As given ({row['across']}, {row['down']}): {option_words(row['cni'])}, {option_words(row['mesh'])}."
        for row in frame.filter("here").iter_rows(named=True)
    ]
    return chart_of(captions, _plot(frame, across, down, look), rows, look, sentences=here)


def _plot(frame: pl.DataFrame, across: str, down: str, look: Look) -> Plot:
    columns = frame.unique("column", maintain_order=True)["across"].to_list()
    rows = frame.unique("row", maintain_order=True)["down"].to_list()
    colours = look.colours
    cell_px = (look.text_width - sum(SIDES_PX)) / len(columns)
    cells = list(frame.iter_rows(named=True))
    side = {"showgrid": False, "fixedrange": True, "automargin": False, "color": colours.ink, "tickangle": 0}
    layout = {
        "xaxis": {
            **side,
            "range": [-0.5, len(columns) - 0.5],
            "tickvals": list(range(len(columns))),
            "ticktext": [_label(text, cell_px) for text in columns],
            "title": {"text": across, "standoff": 10},
        },
        "yaxis": {
            **side,
            # above the cells stands the title of what runs downwards
            "range": [len(rows) - 0.5, -0.5 - TITLE_ROOM_PX / ROW_PX],
            "tickvals": list(range(len(rows))),
            "ticktext": [_label(text, SIDES_PX[0] - 20) for text in rows],
        },
        "shapes": [_square(cell, look) for cell in cells],
        "annotations": [_verdict(cell, colours.ink, cell_px) for cell in cells] + [_down_title(down, colours.muted)],
    }
    # plotly draws no axis without a trace; its points carry what is told under the pointer
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [cell["column"] for cell in cells],
        "y": [cell["row"] for cell in cells],
        "marker": {"opacity": 0, "size": 40},
        "customdata": [
            f"{cell['across']}<br>{cell['down']}<br>{option_words(cell['cni'])}; {option_words(cell['mesh'])}"
            for cell in cells
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return Plot([points], layout, ROW_PX * len(rows) + TITLE_ROOM_PX, AXIS_PX, SIDES_PX)


def _label(text: str, width_px: float) -> str:
    return "<br>".join(small(escape(line)) for line in wrap(text, width_px, LABEL_PX))


def _down_title(text: str, colour: str) -> Spec:
    """The title of the axis that runs downwards, above its values and level, so that it can be read."""
    place = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -6, "y": 1, "yref": "paper", "yanchor": "top"}
    return {**place, "text": escape(text), "showarrow": False, "font": {"size": TEXT_PX, "color": colour}}


def _square(cell: dict[str, Any], look: Look) -> Spec:
    colours = look.colours
    hue = dataplanes()[dataplane_of_mesh().get(cell["mesh"], NONE)].hues[look.theme]
    line = {"color": colours.ink, "width": 3} if cell["here"] else {"color": colours.paper, "width": 2}
    return {
        "type": "rect",
        # the frame of the cell as given lies on top of its neighbours' edges
        "layer": "between" if cell["here"] else "below",
        "x0": cell["column"] - 0.5,
        "x1": cell["column"] + 0.5,
        "y0": cell["row"] - 0.5,
        "y1": cell["row"] + 0.5,
        "fillcolor": mix(hue, colours.paper, 0.28 if cell["cni"] == "stay" else 0.42),
        "line": line,
    }


def _verdict(cell: dict[str, Any], ink: str, cell_px: float) -> Spec:
    parts = [option_words(cell["cni"], short=True), option_words(cell["mesh"], short=True)]
    text = "<br>".join(line for part in parts for line in wrap(part, cell_px, LABEL_PX))
    return {
        "x": cell["column"],
        "y": cell["row"],
        "text": f"<b>●</b> {text}" if cell["here"] else text,
        "showarrow": False,
        "font": {"size": LABEL_PX, "color": ink},
    }
