"""``python -m fitting`` rewrites what is fitted, and says how well it predicts what it has not seen.

It ends with 1 if what ships scores worse than a baseline in any kind of figure.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import polars as pl

from fitting import network, validation
from fitting.tables import SIGNIFICANT_DIGITS, check_measurements, draw_columns, evidence_range, fitted
from meshlab.cache import forget
from meshlab.errors import MeshlabError
from meshlab.models.evidence.validation import told, worse
from meshlab.tables import data_path, read_table


def write(tables: Iterable[tuple[str, pl.DataFrame]]) -> None:
    """Write tables below ``data/``, each whole or not at all."""
    for name, table in tables:
        path = data_path(name)
        partial = path.with_suffix(".partial")
        table.write_csv(partial)
        partial.replace(path)


def begun() -> Iterator[tuple[str, pl.DataFrame]]:
    """What the fit itself reads, a new data plane included: its range, and priors until there are coefficients."""
    fitted_before, priors = read_table("coefficients"), read_table("evidence/priors")
    named = fitted_before.drop("dataplane").join(priors.select("coefficient", "dataplane"), on="coefficient")
    new = priors.join(fitted_before, on="coefficient", how="anti").with_columns(is_prior=True)
    columns = fitted_before.columns
    yield "coefficients.csv", pl.concat([named.select(columns), new.select(columns)])
    yield "evidence/range.csv", evidence_range()


def main() -> int:
    """Rewrite what is fitted and print how well it predicts; 1 where a baseline predicts better."""
    if problems := check_measurements(read_table("evidence/measurements")):
        raise MeshlabError(problems)
    write(begun())
    forget()
    coefficients, draws = fitted()
    predictions, calibrated = validation.left_out(), validation.calibration()
    write(
        [
            ("coefficients.csv", coefficients),
            ("coefficient_draws.csv", draws),
            ("coefficient_draws.columns.csv", draw_columns(coefficients, draws)),
            ("evidence/left_out.csv", predictions.with_columns(pl.col(pl.Float64).round_sig_figs(SIGNIFICANT_DIGITS))),
            ("evidence/calibration.csv", calibrated.with_columns(pl.col("below").round(SIGNIFICANT_DIGITS))),
            ("evidence/pairs.csv", validation.pairs().with_columns(pl.col("measured", "ahead").round_sig_figs(4))),
            ("network_costs.csv", network.network_costs()),
        ]
    )
    forget()
    print("\n".join([*told(), *network.told()]))  # noqa: T201  (a chore's output)
    return int(bool(worse()))


if __name__ == "__main__":
    sys.exit(main())
