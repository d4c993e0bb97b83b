"""A chart's figure as SVG, without a browser: the part of plotly's JSON that meshlab's charts are made of.

Each chart lays out its own words and margins, so that nothing has to be measured here: the same figure gives the same
bytes on every machine. What only a live view needs (hovering, zooming) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import groupby, pairwise
from typing import Any

from meshlab.documents import is_list
from meshlab.errors import printable
from meshlab.show.export.axes import Axis, extent, number_of
from meshlab.show.theme import CHARACTER_WIDTH, mix

Spec = Mapping[str, Any]
Point = tuple[float | None, float | None]
Ends = tuple[float, float]

LINE = 1.3
"""Height of a line of text as a multiple of its type."""

RISE = 0.36
"""From the middle of a line of text down to its foot, as a multiple of its type."""

GAP_PX = 3
"""Between a plot and the names on its axes, besides what the axis asks for. [px]"""

DASHES = {"dot": (1, 1), "dash": (3, 3), "longdash": (5, 5), "dashdot": (3, 1, 1, 1)}
"""Strokes and gaps of a line, as multiples of its width but of at least `DOT_PX`."""

DOT_PX = 3
"""The least length of a stroke. [px]"""

MARKS = {
    "square": "M-1-1H1V1H-1Z",
    "diamond": "M0-1.3L1.3 0L0 1.3L-1.3 0Z",
    "triangle-up": "M-1.15.58H1.15L0-1.15Z",
    "x": "M-1-1L1 1M-1 1L1-1",
    "line-ns": "M0-1V1",
}
"""Outlines of marks for a radius of one; a circle is its own element."""

LINES_ONLY = ("x", "line-ns")
"""Marks without an inside."""

KINDS = ("scatter", "bar", "heatmap")
"""Kinds of traces that can be drawn."""

_AXIS = re.compile(r"([xy])axis(\d*)")
_MARKUP = re.compile(r"<(/?)(b|br|span)(?: style=\"([^\"]*)\")?/?>")
_HUE = re.compile(r"#[0-9a-f]{6}")


def draw(
    spec: Spec, *, width_px: float, name: str, dark: Mapping[str, str] | None = None, adaptive: bool = False
) -> str:
    """A figure as an SVG element without title and description.

    Args:
        spec: The figure as plotly's JSON, with its height.
        width_px: Its width. [px]
        name: What the ids in it begin with: unique in a page.
        dark: For each colour the one that takes its place on a dark screen.
        adaptive: Whether the page says so itself: each colour is a variable such as ``--h1b2027``, which is the
            colour where the page does not set it.
    """
    drawing = _Drawing(spec, width_px, name)
    body = "".join(drawing.parts())
    if dark or adaptive:
        body = _HUE.sub(lambda hue: f"var(--h{hue[0][1:]},{hue[0]})", body)
    if dark:
        body = f"<style>@media (prefers-color-scheme: dark) {{ :root {{ {hue_variables(dark)} }} }}</style>{body}"
    width, height, font = _n(width_px), _n(spec["layout"]["height"]), drawing.layout["font"]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{escape(font["family"])}" font-size="{_n(font["size"])}">{body}</svg>'
    )


def hue_variables(dark: Mapping[str, str]) -> str:
    """Colours of an adaptive figure on a dark screen, as declarations of CSS."""
    return "".join(f"--h{light[1:]}:{hue};" for light, hue in dark.items())


def _n(number: float) -> str:
    """A number in as few letters as two decimals take."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(slots=True)
