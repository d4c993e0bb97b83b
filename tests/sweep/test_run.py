"""Running a sweep: true figures, and the same bytes in one go, after an interruption and by several workers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from meshlab.errors import MeshlabError
from meshlab.models.overhead import dataplanes, estimate
from meshlab.run.sweep import parts, run_sweep
from meshlab.run.sweep import parts as parts_module
from meshlab.scenario import frame_of

SpecFile = Callable[..., Path]

SAMPLE = """\
sample: {method: latin-hypercube, rows: 1000, seed: 4}
inputs:
  pods: {range: [50, 50000], scale: log}
  requests_per_second: {distribution: lognormal, median: 8000, p90: 100000}
  protocol: [http1, grpc]
outputs: [memory_gib, added_p99_ms]
"""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 256 scenarios, so that a thousand make four."""
    monkeypatch.setattr(parts, "PART_ROWS", 256)


def tree(place: Path) -> dict[str, bytes]:
    """All files below a place."""
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_grid_is_every_combination_once(spec_file: SpecFile, tmp_path: Path) -> None:
    """Two by three by two values, five data planes each, with the figures of an estimate of the same scenario."""
    spec = spec_file(
        "sample: {method: grid}\n"
        "inputs: {pods: [10, 400], nodes: {range: [1, 100], scale: log, steps: 3}, mtls: [true, false]}\n"
    )
    run_sweep(spec, str(tmp_path / "out.parquet"))
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.height == 60
    rows = found.filter(dataplane="cilium").select("pods", "nodes", "mtls").rows()
    assert rows == list(itertools.product([10, 400], [1, 10, 100], [True, False]))
    one = frame_of([{"scenario": "one", "pods": 400, "nodes": 10, "mtls": False}])
    expected = estimate(one, intervals=False).collect().drop("scenario")
    same = found.filter(pods=400, nodes=10, mtls=False).select(expected.columns)
    assert same.equals(expected)


def test_a_sample_draws_what_the_spec_says(spec_file: SpecFile, tmp_path: Path) -> None:
    """A Latin hypercube halves each list, and its quantiles are those of the distributions."""
    run_sweep(spec_file(SAMPLE), str(tmp_path / "out.parquet"), jobs=1)
    found = pl.read_parquet(tmp_path / "out.parquet").filter(dataplane="none")
    assert found["scenario"].to_list() == list(range(1000))
    assert found["protocol"].value_counts().sort("protocol")["count"].to_list() == [500, 500]
    assert found["pods"].median() == pytest.approx((50 * 50000) ** 0.5, rel=0.01)
    assert found["requests_per_second"].quantile(0.9) == pytest.approx(100_000, rel=0.02)


def test_an_interruption_leaves_no_trace(spec_file: SpecFile, tmp_path: Path) -> None:
    """A run that finds half of the parts, and a file that a killed run left, ends with the bytes of one run."""
    spec = spec_file(SAMPLE)
    whole, half = tmp_path / "whole" / "out.parquet", tmp_path / "half" / "out.parquet"
    run_sweep(spec, str(whole), jobs=1)
    first = tree(whole)
    half.mkdir(parents=True)
    for name in list(first)[:2]:
        (half / name).write_bytes(first[name])
    (half / ".meshlab-writing-of-a-run-that-was-killed").write_bytes(b"half")
    outcome = run_sweep(spec, str(half), jobs=1, resume=True)
    assert (outcome.kept, outcome.failed) == (2, ())
    assert (len(first), tree(half)) == (4, first)


