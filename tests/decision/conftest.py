"""An independent reading of the decision tables, and scenarios to try on both."""

from __future__ import annotations

import csv
import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from meshlab.scenario import inputs, schema

DATA = Path(__file__).resolve().parents[2] / "data" / "decision"
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
Facts = dict[str, Any]
Row = dict[str, str]
STATUSES = ["ga", "beta", "preview", "deprecated", "unknown", "ended"]
NEVER = 10**6


def _rows(name: str, folder: Path = DATA) -> list[Row]:
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _version(text: str | None) -> str | None:
    """A version as text that sorts as the version does."""
    if text is None:
        return None
    numbers = [int(number) for number in re.findall(r"\d+", text.split("-")[0])]
    build = re.search(r"-(\d+)[\d.]*\.el\d", text)
    return "".join(f"{number:06d}" for number in [*[*numbers, 0, 0][:3], int(build[1]) if build else 0])


class Option(NamedTuple):
    """One side of a pair: the rows that come into question, of what runs today maybe several, maybe none."""

    side: str
    id: str
    edition: str
    today: bool
    rows: tuple[Row, ...]


class Standing(NamedTuple):
    """A pair with the key by which it is ordered."""

    key: tuple[int, ...]
    cni: Option
    mesh: Option
    tuned: bool
    eligible: bool | None
    unmet: tuple[str, ...]
    blocked: bool


