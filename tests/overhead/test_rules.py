"""Service rules by the number of Services."""

from __future__ import annotations

import polars as pl
import pytest

from meshlab.models.overhead.rules import QUANTITIES, rule_scale
from meshlab.tables import read_table

SIZES = pl.DataFrame({"scenario": ["small", "large"], "services": [100, 10_000]})


def cost(mode: str, quantity: str, scenario: str, era: str = "current") -> float | None:
    """One cost."""
    table = rule_scale(SIZES, era).filter(mode=mode, quantity=quantity, scenario=scenario)
    return table.collect()["cost"].item()


def test_only_a_chain_grows_with_services() -> None:
    """A lookup under iptables takes longer at 10,000 Services; in maps it does not."""
    assert cost("iptables", "lookup_us", "large") == pytest.approx(5 + 86)
    for mode in ("ipvs", "nftables", "ebpf"):
        assert cost(mode, "lookup_us", "large") == cost(mode, "lookup_us", "small")


def test_old_figures_stay_apart() -> None:
    """An update under iptables took minutes before partial sync and takes a fraction of a second now."""
    assert cost("iptables", "update_s", "large", "before partial sync") == pytest.approx(1320)
    assert cost("iptables", "update_s", "large") < 1


def test_published_points_are_met() -> None:
    """Full syncs: nftables at 44,125 Services takes 1004 s; iptables at 10,000: 40 s."""
    frame = pl.DataFrame({"scenario": ["x"], "services": [44_125]})
    full = rule_scale(frame).filter(mode="nftables", quantity="full_sync_s").collect()["cost"].item()
    assert full == pytest.approx(1003.9, rel=0.01)
    assert cost("iptables", "full_sync_s", "large") == pytest.approx(40.12, rel=0.01)


def test_nothing_published_stays_unknown() -> None:
    """No source gives an update under eBPF with a number of Services."""
    assert cost("ebpf", "update_s", "large") is None


def test_every_row_names_its_sources() -> None:
    """Quantities are the known ones, and sources are declared."""
    table = read_table("rule_scale")
    assert set(table["quantity"]) == set(QUANTITIES)
    assert set(table["source_ids"].str.split("|").explode()) <= set(read_table("sources")["source_id"])