def test_any_number_of_workers_leaves_the_same_bytes(
    spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes of one thread each write what this process writes with all its threads."""
    monkeypatch.undo()
    spec = spec_file(SAMPLE.replace("rows: 1000", f"rows: {parts.PART_ROWS + 1000}"))
    for jobs in (1, 2):
        run_sweep(spec, str(tmp_path / f"{jobs}.parquet"), jobs=jobs)
    assert tree(tmp_path / "1.parquet") == tree(tmp_path / "2.parquet")


def test_what_lies_there_is_never_mixed_with_another_sweep(spec_file: SpecFile, tmp_path: Path) -> None:
    """Without --resume a folder of parts is refused, with it one of another spec; both stay as they were."""
    out = tmp_path / "out.parquet"
    run_sweep(spec_file(SAMPLE), str(out), jobs=1)
    before = tree(out)
    with pytest.raises(MeshlabError, match="--resume"):
        run_sweep(spec_file(SAMPLE), str(out))
    with pytest.raises(MeshlabError, match="another sweep"):
        run_sweep(spec_file(SAMPLE.replace("seed: 4", "seed: 5")), str(out), resume=True)
    with pytest.raises(MeshlabError, match="another sweep"):
        run_sweep(spec_file("sample: {method: grid}\ninputs: {pods: [1]}\n"), str(out))
    with pytest.raises(MeshlabError, match=r"end it in \.parquet"):
        run_sweep(spec_file(SAMPLE), str(tmp_path / "out.csv"))
    assert tree(out) == before


def test_a_file_says_what_it_holds(spec_file: SpecFile, tmp_path: Path) -> None:
    """Units of inputs and figures, sources of the data planes, and the sweep stand in the metadata."""
    spec = spec_file(SAMPLE + "dataplanes: [linkerd]\n")
    run_sweep(spec, str(tmp_path / "out.parquet"), jobs=1)
    described = pl.read_parquet_metadata(tmp_path / "out.parquet" / "part-00001.parquet")
    assert described["meshlab_part"] == "2/4"
    assert json.loads(described["meshlab_units"]) == {
        "pods": "count",
        "requests_per_second": "1/s",
        "memory_gib": "GiB",
        "added_p99_ms": "ms",
    }
    assert json.loads(described["meshlab_sample"]) == {"method": "latin-hypercube", "rows": 1000, "seed": 4}
    assert {"S07", "R01"} <= {source["source_id"] for source in json.loads(described["meshlab_sources"])}


def test_every_figure_has_a_unit() -> None:
    """What an estimate returns as a number is described by its column's name."""
    figures = estimate(frame_of([{"scenario": "one"}]), intervals=False).collect_schema()
    numbers = [name for name, dtype in figures.items() if dtype.is_float()]
    assert all(parts_module._unit(name) for name in numbers)


def test_an_address_is_written_as_polars_writes_it(spec_file: SpecFile, tmp_path: Path) -> None:
    """A URL of a folder gives the bytes that its path gives, and can be resumed."""
    spec = spec_file(SAMPLE)
    run_sweep(spec, str(tmp_path / "path.parquet"), jobs=1)
    run_sweep(spec, (tmp_path / "url.parquet").as_uri(), jobs=1)
    assert tree(tmp_path / "path.parquet") == tree(tmp_path / "url.parquet")
    assert run_sweep(spec, (tmp_path / "url.parquet").as_uri(), resume=True).kept == 4


def test_only_chosen_data_planes_are_there(spec_file: SpecFile, tmp_path: Path) -> None:
    """Two of five, in the order of every estimate."""
    run_sweep(spec_file(SAMPLE + "dataplanes: [cilium, istio-sidecar]\n"), str(tmp_path / "o.parquet"), jobs=1)
    found = pl.read_parquet(tmp_path / "o.parquet" / "part-00000.parquet")["dataplane"].unique(maintain_order=True)
    assert found.to_list() == [name for name in dataplanes() if name in ("cilium", "istio-sidecar")]


def test_a_part_that_fails_costs_only_itself(
    spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that cannot be written is told in one line; all others are there, and --resume makes it good."""
    spec, out, write = spec_file(SAMPLE), tmp_path / "o.parquet", parts_module.Place.write

    def fails(place: parts_module.Place, address: str, frame: pl.DataFrame, part: int | None = None) -> None:
        if part == 2:
            raise OSError(28, "No space left on device")
        write(place, address, frame, part)

    monkeypatch.setattr(parts_module.Place, "write", fails)
    outcome = run_sweep(spec, str(out), jobs=1)
    assert outcome.failed == (f"{out}/part-00002.parquet: part failed: OSError; run again with --resume",)
    assert sorted(tree(out)) == [f"part-{part:05}.parquet" for part in (0, 1, 3)]
    monkeypatch.undo()
    monkeypatch.setattr(parts, "PART_ROWS", 256)
    assert run_sweep(spec, str(out), jobs=1, resume=True).kept == 3


@pytest.mark.parametrize("damage", ["cut off", "empty", "data", "what it says", "footer"])
def test_a_damaged_part_is_made_again(damage: str, spec_file: SpecFile, tmp_path: Path) -> None:
    """A part that is cut off, or of which one bit differs, counts as missing; the sweep ends with the same bytes."""
    spec, out = spec_file(SAMPLE), tmp_path / "o.parquet"
    run_sweep(spec, str(out), jobs=1)
    whole, part = tree(out), out / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    places = {"data": 500, "what it says": content.rindex(b"meshlab_units") + 20, "footer": len(content) - 300}
    if damage in places:
        content[places[damage]] ^= 1
    part.write_bytes({"cut off": content[: len(content) // 2], "empty": b""}.get(damage, bytes(content)))
    assert run_sweep(spec, str(out), jobs=1, resume=True).kept == 3
    assert tree(out) == whole


def test_a_table_of_somebody_else_is_not_written_over(spec_file: SpecFile, tmp_path: Path) -> None:
    """A whole Parquet file that no sweep wrote is refused by --resume, and so is a file of another kind."""
    out = tmp_path / "o.parquet"
    run_sweep(spec_file(SAMPLE), str(out), jobs=1)
    for write in (pl.DataFrame({"a": [1]}).write_parquet, lambda path: path.write_text("mine")):
        write(out / "part-00001.parquet")
        before = tree(out)
        with pytest.raises(MeshlabError, match="is a part of another sweep"):
            run_sweep(spec_file(SAMPLE), str(out), jobs=1, resume=True)
        assert tree(out) == before


def test_progress_counts_scenarios(spec_file: SpecFile, tmp_path: Path) -> None:
    """It begins with what is kept and ends with all."""
    told: list[tuple[int, int]] = []
    run_sweep(spec_file(SAMPLE), str(tmp_path / "o.parquet"), jobs=1, progress=lambda *done: told.append(done))
    assert sorted(told) == told
    assert (told[0], told[-1], len(told)) == ((0, 1000), (1000, 1000), 5)


def test_problems_name_the_spec_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message begins with the name that the user wrote, though workers know the file by its whole path."""
    (tmp_path / "fleets.yaml").write_text("sample: {method: grid}\ninputs:\n  podz: [1]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MeshlabError, match=r"^fleets\.yaml:3: unknown input 'podz'"):
        run_sweep(Path("fleets.yaml"), "fleets.parquet")
