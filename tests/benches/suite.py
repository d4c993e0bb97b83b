"""The benchmark suite: every figure a ratio to a reference that is measured in the same run, kept as JSON.

``make bench`` measures all of it into ``docs/benchmarks.json``, with the machine and the runs before;
``make bench-compare`` says what has changed since the last run. Some figures come from benchmarks that can be run by
themselves, which stand beside this file; here they are only called and their results written down.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "docs" / "benchmarks.json"
BIN = Path(sys.executable).parent

RUNS_KEPT = 10
"""Earlier runs that stay in the file."""

NOTEWORTHY = 0.1
"""Change of a ratio that is told, where it is larger than the spread of both runs."""

VERSIONS = ("polars", "numpy", "numba", "orjson", "papermill", "distributed")


@dataclass(frozen=True, slots=True)
class Figure:
    """One result.

    Args:
        name: How it is called.
        what: What is measured.
        reference: What it is measured against, in the same run.
        ratio: The one over the other.
        spread: Half of the distance between the quartiles of repeated runs, over the median. [ratio]
        repeats: Runs of either side.
        better: Whether a ``higher`` or a ``lower`` ratio is better.
        goal: What the ratio should reach, or None.
        met: Whether it does.
        value: The measured quantity itself.
        unit: Its unit.
        peak_mib: Peak memory. [MiB]
        cpu_ratio: The ratio of processor time, which other work on the machine hardly moves: fewest of all runs.
    """

    name: str
    what: str
    reference: str
    ratio: float
    spread: float
    repeats: int
    better: str
    goal: float | None = None
    met: bool | None = None
    value: float | None = None
    unit: str | None = None
    peak_mib: float | None = None
    cpu_ratio: float | None = None


def figure(
    name: str,
    what: str,
    reference: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    better: str = "lower",
    goal: float | None = None,
    value: float | None = None,
    unit: str | None = None,
    peak_mib: float | None = None,
    cpu: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Figure:
    """A figure from times of both sides; where higher is better, the ratio is that of the rates."""
    lower = better == "lower"
    ratio = median(ours) / median(theirs) if lower else median(theirs) / median(ours)
    met = None if goal is None else bool(ratio <= goal if lower else ratio >= goal)
    spread = math.hypot(_spread(ours), _spread(theirs))
    rounds = min(len(ours), len(theirs))
    cpu_ratio = cpu and (min(cpu[0]) / min(cpu[1]) if lower else min(cpu[1]) / min(cpu[0]))
    return Figure(name, what, reference, ratio, spread, rounds, better, goal, met, value, unit, peak_mib, cpu_ratio)


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    first, _, third = quantiles(values, n=4, method="inclusive")
    return (third - first) / 2 / median(values)


# --- measuring ------------------------------------------------------------------------------------------------------


def case(name: str, rows: int, rounds: int, **environment: str) -> dict[str, Any]:
    """Seconds and peak memory of one of ``cases.py``."""
    command = [sys.executable, str(HERE / "cases.py"), name, str(rows), str(rounds)]
    return json.loads(_output(command, **environment))


def _output(command: Sequence[str], **environment: str) -> str:
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environment}
    )
    return done.stdout


def _printed(command: Sequence[str]) -> str:
    """What a benchmark prints, whose status says only whether it met its goals."""
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def sweep_rate(rows: int = 10_000_000) -> Iterator[Figure]:
    """Medians of ten million scenarios against the fused loop and the plain one."""
    found = case("fused", rows, 5)
    ours, numba = found["seconds"]["estimate"], found["seconds"]["numba"]
    rate = rows / median(ours)
    yield figure(
        "sweep-numba",
        f"rate of estimate, {rows:,} scenarios, five data planes, medians, every column",
        "the same arithmetic fused by hand for numba, on all cores",
        ours,
        numba,
        better="higher",
        goal=0.6,
        value=rate,
        unit="scenarios/s",
        peak_mib=found["peak_mib"],
        cpu=(found["cpu_seconds"]["estimate"], found["cpu_seconds"]["numba"]),
    )
    few = 20_000
    loop = case("loop", few, 3, NUMBA_DISABLE_JIT="1")
    plain, plain_cpu = ([seconds * rows / few for seconds in loop[kind]["loop"]] for kind in ("seconds", "cpu_seconds"))
    reference = f"the same row by row in plain Python ({few:,} scenarios)"
    yield figure(
        "sweep-loop",
        "the same rate",
        reference,
        ours,
        plain,
        better="higher",
        goal=100,
        value=rate,
        unit="scenarios/s",
        cpu=(found["cpu_seconds"]["estimate"], plain_cpu),
    )


def interval_cost() -> Iterator[Figure]:
    """What intervals cost beyond medians."""
    yield _per_scenario("intervals", "an estimate with 10-90 % intervals", "medians", "medians", 20_000, 3)


def probability_cost() -> Iterator[Figure]:
    """How often each data plane is cheapest over the draws."""
    what, reference = "the probability that each data plane is cheapest", "an estimate with 10-90 % intervals"
    yield _per_scenario("probabilities", what, "intervals", reference, 100_000, 1)


def decision_cost() -> Iterator[Figure]:
    """The contest of options, for a million scenarios at once."""
    yield _per_scenario("decision", "the verdict", "medians", "medians", 1_000_000, 3)


def _per_scenario(name: str, what: str, against: str, reference: str, rows: int, rounds: int) -> Figure:
    """One of ``cases.py`` against the other side of its rounds, over the same scenarios."""
    found = case(name, rows, rounds)
    seconds, cpu = found["seconds"], found["cpu_seconds"]
    return figure(
        name,
        f"time of {what}, {rows:,} scenarios",
        f"{reference} of the same scenarios",
        seconds[name],
        seconds[against],
        value=median(seconds[name]) / rows * 1e6,
        unit="us/scenario",
        peak_mib=found["peak_mib"],
        cpu=(cpu[name], cpu[against]),
    )


def tick() -> Iterator[Figure]:
    """A slider's tick."""
    found = case("tick", 1, 60)
    ours = found["seconds"]["tick"]
    yield figure(
        "tick",
        "time of one scenario with intervals under five data planes",
        "a polars query of one row and one product",
        ours,
        found["seconds"]["empty query"],
        value=median(ours) * 1e3,
        unit="ms",
        peak_mib=found["peak_mib"],
    )


