"""The answer of a contest and its main reason, in a sentence or two."""

from __future__ import annotations

from typing import Any

from meshlab.models.decision.boards import ELIGIBLE, OPEN, RULED_OUT, UNMET
from meshlab.models.decision.standings import Contest, Standing, deciding, lacking, opening
from meshlab.models.decision.tables import CILIUM_MESH, GATEWAY, NONE, SIDES
from meshlab.models.decision.words import joined, label_of, named_needs, product

NEAREST = 2
"""Options that are named where none meets everything."""

ADDED = {
    CILIUM_MESH: "No mesh beside the network: you need {}, which {} brings.",
    "vpc-lattice": "No mesh, but a service: you need {}, which {} brings.",
}
"""What is said of options that are no mesh of proxies, where nothing runs today."""

Lack = dict[str, Any]


def sentence(contest: Contest) -> str:
    """The answer and its main reason."""
    pair = contest.pairs[0]
    if contest.facts["needs"] is None:
        network = "" if contest.answer["cni"] is None else f" {_network(contest, pair)}"
        return f"Not enough is known: what the platform must be able to do has not been said.{network}"
    if pair.standing == RULED_OUT:
        nearest = (f"{_named(one)} ({_why(contest, one)})" for one in _nearest(contest))
        stays = (one for one in contest.pairs if one.cni.today and (one.mesh.today or one.mesh.id == NONE))
        gone = "".join(f" {_capital(_why(contest, one))}." for one in [*stays][:1])
        lacks = [*lacking(contest, first := _nearest(contest)[0])]
        needed = joined([lack["requirement" if lack["side"] in SIDES else "why"] for lack in lacks])
        can_change = not any(lack["fixed"] for lack in lacks)
        way = f"Needed first: {needed}. Then: {_named(first)}" if can_change else f"Nearest: {'; '.join(nearest)}"
        return f"As the cluster stands, none of the options can be had.{gone} {way}."
    if pair.standing == UNMET:
        nearest = (f"{_named(one)}, which lacks {named_needs(one.lacking)}" for one in _nearest(contest))
        barred = [one for one in contest.pairs if not (one.lacking or one.unread)]
        barred = [one for one in barred if not any(lack["fixed"] for lack in lacking(contest, one))]
        but = "".join(f" {_named(one)} would, but: {_why(contest, one)}." for one in barred[:1])
        return f"None of the options meets everything that is asked.{but} Nearest: {'; '.join(nearest)}."
    parts = [_mesh(contest, pair), _network(contest, pair)]
    if pair.standing == OPEN:
        parts.append(f"To be found out first: {_why(contest, pair)}.")
    return " ".join(parts)


def replaced(contest: Contest, name: str) -> str | None:
    """Why what runs today on one side does not stay; None where it stays, or nothing speaks against it but a wish."""
    chosen: Any = getattr(contest.pairs[0], name)
    if chosen.today or contest.runs[name].id in ("", NONE):
        return None
    other = "mesh" if name == "cni" else "cni"
    staying = [pair for pair in contest.pairs if getattr(pair, name).today and not pair.tuned]
    # the best that keeps it; where that could be had, the same without this change
    same = [pair for pair in staying if getattr(pair, other) is getattr(contest.pairs[0], other)]
    lacks: list[Lack] = []
    for stays in (*staying[:1], *same[:1]):
        lacks = lacks or [*lacking(contest, stays)]
        lacks = lacks or [lack for lack in opening(contest, stays) if lack["requirement"] != "needs"]
    if not staying:
        return None
    if not lacks:
        healthy = contest.facts[f"{name}_healthy"]
        return f"{label_of(getattr(staying[0], name))} is said to be unhealthy" if healthy is False else None
    of_side = [lack for lack in lacks if lack["side"] in (name, "any", "both", "encrypting")]
    return joined([lack["why"] for lack in of_side or lacks])


