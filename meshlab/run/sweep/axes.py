"""Axes of a sweep: how a share between 0 and 1 becomes the value of an input.

An axis is the inverse of a cumulative distribution. Every way to sample then only has to spread shares evenly, and
computes them from the numbers of scenarios alone: nothing is kept from one to the next, so that any part of a sweep can
be made anywhere, in any order, and is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from meshlab.errors import from_extra
from meshlab.scenario import inputs

Shares = np.ndarray
"""Numbers from 0 to 1, each the share of an axis that lies below a value."""

LEVELS = 20
"""Classes of equal probability into which an axis without levels of its own is cut, where results are grouped by it."""


class Listed(msgspec.Struct, frozen=True):
    """Values that are given: a list, or columns of one file, whose rows stay together."""

    values: pl.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs that the axis sets."""
        return tuple(self.values.columns)

    def at(self, shares: Shares) -> pl.DataFrame:
        """Values at these shares, each value or row equally probable."""
        height = self.values.height
        return self.values[np.minimum((shares * height).astype(np.int64), height - 1)]

    def classes(self, shares: Shares) -> pl.DataFrame:
        """The class of each share: the value itself."""
        return self.at(shares)


class Spread(msgspec.Struct, frozen=True):
    """Values of one number, spread by a distribution that is cut off at its bounds."""

    name: str
    distribution: Any
    lower: float
    upper: float

    @property
    def names(self) -> tuple[str, ...]:
        """The input that the axis sets."""
        return (self.name,)

    def at(self, shares: Shares) -> pl.DataFrame:
        """Values at these shares, rounded where the input is a whole number."""
        below, above = self.distribution.cdf((self.lower, self.upper))
        values = np.clip(self.distribution.ppf(below + shares * (above - below)), self.lower, self.upper)
        spec = inputs()[self.name]
        return pl.DataFrame({self.name: np.rint(values) if spec.type == "integer" else values}).cast(spec.dtype)

    def classes(self, shares: Shares) -> pl.DataFrame:
        """The class of each share: the value in the middle of its part of the distribution."""
        return self.at((np.minimum(np.floor(shares * LEVELS), LEVELS - 1) + 0.5) / LEVELS)

    def levels(self, count: int, *, ends: bool) -> Listed:
        """So many values for a grid, from end to end or each in the middle of an equal part."""
        shares = np.linspace(0.0, 1.0, count) if ends and count > 1 else (np.arange(count) + 0.5) / count
        return Listed(self.at(shares).unique(maintain_order=True))


Axis = Listed | Spread


def statistics() -> Any:
    """``scipy.stats``, which only some sweeps need: a quarter of what an installation would take."""
    with from_extra("sweep", "a sweep with distributions or Sobol' indices"):
        from scipy import stats
    return stats


def _normal(mean: float, sd: float) -> Any:
    return statistics().norm(mean, sd)


def _lognormal(median: float, p90: float) -> Any:
    stats = statistics()
    return stats.lognorm(np.log(p90 / median) / stats.norm.ppf(0.9), scale=median)


def _triangular(lower: float, mode: float, upper: float) -> Any:
    return statistics().triang((mode - lower) / (upper - lower), lower, upper - lower)


class Even(msgspec.Struct, frozen=True):
    """Every value between two ends alike, or every ratio: scipy's own take ten times as long over their checks."""

    lower: float
    upper: float
    is_log: bool = False

    def ppf(self, shares: Shares) -> np.ndarray:
        """Values at these shares."""
        if self.is_log:
            return self.lower * np.exp(shares * np.log(self.upper / self.lower))
        return self.lower + shares * (self.upper - self.lower)

    def cdf(self, values: Any) -> np.ndarray:
        """Shares at these values."""
        bounded = np.clip(values, self.lower, self.upper)
        if self.is_log:
            return np.log(bounded / self.lower) / np.log(self.upper / self.lower)
        return (bounded - self.lower) / (self.upper - self.lower)


