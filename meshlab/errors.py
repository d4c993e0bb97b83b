"""One family of errors: what a user's input got wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOGIN = re.compile(r"(?<=:/)(/?)[^\s/@:]*:[^\s/@]*@")
"""What stands before the host of a URL, also of one that was taken for a path and has lost a slash."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one input.

    Args:
        file: The file, as the user named it, or a word for the place where there is no file.
        what: What is wrong, with the value that was given.
        todo: What to do about it.
        line: Line in the file, counted from 1, where it is known.
    """

    file: str
    what: str
    todo: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """``FILE[:LINE]: what is wrong; what to do about it``, always on one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{self.what}; {self.todo}" if self.todo else self.what
        return printable(f"{place}: {text}" if place else text)


class MeshlabError(ValueError):
    """The input or the call is wrong. It carries every problem that was found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[MeshlabError], tuple[tuple[Problem, ...]]]:
        """Rebuild from the problems, so that an error survives the way back from a worker process."""
        return (type(self), (self.problems,))


@contextmanager
def from_extra(extra: str, place: str) -> Generator[None]:
    """A block that imports what an extra of the package brings: where it is missing, its user is told what to install.

    Args:
        extra: Of ``pip install 'meshlab[extra]'``.
        place: What was asked for: a command, an option or a function.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        what, todo = f"{error.name} is not installed", f"run: pip install 'meshlab[{extra}]'"
        raise MeshlabError(Problem(place, what, todo)) from None


def problems_of(error: BaseException, place: str) -> tuple[Problem, ...]:
    """What went wrong in one of many things, whatever its type, so that it is told and the others are done.

    An error of ours is told by its place: its own words may quote what the input holds.

    Args:
        error: The error.
        place: A word for what it befell, such as the team's file; empty for the whole run.
    """
    if isinstance(error, MeshlabError):
        return error.problems
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ConnectionError):
        # a file of the user's, or a disk: the system's words say which
        return (Problem(str(error.filename or place), error.strerror, "check path, space and rights"),)
    if isinstance(error, MemoryError):
        return (Problem(place, "needs more memory than there is", "give less at a time"),)
    package = Path(__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(package)]
    where = f" at {Path(ours[-1].filename).relative_to(package).as_posix()}:{ours[-1].lineno}" if ours else ""
    what = f"unexpected {type(error).__name__}{where}"
    return (Problem(place, what, f"run{' it alone' if place else ' again'} with --debug and report it"),)


def unicode_text(name: str) -> str:
    """A file's name as text; bytes of it that are not UTF-8 become replacement characters."""
    return _SURROGATE.sub("\ufffd", name)


def printable(text: str) -> str:
    """Text of a hostile input on one line: control characters shown by their code, never sent to a terminal.

    A name and password in a URL are not shown.
    """
    shown = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return _LOGIN.sub(r"\1…@", shown)


def shorten(value: object, limit: int = 80) -> str:
    """A value as it is quoted in a message: its ``repr``, cut to ``limit`` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to ``word``, or None where nothing comes close."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


MOST_NAMES = 40
"""Known names that a message lists; of more it gives a few and their number."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the nearest one, or the list of all, if they are few."""
    names = list(known)
    if close := nearest(word, names):
        return f"did you mean {close!r}?"
    if len(names) > MOST_NAMES:
        return f"{len(names)} names are known, such as {', '.join(names[:5])}"
    return f"known: {', '.join(names)}"
