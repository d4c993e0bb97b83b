"""What all charts share: what a chart is, and the title, key, caveat and sources around a drawing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.reviews.record import Review
from meshlab.show.theme import NARROW_PX, NOTE_PX, SECOND_PX, THEMES, TITLE_PX, template, wrap
from meshlab.units import significant

Spec = dict[str, Any]
"""A figure as plotly's JSON: plain data, so that a report or a live view needs not build plotly's objects."""

EDGE_PX = 12
"""Room at the edges. [px]"""

LINE = 1.3
"""Height of a line of text as a multiple of its type, as plotly sets it."""

FIRST_LINE = 0.7
"""Height of the first line's letters as a multiple of its type, as plotly sets it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How charts of one kind are made; each function takes the chart first.

    Args:
        prepare: The frame that is shown, from a review.
        draw: The figure of that frame, as plotly's JSON.
        rows: The same as rows of text.
        sentences: The same in words.
        source_ids: Sources of what is shown.
    """

    prepare: Callable[[Chart, Review], pl.DataFrame]
    draw: Callable[[Chart, pl.DataFrame, Canvas], Spec]
    rows: Callable[[Chart, pl.DataFrame], list[dict[str, str]]]
    sentences: Callable[[Chart, pl.DataFrame], Iterator[str]]
    source_ids: Callable[[Chart, pl.DataFrame, Review], list[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Args:
        name: How commands and documents call it.
        title: What is shown.
        description: One line for a list of charts.
        kind: How it is made.
        figure: Column of the estimates that it shows, less the end of the interval.
        unit: Unit of that figure.
        unit_beside: What of the unit is repeated beside each figure; all of it, unless said.
        axis: Title of the value axis, less the unit.
        key: What the marks mean, in one line under the title.
    """

    name: str
    title: str
    description: str
    kind: Kind
    figure: str = ""
    unit: str = ""
    unit_beside: str | None = None
    axis: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Titled:
    """A chart of something else than a review: what stands around its drawing.

    Args:
        name: How documents call it.
        title: What is shown.
        key: What the marks mean, in one line under the title.
    """

    name: str
    title: str
    key: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart that is drawn: what a page shows, and the same without a picture.

    Args:
        name: How documents call it.
        spec: The figure as plotly's JSON.
        rows: What it shows as rows of text, units in the headings.
        words: What it shows in words.
    """

    name: str
    spec: Spec
    rows: list[dict[str, str]]
    words: str


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a drawing needs beside its frame: the look, the width, and the words around it.

    Args:
        theme: A key of `THEMES`.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: Width into which lines of text are broken. [px]
        subtitle: Whose figures these are.
        notes: Paragraphs under the drawing.
    """

    theme: str
    width: int | None
    text_width: int
    subtitle: str
    notes: Sequence[str]

    @property
    def text_px(self) -> float:
        """Room for a line of text. [px]"""
        return self.text_width - 2 * EDGE_PX


def drawing(
    chart: Titled,
    subject: str,
    draw: Callable[[Canvas], tuple[Sequence[Spec], Spec, dict[str, Any]]],
    rows: list[dict[str, str]],
    theme: str,
    width: int | None = None,
    text_width: int = NARROW_PX,
) -> Drawing:
    """A chart of something else than a review.

    Args:
        chart: Name, title and key.
        subject: What the figures are of: the line under the title.
        draw: Gives traces, layout and what `framed` takes by name.
        rows: The same as rows of text.
        theme: A key of `THEMES`.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: Where the figure fills what surrounds it: the least width, into which lines are broken. [px]
    """
    canvas = Canvas(theme, width, width or text_width, subject, ())
    traces, layout, room = draw(canvas)
    return Drawing(chart.name, framed(chart, canvas, traces, layout, **room), rows, f"{chart.title}. {subject}.")


def nothing() -> tuple[Sequence[Spec], Spec, dict[str, Any]]:
    """What `drawing` takes where there is nothing to draw: the words around it say why."""
    hidden = {"visible": False, "fixedrange": True}
    return [], {"xaxis": hidden, "yaxis": hidden}, {"plot_px": 1}


