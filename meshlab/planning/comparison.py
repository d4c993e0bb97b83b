"""Options side by side over joint draws: what each costs, how often it is best, and what would be lost if it is not.

A draw is one possible world: what options share is drawn once, so that differences within a draw are those of that
world and are sharp where single intervals are wide. The functions take a frame of worlds, one row for each option and
draw, and know nothing of where its figures come from.

Sources: Claxton, K. (1999), The irrelevance of inference, J. Health Econ. 18, for expected regret and the value of
perfect information; Strong, M., Oakley, J. E., Brennan, A. (2014), Med. Decis. Making 34, for that of knowing a part of
it, by regression.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from meshlab.models import decision
from meshlab.models.overhead import estimate
from meshlab.models.overhead.coefficients import DRAWS
from meshlab.models.pairs import FIGURES, PairDraws
from meshlab.units import ENDS

NEARLY = 0.95
"""Probability from which an option breaks a budget for certain, and stays within it for certain. [share]"""

AS_LIKELY = 0.5
"""Probability of keeping a budget below which an option stands behind those that keep it. [share]"""

TELLING = 0.8
"""Probability of being the cheaper of two from which they can be told apart. [share]"""

FOLDS = 2
"""Parts of the draws: each is predicted from the others, so that a regression does not promise what it memorised."""


class Limit(msgspec.Struct, frozen=True):
    """A budget: the input that states it, the column of the worlds, and the most that is allowed, in its unit.

    So much of the unit is ``each`` one of what the input states, such as the cluster's memory of a share of it.
    """

    name: str
    figure: str
    most: float
    each: float = 1.0


def totals(worlds: pl.DataFrame, horizon_months: float) -> pl.DataFrame:
    """Worlds with what an option costs over the horizon. [USD]

    total = horizon * (capacity + licence) + move; it is null where any part of it is not known.
    """
    monthly = pl.col("cost_usd_per_month") + pl.col("licence_usd_per_month")
    return worlds.with_columns(total_usd=monthly * horizon_months + pl.col("move_usd"))


def intervals(worlds: pl.DataFrame, figures: Sequence[str]) -> pl.DataFrame:
    """Median and 10-90 % interval of each figure of each option: ``FIGURE_lo``, ``FIGURE``, ``FIGURE_hi``."""
    return worlds.group_by("option", maintain_order=True).agg(
        pl.col(figure).quantile(share, "linear").alias(f"{figure}{end}")
        for figure in figures
        for end, share in ENDS.items()
    )


def differences(worlds: pl.DataFrame, against: int, figures: Sequence[str]) -> pl.DataFrame:
    """Intervals of each option's difference to one of them, draw by draw."""
    base = worlds.filter(pl.col("option") == against).select("draw", *(pl.col(f).alias(f"_{f}") for f in figures))
    joined = worlds.join(base, on="draw", how="left", maintain_order="left")
    return intervals(joined.with_columns(pl.col(figure) - pl.col(f"_{figure}") for figure in figures), figures)


def within(worlds: pl.DataFrame, limits: Iterable[Limit]) -> pl.DataFrame:
    """Probability that each option stays within each limit, a column by its name; null where it is not known."""
    return worlds.group_by("option", maintain_order=True).agg(
        (pl.col(limit.figure) <= limit.most).mean().alias(limit.name) for limit in limits
    )


def enough(worlds: pl.DataFrame, limits: Iterable[Limit], least: Mapping[str, float]) -> pl.DataFrame:
    """The least budget that each option keeps with a probability, a column by the names of limit and probability."""
    return worlds.group_by("option", maintain_order=True).agg(
        pl.col(limit.figure).sort().get(math.ceil(share * DRAWS) - 1).alias(f"{limit.name}:{name}")
        for limit in limits
        for name, share in least.items()
    )


PAIR = ("scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned")
"""What names an option of the contest among estimates."""


def estimate_pairs(
    scenarios: pl.DataFrame, coefficients: pl.DataFrame | None = None, tables: decision.Tables | None = None
) -> pl.DataFrame:
    """What every option of each scenario's contest adds, plugin and mesh together, with 10-90 % intervals.

    Args:
        scenarios: Columns of ``scenario.schema()``.
        coefficients: As for ``overhead.estimate``.
        tables: Decision tables; ours unless given.

    Returns:
        ``PAIR``, ``dataplane``, ``today``, ``eligible`` and ``baseline``: an option's figures over the cluster without
        a mesh (``none``) and, where something runs, over that (``today``), as differences draw by draw. Then
        ``FIGURES`` with their ends, null where no measurement informs them, and ``in_evidence_range``.
    """
    verdicts = decision.explain(scenarios, tables, outlook=False)
    measured = estimate(scenarios, coefficients, intervals=False)
    frames = [
        _pairs(scenario, verdict, coefficients)
        for scenario, verdict in zip(scenarios.iter_slices(1), verdicts, strict=True)
    ]
    told = measured.select("scenario", "dataplane", "in_evidence_range").collect()
    return pl.concat(frames, how="vertical_relaxed").join(
        told, on=["scenario", "dataplane"], how="left", maintain_order="left"
    )


