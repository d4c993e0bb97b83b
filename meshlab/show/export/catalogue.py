"""Every chart by name: what it shows, what it is drawn from, and where its figures come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.cases import data_sha256
from meshlab.reviews.record import Review
from meshlab.show.charts.canvas import subtitle
from meshlab.show.export.entries import CATALOGUE
from meshlab.show.export.plates import NOTHING, TEAM, Entry, Look, Plate
from meshlab.show.theme import THEMES
from meshlab.tables import read_table

__all__ = ["CATALOGUE", "NOTHING", "TEAM", "Entry", "Look", "Plate", "entry", "plate"]


def entry(name: str) -> Entry:
    """The chart of that name.

    Raises:
        MeshlabError: There is none; the nearest is named.
    """
    if name not in CATALOGUE:
        raise MeshlabError(Problem("chart", f"unknown chart {shorten(name)}", did_you_mean(name, CATALOGUE)))
    return CATALOGUE[name]


def plate(name: str, review: Review | None = None, look: Look | None = None) -> Plate:
    """A chart of a review, drawn.

    Args:
        name: A key of `CATALOGUE`.
        review: A review; None for charts that need no team.
        look: Theme and size.

    Raises:
        MeshlabError: There is no such chart or theme, it needs a team, or the height is too small for it.
    """
    chosen, look = entry(name), look or Look()
    if look.theme not in THEMES:
        raise MeshlabError(Problem("theme", f"unknown theme {shorten(look.theme)}", did_you_mean(look.theme, THEMES)))
    if chosen.needs == TEAM and review is None:
        raise MeshlabError(Problem(name, "shows a team's figures", "name a team, a team file, a dump or a review.json"))
    of = review if chosen.needs == TEAM else None
    drawn = chosen.draw(of, look)
    title = drawn.spec["layout"]["title"]["text"].replace("<br>", " ")
    return Plate(
        name=name,
        team=of.team if of else "",
        title=title,
        subject=subtitle(of) if of else drawn.words.removeprefix(f"{title}. ").removesuffix("."),
        unit=chosen.unit,
        spec=_sized(name, drawn.spec, look),
        rows=drawn.rows,
        words=drawn.words,
        sources=tuple(_sources(chosen.cited(of))),
        facts=of.source.strip().removesuffix(".") if of else "",
        inputs_sha256=of.inputs_sha256 if of else data_sha256(),
        theme=look.theme,
    )


def _sized(name: str, spec: dict[str, Any], look: Look) -> dict[str, Any]:
    needed = spec["layout"]["height"]
    if look.height is not None and look.height < needed:
        todo = f"give at least {needed} px, or a greater width"
        raise MeshlabError(Problem(name, f"does not fit into a height of {look.height} px", todo))
    size = {"width": look.width, "height": look.height or needed, "autosize": False}
    return {**spec, "layout": {**spec["layout"], **size}}


def _sources(ids: Sequence[str]) -> list[dict[str, Any]]:
    table = {row["source_id"]: row for row in read_table("sources").iter_rows(named=True)}
    return [table[source_id] for source_id in dict.fromkeys(ids) if source_id in table]
