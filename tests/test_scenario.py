"""Scenarios: declared inputs, their defaults, and files of scenarios checked against them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from meshlab.errors import MeshlabError
from meshlab.scenario import MOST_PROBLEMS, check_scenarios, frame_of, inputs, read_scenarios, schema, with_defaults
from meshlab.tables import read_table
from meshlab.units import is_version

INTERFACE_COLUMNS = """
    nodes services pods namespaces node_cpu_cores node_memory_gib requests_per_second connections payload_bytes
    protocol mtls l7_traffic_share call_depth same_node_share config_services cpu_usd_per_core_hour
    memory_usd_per_gib_hour greenfield kernel_oldest windows_nodes daemonsets_run cloud bgp_fabric regulated
    current_cni current_mesh current_cni_edition current_mesh_edition policy_engine cni_healthy mesh_healthy
    policy_sync provider_support_required licence_usd_per_year licence_price_usd_per_year platform_engineers
    gradual_move_required horizon_months max_added_memory_share max_added_p99_ms max_usd_per_month max_move_hours
    max_disruption_minutes needs machine new_connections_per_second control_plane_replicas waypoint_replicas
    network_policies
""".split()


def write(folder: Path, content: str | bytes, name: str = "scenarios.csv") -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def faults(path: Path) -> list[str]:
    """The lines with which a file is refused, after its name."""
    with pytest.raises(MeshlabError) as caught:
        read_scenarios(path)
    return [str(problem).removeprefix(str(path)) for problem in caught.value.problems]


# --- declared inputs -------------------------------------------------------------------------------------------------


def test_every_column_of_the_interface_is_declared_once() -> None:
    """The columns that others rely on are exactly the declared inputs."""
    assert sorted(inputs()) == sorted(INTERFACE_COLUMNS)
    assert list(schema()) == ["scenario", *inputs()]


@pytest.mark.parametrize("spec", inputs().values(), ids=lambda spec: spec.name)
def test_input_says_what_may_be_given(spec) -> None:  # noqa: ANN001  (a declared input)
    """Numbers have bounds, choices have values, a default has a reason, and everything has a text."""
    assert (spec.lower is None) == (spec.type not in ("integer", "number"))
    assert bool(spec.choices) == (spec.type in ("choice", "set"))
    assert (spec.default is None) == (spec.default_why is None)
    assert spec.label
    assert spec.description
    assert spec.allowed


# Worked by hand from data/inputs.csv.
DEFAULTS = {
    "nodes": 10,
    "services": 15,
    "pods": 60,
    "namespaces": 2,
    "node_cpu_cores": 8.0,
    "node_memory_gib": 32.0,
    "requests_per_second": 1200.0,
    "connections": 240,
    "payload_bytes": 1024,
    "protocol": "http1",
    "mtls": True,
    "l7_traffic_share": 0.2,
    "call_depth": 3,
    "same_node_share": 0.1,
    "config_services": 15,
}


def test_defaults_build_on_one_another() -> None:
    """Fifteen services give sixty pods, two namespaces and twelve hundred requests a second."""
    row = with_defaults(frame_of([{"scenario": "a", "services": 15}])).collect().row(0, named=True)
    assert {name: row[name] for name in DEFAULTS} == DEFAULTS
    assert row["kernel_oldest"] is None
    assert row["needs"] is None


def test_what_stands_in_is_listed() -> None:
    """Every filled input is listed as assumed, and none that was given or that stays unknown."""
    given = {"scenario": "a", "services": 15, "mtls": False, "l7_traffic_share": 0.0}
    row = with_defaults(frame_of([given])).collect().row(0, named=True)
    filled = {name for name, spec in inputs().items() if spec.default is not None} - given.keys()
    assert set(row["assumed"]) == filled
    assert row["mtls"] is False
    assert row["l7_traffic_share"] == 0


def strategy(name: str) -> st.SearchStrategy[object]:
    """Values that an input allows, bounds included, or nothing."""
    spec = inputs()[name]
    allowed: st.SearchStrategy[object]
    if spec.type == "integer":
        allowed = st.integers(int(spec.lower), int(spec.upper))
    elif spec.type == "number":
        allowed = st.floats(spec.lower, spec.upper)
    elif spec.type == "boolean":
        allowed = st.booleans()
    elif spec.type == "set":
        allowed = st.lists(st.sampled_from(spec.choices), unique=True, max_size=4)
    elif spec.type == "choice":
        allowed = st.sampled_from(spec.choices)
    else:
        allowed = st.sampled_from(["5.10.0", "4.18.0-305.el8", "6.1", "5.15.0-1051-gke"])
    return st.none() | allowed


ROWS = st.lists(
    st.fixed_dictionaries({name: strategy(name) for name in INTERFACE_COLUMNS}), min_size=1, max_size=3
).map(lambda rows: [{"scenario": f"s{number}", **row} for number, row in enumerate(rows)])


@settings(max_examples=60)
@given(ROWS)
def test_defaults_stay_within_declared_bounds(rows: list[dict[str, object]]) -> None:
    """Whatever a team states, no default that stands in for the rest leaves the bounds of its input."""
    filled = with_defaults(frame_of(rows)).collect()
    for name, spec in inputs().items():
        if spec.default is not None:
            assert filled[name].null_count() == 0
        if spec.type in ("integer", "number"):
            assert filled[name].is_between(spec.lower, spec.upper).all(), name


# --- formats ---------------------------------------------------------------------------------------------------------


def in_every_format(rows: list[dict[str, object]], folder: Path) -> list[Path]:
    """The same scenarios as CSV, JSON, YAML and Parquet; CSV writes sets with bars and nothing as an empty cell."""
    frame = frame_of(rows)
    cells = frame.with_columns(
        needs=pl.when(pl.col("needs").list.len() == 0).then(pl.lit("[]")).otherwise(pl.col("needs").list.join("|"))
    )
    stated = [{name: value for name, value in row.items() if value is not None} for row in rows]
    cells.write_csv(folder / "rows.csv")
    frame.write_parquet(folder / "rows.parquet")
    (folder / "rows.json").write_text(json.dumps(stated), encoding="utf-8")
    (folder / "rows.yaml").write_text(yaml.safe_dump(stated), encoding="utf-8")
    return [folder / f"rows.{ending}" for ending in ("csv", "parquet", "json", "yaml")]


@settings(max_examples=25)
@given(ROWS)
def test_formats_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]) -> None:
    """CSV, Parquet, JSON and YAML of the same scenarios read as the same frame, to the last digit."""
    for path in in_every_format(rows, tmp_path_factory.mktemp("formats")):
        assert_frame_equal(read_scenarios(path), frame_of(rows), check_exact=True)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("640", 640), ("640.0", 640), ("6.4e2", 640), (" 640 ", 640), ("", None), ("  ", None)],
)
def test_whole_numbers_as_spreadsheets_write_them(tmp_path: Path, cell: str, value: int | None) -> None:
    """A count may come with decimals or an exponent as long as it is whole; an empty cell is unknown."""
    assert read_scenarios(write(tmp_path, f"scenario,pods\na,{cell}\n"))["pods"].to_list() == [value]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("mtls|udp", ["mtls", "udp"]),
        ('"mtls, udp"', ["mtls", "udp"]),
        ("[mtls;udp]", ["mtls", "udp"]),
        ("[]", []),
        ("", None),
    ],
)
def test_sets_as_people_write_them(tmp_path: Path, cell: str, value: list[str] | None) -> None:
    """Members of a set may be divided in the usual ways; no needs and unknown needs are two answers."""
    assert read_scenarios(write(tmp_path, f"scenario,needs\na,{cell}\n"))["needs"].to_list() == [value]


def test_kernel_keeps_its_zero(tmp_path: Path) -> None:
    """A kernel 5.10 is not 5.1, in CSV, JSON or YAML."""
    files = {"k.csv": "scenario,kernel_oldest\na,5.10\n", "k.json": '[{"scenario": "a", "kernel_oldest": 5.10}]'}
    files["k.yaml"] = "scenario: a\nkernel_oldest: 5.10\n"
    for name, content in files.items():
        assert read_scenarios(write(tmp_path, content, name))["kernel_oldest"].to_list() == ["5.10"], name


def test_names_alone_are_scenarios(tmp_path: Path) -> None:
    """A file with nothing but names has as many scenarios as names, all else unknown."""
    frame = read_scenarios(write(tmp_path, "scenario\na\nb\nc\n"))
    assert frame["scenario"].to_list() == ["a", "b", "c"]
    assert frame.drop("scenario").null_count().sum_horizontal().item() == 3 * len(inputs())


def test_header_alone_is_no_scenario(tmp_path: Path) -> None:
    """A CSV file without rows reads as an empty frame with every column."""
    assert read_scenarios(write(tmp_path, "scenario,nodes\n")).schema == schema()


def test_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    """A file that a spreadsheet on Windows wrote reads as any other."""
    frame = read_scenarios(write(tmp_path, "\ufeffscenario,nodes\r\na,3\r\n"))
    assert frame.select("scenario", "nodes").rows() == [("a", 3)]


# --- problems --------------------------------------------------------------------------------------------------------


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """One reading of a bad file tells everything that is wrong with it, line by line."""
    content = "scenario,nodez,pods,kernel_oldest,cloud,mtls,needs\n"
    content += "a,1,-3,new,gkee,maybe,mlts\na,1,2.5,5.4,aks,yes,\n,,,,,no,\n"
    assert [fault.partition("; ")[0] for fault in faults(write(tmp_path, content))] == [
        ":1: unknown column 'nodez'",
        ":2: pods is '-3', out of bounds",
        ":2: mtls is 'maybe', which is neither true nor false",
        ":2: kernel_oldest is 'new', which is no version",
        ":2: cloud is 'gkee', did you mean 'gke'?",
        ":2: needs holds 'mlts', did you mean 'mtls'?",
        ":3: scenario 'a' stands twice",
        ":3: pods is '2.5', which is not a whole number",
        ":4: the scenario has no name",
    ]


@pytest.mark.parametrize(
    ("word", "choice"),
    [("aws", "eks"), ("Azure", "aks"), ("gcp", "gke"), ("rosa", "openshift"), ("bare-metal", "self-managed")],
)
def test_a_provider_leads_to_its_managed_service(tmp_path: Path, word: str, choice: str) -> None:
    """A word that means a choice suggests that one, though another is nearer by its letters."""
    (tmp_path / "s.csv").write_text(f"scenario,cloud\na,{word}\n")
    with pytest.raises(MeshlabError, match=f"did you mean '{choice}'"):
        read_scenarios(tmp_path / "s.csv")


def test_other_words_mean_choices_that_there_are() -> None:
    """Each other word stands for a choice of its input and is no choice itself."""
    for row in read_table("other_words").iter_rows(named=True):
        assert row["value"] in inputs()[row["input"]].choices
        assert row["word"] == row["word"].lower() not in inputs()[row["input"]].choices


def test_unknown_column_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt column is answered with the column that was meant."""
    assert faults(write(tmp_path, "scenario,request_per_second\na,1\n")) == [
        ":1: unknown column 'request_per_second'; did you mean 'requests_per_second'?"
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("nodes", "0"),
        ("nodes", "-1"),
        ("nodes", "15001"),
        ("nodes", "many"),
        ("nodes", "9" * 30),
        ("requests_per_second", "-0.1"),
        ("requests_per_second", "nan"),
        ("requests_per_second", "inf"),
        ("l7_traffic_share", "1.01"),
        ("l7_traffic_share", "20%"),
        ("kernel_oldest", "five"),
        ("protocol", "http3"),
        ("cloud", "GKE"),
        ("greenfield", "1"),
        ("needs", "mtls|everything"),
    ],
)
def test_value_that_is_not_allowed_is_refused(tmp_path: Path, column: str, value: str) -> None:
    """A value of the wrong kind or out of bounds is a problem that quotes it and says what is allowed."""
    (fault,) = faults(write(tmp_path, f"scenario,{column}\na,{value}\n"))
    assert fault.startswith(f":2: {column} ")
    assert fault.endswith(f"; give {inputs()[column].allowed}")


