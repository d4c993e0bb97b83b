"""What the package stands on: known vulnerabilities, licences, and a bill of materials, from the pins.

    supply_chain.py audit           look for known vulnerabilities and licences; status 1 where there are any to act on
    supply_chain.py materials FILE  write the bill of materials (CycloneDX) that travels in the wheel

Where a database cannot be reached the audit says "not run", and never that all is well.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements" / "runtime.txt"
DATABASE = os.environ.get("MESHLAB_OSV", "https://api.osv.dev/v1/querybatch")
"""The database of known vulnerabilities of OSV; its API is described at https://google.github.io/osv.dev/api/."""

TIMEOUT_S = 30
MAXIMUM_BYTES = 16 * 2**20

ALLOWED = re.compile(
    r"apache|bsd|mit\b|isc\b|python software foundation|psf|mozilla public license 2|mpl-2\.0|unlicense|zlib|cc0|hpnd",
    re.IGNORECASE,
)
"""Licences under which a package may be used beside one of Apache-2.0 without a further thought."""


def pins() -> Iterator[tuple[str, str]]:
    """Name and version of each pinned package."""
    for line in PINS.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            yield found[1].lower(), found[2]


def vulnerabilities() -> Iterator[str]:
    """A line for each known vulnerability of a pinned version.

    Raises:
        OSError: The database cannot be reached.
        ValueError: It answers otherwise than it should.
    """
    packages = list(pins())
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    request = urllib.request.Request(  # noqa: S310  (the address is ours, or that of who runs this)
        DATABASE, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        results = json.loads(answer.read(MAXIMUM_BYTES))["results"]
    if len(results) != len(packages):
        raise ValueError("answers another number of questions")
    for (name, version), result in zip(packages, results, strict=True):
        for found in result.get("vulns", ()):
            yield f"{name} {version}: {found['id']}, see https://osv.dev/vulnerability/{found['id']}"


def licences() -> Iterator[tuple[str, str]]:
    """Each pinned package that is installed, and its licence in its own words."""
    for name, _ in pins():
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if "License" in each]
        words = (
            about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "").partition("\n")[0]
        )
        yield name, words or "not stated"


def audit() -> int:
    """Print what is known. [exit status]"""
    status = 0
    try:
        found = list(vulnerabilities())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"vulnerabilities: not run: {DATABASE} {getattr(error, 'reason', None) or error}")
        status = 1  # nobody shall take it for an answer
    else:
        print(f"vulnerabilities: {len(found)} known of {len(list(pins()))} pinned versions, by {DATABASE}")
        print("".join(f"  {line}\n" for line in found), end="")
        status = 1 if found else 0
    told = list(licences())
    odd = [f"  {name}: {words}\n" for name, words in told if not ALLOWED.search(words)]
    print(f"licences: {len(told)} of {len(list(pins()))} pinned packages are installed; {len(odd)} to look at")
    print("".join(odd), end="")
    return 1 if odd else status


def materials() -> str:
    """The bill of materials as CycloneDX JSON: the same pins give the same bytes."""
    components = [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
        for name, version in sorted(pins())
    ]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "meshlab", "licenses": [{"license": {"id": "Apache-2.0"}}]}
        },
        "components": components,
    }
    return json.dumps(bill, indent=1) + "\n"


def main(words: list[str]) -> int:
    """Do what is asked. [exit status]"""
    if words == ["audit"]:
        return audit()
    if words[:1] == ["materials"] and len(words) == 2:  # noqa: PLR2004
        Path(words[1]).write_text(materials(), encoding="utf-8")
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
