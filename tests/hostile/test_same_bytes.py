"""The same review gives the same bytes, whichever Python made it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

REVIEWS = """
import sys
from meshlab.files import pretty_json
from meshlab.reviews.review import open_review
for name in sys.argv[1:]:
    sys.stdout.write(pretty_json(open_review(name)))
"""

# what sum() gives for floats up to Python 3.11, one after the other, and from 3.12 on, with what is lost made good
SUMS = {
    "one after the other": "total = start\n    for item in items: total = total + item\n    return total",
    "with what is lost": (
        "items = list(items)\n"
        "    floats = items and all(type(item) in (int, float) for item in items) and float in map(type, items)\n"
        "    return math.fsum([start, *items]) if floats else before(items, start)"
    ),
}

EXAMPLES = ["bookinfo-istio", "fleet-500-aks", "online-boutique", "openshift-aws", "wikikube-eqiad"]


def reviews(python: str, program: str) -> str:
    """Hash of the reviews that an interpreter makes of the example teams."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([python, "-c", program, *EXAMPLES], capture_output=True, check=True, env=environment)
    return hashlib.sha256(done.stdout).hexdigest()


def test_no_review_rests_on_how_python_adds() -> None:
    """Python 3.12 adds floats otherwise than 3.11 did; a review is the same with either."""
    made = {
        reviews(
            sys.executable,
            f"import builtins, math\nbefore = builtins.sum\ndef added(items, start=0):\n    {body}\n"
            f"builtins.sum = added\n{REVIEWS}",
        )
        for body in SUMS.values()
    }
    assert len(made) == 1


def others() -> list[str]:
    """Interpreters at hand, other than this one, for which all that reviews need is installed."""
    named = os.environ.get("MESHLAB_PYTHONS", "").split(os.pathsep)
    found = [path for minor in range(11, 16) if (path := shutil.which(f"python3.{minor}"))]
    program = "import sys, msgspec, numpy, polars, sqlglot, yaml; sys.exit(sys.version_info < (3, 11))"
    return [
        python
        for python in dict.fromkeys(filter(None, [*named, *found]))
        if subprocess.run([python, "-c", program], capture_output=True, check=False).returncode == 0
    ]


def test_every_python_at_hand_gives_the_same_bytes() -> None:
    """Reviews of the example teams do not differ between interpreters."""
    if not (pythons := others()):
        pytest.skip("no other Python has what reviews need; name some in MESHLAB_PYTHONS")
    assert {reviews(python, REVIEWS) for python in pythons} == {reviews(sys.executable, REVIEWS)}
