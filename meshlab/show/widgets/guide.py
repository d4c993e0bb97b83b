"""The guided review: from a dump, or from nothing, to an answer in five questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
from msgspec.structs import replace

from meshlab.documents import is_list
from meshlab.models.decision.changes import ORDERED, Change
from meshlab.models.decision.labels import listed, product
from meshlab.models.decision.questions import Open, Question, editions_today, open_questions, questions
from meshlab.reviews.advice import side_by_side
from meshlab.scenario import frame_of, inputs
from meshlab.show.fragments import fragment
from meshlab.show.labels import answer_text, need_label, value_text
from meshlab.show.widgets.controls import CONTROLS, FIXED, Control, button
from meshlab.show.widgets.panel import SCENARIO, Panel

MOST = 5
"""Questions that are asked at first."""

SHOWN = 5
"""Values, and needs, that a sentence names."""


class Asked(widgets.VBox):
    """A question: why it is asked, what answers it, and what its answers lead to.

    Args:
        question: The question.
        values: What is known when it is asked.
        used: Rows of the needs that the cluster uses, by need.
    """

    def __init__(self, question: Question, values: Mapping[str, object], used: Mapping[str, Mapping[str, Any]]) -> None:
        self.question = question
        spec = inputs()[question.input]
        choices = question.needs or editions_today(question.input, values) or spec.choices
        self.control: Control = CONTROLS[spec.type](replace(spec, label=question.question, choices=tuple(choices)))
        self.control.layout.margin = "0"
        seen = [used[need] for need in question.needs if need in used]
        notes = [f"In use: {need_label(row['need'])}, such as by {row['example']}" for row in seen]
        self.control.set([row["need"] for row in seen] or None)
        self.control.assume(None)
        self.leads = widgets.HTML()
        heading = fragment("asked", question.question, question=question, notes=notes)
        self.control.children[0].add_class("ml-unseen")
        parts = [widgets.HTML(heading.html), *self.control.children, self.leads]
        super().__init__(parts, layout={"flex": FIXED, "width": "100%"}, _dom_classes=self.control.classes)


class Guide(widgets.VBox):
    """The questions that could change the answer most, those first; each answer goes to the panel and brings the next.

    Needs that were not asked for stay open: with a part of the questions about them answered, the list is an
    assumption of the scenario, and says which needs nobody was asked about.

    Args:
        source: The panel that it fills.
    """

    def __init__(self, source: Panel) -> None:
        self.source = source
        self.rows: dict[str, Asked] = {}
        self.needs: dict[str, Sequence[str]] = {}
        self._forget()
        self.status, self.list = widgets.HTML(), widgets.VBox()
        self.more = button("Ask more", "Show the questions that are left, too", self._ask_more)
        self.anew = button("Start from nothing", "Forget every value of the panel", self._begin_anew)
        buttons = widgets.HBox([self.anew, self.more], layout={"flex": FIXED})
        super().__init__([self.status, self.list, buttons], layout={"width": "100%"})

    # --- what is open ----------------------------------------------------------------------------------------------

    def ask(self, values: Mapping[str, Any]) -> list[Open]:
        """The questions that could change the answer of a scenario."""
        answers = self.needs if self.case is self.source.scenario_files.case else {}
        mine = values.get("needs") in (None, self._needed(answers))
        return open_questions(frame_of([{"scenario": SCENARIO, **values}]), [*answers] if mine else None)

    def take(self, found: Sequence[Open]) -> None:
        """Show the questions: those that are answered, and of the others as many as there is room for."""
        if self.case is not self.source.scenario_files.case:
            self._forget()
        values = self.source.scenario
        still = {each.question.id: each for each in found}
        kept = [name for name in self.rows if name in still or self._is_answered(self.rows[name].question)]
        shown = [*kept, *(name for name in still if name not in kept)][: max(self.most, len(kept))]
        used = self._used()
        self.rows = {name: self.rows.get(name) or self._row(still[name].question, used) for name in shown}
        for name, row in self.rows.items():
            row.leads.value = leads_text(still[name], values) if name in still else ""
            if not row.question.needs:
                row.control.set(values.get(row.question.input))
        left = len(still.keys() - self.rows.keys())
        open_now = sum(name in still for name in shown)
        self.more.layout.display = "" if left else "none"
        self.more.description = f"Ask {left} more"
        self.status.value = fragment("guide", "", open=open_now, left=left, known=bool(values)).html
        self.list.children = list(self.rows.values())

    def _row(self, question: Question, used: Mapping[str, Mapping[str, Any]]) -> Asked:
        row = Asked(question, self.source.scenario, used)
        row.control.observe(lambda change: self._answer(question, change["new"]), "value")
        return row

    def _is_answered(self, question: Question) -> bool:
        if question.needs:
            return question.id in self.needs and self.source.scenario.get("needs") == self._needed(self.needs)
        return self.source.scenario.get(question.input) is not None

    def _used(self) -> dict[str, Mapping[str, Any]]:
        """Needs of the panel that the cluster's objects use, by need."""
        case = self.source.scenario_files.case
        found = side_by_side(case) if case else None
        return {row["need"]: row for row in (found or {}).get("rows", ()) if row["need"] in self._found()}

    def _found(self) -> Sequence[str]:
        """Needs that the cluster's objects use and that count as needs."""
        case = self.source.scenario_files.case
        given = case.given.get("needs") if case else None
        return given.value if given and given.status == "inferred" and is_list(given.value) else []

    # --- answers ---------------------------------------------------------------------------------------------------

    def _answer(self, question: Question, value: Any) -> None:
        values = dict(self.source.scenario)
        if not question.needs:
            values[question.input] = value
        else:
            if value is None:
                self.needs.pop(question.id, None)
            else:
                self.needs[question.id] = value
            values["needs"] = self._needed(self.needs)
            self._note(values["needs"])
        self.source.set({name: value for name, value in values.items() if value is not None})

    def _needed(self, answers: Mapping[str, Sequence[str]]) -> list[str] | None:
        """What answers and the cluster say together; None where neither says anything."""
        replaced = {need for each in questions() if each.id in answers for need in each.needs}
        named = {need for answer in answers.values() for need in answer} | ({*self._found()} - replaced)
        told = [need for need in inputs()["needs"].choices if need in named]
        return told if answers or told else None

    def _note(self, needs: list[str] | None) -> None:
        """That needs which nobody was asked about are taken as not needed."""
        left = [need for each in questions() if each.id not in self.needs for need in each.needs]
        labels = [need_label(need) for need in left if need not in (needs or ())]
        self.source.assumed.pop("needs", None)
        if labels and needs is not None:
            why = f"answered in part; nobody was asked about {listed(labels, most=SHOWN)}, taken as not needed"
            self.source.assumed["needs"] = (needs, why)

    def _ask_more(self) -> None:
        self.most = len(self.rows) + MOST
        self.take(self.ask(self.source.scenario))

    def _begin_anew(self) -> None:
        self.source.scenario_files.case = None
        self.source.assumed.clear()
        self._forget()
        self.source.set({})

    def _forget(self) -> None:
        self.case, self.most, self.rows, self.needs = self.source.scenario_files.case, MOST, {}, {}


def leads_text(asked: Open, values: Mapping[str, Any]) -> str:
    """What the answers of a question lead to, the values that lead to the same together.

    Args:
        asked: The question with its answers.
        values: The scenario.
    """
    today = {name: values.get(name) for name in ("current_cni", "current_mesh")}

    def words(cni: str | None, mesh: str | None, *edition: str | None) -> str:
        answer = {"cni": cni, "mesh": mesh, "edition": dict(zip(("cni", "mesh"), edition, strict=True))}
        return answer_text(answer, today)

    groups: dict[str, list[str]] = {}
    for change, answer in asked.leads.items():
        groups.setdefault(words(*answer), []).append(_value(change))
    rows = [(answer, listed(names, "or", SHOWN)) for answer, names in groups.items()]
    return fragment("leads", "", rows=rows, now=words(*asked.now)).html


def _value(change: Change) -> str:
    """The value of an answer in words."""
    if change.member:
        return f"{'' if change.value else 'not '}{need_label(change.member)}"
    if change.input in ("current_cni", "current_mesh"):
        return product(str(change.value), change.input.removeprefix("current_"))
    words = value_text(change.value)
    return f"such as {words}" if inputs()[change.input].type in ORDERED else words
