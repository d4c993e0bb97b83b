"""Places: a network and a mesh with their editions, as a person writes them and as far as they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.decision.contests import Running, running
from meshlab.models.decision.tables import SIDES, Option, load_tables
from meshlab.scenario import inputs

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

    Args:
        text: What is written.
        known: What stands where the text says nothing.
        what: The option, for messages.

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
