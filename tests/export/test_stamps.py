"""What a picture says of itself."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.show.export.images import about_png, about_svg, stamped_png, stamped_svg

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect id="m1-a"/></svg>'
ABOUT = {
    "title": "Memory",
    "team": "payments",
    "alternative_text": "Cilium: 1 GiB.",
    "sources": [{"source_id": "S01", "title": "A page", "url": "https://example.org"}],
    "drawing_sha256": "0123456789abcdef",
    "meshlab_version": "1.0",
}
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PIXEL = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
)


def test_an_svg_is_named_for_readers_who_do_not_see_it() -> None:
    """The root is an image that is labelled by its title and its description."""
    root = ET.fromstring(stamped_svg(SVG, "m1", ABOUT))  # noqa: S314
    assert root.attrib["role"] == "img"
    words = {each.attrib["id"]: each.text for each in root if each.get("id")}
    assert [words[name] for name in root.attrib["aria-labelledby"].split()] == ["Memory: payments", "Cilium: 1 GiB."]


@given(ANY_TEXT, ANY_TEXT)
def test_what_is_written_into_a_picture_is_read_back(title: str, team: str) -> None:
    """Any text of a title or a name, markup and control characters included, comes back from SVG and PNG."""
    about = {**ABOUT, "title": title, "team": team}
    svg = stamped_svg(SVG, "m1", about)
    ET.fromstring(svg)  # noqa: S314
    assert about_svg(svg) == about
    assert about_png(stamped_png(PIXEL, about)) == about


def test_a_stamped_png_is_a_sound_png() -> None:
    """Each chunk has its checksum, the header comes first, and the pixels are as they were."""
    png = stamped_png(PIXEL, ABOUT)
    place, kinds = 8, []
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + size]
        assert struct.unpack(">I", png[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + data)
        kinds.append(kind)
        place += size + 12
    assert kinds == [b"IHDR", *[b"iTXt"] * 5, b"IDAT", b"IEND"]


@pytest.mark.parametrize("other", ["", "<svg/>", '<svg><metadata class="meshlab">{</metadata></svg>'])
def test_a_foreign_picture_says_nothing(other: str) -> None:
    """A picture that is not ours, or that is broken, has nothing to say."""
    assert about_svg(other) is None
    assert about_png(other.encode()) is None
    assert about_png(PIXEL) is None
