"""YAML and JSON that people write by hand, read as text with the line of every value.

Values stay text until a declared input says what they are: YAML's own reading would turn the kernel ``5.10``
into the number 5.1 and the answer ``no`` into false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from meshlab.errors import MeshlabError, Problem

MAXIMUM_BYTES = 4 * 2**20
"""Largest file that is read this way: hand-written files are far smaller."""

_NULL = "tag:yaml.org,2002:null"

Value = "str | None | list[Value] | Mapping"


@dataclass
class Mapping:
    """A mapping with the line of each key; values are text, None, lists or further mappings."""

    values: dict[str, Value] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    line: int = 1


def read_text(path: Path, maximum_bytes: int = MAXIMUM_BYTES) -> str:
    """The text of a small file in UTF-8.

    Raises:
        MeshlabError: There is no such file, it is no file, too large, unreadable or not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(maximum_bytes + 1)
    except FileNotFoundError as error:
        raise MeshlabError(Problem(str(path), "no such file", "check the path")) from error
    except OSError as error:
        raise MeshlabError(Problem(str(path), f"cannot be read: {error.strerror}", "check path and rights")) from error
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


def read_document(path: Path) -> Value:
    """One YAML or JSON document as nested text. An empty file is None.

    Raises:
        MeshlabError: The file cannot be read, is no YAML, has more than one document, or names a key twice.
    """
    text = read_text(path)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        return None if node is None else _value(node, str(path), 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise MeshlabError(
            Problem(
                str(path),
                f"is not YAML: {what}",
                "check indentation, quotes and colons",
                None if mark is None else mark.line + 1,
            )
        ) from error


def _value(node: yaml.Node, file: str, depth: int) -> Value:
    line = node.start_mark.line + 1
    if depth > 8:  # noqa: PLR2004  (a team file needs three; a bomb of aliases needs many)
        raise MeshlabError(Problem(file, "is nested too deeply", "see the README for the shape of a team file", line))
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == _NULL else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, file, depth + 1) for item in node.value]
    mapping = Mapping(line=line)
    for key, item in node.value:
        name, key_line = str(key.value), key.start_mark.line + 1
        if name in mapping.values:
            raise MeshlabError(Problem(file, f"key {name!r} stands twice", "keep one of them", key_line))
        mapping.values[name] = _value(item, file, depth + 1)
        mapping.lines[name] = key_line
    return mapping
