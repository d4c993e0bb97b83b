"""Which sources a figure cites: those of the coefficients in its equations, told apart by hand."""

from __future__ import annotations

import polars as pl
import pytest
from overhead_frames import one

from meshlab.models.overhead import cited, citing, dataplanes, estimate, mesh_dataplanes
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.models.overhead.estimates import SPREAD, coefficients_of, figure_sources


def test_latency_of_linkerd_cites_what_its_equation_names() -> None:
    """What all proxies share, Linkerd's own and its CPU, which loads its workers, give the median."""
    assert dict(figure_sources("added_p99_ms", "linkerd")) == {
        "R01": True,  # linkerd_latency_factor, sidecar_latency_ms and others
        "R05": True,  # sidecar_latency_ms
        "R06": True,  # mtls_latency_factor, tcp_latency_factor
        "S01": True,  # sidecar_latency_ms, stall_ms
        "S02": True,  # latency_variance
        "T01": True,  # stall_ms
        "T07": True,  # sidecar_latency_ms
        "R03": True,  # rate_exponent, vm_cpu_factor: load of the workers
        "R07": True,  # vm_cpu_factor
        "S06": True,  # mtls_cpu_factor
        "S11": True,  # linkerd_mcores
        "T02": True,  # rate_exponent
        "meshlab": True,  # byte_latency_ms and other priors
    }


def test_memory_of_linkerd_rests_on_no_measurement_of_istio() -> None:
    """Two benches of Linkerd, a report of connections and judgement give its memory; Istio's issues do not."""
    middle = {source for source, is_middle in figure_sources("memory_gib", "linkerd") if is_middle}
    assert middle == {"S07", "S11", "S14", "meshlab"}


def test_issues_on_memory_stand_behind_no_latency() -> None:
    """S17, issues on the memory of sidecars, is cited for no latency and no CPU of any data plane."""
    for dataplane in dataplanes():
        figures = cited(dataplane).get("S17", {})
        assert not {name for name in figures if name.startswith("added") or name == "cpu_cores"}, dataplane
    assert cited("istio-sidecar")["S17"]["memory_gib"] == "median"
    assert cited("cilium")["S17"]["memory_gib"] == "median"  # sidecars inform what all Envoys share


def test_no_mesh_cites_nothing() -> None:
    """Nothing is added without a mesh, which needs no source."""
    assert cited("none") == {}


@pytest.mark.parametrize("dataplane", mesh_dataplanes())
def test_exactly_the_coefficients_that_are_named_move_a_figure(dataplane: str) -> None:
    """A figure follows a coefficient that it names, where inputs use all of the models, and no other."""
    table = coefficient_table()
    frame = one(
        mtls=True,
        l7_traffic_share=0.5,
        protocol="grpc",
        payload_bytes=5000,
        same_node_share=0.4,
        requests_per_second=9000.0,
        connections=700,
        current_cni="calico",
        cloud="eks",
        new_connections_per_second=90.0,
        call_depth=30,  # so that the median of requests meets a stall
    )
    own = _figures(frame, dataplane, table)
    never = {"http2_cpu_factor", "tcp_cpu_factor", "http2_latency_factor", "tcp_latency_factor"}  # another protocol
    never |= {"istio_cni_mcores", "istio_cni_node_mib"} if dataplane == "istio-sidecar" else set()  # OpenShift only
    for name in table["coefficient"]:
        doubled = table.with_columns(
            pl.when(coefficient=name).then(2.0 * pl.col(end)).otherwise(end).alias(end)
            for end in ("median", "lo", "hi")
        )
        moved = {figure for figure, value in _figures(frame, dataplane, doubled).items() if value != own[figure]}
        named = {figure for figure in citing() if name in coefficients_of(figure, dataplane)}
        assert moved <= named, name
        if name not in never:
            assert moved - {"nodes_filled"} == named - {"nodes_filled"}, name


def _figures(frame: pl.DataFrame, dataplane: str, table: pl.DataFrame) -> dict[str, float]:
    row = estimate(frame, table, intervals=False).filter(dataplane=dataplane).collect().row(0, named=True)
    return {figure: row[figure] for figure in citing()}


def test_widths_are_told_from_medians() -> None:
    """What differs between clusters has the median one, so that what it cites widens intervals only."""
    spreads = coefficient_table().filter(pl.col("coefficient").str.ends_with(SPREAD))
    assert set(spreads["median"]) == {1.0}
