"""How each pair of a contest stands in one scenario, and what it lacks, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from meshlab.cache import cached, cached_latest
from meshlab.models.decision.conditions import NEVER, STATES
from meshlab.models.decision.contests import (
    Network,
    Row,
    Rules,
    Running,
    Side,
    answering,
    binding,
    chosen,
    failing,
    known_running,
    meeting,
    need_bit,
    network_of,
    prefers,
    requirements_of,
    rules,
    running,
)
from meshlab.models.decision.decide import contested, platform_at, recommended, stated
from meshlab.models.decision.labels import (
    input_label,
    joined,
    label_of,
    listed,
    named_needs,
    need_label,
    product,
    said,
)
from meshlab.models.decision.ranking import ABSENT, ELIGIBLE, OPEN, RULED_OUT, UNMET, pair_table, standing
from meshlab.models.decision.tables import (
    ANYWHERE,
    GATEWAY,
    NONE,
    OTHER,
    PROVIDER,
    SELF_RUN,
    SIDES,
    SUPPORTS,
    Cell,
    Preference,
    Requirement,
    Tables,
    is_stale,
)
from meshlab.scenario import inputs
from meshlab.tables import read_table
from meshlab.units import rounded

STANDINGS = {ELIGIBLE: True, OPEN: None, UNMET: False, RULED_OUT: False}
"""What ``eligible`` says of each standing."""

GRADES = ("documented", "beta", "extrapolated", "prior")
"""How good the evidence is that an option meets what is asked: released and documented; alpha, beta or preview;
inferred from another edition's text; not read anywhere."""

BUDGET, NEEDS = "budget", "needs"
"""What a pair lacks beside requirements of the tables and single needs: a larger budget, and needs that were stated."""

Facts = Mapping[str, Any]


class Breach(NamedTuple):
    """Budgets that an option breaks, with near certainty or more likely than not."""

    what: str
    certain: bool
    times: float = 0.0
    """How many times the budget it takes, of the one that it exceeds most."""


class Use(NamedTuple):
    """What an option takes of a stated budget, in words, and the input that states it with what it says.

    Below ``surely`` the option breaks it with near certainty, below ``likely`` more likely than not. ``each`` says how
    much of the unit is one of what the input states, such as the cluster's memory of a share of it.
    """

    budget: str
    most: float
    surely: float
    likely: float
    unit: str
    takes: str
    each: float = 1.0


def breach(uses: Sequence[Use], most: Mapping[str, float] | None = None) -> Breach | None:
    """The budgets that an option breaks; None where it keeps all of them.

    Args:
        uses: What it takes of each.
        most: Other budgets than those that are stated.
    """
    limits = {use.budget: use.most for use in uses} | (dict(most) if most else {})
    for certain in (True, False):
        if over := [use for use in uses if limits[use.budget] < (use.surely if certain else use.likely)]:
            told = (
                f"{inputs()[use.budget].label} of {rounded(limits[use.budget])} {use.unit}; {use.takes}" for use in over
            )
            times = max(use.likely / limits[use.budget] if limits[use.budget] else np.inf for use in over)
            return Breach("; ".join(told), certain, times)
    return None


class Caveat(NamedTuple):
    """What comes with an option that does not rule it out.

    Args:
        kind: The effect of a requirement; or ``fee``, ``support``, ``edition`` (one that may run could not stay),
            ``budget``, ``partial``, ``unfinished``, ``idle``, ``lighter`` (less would do in part), or ``unread``.
        text: A sentence without its stop.
        sign: How it shows that it was not heeded; of a requirement alone.
        mitigation: What to do about it; of a requirement alone.
    """

    kind: str
    text: str
    sign: str = ""
    mitigation: str = ""


