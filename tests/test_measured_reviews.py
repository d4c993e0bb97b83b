"""Own measurements in a review: inputs that follow, coefficients that narrow, and what the report says of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.reviews.cases import open_path
from meshlab.reviews.record import Review
from meshlab.reviews.review import build_reviews, open_review
from meshlab.run.cli import main
from meshlab.show import report

END = 1_750_000_000
WEB, CART = ("shop", "web-7d4b9c6f5-abcde"), ("shop", "cart-5c8d7f9b6-fghjk")
STATED = "services: 2, nodes: 3, mtls: true"


def counter(name: str, per_second: float, **labels: str) -> dict[str, object]:
    """A series of Prometheus that grows by so much a second, over five minutes."""
    values = [[END - 300 + at, str(per_second * at)] for at in range(0, 301, 15)]
    return {"metric": {"__name__": name, **labels}, "values": values}


def proxies(cores: float, mib: float) -> list[dict[str, object]]:
    """What the proxies of two pods use, each."""
    pods = [{"namespace": namespace, "pod": pod, "container": "istio-proxy"} for namespace, pod in (WEB, CART)]
    memory = [[END - 300 + at, str(mib * 2**20)] for at in range(0, 301, 15)]
    return [
        *(counter("container_cpu_usage_seconds_total", cores, **pod) for pod in pods),
        *({"metric": {"__name__": "container_memory_working_set_bytes", **pod}, "values": memory} for pod in pods),
    ]


REQUESTS = counter(
    "istio_requests_total",
    50.0,
    reporter="destination",
    source_workload="web",
    source_workload_namespace="shop",
    destination_workload="cart",
    destination_workload_namespace="shop",
)


def saved(path: Path, *series: dict[str, object]) -> Path:
    """A file of series as a query of Prometheus answers."""
    path.write_text(json.dumps(list(series)))
    return path


def review_of(folder: Path, text: str) -> Review:
    """The review of a team file with this text."""
    (folder / "team.yaml").write_text(f"team: a\n{text}")
    return open_review(folder / "team.yaml")


def given(review: Review) -> dict[str, tuple[object, str, str | None]]:
    """Value, status and source of each input."""
    return {row.input: (row.value, row.status, row.source) for row in review.inputs}


def width(review: Review, figure: str) -> float:
    """Upper end over lower end of a figure of Istio with sidecars."""
    row = next(row for row in review.estimates if row["dataplane"] == "istio-sidecar")
    return row[f"{figure}_hi"] / row[f"{figure}_lo"]


def all_fixtures(fixtures: Path) -> list[Path]:
    """Every trace, answer of Prometheus and load test among the real files."""
    return [path for kind in ("traces", "prometheus", "loadtest") for path in sorted((fixtures / kind).iterdir())]


def test_every_real_file_gives_something_measured_or_is_refused_in_words(fixtures: Path, tmp_path: Path) -> None:
    """A review of each has a measured input, or figures that narrow the coefficients; others say what they hold."""
    team = tmp_path / "team.yaml"
    team.write_text("team: a\nscenario: {services: 2}\n")
    taken, refused = 0, {}
    for path in all_fixtures(fixtures):
        try:
            review = build_reviews([open_path(team, measured=[path])])[0]
        except MeshlabError as error:
            refused[path] = error
            continue
        taken += 1
        assert review.measured
        (file,) = review.measured["files"]
        assert file["file"] == path.name
        measured = [name for name, (_, status, source) in given(review).items() if status == "measured" and source]
        assert measured == sorted(file["inputs"], key=list(given(review)).index)
        assert measured or file["figures"]
        assert path.name in report.facts(review).html
    assert taken == 6  # four traces of six, one of eight answers of Prometheus, the benchmark
    for path, error in refused.items():
        (problem,) = error.problems
        assert problem.file == str(path)
        assert len(problem.what) > len("holds nothing of use")
        assert problem.todo


def test_proxies_use_and_rates_narrow_the_intervals_and_the_report_says_so(tmp_path: Path) -> None:
    """50 requests/s over two proxies of 25 mcores and 60 MiB: the rate is measured, memory and CPU are narrower."""
    saved(tmp_path / "prom.json", *proxies(0.025, 60.0), REQUESTS)
    without = review_of(tmp_path, f"scenario: {{{STATED}}}\n")
    review = review_of(tmp_path, f"measured: prom.json\nscenario: {{{STATED}}}\n")

    assert given(review)["requests_per_second"] == (pytest.approx(50.0), "measured", "prom.json")
    assert given(review)["pods"] == (2, "measured", "prom.json")
    assert "requests_per_second" not in {row.input for row in review.assumptions}
    for figure in ("memory_gib", "cpu_cores", "cost_usd_per_month"):
        assert width(review, figure) < width(without, figure), figure
    row = next(row for row in review.estimates if row["dataplane"] == "istio-sidecar")
    assert row["data_plane_memory_gib_lo"] < 2 * 60 / 1024 < row["data_plane_memory_gib_hi"]
    assert review.measured
    told = {(row["dataplane"], row["figure"]): row for row in review.measured["figures"]}
    cpu = told["istio-sidecar", "cpu_cores"]
    own = next(row for row in without.estimates if row["dataplane"] == "istio-sidecar")
    assert (cpu["without_lo"], cpu["without"], cpu["without_hi"]) == tuple(
        pytest.approx(own[f"cpu_cores{end}"]) for end in ("_lo", "", "_hi")
    )
    assert cpu["narrower"]
    shown = report.facts(review).html
    assert "These figures rest on them" in shown
    assert "narrower interval" in shown
    assert without.measured is None
    assert "Own measurements" not in report.facts(without).html


def test_files_of_a_folder_work_as_one(tmp_path: Path) -> None:
    """Requests in one file and proxies in another give what one file with both gives; the rest is named."""
    (tmp_path / "all").mkdir()
    saved(tmp_path / "all" / "proxies.json", *proxies(0.025, 60.0))
    saved(tmp_path / "all" / "requests.json", REQUESTS)
    (tmp_path / "all" / "notes.txt").write_text("measured on a Monday\n")
    saved(tmp_path / "one.json", *proxies(0.025, 60.0), REQUESTS)
    apart = review_of(tmp_path, f"measured: [all]\nscenario: {{{STATED}}}\n")
    together = review_of(tmp_path, f"measured: [one.json]\nscenario: {{{STATED}}}\n")

    assert apart.estimates == together.estimates
    assert apart.measured
    assert [(row["file"], row["kind"] == "not used") for row in apart.measured["files"]] == [
        ("proxies.json", False),
        ("requests.json", False),
        ("notes.txt", True),
    ]


def test_what_is_stated_counts_before_what_is_measured_and_that_before_what_is_assumed(tmp_path: Path) -> None:
    """A stated rate stands, and the difference is shown; an assumed one gives way."""
    saved(tmp_path / "prom.json", REQUESTS)
    stated = review_of(tmp_path, "measured: prom.json\nscenario: {requests_per_second: 900}\n")
    assumed = review_of(tmp_path, "measured: prom.json\nassumptions: {requests_per_second: {value: 9, why: a guess}}\n")

    assert given(stated)["requests_per_second"][:2] == (900, "stated")
    assert [(row.input, row.used, row.found, row.source) for row in stated.disagreements] == [
        ("requests_per_second", 900, pytest.approx(50.0), "prom.json")
    ]
    assert given(assumed)["requests_per_second"][:2] == (pytest.approx(50.0), "measured")
    assert not assumed.disagreements


def test_the_command_takes_several_files_for_one_team(
    tmp_path: Path, fixtures: Path, capsys: pytest.CaptureFixture
) -> None:
    """Prometheus and a trace together; with several teams nobody could tell whose measurements they are."""
    saved(tmp_path / "prom.json", REQUESTS)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"team: {name}\n")
    trace = fixtures / "traces" / "HolmesGPT__holmesgpt__trace_data.input.json"
    options = ["--measured", str(tmp_path / "prom.json"), "--measured", str(trace), "--out", str(tmp_path / "out")]
    options += ["--format", "json"]

    assert run("review", tmp_path / "a.yaml", *options) == 0
    review = json.loads((tmp_path / "out" / "a" / "review.json").read_text())
    measured = {row["input"]: row["value"] for row in review["inputs"] if row["status"] == "measured"}
    assert measured == {"requests_per_second": pytest.approx(50.0), "call_depth": 2}
    assert run("review", tmp_path / "a.yaml", tmp_path / "b.yaml", *options) == 2
    assert "--measured goes with one team, and there are 2" in capsys.readouterr().err


def run(*arguments: object) -> int:
    """Exit status of the command."""
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("measured: nowhere.json\n", r"team.yaml:2: measured 'nowhere.json' does not exist; give a path relative"),
        ("measured: {a: b}\n", r"team.yaml:2: 'measured' is no list of files; write it as"),
        ("measured: notes.txt\n", r"notes.txt: .*; "),
        ("measured: empty\n", r"empty: is an empty folder; name files of measurements"),
        ("measured: agents.json\n", r"agents.json: holds .*Prometheus.*, of which a review takes nothing: no metrics"),
    ],
)
def test_what_is_of_no_use_is_told(text: str, message: str, tmp_path: Path) -> None:
    """A file that is missing, of no kind or without anything to take is refused, with what it holds."""
    (tmp_path / "notes.txt").write_text("measured on a Monday\n")
    (tmp_path / "empty").mkdir()
    metric = {"namespace": "shop", "pod": "web-1", "container": "linkerd-init"}
    saved(
        tmp_path / "agents.json",
        counter("container_cpu_usage_seconds_total", 0.1, **metric | {"container": "discovery"}),
    )

    with pytest.raises(MeshlabError, match=message):
        review_of(tmp_path, text)
