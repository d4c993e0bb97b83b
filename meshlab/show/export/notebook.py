"""Charts in a notebook: figures that show themselves, and can be saved and copied."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path

from meshlab.files import write_whole
from meshlab.reviews.record import Review
from meshlab.show import report
from meshlab.show.export.catalogue import Look, Plate, plate
from meshlab.show.export.forms import contents, markdown_table
from meshlab.show.export.plates import WIDTH_PX

COPY = (
    "const [type, data] = JSON.parse(this.dataset.copy);"
    "fetch(data).then(r => r.blob()).then(b => navigator.clipboard.write([new ClipboardItem({[type]: b})]))"
    ".then(() => this.textContent = 'copied', () => this.textContent = 'not allowed here')"
)
"""What a button does: puts its data, which it holds as an address, on the clipboard."""


def figure(
    name: str,
    of: Review | None = None,
    *,
    theme: str = "light",
    width: int = WIDTH_PX,
    height: int | None = None,
) -> Figure:
    """A chart that shows itself as the last value of a cell, and can be saved and copied.

    Args:
        name: A chart of ``meshlab chart --list``.
        of: Whose figures it shows; nobody's for charts that need none.
        theme: light, dark or print.
        width: Width. [px]
        height: Height; as much as the chart needs unless given. [px]

    Raises:
        MeshlabError: There is no such chart or theme, or the chart needs a team.
    """
    return Figure(plate(name, of, Look(theme, width, height)))


class Figure:
    """A chart that shows itself as the last value of a cell.

    Args:
        plate: What is drawn.
    """

    def __init__(self, plate: Plate) -> None:
        self.plate = plate

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        shown = report.picture(self.plate.name, self.plate.spec, self.plate.rows, self.plate.words)
        return shown._repr_mimebundle_(**options)

    @property
    def words(self) -> str:
        """What it shows in words: the text for readers who do not see it."""
        return self.plate.words

    def save(self, file: str | Path, *, scale: float = 1.0) -> Path:
        """Write it: .svg, .png, .html, .json, .csv or .md, by the file's ending.

        Args:
            file: Where to.
            scale: Pixels of a PNG for each pixel of the figure.

        Raises:
            MeshlabError: There is no such form, or no browser to draw it.
        """
        path = Path(file)
        write_whole(path, contents([self.plate], path.suffix.removeprefix("."), scale=scale)[0])
        return path

    def copy(self, *, scale: float = 2.0) -> report.Fragment:
        """The picture with a button that copies it, and one that copies its figures as a Markdown table.

        Args:
            scale: Pixels of the picture for each pixel of the figure.
        """
        image = _address("image/png", contents([self.plate], "png", scale=scale)[0])
        table = _address("text/plain", markdown_table(self.plate.rows).encode())
        buttons = _button("Copy the picture", "image/png", image) + _button("Copy the figures", "text/plain", table)
        width = self.plate.spec["layout"]["width"]
        html = f'<img src="{image}" width="{width}" alt="{escape(self.words)}"><div>{buttons}</div>'
        return report.Fragment(html, self.words)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _button(label: str, kind: str, address: str) -> str:
    return f'<button data-copy="{escape(json.dumps([kind, address]))}" onclick="{escape(COPY)}">{label}</button> '
