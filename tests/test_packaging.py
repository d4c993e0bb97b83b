"""The wheel: what travels in it, and that it works where there is no checkout."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from meshlab import __version__
from meshlab.tables import data_path, resource

ROOT = Path(__file__).resolve().parents[1]
PIN_SETS = ("runtime", "lab", "test", "bench", "dev", "site")


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Standard output of a command that must succeed, run in a folder of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "JUPYTER"))
    }
    result = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, folder=ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of commands of an empty environment that holds nothing but the wheel, and borrows its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, folder=folder.parent)
    binaries = Path(sysconfig.get_path("scripts", vars={"base": str(folder)}))
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    run(binaries / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel, folder=folder.parent)
    # only the packages themselves: .pth files of the borrowed folder, the checkout's among them, are not read
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return binaries


def members(wheel: Path) -> set[str]:
    """Files of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.mark.parametrize("name", ["data", "workbooks", "templates"])
def test_tables_workbooks_and_templates_travel(wheel: Path, name: str) -> None:
    """Every table, example team, workbook and template of the checkout is in the wheel."""
    folder = resource(name)
    here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    here = {path for path in here if not path.startswith(".ipynb_checkpoints")}
    assert here
    assert {f"meshlab/{name}/{path}" for path in here} <= members(wheel)


def test_types_travel(wheel: Path) -> None:
    """The wheel tells type checkers that its annotations are to be read."""
    assert "meshlab/py.typed" in members(wheel)


def test_nothing_else_travels(wheel: Path) -> None:
    """Neither reports nor tests are in the wheel, and nothing lies beside the package."""
    tops = {name.partition("/")[0] for name in members(wheel)}
    assert tops == {"meshlab", f"meshlab-{__version__}.dist-info"}
    assert not any("reports/" in name or "__pycache__" in name for name in members(wheel))


def test_wheel_renders_the_example_teams(installed: Path, tmp_path: Path) -> None:
    """Installed outside the checkout, the command renders a review of every example team, and an index."""
    python, meshlab = installed / "python", installed / "meshlab"
    home = run(python, "-c", "import meshlab; print(meshlab.__file__)", folder=tmp_path).strip()
    assert Path(home).is_relative_to(installed.parent)
    # nbconvert looks for its templates beside the interpreter; ours borrows them like the packages
    shared = Path(sysconfig.get_path("data")) / "share" / "jupyter"
    run(meshlab, "review", "--out", tmp_path / "out", folder=tmp_path, JUPYTER_PATH=str(shared), HOME=str(tmp_path))
    teams = sorted(path.stem for path in data_path("teams").glob("*.yaml"))
    assert sorted(path.parent.name for path in (tmp_path / "out").glob("*/review.html")) == teams
    for team in teams:
        review = json.loads((tmp_path / "out" / team / "review.json").read_text(encoding="utf-8"))
        assert review["team"] == team
        assert review["meshlab_version"] == __version__
    assert (tmp_path / "out" / "index.html").is_file()


# --- pins ------------------------------------------------------------------------------------------------------------


REFUSING = """
import os, sys


class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["REFUSED"].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refusing())
"""
"""A ``sitecustomize``: every Python that starts finds none of these modules, as if they had not been installed."""


def test_a_base_install_renders_the_example_teams(tmp_path: Path) -> None:
    """`make review` needs nothing but the run-time pins: what tests and notebooks bring along is not found."""
    base = {name for name, _ in pins("runtime")} | {"meshlab"}
    beyond = [
        module
        for module, distributions in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", each).lower() for each in distributions} & base
        and module != "playwright"  # nbconvert asks whether it is there, which refusing would make an error
    ]
    assert {"cloudpickle", "jupyterlab", "pytest"} <= set(beyond)
    (tmp_path / "sitecustomize.py").write_text(REFUSING, encoding="utf-8")
    told = run(
        *(sys.executable, "-m", "meshlab", "review", "--out", tmp_path / "out"),
        folder=ROOT,
        PYTHONPATH=str(tmp_path),
        REFUSED=",".join(beyond),
    )
    assert "5 rendered, 0 reused, 0 failed" in told


def pins(name: str) -> set[tuple[str, str]]:
    """Packages and versions that a file of pins may install, whatever the platform."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    lines = (line.removesuffix("\\").partition(";")[0].strip() for line in text.splitlines() if line[:1].isalnum())
    return {(package, version) for package, _, version in (line.partition("==") for line in lines)}


@pytest.mark.parametrize(
    ("smaller", "larger"), [("runtime", "lab"), ("lab", "test"), ("test", "bench"), ("test", "dev"), ("test", "site")]
)
def test_pins_contain_one_another(smaller: str, larger: str) -> None:
    """What a larger set of pins installs includes the smaller one, version by version."""
    assert pins(smaller) <= pins(larger)


@pytest.mark.parametrize("name", PIN_SETS)
def test_every_pin_carries_hashes(name: str) -> None:
    """No pin can be satisfied by a file that nobody has seen before."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n") if block[:1].isalnum()]
    assert blocks
    assert all(block.endswith("\\") for block in blocks)
    assert text.count("--hash=sha256:") >= len(blocks)


def test_pins_hold_what_the_project_asks_for() -> None:
    """Every dependency of pyproject.toml is pinned in the set that installs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    asked = {
        "runtime": [*project["project"]["dependencies"], *project["dependency-groups"]["build"]],
        "lab": [*extras["lab"], *extras["app"], *extras["pdf"]],
        "test": [*project["dependency-groups"]["test"], *(each for extra in extras.values() for each in extra)],
        "bench": project["dependency-groups"]["bench"],
        "dev": project["dependency-groups"]["dev"],
        "site": project["dependency-groups"]["site"],
    }
    for name, dependencies in asked.items():
        pinned = {package for package, _ in pins(name)}
        assert {dependency.partition(">=")[0] for dependency in dependencies} <= pinned


# --- dependencies ----------------------------------------------------------------------------------------------------

BY_NAME_ONLY = {"ipykernel"}
"""Dependencies that may be used without being imported: the kernel runs in a process of its own."""


def imported_distributions() -> set[str]:
    """Distributions that the package imports anywhere."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "meshlab").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"meshlab"}
    providers = packages_distributions()
    return {providers.get(top, [top])[0].lower().replace("_", "-") for top in tops}


def declared() -> set[str]:
    """Distributions that pyproject.toml declares for run time and for its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return {line.partition(">=")[0] for line in [*project["dependencies"], *extras]}


def test_what_is_imported_is_declared() -> None:
    """The package imports no library that another one merely happens to bring along."""
    assert imported_distributions() <= declared()


def test_what_is_declared_is_used() -> None:
    """No dependency is left over: each is imported, or said to be used by name only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run_time = {line.partition(">=")[0] for line in project["dependencies"]}
    assert run_time - imported_distributions() <= BY_NAME_ONLY


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md gives each package that pyproject.toml names a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    grouped = [line for group in project["dependency-groups"].values() for line in group]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    reasoned = set(re.findall(r"^\| ([a-z][a-z0-9-]*) \|", text, re.MULTILINE)) - {"package"}
    assert reasoned == declared() | {line.partition(">=")[0] for line in grouped}
