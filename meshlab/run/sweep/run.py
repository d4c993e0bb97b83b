"""Running a sweep, its parts here or on a Dask cluster with the same bytes, and adding up what they tell."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
import polars as pl

from meshlab.errors import MeshlabError, Problem
from meshlab.run.batch.pool import open_pool
from meshlab.run.sweep.parts import Place, answers, part_rows, scenarios
from meshlab.run.sweep.spec import Aggregates, Spec, read_spec, same_spec

# --- figures of many scenarios ---------------------------------------------------------------------------------------
#
# Every part counts its figures in classes whose ends lie a fiftieth apart, and parts add up: memory does not grow with
# the number of scenarios. A quantile is off by one percent at most, a mean by nothing: sums are whole numbers, so that
# no order of adding changes them.


ERROR = 0.01
"""Largest relative error of a quantile."""

GROWTH = (1.0 + ERROR) / (1.0 - ERROR)
"""Upper over lower end of a class.

Sources: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees"
(2019).
"""

SMALLEST = 1e-12
"""Figures closer to zero than this count as zero."""

OFFSET = 1 - math.floor(math.log(SMALLEST) / math.log(GROWTH))
"""Makes the class of the smallest figure above zero a positive number."""

UNITS_PER_ONE = 2.0**30
"""Sums count billionths of a unit, as whole numbers of 128 bits."""


def figures_of(spec: Spec) -> list[str]:
    """Outputs that are numbers."""
    return [name for name in spec.outputs if name != "in_evidence_range"]


def partial(spec: Spec, wanted: Aggregates, answered: pl.DataFrame) -> pl.DataFrame:
    """What one part adds: for each group, data plane, figure and class the count, the sum and the wins."""
    figures = figures_of(spec)
    groups = [pl.col(f"_class_of_{by}").alias(by) for by in wanted.by]
    planes = {
        str(name): frame.select(*groups, *figures)
        for (name,), frame in answered.partition_by("dataplane", as_dict=True, maintain_order=True).items()
    }
    rivals = [frame for name, frame in planes.items() if name != "none"] or list(planes.values())
    least = {figure: reduce(_smaller, (frame[figure] for frame in rivals)) for figure in figures}
    return pl.concat(
        _counted(frame.select(*wanted.by, value=figure, wins=frame[figure] <= least[figure]), wanted.by)
        .with_columns(pl.lit(name).alias("dataplane"), pl.lit(figure).alias("figure"))
        .select(*wanted.by, "dataplane", "figure", "bucket", "count", "sum", "wins")
        for name, frame in planes.items()
        for figure in figures
    )


def _counted(values: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Count, sum and wins of each group and class."""
    return (
        values.group_by(*by, bucket=_bucket(pl.col("value")))
        .agg(
            count=pl.len().cast(pl.Int64),
            sum=(pl.col("value") * UNITS_PER_ONE).round().cast(pl.Int128).sum().cast(pl.Float64),
            wins=pl.col("wins").sum().cast(pl.Int64),
        )
        .sort(*by, "bucket")
    )


def _smaller(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.min_horizontal(first, second)).to_series()


def _bucket(value: pl.Expr) -> pl.Expr:
    """Number of the class in which a figure lies: negative for negative ones, in their order."""
    size = value.abs()
    number = (size.log() * (1.0 / math.log(GROWTH))).ceil() + OFFSET
    return pl.when(size > SMALLEST).then(value.sign() * number).otherwise(0.0).cast(pl.Int32)


def _middle(bucket: pl.Expr) -> pl.Expr:
    """The figure that is closest to all of a class, in ratio."""
    logarithm = (bucket.abs() - OFFSET).cast(pl.Float64) * math.log(GROWTH)
    return pl.when(bucket == 0).then(0.0).otherwise(bucket.sign() * logarithm.exp() * (2.0 / (GROWTH + 1.0)))


def merged(parts: Sequence[pl.DataFrame], wanted: Aggregates) -> pl.DataFrame:
    """One row for each group, data plane and figure, with the statistics that are wanted."""
    keys = [*wanted.by, "dataplane", "figure"]
    classes = (
        pl.concat(parts)
        .group_by(*keys, "bucket", maintain_order=True)
        .agg(pl.sum("count", "wins"), pl.col("sum").cast(pl.Int128).sum().cast(pl.Float64))
        .sort("bucket")
    )
    order = {name: place for place, name in enumerate(_first_seen(parts, "dataplane"))}
    figure_order = {name: place for place, name in enumerate(_first_seen(parts, "figure"))}
    return (
        classes.group_by(keys, maintain_order=True)
        .agg(**dict(_statistics()))
        .sort(
            *wanted.by,
            pl.col("dataplane").replace_strict(order, return_dtype=pl.Int64),
            pl.col("figure").replace_strict(figure_order, return_dtype=pl.Int64),
        )
        .select(*keys, *wanted.statistics)
    )


