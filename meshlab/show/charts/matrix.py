"""The decision tables as a chart: each row matched, not matched or unknown, and which fact is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from meshlab.reviews.record import Review
from meshlab.show.charts.canvas import (
    LINE,
    Captions,
    Look,
    Plot,
    chart_of,
    escape,
    small,
    source_note,
    subtitle,
    words,
)
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import NOTE_PX, STATES, TEXT_PX, wrap
from meshlab.show.words import preferred_text

STATE_PX = 116
"""Room for the state of a row. [px]"""

HEADING_PX, GAP_PX = 28, 14
"""Height of a table's heading, and the room between rows. [px]"""

TABLES = {"cni": "Network plugin (CNI)", "mesh": "Mesh"}
"""Headings of the tables, in their order."""

SCHEMA = {
    "table": pl.String,
    "id": pl.String,
    "priority": pl.Int64,
    "condition": pl.String,
    "recommendation": pl.String,
    "reason": pl.String,
    "source_id": pl.String,
    "state": pl.String,
    "missing": pl.List(pl.String),
}


KEY = "The first row that matches and that nothing rules out decides; unknown: a fact is missing."


def matrix(of: Review, look: Look) -> Chart:
    """The decision tables row by row.

    Args:
        of: A review.
        look: Theme and size.
    """
    frame = prepare(of)
    ids = source_ids(frame)
    title = "Which rows of the decision tables match"
    captions = Captions("matrix", title, KEY, subtitle(of), [source_note(ids)])
    return chart_of(
        captions,
        _plot(frame, look),
        rows(frame),
        look,
        sentences=sentences(frame),
        opening=f"{title}.",
        source_ids=ids,
    )


def prepare(review: Review) -> pl.DataFrame:
    """Rows of the decision tables with their state, in order of table and priority; ``decides`` marks the answer's."""
    matched = review.verdict.matched
    place = pl.col("id").replace_strict(matched, range(len(matched)), default=None, return_dtype=pl.Int64)
    return (
        pl.DataFrame(review.verdict.rows, schema=SCHEMA)
        .sort("table", "priority", maintain_order=True)
        .with_columns(
            option=pl.col("recommendation").map_elements(preferred_text, return_dtype=pl.String),
            missing=pl.col("missing").fill_null([]).list.join(", "),
            # of the matched rows, the one that decided stands first
            decides=(place == place.min().over("table")).fill_null(value=False),
        )
    )


def source_ids(frame: pl.DataFrame) -> list[str]:
    """Sources that the rows cite."""
    return sorted(
        {source_id for cell in frame["source_id"].drop_nulls() for source_id in re.findall(r"[^\s;|]+", cell)}
    )


def _plot(frame: pl.DataFrame, look: Look) -> Plot:
    """A block of text per row: the state in symbol, word and colour, then what is recommended and when."""
    colours = look.colours
    annotations: list[Spec] = []
    shapes: list[Spec] = []
    y = 0.0
    for group in frame.partition_by("table", maintain_order=True):
        heading = _heading(group["table"][0])
        annotations.append(_at(y + 4, words(f"<b>{heading}</b>", 0, colours.ink, TEXT_PX)))
        y += HEADING_PX
        for row in group.iter_rows(named=True):
            lines = _block(row, look.text_px - STATE_PX, colours.muted)
            below = y + LINE * TEXT_PX * len(lines) + GAP_PX
            shapes += [_band(y, below, colours.band)] if row["decides"] else []
            shapes.append(_rule(y, colours.line))
            hue = STATES[row["state"]].hues[look.theme]
            annotations.append(_at(y + GAP_PX / 2, words(_state_words(row), 6, hue, TEXT_PX)))
            annotations.append(_at(y + GAP_PX / 2, words("<br>".join(lines), STATE_PX, colours.ink, TEXT_PX)))
            y = below
        y += GAP_PX
    hidden = {"visible": False, "fixedrange": True}
    # one unit of the y axis is one pixel, so that text blocks can be stacked by their heights
    layout = {
        "xaxis": {**hidden, "range": [0, 1]},
        "yaxis": {**hidden, "range": [y, 0]},
        "annotations": annotations,
        "shapes": shapes,
    }
    return Plot([], layout, y)


def _heading(table: str) -> str:
    return TABLES.get(table, table)


def _state_words(row: Mapping[str, Any]) -> str:
    state = STATES[row["state"]]
    return f"<b>{state.symbol}</b> {state.word}" + ("<br><b>★</b> decides" if row["decides"] else "")


def _block(row: Mapping[str, Any], width_px: float, muted: str) -> list[str]:
    """Lines of a row's text; the reason is spelled out for the row that decides, the others have it in the table."""
    reason = wrap(row["reason"], width_px, TEXT_PX) if row["reason"] and row["decides"] else []
    notes = [_when(row["condition"]), *([f"not known: {row['missing']}"] if row["missing"] else [])]
    return [
        f"<b>{escape(row['option'])}</b>",
        *map(escape, reason),
        *(small(escape(line), NOTE_PX, muted) for text in notes for line in wrap(text, width_px, NOTE_PX)),
    ]


def _when(condition: str) -> str:
    return "always, where no other row decides" if condition == "true" else f"when {condition}"


def _band(top: float, bottom: float, colour: str) -> Spec:
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": top, "y1": bottom}
    return {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": colour, **place}


def _at(y: float, annotation: Spec) -> Spec:
    return {**annotation, "y": y, "yref": "y"}


def _rule(y: float, colour: str) -> Spec:
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": {"color": colour, "width": 1}}


def rows(frame: pl.DataFrame) -> list[dict[str, str]]:
    """The decision tables as rows of text."""
    return [
        {
            "question": _heading(row["table"]),
            "row": row["id"],
            "state": f"{STATES[row['state']].symbol} {STATES[row['state']].word}",
            "recommends": row["option"],
            "when": row["condition"] or "",
            "because": row["reason"] or "",
            "not known": row["missing"],
            "decides": "yes" if row["decides"] else "",
        }
        for row in frame.iter_rows(named=True)
    ]


def sentences(frame: pl.DataFrame) -> Iterator[str]:
    """Rows that match or might, in words; the others are counted."""
    for group in frame.partition_by("table", maintain_order=True):
        table = _heading(group["table"][0])
        for row in group.filter(pl.col("state") != "not matched").iter_rows(named=True):
            missing = f", for want of {row['missing']}" if row["missing"] else ""
            decides = " and decides" if row["decides"] else ""
            yield f"{table}, row {row['id']} for {row['option']}: {row['state']}{decides}{missing}."
        yield f"{table}: {(group['state'] == 'not matched').sum()} of {group.height} rows do not match."
