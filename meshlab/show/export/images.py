"""Charts as SVG and PNG, each of which says what it shows: title, description, data. No browser is needed.

An SVG carries them as elements, a PNG as chunks of text; both can be read back.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from meshlab.documents import is_mapping
from meshlab.errors import MeshlabError, Problem, printable
from meshlab.show.export.svg import draw

if TYPE_CHECKING:
    from meshlab.show.export.chart import Chart

WIDTH_PX = 720
"""Width of a picture unless it has one: a column of text. [px]"""

FAMILIES = ("Liberation Sans", "Arial", "Helvetica", "Segoe UI", "Roboto", "DejaVu Sans", "Noto Sans", "FreeSans")
"""Typefaces for a PNG, the first that the machine has; an SVG leaves the choice to whoever shows it."""

_SAMPLE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="8" font-family="{}">M</text></svg>'


def svg_of(chart: Chart) -> str:
    """A chart as SVG: the same chart gives the same bytes on every machine."""
    name = f"m{chart.drawing_sha256[:8]}"
    width_px = chart.spec["layout"].get("width", WIDTH_PX)
    drawn = draw(chart.spec, width_px=width_px, name=name, dark=chart.dark)
    return stamped_svg(drawn, name, chart.about)


def png_of(chart: Chart, scale: float = 1.0) -> bytes:
    """A chart as PNG.

    Args:
        chart: The chart.
        scale: Pixels for each pixel of the figure.

    Raises:
        MeshlabError: The machine has no typeface.
    """
    import resvg_py

    drawn = resvg_py.svg_to_bytes(svg_string=svg_of(replace(chart, dark={})), zoom=scale, sans_serif_family=_family())
    return stamped_png(bytes(drawn), chart.about)


@cache
def _family() -> str:
    """A typeface of this machine: the first that leaves a mark.

    Raises:
        MeshlabError: There is none.
    """
    import resvg_py

    blank = resvg_py.svg_to_bytes(svg_string=_SAMPLE.format("no such typeface"), skip_system_fonts=True)
    for family in FAMILIES:
        if resvg_py.svg_to_bytes(svg_string=_SAMPLE.format(family)) != blank:
            return family
    todo = "install one ('apt install fonts-dejavu-core'), or take svg"
    raise MeshlabError(Problem("png", f"this machine has no typeface such as {', '.join(FAMILIES[:3])}", todo))


# --- what a picture says of itself ---------------------------------------------------------------------------------

ABOUT = "meshlab"
"""Id of an SVG's metadata, and keyword of a PNG's, that hold everything about the picture as JSON."""

_METADATA = re.compile(rf'<metadata id="[^"]*" class="{ABOUT}">(.*?)</metadata>', re.DOTALL)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def stamped_svg(svg: str, name: str, about: Mapping[str, Any]) -> str:
    """The SVG with title, description and metadata.

    Args:
        svg: As it is drawn.
        name: What its ids begin with.
        about: What the picture says of itself.
    """
    root, body = svg[: svg.index(">")], svg[svg.index(">") + 1 :]
    return (
        f'{root} role="img" aria-labelledby="{name}-title {name}-desc" xml:lang="en">'
        f'<title id="{name}-title">{_text(_heading(about))}</title>'
        f'<desc id="{name}-desc">{_text(about["alternative_text"])}</desc>'
        f'<metadata id="{name}-about" class="{ABOUT}">{escape(_json(about), quote=False)}</metadata>{body}\n'
    )


def _heading(about: Mapping[str, Any]) -> str:
    return f"{about['title']}: {about['team']}" if about["team"] else about["title"]


def _text(value: str) -> str:
    return escape(printable(value), quote=False)


def _json(about: Mapping[str, Any]) -> str:
    # in ASCII, in which XML allows every character that JSON does not escape
    return json.dumps(about, sort_keys=True, separators=(",", ":"))


def about_svg(svg: str) -> dict[str, Any] | None:
    """What an SVG of ours says of itself; None of any other."""
    found = _METADATA.search(svg)
    return None if found is None else _parsed(unescape(found[1]))


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        about = json.loads(text)
    except ValueError:
        return None
    return {**about} if is_mapping(about) else None


def stamped_png(png: bytes, about: Mapping[str, Any]) -> bytes:
    """The PNG with its title, description, source and everything else as chunks of text, behind its header.

    Args:
        png: As it is drawn.
        about: What the picture says of itself.
    """
    texts = {
        "Title": _heading(about),
        "Description": about["alternative_text"],
        "Source": "; ".join(f"{row['source_id']} {row['url'] or ''}".strip() for row in about["sources"]),
        "Software": f"meshlab {about['meshlab_version']}",
        ABOUT: _json(about),
    }
    header = len(_SIGNATURE) + 25  # the header chunk is always 13 bytes long, and comes first
    return png[:header] + b"".join(_chunk(b"iTXt", _international(*item)) for item in texts.items()) + png[header:]


def _international(keyword: str, text: str) -> bytes:
    """Keyword, not compressed, no language, no translated keyword, text in UTF-8."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def about_png(png: bytes) -> dict[str, Any] | None:
    """What a PNG of ours says of itself; None of any other."""
    for kind, data in _chunks(png):
        keyword, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and keyword == ABOUT.encode():
            return _parsed(rest[4:].decode(errors="replace"))
    return None


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while png.startswith(_SIGNATURE) and place + 8 <= len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        yield kind, png[place + 8 : place + 8 + size]
        place += size + 12
