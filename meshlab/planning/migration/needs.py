"""What a move needs while it runs: people, money for them, and capacity beside what runs today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from meshlab.models.overhead.cluster import network_agents
from meshlab.planning.migration.assumptions import ZERO, Interval
from meshlab.planning.migration.move import Move, Place, Setting
from meshlab.planning.migration.routes import NEW_CLUSTER, Way

Beside = tuple[float | None, float | None]
"""Memory [GiB] and CPU [cores] that are needed beside what runs today; None where unknown."""

HOURS_OF_DAY = 24.0


def second_cluster(ways: Sequence[Way]) -> bool:
    """Whether a second cluster runs beside the first."""
    return any(NEW_CLUSTER in (way.route["stages"] or ()) for way in ways)


def capacity(scenario: Mapping[str, Any]) -> Beside:
    """Memory [GiB] and CPU [cores] of a second cluster as large as the first."""
    nodes, memory, cpu = (scenario.get(name) for name in ("nodes", "node_memory_gib", "node_cpu_cores"))
    return (
        None if memory is None or nodes is None else memory * nodes,
        None if cpu is None or nodes is None else cpu * nodes,
    )


def rent(setting: Setting, ways: Sequence[Way]) -> Interval | None:
    """Price of a second cluster for the days that it runs beside the first; None where it is unknown. [USD]"""
    if not second_cluster(ways):
        return ZERO
    memory, cpu = capacity(setting.scenario)
    of_memory, of_cpu = map(setting.scenario.get, ("memory_usd_per_gib_hour", "cpu_usd_per_core_hour"))
    if memory is None or cpu is None or of_memory is None or of_cpu is None:
        return None
    hourly = memory * of_memory + cpu * of_cpu
    return setting.interval("overlap_days").times(HOURS_OF_DAY * hourly)


def beside(move: Move, ways: Sequence[Way]) -> dict[str, float | None]:
    """What runs beside the old on all ways: a second cluster, proxies of the new mesh, or agents of the new network."""
    parts = [_beside(move, way) for way in ways]
    return {
        name: None if any(part[place] is None for part in parts) else fsum(part[place] or 0.0 for part in parts)
        for place, name in enumerate(("extra_memory_gib", "extra_cpu_cores"))
    }


def _beside(move: Move, way: Way) -> Beside:
    if second_cluster([way]):
        return capacity(move.setting.scenario)
    if not way.route["extra_agents"]:
        return 0.0, 0.0
    if way.route["part"] == "mesh":
        row = next((row for row in move.figures if row["dataplane"] == move.dataplanes[1]), {})
        return row.get("memory_gib"), row.get("cpu_cores")
    return _new_agents(move.target, move.setting.nodes)


def _new_agents(target: Place, nodes: int) -> Beside:
    agent = network_agents().filter(current_cni=target.cni or "")
    if not agent.height:
        return None, None
    return agent["memory_mib"].item() * nodes / 1024, agent["cpu_mcores"].item() * nodes / 1000
