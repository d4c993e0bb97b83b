"""Memory of single instances, against figures that sources give."""

from __future__ import annotations

import pytest

from meshlab.models.overhead import memory
from meshlab.models.overhead.coefficients import medians

UNIT = dict.fromkeys(medians(), 1.0)
"""Every coefficient one, so that an equation shows its terms."""


@pytest.mark.parametrize(
    ("mib", "terms"),
    [
        (memory.sidecar(UNIT, 10, 20, 30), 1 + 10 + 20 + 30),
        (memory.ztunnel(UNIT, 20, 30), 1 + 20 + 30),
        (memory.envoy(UNIT, "waypoint", 10, 30), 1 + 10 + 30),
        (memory.envoy(UNIT, "gateway", 10, 30), 1 + 10 + 30),
        (memory.istiod(UNIT, 2, 20), 2 + 20),
        (memory.istiod_sidecars(UNIT, 5, 10), 5 * (1 + 10)),
        (memory.linkerd_proxy(UNIT, 30), 1 + 30),
        (memory.linkerd_control_plane(UNIT, 2, 20), 2 + 20),
        (memory.cilium_agent(UNIT, 20, 10, 5), 1 + 20 + 10 + 5),
        (memory.ebpf_maps(UNIT, 3), 1 + 3 * 1024),
    ],
)
def test_each_equation_has_its_terms(mib: float, terms: float) -> None:
    """With every coefficient at one, memory is the sum of what drives it."""
    assert mib == terms


def test_a_scoped_sidecar_is_small_and_an_unscoped_one_is_not() -> None:
    """Two services give about the 57 MiB of S01's current release; 416 services and 1663 pods three times as much."""
    c = medians()
    assert memory.sidecar(c, 2, 2, 16) == pytest.approx(57, rel=0.1)
    assert memory.sidecar(c, 416, 1663, 4) > 3 * memory.sidecar(c, 2, 2, 16)


def test_an_agent_with_many_policies_is_large() -> None:
    """Fifteen thousand pods and 21,000 policies give T06's 1431 to 2146 MiB."""
    assert 1431 < memory.cilium_agent(medians(), 15_000, 0, 21_000) < 2146


def test_the_project_states_no_more_maps_than_the_model() -> None:
    """Nodes of 8 GiB had 88.5 MiB of maps in R04."""
    assert memory.ebpf_maps(medians(), 8) == pytest.approx(88.5, rel=0.1)