def _pairs(scenario: pl.DataFrame, verdict: Mapping[str, Any], coefficients: pl.DataFrame | None) -> pl.DataFrame:
    options = verdict["options"]
    worlds = PairDraws(scenario, coefficients).worlds(options)
    today = next((place for place, option in enumerate(options) if option["today"] and not option["tuned"]), None)
    over = {"none": intervals(worlds, FIGURES)}
    if today is not None:
        over["today"] = differences(worlds, today, FIGURES)
    names = pl.DataFrame(
        [
            {"option": place, **_named(option), "scenario": verdict["scenario"]}
            | {key: option[key] for key in ("dataplane", "today", "eligible")}
            for place, option in enumerate(options)
        ],
        schema={
            "option": worlds.schema["option"],
            **dict.fromkeys(PAIR, pl.String),
            "tuned": pl.Boolean,
            "dataplane": pl.String,
            "today": pl.Boolean,
            "eligible": pl.Boolean,
        },
    )
    return pl.concat(
        names.with_columns(baseline=pl.lit(baseline)).join(figures, on="option", maintain_order="left").drop("option")
        for baseline, figures in over.items()
    )


def _named(option: Mapping[str, Any]) -> dict[str, Any]:
    edition = option["edition"]
    return {
        "cni": option["cni"],
        "mesh": option["mesh"],
        "cni_edition": edition["cni"],
        "mesh_edition": edition["mesh"],
        "tuned": option["tuned"],
    }


# --- which is best --------------------------------------------------------------------------------------------------


TOTAL = "total_usd"
"""What a choice is judged by: the cost over the horizon, of which less is better."""


def matrix(worlds: pl.DataFrame) -> tuple[list[int], np.ndarray]:
    """The options whose cost is known in every draw, and that cost. [USD, draws x options]"""
    known = worlds.group_by("option", maintain_order=True).agg(pl.col(TOTAL).is_not_null().all().alias("known"))
    options = known.filter("known")["option"].to_list()
    columns = [worlds.filter(pl.col("option") == option)[TOTAL].to_numpy() for option in options]
    return options, np.column_stack(columns) if columns else np.empty((0, 0))


def best_of(worlds: pl.DataFrame) -> pl.DataFrame:
    """How often each option costs least, and what choosing it is expected to lose.

    A tie counts for each of the options that share it alike. The regret of an option in a draw is its figure less the
    least of that draw; the expected regret of the option with the least mean is what perfect information is worth.

    Returns:
        ``option``, ``probability_best`` [share], ``expected_regret`` [USD]; both null where the cost is not known.
    """
    options, values = matrix(worlds)
    rows: dict[str, list[float | None]] = {"probability_best": [], "expected_regret": []}
    if options:
        least = values.min(axis=1, keepdims=True)
        ties = np.isclose(values, least, rtol=1e-12, atol=1e-9)
        rows["probability_best"] = (ties / ties.sum(axis=1, keepdims=True)).mean(axis=0).tolist()
        rows["expected_regret"] = (values - least).mean(axis=0).tolist()
    found = pl.DataFrame(
        {"option": options, **rows}, schema={"option": worlds.schema["option"], **dict.fromkeys(rows, pl.Float64)}
    )
    return worlds.select(pl.col("option").unique(maintain_order=True)).join(
        found, on="option", how="left", maintain_order="left"
    )


def dominated(means: pl.DataFrame, criteria: Sequence[str]) -> dict[int, int]:
    """Options that another one is no worse than in any criterion and better than in one, each with that other.

    Of all criteria less is better; a null is no argument either way.
    """
    rows = means.select("option", *criteria).rows()
    found: dict[int, int] = {}
    for option, *mine in rows:
        for other, *theirs in rows:
            pairs = list(zip(mine, theirs, strict=True))
            compared = [(m, t) for m, t in pairs if m is not None and t is not None]
            lacks = any(t is None and m is not None for m, t in pairs)
            if (
                option != other
                and compared
                and not lacks
                and all(t <= m for m, t in compared)
                and any(t < m for m, t in compared)
            ):
                found.setdefault(option, other)
    return found


