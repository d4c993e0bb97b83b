"""``python -m meshlab.models.evidence`` rewrites what is fitted: coefficients, the same without each source, ranges."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from meshlab.models.evidence.assessment import draw_table, evidence_range, fit, fit_left_out
from meshlab.tables import data_path


def write(tables: Iterable[tuple[str, pl.DataFrame]]) -> None:
    """Write tables below ``data/``, each whole or not at all."""
    for name, table in tables:
        path = data_path(name)
        partial = path.with_suffix(".partial")
        table.write_csv(partial)
        partial.replace(path)


def main() -> None:
    """Rewrite what is fitted."""
    coefficients = fit()
    write(
        [
            ("coefficients.csv", coefficients),
            ("coefficient_draws.csv", draw_table(coefficients)),
            ("evidence/left_out.csv", fit_left_out()),
            ("evidence/range.csv", evidence_range()),
        ]
    )


if __name__ == "__main__":
    main()
