"""What moves a figure most, and where two data planes cost the same: each one query over a grid of scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.overhead import DATAPLANES, INTERVAL_FIGURES, estimate, estimate_by, steps_with
from meshlab.overhead.coefficients import Value, coefficient_table
from meshlab.scenario import Input, inputs, with_defaults

FACTOR = 2.0
"""Inputs on a logarithmic scale are halved and doubled."""

STEP = 0.2
"""Inputs on a linear scale are moved by this part of their range, or by one where they are whole numbers."""

GRID = 41
"""Points of each axis of a break-even grid."""

SPAN = 16.0
"""How far a break-even grid reaches below and above the scenario's own value."""

GROUPS = ("cluster", "traffic", "prices")
"""Groups of inputs that enter the models."""


def tornado(scenario: pl.DataFrame, dataplane: str, figure: str) -> pl.DataFrame:
    """Inputs and coefficients by how far they move one figure of one data plane, the strongest first.

    Each input goes from half to twice its value (linear ones a fifth of their range either way, choices and booleans
    through all values), each coefficient from the lower to the upper end of its interval, all else unchanged.

    Args:
        scenario: One row with the columns of ``scenario.schema()``.
        dataplane: One of ``DATAPLANES`` but ``none``.
        figure: A figure of ``estimate``, such as ``memory_gib``.

    Returns:
        ``driver, kind, unit, low, high`` (values of the driver), ``figure_at_low, figure, figure_at_high, swing``.
    """
    _check(figure, dataplane)
    table = coefficient_table().filter(pl.col("lo") < pl.col("hi"))
    touching = table.filter(pl.col("dataplane").str.split("|").list.contains(dataplane))
    own = (
        with_defaults(scenario)
        .drop("assumed")
        .with_columns(pl.lit(row["median"]).alias(row["coefficient"]) for row in table.iter_rows(named=True))
    )
    base = own.collect()
    moves = pl.DataFrame(
        [*_input_moves(base), *_coefficient_moves(touching)],
        schema={"driver": pl.String, "kind": pl.String, "unit": pl.String, "value": pl.String},
        orient="row",
    ).with_row_index("move")
    grid = _moved(base, moves)
    certain = coefficient_table().filter(pl.col("lo") >= pl.col("hi"))
    c: dict[str, Value] = {name: pl.col(name) for name in table["coefficient"]}
    c |= dict(certain.select("coefficient", "median").iter_rows())
    figures = (
        estimate_by(pl.concat([base.with_columns(scenario=pl.lit("own")), grid]), steps_with(c))
        .filter(dataplane=dataplane)
        .select("scenario", figure)
        .collect(engine="in-memory")
    )
    own_figure = figures.filter(scenario="own")[figure].item()
    return (
        moves.with_columns(scenario=pl.col("move").cast(pl.String))
        .join(figures, on="scenario")
        .sort("driver", figure, "move")
        .group_by("driver", "kind", "unit", maintain_order=True)
        .agg(
            low=pl.first("value"),
            high=pl.last("value"),
            figure_at_low=pl.min_horizontal(pl.min(figure), own_figure),
            figure_at_high=pl.max_horizontal(pl.max(figure), own_figure),
        )
        .with_columns(pl.lit(own_figure).alias("figure"), swing=pl.col("figure_at_high") - pl.col("figure_at_low"))
        .select("driver", "kind", "unit", "low", "high", "figure_at_low", "figure", "figure_at_high", "swing")
        .sort("swing", "driver", descending=[True, False])
    )


def _check(figure: str, *dataplanes: str) -> None:
    problems = []
    if figure not in INTERVAL_FIGURES:
        problems.append(Problem("figure", f"unknown figure {figure!r}", did_you_mean(figure, INTERVAL_FIGURES)))
    problems += [
        Problem("dataplane", f"unknown data plane {name!r}", did_you_mean(name, DATAPLANES))
        for name in dataplanes
        if name not in DATAPLANES
    ]
    if problems:
        raise MeshlabError(problems)


def _input_moves(base: pl.DataFrame) -> Iterator[tuple[str, str, str | None, str]]:
    for name, spec in inputs().items():
        if spec.group in GROUPS and base[name].item() is not None:
            yield from ((name, "input", spec.unit, str(value)) for value in _values(spec, base[name].item()))


def _values(spec: Input, own: Any) -> list[Any]:
    """Values to which one input is moved, within its bounds."""
    if spec.type == "boolean":
        return [True, False]
    if spec.type == "choice":
        return list(spec.choices)
    ends = [own / FACTOR, own * FACTOR] if spec.scale == "log" else _linear_ends(spec, own)
    lower, upper = _bounds(spec)
    bounded = [min(max(end, lower), upper) for end in ends]
    return [round(end) for end in bounded] if spec.type == "integer" else bounded


def _bounds(spec: Input) -> tuple[float, float]:
    """Smallest and largest value of a numeric input, which every numeric input declares."""
    if spec.lower is None or spec.upper is None:
        raise MeshlabError(Problem("inputs.csv", f"{spec.name} is no number", "name a numeric input"))
    return spec.lower, spec.upper