IMPORTS = [sys.executable, "-c", "import polars, plotly.graph_objects"]
TEAM = str(ROOT / "data" / "teams" / "online-boutique.yaml")
DUMP = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: a}, status: {}}\n"


def waits(rounds: int = 9) -> Iterator[Figure]:
    """What a person waits for: commands, everything included, each started anew."""
    _output([sys.executable, "-m", "compileall", "-q", str(ROOT / "meshlab")])  # as an installation does
    with tempfile.TemporaryDirectory() as work:
        dump, out = Path(work) / "dump.yaml", Path(work)
        dump.write_text(DUMP, encoding="utf-8")
        yield from _wait("start-up", ["--help"], [sys.executable, "-c", "pass"], rounds, None)
        yield from _wait("review", ["review", TEAM, "--force", "--out", str(out / "reports")], IMPORTS, rounds, 7)
        yield from _wait("facts", ["facts", str(dump)], IMPORTS, rounds, 2.5)
        yield from _wait("chart", ["chart", "memory", "--team", TEAM, "--out", str(out / "c.svg")], IMPORTS, rounds, 4)
        yield from _wait("migrate", ["migrate", TEAM], IMPORTS, rounds, 5)
        scenarios = out / "one.yaml"
        scenarios.write_text("{scenario: a, pods: 480, needs: [mtls]}\n", encoding="utf-8")
        yield from _wait("decide", ["decide", str(scenarios)], IMPORTS, rounds, None)


def site() -> Iterator[Figure]:
    """Building the site without its charts and reports."""
    build = [sys.executable, str(ROOT / ".ci" / "site" / "build.py"), "--quick"]
    yield from _wait("site", build, IMPORTS, 3, None)


def _wait(
    name: str, arguments: Sequence[str], reference: Sequence[str], rounds: int, goal: float | None
) -> Iterator[Figure]:
    command = arguments if arguments[0] == sys.executable else [str(BIN / "meshlab"), *arguments]
    _output(command)  # the first run after a change stores what the others find
    seconds = [(_timed_s(command), _timed_s(reference)) for _ in range(rounds)]
    ours, theirs = zip(*seconds, strict=True)
    what = f"time of {' '.join(Path(word).name for word in command)}"
    told = " ".join(Path(word).name for word in reference)
    yield figure(name, what, told, ours, theirs, goal=goal, value=median(ours) * 1e3, unit="ms")


def _timed_s(command: Sequence[str]) -> float:
    start = time.perf_counter()
    _output(command)
    return time.perf_counter() - start


