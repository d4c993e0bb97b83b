"""How much of an artefact is read before it counts as hostile or broken, and how JSON is decoded within that."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from meshlab.errors import MeshlabError, Problem
from meshlab.files import read_bounded

MAXIMUM_DEPTH = 40
"""Deepest nesting of values: the Cilium chart needs 9 levels."""

MAXIMUM_JSON_BYTES = 512 * 2**20
"""Largest JSON that is read: the schema of the AWS provider, the largest there is, takes some tens of MiB."""

T = TypeVar("T")


def read_json(path: Path) -> bytes:
    """The bytes of a JSON file.

    Raises:
        MeshlabError: There is no such file, or it is unreadable or too large.
    """
    return read_bounded(path, MAXIMUM_JSON_BYTES, "check the file")


def decode_json(path: Path, of: type[T], todo: str) -> T:
    """A JSON file as a type; fields that the type does not name are passed over.

    Raises:
        MeshlabError: The file cannot be read, is no JSON, or is not of the type's shape.
    """
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