def _linear_ends(spec: Input, own: float) -> list[float]:
    lower, upper = _bounds(spec)
    step = 1 if spec.type == "integer" else STEP * (upper - lower)
    return [own - step, own + step]


def _coefficient_moves(table: pl.DataFrame) -> Iterator[tuple[str, str, str | None, str]]:
    for name, unit, lo, hi in table.select("coefficient", "unit", "lo", "hi").iter_rows():
        yield from ((name, "coefficient", unit, str(value)) for value in (lo, hi))


def _moved(base: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """One row for each move: the scenario with one driver changed. Booleans come as words, numbers as text."""
    columns = []
    for name, dtype in base.schema.items():
        value = pl.col("value")
        moved = value == "True" if dtype == pl.Boolean else value.cast(dtype, strict=False)
        can_move = not isinstance(dtype, pl.List)
        columns.append(pl.when(driver=name).then(moved).otherwise(name).alias(name) if can_move else pl.col(name))
    crossed = moves.join(base.drop("scenario"), how="cross").with_columns(scenario=pl.col("move").cast(pl.String))
    return crossed.select(columns).select(base.columns)


def break_even(
    scenario: pl.DataFrame, dataplane_a: str, dataplane_b: str, figure: str, x_input: str, y_input: str
) -> pl.DataFrame:
    """Where two data planes cost the same, as a line over two inputs.

    The grid reaches sixteen times below and above the scenario's own values, or over the range of a linear input.
    Inputs that the scenario leaves open follow their defaults, so that more pods bring more requests.

    Args:
        scenario: One row with the columns of ``scenario.schema()``.
        dataplane_a: One data plane.
        dataplane_b: The other one.
        figure: A figure of ``estimate``.
        x_input: A numeric input.
        y_input: Another one.

    Returns:
        For each point of the line ``x_input`` and ``y_input``, and ``cheaper_below`` and ``cheaper_above``: the data
        plane that is cheaper at smaller and at larger values of ``y_input``. Empty where one is cheaper everywhere.
    """
    _check(figure, dataplane_a, dataplane_b)
    own = with_defaults(scenario).collect()
    axes = [_axis(inputs()[name], own[name].item()) for name in (x_input, y_input)]
    grid = (
        scenario.drop(x_input, y_input, "scenario")
        .lazy()
        .join(axes[0].lazy(), how="cross")
        .join(axes[1].lazy(), how="cross")
    )
    # a name made of the point: the streaming engine keeps no order by which a row's number would be its name
    rows = grid.with_columns(scenario=pl.format("{}|{}", x_input, y_input))
    points = rows.select("scenario", x_input, y_input)
    figures = estimate(rows.select(scenario.columns), intervals=False).select("scenario", "dataplane", figure)
    sides = [
        figures.filter(dataplane=name).select("scenario", pl.col(figure).alias(side))
        for name, side in ((dataplane_a, "a"), (dataplane_b, "b"))
    ]
    joined = points.join(sides[0], on="scenario").join(sides[1], on="scenario")
    return _crossings(joined, x_input, y_input, dataplane_a, dataplane_b).collect()


def _axis(spec: Input, own: float) -> pl.DataFrame:
    least, most = _bounds(spec)
    lower, upper = (least, most) if spec.scale == "linear" else (own / SPAN, own * SPAN)
    lower, upper = max(lower, least), min(upper, most)
    share = pl.int_range(GRID, eager=True).alias(spec.name) / (GRID - 1)
    is_log = spec.scale == "log" and lower > 0
    values = (share * _log(upper / lower)).exp() * lower if is_log else share * (upper - lower) + lower
    whole = values.round() if spec.type == "integer" else values
    return whole.cast(spec.dtype).alias(spec.name).unique().sort().to_frame()


def _log(ratio: float) -> float:
    return pl.select(pl.lit(ratio).log()).item()


def _crossings(joined: pl.LazyFrame, x: str, y: str, dataplane_a: str, dataplane_b: str) -> pl.LazyFrame:
    """Points between two neighbours on the grid where the difference changes sign, interpolated."""
    gap = pl.col("a") - pl.col("b")
    before = pl.col("_gap").shift(1).over(x, order_by=y)
    y_before = pl.col(y).shift(1).over(x, order_by=y)
    return (
        joined.with_columns(_gap=gap)
        .with_columns(_before=before, _y_before=y_before)
        .filter(pl.col("_gap") * pl.col("_before") < 0)
        .select(
            pl.col(x).cast(pl.Float64),
            (
                pl.col("_y_before")
                + (pl.col(y) - pl.col("_y_before")) * pl.col("_before") / (pl.col("_before") - pl.col("_gap"))
            ).alias(y),
            cheaper_below=pl.when(pl.col("_before") < 0).then(pl.lit(dataplane_a)).otherwise(pl.lit(dataplane_b)),
            cheaper_above=pl.when(pl.col("_gap") < 0).then(pl.lit(dataplane_a)).otherwise(pl.lit(dataplane_b)),
        )
        .sort(x, y)
    )
