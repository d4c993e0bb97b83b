"""Curves of each data plane: a figure over one input, latency along a path of calls, and where two cost the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec
import polars as pl
import polars.selectors as cs

from meshlab.models import curves, sensitivity
from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.reviews.record import Review, Row
from meshlab.scenario import inputs
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot, Stated
from meshlab.show.charts.intervals import COST, VALUE_AXIS
from meshlab.show.export import Chart, Spec
from meshlab.show.labels import titled
from meshlab.show.theme import SECOND_PX, figure_text, interval_text, mix

COLUMNS = 2
"""Plots beside each other."""

FACET_PX, HEAD_PX, GAP_PX = 150, 24, 28
"""Height of a plot, room for its heading, and between plots beside each other. [px]"""

SIDES_PX = (76, 16)
"""Room to the left, for the axis, and to the right. [px]"""

CURVE_KEY = (
    "Line: median; its dotted parts: extrapolated. Band: 10–90 % interval. Thin lines: the other data planes. "
    "Symbol: as it stands."
)
PATH_KEY = (
    "Band: from p50 to p99 of the whole path; line: its p90; medians of the models. Dashes: the p99 of one call "
    "times the calls, which no path reaches, since slow calls seldom fall together."
)

PERCENTILES = {"p50": "added_p50_ms", "p90": "added_p90_ms", "p99": "added_p99_ms"}

DIGITS = 4
"""Significant digits of what is drawn."""

SHOWN_EVERY = 4
"""Of so many points of a curve one stands in its table, beside the scenario's own."""

Planes = Mapping[str, pl.DataFrame]
"""What is drawn, by data plane."""


def curve(of: Review | Stated, look: Look, *, over: str, figure: str) -> Chart:
    """A figure of every data plane over one input, with the scenario's own point.

    Args:
        of: A review, or stated values.
        look: Theme and size.
        over: The input.
        figure: The figure.

    Raises:
        MeshlabError: There is no such input or figure.
    """
    frame = curves.curve(canvas.known_frame(of), over, figure).filter(pl.col("dataplane") != "none")
    spec, shown, own = inputs()[over], figures()[figure], frame.filter("here")
    axes = _Axes(
        x_title=titled(spec.label, spec.unit),
        y_title=titled(shown.label, shown.unit),
        x_log=spec.scale == "log" and frame["x"][0] > 0,
        x=(frame["x"].min(), frame["x"].max()),  # type: ignore[arg-type]
        y=pl.concat([frame["lo"], frame["hi"]]),
        here=own["x"][0],
        revision=f"{spec.label}|{shown.label}",
    )
    rows = [
        {
            "data plane": _label(row),
            axes.x_title: figure_text(row["x"]),
            f"median [{shown.unit}]": figure_text(row["median"]),
            f"10–90 % [{shown.unit}]": interval_text(row["lo"], row["hi"]),
            "note": ", ".join(
                word
                for word, applies in (("as it stands", row["here"]), ("extrapolated", not row["in_evidence_range"]))
                if applies
            ),
        }
        for row in _few(frame)
    ]
    sentences = [
        f"{_label(row)} at {figure_text(row['x'])}: {figure_text(row['median'])} {shown.unit}, "
        f"10 to 90 %: {interval_text(row['lo'], row['hi']).replace('–', 'to')}."
        for row in own.iter_rows(named=True)
    ]
    title = f"{shown.label} over {spec.label[0].lower()}{spec.label[1:]}"
    ids = canvas.cited(of, figure, dataplanes(), priced=figure == COST.figure)
    captions = Captions("curves", title, CURVE_KEY, canvas.subtitle(of))
    return canvas.chart_of(
        captions, _facets(frame, axes, _curve, look), rows, look, sentences=sentences, source_ids=ids
    )