def with_pytest(test: str) -> dict[str, Any]:
    """What a benchmark of pytest's notes down beside its times."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, "--benchmark-only"]
        # one that misses its goal fails as a test, and has noted what it measured all the same
        subprocess.run([*command, f"--benchmark-json={told}"], check=False, stdout=subprocess.DEVNULL, cwd=ROOT)
        return json.loads(told.read_text(encoding="utf-8"))["benchmarks"][0]["extra_info"]


def reader() -> Iterator[Figure]:
    """Facts of a large dump against a parser that builds everything."""
    found = with_pytest("tests/benches/test_facts.py::test_json_against_orjson")
    what, reference = "facts of 2,000 nodes and 50,000 pods", "orjson.loads of the same bytes"
    yield figure("reader", f"rate of reading {what}", reference, [1], [found["times_as_fast"]], better="higher", goal=5)
    yield figure(
        "reader-memory", f"peak memory of reading {what}", reference, [found["share_of_memory"]], [1], goal=0.3
    )


def rendering(teams: int = 60, loop: int = 3) -> Iterator[Figure]:
    """Reviews against a loop of papermill."""
    printed = _printed([sys.executable, str(HERE / "render.py"), "--teams", str(teams), "--loop", str(loop)])
    ours, theirs = (float(found) for found in re.findall(r"([\d.]+) s per report", printed))
    yield figure(
        "rendering",
        f"rate of reports, {teams} teams, start-up included",
        "a loop of papermill and nbconvert over the same workbook",
        [ours],
        [theirs],
        better="higher",
        goal=45,
        value=ours,
        unit="s/report",
    )


def slider(moves: int = 30) -> Iterator[Figure]:
    """A slider in JupyterLab against the smallest notebook that does the same."""
    printed = _printed([sys.executable, str(HERE / "live.py"), "--moves", str(moves)])
    ratio, goal = map(float, re.search(r"percentiles ([\d.]+) \(goal: ([\d.]+)\)", printed).groups())
    what = "95th percentile from a key on a slider to the last figure drawn, overhead workbook"
    reference = "a notebook of one slider and one bar, in the same page"
    yield figure("slider", what, reference, [ratio], [1], goal=goal)


def dask(parts: int = 48) -> Iterator[Figure]:
    """Two Dask workers of one thread against one, over parts enough that beginning and ending count for little."""
    sys.path.insert(0, str(HERE.parent))
    from dask_cluster import joined, running_cluster

    from meshlab.run.sweep import run_sweep
    from meshlab.run.sweep.parts import PART_ROWS

    rows, seconds = parts * PART_ROWS, {1: [], 2: []}
    with tempfile.TemporaryDirectory() as work:
        few, many = (_spec(Path(work) / f"{count}.yaml", count) for count in (4 * PART_ROWS, rows))
        for repeat in range(5):
            for count, taken in seconds.items():
                folder = Path(work) / f"{repeat}-{count}"
                folder.mkdir()
                with running_cluster(folder, count) as (address, _):
                    joined(address, count)
                    run_sweep(few, str(folder / "warm.parquet"), scheduler=address)
                    os.sync()  # or what went before is still being written, on a core that two workers need
                    start = time.perf_counter()
                    run_sweep(many, str(folder / "out.parquet"), scheduler=address)
                    taken.append(time.perf_counter() - start)
                shutil.rmtree(folder)
    yield figure(
        "dask",
        f"rate of a sweep of {rows:,} scenarios on two Dask workers of one thread each",
        "one such worker",
        seconds[2],
        seconds[1],
        better="higher",
        goal=1.7,
        value=rows / median(seconds[2]),
        unit="scenarios/s",
    )


def _spec(path: Path, rows: int) -> Path:
    """A sweep of two inputs and one figure of four data planes."""
    path.write_text(
        f"sample: {{method: latin-hypercube, rows: {rows}, seed: 1}}\n"
        "inputs:\n"
        "  pods: {range: [50, 50000], scale: log}\n"
        "  requests_per_second: {distribution: lognormal, median: 8000, p90: 100000}\n"
        "dataplanes: [istio-sidecar, istio-ambient, cilium, linkerd]\n"
        "outputs: [cost_usd_per_month]\n",
        encoding="utf-8",
    )
    return path


MEASURES: dict[str, Callable[[], Iterator[Figure]]] = {
    "sweep": sweep_rate,
    "intervals": interval_cost,
    "probabilities": probability_cost,
    "decision": decision_cost,
    "rendering": rendering,
    "reader": reader,
    "tick": tick,
    "slider": slider,
    "waits": waits,
    "site": site,
    "dask": dask,
}
"""What the suite measures, by name."""

# --- growth ---------------------------------------------------------------------------------------------------------


def growth(powers: Sequence[int]) -> list[dict[str, float]]:
    """Time and memory of ``meshlab sweep`` into Parquet, with all its processes, by scenarios."""
    rows = []
    for power in powers:
        with tempfile.TemporaryDirectory() as work:
            spec, out = _spec(Path(work) / "spec.yaml", 10**power), Path(work) / "out.parquet"
            seconds, peak = _watched([str(BIN / "meshlab"), "sweep", str(spec), "--out", str(out)])
            parts = [out] if out.is_file() else list(out.iterdir())
            size = sum(path.stat().st_size for path in parts) / 2**20
        rows.append({"scenarios": 10**power, "seconds": seconds, "peak_mib": peak, "parquet_mib": size})
        print(f"  10^{power}: {seconds:.1f} s, {peak:.0f} MiB, {size:.0f} MiB of Parquet", flush=True)
    return rows


def exponent(rows: Sequence[dict[str, float]], column: str, least: int = 10**6) -> float | None:
    """Slope of a column's logarithm over that of the scenarios, where starting up no longer counts."""
    points = [(math.log(row["scenarios"]), math.log(row[column])) for row in rows if row["scenarios"] >= least]
    if len(points) < 2:
        return None
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _watched(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of a command, and the peak of the memory that it and all its children held together. [s, MiB]"""
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_resident_mib, _family(process.pid))))
            time.sleep(0.05)
    assert process.returncode == 0, command
    return time.perf_counter() - start, peak


def _family(pid: int) -> Iterator[int]:
    """A process and all that it started, which may end at any moment."""
    yield pid
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = told.read_text(encoding="utf-8").split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _resident_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 1024


# --- results --------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """The machine and the versions on which a run rests."""
    cpu = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "").partition(":")[2]
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "cpu": cpu.strip() or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / 2**20, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in VERSIONS},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def run(names: Sequence[str], powers: Sequence[int]) -> int:
    """Measure, and write down beside what earlier runs measured; 1 where something could not be measured."""
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    earlier = [{key: before[key] for key in ("machine", "load", "figures")}] if before else []
    load, failed = os.getloadavg()[0], 0
    results = {
        "machine": machine(),
        "load": {},
        "figures": before.get("figures", []),
        "growth": before.get("growth", []),
        "exponents": before.get("exponents", {}),
        "earlier": [*earlier, *before.get("earlier", [])][:RUNS_KEPT],
    }

    def keep(**found: object) -> None:
        results.update(found, load={"before": round(load, 1), "after": round(os.getloadavg()[0], 1)})
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")

    for name in names:
        try:
            for found in MEASURES[name]():
                known = {row["name"]: row for row in results["figures"]} | {found.name: asdict(found)}
                keep(figures=list(known.values()))
                print(_told(asdict(found)), flush=True)
        except (subprocess.CalledProcessError, OSError, ValueError, AssertionError, AttributeError) as error:
            print(f"{name:14} could not be measured: {error}", flush=True)
            failed = 1
    if powers:
        rows = growth(powers)
        keep(growth=rows, exponents={column: exponent(rows, column) for column in ("seconds", "peak_mib")})
    return failed


def _told(row: dict[str, Any]) -> str:
    met = {None: "", True: f" (goal {row['goal']}: met)", False: f" (goal {row['goal']}: MISSED)"}[row["met"]]
    cpu = f", {row['cpu_ratio']:.3g} in processor time" if row["cpu_ratio"] else ""
    return f"{row['name']:14} {row['ratio']:8.3g} +- {row['spread']:.0%}{cpu} of {row['reference']}{met}"


def compare() -> int:
    """Say which ratios have changed since the run before by more than both spreads; 1 where one is worse."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    if not results["earlier"]:
        print("there is no earlier run to compare with")
        return 0
    worse, last = 0, {row["name"]: row for row in results["earlier"][0]["figures"]}
    for row in results["figures"]:
        if row["name"] not in last:
            print(f"{row['name']:14} {row['ratio']:8.3g} (new)")
            continue
        old = last[row["name"]]
        change = row["ratio"] / old["ratio"] - 1
        noise = max(NOTEWORTHY, row["spread"] + old["spread"])
        is_worse = abs(change) > noise and (change > 0) == (row["better"] == "lower")
        verdict = "WORSE" if is_worse else "better" if abs(change) > noise else "as before"
        worse += is_worse
        print(f"{row['name']:14} {old['ratio']:8.3g} -> {row['ratio']:8.3g}  {change:+6.0%}  {verdict}")
    return int(worse > 0)


def main() -> int:
    """Run the suite or parts of it, or compare the last two runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"what to measure, all unless given: {', '.join(MEASURES)}, growth")
    parser.add_argument("--compare", action="store_true", help="compare the last run with the one before")
    parser.add_argument("--largest", type=int, default=8, help="power of ten of the largest sweep")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {*MEASURES, "growth"}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if asked.compare:
        return compare()
    names = [name for name in MEASURES if not asked.names or name in asked.names]
    grows = not asked.names or "growth" in asked.names
    return run(names, range(3, asked.largest + 1) if grows else ())


if __name__ == "__main__":
    sys.exit(main())
