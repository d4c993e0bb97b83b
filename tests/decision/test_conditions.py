from __future__ import annotations

import pickle
import sqlite3

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.models.decision import load_tables
from meshlab.models.decision.conditions import STATES, compiled, read_condition, version_order
from meshlab.models.decision.decide import compared, states_of
from meshlab.models.decision.partitions import axes
from meshlab.scenario import frame_of, inputs


def truths(text: str, rows: list[dict[str, object]]) -> list[bool | None]:
    """What a condition says of each row."""
    condition, faults = read_condition(text, inputs(), {})
    assert faults == []
    frame = compared(frame_of([{"scenario": str(place), **row} for place, row in enumerate(rows)])).collect()
    (states,) = states_of(frame, compiled([condition], inputs()))
    return [STATES[state] for state in states]


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("services >= 500", {"services": 500}, True),
        ("services > 500", {"services": 500}, False),
        ("500 <= services", {"services": 499}, False),
        ("services BETWEEN 50 AND 499", {"services": 499}, True),
        ("services NOT BETWEEN 50 AND 499", {"services": 499}, False),
        ("services = 12", {"services": 12}, True),
        ("services <> 12", {"services": 12}, False),
        ("l7_traffic_share < 0.25", {"l7_traffic_share": 0.2}, True),
        ("greenfield", {"greenfield": True}, True),
        ("NOT greenfield", {"greenfield": True}, False),
        ("greenfield = false", {"greenfield": False}, True),
        ("cloud IN ('gke', 'aks')", {"cloud": "aks"}, True),
        ("cloud NOT IN ('gke', 'aks')", {"cloud": "eks"}, True),
        ("cloud <> 'gke'", {"cloud": "gke"}, False),
        ("kernel_oldest >= '5.10'", {"kernel_oldest": "5.9.16"}, False),
        ("kernel_oldest >= '5.10'", {"kernel_oldest": "5.15.0-1051-gke"}, True),
        ("kernel_oldest = '5.10'", {"kernel_oldest": "5.10.0"}, True),
        ("kernel_oldest >= '4.18.0-553.el8'", {"kernel_oldest": "4.18.0-553.8.1.el8_10.x86_64"}, True),
        ("kernel_oldest >= '4.18.0-553.el8'", {"kernel_oldest": "4.18.0-305.10.2.el8_4.x86_64"}, False),
        ("has_any(needs, 'mtls', 'bgp')", {"needs": ["bgp", "bgp"]}, True),
        ("has_any(needs, 'mtls')", {"needs": []}, False),
        ("true", {}, True),
        ("greenfield AND services >= 5", {"greenfield": False}, False),
        ("greenfield AND services >= 5", {"greenfield": True}, None),
        ("greenfield OR services >= 5", {"services": 5}, True),
        ("NOT has_any(needs, 'mtls')", {}, None),
        ("cloud NOT IN ('gke')", {}, None),
    ],
)
def test_a_condition_says_true_false_or_unknown(text: str, row: dict[str, object], expected: bool | None) -> None:
    """A condition is true, false, or unknown where a missing fact decides."""
    assert truths(text, [row]) == [expected]


names = {"greenfield": (True, False, None), "services": (1, 499, 500, 501, None), "cloud": ("gke", "aks", "eks", None)}
leaves = st.sampled_from(
    [
        "greenfield",
        "services >= 500",
        "services < 499",
        "services = 500",
        "cloud = 'gke'",
        "cloud IN ('aks', 'eks')",
        "cloud <> 'aks'",
    ]
)
conditions = st.recursive(
    leaves,
    lambda part: st.one_of(
        part.map(lambda text: f"NOT ({text})"),
        st.tuples(part, part).map(" AND ".join),
        st.tuples(part, part).map(" OR ".join),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(conditions)
def test_conditions_mean_what_sql_says_they_mean(text: str) -> None:
    """Every condition has the truth value that SQLite gives it, over all combinations of values and of missing ones."""
    rows = [
        {"greenfield": green, "services": services, "cloud": cloud}
        for green in names["greenfield"]
        for services in names["services"]
        for cloud in names["cloud"]
    ]
    base = sqlite3.connect(":memory:")
    query = f"SELECT {text} FROM (SELECT ? AS greenfield, ? AS services, ? AS cloud)"  # noqa: S608
    said = [base.execute(query, tuple(row.values())).fetchone()[0] for row in rows]
    base.close()
    assert truths(text, rows) == [None if value is None else bool(value) for value in said]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 99)] * 3, st.integers(0, 999)), min_size=2, max_size=20))