class Standing(msgspec.Struct, frozen=True):
    """A pair as it stands in one scenario.

    Args:
        cni: Its network.
        mesh: Its mesh.
        network: Its network as conditions of the mesh side see it.
        tuned: Whether it is what runs today with its configuration scoped and its requests sized.
        standing: One of ``ELIGIBLE``, ``OPEN``, ``UNMET``, ``RULED_OUT``.
        lacking: Needs that it does not meet. [ids]
        unread: Needs of which nobody read whether it meets them. [ids]
        key: What tells it from the other pairs.
        over: The budget that it breaks.
    """

    cni: Side
    mesh: Side
    network: Network | None
    tuned: bool
    standing: int
    binding: list[str]
    lacking: list[str]
    unread: list[str]
    key: str
    over: Breach | None

    def side(self, name: str) -> Side:
        """Its network or its mesh, by name."""
        return self.mesh if name == "mesh" else self.cni

    @property
    def sides(self) -> tuple[Side, Side]:
        """Its network and its mesh."""
        return self.cni, self.mesh

    @property
    def label(self) -> str:
        """What it is called."""
        mesh = " without a mesh" if self.mesh.id == NONE else f" + {label_of(self.mesh)}"
        told = f"{label_of(self.cni)}{mesh}{', tuned' if self.tuned else ''}"
        return f"The {told[4:]}" if told.startswith("the ") else told


class Contest(msgspec.Struct, frozen=True):
    """One scenario: its facts, what runs today, the answer, the pairs as they stand, the best first."""

    facts: Facts
    answer: Facts
    platform: str | None
    runs: Mapping[str, Running]
    pairs: Sequence[Standing]
    states: Sequence[bool | None]
    tables: Tables
    rules: Rules
    ruled: dict[tuple[int, Network | None], Ruling] = msgspec.field(default_factory=dict[Any, Any])
    told: dict[tuple[int, int, Row], Lack] = msgspec.field(default_factory=dict[Any, Any])
    preferred: dict[tuple[int, Preference], bool] = msgspec.field(default_factory=dict[Any, Any])

    @property
    def asked(self) -> list[str]:
        """The needs, none where nobody stated them."""
        return list(self.facts["needs"] or ())

    def state(self, row: Row, network: Network | None) -> bool | None:
        """What the facts say of a row's condition, above a network."""
        return self.states[self.rules.place(row, network)]

    def prefers(self, row: Preference, pair: Standing) -> bool:
        """Whether a preference speaks for its side of a pair."""
        side = pair.side(row.side)
        key = (id(side), row)
        if key not in self.preferred:
            self.preferred[key] = prefers(row, side, self.runs[row.side])
        return self.preferred[key]

    def ruling(self, side: Side, network: Network | None) -> Ruling:
        """What the requirements of a side of a pair come to."""
        key = (id(side), network)
        if key not in self.ruled:
            rows = requirements_of(self.tables, side, self.platform)
            states = [(row, self.state(row, network)) for row in rows]
            self.ruled[key] = Ruling(
                failing=[row for row, state in states if row.blocks and state is False],
                open=[row for row, state in states if row.blocks and state is None and not row.lenient],
                broken=[row for row, state in states if not row.blocks and state is False],
            )
        return self.ruled[key]

    def cell(self, side: Side, need: str) -> Cell | None:
        """What was read of a side and a need; of editions in question the worst, where all meet the need alike."""
        cells = [self.tables.cell(option, need, self.platform) for option in side.options]
        if len(cells) == 1:
            return cells[0]
        meeting_it = [cell for cell in cells if cell and cell.meets]
        if len(meeting_it) < len(cells) or len({cell.support for cell in meeting_it}) != 1:
            return None
        return min(meeting_it, key=lambda cell: (cell.is_finished, not cell.is_inferred))


class Ruling(msgspec.Struct, frozen=True):
    """Requirements of a side: those that rule it out, those that a missing fact leaves open, and broken caveats."""

    failing: list[Requirement]
    open: list[Requirement]
    broken: list[Requirement]


class Lack(msgspec.Struct, frozen=True):
    """Why a pair is ruled out or open.

    Args:
        side: Of which side: ``cni``, ``mesh``, or the layer of a need.
        requirement: What it asks for: words of a requirement, or the id of a need.
        found: What was found instead.
        why: The same as one sentence says it.
        missing: Inputs that are not known. [names]
        fixed: Whether it rests on facts alone that nobody can change.
        source_id: Sources that say so.
    """

    side: str
    requirement: str
    found: str | None
    why: str
    missing: Sequence[str] = ()
    fixed: bool = False
    source_id: str = ""