class _Drawing:
    spec: Spec
    width_px: float
    name: str
    layout: dict[str, Any] = field(init=False)
    plot: tuple[float, float, float, float] = field(init=False)
    axes: dict[str, Axis] = field(init=False)
    patterns: dict[str, str] = field(default_factory=dict[str, str])
    clips: dict[tuple[float, ...], str] = field(default_factory=dict[tuple[float, ...], str])

    def __post_init__(self) -> None:
        stated = self.spec["layout"]
        template = stated["template"]["layout"]
        self.layout = {**template, **stated}
        margin, height = stated["margin"], stated["height"]
        self.plot = (margin["l"], margin["t"], self.width_px - margin["r"], height - margin["b"])
        found: dict[str, Spec] = {"x": {}, "y": {}}
        found |= {f"{match[1]}{match[2]}": self.layout[key] for key in self.layout if (match := _AXIS.fullmatch(key))}
        merged = {
            key: {**(base := template[f"{key[0]}axis"]), **axis, "title": {**base["title"], **axis.get("title", {})}}
            for key, axis in found.items()
        }
        extents = self._extents(merged)
        self.axes = {key: self._axis(key, axis, merged, extents) for key, axis in merged.items()}

    # --- axes ------------------------------------------------------------------------------------------------------

    def _axis(
        self, key: str, axis: Spec, every: Mapping[str, Spec], extents: Mapping[str, tuple[float, float]]
    ) -> Axis:
        leader = axis.get("matches", key)
        under = every.get(axis.get("overlaying", ""), {})
        low, high = axis.get("domain") or under.get("domain") or (0, 1)
        left, top, right, bottom = self.plot
        start, end = (bottom, top) if key[0] == "y" else (left, right)
        places = (start + low * (end - start), start + high * (end - start))
        kind, stated = every[leader].get("type", "linear"), axis.get("range") or every[leader].get("range")
        ends = stated or extents[leader]
        if stated and kind == "date":
            ends = tuple(number_of(value, kind) or 0 for value in stated)
        return Axis({"type": kind, **axis}, key[0] == "y", (float(ends[0]), float(ends[1])), places)

    def _extents(self, axes: Mapping[str, Spec]) -> dict[str, Ends]:
        """Both ends of every axis, as its marks and those of the axes that match it need them."""
        leaders = {key: axis.get("matches", key) for key, axis in axes.items()}
        reached: dict[str, list[float]] = {key: [] for key in axes}
        padded: set[str] = set()
        stacks: dict[tuple[str, float, bool], float] = {}
        for trace in self.spec["data"]:
            if trace["type"] == "bar" and self._stacked(trace):
                along, across = "xy" if trace.get("orientation") == "h" else "yx"
                for place, value in zip(trace[across], trace[along], strict=True):
                    at = (leaders[trace.get(f"{along}axis", along)], place, (value or 0) < 0)
                    stacks[at] = stacks.get(at, 0) + (value or 0)
            for way in "xy":
                leader = leaders[trace.get(f"{way}axis", way)]
                numbers = (number_of(value, axes[leader].get("type", "linear")) for value in _reached(trace, way))
                found = [number for number in numbers if number is not None]
                reached[leader] += found
                if found and (trace["type"] == "bar" or "markers" in trace.get("mode", "") or way == "y"):
                    padded.add(leader)
        for (leader, _, _), value in stacks.items():
            reached[leader].append(value)
            padded.add(leader)
        return {key: extent(reached[key], axis, padded=key in padded) for key, axis in axes.items()}

    def _crossing(self, key: str) -> Axis:
        """The axis that one stands on."""
        axis = self.axes[key].spec
        other = "y" if key[0] == "x" else "x"
        return self.axes[axis.get("anchor") or self.axes[axis.get("overlaying", key)].spec.get("anchor") or other]

    # --- parts in the order in which they are drawn ------------------------------------------------------------------

    def parts(self) -> Iterator[str]:
        height = self.spec["layout"]["height"]
        yield f'<rect width="{_n(self.width_px)}" height="{_n(height)}" fill="{self.layout["paper_bgcolor"]}"/>'
        yield from self._shapes("below")
        yield from self._grid()
        yield from self._shapes("between")
        drawn = "".join(self._traces())
        yield "".join((*self.clips.values(), *self.patterns.values()))
        yield drawn
        yield from self._shapes("above")
        yield from self._names()
        for words in self.layout.get("annotations", ()):
            yield self._annotation(words)
        yield self._title()

    def _grid(self) -> Iterator[str]:
        for key, axis in self.axes.items():
            if axis.spec.get("visible") is False:
                continue
            across = self._crossing(key)
            if axis.spec.get("showgrid", True) and not axis.spec.get("overlaying"):
                for place, _ in axis.ticks():
                    yield _rule(axis.upright, place, across.places, axis.spec["gridcolor"], 1)
            low, high = sorted(axis.ends)
            if axis.spec.get("zeroline") and axis.kind == "linear" and low <= 0 <= high:
                yield _rule(axis.upright, axis.at(0), across.places, axis.spec.get("zerolinecolor", "#565f6b"), 1)

    def _names(self) -> Iterator[str]:
        for key, axis in self.axes.items():
            spec = axis.spec
            if spec.get("visible") is False:
                continue
            size, hue = spec["tickfont"]["size"], spec["color"]
            across = self._crossing(key)
            far = spec.get("side") == "right"
            gap = GAP_PX + spec.get("ticklabelstandoff", 0)
            edge = across.places[1] + gap if far else across.places[0] - gap
            if spec.get("showticklabels", True):
                for place, text in axis.ticks():
                    if axis.upright:
                        yield _text(text, edge, place, "start" if far else "end", size, hue, "middle")
                    else:
                        yield _text(
                            text, place, across.places[0] + gap, self._anchor(axis, place, text), size, hue, "top"
                        )
            if title := spec.get("title", {}).get("text"):
                yield self._axis_title(axis, title, across, far=far)

    def _anchor(self, axis: Axis, place: float, text: str) -> str:
        """A name has its middle at its place, unless it would be cut off or meet the first name of the next axis."""
        last = place > axis.places[1] - 1
        room = (self.width_px if axis.places[1] == self.plot[2] else axis.places[1]) - place
        return "end" if last and CHARACTER_WIDTH * len(text) * axis.spec["tickfont"]["size"] / 2 > room else "middle"

    def _axis_title(self, axis: Axis, title: str, across: Axis, *, far: bool) -> str:
        font, middle = axis.spec["title"]["font"], sum(axis.places) / 2
        size, hue = font["size"], font["color"]
        if not axis.upright:
            gap = GAP_PX + LINE * axis.spec["tickfont"]["size"] + axis.spec["title"].get("standoff", 8)
            return _text(title, middle, across.places[0] + gap, "middle", size, hue, "top")
        x = self.width_px - size if far else size
        words = _text(title, 0, 0, "middle", size, hue, "middle")
        return f'<g transform="translate({_n(x)},{_n(middle)})rotate(-90)">{words}</g>'

    def _title(self) -> str:
        style, lines = self.layout["title"], self.layout["title"]["text"]
        base = self.layout["template"]["layout"]["title"]
        font, pad = {**base["font"], **style.get("font", {})}, base["pad"]
        return _text(
            f"<b>{lines}</b>", pad["l"], pad["t"] - 0.2 * font["size"], "start", font["size"], font["color"], "top"
        )

    def _annotation(self, words: Spec) -> str:
        font: Spec = {"size": 13, "color": self.layout["font"]["color"], **words.get("font", {})}
        x = self._at("x", words.get("xref", "x"), words["x"]) + words.get("xshift", 0)
        y = self._at("y", words.get("yref", "y"), words["y"]) - words.get("yshift", 0)
        anchor = {"left": "start", "right": "end"}.get(words.get("xanchor", "center"), "middle")
        drawn = (anchor, font["size"], font["color"], words.get("yanchor", "middle"))
        if words.get("textangle"):
            turn = f"translate({_n(x)},{_n(y)})rotate({_n(float(words['textangle']))})"
            return f'<g transform="{turn}">{_text(words["text"], 0, 0, "middle", *drawn[1:3], "middle")}</g>'
        return _text(words["text"], x, y, *drawn)

    def _at(self, way: str, reference: str, value: Any) -> float:
        """Where something stands: on an axis, at a share of its length, or at a share of the whole plot. [px]"""
        key, _, share = reference.partition(" ")
        if key == "paper":
            left, top, right, bottom = self.plot
            return left + value * (right - left) if way == "x" else bottom - value * (bottom - top)
        axis = self.axes[key]
        return axis.share(value) if share else axis.place(value) or axis.places[0]

    def _shapes(self, layer: str) -> Iterator[str]:
        for shape in self.layout.get("shapes", ()):
            if shape.get("layer", "above") != layer:
                continue
            x0, x1 = (self._at("x", shape.get("xref", "x"), shape[end]) for end in ("x0", "x1"))
            y0, y1 = (self._at("y", shape.get("yref", "y"), shape[end]) for end in ("y0", "y1"))
            stroke = _stroke(shape.get("line", {}))
            if shape["type"] == "line":
                yield f'<path d="M{_n(x0)} {_n(y0)}L{_n(x1)} {_n(y1)}"{stroke}/>'
            else:
                yield _rect(x0, y0, x1, y1, f' fill="{shape.get("fillcolor", "none")}"{stroke}')

    # --- traces ------------------------------------------------------------------------------------------------------

    def _traces(self) -> Iterator[str]:
        stacks: dict[tuple[float, bool], float] = {}
        kinds = dict(zip(KINDS, (self._scatter, self._bar, self._heatmap), strict=True))
        for trace in self.spec["data"]:
            inner = "".join(kinds[trace["type"]](trace, stacks))
            if inner:
                clip = self._clip(*self._of(trace)) if trace.get("cliponaxis", True) else ""
                yield f"<g{clip}>{inner}</g>"

    def _clip(self, x: Axis, y: Axis) -> str:
        corners = (*x.places, *y.places)
        names = {each: f"{self.name}-clip{number}" for number, each in enumerate({**self.clips, corners: ""})}
        rect = _rect(x.places[0], y.places[0], x.places[1], y.places[1], "")
        self.clips[corners] = f'<clipPath id="{names[corners]}">{rect}</clipPath>'
        return f' clip-path="url(#{names[corners]})"'

    def _of(self, trace: Spec) -> tuple[Axis, Axis]:
        return self.axes[trace.get("xaxis", "x")], self.axes[trace.get("yaxis", "y")]

    def _scatter(self, trace: Spec, _: object) -> Iterator[str]:
        x, y = self._of(trace)
        points = [(x.place(a), y.place(b)) for a, b in zip(trace["x"], trace["y"], strict=True)]
        line, mode = trace.get("line", {}), trace.get("mode", "lines")
        if "lines" in mode:
            fill = f' fill="{trace["fillcolor"]}"' if trace.get("fill") else ' fill="none"'
            stroke = _stroke({"color": self.layout["font"]["color"], **line})
            for known, run in groupby(points, lambda point: None not in point):
                if known:
                    found = [(a, b) for a, b in run if a is not None and b is not None]
                    path = _path(found, step=line.get("shape") == "hv", closed="fill" in trace)
                    yield f'<path d="{path}"{fill}{stroke}/>'
        for error, way in (("error_x", x), ("error_y", y)):
            if error in trace:
                yield from _whiskers(trace, trace[error], way, points)
        if "markers" in mode and trace.get("marker", {}).get("opacity", 1):
            for number, (a, b) in enumerate(points):
                if a is not None and b is not None:
                    yield self._mark(trace, number, a, b)

    def _mark(self, trace: Spec, number: int, x: float, y: float) -> str:
        marker, edge = trace["marker"], trace["marker"].get("line", {})
        symbol, hollow, _ = str(_nth(marker.get("symbol", "circle"), number)).partition("-open")
        hue, radius = _nth(marker["color"], number), marker.get("size", 6) / 2
        outlined = hollow or symbol in LINES_ONLY
        line = {"color": hue if outlined else _nth(edge.get("color", hue), number), "width": edge.get("width", 0)}
        line["width"] = max(line["width"], 2.5 if symbol == "x" else 1.5 if outlined else 0)
        paint = f' fill="{"none" if outlined else hue}"{_stroke(line)}'
        hint = _hint(trace, number)
        if symbol == "circle":
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{paint}{(hint and f">{hint}</circle>") or "/>"}'
        outline = re.sub(r"-?\d*\.?\d+", lambda found: f" {_n(float(found[0]) * radius)}", MARKS[symbol])
        place = f' transform="translate({_n(x)},{_n(y)})"'
        return f'<path d="{outline}"{place}{paint}{(hint and f">{hint}</path>") or "/>"}'

    def _stacked(self, trace: Spec) -> bool:
        return self.layout.get("barmode") == "stack" and "base" not in trace

    def _bar(self, trace: Spec, stacks: dict[tuple[float, bool], float]) -> Iterator[str]:
        x, y = self._of(trace)
        lying = trace.get("orientation") == "h"
        along, across = (x, y) if lying else (y, x)
        places, values = (trace["y"], trace["x"]) if lying else (trace["x"], trace["y"])
        marker, default = trace["marker"], 1 - self.layout.get("bargap", 0.2)
        stacked = self._stacked(trace)
        for number, (place, value) in enumerate(zip(places, values, strict=True)):
            if value is None:
                continue
            base = trace["base"][number] if "base" in trace else stacks.get((place, value < 0), 0.0) if stacked else 0.0
            stacks[place, value < 0] = base + value
            half = (_nth(trace["width"], number) if "width" in trace else default * _apart(places)) / 2
            a, b = along.at(base), along.at(base + value)
            c, d = across.at(place - half), across.at(place + half)
            paint = f' fill="{self._fill(marker, number)}"{_stroke(_edge(marker, number))}'
            yield _rect(*((a, c, b, d) if lying else (c, a, d, b)), paint, _hint(trace, number))

    def _fill(self, marker: Spec, number: int) -> str:
        hue, pattern = _nth(marker["color"], number), marker.get("pattern")
        if not pattern or not _nth(pattern.get("shape", ""), number):
            return hue
        ink, paper, size = _nth(pattern["fgcolor"], number), pattern["bgcolor"], pattern["size"]
        key = f"{self.name}-hatch{list({**self.patterns, ink: ''}).index(ink)}"
        self.patterns[ink] = (
            f'<pattern id="{key}" width="{size}" height="{size}" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="{size}" height="{size}" fill="{paper}"/>'
            f'<rect width="{_n(size * pattern.get("solidity", 0.3) / 2)}" height="{size}" fill="{ink}"/></pattern>'
        )
        return f"url(#{key})"

    def _heatmap(self, trace: Spec, _: object) -> Iterator[str]:
        (x, y), (start, end) = self._of(trace), (stop[1] for stop in trace["colorscale"])
        for row, line in enumerate(trace["z"]):
            for column, value in enumerate(line):
                if value is not None:
                    share = (value - trace["zmin"]) / (trace["zmax"] - trace["zmin"])
                    corners = x.at(column - 0.5), y.at(row + 0.5), x.at(column + 0.5), y.at(row - 0.5)
                    gap = f' stroke="{self.layout["paper_bgcolor"]}" stroke-width="{trace.get("xgap", 0)}"'
                    yield _rect(*corners, f' fill="{mix(end, start, share)}"{gap}')