def test_a_misspelt_need_is_answered_by_the_nearest_alone(tmp_path: Path) -> None:
    """The list of all needs stands only where none is near."""
    (fault,) = faults(write(tmp_path, "scenario,needs\na,mtl\n"))
    assert fault == ":2: needs holds 'mtl', did you mean 'mtls'?"


def test_line_counts_quoted_breaks_and_blank_lines(tmp_path: Path) -> None:
    """A cell over several lines and blank lines between rows do not shift the lines of problems."""
    path = write(tmp_path, 'scenario,nodes\n"a\nb",1\n\n\nc,-1\n,,\n\nd,0\n'.replace(",,", ","))
    assert [fault.partition(" is ")[0] for fault in faults(path)] == [":6: nodes", ":9: nodes"]


def test_yaml_problem_stands_at_its_key(tmp_path: Path) -> None:
    """In YAML and JSON a problem is reported on the line of the value itself."""
    content = "- scenario: a\n  nodes: 3\n\n- scenario: b\n  pods: 4\n  nodes: -3\n- pods: 1\n"
    assert [fault.partition("; ")[0] for fault in faults(write(tmp_path, content, "s.yaml"))] == [
        ":6: nodes is '-3', out of bounds",
        ":7: the scenario has no name",
    ]


def test_hopeless_file_is_not_spelled_out(tmp_path: Path) -> None:
    """Of thousands of problems the first are shown, and how many more there are."""
    lines = faults(write(tmp_path, "scenario,nodes\n" + "".join(f"s{n},-1\n" for n in range(2000))))
    assert len(lines) == MOST_PROBLEMS + 1
    assert lines[-1] == f": and {2000 - MOST_PROBLEMS} more problems"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("s.csv", "", "is empty"),
        ("s.csv", "scenario,nodes\na,1,2\n", ":2: the row has more cells than the 2 columns"),
        ("s.csv", 'scenario,nodes\n"a,1\n', "is not CSV"),
        ("s.csv", "scenario,nodes,nodes\na,1,2\n", "column 'nodes' stands twice"),
        ("s.csv", b"scenario\n\xe4\n", "is not UTF-8"),
        ("s.csv", "nodes\n1\n", "column 'scenario' is missing"),
        ("s.json", "{", "is not YAML"),
        ("s.json", "[]", "holds no scenarios"),
        ("s.json", "[1]", "holds no scenarios"),
        ("s.yaml", "", "holds no scenarios"),
        ("s.yaml", "hello", "holds no scenarios"),
        ("s.yaml", "team: a\nscenario: {pods: 4}", ":1: is a team file, no scenarios; give it to 'meshlab review'"),
        ("s.json", '{"apiVersion": "v1", "kind": "List", "items": []}', "is a dump of a cluster, no scenarios"),
        ("s.yaml", "scenario: a\nnodes: {x: 1}", "nodes is '(mapping)'"),
        ("s.yaml", "scenario: a\nneeds: [[mtls]]", "needs holds '(no-text)'"),
        ("s.parquet", "PAR1", "is not Parquet"),
        ("s.txt", "scenario\n", "scenarios do not come as .txt"),
        ("s", "scenario\n", "scenarios do not come as a file without ending"),
    ],
)
def test_unreadable_file_is_refused(tmp_path: Path, name: str, content: str | bytes, what: str) -> None:
    """A broken, empty or strange file is one clear line with something to do, whatever its format."""
    (fault,) = faults(write(tmp_path, content, name))
    assert what in fault
    assert "; " in fault


