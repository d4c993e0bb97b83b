"""Damaged inputs of every kind end in words: no other error, nothing that hangs, nothing left over."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from facts_dumps import listed, node, pod
from facts_dumps import resource as kube_object
from fuzz import as_json, as_tar, as_yaml, as_zip, damaged, damaged_bytes

from meshlab.cluster.audit import audit
from meshlab.cluster.facts import read_facts
from meshlab.cluster.facts.measurements import as_data, read_measurements
from meshlab.errors import MeshlabError, Problem
from meshlab.files import pretty_json
from meshlab.models.decision import load_tables
from meshlab.planning import iac
from meshlab.reviews.cases import open_path
from meshlab.reviews.review import open_review
from meshlab.reviews.team import read_team
from meshlab.run.batch.batch import NOTE, row_of_unchanged
from meshlab.run.batch.fleet import read_index, since
from meshlab.run.embed import check
from meshlab.run.embed.blocks import data_rows
from meshlab.run.sweep import run_sweep
from meshlab.run.sweep.parts import Place
from meshlab.run.sweep.spec import read_spec
from meshlab.scenario import read_scenarios
from meshlab.show.charts import CATALOGUE, chart
from meshlab.show.charts.catalogue import NOTHING
from meshlab.tables import data_path

HANG_SECONDS = 20
BYTES_BEYOND = 2**30
SHARE, ALL = 20, 2500
"""Inputs of each kind in every run of the tests, and in the soak: 2,500 of twelve kinds make 30,000."""

DUMP = listed(
    *(node("a"), pod("b"), kube_object("Service", "v1", "s", "shop", spec={"ports": [{"port": 80}]})),
    kube_object("PeerAuthentication", "security.istio.io/v1", "m", "istio-system", spec={"mtls": {"mode": "STRICT"}}),
)

TEAM = {
    "team": "payments",
    "scenario": {"nodes": 5, "pods": 100, "requests_per_second": 100},
    "assumptions": [{"input": "services", "value": 7, "why": "counted"}],
    "needs": ["mtls"],
    "notes": "none",
}

SPEC = {"sample": {"method": "latin-hypercube", "rows": 8, "seed": 1}, "inputs": {"pods": {"range": [10, 90]}}}

ANSWER = {
    "status": "success",
    "data": {
        "result": [
            {"metric": {"__name__": "istio_requests_total", "reporter": "destination"}, "values": [[0, "1"], [9, "7"]]}
        ]
    },
}

TRACE = {
    "data": [
        {
            "traceID": "t",
            "spans": [
                {"traceID": "t", "spanID": "a", "processID": "p", "startTime": 1, "duration": 9, "references": []}
            ],
            "processes": {"p": {"serviceName": "web"}},
        }
    ]
}

LOAD = {
    "DurationHistogram": {"Percentiles": [{"Percentile": 50, "Value": 0.1}]},
    "ActualQPS": 3,
    "RetCodes": {"200": 4},
}

VALUES = {"kubeProxyReplacement": True, "hubble": {"metrics": {"enabled": ["dns"]}}, "extraArgs": ["--debug"]}

SETTINGS = listed(
    kube_object("ConfigMap", "v1", "cilium-config", "kube-system", data={"devices": "eth0", "mtu": "9000"})
)

RELEASE = {
    "chart": "cilium",
    "version": "1.16.0",
    "values": ["mtu: 1500\n"],
    "set": [{"name": "debug.enabled", "value": "1"}],
}

PLAN = {
    "format_version": "1.2",
    "planned_values": {"root_module": {"resources": [{"type": "helm_release", "name": "c", "values": RELEASE}]}},
}

RESULTS = {"benchmarks": [{"name": "a", "stats": {"median": 1.0}}, {"name": "b", "stats": {"median": 2.0}}]}


@contextmanager
def limited() -> Iterator[None]:
    """An alarm where something takes longer than it may."""

    def late(*_: object) -> None:
        raise AssertionError("hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Kinds:
    """How an input of each kind is made and read; each takes a folder and a source of chance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.review = json.loads(pretty_json(open_review("online-boutique")))
        row = {"team": "a", "cni": "cilium", "mesh": None, "findings": None}
        figures = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
        self.row = row | {f"{name}{end}": 1.0 for name in figures for end in ("_lo", "", "_hi")}
        (folder / "spec.yaml").write_bytes(as_yaml(SPEC))
        run_sweep(folder / "spec.yaml", str(folder / "s.parquet"), jobs=1)
        self.part = (folder / "s.parquet").read_bytes()

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def dump(self, rng: random.Random) -> None:
        """Objects of a cluster, as JSON or YAML."""
        write, name = rng.choice(((as_json, "d.json"), (as_yaml, "d.yaml")))
        path = self._file(name, damaged(DUMP, write, rng))
        rng.choice((read_facts, audit))([path], anonymize=rng.random() < 0.5)

    def archive(self, rng: random.Random) -> None:
        """The same in a tar or a zip."""
        content = damaged(DUMP, as_json, rng)
        read_facts([self._file("d.bin", rng.choice((as_tar, as_zip))(content, rng))])

    def team(self, rng: random.Random) -> None:
        """A team file, or what may be one, with its cluster."""
        open_path(self._file("t.yaml", damaged(TEAM, rng.choice((as_json, as_yaml)), rng)))

    def team_file(self, rng: random.Random) -> None:
        """A team file of which bytes differ."""
        read_team(self._file("t.yaml", damaged_bytes(as_yaml(TEAM), rng)))

    def review_json(self, rng: random.Random) -> None:
        """A review of somebody else, and a chart of it."""
        review = open_review(self._file("review.json", damaged(self.review, as_json, rng)), build=False)
        name = rng.choice([name for name, entry in CATALOGUE.items() if entry.needs != NOTHING])
        chart(name, review)

    def index_json(self, rng: random.Random) -> None:
        """An index of somebody else, compared with."""
        self._file("index.json", damaged({"reviews": [self.row, {**self.row, "team": "b"}]}, as_json, rng))
        for earlier in read_index(self.folder).values():
            since({**self.row, "dataplane": "cilium"}, earlier)

    def note(self, rng: random.Random) -> None:
        """The note beside a report."""
        note = {"inputs_sha256": "x", "look_sha256": "y", "row": {}, "files": {}, "note_sha256": "z"}
        self._file(NOTE, damaged(note, as_json, rng))
        assert row_of_unchanged(self.folder, ("json",), "x") is None

    def table(self, rng: random.Random) -> None:
        """A team's own decision tables."""
        tables = self.folder / "tables"
        tables.mkdir(exist_ok=True)
        name = rng.choice(("preferences", "networks", "meshes", "requirements"))
        for old in tables.iterdir():
            old.unlink()
        (tables / f"{name}.csv").write_bytes(damaged_bytes(data_path(f"decision/{name}.csv").read_bytes()[:4000], rng))
        load_tables(tables)

    def scenarios(self, rng: random.Random) -> None:
        """Scenarios as CSV."""
        content = b"scenario,nodes,pods,mtls\none,5,100,true\ntwo,7,1e2,no\n"
        read_scenarios(self._file("s.csv", damaged_bytes(content, rng)))

    def spec(self, rng: random.Random) -> None:
        """The spec of a sweep."""
        read_spec(self._file("x.yaml", damaged(SPEC, as_yaml, rng)))

    def part_of_a_sweep(self, rng: random.Random) -> None:
        """A part that an earlier run has left."""
        file = self._file("s.parquet", damaged_bytes(self.part, rng))
        place = Place(str(file), read_spec(self.folder / "spec.yaml"))
        assert list(place.finished()) == ([0] if file.read_bytes() == self.part else [])

    def measured(self, rng: random.Random) -> None:
        """Traces, an answer of Prometheus or a load test."""
        found = read_measurements(self._file("m.json", damaged(rng.choice((ANSWER, TRACE, LOAD)), as_json, rng)))
        as_data(found, anonymize=rng.random() < 0.5)

    def helm(self, rng: random.Random) -> None:
        """Helm values beside what runs, either damaged, and a plan of Terraform."""
        write = rng.choice((as_json, as_yaml))
        sound, broken = self._file("v.yaml", as_yaml(VALUES)), damaged(rng.choice((VALUES, SETTINGS)), write, rng)
        rng.choice(
            (
                lambda: iac.drift(sound, self._file("l.yaml", broken)),
                lambda: iac.report(values=self._file("l.yaml", broken)),
                lambda: iac.report(plan=self._file("p.json", damaged(PLAN, as_json, rng))),
            )
        )()

    def results(self, rng: random.Random) -> None:
        """The table of a document, in a file of its own."""
        as_csv = damaged_bytes(b"name,median\na,1\nb,2\n", rng)
        name, content = rng.choice((("r.csv", as_csv), ("r.json", damaged(RESULTS, as_json, rng))))
        data_rows(self._file(name, content), rng.choice((None, "name", "stats.median:ms")), "benchmarks")

    def document(self, rng: random.Random) -> None:
        """A document with a block."""
        text = "# A\n\n<!-- meshlab table=memory team=online-boutique -->\n<!-- /meshlab -->\n\n> quoted\n"
        check([self._file("d.md", damaged_bytes(text.encode(), rng))])


KINDS = [name for name in vars(Kinds) if not name.startswith("_")]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """What every kind needs, made once."""
    return Kinds(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="the system has no alarm")
@pytest.mark.parametrize(
    "count", [pytest.param(SHARE, id="share"), pytest.param(ALL, id="all", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_end_in_words(kind: str, count: int, kinds: Kinds) -> None:
    """Each is read, or refused by an error that says what is wrong; in time, in bounded memory, without leftovers."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    beginning = int(os.environ.get("MESHLAB_FUZZ_SEED", "0"))
    for seed in range(beginning, beginning + count):
        refused: tuple[Problem, ...] = ()
        with limited():
            try:
                getattr(kinds, kind)(random.Random(f"{kind} {seed}"))  # noqa: S311  (chance that can be repeated)
            except MeshlabError as told:
                refused = told.problems
            except Exception as error:
                raise AssertionError(f"{kind}, seed {seed}: {type(error).__name__}: {error}") from error
        assert all(str(problem).isprintable() for problem in refused)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < BYTES_BEYOND
    assert not list(kinds.folder.glob(".meshlab-writing-*"))
