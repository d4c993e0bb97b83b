"""What a move is made for: from where to where, in which cluster, and on which assumptions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.decision.contests import Running, running
from meshlab.models.decision.tables import SIDES, Option, load_tables
from meshlab.planning.migration.assumptions import SECONDS, Assumption, Interval, with_own
from meshlab.planning.migration.survey import Survey
from meshlab.scenario import inputs
from meshlab.tables import read_table

# --- places ----------------------------------------------------------------------------------------------------------


STAY, TUNED, NONE = "stay", "tuned", "none"

SHORT = {"calico-ebpf": "calico@self-run-ebpf"}
"""Names that people use for a product in one edition."""

WITH_SIDECARS = "-with-sidecars"
"""Ending of editions of ambient mode that have sidecars beside it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A network and a mesh, today's or the target's.

    Args:
        cni: As the input ``current_cni`` names it; ``stay`` for today's, ``none`` if nothing runs, None if unknown.
        mesh: As the input ``current_mesh`` names it, and so on.
        cni_edition: Edition of the network; None where it is not said.
        mesh_edition: Edition of the mesh.
        tuned: Whether it is what runs, with its configuration scoped and its requests sized.
    """

    cni: str | None
    mesh: str | None
    cni_edition: str | None = None
    mesh_edition: str | None = None
    tuned: bool = False

    def side(self, side: str) -> tuple[str | None, str | None]:
        """Product and edition of one side."""
        return (self.cni, self.cni_edition) if side == "cni" else (self.mesh, self.mesh_edition)

    def having(self, side: str, name: str | None, edition: str | None) -> Place:
        """The place with another product on one side."""
        return replace(self, **{side: name, f"{side}_edition": edition or None})

    def plain(self) -> dict[str, Any]:
        """The place as plain data."""
        editions = {"cni": self.cni_edition, "mesh": self.mesh_edition}
        return {"cni": self.cni, "mesh": self.mesh, "edition": editions, "tuned": self.tuned}


def parse_place(text: str, known: Place, what: str) -> Place:
    """A place as a person writes it: ``cni[@edition]+mesh[@edition]``, either side may be missing; ``@tuned``.

    What is ``known`` stands where the text says nothing; ``what`` is the option, for messages.

    Raises:
        MeshlabError: A name is neither a network nor a mesh, or has no such edition.
    """
    parts = [part.strip() for part in text.split("+")]
    if len(parts) > len(SIDES):
        raise MeshlabError(Problem(what, f"{text!r} has more than a network and a mesh", "write cni+mesh"))
    place = known
    for position, part in enumerate(parts):
        name, _, edition = SHORT.get(part, part).partition("@")
        if edition == TUNED:
            place, edition = replace(place, tuned=True), ""
        if name:
            side = _side(name, position, of=len(parts), what=what)
            _check_edition(side, name, edition, what)
            place = place.having(side, name, edition)
    return place


def _names(side: str) -> set[str]:
    return {*(inputs()[f"current_{side}"].choices or ()), STAY}


def _side(name: str, position: int, *, of: int, what: str) -> str:
    """The side that a name stands for; its position decides where it stands for either."""
    sides = [side for side in SIDES if name in _names(side)]
    if not sides:
        names = sorted({*_names("cni"), *_names("mesh"), *SHORT})
        raise MeshlabError(Problem(what, f"{name!r} is no network and no mesh", did_you_mean(name, names)))
    if of == len(SIDES) and SIDES[position] in sides:
        return SIDES[position]
    return "mesh" if name == NONE else sides[0]


def _check_edition(side: str, name: str, edition: str, what: str) -> None:
    known = [option.edition for option in load_tables().editions(side, name)]
    if edition and edition not in known:
        raise MeshlabError(Problem(what, f"{name} has no edition {edition!r}", did_you_mean(edition, known)))


# --- editions that are not said -------------------------------------------------------------------------------------


def today_editions(place: Place, side: str, cloud: str | None, engine: str | None) -> tuple[str, ...]:
    """Editions that come into question for what runs today on one side, the likeliest first."""
    name, edition = place.side(side)
    if name in (None, NONE):
        return ("",)
    found = running(load_tables(), side, Running(str(name), edition or "", engine or ""), cloud).options
    return tuple(dict.fromkeys(option.edition for option in found)) or ("",)


def new_editions(side: str, name: str, cloud: str | None) -> tuple[str, ...]:
    """Editions of a product that can be had anew here, in the order of the tables; all of them where none can."""
    editions: Sequence[Option] = load_tables().editions(side, name)
    had = [option for option in editions if option.new and option.had_on(cloud)]
    return tuple(dict.fromkeys(option.edition for option in had or editions)) or ("",)


def of_today(target: Place, today: Place) -> Place:
    """The target with today's where it stays."""
    for side in SIDES:
        if target.tuned or target.side(side)[0] == STAY:
            target = target.having(side, *today.side(side))
    return target


# --- the move --------------------------------------------------------------------------------------------------------


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
    kept: dict[Any, Any] = field(default_factory=dict[Any, Any])

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is worked out once for this cluster, under a key of all that it depends on."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def interval(self, name: str) -> Interval:
        """An assumption in its own unit."""
        return Interval(*self.assumptions[name].values)

    def seconds(self, name: str) -> Interval:
        """An assumption about time. [s]"""
        return self.once(name, lambda: self.interval(name).times(SECONDS[self.assumptions[name].unit]))

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
        return self.once("layer7", self._layer7)

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
    """A move that is asked for; figures under the names of both data planes tell what it saves."""

    today: Place
    target: Place
    setting: Setting
    figures: Sequence[Mapping[str, Any]] = ()
    dataplanes: tuple[str | None, str | None] = (None, None)
