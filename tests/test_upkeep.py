"""The doors by which people come to the project, and what a release carries."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from stranger import ROOT, blocks

from meshlab import __version__

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*-*.yml"))


def meshlab(*words: object, folder: Path) -> str:
    """What the command prints; it must succeed."""
    command = [sys.executable, "-m", "meshlab", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(root: Path, target: str, folder: Path) -> Path:
    """A distribution, built from a tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    (path,) = folder.iterdir()
    return path


def members(wheel: Path) -> dict[str, int]:
    """Files of a wheel with their check sums."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def test_a_measurement_sent_by_its_page_counts(tmp_path: Path) -> None:
    """The page's own rows are compared by `evidence`, and `estimate` is drawn towards each of them."""
    (code,) = (code for _, code in blocks(ROOT / "docs" / "measurements.md", "csv"))
    (tmp_path / "contribution.csv").write_text(code, encoding="utf-8")
    names, *rows = (line.split(",") for line in code.splitlines())
    sent = [dict(zip(names, row, strict=True)) for row in rows]
    scenario = {name: value for name, value in sent[0].items() if name not in {"dataplane", "metric", "value", "unit"}}
    (tmp_path / "staging.csv").write_text(f"{','.join(scenario)}\n{','.join(scenario.values())}\n", encoding="utf-8")
    compared = json.loads(meshlab("evidence", "--measured", "contribution.csv", "--format", "json", folder=tmp_path))
    assert [(row["metric"], row["measured"]) for row in compared["rows"]] == [
        (row["metric"], float(row["value"])) for row in sent
    ]
    before, after = (
        {row["dataplane"]: row for row in json.loads(meshlab(*words, "--format", "json", folder=tmp_path))}
        for words in (("estimate", "staging.csv"), ("estimate", "staging.csv", "--measured", "contribution.csv"))
    )
    for row in sent:
        was, now = (each[row["dataplane"]][row["metric"]] for each in (before, after))
        assert abs(now - float(row["value"])) < abs(was - float(row["value"]))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_issue_forms_are_as_github_reads_them(form: Path) -> None:
    """Each form has a name, a description and fields with ids of their own, labels, and what is required."""
    read = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(read)
    assert {field["type"] for field in read["body"]} <= {"textarea", "input", "dropdown", "markdown"}
    ids = [field["id"] for field in read["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in read["body"])
    assert all(isinstance(option, str) for field in read["body"] for option in field["attributes"].get("options", ()))


def test_the_forms_are_those_that_the_pages_name() -> None:
    """A wrong verdict, a wrong fact and a new measurement have a form each."""
    assert [form.stem for form in FORMS] == ["new-measurement", "wrong-fact", "wrong-verdict"]


def test_the_citation_is_of_this_release() -> None:
    """CITATION.cff has what its format demands, and names the version of the package."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["version"] == __version__


def test_the_readme_is_read_in_a_minute() -> None:
    """At most 120 lines, one picture, and an answer to who, how and how sure."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert len(re.findall(r"(?m)^!\[", text)) == 1
    assert re.findall(r"(?m)^## (.*)$", text) == [
        "Two commands",
        "Three ways to use it",
        "How sure the numbers are",
        "Where next",
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """A wheel built from the unpacked source distribution has the same bytes as one from the checkout."""
    with tarfile.open(build(ROOT, "sdist", tmp_path / "sdist")) as archive:
        # Python before 3.11.4 has no filter, 3.14 needs none
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path / "source", **safely)  # noqa: S202  (the archive is ours)
    (source,) = (tmp_path / "source").iterdir()
    assert build(source, "wheel", tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_the_image_gets_all_that_it_needs_and_no_more(wheel: Path, tmp_path: Path) -> None:
    """The wheel that the Dockerfile's build makes of what .dockerignore lets in is the one of the checkout."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in allowed:
        target = tmp_path / "context" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copyfile(ROOT / name, target)
    assert members(build(tmp_path / "context", "wheel", tmp_path / "again")) == members(wheel)
    copied = re.findall(r"(?m)^COPY (?!--)(\S+) ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert all(any(fnmatch.fnmatch(name, each) for each in [*allowed, "."]) for name in copied)


def test_the_image_runs_without_rights() -> None:
    """Each stage that people run ends as a user with a number that is not root's, and no secret is copied."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = dict(re.findall(r"(?ms)^FROM \S+ AS (\w+)$(.*?)(?=^FROM |\Z)", text))
    assert set(stages) == {"build", "base", "pdf"}
    for name in ("base", "pdf"):
        assert re.findall(r"(?m)^USER (\S+)$", stages[name])[-1] == "65532:65532"


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    """A version's notes are its own section; of one without a section, what is unreleased."""
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec
    assert spec.loader
    release = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(release)
    changelog = "# Changelog\n\n## [Unreleased]\n\n- c\n\n## [1.1.0] - 2026-01-01\n\n- b\n\n## [1.0.0]\n\n- a\n"
    assert release.notes(changelog, "1.1.0") == "# meshlab 1.1.0\n\n- b\n"
    assert release.notes(changelog, "1.0.0") == "# meshlab 1.0.0\n\n- a\n"
    assert release.notes(changelog, "2.0.0") == "# meshlab 2.0.0\n\n- c\n"
