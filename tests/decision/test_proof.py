from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meshlab.models.decision import check, decide, load_tables
from meshlab.models.decision.conditions import All, compile_condition
from meshlab.models.decision.proof import Report, _fails, find, passes
from meshlab.models.decision.states import compare_scenarios, passing, row_states
from meshlab.models.decision.tables import Tables
from meshlab.scenario import frame_of

RULES = "id,priority,condition,recommendation,reason,source_id\n"
REMOVED = "table,id,why\n"
Overlay = Callable[..., Path]


@pytest.fixture(scope="module")
def report() -> Report:
    """The proof of our own tables."""
    return check()


def passed(scenario: dict[str, Any], tables: Tables, *rules: str) -> list[bool | None]:
    """Whether rows may decide a scenario, by the query that decides scenarios."""
    found = {rule.id: rule for rule in tables.rules}
    states = row_states(frame_of([{"scenario": "witness", **scenario}]), tables)
    return list(states.select(passing(found[name]).alias(name) for name in rules).collect().row(0))


def faults(report: Report) -> list[dict[str, Any]]:
    """Findings for which the tables may not be relied on."""
    return [finding for finding in report.findings if not finding["ok"]]


def test_our_tables_are_proven(report: Report) -> None:
    """Our tables have no gap, no overlap of equal priority with two answers, and no row that never decides."""
    assert report.ok
    assert {finding["kind"] for finding in report.findings} == {"overlap"}


def test_every_overlap_has_a_witness_that_both_rows_hold_for(report: Report) -> None:
    """The witness of each overlap, put through the decision, lets both rows pass."""
    tables = load_tables()
    witnesses = [{"scenario": str(place), **finding["witness"]} for place, finding in enumerate(report.findings)]
    states = row_states(frame_of(witnesses), tables).select(passing(rule).alias(rule.id) for rule in tables.rules)
    for finding, state in zip(report.findings, states.collect().rows(named=True), strict=True):
        assert [state[row] for row in finding["rows"]] == [True, True], finding["message"]


def test_no_overlap_is_missed(report: Report, draw: Callable[[int, int, float], pl.DataFrame]) -> None:
    """Rows that hold together for any of 20000 possible scenarios, drawn at random, are among the overlaps."""
    tables = load_tables()
    contradiction = compile_condition(tables.contradiction, compare_scenarios)
    states = row_states(draw(20000, 3, 0.0), tables).filter(~contradiction)
    frame = states.select(passing(rule).alias(rule.id) for rule in tables.rules).collect()
    told = {frozenset(finding["rows"]) for finding in report.findings}
    for rules in (tables.cni, tables.mesh):
        for first, second in combinations([rule.id for rule in rules if not rule.is_default], 2):
            if (frame[first] & frame[second]).any():
                assert frozenset((first, second)) in told


def test_every_row_has_a_scenario_that_it_decides() -> None:
    """For each row the proof knows a scenario that the decision gives to it."""
    tables = load_tables()
    for kind, rules in (("cni", tables.cni), ("mesh", tables.mesh)):
        for place, rule in enumerate(rules):
            before = [_fails(tables, other) for other in rules[:place]]
            witness = find(tables, All((passes(tables, rule), *before)))
            assert witness is not None
            verdict = decide(frame_of([{"scenario": "witness", **witness}]), tables).collect()
            assert verdict[f"{kind}_row"].to_list() == [rule.id]


def test_a_gap_is_found_with_a_witness(overlay: Overlay) -> None:
    """Without the default of the CNI table there is a case that no row answers."""
    folder = overlay(removed=REMOVED + "cni,unchanged,we decide every case\n")
    fault = faults(check(folder))[0]
    assert (fault["kind"], fault["table"]) == ("gap", "cni")
    tables = load_tables(folder)
    assert not any(passed(fault["witness"], tables, *(rule.id for rule in tables.cni)))


