"""The family of errors: what a person reads when an input is wrong."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.errors import MeshlabError, Problem, did_you_mean, nearest, printable, shorten


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("a.csv", "is empty", "add a row", 3), "a.csv:3: is empty; add a row"),
        (Problem("a.csv", "is empty", "add a row"), "a.csv: is empty; add a row"),
        (Problem("a.csv", "is empty"), "a.csv: is empty"),
        (
            Problem("http:/me:pass@host/a", "'https://me:pass@host' is no file"),
            "http:/…@host/a: 'https://…@host' is no file",
        ),
        (Problem("http://host:80/a@b", "is x"), "http://host:80/a@b: is x"),
    ],
)
def test_problem_reads_as_one_line(problem: Problem, line: str) -> None:
    """A problem names file, line, what is wrong and what to do, as far as they are known."""
    assert str(problem) == line


@given(st.builds(Problem, st.text(), st.text(), st.text(), st.none() | st.integers(1)))
def test_problem_never_breaks_its_line(problem: Problem) -> None:
    """No text of an input moves a terminal's cursor or begins a second line."""
    assert str(problem).isprintable()


@given(st.text())
def test_printable_keeps_what_can_be_printed(text: str) -> None:
    """Printable characters stay as they are, and printing twice changes nothing more."""
    shown = printable(text)
    assert printable(shown) == shown
    assert not text.isprintable() or shown == text


def test_printable_shows_control_characters_by_their_code() -> None:
    """An escape sequence arrives as text."""
    assert printable("\x1b[31mred\n") == "\\x1b[31mred\\x0a"


@given(st.text() | st.integers(), st.integers(5, 100))
def test_shorten_keeps_to_its_limit(value: object, limit: int) -> None:
    """A quoted value never takes more characters than allowed, and is whole where it fits."""
    quoted = shorten(value, limit)
    assert len(quoted) <= limit
    assert quoted == repr(value) or quoted.endswith("…")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("nodez", "nodes"), ("node", "nodes"), ("latencey", "latency"), ("xyzzy", None), ("", None)],
)
def test_nearest_finds_the_misspelt_name(word: str, expected: str | None) -> None:
    """A slip of the keyboard finds its name; what resembles nothing finds none."""
    assert nearest(word, ["pods", "nodes", "latency"]) == expected


def test_did_you_mean_lists_all_names_where_none_is_near() -> None:
    """Somebody who guessed wildly is told everything that there is."""
    assert did_you_mean("xyzzy", ["pods", "nodes"]) == "known: pods, nodes"
    assert did_you_mean("podz", iter(["pods", "nodes"])) == "did you mean 'pods'?"


def test_error_carries_every_problem() -> None:
    """An error is the list of its problems, one line each, and is a ValueError."""
    problems = (Problem("a", "x"), Problem("b", "y"))
    error = MeshlabError(iter(problems))
    assert error.problems == problems
    assert str(error) == "a: x\nb: y"
    assert isinstance(error, ValueError)


def test_error_survives_the_way_from_a_worker() -> None:
    """Pickling keeps every problem with its line."""
    error = MeshlabError([Problem("a", "x", "y", 3), Problem("b", "z")])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert copy.problems == error.problems
    assert str(copy) == str(error)


def test_of_many_known_names_a_message_gives_a_few() -> None:
    """A message stays one readable line, however many names there are."""
    text = did_you_mean("zzz", [f"name{n}" for n in range(1000)])
    assert text == "1000 names are known, such as name0, name1, name2, name3, name4"
