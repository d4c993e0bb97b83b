"""The draws that come first in the table: those from which ``estimate`` shows intervals stand for all of them.

A Latin hypercube of few draws is moved, by a tenth of a standard deviation on average, until the 10 and 90 % of its
figures are those of all draws over a design of scenarios: Gauss-Newton steps on the scores, a figure's end being the
draw that lies there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm, qmc

from fitting.mixed_model import SEED, KindFit, dimensions, draws_at
from meshlab.models.overhead import draw_estimates, estimate, interval_figures
from meshlab.models.overhead.coefficients import SHOWN
from meshlab.scenario import frame_of, inputs

SCENARIOS = 32
"""Scenarios over which the ends of intervals are compared."""

STEPS = 14
"""Gauss-Newton steps."""

LARGEST = 0.15
"""Farthest that a step moves a score. [standard deviations]"""

STIFFNESS = 0.1
"""Weight of a score's move against the figures' deviations."""

NEARBY = ((-1, 0.25), (0, 0.5), (1, 0.25))
"""Draws by whose derivatives an end moves: the one that lies there and its neighbours, each with its weight."""

RANGES = {
    "services": (5, 2000),
    "pods_per_service": (1, 20),
    "rate_per_pod": (0.5, 300),
    "connections_per_pod": (0.5, 50),
    "pods_per_node": (5, 100),
    "payload_bytes": (100, 50_000),
}
"""What is spread evenly on logarithms over the design, ends included."""


def design() -> pl.DataFrame:
    """Scenarios of every size, load and shape, under every protocol, on every class of machine."""
    points = qmc.Sobol(len(RANGES) + 1, rng=SEED).random(SCENARIOS)
    lower, upper = np.array(list(RANGES.values())).T
    spread = lower * (upper / lower) ** points[:, :-1]
    protocols, machines = inputs()["protocol"].choices, (None, *inputs()["machine"].choices)
    rows: list[dict[str, Any]] = []
    for index, (values, share) in enumerate(zip(spread.tolist(), points[:, -1].tolist(), strict=True)):
        of = dict(zip(RANGES, values, strict=True))
        pods = of["services"] * of["pods_per_service"]
        numbers = {"services": of["services"], "pods": pods, "nodes": max(pods / of["pods_per_node"], 1.0)}
        numbers |= {"connections": pods * of["connections_per_pod"], "payload_bytes": of["payload_bytes"]}
        rows.append(
            {name: round(value) for name, value in numbers.items()}
            | {"scenario": f"{index:02}", "requests_per_second": pods * of["rate_per_pod"], "l7_traffic_share": share}
            | {"protocol": protocols[index % 4], "machine": machines[index // 4 % 4], "mtls": index % 3 > 0}
            | {"call_depth": 1 + index % 6, "current_cni": (None, "calico", "cilium")[index % 3]}
        )
    return frame_of(rows)


def shown_first(fits: dict[str, KindFit], table: pl.DataFrame, draws: pl.DataFrame) -> pl.DataFrame:
    """The draws with the ``SHOWN`` that stand for all in the place of the first.

    Args:
        fits: One for each kind.
        table: Columns of ``coefficients.csv``.
        draws: As ``fit.drawn`` returns it.
    """
    everything = _figures(table, draws)
    ends = np.quantile(everything, [0.1, 0.9], axis=0)
    told = ends[0] > 0
    goal = np.log(ends[:, told])
    middle = np.log(_figures(table, None)[:, told])
    size = dimensions(fits)
    generator = np.random.default_rng(SEED)
    strata = norm.ppf((np.arange(SHOWN) + 0.5) / SHOWN)
    scores = np.stack([generator.permutation(strata) for _ in range(size)], axis=1)

    def log_figures(points: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(_figures(table, draws_at(fits, points))[:, told], SMALLEST))

    for _ in range(STEPS):
        scores = scores + _step(log_figures, scores, middle, goal)
    return pl.concat([draws_at(fits, scores), draws[SHOWN:]])


SMALLEST = 1e-12
"""A figure's least value before its logarithm is taken."""


def _step(
    log_figures: Callable[[np.ndarray], np.ndarray], scores: np.ndarray, middle: np.ndarray, goal: np.ndarray
) -> np.ndarray:
    """The move of all scores that brings both ends of every figure to the goal, as far as its linear model tells."""
    count, size = scores.shape
    moved = (scores[:, None, :] + PERTURBATION * np.eye(size)).reshape(-1, size)
    values = log_figures(scores)
    slopes = (log_figures(moved).reshape(count, size, -1) - values[:, None, :]) / PERTURBATION
    order = np.argsort(np.vstack([middle, values]), axis=0)
    figures = np.arange(int(values.shape[1]))
    gradient = np.zeros((2, len(figures), count, size), dtype=np.float32)
    misfit = np.empty((2, len(figures)))
    for end, share in enumerate((0.1, 0.9)):
        place = round(share * count)
        misfit[end] = np.vstack([middle, values])[order[place], figures] - goal[end]
        for offset, weight in NEARBY:
            draw = order[place + offset] - 1  # the median is the first row, and moves not
            moving = draw >= 0
            gradient[end, figures[moving], draw[moving]] += weight * slopes[draw[moving], :, figures[moving]]
    flat = gradient.reshape(2 * len(figures), -1)
    weights = np.linalg.solve(flat @ flat.T + STIFFNESS * np.eye(len(flat)), -misfit.ravel())
    return np.clip(0.7 * (weights @ flat).reshape(count, size), -LARGEST, LARGEST)


PERTURBATION = 1e-3
"""Step of a score for the derivatives."""


def _figures(table: pl.DataFrame, draws: pl.DataFrame | None) -> np.ndarray:
    """Figures of the design: a row for each draw, or one of the medians without draws."""
    if draws is None:
        found, keys = estimate(design(), table, intervals=False), ["scenario", "dataplane"]
    else:
        lists = pl.DataFrame({"coefficient": draws.columns, "draws": draws.to_numpy().T.tolist()})
        own = table.join(lists, on="coefficient", how="left", maintain_order="left")
        found, keys = draw_estimates(design(), own, count=draws.height), ["draw", "scenario", "dataplane"]
    rows = found.filter(pl.col("dataplane") != "none").collect().sort(keys)
    return rows.select(interval_figures()).to_numpy().reshape(1 if draws is None else draws.height, -1)
