"""What `decide --check` finds in a team's own tables, each with a witness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.models.decision import check, load_tables

Overlay = Callable[..., Path]

PREFERENCES = "id,side,priority,condition,option,lenient,reason,source_id,text_date\n"


def kinds(folder: Path) -> dict[str, dict[str, object]]:
    """Findings that are wrong, by their kind."""
    return {str(finding["kind"]): finding for finding in check(folder).findings if not finding["ok"]}


def test_our_tables_hold() -> None:
    """Nothing is wrong with the tables as they come, and nearly every cell of their pairs has been read."""
    report = check()
    assert report.ok, [finding["message"] for finding in report.findings if not finding["ok"]]
    assert min(report.read.values()) >= 0.9


def test_a_preference_for_what_is_always_ruled_out_is_found(overlay: Overlay) -> None:
    """A preference that holds with Windows nodes alone for a network without them never finds its option."""
    row = "OWN,cni,1,windows_nodes > 0,cilium@self-run,false,x,meshlab,2026-11-28\n"
    found = kinds(overlay(preferences=PREFERENCES + row))
    assert found["blocked"]["rows"] == ["OWN"]
    assert found["blocked"]["witness"]


def test_two_preferences_of_one_priority_for_different_options_are_found(overlay: Overlay) -> None:
    """Both may hold at once, and nothing says which decides."""
    rows = (
        "ONE,cni,3,greenfield,cilium,false,x,meshlab,2026-11-28\n"
        "TWO,cni,3,bgp_fabric,calico,false,x,meshlab,2026-11-28\n"
    )
    found = kinds(overlay(preferences=PREFERENCES + rows))
    assert set(found["overlap"]["rows"]) == {"ONE", "TWO"}  # type: ignore[call-overload]
    assert found["overlap"]["witness"]


def test_a_pair_of_an_edition_that_does_not_exist_is_told_with_its_line(overlay: Overlay) -> None:
    """The file, the line, and the nearest edition that there is."""
    folder = overlay(pairs="platform,cni,cni_edition,mesh,mesh_edition,note\neks,cilium,self-rum,none,,\n")
    with pytest.raises(MeshlabError, match=r"pairs\.csv:2: .*cilium@self-rum.*cilium@self-run"):
        load_tables(folder)
    assert "error" in kinds(folder)
