"""What commands print for people: tables and numbers of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def many(number: int, noun: str) -> str:
    """So many of a thing, one alone without the s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def text_table(frame: pl.DataFrame) -> str:
    """A frame as a table of Markdown, whole."""
    import polars as pl

    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=-1,
        fmt_str_lengths=200,
        fmt_table_cell_list_len=-1,
        float_precision=3,
    ):
        return f"{frame}\n"
