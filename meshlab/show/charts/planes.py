"""Charts over two inputs: where two data planes cost the same, and the verdict in every cell of a map."""

from __future__ import annotations

import math

import polars as pl

from meshlab.models import sensitivity
from meshlab.models.decision.domain_map import domain_map
from meshlab.models.overhead import NONE, dataplane_of_mesh, dataplanes
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import source_ids, without
from meshlab.scenario import inputs
from meshlab.show.charts.canvas import (
    NOTHING_DRAWN,
    Captions,
    Look,
    Plot,
    Stated,
    chart_of,
    cited,
    escape,
    known_frame,
    small,
    subtitle,
)
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import TEXT_PX, figure_text, mix, option_words, wrap
from meshlab.show.words import axis_label, input_label, value_text

# --- where two data planes cost the same ---------------------------------------------------------------------------

PAIRS = (("istio-ambient", "cilium"), ("istio-sidecar", "cilium"), ("istio-sidecar", "istio-ambient"))
"""Pairs of data planes that may cost the same somewhere, in the order in which a line is looked for."""

COST = "cost_usd_per_month"

PLOT_PX, LINE_AXIS_PX = 340, 54
"""Height of the plot, and room for its axis. [px]"""

LINE_SIDES_PX = (84, 20)
"""Room to the left, for the axis, and to the right. [px]"""

MARGIN = 0.16
"""Room above and below the line for the words that say which is cheaper. [decades]"""

SHOWN = 12
"""Points of the line that the table lists."""