def path(of: Review | Stated, look: Look) -> Chart:
    """Percentiles of the latency that every data plane adds, along a path of calls in sequence."""
    frame = curves.path(canvas.known_frame(of)).filter(pl.col("dataplane") != "none")
    own = frame.filter("here")
    axes = _Axes(
        x_title="Calls in sequence",
        y_title="Added latency [ms]",
        x_log=False,
        x=(1.0, frame["x"].max()),  # type: ignore[arg-type]
        y=pl.concat([frame["added_p50_ms"].clip(upper_bound=0.0), frame["added_up_ms"]]),
        here=own["x"][0],
        revision="path",
    )
    rows = [
        {
            "data plane": _label(row),
            "calls in sequence": f"{row['x']:.0f}",
            **{f"{name} [ms]": figure_text(row[column]) for name, column in PERCENTILES.items()},
            "p99 of one call times the calls [ms]": figure_text(row["added_up_ms"]),
            "note": "as it stands" if row["here"] else "",
        }
        for row in _few(frame)
    ]
    sentences = [f"{_label(row)} over {row['x']:.0f} calls: {_percentiles(row)}." for row in own.iter_rows(named=True)]
    captions = Captions("path", "Latency that builds up along a path of calls", PATH_KEY, canvas.subtitle(of))
    ids = canvas.cited(of, "added_p50_ms", dataplanes())
    return canvas.chart_of(captions, _facets(frame, axes, _path, look), rows, look, sentences=sentences, source_ids=ids)


def _label(row: Row) -> str:
    return dataplanes()[row["dataplane"]].label


def _percentiles(row: Row) -> str:
    return ", ".join(f"{name} {figure_text(row[column])}" for name, column in PERCENTILES.items()) + " ms"


def _few(frame: pl.DataFrame) -> Sequence[Row]:
    """Points that the table lists."""
    number = pl.int_range(pl.len()).over("dataplane")
    return frame.filter((number % SHOWN_EVERY == 0) | pl.col("here")).to_dicts()


# --- traces of one data plane --------------------------------------------------------------------------------------


def _curve(planes: Planes, name: str, on: Spec, look: Look) -> list[Spec]:
    frame, hue, colours = planes[name], dataplanes()[name].hues[look.theme], look.colours
    # a gap behind each of the others, so that none runs on into the next
    others = pl.concat(part for other in mesh_dataplanes() if other != name for part in (planes[other], frame.clear(1)))
    measured = frame.select(pl.when("in_evidence_range").then("median"))["median"]
    texts = [
        f"{_label(row)} at {figure_text(row['x'])}<br>median: {figure_text(row['median'])}<br>"
        f"10–90 %: {interval_text(row['lo'], row['hi'])}{'' if row['in_evidence_range'] else '<br>extrapolated'}"
        for row in frame.iter_rows(named=True)
    ]
    return [
        _band(frame, "lo", "hi", hue, look) | on,
        canvas.line(others["x"], others["median"], mix(colours.muted, colours.paper, 0.5), 1) | on,
        canvas.line(frame["x"], frame["median"], hue, 2, "dot") | on | _hints(texts),
        canvas.line(frame["x"], measured, hue, 2.5) | on,
        _point(frame, "median", name, look) | on,
    ]


def _path(planes: Planes, name: str, on: Spec, look: Look) -> list[Spec]:
    frame, hue = planes[name], dataplanes()[name].hues[look.theme]
    texts = [
        f"{_label(row)}, {row['x']:.0f} calls<br>{_percentiles(row)}<br>"
        f"if tails were added up: {figure_text(row['added_up_ms'])} ms"
        for row in frame.iter_rows(named=True)
    ]
    return [
        _band(frame, "added_p50_ms", "added_p99_ms", hue, look) | on,
        canvas.line(frame["x"], frame["added_up_ms"], look.colours.muted, 1.2, "dash") | on,
        canvas.line(frame["x"], frame["added_p90_ms"], hue, 2) | on | _hints(texts),
        _point(frame, "added_p90_ms", name, look) | on,
    ]


def _hints(texts: Sequence[str]) -> Spec:
    return {"customdata": texts, "hoverinfo": None, "hovertemplate": "%{customdata}<extra></extra>"}