def contests(
    frame: pl.DataFrame, facts: Sequence[Facts], tables: Tables, over: Mapping[str, Breach] | None = None
) -> list[Contest]:
    """The contest of each ``compared`` scenario.

    Args:
        frame: The scenarios; with ``BUDGETS`` where a budget speaks against pairs.
        facts: The same as they were given.
        tables: The tables.
        over: By the key of a pair which budget it breaks.
    """
    given = stated(frame, tables)
    best = np.zeros(len(frame), np.int64)
    ranked: dict[int, list[tuple[int, int]]] = {}
    for _, rows, orders in contested(given, tables):
        best[rows] = orders.min(axis=0)
        for row, column in zip(rows.tolist(), orders.T, strict=True):
            places = column.argsort()[: np.count_nonzero(column < ABSENT)]
            ranked[row] = list(zip(places.tolist(), standing(column[places]).tolist(), strict=True))
    answers = recommended(given.facts, best, tables)
    found: list[Contest] = []
    for row, answer in enumerate(answers.rows(named=True)):
        states = [STATES[int(state)] for state in given.states[:, row]]
        platform = platform_at(answer["cloud"])
        runs = {side: known_running(tables, side)[int(answer[f"{side}:runs"])] for side in SIDES}
        pairs = list(_standings(ranked[row], answer["needs"], runs, platform, tables, over or {}))
        found.append(Contest(facts[row], answer, platform, runs, pairs, states, tables, rules(tables)))
    return found


def _standings(
    ranked: Sequence[tuple[int, int]],
    needs: int,
    runs: Mapping[str, Running],
    platform: str | None,
    tables: Tables,
    over: Mapping[str, Breach],
) -> Iterator[Standing]:
    entries = pair_table(tables, platform).entries
    cni_today, mesh_today = (running(tables, side, runs[side], platform) for side in SIDES)
    for place, stands in ranked:
        entry = entries[place]
        cni, mesh = entry.cni or cni_today, entry.mesh or mesh_today
        by = answering(tables, cni.encrypts, mesh.encrypts)
        met = meeting(tables, cni.met, mesh.met, by)
        unmet = failing(tables, cni.unmet, mesh.unmet, by)
        asked = binding(tables, needs, cni.encrypts | mesh.encrypts)
        yield Standing(
            cni=cni,
            mesh=mesh,
            network=network_of(entry.cni),
            tuned=entry.tuned,
            standing=stands,
            binding=needs_of(asked),
            lacking=needs_of(asked & unmet),
            unread=needs_of(asked & ~(met | unmet)),
            key=entry.key,
            over=over.get(entry.key),
        )


def needs_of(bits: int) -> list[str]:
    """The needs of some bits, in their declared order."""
    return [*_needs_of(bits)]


@cached_latest(4096)
def _needs_of(bits: int) -> tuple[str, ...]:
    return tuple(need for place, need in enumerate(inputs()["needs"].choices) if bits >> place & 1)


# --- options --------------------------------------------------------------------------------------------------------


def option(contest: Contest, pair: Standing, rank: int) -> dict[str, Any]:
    """A pair as ``decide`` tells it; and ``lacks``, what rules it out."""
    lacks = [*lacking(contest, pair)]
    open_ones = [*opening(contest, pair)]
    missing = [name for lack in open_ones for name in lack.missing]
    nothing_before = contest.runs["mesh"].id == NONE == pair.mesh.id
    return {
        **names(pair),
        "label": pair.label,
        "today": pair.cni.today and (pair.mesh.today or nothing_before),
        "eligible": STANDINGS[pair.standing],
        "unmet": pair.lacking,
        "unknown": list(dict.fromkeys([*pair.unread, *missing])),
        "why_not": joined([lack.why for lack in lacks or open_ones]) or None,
        "rank": rank,
        "dataplane": _dataplane(pair.mesh),
        "paid": [side.side for side in pair.sides if side.only is not None and side.only.paid],
        "caveats": [caveat._asdict() for caveat in dict.fromkeys(caveats(contest, pair))],
        "lacks": lacks,
    }


def names(pair: Standing) -> dict[str, Any]:
    """What tells a pair from every other of a contest."""
    return {
        "cni": pair.cni.id or None,
        "mesh": pair.mesh.id,
        "edition": {side.side: side.edition or None for side in pair.sides},
        "tuned": pair.tuned,
    }


def _dataplane(mesh: Side) -> str | None:
    """The data plane whose figures are those of a mesh; None where no model answers for it."""
    found = {option.dataplane for option in mesh.options}
    return next(iter(found)) or None if len(found) == 1 else None


