"""Quantities and versions as clusters write them."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.units import (
    BYTES_PER_GIB,
    HOURS_PER_MONTH,
    is_version,
    parse_quantity,
    significant,
    version_key,
)

# Worked by hand from the grammar in the Kubernetes API reference.
QUANTITIES = {
    "0": 0,
    "2": 2,
    "250m": 0.25,
    "1500m": 1.5,
    "100n": 1e-7,
    "100u": 1e-4,
    "0.5": 0.5,
    ".5": 0.5,
    "1.": 1,
    "+1": 1,
    "-1": -1,
    "1k": 1000,
    "1M": 1e6,
    "1G": 1e9,
    "1T": 1e12,
    "1P": 1e15,
    "1E": 1e18,
    "1Ki": 1024,
    "512Mi": 536_870_912,
    "1Gi": 1_073_741_824,
    "1Ti": 1_099_511_627_776,
    "1Pi": 1_125_899_906_842_624,
    "1Ei": 1_152_921_504_606_846_976,
    "9223372036854775807": 2.0**63,
    "1e3": 1000,
    "1E3": 1000,
    "12e-1": 1.2,
    "129e6": 129e6,
    "128974848": 128_974_848,
    "123456789Ki": 126_419_751_936,
    " 64Mi ": 67_108_864,
}


@pytest.mark.parametrize(("text", "value"), QUANTITIES.items())
def test_quantity_has_the_value_that_kubernetes_gives_it(text: str, value: float) -> None:
    """Each suffix and exponent of the grammar counts as Kubernetes counts it."""
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "Mi",
        "1 Gi",
        "1gi",
        "1GiB",
        "1MB",
        "1K",
        "1e",
        "1e1m",
        "--1",
        "1,5",
        "0x10",
        "nan",
        "inf",
        "٣",
        "1e308",
        "1e400",
        "8Ei",
        "-9.3E",
        "1e999",
    ],
)
def test_text_that_is_no_quantity_is_refused(text: str) -> None:
    """What Kubernetes would not accept, or what no number holds, is an error and no guess."""
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(text)


def test_refusal_of_a_quantity_stays_short() -> None:
    """An error about a quantity quotes the beginning of what was given, not a megabyte of it."""
    with pytest.raises(ValueError, match="quantity") as caught:
        parse_quantity("x" * 1_000_000)
    assert len(str(caught.value)) < 200


@given(st.integers(0, 8 * 10**9), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_written_quantity_reads_back(number: int, suffix: str) -> None:
    """A whole number with a suffix is read as exactly that many units."""
    units = {"": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    assert parse_quantity(f"{number}{suffix}") == float(number * Decimal(units[suffix]))


@given(st.floats(0, 1e15, allow_subnormal=False))
def test_decimal_quantity_reads_back(number: float) -> None:
    """Python's own writing of a number is read as that number."""
    assert parse_quantity(repr(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1.00"),
        (12, "12.0"),
        (123, "123"),
        (1234, "1,230"),
        (1_234_567, "1,230,000"),
        (0.0012345, "0.00123"),
        (999.9, "1,000"),
        (9.999, "10.0"),
        (-12.34, "-12.3"),
        (1e-9, "0.00000000100"),
    ],
)
def test_number_keeps_three_significant_digits(value: float, text: str) -> None:
    """Numbers are written without powers of ten and without digits that nobody measured."""
    assert significant(value) == text


@given(st.floats(1e-9, 1e12), st.integers(1, 6))
def test_shown_number_is_within_half_a_digit(value: float, digits: int) -> None:
    """What is shown differs from the value by at most half of the last digit shown."""
    shown = float(significant(value, digits).replace(",", ""))
    assert shown == pytest.approx(value, rel=0.5 * 10 ** (1 - digits) * 1.0001)


VERSIONS_IN_ORDER = [
    "v1.2",
    "3.10.0-1160.el7",
    "4.18.0-305",
    "5.4.0",
    "5.10",
    "5.10.1",
    "5.15.0-1051-gke",
    "6.1.112+",
    "10.0.0",
]


def keys(versions: list[str]) -> list[int | None]:
    """Sort keys of versions, by the expression under test."""
    return pl.select(key=version_key(pl.Series(versions, dtype=pl.String)))["key"].to_list() if versions else []


def test_versions_sort_by_number() -> None:
    """5.4 comes before 5.10, a missing patch counts as zero, and what follows the numbers does not matter."""
    found = keys(VERSIONS_IN_ORDER)
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert keys(["5.10"]) == keys(["5.10.0-rc1"]) == keys(["v5.10.0"]) == [5_00010_00000]


@pytest.mark.parametrize("text", ["", "new", "5", "5.", ".5", "five.ten", "linux-5.10", " 5.10", "٥.١٠", "123456.1"])
def test_text_that_is_no_version_has_no_key(text: str) -> None:
    """What does not begin with two numbers is no version, and unknown to comparisons."""
    assert not is_version(text)
    assert keys([text]) == [None]


@given(st.text(alphabet=st.characters(), max_size=12) | st.from_regex(r"v?\d{1,6}\.\d{1,6}(\.\d{1,6})?.?"))
def test_both_readers_agree_on_what_a_version_is(text: str) -> None:
    """Python's check and polars' key accept the same texts."""
    if "\x00" not in text:
        assert is_version(text) == (keys([text]) != [None])


@given(*[st.lists(st.integers(0, 99_999), min_size=3, max_size=3)] * 2)
def test_version_keys_order_as_their_numbers_do(left: list[int], right: list[int]) -> None:
    """The key of a version sorts exactly as its three numbers."""
    left_key, right_key = keys([".".join(map(str, left)), ".".join(map(str, right))])
    assert (left_key < right_key) == (left < right)


def test_constants_are_those_of_price_lists_and_powers_of_two() -> None:
    """A month has 730 hours (8,760 in twelve parts) and a GiB has 2^30 bytes."""
    assert HOURS_PER_MONTH == 8760 / 12
    assert BYTES_PER_GIB == 1024**3
