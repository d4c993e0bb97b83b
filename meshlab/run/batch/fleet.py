"""The index over many reviews: rows, totals, what changed since an earlier run, and the pages that show them."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from meshlab import __version__
from meshlab.documents import is_list
from meshlab.errors import MeshlabError, Problem
from meshlab.files import pretty_json, read_bounded, spreadsheet_text
from meshlab.models.overhead import dataplanes, figures
from meshlab.reviews.review import SUMMARY_FIGURES
from meshlab.run.batch.pages import file_name
from meshlab.show import report
from meshlab.show.labels import option_text
from meshlab.show.theme import figure_text
from meshlab.tables import read_table
from meshlab.units import significant

TOTALLED = ("memory_gib", "cpu_cores", "cost_usd_per_month")
"""Figures that may be added up over teams. Latencies may not."""

LIST_PRICE = "opencost-default"
"""Source of the prices that stand where a team states none."""

MAXIMUM_INDEX_BYTES = 64 * 2**20
"""Largest index that is read: a row has about 2 KiB. [byte]"""

Row = Mapping[str, Any]


@cache
def _index_type() -> type[msgspec.Struct]:
    """What an index has to hold to be compared with: somebody else may have written it."""
    ends = [(f"{name}{end}", float | None) for name in SUMMARY_FIGURES for end in ("_lo", "", "_hi")]
    texts = [("team", str), ("cni", str | None), ("mesh", str | None)]
    row = msgspec.defstruct("Row", [*texts, *ends, ("findings", int | None)])
    return msgspec.defstruct("Index", [("reviews", list[row])])


def shown() -> dict[str, tuple[str, str]]:
    """Figures of the index: heading and unit."""
    return {name: (figures()[name].heading, figures()[name].unit) for name in SUMMARY_FIGURES}


def read_index(folder: Path) -> dict[str, Row]:
    """Rows of an earlier run's index, by team."""
    path = folder / "index.json"
    todo = "give the reports folder of an earlier run"
    try:
        index: Any = msgspec.json.decode(read_bounded(path, MAXIMUM_INDEX_BYTES), type=_index_type())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MeshlabError(Problem(str(path), f"is no index of reviews: {error}", todo)) from error
    return {row.team: msgspec.structs.asdict(row) for row in index.reviews}


def since(row: Row, earlier: Row | None) -> dict[str, list[str]]:
    """What changed of one team since an earlier run.

    ``changes``: the verdict, figures beyond their interval of then, findings; ``small_moves``: figures that read
    otherwise and lie within it.
    """
    if earlier is None:
        return {"changes": ["new"], "small_moves": []}
    changes = [
        f"{name}: {report.option_text(earlier[name])} → {report.option_text(row[name])}"
        for name in ("cni", "mesh")
        if row[name] != earlier.get(name)
    ]
    small_moves: list[str] = []
    for name in SUMMARY_FIGURES:
        value, low, high = row.get(name), earlier.get(f"{name}_lo"), earlier.get(f"{name}_hi")
        if value is not None and low is not None and high is not None and not low <= value <= high:
            changes.append(_move(row, earlier, name))
        elif figure_text(value) != figure_text(earlier.get(name)):
            small_moves.append(_move(row, earlier, name))
    if row.get("findings") != earlier.get("findings"):
        changes.append(f"findings: {earlier.get('findings')} → {row['findings']}")
    return {"changes": changes, "small_moves": small_moves}


def _move(row: Row, earlier: Row, name: str) -> str:
    (label, unit), then, now = shown()[name], earlier.get(name), row.get(name)
    share = f" ({100 * (now / then - 1):+.0f} %)" if then and now is not None else ""
    return f"{label}: {figure_text(then)} → {figure_text(now)} {unit}{share}"


def totals(rows: Sequence[Row]) -> dict[str, float]:
    """Sums over all teams. The ends are added up, too: all teams stand on the same coefficients, which err together."""
    return {
        f"{name}{end}": math.fsum(float(row[f"{name}{end}"] or 0) for row in rows)
        for name in TOTALLED
        for end in ("_lo", "", "_hi")
    }


