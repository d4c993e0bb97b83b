"""Which reader takes a file: known by how it begins, never by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from meshlab.cluster.facts.describe_reader import is_description, read_description
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.json_reader import read_json
from meshlab.cluster.facts.yaml_reader import read_yaml
from meshlab.cluster.facts.ztunnel_reader import is_ztunnel, read_ztunnel

HEAD_BYTES = 64 * 2**10
"""How much of a file's beginning decides."""

Reader = Callable[[bytes, str], Iterator[Found]]
"""Content and name of a file to its objects."""

_KIND = re.compile(rb"""["']?\b(kind|items)["']?\s*:""")
_VERSION = re.compile(rb"""["']?\bapiVersion["']?\s*:""")


def is_json(head: bytes) -> bool:
    """Whether a file that begins so is meant as JSON."""
    return head.lstrip()[:1] in (b"{", b"[")


READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (is_ztunnel, read_ztunnel),
    (is_description, read_description),
    (is_json, read_json),
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
    return head.lstrip()[:1] == b"[" or is_ztunnel(head) or is_description(head)
