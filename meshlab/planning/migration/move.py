"""What a move is made for: from where to where, in which cluster, and on which assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshlab.planning.migration.assumptions import SECONDS, Assumption, Interval, with_own
from meshlab.planning.migration.places import Place
from meshlab.planning.migration.survey import Survey
from meshlab.tables import read_table

NO_DUMP: Survey = {"nodes": {}, "ranges": [], "checks": [], "placed": False, "virtual": []}
"""What a survey says where there is no dump."""

AT_LAYER_7 = ("ambient-l7-policy", "ambient-custom", "ambient-virtualservice", "ambient-request-auth", "ambient-wasm")
"""Checks that find layer 7 in use."""

TOO_OLD = {"cilium": "kernel-cilium", "calico": "kernel-calico"}
"""Checks that find nodes too old for a network."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """The cluster that moves are made in, and the assumptions about them.

    Args:
        scenario: Values of the declared inputs, defaults filled in: cloud, nodes, pods, namespaces, services, needs.
        survey: What a dump shows; None without one.
        assumptions: What it takes, a team's own figures in the place of defaults.
        pod_cidr: The new range of pod addresses, where the team has chosen one.
        encapsulation: The fact ``cni.encapsulation``.
        kept: What has been worked out for this cluster, by what it depends on.
    """

    scenario: Mapping[str, Any]
    survey: Survey | None = None
    assumptions: Mapping[str, Assumption] = field(default_factory=with_own)
    pod_cidr: str | None = None
    encapsulation: str | None = None
    kept: dict[Any, Any] = field(default_factory=dict)

    def interval(self, name: str) -> Interval:
        """An assumption in its own unit."""
        return Interval(*self.assumptions[name].values)

    def seconds(self, name: str) -> Interval:
        """An assumption about time. [s]"""
        if name not in self.kept:
            self.kept[name] = self.interval(name).times(SECONDS[self.assumptions[name].unit])
        return self.kept[name]

    def number(self, name: str) -> float:
        """A number that the team chooses."""
        return self.interval(name).likely

    @property
    def seen(self) -> Survey:
        """What the dump shows, or that there is none."""
        return self.survey or NO_DUMP

    @property
    def placed(self) -> bool:
        """Whether the dump shows both nodes and the pods on them."""
        return bool(self.seen["placed"] and self.seen["nodes"].get("name"))

    @property
    def nodes(self) -> int:
        """Machines of the dump, or as many as are stated."""
        return len(self.seen["nodes"].get("name", ())) or int(self.scenario.get("nodes") or 1)

    @property
    def nothing_runs(self) -> bool:
        """Whether the platform is new, so that nothing has to be moved."""
        return bool(self.scenario.get("greenfield"))

    @property
    def layer7(self) -> bool | None:
        """Whether what is needed, or what the dump shows in use, takes layer 7; None where neither is known."""
        if "layer7" not in self.kept:
            self.kept["layer7"] = self._layer7()
        return self.kept["layer7"]

    def _layer7(self) -> bool | None:
        needs = self.scenario.get("needs")
        states = {row["id"]: row["state"] for row in self.seen["checks"]}
        if any(states.get(name) == "fail" for name in AT_LAYER_7):
            return True
        return None if needs is None else not set(needs).isdisjoint(read_table("migration/layer7")["need"])

    def old(self, cni: str | None) -> tuple[int, int]:
        """Nodes of pools that have a node too old for a network, without pools those nodes alone, and their pods."""
        check = next((row for row in self.seen["checks"] if row["id"] == TOO_OLD.get(cni or "")), None)
        if check is None or check["state"] != "fail":
            return 0, 0
        names, nodes = {name.removeprefix("Node ") for name in check["objects"]}, self.seen["nodes"]
        rows = list(zip(nodes["name"], nodes["pool"], nodes["pods"], strict=True))
        pools = {pool for name, pool, _ in rows if name in names} - {None}
        old = [pods for name, pool, pods in rows if name in names or pool in pools]
        return len(old), sum(old)


@dataclass(frozen=True, slots=True)
class Move:
    """A move that is asked for.

    Args:
        today: Network and mesh of today.
        target: Those that are moved to.
        setting: The cluster.
        figures: Estimates of the scenario, for what the move saves.
        dataplanes: Names under which they hold today and the target.
    """

    today: Place
    target: Place
    setting: Setting
    figures: Sequence[Mapping[str, Any]] = ()
    dataplanes: tuple[str | None, str | None] = (None, None)