def standards(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What one mesh for all teams would take over their horizons, beyond the cheapest that each may run. [USD]

    Sums are of medians, over the teams that may run it and whose figure is known; the others are named, and so is who
    pays. No standard of one team, nor where options have a figure for one alone.
    """
    able: dict[str, Mapping[str, float | None]] = {str(row["team"]): row.get("totals_usd") or {} for row in rows}
    able = {team: totals for team, totals in able.items() if totals}
    priced = {team: {mesh: usd for mesh, usd in own.items() if usd is not None} for team, own in able.items()}
    best = {team: min(totals.values()) for team, totals in priced.items() if totals}
    if len(best) < 2:  # noqa: PLR2004
        return []
    found: list[dict[str, Any]] = []
    for mesh in {mesh for totals in priced.values() for mesh in totals}:
        may = {team for team, totals in able.items() if mesh in totals}
        extra = {team: priced[team][mesh] - best[team] for team in may if mesh in priced[team]}
        paying = sorted((team for team in extra if extra[team] > 0), key=lambda team: (-extra[team], team))
        found.append(
            {
                "mesh": mesh,
                "teams": len(may),
                "of": len(able),
                "total_usd": math.fsum(priced[team][mesh] for team in extra),
                "extra_usd": math.fsum(extra.values()),
                "paying": [{"team": team, "extra_usd": extra[team]} for team in paying],
                "cannot": sorted(able.keys() - may),
                "no_figure": sorted(may - extra.keys()),
            }
        )
    return sorted(found, key=lambda each: (-each["teams"], each["extra_usd"], each["mesh"]))


def index_files(
    rows: Sequence[Row],
    failed: Sequence[Row],
    earlier: Mapping[str, Row] | None,
    formats: Sequence[str],
    page_css: str,
) -> dict[str, str]:
    """The files of an index by name.

    Rows are as ``meshlab.reviews.review.summary`` gives them; ``failed`` has ``team`` and ``reasons``. Of the formats
    the first is linked.
    """
    page = next((name for name in ("html", "pdf", "md", "ipynb", "json", "adr") if name in formats), formats[0])
    told = [
        {
            **row,
            "link": f"{row['team']}/{file_name(page)}",
            **({} if earlier is None else since(row, earlier.get(str(row["team"])))),
        }
        for row in rows
    ]
    charts, planes = fleet_charts(rows, shown()), dataplanes()
    drawn = {line.dataplane for chart in charts for line in chart.lines}
    gone = sorted(set(earlier or ()) - {str(row["team"]) for row in rows})
    decided = [row for row in rows if row["memory_gib"] is not None]
    sums = {"totals": totals(rows), "standards": standards(rows)}
    data: dict[str, object] = {"reviews": told, "failed": list(failed), **sums, "meshlab_version": __version__}
    if earlier is not None:
        data["gone"] = gone
    listed = {"rows": told, "failed": failed, "gone": gone, "compared": earlier is not None}
    return {
        **({"index.md": report.index_document(**listed)} if "md" in formats else {}),
        "index.json": pretty_json(data),
        "index.csv": _csv(told),
        "index.html": report.index_page(
            **listed,
            figures=shown(),
            **sums,
            decided=len(decided),
            verdicts=_verdicts(rows),
            filters=_filters(rows),
            margins={row["team"]: _margin(row) for row in rows},
            charts=charts,
            planes={name: plane.label for name, plane in planes.items() if name in drawn},
            links={row["team"]: row["link"] for row in told},
            hues={theme: {name: plane.hues[theme] for name, plane in planes.items()} for theme in ("light", "dark")},
            page_css=page_css,
            price_year=str(read_table("sources").filter(source_id=LIST_PRICE)["published"].item()),
            read=read_table("sources")["retrieved"].max(),
        ),
    }


def _verdicts(rows: Sequence[Row]) -> list[dict[str, object]]:
    """How many teams got each verdict, the most frequent first."""
    counts = Counter((row["cni"], row["mesh"]) for row in rows)
    most = max(counts.values(), default=1)
    return [
        {"cni": cni, "mesh": mesh, "count": count, "share": count / most}
        for (cni, mesh), count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    ]


def _filters(rows: Sequence[Row]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What teams can be chosen by: a name, its label, and each value with its words; where all are alike nothing."""
    pairs = {(row["cni"], row["mesh"]) for row in rows}
    verdicts = {";".join(side or "" for side in pair): "; ".join(map(option_text, pair)) for pair in pairs}
    settled = {"yes" if row["settled"] else "no": "yes" if row["settled"] else "no" for row in rows}
    grades = {row["evidence_grade"]: row["evidence_grade"] for row in rows if row["evidence_grade"]}
    margins = {words: words for row in rows if (words := _margin(row))}
    found = (
        ("verdict", "Verdict", verdicts),
        ("settled", "Settled", settled),
        ("evidence", "Evidence", grades),
        ("margin", "Margin", margins),
    )
    return [
        (name, label, sorted(values.items()))
        for name, label, values in found
        if len(values) >= (1 if name == "margin" else 2)
    ]


MARGINS = {"within 10 % of a limit": 0.1, "within a factor of two": 1.0}
"""How near a known number is to one that leads to another answer: words, and the most of the ratio that they mean."""


def _margin(row: Row) -> str:
    """How near a team is to another answer, in words; nothing where it is not."""
    margin = row.get("margin")
    return next((words for words, most in MARGINS.items() if margin is not None and margin <= most), "")


def _csv(rows: Sequence[Row]) -> str:
    stream = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row if name != "totals_usd"))
    writer = csv.DictWriter(stream, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _cell(value: object) -> object:
    """One cell; text that a spreadsheet would take for a formula is quoted."""
    text = "; ".join(map(str, value)) if is_list(value) else value
    return spreadsheet_text(text) if isinstance(text, str) else text


# --- its charts ------------------------------------------------------------------------------------------------------
#
# Each team's figure with its interval, in order of size, as SVG that stands in the page: an index has no script to wait
# for, and a thousand teams are two paths.


WIDTH = 560
"""Width of a chart, less what its words take. [units of the drawing]"""

NAMED = 40
"""Most teams whose names stand beside their lines; more would not be legible."""

NAMED_HEIGHT, CROWD_HEIGHT = 17, 260
"""Height of a line with a name, and of all lines without. [units of the drawing]"""

NAMES_WIDTH, EDGE, AXIS_HEIGHT, DIGIT_WIDTH = 150, 14, 26, 7
"""Room for names, at the edges, for the axis, and for a digit at its end. [units of the drawing]"""

FURTHEST = 30
"""How far below the smallest median an axis goes, as a factor; intervals that go further are cut there."""


class Line(msgspec.Struct, frozen=True):
    """One team in a chart: where its interval begins and ends and where its median is. [units of the drawing]"""

    team: str
    dataplane: str
    y: float
    left: float
    middle: float
    right: float
    told: str


class FleetChart(msgspec.Struct, frozen=True):
    """One figure of all teams.

    Args:
        label: What is shown.
        unit: Its unit.
        lines: Teams to which the figure adds something, the largest first.
        ticks: Places and texts of the axis.
        height: Height of the drawing. [units of the drawing]
        start: Where the axis begins. [units of the drawing]
        thickness: Of a line. [units of the drawing]
        nothing: Teams to which the figure adds nothing; a logarithm has no place for them.
    """

    label: str
    unit: str
    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]
    height: float
    start: float
    thickness: float
    nothing: int

    width = WIDTH
    """Width of the drawing. [units of the drawing]"""

    @property
    def named(self) -> bool:
        """Whether each line has its team's name beside it."""
        return len(self.lines) <= NAMED

    @property
    def words(self) -> str:
        """The chart in a sentence."""
        ends = f"from {self.lines[-1].told} ({self.lines[-1].team}) to {self.lines[0].told} ({self.lines[0].team})"
        return f"{self.label} by team, {len(self.lines)} of them, {ends}; the table below holds all figures."

    @property
    def planes(self) -> list[tuple[str, str, str]]:
        """For each data plane its id, the path of its intervals and that of its medians."""
        of = {name: [line for line in self.lines if line.dataplane == name] for name in dataplanes()}
        return [
            (
                name,
                "".join(f"M{line.left:.1f} {line.y:.1f}H{line.right:.1f}" for line in lines),
                # a line without a length shows as the dot of its round ends
                "".join(f"M{line.middle:.1f} {line.y:.1f}h0" for line in lines),
            )
            for name, lines in of.items()
            if lines
        ]


