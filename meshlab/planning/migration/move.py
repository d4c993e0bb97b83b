"""What a plan is made for: from where to where, in which cluster, and on which assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshlab.planning.durations import SECONDS, Assumption, with_own
from meshlab.planning.migration.interval import Interval
from meshlab.planning.migration.routes import Place
from meshlab.planning.migration.survey import Survey


@dataclass(frozen=True, slots=True)
class Move:
    """What a plan is made for.

    Args:
        today: Network plugin and mesh of today.
        target: Those that are moved to.
        scenario: Values of the declared inputs, defaults filled in: cloud, nodes, pods, namespaces, services.
        survey: What a dump shows; None without one.
        assumptions: What it takes, a team's own figures in the place of defaults.
        pod_cidr: The new range of pod addresses, where the team has chosen one.
        encapsulation: The fact ``cni.encapsulation``.
        figures: Estimates of the scenario, for what the move saves.
        dataplanes: Names under which they hold today and the target.
    """

    today: Place
    target: Place
    scenario: Mapping[str, Any]
    survey: Survey | None = None
    assumptions: Mapping[str, Assumption] = field(default_factory=with_own)
    pod_cidr: str | None = None
    encapsulation: str | None = None
    figures: Sequence[Mapping[str, Any]] = ()
    dataplanes: tuple[str | None, str | None] = (None, None)

    def interval(self, name: str) -> Interval:
        """An assumption in its own unit."""
        return Interval(*self.assumptions[name].values)

    def seconds(self, name: str) -> Interval:
        """An assumption about time. [s]"""
        return self.interval(name).times(SECONDS[self.assumptions[name].unit])

    def number(self, name: str) -> float:
        """A number that the team chooses."""
        return self.interval(name).likely
