"""Which reader takes a file: known by how it begins, never by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from meshlab.cluster.facts.describe_reader import is_description, read_description
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.json_reader import read_json
from meshlab.cluster.facts.yaml_reader import read_yaml
from meshlab.cluster.facts.ztunnel_reader import is_ztunnel, read_ztunnel
from meshlab.errors import MeshlabError, Problem

HEAD_BYTES = 64 * 2**10
"""How much of a file's beginning decides."""

Reader = Callable[[bytes, str], Iterator[Found]]
"""Content and name of a file to its objects."""

_KIND = re.compile(rb"""["']?\b(kind|items)["']?\s*:""")
_METADATA = re.compile(rb'"metadata"\s*:')
_TELLING = re.compile(rb'"(?:nodeInfo|containers|selfLink|podSelector|clusterIP|infrastructureName|networkType)"\s*:')
"""What objects hold that do not say their kind."""

_VERSION = re.compile(rb"""["']?\bapiVersion["']?\s*:""")


def is_json(head: bytes) -> bool:
    """Whether a file that begins so is meant as JSON."""
    return head.lstrip()[:1] in (b"{", b"[")


_DOCUMENT = re.compile(rb"^\{(?:\s*$|\s*\")", re.MULTILINE)


def has_documents(head: bytes) -> bool:
    """Whether JSON begins in the first column of a file that begins otherwise, as after a message of kubectl."""
    return _DOCUMENT.search(head) is not None


PACKED = {b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7-Zip"}
"""Archives that are not read, by their beginning."""

_TABLE = re.compile(rb"\A\s*(?:NAMESPACE\s+)?NAME\s+[A-Z][A-Z()-]+")
_DESCRIPTION = re.compile(rb"\A\s*Name:\s+\S+\r?\n(?:[A-Z][A-Za-z ]*:|\s)")


def is_unreadable(head: bytes) -> bool:
    """Whether a file that begins so is a table or description, which kubectl writes for people, or packed otherwise."""
    return head.startswith(tuple(PACKED)) or any(text.match(head) for text in (_TABLE, _DESCRIPTION))


def refuse(content: bytes, file: str) -> Iterator[Found]:
    """Say what to give instead.

    Raises:
        MeshlabError: Always.
    """
    if packer := next((name for start, name in PACKED.items() if content.startswith(start)), None):
        raise MeshlabError(Problem(file, f"is packed by {packer}", "unpack it, or pack it with gzip or zip"))
    what = "a table" if _TABLE.match(content) else "a description"
    raise MeshlabError(Problem(file, f"is {what} that kubectl prints for people", _TODO, 1))
    yield  # a reader is a generator


_TODO = "give the same command with -o json, such as kubectl get nodes,pods,services -A -o json"

READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (is_ztunnel, read_ztunnel),
    (is_description, read_description),
    (is_unreadable, refuse),
    (is_json, read_json),
    (has_documents, read_json),
    (lambda _: True, read_yaml),
)
"""Readers, each with what it recognises; the first that recognises a file reads it."""


def reader_of(content: bytes) -> Reader:
    """The reader of a file."""
    head = content[:HEAD_BYTES]
    return next(reader for recognises, reader in READERS if recognises(head))


def looks_like_objects(content: bytes) -> bool:
    """Whether a file among many holds Kubernetes objects, so that it must be readable.

    Others (settings, logs, results of tools) are passed over, broken or not.
    """
    if _KIND.search(content) and _VERSION.search(content):
        return True
    head = content[:HEAD_BYTES]
    if is_json(head) and _METADATA.search(head) and _TELLING.search(content):
        return True
    return head.lstrip()[:1] == b"[" or is_ztunnel(head) or is_description(head)