def lacking(contest: Contest, pair: Standing) -> Iterator[Lack]:
    """What is known to rule a pair out: a budget, requirements that fail, and needs that it does not meet."""
    if pair.over and pair.over.certain:
        yield Lack("both", BUDGET, pair.over.what, f"over budget: {pair.over.what}")
    for side in pair.sides:
        for row in contest.ruling(side, pair.network).failing:
            yield _lack(contest, side, row, pair.network)
    for need in pair.lacking:
        sides = [side for side in _counting(contest.tables, pair, need) if _has(side.unmet, need)]
        told = [side for side in sides if side.id != NONE] or sides  # that there is no mesh either goes without saying
        notes = joined([_falls_short(contest, side, need) for side in told])
        why, source_id = f"{need_label(need)}: {notes}", _sources(contest, sides, need)
        yield Lack(contest.tables.layers[need], need, notes, why, source_id=source_id)


def opening(contest: Contest, pair: Standing) -> Iterator[Lack]:
    """What leaves a pair open: requirements on which a fact is missing, and needs that nobody read of."""
    for side in pair.sides:
        for row in contest.ruling(side, pair.network).open:
            yield _lack(contest, side, row, pair.network)
    if contest.facts["needs"] is None:
        why = "what the platform must be able to do has not been said"
        yield Lack("both", NEEDS, None, why, missing=["needs"])
    for need in pair.unread:
        sides = [side for side in _counting(contest.tables, pair, need) if not _has(side.met | side.unmet, need)]
        why = joined([_not_known(contest, side, need) for side in sides])
        missing = [f"current_{side.side}_edition" for side in sides if len(side.options) > 1]
        missing += [f"current_{side.side}" for side in sides if side.today and side.id == OTHER]
        source_id = _sources(contest, sides, need)
        yield Lack(contest.tables.layers[need], need, None, why, missing=missing, source_id=source_id)


def _lack(contest: Contest, side: Side, row: Requirement, network: Network | None) -> Lack:
    """What a requirement that fails or is open comes to; most read alike above every network, and are put once."""
    place = contest.rules.place(row, network)
    key = (id(side), place, row)
    if key not in contest.told:
        contest.told[key] = _put(contest, side, row, place)
    return contest.told[key]


def _put(contest: Contest, side: Side, row: Requirement, place: int) -> Lack:
    names, state = contest.rules.asked[place], contest.states[place]
    known = [
        f"{input_label(name)}: {said(contest.facts[name], name)}" for name in names if contest.facts[name] is not None
    ]
    if not names and side.only and side.only.ends:
        known = [f"end of its support: {side.only.ends}"]
    missing = [name for name in names if state is None and contest.facts[name] is None]
    words = _required(side, row)
    if missing:
        words += f" (not known: {', '.join(map(input_label, missing))})"
    found = ", ".join(known) if state is not None else None
    fixed = all(inputs()[name].actionability == "fixed" for name in names)
    return Lack(row.side, row.requirement, found, words, missing, fixed, row.source_id)


def _required(side: Side, row: Requirement) -> str:
    """A requirement of a side in words, with the day on which its support ends where the row asks for that."""
    ends = next((option.ends for option in side.options if option.ends), "a day that nobody has read")
    if row.blocks and row.condition == NEVER and all(option.status == "ended" for option in side.options):
        return f"support for {label_of(side)} ended on {ends}"
    return f"{label_of(side)} needs {row.requirement.replace('{ends}', ends)}"


def _has(bits: int, need: str) -> bool:
    return bool(bits & need_bit(need))


def _falls_short(contest: Contest, side: Side, need: str) -> str:
    """How a side does not meet a need."""
    if side.id == NONE:
        return "there is no mesh"
    cell = contest.cell(side, need)
    if cell is None:
        found = ((each, contest.tables.cell(each, need, contest.platform)) for each in side.options)
        nearest = {each.label: EXTENTS[one.support] for each, one in found if one and one.support not in ("no", "yes")}
        only = "".join(f"; {label} does only {extent}" for label, extent in [*nearest.items()][:1])
        return (
            f"no edition of {product(side.id, side.side)} that may run here meets it{' in full' if only else ''}{only}"
        )
    how = "does not meet it" if cell.support == "no" else f"meets it only {EXTENTS[cell.support]}"
    return f"{label_of(side)} {how}{f' ({cell.note})' if cell.note else ''}"


