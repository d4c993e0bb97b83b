"""An independent reading of the decision tables, and scenarios to try on both."""

from __future__ import annotations

import csv
import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meshlab.scenario import inputs, schema

DATA = Path(__file__).resolve().parents[2] / "data"
KERNELS = [
    "4.18.0-193.el8.x86_64",
    "4.18.0-553.8.1.el8_10.x86_64",
    "4.18.0",
    "5.4.0",
    "5.9.16",
    "5.10",
    "5.15.0-1051-gke",
    "6.8.0",
]


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _version(text: str | None) -> str | None:
    """A version as text that sorts as the version does."""
    if text is None:
        return None
    numbers = [int(number) for number in re.findall(r"\d+", text.split("-")[0])]
    build = re.search(r"-(\d+)[\d.]*\.el\d", text)
    return "".join(f"{number:06d}" for number in [*[*numbers, 0, 0][:3], int(build[1]) if build else 0])


class Oracle:
    """Decides one scenario at a time, with SQLite's three truth values, from the CSV files alone."""

    def __init__(self) -> None:
        self.base = sqlite3.connect(":memory:")
        self.base.create_function(
            "has_any", -1, lambda held, *asked: None if held is None else bool({*held.split("|")} & {*asked})
        )
        self.base.create_function("version", 1, _version)
        self.terms = {row["term"]: row["condition"] for row in _rows("decision/terms.csv")}
        self.layers = {row["need"]: row for row in _rows("decision/needs.csv")}
        self.support = {
            (row["capability"], row["option"]): row["support"] for row in _rows("decision/capabilities.csv")
        }
        self.requirements = [row for row in _rows("decision/requirements.csv") if row["effect"] == "blocks"]
        self.rules = {
            kind: sorted(_rows(f"decision/{kind}.csv"), key=lambda row: (int(row["priority"]), row["id"]))
            for kind in ("cni", "mesh")
        }

    def truth(self, condition: str, facts: dict[str, Any]) -> bool | None:
        """What SQLite makes of a condition."""
        for _ in range(3):
            for term, meaning in self.terms.items():
                condition = re.sub(rf"\b{term}\b", f"({meaning})", condition)
        condition = re.sub(r"kernel_oldest\s*(>=|<)\s*('[^']*')", r"version(kernel_oldest) \1 version(\2)", condition)
        columns = ", ".join(f"? AS {name}" for name in facts)
        values = ["|".join(value) if isinstance(value, list) else value for value in facts.values()]
        (found,) = self.base.execute(f"SELECT {condition} FROM (SELECT {columns})", values).fetchone()  # noqa: S608
        return None if found is None else bool(found)

    def lacks(self, kind: str, option: str, facts: dict[str, Any]) -> bool:
        """Whether something that is known rules an option out."""
        if any(
            self.truth(row["condition"], facts) is False
            for row in self.requirements
            if (row["kind"], row["option"]) == (kind, option)
        ):
            return True
        return any(self._misses(need, row["layer"], kind, option, facts) for need, row in self.layers.items())

    def _misses(self, need: str, layer: str, kind: str, option: str, facts: dict[str, Any]) -> bool:
        whole = self.layers[need]["part_of"]
        asked = {need, whole} & set(facts["needs"] or ())
        if not asked or (kind == "cni") != (layer == "cni"):
            return False
        product = facts["current_cni"] if option == "stay" else option
        if product is None:
            return False
        if self.support.get((need, product), "unread") in ("yes", "partial", "beta"):
            return False
        plugin = facts.get("cni")
        # a plugin that is not known may still be one that meets the need, if there is any such
        helpers = {
            name
            for name in inputs()["current_cni"].choices
            if self.support.get((need, name)) in ("yes", "partial", "beta")
        }
        return not (layer == "any" and helpers and (plugin is None or plugin in helpers))

    def decide(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """Verdict and states of all rows."""
        facts = dict(scenario)
        verdict: dict[str, Any] = {"states": {}}
        for kind in ("cni", "mesh"):
            for row in self.rules[kind]:
                state = self.truth(row["condition"], facts)
                verdict["states"][row["id"]] = state
                free = row["condition"] == "true" or not self.lacks(kind, row["recommendation"], facts)
                if state and free and kind not in verdict:
                    verdict |= {kind: row["recommendation"], f"{kind}_row": row["id"]}
            facts["cni"] = facts["current_cni"] if verdict["cni"] == "stay" else verdict["cni"]
        return verdict


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """The independent reading."""
    return Oracle()


def _draw(generator: random.Random, missing: float) -> dict[str, Any]:
    draws: dict[str, Callable[[], Any]] = {
        "integer": lambda: generator.choice([1, 2, 100, 499, 500, 900, 1001]),
        "number": lambda: generator.choice([1.0, 9999.5, 10000.0, 10000.5, 250000.0]),
        "boolean": lambda: generator.random() < 0.5,
        "version": lambda: generator.choice(KERNELS),
    }
    row: dict[str, Any] = {}
    for name, spec in inputs().items():
        if generator.random() < missing:
            row[name] = None
        elif name == "windows_nodes":
            row[name] = generator.choice([0, 0, 1, 7])
        elif spec.type == "choice":
            row[name] = generator.choice(spec.choices)
        elif spec.type == "set":
            row[name] = generator.sample(spec.choices, generator.choice([0, 1, 1, 2, 3, 5]))
        else:
            row[name] = draws[spec.type]()
    return row


@pytest.fixture(scope="session")
def draw() -> Callable[[int, int, float], pl.DataFrame]:
    """Random scenarios: how many, from which seed, and how often a fact is missing."""

    def frame(count: int, seed: int, missing: float) -> pl.DataFrame:
        generator = random.Random(seed)  # noqa: S311  (not for secrets)
        rows = [{"scenario": f"s{number}", **_draw(generator, missing)} for number in range(count)]
        return pl.DataFrame(rows, schema=schema())

    return frame


@pytest.fixture
def overlay(tmp_path: Path) -> Callable[..., Path]:
    """A team's folder with files of the given text."""

    def write(**files: str) -> Path:
        folder = tmp_path / "tables"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return folder

    return write
