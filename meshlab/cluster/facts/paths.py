"""What signatures, needs and switches look at in objects: paths in them, and how to read those.

The tables are ``data/facts/signatures.csv``, ``data/facts/needs_in_use.csv`` and ``data/audit/switches.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import polars as pl

from meshlab.cluster.facts.objects import TYPES, Anything, PodAnnotations, Tree, attribute, split_key, struct
from meshlab.tables import read_table

SPECIAL = frozenset({"name", "keys", "taint"})
"""What signatures look at in an object that is no path in it; conditions of nodes are not, either."""


REST_OF_LIST = "RestOfList"
"""Kind that stands for what the API server has not sent yet of a List."""


@cache
def signature_fields() -> dict[str, tuple[str, ...]]:
    """Fields that signatures and needs look at, by kind: ``{"Node": ("Node:spec.providerID", …)}``."""
    return _by_kind({*read_table("facts/signatures")["field"], *need_rows()["field"]})


@cache
def read_fields() -> dict[str, tuple[str, ...]]:
    """Fields that are read beside the types, by kind: those of signatures and needs, and switches for the audit."""
    return _by_kind({*chain(*signature_fields().values()), *chain(*switch_fields().values())})


@cache
def switch_fields() -> dict[str, tuple[str, ...]]:
    """For each switch of ``data/audit/switches.csv`` the fields that hold it, or the text in which it stands."""
    fields: dict[str, tuple[str, ...]] = {}
    for row in read_table("audit/switches").iter_rows(named=True):
        room, _, key = row["path"].partition(": ")[0].partition(".")
        of = f"{row['kind']}/{row['object']}" if row["object"] else row["kind"]
        own = f"{of}:{room}.{key.replace('.', chr(92) + '.')}"
        fields[row["switch"]] = (own, *KEPT_ELSEWHERE.get(of, ()))
    return fields


_ELSEWHERE = ("config:data.config", r"config:data.config\.yaml", r"worker:data.config\.conf")
KEPT_ELSEWHERE = {"ConfigMap/kube-proxy": tuple(f"ConfigMap/kube-proxy-{rest}" for rest in _ELSEWHERE)}
"""Where EKS, Gardener and ACK keep the configuration of kube-proxy."""


def _by_kind(named: Iterable[str]) -> dict[str, tuple[str, ...]]:
    fields: dict[str, list[str]] = {}
    for field in sorted(named):
        kind, colon, _ = field.partition(":")
        if colon:
            fields.setdefault(kind.partition("/")[0], []).append(field)
    return {kind: tuple(of_kind) for kind, of_kind in fields.items()}


@cache
def need_rows() -> pl.DataFrame:
    """Rows of ``data/facts/needs_in_use.csv``, one for each kind and path, with the field that they look at."""
    rows = read_table("facts/needs_in_use").with_columns(pl.col("kind", "path").str.split("|"))
    return rows.explode("kind").explode("path").with_columns(field=pl.format("{}:{}", "kind", "path"))


@cache
def _groups_of_needs() -> dict[str, frozenset[str]]:
    """API groups of kinds of which nothing but needs is looked at: another group's kind is another thing."""
    own = {field.partition(":")[0].partition("/")[0] for field in read_table("facts/signatures")["field"]}
    groups: dict[str, set[str]] = {}
    for kind, of_kind in need_rows().select("kind", "groups").iter_rows():
        if kind.partition("/")[0] not in own:
            groups.setdefault(kind.partition("/")[0], set()).update((of_kind or "").split("|"))
    return {kind: frozenset(of_kind) for kind, of_kind in groups.items()}


@cache
def signature_groups() -> re.Pattern[str]:
    """API groups of which every kind is evidence."""
    patterns = read_table("facts/signatures").filter(field="group")["pattern"]
    return re.compile("|".join(patterns))


@cache
def known_kinds() -> frozenset[str]:
    """Kinds that facts are read from: those with a type, those that signatures look at, and those that are counted."""
    return frozenset({REST_OF_LIST, *TYPES, *signature_fields(), *read_table("facts/kinds")["kind"]})


@cache
def is_used(kind: str, group: str) -> bool:
    """Whether facts are read from objects of the kind, or from all of its API group."""
    return kind in known_kinds() or signature_groups().search(group) is not None


# --- paths -----------------------------------------------------------------------------------------------------------
#
# A path is keys with dots between them. A key that ends in [] holds a list and one that ends in <> a mapping of any
# keys: both are gone through. The last key may end in how it is taken: ? is x where it holds anything but nothing and
# zero, ! is x where it is there at all, # are the keys of a mapping, and =text stands for a value that is missing.
# Paths in braces behind a common beginning make one text, with semicolons between them.


def split_path(path: str) -> list[str]:
    """Keys of a path; a dot inside of a key is escaped by a backslash."""
    return [key.replace("\0", ".") for key in path.replace("\\.", "\0").split(".")] if path else []


Step = tuple[str, str]
"""Name of an attribute, and whether it holds a list or a mapping to go through: [], <> or nothing."""


class Reach(NamedTuple):
    """The way to texts, and how a value at its end is taken: ?, !, # or = with what stands for a missing one."""

    steps: tuple[Step, ...]
    mark: str


class Plan(NamedTuple):
    """What to read of a value: fields that it is the text of, fields of several texts below it, and where to go on."""

    fields: tuple[tuple[str, str], ...]
    together: tuple[tuple[str, tuple[Reach, ...]], ...]
    below: tuple[tuple[Step, Plan], ...]


class Evidence(NamedTuple):
    """How to read what signatures look at in objects of one kind: plans by the object's name, or None for all."""

    type: type[msgspec.Struct]
    plans: dict[str | None, Plan]


