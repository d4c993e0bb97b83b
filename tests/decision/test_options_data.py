"""The tables of options: every id has a row, every pair exists, every cell is sound, and enough of them are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meshlab.models import decision
from meshlab.reviews.team import read_team
from meshlab.scenario import inputs
from meshlab.tables import read_table

CASES = Path(__file__).with_name("cases")
SIDES = {"cni": ("decision/networks", "network"), "mesh": ("decision/meshes", "mesh")}
WRITTEN = date(2026, 11, 30)
"""Day of the reading: no text is younger, and what ended did so before."""

PLATFORMS = inputs()["cloud"].choices
Place = tuple[str, str]


def rows(name: str) -> list[dict[str, Any]]:
    """Rows of a decision table, an empty edition as an empty text."""
    table = read_table(f"decision/{name}")
    return table.with_columns(pl.col("^.*edition$").fill_null("")).to_dicts()


def options(side: str) -> list[dict[str, Any]]:
    """Rows of one side, the id under ``id`` and an empty edition as an empty text."""
    table, key = SIDES[side]
    return [{**row, "id": row[key], "edition": row["edition"] or ""} for row in read_table(table).to_dicts()]


def had(side: str, place: Place, platform: str, *, new: bool = False) -> bool:
    """Whether an edition can be had on a platform, and, where asked, chosen anew."""
    return any(
        (row["id"], row["edition"]) == place
        and {"any", platform} & set(str(row["platforms"]).split("|"))
        and (row["new"] or not new)
        for row in options(side)
    )


def places(side: str) -> set[Place]:
    """All editions of a side."""
    return {(str(row["id"]), str(row["edition"])) for row in options(side)}


CELLS = {
    (row["option"], edition, row["platform"], row["need"]): row
    for row in read_table("decision/cells").to_dicts()
    for edition in (row["edition"] or "").split("|")
}
LAYERS: dict[str, str] = dict(read_table("decision/needs").select("need", "layer").iter_rows())


def cell(place: Place, platform: str, need: str) -> dict[str, Any] | None:
    """What was read of an option, of the platform itself or of any."""
    return CELLS.get((*place, platform, need)) or CELLS.get((*place, "any", need))


def counted(platform: str) -> Iterator[tuple[Place, str]]:
    """Every option of the platform's pairs with every need that its side counts for."""
    for side in SIDES:
        listed: set[Place] = {
            (row[side], row[f"{side}_edition"]) for row in rows("pairs") if row["platform"] == platform
        }
        for place in sorted(listed - {("today", ""), ("none", "")}):
            yield from ((place, need) for need, layer in LAYERS.items() if layer in (side, "any", "both", "encrypting"))


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_every_id_of_today_has_a_row_and_every_row_an_id(side: str) -> None:
    """What may run today is what the options list: nothing reaches the decision that it does not know."""
    named = set(inputs()[f"current_{side}"].choices) - ({"none"} if side == "cni" else set())
    assert {place[0] for place in places(side)} == named


@pytest.mark.parametrize("side", SIDES)
def test_every_edition_may_be_stated(side: str) -> None:
    """The input for the edition of today takes the editions of the options and no other."""
    assert set(inputs()[f"current_{side}_edition"].choices) == {place[1] for place in places(side)} - {""}


@pytest.mark.parametrize("side", SIDES)
def test_an_edition_differs_by_platform_at_most(side: str) -> None:
    """No edition has two rows for one platform, and each names platforms that exist."""
    seen: set[tuple[Place, str]] = set()
    for row in options(side):
        for platform in str(row["platforms"]).split("|"):
            assert platform in ("any", *PLATFORMS)
            assert ((str(row["id"]), str(row["edition"])), platform) not in seen
            seen.add(((str(row["id"]), str(row["edition"])), platform))


@pytest.mark.parametrize("side", SIDES)
def test_editions_are_written_as_agreed(side: str) -> None:
    """An edition is lower case with hyphens, so that a person can write it behind an at sign."""
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", place[1]) for place in places(side) if place[1])


@pytest.mark.parametrize("side", SIDES)
def test_what_has_ended_has_a_day_and_is_chosen_no_more(side: str) -> None:
    """Ended options have a day that has passed, deprecated ones a day at all, and neither is new."""
    for row in options(side):
        if row["status"] in ("ended", "deprecated"):
            assert row["ends"], row
            assert not row["new"], row
        if row["status"] == "ended":
            assert row["ends"] <= WRITTEN, row
        elif row["status"] != "deprecated":
            assert row["ends"] is None, row


# --- pairs -----------------------------------------------------------------------------------------------------------


def test_every_pair_can_be_had() -> None:
    """Both sides of a pair are options that can be chosen anew on its platform, or what runs today."""
    for row in rows("pairs"):
        for side in SIDES:
            place = (str(row[side]), str(row[f"{side}_edition"]))
            assert place == ("today", "") or had(side, place, str(row["platform"]), new=True), row