def _band(frame: pl.DataFrame, lower: str, upper: str, hue: str, look: Look) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*frame["x"], *frame["x"].reverse()],
        "y": [*frame[upper], *frame[lower].reverse()],
        "fill": "toself",
        "fillcolor": mix(hue, look.colours.paper, 0.25),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _point(frame: pl.DataFrame, column: str, name: str, look: Look) -> Spec:
    """The scenario's own point, in the data plane's symbol."""
    own, plane = frame.filter("here"), dataplanes()[name]
    edge = {"width": 1.5, "color": look.colours.ink}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [own["x"][0]],
        "y": [own[column][0]],
        "marker": {"symbol": plane.symbol, "size": 10, "color": plane.hues[look.theme], "line": edge},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


# --- a plot for each data plane, on axes that all of them share ----------------------------------------------------


class _Axes(msgspec.Struct, frozen=True):
    """What the plots share.

    Args:
        x_title, y_title: What runs along the axes, with units.
        x_log: Whether the axis from left to right is logarithmic.
        x: Ends of the axis from left to right.
        y: Every value that has to find room from bottom to top.
        here: Where the scenario stands on the axis from left to right.
        revision: What a zoom belongs to: with another one it is given up.
    """

    x_title: str
    y_title: str
    x_log: bool
    x: tuple[float, float]
    y: pl.Series
    here: float
    revision: str


def _facets(
    frame: pl.DataFrame, axes: _Axes, traces: Callable[[Planes, str, Spec, Look], list[Spec]], look: Look
) -> Plot:
    """A plot for each data plane in a grid, in digits enough for any screen."""
    drawn = frame.with_columns(cs.float().exclude("x").round_sig_figs(DIGITS))
    planes = {name: drawn.filter(dataplane=name) for name in mesh_dataplanes()}
    rows = -(-len(planes) // COLUMNS)
    height_px = rows * (HEAD_PX + FACET_PX)
    gap = GAP_PX / (look.text_width - sum(SIDES_PX))
    width = (1 - gap * (COLUMNS - 1)) / COLUMNS
    data: list[Spec] = []
    layout: Spec = {"shapes": [], "annotations": [], "dragmode": "zoom", "uirevision": axes.revision}
    for index, name in enumerate(planes):
        row, column = divmod(index, COLUMNS)
        left, top = column * (width + gap), 1 - (row * (FACET_PX + HEAD_PX) + HEAD_PX) / height_px
        # what plotly appends to the names of a plot's axes
        number = str(index + 1) if index else ""
        data += traces(planes, name, {"xaxis": f"x{number}", "yaxis": f"y{number}"}, look)
        below = {"domain": (left, left + width), "anchor": f"y{number}", "showticklabels": row == rows - 1}
        side = {"domain": (top - FACET_PX / height_px, top), "anchor": f"x{number}", "showticklabels": column == 0}
        matches = [{"matches": letter} if index else {} for letter in "xy"]
        layout[f"xaxis{number}"] = {**SHARED, **_scale(*axes.x, log=axes.x_log), **below, **matches[0]}
        layout[f"yaxis{number}"] = {**SHARED, **_room(axes.y), **side, **matches[1]}
        layout["annotations"].append(_heading(name, left, top, look.colours.ink))
        layout["shapes"].append(_here(axes.here, number, look.colours.muted))
    layout["annotations"] += _titles(axes, look.colours.muted)
    return Plot(data, layout, height_px, below_px=50, sides_px=SIDES_PX)


SHARED = {**VALUE_AXIS, "zeroline": False, "fixedrange": False, "rangemode": "normal", "minexponent": 3}
"""What every axis of the plots has."""


def _scale(lower: float, upper: float, *, log: bool) -> Spec:
    if not log:
        return {"range": [lower, upper]}
    return {"type": "log", "range": [math.log10(lower), math.log10(upper)], "dtick": 1}


def _room(values: pl.Series) -> Spec:
    """Room for all values: whole decades where all lie above zero and far apart, from zero otherwise."""
    least, most = (float(value or 0.0) for value in (values.min(), values.max()))  # type: ignore[arg-type]
    if least > 0 and most / least > 10:  # noqa: PLR2004  (within a decade a logarithm shows nothing)
        return _scale(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(most)), log=True)
    return {"range": [min(least, 0.0), most * 1.06 or 1.0]}


