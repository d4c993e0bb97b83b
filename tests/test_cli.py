"""The command line keeps the interface that design docs and CI jobs rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from meshlab.run.cli import main
from meshlab.run.cli.group import many

COMMANDS = sorted(main.commands)


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user calls it."""
    return subprocess.run(
        [sys.executable, "-m", "meshlab", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )


def write(path: Path, text: str) -> Path:
    """A file with this text."""
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_an_example_and_the_reference_names_it(command: str) -> None:
    """`meshlab COMMAND --help` shows how to call it, and the reference names the command."""
    result = run(command, "--help")
    assert result.returncode == 0
    assert "Example: " in result.stdout
    reference = (Path(__file__).resolve().parents[1] / "docs" / "reference.md").read_text(encoding="utf-8")
    assert f"meshlab {command}" in reference


def test_facts_prints_one_json_document(fixtures: Path) -> None:
    """`facts --format json` puts one JSON document on stdout and nothing else."""
    result = run("facts", fixtures / "cluster_dump" / "replicatedhq__troubleshoot__nodes.json", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["nodes"]["count"] == 7


def test_estimate_writes_five_data_planes_for_each_scenario_in_every_format(tmp_path: Path) -> None:
    """CSV, JSON and Parquet of one estimate hold the same rows."""
    import polars as pl

    scenarios = write(tmp_path / "s.csv", "scenario,pods\na,100\nb,2000\n")
    as_json = json.loads(run("estimate", scenarios, "--format", "json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(run("estimate", scenarios, "--format", "csv").stdout)))
    assert run("estimate", scenarios, "--out", tmp_path / "e.parquet").returncode == 0
    as_parquet = pl.read_parquet(tmp_path / "e.parquet").to_dicts()
    assert len(as_json) == len(as_csv) == len(as_parquet) == 10
    for one, two, three in zip(as_json, as_csv, as_parquet, strict=True):
        assert one["scenario"] == two["scenario"] == three["scenario"]
        assert one["memory_gib"] == pytest.approx(float(two["memory_gib"])) == pytest.approx(three["memory_gib"])


def test_estimate_answers_for_pairs(tmp_path: Path) -> None:
    """With --pairs each option of the contest has the promised columns, over no mesh and over what runs today."""
    text = "scenario,cloud,current_cni,current_mesh,greenfield,needs\na,eks,aws-vpc,istio-sidecar,false,mtls\n"
    rows = json.loads(run("estimate", write(tmp_path / "s.csv", text), "--pairs", "--format", "json").stdout)
    promised = {"scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned", "baseline", "memory_gib_lo"}
    assert all(promised <= set(row) for row in rows)
    assert {row["baseline"] for row in rows} == {"none", "today"}
    assert {row["tuned"] for row in rows} == {True, False}


def test_decide_prints_the_promised_fields(tmp_path: Path) -> None:
    """`decide --format json` gives a list with the fields that others read."""
    scenarios = write(tmp_path / "s.yaml", "- {scenario: a, greenfield: true, kernel_oldest: 6.1, needs: [mtls]}\n")
    found = json.loads(run("decide", scenarios, "--format", "json").stdout)
    assert len(found) == 1
    assert {
        "scenario",
        "cni",
        "mesh",
        "edition",
        "sentence",
        "settled",
        "evidence_grade",
        "matched",
        "reasons",
        "unmet",
        "options",
        "parts",
        "blockers",
        "conflicts",
        "flips",
        "unknown",
        "questions",
    } <= set(found[0])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["review", "missing.yaml"], "missing.yaml: no such file or folder; check the path"),
        (["estimate", "missing.csv"], "missing.csv: no such file; check the path"),
        (["estimate", "bad.csv"], "bad.csv:1: unknown column 'nodez'; did you mean 'nodes'?"),
        (
            ["decide", "bad.yaml"],
            "bad.yaml:2: nodes is '-4', out of bounds; give a whole number from 1 to 15000 [count]",
        ),
        (["facts", "missing.json"], "missing.json"),
        (["facts", "broken.yaml"], "broken.yaml"),
        (["facts"], "name the dumps to read, or a --context"),
        (
            ["facts"],
            "; for example: kubectl get nodes,pods,services -A -o json > dump.json; meshlab facts dump.json; see",
        ),
        (["estimate"], "Missing argument 'SCENARIOS'; for example: meshlab estimate scenarios.csv"),
        (["facts", "--prometheus", "prod.json"], "'prod.json' is no URL of a Prometheus server"),
        (["facts", "--prometheus", "u:secret@host"], "this is no URL of a Prometheus server"),
        (["embed", "design.md"], "design.md:1: unknown team 'shop'; known: bookinfo-istio, "),
        (["embed", "design.md"], "; --teams DIR names the folder of the team files"),
        (["revieww"], "unknown command 'revieww'; did you mean 'review'?"),
        (["review", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["review", "--format", "htm"], "'htm' is no format; did you mean 'html'?"),
        (["review", "climbs.yaml"], "climbs.yaml:1: team '../x' cannot name a folder"),
        (["review", "script.yaml"], "script.yaml:1: team '<script>' cannot name a folder"),
        (["review", "broken-team.yaml"], "broken-team.yaml:3: is not YAML"),
        (["estimate", "bad.csv", "--format", "parquet"], "parquet goes to a file"),
        (
            ["estimate", "bad.csv", "--out", "e.xlsx"],
            "e.xlsx: ending '.xlsx' says no form of estimates; end it in .csv, ",
        ),
        (
            ["estimate", "bad.csv", "--out", "e"],
            "e: has no ending that says the form; end it in .csv, .json, .parquet, ",
        ),
        (["review", "--out", "bad.csv"], "bad.csv: is a file; give a folder with --out"),
        (["review", "empty.json"], "empty.json: holds no Kubernetes objects"),
        (["facts", "empty.json"], "empty.json: holds no Kubernetes objects"),
        (["estimate", "deep.json"], "deep.json:1: is a dump of a cluster, no scenarios; give it to 'meshlab review'"),
        (["sweep", "deep.json", "-o", "x.parquet"], "is a dump of a cluster, no sweep; give it to 'meshlab review'"),
    ],
)
def test_a_mistake_is_one_clear_line_and_status_2(tmp_path: Path, arguments: list[str], expected: str) -> None:
    """A user's mistake is told in lines that name the file and the way out; nothing is written, no traceback shown."""
    write(tmp_path / "bad.csv", "scenario,nodez\na,3\n")
    write(tmp_path / "bad.yaml", "- scenario: a\n  nodes: -4\n")
    write(tmp_path / "broken.yaml", "kind: List\nitems: [\n")
    write(tmp_path / "climbs.yaml", "team: ../x\n")
    write(tmp_path / "empty.json", '{"apiVersion": "v1", "items": [], "kind": "List", "metadata": {}}')
    write(tmp_path / "design.md", "<!-- meshlab chart=memory team=shop -->\n<!-- /meshlab -->\n")
    write(tmp_path / "deep.json", '{"apiVersion": "v1", "kind": "Pod", "spec": ' + '{"a": ' * 9 + "1" + "}" * 10)
    write(tmp_path / "script.yaml", "team: <script>\n")
    write(tmp_path / "broken-team.yaml", "team: a\nscenario: {nodes: 3\n")
    before = sorted(tmp_path.rglob("*"))
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert expected in result.stderr
    errors = [line for line in result.stderr.splitlines() if not line.startswith("meshlab: reviewing")]
    assert all(line.startswith("meshlab: error: ") for line in errors), result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_estimates_go_to_a_file_of_any_name_where_their_form_is_said(tmp_path: Path) -> None:
    """--format decides before the ending does, and an ending counts in any case of letters."""
    scenarios = write(tmp_path / "s.csv", "scenario,pods\na,100\n")
    assert run("estimate", scenarios, "--out", tmp_path / "e.xlsx", "--format", "json").returncode == 0
    assert len(json.loads((tmp_path / "e.xlsx").read_text(encoding="utf-8"))) == 5
    assert run("estimate", scenarios, "--out", tmp_path / "E.CSV").returncode == 0
    assert (tmp_path / "E.CSV").read_text(encoding="utf-8").count("\n") == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is of Linux")
def test_a_full_disk_below_standard_output_is_told_in_words() -> None:
    """What cannot be printed for want of room is one line and status 2, not an error of ours."""
    command = Path(sys.executable).parent / "meshlab"
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run([command, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == (
        "meshlab: error: standard output: cannot be written: No space left on device; check space\n"
    )


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 parts"), (1, "1 part"), (2, "2 parts"), (1_000_000, "1,000,000 parts")]
)
def test_one_thing_is_told_in_the_singular(number: int, text: str) -> None:
    """One part is no parts, and large numbers are divided at the thousands."""
    assert many(number, "part") == text


def test_help_is_made_of_whole_sentences() -> None:
    """A path that may be absent stands in brackets, and what --format prints is named."""
    assert "facts [OPTIONS] [PATH]..." in run("facts", "--help").stdout
    assert "How to print the list, or what was written." in " ".join(run("chart", "--help").stdout.split())


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """Only --debug, before the command or after it, shows where in the code an error arose."""
    assert "Traceback" in run("--debug", "estimate", "missing.csv", cwd=tmp_path).stderr
    assert "Traceback" in run("estimate", "missing.csv", "--debug", cwd=tmp_path).stderr
    assert "Traceback" not in run("estimate", "missing.csv", cwd=tmp_path).stderr


def test_an_error_of_ours_is_one_line_and_quotes_nothing_of_the_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw is told by its type and place, with status 1; with --debug it is raised."""

    def breaks(_path: Path) -> None:
        raise KeyError("a-secret")

    monkeypatch.setattr("meshlab.scenario.read_scenarios", breaks)
    with pytest.raises(SystemExit) as left:
        main(["estimate", "scenarios.csv"])
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert re.fullmatch(
        r"meshlab: error: unexpected KeyError at run/cli/scenarios\.py:\d+; run again with --debug and report it\n",
        told,
    )
    with pytest.raises(KeyError, match="a-secret"):
        main(["estimate", "scenarios.csv", "--debug"])


def test_the_command_alone_shows_its_help() -> None:
    """`meshlab` without a command lists the commands, with status 2 as nothing was done."""
    result = run()
    assert (result.returncode, result.stdout) == (2, "")
    assert [line.split()[0] for line in result.stderr.partition("Commands:\n")[2].splitlines()] == COMMANDS


def test_python_m_meshlab_is_the_command() -> None:
    """`python -m meshlab --version` names the version."""
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("meshlab 0.")


def test_a_teams_own_table_changes_the_verdict_and_the_report_says_what_it_changed(tmp_path: Path) -> None:
    """A row laid over ours decides in `decide` and in `review`, and both name the row that was replaced."""
    tables = tmp_path / "own"
    tables.mkdir()
    header = "id,side,priority,condition,option,lenient,reason,source_id,text_date"
    row = "greenfield,cni,1,greenfield,calico,false,Our fabric team runs Calico.,meshlab,2026-11-28"
    write(tables / "preferences.csv", f"{header}\n{row}\n")
    facts = "greenfield: true, kernel_oldest: 6.1.0, cloud: self-managed, windows_nodes: 0"
    scenarios = write(tmp_path / "s.yaml", f"- {{scenario: a, {facts}, needs: []}}\n")
    ours, theirs = (run("decide", scenarios, "--format", "json", *more) for more in ((), ("--tables", tables)))
    assert json.loads(ours.stdout)[0]["cni"] == "cilium"
    assert json.loads(theirs.stdout)[0]["cni"] == "calico"
    assert "row greenfield of preferences replaced" in theirs.stderr
    team = write(tmp_path / "a.yaml", f"team: a\nscenario: {{{facts}}}\nneeds: []\n")
    assert run("review", team, "--tables", tables, "--out", tmp_path / "out", "--format", "html,json").returncode == 0
    review = json.loads((tmp_path / "out" / "a" / "review.json").read_text(encoding="utf-8"))
    assert [(row["table"], row["id"], row["change"]) for row in review["tables_changed"]] == [
        ("preferences", "greenfield", "replaced")
    ]
    assert "own tables changed" in (tmp_path / "out" / "a" / "review.html").read_text(encoding="utf-8")


def test_estimates_narrow_by_a_teams_own_measurements(tmp_path: Path) -> None:
    """Readings of a team's own sidecars move the estimate towards them and draw its interval in."""
    scenarios = write(tmp_path / "s.csv", "scenario,pods,services\na,100,10\n")
    rows = "".join(f"r{n},100,10,istio-sidecar,data_plane_memory_gib,20\n" for n in range(10))
    ours = write(tmp_path / "m.csv", f"scenario,pods,services,dataplane,metric,value\n{rows}")
    plain, narrowed = (
        next(
            row
            for row in json.loads(run("estimate", scenarios, "--format", "json", *more).stdout)
            if row["dataplane"] == "istio-sidecar"
        )
        for more in ((), ("--measured", ours))
    )
    name = "data_plane_memory_gib"
    assert abs(narrowed[name] - 20) < abs(plain[name] - 20)
    assert narrowed[f"{name}_hi"] / narrowed[f"{name}_lo"] < plain[f"{name}_hi"] / plain[f"{name}_lo"]


def test_a_wrong_metric_of_a_measurement_is_an_error_naming_the_row(tmp_path: Path) -> None:
    """A metric that nobody knows, or a unit that is not the metric's, is told with its line and the nearest name."""
    scenarios = write(tmp_path / "s.csv", "scenario\na\n")
    text = "scenario,dataplane,metric,value,unit\nr,istio-sidecar,memory_gb,20,\nr,istio-sidecar,cpu_cores,2,mcores\n"
    result = run("estimate", scenarios, "--measured", write(tmp_path / "m.csv", text))
    assert result.returncode == 2
    assert "m.csv:2: row 1: metric 'memory_gb'" in result.stderr
    assert "did you mean 'memory_gib'?" in result.stderr
    assert "m.csv:3: " in result.stderr


PIPELINE = """
set -eu
if "$PYTHON" -m meshlab iac --option 'Netkit devices' --require typed >out.txt; then
  echo 'passed'
else
  echo "stopped with $?"
fi
"$PYTHON" -m meshlab iac --option 'Netkit devices' --require raw >/dev/null && echo 'raw is enough'
"""


def test_a_pipeline_stops_where_terraform_cannot_type_what_is_wanted(tmp_path: Path) -> None:
    """In a shell script `iac --require typed` stops a pipeline that `--require raw` lets pass."""
    result = subprocess.run(
        ["bash", "-c", PIPELINE],  # noqa: S607  (the shell that the path names is the one that pipelines get)
        cwd=tmp_path,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stdout == "stopped with 1\nraw is enough\n", result.stderr
    assert "falls short" in (tmp_path / "out.txt").read_text(encoding="utf-8")


def test_facts_for_people_tell_what_is_known_first(fixtures: Path) -> None:
    """The default print has no nulls and ends in what is not known, with the reason; YAML holds what JSON does."""
    dump = fixtures / "cluster_dump" / "replicatedhq__troubleshoot__nodes.json"
    people, data, plain = (run("facts", dump, *words).stdout for words in (["--format=text"], [], ["--format=json"]))
    assert yaml.safe_load(data) == json.loads(plain)
    assert "null" not in people.replace("pool: null", "")
    known, _, unknown = people.partition("\nunknown:\n")
    assert "kernel_oldest: 4.19.0-11-amd64" in known
    assert "  mesh: name, edition, mode, version, " in unknown
    assert "  cni.product: 'the objects disagree: cilium (5), flannel (1)" in unknown
    assert len(people) < len(data) / 2


def test_the_tracker_says_how_old_its_facts_are() -> None:
    """`meshlab iac` alone is the tracker: every row with its source, and the day of its facts."""
    found = json.loads(run("iac", "--format", "json").stdout)
    assert len(found["features"]) > 100
    assert all(row["source_id"] and row["status"] for row in found["features"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["as_of"])
    assert "rows behind this are too old to rely on: looked up on " in run("iac").stdout


def test_audit_prints_each_rule_with_its_state(fixtures: Path) -> None:
    """`meshlab audit` gives each rule once, as pass, fail or unknown."""
    dump = fixtures / "mesh_pods" / "np-guard__network-config-analyzer__bookinfo_pods_list.json"
    found = json.loads(run("audit", dump, "--format", "json").stdout)
    told = run("audit", dump).stdout.splitlines()
    open_rules = [rule for rule in found if rule["state"] == "unknown" and not rule["detail"]]
    assert f"{len(open_rules)} rules need more than the input holds:" in told
    assert next(line for line in told if line.startswith("  fetch them: ")).count("$k") == 2
    assert all(any(rule["title"] in line for line in told) for rule in found if rule not in open_rules)
    assert not any(rule["rule"] in line for line in told for rule in open_rules)
    assert all(name in "\n".join(told) for rule in open_rules for name in rule["missing"])
    assert len({row["rule"] for row in found}) == len(found) > 20
    assert {row["state"] for row in found} <= {"pass", "fail", "unknown", "not applicable"}


def test_evidence_heads_own_measurements_as_such(tmp_path: Path) -> None:
    """The table of a team's own measurements says that they are theirs, and names no source that is left out."""
    ours = write(tmp_path / "ours.csv", "dataplane,metric,value,pods\nistio-sidecar,memory_gib,4,100\n")
    told = run("evidence", "--measured", ours).stdout
    assert told.startswith("your measurements against the models:\n")
    assert "left out" not in told


def test_evidence_reports_the_promised_summary() -> None:
    """`meshlab evidence --format json` holds rows and, for the fit and for each source left out, the three kinds."""
    found = json.loads(run("evidence", "--format", "json").stdout)
    assert {
        "source_id",
        "dataplane",
        "metric",
        "component",
        "measured",
        "predicted",
        "lo",
        "hi",
        "inside",
        "factor",
        "left_out",
    } <= set(found["rows"][0])
    for part in ("fit", "left_out"):
        for kind, most in {"memory": 1.35, "cpu": 2.0, "latency": 2.0}.items():
            figures = found["summary"][part][kind]
            assert figures["inside"] >= 0.7
            assert figures["median_factor"] <= most
            assert figures["median_width"] > 1


def test_drift_shows_where_what_runs_is_not_what_is_declared(tmp_path: Path) -> None:
    """`iac --values --live` lists an option that differs with both sides, and hides what is secret."""
    values = write(
        tmp_path / "values.yaml", "routingMode: native\nhubble: {enabled: true}\ntls: {ca: {key: c2VjcmV0}}\n"
    )
    live = write(tmp_path / "live.yaml", "routingMode: tunnel\nhubble: {enabled: true}\ntls: {ca: {key: b3RoZXI=}}\n")
    result = run("iac", "--values", values, "--live", live, "--format", "json")
    rows = {row["option"]: row for row in json.loads(result.stdout)}
    assert (rows["routingMode"]["declared"], rows["routingMode"]["live"]) == ("native", "tunnel")
    assert "hubble.enabled" not in rows
    assert "c2VjcmV0" not in result.stdout
    assert run("iac", "--live", live).returncode == 2


def test_review_says_as_much_as_it_is_asked_to(tmp_path: Path) -> None:
    """A line for each team; with --verbose its answer and the time, with --quiet neither lines nor what was done."""
    team = write(tmp_path / "shop.yaml", "team: shop\nneeds: []\nscenario: {pods: 10, current_mesh: none}\n")
    call = ("review", team, "--format", "json", "--out", tmp_path / "out")
    plain, verbose, quiet = (run(*call, *more) for more in ((), ("-v", "--force"), ("-q",)))
    assert plain.stderr == "meshlab: 1 of 1 done, rendered: shop\n"
    assert re.fullmatch(r"meshlab: 1 of 1 done, rendered: shop: \S.*, none, after \d+\.\d s\n", verbose.stderr)
    assert quiet.stdout + quiet.stderr == ""