def subtitle(review: Review) -> str:
    """Whose figures these are, in one line."""
    return subject(review.team, review.scenario)


def subject(name: str, scenario: Mapping[str, Any]) -> str:
    """A scenario's name with what tells its size."""
    words = {"nodes": "nodes", "services": "services", "pods": "pods", "requests_per_second": "requests/s"}
    known = [f"{_count(scenario[name])} {word}" for name, word in words.items() if scenario.get(name) is not None]
    return f"{name}: {', '.join(known)}" if known else name


def _count(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else significant(value, 3)


def figure_source_ids(review: Review, figure: str, dataplanes: Collection[str]) -> list[str]:
    """Sources of a review that one figure of some data planes rests on."""
    return [
        source["source_id"]
        for source in review.sources
        if any(figure in source["figures"].get(dataplane, ()) for dataplane in dataplanes)
    ]


def source_note(source_ids: Sequence[str]) -> str:
    """The line that names the sources of a chart."""
    return f"Sources (ids of the review's list): {', '.join(source_ids)}." if source_ids else ""


def framed(
    chart: Chart | Titled,
    canvas: Canvas,
    data: Sequence[Spec],
    layout: Spec,
    plot_px: float,
    *,
    below_px: float = 6,
    sides_px: tuple[float, float] = (EDGE_PX, EDGE_PX),
) -> Spec:
    """Title, subtitle, key and notes around a drawing, each broken into lines that fit.

    Args:
        chart: The chart that is drawn.
        canvas: Look, width and words.
        data: Traces.
        layout: Axes, shapes and annotations of the plot itself.
        plot_px: Height of the plot. [px]
        below_px: Room for the axis under the plot. [px]
        sides_px: Room to the left and right of the plot. [px]
    """
    title = wrap(chart.title, canvas.text_px, TITLE_PX)
    second = _wrap_all((canvas.subtitle, chart.key), canvas.text_px, SECOND_PX)
    note = _wrap_all(canvas.notes, canvas.text_px, NOTE_PX)
    title_px = EDGE_PX + LINE * TITLE_PX * len(title)
    top_px = round(title_px + LINE * SECOND_PX * len(second) + EDGE_PX)
    bottom_px = round(below_px + LINE * NOTE_PX * len(note) + EDGE_PX)
    muted, shift = THEMES[canvas.theme].muted, EDGE_PX - sides_px[0]
    around = {
        "template": template(canvas.theme),
        "title": _title(title),
        "height": top_px + round(plot_px) + bottom_px,
        "autosize": canvas.width is None,
        "showlegend": False,
        "margin": {"l": sides_px[0], "r": sides_px[1], "t": top_px, "b": bottom_px},
        "annotations": [
            *layout.get("annotations", []),
            {**words(_lines(second), shift, muted, SECOND_PX), "y": 1, "yref": "paper", "yshift": top_px - title_px},
            {**words(_lines(note), shift, muted, NOTE_PX), "y": 0, "yref": "paper", "yshift": -below_px},
        ],
    }
    width = {} if canvas.width is None else {"width": canvas.width}
    return {"data": list(data), "layout": {**layout, **around, **width}}


def _title(lines: Sequence[str]) -> Spec:
    """The title. plotly hangs one line below its height and sets several on it, which would cut the first."""
    hung = {"pad": {"l": EDGE_PX, "t": EDGE_PX + FIRST_LINE * TITLE_PX}} if len(lines) > 1 else {}
    return {"text": "<br>".join(map(escape, lines)), **hung}


def _wrap_all(texts: Sequence[str], width_px: float, font_px: float) -> list[str]:
    return [line for text in texts if text for line in wrap(text, width_px, font_px)]


def _lines(lines: Sequence[str]) -> str:
    return "<br>".join(map(escape, lines))


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


def small(text: str, font_px: float = NOTE_PX, colour: str = "") -> str:
    """Text in smaller type, as plotly's labels understand it."""
    style = f"font-size:{font_px}px" + (f";color:{colour}" if colour else "")
    return f'<span style="{style}">{text}</span>'


def escape(text: str) -> str:
    """Text that plotly must not read as markup: conditions hold `<`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
