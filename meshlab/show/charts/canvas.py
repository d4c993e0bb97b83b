"""What all charts share: how one looks, and the title, key, caveats and sources around its plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.record import Review
from meshlab.reviews.review import without
from meshlab.scenario import frame_of, with_defaults
from meshlab.show.export import Chart, Spec
from meshlab.show.export.svg import LINE
from meshlab.show.theme import HALF, LOOKS, NARROW_PX, NOTE_PX, SECOND_PX, THEMES, TITLE_PX, Theme, mix, template, wrap
from meshlab.units import significant

EDGE_PX = 12
"""Room at the edges. [px]"""

AXIS_PX = 54
"""Room for an axis with its title under a plot. [px]"""

FIRST_LINE = 0.7
"""Height of the first line's letters as a multiple of its type, as plotly sets it."""


class Look(msgspec.Struct, frozen=True):
    """How a chart is drawn.

    Args:
        theme: light, dark, print, or auto: light or dark as the reader's screen is.
        width: Width, or None to fill what surrounds the figure. [px]
        height: Height, or None for as much as the chart needs. [px]
        min_width: The least width where the figure fills what surrounds it, into which lines are broken. [px]

    Raises:
        MeshlabError: There is no such theme.
    """

    theme: str = "light"
    width: int | None = None
    height: int | None = None
    min_width: int = NARROW_PX

    def __post_init__(self) -> None:
        """Refuse a theme that nobody knows, naming the nearest."""
        if self.theme not in LOOKS:
            todo = did_you_mean(self.theme, LOOKS)
            raise MeshlabError(Problem("theme", f"unknown theme {shorten(self.theme)}", todo))

    @property
    def colours(self) -> Theme:
        """Colours of paper, ink and lines."""
        return THEMES[self.theme]

    @property
    def text_width(self) -> int:
        """Width into which lines of text are broken. [px]"""
        return self.width or self.min_width

    @property
    def text_px(self) -> float:
        """Room for a line of text. [px]"""
        return self.text_width - 2 * EDGE_PX


PLAIN = Look()
"""On a light page, as wide as what surrounds it."""


class Plot(msgspec.Struct, frozen=True):
    """A drawing without the words around it.

    Args:
        traces: What is drawn, as plotly's JSON.
        layout: Axes, shapes and annotations.
        height_px: Its height. [px]
        below_px: Room for the axis under it. [px]
        sides_px: Room to its left and right. [px]
    """

    traces: Sequence[Spec]
    layout: Spec
    height_px: float
    below_px: float = 6
    sides_px: tuple[float, float] = (EDGE_PX, EDGE_PX)


NOTHING_DRAWN = Plot([], {axis: {"visible": False, "fixedrange": True} for axis in ("xaxis", "yaxis")}, 1)
"""Where there is nothing to draw: the words around it say why."""


class Captions(msgspec.Struct, frozen=True):
    """What stands around a plot.

    Args:
        name: How documents call the chart.
        title: What is shown.
        key: What the marks mean, in one line under the title.
        subject: Whose figures these are: the line under the title.
        notes: Paragraphs under the plot.
    """

    name: str
    title: str
    key: str
    subject: str
    notes: Sequence[str] = ()


def chart_of(
    captions: Captions,
    plot: Plot,
    rows: list[dict[str, str]],
    look: Look,
    *,
    sentences: Iterable[str] = (),
    opening: str = "",
    source_ids: Sequence[str] = (),
) -> Chart:
    """A plot with the words around it, as a chart.

    Args:
        captions: The words.
        plot: What is drawn in this look.
        rows: The same as rows of text.
        look: Theme and size.
        sentences: The same in words.
        opening: How the words begin; with title and subject unless given.
        source_ids: Sources of what is shown.

    Raises:
        MeshlabError: The height is too small for it.
    """
    spec = framed(captions, plot, look)
    needed = spec["layout"]["height"]
    if look.height is not None and look.height < needed:
        todo = f"give at least {needed} px, or a greater width"
        raise MeshlabError(Problem(captions.name, f"does not fit into a height of {look.height} px", todo))
    spec["layout"]["height"] = look.height or needed
    alt_text = " ".join([opening or f"{captions.title}. {captions.subject}.", *sentences])
    return Chart(
        captions.name, captions.title, captions.subject, spec, rows, alt_text, look.theme, source_ids=source_ids
    )