def _heading(name: str, left: float, top: float, ink: str) -> Spec:
    return {
        "text": f"{dataplanes()[name].mark} <b>{dataplanes()[name].label}</b>",
        "x": left,
        "y": top,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": SECOND_PX, "color": ink},
    }


def _here(value: float, number: str, colour: str) -> Spec:
    """Where the scenario stands: a line from top to bottom."""
    ends = {"x0": value, "x1": value, "xref": f"x{number}", "y0": 0, "y1": 1, "yref": f"y{number} domain"}
    return {"type": "line", "layer": "below", "line": {"color": colour, "width": 1, "dash": "dot"}, **ends}


def _titles(axes: _Axes, colour: str) -> list[Spec]:
    """Titles of the axes, once for all plots."""
    common = {"xref": "paper", "yref": "paper", "showarrow": False, "font": {"color": colour}}
    below = {"text": axes.x_title, "x": 0.5, "y": 0, "yanchor": "top", "yshift": -24}
    side = {"text": axes.y_title, "x": 0, "y": 0.5, "xanchor": "right", "yanchor": "middle", "xshift": -46}
    return [{**common, **below}, {**common, **side, "textangle": -90}]


# --- where two data planes cost the same ---------------------------------------------------------------------------

PAIRS = (("istio-ambient", "cilium"), ("istio-sidecar", "cilium"), ("istio-sidecar", "istio-ambient"))
"""Pairs of data planes that may cost the same somewhere, in the order in which a line is looked for."""

MARGIN = 0.16
"""Room above and below the line for the words that say which is cheaper. [decades]"""

