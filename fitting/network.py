"""What network plugins cost a node, fitted to benchmarks of few laboratories.

The logarithm of a reading is what its datapath costs, plus what its run (laboratory, streams, processes) differs by,
plus what a small MTU adds. Runs say how far clusters differ, which all datapaths of a cluster share and a difference
of two cancels; what is left says how far one datapath differs from the fit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain
from statistics import fmean, stdev
from typing import Any

import numpy as np
import polars as pl

from meshlab.models.overhead.coefficients import NINETY_PERCENT
from meshlab.models.overhead.network import HOST
from meshlab.tables import read_table

FIGURES = ("node_mib", "node_mcores", "gigabit_mcores", "request_mcores", "connection_mcores")
"""What is fitted, in this order: a figure that one laboratory measured takes its spread from the one named beside."""

SPREAD_OF = {"node_mcores": "node_mib", "request_mcores": "gigabit_mcores", "connection_mcores": "gigabit_mcores"}
"""Figures that one laboratory measured, and the figure whose spread between laboratories stands in."""

JUMBO = 8000
"""MTU from which packets are large. [byte] Laboratories used 1440 to 1500 or 8940 to 9000."""

LIKE_SD = 0.3
"""What a like datapath that stands in is off by: standard deviation of the logarithm. A guess."""

ANY_SD = 0.6
"""The same where all that were measured stand in. A guess, above the range of what was measured."""

DIGITS = 4

RUN = ("source_id", "case")

ENCRYPTED = "wireguard|ipsec"
"""What ids of datapaths hold whose frames are encrypted."""

ANY = "any"

Spread = tuple[float, float]
"""Standard deviations of the logarithm: what a cluster's datapaths share, and what each has of its own."""


def network_costs() -> pl.DataFrame:
    """Costs of every datapath, columns of ``network_costs.csv``."""
    readings = read_table("evidence/network")
    rows: list[dict[str, Any]] = []
    spreads: dict[str, Spread] = {}
    for figure in FIGURES:
        fitted, spreads[figure] = _fit(readings.filter(figure=figure), spreads.get(SPREAD_OF.get(figure, "")))
        shared, own = spreads[figure]
        sources = dict(
            readings.filter(pl.col("role") != "spread", figure=figure)
            .group_by("datapath")
            .agg(pl.col("source_id").unique(maintain_order=True).str.join("|"))
            .iter_rows()
        )
        rows += [
            {"figure": figure, "datapath": name, "median": math.exp(level), "shared_sd": math.hypot(shared, mtu)}
            | {"own_sd": own, "measured": True, "source_ids": sources[name]}
            for name, (level, mtu) in fitted.items()
        ]
    return _with_like(rows)


def _fit(rows: pl.DataFrame, spread: Spread | None) -> tuple[dict[str, tuple[float, float]], Spread]:
    """Logarithms of what datapaths cost, each with half of what a small MTU adds; and the spreads, shared and own.

    Args:
        rows: Readings of one figure.
        spread: Spreads that stand in; worked out without.
    """
    apart = rows.filter(role="spread")
    rows = (
        rows.filter(pl.col("role") != "spread")
        .with_columns(
            small=(pl.col("mtu") < JUMBO).fill_null(value=False), encrypted=pl.col("datapath").str.contains(ENCRYPTED)
        )
        .group_by("datapath", *RUN, "role", "small", "encrypted", maintain_order=True)
        .agg(pl.col("value").log().mean())
    )
    datapaths = rows["datapath"].unique(maintain_order=True).to_list()
    runs = rows.select(RUN).unique(maintain_order=True)
    design = rows.select(
        *(pl.col("datapath").eq(name).alias(name) for name in datapaths),
        *(
            (pl.col("source_id").eq(source) & pl.col("case").eq(case)).alias(f"{source} {case}")
            for source, case in runs.iter_rows()
        ),
        small_plain=pl.col("small") & ~pl.col("encrypted"),
        small_encrypted=pl.col("small") & pl.col("encrypted"),
    ).cast(pl.Float64)
    values = rows["value"].to_numpy()
    found, _, rank, _ = np.linalg.lstsq(design.to_numpy(), values, rcond=None)
    left = values - design.to_numpy() @ found
    effects = dict(zip(design.columns, found.tolist(), strict=True))
    telling = rows.filter(role="level").select(RUN).unique(maintain_order=True).rows()
    by_source: dict[str, list[float]] = {}
    for source, case in telling:
        by_source.setdefault(source, []).append(effects[f"{source} {case}"])
    middle = fmean(map(fmean, by_source.values()))  # each laboratory alike
    if spread is None and apart.height:
        levels = apart["datapath"].replace_strict(effects, return_dtype=pl.Float64) + middle
        off = (apart["value"].log() - levels).to_list()
        # either laboratory is as far from what both would measure
        spread = abs(fmean(off)) / math.sqrt(2.0), stdev(off) / math.sqrt(2.0)
    if spread is None:
        spread = stdev(chain(*by_source.values())), math.sqrt(float(left @ left) / (rows.height - int(rank)))
    halves = {
        name: effects["small_encrypted" if re.search(ENCRYPTED, name) else "small_plain"] / 2 for name in datapaths
    }
    return {name: (effects[name] + middle + halves[name], halves[name]) for name in datapaths}, spread