def test_a_gap_of_one_value_is_found(overlay: Overlay) -> None:
    """Two rows that leave out 500 services alone, in place of a default, leave a gap of exactly that."""
    folder = overlay(
        removed=REMOVED + "cni,unchanged,x\n",
        cni=RULES + "few,1,services < 500 AND NOT greenfield,stay,x,meshlab\n"
        "many,2,services > 500 AND NOT greenfield,stay,x,meshlab\n"
        "new,3,greenfield AND windows_nodes = 0 AND NOT services = 500,cilium,x,meshlab\n",
    )
    witness = next(fault["witness"] for fault in faults(check(folder)) if fault["kind"] == "gap")
    assert witness["services"] == 500 or witness["greenfield"]


def test_an_overlap_of_equal_priority_is_found_with_a_witness(overlay: Overlay) -> None:
    """Two rows of one priority that can hold at once and disagree fail the proof."""
    rows = load_tables()
    healthy = next(rule for rule in rows.cni if rule.id == "healthy")
    folder = overlay(cni=RULES + f'healthy,250,"{healthy.text}",stay,{healthy.reason.split(",")[0]},meshlab\n')
    (fault,) = faults(check(folder))
    assert (fault["kind"], set(fault["rows"])) == ("overlap", {"healthy", "managed-cloud"})
    assert passed(fault["witness"], load_tables(folder), *fault["rows"]) == [True, True]


def test_a_row_shadowed_by_interval_is_found_though_no_text_is_alike(overlay: Overlay) -> None:
    """A row is never reached where one before it covers its intervals, in other inputs' words and another order."""
    folder = overlay(
        cni=RULES + "shadowed,155,\"has_any(needs, 'grpc_policy') AND requests_per_second > 20000 "
        'AND services BETWEEN 700 AND 900",cilium,x,meshlab\n'
    )
    (fault,) = faults(check(folder))
    assert (fault["kind"], fault["rows"][0]) == ("never decides", "shadowed")
    assert "large-l7" in fault["rows"]
    assert passed(fault["witness"], load_tables(folder), "shadowed", "large-l7") == [True, True]
    assert 700 <= fault["witness"]["services"] <= 900


def test_a_row_covered_by_two_together_is_found(overlay: Overlay) -> None:
    """Neither of two rows covers the third, but both together do."""
    folder = overlay(
        cni=RULES
        + "low,10,nodes < 60 AND NOT greenfield,stay,x,meshlab\n"
        + "high,11,nodes >= 40 AND NOT greenfield,stay,x,meshlab\n"
        + "all,12,nodes >= 1 AND NOT greenfield,stay,x,meshlab\n"
    )
    idle = {fault["rows"][0]: fault["rows"][1:] for fault in faults(check(folder)) if fault["kind"] == "never decides"}
    assert idle["all"] == ["low", "high"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("never,95,services > 500 AND services < 400,stay,x,meshlab\n", "contradicts itself"),
        ("never,95,greenfield AND regulated,stay,x,meshlab\n", "stay is ruled out wherever the row holds"),
    ],
)
def test_a_row_that_can_never_decide_is_told_why(overlay: Overlay, row: str, message: str) -> None:
    """A condition that contradicts itself, and an option that is always ruled out, are told apart."""
    (fault,) = faults(check(overlay(cni=RULES + row)))
    assert fault["rows"][0] == "never"
    assert message in fault["message"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("servces >= 500", ("'servces'", "'services'")),
        ("kernel_oldest >= 5.1", ("'kernel_oldest' is a version", "'5.10'")),
    ],
)
def test_an_unknown_name_and_a_wrong_type_fail_with_their_place(
    overlay: Overlay, condition: str, words: tuple[str, str]
) -> None:
    """The witness of a table that cannot be read is its file, line, row and word."""
    report = check(overlay(cni=RULES + f"fine,1,greenfield,cilium,x,meshlab\nfaulty,2,{condition},stay,x,meshlab\n"))
    (fault,) = report.findings
    assert not report.ok
    assert (fault["kind"], fault["witness"]["line"]) == ("error", 3)
    assert Path(fault["witness"]["file"]).name == "cni.csv"
    assert all(word in fault["message"] for word in ("row faulty", *words))
