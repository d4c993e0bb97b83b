"""What a review is: the record that ``review.json`` holds and that charts, workbooks, reports and documents read.

The order of the fields is that of the file.
"""

from __future__ import annotations

from functools import cache, reduce
from typing import Any, TypedDict

import msgspec

from meshlab.documents import is_mapping
from meshlab.scenario import Status, inputs
from meshlab.tables import read_table

Row = dict[str, Any]
"""A row of a table whose columns the model that made it declares."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The recommendation, as ``decide`` answers; a light review holds no more than the answer.

    Args:
        cni: Network plugin, ``stay`` for what runs, or None where not enough is known.
        mesh: Mesh, ``none``, ``stay``, or None where not enough is known.
        edition: Edition of each side, where it is known.
        tuned: Whether what stays is to be tuned.
        sentence: The answer and its main reason.
        settled: Whether no missing fact could change it; None where nobody asked.
        evidence_grade: How good the evidence is that it meets what is asked.
        matched: Ids of the preferences that hold, those that decided first.
        decided_by: Of each side that has an answer, the preference that decided; None where none did.
        why: Why this mesh, or this network, of those that would do, where it is new, in sentences.
        reasons: Why, in sentences.
        unmet: Needs that it does not meet.
        lost: Needs that nobody asked for, that what runs today meets, and that it does not.
        blockers: What rules options out: option, requirement, found.
        conflicts: Preferences that hold and speak for another option.
        flips: Changes that lead to another answer: input, from, to, cni, mesh, margin, why.
        unknown: Inputs that are missing and could change the answer.
        leads: Of each of these the values that do so alone, and where they lead: input, to, cni, mesh, edition.
        questions: What to ask first, where not enough is known.
        evidence: By which side the recommendation meets each need that is asked, with the text that says so.
        options: Every option as it stands, the best first.
        new_cluster_option: What a new cluster would have, where nothing that meets all can be had in this one.
        parts: Each network and each mesh alone, with what it lacks.
        rows: Every preference with its state.
        contradictions: Why the facts as stated cannot hold together.
    """

    cni: str | None
    mesh: str | None
    edition: Row = {}
    tuned: bool = False
    sentence: str = ""
    settled: bool | None = None
    evidence_grade: str | None = None
    matched: list[str] = []
    decided_by: dict[str, str | None] = {}
    why: list[str] = []
    reasons: list[str] = []
    unmet: list[str] = []
    lost: list[str] = []
    blockers: list[Row] = []
    conflicts: list[Row] = []
    flips: list[Row] = []
    unknown: list[str] = []
    leads: list[Row] = []
    questions: list[Row] = []
    evidence: list[Row] = []
    options: list[Row] = []
    new_cluster_option: Row | None = None
    parts: list[Row] = []
    rows: list[Row] = []
    contradictions: list[str] = []


class HeadlineFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One of the numbers that a report opens with, of what is recommended and of what runs today.

    Args:
        figure: Column of the estimates.
        label: The same in words.
        unit: Its unit.
        recommended_lo: Lower end of the 10-90 % interval; None where nothing is recommended, or no model answers.
        recommended: Median.
        recommended_hi: Upper end of the interval.
        today_lo: As ``recommended_lo``, of what runs today; None where no model answers for that.
        today: Its median.
        today_hi: Upper end of its interval.
    """

    figure: str
    label: str
    unit: str
    recommended_lo: float | None
    recommended: float | None
    recommended_hi: float | None
    today_lo: float | None
    today: float | None
    today_hi: float | None


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The three numbers that matter.

    Args:
        dataplane: The data plane whose figures speak for the verdict; None where no model answers for it.
        today: The one of today; None where no model answers for it.
        figures: The numbers.
    """

    dataplane: str | None
    today: str | None
    figures: list[HeadlineFigure]


class InputValue(msgspec.Struct, frozen=True, kw_only=True):
    """A declared input with its value and where that comes from.

    Args:
        input: Name of the input.
        label: The same in words.
        value: The value; None where it is unknown.
        unit: Its unit.
        status: Where that is.
        source: The file, or the reason where it is an assumption, a stand-in or a default.
    """

    input: str
    label: str
    value: Any
    unit: str | None
    status: Status
    source: str | None


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """An input on which the team and its cluster differ.

    Args:
        input: Name of the input.
        used: The team's value, which counts.
        found: The cluster's.
        source: File that shows it.
    """

    input: str
    used: Any
    found: Any
    source: str | None


class AssumedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that nobody measured or stated.

    Args:
        input: Name of the input.
        value: What stands in.
        why: Why it does.
    """

    input: str
    value: Any
    why: str | None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One team's review: what it states, what its cluster shows, and every model's answer, with all sources.

    Args:
        team: Name of the team.
        notes: Its own words.
        source: Where its facts come from.
        verdict: What is recommended, and why.
        comparison: The options side by side; None where there is nothing to compare.
        headline: The three numbers that matter.
        scenario: Value of every declared input, defaults filled in.
        inputs: The same, each with where its value comes from.
        facts: What the cluster's dump shows; None without a dump.
        disagreements: Inputs on which team and cluster differ.
        estimates: A row for each data plane, with the columns of ``estimate``.
        migration: The plan of the move to the recommendation.
        iac: How Terraform expresses the recommendation.
        audit: A finding for each rule of the audit; None without a dump.
        sensitivity: What moves the figures of the recommended data plane most; None where nothing moves.
        assumptions: Values that nobody measured or stated.
        meshlab_version: Version that made the review.
        sources: Each cited source once, with what it supports and the figures that rest on it.
        tables_changed: What the team's own decision tables change of ours.
        inputs_sha256: Hash of everything that the review is made of.
        needs: Needs that are stated beside those that objects use, and what is installed and unused; None without a
            dump.
        pools: Pools whose kernels rule options out, and what replacing them first would open; None where none does.
        tuning: What scoping the configuration of proxies alone would save; None where nothing is to gain.
        measured: Files of the team's own measurements and the figures that rest on them; None where it names none.
    """

    team: str
    notes: str
    source: str
    verdict: Verdict
    comparison: Row | None
    headline: Headline
    scenario: Row
    inputs: list[InputValue]
    facts: Row | None
    disagreements: list[Disagreement]
    estimates: list[Row]
    migration: Row | None
    iac: list[Row]
    audit: list[Row] | None
    sensitivity: list[Row] | None
    assumptions: list[AssumedValue]
    meshlab_version: str
    sources: list[Row]
    tables_changed: list[Row]
    inputs_sha256: str
    needs: Row | None = None
    measured: Row | None = None
    tuning: Row | None = None
    pools: Row | None = None

    @property
    def known(self) -> dict[str, Any]:
        """Values that are known or supposed, by input; what has a default stays open."""
        return {row.input: row.value for row in self.inputs if row.status not in ("default", "unknown")}

    def __repr__(self) -> str:
        """The verdict in a line, not every figure: a notebook shows this where a cell ends in a review."""
        return f"<Review of {self.team}: {self.verdict.cni}, {self.verdict.mesh}>"


# --- a review that somebody else wrote -----------------------------------------------------------------------------


class Caveat(TypedDict):
    """What comes with an option: see ``decision.standings.Caveat``."""

    kind: str
    text: str
    sign: str
    mitigation: str


KINDS: dict[str, Any] = {
    "text": str,
    "number": float,
    "number or text": float | str,  # such as a number of months, or never
    "integer": int,
    "boolean": bool,
    "texts": list[str],
    "numbers": list[float | None],
    "rows": list[dict[str, Any]],
    "caveats": list[Caveat],
    "mapping": dict[str, Any],
    "texts by name": dict[str, str | None],
    "texts by two names": dict[str, dict[str, str]],
}
"""Types that ``review_rows.csv`` names."""

INPUT_KINDS: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "set": list[str]}
"""Types of the inputs that are no text, by the type that ``inputs.csv`` names."""


@cache
def _row_types() -> dict[str, type[msgspec.Struct]]:
    """For each field of rows or values, the record that each has to be; columns that nobody reads are let be."""
    types: dict[str, type[msgspec.Struct]] = {}
    for (field,), rows in read_table("review_rows").group_by("field", maintain_order=True):
        # a column may have the name of a word of the language, such as "from"
        names = {f"column_{number}": str(row["column"]) for number, row in enumerate(rows.iter_rows(named=True))}
        columns = [
            (name, KINDS[row["type"]] | None) if row["null"] else (name, KINDS[row["type"]])
            for name, row in zip(names, rows.iter_rows(named=True), strict=True)
        ]
        types[str(field)] = msgspec.defstruct("Row", columns, rename=names, kw_only=True)
    values = [(spec.name, INPUT_KINDS.get(spec.type, str) | None, None) for spec in inputs().values()]
    types["scenario"] = types["known"] = msgspec.defstruct("Row", values)
    return types


def checked(review: Review) -> Review:
    """The review itself, once the rows in it are what ``review_rows.csv`` says.

    Raises:
        msgspec.ValidationError: One is not; the message names its field.
    """
    for field, row in _row_types().items():
        found = reduce(_part, field.split("."), review)
        try:
            if found is not None:
                msgspec.convert(found, list[row] if isinstance(found, list) else row)
        except msgspec.ValidationError as error:
            place = "inputs" if field == "known" else field
            raise msgspec.ValidationError(str(error).replace("`$", f"`$.{place}")) from None
    return review


def _part(value: Any, name: str) -> Any:
    return value.get(name) if is_mapping(value) else getattr(value, name, None)