def break_even(of: Review | Stated, look: Look, *, pair: tuple[str, str] | None, over: tuple[str, str]) -> Chart:
    """The line along which two data planes cost the same, with the cheaper one named on either side.

    Args:
        of: A review, or stated values.
        look: Theme and size.
        pair: The two data planes; unless given, the first pair that has a line.
        over: The inputs across and up.
    """
    frame, asked = known_frame(of), (COST, *over)
    pairs, least = ([pair], 1) if pair else (PAIRS, 2)
    lines = ((each, sensitivity.break_even(frame, *each, *asked)) for each in pairs)
    found, line = next(((each, line) for each, line in lines if line.height >= least), (pairs[0], None))
    labels = [f"{inputs()[name].label} [{inputs()[name].unit or 'share'}]" for name in over]
    names = [dataplanes()[name].label for name in found]
    rows: list[dict[str, str]] = []
    if line is None:
        plot = NOTHING_DRAWN
        throughout = sensitivity.cheaper_throughout(frame, *found, *asked)
        key = said = (
            f"No line: {dataplanes()[throughout].label} is cheaper over the whole range."
            if throughout
            else f"No line: along {labels[1]} the two never change places."
        )
    else:
        points = line.select(x=over[0], y=over[1])
        sides = {side: dataplanes()[line[f"cheaper_{side}"][0]].label for side in ("below", "above")}
        plot = _line_plot(points, labels, sides, [of.scenario[name] for name in over], look)
        key = "Line: same monthly cost, at the medians. Cross: as it stands."
        ends = [f"at {figure_text(points['x'][end])}: {figure_text(points['y'][end])}" for end in (0, -1)]
        said = (
            f"{labels[1]} over {labels[0]}, {', '.join(ends)}; "
            f"{sides['below']} is cheaper below, {sides['above']} above."
        )
        rows = [
            {
                labels[0]: figure_text(row[over[0]]),
                f"{labels[1]} at break-even": figure_text(row[over[1]]),
                "cheaper below": dataplanes()[row["cheaper_below"]].label,
                "cheaper above": dataplanes()[row["cheaper_above"]].label,
            }
            for row in line.gather_every(max(1, -(-line.height // SHOWN))).iter_rows(named=True)
        ]
    captions = Captions("break-even", f"Where {names[0]} and {names[1]} cost the same", key, subtitle(of))
    ids = cited(of, COST, dataplanes(), priced=True)
    return chart_of(captions, plot, rows, look, sentences=[said], source_ids=ids)


def _line_plot(points: pl.DataFrame, labels: list[str], cheaper: dict[str, str], here: list[float], look: Look) -> Plot:
    ink = look.colours.ink
    own = here if all(here) else []
    # which one is cheaper stands in the corners where there is room
    rising = points["y"][-1] > points["y"][0]
    above = {"x": 0.02 if rising else 0.98, "y": 0.98, "xanchor": "left" if rising else "right", "yanchor": "top"}
    below = {"x": 0.98 if rising else 0.02, "y": 0.02, "xanchor": "right" if rising else "left", "yanchor": "bottom"}
    layout = {
        "xaxis": {**_axis(points["x"], own[:1], 0), "title": {"text": labels[0]}},
        "yaxis": {**_axis(points["y"], own[1:], MARGIN), "title": {"text": labels[1]}},
        "annotations": [
            {
                **place,
                "xref": "paper",
                "yref": "paper",
                "showarrow": False,
                "text": f"{cheaper[side]} is cheaper",
                "font": {"color": ink},
            }
            for place, side in ((above, "above"), (below, "below"))
        ],
    }
    traces: list[Spec] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": points["x"].to_list(),
            "y": points["y"].to_list(),
            "line": {"color": ink, "width": 2},
            "hovertemplate": "%{x:.3s}, %{y:.3s}<extra></extra>",
        }
    ]
    if own:
        marker = {"symbol": "x", "size": 11, "color": ink}
        traces.append({"type": "scatter", "mode": "markers", "x": own[:1], "y": own[1:], "marker": marker})
    return Plot(traces, layout, PLOT_PX, LINE_AXIS_PX, LINE_SIDES_PX)


def _axis(values: pl.Series, own: list[float], margin: float) -> Spec:
    """A logarithmic axis around the line and the scenario's own value.

    Ticks stand at one, two and five of each decade, written out: plotly's own are single digits between decades.
    """
    shown = [math.log10(value) for value in (*values, *own)]
    low, high = min(shown) - margin, max(shown) + margin
    ticks = [digit * 10**decade for decade in range(max(0, math.floor(low)), math.ceil(high)) for digit in (1, 2, 5)]
    return {
        "type": "log",
        "range": [low, high],
        "fixedrange": True,
        "automargin": False,
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }


# --- the verdict over two inputs -----------------------------------------------------------------------------------

ROW_PX, AXIS_PX, TITLE_ROOM_PX = 56, 84, 28
"""Height of a row of cells, room for the axis below and for a title above. [px]"""

SIDES_PX = (150, 12)
"""Room to the left, for the values of the input that runs downwards, and to the right. [px]"""

LABEL_PX = 11
"""Size of type in a cell. [px]"""


def domain(of: Review | Stated, look: Look, *, across: str, down: str) -> Chart:
    """The verdict over two inputs, everything else as it is known: in words first and in colour second.

    Args:
        of: A review, or stated values.
        look: Theme and size.
        across: The input from left to right.
        down: The input from top to bottom.

    Raises:
        MeshlabError: There is no such input, or both are the same.
    """
    cells = domain_map(of.known, across, down).to_dicts()
    if isinstance(of, Review):
        held = f"{subtitle(of)}; everything else as the team's facts say"
        ids = sorted({each for row in of.verdict.rows for each in source_ids(row["source_id"])})
    else:
        fixed = [f"{input_label(key)}: {value_text(value)}" for key, value in without(of.known, across, down).items()]
        held, ids = f"Held fixed: {'; '.join(fixed)}" if fixed else "Everything else is unknown", []
    labels = axis_label(across), axis_label(down)
    rows = [
        {
            labels[0]: cell["across"],
            labels[1]: cell["down"],
            "network plugin": option_words(cell["cni"]),
            "mesh": option_words(cell["mesh"]),
            "as given": "● yes" if cell["here"] else "",
        }
        for cell in cells
    ]
    here = [
        f"As given ({cell['across']}, {cell['down']}): {option_words(cell['cni'])}, {option_words(cell['mesh'])}."
        for cell in cells
        if cell["here"]
    ]
    key = "Each field: network plugin, then mesh. Thick frame and ●: the facts as given."
    captions = Captions("domain", "The verdict over two inputs", key, held)
    return chart_of(captions, _map(cells, labels, look), rows, look, sentences=here, source_ids=ids)


def _map(cells: list[Row], labels: tuple[str, str], look: Look) -> Plot:
    columns = list({cell["column"]: cell["across"] for cell in cells}.values())
    rows = list({cell["row"]: cell["down"] for cell in cells}.values())
    colours = look.colours
    cell_px = (look.text_width - sum(SIDES_PX)) / len(columns)
    side = {"showgrid": False, "fixedrange": True, "automargin": False, "color": colours.ink, "tickangle": 0}
    # the title of what runs downwards stands above its values and level, so that it can be read
    place = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -6, "y": 1, "yref": "paper", "yanchor": "top"}
    font = {"size": TEXT_PX, "color": colours.muted}
    layout = {
        "xaxis": {
            **side,
            "range": [-0.5, len(columns) - 0.5],
            "tickvals": list(range(len(columns))),
            "ticktext": [_label(text, cell_px) for text in columns],
            "title": {"text": labels[0], "standoff": 10},
        },
        "yaxis": {
            **side,
            "range": [len(rows) - 0.5, -0.5 - TITLE_ROOM_PX / ROW_PX],
            "tickvals": list(range(len(rows))),
            "ticktext": [_label(text, SIDES_PX[0] - 20) for text in rows],
        },
        "shapes": [_square(cell, look) for cell in cells],
        "annotations": [
            *(_verdict(cell, colours.ink, cell_px) for cell in cells),
            {**place, "text": escape(labels[1]), "showarrow": False, "font": font},
        ],
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


def _square(cell: Row, look: Look) -> Spec:
    colours = look.colours
    hue = dataplanes()[dataplane_of_mesh().get(cell["mesh"], NONE)].hues[look.theme]
    return {
        "type": "rect",
        # the frame of the cell as given lies on top of its neighbours' edges
        "layer": "between" if cell["here"] else "below",
        "x0": cell["column"] - 0.5,
        "x1": cell["column"] + 0.5,
        "y0": cell["row"] - 0.5,
        "y1": cell["row"] + 0.5,
        "fillcolor": mix(hue, colours.paper, 0.28 if cell["cni"] == "stay" else 0.42),
        "line": {"color": colours.ink, "width": 3} if cell["here"] else {"color": colours.paper, "width": 2},
    }


def _verdict(cell: Row, ink: str, cell_px: float) -> Spec:
    parts = [option_words(cell["cni"], short=True), option_words(cell["mesh"], short=True)]
    text = "<br>".join(line for part in parts for line in wrap(part, cell_px, LABEL_PX))
    return {
        "x": cell["column"],
        "y": cell["row"],
        "text": f"<b>●</b> {text}" if cell["here"] else text,
        "showarrow": False,
        "font": {"size": LABEL_PX, "color": ink},
    }
