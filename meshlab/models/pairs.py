"""Figures of a pair, network and mesh together, over joint draws: what it adds to the cluster without a mesh.

The mesh's part is that of its data plane. The network's part is its change: nothing where today's stays; else what
its datapath costs less what today's does, by ``overhead.network``; memory of Cilium's agents and maps, which grow with
the cluster, by Cilium's own model, to which an unmeasured plugin frees nothing. What else no measurement informs is
null, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import msgspec
import polars as pl

from meshlab.models.overhead import draw_estimates, memory
from meshlab.models.overhead.coefficients import medians
from meshlab.models.overhead.estimates import PRICES, monthly_cost
from meshlab.models.overhead.network import HOST, MIB_PER_GIB, datapath_of, network_draws
from meshlab.scenario import with_defaults
from meshlab.units import HOURS_PER_MONTH

FIGURES = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p90_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures of a pair."""

AGENTS = "agents"
"""Name of the scenario in which Cilium forwards packets and does nothing else."""


FEWEST_SERVICES = 10
"""Services that a proxy still knows once its configuration is scoped: what its workload calls, and the mesh's own."""


SCOPED = "istio-sidecar"
"""The data plane whose proxies each hold the configuration of every service that they know."""


def scoped_services(scenario: Mapping[str, Any]) -> int | None:
    """Services that each proxy knows once its configuration is scoped to its own namespace and as many services again.

    None where that is not half of what it knows now, so that little is to gain.

    Args:
        scenario: Inputs with defaults filled in: ``services``, ``namespaces``, ``config_services``.
    """
    own = -(-scenario["services"] // scenario["namespaces"])
    scoped = max(FEWEST_SERVICES, 2 * own)
    return scoped if 2 * scoped <= scenario["config_services"] else None


def scoping_saves_gib(scenario: Mapping[str, Any], services: int) -> float:
    """What proxies that know so many services hold less than those that know ``config_services``. [GiB]"""
    more, endpoints = scenario["config_services"] - services, scenario["pods"] / scenario["services"]
    each = cast("float", memory.configuration(medians(), more, more * endpoints))
    return scenario["pods"] * each / MIB_PER_GIB


def nodes_taken(scenario: Mapping[str, Any]) -> pl.Expr:
    """Nodes of the team's size that the memory and CPU of a pair take up; null where either is not known. [count]"""
    memory, cpu = pl.col("memory_gib") / scenario["node_memory_gib"], pl.col("cpu_cores") / scenario["node_cpu_cores"]
    return pl.when(memory.is_not_null() & cpu.is_not_null()).then(pl.max_horizontal(memory, cpu))


class PairDraws(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The joint draws of one scenario, made at the first question and kept for all others.

    Args:
        scenario: One row of ``scenario.schema()``.
        coefficients: As for ``overhead.estimate``.
    """

    scenario: pl.DataFrame
    coefficients: pl.DataFrame | None = None

    @cached_property
    def _known(self) -> dict[str, Any]:
        return self._filled.row(0, named=True)

    @cached_property
    def _filled(self) -> pl.DataFrame:
        return with_defaults(self.scenario).drop("assumed").collect()

    @cached_property
    def _by_dataplane(self) -> dict[tuple[Any, ...], pl.DataFrame]:
        """The draws of each data plane: as all is known to proxies, scoped, and of Cilium's agents alone."""
        filled, scoped = self._filled, scoped_services(self._known) or self._known["config_services"]
        variants = pl.concat(
            [
                filled.with_columns(scenario=pl.lit("whole")),
                filled.with_columns(scenario=pl.lit("tuned"), config_services=pl.lit(scoped, pl.Int64)),
                # Cilium's agents and maps alone, in place of nothing: no layer 7, no encryption
                filled.with_columns(
                    scenario=pl.lit(AGENTS),
                    l7_traffic_share=pl.lit(0.0),
                    mtls=pl.lit(value=False),
                    current_cni=pl.lit(None, pl.String),
                ),
            ]
        )
        drawn = draw_estimates(variants, self.coefficients).select("scenario", "draw", "dataplane", *FIGURES)
        return drawn.collect().partition_by("scenario", "dataplane", as_dict=True, include_key=False)

    def worlds(self, options: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """Every figure of every option, once for each draw.

        Args:
            options: ``cni``, ``mesh``, ``edition``, ``tuned`` and ``dataplane`` of each, as a verdict lists them;
                ``scoped`` where a new mesh is to be set up so that proxies know what their workloads call;
                ``new_cluster`` where it takes another cluster, as what runs does not do.

        Returns:
            ``option``, its place; ``draw``; ``FIGURES``.
        """
        known, drawn = self._known, self._by_dataplane
        networks = [(option["cni"], option["edition"]["cni"]) for option in options]
        changes = _Changes(drawn[AGENTS, "cilium"]["memory_gib"], known, networks)
        draws = drawn["whole", "none"]["draw"]
        parts = [
            pl.DataFrame([pl.repeat(place, len(draws), dtype=pl.Int32, eager=True).alias("option"), draws, *figures])
            for place, option in enumerate(options)
            for figures in [_figures(drawn, known, option, changes)]
        ]
        return pl.concat(parts)


def _figures(
    drawn: Mapping[tuple[Any, ...], pl.DataFrame],
    known: Mapping[str, Any],
    option: Mapping[str, Any],
    changes: _Changes,
) -> list[pl.Series]:
    """``FIGURES`` of one option in every draw, from the draws of each variant and data plane."""
    dataplane = option["dataplane"]
    rows = drawn["tuned" if option["tuned"] or option.get("scoped") else "whole", dataplane or "none"]
    if not dataplane:
        return rows.select(FIGURES).clear(len(rows)).get_columns()
    figures = {name: rows[name] for name in FIGURES}
    if dataplane != "cilium" or option["cni"] != "cilium":
        memory, cpu = changes.to(option["cni"], option["edition"]["cni"], differs=bool(option.get("new_cluster")))
        prices = (known[price] * HOURS_PER_MONTH for price in PRICES.values())
        figures["memory_gib"] += memory
        figures["cpu_cores"] += cpu
        figures["cost_usd_per_month"] += monthly_cost(memory, cpu, *prices)
    return [*figures.values()]


Network = tuple[str | None, str | None]
"""A plugin, and its edition."""

Capacity = tuple[pl.Series, pl.Series]
"""Draws of memory [GiB] and CPU [cores]."""


class _Changes:
    """What networks take over that of today, draw by draw.

    Args:
        agents: Memory of Cilium's agents and maps, in place of nothing. [GiB]
        known: Every input of the scenario, defaults filled in.
        networks: Plugins with their editions to which changes are asked for.
    """

    def __init__(self, agents: pl.Series, known: Mapping[str, Any], networks: Iterable[Network]) -> None:
        self.agents = agents
        self.today: Network = (
            ("none", None) if known["greenfield"] else (known["current_cni"], known["current_cni_edition"])
        )
        wanted = {datapath_of(*network) for network in (self.today, *networks)} - {None, HOST}
        found = network_draws(known, [HOST, *filter(None, wanted)], agents.len())
        self.drawn = found.partition_by("datapath", as_dict=True)

    def to(self, cni: str | None, edition: str | None, *, differs: bool) -> Capacity:
        """The change to a plugin in an edition, which surely ``differs``; null where either was not measured."""
        datapaths = datapath_of(cni, edition), datapath_of(*self.today)
        # editions that forward packets alike run the same agents, and one that is unknown may be the wanted one
        unmeasured = None in (edition, self.today[1]) and self._drawn(datapaths[0])[1].null_count() > 0 and not differs
        if cni is None or (cni == self.today[0] and (datapaths[0] == datapaths[1] or unmeasured)):
            return (zero := pl.zeros(self.agents.len(), pl.Float64, eager=True)), zero
        (memory, cpu), (memory_today, cpu_today) = self._of(cni, edition), self._of(*self.today)
        if cni == "cilium" and cpu_today.null_count():
            # as in Cilium's own model, what is freed counts as nothing where it is not known
            return memory, cpu - self._drawn(HOST)[1]
        return memory - memory_today, cpu - cpu_today

    def _of(self, cni: str | None, edition: str | None) -> Capacity:
        memory, cpu = self._drawn(datapath_of(cni, edition))
        return self.agents if cni == "cilium" else memory, cpu

    def _drawn(self, datapath: str | None) -> Capacity:
        drawn = self.drawn.get((datapath,))
        if drawn is None:
            unknown = pl.repeat(None, self.agents.len(), dtype=pl.Float64, eager=True)
            return unknown, unknown
        return drawn["memory_gib"], drawn["cpu_cores"]
