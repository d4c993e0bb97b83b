"""CPU of proxies and of the kernel."""

from __future__ import annotations

import polars as pl
import pytest

from meshlab.models.overhead import cpu
from meshlab.models.overhead.coefficients import medians

ONE = {**dict.fromkeys(medians(), 1.0), "rate_exponent": 0.85, "sidecar_idle_mcores": 3.0, "cilium_mtls_mcores": 3.0}


def batched(count: float, rate: float) -> float:
    """The batched rate of plain numbers. [1000/s]"""
    return pl.select(cpu.batched(ONE, pl.lit(count), pl.lit(rate))).item()


def test_one_proxy_at_1000_per_second_costs_its_coefficient() -> None:
    """Idle cost, the coefficient times the factor, and one millicore for each MB/s."""
    assert batched(1.0, 1000.0) == pytest.approx(1.0)
    assert cpu.proxies(ONE, "sidecar", 1, 200, 1.5 * 1.0, 1.0) == pytest.approx(3 + 300 + 1)


def test_a_hundredth_of_the_rate_costs_a_fiftieth() -> None:
    """At 10 requests/s a request costs 2.0 times what it costs at 1000, for 100 ** 0.15 is 2.0."""
    assert batched(1.0, 10.0) / 10 / (batched(1.0, 1000.0) / 1000) == pytest.approx(1.995, abs=0.001)


def test_the_same_rate_costs_more_over_more_proxies() -> None:
    """Sixteen proxies that share a rate work for 16 ** 0.15 = 1.516 times what one does."""
    assert batched(16.0, 500.0) / batched(1.0, 500.0) == pytest.approx(1.516, abs=0.001)


@pytest.mark.parametrize(("count", "rate"), [(40.0, 0.0), (0.0, 0.0), (0.0, 100.0)])
def test_no_traffic_or_no_proxy_is_no_work(count: float, rate: float) -> None:
    """The logarithm of nothing does not turn up as anything but nothing."""
    assert batched(count, rate) == 0.0


def test_no_work_leaves_idle_cost() -> None:
    """Forty idle proxies cost forty times three millicores."""
    assert cpu.proxies(ONE, "waypoint", 40, 200, 0.0, 0.0) == 120


def test_factors_of_protocol_and_mtls_multiply() -> None:
    """Half gRPC at 1.4 and half HTTP/1.1, a quarter encrypted at 1.2, cost 1.2 times 1.05."""
    c = {**ONE, "grpc_cpu_factor": 1.4, "mtls_cpu_factor": 1.2}
    traffic = cpu.Traffic(grpc=0.5, http2=0.0, tcp=0.0, mtls=0.25)
    assert traffic.factor(c, "cpu") == pytest.approx(1.2 * 1.05)
    assert traffic.without_mtls().factor(c, "cpu") == pytest.approx(1.2)


def test_kernel_work_is_linear_and_its_bytes_are_cheap() -> None:
    """Twice the rate costs twice; a megabyte costs a fifth of a proxy's."""
    assert cpu.kernel(ONE, 2000, "cilium_mtls_mcores", 0.0) == pytest.approx(6)
    assert cpu.kernel(ONE, 1000, "cilium_mtls_mcores", 0.001) == pytest.approx(3.2)


def test_control_planes_grow_with_what_they_serve() -> None:
    """Two replicas and ten proxies or pods."""
    assert cpu.istiod(ONE, 2, 10) == cpu.linkerd_control_plane(ONE, 2, 10) == 12


def test_a_new_connection_costs_beside_its_requests() -> None:
    """Two thousand new connections a second at 50 millicores for each thousand add 100, times the cluster's factor."""
    c = {**ONE, "proxy_connect_mcores": 50.0, "sidecar_cpu_spread": 2.0}
    still, opening = (cpu.proxies(c, "sidecar", 4, 200, 1.0, 0.0, new) for new in (0.0, 2000.0))
    assert opening - still == pytest.approx(200)


def test_a_machine_is_dearer_by_a_factor_or_cheaper_by_it() -> None:
    """A cloud's virtual cores cost 1.5 times an unknown machine, bare metal as much less."""
    assert [cpu.machine_factor(1.5, *classes) for classes in ((1, 0), (0, 1), (0, 0))] == pytest.approx(
        [1.5, 1 / 1.5, 1]
    )


def test_load_is_what_requests_take_of_the_workers() -> None:
    """Four proxies of two workers that spend 3.2 cores on requests are busy for two fifths."""
    assert cpu.worker_load(ONE, "sidecar", 4, 400.0, 8.0, 2) == pytest.approx(0.4)