@pytest.mark.parametrize("ending", ["csv", "json", "yaml", "parquet"])
def test_missing_file_is_refused(tmp_path: Path, ending: str) -> None:
    """A path that leads nowhere is said to do so, whatever its format."""
    assert faults(tmp_path / f"absent.{ending}") == [": no such file; check the path"]


@pytest.mark.parametrize("column", ["scenario", *INTERFACE_COLUMNS])
@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[1]]),
        pl.Series([{"a": 1}]),
        pl.Series([b"x"]),
        pl.Series(["2026-01-01"]).str.to_date(),
        pl.Series([1]).cast(pl.Duration("us")),
    ],
    ids=["list", "struct", "binary", "date", "duration"],
)
def test_column_of_a_strange_type_is_refused(tmp_path: Path, column: str, values: pl.Series) -> None:
    """A Parquet column that no input can be read from is a problem, not a crash."""
    path = tmp_path / "strange.parquet"
    pl.DataFrame({"scenario": ["a"]}).with_columns(values.alias(column)).write_parquet(path)
    (fault,) = faults(path)
    assert fault.startswith(f": column '{column}' holds values of type ")


@pytest.mark.parametrize(
    ("column", "values", "value"),
    [
        ("nodes", pl.Series([3], dtype=pl.UInt8), 3),
        ("nodes", pl.Series([3.0]), 3),
        ("l7_traffic_share", pl.Series([1], dtype=pl.Int32), 1.0),
        ("cloud", pl.Series(["gke"], dtype=pl.Categorical), "gke"),
        ("cloud", pl.Series(["gke"], dtype=pl.Enum(["gke", "aks"])), "gke"),
        ("greenfield", pl.Series(["yes"]), True),
        ("needs", pl.Series([["mtls"]]), ["mtls"]),
        ("needs", pl.Series([["mtls", None]]), ["mtls"]),
        ("needs", pl.Series([[]], dtype=pl.List(pl.Null)), []),
        ("pods", pl.Series([None], dtype=pl.Null), None),
    ],
)
def test_column_of_a_kindred_type_is_read(tmp_path: Path, column: str, values: pl.Series, value: object) -> None:
    """Parquet files of other tools may hold narrower numbers, categories or text."""
    path = tmp_path / "kindred.parquet"
    pl.DataFrame({"scenario": ["a"]}).with_columns(values.alias(column)).write_parquet(path)
    assert read_scenarios(path)[column].to_list() == [value]


