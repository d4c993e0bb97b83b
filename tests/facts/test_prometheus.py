"""Figures from Prometheus: a real server, saved series that say the same, and what is no measurement."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from facts_dumps import node, write

from meshlab.cluster.facts import prometheus
from meshlab.cluster.facts.measurements import Measurements, as_data, read_measurements, read_prometheus
from meshlab.cluster.facts.series import sources
from meshlab.errors import MeshlabError
from meshlab.run.cli import main

END = 1_700_000_000
"""When the recorded hour ends. [s since 1970]"""

STEP = 15
MIB = 2**20
PAIR = (
    'source_workload_namespace="shop",source_workload="web",'
    'destination_workload_namespace="shop",destination_workload="{}"'
)


def steady(name: str, labels: str, per_second: float) -> list[tuple[str, str, float, float]]:
    """A counter that grows by so much a second, from zero: name, labels, start and slope."""
    return [(name, labels, 0.0, per_second)]


def level(name: str, labels: str, value: float) -> list[tuple[str, str, float, float]]:
    """A gauge that stays where it is."""
    return [(name, labels, value, 0.0)]


def container(namespace: str, pod: str, name: str, cores: float, mib: float) -> list[tuple[str, str, float, float]]:
    """CPU and memory of a container."""
    labels = f'namespace="{namespace}",pod="{pod}",container="{name}"'
    return [
        *steady("container_cpu_usage_seconds_total", labels, cores),
        *level("container_memory_working_set_bytes", labels, mib * MIB),
    ]


def histogram(labels: str, *per_second: tuple[str, float]) -> list[tuple[str, str, float, float]]:
    """Buckets that grow by so much a second."""
    return [
        one
        for bound, rate in per_second
        for one in steady("istio_request_duration_milliseconds_bucket", f'{labels},le="{bound}"', rate)
    ]


DESTINATION = 'reporter="destination"'
RECORDED = [
    *container("shop", "web-7d4b9c6f5-abcde", "istio-proxy", 0.05, 60),
    *container("shop", "web-7d4b9c6f5-abcde", "app", 0.5, 300),
    *container("shop", "cart-5c8d7f9b6-fghjk", "istio-proxy", 0.03, 80),
    *container("istio-system", "istiod-6f5b8c9d7-lmnpq", "discovery", 0.2, 200),
    *container("istio-system", "istio-ingressgateway-5d8f7c9b6-rstvw", "istio-proxy", 0.4, 90),
    *container("kube-system", "kube-proxy-x2x4z", "kube-proxy", 0.01, 20),
    *steady("istio_requests_total", f'{DESTINATION},{PAIR.format("cart")},response_code="200"', 8.0),
    *steady("istio_requests_total", f'{DESTINATION},{PAIR.format("cart")},response_code="500"', 2.0),
    *steady("istio_requests_total", f'{DESTINATION},{PAIR.format("ads")},response_code="200"', 5.0),
    *steady("istio_requests_total", f'reporter="source",{PAIR.format("cart")},response_code="200"', 8.0),
    *histogram(f"{DESTINATION},{PAIR.format('cart')}", ("1.0", 2.0), ("5.0", 6.0), ("10.0", 10.0), ("+Inf", 10.0)),
]
"""An hour of a small Istio mesh: 10 requests/s from web to cart, 5 from web to ads."""


def open_metrics(recorded: list[tuple[str, str, float, float]]) -> str:
    """The hour in OpenMetrics text, with a sample every 15 seconds, for promtool's backfill."""
    lines = []
    for name in dict.fromkeys(name for name, *_ in recorded):
        lines.append(f"# TYPE {name} unknown")
        for _, labels, start, slope in (one for one in recorded if one[0] == name):
            lines += [f"{name}{{{labels}}} {start + slope * at!r} {END - 3600 + at}" for at in range(0, 3601, STEP)]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus on loopback that holds the hour: skipped where it is not installed, required in CI."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs prometheus and promtool")
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "hour.txt").write_text(open_metrics(RECORDED))
    (folder / "config.yml").write_text("global: {}\n")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "hour.txt", "data"]
    subprocess.run(backfill, cwd=folder, check=True, capture_output=True, timeout=120)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["prometheus", "--config.file=config.yml", "--storage.tsdb.path=data"]
    command += ["--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        await_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers that it is ready."""
    for _ in range(300):
        assert process.poll() is None, "prometheus ended at once"
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("prometheus does not become ready")


def check(found: Measurements) -> None:
    """The recorded hour's figures, worked out by hand from its slopes and levels."""
    figures = {(row["component"], row["metric"]): row["value"] for row in found.figures.iter_rows(named=True)}
    assert figures == pytest.approx(
        {
            ("sidecar", "cpu"): 80.0,  # 0.05 + 0.03 cores
            ("sidecar", "memory"): 140.0,  # 60 + 80 MiB
            ("istiod", "cpu"): 200.0,
            ("istiod", "memory"): 200.0,
            ("gateway", "cpu"): 400.0,
            ("gateway", "memory"): 90.0,
            ("kube-proxy", "cpu"): 10.0,
            ("kube-proxy", "memory"): 20.0,
            ("path", "throughput"): 15.0,
        },
        rel=1e-6,
    )
    calls = found.calls.rows_by_key("target", named=True, unique=True)
    assert calls["shop/cart"]["requests_per_second"] == pytest.approx(10.0)
    assert calls["shop/cart"]["source"] == "shop/web"
    assert calls["shop/cart"]["share"] == pytest.approx(2 / 3)
    assert calls["shop/ads"]["requests_per_second"] == pytest.approx(5.0)
    # half of 10 a second is the fifth: 2 lie below 1 ms, so three quarters into the bucket from 1 to 5 ms
    assert calls["shop/cart"]["p50_ms"] == pytest.approx(1 + 4 * (5 - 2) / 4)
    assert calls["shop/cart"]["p90_ms"] == pytest.approx(5 + 5 * (9 - 6) / 4)
    assert calls["shop/cart"]["p99_ms"] == pytest.approx(5 + 5 * (9.9 - 6) / 4)
    assert calls["shop/ads"]["p50_ms"] is None
    assert {name: (given.value, given.status) for name, given in found.supplied.items()} == {
        "requests_per_second": (pytest.approx(15.0), "measured"),
        "pods": (2, "measured"),
    }
    evidence = dict(found.frame.select("metric", "value").iter_rows())
    assert evidence == pytest.approx(
        {
            "data_plane_memory_gib": 140 / 1024,
            "data_plane_cpu_cores": 0.08,
            "control_plane_memory_gib": 200 / 1024,
            "control_plane_cpu_cores": 0.2,
        },
        rel=1e-6,
    )
    assert found.frame["dataplane"].unique().to_list() == ["istio-sidecar"]
    assert found.frame["pods"].unique().to_list() == [2]


def test_a_server_gives_the_recorded_figures(server: str) -> None:
    """A real Prometheus answers the queries of the table with what was recorded."""
    found = read_prometheus(server, window_seconds=3600, at=END)

    check(found)
    assert found.kind == "prometheus-server"
    assert "in the busiest 5 minutes there were 15 requests/s" in found.notes


def test_facts_of_a_dump_show_what_a_server_measured(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`meshlab facts DUMP --prometheus URL` prints the measurements beside the facts, anonymous where asked."""
    monkeypatch.setattr(prometheus.time, "time", lambda: END)
    dump = write(tmp_path, node())
    command = ["facts", str(dump), "--prometheus", server, "--format", "json"]
    found = json.loads(CliRunner().invoke(main, command).stdout)

    assert found["nodes"]["count"] == 1
    measured = found["measured"]
    assert measured["source"] == server
    assert measured["inputs"]["requests_per_second"]["value"] == pytest.approx(15.0)
    assert {call["target"] for call in measured["calls"]} == {"shop/cart", "shop/ads"}
    assert {figure["component"] for figure in measured["figures"]} >= {"sidecar", "istiod"}

    hidden = CliRunner().invoke(main, [*command, "--anonymize"]).stdout
    assert "shop/" not in hidden
    assert server not in hidden
    assert json.loads(hidden)["measured"]["figures"] == measured["figures"]


def test_saved_series_give_what_the_server_answers(server: str, tmp_path: Path) -> None:
    """The same series saved as responses of the API, by metric, give the same figures without a server."""
    saved = {}
    for metric in dict.fromkeys(source["metric"] for source in sources()):
        query = urllib.parse.urlencode({"query": f"{metric}[3600s]", "time": END})
        with urllib.request.urlopen(f"{server}/api/v1/query?{query}", timeout=30) as answer:  # noqa: S310
            saved[metric] = json.load(answer)
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(saved))

    check(read_measurements(path))

    path.write_text(json.dumps([one for answer in saved.values() for one in answer["data"]["result"]]))
    check(read_measurements(path))


def test_a_server_without_a_mesh_is_an_error(server: str) -> None:
    """A window in which nothing was recorded gives an error that names the metrics."""
    with pytest.raises(
        MeshlabError, match="knows none of the metrics within 3600 s; it should scrape some of container"
    ):
        read_prometheus(server, at=END - 10 * 86_400)


def test_a_query_that_the_server_refuses_is_told_in_its_words(server: str) -> None:
    """What Prometheus says of a bad window stands in the message."""
    with pytest.raises(MeshlabError, match=r"refuses a query: .*duration"):
        read_prometheus(server, window_seconds=0, at=END)


def test_a_server_that_cannot_be_reached_is_told_without_its_password() -> None:
    """A name and password in the URL are in no message."""
    with pytest.raises(MeshlabError, match=r"http://127\.0\.0\.1:1: cannot be reached") as refusal:
        read_prometheus("http://admin:hunter2@127.0.0.1:1")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:9090", "http://", "file:///etc/passwd", "http://[::1", ""]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    """Only http and https are asked."""
    with pytest.raises(MeshlabError, match="none of http or https"):
        read_prometheus(url)


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (302, b"", "sends elsewhere"),
        (401, b"", "wants a login"),
        (200, b"<html>", "does not answer as Prometheus does"),
        (200, b'{"status":"error","error":"overload"}', "refuses a query: 'overload'"),
        (503, b"", r"does not answer as Prometheus does \(status 503\)"),
    ],
)
def test_answers_of_other_servers_are_told_apart(code: int, body: bytes, message: str) -> None:
    """A login page, a proxy or an overloaded server is named for what it is, and a redirect is not followed."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(code)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    other = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=other.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(MeshlabError, match=message):
            read_prometheus(f"http://u:p@127.0.0.1:{other.server_port}/prom")
    finally:
        other.shutdown()
        other.server_close()
        thread.join()

    assert [path.partition("?")[0] for path, _ in asked] == ["/prom/api/v1/query"]
    assert asked[0][1] == "Basic dTpw"


# --- saved series --------------------------------------------------------------------------------------------------


def saved(tmp_path: Path, content: object) -> Path:
    """A file of that content."""
    path = tmp_path / "series"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_counter_that_restarts_goes_on_from_zero(tmp_path: Path) -> None:
    """40 s that rise by 10, fall to 4 and rise to 8 make (10 + 4 + 4) / 40 cores."""
    metric = {"__name__": "container_cpu_usage_seconds_total", "namespace": "a", "pod": "b", "container": "istio-proxy"}
    values = [[0, "5"], [10, "15"], [30, "4"], [40, "8"]]

    found = read_measurements(saved(tmp_path, [{"metric": metric, "values": values}]))

    assert found.figures["value"].to_list() == pytest.approx([1000 * 18 / 40])


def istio_requests(reporter: str, *, milliseconds: bool = False) -> dict[str, object]:
    """Requests from web to db as one side reports them, 600 in a minute."""
    ends = {"source_workload": "web", "destination_workload": "db"}
    values = [[(1.7e9 + at) * (1000 if milliseconds else 1), str(10 * at)] for at in (0, 60)]
    return {"metric": {"__name__": "istio_requests_total", "reporter": reporter, **ends}, "values": values}


@pytest.mark.parametrize(
    ("series", "rate"),
    [
        ([istio_requests("source"), istio_requests("destination")], 10.0),
        ([istio_requests("source")], 10.0),
        ([istio_requests("destination", milliseconds=True)], 10.0),
        ([istio_requests("nobody")], None),
    ],
)
def test_each_request_is_counted_once_whoever_reports_it(
    series: list[dict[str, object]], rate: float | None, tmp_path: Path
) -> None:
    """What callers saw counts where what was called is not there; times beyond all dates are milliseconds."""
    found = read_measurements(saved(tmp_path, series))

    given = found.supplied.get("requests_per_second")
    assert (given and given.value) == (pytest.approx(rate) if rate else None)
    assert any("only once" in note for note in found.notes) is False


def test_gaps_are_no_numbers_and_warnings_are_kept(tmp_path: Path) -> None:
    """A counter with NaN between its samples rises as without, and what the server warns of is a note."""
    metric = {"__name__": "container_cpu_usage_seconds_total", "namespace": "a", "pod": "b", "container": "istio-proxy"}
    series = [{"metric": metric, "values": [[0, "5"], [10, "NaN"], [20, "7"]]}]

    found = read_measurements(saved(tmp_path, {"data": {"result": series}, "warnings": ["a store is missing"]}))

    assert found.figures["value"].to_list() == pytest.approx([1000 * 2 / 20])
    assert any("a store is missing" in note for note in found.notes)
    assert "a store" not in str(as_data(found, anonymize=True)["notes"])


def test_scraped_text_is_read_with_its_escapes(tmp_path: Path) -> None:
    """Two scrapes of one endpoint give a rate; escaped quotes and commas within a label do not end it."""
    labels = 'note="a,container=\\"x\\",\\\\",container="linkerd-proxy",namespace="shop",pod="web-1"'
    lines = [f"container_cpu_usage_seconds_total{{{labels}}} {value} {at}" for value, at in ((1, 10_000), (3, 20_000))]

    found = read_measurements(saved(tmp_path, "# TYPE container_cpu_usage_seconds_total counter\n" + "\n".join(lines)))

    assert found.figures.select("component", "value").rows() == [("linkerd-proxy", pytest.approx(200.0))]
    assert found.supplied == {}


def test_linkerd_and_hubble_tell_calls_as_well(tmp_path: Path) -> None:
    """Requests of Linkerd's callers and of Cilium's Envoy are calls between workloads."""
    linkerd = {
        "direction": "outbound",
        "namespace": "a",
        "deployment": "web",
        "dst_namespace": "b",
        "dst_deployment": "db",
    }
    hubble = {
        "reporter": "server",
        "source_namespace": "a",
        "source_workload": "web",
        "destination_namespace": "c",
        "destination_workload": "api",
    }
    plain = {"reporter": "server", "source": "x", "destination": "y"}
    names = ("request_total", "hubble_http_requests_total", "hubble_http_requests_total")
    series = [
        {"metric": {"__name__": name, **labels}, "values": [[0, "0"], [10, str(10 * rate)]]}
        for name, labels, rate in zip(names, (linkerd, hubble, plain), (3, 2, 1), strict=True)
    ]

    calls = read_measurements(saved(tmp_path, series)).calls

    assert calls.select("source", "target", "requests_per_second").rows() == [
        ("a/web", "b/db", 3.0),
        ("a/web", "c/api", 2.0),
        ("x", "y", 1.0),
    ]


def test_ambient_is_known_by_its_pods(tmp_path: Path) -> None:
    """Pods of ztunnel and waypoints, whose containers are named as sidecars are, make the data plane ambient."""
    pods = [("istio-system", "ztunnel-abcde", "istio-proxy"), ("shop", "waypoint-5d8f7c9b6-rstvw", "istio-proxy")]
    pods += [("istio-system", "istiod-6f5b8c9d7-lmnpq", "discovery"), ("istio-system", "ztunnel-fghjk", "istio-proxy")]
    series = [
        {
            "metric": {
                "__name__": "container_memory_working_set_bytes",
                "namespace": namespace,
                "pod": pod,
                "container": name,
            },
            "value": [0, str(10 * MIB)],
        }
        for namespace, pod, name in pods
    ]

    found = read_measurements(saved(tmp_path, series))

    assert set(found.frame["dataplane"]) == {"istio-ambient"}
    assert dict(found.frame.select("metric", "value").iter_rows()) == pytest.approx(
        {"data_plane_memory_gib": 30 / 1024, "control_plane_memory_gib": 10 / 1024}
    )
    assert {name: given.value for name, given in found.supplied.items()} == {"nodes": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"metric": {"pod": "a"}, "value": [0, "1"]}], "series without names: after rate"),
        ([{"metric": {"__name__": "up"}, "value": [0, "1"]}], "only up; these are: container_cpu"),
        ({"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}, "is one number or text that"),
        ([{"metric": {"__name__": "request_total"}, "values": [[0, "x"]]}], "a value that is no number"),
        ([{"metric": {"__name__": "request_total"}, "values": [[0, "NaN"], [60, "+Inf"]]}], "only NaN and Inf"),
        ('{"status":"success","data":{"result":[', "ends in the middle of JSON"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_no_measurement_is_refused_in_words(content: object, message: str, tmp_path: Path) -> None:
    """Series that tell nothing, and broken files, are errors that say why."""
    with pytest.raises(MeshlabError, match=message):
        read_measurements(saved(tmp_path, content))


# --- real files ----------------------------------------------------------------------------------------------------


def test_a_scrape_of_cadvisor_gives_memory_of_agents(fixtures: Path) -> None:
    """A kubelet's scrape tells memory of kindnet's agent and of kube-proxy, as grep finds them, but no rates."""
    found = read_measurements(fixtures / "prometheus/newrelic__nri-kubernetes__cadvisor_1_35.txt")

    assert found.figures.select("component", "value").rows() == [
        ("cni-agent", pytest.approx(KINDNET_BYTES / MIB)),
        ("kube-proxy", pytest.approx(KUBE_PROXY_BYTES / MIB)),
    ]
    assert any("only once" in note for note in found.notes)
    assert not any("no metrics of a mesh" in note for note in found.notes)
    assert found.supplied == {}


KINDNET_BYTES, KUBE_PROXY_BYTES = 13_955_072, 18_755_584
"""grep 'container_memory_working_set_bytes{container="kindnet-cni"' and "kube-proxy"."""


def test_keplers_series_give_memory_of_agents(fixtures: Path) -> None:
    """Seven samples of kindnet's agent and of kube-proxy average to what jq finds."""
    found = read_measurements(
        fixtures / "prometheus/sustainable-computing-io__kepler-model-server__kepler_prom_idle.json"
    )

    kindnet = [26222592, 26423296, 26423296, 26427392, 26382336, 26382336, 26382336]
    kube_proxy = [61673472, 61673472, 61722624, 61722624, 61726720, 61726720, 61726720]
    assert found.figures.select("component", "value").rows() == [
        ("cni-agent", pytest.approx(sum(kindnet) / 7 / MIB)),
        ("kube-proxy", pytest.approx(sum(kube_proxy) / 7 / MIB)),
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("4n4nd__prometheus-api-client-python__up_201907281200.json", "no series that figures are read from, only up"),
        ("IntelligentDDS__Nezha__ob_adservice-5f6585d649-fnmft_metric.csv", "proxy and application together"),
        ("IntelligentDDS__Nezha__ob_cartservice-579f59597d-wc2lz_metric.csv", "proxy and application together"),
        ("IntelligentDDS__Nezha__ob_checkoutservice-578fcf4766-9csqn_metric.csv", "proxy and application together"),
        ("IntelligentDDS__Nezha__ob_currencyservice-cf787dd48-vpjrd_metric.csv", "proxy and application together"),
    ],
)
def test_real_files_without_a_measure_of_a_mesh_are_refused(file: str, message: str, fixtures: Path) -> None:
    """Series of `up`, and tables of whole pods, are refused for what they lack."""
    with pytest.raises(MeshlabError, match=message):
        read_measurements(fixtures / "prometheus" / file)


EXEMPLARS = """# TYPE istio_requests_total counter
istio_requests_total{{source_workload="a",source_workload_namespace="x",destination_workload="b",\
destination_workload_namespace="y",reporter="destination"}} 100.0 {first} # {{trace_id="4bf92f{{}}"}} 1.0 {first}
istio_requests_total{{source_workload="a",source_workload_namespace="x",destination_workload="b",\
destination_workload_namespace="y",reporter="destination"}} 5.2e7 {second} # {{trace_id="4bf92f"}} 1.0
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{{namespace="x",pod="a-1",container="istio-proxy"}} 52428800 {second}
{end}"""


@pytest.mark.parametrize(
    ("first", "second", "end"),
    [
        ("1700000000.5", "1700000100.5", "# EOF\n"),
        ("1700000000", "1700000100", "# EOF\n"),
        ("1700000000000", "1700000100000", ""),
    ],
    ids=["openmetrics", "whole-seconds", "prometheus"],
)
def test_an_exemplar_is_no_sample_and_times_are_those_of_the_format(
    first: str, second: str, end: str, tmp_path: Path
) -> None:
    """The value is the sample's and not its exemplar's, and a time counts seconds in OpenMetrics alone."""
    found = read_measurements(saved(tmp_path, EXEMPLARS.format(first=first, second=second, end=end)))

    assert found.calls["requests_per_second"].to_list() == pytest.approx([(5.2e7 - 100) / 100])
    figures = dict(found.figures.select("metric", "value").iter_rows())
    assert figures["memory"] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": 'invalid parameter "query": 1:5: parse error'},
            "is an error that Prometheus answered: .*parse error.*; correct the query",
        ),
        (
            {"status": "success", "data": {"resultType": "vector", "result": []}},
            "holds an empty answer: the query matched no series; check its metric, labels and time",
        ),
    ],
    ids=["error", "empty"],
)
def test_an_answer_without_series_is_told_for_what_it_is(answer: dict, message: str, tmp_path: Path) -> None:
    """An error of the server's and an empty result are told in words, each with what to do."""
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))

    with pytest.raises(MeshlabError, match=message):
        read_measurements(path)
