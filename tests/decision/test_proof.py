"""What `decide --check` finds in a team's own tables, each with a witness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.models.decision import check, explain, load_tables, proof
from meshlab.models.decision.proof import _incomplete
from meshlab.models.decision.tables import Tables, _missing_needs, _Row
from meshlab.scenario import frame_of, inputs
from meshlab.tables import resource

Overlay = Callable[..., Path]

PREFERENCES = "id,side,priority,condition,option,lenient,reason,source_id,text_date\n"


def kinds(folder: Path | Tables) -> dict[str, dict[str, object]]:
    """Findings that are wrong, by their kind."""
    return {str(finding["kind"]): finding for finding in check(folder).findings if not finding["ok"]}


def test_our_tables_hold() -> None:
    """Nothing is wrong with the tables as they come, and nearly every cell of their pairs has been read."""
    report = check()
    assert report.ok, [finding["message"] for finding in report.findings if not finding["ok"]]
    assert min(report.read.values()) >= 0.9


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What one proof finds in tables with a fault of each kind; they have nothing to do with one another."""
    folder = tmp_path_factory.mktemp("faulty")
    rows = (
        "OWN,cni,1,windows_nodes > 0,cilium@self-run,false,x,meshlab,2026-11-28\n"
        "ONE,cni,3,greenfield,cilium,false,x,meshlab,2026-11-28\n"
        "TWO,cni,3,bgp_fabric,calico,false,x,meshlab,2026-11-28\n"
    )
    (folder / "preferences.csv").write_text(PREFERENCES + rows, encoding="utf-8")
    header, *rows = (resource("data") / "decision" / "cells.csv").read_text(encoding="utf-8").splitlines()
    keys = [row.split(",")[:4] for row in rows if row.startswith("sctp,")]
    said_no = "".join(f"{','.join(key)},no,false,x,meshlab,2026-11-28,true\n" for key in keys)
    (folder / "cells.csv").write_text(f"{header}\n{said_no}", encoding="utf-8")
    return kinds(folder)


def test_a_preference_for_what_is_always_ruled_out_is_found(faulty: dict[str, dict[str, object]]) -> None:
    """A preference that holds with Windows nodes alone for a network without them never finds its option."""
    assert faulty["blocked"]["rows"] == ["OWN"]
    assert faulty["blocked"]["witness"]


def test_two_preferences_of_one_priority_for_different_options_are_found(faulty: dict[str, dict[str, object]]) -> None:
    """Both may hold at once, and nothing says which decides."""
    assert set(faulty["overlap"]["rows"]) == {"ONE", "TWO"}  # type: ignore[call-overload]
    assert faulty["overlap"]["witness"]


def test_a_pair_of_an_edition_that_does_not_exist_is_told_with_its_line(overlay: Overlay) -> None:
    """The file, the line, and the nearest edition that there is."""
    folder = overlay(pairs="platform,cni,cni_edition,mesh,mesh_edition,note\neks,cilium,self-rum,none,,\n")
    with pytest.raises(MeshlabError, match=r"pairs\.csv:2: .*cilium@self-rum.*cilium@self-run"):
        load_tables(folder)
    assert "error" in kinds(folder)


def test_a_need_that_no_option_meets_is_found_with_a_witness(faulty: dict[str, dict[str, object]]) -> None:
    """Where every cell of a need says no, the check fails, and a scenario that asks for it is its witness."""
    assert faulty["unmet need"]["rows"] == ["sctp"]
    assert faulty["unmet need"]["witness"]["needs"] == ["sctp"]  # type: ignore[index]


