"""Ways from one network plugin or mesh to another, and their steps, from the tables of ``data/migration``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.kept import kept
from meshlab.scenario import inputs
from meshlab.tables import read_table

EBPF = "-ebpf"
"""Ending by which a person asks for Calico's eBPF data plane: ``calico-ebpf``."""

DRAIN = "drain"
"""What a step takes whose time is worked out from the pods, and not assumed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A network plugin and a mesh, today's or the target's.

    Args:
        cni: As the input ``current_cni`` names it; ``stay`` for the plugin of today; None where unknown.
        mesh: As the input ``current_mesh`` names it; None where unknown.
        dataplane: ``ebpf`` where Calico's is asked for.
    """

    cni: str | None
    mesh: str | None
    dataplane: str | None = None

    def plain(self) -> dict[str, str | None]:
        """The place as plain data; the data plane only where it is said."""
        return {"cni": self.cni, "mesh": self.mesh, **({"dataplane": self.dataplane} if self.dataplane else {})}


def parse_place(text: str, known: Place, what: str) -> Place:
    """A place as a person writes it: ``cilium``, ``istio-ambient``, or both as ``cilium+istio-ambient``.

    Args:
        text: Names of a network plugin, a mesh, or both.
        known: What stands where the text says nothing.
        what: The option, for messages.

    Raises:
        MeshlabError: A name is neither a plugin nor a mesh.
    """
    plugins = {*(inputs()["current_cni"].choices or ()), "stay", f"calico{EBPF}", f"calico-enterprise{EBPF}"} - {
        "none",
        "other",
    }
    meshes = set(inputs()["current_mesh"].choices or ())
    cni, mesh, dataplane = known.cni, known.mesh, known.dataplane
    for name in filter(None, (part.strip() for part in text.split("+"))):
        if name in plugins:
            cni, dataplane = name.removesuffix(EBPF), "ebpf" if name.endswith(EBPF) else None
        elif name in meshes:
            mesh = name
        else:
            raise MeshlabError(
                Problem(what, f"{name!r} is no plugin or mesh", did_you_mean(name, sorted(plugins | meshes)))
            )
    return Place(cni, mesh, dataplane)


@kept
def _routes() -> pl.DataFrame:
    return read_table("migration/routes")


def ways_between(today: Place, target: Place, cloud: str | None) -> list[dict[str, Any]]:
    """The way of each part, network first: the first row of its part whose condition holds.

    A part that is unknown today and has a target still has a way; one without a target has none.
    """
    row = pl.DataFrame(
        {
            "from_cni": [today.cni],
            "from_mesh": [today.mesh],
            "to_cni": [target.cni],
            "to_mesh": [target.mesh],
            "to_dataplane": [target.dataplane],
            "cloud": [cloud],
        },
        schema_overrides=dict.fromkeys(
            ("from_cni", "from_mesh", "to_cni", "to_mesh", "to_dataplane", "cloud"), pl.String
        ),
    )
    found = []
    for part, end in (("cni", target.cni), ("mesh", target.mesh)):
        of_part = _routes().filter(pl.col("part") == part)
        holds = row.select(
            pl.sql_expr(condition).fill_null(value=False).alias(route)
            for route, condition in of_part.select("route", "applies").iter_rows()
        ).row(0)
        matching = [item for item, met in zip(of_part.iter_rows(named=True), holds, strict=True) if met]
        found += matching[:1] if end is not None else []
    return found


@kept
def _steps() -> pl.DataFrame:
    return read_table("migration/steps").sort("route", "place", maintain_order=True)


def steps_of(route: str) -> list[dict[str, Any]]:
    """Steps of a way in their order."""
    return _steps().filter(pl.col("route") == route).to_dicts()


def is_move(route: Mapping[str, Any]) -> bool:
    """Whether anything moves on that way."""
    return not str(route["route"]).startswith("stay-")
