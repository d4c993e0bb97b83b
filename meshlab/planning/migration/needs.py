"""What a move needs while it runs: people, money for them, and capacity beside what runs today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshlab.planning.migration.interval import Interval, named
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.nodes import Drained
from meshlab.tables import read_table

Beside = tuple[float | None, float | None]
"""Memory [GiB] and CPU [cores] that are needed beside what runs today; None where unknown."""


def attended(move: Move, hours: Interval | None) -> Interval | None:
    """Time of the people who attend. [h]"""
    return None if hours is None else hours.times(move.number("people"))


def price(move: Move, hours: Interval | None) -> Interval | None:
    """Cost of the people who attend. [USD]"""
    of_people = attended(move, hours)
    return None if of_people is None else of_people.by(move.interval("usd_per_person_hour"))


def needs(
    move: Move, ways: Sequence[Mapping[str, Any]], drain: Drained | None, hours: Interval | None
) -> dict[str, Any]:
    """People, their cost, capacity, and nodes at a time."""
    memory, cpu = zip(*(beside(move, route) for route in ways), strict=True) if ways else ((), ())
    return {
        **named("person_hours", attended(move, hours)),
        **named("usd", price(move, hours)),
        "extra_memory_gib": _whole(memory),
        "extra_cpu_cores": _whole(cpu),
        "parallel": drain.room.parallel if drain else None,
        "surge_nodes": int(move.number("surge_nodes")) if drain else 0,
    }


def _whole(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known, 0.0) if len(known) == len(parts) else None


def beside(move: Move, route: Mapping[str, Any]) -> Beside:
    """What runs beside the old on one way: a second cluster, proxies of the new mesh, or agents of the new plugin."""
    if not route["extra_agents"]:
        return 0.0, 0.0
    if route["route"] == "new-cluster":
        return _second_cluster(move.scenario)
    return _new_mesh(move) if route["part"] == "mesh" else _new_agents(move)


def _second_cluster(scenario: Mapping[str, Any]) -> Beside:
    nodes, memory, cpu = (scenario.get(name) for name in ("nodes", "node_memory_gib", "node_cpu_cores"))
    return (
        None if memory is None or nodes is None else memory * nodes,
        None if cpu is None or nodes is None else cpu * nodes,
    )


def _new_mesh(move: Move) -> Beside:
    row = next((row for row in move.figures if row["dataplane"] == move.dataplanes[1]), {})
    return row.get("memory_gib"), row.get("cpu_cores")


def _new_agents(move: Move) -> Beside:
    agent = read_table("cni_agents").filter(current_cni=move.target.cni or "")
    nodes = move.scenario.get("nodes")
    if not agent.height or nodes is None:
        return None, None
    return agent["memory_mib"].item() * nodes / 1024, agent["cpu_mcores"].item() * nodes / 1000