def test_no_build_that_is_paid_for_takes_part_without_the_free_one() -> None:
    """Beside each network a vendor's build of Istio has the free build of the same mode, where a platform has that."""
    pairs = set(read_table("decision/pairs").drop("note").iter_rows())
    had = {(platform, *mesh) for platform, _, _, *mesh in pairs}
    for platform, cni, edition, mesh, build in pairs:
        free = (mesh, (build or "").replace("vendor-fips", "self-run"))
        assert build == free[1] or (platform, *free) not in had or (platform, cni, edition, *free) in pairs


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_runs_today_takes_part(platform: str) -> None:
    """Each contest holds today's pair, today's network without a mesh, with a gateway and with each mesh to be had."""
    today = {str(row["mesh"]) for row in rows("pairs") if row["platform"] == platform and row["cni"] == "today"}
    assert {"today", "none", "gateway", "istio-sidecar", "istio-ambient", "linkerd"} <= today


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_new_cluster_has_a_choice_with_and_without_a_mesh(platform: str) -> None:
    """Each network that can be had anew stands in the contest with no mesh and with the mesh of today."""
    listed = {(row["cni"], row["cni_edition"], row["mesh"]) for row in rows("pairs") if row["platform"] == platform}
    for network, edition in {(cni, edition) for cni, edition, _ in listed if cni != "today"}:
        assert {(network, edition, "none"), (network, edition, "today")} <= listed


# --- cells -----------------------------------------------------------------------------------------------------------


def test_cells_are_of_options_that_exist() -> None:
    """No cell is of an edition or a need that nobody knows, or of a platform where the edition cannot be had."""
    known = places("cni") | places("mesh")
    for option, edition, platform, need in CELLS:
        assert (option, edition) in known, (option, edition)
        assert need in LAYERS
        assert platform == "any" or any(had(side, (option, edition), platform) for side in SIDES)


def test_support_says_whether_it_meets() -> None:
    """Yes meets, no does not, what was not read says nothing, and everything between says which."""
    fixed = {"yes": True, "no": False, "not read": None}
    for row in CELLS.values():
        assert row["meets"] == fixed[row["support"]] if row["support"] in fixed else row["meets"] is not None, row


def test_texts_are_dated_and_released() -> None:
    """No text is younger than the reading, and none is of a product that is not released."""
    for name in ("networks", "meshes", "cells", "requirements", "operations", "controls"):
        assert all(row["text_date"] <= WRITTEN for row in rows(name)), name
    assert all(row["released"] for row in CELLS.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nine_cells_of_ten_are_read(platform: str) -> None:
    """Of the options of each platform at least nine cells of ten that count were read."""
    read = [
        (found := cell(place, platform, need)) is not None and found["meets"] is not None
        for place, need in counted(platform)
    ]
    assert sum(read) / len(read) >= 0.9, f"{sum(read)} of {len(read)}"


@pytest.mark.parametrize("need", LAYERS)
def test_every_need_is_met_by_something_that_can_be_chosen(need: str) -> None:
    """No need is asked that no option of any platform is known to meet."""
    found = (
        cell(place, platform, asked) for platform in PLATFORMS for place, asked in counted(platform) if asked == need
    )
    assert any(row and row["meets"] for row in found)


# --- what running it takes, and controls -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_every_option_says_what_running_it_takes(side: str) -> None:
    """Each edition that can be chosen anew has its row of operations, and each failure its reach."""
    told = {
        (row["option"], edition): row
        for row in rows("operations")
        for edition in row["edition"].split("|")
        if row["side"] == side
    }
    assert {(str(row["id"]), str(row["edition"])) for row in options(side) if row["new"]} <= set(told)
    assert set(told) <= places(side)
    assert {row["blast_radius"] for row in told.values()} <= {None, "pod", "node", "namespace", "cluster"}


def test_controls_lead_to_needs() -> None:
    """Each control asks for a need that exists, once, and the needs of the article's row for auditors are asked for."""
    found = [(row["framework"], row["control"], row["need"]) for row in rows("controls")]
    assert len(found) == len(set(found))
    asked = {need for _, _, need in found}
    assert asked <= set(LAYERS)
    assert {"host_protection", "cluster_policy", "policy_audit_log", "audit_reports"} <= asked


# --- decisions of people ---------------------------------------------------------------------------------------------


def test_cases_and_answers_belong_together() -> None:
    """Each team of the cases has an answer that names options which exist, and each answer its team."""
    expected = pl.read_csv(CASES / "expected.csv").fill_null("").to_dicts()
    assert {row["file"] for row in expected} == {path.name for path in CASES.glob("*.yaml")}
    for row in expected:
        for side in SIDES:
            named = set(str(row[side]).split("|")) - {"stay", ""}
            assert named <= {place[0] for place in places(side)}, row
        assert row["what_an_architect_would_say"]


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_case_is_a_team_that_can_be_read(path: Path) -> None:
    """Each case states facts that the inputs know, in editions that run where it says."""
    team = read_team(path)
    assert team.name == path.stem


def test_texts_that_are_due_are_those_older_than_a_year_before_the_newest() -> None:
    """Counted from the table of cells by hand: dates as text, none of them within the last year."""
    tables = decision.load_tables()
    listed = decision.due(tables)
    newest = max(cell.text_date for cell in tables.cells.values() if cell.text_date[:1].isdigit())
    year_ago = f"{int(newest[:4]) - 1}{newest[4:]}"
    dated = [date for date in listed["text_date"] if date[:1].isdigit()]
    assert dated
    assert all(date < year_ago for date in dated)
    old = {
        c.source_id
        for c in tables.cells.values()
        if c.source_id and c.text_date[:1].isdigit() and c.text_date < year_ago
    }
    assert old <= set(listed["source_id"])


def test_each_caveat_has_a_sign_and_a_mitigation() -> None:
    """The register of risks says of each caveat how it shows and what to do; a day that ends support speaks alone."""
    requirements = read_table("decision/requirements").filter(~pl.col("effect").is_in(["blocks", "ends"]))
    assert set(read_table("decision/caveats")["requirement"]) == set(requirements["id"])
