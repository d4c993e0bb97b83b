"""Which data planes and figures there are: the tables that every list, label, unit and colour of them is read from.

A data plane is a row of ``data/dataplanes.csv``, its equations in ``dataplanes``, its coefficients, and the range in
which it was measured. One that lacks a part is refused before anything is worked out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor

import msgspec
import polars as pl

from meshlab.cache import cached
from meshlab.errors import MeshlabError, Problem
from meshlab.models.overhead import latency
from meshlab.models.overhead.cluster import Cluster, factors
from meshlab.models.overhead.coefficients import Coefficients, Value, coefficient_table, is_one_of
from meshlab.models.overhead.dataplanes import MODELS, Parts
from meshlab.scenario import BOOLEANS, inputs
from meshlab.tables import data_path, read_table

NONE = "none"
"""The option without a data plane: the cluster as it is without a mesh."""

RANGED = ("l7_traffic_share", "mtls", "payload_bytes", "pods", "protocol", "rate_per_proxy", "services")
"""Quantities of which it is known for every data plane how far they were measured."""

UNIQUE = ("dataplane", "label", "symbol", "mark", "letter", "mesh")
"""Columns that tell data planes apart."""

HUES = {"light": "hue_light", "dark": "hue_dark", "print": "hue_print"}
"""Column of the colour in each theme."""


class DataPlane(msgspec.Struct, frozen=True):
    """A row of ``data/dataplanes.csv``.

    Args:
        name: Its id.
        label: Name in words.
        symbol: Marker, by plotly's name.
        mark: The marker as a character.
        letter: One letter for it.
        hues: Colour in each theme. [#rrggbb]
        proxy_per: ``pod`` or ``node``; None without a proxy.
        mesh: The mesh whose figures these are.
    """

    name: str
    label: str
    symbol: str
    mark: str
    letter: str
    hues: Mapping[str, str]
    proxy_per: str | None
    mesh: str


@cached
def dataplanes() -> dict[str, DataPlane]:
    """All data planes by id, in the order of the table, which is that of every list and chart.

    Raises:
        MeshlabError: A data plane lacks its label, its equations, coefficients or range: all that is missing.
    """
    table = read_table("dataplanes")
    problems = [*_faults(table), *incomplete(table, read_table("evidence/range"), coefficient_table(), MODELS)]
    if problems:
        raise MeshlabError(problems)
    found: dict[str, DataPlane] = {}
    for row in table.iter_rows(named=True):
        name, hues = row.pop("dataplane"), {theme: row.pop(column) for theme, column in HUES.items()}
        found[name] = DataPlane(name=name, hues=hues, **row)
    return found


def mesh_dataplanes() -> tuple[str, ...]:
    """Data planes that add something: all but ``none``."""
    return tuple(name for name in dataplanes() if name != NONE)


@cached
def dataplane_of_mesh() -> dict[str, str]:
    """The data plane whose estimate answers for a mesh; ``other`` has none."""
    return {plane.mesh: plane.name for plane in dataplanes().values()}


# --- figures -------------------------------------------------------------------------------------------------------


class Figure(msgspec.Struct, frozen=True):
    """A row of ``data/figures.csv``.

    Args:
        figure: Column of the estimates.
        label: Name in words.
        heading: The same where a column of a table has little room.
        words: The same within a sentence.
        cited: What sources are said to support; None where the figure cites none.
        unit: Its unit.
        decimals: Decimals in a table of plain numbers.
        kind: ``memory``, ``cpu``, ``latency``, ``cost``, ``load`` or ``nodes``.
        interval: Whether it has a 10-90 % interval, in columns that end in ``_lo`` and ``_hi``.
    """

    figure: str
    label: str
    heading: str
    words: str
    cited: str | None
    unit: str
    decimals: int
    kind: str
    interval: bool


@cached
def figures() -> dict[str, Figure]:
    """All figures by column, in the order in which ``estimate`` returns them."""
    return {row["figure"]: Figure(**row) for row in read_table("figures").iter_rows(named=True)}


@cached
def interval_figures() -> tuple[str, ...]:
    """Figures with ``_lo`` and ``_hi``: the totals, and their data plane and control plane."""
    return tuple(name for name, figure in figures().items() if figure.interval)


@cached
def part_figures() -> tuple[str, ...]:
    """Figures without an interval: parts of the totals, and whole nodes."""
    return tuple(name for name, figure in figures().items() if not figure.interval)


@cached
def citing() -> dict[str, str]:
    """Figures that cite their sources, each with what those are said to support."""
    return {name: figure.cited for name, figure in figures().items() if figure.cited}


# --- what a data plane needs ---------------------------------------------------------------------------------------


def _faults(table: pl.DataFrame) -> Iterator[Problem]:
    """What is wrong with the table alone."""
    file = str(data_path("dataplanes.csv"))
    for column in UNIQUE:
        for value in table.filter(pl.col(column).is_duplicated())[column].unique(maintain_order=True):
            yield Problem(file, f"{column} {value!r} stands twice", "it tells data planes apart: choose another")
    for name, *row in table.select("dataplane", *HUES.values(), "proxy_per").iter_rows():
        *hues, proxy_per = row
        for hue in hues:
            if not re.fullmatch("#[0-9a-f]{6}", hue):
                yield Problem(file, f"colour {hue!r} of {name} is none", "write it as #rrggbb, in lower case")
        if proxy_per not in ((None,) if name == NONE else ("pod", "node")):
            yield Problem(file, f"proxy_per of {name} is {proxy_per}", "write pod or node, and nothing for none")
    if table["dataplane"].first() != NONE:
        yield Problem(file, f"does not begin with {NONE}", "every figure is what a data plane adds over it")


AFTER = "and run make data"
"""What has to follow a change of what was measured or assumed before a command sees it."""


def incomplete(
    table: pl.DataFrame,
    ranges: pl.DataFrame,
    coefficients: pl.DataFrame,
    models: Mapping[str, Callable[[Coefficients, Cluster], Parts]],
) -> Iterator[Problem]:
    """What data planes lack: equations, coefficients, or the range that was measured; named are the tables to edit.

    Args:
        table: Columns of ``dataplanes.csv``.
        ranges: Columns of ``evidence/range.csv``.
        coefficients: Columns of ``coefficients.csv``.
        models: The equations of each data plane.
    """
    of_row = dict(coefficients.select("coefficient", pl.col("dataplane").str.split("|")).iter_rows())
    files = {name: str(data_path(f"{name}.csv")) for name in ("dataplanes", "evidence/priors", "evidence/measurements")}
    for name in table.filter(pl.col("dataplane") != NONE)["dataplane"]:
        needed = set[str]()
        if name in models:
            needed = coefficients_used(models[name])
        else:
            todo = "add them to MODELS in meshlab/models/overhead/dataplanes.py"
            yield Problem(files["dataplanes"], f"data plane {name!r} has no equations", todo)
        for coefficient in sorted(needed):
            if coefficient not in of_row:
                what = f"{name} has no coefficient {coefficient}"
                yield Problem(files["evidence/priors"], what, f"add its row, {AFTER}")
            elif name not in of_row[coefficient]:
                todo = f"write '{'|'.join([*of_row[coefficient], name])}' into the row's column dataplane, {AFTER}"
                what = f"{coefficient} enters {name}, which its row does not name"
                yield Problem(files["evidence/priors"], what, todo)
        measured = set(ranges.filter(dataplane=name)["quantity"])
        for quantity in RANGED:
            if quantity not in measured:
                todo = f"add what was measured, {AFTER}"
                yield Problem(files["evidence/measurements"], f"{name} has no range of {quantity}", todo)
    for name in models.keys() - set(table["dataplane"]):
        yield Problem(files["dataplanes"], f"the equations of {name!r} have no row", "add it, with label and colours")


def coefficients_used(model: Callable[[Coefficients, Cluster], Parts]) -> set[str]:
    """Names of the coefficients in a data plane's equations, and in the shared factors that they take."""
    names, x = _Names(), Cluster.of_columns(sampled=False)
    parts, shared = model(names, x), factors(names, "_")
    path = latency.path_variance(names, parts.path), latency.log_stalls(names, parts.path), x.stall_ms
    roots = _roots(*(getattr(parts, name) for name in Parts.__struct_fields__), *path)
    return (roots | {root for name in roots & shared.keys() for root in _roots(shared[name])}) & names.asked


def _roots(*values: object) -> set[str]:
    """Columns that expressions are made of."""
    return {root for value in values if isinstance(value, pl.Expr) for root in value.meta.root_names()}


class _Names(dict[str, Value]):
    """Coefficients as columns of their own name, whatever is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def __missing__(self, name: str) -> pl.Expr:
        self.asked.add(name)
        return pl.col(name)


# --- what was measured ---------------------------------------------------------------------------------------------


def in_evidence_range(dataplane: str) -> pl.Expr:
    """Whether all inputs lie within what was measured of the data plane; fitted with the coefficients.

    Sources: data/evidence/range.csv.
    """
    rows = read_table("evidence/range").filter(dataplane=dataplane)
    within = [_within(dataplane, **row) for row in rows.drop("dataplane").iter_rows(named=True)]
    return pl.all_horizontal(within) if within else pl.lit(value=False)  # a new data plane is fitted before it has one


def _within(dataplane: str, quantity: str, lower: float | None, upper: float | None, members: str | None) -> pl.Expr:
    if quantity == "rate_per_proxy":
        return rate_per_proxy(dataplane).is_between(lower, upper)
    kind = inputs()[quantity].type
    if members is not None:
        return is_one_of(quantity, (BOOLEANS[word] if kind == "boolean" else word for word in members.split("|")))
    if kind == "integer" and lower is not None and upper is not None:
        lower, upper = ceil(lower), floor(upper)  # so that whole numbers need not become others to be compared
    return pl.col(quantity).is_between(lower, upper)


def rate_per_proxy(dataplane: str) -> pl.Expr:
    """Traversals of one proxy: a pod's sidecar, a node's ztunnel or Envoy; a prepared column. [1/s]"""
    return pl.col(f"_{dataplanes()[dataplane].proxy_per}_rate")