# --- what a chart is drawn from ------------------------------------------------------------------------------------


class Stated(msgspec.Struct, frozen=True):
    """A scenario of which values are only stated, as far as charts read it of a review.

    Args:
        team: Its name.
        known: Values that are given, by input.
        scenario: Value of every declared input, defaults filled in.
    """

    team: str
    known: dict[str, Any]
    scenario: dict[str, Any]


def stated(values: Mapping[str, Any], name: str = "this scenario") -> Stated:
    """A scenario from values that are known to be allowed.

    Args:
        values: Values of declared inputs; what is absent or None follows its default.
        name: Name of the scenario.
    """
    given = {key: value for key, value in without(values, "scenario").items() if value is not None}
    filled = with_defaults(frame_of([{"scenario": name, **given}])).collect().row(0, named=True)
    return Stated(name, given, without(filled, "scenario"))


def known_frame(of: Review | Stated) -> pl.DataFrame:
    """What is known or supposed of a scenario, as a row; what has a default stays open."""
    return frame_of([{"scenario": of.team, **of.known}])


def subtitle(of: Review | Stated) -> str:
    """Whose figures these are, in one line."""
    words = {"nodes": "nodes", "services": "services", "pods": "pods", "requests_per_second": "requests/s"}
    given = {name: value for name in words if (value := of.scenario.get(name)) is not None}
    known = [f"{_count(value)} {words[name].removesuffix('s' if value == 1 else '')}" for name, value in given.items()]
    return f"{of.team}: {', '.join(known)}" if known else of.team


def _count(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else significant(value, 3)


def cited(of: Review | Stated, figure: str, dataplanes: Iterable[str], *, priced: bool = False) -> list[str]:
    """Sources that one figure of some data planes rests on; none of values that are only stated.

    Args:
        of: A review, or stated values.
        figure: A figure of ``estimate``.
        dataplanes: Whose it is.
        priced: Whether the sources of default prices count, too, where those stand in.
    """
    if isinstance(of, Stated):
        return []
    names = list(dataplanes)
    found = [row["source_id"] for row in of.sources if any(figure in row["figures"].get(name, ()) for name in names)]
    prices = [row["source_id"] for row in of.sources if priced and "default prices" in row["supports"]]
    return list(dict.fromkeys([*found, *prices]))


def source_note(source_ids: Sequence[str]) -> str:
    """The line that names the sources of a chart."""
    return f"Sources, by id in meshlab's list: {', '.join(source_ids)}." if source_ids else ""


# --- the words around a plot ---------------------------------------------------------------------------------------


def framed(captions: Captions, plot: Plot, look: Look) -> Spec:
    """Title, subject, key and notes around a plot, each broken into lines that fit."""
    title = wrap(captions.title, look.text_px, TITLE_PX)
    second = _wrap_all((captions.subject, captions.key), look.text_px, SECOND_PX)
    note = _wrap_all(captions.notes, look.text_px, NOTE_PX)
    title_px = EDGE_PX + LINE * TITLE_PX * len(title)
    top_px = round(title_px + LINE * SECOND_PX * len(second) + EDGE_PX)
    bottom_px = round(plot.below_px + LINE * NOTE_PX * len(note) + EDGE_PX)
    muted, shift = look.colours.muted, EDGE_PX - plot.sides_px[0]
    # plotly hangs a title one line below its height and sets several lines on it, which would cut the first
    hung = {"pad": {"l": EDGE_PX, "t": EDGE_PX + FIRST_LINE * TITLE_PX}} if len(title) > 1 else {}
    words_around = {
        "template": template(look.theme),
        "title": {"text": _lines(title), **hung},
        "height": top_px + round(plot.height_px) + bottom_px,
        "autosize": look.width is None,
        "showlegend": False,
        "margin": {"l": plot.sides_px[0], "r": plot.sides_px[1], "t": top_px, "b": bottom_px},
        "annotations": [
            *plot.layout.get("annotations", []),
            {**words(_lines(second), shift, muted, SECOND_PX), "y": 1, "yref": "paper", "yshift": top_px - title_px},
            {**words(_lines(note), shift, muted, NOTE_PX), "y": 0, "yref": "paper", "yshift": -plot.below_px},
        ],
    }
    width = {} if look.width is None else {"width": look.width}
    return {"data": list(plot.traces), "layout": {**plot.layout, **words_around, **width}}


def _wrap_all(texts: Sequence[str], width_px: float, font_px: float) -> list[str]:
    return [line for text in texts if text for line in wrap(text, width_px, font_px)]


def _lines(lines: Sequence[str]) -> str:
    return "<br>".join(map(escape, lines))


# --- parts of plots ------------------------------------------------------------------------------------------------


def words(text: str, xshift_px: float, colour: str, font_px: float) -> dict[str, Any]:
    """An annotation that begins at a fixed distance from the left of the plot and hangs from its height."""
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "xshift": xshift_px,
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
        "borderpad": 0,
        "font": {"color": colour, "size": font_px},
    }


