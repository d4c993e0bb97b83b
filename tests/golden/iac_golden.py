"""Options of chart releases and what changes between them, worked out with plain PyYAML, apart from the package.

Run ``python tests/golden/iac_golden.py FOLDER`` with a folder of ``cilium-*-values.yaml`` to print them as CSV; that is
``iac_churn.csv``. A leaf is a path whose value is not a non-empty mapping.
"""

# ruff: noqa: T201  (a script that prints)

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import yaml

VERSIONS = ("1.15.6", "1.17.4", "1.19.4")


def leaves(values: dict, path: str = "") -> Iterator[tuple[str, object]]:
    """Paths with their values."""
    for key, value in values.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here, value


def release(folder: Path, version: str) -> dict[str, object]:
    """Leaves of one release."""
    (file,) = folder.glob(f"*cilium-{version}-values.yaml")
    return dict(leaves(yaml.safe_load(file.read_text(encoding="utf-8"))))


def main(folder: Path) -> None:
    """Print a row for each release and each step between two."""
    print("old,new,options,added,removed,default_changed,type_changed")
    releases = {version: release(folder, version) for version in VERSIONS}
    for version, options in releases.items():
        print(f",{version},{len(options)},,,,")
    for old, new in pairwise(VERSIONS):
        before, after = releases[old], releases[new]
        both = [(before[name], after[name]) for name in before.keys() & after.keys()]
        retyped = sum(type(a) is not type(b) for a, b in both)
        changed = sum(type(a) is type(b) and a != b for a, b in both)
        print(f"{old},{new},,{len(after.keys() - before)},{len(before.keys() - after)},{changed},{retyped}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
