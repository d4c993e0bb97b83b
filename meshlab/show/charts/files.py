"""Charts of teams as files: which charts, of which teams, under which names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from meshlab.errors import MeshlabError, Problem
from meshlab.files import write_whole
from meshlab.reviews.record import Review
from meshlab.reviews.review import open_review
from meshlab.reviews.team import NAME_RULE, check_name
from meshlab.show.charts.canvas import Look
from meshlab.show.charts.catalogue import CATALOGUE, NOTHING, TEAM, chart, unknown_chart
from meshlab.show.export import WIDTH_PX, Chart
from meshlab.show.export.chart import check_form, contents, plotly_script

DOCUMENT = Look(width=WIDTH_PX)
"""Look of a chart in a document, unless said."""

BLANKS = ("team", "chart", "theme")
"""What stands in braces in the name of a file."""


class Written(msgspec.Struct, frozen=True):
    """A chart that was written.

    Args:
        file: Where it is.
        chart: What it shows.
    """

    file: Path
    chart: Chart


def write_charts(
    names: Sequence[str],
    teams: Sequence[str],
    out: Path,
    look: Look = DOCUMENT,
    *,
    scale: float = 1.0,
    script: str | None = None,
) -> list[Written]:
    """Charts of teams as files.

    Args:
        names: Keys of `CATALOGUE`.
        teams: Names of example teams, team files, dumps or ``review.json`` files.
        out: The file; where there are several, with ``{chart}`` and ``{team}`` in its name.
        look: Theme and size.
        scale: Pixels of a PNG for each pixel of the figure.
        script: Where a piece of HTML finds plotly.js; a path beside the file is written if there is nothing.

    Raises:
        MeshlabError: All problems of names, teams and the file's name.
    """
    check_form(out.suffix.removeprefix("."))
    charts = charts_of(names, teams, look)
    files = _files(out, charts)
    made = contents(charts, out.suffix.removeprefix("."), scale=scale, script=script)
    for file, content in zip(files, made, strict=True):
        write_whole(file, content)
    if script is not None:
        _write_script(script, files)
    return [Written(file, each) for file, each in zip(files, charts, strict=True)]


def charts_of(names: Sequence[str], teams: Sequence[str], look: Look) -> list[Chart]:
    """Charts of teams; those that need none are drawn once.

    Raises:
        MeshlabError: All problems of names and teams.
    """
    problems = [unknown_chart(name) for name in names if name not in CATALOGUE]
    if not problems and not teams and any(CATALOGUE[name].needs == TEAM for name in names):
        needing = ", ".join(name for name in names if CATALOGUE[name].needs == TEAM)
        problems.append(
            Problem("--team", f"is needed for {needing}", "name a team, a team file, a dump or a review.json")
        )
    reviews: list[Review] = []
    for team in teams:
        try:
            reviews.append(opened(team, whole=False))
        except MeshlabError as error:
            problems += error.problems
    if problems:
        raise MeshlabError(problems)
    alone = [chart(name, None, look) for name in names if CATALOGUE[name].needs == NOTHING]
    return alone + [chart(name, each, look) for each in reviews for name in names if CATALOGUE[name].needs == TEAM]


def opened(source: str | Path, *, whole: bool = True) -> Review:
    """A review that charts can be drawn from, with what no chart reads if it is to be ``whole``.

    Raises:
        MeshlabError: There is no such team or file, or it is wrong.
    """
    review = open_review(source, build=False, whole=whole)
    if fault := check_name(review.team):
        raise MeshlabError(Problem(str(source), fault, NAME_RULE))
    return review


def _files(out: Path, charts: Sequence[Chart]) -> list[Path]:
    """The file of each chart.

    Raises:
        MeshlabError: The name has a blank that nobody knows, or two charts would have the same file.
    """
    blanks = re.findall(r"\{([^{}]*)\}", str(out))
    unknown = [blank for blank in blanks if blank not in BLANKS]
    if unknown:
        known = ", ".join(f"{{{blank}}}" for blank in BLANKS)
        raise MeshlabError(Problem(str(out), f"unknown blank {{{unknown[0]}}}", f"known: {known}"))
    names = (str(out).replace("{team}", each.team or "all").replace("{theme}", each.theme) for each in charts)
    files = [Path(name.replace("{chart}", each.name)) for name, each in zip(names, charts, strict=True)]
    if twice := [file for file, count in Counter(files).items() if count > 1]:
        todo = f"write --out '{out.with_stem('{team}-{chart}')}'"
        raise MeshlabError(Problem(str(twice[0]), f"would hold {len(charts)} charts", todo))
    return files


def _write_script(script: str, files: Sequence[Path]) -> None:
    """The shared plotly.js beside the files, where it is a path and nothing is there."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", script):
        return
    for place in {file.parent / script for file in files}:
        if not place.exists():
            write_whole(place, plotly_script())


def catalogue_rows() -> list[dict[str, Any]]:
    """Every chart in a line, for a list."""
    return [
        {"chart": item.name, "shows": item.description, "unit": item.unit, "needs": item.needs}
        for item in CATALOGUE.values()
    ]
