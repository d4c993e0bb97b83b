"""From paths to cases: which teams there are, what each states, and where the value of every input comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab import __version__
from meshlab.cache import cached
from meshlab.cluster.audit import findings_of
from meshlab.cluster.audit.inventory import read_inventory
from meshlab.cluster.facts import is_dump, scenario_values, stand_ins
from meshlab.cluster.facts.files import SMALL_BYTES, Opened, Source
from meshlab.cluster.facts.inferred_inputs import with_parts
from meshlab.cluster.facts.read import facts_from, nature
from meshlab.documents import MAXIMUM_BYTES, is_list
from meshlab.errors import MeshlabError, Problem
from meshlab.files import digest, read_most
from meshlab.models import decision
from meshlab.planning.migration.survey import survey_of
from meshlab.reviews.record import Disagreement, Row
from meshlab.reviews.team import Team, is_team, read_team
from meshlab.scenario import Status, frame_of, inputs
from meshlab.tables import data_path

if TYPE_CHECKING:
    from meshlab.reviews.measured import Measured


class Given(msgspec.Struct, frozen=True):
    """Where the value of one input comes from.

    Args:
        value: The value, or None where it is unknown.
        status: Where that is.
        source: The file, or the reason where it is an assumption or a stand-in.
    """

    value: object
    status: Status
    source: str | None


class Case(msgspec.Struct, frozen=True):
    """A team with its facts read, ready for the models."""

    team: Team
    facts: Row | None
    given: dict[str, Given]
    disagreements: tuple[Disagreement, ...]
    findings: list[Row] | None = None
    survey: Row | None = None
    own: Row | None = None
    """Files of measurements, figures of them for the models, calls, and inputs as they would be without them."""


# --- from paths to teams -------------------------------------------------------------------------------------------


def find_teams(paths: Sequence[Path]) -> list[Path]:
    """Team files and dumps among ``paths``; a folder of team files gives each of them.

    Raises:
        MeshlabError: A path does not exist, or is a folder that holds neither teams nor a dump.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            teams = [
                file for file in sorted(path.iterdir()) if file.suffix in (".yaml", ".yml") and not _is_dump_file(file)
            ]
            if any(map(_names_a_team, teams)):
                found += teams
            elif is_dump(path):
                found.append(path)
            else:
                problems.append(Problem(str(path), "holds neither team files nor a dump", "see docs/batch.md for both"))
        elif path.exists():
            found.append(path)
        else:
            problems.append(Problem(str(path), "no such file or folder", "check the path"))
    if problems:
        raise MeshlabError(problems)
    return found


def _is_dump_file(path: Path) -> bool:
    return not _names_a_team(path) and is_dump(path)


def _names_a_team(path: Path) -> bool:
    try:
        return path.is_file() and is_team(read_most(path, SMALL_BYTES))
    except OSError:
        return False


def open_path(path: Path, admit: Callable[[Team], None] = lambda _: None, measured: Sequence[Path] = ()) -> Case:
    """The case of a team file, or of a dump, which stands as a team of its own; a file is opened once.

    ``admit`` is shown the team before its cluster is read, and may refuse it; ``measured`` are files beside those that
    the team file names.

    Raises:
        MeshlabError: The path is neither, is wrong or cannot be read.
    """

    def admitted(team: Team) -> Team:
        admit(team)
        return replace(team, measured=(*team.measured, *measured)) if measured else team

    if not path.is_file():
        return open_case(admitted(_team_of_dump(path) if path.is_dir() else read_team(path)))
    with Opened(path) as file:
        if is_team(file.head) or nature(file.head) != "dump":
            return open_case(admitted(read_team(path, file.read(MAXIMUM_BYTES + 1))))
        return open_case(admitted(_team_of_dump(path)), read_cluster(file))


def _team_of_dump(path: Path) -> Team:
    """The team that a dump stands for, named after its file."""
    stem = path.name.partition(".")[0] if path.is_file() else path.resolve().name
    name = re.sub(r"[^A-Za-z0-9-]+", "-", stem).strip("-")[:63].strip("-") or "cluster"
    return Team(name=name, file=str(path), cluster=path)


def example_teams() -> Path:
    """Folder of the example teams."""
    return data_path("teams")


# --- from teams to cases -------------------------------------------------------------------------------------------


class Cluster(msgspec.Struct, frozen=True):
    """What a dump shows of a cluster: facts, findings of the audit, and what a migration needs to know."""

    facts: Row | None
    findings: list[Row] | None
    survey: Row | None


NO_CLUSTER = Cluster(None, None, None)
"""What is known where there is no dump."""


def read_cluster(path: Source) -> Cluster:
    """What a dump shows; each of its files is opened once.

    Args:
        path: A file, folder or archive, or a file that is open already.

    Raises:
        MeshlabError: It cannot be read, or shows nothing of a cluster.
    """
    inventory = read_inventory([path], may_be_empty=False)
    return Cluster(facts_from(inventory.answers, [path]), findings_of(inventory), survey_of(inventory))


