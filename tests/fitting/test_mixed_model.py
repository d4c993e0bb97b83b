"""The fit finds what made the data, its draws have its covariance, and it keeps its prior where there are no data."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fitting.mixed_model import coefficients_of, drawn, fit_kind
from fitting.shown import design
from meshlab.models.evidence.measurements import KINDS, measurements, predicted
from meshlab.models.overhead import draw_estimates, estimate, interval_figures
from meshlab.tables import read_table

TRUTH = {
    "memory": {"sidecar_base_mib": 90.0, "ztunnel_base_mib": 25.0},
    "cpu": {"sidecar_mcores": 150.0, "ztunnel_mcores": 300.0, "rate_exponent": 0.95},
    "latency": {"sidecar_latency_ms": 0.8, "linkerd_latency_factor": 1.1, "latency_variance": 0.4, "stall_rarity": 4.2},
}
"""Coefficients far from their priors, of each kind."""


@pytest.fixture(scope="module")
def priors() -> pl.DataFrame:
    """Coefficients before any measurement."""
    return read_table("evidence/priors")


def _made_of(c: dict[str, float], kind: str, noise: float) -> pl.DataFrame:
    """Rows of a kind whose values the model itself made, each reading a little off."""
    rows = measurements().filter(role="fit", kind=kind)
    values = predicted(rows.lazy(), c, (kind,)).collect()["predicted"].to_numpy()
    generator = np.random.default_rng(3)
    return rows.with_columns(value=values * np.exp(noise * generator.standard_normal(rows.height)))


@pytest.mark.parametrize("kind", KINDS)
def test_known_coefficients_are_recovered(kind: str, priors: pl.DataFrame) -> None:
    """From readings that the model made with other coefficients, 5 % off, the fit finds those within its intervals."""
    truth = {**dict(priors.select("coefficient", "median").iter_rows()), **TRUTH[kind]}
    fit = fit_kind(_made_of(truth, kind, 0.05), priors, kind)
    for name, value in TRUTH[kind].items():
        place = fit.names.index(name)
        median, deviation = fit.mean[place], fit.covariance[place, place] ** 0.5
        assert abs(median - np.log(value)) < 2 * deviation, name
        assert np.exp(median) == pytest.approx(value, rel=0.25), name


def test_without_rows_the_prior_stays(priors: pl.DataFrame) -> None:
    """Kinds without any measurement return their priors, and say that they are."""
    fits = {kind: fit_kind(measurements().clear(), priors, kind) for kind in KINDS}
    table = coefficients_of(fits, priors, drawn(fits)).filter(coefficient="sidecar_latency_ms")
    assert table.select("median", "lo", "hi").row(0) == pytest.approx((0.35, 0.12, 1.0), rel=0.02)
    assert table["is_prior"].item() is True


def test_many_rows_of_one_rig_weigh_little_more_than_few(priors: pl.DataFrame) -> None:
    """Repeating a source's CPU rows ten times moves Linkerd's coefficient by less than half its interval."""
    rows = measurements().filter(role="fit", kind="cpu", component="linkerd-proxy")
    again = pl.concat([rows, *[rows.filter(source_id="S11")] * 9])
    once, often = (fit_kind(frame, priors, "cpu") for frame in (rows, again))
    index = once.names.index("linkerd_mcores")
    width = 2 * 1.2816 * np.sqrt(once.covariance[index, index])
    assert abs(often.mean[index] - once.mean[index]) < 0.5 * width


def test_draws_have_the_covariance_of_the_fit(priors: pl.DataFrame) -> None:
    """Logarithms of 1,024 draws have the fit's means, standard deviations and correlations."""
    fit = fit_kind(measurements().filter(role="fit"), priors, "cpu")
    logs = np.log(drawn({"cpu": fit}).select(fit.names).to_numpy())
    deviation = np.sqrt(np.diag(fit.covariance))
    assert logs.mean(axis=0) == pytest.approx(fit.mean, abs=1e-6)
    assert logs.std(axis=0) == pytest.approx(deviation, rel=1e-6)
    expected = fit.covariance / np.outer(deviation, deviation)
    assert np.corrcoef(logs, rowvar=False) == pytest.approx(expected, abs=1e-6)


def test_what_a_cluster_shares_is_drawn_once() -> None:
    """CPU of sidecars and ztunnels differs between clusters together, that of agents and memory apart."""
    drawn_table = read_table("coefficient_draws").select(pl.all().log())
    correlated = drawn_table.select(pl.corr("sidecar_cpu_spread", "ztunnel_cpu_spread")).item()
    apart = drawn_table.select(pl.corr("sidecar_cpu_spread", "sidecar_memory_spread")).item()
    assert correlated > 0.2
    assert abs(apart) < 0.1


def test_the_shown_intervals_are_those_of_all_draws() -> None:
    """Over scenarios of every size, ends of intervals lie 1 % from those of 1,024 draws, 4 % in 19 of 20 cases."""
    scenarios = design()
    shares = {"lo": 0.1, "hi": 0.9}
    names = {
        f"{name}_{end}": pl.col(name).quantile(shares[end], "linear") for name in interval_figures() for end in shares
    }
    everything = draw_estimates(scenarios).group_by("scenario", "dataplane").agg(**names).collect()
    both = estimate(scenarios).collect().join(everything, on=["scenario", "dataplane"], suffix="_all")
    told = pl.concat(
        both.filter(pl.col(f"{figure}_lo_all") > 0).select(
            off=(pl.col(f"{figure}_{end}") / pl.col(f"{figure}_{end}_all") - 1).abs()
        )
        for figure in interval_figures()
        for end in shares
    )["off"]
    assert told.median() < 0.01
    assert told.quantile(0.95) < 0.04
