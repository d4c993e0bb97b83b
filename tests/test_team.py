"""Team files: what is read from a good one, and everything that a bad one can get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.errors import MeshlabError
from meshlab.reviews.team import RESERVED_NAMES, Assumption, Team, check_name, read_team
from meshlab.tables import data_path

GOOD = """\
team: payments
cluster: dumps/prod.json
scenario: {services: 120, l7_traffic_share: 0.2, kernel_oldest: 5.10, greenfield: no}
assumptions:
  requests_per_second: {value: 42000, why: last year's peak}
needs: [mtls, l7_observability]
source: our own cluster
notes: |
  free text
"""


def write(folder: Path, content: str) -> Path:
    """A team file with that content, beside a dump that it may name."""
    (folder / "dumps").mkdir(exist_ok=True)
    (folder / "dumps" / "prod.json").touch()
    path = folder / "team.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def faults(folder: Path, content: str) -> list[str]:
    """The lines with which a team file is refused, after its name and before what to do."""
    path = write(folder, content)
    with pytest.raises(MeshlabError) as caught:
        read_team(path)
    assert all(problem.todo for problem in caught.value.problems)
    return [str(problem).removeprefix(str(path)).partition("; ")[0] for problem in caught.value.problems]


def test_good_file_says_what_it_says(tmp_path: Path) -> None:
    """Every statement, assumption and note of a team file arrives, typed and apart."""
    assert read_team(write(tmp_path, GOOD)) == Team(
        name="payments",
        file=str(tmp_path / "team.yaml"),
        stated={
            "services": 120,
            "l7_traffic_share": 0.2,
            "greenfield": False,
            "kernel_oldest": "5.10",
            "needs": ["mtls", "l7_observability"],
        },
        assumptions={"requests_per_second": Assumption(42000.0, "last year's peak")},
        cluster=tmp_path / "dumps" / "prod.json",
        notes="free text",
        source="our own cluster",
    )


def test_name_alone_is_a_team(tmp_path: Path) -> None:
    """A team that states nothing has nothing stated, and no default has crept in."""
    path = write(tmp_path, "team: a\nscenario:\nnotes:\ncluster: ''\n")
    assert read_team(path) == Team(name="a", file=str(path))


@pytest.mark.parametrize(
    ("needs", "stated"),
    [("needs: []", {"needs": []}), ("needs:", {}), ("needs: udp", {"needs": ["udp"]}), ("", {})],
)
def test_no_needs_and_unknown_needs_are_two_answers(tmp_path: Path, needs: str, stated: dict[str, object]) -> None:
    """An empty list says that nothing is needed; an empty or absent line says nothing."""
    assert read_team(write(tmp_path, f"team: a\n{needs}\n")).stated == stated


@pytest.mark.parametrize("name", ["payments", "a", "Team-1", "eu_west.2", "x" * 63, "0"])
def test_plain_name_is_accepted(name: str) -> None:
    """Letters, digits and what divides them make a name."""
    assert check_name(name) is None


HOSTILE_NAMES = [
    *("../x", "..", ".", "/etc/passwd", "a/b", "a\\b", "C:", "~", ".hidden", "trailing.", "a..b"),
    *("<script>", "a<b>", 'a"b', "a'b", "a&b", "a b", " a", "a ", "a\nb", "a\x00b", "a%2f", "a;b", "$HOME", "-rf"),
    *("é", "ａ", "\u202eabc", "x" * 64, ""),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_name_that_climbs_or_needs_escaping_is_refused(name: str) -> None:
    """A name that leaves its folder, hides, or must be escaped in a page or a shell is no team's name."""
    assert check_name(name) is not None


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "CON", "Index", "index.html", "nul.txt", "COM1"])
def test_reserved_name_is_refused(name: str) -> None:
    """What the reports folder uses itself, or what Windows keeps for devices, is no team's name, in any case."""
    assert "reserved" in str(check_name(name))


@given(st.text(max_size=70) | st.text("abcXYZ019._-", max_size=70))
def test_accepted_name_is_one_plain_folder(name: str) -> None:
    """Whatever name is accepted is a single path component of safe characters that does not hide."""
    if check_name(name) is None:
        assert Path("/reports", name).resolve().parent == Path("/reports")
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        assert not name.startswith((".", "-"))


