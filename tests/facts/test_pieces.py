"""Large Lists are read in pieces, and give what they give when they are read whole."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from facts_damage import JSON_TEXT, SEEDS, damaged_bytes, damaged_objects
from facts_dumps import Object, listed, node, pod, resource
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts import files, read_facts
from meshlab.errors import MeshlabError

PIECE_BYTES = 3_000
"""Small enough that a few objects are several pieces, large enough that each fits one."""

KUBECTL = {"apiVersion": "v1", "items": [pod(f"web-{number}") for number in range(60)], "kind": "List"}
"""A List in the order of keys in which kubectl prints it."""


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every List of more than 3 kB counts as a large one."""
    monkeypatch.setattr(files, "PIECE_BYTES", PIECE_BYTES)
    monkeypatch.setattr(files, "SMALL_BYTES", 0)
    return monkeypatch


def outcome(path: Path) -> object:
    """Facts, or the words of a refusal."""
    try:
        return read_facts([path])
    except MeshlabError as refusal:
        return str(refusal)


def in_pieces(content: bytes) -> list[object]:
    """The pieces of a text as plain data."""
    return [json.loads(bytes(piece)) for piece in files.pieces(io.BytesIO(content))]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("indent", [1, 2, 4, "\t"])
def test_pieces_hold_every_item_once(indent: int | str) -> None:
    """The pieces together are the items of the List in their order, and the last one has the List's own fields."""
    head, *parts, last = in_pieces(json.dumps(KUBECTL, indent=indent).encode())

    assert head == {"apiVersion": "v1", "items": []}
    assert len(parts) > 1
    assert [item for part in parts for item in part] + last["items"] == KUBECTL["items"]
    assert {key: value for key, value in last.items() if key != "items"} == {"apiVersion": "v1", "kind": "List"}


@pytest.mark.usefixtures("small_pieces")
def test_lines_may_end_as_windows_ends_them() -> None:
    """A List with carriage returns comes in pieces as well."""
    content = json.dumps(KUBECTL, indent=4).replace("\n", "\r\n").encode()

    assert len(in_pieces(content)) > 2


@pytest.mark.usefixtures("small_pieces")
def test_memory_is_that_of_a_piece() -> None:
    """No piece is larger than the buffer, whatever the List holds, but for the List's own fields at its end."""
    content = json.dumps(KUBECTL, indent=4).encode()

    assert max(len(piece) for piece in files.pieces(io.BytesIO(content))) <= PIECE_BYTES + 100


LISTS: dict[str, bytes] = {
    "as kubectl prints it": json.dumps(KUBECTL, indent=4).encode(),
    "kinds by turns": json.dumps(listed(*[pod("a"), node("b")] * 30), indent=4).encode(),
    "items without kind, told at the beginning": json.dumps(
        {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": KUBECTL["items"]},
        indent=2,
    )
    .replace('"kind": "Pod",', "")
    .encode(),
    "items without kind, told at the end": json.dumps({**KUBECTL, "kind": "PodList"}, indent=2)
    .replace('"kind": "Pod",', "")
    .encode(),
    "items without kind, never told": json.dumps(KUBECTL, indent=2).replace('"kind": "Pod",', "").encode(),
    "Lists in a List": json.dumps(listed(*[listed(pod("a"), node("b"))] * 30), indent=1).encode(),
    "items that do not fit their type": json.dumps(listed(*[pod("a"), pod("b", containers=7)] * 30), indent=1).encode(),
    "two documents": json.dumps(KUBECTL, indent=4).encode() + b"\n" + json.dumps(node(), indent=4).encode(),
    "cut off": json.dumps(KUBECTL, indent=4).encode()[:-9_000],
    "an item larger than a piece": json.dumps(
        listed(pod("a"), pod("b", nodeName="x" * 9_000), pod("c")), indent=4
    ).encode(),
    "borders of items deep in an item": json.dumps(
        {"apiVersion": "v1", "items": [{**pod(), "spec": {"containers": [{"name": "a"}] * 300}}]}, indent=0
    ).encode(),
    "evidence in nodes": json.dumps(
        listed(
            *(
                resource("Node", "v1", f"n-{number}", spec={"providerID": "aws:///eu-central-1a/i-0"})
                for number in range(40)
            )
        ),
        indent=4,
    ).encode(),
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_pieces_change_nothing(small_pieces: pytest.MonkeyPatch, content: bytes, tmp_path: Path) -> None:
    """Facts and refusals of a List are the same whether it is read in pieces or whole."""
    (tmp_path / "dump.json").write_bytes(content)
    found = outcome(tmp_path / "dump.json")
    small_pieces.undo()

    assert found == outcome(tmp_path / "dump.json")


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("end", [{"kind": 7}, {"kind": "Pod"}, {"items\u0000": None}])
def test_lists_that_end_as_something_else_are_refused(end: Object, tmp_path: Path) -> None:
    """What begins as a List and turns out at its end to be none is refused, though its items have been read."""
    content = json.dumps({**KUBECTL, **end}, indent=4).replace("items\\u0000", "items")
    (tmp_path / "dump.json").write_text(content)

    assert "begins as a List and ends as something else" in str(outcome(tmp_path / "dump.json"))


QUICK = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)


@st.composite
def damaged_lists(draw: st.DrawFn) -> bytes:
    """An indented List with damaged values or damaged bytes."""
    if draw(st.booleans()):
        items: list[Object] = draw(damaged_objects())
        return json.dumps(listed(*items, *SEEDS), indent=draw(st.sampled_from([0, 1, 4]))).encode()
    return draw(damaged_bytes(JSON_TEXT))


@QUICK
@given(damaged_lists())
def test_pieces_change_nothing_of_damaged_lists(
    small_pieces: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    """Whatever is done to a List, its facts or its refusal are the same in pieces as whole."""
    (tmp_path / "dump").write_bytes(content)
    found = outcome(tmp_path / "dump")
    with small_pieces.context() as whole:
        whole.setattr(files, "PIECE_BYTES", len(content) + 1)
        assert found == outcome(tmp_path / "dump")
