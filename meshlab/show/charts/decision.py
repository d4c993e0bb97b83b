"""Charts of the decision: each row of its tables matched, not matched or unknown, and the verdict over two inputs."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models.decision.domain_map import domain_map, map_values
from meshlab.models.overhead import NONE, dataplane_of_mesh, dataplanes
from meshlab.reviews.comparison import chances
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import case_of, source_ids, without
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot, Stated
from meshlab.show.export import Chart, Spec
from meshlab.show.labels import axis_label, input_label, preferred_text, value_text
from meshlab.show.theme import NOTE_PX, STATES, TEXT_PX, figure_text, mix, option_words, wrap

# --- the tables row by row -----------------------------------------------------------------------------------------

STATE_PX = 116
"""Room for the state of a row. [px]"""

HEADING_PX, GAP_PX = 28, 14
"""Height of a table's heading, and the room between rows. [px]"""

TABLES = {"cni": "Network plugin (CNI)", "mesh": "Mesh"}
"""Headings of the tables, in their order."""

SCHEMA = {
    **dict.fromkeys(("table", "id", "condition", "recommendation", "reason", "source_id", "state"), pl.String),
    "priority": pl.Int64,
    "missing": pl.List(pl.String),
}


def matrix(of: Review, look: Look) -> Chart:
    """The decision tables row by row.

    Args:
        of: A review.
        look: Theme and size.
    """
    frame = prepare(of)
    ids = sorted({each for cell in frame["source_id"] for each in source_ids(cell)})
    title = "Which rows of the decision tables match"
    key = "The first row that matches and that nothing rules out decides; unknown: a fact is missing."
    captions = Captions("matrix", title, key, canvas.subtitle(of), [canvas.source_note(ids)])
    rows = [
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
    sentences = _matrix_sentences(frame)
    return canvas.chart_of(
        captions, _matrix(frame, look), rows, look, sentences=sentences, opening=f"{title}.", source_ids=ids
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


def _matrix(frame: pl.DataFrame, look: Look) -> Plot:
    """A block of text per row: the state in symbol, word and colour, then what is recommended and when."""
    colours = look.colours
    annotations: list[Spec] = []
    shapes: list[Spec] = []
    wide = {"xref": "paper", "x0": 0, "x1": 1}
    band = {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": colours.band, **wide}
    rule = {"type": "line", **wide}
    y = 0.0
    for group in frame.partition_by("table", maintain_order=True):
        heading = _heading(group["table"][0])
        annotations.append(_at(y + 4, canvas.words(f"<b>{heading}</b>", 0, colours.ink, TEXT_PX)))
        y += HEADING_PX
        for row in group.iter_rows(named=True):
            lines = _block(row, look.text_px - STATE_PX, colours.muted)
            below = y + canvas.LINE * TEXT_PX * len(lines) + GAP_PX
            if row["decides"]:
                shapes.append({**band, "y0": y, "y1": below})
            shapes.append({**rule, "y0": y, "y1": y, "line": {"color": colours.line, "width": 1}})
            hue = STATES[row["state"]].hues[look.theme]
            annotations.append(_at(y + GAP_PX / 2, canvas.words(_state_words(row), 6, hue, TEXT_PX)))
            annotations.append(_at(y + GAP_PX / 2, canvas.words("<br>".join(lines), STATE_PX, colours.ink, TEXT_PX)))
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


def _state_words(row: Row) -> str:
    state = STATES[row["state"]]
    return f"<b>{state.symbol}</b> {state.word}" + ("<br><b>★</b> decides" if row["decides"] else "")


def _block(row: Row, width_px: float, muted: str) -> list[str]:
    """Lines of a row's text; the reason is spelled out for the row that decides, the others have it in the table."""
    reason = wrap(row["reason"], width_px, TEXT_PX) if row["reason"] and row["decides"] else []
    when = "always, where no other row decides" if row["condition"] == "true" else f"when {row['condition']}"
    notes = [when, *([f"not known: {row['missing']}"] if row["missing"] else [])]
    return [
        f"<b>{canvas.escape(row['option'])}</b>",
        *map(canvas.escape, reason),
        *(
            canvas.small(canvas.escape(line), NOTE_PX, muted)
            for text in notes
            for line in wrap(text, width_px, NOTE_PX)
        ),
    ]


def _at(y: float, annotation: Spec) -> Spec:
    return {**annotation, "y": y, "yref": "y"}


def _matrix_sentences(frame: pl.DataFrame) -> Iterator[str]:
    """Rows that match or might, in words; the others are counted."""
    for group in frame.partition_by("table", maintain_order=True):
        table = _heading(group["table"][0])
        for row in group.filter(pl.col("state") != "not matched").iter_rows(named=True):
            missing = f", for want of {row['missing']}" if row["missing"] else ""
            decides = " and decides" if row["decides"] else ""
            yield f"{table}, row {row['id']} for {row['option']}: {row['state']}{decides}{missing}."
        yield f"{table}: {(group['state'] == 'not matched').sum()} of {group.height} rows do not match."


# --- the verdict over two inputs -----------------------------------------------------------------------------------

ROW_PX, AXIS_PX, TITLE_ROOM_PX = 56, 84, 28
"""Height of a row of cells, room for the axis below and for a title above. [px]"""

SIDES_PX = (150, 12)
"""Room to the left, for the values of the input that runs downwards, and to the right. [px]"""

LABEL_PX = 11
"""Size of type in a cell. [px]"""


COLOURS = {
    "verdict": "Each field: network plugin, then mesh.",
    "probability": "Each field: network plugin, mesh, and how often they cost least over the horizon, in joint draws.",
    "regret": "Each field: network plugin, mesh, and what choosing them is expected to lose over the horizon.",
}
"""What fields are coloured by, and what is said of it."""


def domain(of: Review | Stated, look: Look, *, across: str, down: str, colour: str = "verdict") -> Chart:
    """The verdict over two inputs, everything else as it is known: in words first and in colour second.

    Args:
        of: A review, or stated values.
        look: Theme and size.
        across: The input from left to right.
        down: The input from top to bottom.
        colour: One of ``COLOURS``. All but the verdict weigh the options of every field, which takes a second or more.

    Raises:
        MeshlabError: There is no such input or colour, or both inputs are the same.
    """
    if colour not in COLOURS:
        raise MeshlabError(Problem("domain", f"unknown colour {shorten(colour)}", did_you_mean(colour, COLOURS)))
    cells = domain_map(of.known, across, down).to_dicts()
    if colour != "verdict":
        fields = enumerate(map_values(of.known, across, down))
        weighed = chances([case_of(values, f"field-{place}") for place, values in fields])
        cells = [cell | _weight(row, colour) for cell, row in zip(cells, weighed.iter_rows(named=True), strict=True)]
    if isinstance(of, Review):
        held = f"{canvas.subtitle(of)}; everything else as the team's facts say"
        ids = sorted({each for row in of.verdict.rows for each in source_ids(row["source_id"])})
    else:
        fixed = [f"{input_label(key)}: {value_text(value)}" for key, value in without(of.known, across, down).items()]
        held, ids = f"Held fixed: {'; '.join(fixed)}" if fixed else "Everything else is unknown", []
    labels = axis_label(across), axis_label(down)
    rows = [
        {
            labels[0]: cell["across"],
            labels[1]: cell["down"],
            "network plugin": option_words(cell["cni"]),
            "mesh": option_words(cell["mesh"]),
            **({WEIGHTS[colour]: cell["weight"]} if colour in WEIGHTS else {}),
            "as given": "● yes" if cell["here"] else "",
        }
        for cell in cells
    ]
    here = [
        f"As given ({cell['across']}, {cell['down']}): {option_words(cell['cni'])}, {option_words(cell['mesh'])}."
        for cell in cells
        if cell["here"]
    ]
    key = f"{COLOURS[colour]} Thick frame and ●: the facts as given."
    captions = Captions("domain", "The verdict over two inputs", key, held)
    return canvas.chart_of(captions, _map(cells, labels, look), rows, look, sentences=here, source_ids=ids)


WEIGHTS = {"probability": "how often it costs least", "regret": "expected loss"}
"""Column of the table that holds what fields are coloured by."""


def _weight(row: Row, colour: str) -> Row:
    """What a field is coloured by in words, and how strongly: the more, the surer the choice. [share]"""
    chance, regret = row["probability_best"], row["expected_regret_usd"]
    if chance is None:
        return {"weight": "not known", "share": None}
    if colour == "probability":
        return {"weight": f"{chance:.0%}", "share": chance}
    return {"weight": f"{figure_text(regret)} USD", "share": 1 / (1 + regret / PALE_USD)}


PALE_USD = 10_000.0
"""Expected loss at which a field has half of its colour. [USD]"""


def _map(cells: list[Row], labels: tuple[str, str], look: Look) -> Plot:
    columns = list({cell["column"]: cell["across"] for cell in cells}.values())
    rows = list({cell["row"]: cell["down"] for cell in cells}.values())
    colours = look.colours
    cell_px = (look.text_width - sum(SIDES_PX)) / len(columns)
    row_px = ROW_PX + (LABEL_PX + 4 if "weight" in cells[0] else 0)
    side = {"showgrid": False, "fixedrange": True, "automargin": False, "color": colours.ink, "tickangle": 0}
    # the title of what runs downwards stands above its values and level, so that it can be read
    place = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -6, "y": 1, "yref": "paper", "yanchor": "top"}
    font = {"size": TEXT_PX, "color": colours.muted}
    layout = {
        "xaxis": {
            **side,
            "range": [-0.5, len(columns) - 0.5],
            "tickvals": list(range(len(columns))),
            "ticktext": [_label(text, cell_px) for text in columns],
            "title": {"text": labels[0], "standoff": 10},
        },
        "yaxis": {
            **side,
            "range": [len(rows) - 0.5, -0.5 - TITLE_ROOM_PX / row_px],
            "tickvals": list(range(len(rows))),
            "ticktext": [_label(text, SIDES_PX[0] - 20) for text in rows],
        },
        "shapes": [_square(cell, look) for cell in cells],
        "annotations": [
            *(_verdict(cell, colours.ink, cell_px) for cell in cells),
            {**place, "text": canvas.escape(labels[1]), "showarrow": False, "font": font},
        ],
    }
    # plotly draws no axis without a trace; its points carry what is told under the pointer
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [cell["column"] for cell in cells],
        "y": [cell["row"] for cell in cells],
        "marker": {"opacity": 0, "size": 40},
        "customdata": [
            f"{cell['across']}<br>{cell['down']}<br>{option_words(cell['cni'])}; {option_words(cell['mesh'])}"
            for cell in cells
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return Plot([points], layout, row_px * len(rows) + TITLE_ROOM_PX, AXIS_PX, SIDES_PX)


def _label(text: str, width_px: float) -> str:
    return "<br>".join(canvas.small(canvas.escape(line)) for line in wrap(text, width_px, LABEL_PX))


def _square(cell: Row, look: Look) -> Spec:
    colours = look.colours
    hue = dataplanes()[dataplane_of_mesh().get(cell["mesh"], NONE)].hues[look.theme]
    strength, line = 0.28 if cell["cni"] == "stay" else 0.42, {"color": colours.paper, "width": 2}
    if "weight" in cell:  # a colour of no data plane, and an edge for fields that have next to none
        line = {"color": colours.line, "width": 1}
        hue, strength = colours.ink, 0.0 if cell["share"] is None else 0.04 + 0.36 * cell["share"]
    return {
        "type": "rect",
        # the frame of the cell as given lies on top of its neighbours' edges
        "layer": "between" if cell["here"] else "below",
        "x0": cell["column"] - 0.5,
        "x1": cell["column"] + 0.5,
        "y0": cell["row"] - 0.5,
        "y1": cell["row"] + 0.5,
        "fillcolor": mix(hue, colours.paper, strength),
        "line": {"color": colours.ink, "width": 3} if cell["here"] else line,
    }


def _verdict(cell: Row, ink: str, cell_px: float) -> Spec:
    parts = [option_words(cell["cni"], short=True), option_words(cell["mesh"], short=True)]
    parts += [cell["weight"]] if "weight" in cell else []
    text = "<br>".join(line for part in parts for line in wrap(part, cell_px, LABEL_PX))
    return {
        "x": cell["column"],
        "y": cell["row"],
        "text": f"<b>●</b> {text}" if cell["here"] else text,
        "showarrow": False,
        "font": {"size": LABEL_PX, "color": ink},
    }
