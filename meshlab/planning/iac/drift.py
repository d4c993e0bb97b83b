"""Governance: what is declared against what runs, as a table of differences.

Declared are Helm values. What runs is read from values that a release was installed with, or from the ConfigMap
``cilium-config``; either may lie in a dump: a file, a folder or an archive. Values that may be secret are compared
but never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from meshlab.cluster.facts.archives import Budget, Member, is_archive, members
from meshlab.cluster.facts.files import HEAD_BYTES, text, told
from meshlab.documents import is_list, is_mapping, read_text
from meshlab.errors import MeshlabError, Problem
from meshlab.planning.iac.values import Leaf, as_json, leaves
from meshlab.tables import read_table

DRIFT_COLUMNS = {
    "option": pl.String(),
    "state": pl.String(),
    "declared": pl.String(),
    "live": pl.String(),
    "declared_source": pl.String(),
    "live_source": pl.String(),
}
"""Columns of ``drift``. ``state`` is differs, not live, undeclared, or unknown where the dump does not tell."""

HIDDEN = "(hidden)"
"""What stands for a value that may be secret."""

_SECRET = re.compile(
    r"(?i)password|passwd|token|credential|private|\bsecret$|(?:^|\.)secret(?:s|key)?(?:\.|$)|api_?key|"
    r"(?:^|\.)(?:key|cert|crt|ca|cabundle)$|(?:^|\.)(?:extra)?env(?:\.|$)|annotations|pullsecrets"
)
_SECRET_VALUE = re.compile(r"-----BEGIN|^[A-Za-z0-9+/]{64,}={0,2}$|://[^/\s]*@|^\[?\{")
"""Keys, long texts without a break, addresses with a password, and structures: their own keys may be secret."""

_LONGEST = 80
_VALUES_FILE = re.compile(r"(?:^|[/_-])(?:helm-)?values[^/]*\.ya?ml$")
_CONFIG_FILE = re.compile(r"config-?maps?[^/]*\.(?:ya?ml|json)$|cilium-config[^/]*\.(?:ya?ml|json)$")
_CONFIG_MAP = re.compile(rb"^\s*name:\s*[\"']?cilium-config[\"']?\s*$|\"name\"\s*:\s*\"cilium-config\"", re.MULTILINE)
_TODO = "give a sysdump, the output of helm get values, or a dump with the ConfigMap cilium-config"


class Live(NamedTuple):
    """What runs, from one file: options with their values as text, or settings of a ConfigMap."""

    source: str
    values: dict[str, str]
    is_config_map: bool


def drift(declared: Path, live: Path) -> pl.DataFrame:
    """Where what runs is not what is declared: one row for each such option, with the source of both sides.

    Options that agree have no row. Against a ConfigMap only those can be compared that ``data/iac/config_map.csv``
    maps; the others are unknown. Options that run but nobody declared are listed from Helm values only: a ConfigMap
    holds every default.

    Args:
        declared: A team's Helm values.
        live: Values of a release, the ConfigMap ``cilium-config``, or a dump that holds either or both; where it holds
            both, values count.

    Raises:
        MeshlabError: A file cannot be read, or the dump holds neither.
    """
    own = {leaf.option: leaf for leaf in leaves(read_text(declared), str(declared))}
    found = sorted(_live(live), key=lambda part: part.is_config_map)
    if not found:
        raise MeshlabError(Problem(str(live), "holds neither Helm values nor the ConfigMap cilium-config", _TODO))
    side = found[0]
    rows = _against_config_map(own, side) if side.is_config_map else _against_values(own, side)
    shown = [
        (option, state, _shown(option, ours), _shown(option, theirs), declared.name, side.source)
        for option, state, ours, theirs in rows
    ]
    return pl.DataFrame(shown, schema=DRIFT_COLUMNS, orient="row").sort("option")


Difference = tuple[str, str, str | None, str | None]


def _against_values(own: dict[str, Leaf], live: Live) -> Iterator[Difference]:
    for option, leaf in own.items():
        ours, theirs = as_text(leaf.value), live.values.get(option)
        if theirs is None:
            yield option, "not live", ours, None
        elif ours != theirs:
            yield option, "differs", ours, theirs
    for option in live.values.keys() - own.keys():
        yield option, "undeclared", None, live.values[option]


def _against_config_map(own: dict[str, Leaf], live: Live) -> Iterator[Difference]:
    mapped = {row["option"]: row for row in read_table("iac/config_map").iter_rows(named=True)}
    for option, leaf in own.items():
        if option not in mapped:
            yield option, "unknown", as_text(leaf.value), None
            continue
        key, rendering = mapped[option]["key"], mapped[option]["rendering"]
        ours, theirs = rendered(leaf.value, rendering), live.values.get(key)
        if rendering == "flag":
            theirs = theirs or "false"
        if theirs is None:
            yield option, "not live", ours, None
        elif ours != theirs:
            yield option, "differs", ours, theirs


def rendered(value: object, rendering: str) -> str:
    """The text that the chart renders a value to, as ``data/iac/config_map.csv`` says."""
    if rendering in ("words", "commas") and is_list(value):
        return (" " if rendering == "words" else ",").join(map(as_text, value))
    return as_text(value)


def as_text(value: object) -> str:
    """A value as a ConfigMap holds it: booleans in lower case, nothing as empty text, structures as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


