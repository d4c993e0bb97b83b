"""Routes from one network or mesh to another, and their steps, from the tables of ``data/migration``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import polars as pl

from meshlab.kept import kept
from meshlab.planning.migration.move import NONE, WITH_SIDECARS, Place
from meshlab.tables import read_table

Row = dict[str, Any]

DRAIN, BY_PROVIDER = "drain", "provider-node"
"""What a step takes whose time is worked out from the pods, and not assumed."""

NEW_CLUSTER, UNKNOWN = "new-cluster", "none"
"""The stage of a second cluster, and the basis of a route that nobody documents."""

SIDECARS = frozenset({"istio-sidecar", "linkerd", "consul", "kuma", "app-mesh", "osm"})
"""Meshes with a proxy beside each pod."""

SIDES_OF = ("from", "to")
CONDITIONS: dict[str, pl.DataType] = {
    **{f"{end}_{name}": pl.String() for end in SIDES_OF for name in ("cni", "cni_edition", "mesh", "mesh_edition")},
    **{f"{end}_vendor": pl.String() for end in SIDES_OF},
    **{f"{end}_{name}": pl.Boolean() for end in SIDES_OF for name in ("mixed", "proxies")},
    "cloud": pl.String(),
    **dict.fromkeys(("fresh", "replaced", "tuned", "l7"), pl.Boolean()),
    "old_nodes": pl.Int64(),
}
"""Columns that conditions of routes and steps may name."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Between which places a route is asked for, and what of the cluster it depends on.

    Args:
        today: What runs, editions filled in.
        target: Where to, editions filled in.
        cloud: The input ``cloud``.
        fresh: Whether nothing runs there yet: a new platform, or a second cluster.
        replaced: Whether a second cluster takes the place of the first.
        l7: Whether needs take layer 7; None where unknown.
        old_nodes: Nodes of pools that rule the move out.
    """

    today: Place
    target: Place
    cloud: str | None = None
    fresh: bool = False
    replaced: bool = False
    l7: bool | None = None
    old_nodes: int = 0

    def row(self) -> Row:
        """The columns that conditions name."""
        today = Place(NONE, NONE) if self.fresh else self.today
        ends = {
            f"{end}_{name}": value
            for end, place in zip(SIDES_OF, (today, self.target), strict=True)
            for name, value in _columns(place).items()
        }
        rest = {name: getattr(self, name) for name in ("cloud", "fresh", "replaced", "l7", "old_nodes")}
        return {**ends, **rest, "tuned": self.target.tuned}


def _columns(place: Place) -> Row:
    edition = place.mesh_edition or ""
    mixed = edition.endswith(WITH_SIDECARS)
    return {
        "cni": place.cni,
        "cni_edition": place.cni_edition or "",
        "mesh": place.mesh or NONE,
        "mesh_edition": edition,
        "vendor": edition.removesuffix(WITH_SIDECARS),
        "mixed": mixed,
        "proxies": place.mesh in SIDECARS or mixed,
    }


@dataclass(frozen=True, slots=True)
class Way:
    """A route with the steps that are taken on it."""

    route: Row
    steps: tuple[Row, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names by which checks and limits mean it: its stages and steps, and who drains its nodes."""
        takes = {step["takes"] for step in self.steps}
        drains = (DRAIN,) if takes & {DRAIN, BY_PROVIDER} else ()
        provider = ("provider",) if BY_PROVIDER in takes else ()
        return frozenset((*drains, *provider, *(step[name] for step in self.steps for name in ("stage", "step"))))


# --- the tables -----------------------------------------------------------------------------------------------------


@kept
def routes() -> tuple[Row, ...]:
    """Rows of ``routes.csv``."""
    return tuple(read_table("migration/routes").with_columns(pl.col("stages").str.split("|")).iter_rows(named=True))


@kept
def steps() -> tuple[Row, ...]:
    """Rows of ``steps.csv``, stage by stage in order."""
    table = read_table("migration/steps").sort("stage", "place", maintain_order=True)
    return tuple(table.with_columns(pl.col("text_date").cast(pl.String)).iter_rows(named=True))


@kept
def _stages() -> dict[str, tuple[Row, ...]]:
    return {stage: tuple(own) for stage, own in groupby(steps(), lambda step: step["stage"])}


