"""Options of a Helm chart: the leaf paths of its ``values.yaml`` or ``values.schema.json``.

An option is a path of keys, joined by dots, whose value is not a non-empty mapping. A list is one option whatever it
holds, since Helm replaces lists as a whole; an empty mapping is one too. A key that holds a dot keeps it as it is.
What stands only in a comment is no option. Values may stand in the object of Flux, Argo CD, k3s or RKE2 that installs
the chart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec
import polars as pl
import yaml
from yaml.constructor import SafeConstructor

from meshlab.documents import compose, read_text
from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.files import read_bounded

MAXIMUM_DEPTH = 40
"""Deepest nesting of values: the Cilium chart needs 9 levels."""

MAXIMUM_JSON_BYTES = 512 * 2**20
"""Largest JSON that is read: the schema of the AWS provider, the largest there is, takes some tens of MiB."""

T = TypeVar("T")


def read_json(path: Path) -> bytes:
    """The bytes of a JSON file."""
    return read_bounded(path, MAXIMUM_JSON_BYTES, "check the file")


def decode_json(path: Path, of: type[T], todo: str) -> T:
    """A JSON file as a type; fields that the type does not name are passed over."""
    return decode(read_json(path), of, str(path), todo)


def decode(content: bytes, of: type[T], file: str, todo: str) -> T:
    """The bytes of a JSON document as a type. Messages name places, never values: those may be secret."""
    try:
        return msgspec.json.decode(content, type=of)
    except msgspec.ValidationError as error:
        raise MeshlabError(Problem(file, f"has another shape: {error}", todo)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MeshlabError(Problem(file, f"is not JSON: {error}", todo)) from None
    except RecursionError:
        raise MeshlabError(Problem(file, "is nested too deeply", todo)) from None


OPTION_COLUMNS = {
    "option": pl.String(),
    "type": pl.String(),
    "default": pl.String(),
    "line": pl.Int64(),
    "description": pl.String(),
    "deprecated": pl.Boolean(),
    "replacement": pl.String(),
}
"""Columns of a frame of options. ``default`` is JSON; ``description`` to ``replacement`` come from comments."""

_SHAPE = "give a chart's values.yaml, or the values of a release"
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_CONSTRUCT = SafeConstructor()
_SCALARS = {
    f"{_TAG}bool": ("boolean", _CONSTRUCT.construct_yaml_bool),
    f"{_TAG}int": ("integer", _CONSTRUCT.construct_yaml_int),
    f"{_TAG}float": ("number", _CONSTRUCT.construct_yaml_float),
    f"{_TAG}null": ("null", _CONSTRUCT.construct_yaml_null),
}
"""How scalars are read that are no text, by their tag."""


class Leaf(NamedTuple):
    """One option with its value as plain data and the line of its key."""

    option: str
    type: str
    value: object
    line: int
    comment: str


# --- values.yaml -----------------------------------------------------------------------------------------------------


def read_values(path: Path) -> pl.DataFrame:
    """Options of a ``values.yaml`` with types, defaults, lines and what the comments above them say."""
    return options_of(read_text(path), str(path))


def options_of(text: str, file: str) -> pl.DataFrame:
    """Options of the text of a ``values.yaml``."""
    found = list(leaves(text, file))
    known = {leaf.option for leaf in found}
    rows = [
        (leaf.option, leaf.type, as_json(leaf.value), leaf.line, leaf.comment or None, *_deprecation(leaf, known))
        for leaf in found
    ]
    return pl.DataFrame(rows, schema=OPTION_COLUMNS, orient="row")


def leaves(text: str, file: str) -> Iterator[Leaf]:
    """Options of the text of a ``values.yaml``, in the order of the file."""
    for part in _releases(text, file) if _RELEASE.search(text) else (text,):
        node = compose(part, file, maximum_depth=MAXIMUM_DEPTH, shape=_SHAPE) if isinstance(part, str) else part
        if node is None or node.tag == f"{_TAG}null":
            continue
        if not isinstance(node, yaml.MappingNode):
            raise MeshlabError(Problem(file, "holds no mapping of values", _SHAPE, node.start_mark.line + 1))
        lines = (part if isinstance(part, str) else text).splitlines()
        yield from _mapping_leaves(node, _Place(file, lines))


_RELEASE = re.compile(r"^kind:\s*[\"']?(?:HelmRelease|Application|HelmChart|HelmChartConfig)\b", re.MULTILINE)
"""Objects around a chart's values: of Flux, of Argo CD, of k3s and RKE2."""