class _Path(NamedTuple):
    """A field, the keys of its path, how the value is taken, and the paths in braces behind it."""

    field: str
    keys: tuple[str, ...]
    mark: str
    several: tuple[tuple[tuple[str, ...], str], ...]


@cache
def evidence_of(kind: str) -> Evidence | None:
    """How to read the paths that signatures look at in objects of the kind; None where they look at none."""
    paths, tree = _paths_of(kind)
    if not paths:
        return None
    return Evidence(struct(kind, tree), {name: _plan(of_name, tree) for name, of_name in paths.items()})


def evidence_keys(kind: str) -> Tree:
    """The keys on the paths that signatures look at in objects of the kind."""
    return _paths_of(kind)[1]


@cache
def _paths_of(kind: str) -> tuple[dict[str | None, list[_Path]], Tree]:
    """Paths that signatures look at in objects of the kind, by the object's name, and the keys on them.

    Labels and annotations of pods are read with the pods themselves: there are too many to decode them twice.
    """
    paths: dict[str | None, list[_Path]] = {}
    for field in read_fields().get(kind, ()) if kind != "Pod" else ():
        of, _, path = field.partition(":")
        if path not in SPECIAL and not path.startswith("condition."):
            paths.setdefault(of.partition("/")[2] or None, []).append(_path(field, path))
    tree: dict[str, Any] = {}
    for path in (path for of_name in paths.values() for path in of_name):
        for keys, mark in ((path.keys + keys, mark) for keys, mark in path.several or (((), path.mark),)):
            branch = tree
            for key in (*keys, *([HELD] if mark[:1] in _HOLDING else [])):
                branch = branch.setdefault(key, {})
    return paths, {key: _typed(branch) for key, branch in tree.items()}


def _typed(branch: dict[str, Any]) -> Any:
    """A tree with types at its ends: scalars, or what holds something that is not looked into."""
    if branch.keys() == {HELD}:
        return _HOLDER
    return {key: _typed(below) for key, below in branch.items()} if branch else _SCALAR


def plans_of(kind: str, name: str | None, group: str) -> list[Plan]:
    """What signatures look at in an object of the kind, name and API group."""
    looked_at = evidence_of(kind)
    if looked_at is None or group not in _groups_of_needs().get(kind, {group}):
        return []
    named = _ADDED.sub("", name) if name and kind == "ConfigMap" else name
    names = dict.fromkeys((None, name, named))
    return [looked_at.plans[of] for of in names if of in looked_at.plans]


_ADDED = re.compile(r"-(?:[0-9a-f]{8}|[24-9bcdfghkmt]{10})$|(?<=^istio)-.*")
"""What is added to names of ConfigMaps: by Gardener and kustomize a hash of what they hold, by Istio its revision."""


_MARK = re.compile(r"(?<=.)([?!#]|=.*)$", re.DOTALL)
_HOLDING = ("?", "!", "#")
HELD = "?"
"""Stands in a tree of keys for a value of which only what it holds counts."""


def _path(field: str, path: str) -> _Path:
    base, brace, inner = path.partition("{")
    several = tuple(_marked(each) for each in inner.removesuffix("}").split(",")) if brace else ()
    keys, mark = _marked(base.removesuffix(".") if brace else base)
    return _Path(field, keys, mark, several)


def _marked(path: str) -> tuple[tuple[str, ...], str]:
    """Keys of a path, and how the value at its end is taken."""
    mark = _MARK.search(path)
    return tuple(split_path(path[: mark.start()] if mark else path)), mark[0] if mark else ""


_SCALAR = str | int | float | bool
_CONTENT = Anything | list[Anything | _SCALAR | None] | _SCALAR | None
_HOLDER = dict[str, _CONTENT] | list[_CONTENT] | _SCALAR


def _plan(paths: list[_Path], tree: Tree) -> Plan:
    """The plan of paths in a value of the tree's type."""
    ended = [path for path in paths if not path.keys]
    below: list[tuple[Step, Plan]] = []
    for key in dict.fromkeys(path.keys[0] for path in paths if path.keys):
        inner = [path._replace(keys=path.keys[1:]) for path in paths if path.keys[:1] == (key,)]
        (step,) = _steps((key,), tree)
        below.append((step, _plan(inner, tree[key])))
    return Plan(
        tuple((path.field, path.mark) for path in ended if not path.several),
        tuple(
            (path.field, tuple(Reach(_steps(keys, tree), mark) for keys, mark in path.several))
            for path in ended
            if path.several
        ),
        tuple(below),
    )


def _steps(keys: tuple[str, ...], tree: Tree) -> tuple[Step, ...]:
    """The attributes of that type on the way to a path."""
    if not keys:
        return ()
    return ((attribute(tree, keys[0]), split_key(keys[0])[1]), *_steps(keys[1:], tree[keys[0]]))


@cache
def pod_labels() -> dict[str, str]:
    """Labels of pods that signatures look at, with their fields."""
    return _marks("labels")


@cache
def pod_annotations() -> tuple[tuple[str, str, bool], ...]:
    """Attributes of ``PodAnnotations`` that signatures look at, their fields, and whether the value counts."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(PodAnnotations)}
    patterns = dict(read_table("facts/signatures").select("field", "pattern").iter_rows())
    return tuple((names[key], field, patterns[field] != ".") for key, field in _marks("annotations").items())


def _marks(where: str) -> dict[str, str]:
    start = f"Pod:metadata.{where}."
    fields = [field for field in signature_fields()["Pod"] if field.startswith(start)]
    return {split_path(field.removeprefix(start))[0]: field for field in fields}
