"""Tables of data/: how they are read, and that those in the repository are sound."""

from __future__ import annotations

import csv
import re
import subprocess
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from meshlab.errors import MeshlabError
from meshlab.models.overhead import estimate
from meshlab.scenario import frame_of, schema
from meshlab.tables import TYPES, check_table, data_path, read_table, resource

ROOT = Path(__file__).resolve().parents[1]
TABLES = sorted(path for path in data_path("").rglob("*.csv") if not path.name.endswith(".columns.csv"))

COLUMNS = """\
column,type,unit,required,description
name,text,,true,Name
count,integer,count,false,Count
size,number,GiB,false,Size
ready,boolean,,false,Ready
day,date,,false,Day
"""


def topic(path: Path) -> str:
    """Name under which a table of data/ is read."""
    return path.relative_to(data_path("")).as_posix().removesuffix(".csv")


def columns_of(path: Path) -> list[dict[str, str]]:
    """Rows of the columns file beside a table."""
    with path.with_name(f"{path.stem}.columns.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def check(folder: Path, content: str, columns: str = COLUMNS) -> pl.DataFrame:
    """The content, written to a table beside its columns file and read."""
    (folder / "t.csv").write_text(content, encoding="utf-8")
    (folder / "t.columns.csv").write_text(columns, encoding="utf-8")
    return check_table(folder / "t.csv", folder / "t.columns.csv")


def faults(folder: Path, content: str) -> list[str]:
    """The lines with which a table is refused, after its name and before what to do."""
    with pytest.raises(MeshlabError) as caught:
        check(folder, content)
    return [str(problem).rpartition("t.csv")[2].partition("; ")[0] for problem in caught.value.problems]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_cells_are_typed_as_the_columns_file_says(tmp_path: Path) -> None:
    """Text, whole numbers, numbers, booleans and dates arrive as such; an empty cell is unknown."""
    frame = check(tmp_path, "name,count,size,ready,day\na,1,2.5,true,2026-01-31\n b ,,,,\n")
    assert frame.rows() == [("a", 1, 2.5, True, date(2026, 1, 31)), ("b", None, None, None, None)]
    assert frame.dtypes == list(TYPES.values())


def test_columns_are_ordered_as_declared(tmp_path: Path) -> None:
    """The order of a table's columns does not matter to its readers."""
    frame = check(tmp_path, "day,ready,size,count,name\n,,,,a\n")
    assert frame.columns == ["name", "count", "size", "ready", "day"]


def test_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    """A header alone is an empty table of the declared types."""
    frame = check(tmp_path, "name,count,size,ready,day\n")
    assert frame.shape == (0, 5)
    assert frame.dtypes == list(TYPES.values())


def test_all_bad_cells_are_reported_at_once(tmp_path: Path) -> None:
    """Every cell that is missing or of another type is named with its line, after a quoted line break as well."""
    content = 'name,count,size,ready,day\n"a\nb",1.5,big,yes,31.1.2026\n,1,nan,True,\nc,1,inf,,\n'
    assert sorted(faults(tmp_path, content)) == [
        ":3: column 'count' holds '1.5', which is no integer",
        ":3: column 'day' holds '31.1.2026', which is no date",
        ":3: column 'ready' holds 'yes', which is no boolean",
        ":3: column 'size' holds 'big', which is no number",
        ":4: column 'name' is empty but required",
        ":4: column 'ready' holds 'True', which is no boolean",
        ":4: column 'size' holds 'nan', which is no number",
        ":5: column 'size' holds 'inf', which is no number",
    ]


def test_columns_must_be_the_declared_ones(tmp_path: Path) -> None:
    """A column that nobody declared and one that is missing are both named."""
    assert faults(tmp_path, "name,count,sizes,ready,day\na,,,,\n") == [
        ":1: unknown column 'sizes'",
        ":1: column 'size' is missing",
    ]


@pytest.mark.parametrize("row", ["a,1", "a,1,2,true,2026-01-01,more"])
def test_ragged_row_is_refused_at_its_line(tmp_path: Path, row: str) -> None:
    """A row with more or fewer cells than the header is named by its line."""
    (fault,) = faults(tmp_path, f"name,count,size,ready,day\nb,,,,\n{row}\n")
    assert fault == ":3: the row has more or fewer cells than the header"


def test_missing_table_is_refused() -> None:
    """A table that is not there is said not to be there."""
    with pytest.raises(MeshlabError, match="no such file"):
        read_table("no_such_topic")


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """A table that is not UTF-8 is said not to be."""
    (tmp_path / "t.csv").write_bytes(b"name\n\xe4\n")
    (tmp_path / "t.columns.csv").write_text(COLUMNS, encoding="utf-8")
    with pytest.raises(MeshlabError, match="not CSV in UTF-8"):
        check_table(tmp_path / "t.csv", tmp_path / "t.columns.csv")


def test_resources_are_folders_that_travel() -> None:
    """Tables, workbooks and templates are found from a checkout."""
    for name in ("data", "workbooks", "templates"):
        assert resource(name).is_dir()


# --- the tables in the repository ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TABLES, ids=topic)
def test_table_agrees_with_its_columns_file(path: Path) -> None:
    """Every table has a columns file, and every cell is as that file says."""
    assert read_table(topic(path)).columns == [row["column"] for row in columns_of(path)]


@pytest.mark.parametrize("path", TABLES, ids=topic)
def test_columns_are_described_in_known_units(path: Path) -> None:
    """Every column has a known type, a description, and a unit of units.csv or none."""
    units = {"", *read_table("units")["unit"]}
    for row in columns_of(path):
        assert row["type"] in TYPES, row
        assert row["unit"] in units, row
        assert row["required"] in ("true", "false"), row
        assert row["description"], row


@pytest.mark.parametrize("path", TABLES, ids=topic)
def test_units_in_cells_are_known(path: Path) -> None:
    """A long table writes its units as units.csv does."""
    table = read_table(topic(path))
    if "unit" in table.columns:
        assert set(table["unit"].drop_nulls()) <= set(read_table("units")["unit"])


@pytest.mark.parametrize("path", TABLES, ids=topic)
def test_sources_in_cells_are_declared(path: Path) -> None:
    """Every source that a row cites stands in sources.csv."""
    table = read_table(topic(path))
    declared = set(read_table("sources")["source_id"])
    for column in {"source", "source_id", "source_ids"}.intersection(table.columns):
        cited = set(table[column].drop_nulls().str.replace_all(";", "|").str.split("|").explode())
        assert cited <= declared


def test_sources_are_unique_and_sorted() -> None:
    """Each source has one id, and the ids are in order, so that two people's additions merge."""
    ids = read_table("sources")["source_id"].to_list()
    assert ids == sorted(set(ids))


OVERLAYS = {"decision/removed"}
"""Tables that only a team's own folder holds; their columns files say how to write them."""


def test_columns_files_belong_to_tables() -> None:
    """No columns file is left without its table."""
    described = {topic(path).removesuffix(".columns") for path in data_path("").rglob("*.columns.csv")}
    assert described - OVERLAYS == set(map(topic, TABLES))


# --- committed files -------------------------------------------------------------------------------------------------

PERSONAL_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/\w")
PACKAGE_INDEX = re.compile(r"--(?:extra-)?index[-]url|--find[-]links|^registry\s=\s", re.MULTILINE)


def committed_files() -> list[Path]:
    """Text files under version control."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True)  # noqa: S607
    if listing.returncode:
        pytest.skip("this is no git checkout")
    binary = {".png", ".parquet", ".gz", ".zip", ".ico", ".woff2"}
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.suffix not in binary and path.is_file()]


def test_no_committed_file_names_somebodys_machine() -> None:
    """No file under version control holds a path of the machine on which it was written."""
    hits = [path for path in committed_files() if PERSONAL_PATH.search(path.read_text(encoding="utf-8"))]
    assert hits == []


def test_no_committed_file_names_a_package_index() -> None:
    """Pins carry hashes and no address: where packages come from is the affair of each machine."""
    paths = [path for path in committed_files() if path != Path(__file__).resolve()]
    assert [path for path in paths if PACKAGE_INDEX.search(path.read_text(encoding="utf-8"))] == []


# --- sources ---------------------------------------------------------------------------------------------------------

WHOLE_REPOSITORIES = {"S-CIL-CHARTS", "S-CILCLI", "S-INFRA20", "S-INFRA24"} | {
    f"S-TF-{name}" for name in ("BOLCOM", "LITTLEJO", "RFLORENC", "USTREAM")
}
"""Sources that are all of a repository: its releases, its raw results, or that it is left."""

REPOSITORY = re.compile(r"https://github\.com/[^/]+/[^/]+(/tree/\w+)?/?")


def test_a_source_leads_to_its_page() -> None:
    """No address of a source is a whole repository but of those that are one, and none is a title with a note."""
    rows = read_table("sources").to_dicts()
    assert {row["source_id"] for row in rows if REPOSITORY.fullmatch(row["url"] or "")} == WHOLE_REPOSITORIES
    for row in rows:
        assert not re.search(r"[Ss]ame page|the first table|, @|note id|^[,;@]", f"{row['title']}|{row['page']}"), row


def test_a_path_in_a_repository_is_part_of_its_address() -> None:
    """Where a page is a file of a repository, the address ends in that file, at its commit where one is known."""
    for row in read_table("sources").filter(pl.col("url").str.contains("github.com/.+/blob/")).iter_rows(named=True):
        path = re.search(r"/blob/[\w.-]+/([^#]+)", row["url"])
        named = re.match(r"[\w.+-]+(?:/[\w.+-]+)+", row["page"] or "")
        assert path, row
        assert named is None or "/blog/" in row["url"] or named[0] == path[1], row


# --- words -----------------------------------------------------------------------------------------------------------


ESTIMATE = estimate(frame_of([{"scenario": "a"}])).collect_schema().names()


def undefined_words(name: str, terms: list[str]) -> str:
    """What is left of a column's name after every term of the glossary, longest first, is taken out of it."""
    rest = f"_{name}_"
    for term in sorted(terms, key=len, reverse=True):
        rest = rest.replace(f"_{term}_", "__")
    return rest.strip("_")


def test_glossary_is_sorted_and_defines_each_term_once() -> None:
    """A term has one meaning, and is found by its letter."""
    terms = read_table("glossary")["term"].to_list()
    assert terms == sorted(set(terms))


@pytest.mark.parametrize("name", [*schema(), *ESTIMATE])
def test_every_word_of_a_column_is_in_the_glossary(name: str) -> None:
    """Column names of scenarios and estimates are made of words that the glossary defines."""
    assert undefined_words(name, read_table("glossary")["term"].to_list()) == ""


def test_the_header_of_a_table_without_rows_is_checked(tmp_path: Path) -> None:
    """A file of a team's own that holds a header alone is refused where that is not the table's."""
    (tmp_path / "requirements.csv").write_text("x\n", encoding="utf-8")
    with pytest.raises(MeshlabError, match="unknown column 'x'"):
        check_table(tmp_path / "requirements.csv", data_path("decision/requirements.columns.csv"))