# --- elements ------------------------------------------------------------------------------------------------------


def _reached(trace: Spec, way: str) -> Iterator[Any]:
    """Values that an axis of its own range has to hold: of marks, their errors, and both ends of bars."""
    if trace["type"] == "heatmap":
        return
    along = trace["type"] == "bar" and (way == "x") == (trace.get("orientation") == "h")
    if along:
        bases = trace.get("base") or [0] * len(trace[way])
        yield from bases
        yield from (base + value for base, value in zip(bases, trace[way], strict=True) if value is not None)
        return
    yield from trace[way]
    error = trace.get(f"error_{way}")
    if error:
        for value, up, down in zip(trace[way], error["array"], error["arrayminus"], strict=True):
            if value is not None:
                yield from (value + (up or 0), value - (down or 0))
    if trace["type"] == "bar":
        half = _apart(trace[way]) / 2
        yield from (place + sign * half for place in trace[way] for sign in (-1, 1))


def _apart(places: Sequence[float]) -> float:
    """The least distance between two bars."""
    ordered = sorted(set(places))
    return min((after - before for before, after in pairwise(ordered)), default=1)


def _nth(value: Any, number: int) -> Any:
    return value[number] if is_list(value) else value


def _edge(marker: Spec, number: int) -> Spec:
    edge = marker.get("line", {})
    return {"color": _nth(edge.get("color", "#000000"), number), "width": edge.get("width", 0)}


