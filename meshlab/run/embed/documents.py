"""Documents as they lie on disk: their encoding, their byte order mark and their line endings stay what they are."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from meshlab.errors import MeshlabError, Problem
from meshlab.files import read_bounded, write_whole

MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Marks by which a document says how it is encoded."""

MAXIMUM_BYTES = 16 * 2**20
"""Largest document that is read."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and how it is written.

    Args:
        file: Where it lies.
        text: Its text, less the mark.
        mark: The byte order mark.
        encoding: How the text becomes bytes.
    """

    file: Path
    text: str
    mark: bytes
    encoding: str

    def encoded(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return self.mark + text.encode(self.encoding)


def write_markdown(document: Document, text: str) -> None:
    """Put another text in a document's place: whole, under its rights, and where a link to it points.

    Raises:
        MeshlabError: It cannot be written.
    """
    place = document.file.resolve()
    mode = place.stat().st_mode
    write_whole(place, document.encoded(text))
    place.chmod(mode)


def read_markdown(file: Path) -> Document:
    """A document in UTF-8 or UTF-16, or in any encoding if it says nothing of meshlab.

    Raises:
        MeshlabError: It cannot be read, or is neither.
    """
    content = read_bounded(file, MAXIMUM_BYTES)
    mark, encoding = next((pair for pair in MARKS if content.startswith(pair[0])), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if b"meshlab" not in content.replace(b"\0", b""):  # it has no block, so its letters are nobody's business here
            return Document(file, content.decode("latin-1"), b"", "latin-1")
        line = content.count(b"\n", 0, error.start) + 1
        raise MeshlabError(Problem(str(file), "is neither UTF-8 nor UTF-16", "save it in UTF-8", line)) from error
    return Document(file, text, mark, encoding)
