"""Figures of a chart as numbers in CSV."""

from __future__ import annotations

import csv

import pytest

from meshlab.show.export.chart import csv_table


def read(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of the table that is written."""
    return list(csv.DictReader(csv_table(rows).splitlines()))


def test_each_figure_is_a_row_of_numbers() -> None:
    """Thousands have no commas, an interval is two numbers beside its figure, and the unit stands alone."""
    shown = {
        "data plane": "Cilium",
        "median [USD/month]": "1,520",
        "10–90 % [USD/month]": "917 – 2,510",
        "agents [GiB]": "0.4",
        "note": "",
    }
    whose = {"data plane": "Cilium", "note": ""}
    assert read([shown]) == [
        whose | {"figure": "median", "value": "1520", "lo": "917", "hi": "2510", "unit": "USD/month"},
        whose | {"figure": "agents", "value": "0.4", "lo": "", "hi": "", "unit": "GiB"},
    ]


@pytest.mark.parametrize(
    ("text", "ends"),
    [("−58 to 73", ("-58", "73")), ("-1.3 – 34", ("-1.3", "34")), ("< 0.001 – 2", ("", "")), ("", ("", ""))],
)
def test_ends_of_intervals_are_numbers_or_nothing(text: str, ends: tuple[str, str]) -> None:
    """Both minus signs and both words between the ends are read; what is no number is left empty."""
    (row,) = read([{"row": "a", "median [ms]": "unknown", "10–90 % [ms]": text}])
    assert (row["value"], row["lo"], row["hi"]) == ("", *ends)


def test_a_table_without_units_stays_as_it_is() -> None:
    """Rows of words are written as they are, and a column of ours is told from one of the same name."""
    rows = [{"row": "a", "state": "matched, twice"}]
    assert read(rows) == rows
    (row,) = read([{"driver": "Requests", "from": "30,000", "unit": "1/s", "highest [ms]": "2.5"}])
    assert row == {
        "driver": "Requests",
        "from": "30000",
        "row unit": "1/s",
        "figure": "highest",
        "value": "2.5",
        "lo": "",
        "hi": "",
        "unit": "ms",
    }
