"""Results that are kept: ``functools.cache`` whose contents can be handed to another process.

A process that is going to fork may not run a polars query first, as its threads would be missing afterwards. It is
given what the queries gave by a process that may run them.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_results: dict[str, dict[tuple[Hashable, ...], object]] = {}

_here: set[str] = set()
"""Functions whose results are not handed on."""


def kept(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Keep each result of a function of hashable arguments; its results have to bear pickling."""
    return kept_latest(sys.maxsize)(function)


def kept_here(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Keep each result for this process alone: of polars' expressions, those in which a function of ours is called.

    Polars pickles such a function by cloudpickle, which a base install lacks.
    """
    _here.add(_name(function))
    return kept(function)


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def kept_latest(most: int) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Keep the latest results only.

    Args:
        most: How many.
    """

    def keeping(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        results = _results.setdefault(_name(function), {})

        @wraps(function)
        def asked(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
            key = (*arguments, *named.items())
            if key not in results:
                results[key] = function(*arguments, **named)
                if len(results) > most:
                    del results[next(iter(results))]
            return results[key]  # type: ignore[return-value]

        return asked

    return keeping


def all_kept() -> bytes:
    """Everything that is kept by now, for ``keep``. What is the same object here will be so there."""
    return pickle.dumps({name: results for name, results in _results.items() if name not in _here})


def keep(results: bytes) -> None:
    """Take over what another process of the same code kept."""
    for name, found in pickle.loads(results).items():  # noqa: S301  (from a process of our own, through a pipe)
        _results.setdefault(name, {}).update(found)


def forget() -> None:
    """Keep nothing of what was kept: the tables of ``data/`` have been written anew."""
    for results in _results.values():
        results.clear()
