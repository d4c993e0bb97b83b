"""Dumps that were damaged in any way give facts or a clear error, never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from facts_damage import JSON_TEXT, YAML_TEXT, damaged_bytes, damaged_dumps
from facts_dumps import tar_gz
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts import is_dump, read_facts, scenario_values
from meshlab.errors import MeshlabError


def survives(path: Path) -> None:
    """Facts that are plain data, or the errors of a user's input."""
    is_dump(path)
    try:
        facts = read_facts([path])
    except MeshlabError as refusal:
        lines = str(refusal).splitlines()
        assert len(lines) == len(refusal.problems) > 0  # noqa: PT017  (either outcome is fine)
    else:
        json.dumps(facts, allow_nan=False)
        scenario_values(facts)


QUICK = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
LONG = settings(QUICK, max_examples=20_000)


@QUICK
@given(damaged_dumps())
def test_damaged_dumps_give_facts_or_an_error(tmp_path: Path, content: bytes) -> None:
    """Whatever is done to a dump's bytes or values, reading it ends in facts or in words."""
    (tmp_path / "dump").write_bytes(content)
    survives(tmp_path / "dump")


@settings(QUICK, max_examples=60)
@given(st.data())
def test_damaged_archives_give_facts_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever is done to an archive's bytes, reading it ends in facts or in words."""
    whole = tar_gz(tmp_path / "whole.tar.gz", {"a/all.json": JSON_TEXT, "a/all.yaml": YAML_TEXT}).read_bytes()
    (tmp_path / "dump").write_bytes(data.draw(damaged_bytes(whole)))
    survives(tmp_path / "dump")


@pytest.mark.soak
@LONG
@given(damaged_dumps())
def test_twenty_thousand_damaged_dumps(tmp_path: Path, content: bytes) -> None:
    """Twenty thousand damaged dumps end in facts or in words."""
    (tmp_path / "dump").write_bytes(content)
    survives(tmp_path / "dump")