def fleet_charts(rows: Sequence[Row], figures: Mapping[str, tuple[str, str]]) -> list[FleetChart]:
    """A chart for each figure that adds something to at least two teams."""
    return [chart for name, words in figures.items() if (chart := _chart(rows, name, *words)) is not None]


def _chart(rows: Sequence[Row], name: str, label: str, unit: str) -> FleetChart | None:
    some = sorted((row for row in rows if (row[name] or 0) > 0), key=lambda row: (-row[name], row["team"]))
    if len(some) < 2:  # noqa: PLR2004  (one line is no comparison)
        return None
    low = min(max(row[f"{name}_lo"], row[name] / FURTHEST) for row in some)
    high = max(row[f"{name}_hi"] for row in some)
    if high < 2 * low:  # hardly an axis
        low, high = low / 2, high * 2
    named = len(some) <= NAMED
    start = NAMES_WIDTH if named else EDGE
    step = NAMED_HEIGHT if named else CROWD_HEIGHT / len(some)

    def place(value: float) -> float:
        return start + (WIDTH - start - 3 * DIGIT_WIDTH) * math.log(max(value, low) / low) / math.log(high / low)

    lines = [
        Line(
            team=row["team"],
            dataplane=row["dataplane"],
            y=(number + 0.5) * step,
            left=place(row[f"{name}_lo"]),
            middle=place(row[name]),
            right=place(row[f"{name}_hi"]),
            told=f"{figure_text(row[name])} {unit}",
        )
        for number, row in enumerate(some)
    ]
    ticks = [(place(value), significant(value, 1)) for value in _ticks(low, high)]
    height = step * len(some) + AXIS_HEIGHT
    return FleetChart(label, unit, lines, ticks, height, start, min(2.0, max(0.6, step / 2)), len(rows) - len(some))


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round values between two ends: powers of ten, and steps between them where those are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 2 else (1,)  # noqa: PLR2004  (decades)
    spread = math.ceil(len(decades) / 7)  # more ticks would touch
    for place, decade in enumerate(decades):
        for step in steps:
            value = step * 10.0**decade
            if low <= value <= high and place % spread == 0:
                yield value