class Oracle:
    """Decides one scenario at a time, with SQLite's three truth values, from the CSV files alone."""

    def __init__(self, more: Path | None = None) -> None:
        """Read our tables, and a team's preferences beside them."""
        self.base = sqlite3.connect(":memory:")
        self.base.create_function(
            "has_any", -1, lambda held, *asked: None if held is None else bool({*held.split("|")} & {*asked})
        )
        self.base.create_function("version", 1, _version)
        self.terms = {row["term"]: row["condition"] for row in _rows("terms")}
        self.layers = {row["need"]: row["layer"] for row in _rows("needs")}
        self.to_encrypt = {row["need"] for row in _rows("needs") if row["encrypts"] == "true"}
        self.options = {
            "cni": [{**row, "id": row["network"]} for row in _rows("networks")],
            "mesh": [{**row, "id": row["mesh"]} for row in _rows("meshes")],
        }
        self.cells = {
            (row["need"], row["option"], edition, row["platform"]): row
            for row in _rows("cells")
            for edition in row["edition"].split("|")
        }
        self.requirements = [{**row, "sql": self.sql(row["condition"])} for row in _rows("requirements")]
        preferences = [*_rows("preferences"), *(_rows("preferences", more) if more else ())]
        self.preferences = {
            side: sorted(
                ({**row, "sql": self.sql(row["condition"])} for row in preferences if row["side"] == side),
                key=lambda row: (int(row["priority"]), row["id"]),
            )
            for side in ("cni", "mesh")
        }
        self.operations = {
            (row["side"], row["option"], edition): row
            for row in _rows("operations")
            for edition in row["edition"].split("|")
        }
        self.pairs = _rows("pairs")
        self.kept: dict[tuple[object, ...], Any] = {}

    # --- conditions ---

    def sql(self, condition: str) -> str:
        """A condition with its terms spelled out, as SQLite reads it."""
        for _ in range(4):
            for term, meaning in self.terms.items():
                condition = re.sub(rf"\b{term}\b", f"({meaning})", condition)
        return re.sub(r"kernel_oldest\s*(>=|<)\s*('[^']*')", r"version(kernel_oldest) \1 version(\2)", condition)

    def truths(self, facts: Facts) -> dict[str, bool | None]:
        """What SQLite makes of every condition."""
        rows = [*self.requirements, *self.preferences["cni"], *self.preferences["mesh"]]
        asked = list(dict.fromkeys(row["sql"] for row in rows))
        columns = ", ".join(f"? AS {name}" for name in facts)
        values = ["|".join(value) if isinstance(value, list) else value for value in facts.values()]
        query = f"SELECT {', '.join(asked)} FROM (SELECT {columns})"  # noqa: S608
        found = self.base.execute(query, values).fetchone()
        return {text: None if value is None else bool(value) for text, value in zip(asked, found, strict=True)}

    # --- options ---

    @staticmethod
    def had_on(row: Row, platform: str | None) -> bool:
        """Whether an option can be had on a platform."""
        return platform is None or bool({"any", platform} & {*row["platforms"].split("|")})

    @staticmethod
    def names(name: str, row: Row) -> bool:
        """Whether one of some names of options in a table means a row."""
        if "|" in name:
            return any(Oracle.names(part, row) for part in name.split("|"))
        if "=" in name:
            column, value = name.split("=")
            if column == "charged_by":  # what is paid is charged by the provider by use, else by a licence
                charged = "use" if row["supported_by"] == "provider" else "licence"
                return row["paid"] == "true" and charged == value
            return row[column].lower() == value.lower()
        return name in (row["id"], f"{row['id']}@{row['edition']}".rstrip("@"))

    def option(self, side: str, name: str, edition: str, platform: str | None) -> Option:
        """An option as it is on a platform."""
        key = (side, name, edition, platform)
        if key not in self.kept:
            self.kept[key] = self._option(side, name, edition, platform)
        return self.kept[key]

    def _option(self, side: str, name: str, edition: str, platform: str | None) -> Option:
        alike = [row for row in self.options[side] if (row["id"], row["edition"]) == (name, edition)]
        row = next((row for row in alike if self.had_on(row, platform)), alike[0])
        return Option(side, name, edition, today=False, rows=(row,))

    def running(self, side: str, facts: Facts) -> Option | None:
        """What runs today, None where nothing does; an id that is empty is not known."""
        name, platform = facts[f"current_{side}"], facts["cloud"]
        if facts["greenfield"] or name == "none":
            return None
        if name is None:
            return Option(side, "", "", today=True, rows=())
        known = [row for row in self.options[side] if row["id"] == name]
        stated = [row for row in known if row["edition"] == facts[f"current_{side}_edition"]]
        here = [row for row in stated or known if self.had_on(row, platform)] or stated or known
        if not stated:
            engine = facts["policy_engine"] if side == "cni" else None
            if engine in {row["policy_engine"] for row in known if side == "cni"}:
                here = [row for row in here if row["policy_engine"] == engine] or here
            here = [row for row in here if row["status"] != "ended"] or here
            if side == "cni" and facts["windows_nodes"] is not None:
                here = [row for row in here if self.runs_with(row, facts["windows_nodes"])] or here
        rows = tuple(here)
        editions = {row["edition"] for row in rows}
        return Option(side, name, editions.pop() if len(editions) == 1 else "", today=True, rows=rows)

    def runs_with(self, option: Row, windows_nodes: int) -> bool:
        """Whether an edition can run with so many Windows nodes."""
        for row in self.requirements:
            if row["kind"] == "cni" and row["effect"] == "blocks" and self.names(row["option"], option):
                words = {*re.findall(r"[a-z_]+", row["sql"])} & {*inputs()}
                if words == {"windows_nodes"}:
                    (holds,) = self.base.execute(
                        f"SELECT {row['sql']} FROM (SELECT ? AS windows_nodes)",  # noqa: S608
                        [min(windows_nodes, 1)],
                    ).fetchone()
                    if not holds:
                        return False
        return True

    def meets(self, option: Option, need: str, platform: str | None) -> tuple[bool | None, bool]:
        """Whether a side meets a need, None where that is not known; and whether by something finished."""
        return self.once(self._side_meets, option, need, platform)

    def once(self, function: Callable[..., Any], option: Option, *rest: object) -> Any:
        """What a function says of an option, worked out once."""
        key = (function.__name__, option.side, option.today, *(id(row) for row in option.rows), *rest)
        if key not in self.kept:
            self.kept[key] = function(option, *rest)
        return self.kept[key]

    def _side_meets(self, option: Option, need: str, platform: str | None) -> tuple[bool | None, bool]:
        found = [self._meets(row, need, platform) for row in option.rows]
        for value in (True, False):
            if found and all(meets is value for meets, _ in found):
                return value, option.today or found[0][1]
        return None, True

    def _meets(self, row: Row, need: str, platform: str | None) -> tuple[bool | None, bool]:
        if row["id"] == "none":
            return self.layers[need] == "both", True
        places = [platform] if platform else [*row["platforms"].split("|")] if "|" not in row["platforms"] else []
        cells = [self.cells.get((need, row["id"], row["edition"], place)) for place in (*places, "any")]
        cell = next((cell for cell in cells if cell), None)
        if cell is None or not cell["meets"]:
            return None, True
        unsure = cell["support"] in ("alpha", "beta")
        return cell["meets"] == "true", cell["released"] == "true" and not unsure

    def pair_meets(
        self, cni: Option, mesh: Option, need: str, platform: str | None, asked: Sequence[str]
    ) -> tuple[bool | None, bool]:
        """Whether a pair meets a need beside all that is asked, by the sides that count; and by something finished."""
        sides = {"cni": self.meets(cni, need, platform), "mesh": self.meets(mesh, need, platform)}
        layer = self.layers[need]
        if layer == "any":
            meeting = [finished for meets, finished in sides.values() if meets]
            if meeting:
                return True, any(meeting)
            return (False, True) if all(meets is False for meets, _ in sides.values()) else (None, True)
        if layer in sides:
            return sides[layer]
        encrypting = [
            side.side for side in (cni, mesh) if side.rows and all(r["encrypts"] == "true" for r in side.rows)
        ]
        if layer == "both":
            counted = ["cni", "mesh"]
        elif encrypting:
            counted = encrypting
        else:  # whoever would encrypt is the network, and only where somebody asks for that
            counted = ["cni"] if self.to_encrypt & {*asked} else []
        parts = [sides[name] for name in counted]
        if any(meets is False for meets, _ in parts):
            return False, True
        if any(meets is None for meets, _ in parts):
            return None, True
        return True, all(finished for _, finished in parts)

    # --- the contest ---

    def standings(self, facts: Facts) -> list[Standing]:
        """Every pair of a scenario's contest, the best first."""
        platform = facts["cloud"]
        today = {side: self.running(side, facts) for side in ("cni", "mesh")}
        known = dict(facts)
        for side, runs in today.items():
            if runs and runs.edition and known[f"current_{side}_edition"] is None:
                known[f"current_{side}_edition"] = runs.edition
        truths: dict[tuple[str, str] | None, dict[str, bool | None]] = {}
        found: list[Standing] = []
        for place, (row, tuned) in enumerate(self.listed(platform)):
            sides = {
                side: (
                    today[side]
                    if row[side] == "today"
                    else self.option(side, row[side], row[f"{side}_edition"], platform)
                )
                for side in ("cni", "mesh")
            }
            cni, mesh = sides["cni"], sides["mesh"]
            if (
                cni is None
                or mesh is None
                or mesh.id == ""
                or self._is_today(cni, today)
                or self._is_today(mesh, today)
            ):
                continue
            above = None if cni.today else (cni.id, cni.edition)
            if above not in truths:
                name, edition = above or (known["current_cni"], known["current_cni_edition"])
                truths[above] = self.truths({**known, "cni": name, "cni_edition": edition})
            found.append(self._standing(facts, truths[above], cni, mesh, today, tuned=tuned, place=place))
        return sorted(found)

    def listed(self, platform: str | None) -> list[tuple[Row, bool]]:
        """The pairs of a platform, what takes least to run first."""
        if ("listed", platform) not in self.kept:
            self.kept["listed", platform] = self._listed(platform)
        return self.kept["listed", platform]

    def _listed(self, platform: str | None) -> list[tuple[Row, bool]]:
        rows: list[tuple[Row, bool]] = []
        for row in self.pairs:
            if row["platform"] == (platform or "self-managed"):
                rows.append((row, False))
                if row["mesh"] == "today":
                    rows.append((row, True))

        def burden(item: tuple[Row, bool]) -> tuple[int, ...]:
            row, tuned = item
            options = [
                self.option(side, row[side], row[f"{side}_edition"], platform).rows[0] | {"side": side}
                for side in ("cni", "mesh")
                if row[side] != "today"
            ]
            run = [self.operations.get((row["side"], row["id"], row["edition"]), {}) for row in options]
            return (
                sum(STATUSES.index(row["status"]) for row in options),
                sum(row["paid"] == "true" for row in options),
                sum(int(row.get("control_plane_components") or 0) for row in run),
                tuned,
            )

        return sorted(rows, key=burden)

    @staticmethod
    def _is_today(option: Option, today: dict[str, Option | None]) -> bool:
        """Whether an option is what runs already, so that today's pair stands for it."""
        runs = today[option.side]
        return not option.today and runs is not None and (runs.id, runs.edition) == (option.id, option.edition)

    def _standing(
        self,
        facts: Facts,
        truths: dict[str, bool | None],
        cni: Option,
        mesh: Option,
        today: dict[str, Option | None],
        *,
        tuned: bool,
        place: int,
    ) -> Standing:
        asked = facts["needs"] or []
        meets = {need: self.pair_meets(cni, mesh, need, facts["cloud"], asked) for need in asked}
        unmet = [need for need in asked if meets[need][0] is False]
        unread = [need for need in asked if meets[need][0] is None]
        states = [truth for side in (cni, mesh) for truth in self._requirements(side, truths, facts["cloud"])]
        blocked = False in states
        is_open = None in states or facts["needs"] is None
        ails = {
            name: bool(runs and runs.id and {row["status"] for row in runs.rows} != {"ended"})
            and facts[f"{name}_healthy"] is False
            for name, runs in today.items()
        }
        spoken = {side.side: [*self._speaking(side, truths, today), NEVER, NEVER] for side in (cni, mesh)}
        speaks = {name: places[0] for name, places in spoken.items()}
        idle = {side.side: ails[side.side] and self._repairs_nothing(side, today[side.side]) for side in (cni, mesh)}
        same = mesh.today or (today["mesh"] is not None and today["mesh"].id == mesh.id)
        unspoken = {"cni": idle["cni"], "mesh": idle["mesh"] and same}
        speaks = {name: NEVER + 1 if unspoken[name] else place for name, place in speaks.items()}
        keeps = max(n for n, row in enumerate(self.preferences["mesh"]) if row["option"] in ("today", "same"))
        key = (
            blocked,
            len(unmet),
            is_open + (0 if unmet else len(unread)),
            speaks["cni"],
            2 if idle["mesh"] else speaks["mesh"] > keeps,
            sum(meets[need][0] is True and not meets[need][1] for need in asked),
            speaks["mesh"],
            self._change(cni, today, ails["cni"]),
            self._change(mesh, today, ails["mesh"]),
            spoken["mesh"][1],
            place,
        )
        eligible = False if blocked or unmet else None if unread or is_open else True
        return Standing(tuple(map(int, key)), cni, mesh, tuned, eligible, tuple(unmet), blocked)

    def _requirements(
        self, side: Option, truths: dict[str, bool | None], platform: str | None
    ) -> Iterator[bool | None]:
        """The states of what a side requires, without those that a missing fact does not bind."""
        for row in self.once(self._binding, side):
            state = truths[row["sql"]]
            yield True if state is None and row["lenient"] == "true" else state
        if platform is None and not side.today and side.rows[0]["platforms"] != "any":
            yield None

    def _binding(self, side: Option) -> list[Row]:
        """The requirements that rule a side out where they fail."""
        return [
            row
            for row in self.requirements
            if row["kind"] == side.side
            and row["effect"] == "blocks"
            and (row["today"] == "true" or not side.today)
            and side.rows
            and all(self.names(row["option"], option) for option in side.rows)
        ]

    def _named(self, side: Option) -> set[str]:
        """The preferences that name a side."""
        rows = self.preferences[side.side]
        return {row["id"] for row in rows if side.rows and all(self.names(row["option"], one) for one in side.rows)}

    def _speaking(self, side: Option, truths: dict[str, bool | None], today: dict[str, Option | None]) -> Iterator[int]:
        """Places of the preferences that speak for a side."""
        runs = today[side.side]
        for place, row in enumerate(self.preferences[side.side]):
            state = truths[row["sql"]]
            if not (state or (state is None and row["lenient"] == "true")):
                continue
            if row["option"] == "today":
                speaks = side.today
            elif row["option"] == "same":
                speaks = runs is not None and side.id == runs.id
            else:
                speaks = row["id"] in self.once(self._named, side)
            if speaks:
                yield place

    @staticmethod
    def _change(side: Option, today: dict[str, Option | None], ails: bool) -> int:
        runs = today[side.side]
        if side.id == "none" and (runs is None or runs.id == ""):
            return 0
        same = runs is not None and runs.id == side.id
        if ails and Oracle._repairs_nothing(side, runs):
            return 3
        return 0 if side.today else 1 if same else 2

    @staticmethod
    def _repairs_nothing(side: Option, runs: Option | None) -> bool:
        """What ails stays with the same product and with new fees, unless the provider takes it over."""
        theirs = {row["supported_by"] for row in side.rows} == {"provider"}
        if runs and theirs and not side.today and "provider" not in {row["supported_by"] for row in runs.rows}:
            return False
        pays = [any(row["paid"] == "true" for row in each.rows) for each in (side, runs) if each]
        return side.today or (runs is not None and runs.id == side.id) or pays == [True, False]

    def decide(self, facts: Facts) -> dict[str, Any]:
        """The verdict as ``decide`` tells it."""
        best = self.standings(facts)[0]
        ids = {side: [row["id"] for row in rows] for side, rows in self.preferences.items()}
        places = {"cni": best.key[3], "mesh": best.key[6]}
        asked = facts["needs"] is not None
        known = {"cni": asked or places["cni"] < NEVER, "mesh": asked}
        told: dict[str, Any] = {"tuned": best.tuned, "eligible": best.eligible}
        for option in (best.cni, best.mesh):
            side = option.side
            told[f"{side}_row"] = None if places[side] >= NEVER else ids[side][places[side]]
            given = known[side] and not best.blocked and option.id != ""
            told[side] = ("stay" if option.today else option.id) if given else None
            told[f"{side}_edition"] = (option.edition or None) if given and not option.today else None
        return told


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """The independent reading."""
    return Oracle()


