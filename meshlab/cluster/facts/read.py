"""Facts of paths as plain data, with names or without, and what a path is."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from meshlab.cluster.facts.answers import Answers, ask
from meshlab.cluster.facts.archives import HEAD_BYTES, is_archive
from meshlab.cluster.facts.cluster import cluster_of
from meshlab.cluster.facts.files import Source, beginning
from meshlab.cluster.facts.gather import collector_paused, rows_of
from meshlab.cluster.facts.recognise import HEAD_BYTES as BEGINNING_BYTES
from meshlab.cluster.facts.recognise import looks_like_objects
from meshlab.cluster.facts.signatures import Verdict, verdict
from meshlab.cluster.facts.summary import MESHES, Fact, Facts, evidence, facts_of, nested, provenance, unknown
from meshlab.documents import is_list, is_mapping
from meshlab.errors import MeshlabError, Problem, unicode_text
from meshlab.files import read_bounded, read_most
from meshlab.tables import read_table

_TEAM_KEY = re.compile(rb"^team\s*:", re.MULTILINE)


def read_facts(paths: Sequence[Path], *, anonymize: Anonymize = False, explain: bool = False) -> dict[str, Any]:
    """Facts of one cluster from dumps of it.

    Args:
        paths: Files, folders and archives; together they describe one cluster.
        anonymize: Replace names of files, folders, pools, objects and the cluster by keyed hashes; reduce free text.
        explain: Add what was seen for and against each fact, as ``evidence``.

    Returns:
        The facts (docs/reference.md), and beside them ``provenance`` (status, file and reason of each fact) and
        ``refused`` (objects that are not as their kind demands).

    Raises:
        MeshlabError: A path cannot be read, or holds nothing that facts are read from.
    """
    with collector_paused():
        answers = ask(cluster_of(rows_of(paths)))
    return facts_from(answers, paths, anonymize=anonymize, explain=explain)


def facts_from(
    answers: Answers, paths: Sequence[Source], *, anonymize: Anonymize = False, explain: bool = False
) -> dict[str, Any]:
    """As ``read_facts``, of a cluster that has been read."""
    facts: Facts = {"name": _name(verdict(answers.votes, "name"), paths), **facts_of(answers)}
    origins = [unicode_text(path.name) for path in paths]
    return as_data(answers, facts, origins, anonymize=anonymize, explain=explain)


def as_data(
    answers: Answers, facts: Facts, origins: Sequence[str], *, anonymize: Anonymize, explain: bool = False
) -> dict[str, Any]:
    """Facts of a cluster as ``read_facts`` returns them."""
    hide = hider(anonymize)
    if anonymize is not False:
        facts = {name: _hidden(fact, name, hide) for name, fact in facts.items()}
    shown = {"evidence": _explained(answers, hide)} if explain else {}
    return {
        "name": facts["name"].value,
        "collected_from": [hide(origin) for origin in origins],
        **nested({name: fact for name, fact in facts.items() if name != "name"}),
        "unknown": unknown(facts),
        "provenance": provenance(facts),
        **shown,
        "refused": _refused(answers, hide),
    }


def is_dump(path: Path) -> bool:
    """Whether a path is a dump of a cluster rather than a team file or a folder of team files.

    Known by content, from the first bytes of files. A folder with a team file at its top is one of team files;
    otherwise it is a dump where any file in it is one.
    """
    if not path.is_dir():
        return _nature(path) == "dump"
    if any(_nature(file) == "team" for file in sorted(path.iterdir()) if file.is_file()):
        return False
    return any(_nature(file) == "dump" for file in path.rglob("*") if file.is_file())


def _nature(path: Path) -> str:
    try:
        return nature(read_most(path, BEGINNING_BYTES)) if path.is_file() else "other"
    except OSError:
        return "other"


def nature(head: bytes) -> str:
    """What a file that begins so is: team, dump or other."""
    if is_archive(head[:HEAD_BYTES]):
        return "dump"
    head = beginning(head)
    if _TEAM_KEY.search(head):
        return "team"
    return "dump" if looks_like_objects(head) else "other"


# --- what is shown -------------------------------------------------------------------------------------------------


def _name(found: Verdict, paths: Sequence[Source]) -> Fact:
    if found.value is not None:
        return Fact(found.value, origin=found.file)
    name = unicode_text(paths[0].name) if paths else None
    return Fact((name or "").partition(".")[0] or None, "inferred", name, "the name of the file")


def _refused(answers: Answers, hide: Callable[[str], str]) -> list[dict[str, object]]:
    return [
        {
            "kind": row["kind"],
            "name": hide(str(row["name"] or "")),
            "from": hide(str(row["file"])),
            "what": row["fault"],
        }
        for row in answers.faulty
    ]


def _explained(answers: Answers, hide: Callable[[str], str]) -> dict[str, list[dict[str, object]]]:
    """The evidence, with names hidden; the kind of an object is no name."""
    found = evidence(answers)
    for fact, row in ((fact, row) for fact, rows in found.items() for row in rows):
        of = "mesh.name" if fact == "mesh.product" and row["value"] not in MESHES else fact
        value = row["value"] if hide is str else reduced(of, row["value"])
        row |= {"value": value, "first": _place_hidden(str(row["first"]), hide), "from": hide(str(row["from"]))}
    return found


def _place_hidden(named: str, hide: Callable[[str], str]) -> str:
    """Kind, namespace and name of an object; the kind is no name."""
    kind, _, place = named.partition(" ")
    return f"{kind} {hide(place)}"


def _hidden(fact: Fact, name: str, hide: Callable[[str], str]) -> Fact:
    named = name == "name" and fact.value is not None
    value = hide(str(fact.value)) if named else reduced(name, fact.value)
    if name == "needs.used" and is_list(fact.value):
        value = [row | {"example": _place_hidden(row["example"], hide)} for row in fact.value]
    if name == "nodes.pool_kernels" and is_list(fact.value):
        kernel = "nodes.kernel_oldest"
        hidden = [
            {"pool": row["pool"] and hide(row["pool"]), "kernel": reduced(kernel, row["kernel"])} for row in fact.value
        ]
        value = [row | {"nodes": own["nodes"]} for row, own in zip(hidden, fact.value, strict=True)]
    if name == "nodes.pools" and is_mapping(fact.value):
        value = {hide(pool): nodes for pool, nodes in fact.value.items()}
    why = fact.why
    if why is not None and name in _kept():
        why = why.partition(":")[0]  # behind it may stand what the objects say
    return Fact(value, fact.status, None if fact.origin is None else hide(fact.origin), why)


# --- what --anonymize leaves -----------------------------------------------------------------------------------------


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


def reduced(fact: str, value: object) -> object:
    """A fact's value less the free text in it: what the table of kept parts does not name is ``other``.

    Counts of texts that are reduced to the same one are added up.
    """
    kept = _kept().get(fact)
    if kept is None or value is None:
        return value
    if not is_mapping(value):
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
    """Facts of which an administrator may choose the words, with the parts that are kept of those."""
    rows = read_table("facts/anonymous").select("fact", "kept").iter_rows()
    return {fact: re.compile(pattern) for fact, pattern in rows}
