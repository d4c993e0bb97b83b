"""What pods ask for, in every shape that a pod can have."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from facts_dumps import asking, container, facts, pod
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts.columns import pod_requests, worth

NATIVE = {"restartPolicy": "Always"}

SHAPES = {
    "nothing asked for": ({"containers": [container()]}, 0.0),
    "one container": ({"containers": [asking("250m")]}, 0.25),
    "containers add up": ({"containers": [asking("1"), asking("500m")]}, 1.5),
    "small init container": ({"initContainers": [asking("1")], "containers": [asking("2")]}, 2.0),
    "large init container": ({"initContainers": [asking("3")], "containers": [asking("2")]}, 3.0),
    "init containers run in turn": ({"initContainers": [asking("3"), asking("4")], "containers": [asking("2")]}, 4.0),
    "native sidecar adds up": ({"initContainers": [asking("1", **NATIVE)], "containers": [asking("2")]}, 3.0),
    "init after a sidecar runs beside it": (
        {"initContainers": [asking("1", **NATIVE), asking("5")], "containers": [asking("2")]},
        6.0,
    ),
    "init before a sidecar runs alone": (
        {"initContainers": [asking("5"), asking("1", **NATIVE)], "containers": [asking("2")]},
        5.0,
    ),
    "init between two sidecars runs beside the first": (
        {"initContainers": [asking("1", **NATIVE), asking("4"), asking("3", **NATIVE)], "containers": [asking("0.5")]},
        5.0,
    ),
    "sidecars outweigh the init peak": (
        {"initContainers": [asking("1", **NATIVE), asking("4"), asking("3", **NATIVE)], "containers": [asking("2")]},
        6.0,
    ),
    "overhead is added": ({"containers": [asking("1")], "overhead": {"cpu": "250m"}}, 1.25),
    "overhead is added to an init peak": (
        {"initContainers": [asking("2")], "containers": [asking("1")], "overhead": {"cpu": "250m"}},
        2.25,
    ),
    "a limit stands in for a request": ({"containers": [container(resources={"limits": {"cpu": "2"}})]}, 2.0),
    "a request of zero is one": (
        {"containers": [container(resources={"requests": {"cpu": "0"}, "limits": {"cpu": "2"}})]},
        0.0,
    ),
    "the pod's own request replaces its containers'": (
        {"containers": [asking("1"), asking("1")], "resources": {"requests": {"cpu": "3"}}},
        3.0,
    ),
    "the pod's request of another resource does not": (
        {"containers": [asking("1")], "resources": {"requests": {"memory": "1Gi"}}},
        1.0,
    ),
    "a number that is no text": ({"containers": [container(resources={"requests": {"cpu": 2}})]}, 2.0),
    "more than Kubernetes can count": ({"containers": [asking("1e308"), asking("1e308")]}, None),
    "no quantity": ({"containers": [asking("many"), asking("1")]}, None),
    "no quantity in an init container": ({"initContainers": [asking("many")], "containers": [asking("1")]}, None),
}
"""Specification of a pod and the cores that Kubernetes reserves for it."""


@pytest.mark.parametrize(("spec", "cores"), SHAPES.values(), ids=SHAPES)
def test_pods_ask_as_kubernetes_computes(spec: dict[str, object], cores: float | None, tmp_path: Path) -> None:
    """A pod asks for the larger of its running and its starting containers, and its overhead on top."""
    assert facts(tmp_path, pod(**spec))["workload"]["cpu_request_cores"] == cores


def test_memory_is_counted_in_gib(tmp_path: Path) -> None:
    """Memory follows the same rule, in GiB."""
    spec = {"initContainers": [asking(memory="1Gi", **NATIVE)], "containers": [asking(memory="512Mi")]}

    assert facts(tmp_path, pod(**spec))["workload"]["memory_request_gib"] == 1.5


def test_finished_pods_ask_for_nothing(tmp_path: Path) -> None:
    """Pods that succeeded or failed hold no reservation."""
    asked = {"containers": [asking("1")]}
    dump = [pod("a", **asked), pod("b", phase="Succeeded", **asked), pod("c", phase="Failed", **asked)]

    workload = facts(tmp_path, *dump)["workload"]
    assert (workload["pods"], workload["running_pods"], workload["cpu_request_cores"]) == (3, 1, 1.0)


def test_an_unknown_quantity_spares_the_other_resource(tmp_path: Path) -> None:
    """Processor time stays known where only memory is unreadable."""
    workload = facts(tmp_path, pod(containers=[asking("1", "lots")]))["workload"]

    assert (workload["cpu_request_cores"], workload["memory_request_gib"]) == (1.0, None)


@pytest.mark.parametrize(
    ("amount", "value"), [("250m", 0.25), (None, None), ("2", 2.0), (2, 2.0), (0.5, 0.5), ("1Ki", 1024.0)]
)
def test_quantities_become_numbers(amount: str | float | None, value: float | None) -> None:
    """Quantities become cores or bytes, however they are written; a missing one stays missing."""
    assert worth(amount) == value


@pytest.mark.parametrize("text", ["x", "", "1e999999999", "NaN", "-4"])
def test_texts_that_are_no_quantity_are_no_number(text: str) -> None:
    """What is no quantity spreads to every sum that it enters."""
    assert math.isnan(worth(text) or 0.0)


ROWS = st.lists(st.tuples(st.sampled_from(["app", "init", "sidecar"]), st.integers(0, 8)), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_the_expression_agrees_with_the_scheduler_step_by_step(pods: list[list[tuple[str, int]]]) -> None:
    """For any pods the expression gives what starting them container by container takes at its peak."""
    rows = [(number, role, float(cpu)) for number, containers in enumerate(pods) for role, cpu in containers]
    frame = pl.LazyFrame(rows, schema={"shape": pl.Int64, "role": pl.String, "cpu": pl.Float64}, orient="row")

    found = dict(pod_requests(frame, "cpu").collect().iter_rows())
    assert found == {number: float(started_step_by_step(containers)) for number, containers in enumerate(pods)}


def started_step_by_step(containers: list[tuple[str, int]]) -> int:
    """The peak while a pod starts: what runs at each step, beside the step's own container."""
    running = peak = 0
    for role, cpu in containers:
        if role != "app":
            peak = max(peak, running + cpu)
            running += cpu if role == "sidecar" else 0
    return max(peak, running + sum(cpu for role, cpu in containers if role == "app"))
