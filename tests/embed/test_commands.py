"""The commands ``chart`` and ``embed`` as a script calls them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from meshlab.run.cli import main
from meshlab.show.charts import CATALOGUE


def status(*arguments: object) -> int:
    """Exit status of a call."""
    with pytest.raises(SystemExit) as caught:
        main.main([str(argument) for argument in arguments])
    return int(caught.value.code or 0)


def test_every_chart_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The list names every chart with a line, for a person and for a script."""
    assert status("chart", "--list") == 0
    listed = capsys.readouterr().out
    assert all(f"| {name} " in listed for name in CATALOGUE)
    assert status("chart", "--list", "--format", "json") == 0
    assert [row["chart"] for row in json.loads(capsys.readouterr().out)] == list(CATALOGUE)


def test_charts_of_teams_in_one_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Charts of teams are written under their names, and each is told with its words for readers who do not see it."""
    out = tmp_path / "{team}-{chart}.csv"
    teams = ("--team", "online-boutique", "--team", "wikikube-eqiad")
    assert status("chart", "memory", "cost", *teams, "--out", out, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "online-boutique-cost.csv",
        "online-boutique-memory.csv",
        "wikikube-eqiad-cost.csv",
        "wikikube-eqiad-memory.csv",
    ]
    assert all("10 to 90 %" in each["alternative_text"] and len(each["inputs_sha256"]) == 64 for each in told)


def test_a_wrong_call_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown chart or team, or no file to write, has status 2 and tells the nearest."""
    assert status("chart", "memroy", "--team", "online-bouquet", "--out", tmp_path / "x.md") == 2
    told = capsys.readouterr().err
    assert "did you mean 'memory'?" in told
    assert "did you mean 'online-boutique'?" in told
    assert status("chart", "memory") == 2
    assert not list(tmp_path.iterdir())


def test_exit_statuses_of_embed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check has status 1 where a block is stale, 0 when it is filled, 2 where it is wrong."""
    file = tmp_path / "a.md"
    text = "<!-- meshlab table=cost team=online-boutique -->\n<!-- /meshlab -->\n"
    file.write_text(text, encoding="utf-8")
    assert status("embed", "--check", file) == 1
    assert file.read_text(encoding="utf-8") == text
    assert "is stale: it is empty; run 'meshlab embed" in capsys.readouterr().err
    assert status("embed", file) == 0
    assert status("embed", "--check", file) == 0
    file.write_text(text.replace("cost", "cots"), encoding="utf-8")
    assert status("embed", file) == 2
    assert capsys.readouterr().err.startswith(f"meshlab: error: {file}:1: unknown table 'cots'")


def test_what_to_run_mends_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command that a check prints fills the document as it stands there, folder of teams and spaces included."""
    teams, file = tmp_path / "our teams", tmp_path / "a.md"
    teams.mkdir()
    (teams / "t.yaml").write_text("team: t\nscenario: {pods: 100}\n", encoding="utf-8")
    file.write_text("<!-- meshlab table=memory team=t -->\n<!-- /meshlab -->\n", encoding="utf-8")
    assert status("embed", "--check", file, "--teams", teams) == 1
    told = re.search(r"; run '(meshlab embed .*)'$", capsys.readouterr().err.strip())
    assert told
    assert status(*shlex.split(told[1])[1:]) == 0
    assert status("embed", "--check", file, "--teams", teams) == 0