_HELD_AT = (
    ("spec", "values"),
    ("spec", "valuesContent"),
    ("spec", "source", "helm", "valuesObject"),
    ("spec", "source", "helm", "values"),
    ("spec", "sources", "helm", "valuesObject"),
    ("spec", "sources", "helm", "values"),
)
"""Where such objects hold values: as a mapping, or as the text of one."""


def _releases(text: str, file: str) -> Iterator[yaml.Node | str]:
    """Values in the documents of a file, each as a node, or as text that begins on the line on which it stands."""
    line, held = 0, list[yaml.Node]()
    for document in re.split(r"(?m)^(?=---(?:\s|$))", text):
        node = compose("\n" * line + document.removeprefix("---"), file, maximum_depth=MAXIMUM_DEPTH, shape=_SHAPE)
        held += [value for path in _HELD_AT for value in _below(node, path)]
        line += document.count("\n")
    if not held:
        raise MeshlabError(Problem(file, "is an object around values and holds none", _SHAPE, 1))
    for value in held:
        if isinstance(value, yaml.ScalarNode) and value.tag == f"{_TAG}str":
            yield "\n" * (value.start_mark.line + (value.style in ("|", ">"))) + value.value
        else:
            yield value


def _below(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[yaml.Node]:
    """What stands at a path; a list on the way stands for each of its items."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _below(item, path)
    elif not path:
        yield from filter(None, [node])
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == path[0]:
                yield from _below(value, path[1:])


class _Place(NamedTuple):
    """Where in a document the walk stands: the file, its lines, the keys above, and what their comments say."""

    file: str
    lines: list[str]
    path: tuple[str, ...] = ()
    comment: str = ""

    def below(self, key: str, comment: str) -> _Place:
        return self._replace(path=(*self.path, key), comment=comment)


def _mapping_leaves(node: yaml.MappingNode, place: _Place) -> Iterator[Leaf]:
    for key, value in _entries(node, place).values():
        line = key.start_mark.line + 1
        own = _comment(place.lines, line)
        if isinstance(value, yaml.MappingNode) and value.value:
            inherited = own if _DEPRECATED.search(own) else ""  # a group that is deprecated takes its options along
            yield from _mapping_leaves(value, place.below(key.value, inherited or place.comment))
        else:
            option = ".".join((*place.path, key.value))
            yield Leaf(option, *_typed(value, place.file), line, " ".join(filter(None, (own, place.comment))))


def _entries(node: yaml.MappingNode, place: _Place) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
    """Keys and values of a mapping; what ``<<`` merges in stands behind what the mapping says itself."""
    _check_depth(node, len(place.path), place.file)
    own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    merged: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(base, yaml.MappingNode):
                    merged = {**_entries(base, place.below("<<", "")), **merged}
            continue
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise MeshlabError(Problem(place.file, "a key is no text", "begin the line with a name and a colon", line))
        if key.value in own:
            what = f"key {shorten(key.value)} stands twice"
            raise MeshlabError(Problem(place.file, what, "keep one of them", line))
        own[key.value] = (key, value)
    return merged | own


def _check_depth(node: yaml.Node, depth: int, file: str) -> None:
    if depth > MAXIMUM_DEPTH:  # an alias within what it names: the text itself was measured before
        raise MeshlabError(Problem(file, "is nested too deeply", _SHAPE, node.start_mark.line + 1))


def _typed(node: yaml.Node, file: str) -> tuple[str, object]:
    """Type of a leaf, as JSON Schema calls it, and its value as plain data."""
    if isinstance(node, yaml.ScalarNode):
        kind, construct = _SCALARS.get(node.tag, ("string", None))
        return kind, _scalar(node, construct)
    return ("array" if isinstance(node, yaml.SequenceNode) else "object"), _plain(node, file)


def _scalar(node: yaml.ScalarNode, construct: Callable[[yaml.ScalarNode], object] | None) -> object:
    """The value of a scalar; its text where it is text or a number that JSON cannot write."""
    if construct is None:
        return node.value
    try:
        value = construct(node)
    except ValueError:
        return node.value
    return node.value if isinstance(value, float) and not isfinite(value) else value


def _plain(node: yaml.Node, file: str, depth: int = 0) -> object:
    _check_depth(node, depth, file)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, _SCALARS.get(node.tag, (None, None))[1])
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, file, depth + 1) for item in node.value]
    return {str(key.value): _plain(value, file, depth + 1) for key, value in node.value}


def as_json(value: object) -> str:
    """JSON with one way to write each value, so that equal defaults are equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# --- comments --------------------------------------------------------------------------------------------------------

_DEPRECATED = re.compile(
    r"""\b(?:has\ been|have\ been|is|are)\ (?:now\ )?deprecated\b  # in a sentence
    | \bDeprecated\ (?:in\ favou?r|without)\b
    | (?<!["'`]\ )\(deprecated\b                                # in brackets, unless it is said of a quoted value
    | ^Deprecated\b
    | \bDEPRECATED\b""",
    re.VERBOSE,
)
_REPLACED = re.compile(
    r"deprecated\b.{0,40}?\b(?:in favou?r of|use)\s+[`'\"]?([A-Za-z][\w-]*(?:\.[\w-]+)*)", re.IGNORECASE
)
_ANNOTATION = re.compile(r"^#\s*@schema\s*$")
_DESCRIPTION = re.compile(r"^#\s*--")
_IN_EXAMPLE = re.compile(r"^#\s*#")


def _comment(lines: list[str], line: int) -> str:
    """The comment that stands directly above a line, on one line, without annotations for schemas.

    Where a line of it begins with ``# --``, as helm-docs has it, the comment begins there. Comments within values
    that are commented out themselves speak of those values, not of what follows.
    """
    first = line - 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    block = [text.strip() for text in lines[first : line - 1]]
    starts = [index for index, text in enumerate(block) if _DESCRIPTION.match(text)]
    kept, annotation = list[str](), False
    for text in block[starts[-1] if starts else 0 :]:
        if _ANNOTATION.match(text):
            annotation = not annotation
        elif not annotation and not _IN_EXAMPLE.match(text):
            kept.append(text.lstrip("#").strip().lstrip("-").strip())
    return " ".join(filter(None, kept))


def _deprecation(leaf: Leaf, known: set[str]) -> tuple[bool, str | None]:
    """Whether the comment calls the option deprecated, and the option that it names instead.

    The name stands for itself, or for an option beside it: ``use existingSecret`` above ``tls.cert`` is
    ``tls.existingSecret``.
    """
    if not _DEPRECATED.search(leaf.comment):
        return False, None
    named = _REPLACED.search(leaf.comment)
    if named is None:
        return True, None
    parent, _, _ = leaf.option.rpartition(".")
    candidates = (named[1], f"{parent}.{named[1]}")
    return True, next((name for name in candidates if name in known and name != leaf.option), None)


# --- values.schema.json ----------------------------------------------------------------------------------------------


class _Schema(msgspec.Struct, gc=False):
    type: str | list[str] | None = None
    properties: dict[str, SchemaOrBool] = {}


SchemaOrBool: TypeAlias = _Schema | bool


def read_values_schema(path: Path) -> pl.DataFrame:
    """Options of a ``values.schema.json``: ``option`` and ``type``. A ``$ref`` is not followed and ends a path."""
    schema = decode_json(path, _Schema, "give the values.schema.json of a chart")
    if not schema.properties:
        raise MeshlabError(Problem(str(path), "declares no properties", "give the values.schema.json of a chart"))
    rows = list(_schema_leaves(schema))
    return pl.DataFrame(rows, schema={name: OPTION_COLUMNS[name] for name in ("option", "type")}, orient="row")


def _schema_leaves(schema: _Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str | None]]:
    for name, inner in schema.properties.items():
        below = (*path, name)
        if isinstance(inner, _Schema) and inner.properties:
            yield from _schema_leaves(inner, below)
        else:
            yield ".".join(below), _schema_type(inner)


def _schema_type(schema: SchemaOrBool) -> str | None:
    if isinstance(schema, bool) or schema.type is None:
        return None
    return schema.type if isinstance(schema.type, str) else "|".join(sorted(schema.type))


def read_options(path: Path) -> pl.DataFrame:
    """Options of a chart from its ``values.yaml`` or ``values.schema.json``, known by the file's ending."""
    return read_values_schema(path) if path.suffix.lower() == ".json" else read_values(path)
