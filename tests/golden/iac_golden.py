"""Options of chart releases, worked out with plain PyYAML, apart from the package.

Run ``python tests/golden/iac_golden.py FOLDER`` with a folder of ``cilium-*-values.yaml`` to print them as CSV; that is
``iac_options.csv``. A leaf is a path whose value is not a non-empty mapping.
"""

# ruff: noqa: T201  (a script that prints)

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    """Print a row for each release."""
    print("version,options")
    for version in VERSIONS:
        print(f"{version},{len(release(folder, version))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