def _stroke(line: Spec) -> str:
    width = line.get("width", 2)
    if not width or "color" not in line:
        return ""
    dash = DASHES.get(line.get("dash", "solid"))
    dashes = f' stroke-dasharray="{" ".join(_n(part * max(DOT_PX, width)) for part in dash)}"' if dash else ""
    return f' stroke="{line["color"]}" stroke-width="{_n(width)}"{dashes}'


def _rule(upright: bool, place: float, ends: Ends, hue: str, width: float) -> str:  # noqa: FBT001
    start, end = map(_n, ends)
    path = f"M{start} {_n(place)}H{end}" if upright else f"M{_n(place)} {start}V{end}"
    return f'<path d="{path}" stroke="{hue}" stroke-width="{_n(width)}"/>'


def _rect(x0: float, y0: float, x1: float, y1: float, paint: str, hint: str = "") -> str:
    (left, right), (top, bottom) = sorted((x0, x1)), sorted((y0, y1))
    place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
    return f"<rect {place}{paint}>{hint}</rect>" if hint else f"<rect {place}{paint}/>"


def _path(points: Sequence[tuple[float, float]], *, step: bool, closed: bool) -> str:
    (x, y), *others = points
    drawn = "".join(f"H{_n(a)}V{_n(b)}" if step else f"L{_n(a)} {_n(b)}" for a, b in others)
    return f"M{_n(x)} {_n(y)}{drawn}{'Z' if closed else ''}"


