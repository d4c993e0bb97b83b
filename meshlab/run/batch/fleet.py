"""The index over many reviews: rows, totals, what changed since an earlier run, and the pages that show them."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem
from meshlab.files import pretty_json, read_bounded, spreadsheet_text
from meshlab.models.overhead import dataplanes, figures
from meshlab.reviews.review import SUMMARY_FIGURES
from meshlab.run.batch.fleet_charts import colours, fleet_charts
from meshlab.run.batch.pages import file_name
from meshlab.show import report
from meshlab.show.theme import figure_text
from meshlab.tables import read_table

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
    """Rows of an earlier run's index, by team.

    Raises:
        MeshlabError: There is no index in the folder, or it is not as ``meshlab review`` writes it.
    """
    path = folder / "index.json"
    todo = "give the reports folder of an earlier run"
    try:
        index: Any = msgspec.json.decode(read_bounded(path, MAXIMUM_INDEX_BYTES), type=_index_type())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MeshlabError(Problem(str(path), f"is no index of reviews: {error}", todo)) from error
    return {row.team: msgspec.structs.asdict(row) for row in index.reviews}


def changes(row: Row, earlier: Row | None) -> list[str]:
    """What changed of one team since an earlier run: the verdict, figures beyond their interval of then, findings."""
    if earlier is None:
        return ["new"]
    return [
        *(
            f"{name}: {report.option_text(earlier[name])} → {report.option_text(row[name])}"
            for name in ("cni", "mesh")
            if row[name] != earlier.get(name)
        ),
        *(_move(row, earlier, name) for name in SUMMARY_FIGURES if _beyond(row, earlier, name)),
        *(
            [f"findings: {earlier.get('findings')} → {row['findings']}"]
            if row.get("findings") != earlier.get("findings")
            else []
        ),
    ]


def small_moves(row: Row, earlier: Row | None) -> list[str]:
    """Figures of a team that read otherwise than in an earlier run, and lie within their interval of then."""
    if earlier is None:
        return []
    return [_move(row, earlier, name) for name in SUMMARY_FIGURES if _reads_otherwise(row, earlier, name)]


def _reads_otherwise(row: Row, earlier: Row, name: str) -> bool:
    return not _beyond(row, earlier, name) and figure_text(row.get(name)) != figure_text(earlier.get(name))


def _move(row: Row, earlier: Row, name: str) -> str:
    (label, unit), then, now = shown()[name], earlier.get(name), row.get(name)
    share = f" ({100 * (now / then - 1):+.0f} %)" if then and now is not None else ""
    return f"{label}: {figure_text(then)} → {figure_text(now)} {unit}{share}"


def _beyond(row: Row, earlier: Row, name: str) -> bool:
    value, low, high = row.get(name), earlier.get(f"{name}_lo"), earlier.get(f"{name}_hi")
    if isinstance(value, int | float) and isinstance(low, int | float) and isinstance(high, int | float):
        return not low <= value <= high
    return False


def totals(rows: Sequence[Row]) -> dict[str, float]:
    """Sums over all teams. The ends are added up, too: all teams stand on the same coefficients, which err together."""
    return {
        f"{name}{end}": math.fsum(float(row[f"{name}{end}"] or 0) for row in rows)
        for name in TOTALLED
        for end in ("_lo", "", "_hi")
    }


def index_files(
    rows: Sequence[Row],
    failed: Sequence[Row],
    earlier: Mapping[str, Row] | None,
    formats: Sequence[str],
    page_css: str,
) -> dict[str, str]:
    """The files of an index by name.

    Args:
        rows: One for each review, as ``meshlab.reviews.review.summary`` gives it.
        failed: ``team`` and ``reasons`` of each that failed.
        earlier: Rows of an earlier run by team, to compare with.
        formats: What each review was rendered to: the first is linked.
        page_css: Style of a whole page.
    """
    page = next((name for name in ("html", "pdf", "md", "ipynb", "json", "adr") if name in formats), formats[0])
    told = [
        {
            **row,
            "link": f"{row['team']}/{file_name(page)}",
            **({} if earlier is None else _since(row, earlier.get(str(row["team"])))),
        }
        for row in rows
    ]
    charts = fleet_charts(rows, shown())
    drawn = {line.dataplane for chart in charts for line in chart.lines}
    gone = sorted(set(earlier or ()) - {str(row["team"]) for row in rows})
    data = {"reviews": told, "failed": list(failed), "totals": totals(rows), "meshlab_version": __version__}
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
            totals=totals(rows),
            verdicts=_verdicts(rows),
            charts=charts,
            planes={name: plane.label for name, plane in dataplanes().items() if name in drawn},
            links={row["team"]: row["link"] for row in told},
            hues={theme: colours(theme) for theme in ("light", "dark")},
            page_css=page_css,
            price_year=price_year(),
            read=read_table("sources")["retrieved"].max(),
        ),
    }


def price_year() -> str:
    """Year of the list prices that stand where a team states none."""
    return str(read_table("sources").filter(source_id=LIST_PRICE)["published"].item())


def _since(row: Row, earlier: Row | None) -> dict[str, list[str]]:
    return {"changes": changes(row, earlier), "small_moves": small_moves(row, earlier)}


def _verdicts(rows: Sequence[Row]) -> list[dict[str, object]]:
    """How many teams got each verdict, the most frequent first."""
    counts = Counter((row["cni"], row["mesh"]) for row in rows)
    most = max(counts.values(), default=1)
    return [
        {"cni": cni, "mesh": mesh, "count": count, "share": count / most}
        for (cni, mesh), count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    ]


def _csv(rows: Sequence[Row]) -> str:
    stream = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(row) for row in rows)
    return stream.getvalue()


def _cells(row: Row) -> dict[str, object]:
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: object) -> object:
    """One cell; text that a spreadsheet would take for a formula is quoted."""
    text = "; ".join(map(str, value)) if isinstance(value, list) else value
    return spreadsheet_text(text) if isinstance(text, str) else text