def _draw(generator: random.Random, missing: float) -> Facts:
    draws: dict[str, Callable[[], Any]] = {
        "integer": lambda: generator.choice([0, 1, 2, 100, 499, 500, 900, 1001]),
        "number": lambda: generator.choice([0.0, 9999.5, 10000.0, 10000.5, 250000.0]),
        "boolean": lambda: generator.random() < 0.5,
        "version": lambda: generator.choice(KERNELS),
    }
    row: Facts = {}
    for name, spec in inputs().items():
        if generator.random() < missing:
            row[name] = None
        elif name == "windows_nodes":
            row[name] = generator.choice([0, 0, 1, 7])
        elif spec.type == "choice":
            row[name] = generator.choice(spec.choices)
        elif spec.type == "set":
            row[name] = generator.sample(spec.choices, generator.choice([0, 1, 1, 2, 2, 3, 5]))
        else:
            row[name] = draws[spec.type]()
    return _likely(generator, row)


def _likely(generator: random.Random, row: Facts) -> Facts:
    """Editions that exist: without this, hardly one in thirty would be of the product that runs."""
    for side, name in (("cni", "networks"), ("mesh", "meshes")):
        key = {"cni": "network", "mesh": "mesh"}[side]
        editions = [found["edition"] for found in _rows(name) if found[key] == row[f"current_{side}"]]
        if row[f"current_{side}_edition"] and editions and generator.random() < 0.7:
            row[f"current_{side}_edition"] = generator.choice(editions) or None
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