def break_even(worlds: pl.DataFrame, first: int, second: int, cost: str, other: str) -> float | None:
    """What one unit of another criterion has to be worth for two options to be alike. [USD/unit]

    It is the extra cost of the dearer option over what it has less of the criterion, both as means. None where one of
    them is better in both, so that no weight turns their order.
    """
    means = {
        row["option"]: (row[cost], row[other])
        for row in worlds.filter(pl.col("option").is_in([first, second]))
        .group_by("option")
        .agg(pl.col(cost, other).mean())
        .iter_rows(named=True)
    }
    (cost_1, other_1), (cost_2, other_2) = means[first], means[second]
    if None in (cost_1, cost_2, other_1, other_2) or (cost_1 - cost_2) * (other_1 - other_2) >= 0:
        return None
    return abs((cost_1 - cost_2) / (other_1 - other_2))


# --- what to find out first -----------------------------------------------------------------------------------------


def value_of_perfect_information(values: np.ndarray) -> float:
    """What knowing everything before choosing saves: the least mean less the mean of the least. [unit of the values]

    The values are a cost for each draw and option. [draws x options]
    """
    return float(values.mean(axis=0).min() - values.min(axis=1).mean())


def value_of_information(values: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """What knowing some coefficients before choosing saves, and how often it would change the choice.

    The cost of each option is predicted from the coefficients by a regression on their squares and products, each half
    of the draws from the other. The choice by these predictions is paid for by the real costs of the half that was not
    used, so that a regression that only memorised noise earns nothing; what it seems to lose by that is no loss, for
    nobody has to use what they know.

    Args:
        values: A cost for each draw and option. [draws x options]
        known: The coefficients, in any unit. [draws x coefficients]

    Returns:
        Expected saving, between zero and that of perfect information [unit of the values], and the probability that the
        choice changes [share].
    """
    # an option that is the cheapest in no draw is never the better choice, whatever a regression makes of its tail
    values = values[:, np.unique([*values.argmin(axis=1), values.mean(axis=0).argmin()])]
    best = int(values.mean(axis=0).argmin())
    if values.shape[1] < 2 or not known.shape[1]:  # noqa: PLR2004  (between one option there is nothing to choose)
        return 0.0, 0.0
    base = _terms(known)
    chosen = np.empty(len(values), dtype=int)
    folds = np.arange(len(values)) % FOLDS
    for fold in range(FOLDS):
        fitted, asked = folds != fold, folds == fold
        mine = base[fitted]
        # the normal equations: terms have one scale, and a small system is solved without a pool of threads
        weights, *_ = np.linalg.lstsq(mine.T @ mine, mine.T @ (values[fitted] - values[fitted][:, [best]]), rcond=None)
        chosen[asked] = (base[asked] @ weights).argmin(axis=1)
    saved = float((values[:, best] - np.take_along_axis(values, chosen[:, None], axis=1)[:, 0]).mean())
    if saved <= 0.0:
        return 0.0, 0.0
    return min(saved, value_of_perfect_information(values)), float((chosen != best).mean())


def _terms(known: np.ndarray) -> np.ndarray:
    """One, the coefficients on a common scale, their squares, and where they are few their products."""
    centred = known - known.mean(axis=0)
    scale = centred.std(axis=0)
    scaled = centred[:, scale > 0] / scale[scale > 0]
    columns = [np.ones((len(known), 1)), scaled, scaled**2 - 1.0]
    count = scaled.shape[1]
    if count * (count - 1) / 2 <= len(known) / 20:
        first, second = np.triu_indices(count, 1)
        columns.append(scaled[:, first] * scaled[:, second])
    return np.hstack(columns)


def what_to_find_out(worlds: pl.DataFrame, groups: Mapping[str, np.ndarray]) -> list[dict[str, object]]:
    """For each group of coefficients [draws x coefficients] what knowing it would save, the most first.

    Rows of ``group``, ``saves_usd``, ``probability_of_change`` and ``share_of_all`` (of perfect information).
    """
    _, values = matrix(worlds)
    if values.size == 0:
        return []
    all_known = value_of_perfect_information(values)
    rows: list[dict[str, object]] = []
    for group, known in groups.items():
        saves, changes = value_of_information(values, known)
        share = saves / all_known if all_known > 0 else 0.0
        rows.append({"group": group, "saves_usd": saves, "probability_of_change": changes, "share_of_all": share})
    return sorted(rows, key=lambda row: -float(str(row["saves_usd"])))
