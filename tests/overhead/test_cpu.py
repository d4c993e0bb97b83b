"""CPU of proxies and of the kernel."""

from __future__ import annotations

import polars as pl
import pytest

from meshlab.models.overhead import cpu
from meshlab.models.overhead.coefficients import medians

ONE = {**dict.fromkeys(medians(), 1.0), "rate_exponent": 0.85, "idle": 3.0}


def batched(count: float, rate: float) -> float:
    """The batched rate of plain numbers. [1000/s]"""
    return pl.select(cpu.batched(ONE, pl.lit(count), pl.lit(rate))).item()


def test_one_proxy_at_1000_per_second_costs_its_coefficient() -> None:
    """Idle cost, the coefficient times the factor, and one millicore for each MB/s."""
    assert batched(1.0, 1000.0) == pytest.approx(1.0)
    assert cpu.proxies(ONE, 1, "idle", 200, 1.5 * 1.0, 1.0) == pytest.approx(3 + 300 + 1)


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
    assert cpu.proxies(ONE, 40, "idle", 200, 0.0, 0.0) == 120


def test_factors_of_protocol_and_mtls_multiply() -> None:
    """Half gRPC at 1.4 and half HTTP/1.1, a quarter encrypted at 1.2, cost 1.2 times 1.05."""
    c = {**ONE, "grpc_cpu_factor": 1.4, "mtls_cpu_factor": 1.2}
    traffic = cpu.Traffic(grpc=0.5, http2=0.0, tcp=0.0, mtls=0.25)
    assert traffic.cpu_factor(c) == pytest.approx(1.2 * 1.05)
    assert traffic.without_mtls().cpu_factor(c) == pytest.approx(1.2)


def test_kernel_work_is_linear_and_its_bytes_are_cheap() -> None:
    """Twice the rate costs twice; a megabyte costs a fifth of a proxy's."""
    assert cpu.kernel(ONE, 2000, "idle", 0.0) == pytest.approx(6)
    assert cpu.kernel(ONE, 1000, "idle", 0.001) == pytest.approx(3.2)


def test_control_planes_grow_with_what_they_serve() -> None:
    """Two replicas and ten proxies or pods."""
    assert cpu.istiod(ONE, 2, 10) == cpu.linkerd_control_plane(ONE, 2, 10) == 12