def _first_seen(parts: Sequence[pl.DataFrame], column: str) -> list[str]:
    return parts[0][column].unique(maintain_order=True).to_list()


def _statistics() -> Iterator[tuple[str, pl.Expr]]:
    count = pl.sum("count")
    yield "count", count
    yield "mean", pl.sum("sum") / UNITS_PER_ONE / count
    for percent in (1, 10, 50, 90, 99):
        reached = pl.col("count").cum_sum() >= percent / 100 * count
        yield f"p{percent:02}", _middle(pl.col("bucket").filter(reached).first())
    yield "wins", pl.sum("wins") / count


# --- running it ------------------------------------------------------------------------------------------------------


class Outcome(msgspec.Struct, frozen=True):
    """What a run has done: scenarios, parts, those that were there already, and a line for each that failed."""

    rows: int
    parts: int
    kept: int
    failed: tuple[str, ...]


def run_sweep(
    path: Path,
    out: str,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda _rows, _total: None,
) -> Outcome:
    """Evaluate all scenarios of a spec and write what it asks for.

    Args:
        path: The spec.
        out: Parquet file or folder, or address in an object store as polars takes it.
        jobs: Parts at a time on this machine; the number of cores unless said.
        scheduler: Address of a Dask scheduler to use instead; its workers see spec and ``out`` by the same names.
        resume: Whether to keep what an earlier run of the same spec has finished.
        progress: Called with the scenarios done and all of them, as parts finish.

    Raises:
        MeshlabError: The spec or the place is wrong; nothing was written.
    """
    if out.startswith("file://"):
        out = url2pathname(urlsplit(out).path)
    out = out if "://" in out else str(Path(out).absolute())
    spec = _read(path)
    place = Place(out, spec)
    place.check(resume=resume)
    kept = set(place.finished() if resume else ())
    done = sum(part_rows(spec, part) for part in kept)
    failed: list[str] = []
    progress(done, spec.rows)
    todo = [part for part in range(place.parts) if part not in kept]
    for part, error in _written(spec, out, todo, jobs, scheduler):
        if error is not None:
            failed.append(_told(error, place.of_part(part)))
            continue
        done += part_rows(spec, part)
        progress(done, spec.rows)
    if spec.aggregates and not failed:
        _add_up(place)
    return Outcome(spec.rows, place.parts, len(kept), tuple(failed))


def _written(
    spec: Spec, out: str, todo: list[int], jobs: int | None, scheduler: str | None
) -> Iterator[tuple[int, BaseException | None]]:
    """Each part with its error, as they finish."""
    if scheduler is None and 1 in (jobs or os.cpu_count(), len(todo)):
        yield from ((part, _error_of(spec, out, part)) for part in todo)
        return
    items = ((part, (spec.file, spec.sha256, out, part)) for part in todo)
    with open_pool(jobs, scheduler) as pool:
        for part, result in pool.run(write_part, items):
            yield part, result if isinstance(result, BaseException) else None


def _error_of(spec: Spec, out: str, part: int) -> BaseException | None:
    """Write a part in this process, as a worker would: what goes wrong is told, and the others are written."""
    try:
        write_part(spec.file, spec.sha256, out, part)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is one part's)
        return error
    return None


def write_part(file: str, sha256: str, out: str, part: int) -> None:
    """Compute and write one part: what a worker does."""
    spec = same_spec(file, sha256)
    place = Place(out, spec)
    wanted = spec.aggregates
    frame = scenarios(spec, part, wanted.by if wanted else ())
    found = answers(spec, frame)
    place.write(place.of_part(part), partial(spec, wanted, found) if wanted else found, part)


def _read(path: Path) -> Spec:
    """The spec by a name that workers know, its problems by the name that the user gave."""
    known = path.absolute()
    try:
        return read_spec(known)
    except MeshlabError as error:
        problems = [replace(each, file=str(path)) if each.file == str(known) else each for each in error.problems]
        raise MeshlabError(problems) from error


def _add_up(place: Place) -> None:
    """Write the aggregates of all parts and remove the parts."""
    addresses = [place.of_part(part) for part in range(place.parts)]
    if place.spec.aggregates is None:
        return
    place.write(place.out, merged([pl.read_parquet(address) for address in addresses], place.spec.aggregates))
    if not place.is_remote:
        for address in addresses:
            Path(address).unlink()
        Path(place.folder).rmdir()


def _told(error: BaseException, address: str) -> str:
    if isinstance(error, MeshlabError):
        return "; ".join(map(str, error.problems))
    return str(Problem(address, f"part failed: {type(error).__name__}", "run again with --resume"))
