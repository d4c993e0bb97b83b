"""What keeps an option from being taken, and what comes with it: requirements and needs, as conditions.

Each hurdle is one condition under which an option falls short. All of them are written in the language of the tables,
so that the same polars compilation and the same proof cover them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import All, Condition, Has, Not, OneOf, Some, inputs_of
from meshlab.models.decision.tables import MEETS, OPTIONS, RESULTING_CNI, Tables
from meshlab.scenario import inputs


@dataclass(frozen=True, slots=True)
class Hurdle:
    """A condition under which an option falls short.

    Args:
        option: The option.
        condition: Holds where the option falls short.
        blocks: Whether the option is then ruled out; otherwise it is a caveat.
        requirement: What is required, in words.
        found: What was found instead, in words: ``no``, ``not read``, ``beta: …`` or ``not so``.
        inputs: Inputs that show what was found.
        source_id: Where the requirement stands.
    """

    option: str
    condition: Condition
    blocks: bool
    requirement: str
    found: str
    inputs: tuple[str, ...]
    source_id: str


NOT_READ = "not read in any source"


@kept_latest(16)
def hurdles(tables: Tables) -> dict[tuple[str, str], tuple[Hurdle, ...]]:
    """Everything that an option can fall short of, by kind and option, requirements first."""
    return {
        (kind, option): (*_requirements(tables, kind, option), *_needs(tables, kind, option))
        for kind, options in OPTIONS.items()
        for option in options
    }


def blocked(tables: Tables, kind: str, option: str) -> Condition:
    """Condition under which an option is ruled out."""
    return Some(tuple(hurdle.condition for hurdle in hurdles(tables)[kind, option] if hurdle.blocks))


def _requirements(tables: Tables, kind: str, option: str) -> Iterator[Hurdle]:
    for row in tables.requirements:
        if (row.kind, row.option) == (kind, option):
            names = tuple(sorted(inputs_of(row.condition)))
            yield Hurdle(option, Not(row.condition), row.blocks, row.requirement, "not so", names, row.source_id)


def _needs(tables: Tables, kind: str, option: str) -> Iterator[Hurdle]:
    for need, layer in tables.layers.items():
        if kind == "mesh" and layer != "cni":
            yield from _need_of_mesh(tables, need, option)
        elif kind == "cni" and layer == "cni":
            yield from _need_of_plugin(tables, need, option)


def _need_of_plugin(tables: Tables, need: str, option: str) -> Iterator[Hurdle]:
    """A need that the network plugin has to meet: the recommended one, or with ``stay`` the one of today."""
    if option != "stay":
        yield from _shortfall(tables, need, option, option, asks(tables, need))
        return
    plugins = inputs()["current_cni"].choices
    read = tuple(plugin for plugin in plugins if (need, plugin) in tables.capabilities)
    for group in (*((plugin,) for plugin in read), tuple(plugin for plugin in plugins if plugin not in read)):
        asked = All((asks(tables, need), OneOf("current_cni", group)))
        yield from _shortfall(tables, need, option, group[0], asked)


def _need_of_mesh(tables: Tables, need: str, option: str) -> Iterator[Hurdle]:
    """A need that the mesh has to meet, unless the plugin may meet it as well and does."""
    asked = asks(tables, need)
    if tables.layers[need] == "any":
        capable = tuple(name for name in inputs()["current_cni"].choices if tables.meets(need, name))
        asked = All((asked, Not(OneOf(RESULTING_CNI, capable)))) if capable else asked
    if option == "none":
        yield Hurdle(option, asked, blocks=True, requirement=need, found="no mesh", inputs=(), source_id="article")
    else:
        yield from _shortfall(tables, need, option, option, asked)


def _shortfall(tables: Tables, need: str, option: str, product: str, asked: Condition) -> Iterator[Hurdle]:
    entry = tables.capabilities.get((need, product))
    if entry is None:
        yield Hurdle(option, asked, blocks=True, requirement=need, found=NOT_READ, inputs=(), source_id="")
    elif entry.support != "yes":
        found = f"{entry.support}: {entry.note}" if entry.note else entry.support
        yield Hurdle(option, asked, entry.support not in MEETS, need, found, (), entry.source_ids)


def asks(tables: Tables, need: str) -> Condition:
    """Whether a need is asked for, on its own or as a part of another."""
    whole = tables.groups.get(need)
    return Some(tuple(Has("needs", name) for name in (need, whole) if name))
