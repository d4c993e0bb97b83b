"""YAML and JSON that people write by hand, read as text with the line of every value.

Values stay text until a declared input says what they are: YAML's own reading would turn the kernel ``5.10``
into the number 5.1 and the answer ``no`` into false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import msgspec
import yaml

from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.files import read_start

MAXIMUM_BYTES = 4 * 2**20
"""Largest file that is read this way: hand-written files are far smaller."""

MAXIMUM_DEPTH = 8
"""Deepest nesting that is read: a team file needs three levels, and libyaml's composer overflows the stack at many."""

MAXIMUM_VALUES = MAXIMUM_BYTES // 2
"""Most values of one document: more than a file of the largest size can spell out, fewer than a bomb of aliases."""

TEAM_FILE_SHAPE = "see docs/batch.md for the shape of a team file"
"""What to do about a document that is not as it should be, unless its reader knows better."""

_NULL = "tag:yaml.org,2002:null"

_SURROGATES = re.compile(r"\\\\|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)

_OBJECT = re.compile(rb"""(?m)^[^#\n]*\bapiVersion["']?\s*:""")

Value: TypeAlias = "str | list[Value] | Mapping | None"


class Mapping(msgspec.Struct):
    """A mapping with the line of each key; values are text, None, lists or further mappings."""

    values: dict[str, Value] = msgspec.field(default_factory=dict[str, Value])
    lines: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    line: int = 1


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value of a document or a frame is a list."""
    return isinstance(value, list | tuple)


def is_mapping(value: object) -> TypeGuard[MappingOf[str, Any]]:
    """Whether a value of a document or a frame has names for its parts."""
    return isinstance(value, MappingOf)


def read_text(path: Path, maximum_bytes: int = MAXIMUM_BYTES) -> str:
    """The text of a small file in UTF-8.

    Raises:
        MeshlabError: There is no such file, it is no file, too large, unreadable or not UTF-8.
    """
    return decoded(read_start(path, maximum_bytes + 1), path, maximum_bytes)


def decoded(content: bytes, path: Path, maximum_bytes: int = MAXIMUM_BYTES) -> str:
    """The text of a file that has been read, as far as one byte beyond what is allowed.

    Raises:
        MeshlabError: It is too large or not UTF-8.
    """
    if len(content) > maximum_bytes:
        raise MeshlabError(
            Problem(
                str(path), f"is larger than {maximum_bytes // 2**20} MiB", "give a file written by hand, not a dump"
            )
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MeshlabError(Problem(str(path), "is not UTF-8", "save it in UTF-8", line)) from error


def refuse_dump(content: bytes, file: str, wanted: str) -> None:
    """Refuse a cluster's dump where something else is wanted, before it is measured against bounds.

    Raises:
        MeshlabError: It is a dump.
    """
    if _OBJECT.search(content):
        raise MeshlabError(Problem(file, f"is a dump of a cluster, no {wanted}", "give it to 'meshlab review'", 1))


def read_document(path: Path, content: bytes | None = None, *, shape: str = TEAM_FILE_SHAPE) -> Value:
    """One YAML or JSON document as nested text. An empty file is None.

    Args:
        path: The file.
        content: What it holds, where it has been read.
        shape: What messages tell to do about a document that is nested too deeply.

    Raises:
        MeshlabError: The file cannot be read, is no YAML, has more than one document, or names a key twice.
    """
    text = read_text(path) if content is None else decoded(content, path)
    if path.suffix.lower() == ".json":
        text = _json_as_yaml(text)
    node = compose(text, str(path), shape=shape)
    return None if node is None else _value(node, str(path))


def compose(
    text: str, file: str, *, maximum_depth: int = MAXIMUM_DEPTH, shape: str = TEAM_FILE_SHAPE
) -> yaml.Node | None:
    """The nodes of one YAML document, each with its tag and place; None where it is empty.

    Aliases are shared nodes, counted as often as they stand; one may lie within what it names.

    Args:
        text: The document.
        file: How messages name it.
        maximum_depth: Deepest nesting that is accepted.
        shape: What messages tell to do about a document of another shape.

    Raises:
        MeshlabError: The text is no YAML, more than one document, nested too deeply, or a bomb of aliases.
    """
    try:
        _check_size(text, file, maximum_depth, shape)
        return yaml.CSafeLoader(text).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = None if mark is None else mark.line + 1
        raise MeshlabError(
            Problem(file, f"is not YAML: {what}", "check indentation, quotes and colons", line)
        ) from error


def _json_as_yaml(text: str) -> str:
    """JSON in the part of it that YAML shares: no tabs between tokens, no characters escaped in two halves."""

    def whole(match: re.Match[str]) -> str:
        if match[1] is None:  # an escaped backslash: what follows it is no escape
            return match[0]
        return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")

    return _SURROGATES.sub(whole, text.replace("\t", " "))


def _check_size(text: str, file: str, maximum_depth: int, shape: str) -> None:
    """Refuse what would exhaust stack or memory, before anything is built: deep nesting and bombs of aliases."""
    depth, values = 0, 0
    sizes: dict[str | None, int] = {}
    open_anchors: list[tuple[str | None, int]] = []
    for event in iter(yaml.CSafeLoader(text).get_event, None):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            open_anchors.append((event.anchor, values))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            anchor, before = open_anchors.pop()
            sizes[anchor] = values - before
        values += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        if depth > maximum_depth or values > MAXIMUM_VALUES:
            what = "is nested too deeply" if depth > maximum_depth else "repeats its aliases too often"
            line = event.start_mark.line + 1
            raise MeshlabError(Problem(file, what, shape, line))


def _value(node: yaml.Node, file: str, depth: int = 0) -> Value:
    line = node.start_mark.line + 1
    if depth > MAXIMUM_DEPTH:  # an alias within what it names
        raise MeshlabError(Problem(file, "is nested too deeply", TEAM_FILE_SHAPE, line))
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == _NULL else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, file, depth + 1) for item in node.value]
    return _mapping(node, file, depth)


def _mapping(node: yaml.Node, file: str, depth: int) -> Mapping:
    mapping = Mapping(line=node.start_mark.line + 1)
    for key, item in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise MeshlabError(Problem(file, "a key is no text", "begin the line with a name and a colon", line))
        if key.value in mapping.values:
            raise MeshlabError(Problem(file, f"key {shorten(key.value)} stands twice", "keep one of them", line))
        mapping.values[key.value] = _value(item, file, depth + 1)
        mapping.lines[key.value] = line
    return mapping
