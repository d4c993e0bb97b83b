"""Hand-written YAML and JSON, read as text with the line of every value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.documents import MAXIMUM_BYTES, Mapping, Value, read_document
from meshlab.errors import MeshlabError


def read(folder: Path, content: str | bytes, name: str = "team.yaml") -> Value:
    """The content, written to a file and read back."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path)


def plain(value: Value) -> object:
    """The value without its lines."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.values.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def fault(folder: Path, content: str | bytes, name: str = "team.yaml") -> str:
    """The one line with which a content is refused, after the folder's name."""
    with pytest.raises(MeshlabError) as caught:
        read(folder, content, name)
    (problem,) = caught.value.problems
    return str(problem).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("kernel: 5.10", {"kernel": "5.10"}),
        ("answer: no", {"answer": "no"}),
        ("empty:\nnull: ~", {"empty": None, "null": None}),
        ("quoted: 'null'", {"quoted": "null"}),
        ("needs: [mtls, udp]", {"needs": ["mtls", "udp"]}),
        ("a: {b: {c: 1e3}}", {"a": {"b": {"c": "1e3"}}}),
        ("\ufeffa: 1", {"a": "1"}),
        ("base: &b {x: 1}\ncopy: *b", {"base": {"x": "1"}, "copy": {"x": "1"}}),
        ("!!python/object/apply:os.system [ls]", ["ls"]),
    ],
)
def test_values_stay_text(tmp_path: Path, content: str, value: object) -> None:
    """Nothing is made of a value but text, nothing, a list or a mapping."""
    assert plain(read(tmp_path, content)) == value


def test_every_key_knows_its_line(tmp_path: Path) -> None:
    """Lines count from one and point at the key, in nested mappings as well."""
    document = read(tmp_path, "team: a\nscenario:\n\n  nodes: 3\n  pods: 4\nneeds: []\n")
    assert isinstance(document, Mapping)
    assert document.lines == {"team": 1, "scenario": 2, "needs": 6}
    scenario = document.values["scenario"]
    assert isinstance(scenario, Mapping)
    assert scenario.lines == {"nodes": 4, "pods": 5}


JSON_VALUES = st.recursive(
    st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc\U0001f600", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_json_reads_back(
    tmp_path_factory: pytest.TempPathFactory, value: object, ascii_only: bool, indent: object
) -> None:
    """Whatever JSON can say is read as it was meant, escaped or not, indented by spaces or tabs."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)  # type: ignore[arg-type]
    assert plain(read(tmp_path_factory.mktemp("json"), text, "rows.json")) == value


def test_escaped_backslash_before_u_is_no_escape(tmp_path: Path) -> None:
    """A backslash that stands for itself does not make a character of what follows."""
    value = ["\\ud83d\\ude00", "\\\U0001f600"]
    assert plain(read(tmp_path, json.dumps(value), "rows.json")) == value


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: 1\nb: [1\n", "team.yaml:3: is not YAML"),
        ("a: 1\n  b: 2\n", "team.yaml:2: is not YAML"),
        ("a: 1\nb: 2\na: 3\n", "team.yaml:3: key 'a' stands twice"),
        ("a: 1\n---\nb: 2\n", "team.yaml:2: is not YAML"),
        ("? [a, b]\n: 3\n", "team.yaml:1: a key is no text"),
        ("a: \x00", "team.yaml: is not YAML: unacceptable character"),
        (b"a: 1\nb: \xff\n", "team.yaml:2: is not UTF-8"),
        ("*nobody", "team.yaml:1: is not YAML: found undefined alias"),
    ],
)
def test_broken_document_is_refused_at_its_line(tmp_path: Path, content: str | bytes, line: str) -> None:
    """A broken document is one problem that names the line and ends in something to do."""
    message = fault(tmp_path, content)
    assert message.startswith(line)
    assert "; " in message


@pytest.mark.parametrize("content", ["[" * 200_000, "- " * 9000 + "a", "{a: " * 200_000, "a: &x [*x]", "a: &x {b: *x}"])
def test_deep_nesting_is_refused(tmp_path: Path, content: str) -> None:
    """Nesting that would overflow the parser's stack is an error message and no crash."""
    assert "nested too deeply" in fault(tmp_path, content)


def test_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    """A few hundred characters cannot unfold to billions of values."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 60)}]\n" for n in range(1, 7))
    assert "aliases" in fault(tmp_path, bomb)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is said to do so."""
    with pytest.raises(MeshlabError, match="no such file; check the path"):
        read_document(tmp_path / "absent.yaml")
    with pytest.raises(MeshlabError, match="cannot be read"):
        read_document(tmp_path)


def test_large_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    """A file beyond the limit is no file that somebody wrote by hand."""
    assert "larger than 4 MiB" in fault(tmp_path, b"#" * (MAXIMUM_BYTES + 1))


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#? \n\t\\,", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text brings anything but text, lists and mappings, or a MeshlabError."""
    try:
        value = plain(read(tmp_path_factory.mktemp("any"), text))
    except MeshlabError:
        return
    assert set(types_in(value)) <= {str, list, dict}


def types_in(value: object) -> Iterator[type]:
    """Types of a value and of everything in it, nothing apart."""
    if value is not None:
        yield type(value)
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from types_in(item)
