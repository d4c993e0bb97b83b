"""One look for every chart: colours, marks, type sizes, and how numbers and long lines are written.

Nothing is told by colour alone: rows carry words, states carry symbols, parts of a bar carry hatching. Hues are
those of Okabe and Ito, which readers with any common colour blindness tell apart; `print` needs no hue at all.
"""

from __future__ import annotations

import textwrap
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import astuple

from meshlab.models.decision.labels import products, short_products
from meshlab.models.overhead import dataplanes
from meshlab.units import rounded

FONT_FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"

TITLE_PX, TEXT_PX, SECOND_PX, NOTE_PX = 17, 13, 12, 11
"""Sizes of type. [px]"""

NARROW_PX = 600
"""Width that a figure without a width of its own must still be legible at: half a notebook. [px]"""

CHARACTER_WIDTH = 0.54
"""Mean width of a character as a share of the type's size, on the wide side so that lines never overflow."""


class State(msgspec.Struct, frozen=True):
    """How the state of a row of a decision table is shown: in a symbol, a word and a colour."""

    symbol: str
    word: str
    hues: dict[str, str]


STATES: dict[str, State] = {
    "matched": State("✓", "matched", {"light": "#00734f", "dark": "#2fc79a", "print": "#000000"}),
    "unknown": State("?", "unknown", {"light": "#a34700", "dark": "#f0a35e", "print": "#000000"}),
    "not matched": State("–", "not matched", {"light": "#5b6470", "dark": "#9ca3af", "print": "#666666"}),
}


ACCENTS = {
    "warm": {"light": "#d55e00", "dark": "#f0883e", "print": "#1a1a1a"},
    "cool": {"light": "#0072b2", "dark": "#56b4e9", "print": "#444444"},
}
"""Colours that tell parts of a chart apart where they are of no data plane, in each theme."""


class Theme(msgspec.Struct, frozen=True):
    """Colours of paper, ink and lines.

    Args:
        ink: Titles and figures.
        muted: Axes, notes and what stands second.
        line: Grid and rules.
        paper: Background.
        band: Behind the row of the recommended option.
    """

    ink: str
    muted: str
    line: str
    paper: str
    band: str


def option_words(option: str | None, *, short: bool = False) -> str:
    """A recommendation in words; what stays has the name of what runs where that is known, see ``report.option_text``.

    Args:
        option: Id of a product, ``stay``, or None where not enough is known.
        short: Whether there is room for a word only.
    """
    words = {"stay": "Stay", None: "not known"} if short else {"stay": "What runs today", None: "Not known yet"}
    return words.get(option) or (short_products() if short else products()).get(str(option), str(option))


THEMES: dict[str, Theme] = {
    "light": Theme(ink="#1b2027", muted="#565f6b", line="#dfe3e8", paper="#ffffff", band="#edf4f9"),
    "dark": Theme(ink="#eceff3", muted="#a9b2bd", line="#363d47", paper="#14181d", band="#1f2933"),
    "print": Theme(ink="#000000", muted="#3d3d3d", line="#d0d0d0", paper="#ffffff", band="#f0f0f0"),
}


LOOKS = (*THEMES, "auto")
"""What can be asked for: a theme, or light and dark by the reader's screen."""


@cache
def template(theme: str) -> dict[str, Any]:
    """The plotly template of a theme as plain data: type, colours and axes of every chart."""
    colours = THEMES[theme]
    font = {"family": FONT_FAMILY, "size": TEXT_PX}
    axis = {
        "color": colours.muted,
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": TEXT_PX, "color": colours.muted}, "standoff": 8},
        "tickfont": {"size": TEXT_PX},
    }
    title = {
        "font": {"size": TITLE_PX, "color": colours.ink, "weight": 600},
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"l": 12, "t": 12},
    }
    layout = {
        "font": {**font, "color": colours.ink},
        "paper_bgcolor": colours.paper,
        "plot_bgcolor": colours.paper,
        "colorway": [plane.hues[theme] for plane in dataplanes().values()],
        "hoverlabel": {"font": font, "namelength": -1},
        "hovermode": "closest",
        "dragmode": False,
        "xaxis": axis,
        "yaxis": axis,
        "title": title,
    }
    return {"layout": layout}


def mix(colour: str, ground: str, share: float) -> str:
    """A colour thinned with the colour behind it: ``share`` of the first, the rest of the second. [#rrggbb]"""
    channels = ((int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(front * share + back * (1 - share)):02x}" for front, back in channels)


HALF = 0.5
"""Share of a hue in the fill of an interval, a hue that still tells its data plane."""


@cache
def in_dark() -> dict[str, str]:
    """For each colour of a light figure the one that takes its place on a dark page. [#rrggbb]"""
    light, dark = THEMES["light"], THEMES["dark"]
    coloured = [*(item.hues for item in (*dataplanes().values(), *STATES.values())), *ACCENTS.values()]
    hues = [(item["light"], item["dark"]) for item in coloured]
    return {
        **dict(zip(astuple(light), astuple(dark), strict=True)),
        **dict(hues),
        **{mix(one, light.paper, HALF): mix(other, dark.paper, HALF) for one, other in hues},
    }


def wrap(text: str, width_px: float, font_px: float) -> list[str]:
    """Lines of a text that fit into a width; plotly itself never breaks a line. [lines]"""
    characters = max(12, int(width_px / (font_px * CHARACTER_WIDTH)))
    return textwrap.wrap(text, characters, break_long_words=False, break_on_hyphens=False) or [""]


MINUS = "\N{MINUS SIGN}"
"""Sign of a negative figure, which a hyphen between two figures is no match for."""


def figure_text(value: float | None) -> str:
    """A figure with as many digits as an interval deserves, never in powers of ten."""
    if value is None:
        return "unknown"
    if 0 < abs(value) < 0.001:  # noqa: PLR2004  (below that, digits only look exact)
        return "< 0.001" if value > 0 else f"> {MINUS}0.001"
    return rounded(value).replace("-", MINUS)


def interval_text(low: float | None, high: float | None) -> str:
    """The two ends of an interval, or nothing where there is no interval to speak of."""
    if low is None or high is None or low == high:
        return ""
    # a dash beside a minus sign would be read as one
    return f"{figure_text(low)} {'to' if low < 0 or high < 0 else '–'} {figure_text(high)}"
