"""What a move takes, as intervals: assumptions that are declared once and that a team replaces by its own figures."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached
from meshlab.documents import is_list
from meshlab.errors import did_you_mean, shorten
from meshlab.models.overhead.coefficients import DRAWS, even_shares
from meshlab.tables import read_table
from meshlab.units import ENDS


class Interval(NamedTuple):
    """At least, most likely, at most; durations are in seconds unless told otherwise."""

    lo: float
    likely: float
    hi: float

    def times(self, factor: float) -> Interval:
        """The interval in another unit."""
        return Interval(self.lo * factor, self.likely * factor, self.hi * factor)

    def plus(self, other: Interval) -> Interval:
        """The sum of two intervals."""
        return Interval(self.lo + other.lo, self.likely + other.likely, self.hi + other.hi)


Draws = pl.Series
"""An amount in each of ``DRAWS`` possible worlds. Sums and products of amounts are those of each world: least times
least and most times most would lie farther apart than nine of ten worlds do."""

ZERO = pl.Series([0.0] * DRAWS)  # by no query: a process that has run one cannot be forked
"""Nothing, in every world."""


@lru_cache(256)
def sampled(name: str, interval: Interval) -> Draws:
    """An uncertain amount in each world: triangular, in an order of its name's own, so that names are independent.

    What many steps and all options take by one name is the same in one world.
    """
    if interval.hi <= interval.lo:
        return ZERO + interval.likely
    return pl.select(quantile(interval, pl.lit(even_shares(name)))).to_series()


def total(amounts: Iterable[Draws]) -> Draws:
    """The sum of all."""
    return sum(amounts, ZERO)


def named(name: str, amount: Draws | Interval | None) -> dict[str, float | None]:
    """An amount as fields of plain data, each null where it is unknown: name_lo, name, name_hi.

    They are the median and the 10-90 % interval of draws, and the three figures of an interval as they are.
    """
    if amount is None:
        return {f"{name}{end}": None for end in ENDS}
    ends = amount if isinstance(amount, Interval) else [amount.quantile(share, "linear") for share in ENDS.values()]
    return {f"{name}{end}": value for end, value in zip(ENDS, ends, strict=True)}


def mean(interval: Interval) -> float:
    """Mean of a triangular distribution: lo, likely and hi weigh alike."""
    return math.fsum(interval) / 3


def expected(interval: Interval) -> Interval:
    """The interval with its mean in the middle: of many nodes together, the mean is likely and not the peak."""
    return Interval(interval.lo, mean(interval), interval.hi)


def quantile(interval: Interval, share: pl.Expr) -> pl.Expr:
    """The value of a triangular distribution below which the share of all values lies.

    Q(u) = lo + sqrt(u * width * rise) below the peak, hi - sqrt((1 - u) * width * fall) above it.
    """
    width, rise, fall = interval.hi - interval.lo, interval.likely - interval.lo, interval.hi - interval.likely
    if width <= 0:
        return pl.lit(interval.likely)
    below = interval.lo + (share * width * rise).sqrt()
    above = interval.hi - ((1 - share) * width * fall).sqrt()
    return pl.when(share * width < rise).then(below).otherwise(above)


# --- assumptions -----------------------------------------------------------------------------------------------------


NEW_RANGE = "pod_cidr"
"""Key of the new range of pod addresses."""

KUBERNETES = "kubernetes"
"""Key of the oldest Kubernetes on a node, where no dump shows it."""

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
"""Seconds of the units of time."""


class Assumption(msgspec.Struct, frozen=True):
    """One row of ``data/migration/assumptions.csv``, or a team's own figure in its place, which has no source."""

    name: str
    label: str
    unit: str
    values: Interval
    lower: float
    upper: float
    choice: bool
    why: str
    source_id: str | None


@cached
def declared() -> dict[str, Assumption]:
    """All assumptions by name, in the order of the table."""
    rows = read_table("migration/assumptions").iter_rows(named=True)
    return {
        row["name"]: Assumption(values=Interval(row.pop("lo"), row.pop("value"), row.pop("hi")), **row) for row in rows
    }


def faults(given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a team's own figures: key, fault, what to do.

    A figure is one number, or a list of three: at least, most likely, at most.
    """
    for name, value in given.items():
        if name in TEXTS:
            read, example = TEXTS[name]
            if read(value) is None:
                yield name, f"{name} is {shorten(str(value))}", f"give {example}"
            continue
        known = declared().get(name)
        if known is None:
            yield name, f"unknown assumption {shorten(name)}", did_you_mean(name, [*declared(), *TEXTS])
            continue
        numbers = triple(value)
        if numbers is None or (known.choice and len(set(numbers)) > 1):
            shape = "one number" if known.choice else "a number, or three: [least, most likely, most]"
            yield name, f"{name} is {shorten(str(value))}", f"give {shape} in {known.unit}"
        elif not known.lower <= numbers[0] <= numbers[1] <= numbers[2] <= known.upper:
            allowed = f"{known.lower:g} to {known.upper:g} {known.unit}, from the least to the most"
            yield name, f"{name} is {shorten(str(value))}", f"allowed: {allowed}"


def network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """A range of addresses; None where it is none."""
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return None


def minor_release(value: object) -> int | None:
    """A release of Kubernetes such as 1.21 as one number, as ``audit.inventory.minor`` counts it; None where none."""
    found = re.fullmatch(r"v?(\d+)\.(\d+)(\.\S*)?", str(value))
    return int(found[1]) * 100_000 + int(found[2]) if found else None


TEXTS: dict[str, tuple[Callable[[object], object], str]] = {
    NEW_RANGE: (network, "a range such as 10.245.0.0/16"),
    KUBERNETES: (minor_release, "a release such as 1.21"),
}
"""Figures that are no numbers: how each is read, and an example."""


def own_figures(given: Mapping[str, Any]) -> tuple[dict[str, Interval], str | None, int | None]:
    """A team's own figures, which have no faults, the range of pod addresses that it has chosen, and its Kubernetes."""
    figures = {name: numbers for name, value in given.items() if name not in TEXTS and (numbers := triple(value))}
    return figures, str(given[NEW_RANGE]) if given.get(NEW_RANGE) else None, minor_release(given.get(KUBERNETES))


def triple(value: object) -> Interval | None:
    """A figure of a team file as an interval; None where it is none."""
    items = value if is_list(value) else [value] * 3
    try:
        return Interval(*(float(str(item)) for item in items)) if len(items) == len(ENDS) else None
    except ValueError:
        return None


def with_own(own: Mapping[str, Interval] | None = None) -> dict[str, Assumption]:
    """All assumptions, with a team's own figures in the place of the defaults."""
    return declared() | {
        name: replace(declared()[name], values=values, why="stated by the team", source_id=None)
        for name, values in (own or {}).items()
    }
