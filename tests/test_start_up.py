"""What is loaded when the command only says what it can do: start-up time is a matter of imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "polars",
    "plotly",
    "numpy",
    "scipy",
    "yaml",
    "jinja2",
    "nbformat",
    "papermill",
    "ipywidgets",
    "IPython",
    "asyncio",
)


def loaded_by(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after running the code."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(result.stderr.split())


RUN = """
import sys
from meshlab.run.cli import main
sys.argv = ["meshlab", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["review", "--help"], ["decide", "--help"], ["lab", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help and version are printed without loading a frame, a chart or a notebook library."""
    loaded = loaded_by(RUN.format(arguments=arguments))
    assert "meshlab.run.cli" in loaded
    assert not loaded.intersection(HEAVY)


def test_command_line_imports_nothing_heavy() -> None:
    """Importing the command line loads neither polars nor plotly."""
    assert not loaded_by("import meshlab.run.cli").intersection(HEAVY)


def test_errors_need_no_library() -> None:
    """The family of errors stands on the standard library alone."""
    assert not loaded_by("import meshlab.errors").intersection({*HEAVY, "click"})
