"""How sure a verdict is: the share of all completions of the missing facts under which it stays the same.

A completion gives every missing fact that could matter one of its cells; facts that cannot change the answer need none.
Facts are completed independently, each by the measure of its cells (``decision.cells``). Where the product of
the cells is small it is listed in full and the share is exact; where not, it is estimated from a sample with a fixed
seed, whose standard error is told. Completions that put together what cannot hold together do not count.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from meshlab.models.decision.cells import Axis, axes, points
from meshlab.models.decision.conditions import bit
from meshlab.models.decision.states import compared_column
from meshlab.models.decision.tables import Tables
from meshlab.scenario import inputs

MOST_COMPLETIONS = 4096
"""Completions that are listed in full, and size of the sample where there are more."""

SEED = 20261124


@dataclass(frozen=True, slots=True)
class Completions:
    """Completions of one scenario as rows of a frame, and the weight of each. ``exact`` says that none was left out."""

    frame: pl.DataFrame
    weights: np.ndarray
    exact: bool


def completions(scenario: pl.DataFrame, missing: Collection[str], tables: Tables) -> Completions:
    """All completions of a scenario, or a sample of them.

    Args:
        scenario: One row of inputs in the form that is compared (``states.compared``), null where missing.
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
    frame = scenario[np.zeros(size, np.uint32)].with_columns(_columns(open_axes, picks, tables))
    return Completions(frame, np.broadcast_to(weight, size), exact)


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


def _columns(open_axes: Sequence[Axis], picks: Mapping[str, np.ndarray], tables: Tables) -> Iterator[pl.Series]:
    """The completed inputs: of a set the bits of the members that it holds."""
    for name, group in itertools.groupby(open_axes, key=lambda axis: axis.input):
        members = [(axis.member, picks[axis.name]) for axis in group if axis.member is not None]
        bits = np.array([held.astype(np.uint64) * np.uint64(bit(inputs()[name], member)) for member, held in members])
        values = pl.Series(bits.sum(axis=0, dtype=np.uint64)) if members else points(tables)[name].gather(picks[name])
        yield values.alias(compared_column(name))
