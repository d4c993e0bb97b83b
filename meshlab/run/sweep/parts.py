"""Parts of a sweep: their scenarios and answers, each a Parquet file that is whole or absent, and says what it is.

A sweep of one part is one file. One of several is a folder of that name with a file for each part, which polars,
DuckDB and Spark read as one table. Addresses of object stores are written as polars writes them: an object appears
whole by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem
from meshlab.files import canonical_json, digest, read_most, remove_leftovers, write_whole
from meshlab.models.overhead import estimate, figures, sources
from meshlab.run.sweep.axes import Listed, Shares, grid_places, random_shares, stratified_shares
from meshlab.run.sweep.spec import Spec
from meshlab.scenario import inputs, schema
from meshlab.tables import read_table

# --- scenarios and answers -------------------------------------------------------------------------------------------


PART_ROWS = 2**18
"""Scenarios of a part: enough that starting a query costs nothing beside it, few enough that it takes little memory."""


def part_count(spec: Spec) -> int:
    """Parts of a sweep."""
    return -(-spec.rows // PART_ROWS)


def part_rows(spec: Spec, part: int) -> int:
    """Scenarios of one part."""
    return min(PART_ROWS, spec.rows - part * PART_ROWS)


def scenarios(spec: Spec, part: int, classes_of: tuple[str, ...] = ()) -> pl.DataFrame:
    """The scenarios of a part, and beside them the classes of some inputs, as ``_class_of_…``."""
    start, count = part * PART_ROWS, part_rows(spec, part)
    columns = [pl.DataFrame({"scenario": np.arange(start, start + count)})]
    for axis, shares in zip(spec.axes, _shares(spec, start, count), strict=True):
        columns.append(axis.at(shares))
        wanted = [name for name in axis.names if name in classes_of]
        columns.append(axis.classes(shares).select(pl.col(name).alias(f"_class_of_{name}") for name in wanted))
    return pl.concat(columns, how="horizontal")


def _shares(spec: Spec, start: int, count: int) -> Iterator[Shares]:
    if spec.method == "grid":
        sizes = [axis.values.height for axis in spec.axes if isinstance(axis, Listed)]
        places = grid_places(start, count, sizes)
        # the middle of each value's part, so that rounding takes none for its neighbour
        yield from ((place + 0.5) / size for place, size in zip(places, sizes, strict=True))
        return
    for axis in spec.axes:
        name = "|".join(axis.names)
        if spec.method == "monte-carlo":
            yield random_shares(spec.seed, name, start, count)
        else:
            yield stratified_shares(spec.seed, name, start, count, spec.rows)


def answers(spec: Spec, frame: pl.DataFrame) -> pl.DataFrame:
    """Medians of what each data plane adds to these scenarios, with the inputs that are swept.

    Rows are ordered by data plane, then by scenario: the same whatever computes them.
    """
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema().items() if name not in frame.columns]
    estimates = estimate(frame.lazy().with_columns(missing), intervals=False)
    chosen = estimates.filter(pl.col("dataplane").is_in(spec.dataplanes)).select("scenario", "dataplane", *spec.outputs)
    found = chosen.collect(engine="streaming")
    # a data plane's rows stand in the order of the scenarios: their inputs repeat, and nothing needs to be looked up
    repeated = pl.concat([frame] * (found.height // frame.height))
    if not repeated["scenario"].equals(found["scenario"]):
        raise AssertionError("an estimate's rows have lost their order")
    return pl.concat([repeated, found.drop("scenario")], how="horizontal")


# --- files -----------------------------------------------------------------------------------------------------------


SEAL = "meshlab_file_sha256"
"""What a file says of its own bytes: their hash, taken while the blank stands in its place."""

BLANK = digest("what stands where the hash of a file will be")

MAGIC = b"PAR1"
"""First and last bytes of every Parquet file."""

LEVEL = 1
"""Of zstd: higher ones take half as long again and save a twentieth."""


class Place(msgspec.Struct, frozen=True):
    """Where a sweep is written: a Parquet file, a folder, or an address in an object store."""

    out: str
    spec: Spec

    @property
    def is_remote(self) -> bool:
        """Whether polars is to write to an object store."""
        return "://" in self.out

    @property
    def parts(self) -> int:
        """Files that the sweep has."""
        return part_count(self.spec)

    @property
    def folder(self) -> str:
        """Folder of the parts; those of aggregates lie beside what they add up to."""
        return f"{self.out}.parts" if self.spec.aggregates else self.out

    def of_part(self, part: int) -> str:
        """Address of one part."""
        if self.parts == 1 and not self.spec.aggregates:
            return self.out
        return f"{self.folder}/part-{part:05}.parquet"

    def check(self, *, resume: bool) -> None:
        """Refuse a place that holds something else, before anything is written."""
        if not self.out.endswith(".parquet"):
            raise MeshlabError(Problem("--out", f"{self.out!r} names no Parquet", "end it in .parquet"))
        if self.is_remote:
            return
        out, folder = Path(self.out), Path(self.folder)
        is_file = self.of_part(0) == self.out or self.spec.aggregates is not None
        if out.is_dir() if is_file else out.is_file():
            raise MeshlabError(Problem(self.out, "is of another sweep", "remove it, or name another file"))
        if folder.is_dir() and any(folder.iterdir()) and not resume:
            what = "holds parts of a sweep already"
            raise MeshlabError(Problem(self.folder, what, "complete it by --resume, remove it, or name another"))
        if folder.is_dir():
            remove_leftovers(folder)

    def finished(self) -> Iterator[int]:
        """Parts that are there already, whole; one that is cut off or damaged counts as missing.

        An object of a store is there whole or not at all: of those nothing but what they say of themselves is read.
        """
        for part in range(self.parts):
            address = self.of_part(part)
            try:
                said = pl.read_parquet_metadata(address)
            except FileNotFoundError:
                continue
            except (OSError, pl.exceptions.PolarsError):
                said = {}
            if not self.is_remote and _is_damaged(Path(address), said.get(SEAL)):
                continue
            if said.get("meshlab_sha256") != self.spec.sha256:
                what, todo = "is a part of another sweep", "the spec or meshlab has changed: name another --out"
                raise MeshlabError(Problem(address, what, todo))
            if not self.is_remote and SEAL not in said:
                continue  # what says that it is whole was damaged
            yield part

    def write(self, address: str, frame: pl.DataFrame, part: int | None = None) -> None:
        """Write a frame whole, with what it is beside it."""
        described = self._described(frame, part)
        try:
            if self.is_remote:
                frame.write_parquet(address, compression_level=LEVEL, metadata=described)
                return
            content = BytesIO()
            frame.write_parquet(content, compression_level=LEVEL, metadata=described)
        except (OSError, pl.exceptions.PolarsError) as error:
            what = f"cannot be written: {str(error).splitlines()[0]}"
            raise MeshlabError(Problem(address, what, "check address and rights")) from error
        blank = content.getvalue()
        write_whole(Path(address), blank.replace(BLANK.encode(), hashlib.sha256(blank).hexdigest().encode()))

    def _described(self, frame: pl.DataFrame, part: int | None) -> dict[str, str]:
        """What a file says of itself: the sweep, the units of its columns, and the sources of its figures."""
        spec = self.spec
        units = {name: unit for name in frame.columns if (unit := _unit(name)) is not None}
        ids = {
            source
            for dataplane in spec.dataplanes
            for cell in sources(dataplane)["source_ids"]
            for source in cell.split("|")
        }
        cited = read_table("sources").filter(pl.col("source_id").is_in(sorted(ids)))
        return {
            "meshlab_version": __version__,
            "meshlab_sha256": spec.sha256,
            **({} if self.is_remote else {SEAL: BLANK}),
            "meshlab_sample": canonical_json({"method": spec.method, "rows": spec.rows, "seed": spec.seed}),
            "meshlab_units": canonical_json(units),
            "meshlab_sources": canonical_json(cited.select("source_id", "title", "url").to_dicts()),
            **({} if part is None else {"meshlab_part": f"{part + 1}/{self.parts}"}),
        }


def _is_damaged(path: Path, seal: str | None) -> bool:
    """Whether a file began as one of ours and is no longer what was written."""
    if seal is None:  # cut off, or of somebody else: no other program's whole table is written over
        return read_most(path, len(MAGIC)) in (MAGIC, b"") and not read_tail(path).endswith(MAGIC)
    content = path.read_bytes()
    return hashlib.sha256(content.replace(seal.encode(), BLANK.encode())).hexdigest() != seal


def read_tail(path: Path) -> bytes:
    """The last bytes of a file."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - len(MAGIC)))
        return stream.read()


def _unit(column: str) -> str | None:
    if column in inputs():
        return inputs()[column].unit
    return figures()[column].unit if column in figures() else None
