"""Team files: what a team states about its platform, what it assumes and why, and where its cluster's facts lie."""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import polars as pl

from meshlab.cluster.facts import measurements
from meshlab.cluster.facts.measured import refuse_measurements
from meshlab.cluster.facts.recognise import HEAD_BYTES, is_unreadable, refuse
from meshlab.documents import (
    MAXIMUM_BYTES,
    TEAM_FILE_SHAPE,
    Mapping,
    Value,
    is_mapping,
    read_document,
    refuse_dump,
)
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import read_bounded, read_start
from meshlab.planning.migration import assumptions
from meshlab.scenario import cell_text, check_scenarios, inputs

NAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
"""Team names become folders and links: nothing that climbs, hides or needs escaping."""

KEYS = ("team", "cluster", "measured", "scenario", "assumptions", "needs", "terraform", "migration", "notes", "source")

LAYERS = ("typed", "raw")
"""What a team may demand of Terraform: an attribute for what it needs, or at least values passed on as they are."""

RESERVED_NAMES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "index",
        "assets",
        *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
    }
)
"""Names that a reports folder uses itself, or that Windows keeps for devices."""


class Assumption(msgspec.Struct, frozen=True):
    """A value that a team supposes rather than knows, and its reason."""

    value: object
    why: str


class Team(msgspec.Struct, frozen=True):
    """One team's statements, checked.

    Args:
        name: Name of the review's folder.
        file: The team file, as the user named it.
        stated: Values of declared inputs that the team knows.
        assumptions: Values of declared inputs that the team supposes.
        cluster: File, folder or archive whose facts fill what is not stated.
        measured: Files and folders of the team's own measurements.
        notes: Free text shown in the review.
        source: Where the stated facts come from.
        terraform: What the team demands of Terraform: typed, raw, or nothing.
        migration: The team's own figures for a move, by the names of ``data/migration/assumptions.csv``, and pod_cidr.
    """

    name: str
    file: str
    stated: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    assumptions: dict[str, Assumption] = msgspec.field(default_factory=dict[str, Assumption])
    cluster: Path | None = None
    measured: tuple[Path, ...] = ()
    notes: str = ""
    source: str = ""
    terraform: str | None = None
    migration: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])

    def value(self, name: str) -> Any:
        """The value of an input that the team states or supposes, of the input's type, or None."""
        assumed = self.assumptions.get(name)
        return self.stated.get(name, assumed.value if assumed else None)


def check_name(name: str) -> str | None:
    """What is wrong with a team's name, or None."""
    if not NAME_PATTERN.fullmatch(name) or ".." in name:
        return f"team {shorten(name)} cannot name a folder"
    if name.lower().partition(".")[0] in RESERVED_NAMES:
        return f"team {shorten(name)} is a reserved name"
    return None


TEAM_AT_MARGIN = re.compile(rb"""(?m)^["']?team["']?\s*:""")
TEAM_IN_BRACES = re.compile(rb"""[{,]\s*["']?team["']?\s*:""")
KUBERNETES_OBJECT = re.compile(rb""""(?:apiVersion|kind)"\s*:""")


def is_team(head: bytes) -> bool:
    """Whether a file that begins so has a team file's key; objects of a cluster may have such a label."""
    if head.lstrip().startswith(b"{"):
        return TEAM_IN_BRACES.search(head) is not None and KUBERNETES_OBJECT.search(head) is None
    return TEAM_AT_MARGIN.search(head) is not None


def _document(path: Path, content: bytes | None) -> Mapping:
    """The document of a team file; of another file that is known it is told what it is."""
    content = read_start(path, MAXIMUM_BYTES + 1) if content is None else content
    neither = MeshlabError(
        Problem(
            str(path),
            "is neither a team file nor a dump of a cluster",
            "give a file with a line such as 'team: payments' (docs/batch.md), or what kubectl get … -o json prints",
            1,
        )
    )
    try:
        document = read_document(path, content)
    except MeshlabError as error:
        if is_team(content):
            raise
        _refuse_other(path)
        if TEAM_FILE_SHAPE in str(error):
            raise neither from error
        raise
    if isinstance(document, Mapping) and "team" in document.values and "verdict" not in document.values:
        return document
    _refuse_other(path)
    if not isinstance(document, Mapping) or document.values.keys().isdisjoint(KEYS):
        raise neither
    return document


