from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.models.decision import decide, load_tables
from meshlab.scenario import frame_of, inputs
from meshlab.tables import read_table

RULES = "id,priority,condition,recommendation,reason,source_id\n"
Overlay = Callable[..., Path]


def test_every_option_is_recommended_by_some_row() -> None:
    """The tables recommend each option at least once."""
    tables = load_tables()
    assert {rule.recommendation for rule in tables.cni} == {"cilium", "calico", "calico-enterprise", "stay"}
    assert {rule.recommendation for rule in tables.mesh} == {"none", "cilium-mesh", "istio-ambient", "istio-sidecar"}


def test_every_need_says_who_has_to_meet_it() -> None:
    """The needs of the decision are the needs that a team can state."""
    assert set(load_tables().layers) == set(inputs()["needs"].choices)


def test_no_capability_stands_without_a_source_and_a_date() -> None:
    """Every capability and requirement cites its sources and the month in which they were read."""
    for topic in ("capabilities", "requirements"):
        table = read_table(f"decision/{topic}")
        source = "source_ids" if topic == "capabilities" else "source_id"
        assert table[source].null_count() == 0
        assert table["as_of"].str.contains(r"^20\d\d-\d\d$").all()


def test_a_team_replaces_adds_and_removes_rows(overlay: Overlay) -> None:
    """An overlay's changes are told as plain data, and the verdict follows them."""
    folder = overlay(
        cni=RULES
        + "greenfield,220,greenfield,calico,We know Calico,meshlab\n"
        + "ours,95,services >= 20000,stay,Too large to move,meshlab\n",
        removed="table,id,why\nmesh,ambient,We do not run Istio\ncapabilities,fips/istio-ambient,Not for us\n",
    )
    tables = load_tables(folder)
    changes = [(change["table"], change["id"], change["change"]) for change in tables.changes]
    assert changes == [
        ("cni", "greenfield", "replaced"),
        ("cni", "ours", "added"),
        ("mesh", "ambient", "removed"),
        ("capabilities", "fips/istio-ambient", "removed"),
    ]
    replaced = tables.changes[0]
    assert replaced["before"]["recommendation"] == "cilium"
    assert replaced["after"]["recommendation"] == "calico"
    assert tables.changes[2]["why"] == "We do not run Istio"
    verdict = decide(frame_of([{"scenario": "a", "greenfield": True, "kernel_oldest": "5.10.0"}]), tables).collect()
    assert verdict["cni"].to_list() == ["calico"]
    assert load_tables().changes == ()


def test_a_row_that_repeats_ours_changes_nothing(overlay: Overlay) -> None:
    """An overlay that holds our own rows has no changes."""
    data = Path(__file__).resolve().parents[2] / "data" / "decision" / "cni.csv"
    assert load_tables(overlay(cni=data.read_text(encoding="utf-8"))).changes == ()


def test_a_team_may_cite_sources_of_its_own(overlay: Overlay) -> None:
    """A folder's sources.csv makes its ids known."""
    head = "source_id,title,organisation,url,page,published,retrieved,evidence,vendor_interest\n"
    folder = overlay(
        sources=head + "adr-7,Decision 7,Us,,,2026,2026-11,documentation,none\n",
        cni=RULES + "ours,95,services >= 20000,stay,See the record,adr-7\n",
    )
    assert [rule.source_id for rule in load_tables(folder).cni if rule.id == "ours"] == ["adr-7"]


@pytest.mark.parametrize(
    ("files", "line", "words"),
    [
        ({"cni": RULES + "a,1,servces > 5,stay,x,meshlab\n"}, 2, ["row a", "'servces'", "'services'"]),
        ({"cni": RULES + "a,1,true,celium,x,meshlab\n"}, 2, ["row a", "'celium'", "'cilium'"]),
        ({"cni": RULES + "a,1,true,stay,x,meshlba\n"}, 2, ["row a", "'meshlba'", "'meshlab'"]),
        ({"cni": RULES + "a,soon,true,stay,x,meshlab\n"}, 2, ["'priority'", "'soon'", "integer"]),
        ({"cni": RULES + "a,1,,stay,x,meshlab\n"}, 2, ["'condition'", "empty"]),
        ({"cni": RULES + "a,1,true,stay,x,meshlab\na,2,true,stay,x,meshlab\n"}, 3, ["row a", "twice", "line 2"]),
        ({"cni": RULES + "ambient,1,true,stay,x,meshlab\n"}, 11, ["row ambient", "CNI table too"]),
        ({"cni": RULES + "a,1,cni = 'cilium',stay,x,meshlab\n"}, 2, ["row a", "unknown name 'cni'"]),
        ({"cni": RULES + "a,1,l7_ned,stay,x,meshlab\n"}, 2, ["row a", "'l7_ned'", "'l7_need'"]),
        ({"cni": RULES + "a,1,l7_need = true,stay,x,meshlab\n"}, 2, ["row a", "is a term"]),
        ({"removed": "table,id,reason\ncni,greenfield,x\n"}, 1, ["'reason'", "known: table, id, why"]),
        ({"cnis": RULES}, None, ["no decision table", "'cni.csv'"]),
        ({"removed": "table,id,why\ncni,grenfield,x\n"}, 2, ["'grenfield'", "'greenfield'"]),
        ({"removed": "table,id,why\ncnis,greenfield,x\n"}, 2, ["'cnis'", "'cni'"]),
        ({"terms": "term,condition,meaning,source_id\ncni,greenfield,x,meshlab\n"}, 2, ["row cni", "name of an input"]),
        ({"domain": "input,value,note,source_id\nkernel_oldest,new,x,meshlab\n"}, 2, ["'new'", "no version"]),
        (
            {"capabilities": "capability,option,support,note,source_ids,as_of\nmtls,cilium,maybe,,meshlab,2026-11\n"},
            2,
            ["'maybe'"],
        ),
        ({}, None, ["holds no tables"]),
    ],
)
def test_a_mistake_in_a_table_names_file_line_row_and_word(
    overlay: Overlay, files: dict[str, str], line: int | None, words: list[str]
) -> None:
    """A mistake is told with its file, line, row and word, and the nearest known name where there is one."""
    with pytest.raises(MeshlabError) as caught:
        load_tables(overlay(**files))
    problem = caught.value.problems[0]
    assert problem.line == line
    assert all(word in str(problem) for word in words)
    assert Path(problem.file).stem in {*files, "mesh", "tables"}


def test_all_mistakes_of_all_tables_are_told_at_once(overlay: Overlay) -> None:
    """Mistakes in three files come in one error."""
    folder = overlay(
        cni=RULES + "a,1,servces > 5,stay,x,meshlab\n",
        mesh=RULES + "b,1,cni = 'celium',none,x,meshlab\n",
        removed="table,id,why\ncni,grenfield,x\n",
    )
    with pytest.raises(MeshlabError) as caught:
        load_tables(folder)
    assert {Path(problem.file).stem for problem in caught.value.problems} == {"cni", "mesh", "removed"}


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    """A wrong path of tables says so."""
    with pytest.raises(MeshlabError, match="is no folder of tables"):
        load_tables(tmp_path / "nowhere")
