"""What a document may name: teams by their name, and files within its own project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.cases import example_teams


def project_of(document: Path) -> Path:
    """The folder that a document's paths may not leave: its repository, or else the folder that it lies in."""
    folder = document.resolve().parent
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def file_of(document: Path, path: str, line: int) -> Path:
    """A file that a document names.

    Args:
        document: The document.
        path: Relative to it.
        line: Line of the block.

    Raises:
        MeshlabError: There is no such file, or it lies outside of the document's project.
    """
    file = document.parent / path
    try:
        inside = file.resolve().is_relative_to(project_of(document))
        exists = inside and file.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a zero byte
        inside, exists = True, False
    if not inside:
        what, todo = f"{shorten(path)} lies outside of the document's project", "name a file within it"
        raise MeshlabError(Problem(str(document), what, todo, line))
    if not exists:
        names = _names(file.parent)
        todo = did_you_mean(file.name, names) if names else "give a path relative to the document"
        raise MeshlabError(Problem(str(document), f"there is no file {shorten(path)}", todo, line))
    return file


def _names(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir())
    except (OSError, ValueError):
        return []


def team_of(document: Path, team: str, line: int, teams: Path | None = None) -> Path:
    """The file of a team that a document names.

    Args:
        document: The document.
        team: A name, or a path relative to the document.
        line: Line of the block.
        teams: A folder of team files, or of reports, whose names are known beside those of the example teams.

    Raises:
        MeshlabError: There is no such team.
    """
    if "/" in team or "\\" in team or Path(team).suffix in (".yaml", ".yml", ".json"):
        return file_of(document, team, line)
    known = {file.stem: file for file in sorted(example_teams().glob("*.yaml"))} | dict(_named(teams))
    if team not in known:
        what = f"unknown team {shorten(team)}"
        raise MeshlabError(Problem(str(document), what, did_you_mean(team, known), line))
    return known[team]


def _named(teams: Path | None) -> Iterator[tuple[str, Path]]:
    for file in sorted(teams.iterdir()) if teams else ():
        if file.suffix in (".yaml", ".yml"):
            yield file.stem, file
        elif (file / "review.json").is_file():
            yield file.name, file / "review.json"