def _refuse_other(path: Path) -> None:
    """Refuse a file that is known and no team's, by what it is; others pass."""
    content = read_bounded(path, measurements.MAXIMUM_BYTES)
    refuse_measurements(content, str(path), "team")
    refuse_dump(content, str(path), "team file")
    if is_unreadable(content[:HEAD_BYTES]):
        deque(refuse(content, str(path)), maxlen=0)


def read_team(path: Path, content: bytes | None = None) -> Team:
    """A team file, checked against the declared inputs.

    Raises:
        MeshlabError: All problems of the file, each with its line.
    """
    file = str(path)
    document = _document(path, content)
    problems = [*_shape_problems(document, file), *_path_problems(document, path)]
    values: dict[str, object] = {}
    try:
        values = _checked_values(document, file)
    except MeshlabError as error:
        problems += error.problems
    if problems:
        raise MeshlabError(sorted(problems, key=lambda problem: problem.line or 0))
    assumptions = _mapping(document, "assumptions")
    return Team(
        name=str(document.values["team"]),
        file=file,
        stated={name: value for name, value in values.items() if name not in assumptions.values},
        assumptions={
            name: Assumption(values[name], _reason(entry))
            for name, entry in assumptions.values.items()
            if name in values
        },
        cluster=path.parent / str(document.values["cluster"]) if document.values.get("cluster") else None,
        measured=tuple(path.parent / name for name in _measured(document)),
        notes=str(document.values.get("notes") or "").strip(),
        source=str(document.values.get("source") or "").strip(),
        terraform=cast("str | None", document.values.get("terraform")),
        migration=dict(_mapping(document, "migration").values),
    )


def team_text(team: Team, folder: Path = Path()) -> str:
    """A team file that says the same of a team, as ``read_team`` reads it; its paths are relative to the folder.

    Raises:
        MeshlabError: The name cannot name a folder.
    """
    if fault := check_name(team.name):
        raise MeshlabError(Problem("team", fault, NAME_RULE))
    near = partial(os.path.relpath, start=folder)
    stated = {key: value for key, value in team.stated.items() if key != "needs" and value is not None}
    said: dict[str, object] = {
        "team": team.name,
        "source": team.source,
        "notes": team.notes,
        "cluster": near(team.cluster) if team.cluster else "",
        "measured": [near(path) for path in team.measured],
        "scenario": stated,
        "needs": team.stated.get("needs"),
        "assumptions": {name: {"value": item.value, "why": item.why} for name, item in team.assumptions.items()},
        "terraform": team.terraform,
        "migration": team.migration,
    }
    # no needs are something that is said; an empty part of another kind is not
    lines = [(key, value) for key, value in said.items() if value or (key == "needs" and value is not None)]
    return "".join(map(_entry, *zip(*lines, strict=True)))


def _entry(key: str, value: object) -> str:
    """One entry of a team file: a value in JSON is the same in YAML, and quotes what would be read as another."""
    if not is_mapping(value):
        return f"{key}: {json.dumps(value)}\n"
    return f"{key}:\n" + "".join(f"  {name}: {json.dumps(inner)}\n" for name, inner in value.items())


def _mapping(document: Mapping, key: str) -> Mapping:
    value = document.values.get(key)
    return value if isinstance(value, Mapping) else Mapping()


def _reason(entry: Value) -> str:
    return str(entry.values["why"]).strip() if isinstance(entry, Mapping) else ""


NAME_RULE = "use up to 63 letters, digits, '-', '_' and single '.', beginning and ending with a letter or digit"

SHAPES: dict[str, tuple[type | tuple[type, ...], str, str]] = {
    "scenario": (Mapping, "is no mapping", "write 'scenario:' and below it lines such as 'nodes: 12'"),
    "assumptions": (Mapping, "is no mapping", "write 'assumptions:' and below it 'pods: {value: …, why: …}'"),
    "migration": (Mapping, "is no mapping", "write 'migration:' and below it 'reboot_minutes: [2, 3, 6]'"),
    "cluster": (str, "is not text", "give one path"),
    "measured": ((list, str), "is no list of files", "write it as [traces.json, prometheus.json]"),
    "notes": (str, "is not text", "give one line, or a block after '|'"),
    "source": (str, "is not text", "give one line, or a block after '|'"),
    "terraform": (str, "is not text", "give typed or raw"),
    "needs": ((list, str), "is no list", "write it as [mtls, l7_observability]"),
}
"""What each key of a team file holds: its shape unless empty, what is said of another one, and what to do."""