def _shown(option: str, value: str | None) -> str | None:
    """A value as the table shows it: hidden where it may be secret, shortened where it is long."""
    if value is None:
        return None
    if _SECRET.search(option) or _SECRET_VALUE.search(value):
        return HIDDEN
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


# --- dumps -----------------------------------------------------------------------------------------------------------


def _live(path: Path) -> Iterator[Live]:
    """Helm values and ConfigMaps of a dump. In a folder or archive they are known by their names."""
    for member in _members(path):
        content = text(member)
        if _CONFIG_MAP.search(content):
            yield Live(
                member.name, dict(_config_map(content.decode("utf-8", "replace"), member.name)), is_config_map=True
            )
        elif _VALUES_FILE.search(member.name) or path.is_file():
            found = leaves(content.decode("utf-8", "replace"), member.name)
            values = {leaf.option: as_text(leaf.value) for leaf in found}
            if not values.keys() >= {"apiVersion", "kind"}:  # other objects are no values of a chart
                yield Live(member.name, values, is_config_map=False)


def _is_wanted(name: str) -> bool:
    return bool(_VALUES_FILE.search(name) or _CONFIG_FILE.search(name))


def _members(path: Path) -> Iterator[Member]:
    """Files that may hold what runs. Facts pass a chart's values over; here they are compared, and hidden if secret."""
    budget = Budget()
    folder = path.is_dir()
    inner = (file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink()) if folder else [path]
    with told(path):
        for file in inner:
            name = file.relative_to(path.parent).as_posix()
            budget.member(path.name)
            if not folder or _is_wanted(name):
                yield from _file_members(file, name, budget)


def _file_members(file: Path, name: str, budget: Budget) -> Iterator[Member]:
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_archive(head):
            yield from members(stream, name, _is_wanted, budget)
        else:
            budget.read(file.stat().st_size, name)
            yield Member(name, stream.read())


def _config_map(content: str, file: str) -> Iterator[tuple[str, str]]:
    """Settings of the ConfigMap ``cilium-config``, which may stand alone or as an item of a list."""
    settings = {leaf.option: leaf.value for leaf in leaves(content, file)}
    items = settings.get("items")
    for item in items if is_list(items) else ():
        if is_mapping(item) and item.get("metadata", {}).get("name") == "cilium-config":
            data: Mapping[str, object] = item.get("data") or {}
            yield from ((key, as_text(value)) for key, value in data.items())
    for option, value in settings.items():
        if option.startswith("data."):
            yield option.removeprefix("data."), as_text(value)