def test_versions_sort_by_their_numbers(parts: list[tuple[int, int, int, int]]) -> None:
    """Versions sort by major, minor and patch, then by the build of a Red Hat kernel."""
    texts = [f"{a}.{b}.{c}-{build}.el8.x86_64" for a, b, c, build in parts]
    orders = pl.DataFrame({"v": texts}).select(o=version_order(pl.col("v")))["o"].to_list()
    assert sorted(range(len(parts)), key=lambda place: parts[place]) == sorted(
        range(len(parts)), key=lambda place: orders[place]
    )


@pytest.mark.parametrize(
    ("text", "what", "todo"),
    [
        ("servces >= 500", "'servces'", "'services'"),
        ("services >= '500'", "'services' is a number", "services >= 500"),
        ("kernel_oldest >= 5.10", "'kernel_oldest' is a version", "'5.10'"),
        ("kernel_oldest >= 'new'", "'kernel_oldest' is a version", "'5.10'"),
        ("cloud = 'gkee'", "'gkee'", "'gke'"),
        ("cloud >= 'gke'", "has no order", "="),
        ("services", "a number, not true or false", "services >= 500"),
        ("greenfield = 1", "true or false", "NOT greenfield"),
        ("needs = 'mtls'", "'needs' is a set", "has_any(needs"),
        ("has_any(needs, 'mtsl')", "'mtsl'", "'mtls'"),
        ("has_all(needs, 'mtls')", "has_all", "has_any"),
        ("has_any(cloud, 'gke')", "no question to a set", "has_any(needs"),
        ("has_any()", "stands where an input", "services >= 500"),
        ("greenfield IS NULL", "whether a fact is missing", "leave it out"),
        ("services > nodes", "cannot be compared", "services >= 500"),
        ("services + 1 > 5", "stands where an input", "services >= 500"),
        ("greenfield AND", "cannot be read", "services >= 500"),
        ("a; b", "cannot stand in a condition", "services >= 500"),
        ("SELECT 1", "cannot be read", "services >= 500"),
        ("cloud LIKE 'g%'", "cannot stand in a condition", "services >= 500"),
        ("cloud IN (SELECT 1)", "", ""),
        ("(" * 900 + "greenfield" + ")" * 900, "nested too deeply", "terms"),
        ("greenfield OR " * 200 + "greenfield", "longer than", "terms"),
    ],
)
def test_what_is_wrong_with_a_condition_is_named_with_the_nearest_name(text: str, what: str, todo: str) -> None:
    """A faulty condition is refused with the word that is wrong and what to write instead."""
    _, faults = read_condition(text, inputs(), {})
    assert faults
    assert what in faults[0][0]
    assert todo in faults[0][1]


def test_all_faults_of_a_condition_are_found_at_once() -> None:
    """Three mistakes in one condition give three faults."""
    _, faults = read_condition("servces >= 5 AND cloud = 'gkee' OR NOT kernel_oldest < 4", inputs(), {})
    assert [fault[0] for fault in faults] == [
        "unknown name 'servces'",
        "'gkee' is no value of 'cloud'",
        "'kernel_oldest' is a version and cannot be compared with '4'",
    ]


def test_what_is_made_ready_can_be_stored_between_runs() -> None:
    """Conditions of every kind of comparison are the same after pickling, as what is kept is handed to workers."""
    tests = [test for axis in axes(load_tables()).values() for test in axis.tests]
    ready = compiled(tests, inputs())
    assert pickle.loads(pickle.dumps(ready)).inputs == ready.inputs  # noqa: S301  (our own)
