"""What is wrong with a spec, gathered, and the checks that every part of it shares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from meshlab.documents import Mapping, Value
from meshlab.errors import Problem, did_you_mean, shorten


@dataclass
class Faults:
    """Problems of one file, as they are found.

    Args:
        file: As the user named it.
    """

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, what: str, todo: str, line: int | None) -> None:
        """Note one more."""
        self.problems.append(Problem(self.file, what, todo, line))

    def known(self, mapping: Mapping, known: Iterable[str], kind: str) -> None:
        """Note every key of a mapping that nobody declared."""
        names = list(known)
        for name in mapping.values:
            if name not in names:
                self.add(f"unknown {kind} {shorten(name)}", did_you_mean(name, names), mapping.lines[name])

    def mapping(self, parent: Mapping, key: str, todo: str) -> Mapping:
        """The mapping under a key; an empty one where there is none, which is noted."""
        value = parent.values.get(key)
        if isinstance(value, Mapping):
            return value
        self.add(f"{key!r} is {'missing' if value is None else 'no mapping'}", todo, parent.lines.get(key, 1))
        return Mapping()

    def whole(self, mapping: Mapping, key: str, bounds: tuple[int, int], default: str | None = None) -> int:
        """The whole number under a key; the lower bound where there is none, which is noted."""
        text = mapping.values.get(key, default)
        value = number(text)
        if value is None or value != int(value) or not bounds[0] <= value <= bounds[1]:
            what = f"{key!r} is missing" if text is None else f"{key} is {shorten(text)}"
            todo = f"give a whole number from {bounds[0]:,} to {bounds[1]:,}"
            self.add(what, todo, mapping.lines.get(key, mapping.line))
            return bounds[0]
        return int(value)

    def chosen(self, mapping: Mapping, key: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
        """Some of the known names, in their own order; all of them where the key is absent."""
        if key not in mapping.values:
            return known
        line, given = mapping.lines[key], mapping.values[key]
        names = [str(name) for name in given] if isinstance(given, list) else [str(given)]
        for name in names:
            if name not in known:
                self.add(f"unknown {kind} {shorten(name)}", did_you_mean(name, known), line)
        if not names:
            self.add(f"{key!r} is empty", f"name a {kind}, or leave it out", line)
        return tuple(name for name in known if name in names)


def number(value: Value) -> float | None:
    """A finite number that a text spells, or None."""
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
