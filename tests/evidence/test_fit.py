"""The fit finds what made the data, and keeps its prior where there are none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from meshlab.models.evidence import fit
from meshlab.models.evidence.fit import coefficients_of, fit_kind
from meshlab.models.evidence.measurements import measurements, predicted
from meshlab.tables import data_path, read_table


@pytest.fixture(scope="module")
def priors() -> pl.DataFrame:
    """Coefficients before any measurement."""
    return read_table("evidence/priors")


def _made_of(c: dict[str, float], noise: float) -> pl.DataFrame:
    """CPU rows whose values the model itself made, each rig its own 10 % off."""
    rows = measurements().filter(role="fit", kind="cpu")
    values = predicted(rows.lazy(), c).collect()["predicted"].to_numpy()
    generator = np.random.default_rng(3)
    return rows.with_columns(value=values * np.exp(noise * generator.standard_normal(rows.height)))


def test_known_coefficients_are_recovered(priors: pl.DataFrame) -> None:
    """From readings made with a ztunnel at 200 and a sidecar client at 150 millicores the fit finds both."""
    truth = {**dict(priors.select("coefficient", "median").iter_rows()), "ztunnel_mcores": 200.0}
    truth["sidecar_client_mcores"] = 150.0
    fitted = fit_kind(_made_of(truth, 0.02), priors, "cpu")
    table = coefficients_of({"cpu": fitted}, priors)
    for name in ("ztunnel_mcores", "sidecar_client_mcores"):
        lo, median, hi = table.filter(coefficient=name).select("lo", "median", "hi").row(0)
        assert lo < truth[name] < hi, name
        assert median == pytest.approx(truth[name], rel=0.2), name


def test_without_rows_the_prior_stays(priors: pl.DataFrame) -> None:
    """A kind without any measurement returns its priors, and says that they are."""
    fitted = fit_kind(measurements().clear(), priors, "latency")
    table = coefficients_of({"latency": fitted}, priors).filter(coefficient="sidecar_latency_ms")
    assert table.select("median", "lo", "hi").row(0) == (0.6, 0.15, 2.4)
    assert table["is_prior"].item() is True


def test_many_rows_of_one_rig_weigh_little_more_than_few(priors: pl.DataFrame) -> None:
    """Repeating a source's CPU rows ten times moves Linkerd's coefficient by less than half its interval."""
    rows = measurements().filter(role="fit", kind="cpu", component="linkerd-proxy")
    again = pl.concat([rows, *[rows.filter(source_id="S11")] * 9])
    once, often = (fit_kind(frame, priors, "cpu") for frame in (rows, again))
    index = once.names.index("linkerd_mcores")
    width = 2 * 1.2816 * np.sqrt(once.covariance[index, index])
    assert abs(often.mean[index] - once.mean[index]) < 0.5 * width


def test_the_stored_coefficients_are_those_of_the_fit() -> None:
    """Fitting again gives data/coefficients.csv to the byte."""
    assert fit().write_csv() == data_path("coefficients.csv").read_text(encoding="utf-8")
