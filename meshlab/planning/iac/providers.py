"""What a Terraform provider can express: its attributes, from its schema.

Sources: S-TF-JSON (data/sources.csv).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.planning.iac.values import decode, read_json

ATTRIBUTE_COLUMNS = {
    "provider": pl.String(),
    "kind": pl.String(),
    "resource": pl.String(),
    "attribute": pl.String(),
    "type": pl.String(),
    "required": pl.Boolean(),
    "optional": pl.Boolean(),
    "computed": pl.Boolean(),
    "sensitive": pl.Boolean(),
    "deprecated": pl.Boolean(),
    "default": pl.String(),
}
"""Columns of a frame of attributes. ``kind`` is resource, data or provider; ``default`` is text of documentation."""

_FORMAT = "1"
_TODO = "give the output of terraform providers schema -json"


# --- terraform providers schema -json --------------------------------------------------------------------------------


class _Attribute(msgspec.Struct, gc=False):
    type: msgspec.Raw = msgspec.Raw(b"null")
    nested_type: _Nested | None = None
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
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
    min_items: int = 0
    deprecated: bool = False


class _Resource(msgspec.Struct, gc=False):
    block: _Block = msgspec.field(default_factory=_Block)


class _Provider(msgspec.Struct, gc=False):
    provider: _Resource = msgspec.field(default_factory=_Resource)
    resource_schemas: dict[str, _Resource] = {}
    data_source_schemas: dict[str, _Resource] = {}


class _Head(msgspec.Struct, gc=False):
    format_version: str | None = None


class _Document(msgspec.Struct, gc=False):
    provider_schemas: dict[str, _Provider] = {}


def read_provider_schema(path: Path) -> pl.DataFrame:
    """Attributes of every provider in the output of ``terraform providers schema -json``.

    Raises:
        MeshlabError: The file cannot be read, is no such output, or has a format other than 1.x.
    """
    content = read_json(path)
    check_format(content, str(path), _TODO)
    document = decode(content, _Document, str(path), _TODO)
    try:
        rows = [row for name, provider in document.provider_schemas.items() for row in _provider_rows(name, provider)]
    except RecursionError:
        raise MeshlabError(Problem(str(path), "is nested too deeply", _TODO)) from None
    return pl.DataFrame(rows, schema=ATTRIBUTE_COLUMNS, orient="row")


def check_format(content: bytes, file: str, todo: str) -> None:
    """Refuse JSON of Terraform in a format that is not known: a new first number may change any meaning.

    Raises:
        MeshlabError: The text is no JSON, says no format, or another than 1.x.
    """
    version = decode(content, _Head, file, todo).format_version
    if version is None:
        raise MeshlabError(Problem(file, "says no format_version", todo))
    if version.partition(".")[0] != _FORMAT:
        what = f"has format {shorten(version)}, and only format {_FORMAT}.x is known here"
        raise MeshlabError(Problem(file, what, "write it with Terraform 1.1 or later, or ask for the new format"))


def short_provider(name: str) -> str:
    """A provider without its registry: ``registry.terraform.io/hashicorp/aws`` becomes ``hashicorp/aws``."""
    return "/".join(name.split("/")[-2:])


Row = tuple[object, ...]


def _provider_rows(name: str, provider: _Provider) -> Iterator[Row]:
    short = short_provider(name)
    yield from _block_rows((short, "provider", short.rpartition("/")[2]), provider.provider.block)
    for kind, schemas in (("resource", provider.resource_schemas), ("data", provider.data_source_schemas)):
        for resource, schema in schemas.items():
            yield from _block_rows((short, kind, resource), schema.block)


def _block_rows(owner: tuple[str, str, str], block: _Block, path: str = "") -> Iterator[Row]:
    yield from _attribute_rows(owner, block.attributes, path)
    for name, nested in block.block_types.items():
        required = nested.min_items > 0
        flags = (required, not required, False, False, nested.deprecated)
        yield (*owner, f"{path}{name}", f"block({nested.nesting_mode})", *flags, None)
        yield from _block_rows(owner, nested.block, f"{path}{name}.")


def _attribute_rows(owner: tuple[str, str, str], attributes: dict[str, _Attribute], path: str) -> Iterator[Row]:
    for name, spec in attributes.items():
        flags = (spec.required, spec.optional, spec.computed, spec.sensitive, spec.deprecated)
        nested = spec.nested_type
        kind = f"block({nested.nesting_mode})" if nested else type_name(msgspec.json.decode(spec.type))
        yield (*owner, f"{path}{name}", kind, *flags, None)
        if nested:
            yield from _attribute_rows(owner, nested.attributes, f"{path}{name}.")


def type_name(constraint: object) -> str | None:
    """A type constraint as Terraform's language writes it: ``["list", "string"]`` is ``list(string)``."""
    if isinstance(constraint, list) and len(constraint) >= 2:  # noqa: PLR2004
        inner = constraint[1]
        return f"{constraint[0]}({type_name(inner)})" if isinstance(inner, str | list) else str(constraint[0])
    return constraint if isinstance(constraint, str) else None