def shortfall(contest: Contest, pair: Standing) -> str:
    """What a pair lacks and what it meets only in part, as a beta or as an alpha, after its name in a sentence."""
    told: dict[str, list[str]] = {}
    for need in pair.lacking:
        cells = (contest.cell(side, need) for side in _counting(contest.tables, pair, need))
        best = min((SUPPORTS.index(cell.support) for cell in cells if cell), default=SUPPORTS.index("no"))
        told.setdefault(SUPPORTS[best], []).append(need)
    lacks = [f"lacks {named_needs(told.pop('no'))}"] if "no" in told else []
    return " and ".join(
        lacks + [f"meets {named_needs(needs)} only {EXTENTS[support]}" for support, needs in told.items()]
    )


def _not_known(contest: Contest, side: Side, need: str) -> str:
    """Why it is not known whether a side meets a need."""
    label = need_label(need)
    if len(side.options) > 1:
        depends = f"{label} depends on which edition of {product(side.id, side.side)} runs"
        cells = {option.label: contest.tables.cell(option, need, contest.platform) for option in side.options}
        meeting_it, failing_it = (
            [name for name, cell in cells.items() if cell and cell.meets is meets] for meets in (True, False)
        )
        if not meeting_it:
            return depends
        few = not failing_it or len(meeting_it) <= len(failing_it)
        return f"{depends}; of those {f'only {listed(meeting_it)}' if few else f'all but {listed(failing_it)}'} will do"
    if side.today and side.id in ("", OTHER):
        return f"{label} depends on what {product(side.id, side.side)} is"
    return f"nobody has read whether {label_of(side)} meets {label}"


def note_of(cell: Cell) -> str:
    """What was read of an option and a need."""
    extent = EXTENTS[cell.support]
    return f"{extent}: {cell.note}" if cell.note else extent


EXTENTS = {
    "yes": "in full",
    "partial": "in part",
    "beta": "as a beta",
    "alpha": "as an alpha",
    "no": "not at all",
    "not read": "not read",
}
"""How far a need is met, in words."""


def _sources(contest: Contest, sides: Sequence[Side], need: str) -> str:
    cells = (contest.cell(side, need) for side in sides)
    return ";".join(dict.fromkeys(cell.source_id for cell in cells if cell and cell.support != "not read"))


def _counting(tables: Tables, pair: Standing, need: str) -> tuple[Side, ...]:
    """The sides of a pair that count for a need."""
    layer = tables.layers[need]
    if layer == "encrypting":
        by = answering(tables, pair.cni.encrypts, pair.mesh.encrypts)
        return tuple(side for side, needs in zip(pair.sides, by, strict=True) if _has(needs, need))
    return (pair.side(layer),) if layer in SIDES else pair.sides


def caveats(contest: Contest, pair: Standing) -> Iterator[Caveat]:
    """What comes with an option: requirements that do not rule it out, and needs that it meets in part or as a beta."""
    for side in pair.sides[: 1 if pair.cni.edition == pair.mesh.edition else 2]:  # one edition, one bill
        if side.only and side.only.price_basis not in ("", "not read") and not side.today:
            yield Caveat("fee", f"{label_of(side)} costs extra ({side.only.price_basis})")
    yield from _idle_licence(contest, pair)
    yield from _support_left(contest, pair)
    for side in pair.sides:
        for row in contest.ruling(side, pair.network).broken:
            yield Caveat(row.effect, _required(side, row), *_hints().get(row.id, ()))
        if side.today and not side.edition:
            yield from _gone(contest, side)
    if pair.over and not pair.over.certain:
        yield Caveat("budget", f"More likely than not over budget: {pair.over.what}")
    for need in contest.asked:
        yield from _of_need(contest, pair, need)
    yield from _unread_below(contest, pair)
    if pair is contest.pairs[0]:
        yield from _lighter(contest, pair)