def _whiskers(trace: Spec, error: Spec, way: Axis, points: Iterable[Point]) -> Iterator[str]:
    """A line from one end of an interval to the other, with a cap at each."""
    values, cap = trace["y" if way.upright else "x"], error["width"]
    stroke = _stroke({"color": error["color"], "width": error["thickness"]})
    for value, up, down, (x, y) in zip(values, error["array"], error["arrayminus"], points, strict=True):
        if x is None or y is None or up is None or down is None:
            continue
        # a logarithm has no place for what is not above zero: the line then ends with the plot
        start, end = (way.places[0] if (at := way.place(value + by)) is None else at for by in (-down, up))
        if way.upright:
            path = f"M{_n(x)} {_n(start)}V{_n(end)}"
            caps = f"M{_n(x - cap)} {_n(start)}h{2 * cap}M{_n(x - cap)} {_n(end)}h{2 * cap}"
        else:
            path = f"M{_n(start)} {_n(y)}H{_n(end)}"
            caps = f"M{_n(start)} {_n(y - cap)}v{2 * cap}M{_n(end)} {_n(y - cap)}v{2 * cap}"
        yield f'<path d="{path}{caps if cap else ""}" fill="none"{stroke}/>'


def _hint(trace: Spec, number: int) -> str:
    """What a pointer on a mark is told, where the mark has words of its own."""
    words = trace.get("customdata")
    if not words or trace.get("hoverinfo") == "skip":
        return ""
    return f"<title>{_words(_MARKUP.sub(lambda tag: ', ' if tag[2] == 'br' else '', words[number]))}</title>"


