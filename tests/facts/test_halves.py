"""Folders of many files are read by two processes, and give what one process gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from facts_damage import SEEDS
from facts_dumps import listed, node, pod, tar_gz
from msgspec.structs import asdict

from meshlab.cluster.facts import gather
from meshlab.cluster.facts.gather import forked
from meshlab.errors import MeshlabError
from meshlab.reviews.cases import read_cluster

SUFFIXES: dict[str, Callable[[object], str]] = {".json": json.dumps, ".yaml": yaml.safe_dump}


@pytest.fixture
def always_two(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Two files are many, and there are two cores."""
    monkeypatch.setattr(gather, "MANY_FILES", 2)
    monkeypatch.setattr(gather, "has_second_core", lambda: True)
    return monkeypatch


def outcome(path: Path) -> object:
    """Facts, findings and survey, or the words of a refusal."""
    try:
        return asdict(read_cluster(path))
    except MeshlabError as refusal:
        return str(refusal)


def folder_of_everything(folder: Path) -> Path:
    """Files of several formats in both halves of a folder; some objects stand in both."""
    for number in range(40):
        suffix = ".json" if number % 3 else ".yaml"
        (folder / f"{number:02}{suffix}").write_text(SUFFIXES[suffix](SEEDS[number % len(SEEDS)]))
    for half in "05":
        (folder / f"{half}-list.json").write_text(json.dumps(listed(node(f"n{half}"), pod(f"p{half}"), pod("twice"))))
        (folder / f"{half}-notes.txt").write_text("no objects in here")
        (folder / f"{half}-settings.yaml").write_text("colour: blue\n")
        tar_gz(folder / f"{half}-more.tar.gz", {"a/nodes.json": json.dumps(listed(node(f"packed-{half}")))})
    (folder / "40.json").write_text(json.dumps(pod("twice", phase="Failed")))
    return folder


def test_two_processes_change_nothing(always_two: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder's facts are the same from two processes, where each object comes from included."""
    found = outcome(folder_of_everything(tmp_path))
    always_two.undo()

    assert isinstance(found, dict)
    assert found == outcome(tmp_path)


@pytest.mark.parametrize("name", ["00-broken.json", "39-broken.json"])
def test_broken_files_of_either_half_are_named(always_two: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """A file that is cut off is refused by its name and line, whichever process meets it."""
    (folder_of_everything(tmp_path) / name).write_text('{"apiVersion": "v1",\n"kind": "Pod", "metadata": {')
    found = outcome(tmp_path)
    always_two.undo()

    assert f"{name}:2: ends in the middle of JSON" in str(found)
    assert found == outcome(tmp_path)


def test_a_second_process_that_dies_is_not_missed(always_two: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the second process dies, the first one reads everything."""
    found = outcome(folder_of_everything(tmp_path))
    always_two.setattr(gather, "_read_by_copy", lambda *_: os.kill(os.getpid(), 9))

    assert found == outcome(tmp_path)


def test_bundles_are_read_alike(always_two: pytest.MonkeyPatch, shared: Path) -> None:
    """Facts of a folder of all dumps that were collected from real clusters are the same from two processes."""
    folder = shared / "fixtures" / "cluster_dump"
    found = outcome(folder)
    always_two.undo()

    assert found == outcome(folder)


def test_no_process_is_left_behind() -> None:
    """Work that nobody waits for is ended, and leaves no process behind."""
    begun: list[int] = []
    fork = os.fork
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fork", lambda: begun.append(fork()) or begun[-1])
        with pytest.raises(ZeroDivisionError), forked(lambda: b"x" * 10_000_000):
            raise ZeroDivisionError
    (copy,) = begun
    with pytest.raises(ChildProcessError):
        os.waitpid(copy, os.WNOHANG)


def test_results_of_any_size_arrive_whole() -> None:
    """A result that is larger than a pipe holds arrives whole."""
    with forked(lambda: b"x" * 10_000_000) as result:
        assert result() == b"x" * 10_000_000
