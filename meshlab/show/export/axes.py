"""Axes of a chart that is drawn as SVG: from values to places, and which values are named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

STEPS = (2, 5, 10)
"""What a step between ticks may be, times a power of ten."""

MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
"""What a step between days may be. [months]"""

PREFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
"""Letters that stand for a power of a thousand."""

ROOM = 0.05
"""Share of an axis that stays free beyond the furthest value."""


class Axis(msgspec.Struct, frozen=True):
    """An axis with its place in the drawing.

    Args:
        spec: As plotly's JSON has it, the template's below it.
        upright: Whether it runs from bottom to top.
        ends: Its two ends. [units of the axis: logarithms to the base ten, days]
        places: The same in the drawing. [px]
    """

    spec: Mapping[str, Any]
    upright: bool
    ends: tuple[float, float]
    places: tuple[float, float]

    @property
    def kind(self) -> str:
        """linear, log or date."""
        return self.spec.get("type", "linear")

    def place(self, value: object) -> float | None:
        """Where a value stands; None for one that has no place. [px]"""
        number = number_of(value, self.kind)
        return None if number is None else self.at(number)

    def at(self, number: float) -> float:
        """Where a number in the units of the axis stands. [px]"""
        (low, high), (start, end) = self.ends, self.places
        return start + (number - low) / ((high - low) or 1) * (end - start)

    def share(self, share: float) -> float:
        """Where a share of the axis stands. [px]"""
        return self.places[0] + share * (self.places[1] - self.places[0])

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Places and texts of what is named. [px]"""
        low, high = sorted(self.ends)
        slack = (high - low) * 1e-6
        for number, text in self._named():
            if low - slack <= number <= high + slack:
                yield self.at(number), text

    def _named(self) -> Iterator[tuple[float, str]]:
        if "tickvals" in self.spec:
            numbers = (number_of(value, self.kind) for value in self.spec["tickvals"])
            pairs = zip(numbers, self.spec["ticktext"], strict=True)
            return ((number, str(text)) for number, text in pairs if number is not None)
        if self.kind == "date":
            return self._days()
        values = [(number, 10**number if self.kind == "log" else number) for number in self._steps()]
        letters = max((abs(value) for _, value in values), default=0) >= 10 ** (self.spec.get("minexponent", 3) + 1)
        return ((number, self._text(value, letters=letters)) for number, value in values)

    def _steps(self) -> Iterator[float]:
        low, high = sorted(self.ends)
        step = self.spec.get("dtick") or self._step(high - low)
        if self.kind == "log":
            step = max(1, round(step))
        first = math.ceil(low / step - 1e-6)
        return (round(index * step, 12) for index in range(first, math.floor(high / step + 1e-6) + 1))

    def _step(self, span: float) -> float:
        return rounded_up(span / self._most, STEPS)

    @property
    def _most(self) -> int:
        room_px = abs(self.places[1] - self.places[0]) / (40 if self.upright else 80)
        return self.spec.get("nticks") or min(max(4, int(room_px)), 9) + 1

    def _days(self) -> Iterator[tuple[float, str]]:
        low, high = sorted(self.ends)
        rough = (high - low) / 30.4 / self._most
        step = next((step for step in MONTHS if step >= rough), MONTHS[-1])
        first = date.fromordinal(math.floor(low))
        count = (first.year * 12 + first.month - 1) // step
        while (number := (day := _month(count * step)).toordinal()) <= high:
            yield number, f"{day:%Y}" if step % 12 == 0 else f"{day:%b %Y}"
            count += 1

    def _text(self, value: float, *, letters: bool) -> str:
        if "tickformat" in self.spec:
            return format(value, self.spec["tickformat"])
        power, letter = next((item for item in PREFIXES if letters and abs(value) >= item[0]), (1, ""))
        return f"{value / power:,.12g}{letter}".replace("-", "−")


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def rounded_up(rough: float, steps: tuple[int, ...]) -> float:
    """The least of some steps times a power of ten that is no less than a number."""
    base = 10 ** math.floor(math.log10(rough or 1))
    return base * next((step for step in steps if step >= rough / base - 1e-9), steps[-1])


def number_of(value: object, kind: str) -> float | None:
    """A value in the units of its axis; None where it has no place there."""
    if isinstance(value, str):
        return float(date.fromisoformat(value[:10]).toordinal())
    if not isinstance(value, int | float) or math.isnan(value):
        return None
    if kind == "log":
        return math.log10(value) if value > 0 else None
    return float(value)


def extent(reached: Sequence[float], spec: Mapping[str, Any], *, padded: bool) -> tuple[float, float]:
    """Both ends of an axis without a range of its own. [units of the axis]

    Args:
        reached: What its marks reach to. [units of the axis]
        spec: The axis.
        padded: Whether they need room beyond their middle.
    """
    if not reached:
        return -1, 6
    low, high, zero = min(reached), max(reached), spec.get("rangemode") == "tozero"
    if zero and spec.get("type", "linear") == "linear":
        low, high = min(low, 0), max(high, 0)
    room = (high - low) * ROOM / (1 - 2 * ROOM) if padded else 0
    room = room or (0.5 if low == high else 0)
    return (low if zero and low == 0 else low - room), (high if zero and high == 0 else high + room)
