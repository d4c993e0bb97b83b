"""From where to where, in which cluster, by which route and in which steps, from the tables of ``data/migration``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import groupby
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached
from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.decision.contests import Running, running
from meshlab.models.decision.tables import SIDES, Option, load_tables
from meshlab.models.pairs import scoped_services, scoping_saves_gib
from meshlab.planning.migration.assumptions import SECONDS, Assumption, Draws, Interval, sampled, total, with_own
from meshlab.planning.migration.survey import Survey
from meshlab.scenario import inputs
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH

# --- places ----------------------------------------------------------------------------------------------------------

STAY, TUNED, NONE = "stay", "tuned", "none"

SHORT = {"calico-ebpf": "calico@self-run-ebpf"}
"""Names that people use for a product in one edition."""

WITH_SIDECARS = "-with-sidecars"
"""Ending of editions of ambient mode that have sidecars beside it."""


class Place(msgspec.Struct, frozen=True):
    """A network and a mesh, today's or the target's.

    Args:
        cni: As the input ``current_cni`` names it; ``stay`` for today's, ``none`` if nothing runs, None if unknown.
        mesh: As the input ``current_mesh`` names it, and so on.
        cni_edition: Edition of the network; None where it is not said.
        mesh_edition: Edition of the mesh.
        tuned: Whether it is what runs, with its configuration scoped and its requests sized.
        new_cluster: Whether it can be had in a second cluster alone.
    """

    cni: str | None
    mesh: str | None
    cni_edition: str | None = None
    mesh_edition: str | None = None
    tuned: bool = False
    new_cluster: bool = False

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
    known = list(dict.fromkeys(option.edition for option in load_tables().editions(side, name)))
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
        name = target.side(side)[0]
        if name == STAY or (target.tuned and (side == "mesh" or name is None)):
            target = target.having(side, *today.side(side))
    return target


# --- the move --------------------------------------------------------------------------------------------------------


NO_DUMP: Survey = {"nodes": {}, "ranges": [], "checks": [], "placed": False, "virtual": []}
"""What a survey says where there is no dump."""

AT_LAYER_7 = ("ambient-l7-policy", "ambient-custom", "ambient-virtualservice", "ambient-request-auth", "ambient-wasm")
"""Checks that find layer 7 in use."""

OWN_KINDS, PEERS = "policy-kinds", "bgp"
"""Checks that find policies which one vendor's plugin reads alone, and BGP peers."""

TOO_OLD = {"cilium": "kernel-cilium", "calico": "kernel-calico"}
"""Checks that find nodes too old for a network."""