def _lighter(contest: Contest, pair: Standing) -> Iterator[Caveat]:
    """What a new mesh is not needed for where less is enough: what a gateway, or none, meets in part."""
    if pair.mesh.today or pair.mesh.id in (NONE, GATEWAY) or pair.standing != ELIGIBLE:
        return
    for other in contest.pairs:
        if other.cni is not pair.cni or other.mesh.id not in (NONE, GATEWAY) or not other.lacking or other.unread:
            continue
        cells = {need: contest.cell(other.mesh, need) for need in other.lacking}
        if contest.ruling(other.mesh, other.network).failing or not all(
            cell and cell.support == "partial" for cell in cells.values()
        ):
            continue
        notes = listed([f"{need_label(need)} ({cell.note})" for need, cell in cells.items() if cell])
        less = "A cluster without a mesh" if other.mesh.id == NONE else label_of(other.mesh)
        yield Caveat("lighter", f"{less} does part of it, {notes}: where that is enough, no mesh is needed")
        return


@cached
def _hints() -> dict[str, tuple[str, str]]:
    """By the id of a requirement how it shows that its caveat was not heeded, and what to do about it."""
    return {row: (sign, todo) for row, sign, todo in read_table("decision/caveats").iter_rows()}


def _unread_below(contest: Contest, pair: Standing) -> Iterator[Caveat]:
    """Needs for which alone a mesh would come, and of which nobody read whether the network meets them."""
    if not pair.cni.only or pair.mesh.today or any(contest.tables.layers[need] == "mesh" for need in contest.asked):
        return
    for need in contest.asked:
        if not _has(pair.cni.met | pair.cni.unmet, need) and pair.mesh in deciding(contest, pair, need):
            told = f"{label_of(pair.cni)} may meet {need_label(need)} by itself: find out before a mesh is added"
            yield Caveat("unread", told)


def _support_left(contest: Contest, pair: Standing) -> Iterator[Caveat]:
    """That a new mesh is yours to run where the provider supports that of today; requirements say it of networks."""
    side, runs = pair.mesh, next((each.mesh for each in contest.pairs if each.mesh.today), None)
    if side.today or not runs or any(option.supported_by != SELF_RUN for option in side.options):
        return
    if runs.options and all(option.supported_by == PROVIDER and option.status != "ended" for option in runs.options):
        yield Caveat("support", f"{label_of(side)} is yours to run and to upgrade; {label_of(runs)} is the provider's")


def _idle_licence(contest: Contest, pair: Standing) -> Iterator[Caveat]:
    """That what runs is paid for, where a free edition of the same product meets all that is asked."""
    for side in pair.sides:
        if not (side.today and side.only and side.only.paid):
            continue
        for other in contest.pairs:
            its, rest = (other.cni, other.mesh) if side.side == "cni" else (other.mesh, other.cni)
            same = its.id == side.id and rest in pair.sides and other.standing == ELIGIBLE
            if same and its.only and not its.only.paid:
                yield Caveat(
                    "fee", f"{label_of(side)} costs extra, and {label_of(its)} meets all that is asked as well"
                )
                break


def _gone(contest: Contest, side: Side) -> Iterator[Caveat]:
    """Editions of which one may run today and that could not stay."""
    for gone in contest.tables.editions(side.side, side.id):
        why = f"If what runs is {gone.label}, it cannot stay:"
        if contest.platform is None and ANYWHERE not in gone.platforms:
            continue  # a team that is on the one platform that had it would have said so
        if gone.status == "ended" and gone.had_on(contest.platform):
            yield Caveat("edition", f"{why} its support ended on {gone.ends}")
        elif gone.status == "deprecated" and gone.had_on(contest.platform):
            it = chosen(contest.tables, side.side, side.id, gone.edition, contest.platform)
            failing = contest.ruling(it, None).failing[:1]
            yield from (Caveat("edition", f"{why} it needs {row.requirement}") for row in failing)


def _of_need(contest: Contest, pair: Standing, need: str) -> Iterator[Caveat]:
    """Where a need binds nothing, and where it is met in part or as a beta."""
    if need not in pair.binding:
        idle = f"{need_label(need, starts=True)} binds nothing here: no part encrypts, and no need asks for that"
        yield Caveat("idle", idle)
    for side in deciding(contest, pair, need):
        cell = contest.cell(side, need)
        if cell and (cell.support != "yes" or not cell.released):
            kind = "partial" if cell.support == "partial" else "unfinished"
            yield Caveat(kind, f"{label_of(side)} meets {need_label(need)} {note_of(cell)}")
        if cell is None:
            own = ((each.label, contest.tables.cell(each, need, contest.platform)) for each in side.options)
            found = ((label, note_of(read)) for label, read in own if read and read.support != "yes")
            for label, note in islice(found, 1):
                yield Caveat("edition", f"If what runs is {label}, {need_label(need)} is met {note}")