def _shape_problems(document: Mapping, file: str) -> Iterator[Problem]:
    faults = [*_key_faults(document), *_name_faults(document.values.get("team"))]
    yield from (Problem(file, what, todo, document.lines.get(key, document.line)) for key, what, todo in faults)
    stated = _mapping(document, "scenario")
    for key, todo in (("scenario", "the team's name names it"), ("needs", "state them beside 'scenario:'")):
        if key in stated.values:
            yield Problem(file, f"{key!r} does not belong under 'scenario:'", todo, stated.lines[key])
    yield from _assumption_problems(_mapping(document, "assumptions"), stated, file)
    own = _mapping(document, "migration")
    yield from (Problem(file, what, todo, own.lines[key]) for key, what, todo in assumptions.faults(own.values))


def _key_faults(document: Mapping) -> Iterator[tuple[str, str, str]]:
    """Keys that nobody declared and values of another shape: key, what is wrong, what to do."""
    for key, value in document.values.items():
        if key not in KEYS:
            hint = f"{key!r} belongs under 'scenario:'" if key in inputs() else did_you_mean(key, KEYS)
            yield key, f"unknown key {shorten(key)}", hint
        elif key in SHAPES and value is not None and not isinstance(value, SHAPES[key][0]):
            yield key, f"{key!r} {SHAPES[key][1]}", SHAPES[key][2]
        elif key == "terraform" and value not in (None, *LAYERS):
            yield key, f"terraform is {shorten(value)}", did_you_mean(str(value), LAYERS)


def _name_faults(name: Value) -> Iterator[tuple[str, str, str]]:
    if not isinstance(name, str) or not name:
        yield "team", "the team has no name", "add a line such as 'team: payments'"
    elif fault := check_name(name):
        yield "team", fault, NAME_RULE


def _assumption_problems(assumptions: Mapping, stated: Mapping, file: str) -> Iterator[Problem]:
    for name, entry in assumptions.values.items():
        line = assumptions.lines[name]
        if not _is_assumption(entry):
            todo = f"write '{name}: {{value: …, why: …}}'"
            yield Problem(file, f"assumption {shorten(name)} lacks its value or its reason", todo, line)
        if name in stated.values:
            yield Problem(file, f"{name!r} is both stated and assumed", "keep one of them", line)


def _is_assumption(entry: Value) -> bool:
    """Whether the entry has a value and a reason, and nothing else."""
    if not isinstance(entry, Mapping) or set(entry.values) != {"value", "why"}:
        return False
    why = entry.values["why"]
    return entry.values["value"] is not None and isinstance(why, str) and bool(why.strip())


def _checked_values(document: Mapping, file: str) -> dict[str, object]:
    """Values of scenario, needs and assumptions together, through the same check as any scenario."""
    scenario, assumptions = _mapping(document, "scenario"), _mapping(document, "assumptions")
    cells: dict[str, Value] = dict(scenario.values)
    lines = dict(scenario.lines)
    if isinstance(document.values.get("needs"), str | list):
        cells["needs"], lines["needs"] = document.values["needs"], document.lines["needs"]
    for name, entry in assumptions.values.items():
        if isinstance(entry, Mapping) and _is_assumption(entry):
            cells[name], lines[name] = entry.values["value"], assumptions.lines[name]
    cells["scenario"] = "team"  # the team's name is checked as such, more strictly than a scenario's
    frame = pl.DataFrame(
        {name: [cell_text(value)] for name, value in cells.items()}, schema=dict.fromkeys(cells, pl.String())
    )
    row = check_scenarios(frame, file, lambda _row, column: lines.get(column), "input").row(0, named=True)
    return {name: row[name] for name in inputs() if row[name] is not None}


def _measured(document: Mapping) -> list[str]:
    """Paths of measurements as the file names them; one alone needs no list."""
    named = document.values.get("measured")
    return [named] if isinstance(named, str) else [str(each) for each in named] if isinstance(named, list) else []


def _path_problems(document: Mapping, path: Path) -> Iterator[Problem]:
    cluster = document.values.get("cluster")
    named = [("cluster", cluster)] if isinstance(cluster, str) and cluster else []
    for key, name in [*named, *(("measured", each) for each in _measured(document))]:
        if not _exists(path.parent / name):
            what, todo = f"{key} {shorten(name)} does not exist", "give a path relative to the team file"
            yield Problem(str(path), what, todo, document.lines[key])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False
