"""Charts of a sweep: which inputs matter, and over which part of the space each data plane adds least."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import figure_text, mix

ROW_PX = 44
"""Height of a row. [px]"""

SIDES_PX = (190, 112)
"""Room for names to the left and figures to the right. [px]"""

MOST_NAMED = 8
"""Columns of a map that are named."""

CELL_PX, MAP_SIDES_PX = 34, (96, 20)
"""Height of a cell of a map, and room beside it. [px]"""

SHARE_AXIS = {"range": [0, 1], "tickformat": ".0%", "fixedrange": True, "automargin": False, "nticks": 6}

DASHES = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "dash-dotted", "longdash": "long-dashed"}
"""Strokes that tell lines apart, each in a word."""


def label_of(figure: str) -> str:
    """A figure in words."""
    return figures()[figure].words if figure in figures() else _words(figure)


def indices(rows: pl.DataFrame, label: str, subject: str, look: Look) -> Chart:
    """Sobol' indices of one figure of one data plane, the strongest axis first.

    Args:
        rows: Rows of ``sweep.sobol`` of one data plane and figure.
        label: The figure in words.
        subject: What was swept: the line under the title.
        look: Theme and size.
    """
    ordered = rows.sort("total", "axis", descending=[True, False])
    plane = dataplanes()[ordered["dataplane"][0]].label
    captions = Captions(
        "global-sensitivity",
        f"What the spread of {label} of {plane} comes from",
        "Full: the input alone. Pale: what it does together with others. Line: 80 % interval of the total.",
        subject,
    )
    table = [
        {
            "input": _words(row["axis"]),
            "alone": _percent(row["first"]),
            "with others": _percent(row["total"]),
            "80 % interval": f"{_percent(row['total_lo'])} – {_percent(row['total_hi'])}",
        }
        for row in ordered.iter_rows(named=True)
    ]
    said = [f"{row['input']}: {row['alone']} alone, {row['with others']} with others." for row in table]
    return canvas.chart_of(captions, _indices_plot(ordered, look), table, look, sentences=said)


def _indices_plot(rows: pl.DataFrame, look: Look) -> Plot:
    hue, paper = dataplanes()[rows["dataplane"][0]].hues[look.theme], look.colours.paper
    places = list(range(rows.height))
    alone = rows["first"].clip(0, 1).to_list()
    bar = {"type": "bar", "orientation": "h", "y": places, "hoverinfo": "skip"}
    traces = [
        {
            **bar,
            "x": rows["total"].to_list(),
            "width": 0.56,
            "marker": {"color": mix(hue, paper, 0.35), "line": {"color": hue, "width": 1}},
            "error_x": canvas.whiskers(rows, "total", look.colours.ink, 1.2, 4, "total_"),
        },
        {**bar, "x": alone, "width": 0.28, "marker": {"color": hue}},
        canvas.ANCHOR,
    ]
    figures = [f"{_percent(low)} / {_percent(high)}" for low, high in rows.select("first", "total").iter_rows()]
    layout: Spec = canvas.named_rows([canvas.escape(_words(name)) for name in rows["axis"]], figures, look)
    layout |= {"barmode": "overlay", "xaxis": {**SHARE_AXIS, "title": {"text": "Share of the spread"}}}
    return Plot(traces, layout, ROW_PX * rows.height, canvas.AXIS_PX, SIDES_PX)


def winners(rows: pl.DataFrame, label: str, subject: str, look: Look) -> Chart:
    """Share of the scenarios in which each data plane adds least of a figure.

    Args:
        rows: Columns ``dataplane`` and ``share`` of ``sweep.shares``.
        label: The figure in words.
        subject: What was swept: the line under the title.
        look: Theme and size.
    """
    found = dict(rows.select("dataplane", "share").iter_rows())
    shown = [(name, found.get(name, 0.0)) for name in mesh_dataplanes()]
    title = f"How often each data plane adds the least {label}"
    captions = Captions("winners", title, "Bar: share of the scenarios.", subject)
    table = [{"data plane": dataplanes()[name].label, "share of scenarios": _percent(share)} for name, share in shown]
    said = [f"{dataplanes()[name].label}: {_percent(share)}." for name, share in shown]
    return canvas.chart_of(captions, _winners_plot(shown, look), table, look, sentences=said)


def _winners_plot(shown: Sequence[tuple[str, float]], look: Look) -> Plot:
    hues = [dataplanes()[name].hues[look.theme] for name, _ in shown]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(shown))),
        "x": [share for _, share in shown],
        "width": 0.5,
        "marker": {"color": [mix(hue, look.colours.paper, 0.55) for hue in hues], "line": {"color": hues}},
        "hoverinfo": "skip",
    }
    labels = [canvas.escape(dataplanes()[name].label) for name, _ in shown]
    layout = canvas.named_rows(labels, [_percent(share) for _, share in shown], look)
    layout["xaxis"] = {**SHARE_AXIS, "title": {"text": "Share of the scenarios"}}
    return Plot([bars, canvas.ANCHOR], layout, ROW_PX * len(shown), canvas.AXIS_PX, SIDES_PX)


def areas(rows: pl.DataFrame, axes: tuple[str, str], label: str, subject: str, look: Look) -> Chart:
    """A map over two inputs: in each cell the data plane that most often adds least of a figure.

    Args:
        rows: Columns of ``sweep.regions``.
        axes: The two inputs, across and up.
        label: The figure in words.
        subject: What was swept: the line under the title.
        look: Theme and size.
    """
    names = [name for name in dataplanes() if name in set(rows["dataplane"])]
    key = ", ".join(f"{dataplanes()[name].letter} {dataplanes()[name].label}" for name in names)
    title = f"Where each data plane adds the least {label}"
    captions = Captions("areas", title, f"{key}. Paler: in fewer of the scenarios.", subject)
    across, up = axes
    table = [
        {
            _words(across): _number(row[across]),
            _words(up): _number(row[up]),
            "adds least": dataplanes()[row["dataplane"]].label,
            "in so many": _percent(row["share"]),
        }
        for row in rows.sort(across, up).iter_rows(named=True)
    ]
    counts = rows["dataplane"].value_counts(sort=True).iter_rows()
    said = [f"{dataplanes()[name].label}: {count} of {rows.height} cells." for name, count in counts]
    return canvas.chart_of(captions, _areas_plot(rows, axes, names, look), table, look, sentences=said)


def _areas_plot(rows: pl.DataFrame, axes: tuple[str, str], names: Sequence[str], look: Look) -> Plot:
    across, up = axes
    colours, columns, lines = look.colours, rows[across].unique().sort(), rows[up].unique().sort()
    cells = {(row[across], row[up]): row for row in rows.iter_rows(named=True)}
    traces: list[Spec] = []
    for name in names:
        hue = dataplanes()[name].hues[look.theme]
        # one layer for each data plane: the paler, the less often it adds least
        shades = [
            [cell["share"] if (cell := cells.get((x, y))) and cell["dataplane"] == name else None for x in columns]
            for y in lines
        ]
        scale = [[0, mix(hue, colours.paper, 0.15)], [1, mix(hue, colours.paper, 0.75)]]
        plain = {"type": "heatmap", "z": shades, "zmin": 0, "zmax": 1, "colorscale": scale, "showscale": False}
        traces.append({**plain, "xgap": 1, "ygap": 1, "hoverinfo": "skip"})
    letters = [
        {
            "x": x,
            "y": y,
            "text": dataplanes()[cell["dataplane"]].letter,
            "showarrow": False,
            "font": {"color": colours.ink, "size": 12},
        }
        for y, line in enumerate(lines)
        for x, column in enumerate(columns)
        if (cell := cells.get((column, line)))
    ]
    layout = {
        "xaxis": {**_cells(columns, MOST_NAMED), "title": {"text": _words(across)}},
        "yaxis": {**_cells(lines, len(lines)), "title": {"text": _words(up)}},
        "annotations": letters,
    }
    return Plot(traces, layout, CELL_PX * len(lines), canvas.AXIS_PX, MAP_SIDES_PX)


def _cells(values: pl.Series, most: int) -> Spec:
    """An axis with one place for each value, of which every so many are named that no two touch."""
    texts = [_number(value) for value in values]
    every = -(-len(texts) // most)
    return {
        "tickvals": list(range(0, len(texts), every)),
        "ticktext": texts[::every],
        "range": [-0.5, len(texts) - 0.5],
        "fixedrange": True,
        "automargin": False,
        "showgrid": False,
        "tickangle": 0,
    }


def _number(value: float) -> str:
    """A value of an input: whole numbers as they are."""
    return f"{value:,}" if isinstance(value, int) else figure_text(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * max(0.0, share):.0f} %"


def surface(
    lines: pl.DataFrame,
    pair: tuple[str, str],
    along: str,
    label: str,
    subject: str,
    look: Look,
) -> Chart:
    """Lines along which two data planes add the same of a figure, one for each value of a third input.

    Args:
        lines: Columns of ``sweep.break_even_surface``.
        pair: The two data planes.
        along: The third input.
        label: The figure in words.
        subject: Whose figures these are: the line under the title.
        look: Theme and size.
    """
    x, y = [name for name in lines.columns if name not in (along, "cheaper_below", "cheaper_above")]
    first, second = (dataplanes()[name].label for name in pair)
    values = lines[along].unique(maintain_order=True).to_list()
    strokes = ", ".join(f"{word} {figure_text(value)}" for value, word in zip(values, DASHES.values(), strict=False))
    said = f"{_words(along)[0].upper()}{_words(along)[1:]}: {strokes}."
    sides = lines.select("cheaper_below", "cheaper_above").unique()
    if sides.height == 1:
        below, above = (dataplanes()[name].label for name in sides.row(0))
        said += f" Below a line {below} adds less, above it {above}."
    captions = Captions("break-even-surface", f"Where {first} and {second} add the same {label}", said, subject)
    table = [
        {
            _words(along): figure_text(value),
            _words(x): figure_text(row[x]),
            f"{_words(y)} at break-even": figure_text(row[y]),
        }
        for (value,), points in lines.partition_by(along, as_dict=True, maintain_order=True).items()
        for row in points.gather_every(max(1, points.height // 6)).iter_rows(named=True)
    ]
    return canvas.chart_of(captions, _surface_plot(lines, (x, y), along, look), table, look, sentences=[said])


def _surface_plot(lines: pl.DataFrame, axes: tuple[str, str], along: str, look: Look) -> Plot:
    ink, (x, y) = look.colours.ink, axes
    groups = lines.partition_by(along, maintain_order=True)
    traces = [canvas.line(points[x], points[y], ink, 1.8, dash) for points, dash in zip(groups, DASHES, strict=False)]
    axis = {"type": "log", "fixedrange": True, "automargin": False, "exponentformat": "SI", "dtick": 1}
    layout = {"xaxis": {**axis, "title": {"text": _words(x)}}, "yaxis": {**axis, "title": {"text": _words(y)}}}
    return Plot(traces, layout, 320, canvas.AXIS_PX, MAP_SIDES_PX)
