"""What moves a figure most, and where two data planes cost the same: each one query over a grid of scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from meshlab.cache import cached
from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.overhead import dataplanes, draw_estimates, estimate, estimate_by, interval_figures, steps_with
from meshlab.models.overhead.coefficients import Value, medians, sources
from meshlab.models.overhead.estimates import Steps
from meshlab.scenario import Input, collect_few, inputs, with_defaults

FACTOR = 2.0
"""Inputs on a logarithmic scale are halved and doubled."""

STEP = 0.2
"""Inputs on a linear scale are moved by this part of their range, or by one where they are whole numbers."""

GRID = 41
"""Points of each axis of a break-even grid."""

BAND_GRID, BAND_DRAWS, BETWEEN = 15, 200, 20
"""The same where every point is drawn many times; the draws; and the steps read between two points of a column."""

DOUBT = 0.1
"""Share of draws beyond which it is open which of two data planes costs less, as an interval holds 10 to 90 %."""

SPAN = 16.0
"""How far a break-even grid reaches below and above the scenario's own value."""

GROUPS = ("cluster", "traffic", "prices")
"""Groups of inputs that enter the models."""


HALVED, STEPPED, BY_ONE = "halved and doubled", "a fifth of its range down and up", "one down and one up"

ANY_CHOICE, YES_OR_NO, INTERVAL = "any choice", "yes or no", "10–90 % interval"


def how_moved(driver: str) -> str:
    """How a driver of a ``tornado`` is moved, in words; a coefficient goes from end to end of its interval."""
    spec = inputs().get(driver)
    if spec is None:
        return INTERVAL
    if spec.type in ("boolean", "choice"):
        return YES_OR_NO if spec.type == "boolean" else ANY_CHOICE
    if spec.scale == "log":
        return HALVED
    return BY_ONE if spec.type == "integer" else STEPPED


def tornado(scenario: pl.DataFrame, dataplane: str, figure: str) -> pl.DataFrame:
    """Inputs and coefficients by how far they move one figure of one data plane, the strongest first.

    Each driver goes as ``how_moved`` says of it, within its bounds, all else unchanged.

    Args:
        scenario: One row with the columns of ``scenario.schema()``.
        dataplane: One of ``overhead.mesh_dataplanes()``.
        figure: A figure of ``estimate``, such as ``memory_gib``.

    Returns:
        ``driver, kind, unit, low, high`` (values of the driver), ``figure_at_low, figure, figure_at_high, swing``.
    """
    return tornados(scenario, dataplane, (figure,)).drop("scenario", "figure_name")