def test_version_that_went_through_a_number_is_refused(tmp_path: Path) -> None:
    """A Parquet column of numbers cannot tell kernel 5.1 from 5.10, so it is no kernel."""
    path = tmp_path / "numbers.parquet"
    pl.DataFrame({"scenario": ["a"], "kernel_oldest": [5.1]}).write_parquet(path)
    assert faults(path) == [": column 'kernel_oldest' holds values of type Float64; give a version such as 5.15.0"]


@settings(max_examples=60)
@given(
    st.sampled_from(INTERFACE_COLUMNS),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12),
)
def test_any_text_is_taken_or_refused(column: str, text: str) -> None:
    """Any text in any column either reads as a value that the input allows, or is refused with a MeshlabError."""
    raw = pl.DataFrame({"scenario": ["a"], column: [text]}, schema={"scenario": pl.String, column: pl.String})
    spec = inputs()[column]
    try:
        value = check_scenarios(raw, "any", lambda _row, _column: None)[column].to_list()[0]
    except MeshlabError:
        return
    if value is None:
        assert not text.strip()
    elif spec.type in ("integer", "number"):
        assert spec.lower <= value <= spec.upper
    elif spec.type == "version":
        assert is_version(value)
    elif spec.type in ("choice", "set"):
        assert set([value] if spec.type == "choice" else value) <= set(spec.choices)
