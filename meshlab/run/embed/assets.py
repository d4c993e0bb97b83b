"""The pictures of a document, in the folder beside it: what each shows, and which ones no block asks for any more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from meshlab.files import read_most
from meshlab.show.charts import Chart, Look
from meshlab.show.charts.files import DOCUMENT
from meshlab.show.export.stamps import about_png, about_svg
from meshlab.show.theme import LOOKS

_LOOKS = re.compile(rf"(?:-(?:{'|'.join(LOOKS)}))?(?:-\d+)?\.(?:svg|png)")
"""How the name of a picture goes on behind team and chart."""

MAXIMUM_PICTURE_BYTES = 64 * 2**20
"""How much of a picture is read for what it says of itself. [byte]"""


def pictures_of(file: Path) -> Path:
    """The folder of a document's pictures, beside it."""
    return file.with_name(f"{file.name}.assets")


def picture_name(drawn: Chart, look: Look, form: str) -> str:
    """The file of a picture: team and chart, and where they are not the usual ones, theme and width."""
    theme = "" if look.theme == DOCUMENT.theme else look.theme
    width = "" if look.width == DOCUMENT.width else str(look.width)
    return f"{_stem(drawn.team, drawn.name)}{''.join(f'-{word}' for word in (theme, width) if word)}.{form}"


def _stem(team: str, chart: str) -> str:
    return "-".join(filter(None, (team, chart)))


def shown_by(file: Path) -> str | None:
    """Hash of the drawing that a picture holds, as it says itself."""
    return (_about(file) or {}).get("drawing_sha256")


def left_over(folder: Path, wanted: Collection[Path]) -> Iterator[Path]:
    """Pictures that were drawn for a block and that no block shows: their name and what they say of themselves agree.

    Args:
        folder: Folder of a document's pictures.
        wanted: Those that its blocks show.
    """
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file not in wanted and not file.is_symlink() and (about := _about(file)):
            stem = _stem(str(about.get("team")), str(about.get("chart")))
            if file.name.startswith(stem) and _LOOKS.fullmatch(file.name, len(stem)):
                yield file


def _about(file: Path) -> dict[str, Any] | None:
    """What a picture of ours says of itself; None of any other file."""
    if file.suffix not in (".svg", ".png") or not file.is_file():
        return None
    read = read_most(file, MAXIMUM_PICTURE_BYTES)
    return about_png(read) if file.suffix == ".png" else about_svg(read.decode(errors="replace"))
