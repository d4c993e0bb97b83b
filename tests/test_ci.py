"""Checks of CI: the action and the examples are read from their files, and their steps are run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml
from stranger import ROOT, blocks, desk

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
TEAM = "team: payments\ncluster: ../prod.json\nneeds: [mtls]\nscenario: {greenfield: false, cni_healthy: true}\n"


def example(language: str, first_line: str) -> dict[str, Any]:
    """The example of the page that begins with this line."""
    (code,) = (code for _, code in blocks(ROOT / "docs" / "ci.md", language) if code.startswith(first_line))
    return yaml.safe_load(code)


def bash(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step as a runner starts it."""
    path = f"{sysconfig.get_path('scripts')}:/usr/bin:/bin"
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LANG": os.environ.get("LANG", "C.UTF-8"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def filled(text: str, given: dict[str, str]) -> str:
    """A text with its inputs, as given or by default."""
    return re.sub(
        r"\$\{\{ inputs\.([\w-]+) \}\}",
        lambda found: given.get(found[1], ACTION["inputs"][found[1]].get("default", "")),
        text,
    )


def run_action(given: dict[str, str], folder: Path) -> tuple[dict[str, int], str]:
    """Status of each step that the inputs ask for, and the summary; nothing is installed."""
    summary, statuses = folder / "summary.md", {}
    for name, step in STEPS.items():
        (asked,) = re.findall(r"inputs\.([\w-]+) != ''", step["if"])
        if not given.get(asked):
            continue
        environment = {key: filled(value, given) for key, value in step["env"].items()}
        done = bash(step["run"], folder, GITHUB_STEP_SUMMARY=str(summary), **environment)
        statuses[name] = done.returncode
        assert "Traceback" not in done.stdout + done.stderr
    return statuses, summary.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples speak of: documents, teams, tables, a dump, values, and reviews of last month; all hold."""
    folder = desk(tmp_path_factory.mktemp("project"))
    for name in ("docs", "teams", "tables", "dumps"):
        (folder / name).mkdir()
    for place in ("prod.json", "dumps/prod.json"):
        shutil.copyfile(folder / "cluster.json", folder / place)
    (folder / "teams" / "payments.yaml").write_text(TEAM, encoding="utf-8")
    (folder / "values.yaml").write_text("hubble: {enabled: true}\n", encoding="utf-8")
    shutil.copyfile(ROOT / "data" / "decision" / "preferences.csv", folder / "tables" / "preferences.csv")
    block = "# Platform\n\n<!-- meshlab verdict team=payments -->\n<!-- /meshlab -->\n"
    (folder / "docs" / "platform.md").write_text(block, encoding="utf-8")
    made = "meshlab embed -q --teams teams docs/platform.md; meshlab review -q teams --out last-month --format json"
    done = bash(made, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_action_runs_every_check_of_its_example(project: Path) -> None:
    """With the inputs of the page's example each step passes, and the summary has a part for each check."""
    job = example("yaml", "# .github/workflows/meshlab.yml")["jobs"]["checks"]
    given = job["steps"][-1]["with"]
    assert set(given) | {"install"} == set(ACTION["inputs"])
    statuses, summary = run_action(given, project)
    assert statuses == dict.fromkeys(list(STEPS)[1:], 0)
    assert re.findall(r"(?m)^##? ?#? ?(\w[\w ]+)$", summary)[:4] == [
        "Documents",
        "Decision tables",
        "Audit",
        "Terraform",
    ]
    assert "0 of 1 changed since the last run." in summary
    assert "| [payments](payments/review.html) |" in summary


def test_a_check_that_fails_fails_its_step_and_stands_in_the_summary(project: Path, tmp_path: Path) -> None:
    """A stale block gives status 1, a failed rule 3, a team that cannot be read 1; all are told, the others run on."""
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    document = folder / "docs" / "platform.md"
    document.write_text(document.read_text(encoding="utf-8").replace("mutual TLS", "mutual trust"), encoding="utf-8")
    (folder / "teams" / "bad.yaml").write_text("team: bad\nscenario: {pdos: 3}\n", encoding="utf-8")
    failing = ROOT / "tests" / "audit_cases" / "ambient-on-cilium" / "fail.yaml"
    shutil.copyfile(failing, folder / "dumps" / "failing.yaml")
    given = {
        "documents": "docs/*.md",
        "teams": "teams",
        "dumps": "dumps/failing.yaml",
        "fail-on": "high",
        "reports": "out",
    }
    statuses, summary = run_action(given, folder)
    assert statuses == {"Documents hold": 1, "Clusters pass the audit": 3, "Review the teams": 1}
    assert re.search(r"^fail +high +\S.* \(ambient-on-cilium\)", summary, re.MULTILINE)
    assert "platform.md:3: verdict team=payments is stale" in summary
    assert "unknown input 'pdos'" in summary


def test_no_input_of_the_action_becomes_part_of_a_script() -> None:
    """Inputs reach a script as variables alone, so that none can be a command."""
    assert not any("${{" in step["run"] for step in STEPS.values())
    assert all(step["shell"] == "bash" for step in STEPS.values())


def test_every_line_of_the_gitlab_example_passes(project: Path) -> None:
    """Each line of the example but the installation succeeds in the same project, with what it keeps in place."""
    job = example("yaml", "# .gitlab-ci.yml")["meshlab"]
    install, *lines = job["script"]
    assert install.startswith("pip install")
    for line in lines:
        done = bash(line, project)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert all((project / path).is_dir() for path in job["artifacts"]["paths"])
