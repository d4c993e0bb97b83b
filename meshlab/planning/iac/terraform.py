"""What Terraform prints: the attributes that a provider can express, and what a plan or state wants of them.

Of a plan only names and places are kept, never a value: such output shows secrets plainly.

Sources: S-TF-JSON, S-TF-HELM (data/sources.csv).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import polars as pl

from meshlab.documents import is_list, is_mapping
from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.planning.iac.values import MAXIMUM_DEPTH, decode, leaves, read_json
from meshlab.tables import read_table

# --- what a provider can express -------------------------------------------------------------------------------------

ATTRIBUTE_COLUMNS = {
    "provider": pl.String(),
    "kind": pl.String(),
    "resource": pl.String(),
    "attribute": pl.String(),
    "type": pl.String(),
    "deprecated": pl.Boolean(),
}
"""Columns of a frame of attributes. ``kind`` is resource, data or provider."""

T = TypeVar("T")

_FORMAT = "1"
_TODO_SCHEMA = "give the output of terraform providers schema -json"


class _Attribute(msgspec.Struct, gc=False):
    type: msgspec.Raw = msgspec.Raw(b"null")
    nested_type: _Nested | None = None
    deprecated: bool = False


class _Nested(msgspec.Struct, gc=False):
    attributes: dict[str, _Attribute] = {}
    nesting_mode: str = "single"


class _Block(msgspec.Struct, gc=False):
    attributes: dict[str, _Attribute] = {}
    block_types: dict[str, _BlockType] = {}


class _BlockType(msgspec.Struct, gc=False):
    block: _Block = msgspec.field(default_factory=_Block)
    nesting_mode: str = "single"
    deprecated: bool = False


class _ResourceSchema(msgspec.Struct, gc=False):
    block: _Block = msgspec.field(default_factory=_Block)


class _Provider(msgspec.Struct, gc=False):
    provider: _ResourceSchema = msgspec.field(default_factory=_ResourceSchema)
    resource_schemas: dict[str, _ResourceSchema] = {}
    data_source_schemas: dict[str, _ResourceSchema] = {}


class _Head(msgspec.Struct, gc=False):
    format_version: str | None = None


class _Schemas(msgspec.Struct, gc=False):
    provider_schemas: dict[str, _Provider] = {}


def read_provider_schema(path: Path) -> pl.DataFrame:
    """Attributes of every provider in the output of ``terraform providers schema -json``."""
    document = _read(path, _Schemas, _TODO_SCHEMA)
    try:
        rows = [row for name, provider in document.provider_schemas.items() for row in _provider_rows(name, provider)]
    except RecursionError:
        raise MeshlabError(Problem(str(path), "is nested too deeply", _TODO_SCHEMA)) from None
    return pl.DataFrame(rows, schema=ATTRIBUTE_COLUMNS, orient="row")


def _read(path: Path, of: type[T], todo: str) -> T:
    """JSON of Terraform, in a format that is known: a new first number may change any meaning."""
    content, file = read_json(path), str(path)
    version = decode(content, _Head, file, todo).format_version
    if version is None:
        raise MeshlabError(Problem(file, "says no format_version", todo))
    if version.partition(".")[0] != _FORMAT:
        what = f"has format {shorten(version)}, and only format {_FORMAT}.x is known here"
        raise MeshlabError(Problem(file, what, "write it with Terraform 1.1 or later, or ask for the new format"))
    return decode(content, of, file, todo)


Row = tuple[object, ...]


def _provider_rows(name: str, provider: _Provider) -> Iterator[Row]:
    short = "/".join(name.split("/")[-2:])  # without its registry, as hashicorp/aws
    yield from _block_rows((short, "provider", short.rpartition("/")[2]), provider.provider.block)
    for kind, schemas in (("resource", provider.resource_schemas), ("data", provider.data_source_schemas)):
        for resource, schema in schemas.items():
            yield from _block_rows((short, kind, resource), schema.block)


def _block_rows(owner: tuple[str, str, str], block: _Block, path: str = "") -> Iterator[Row]:
    yield from _nested_rows(owner, block.attributes, path)
    for name, nested in block.block_types.items():
        yield (*owner, f"{path}{name}", f"block({nested.nesting_mode})", nested.deprecated)
        yield from _block_rows(owner, nested.block, f"{path}{name}.")


def _nested_rows(owner: tuple[str, str, str], attributes: dict[str, _Attribute], path: str) -> Iterator[Row]:
    for name, spec in attributes.items():
        nested = spec.nested_type
        kind = f"block({nested.nesting_mode})" if nested else type_name(msgspec.json.decode(spec.type))
        yield (*owner, f"{path}{name}", kind, spec.deprecated)
        if nested:
            yield from _nested_rows(owner, nested.attributes, f"{path}{name}.")


def type_name(constraint: object) -> str | None:
    """A type constraint as Terraform's language writes it: ``["list", "string"]`` is ``list(string)``."""
    if is_list(constraint) and len(constraint) >= 2:  # noqa: PLR2004
        kind, inner = str(constraint[0]), constraint[1]
        return f"{kind}({type_name(inner)})" if isinstance(inner, str) or is_list(inner) else kind
    return constraint if isinstance(constraint, str) else None


# --- what a plan or state wants --------------------------------------------------------------------------------------


_TODO_PLAN = "give the output of terraform show -json PLANFILE"

ATTRIBUTE_USES = {"address": pl.String(), "attribute": pl.String()}
"""Columns of a frame of attributes that a plan sets; ``attribute`` is the resource's type and the path in it."""