def test_hostile_name_in_a_file_is_shown_and_refused(tmp_path: Path) -> None:
    """A hostile name is quoted in the message as it was given, on one line, at its line."""
    assert faults(tmp_path, "# first line\nteam: ../x\n") == [":2: team '../x' cannot name a folder"]
    assert faults(tmp_path, "team: <script>\n") == [":1: team '<script>' cannot name a folder"]
    assert faults(tmp_path, 'team: "a\\nb"\n') == [":1: team 'a\\nb' cannot name a folder"]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """One reading of a bad team file tells everything that is wrong with it, in the order of its lines."""
    content = """\
team: ../x
cluster: absent.json
nodes: 12
scenari: {}
scenario:
  podz: 3
  nodes: -1
  kernel_oldest: none
  scenario: x
  needs: [udp]
assumptions:
  pods: {value: 3}
  services: {value: 0, why: a guess}
  nodes: {value: 3, why: a guess}
needs: [everything]
notes: [1]
"""
    assert faults(tmp_path, content) == [
        ":1: team '../x' cannot name a folder",
        ":2: cluster 'absent.json' does not exist",
        ":3: unknown key 'nodes'",
        ":4: unknown key 'scenari'",
        ":6: unknown input 'podz'",
        ":8: kernel_oldest is 'none', which is no version",
        ":9: 'scenario' does not belong under 'scenario:'",
        ":10: 'needs' does not belong under 'scenario:'",
        ":12: assumption 'pods' lacks its value or its reason",
        ":13: services is '0', out of bounds",
        ":14: 'nodes' is both stated and assumed",
        ":15: needs holds 'everything', which is not known",
        ":16: 'notes' is not text",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", ":1: is neither a team file nor a dump of a cluster"),
        ("[]", ":1: is neither a team file nor a dump of a cluster"),
        ("just text", ":1: is neither a team file nor a dump of a cluster"),
        ("a: [[[[[[[[[]]]]]]]]]", ":1: is neither a team file nor a dump of a cluster"),
        ("team: a\nnotes: [[[[[[[[[]]]]]]]]]", ":2: is nested too deeply"),
        ("scenario: {nodes: 3}", ":1: the team has no name"),
        ("team:", ":1: the team has no name"),
        ("team: [a]", ":1: the team has no name"),
        ("team: a\nscenario: [1]", ":2: 'scenario' is no mapping"),
        ("team: a\nassumptions: x", ":2: 'assumptions' is no mapping"),
        ("team: a\nneeds: {mtls: yes}", ":2: 'needs' is no list"),
        ("team: a\ncluster: {a: b}", ":2: 'cluster' is not text"),
        ("team: a\nassumptions: {pods: 3}", ":2: assumption 'pods' lacks its value or its reason"),
        ("team: a\nassumptions: {pods: {value: , why: x}}", ":2: assumption 'pods' lacks its value or its reason"),
        ("team: a\nassumptions: {pods: {value: 1, why: ' '}}", ":2: assumption 'pods' lacks its value or its reason"),
        ("team: a\nassumptions: {pods: {value: 1, why: [x]}}", ":2: assumption 'pods' lacks its value or its reason"),
        ("team: a\nassumptions: {podz: {value: 1, why: x}}", ":2: unknown input 'podz'"),
        ("team: a\nscenario:\n  nodes: [1, 2]", ":3: nodes is '1|2', which is not a whole number"),
        ("team: a\nscenario:\n  nodes: {a: 1}", ":3: nodes is '(mapping)', which is not a whole number"),
        ("team: a\nteam: b", ":2: key 'team' stands twice"),
        ("team: a\n\tnodes: 1", ":2: is not YAML: found a tab character that violates indentation"),
    ],
)
def test_misshapen_file_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    """Each way of writing a team file wrong is one line at its place."""
    assert faults(tmp_path, content) == [fault]


@pytest.mark.parametrize(
    ("content", "command"),
    [
        ('{"data": [{"traceID": "a", "spans": []}]}', "review TEAM --measured FILE"),
        ('{"resourceSpans": []}', "review TEAM --measured FILE"),
        ('[[{"traceId": "a"}]]', "review TEAM --measured FILE"),
        ('{"DurationHistogram": {}}', "review TEAM --measured FILE"),
        ('{"status": "success", "data": {"resultType": "vector", "result": []}}', "review TEAM --measured FILE"),
        ("scenario,dataplane,metric,value\na,none,memory_gib,1\n", "review TEAM --measured FILE"),
        ("scenario,pods\na,1\n", "estimate FILE"),
        ("- {pods: 3, scenario: a}\n", "estimate FILE"),
        ('[{"scenario": "a"}]', "estimate FILE"),
        ('{"team": "a", "verdict": {"a": {"b": {}}}, "inputs_sha256": ""}', "chart --team FILE"),
        ('{"planned_values": {"root_module": {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}}}', "iac --plan FILE"),
        ('{"provider_schemas": {}}', "iac --schema FILE"),
        ('{"$schema": "x", "properties": {"hubble": {}}}', "iac --values-schema FILE"),
        ("cluster: {name: a}\nhubble: {a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}}\n", "iac --values FILE"),
        ("hubble:\n  relay: {enabled: true}\n", "iac --values FILE"),
        ("sample: {method: grid}\ninputs: {pods: [1]}\n", "sweep FILE"),
        ("apiVersion: v1\nkind: Pod\n", "'meshlab review'"),
        ("NAME   READY   STATUS\na   1/1   Running\n", "kubectl get"),
    ],
)
def test_a_file_of_another_kind_is_told_where_it_belongs(tmp_path: Path, content: str, command: str) -> None:
    """What is no team file is called by its name in one line, with the command that takes it, however deep it is."""
    with pytest.raises(MeshlabError) as refused:
        read_team(write(tmp_path, content))
    (problem,) = refused.value.problems
    assert command in problem.todo


def test_input_outside_its_mapping_is_told_where_it_belongs(tmp_path: Path) -> None:
    """A declared input at the top of the file is answered with where it belongs."""
    with pytest.raises(MeshlabError, match="'nodes' belongs under 'scenario:'"):
        read_team(write(tmp_path, "team: a\nnodes: 3\n"))


@pytest.mark.parametrize("cluster", ["x" * 300, "dumps/prod.json/deeper", "a\\0b"])
def test_impossible_cluster_path_is_refused(tmp_path: Path, cluster: str) -> None:
    """A path that no file system takes is a missing file like any other."""
    (fault,) = faults(tmp_path, f'team: a\ncluster: "{cluster}"\n')
    assert fault.endswith("does not exist")


@pytest.mark.parametrize("path", sorted(data_path("teams").glob("*.yaml")), ids=lambda path: path.stem)
def test_example_team_is_sound_and_names_its_source(path: Path) -> None:
    """Every example team reads without a problem, is named as its file, and says where its facts come from."""
    team = read_team(path)
    assert team.name == path.stem
    assert team.source
    assert team.stated
    assert all(assumption.why for assumption in team.assumptions.values())


def test_there_are_examples_enough() -> None:
    """At least four example teams travel with the package."""
    assert len(list(data_path("teams").glob("*.yaml"))) >= 4
