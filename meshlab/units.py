"""Kubernetes quantities and versions: from the text that a cluster holds to numbers with one unit."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl

from meshlab.errors import shorten

HOURS_PER_MONTH = 730.0
"""Hours that cloud price lists count as one month. [h]"""

ENDS = {"_lo": 0.1, "": 0.5, "_hi": 0.9}
"""Ends of every interval, and its middle, by how the names of their columns end. [quantile]"""

BYTES_PER_GIB = 2.0**30

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)

LARGEST_QUANTITY = 2**63 - 1
"""What Kubernetes can count; sums of such over any cluster stay finite. Sources: k8s-quantity."""

VERSION_PATTERN = r"^v?([0-9]{1,5})\.([0-9]{1,5})(?:\.([0-9]{1,5}))?"
"""Leading numbers of a kernel or product version, as both Python's and polars' regular expressions read it."""

_VERSION = re.compile(VERSION_PATTERN)


def parse_quantity(text: str) -> float:
    """Value of a Kubernetes quantity such as ``250m``, ``512Mi``, ``1e3`` or ``0.5``. [cores or bytes]

    Raises:
        ValueError: The text is no quantity, or one that Kubernetes cannot count.

    Sources: k8s-quantity (data/sources.csv).
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{shorten(text)} is not a quantity such as 250m, 512Mi or 2")
    number, exponent, suffix = match.groups()
    factor = Decimal(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    value = Decimal(number) * factor
    if abs(value) > LARGEST_QUANTITY:
        raise ValueError(f"{shorten(text)} is too large for a quantity")
    return float(value)


_TYPED = re.compile(r"(\d{1,3}(?:[,' _]\d{3})+(?:\.\d+)?|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)", re.ASCII)
"""A number, its thousands divided or not, and what stands behind. A comma before other than three digits is none."""

_FACTORS = {
    "GiB": {"Gi": 1.0, "MiB": 2.0**-10, "Mi": 2.0**-10, "TiB": 2.0**10, "Ti": 2.0**10},
    "bytes": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "kB": 1e3, "MB": 1e6},
    "ms": {"s": 1e3, "µs": 1e-3, "us": 1e-3},
    "h": {"min": 1 / 60, "d": 24.0},
    "min": {"h": 60.0},
    "share": {"%": 0.01},
    "1/s": {"/s": 1.0, "rps": 1.0},
    None: {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9},
}
"""What may stand behind a number of each unit of the inputs, and of any (None), and by what it multiplies."""


def plain_number(text: str, unit: str | None) -> str:
    """A number as a person types it, as plain digits in a unit; the same text where it is not understood.

    Args:
        text: Such as ``12,000``, ``12k``, ``1.5 M``, ``40 GiB`` or ``20 %``.
        unit: Unit of the input.
    """
    typed = _TYPED.fullmatch(text.strip())
    factor = typed and ({unit: 1.0} | _FACTORS[None] | _FACTORS.get(unit, {})).get(typed[2])
    return format(float(re.sub(r"[,' _]", "", typed[1])) * factor, ".15g") if typed and factor else text


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, thousands separated, never in powers of ten."""
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.999 becomes 10.0, not 10.00
    decimals = digits - 1 - exponent
    return f"{round(value, decimals):,.{max(0, decimals)}f}"


def rounded(value: float) -> str:
    """A figure with as many digits as an interval deserves: three from a hundred on, two below."""
    return significant(value, 3 if abs(value) >= 100 else 2)  # noqa: PLR2004


def is_version(text: str) -> bool:
    """Whether the text begins with numbers that can be compared, such as ``5.15.0-1051-gke``."""
    return _VERSION.match(text) is not None


def version_key(version: pl.Expr) -> pl.Expr:
    """A version as one number that sorts as the version does: 5.15.0-1051-gke becomes 5_00015_00000. [Int64]

    Only the leading major, minor and patch numbers count; text that is no version becomes null.
    """
    part = [version.str.extract(VERSION_PATTERN, group).cast(pl.Int64) for group in (1, 2, 3)]
    return (part[0] * 100_000 + part[1]) * 100_000 + part[2].fill_null(0)