def unfinished(contest: Contest, pair: Standing) -> list[str]:
    """The needs that a pair meets only by what is alpha, beta or not released, each with how far."""
    rests = ((need, side) for need in contest.asked for side in deciding(contest, pair, need))
    cells = {need: contest.cell(side, need) for need, side in rests if not _has(side.finished, need)}
    return [f"{need_label(need)} ({EXTENTS[cell.support]})" for need, cell in cells.items() if cell]


def lost(contest: Contest) -> list[str]:
    """The needs that nobody asked for, that the products of today meet, and that the first pair does not. [ids]"""
    first, nothing = contest.pairs[0], contest.runs["mesh"].id == NONE
    stays = (pair for pair in contest.pairs if pair.cni.today)
    today = next((pair for pair in stays if pair.mesh.today or (nothing and pair.mesh.id == NONE)), first)

    def meets(pair: Standing, need: str) -> bool:
        return any(_has(side.met, need) for side in _counting(contest.tables, pair, need))

    def fails(pair: Standing, need: str) -> bool:
        return all(_has(side.unmet, need) for side in _counting(contest.tables, pair, need))

    idle = {*contest.asked, *(() if contest.facts["windows_nodes"] else ("windows_nodes",))}
    singly = {need for need, layer in contest.tables.layers.items() if layer in (*SIDES, "any")} - idle
    return [need for need in inputs()["needs"].choices if need in singly and meets(today, need) and fails(first, need)]


def evidence(contest: Contest, pair: Standing) -> Iterator[dict[str, Any]]:
    """By which side a pair meets each need that is asked, with the text that says so."""
    for need in contest.asked:
        for side in deciding(contest, pair, need):
            cell = contest.cell(side, need)
            yield {
                "need": need,
                "side": side.side,
                "label": label_of(side),
                "support": cell.support if cell else "every edition of it in question",
                "note": cell.note if cell else "",
                "source_id": cell.source_id if cell else "",
                "text_date": cell.text_date if cell else None,
                "stale": bool(cell) and is_stale(contest.tables, cell.text_date),
            }


def deciding(contest: Contest, pair: Standing, need: str) -> list[Side]:
    """The sides by which a pair meets a need; of two that would do, the one that does so best."""
    counting = _counting(contest.tables, pair, need) if need in pair.binding else ()
    meeting_it = [side for side in counting if _has(side.met, need)]
    if contest.tables.layers[need] == "any" and len(meeting_it) > 1:
        finished = [side for side in meeting_it if _has(side.finished, need)]
        cells = {side.side: contest.cell(side, need) for side in finished or meeting_it}
        fully = [side for side in finished if (cell := cells[side.side]) is None or cell.support == "yes"]
        return (fully or finished or meeting_it)[:1]
    return meeting_it


def grade(contest: Contest, pair: Standing) -> str:
    """The worst grade of the evidence behind a need that is asked."""
    grades = [0]
    grades += [1 for side in pair.sides if side.only and side.only.status in ("beta", "preview")]
    for need in contest.asked:
        sides = deciding(contest, pair, need)
        cells = [cell for side in sides if (cell := contest.cell(side, need))]
        grades += [2 if cell.is_inferred else 0 if cell.is_finished else 1 for cell in cells]
        # which edition runs is a fact to be found out, and no text that nobody has read
        grades += [3] if not sides and any(side.only for side in _counting(contest.tables, pair, need)) else []
    return GRADES[max(grades)]


def parts(contest: Contest) -> list[dict[str, Any]]:
    """Each network and each mesh option alone, with the needs of its own layer that it lacks."""
    found: dict[tuple[str, str, str, bool], dict[str, Any]] = {}
    for side in (side for pair in contest.pairs for side in pair.sides):
        mine = [need for need in contest.asked if contest.tables.layers[need] == side.side]
        found.setdefault(
            (side.side, side.id, side.edition, side.today),
            {
                "side": side.side,
                "option": side.id or None,
                "edition": side.edition or None,
                "label": label_of(side),
                "today": side.today,
                "unmet": [need for need in mine if _has(side.unmet, need)],
                "unread": [need for need in mine if not _has(side.unmet | side.met, need)],
            },
        )
    return list(found.values())