def held(conditions: Mapping[str, str], rows: Sequence[Row]) -> list[dict[str, bool]]:
    """Of each row, which conditions hold; one that a missing fact leaves open does not."""
    frame = pl.DataFrame(list(rows), schema=CONDITIONS)
    return frame.select(_expression(text).alias(name) for name, text in conditions.items()).rows(named=True)


@cache
def _expression(text: str) -> pl.Expr:
    return pl.sql_expr(text).fill_null(value=False)


@kept
def _conditions() -> dict[str, str]:
    return {
        **{f"route:{row['route']}": row["applies"] for row in routes()},
        **{f"step:{row['step']}": row["applies"] for row in steps() if row["applies"]},
    }


# --- ways -----------------------------------------------------------------------------------------------------------

_taken: dict[Terms, tuple[Way, ...]] = {}
MOST_TAKEN = 20_000


def ways_of(terms: Sequence[Terms]) -> list[tuple[Way, ...]]:
    """The ways of each move, in the order in which they are gone; none where nothing moves.

    A part for which nobody documents a way makes the whole move one to a second cluster. All moves that were not asked
    for before are worked out by one query.
    """
    missing = [item for item in dict.fromkeys(terms) if item not in _taken]
    if len(_taken) + len(missing) > MOST_TAKEN:
        _taken.clear()
        missing = list(dict.fromkeys(terms))
    if missing:
        again: dict[Terms, Row] = {}
        for item, holds in zip(missing, held(_conditions(), [item.row() for item in missing]), strict=True):
            found = _chosen(item, holds)
            cause = next(
                (row for row in found if row["basis"] == UNKNOWN or NEW_CLUSTER in (row["stages"] or ())), None
            )
            if cause and not item.replaced:
                again[item] = cause
            else:
                _taken[item] = tuple(_ways(found, holds))
        _taken.update(_second_clusters(again))
    return [_taken[item] for item in terms]


def _chosen(item: Terms, holds: Mapping[str, bool]) -> list[Row]:
    """The route of each part that moves: the network first, for the mesh moves on the new one."""
    moving = {"cni": item.replaced or _moves(item, "cni"), "mesh": _moves(item, "mesh") or item.target.tuned}
    return [
        next(row for row in routes() if row["part"] == part and holds[f"route:{row['route']}"])
        for part in ("cni", "mesh")
        if moving[part]
    ]


def _moves(item: Terms, side: str) -> bool:
    name, edition = item.target.side(side)
    if name is None or (item.target.tuned and not item.fresh):
        return False
    if item.fresh:
        return name != NONE
    runs, runs_edition = item.today.side(side)
    return name != (runs or (NONE if side == "mesh" else None)) or (edition or "") != (runs_edition or "")


def _ways(found: Iterable[Row], holds: Mapping[str, bool]) -> Iterator[Way]:
    """Routes with their steps; what both parts ask for, such as the rehearsal, is done once."""
    done: set[str] = set()
    for row in found:
        taken = [
            step
            for stage in row["stages"] or ()
            for step in _stages().get(stage, ())
            if step["step"] not in done and holds.get(f"step:{step['step']}", True)
        ]
        done.update(step["step"] for step in taken)
        yield Way(row, tuple(taken))


def _second_clusters(moves: Mapping[Terms, Row]) -> Iterator[tuple[Terms, tuple[Way, ...]]]:
    """Moves to a second cluster: that cluster, with the reason of the part that needs it, and the mesh in it."""
    items = {item: Terms(item.today, item.target, item.cloud, True, True, item.l7) for item in moves}  # noqa: FBT003
    rows = [terms.row() for terms in items.values()]
    for (item, terms), holds in zip(items.items(), held(_conditions(), rows) if rows else (), strict=True):
        build = next(row for row in routes() if row["route"] == NEW_CLUSTER)
        told = {
            name: moves[item][name] for name in ("route", "part", "title", "basis", "limits", "source_id", "text_date")
        }
        network = {**build, **told}
        mesh = [row for row in _chosen(terms, holds) if row["part"] == "mesh"]
        yield item, tuple(_ways([network, *mesh], holds))