class Setting(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The cluster that moves are made in, and the assumptions about them.

    Args:
        scenario: Values of the declared inputs, defaults filled in: cloud, nodes, pods, namespaces, services, needs.
        survey: What a dump shows; None without one.
        assumptions: What it takes, a team's own figures in the place of defaults.
        pod_cidr: The new range of pod addresses, where the team has chosen one.
        encapsulation: The fact ``cni.encapsulation``.
        calls: Which service calls which, by the team's traces.
        kubernetes_stated: The oldest minor version of Kubernetes on a node, where the team states it.
        kept: What has been worked out for this cluster, by what it depends on.
    """

    scenario: Mapping[str, Any]
    survey: Survey | None = None
    assumptions: Mapping[str, Assumption] = msgspec.field(default_factory=with_own)
    pod_cidr: str | None = None
    encapsulation: str | None = None
    calls: Sequence[Sequence[str]] = ()
    kubernetes_stated: int | None = None
    kept: dict[Any, Any] = msgspec.field(default_factory=dict[Any, Any])

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is worked out once for this cluster, under a key of all that it depends on."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def interval(self, name: str) -> Interval:
        """An assumption in its own unit."""
        return self.assumptions[name].values

    def seconds(self, name: str) -> Interval:
        """An assumption about time. [s]"""
        return self.once(name, lambda: self.interval(name).times(SECONDS[self.assumptions[name].unit]))

    def draws(self, name: str) -> Draws:
        """An assumption in each world, in its own unit."""
        return sampled(name, self.interval(name))

    def hours(self, name: str) -> Draws:
        """An assumption about time in each world. [h]"""
        return self.draws(name) * (SECONDS[self.assumptions[name].unit] / SECONDS["h"])

    def number(self, name: str) -> float:
        """A number that the team chooses."""
        return self.interval(name).likely

    @property
    def seen(self) -> Survey:
        """What the dump shows, or that there is none."""
        return self.survey or NO_DUMP

    @property
    def kubernetes(self) -> int | None:
        """The oldest minor version on a node, as the dump shows or the team states it."""
        return self.seen.get("kubernetes") or self.kubernetes_stated

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

    @cached_property
    def layer7(self) -> bool | None:
        """Whether what is needed, or what the dump shows in use, takes layer 7; None where neither is known."""
        needs = self.scenario.get("needs")
        states = {row["id"]: row["state"] for row in self.seen["checks"]}
        if any(states.get(name) == "fail" for name in AT_LAYER_7):
            return True
        return None if needs is None else not set(needs).isdisjoint(read_table("migration/layer7")["need"])

    def _count(self, check: str) -> int | None:
        """Objects that a check has found; None where the input does not tell."""
        found = next((row for row in self.seen["checks"] if row["id"] == check), None)
        return None if found is None or found["state"] not in ("fail", "pass") else int(found["count"] or 0)

    @property
    def policies(self) -> int | None:
        """Policies of a kind of one vendor alone, which the next plugin does not read.

        None where none is seen: that a dump has no such kind does not say that the cluster has none.
        """
        return self._count(OWN_KINDS) or None

    @cached_property
    def needs(self) -> frozenset[str]:
        """What is asked for; BGP also where routes are announced today."""
        announced = self.scenario.get("bgp_fabric") or self._count(PEERS)
        asked: Sequence[str] = self.scenario.get("needs") or ()
        return frozenset({*asked, "bgp"} if announced else asked)

    @cached_property
    def scoped(self) -> bool:
        """Whether sidecars of a new mesh are to be told what their workloads call alone: where that pays in time."""
        known = all(self.scenario.get(name) for name in ("pods", "services", "namespaces", "config_services"))
        services = scoped_services(self.scenario) if known else None
        if services is None:
            return False
        each, months = (self.scenario.get(name) for name in ("memory_usd_per_gib_hour", "horizon_months"))
        if each is None or months is None:
            return True
        counts = {"once": 1, "namespace": self.scenario["namespaces"]}
        steps = _scoping(fresh=self.nothing_runs)
        work = [self.hours(step["takes"]) * counts[step["scope"]] for step in steps]
        work += [self.hours(step["grows"]) * counts["namespace"] for step in steps if step["grows"]]
        price = ((total(work) * self.draws("usd_per_person_hour")).quantile(0.5) or 0.0) * self.number("people")
        return scoping_saves_gib(self.scenario, services) * each * months * HOURS_PER_MONTH > price

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


class Move(msgspec.Struct, frozen=True):
    """A move, with figures of ``today``, of the ``target`` as set up and of its ``mesh`` alone in each world."""

    today: Place
    target: Place
    setting: Setting
    worlds: Mapping[str, pl.DataFrame] = msgspec.field(default_factory=dict[str, pl.DataFrame])


Row = dict[str, Any]

DRAIN, BY_PROVIDER = "drain", "provider-node"
"""What a step takes whose time is worked out from the pods, and not assumed."""

NEW_CLUSTER, UNKNOWN = "new-cluster", "none"
"""The stage of a second cluster, and the basis of a route that nobody documents."""

ROOTS = {"aks-add-on": "aks-istio-system"}
"""Root namespace of an Istio, by its edition, where it is not ``istio-system``."""


BY_NETWORK = frozenset({"egress_gateway"})
"""What the network sets up where the mesh could as well: the gateway of a mesh leaves with its node's address."""


def root_namespace(edition: str | None) -> str:
    """Root namespace of an Istio: that of its control plane."""
    return ROOTS.get(edition or "", "istio-system")


def host_lines(namespaces: Iterable[str] | None) -> str:
    """Lines of a Sidecar's hosts for namespaces that are called; a word to be filled in where nobody knows them."""
    return "".join(f'\n        - "{name}/*"' for name in (["CALLED_NAMESPACE"] if namespaces is None else namespaces))


SIDECARS = frozenset({"istio-sidecar", "linkerd", "consul", "kuma", "app-mesh", "osm"})
"""Meshes with a proxy beside each pod."""

SIDES_OF = ("from", "to")
CONDITIONS: dict[str, pl.DataType] = {
    **{f"{end}_{name}": pl.String() for end in SIDES_OF for name in ("cni", "cni_edition", "mesh", "mesh_edition")},
    **{f"{end}_vendor": pl.String() for end in SIDES_OF},
    **{f"{end}_{name}": pl.Boolean() for end in SIDES_OF for name in ("mixed", "proxies")},
    "cloud": pl.String(),
    **dict.fromkeys(("fresh", "replaced", "tuned", "l7", "scoped", "windows"), pl.Boolean()),
    **dict.fromkeys(("old_nodes", "kubernetes", "policies"), pl.Int64()),
    **dict.fromkeys(("cni_needs", "mesh_needs"), pl.List(pl.String())),
}
"""Columns that conditions of routes and steps may name."""


class Terms(msgspec.Struct, frozen=True):
    """Between which places a route is asked for, and what of the cluster it depends on.

    Args:
        today: What runs, editions filled in.
        target: Where to, editions filled in.
        cloud: The input ``cloud``.
        fresh: Whether nothing runs there yet: a new platform, or a second cluster.
        replaced: Whether a second cluster takes the place of the first.
        l7: Whether needs take layer 7; None where unknown.
        old_nodes: Nodes of pools that rule the move out.
        kubernetes: The oldest minor version on a node, as ``audit.inventory.minor`` counts them; None where unknown.
        policies: Policies that the plugin of today reads alone; None where unknown.
        scoped: Whether sidecars of a new mesh are to be scoped.
        windows: Whether there are Windows nodes.
        needs: What is asked for.
    """

    today: Place
    target: Place
    cloud: str | None = None
    fresh: bool = False
    replaced: bool = False
    l7: bool | None = None
    old_nodes: int = 0
    kubernetes: int | None = None
    policies: int | None = None
    scoped: bool = False
    windows: bool = False
    needs: frozenset[str] = frozenset()

    def row(self) -> Row:
        """The columns that conditions name."""
        today = Place(NONE, NONE) if self.fresh else self.today
        ends = {
            f"{end}_{name}": value
            for end, place in zip(SIDES_OF, (today, self.target), strict=True)
            for name, value in _columns(place).items()
        }
        rest = {name: getattr(self, name) for name in CONDITIONS.keys() & {*self.__struct_fields__}}
        cni, mesh = (self._met(self.target, side) for side in SIDES)
        mesh -= cni & BY_NETWORK
        needs = {"cni_needs": sorted(cni - mesh - self.kept), "mesh_needs": sorted(mesh - self.kept)}
        return {**ends, **rest, **needs, "tuned": self.target.tuned}

    def _met(self, place: Place, side: str) -> set[str]:
        """What is asked for and met by one side of a place.

        Where both could, it is the mesh's, which knows who calls, but for what is about addresses.
        """
        return {need for need in self.needs if _meets(place, side, need, self.cloud)}

    @property
    def kept(self) -> set[str]:
        """What a side meets today and goes on to meet, set up as it is, for its product stays."""
        stay = [side for side in SIDES if not self.fresh and self.today.side(side)[0] == self.target.side(side)[0]]
        return {need for side in stay for need in self._met(self.today, side)}

    @property
    def lost(self) -> list[str]:
        """What is asked for, and met by what runs but not by the target."""
        before, after = (self._met(place, "cni") | self._met(place, "mesh") for place in (self.today, self.target))
        return sorted(before - after)


@cache
def _meets(place: Place, side: str, need: str, cloud: str | None) -> bool:
    """Whether the tables say that one side of a place meets a need; Cilium's mesh is for the needs of meshes alone."""
    tables, (name, edition) = load_tables(), place.side(side)
    layers = (side,) if name == "cilium-mesh" else (side, "any")
    if tables.layers.get(need) not in layers or edition not in {
        row.edition for row in tables.editions(side, name or "")
    }:
        return False
    cell = tables.cell(tables.option(side, str(name), str(edition), cloud), need, cloud)
    return bool(cell and cell.meets)


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


class Way(msgspec.Struct, frozen=True):
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


@cached
def routes() -> tuple[Row, ...]:
    """Rows of ``routes.csv``."""
    return tuple(read_table("migration/routes").with_columns(pl.col("stages").str.split("|")).iter_rows(named=True))


@cached
def steps() -> tuple[Row, ...]:
    """Rows of ``steps.csv``, stage by stage in order."""
    table = read_table("migration/steps").sort("stage", "place", maintain_order=True)
    return tuple(table.with_columns(pl.col("text_date").cast(pl.String)).iter_rows(named=True))


@cached
def _stages() -> dict[str, tuple[Row, ...]]:
    return {stage: tuple(own) for stage, own in groupby(steps(), lambda step: step["stage"])}


def held(conditions: Mapping[str, str], rows: Sequence[Row]) -> list[dict[str, bool]]:
    """Of each row, which conditions hold; one that a missing fact leaves open does not.

    Most are of a product that no row names: they hold nowhere, and polars takes longer to plan them than to find that.
    """
    frame = pl.DataFrame(list(rows), schema=CONDITIONS)
    named = {name: {row[name] for row in rows} for name, dtype in CONDITIONS.items() if dtype == pl.String}
    asked = {
        name: text
        for name, text in conditions.items()
        if not any(named[column].isdisjoint(values) for column, values in _bounds(text).items())
    }
    found = frame.select(*(_expression(text).alias(name) for name, text in asked.items())).rows(named=True)
    nowhere = dict.fromkeys(conditions.keys() - asked.keys(), False)
    return [nowhere | row for row in (found or [{}] * len(rows))]


@cached
def _bounds(text: str) -> dict[str, frozenset[str]]:
    """Texts outside of which a condition holds nowhere, by column: those of what it joins by AND."""
    from sqlglot import exp, parse_one

    found: dict[str, frozenset[str]] = {}
    whole = parse_one(text)
    for part in whole.flatten() if isinstance(whole, exp.And) else (whole,):
        values = part.expressions if isinstance(part, exp.In) else [part.expression] if isinstance(part, exp.EQ) else []
        if values and isinstance(part.this, exp.Column) and all(value.is_string for value in values):
            found[part.this.name] = frozenset(value.name for value in values)
    return found


@cache
def _expression(text: str) -> pl.Expr:
    return pl.sql_expr(text).fill_null(value=False)


@cached
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

    A part for which nobody documents a way makes the whole move one to a second cluster, and so does a target that is
    to be had there alone. All moves that were not asked for before are worked out by one query.
    """
    missing = [item for item in dict.fromkeys(terms) if item not in _taken]
    if len(_taken) + len(missing) > MOST_TAKEN:
        _taken.clear()
        missing = list(dict.fromkeys(terms))
    if missing:
        again: dict[Terms, Row] = {}
        for item, holds in zip(missing, held(_conditions(), [item.row() for item in missing]), strict=True):
            found = _chosen(item, holds)
            asked = [row for row in routes() if holds[f"route:{row['route']}"]] if item.target.new_cluster else found
            cause = next(
                (row for row in asked if row["basis"] == UNKNOWN or NEW_CLUSTER in (row["stages"] or ())), None
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
    if name is None or (item.target.tuned and side == "mesh" and not item.fresh):
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


@cached
def _notes() -> dict[str, str]:
    return dict(read_table("migration/notes").select("label", "applies").iter_rows())


@lru_cache(256)
def _noted(terms: Terms) -> dict[str, bool]:
    return held(_notes(), [terms.row()])[0]


SCOPING = ("mesh-calls", "mesh-scope")
"""Stages in which proxies of a new mesh are told what their workloads call."""


@cached
def _scoping(*, fresh: bool) -> tuple[Row, ...]:
    """The steps that scope the sidecars of a new mesh, on a new platform or one that runs."""
    rows = [step for stage in SCOPING for step in _stages()[stage]]
    known = {"scoped": True, "fresh": fresh, "replaced": False, "from_mesh": NONE, "to_mesh": "istio-sidecar"}
    (applies,) = held({step["step"]: step["applies"] for step in rows}, [dict.fromkeys(CONDITIONS) | known])
    return tuple(step for step in rows if applies[step["step"]])


def fitting(command: str, terms: Terms) -> str:
    """A command without the comments that are for another product or platform, by ``notes.csv``."""
    holds = _noted(terms)
    lines = command.split("; ")
    return "; ".join(line for line in lines if holds.get(line.removeprefix("# ").partition(":")[0], True))


def set_up(terms: Terms) -> Iterator[Row]:
    """What needs that stay met take wherever it is not done yet: by need, the steps of a new platform for it."""
    asked = {need: replace(terms, target=terms.today, fresh=True, needs=frozenset({need})) for need in terms.kept}
    for need, ways in zip(sorted(asked), ways_of([asked[need] for need in sorted(asked)]), strict=True):
        found = [step for way in ways for step in way.steps if step["stage"] in NEEDS_STAGES]
        for step in found:
            told = {name: step[name] for name in SET_UP_TOLD}
            yield {"need": need, **told, "command": fitting(step["command"], terms)}


NEEDS_STAGES = frozenset({"network-needs", "mesh-needs"})
"""Stages that set up what is asked for."""

SET_UP_TOLD = ("action", "command", "check", "source_id")
"""Columns of a step that are told of what stays."""


def _second_clusters(moves: Mapping[Terms, Row]) -> Iterator[tuple[Terms, tuple[Way, ...]]]:
    """Moves to a second cluster: that cluster, with the reason of the part that needs it, and the mesh in it."""
    # a mesh that is installed anew is scoped as it comes: that is no step of its own
    anew = {item: replace(item.target, tuned=False) for item in moves}
    items = {item: replace(item, target=anew[item], fresh=True, replaced=True, old_nodes=0) for item in moves}
    rows = [terms.row() for terms in items.values()]
    for (item, terms), holds in zip(items.items(), held(_conditions(), rows) if rows else (), strict=True):
        build = next(row for row in routes() if row["route"] == NEW_CLUSTER)
        told = {
            name: moves[item][name] for name in ("route", "part", "title", "basis", "limits", "source_id", "text_date")
        }
        network = {**build, **told}
        mesh = [row for row in _chosen(terms, holds) if row["part"] == "mesh"]
        yield item, tuple(_ways([network, *mesh], holds))