def open_case(team: Team, cluster: Cluster | None = None) -> Case:
    """Settle where every input comes from: stated, then measured, then assumed, then the facts of the team's cluster.

    Raises:
        MeshlabError: The cluster's dump or a file of measurements cannot be read, or holds nothing of use.
    """
    if cluster is None:
        cluster = read_cluster(team.cluster) if team.cluster else NO_CLUSTER
    supplied = scenario_values(cluster.facts) if cluster.facts else {}
    known = {**stand_ins(cluster.facts), **supplied} if cluster.facts else {}
    own = _own(team)
    given: dict[str, Given] = {}
    without: dict[str, object] = {}
    disagreements: list[Disagreement] = []
    for name in inputs():
        if name in team.stated:
            # the name alone: reports travel, the folders of the machine that made them do not
            given[name] = Given(team.stated[name], "stated", team.source or Path(team.file).name)
        elif name in team.assumptions:
            given[name] = Given(team.assumptions[name].value, "assumed", team.assumptions[name].why)
        elif name in known:
            given[name] = Given(known[name].value, known[name].status, known[name].source)
        measured = own.supplied.get(name) if own else None
        if measured and (name not in given or given[name].status in LESS_THAN_MEASURED):
            without[name] = given[name].value if name in given else None
            given[name] = Given(measured.value, "measured", measured.source)
        disagreements += [
            Disagreement(input=name, used=given[name].value, found=found.value, source=found.source)
            for found in (supplied.get(name), measured)
            if found and _disagree(given[name].value, found.value)
        ]
    if "cloud" not in given and (cloud := _cloud(given)):
        given["cloud"] = cloud
    kept = own and {"files": own.files, "rows": own.rows, "calls": own.calls, "without": without}
    return Case(team, cluster.facts, given, tuple(disagreements), cluster.findings, cluster.survey, kept)


def _cloud(given: Mapping[str, Given]) -> Given | None:
    """The platform, where an edition of what runs can be had on one alone."""
    for side in ("cni", "mesh"):
        product, edition = (given.get(name) for name in (f"current_{side}", f"current_{side}_edition"))
        if product and edition:
            options = decision.load_tables().editions(side, str(product.value))
            mine = [option for option in options if option.edition == edition.value]
            platforms = sorted(set[str]().union(*(option.platforms for option in mine)))
            if len(platforms) == 1 and platforms[0] in inputs()["cloud"].choices:
                return Given(platforms[0], "inferred", f"{mine[0].label} can be had there alone")
    return None


def with_values(case: Case, values: Mapping[str, object]) -> Team:
    """The team of a case with other values of its inputs; what has not changed keeps where it comes from.

    An input that is missing among the values is no longer stated.
    """
    team, given = case.team, case.given
    same = {name for name, value in values.items() if name in given and given[name].value == value}
    found = {name for name in same if given[name].status not in ("stated", "assumed")}
    assumptions = {name: item for name, item in team.assumptions.items() if name in same}
    kept_apart = found | assumptions.keys()
    return replace(
        team,
        stated={name: value for name, value in values.items() if name not in kept_apart},
        assumptions=assumptions,
    )


def scenarios_of(cases: Sequence[Case]) -> pl.DataFrame:
    """The scenarios of cases, under the names of their teams, as the models take them."""
    return frame_of(
        [{"scenario": case.team.name, **{name: item.value for name, item in case.given.items()}} for case in cases]
    )


def by_coefficients(
    frame: pl.DataFrame, calibrated: Mapping[str, pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame | None]]:
    """Scenarios of the fitted coefficients, None, and those with coefficients of their own, by their names."""
    fitted = frame.filter(~pl.col("scenario").is_in(list(calibrated)))
    parts = [(fitted, None), *((frame.filter(scenario=name), table) for name, table in calibrated.items())]
    yield from ((part, table) for part, table in parts if part.height)


LESS_THAN_MEASURED = ("assumed", "inferred", "stand-in")
"""Where a value comes from that own measurements replace; what a team states or a dump counts, they do not."""


def _own(team: Team) -> Measured | None:
    """What the team measured; None where it names no file."""
    if not team.measured:
        return None
    from meshlab.reviews.measured import read_all

    return read_all(team.measured)


def _disagree(used: object, found: object) -> bool:
    """Whether a team's value and the cluster's contradict each other; needs beyond those in use do not."""
    if is_list(used) and is_list(found):
        return not with_parts(used).issuperset(found)
    return used != found


def inputs_sha256(case: Case, tables: decision.Tables | None = None) -> str:
    """Hash of everything that a review is made of: it is known before any model runs."""
    laid_over = [list(map(str, change.items())) for change in tables.changes] if tables else []
    team = case.team
    given = {name: [item.value, item.status, item.source] for name, item in case.given.items()}
    return digest(
        [
            team.name,
            team.notes,
            team.source,
            team.terraform,
            team.migration,
            given,
            case.facts,
            case.findings,
            case.survey,
            case.own,
            laid_over,
            __version__,
            data_sha256(),
        ]
    )


@cached
def data_sha256() -> str:
    """Hash of every table that the models and the decision read."""
    files = sorted(path for path in data_path("").rglob("*.csv"))
    return digest([[file.relative_to(data_path("")).as_posix(), file.read_text(encoding="utf-8")] for file in files])
