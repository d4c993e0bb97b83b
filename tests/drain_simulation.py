"""A drain, pod by pod in steps of a second: knows nothing of the model that it is compared with.

Everything happens as Kubernetes documents it (evidence S-K8S-EVICT, S-K8S-DISR): an eviction is refused while its
budget has no disruption left, a refused one is tried again, a pod leaves after the grace that it uses, its replacement
is ready some time later, and only then does the budget get its disruption back. A node is worked on when it is empty.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

Triple = tuple[float, float, float]


@dataclass
class Pod:
    """A pod to evict: its budget, how long it takes to leave and to be replaced [s], and what it asks for."""

    budget: str | None
    leaves: int
    starts: int
    asks: float = 0.0


@dataclass
class Node:
    """A node to drain: its pods, how long it is worked on when it is empty [s], and its capacity."""

    pods: list[Pod]
    work: int
    capacity: float = float("inf")


@dataclass
class Draining:
    """A node that is being drained."""

    node: Node
    todo: list[Pod]
    next_try: int
    gone: int
    done: int | None = None


@dataclass
class Cluster:
    """A cluster in the course of its drain.

    Args:
        nodes: Nodes in the order in which they are drained.
        allowed: Disruptions that each budget allows.
        parallel: Nodes that are drained at a time.
        retry: Time between two tries of an eviction. [s]
    """

    nodes: list[Node]
    allowed: dict[str, int]
    parallel: int
    retry: int
    now: int = 0
    held: Counter[str] = field(default_factory=Counter)
    most_held: Counter[str] = field(default_factory=Counter)
    least_spare: float = float("inf")
    returns: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    active: list[Draining] = field(default_factory=list)
    room: float = 0.0

    def __post_init__(self) -> None:
        """Work out what all pods leave free while every node is open."""
        self.room = sum(node.capacity - sum(pod.asks for pod in node.pods) for node in self.nodes)

    def drain(self) -> int:
        """Drain all nodes, and return how long it has taken. [s]"""
        waiting = list(self.nodes)
        while True:
            self.held.subtract(self.returns.pop(self.now, ()))
            self.active = [one for one in self.active if one.done is None or one.done > self.now]
            while waiting and len(self.active) < self.parallel:
                node = waiting.pop(0)
                self.active.append(Draining(node, list(node.pods), self.now, self.now))
            if not self.active:
                return self.now
            self.least_spare = min(self.least_spare, self.spare())
            for one in self.active:
                self.step(one)
            self.now += 1

    def spare(self) -> float:
        """What all pods leave free on the nodes that are open."""
        return self.room - sum(one.node.capacity for one in self.active)

    def step(self, one: Draining) -> None:
        """Ask for every pod that is still there, if it is time to."""
        if one.todo and self.now >= one.next_try:
            one.todo = [pod for pod in one.todo if not self.evicted(pod, one)]
            one.next_try = self.now + self.retry
        if not one.todo and one.done is None:
            one.done = one.gone + one.node.work

    def evicted(self, pod: Pod, one: Draining) -> bool:
        """Whether the pod's budget lets it go."""
        if pod.budget is not None:
            if self.held[pod.budget] >= self.allowed[pod.budget]:
                return False
            self.held[pod.budget] += 1
            self.most_held[pod.budget] = max(self.most_held[pod.budget], self.held[pod.budget])
            self.returns[self.now + pod.leaves + pod.starts].append(pod.budget)
        one.gone = max(one.gone, self.now + pod.leaves)
        return True


def triangular(interval: Triple, dice: random.Random) -> float:
    """A value of a triangular distribution of least, most likely and most."""
    lo, likely, hi = interval
    return dice.triangular(lo, hi, likely)