def line(x: Iterable[float], y: Iterable[Any], colour: str, width: float, dash: str = "solid") -> Spec:
    """A line through points, of which a pointer is told nothing."""
    stroke = {"color": colour, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": [*x], "y": [*y], "line": stroke, "hoverinfo": "skip"}


def whiskers(frame: pl.DataFrame, middle: str, colour: str, thickness: float, width: float, ends: str = "") -> Spec:
    """Lines from the middle of figures to the ends of their intervals.

    Args:
        frame: The figures, with the ends of their intervals in ``lo`` and ``hi``.
        middle: Column of the middle.
        colour: Colour of the lines.
        thickness: Their thickness. [px]
        width: Half the width of their caps. [px]
        ends: What the columns of the ends begin with.
    """
    return {
        "type": "data",
        "symmetric": False,
        "array": (frame[f"{ends}hi"] - frame[middle]).to_list(),
        "arrayminus": (frame[middle] - frame[f"{ends}lo"]).to_list(),
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def named_rows(
    names: Sequence[str], figures: Sequence[str], look: Look, places: Sequence[float] | None = None
) -> dict[str, Spec]:
    """Axes of rows from top to bottom: names to the left, figures to the right.

    Args:
        names: Name of each row.
        figures: Figures.
        look: Theme and size.
        places: Where each figure stands; one in each row unless given. [rows]
    """
    side = {
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "fixedrange": True,
        "automargin": False,
        "ticklabelstandoff": 6,
        "color": look.colours.ink,
        "tickvals": list(range(len(names))),
    }
    right = {**side, "tickvals": places or side["tickvals"], "ticktext": figures, "overlaying": "y", "side": "right"}
    return {"yaxis": {**side, "ticktext": names}, "yaxis2": right}


ANCHOR: Spec = {"type": "scatter", "x": [None], "y": [None], "yaxis": "y2", "mode": "markers", "hoverinfo": "skip"}
"""plotly draws no axis without a trace, and the figures stand on the second one."""


def hatched(hues: Sequence[str], shapes: Sequence[str], paper: str) -> Spec:
    """Bars thinned, so that a line stays visible on top, with a line around, each with its hatching.

    Args:
        hues: Hue of each bar. [#rrggbb]
        shapes: Hatching of each, or one of all, as plotly names it; none where empty.
        paper: Colour of the ground.
    """
    pattern = {"shape": shapes, "fgcolor": hues, "bgcolor": paper, "size": 6, "solidity": 0.35}
    return {"color": [mix(hue, paper, HALF) for hue in hues], "line": {"color": hues, "width": 1}, "pattern": pattern}


def small(text: str, font_px: float = NOTE_PX, colour: str = "") -> str:
    """Text in smaller type, as plotly's labels understand it."""
    style = f"font-size:{font_px}px" + (f";color:{colour}" if colour else "")
    return f'<span style="{style}">{text}</span>'


def escape(text: str) -> str:
    """Text that plotly must not read as markup: conditions hold `<`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
