from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from meshlab.models.decision import load_tables
from meshlab.models.decision.cells import Axis, axes, version_of
from meshlab.models.decision.conditions import order_of
from meshlab.models.decision.flips import present_answers, present_cell
from meshlab.models.decision.states import compared

RULES = "id,priority,condition,recommendation,reason,source_id\n"
Overlay = Callable[..., Path]


def cut(overlay: Overlay, condition: str, name: str) -> Axis:
    """The axis of an input that our tables do not use, cut by one more condition."""
    return axes(load_tables(overlay(cni=RULES + f'cut,1,"{condition}",stay,x,meshlab\n')))[name]


def test_the_shares_of_an_axis_sum_to_one() -> None:
    """The cells of every axis share its domain out without rest."""
    for axis in axes(load_tables()).values():
        assert math.isclose(sum(cell.share for cell in axis.cells), 1)
        assert len({cell.answers for cell in axis.cells}) == len(axis.cells)


def test_every_scenario_lies_in_a_cell(draw: Callable[[int, int, float], pl.DataFrame]) -> None:
    """Whatever the facts, the comparisons answer as they do in one of the cells."""
    tables = load_tables()
    answers = compared(draw(300, 5, 0.0)).select(present_answers(tables)).collect()
    for row in answers.iter_rows(named=True):
        for axis in axes(tables).values():
            cell = axis.cells[present_cell(axis, row)]
            assert list(cell.answers) == [row[f"{axis.name}/{place}"] for place in range(len(axis.tests))]


@pytest.mark.parametrize(
    ("condition", "name", "expected"),
    [
        # nodes: whole numbers from 1 to 15000, by their logarithm; nodes > 1000 is ours
        (
            "nodes >= 100",
            "nodes",
            [(1, 99, math.log(100) / math.log(15001)), (100, 1000, math.log(1001 / 100) / math.log(15001)), None],
        ),
        ("nodes = 7", "nodes", [(1, 6, None), (7, 7, None), (8, 1000, None), (1001, 15000, None)]),
        # windows nodes: none at all weighs as much as any
        ("windows_nodes >= 10", "windows_nodes", [(0, 0, 0.5), (1, 9, 9 / 15000 / 2), (10, 15000, 14991 / 15000 / 2)]),
        # a share from 0 to 1, linear: the cut belongs to the upper cell
        ("l7_traffic_share >= 0.25", "l7_traffic_share", [(0.0, 0.12, 0.25), (0.25, 1.0, 0.75)]),
        ("l7_traffic_share > 0.25", "l7_traffic_share", [(0.0, 0.25, 0.25), (0.62, 1.0, 0.75)]),
    ],
)
def test_numbers_are_cut_exactly_and_weighed_by_their_scale(
    overlay: Overlay, condition: str, name: str, expected: list[tuple[float, float, float | None] | None]
) -> None:
    """Cells end where comparisons change, and weigh by the declared scale of their input."""
    cells = cut(overlay, condition, name).cells
    assert len(cells) == len(expected)
    for cell, wanted in zip(cells, expected, strict=True):
        if wanted is not None:
            assert (cell.low, cell.high) == wanted[:2]
            assert wanted[2] is None or math.isclose(cell.share, wanted[2])


def test_versions_weigh_by_those_in_use() -> None:
    """Of the ten listed kernels seven are 5.10 or later, and one is RHEL 8.10's."""
    axis = axes(load_tables())["kernel_oldest"]
    shares = {cell.low: cell.share for cell in axis.cells if cell.share}
    assert shares == {"4.18.0-80.el8": 0.1, "4.18.0-553.el8": 0.1, "4.18.1": 0.1, "5.10.0": 0.7}


@pytest.mark.parametrize("text", ["5.10.0", "4.18.0-553.el8", "6.8.12", "0.0.1"])
def test_the_version_of_an_order_number_has_that_order(text: str) -> None:
    """A version comes back from its order number."""
    assert version_of(order_of(text)) == text


def test_choices_that_no_row_tells_apart_share_a_cell() -> None:
    """Current meshes fall into Istio with sidecars and all the others."""
    assert [len(cell.choices) for cell in axes(load_tables())["current_mesh"].cells] == [5, 1]