def log_even(lower: float, upper: float) -> Even:
    """Every ratio between the two alike."""
    return Even(lower, upper, is_log=True)


class Family(msgspec.Struct, frozen=True):
    """A family of distributions: its parameters, how it is made, whether they fit, and by which rule."""

    parameters: tuple[str, ...]
    make: Callable[..., Any]
    fits: Callable[[Sequence[float]], bool]
    rule: str


FAMILIES: dict[str, Family] = {
    "uniform": Family(("lower", "upper"), Even, lambda given: given[0] < given[1], "lower < upper"),
    "log-uniform": Family(("lower", "upper"), log_even, lambda given: 0 < given[0] < given[1], "0 < lower < upper"),
    "normal": Family(("mean", "sd"), _normal, lambda given: given[1] > 0, "sd > 0"),
    "lognormal": Family(("median", "p90"), _lognormal, lambda given: 0 < given[0] < given[1], "0 < median < p90"),
    "triangular": Family(
        ("lower", "mode", "upper"),
        _triangular,
        lambda given: given[0] <= given[1] <= given[2] and given[0] < given[2],
        "lower <= mode <= upper",
    ),
}
"""Distributions that a spec may name."""


# --- shares of each axis ---------------------------------------------------------------------------------------------


BLOCK = 4
"""Numbers that Philox makes at a time: a stretch begins at a multiple of it."""

ROUNDS = 4
"""Rounds of multiply and shift in a permutation; each takes the bits to places where the next one mixes them."""


def random_shares(seed: int, name: str, start: int, count: int) -> Shares:
    """Independent shares of scenarios ``start`` (a multiple of ``BLOCK``) and on, in a stream named after the axis.

    Sources: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), by numpy's Philox.
    """
    stream = np.random.Philox(key=_key(seed, name), counter=start // BLOCK)
    return np.random.Generator(stream).random(count)


def stratified_shares(seed: int, name: str, start: int, count: int, rows: int) -> Shares:
    """Shares of a Latin hypercube: over all rows, each of as many equal strata is met once, at a random place in it."""
    numbers = np.arange(start, start + count, dtype=np.uint64)
    strata = permuted(numbers, rows, _key(seed, f"order of {name}"))
    return (strata + random_shares(seed, name, start, count)) / rows


def permuted(numbers: np.ndarray, size: int, key: int) -> np.ndarray:
    """Where a permutation of ``0 … size - 1`` that the key chooses takes each number.

    Multiplication by an odd number and xor with the own upper half are one-to-one on numbers of so many bits; what
    falls outside ``size`` is taken further until it falls inside, which keeps it one-to-one (cycle walking).

    Sources: Black and Rogaway, "Ciphers with arbitrary finite domains" (2002), for cycle walking.
    """
    bits = max(1, (size - 1).bit_length())
    found = _mixed(numbers, bits, key)
    outside = np.flatnonzero(found >= size)
    while outside.size:
        found[outside] = _mixed(found[outside], bits, key)
        outside = outside[found[outside] >= size]
    return found


def _mixed(numbers: np.ndarray, bits: int, key: int) -> np.ndarray:
    mask, half = np.uint64((1 << bits) - 1), np.uint64((bits + 1) // 2)
    mixed = numbers.astype(np.uint64)
    for number in range(ROUNDS):
        part = (key >> (32 * number)) & 0xFFFF_FFFF
        mixed = (mixed * np.uint64(part | 1) + np.uint64(part >> 7)) & mask
        mixed ^= mixed >> half
    return mixed


def grid_places(start: int, count: int, sizes: list[int]) -> list[np.ndarray]:
    """Place on each axis of scenarios ``start`` and on of a full grid; the last axis turns fastest."""
    return list(np.unravel_index(np.arange(start, start + count), sizes))


def _key(seed: int, name: str) -> int:
    """128 bits that the sweep's seed and a name choose."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:16], "little")
