"""A release: wheel and source distribution, built twice and compared, checked, and the notes of the version.

    release.py FOLDER

The folder then holds what is to be uploaded, and ``NOTES.md``. Nothing is uploaded.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def built(folder: Path) -> dict[str, bytes]:
    """Both distributions by their names, freshly built."""
    subprocess.run(  # noqa: S603  (our own words)
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def notes(changelog: str, version: str) -> str:
    """What the changelog says of a version; of a version that has no section yet, what is unreleased."""
    sections = dict(re.findall(r"(?ms)^## \[([^\]]+)\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog))
    said = sections.get(version, sections.get("Unreleased", "")).strip()
    return f"# meshlab {version}\n\n{said}\n"


def main(folder: Path) -> int:
    """Make the release. [exit status]"""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        made, again = built(Path(first)), built(Path(second))
        if differing := [name for name in made if made[name] != again.get(name)]:
            print(f"not reproducible: {', '.join(differing)}", file=sys.stderr)
            return 1
        files = [str(Path(first) / name) for name in made]
        checked = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=False)  # noqa: S603
        if checked.returncode:
            return checked.returncode
        (wheel,) = (name for name in made if name.endswith(".whl"))
        folder.mkdir(parents=True, exist_ok=True)
        for name in made:
            shutil.copyfile(Path(first) / name, folder / name)
    said = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), wheel.split("-")[1])
    (folder / "NOTES.md").write_text(said, encoding="utf-8")
    for name, content in made.items():
        print(f"{folder / name}: {len(content) / 1e6:.1f} MB")
    print(f"{folder / 'NOTES.md'}: {len(said.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
