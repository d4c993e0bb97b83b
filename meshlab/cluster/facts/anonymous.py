"""What ``--anonymize`` leaves: keyed hashes for names, and of free text the part that figures and rules need."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from meshlab.errors import MeshlabError, Problem
from meshlab.files import read_bounded
from meshlab.tables import read_table

LEAST_KEY_BYTES, MOST_KEY_BYTES = 16, 4096
"""Size of a key file: shorter ones can be tried out. [byte]"""

HASH_DIGITS = 24
"""Hexadecimal digits of a hash that are shown: 96 bits, so that no two names share one."""

Anonymize = bool | bytes
"""Whether names are replaced: not at all, by hashes under a key of this run, or by hashes under a given key."""

_RUN_KEY = secrets.token_bytes(32)
"""The key of this run. It is written nowhere: without it, no list of likely names finds any again."""


def read_key(path: Path) -> bytes:
    """A key file, under which hashes of several runs can be compared.

    Raises:
        MeshlabError: It cannot be read, or is too short or too long for a key.
    """
    key = read_bounded(path, MOST_KEY_BYTES).strip()
    if len(key) < LEAST_KEY_BYTES:
        todo = f"make one: head -c 32 /dev/urandom | base64 > {path.name}"
        raise MeshlabError(Problem(str(path), f"is shorter than {LEAST_KEY_BYTES} bytes", todo))
    return key


def hider(anonymize: Anonymize) -> Callable[[str], str]:
    """The function that replaces a name; it gives the name itself where nothing is to be replaced."""
    if anonymize is False:
        return str
    key = _RUN_KEY if anonymize is True else anonymize

    def pseudonym(name: str) -> str:
        digest = hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256").hex()
        return f"name-{digest[:HASH_DIGITS]}"

    return pseudonym


def is_free_text(fact: str) -> bool:
    """Whether an administrator may choose the words of a fact."""
    return fact in _kept()


def reduced(fact: str, value: object) -> object:
    """A fact's value less the free text in it: what the table of kept parts does not name is ``other``.

    Counts of texts that are reduced to the same one are added up.
    """
    kept = _kept().get(fact)
    if kept is None or value is None:
        return value
    if not isinstance(value, dict):
        return _part(kept, str(value))
    counts: dict[str, int] = {}
    for text, count in value.items():
        part = _part(kept, str(text))
        counts[part] = counts.get(part, 0) + count
    return counts


def _part(kept: re.Pattern[str], text: str) -> str:
    found = kept.match(text)
    return found[0] if found else "other"


@cache
def _kept() -> dict[str, re.Pattern[str]]:
    rows = read_table("facts/anonymous").select("fact", "kept").iter_rows()
    return {fact: re.compile(pattern) for fact, pattern in rows}
