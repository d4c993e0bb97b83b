"""The network layer: rules by the number of Services, datapaths by themselves, and changes of plugin."""

from __future__ import annotations

import polars as pl
import pytest

import meshlab as ml
from meshlab.models.overhead.network import rule_scale
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
    assert set(table["quantity"]) == {"lookup_us", "update_s", "full_sync_s"}
    assert set(table["source_ids"].str.split("|").explode()) <= set(read_table("sources")["source_id"])


# --- datapaths -----------------------------------------------------------------------------------------------------

CLUSTER = {
    "scenario": "a",
    "nodes": 40,
    "services": 5000,
    "pods": 6000,
    "requests_per_second": 60_000.0,
    "payload_bytes": 20_000,
    "new_connections_per_second": 0.0,
    "machine": "bare-metal",
}


def readings(datapath: str, figure: str, **of: object) -> list[float]:
    """Published figures as they stand in the table."""
    rows = read_table("evidence/network").filter(datapath=datapath, figure=figure, **of)
    return rows["value"].to_list()


def test_a_ratio_of_one_laboratory_is_met() -> None:
    """Calico with iptables over eBPF, 32 streams and 32 processes: 1.33 and 1.48 as measured side by side."""
    for figure, case in (("gigabit_mcores", "32 streams"), ("request_mcores", "32 processes")):
        (chain,), (ebpf,) = (readings(f"calico-{engine}", figure, case=case) for engine in ("iptables", "ebpf"))
        costs = read_table("network_costs").filter(figure=figure)
        fitted = dict(costs.select("datapath", "median").iter_rows())
        assert fitted["calico-iptables"] / fitted["calico-ebpf"] == pytest.approx(chain / ebpf, rel=0.2)


def test_a_cluster_costs_what_its_parts_cost() -> None:
    """Medians of nodes, requests and gigabits added by hand lie within 3 % of the median over the draws."""
    cost = dict(read_table("network_costs").filter(datapath="cilium").select("figure", "median").iter_rows())
    host = dict(read_table("network_costs").filter(datapath="host").select("figure", "median").iter_rows())
    rates = {"node_mcores": 40, "request_mcores": 60, "gigabit_mcores": 60_000 * 20_000 * 8e-9}
    by_hand = sum((cost[name] - host.get(name, 0.0)) * rate for name, rate in rates.items()) / 1000
    found = ml.estimate_network([CLUSTER]).filter(datapath="cilium").row(0, named=True)
    assert found["cpu_cores"] == pytest.approx(by_hand, rel=0.1)
    assert found["memory_gib"] == pytest.approx(758 * 40 / 1024, rel=0.03)
    assert found["cpu_cores_lo"] < found["cpu_cores"] < found["cpu_cores_hi"]


def test_virtual_cores_cost_the_square_of_their_factor_over_bare_metal() -> None:
    """What was measured on bare metal is dearer on an unknown machine, and as much again on a cloud's cores."""
    factor = read_table("coefficients").filter(coefficient="vm_cpu_factor")["median"].item()
    metal, unknown, cloud = (
        ml.estimate_network([{**CLUSTER, "machine": machine}]).filter(datapath="flannel")["cpu_cores"].item()
        for machine in ("bare-metal", None, "cloud-vm")
    )
    assert unknown / metal == pytest.approx(factor, rel=0.05)
    assert cloud / metal == pytest.approx(factor**2, rel=0.1)


def test_what_nobody_measured_is_null() -> None:
    """The VPC and Azure CNIs have no figure; VPP has none under requests, and no zero stands for either."""
    found = {row["datapath"]: row for row in ml.estimate_network([CLUSTER]).iter_rows(named=True)}
    for name in ("aws-vpc", "azure-cni"):
        assert found[name]["memory_gib"] is None
        assert found[name]["cpu_cores"] is None
    assert found["calico-vpp"]["memory_gib"] > 0
    assert found["calico-vpp"]["cpu_cores"] is None


def test_wireguard_costs_more_with_bytes() -> None:
    """Encrypting ten gigabits a second takes more cores than forwarding them, for each plugin that has both."""
    found = {row["datapath"]: row["cpu_cores"] for row in ml.estimate_network([CLUSTER]).iter_rows(named=True)}
    for plain, encrypted in (("calico-iptables", "calico-iptables-wireguard"), ("cilium", "cilium-wireguard")):
        assert found[encrypted] > 2 * found[plain]


def test_new_connections_pay_for_the_chain() -> None:
    """50,000 new connections/s walk 5000 Services of iptables at 43 us each: 2.15 cores more than at no Service."""
    opened = {**CLUSTER, "new_connections_per_second": 50_000.0, "requests_per_second": 50_000.0}
    few, many = (
        ml.estimate_network([{**opened, "services": count, "pods": 6000}])
        .filter(datapath="calico-iptables")["cpu_cores"]
        .item()
        for count in (1, 5000)
    )
    # a machine of bare metal, so no factor; intervals are skewed, so the median of a sum is not the sum of medians
    assert many - few == pytest.approx(4999 * 0.0086 * 50_000 / 1e6, rel=0.15)


# --- pairs ---------------------------------------------------------------------------------------------------------

TEAM = {**CLUSTER, "scenario": "t", "cloud": "self-managed", "current_cni": "calico", "current_mesh": "none"}


def change(given: dict[str, object], cni: str, edition: str | None) -> dict[str, object]:
    """An option without a mesh, over what runs today."""
    found = ml.estimate_pairs([given]).filter(cni=cni, mesh="none", tuned=False, baseline="today")
    return found.filter(pl.col("cni_edition").eq_missing(edition)).row(0, named=True)


def test_a_change_of_datapath_is_the_difference_of_both() -> None:
    """Calico from iptables to eBPF saves what one costs less than the other."""
    costs = {row["datapath"]: row["cpu_cores"] for row in ml.estimate_network([TEAM]).iter_rows(named=True)}
    found = change({**TEAM, "current_cni_edition": "self-run"}, "calico", "self-run-ebpf")
    assert found["cpu_cores"] == pytest.approx(costs["calico-ebpf"] - costs["calico-iptables"], rel=0.2)
    assert found["cpu_cores_lo"] < 0


def test_moves_there_and_back_cancel() -> None:
    """From Calico to Cilium adds the memory and CPU that the way back frees."""
    there = change({**TEAM, "current_cni_edition": "self-run"}, "cilium", "self-run")
    back = change({**TEAM, "current_cni": "cilium", "current_cni_edition": "self-run"}, "calico", "self-run")
    for figure in ("memory_gib", "cpu_cores"):
        assert back[figure] == pytest.approx(-there[figure], rel=1e-6, abs=1e-9)


def test_what_an_unmeasured_plugin_frees_is_unknown() -> None:
    """From the VPC CNI to Calico Enterprise no figure is known; to Cilium its own model counts nothing as freed."""
    team = {**TEAM, "cloud": "eks", "current_cni": "aws-vpc"}
    assert change(team, "calico-enterprise", "self-run")["cpu_cores"] is None
    assert change(team, "cilium", "self-run")["memory_gib"] > 0


def test_an_engine_beside_a_clouds_plugin_is_unknown_and_its_own_editions_cost_nothing() -> None:
    """Calico beside the VPC CNI has no figure; Amazon's own policy agent is part of the agent that runs."""
    team = {**TEAM, "cloud": "eks", "current_cni": "aws-vpc", "current_cni_edition": "no-policy-engine"}
    assert change(team, "aws-vpc", "calico-policy-engine")["memory_gib"] is None
    assert change(team, "aws-vpc", "network-policy-agent")["memory_gib"] == 0.0