OPTION_USES = {
    "address": pl.String(),
    "product": pl.String(),
    "chart_version": pl.String(),
    "option": pl.String(),
    "line": pl.Int64(),
}
"""Columns of a frame of chart values that a plan passes on; ``line`` counts within the text of its values."""


class _Resource(msgspec.Struct, gc=False):
    address: str
    type: str
    mode: str = "managed"

    values: dict[str, object] | None = None


class _Module(msgspec.Struct, gc=False):
    resources: list[_Resource] = []
    child_modules: list[_Module] = []


class _Values(msgspec.Struct, gc=False):
    root_module: _Module = msgspec.field(default_factory=_Module)


class _PlanOrState(msgspec.Struct, gc=False):
    planned_values: _Values | None = None
    values: _Values | None = None


class Plan(NamedTuple):
    """What a plan wants: attributes (``ATTRIBUTE_USES``), and chart values as text (``OPTION_USES``)."""

    attributes: pl.DataFrame
    options: pl.DataFrame


def read_plan(path: Path) -> Plan:
    """Attributes and chart values of a plan, or of a state."""
    document = _read(path, _PlanOrState, _TODO_PLAN)
    wanted = document.planned_values or document.values
    if wanted is None:
        raise MeshlabError(Problem(str(path), "holds no planned_values", _TODO_PLAN))
    try:
        resources = [item for item in _resources(wanted.root_module) if item.mode == "managed"]
        attributes = [
            (item.address, path)
            for item in resources
            for path in (item.type, *(f"{item.type}.{below}" for below in _set_paths(item.values or {})))
        ]
        options = [row for item in resources for row in _option_rows(item, str(path))]
    except RecursionError:
        raise MeshlabError(Problem(str(path), "is nested too deeply", _TODO_PLAN)) from None
    return Plan(
        pl.DataFrame(attributes, schema=ATTRIBUTE_USES, orient="row").unique(maintain_order=True),
        pl.DataFrame(options, schema=OPTION_USES, orient="row").unique(maintain_order=True),
    )


def _resources(module: _Module) -> Iterator[_Resource]:
    yield from module.resources
    for child in module.child_modules:
        yield from _resources(child)


def _set_paths(values: Mapping[str, object], depth: int = 0) -> Iterator[str]:
    """Paths of attributes that hold something; items of a block's list share their path."""
    for name, value in values.items():
        if value in (None, [], {}) or depth > MAXIMUM_DEPTH:
            continue
        yield name
        for item in value if is_list(value) else [value]:
            if is_mapping(item):
                yield from (f"{name}.{below}" for below in _set_paths(item, depth + 1))


# --- chart values ----------------------------------------------------------------------------------------------------


def _option_rows(resource: _Resource, file: str) -> Iterator[tuple[object, ...]]:
    """Chart values that a resource passes on, if it is one that does."""
    values = resource.values or {}
    product = _product(resource, values)
    if product is None:
        return
    version = values.get("version")
    chart_version = version if isinstance(version, str) else None
    place = f"{file}: {resource.address}"
    for option, line in (*_value_texts(values, place), *_sets(values)):
        yield resource.address, product, chart_version, option, line


def _product(resource: _Resource, values: dict[str, object]) -> str | None:
    """The product whose chart a resource installs."""
    charts = dict(read_table("iac/charts").select("chart", "product").iter_rows())
    if resource.type == "helm_release":
        chart = str(values.get("chart") or "").rstrip("/").rpartition("/")[2]
        return charts.get(re.sub(r"-v?\d+\.\d+.*$", "", chart.removesuffix(".tgz")))
    types = read_table("iac/passes").filter(pl.col("kind") == "helm", pl.col("provider") != "hashicorp/helm")
    resources = {row["attribute"].partition(".")[0]: row["product"] for row in types.iter_rows(named=True)}
    return resources.get(resource.type)


def _value_texts(values: dict[str, object], place: str) -> Iterator[tuple[str, int | None]]:
    """Options of the YAML texts that ``values`` holds: a list of texts, or one."""
    given = values.get("values")
    for text in given if is_list(given) else [given]:
        if isinstance(text, str):
            yield from ((leaf.option, leaf.line) for leaf in leaves(text, place))


def _sets(values: dict[str, object]) -> Iterator[tuple[str, int | None]]:
    """Options that single settings name: ``key=value`` texts, or blocks with a name. Their values are not looked at."""
    for name, given in values.items():
        if name == "set" or name.startswith("set_"):
            for item in given if is_list(given) else ():
                if isinstance(item, str):
                    yield from ((option, None) for option in set_options(item))
                elif is_mapping(item) and isinstance(item.get("name"), str):
                    yield option_name(item["name"]), None


_SETTING = re.compile(r"(?P<name>(?:[^\\=,]|\\.)+)=(?P<value>(?:\{[^}]*\}|[^\\,]|\\.)*)(?:,|$)", re.DOTALL)
_INDEX = re.compile(r"\[\d+\].*$", re.DOTALL)


def set_options(text: str) -> list[str]:
    """Options of a text as ``helm --set`` takes it: ``a.b=1,c={x,y},d[0].e=2`` names ``a.b``, ``c`` and ``d``."""
    return [option_name(match["name"]) for match in _SETTING.finditer(text)]


def option_name(name: str) -> str:
    """The option that a name of ``helm --set`` means: escapes undone, and a list for each of its items."""
    return re.sub(r"\\(.)", r"\1", _INDEX.sub("", name.strip()))