def _with_like(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """What was fitted, and what stands in where a datapath was not measured under requests."""
    table = read_table("datapaths")
    known = {(row["figure"], row["datapath"]): row for row in rows}
    for figure in ("request_mcores", "connection_mcores"):
        measured = [row for (of, name), row in known.items() if of == figure and name != HOST]
        for name, like in table.drop_nulls("like").select("datapath", "like").iter_rows():
            if like == ANY:
                middle = math.exp(fmean(math.log(row["median"]) for row in measured))
                row, off = {**measured[0], "median": middle}, ANY_SD
            elif (figure, like) in known:
                row, off = known[figure, like], LIKE_SD
            else:
                continue
            rows.append({**row, "datapath": name, "own_sd": math.hypot(row["own_sd"], off), "measured": False})
    return (
        pl.DataFrame(rows)
        .with_columns(
            pl.col("median", "shared_sd", "own_sd").round_sig_figs(DIGITS), pl.col("figure").cast(pl.Enum(FIGURES))
        )
        .join(table.select("datapath").with_row_index("place"), on="datapath")
        .sort("place", "figure")
        .select("datapath", "figure", "median", "shared_sd", "own_sd", "measured", "source_ids")
    )


def left_out(figure: str = "gigabit_mcores") -> pl.DataFrame:
    """Ratios between two datapaths of one run, predicted without its source.

    Args:
        figure: One that several laboratories measured.

    Returns:
        ``source_id``, ``n`` ratios; ``inside``, the share that lies in its 10-90 % interval; ``clear``, how many of
        these intervals leave one out; ``right``, the share of these whose sign was measured so.
    """
    readings = read_table("evidence/network").filter(figure=figure)
    ratios: list[tuple[str, float, float, float]] = []
    for source in readings["source_id"].unique(maintain_order=True):
        costs, (_, own) = _fit(readings.filter(pl.col("source_id") != source), None)
        seen = readings.filter(pl.col("datapath").is_in(list(costs)), source_id=source)
        for _, run in seen.group_by("case", "mtu", maintain_order=True):
            values = run.group_by("datapath", maintain_order=True).agg(pl.col("value").log().mean()).rows()
            ratios += [
                (source, costs[one][0] - costs[other][0], value - beside, NINETY_PERCENT * math.sqrt(2.0) * own)
                for place, (one, value) in enumerate(values)
                for other, beside in values[:place]
            ]
    said, seen, width = pl.col("said"), pl.col("seen"), pl.col("width")
    return (
        pl.DataFrame(ratios, schema=["source_id", "said", "seen", "width"], orient="row")
        .group_by("source_id", maintain_order=True)
        .agg(
            n=pl.len(),
            inside=((said - seen).abs() <= width).mean(),
            clear=(said.abs() > width).sum(),
            right=(said * seen > 0).filter(said.abs() > width).mean(),
        )
    )


def told() -> Iterator[str]:
    """How well ratios between datapaths are predicted without their source, as lines of text."""
    for row in left_out().iter_rows(named=True):
        clear = "none clear" if not row["clear"] else f"{row['clear']} clear, {row['right']:.0%} of them right"
        yield f"network, {row['source_id']} left out: {row['n']} ratios, {row['inside']:.0%} inside, {clear}"