def test_a_need_that_no_preference_names_and_an_option_that_is_half_written_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A need that takes a mesh and is in no term; a mesh without cells, pairs or operations, or without a name."""
    tables = load_tables()
    rare = tuple(row for row in tables.preferences if row.id not in {"ambient", "linkerd"})
    edition = ("linkerd", "edge-open-source")
    lacks = {
        "cells": {key: cell for key, cell in tables.cells.items() if key[1:3] != edition},
        "pairs": tuple(pair for pair in tables.pairs if (pair.mesh, pair.mesh_edition) != edition),
        "operations": {key: row for key, row in tables.operations.items() if key[1:] != edition},
    }
    findings = check(replace(tables, preferences=rare, operations=lacks["operations"])).findings
    unnamed = [row for row in findings if row["kind"] == "no preference"]
    assert [row["rows"] for row in unnamed] == [["per_connection_authentication"]]
    assert not any(row["ok"] for row in unnamed)
    # the whole proof has just told a finding of this kind: of the others the question alone is asked again
    for name, told in (
        ("operations", findings),
        *((name, _incomplete(replace(tables, **{name: lacks[name]}))) for name in ("cells", "pairs")),
    ):
        found = [row for row in told if row["kind"] == "incomplete option"]
        assert [row["ok"] for row in found if row["rows"] == ["linkerd@edge-open-source"]] == [name == "operations"]
    monkeypatch.setattr(proof, "products", dict[str, str])
    assert any(
        "linkerd@edge-open-source has no row in products.csv" in str(row["message"]) for row in _incomplete(tables)
    )


def test_a_need_of_which_nothing_is_said_is_told() -> None:
    """Who has to meet it stands in no row, which every row of the others would not show."""
    said = {(need,): _Row("needs.csv", 2, {}) for need in inputs()["needs"].choices if need != "bgp"}
    (told,) = _missing_needs(said)
    assert "needs.csv: says nothing of bgp" in str(told)


def test_a_team_adds_an_option_with_its_cells(overlay: Overlay) -> None:
    """A team's own option takes part: chosen where its cells meet what is asked, open where one is not read."""
    folder = overlay(
        networks=(
            "network,edition,label,supported_by,platforms,status,ends,new,policy_engine,paid,licence,price_basis,"
            "encrypts,source_id,text_date,note\n"
            "calico,acme,Calico as Acme builds it,vendor,self-managed,ga,,true,,false,Acme,,false,meshlab,2026-11-28,\n"
        ),
        cells=(
            "need,option,edition,platform,support,meets,note,source_id,text_date,released\n"
            "dns_policy,calico,acme,any,yes,true,,meshlab,2026-11-28,true\n"
        ),
        pairs="platform,cni,cni_edition,mesh,mesh_edition,note\nself-managed,calico,acme,none,,\n",
        preferences=PREFERENCES + "ACME,cni,5,true,calico@acme,false,Acme runs it.,meshlab,2026-11-28\n",
    )
    tables = load_tables(folder)
    asked = [["dns_policy"], ["dns_policy", "bgp"]]
    new = {"cloud": "self-managed", "greenfield": True, "kernel_oldest": "6.8.0", "windows_nodes": 0}
    rows = [{"scenario": str(n), **new, "needs": needs} for n, needs in enumerate(asked)]
    chosen, other = explain(frame_of(rows), tables, outlook=False)
    assert (chosen["cni"], chosen["edition"]["cni"]) == ("calico", "acme")
    assert chosen["reasons"][0] == "Acme runs it."
    assert other["edition"]["cni"] != "acme"
    (acme,) = [option for option in other["options"] if option["edition"]["cni"] == "acme"]
    assert (acme["eligible"], acme["unknown"]) == (None, ["bgp"])


def test_a_row_of_a_team_speaks_of_several_editions_and_options(overlay: Overlay) -> None:
    """Each edition of a cell and each option of a requirement counts alone, and one that does not exist is told."""
    header = "need,option,edition,platform,support,meets,note,source_id,text_date,released\n"
    tables = load_tables(
        overlay(cells=f"{header}bgp,calico,self-run|self-run-ebpf,any,no,false,x,meshlab,2026-11-28,true\n")
    )
    editions = ("self-run", "self-run-ebpf", "certified-operator")
    assert [tables.cells["bgp", "calico", edition, "any"].note == "x" for edition in editions] == [True, True, False]
    header = "id,kind,option,condition,effect,today,lenient,requirement,source_id,text_date\n"
    wish = "wish,cni,cilium@self-rum|encrypts=true,greenfield,blocks,false,true,a wish,meshlab,2026-11-28\n"
    with pytest.raises(MeshlabError, match=r"requirements\.csv:2: .*cilium@self-rum.*cilium@self-run"):
        load_tables(overlay(requirements=f"{header}{wish}"))