def tornados(
    scenarios: pl.DataFrame, dataplane: str, figures: Sequence[str], coefficients: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The ``tornado`` of each scenario and figure, one after another, by one query over the moves of all of them.

    Args:
        scenarios: Rows with the columns of ``scenario.schema()``, each with a name of its own.
        dataplane: One of ``overhead.mesh_dataplanes()``.
        figures: Figures of ``estimate``.
        coefficients: Columns of ``coefficients.csv``; the fitted ones without.

    Returns:
        ``scenario, figure_name`` and the columns of ``tornado``.
    """
    _check(figures, dataplane)
    uncertain = _uncertain(dataplane)
    if coefficients is not None:
        uncertain = uncertain.update(coefficients.select("coefficient", "median", "lo", "hi"), on="coefficient")
    own = collect_few(with_defaults(scenarios).drop("assumed")).with_columns(
        pl.lit(median).alias(name) for name, median in uncertain.select("coefficient", "median").iter_rows()
    )
    moves = [move for place, row in enumerate(own.iter_rows(named=True)) for move in _moves(place, row, uncertain)]
    query = estimate_by(pl.concat([own, _moved(own, moves)]), _steps(dataplane))
    found = query.filter(dataplane=dataplane).select(figures).collect(engine="in-memory")
    at_own = found[: own.height].with_columns(own["scenario"]).unpivot(figures, index="scenario", variable_name=NAME)
    driven = own.select("scenario")[[move.place for move in moves]].with_columns(
        **{name: pl.Series([getattr(move, name) for move in moves], dtype=pl.String) for name in DRIVER},
        value=pl.Series([str(move.value) for move in moves], dtype=pl.String),
    )
    bars = ["scenario", NAME, *DRIVER]
    return collect_few(
        driven.with_row_index("move")
        .hstack(found[own.height :])
        .unpivot(figures, index=["move", *driven.columns], variable_name=NAME, value_name="at")
        .lazy()
        .sort("driver", "at", "move")
        .group_by(bars, maintain_order=True)
        .agg(low=pl.first("value"), high=pl.last("value"), least=pl.min("at"), most=pl.max("at"))
        .join(at_own.lazy().rename({"value": "figure"}), on=["scenario", NAME])
        .with_columns(
            figure_at_low=pl.min_horizontal("least", "figure"), figure_at_high=pl.max_horizontal("most", "figure")
        )
        .with_columns(swing=pl.col("figure_at_high") - pl.col("figure_at_low"))
        .sort(_place("scenario", own["scenario"]), _place(NAME, figures), -pl.col("swing"), "driver")
        .select(*bars, "low", "high", "figure_at_low", "figure", "figure_at_high", "swing")
    )


NAME = "figure_name"

DRIVER = ("driver", "kind", "unit")


class _Move(msgspec.Struct, frozen=True):
    """One driver of the scenario at one place that takes another value."""

    place: int
    driver: str
    kind: str
    unit: str | None
    value: Any


def _place(column: str, values: Sequence[str] | pl.Series) -> pl.Expr:
    """Place of a column's value among others, to sort by."""
    return pl.col(column).cast(pl.Enum(values)).to_physical()


@cached
def _steps(dataplane: str) -> Steps:
    """The expressions of an estimate of one data plane with its uncertain coefficients as columns."""
    c: dict[str, Value] = {**medians(), **{name: pl.col(name) for name in _uncertain(dataplane)["coefficient"]}}
    return steps_with(c, dataplanes=(dataplane,))


@cached
def _uncertain(dataplane: str) -> pl.DataFrame:
    """Coefficients of a data plane that have an interval."""
    return sources(dataplane).filter(pl.col("lo") < pl.col("hi"))


def _check(figures: Iterable[str], *named: str) -> None:
    problems = [
        Problem("figure", f"unknown figure {name!r}", did_you_mean(name, interval_figures()))
        for name in figures
        if name not in interval_figures()
    ]
    problems += [
        Problem("dataplane", f"unknown data plane {name!r}", did_you_mean(name, dataplanes()))
        for name in named
        if name not in dataplanes()
    ]
    if problems:
        raise MeshlabError(problems)


def _moves(place: int, row: Mapping[str, Any], uncertain: pl.DataFrame) -> Iterator[_Move]:
    """All moves of one scenario: its inputs as far as they enter the models, then the coefficients."""
    for name, spec in inputs().items():
        if spec.group in GROUPS and row[name] is not None:
            yield from (_Move(place, name, "input", spec.unit, value) for value in _values(spec, row[name]))
    for name, unit, *ends in uncertain.select("coefficient", "unit", "lo", "hi").iter_rows():
        yield from (_Move(place, name, "coefficient", unit, value) for value in ends)


def _values(spec: Input, own: Any) -> list[Any]:
    """Values to which one input is moved, within its bounds."""
    if spec.type == "boolean":
        return [True, False]
    if spec.type == "choice":
        return list(spec.choices)
    lower, upper = spec.bounds
    step = 1 if spec.type == "integer" else STEP * (upper - lower)
    ends = [own / FACTOR, own * FACTOR] if spec.scale == "log" else [own - step, own + step]
    bounded = [min(max(end, lower), upper) for end in ends]
    return [round(end) for end in bounded] if spec.type == "integer" else bounded


def _moved(own: pl.DataFrame, moves: Sequence[_Move]) -> pl.DataFrame:
    """One row for each move: its scenario with one driver changed."""
    rows = own[[move.place for move in moves]]
    changed: dict[str, dict[int, Any]] = {}
    for number, move in enumerate(moves):
        changed.setdefault(move.driver, {})[number] = move.value
    return rows.with_columns(rows[name].scatter(list(at), list(at.values())) for name, at in changed.items())


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
    grid = _grid(scenario, dataplane_a, dataplane_b, figure, x_input, y_input)
    return _crossings(grid, x_input, y_input, dataplane_a, dataplane_b).collect()


def cheaper_throughout(
    scenario: pl.DataFrame, dataplane_a: str, dataplane_b: str, figure: str, x_input: str, y_input: str
) -> str | None:
    """The data plane that is cheaper at every point of the grid on which ``break_even`` looks for a line.

    None where neither is: the two change places along ``x_input`` alone, or cost the same somewhere.
    """
    gap = pl.col("a") - pl.col("b")
    grid = _grid(scenario, dataplane_a, dataplane_b, figure, x_input, y_input)
    a, b = grid.select(a=(gap < 0).all(), b=(gap > 0).all()).collect().row(0)
    return dataplane_a if a else dataplane_b if b else None


def break_even_band(
    scenario: pl.DataFrame, dataplane_a: str, dataplane_b: str, figure: str, x_input: str, y_input: str
) -> pl.DataFrame:
    """Where joint draws of the coefficients do not agree which of two data planes costs less, over two inputs.

    It takes what ``break_even`` takes.

    Returns:
        For each point of ``x_input`` the values ``lo`` and ``hi`` of ``y_input`` between which either is cheaper in
        more than ``DOUBT`` of the draws, cut off at the ends of the grid; no row where they agree throughout.
    """
    _check((figure,), dataplane_a, dataplane_b)
    points, rows = _points(scenario, x_input, y_input, BAND_GRID)
    drawn = draw_estimates(rows.collect(), dataplanes=(dataplane_a, dataplane_b), count=BAND_DRAWS).collect()
    a, b = (drawn.filter(dataplane=name).select("scenario", "draw", figure) for name in (dataplane_a, dataplane_b))
    shares = (
        a.join(b, on=["scenario", "draw"], suffix="_b")
        .group_by("scenario")
        .agg(share=(pl.col(figure) < pl.col(f"{figure}_b")).mean())
    )
    found: list[tuple[float, float, float]] = []
    for (x,), column in (
        points.collect().join(shares, on="scenario").sort(x_input, y_input).group_by(x_input, maintain_order=True)
    ):
        places = np.arange(len(column))
        between = np.linspace(0, len(column) - 1, BETWEEN * (len(column) - 1) + 1)
        share, y = (np.interp(between, places, column[name].to_numpy()) for name in ("share", y_input))
        doubted = y[np.minimum(share, 1 - share) > DOUBT]
        if len(doubted):
            found.append((float(str(x)), float(doubted[0]), float(doubted[-1])))
    return pl.DataFrame(found, schema=dict.fromkeys((x_input, "lo", "hi"), pl.Float64), orient="row")


def _grid(
    scenario: pl.DataFrame, dataplane_a: str, dataplane_b: str, figure: str, x_input: str, y_input: str
) -> pl.LazyFrame:
    """The figure of both data planes, ``a`` and ``b``, at each point over the two inputs."""
    _check((figure,), dataplane_a, dataplane_b)
    points, rows = _points(scenario, x_input, y_input, GRID)
    figures = estimate(rows, intervals=False).select("scenario", "dataplane", figure)
    sides = [
        figures.filter(dataplane=name).select("scenario", pl.col(figure).alias(side))
        for name, side in ((dataplane_a, "a"), (dataplane_b, "b"))
    ]
    return points.join(sides[0], on="scenario").join(sides[1], on="scenario")


def _points(scenario: pl.DataFrame, x_input: str, y_input: str, count: int) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Points of a grid over two inputs, named by ``scenario``; and the scenarios there."""
    own = with_defaults(scenario).collect()
    axes = [_axis(inputs()[name], own[name].item(), count) for name in (x_input, y_input)]
    grid = (
        scenario.drop(x_input, y_input, "scenario")
        .lazy()
        .join(axes[0].lazy(), how="cross")
        .join(axes[1].lazy(), how="cross")
    )
    # a name made of the point: the streaming engine keeps no order by which a row's number would be its name
    rows = grid.with_columns(scenario=pl.format("{}|{}", x_input, y_input)).select(scenario.columns)
    return rows.select("scenario", x_input, y_input), rows


def _axis(spec: Input, own: float, count: int) -> pl.DataFrame:
    least, most = spec.bounds
    lower, upper = (least, most) if spec.scale == "linear" else (own / SPAN, own * SPAN)
    lower, upper = max(lower, least), min(upper, most)
    share = pl.int_range(count, eager=True).alias(spec.name) / (count - 1)
    is_log = spec.scale == "log" and lower > 0
    ratio = pl.select(pl.lit(upper / lower).log()).item() if is_log else 0.0
    values = (share * ratio).exp() * lower if is_log else share * (upper - lower) + lower
    whole = values.round() if spec.type == "integer" else values
    return whole.cast(spec.dtype).alias(spec.name).unique().sort().to_frame()


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