def _nearest(contest: Contest) -> list[Standing]:
    """Of the pairs that stand as the first one does those that come nearest, each of other products.

    Those come first that lack least of what nobody can change: a kernel, a licence or a rule can be changed, the end
    of a product and the age of a cluster cannot.
    """
    first = contest.pairs[0]
    alike = [pair for pair in contest.pairs if pair.standing == first.standing and not pair.tuned]
    lacks = {id(pair): [*lacking(contest, pair)] for pair in alike}
    alike.sort(key=lambda pair: (sum(lack["fixed"] for lack in lacks[id(pair)]), len(lacks[id(pair)])))
    nearest: dict[tuple[str, str], Standing] = {}
    for pair in alike:
        nearest.setdefault((pair.cni.id, pair.mesh.id), pair)
    return [*nearest.values()][:NEAREST]


def _named(pair: Standing) -> str:
    mesh = "without a mesh" if pair.mesh.id == NONE else f"with {label_of(pair.mesh)}"
    return f"{label_of(pair.cni)} {mesh}"


def _why(contest: Contest, pair: Standing) -> str:
    return joined([lack["why"] for lack in [*lacking(contest, pair)] or [*opening(contest, pair)]])


def _network(contest: Contest, pair: Standing) -> str:
    today, side = contest.runs["cni"].id, pair.cni
    if not side.id:
        return "Which network plugin runs has to be found out."
    if side.today:
        return f"Keep {label_of(side)}{_ailing(contest, 'cni')}."
    if today in ("", NONE):
        return f"Use {label_of(side)}."
    return f"{_change(contest, pair, 'cni')}{_because(contest, 'cni')}."


def _mesh(contest: Contest, pair: Standing) -> str:
    today, side, sure = contest.runs["mesh"].id, pair.mesh, pair.standing == ELIGIBLE and bool(contest.asked)
    needed = _of_mesh(contest, pair)
    runs = today not in ("", NONE)
    if side.id == NONE:
        gone = f" {_capital(product(today, 'mesh'))} can go{_because(contest, 'mesh')}." if runs else ""
        return f"No mesh: {'the network meets what is asked' if sure else 'nothing that is asked needs one'}.{gone}"
    if side.id == GATEWAY and not side.today:
        edge = f"No mesh, but a gateway: {named_needs(needed)} {'ends' if len(needed) == 1 else 'end'} at the edge."
        return (
            f"{edge} {_change(contest, pair, 'mesh') if runs else f'Add {label_of(side)}'}{_because(contest, 'mesh')}."
        )
    if side.today:
        reason = "it meets what is asked" if sure else "nothing that is known rules it out"
        return f"Keep {label_of(side)}{', tuned' if pair.tuned else ''}: {reason}{_ailing(contest, 'mesh')}."
    if not runs:
        return ADDED.get(side.id, "Yes, a mesh: you need {}. Add {}.").format(named_needs(needed), label_of(side))
    why = _because(contest, "mesh") or f": what is asked is {named_needs(needed)}"
    return f"{_change(contest, pair, 'mesh')}{why}."


def _ailing(contest: Contest, name: str) -> str:
    """What has to be said of what stays though it is said to be unhealthy."""
    ailing = contest.facts[f"{name}_healthy"] is False
    return ", although it is said to be unhealthy: repair it first" if ailing else ""


def _change(contest: Contest, pair: Standing, name: str) -> str:
    """What takes the place of a product that runs: another edition of it, or another product."""
    today, label = contest.runs[name].id, label_of(getattr(pair, name))
    if getattr(pair, name).id == today:
        named = product(today, name)
        rest = label.removeprefix(named).lstrip(", ")
        return f"Keep {named}, {f'as {label}' if rest == label else f'from now on {rest}'}"
    return f"Replace {product(today, name)} with {label}"


def _because(contest: Contest, name: str) -> str:
    why = replaced(contest, name)
    return f": {why}" if why else ""


def _of_mesh(contest: Contest, pair: Standing) -> list[str]:
    """The needs for which the mesh is there."""
    by_mesh = [need for need in contest.asked if pair.mesh in deciding(contest, pair, need)]
    return by_mesh or [need for need in contest.asked if need in pair.unread] or contest.asked


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
