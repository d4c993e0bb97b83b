"""How fast the rows of preferences are matched, against GoRules' engine with the same rows.

The preference rows alone are compared: which of them holds first on each side, above the network of today. Options,
capabilities and requirements, which make up a contest, have no counterpart in a table of rules and take no part.
``zen-engine``, which is written in Rust, gets each side as a table of "first" policy, and versions as numbers, since it
has none; it is asked in batches, and the best of its rounds counts. Run it with::

    python -m pytest tests/benches/test_decision.py --benchmark-only -s

Goal: at least 50 times its rate, with equal rows.
"""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from meshlab.models.decision import load_tables
from meshlab.models.decision.conditions import (
    TRUE,
    All,
    AtLeast,
    Condition,
    Has,
    Not,
    OneOf,
    Some,
    comparable,
    compiled,
)
from meshlab.models.decision.contests import about
from meshlab.models.decision.decide import compared, states_of
from meshlab.models.decision.tables import SIDES
from meshlab.scenario import inputs, schema

SCENARIOS, RIVALS, BATCH, ROUNDS = 1_000_000, 20_000, 1_000, 5
KERNELS = ("4.18.0-372.el8", "4.18.0-553.8.1.el8_10.x86_64", "5.4.0", "5.10.0", "5.15.0-1051-gke", "6.8.0")

ROWS = {side: [(row.id, about(row.condition, None)) for row in load_tables().of_side(side)] for side in SIDES}
"""Of each side the preferences in their order: id and condition."""


@pytest.fixture(scope="module")
def scenarios() -> pl.DataFrame:
    """A million complete scenarios."""
    generator = np.random.default_rng(1)
    drawn = {name: _column(spec, generator) for name, spec in inputs().items()}
    names = pl.Series(range(SCENARIOS)).cast(pl.String)
    return pl.DataFrame({"scenario": names, **drawn}, schema=schema())


def _column(spec: Any, generator: np.random.Generator) -> pl.Series:
    if spec.type == "boolean":
        return pl.Series(generator.random(SCENARIOS) < 0.5)
    if spec.type in ("integer", "number"):
        logarithms = generator.uniform(np.log1p(spec.lower), np.log1p(spec.upper), SCENARIOS)
        return pl.Series(np.expm1(logarithms).clip(spec.lower, spec.upper)).cast(spec.dtype)
    if spec.type == "set":
        kinds = [list(np.array(spec.choices)[generator.random(len(spec.choices)) < 0.08]) for _ in range(5_000)]
    else:
        kinds = list(KERNELS if spec.type == "version" else spec.choices)
    return pl.Series(kinds, dtype=spec.dtype).gather(generator.integers(0, len(kinds), SCENARIOS))


def matched(frame: pl.DataFrame) -> pl.DataFrame:
    """The first row of each side that holds."""
    given = compared(frame).collect()
    firsts: dict[str, pl.Series] = {}
    for side, rows in ROWS.items():
        holds = states_of(given, compiled([condition for _, condition in rows], inputs())) == TRUE
        names = pl.Series([*(name for name, _ in rows), None])
        firsts[side] = names.gather(np.where(holds.any(axis=0), holds.argmax(axis=0), len(rows)))
    return pl.DataFrame(firsts)


def in_zen(condition: Condition) -> str:
    """A condition in the rival's expression language."""
    if isinstance(condition, Not):
        return f"not ({in_zen(condition.part)})"
    if isinstance(condition, All | Some):
        word, neutral = ("and", "true") if isinstance(condition, All) else ("or", "false")
        return f" {word} ".join(f"({in_zen(part)})" for part in condition.parts) or neutral
    if isinstance(condition, AtLeast):
        return f"{condition.input} {'>' if condition.above else '>='} {condition.bound}"
    if isinstance(condition, Has):
        return f"{json.dumps(condition.member)} in {condition.input}"
    if isinstance(condition, OneOf) and condition.values == (True,):
        return condition.input
    return f"{condition.input} in {json.dumps(condition.values)}"


def zen_graph() -> dict[str, Any]:
    """The rows as the rival's graph: a table of first policy for each side, one after the other."""
    place = {"x": 0, "y": 0}
    nodes: list[dict[str, Any]] = [{"id": "in", "type": "inputNode", "name": "in", "position": place}]
    for side, rows in ROWS.items():
        content = {
            "hitPolicy": "first",
            "inputs": [{"id": "if", "name": "if"}],
            "outputs": [{"id": "then", "name": "then", "field": f"row_{side}"}],
            "rules": [{"_id": name, "if": in_zen(condition), "then": json.dumps(name)} for name, condition in rows],
            "passThrough": True,
            "inputField": None,
            "outputPath": None,
            "executionMode": "single",
        }
        nodes.append({"id": side, "type": "decisionTableNode", "name": side, "position": place, "content": content})
    nodes.append({"id": "out", "type": "outputNode", "name": "out", "position": place})
    names = [node["id"] for node in nodes]
    edges = [
        {"id": f"e{name}", "type": "edge", "sourceId": name, "targetId": after}
        for name, after in itertools.pairwise(names)
    ]
    return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}


@pytest.mark.benchmark(group="decide")
def test_preference_rows_are_matched_at_50_times_the_rate_of_a_rule_engine(
    benchmark: Any, scenarios: pl.DataFrame
) -> None:
    """Rows of a million scenarios are matched at 50 times the rate of zen-engine, and are the same rows."""
    zen = pytest.importorskip("zen")
    found = benchmark.pedantic(lambda: matched(scenarios), rounds=ROUNDS, warmup_rounds=1, iterations=1)
    ours = SCENARIOS / benchmark.stats.stats.min
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rows": zen_graph()}}})
    versions = [comparable(spec, pl.col(name)).alias(name) for name, spec in inputs().items() if spec.type == "version"]
    contexts = scenarios.head(RIVALS).drop("scenario").with_columns(versions).rows(named=True)
    answers: list[tuple[str | None, ...]] = []
    theirs = 0.0
    for start in range(0, RIVALS, BATCH):
        requests = [{"key": "rows", "context": context} for context in contexts[start : start + BATCH]]
        begun = time.perf_counter()
        told = engine.evaluate_batch(requests)
        theirs = max(theirs, BATCH / (time.perf_counter() - begun))
        answers += [tuple(answer["data"]["result"].get(f"row_{side}") for side in SIDES) for answer in told]
    assert answers == found.head(RIVALS).rows()
    benchmark.extra_info.update(meshlab=ours, zen=theirs, times=ours / theirs)
    print(f"\nscenarios/s: meshlab {ours:,.0f}, zen-engine {theirs:,.0f}; {ours / theirs:.0f} times as many")
    assert ours >= 50 * theirs
