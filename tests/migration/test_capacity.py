"""Nodes drained at a time: their pods always fit on the others."""

from __future__ import annotations

import itertools
import random

import polars as pl
from drain_simulation import Cluster, Node, Pod
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.planning.migration.drain import fitting
from meshlab.planning.migration.survey import NODES

BOUNDED = settings(max_examples=60, deadline=None)


def nodes(cells: list[tuple[float, float]]) -> pl.DataFrame:
    """Nodes with so much moved and so much free, the same of CPU and memory."""
    return pl.DataFrame(
        [
            (f"node-{place}", 1, free, free, moved, moved, moved, moved, None)
            for place, (moved, free) in enumerate(cells)
        ],
        schema=NODES,
        orient="row",
    )


cells = st.lists(st.tuples(st.integers(0, 8).map(float), st.integers(0, 8).map(float)), min_size=1, max_size=6)


@BOUNDED
@given(cells, st.integers(1, 6))
def test_parallel_drains_never_exceed_spare_capacity(cells: list[tuple[float, float]], asked: int) -> None:
    """Whatever nodes are drained together, what has to move is no more than what the others have free."""
    room = fitting(nodes(cells), asked, 0)
    assert 1 <= room.parallel <= max(1, min(asked, len(cells)))
    if room.short:
        return
    for together in itertools.combinations(range(len(cells)), room.parallel):
        moved = sum(cells[place][0] for place in together)
        free = sum(cell[1] for place, cell in enumerate(cells) if place not in together)
        assert moved <= free + 1e-6


@BOUNDED
@given(cells, st.integers(1, 6))
def test_no_fewer_nodes_than_fit(cells: list[tuple[float, float]], asked: int) -> None:
    """Where fewer nodes are drained than were asked for, there is a set of one more that does not fit."""
    room = fitting(nodes(cells), asked, 0)
    if room.short or room.parallel == room.asked:
        return
    sets = itertools.combinations(range(len(cells)), room.parallel + 1)
    assert any(
        sum(cells[place][0] for place in together)
        > sum(cell[1] for place, cell in enumerate(cells) if place not in together)
        for together in sets
    )


def test_simulated_drains_stay_within_capacity() -> None:
    """In simulated drains of clusters of mixed nodes, at no second do all pods ask for more than is open."""
    for seed in range(40):
        dice = random.Random(seed)  # noqa: S311  (a simulation keeps no secret)
        made = []
        for _ in range(dice.randint(3, 12)):
            pods = [
                Pod(None, dice.randint(0, 20), 10, dice.choice([0.25, 0.5, 1.0])) for _ in range(dice.randint(0, 6))
            ]
            made.append(Node(pods, 30, sum(pod.asks for pod in pods) + dice.choice([0.0, 1.0, 2.0, 4.0])))
        moved = [sum(pod.asks for pod in node.pods) for node in made]
        frame = nodes([(used, node.capacity - used) for used, node in zip(moved, made, strict=True)])
        room = fitting(frame, 5, 0)
        cluster = Cluster(made, {}, room.parallel, 5)
        cluster.drain()
        assert room.short or cluster.least_spare >= -1e-9, seed


def test_unknown_requests_leave_what_was_asked_for() -> None:
    """Where a node's requests are unknown, the number that was asked for stands, and is called unknown."""
    frame = nodes([(1.0, 1.0), (1.0, 1.0)]).with_columns(moved_cpu_cores=pl.Series([1.0, None]))
    room = fitting(frame, 2, 0)
    assert (room.parallel, room.known) == (2, False)


def test_a_surge_node_gives_room() -> None:
    """Full nodes leave room for nothing, and with one extra node for one of them."""
    full = nodes([(4.0, 0.0)] * 3)
    assert fitting(full, 1, 0).short == ("cpu_cores", "memory_gib")
    assert [fitting(full, asked, 0).lacking for asked in (1, 3)] == [1, 3]
    assert fitting(full, 3, 1).short == ()
    assert fitting(full, 3, 1).parallel == 1


@BOUNDED
@given(cells, st.integers(1, 6))
def test_as_many_nodes_are_lacking_as_make_it_fit(cells: list[tuple[float, float]], asked: int) -> None:
    """With so many extra nodes what was asked for fits, and with one fewer it does not."""
    lacking = fitting(nodes(cells), asked, 0).lacking
    if not lacking:
        return
    assert not fitting(nodes(cells), asked, lacking).short
    assert fitting(nodes(cells), asked, lacking).parallel == min(asked, len(cells))
    before = fitting(nodes(cells), asked, lacking - 1)
    assert before.short or before.parallel < min(asked, len(cells))


def test_a_pod_larger_than_any_other_node_is_named() -> None:
    """A pod that asks for more than any other node has in all keeps its node's name in the answer."""
    assert fitting(nodes([(8.0, 0.0), (1.0, 1.0), (1.0, 8.0)]), 1, 0).homeless == ()
    assert fitting(nodes([(8.0, 0.0), (1.0, 1.0), (1.0, 6.0)]), 1, 0).homeless == ("node-0",)