def _text(markup: str, x: float, y: float, anchor: str, size: float, hue: str, hang: str) -> str:
    """Lines of words, with the marks for bold and smaller type that plotly's labels know.

    Args:
        markup: Lines, parted by ``<br>``.
        x: Where they begin, end or have their middle, by ``anchor``. [px]
        y: Where their top, middle or bottom is, by ``hang``. [px]
        anchor: start, middle or end.
        size: Size of type. [px]
        hue: Its colour.
        hang: top, middle or bottom.
    """
    lines = markup.split("<br>")
    heights = [LINE * size] * len(lines)
    top = y - {"top": 0, "middle": 0.5, "bottom": 1}[hang] * sum(heights)
    start = f' text-anchor="{anchor}"' if anchor != "start" else ""
    spans: list[str] = []
    bold, style = False, ""
    for number, line in enumerate(lines):
        foot = top + (number + 0.5) * LINE * size + RISE * size
        runs: list[str] = []
        at = 0
        for tag in [*_MARKUP.finditer(line), None]:
            words = line[at : tag.start() if tag else None]
            if words:
                weight = ' font-weight="600"' if bold else ""
                runs.append(f"<tspan{weight}{style}>{_words(words)}</tspan>" if bold or style else _words(words))
            if tag:
                at = tag.end()
                bold = not tag[1] if tag[2] == "b" else bold
                style = ("" if tag[1] else _style(tag[3])) if tag[2] == "span" else style
        spans.append(f'<tspan x="{_n(x)}" y="{_n(foot)}">{"".join(runs)}</tspan>' if len(lines) > 1 else "".join(runs))
    place = "" if len(lines) > 1 else f' x="{_n(x)}" y="{_n(top + 0.5 * LINE * size + RISE * size)}"'
    return f'<text{place}{start} font-size="{_n(size)}" fill="{hue}">{"".join(spans)}</text>'


def _words(text: str) -> str:
    """Text of a chart as text of XML, which has no place for control characters."""
    return escape(printable(unescape(text)), quote=False)


def _style(css: str | None) -> str:
    known = dict(part.split(":", 1) for part in (css or "").split(";") if part)
    size, hue = known.get("font-size"), known.get("color")
    return (f' font-size="{size.removesuffix("px")}"' if size else "") + (f' fill="{hue}"' if hue else "")