DECADE = 1.0
"""How far beyond the line the band is shown. [decades]"""

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
    frame, asked = canvas.known_frame(of), (COST.figure, *over)
    pairs, least = ([pair], 1) if pair else (PAIRS, 2)
    lines = ((each, sensitivity.break_even(frame, *each, *asked)) for each in pairs)
    found, crossings = next(((each, some) for each, some in lines if some.height >= least), (pairs[0], None))
    band = sensitivity.break_even_band(frame, *found, *asked).rename({over[0]: "x"})
    labels = [f"{inputs()[name].label} [{inputs()[name].unit or 'share'}]" for name in over]
    names = [dataplanes()[name].label for name in found]
    rows: list[dict[str, str]] = []
    if crossings is None:
        plot = canvas.NOTHING_DRAWN
        throughout = sensitivity.cheaper_throughout(frame, *found, *asked)
        key = said = (
            f"No line: at the medians {dataplanes()[throughout].label} is cheaper over the whole range"
            if throughout
            else f"No line: along {labels[1]} the two never change places at the medians"
        ) + (". Draws of the coefficients do not agree everywhere." if band.height else ", and draws agree.")
    else:
        points = crossings.select(x=over[0], y=over[1])
        sides = {side: dataplanes()[crossings[f"cheaper_{side}"][0]].label for side in ("below", "above")}
        own = [of.scenario[name] for name in over]
        plot = _line_plot(points, band, labels, sides, own, look)
        key = (
            "Line: same monthly cost, at the medians. Band: either is cheaper in at least a tenth of the draws. "
            "Cross: as it stands."
        )
        ends = [f"at {figure_text(points['x'][end])}: {figure_text(points['y'][end])}" for end in (0, -1)]
        said = (
            f"{labels[1]} over {labels[0]}, {', '.join(ends)}; "
            f"{sides['below']} is cheaper below, {sides['above']} above. {_agreement(band, own)}"
        )
        rows = [
            {
                labels[0]: figure_text(row[over[0]]),
                f"{labels[1]} at break-even": figure_text(row[over[1]]),
                "either may be cheaper": interval_text(row["lo"], row["hi"]) if row["lo"] is not None else "nowhere",
                "cheaper below": dataplanes()[row["cheaper_below"]].label,
                "cheaper above": dataplanes()[row["cheaper_above"]].label,
            }
            for row in crossings.join_asof(band, left_on=over[0], right_on="x", strategy="nearest")
            .gather_every(max(1, -(-crossings.height // SHOWN)))
            .iter_rows(named=True)
        ]
    captions = Captions("break-even", f"Where {names[0]} and {names[1]} cost the same", key, canvas.subtitle(of))
    ids = canvas.cited(of, COST.figure, dataplanes(), priced=True)
    return canvas.chart_of(captions, plot, rows, look, sentences=[said], source_ids=ids)


def _agreement(band: pl.DataFrame, here: list[float]) -> str:
    """Whether draws agree, where the scenario stands, which of the two is cheaper; nothing where it has no place."""
    if not all(here):
        return ""
    nearest = band.sort((pl.col("x").log() - math.log(here[0])).abs()).head(1)
    open_here = nearest.filter(pl.lit(here[1]).is_between("lo", "hi")).height
    return f"As it stands the draws {'do not agree' if open_here else 'agree'} which one is."


def _line_plot(
    points: pl.DataFrame,
    band: pl.DataFrame,
    labels: list[str],
    cheaper: dict[str, str],
    here: list[float],
    look: Look,
) -> Plot:
    ink = look.colours.ink
    own = here if all(here) else []
    # the band is shown as far as a decade beyond the line, and where it reaches farther the axis ends with it
    shown = band.with_columns(pl.col("lo", "hi").clip(*(10.0**end for end in _ends(points["y"], own[1:], DECADE))))
    low, high = _ends(points["y"], own[1:], MARGIN)
    if shown.height:
        lowest, highest = shown.select(pl.min("lo").log10(), pl.max("hi").log10()).row(0)
        low, high = min(low, lowest), max(high, highest)
    # which one is cheaper stands in the corners where there is room
    rising = points["y"][-1] > points["y"][0]
    above = {"x": 0.02 if rising else 0.98, "y": 0.98, "xanchor": "left" if rising else "right", "yanchor": "top"}
    below = {"x": 0.98 if rising else 0.02, "y": 0.02, "xanchor": "right" if rising else "left", "yanchor": "bottom"}
    layout = {
        "xaxis": {**_axis(*_ends(points["x"], own[:1], 0)), "title": {"text": labels[0]}},
        "yaxis": {**_axis(low, high), "title": {"text": labels[1]}},
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
    traces: list[Spec] = [_band(shown, "lo", "hi", look.colours.muted, look)] if shown.height else []
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": points["x"].to_list(),
            "y": points["y"].to_list(),
            "line": {"color": ink, "width": 2},
            "hovertemplate": "%{x:.3s}, %{y:.3s}<extra></extra>",
        }
    )
    if own:
        marker = {"symbol": "x", "size": 11, "color": ink}
        traces.append({"type": "scatter", "mode": "markers", "x": own[:1], "y": own[1:], "marker": marker})
    return Plot(traces, layout, height_px=340, below_px=canvas.AXIS_PX, sides_px=(98, 20))


def _axis(low: float, high: float) -> Spec:
    """A logarithmic axis from end to end. [decades]

    Ticks stand at one, two and five of each decade, written out: plotly's own are single digits between decades.
    """
    ticks = [digit * 10**decade for decade in range(max(0, math.floor(low)), math.ceil(high)) for digit in (1, 2, 5)]
    return {
        "type": "log",
        "range": [low, high],
        "fixedrange": True,
        "automargin": False,
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }


def _ends(values: pl.Series, own: list[float], margin: float) -> tuple[float, float]:
    """Ends of a logarithmic axis around the line and the scenario's own value. [decades]"""
    shown = [math.log10(value) for value in (*values, *own) if value > 0]
    return min(shown) - margin, max(shown) + margin
