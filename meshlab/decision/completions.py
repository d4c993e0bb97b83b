"""How sure a verdict is: the share of all completions of the missing facts under which it stays the same.

A completion gives every missing fact that could matter one of its cells; facts that cannot change the answer need none.
Facts are completed independently, each by the measure of its cells (``meshlab.decision.cells``). Where the product of
the cells is small it is listed in full and the share is exact; where not, it is estimated from a sample with a fixed
seed, whose standard error is told. Completions that put together what cannot hold together do not count.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from meshlab.decision.cells import Axis, axes
from meshlab.decision.tables import Tables
from meshlab.scenario import schema

MOST_COMPLETIONS = 4096
"""Completions that are listed in full, and size of the sample where there are more."""

SEED = 20261124


@dataclass(frozen=True, slots=True)
class Completions:
    """Completions of one scenario as rows of a frame, each with its weight. ``exact`` says that none was left out."""

    frame: pl.DataFrame
    exact: bool


def completions(scenario: Mapping[str, object], missing: Sequence[str], tables: Tables) -> Completions:
    """All completions of a scenario, or a sample of them.

    Args:
        scenario: Values of the inputs, None where missing.
        missing: Inputs that are missing and could change the answer.
        tables: The tables that cut the domain.
    """
    open_axes = [axis for axis in axes(tables).values() if axis.input in missing]
    weights = {axis.name: _weights(axis) for axis in open_axes}
    count = math.prod(np.count_nonzero(weight) for weight in weights.values())
    exact = bool(count <= MOST_COMPLETIONS)
    picks = _product(weights) if exact else _sample(weights)
    weight = np.prod([weights[name][cells] for name, cells in picks.items()], axis=0) if exact else 1 / MOST_COMPLETIONS
    size = len(next(iter(picks.values()), [0]))
    columns = {name: [value] * size for name, value in scenario.items()}
    columns |= dict(_columns(open_axes, picks, size))
    frame = pl.DataFrame(columns, schema={name: schema()[name] for name in columns})
    return Completions(frame.with_columns(weight=pl.lit(weight)), exact)


def _weights(axis: Axis) -> np.ndarray:
    return np.array([cell.share for cell in axis.cells])


def _product(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every combination of cells that have any weight, as the place of the cell on each axis."""
    places = [np.flatnonzero(weight) for weight in weights.values()]
    grid = np.meshgrid(*places, indexing="ij") if places else []
    return {name: cells.ravel() for name, cells in zip(weights, grid, strict=True)}


def _sample(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(SEED)
    return {
        name: generator.choice(len(weight), MOST_COMPLETIONS, p=weight / weight.sum())
        for name, weight in weights.items()
    }


def _columns(
    open_axes: Sequence[Axis], picks: Mapping[str, np.ndarray], size: int
) -> Iterator[tuple[str, list[object]]]:
    for name, group in itertools.groupby(open_axes, key=lambda axis: axis.input):
        members = list(group)
        if members[0].member is None:
            (axis,) = members
            yield name, [axis.cells[place].low for place in picks[axis.name]]
        else:
            held = np.array([picks[axis.name] for axis in members]).reshape(len(members), size).T
            names = [axis.member for axis in members]
            yield name, [list(itertools.compress(names, row)) for row in held]
