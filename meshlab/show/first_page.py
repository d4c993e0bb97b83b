"""What a board reads and signs: the answer on one page, and the record of the decision.

Both say what the review holds in sentences and tables; nothing is worked out here but where a bar begins and ends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

from meshlab.models.decision.labels import listed, lower_first, need_label, upper_first
from meshlab.models.decision.tables import SIDES
from meshlab.models.overhead.network import wireguard_cores
from meshlab.planning.comparison import AS_LIKELY, NEARLY, TELLING
from meshlab.planning.migration.text import back_text, span_text
from meshlab.planning.migration.text import interval_text as likely_text
from meshlab.reviews.advice import left_out
from meshlab.reviews.comparison import LIFETIME_MONTHS
from meshlab.reviews.record import Review, Row
from meshlab.scenario import inputs
from meshlab.show.charts.canvas import cited
from meshlab.show.charts.drivers import driver_label
from meshlab.show.charts.intervals import log_ends
from meshlab.show.fragments import Fragment, fragment
from meshlab.show.labels import (
    answer_text,
    change_text,
    edition_of,
    input_label,
    lead_texts,
    meets_nothing,
    members_changed,
    preferred_text,
    value_text,
)
from meshlab.show.theme import figure_text, interval_text
from meshlab.units import significant

GRADES = {
    "documented": "Everything that is asked of it is released and documented.",
    "beta": "Part of what is asked of it is a beta or a preview.",
    "extrapolated": "Part of what is asked of it is inferred from the documentation of another edition.",
    "prior": "For part of what is asked of it, nobody has read the documentation.",
}
"""Grades of the evidence that the recommendation meets what is asked, in words."""

DOCUMENTED, PRIOR = "documented", "prior"
"""The best grade, and the one where no text says that it does."""

DOCUMENTED_ALONE = "Each need is met by what is released and documented; what comes with it stands above."
"""What the best grade comes to where conditions are tied to an option."""

FIGURES = (
    ("memory_gib", "Memory", "GiB", "memory_gib", False),
    ("nodes", "Capacity", "nodes", "memory_gib", False),
    ("added_p99_ms", "Latency, p99", "ms", "added_p99_ms", False),
    ("monthly_usd", "Cost and licence", "USD/month", "cost_usd_per_month", True),
    ("move_person_hours", "The move", "person-hours", None, False),
    ("total_usd", "Total", "USD", "", True),
)
"""Rows of the first page's table: figure, label, unit, the estimate whose sources it cites, whether prices are cited.
None is the figure that cites the sources of the move."""

SHOWN = 4
"""Options that stand side by side on the first page: more would not be legible on paper."""

TRIGGERS, RISKS = 5, 6
"""Triggers and risks of the record that are not folded."""

MEASUREMENT_USD = 100
"""What a measurement has to save before it is advised: it takes an hour or more of somebody's time. [USD]"""

YEAR = 12
"""Months after which a decision is looked at again at the latest. [months]"""


# --- the first page ------------------------------------------------------------------------------------------------


def summary(review: Review) -> Fragment:
    """The first page: the answer, what it costs and takes, how sure it is and why, what is against it, what to do."""
    against, shown, begun = objections(review), options_shown(review), starter(review)
    fresh = bool(review.migration and review.migration["fresh"])
    gone = {row["eligible"] for row in shown if row["today"] and not row["tuned"]} == {False}  # nothing pays beside it
    blocks = [
        ("How sure is it?", list(certainty(review))),
        ("What would change it?", list(_margin(review))),
        ("What is not known?", list(_not_known(review))),
        ("What is next?", [*filter(None, (_scoping(review), encryption_text(review))), next_step(review)]),
    ]
    return fragment(
        "summary",
        "\n".join([review.verdict.sentence, *against, *(line for _, lines in blocks for line in lines)]),
        verdict=review.verdict,
        known=review.verdict.mesh is not None,
        lead=_lead(review),
        why=[reason for reason in review.verdict.why if not any(lower_first(reason) in said for said in against)],
        starter=begun,
        against=against,
        grave=bool(review.comparison and review.comparison["against"]) or bool(caution(review)),
        blocks=blocks,
        options=shown,
        priced=0 if _pooled(review) else (review.comparison or {}).get("priced", 0),
        over=baseline(review),
        rows=list(figure_rows(review, shown)),
        payback=None if fresh or gone else _payback,
        way_back=None if fresh else way_back,
        standing=_standing,
        scoped=any(row.get("scoped") for row in shown) and review.tuning,
    )


HEADLINE = 260
"""Longest answer that stands as a headline; what follows the sentences that fit is told below it. [characters]"""


def _lead(review: Review) -> tuple[str, str, str]:
    """The answer as a headline, and what of it is told below: all but its first sentence where nothing can be had."""
    answer = review.verdict.sentence
    if meets_nothing(review):
        return answer.partition(". ")
    head = answer if len(answer) <= HEADLINE else answer[:HEADLINE].rpartition(". ")[0] or answer
    _, stop, rest = answer.removeprefix(head).partition(". ")
    return head, stop, rest


def starter(review: Review) -> str | None:
    """The team file to begin with, where nothing is known but what a dump says and more is asked."""
    if not review.verdict.questions or not review.facts or any(row.status == "stated" for row in review.inputs):
        return None
    needs = dict.fromkeys(need for row in review.verdict.questions for need in row["needs"])
    read = review.facts.get("collected_from") or ()
    asked = [inputs()[name] for name in review.verdict.unknown if name != "needs"]
    values = [f"  {spec.name}: {'true  # or false' if spec.type == 'boolean' else 'null'}" for spec in asked]
    return "\n".join(
        [
            f"team: {json.dumps(review.team)}",
            f"cluster: {json.dumps(read[0] if len(read) == 1 else 'THE DUMP')}",
            *(["scenario:", *values] if values else []),
            "needs: []  # what is asked; the questions are about",
            *wrap(", ".join(needs), 88, initial_indent="#   ", subsequent_indent="#   "),
        ]
    )


def caution(review: Review) -> str | None:
    """What the figures must not be read without: that no pods of applications were found, and what stands in."""
    why = next((row.source for row in review.inputs if row.input == "pods" and row.status == "stand-in"), None)
    return why and f"{upper_first(why)}. All figures depend on that number."


def scoping_text(review: Review) -> str | None:
    """What scoping alone would save of what proxies take, in two sentences; None where nothing is to gain."""
    found = review.tuning
    if not found or not (found["runs_today"] or review.verdict.mesh == found["dataplane"]) or not _tuning_pays(review):
        return None
    memory = next(item for item in found["figures"] if item["figure"] == "memory_gib")
    takes = f"{figure_text(memory['scoped'])} {memory['unit']} instead of {figure_text(memory['median'])}"
    todo = "Limit" if found["runs_today"] else "From the first day, limit"
    then = " Nothing moves for that." if found["runs_today"] else ""
    return (
        f"{todo} what each sidecar is told to some {found['scoped_services']:,} services in place of all "
        f"{found['services']:,}: the sidecars alone take {takes}.{then}"
    )


def _scoping(review: Review) -> str | None:
    """The same in the fewest words: how many services that are is told beside the table."""
    if scoping_text(review) is None or not review.tuning:
        return None
    memory = next(item for item in review.tuning["figures"] if item["figure"] == "memory_gib")
    begin = "Scope the sidecars that run" if review.tuning["runs_today"] else "Scope sidecars from the first day"
    takes = f"{figure_text(memory['scoped'])} {memory['unit']} instead of {figure_text(memory['median'])}"
    return f"{begin}: they alone take {takes}."


def _tuning_pays(review: Review) -> bool:
    """Whether tuning what stays pays within the horizon; so it does as far as is known where a cost is not."""
    compared: Row = review.comparison or {"options": (), "horizon_months": 0.0}
    tuned = next((row for row in compared["options"] if row["tuned"] and row["today"]), None)
    if tuned is None or tuned["saves_usd_per_month"] is None:
        return True
    return tuned["payback_months"] is not None and tuned["payback_months"] <= compared["horizon_months"]


BETWEEN_NODES = "encryption_in_transit"
"""Id of the need that a network plugin meets by WireGuard."""


def encryption_text(review: Review) -> str | None:
    """What WireGuard takes where the network alone has to encrypt, in a sentence; None where it need not."""
    verdict, scenario = review.verdict, review.scenario
    mesh = scenario.get("current_mesh") if verdict.mesh == "stay" else verdict.mesh
    if mesh not in ("none", "gateway") or BETWEEN_NODES not in (scenario.get("needs") or ()) or meets_nothing(review):
        return None
    stays = verdict.cni == "stay"
    cni = scenario["current_cni"] if stays else verdict.cni
    found = wireguard_cores(scenario, cni, scenario["current_cni_edition"] if stays else verdict.edition["cni"])
    note = next((row["note"] for row in verdict.evidence if row["need"] == BETWEEN_NODES), "")
    told = f"See that traffic is encrypted between nodes{note and f': {note}'}."
    if found is None:
        return f"{told} What that takes has not been measured for this network."
    low, median, high = map(figure_text, found)
    return f"{told} WireGuard takes {median} cores ({low} – {high}, 10–90 %)."


def chosen(review: Review) -> Row | None:
    """The recommended option as the comparison has it; None where nothing is recommended or compared."""
    options = review.comparison["options"] if review.comparison else ()
    return next((row for row in options if row["recommended"]), None)


def objections(review: Review) -> list[str]:
    """What speaks against the answer, the gravest first: the figures, then the preference that it overrules."""
    warning = caution(review)
    wrong = "; ".join(map(lower_first, review.verdict.contradictions))
    told = [f"The facts as stated cannot hold together: {wrong}."] if wrong else []
    if (old := _unsupported(review)) and review.migration and review.migration["stays"]:
        told.append(old)
    told += [*([warning] if warning else []), *(review.comparison["against"] if review.comparison else ())]
    if meets_nothing(review):
        return told
    caveats = {f"{row['text'].rstrip('.')}.": row["kind"] for row in _first(review)["caveats"]}
    grave = [text for text, kind in caveats.items() if kind in GRAVE]
    grave += [text for text, kind in caveats.items() if kind == "partial"][:2]
    answered = review.verdict.mesh is not None
    options: Sequence[Row] = review.comparison["options"] if review.comparison else ()
    rivals = {row["mesh"] for row in options if any(sentence.startswith(row["label"]) for sentence in told)}
    few, moves = len(told) < 2, review.verdict.cni not in (None, "stay")  # noqa: PLR2004  (the figures say little)
    if few and answered:
        cases = [
            row
            for row in review.verdict.conflicts
            if row["eligible"] and not (row["side"] == "cni" and review.verdict.cni == "stay")
        ]
        told += [
            f"There is also a case for {preferred_text(row['recommendation'])}: {lower_first(row['reason'])}"
            for row in cases[:1]
            if row["recommendation"].partition("@")[0] not in rivals  # which is told of already
        ]
    if moves or (few and answered):
        told += [caveat for caveat in caveats if caveat not in grave][:2]
    told += [*(grave if review.verdict.cni is not None else []), *_unenforced(review)]
    if review.verdict.lost:
        told.append(f"It takes away what nobody asked for: {listed(map(need_label, review.verdict.lost), most=4)}.")
    if not told and answered:
        met = [row for row in review.verdict.options if row["eligible"] and not row["tuned"]]
        others = (row["label"] for row in met if row["rank"] != 1)
        other = next((f"{label} would meet what is asked, too" for label in others), NO_OTHER)
        why = NOT_KNOWN if not _first(review)["eligible"] else "Nothing that is known" if other == NO_OTHER else ""
        told = [". ".join(filter(None, (why, upper_first(other)))) + "."]
    return told


UNSUPPORTED = "release-unsupported"
"""The rule of the audit that finds releases whose support has ended."""


def _unsupported(review: Review) -> str | None:
    """Which release runs whose support has ended, in a sentence."""
    found = (row for row in review.audit or () if row["rule"] == UNSUPPORTED and row["state"] == "fail")
    return next((f"{row['detail'].rstrip('.')}." for row in found), None)


def _unenforced(review: Review) -> Iterator[str]:
    """For how long policies are not enforced while it moves, in a sentence."""
    plan = review.migration
    if plan and plan["gaps"]:
        nights = any(gap["elapsed_hi"] != gap["hours_hi"] for gap in plan["gaps"])
        told = f"Policies are not enforced for {likely_text(plan, 'unenforced_hours')} h of the move"
        yield f"{told}{', nights included' if nights else ''}."


NO_OTHER = "no other option is known to meet what is asked"
NOT_KNOWN = "It is not known whether this one meets what is asked"


def _first(review: Review) -> Row:
    """The first of all options, whether it meets what is asked or not."""
    return next((row for row in review.verdict.options if row["rank"] == 1), {"caveats": (), "eligible": False})


def certainty(review: Review) -> Iterator[str]:
    """How sure the answer is, and why, in sentences."""
    verdict, first = review.verdict, chosen(review)
    if verdict.contradictions:
        yield "The facts as stated cannot hold together, so one of them is wrong."
    elif verdict.settled:
        mine = _unbounded(review)
        budget = f", but a running budget below {figure_text(mine)} USD a month would" if mine else ""
        yield f"No missing fact could change the answer{budget}."
    elif verdict.unknown:
        yield "A missing fact could change it: see what is not known."
    elif verdict.mesh is not None and not meets_nothing(review):
        yield "Not everything that it depends on has been read: see all options below."
    yield from graded(review)
    if first and review.comparison and not _pooled(review):
        yield from _chance(first, review.comparison)
    plane = next((row for row in review.estimates if row["dataplane"] == review.headline.dataplane), None)
    if plane and not plane["in_evidence_range"]:
        yield "Figures are extrapolated beyond what was measured."


def _pooled(review: Review) -> bool:
    """Whether what is recommended is today's in an edition that is not known, so that its cost is that of several."""
    first = chosen(review)
    return bool(first and first["today"] and EDITIONS & {*review.verdict.unknown})


def graded(review: Review) -> Iterator[str]:
    """How good the evidence is that what is recommended meets what is asked, in a sentence."""
    verdict = review.verdict
    is_met = _first(review)["eligible"] or verdict.evidence_grade == PRIOR
    if verdict.evidence_grade and is_met and verdict.mesh is not None and not meets_nothing(review):
        partly = [need_label(row["need"]) for row in verdict.evidence if row["support"] == "partial"]
        limits = f" Of them in part only: {listed(dict.fromkeys(partly), most=3)}." if partly else ""
        against = " ".join(objections(review))
        conditions = [row["text"] for row in _first(review)["caveats"] if row["kind"] not in ("ends", "fee")]
        alone = any(text.rstrip(".") in against for text in conditions) and verdict.evidence_grade == DOCUMENTED
        yield f"{DOCUMENTED_ALONE if alone else GRADES[verdict.evidence_grade]}{limits}"


def _unbounded(review: Review) -> float | None:
    """What it costs, where a budget below that, which nobody stated, would put a cheaper option first. [USD/month]"""
    first, cost = chosen(review), "monthly_usd"
    if first is None or review.comparison is None or review.scenario.get("max_usd_per_month") is not None:
        return None
    mine = first["criteria"][cost]["median"]
    rivals = [row["criteria"][cost]["median"] for row in review.comparison["options"] if row["eligible"]]
    return mine if mine is not None and any(rival is not None and rival < mine for rival in rivals) else None


UNPRICED = {
    "cost_usd_per_month": "no measurement covers all of it",
    "licence_usd_per_month": "the price of its licence is not stated",
}
"""Why it cannot be said whether an option is the cheapest, by the figure that is not known."""


def _chance(first: Row, comparison: Row) -> Iterator[str]:
    """How often the recommended option is the cheapest, or why that cannot be said; nothing where it tells nothing."""
    chance, priced = first["probability_best"], comparison["priced"]
    if chance is None and (fee := comparison.get("fee")):
        most = fee["most_usd_per_month"]
        below = f"No option of a known cost is cheaper where its fee is below {figure_text(most)} USD a month."
        yield below if most > 0 else "Whatever its fee, another option costs less."
    elif chance is None:
        unknown = (why for figure, why in UNPRICED.items() if first["criteria"][figure]["median"] is None)
        yield f"Whether it is the cheapest cannot be said: {next(unknown, 'what it depends on comes first')}."
    elif priced > 1:
        often, premium = round(100 * chance), comparison.get("premium")
        sure = f"the cheapest with a probability of {often} %" if often else "never the cheapest"
        close = premium and often and premium["probability"] < TELLING
        less = f"; as medians, the cheapest costs {figure_text(premium['usd'])} USD less" if premium and close else ""
        yield f"Of {priced} options with a known cost, it is {sure}{less}."
    elif sum(row["probability_best"] is not None for row in comparison["options"]) == 1:
        yield "It is the only option whose cost is known."
    elif first["mesh"] == "none":
        yield "It is the cheapest option whose cost is known: the others add a mesh to the same network."


def _input(name: str) -> str:
    if name == "needs":
        return "what is needed"
    label = lower_first(input_label(name))
    return f"whether the {label}" if IS in label else label


IS = " is "
"""What makes a label a sentence that holds or does not, such as that the CNI is healthy."""


def _margin(review: Review) -> Iterator[str]:
    """The nearest changes of a known fact that lead to another answer."""
    if review.verdict.mesh is None:
        return
    needs = dict.fromkeys(need_label(need) for flip in review.verdict.flips if (need := added_need(flip["changes"])))
    others = [flip for flip in review.verdict.flips if not added_need(flip["changes"])]
    for flip in others[:2]:  # the nearest are enough for a first page
        yield f"{change_of(flip)}. Then: {answer_text(flip, review.scenario)}."
    if needs:
        yield f"Asking for one of these, too, leads to another option: {listed(needs, 'or', 3)}."
    if not needs and not others:
        yield "No single change to a known fact leads to another option that meets what is asked, budgets aside."


def change_of(flip: Row) -> str:
    """What changes, with how far away that is."""
    label = lower_first(input_label(flip["input"].partition(":")[0]))
    if IS in label and len(flip["changes"]) == 1:
        return f"The {label if flip['to'] else label.replace(IS, ' is not ')}"
    if flip["margin"] and 0 in (flip["from"], flip["to"]) and inputs()[flip["input"]].unit == "count":
        return f"{'With' if flip['to'] else 'Without'} {input_label(flip['input'])}"
    if flip["margin"]:
        return f"{input_label(flip['input'])} {flip['margin']}"
    if (changed := flip["changes"])[0]["input"] == "needs" and len(changed) == 1:
        added, gone = members_changed(changed[0])
        parts = (("no longer needed", gone), ("also needed", added))
        return upper_first(
            "; ".join(f"{words}: {listed(map(need_label, names), most=4)}" for words, names in parts if names)
        )
    return "; ".join(map(change_text, changed))


def added_need(changes: Sequence[Row]) -> str | None:
    """The need that is the only change, where it is one."""
    if len(changes) != 1 or changes[0]["input"] != "needs":
        return None
    added, gone = members_changed(changes[0])
    return added[0] if len(added) == 1 and not gone else None


def _to_find_out(review: Review) -> list[str]:
    """Facts that could change the answer; the edition of a network says by itself which policy engine it has."""
    unknown = review.verdict.unknown
    return [name for name in unknown if name != "policy_engine" or "current_cni_edition" not in unknown]


def _open_facts(review: Review) -> Iterator[str]:
    """Facts that could change the answer, each with where it may lead; those that do so alone come first."""
    leads = {name: lead_texts(review, name) for name in _to_find_out(review)}
    for name in sorted(leads, key=lambda name: not leads[name])[:3]:
        yield f"{': '.join([upper_first(_input(name)), *leads[name][:1]])}."


def _not_known(review: Review) -> Iterator[str]:
    found: list[Row] = review.comparison["find_out"] if review.comparison else []
    first = chosen(review)
    lines = [*_open_facts(review)]
    cost = first["criteria"]["cost_usd_per_month"]["median"] if first else None
    if first and cost is None:
        lines.append("What it costs in memory and money: no measurement covers both its network and its mesh.")
    elif first and first.get("mesh_alone"):
        lines.append("What its network takes: no measurement covers it, so that figures are of the mesh alone.")
    elif first and first["criteria"]["licence_usd_per_month"]["median"] is None:
        lines.append("The price of its licence, or what its provider charges.")
    # what is told as 0 % matters to nobody, nor what is cheapest where cost does not speak for what is recommended
    options: list[Row] = review.comparison["options"] if review.comparison else []
    likeliest = max((row["probability_best"] or 0.0 for row in options), default=0.0)
    worth = found and found[0]["probability_of_change"] >= 0.005 and found[0]["saves_usd"] >= MEASUREMENT_USD  # noqa: PLR2004
    if worth and first and first["probability_best"] == likeliest:
        lines.append(
            f"Measuring {found[0]['group']} first is worth {significant(found[0]['saves_usd'], 2)} USD on average: "
            f"with a probability of {100 * found[0]['probability_of_change']:.0f} % another option turns out cheapest."
        )
    if asked := [need_label(row["need"]) for row in left_out(review.needs)]:
        lines.insert(0, f"In use, but not stated: {listed(asked, most=4)}. The answer does not count them.")
    lines += _assumed_at_layer_7(review)
    movers = [row for row in review.sensitivity or () if row["figure_name"] == "cost_usd_per_month"]
    moves = f"its cost most: {lower_first(driver_label(movers[0]['driver']))}." if movers and cost is not None else ""
    if lines:
        yield from [*lines, *([f"What moves {moves}"] if moves else [])]
    else:
        yield f"Nothing that could change the answer.{f' What moves {moves}' if moves else ''}"


def _assumed_at_layer_7(review: Review) -> Iterator[str]:
    """That a default stands for the traffic at layer 7, where all of it may have to be seen and ambient mode counts."""
    asked = "l7_observability" in (review.scenario.get("needs") or ())
    if asked and any(row["mesh"] == "istio-ambient" for row in options_shown(review)):
        for row in review.inputs:
            if row.input == "l7_traffic_share" and row.status == "default":
                share = f"{100 * row.value:.0f} % is assumed"
                yield f"How many requests are to be seen at layer 7: {share}, and in ambient mode each costs more."


def next_step(review: Review) -> str:
    """What to do after reading, in a sentence or two."""
    verdict, plan = review.verdict, review.migration
    asked = verdict.questions and (verdict.mesh is None or verdict.cni is None)
    if verdict.contradictions or asked:
        todo = "Correct the facts that cannot hold together" if verdict.contradictions else "Answer the questions"
        like = "a team file like the one above, and review that file"
        return f"{todo} in {like if starter(review) else 'the team file, and render this report again'}."
    if verdict.mesh is None or verdict.cni is None or meets_nothing(review):
        what = (
            "Decide which need the platform can do without, or make possible what would meet them all"
            if verdict.mesh
            else "Clear what bars the nearest option"
        )
        if anew := verdict.new_cluster_option:
            what = f"{what}, or plan a new cluster with {anew['label']}"
        return f"{what}; state it in the team file, and render this report again."
    before = _before(review)
    is_open = verdict.unknown or _unread(review)
    sign = "If the answer stands, sign the decision record" if is_open else "Sign the decision record"
    if not plan or plan["stays"]:
        if _unsupported(review):
            before = f"Upgrade what is out of support. {before}"
        if EDITIONS & {*verdict.unknown}:
            ways = listed(_ways_out(review), "or", 3)
            else_ = f"choose: {ways}" if ways else "plan the move"
            return f"{before}If what runs meets all that is asked, sign the decision record; otherwise {else_}."
        soon = (row["text"] for row in _first(review)["caveats"] if row["kind"] == "ends")
        ends = next((f" yet: {lower_first(text)}" for text in soon), "")
        return f"{before}{sign}; nothing has to be moved{ends}.{_to_set_up(review)}"
    if grave := [row for row in plan["blockers"] if row["severity"] == "high"]:
        title, todo = listed((row["title"] for row in grave), most=3), grave[0]["todo"]
        return f"{before}Clear what stands in the way. {title}{f': {lower_first(todo)}' if len(grave) == 1 else '.'}"
    # what is written and agreed on comes with it; what a board has to see begin is what follows
    first = next((step for step in plan["steps"] if step["phase"] != "write"), plan["steps"][0])
    most = max(plan["steps"], key=lambda step: step["hours"] or 0.0)
    share = (most["hours"] or 0.0) / (plan["hours"] or math.inf)
    work = f" Most of the work: {lower_first(most['action'])}." if share > MOST and most is not first else ""
    return f"{before}{sign}, then begin: {lower_first(first['action'])}.{work}"


MOST = 0.4
"""Share of a plan's hours from which one step is named as most of the work."""


def _ways_out(review: Review) -> Iterator[str]:
    """What can be had where the edition of today does not do: others of the product, the first of another one.

    Where nothing can, what a new cluster would have.
    """
    first, (side, *more) = (
        _first(review),
        [name for name in SIDES if f"current_{name}_edition" in review.verdict.unknown],
    )
    rest = "cni" if side == "mesh" else "mesh"

    can_be = [
        row for row in review.verdict.options if row["eligible"] and edition_of(row, rest) == edition_of(first, rest)
    ]
    others = [row for row in can_be if not row["today"] and not more]
    yield from (row["label"] for row in others if row[side] == first[side])
    yield from [row["label"] for row in others if row[side] != first[side]][:1]
    if anew := review.verdict.new_cluster_option:
        yield f"{anew['label']}, in a new cluster"


def _to_set_up(review: Review) -> str:
    """What is asked for, stays and is on only where somebody switched it on; what the dump shows in use is."""
    used = {row["need"] for row in (review.needs or {}).get("rows", ()) if row["objects"]}
    steps = (review.migration or {}).get("set_up", ())
    todo = dict.fromkeys(lower_first(step["action"]) for step in steps if step["need"] not in used)
    return f" Unless it is done already: {'; '.join([*todo][:3])}." if todo else ""


def _before(review: Review) -> str:
    """What to do before the decision is signed, in a sentence that ends in a space; nothing where nothing is."""
    unknown, first = _to_find_out(review), chosen(review)
    if unread := _unread(review):
        also = f", and what is not known: {listed(map(_input, unknown), most=5)}" if unknown else ""
        return f"Find out first whether it meets {listed(map(need_label, unread), most=4)}{also}. "
    if unknown:
        return f"Find out first: {listed(map(_input, unknown), most=5)}. "
    if not first:
        return ""
    beaten_by = first["dominated_by"] if first["probability_best"] is not None else None
    ailing = [
        words
        for side, words in (("cni", "network plugin"), ("mesh", "mesh"))
        if review.scenario.get(f"{side}_healthy") is False and getattr(review.verdict, side) != "stay"
    ]
    known = {budget: share for budget, share in first["within"].items() if share is not None}
    missed = {budget in OF_MOVE for budget, share in known.items() if share < AS_LIKELY}
    steps = {
        f"Find out first what ails the {listed(ailing, most=2)}: another configuration or release may repair it. ": (
            bool(ailing)
        ),
        "Measure on one node pool first whether it fits. ": (first["within"].get("fits") or 1.0) < NEARLY,
        "Measure first whether it keeps to its budget: `meshlab plan-measurement` writes how. ": False in missed,
        "Raise the budget of the move, or rehearse it first and state what that took. ": True in missed,
        "Tune it. ": beaten_by == f"{first['label']}, tuned",
    }
    return next((step for step, is_due in steps.items() if is_due), "")


def _unread(review: Review) -> list[str]:
    """Needs of which nobody has read whether what is recommended meets them."""
    first = _first(review)
    unknown = first["unknown"] if first["eligible"] is None else ()
    return [name for name in unknown if name in inputs()["needs"].choices]


OF_MOVE = frozenset({"max_move_hours", "max_disruption_minutes"})
"""Budgets that no load test measures."""


EDITIONS = {"current_cni_edition", "current_mesh_edition"}
"""What has to be known before it can be said that nothing moves."""


def options_shown(review: Review) -> list[Row]:
    """The options of the first page: recommended, today's, and the next ones that can be chosen or are open."""
    options: list[Row] = review.comparison["options"] if review.comparison else []
    first = [row for row in options if row["recommended"]]
    today = [row for row in options if row["today"] and row not in first and not row["tuned"]][:1]
    none, pays = meets_nothing(review), _tuning_pays(review)
    can_be = [
        row
        for row in options
        if (none or row.get("new_cluster") or row["eligible"] is not False) and (pays or not row["tuned"])
    ]
    others = [row for row in can_be if row not in first + today]
    enough = next((row["mesh"] for row in first if row["mesh"] in ("none", "gateway")), None)

    def farther(row: Row) -> tuple[bool, bool, bool]:
        # what is known to do first, then what brings no mesh where none is needed, then that of which a cost is known
        unknown = row["criteria"]["cost_usd_per_month"]["median"] is None
        does = row["eligible"] or row.get("new_cluster")
        return not does, enough is not None and row["mesh"] != enough, unknown

    others.sort(key=farther)
    shown = [*first, *today, *others][:SHOWN]
    priced = [row for row in others if row["probability_best"]]
    if cheapest := max(priced, key=lambda row: row["probability_best"], default=None):
        shown[-1:] = shown[-1:] if cheapest in shown else [cheapest]
    # editions of one product beside each other would hide its rival
    mine = {(row["cni"], row["mesh"]) for row in first}
    if {(row["cni"], row["mesh"]) for row in shown} == mine:
        shown[-1:] = next(([row] for row in others if (row["cni"], row["mesh"]) not in mine), shown[-1:])
    return shown


def baseline(review: Review) -> str:
    """What figures are over: a new platform has no network yet, so that both count."""
    new = review.scenario.get("greenfield")
    return "together, over bare nodes" if new else "over the network of today without a mesh"


def figure_rows(review: Review, options: Sequence[Row]) -> Iterator[Row]:
    """Rows of the table: each figure of each option with its interval, the least and the most marked, and a bar."""
    names = {row["source_id"]: number for number, row in enumerate(review.sources, 1)}
    of_move = [
        row["source_id"] for row in review.sources if {"steps of the move", "ways of the move"} & {*row["supports"]}
    ]
    labels = {"move_person_hours": "Installation"} if review.migration and review.migration["fresh"] else {}
    labels |= {"total_usd": f"Total over {review.comparison['horizon_months']:.0f} months"} if review.comparison else {}
    assumed = bool(EDITIONS & {*review.verdict.unknown})
    for figure, label, unit, estimate, priced in FIGURES:
        values = [option["criteria"][figure] for option in options]
        if all(value["median"] is None for value in values):
            continue
        planes = filter(None, (review.headline.dataplane,))
        ids = of_move if estimate is None else cited(review, estimate, planes, priced=priced)
        scale, marks = scale_of(values), marks_of(options, figure)
        yield {
            "label": labels.get(figure, label),
            "unit": unit,
            "sources": [(names[name], name) for name in ids],
            "cells": [
                {
                    **_cell(option, figure, assumed=assumed, may_run=_may_run(review, option)),
                    "mark": mark,
                    "bar": bar(value, scale),
                }
                for option, value, mark in zip(options, values, marks, strict=True)
            ],
        }


def _may_run(review: Review, option: Row) -> bool:
    """Whether an option may be what runs today, as it is another only by an edition that is not known."""
    today = next((row for row in review.verdict.options if row["today"] and not row["tuned"]), None)
    if today is None or option["today"] or option["tuned"]:
        return False
    others = [side for side in SIDES if edition_of(option, side) != edition_of(today, side)]
    return all(option[side] == today[side] and f"current_{side}_edition" in review.verdict.unknown for side in others)


def _cell(option: Row, figure: str, *, assumed: bool, may_run: bool) -> Row:
    """A figure in words with its interval; work of a move with its money, money without the price of a licence.

    Args:
        option: An option of the comparison.
        figure: One of its criteria.
        assumed: Whether the edition that runs today is not known.
        may_run: Whether it may be this one.
    """
    criteria, note = option["criteria"], ""
    value, move_usd = criteria[figure], criteria["move_usd"]["median"]
    if figure == "move_person_hours" and option["today"] and option["recommended"] and assumed:
        note = "if what runs meets all that is asked"
    elif figure == "move_person_hours" and value["median"] and move_usd is not None:
        rent = ", a second cluster included" if option["move"]["second_cluster"] else ""
        note = f"{figure_text(move_usd)} USD{rent}{'; 0 if it is what runs' if may_run else ''}"
    if value["median"] is None and figure == "monthly_usd":
        value = criteria["cost_usd_per_month"]
        note = "plus an unpriced fee" if value["median"] is not None else ""
    elif figure == "monthly_usd" and option.get("list_price") and (fee := criteria["licence_usd_per_month"]["median"]):
        note = f"{figure_text(fee)} of it a fee at list price"
    if figure == "memory_gib" and option.get("mesh_alone"):
        note = "the mesh alone"
    return {
        "text": None if value["median"] is None else figure_text(value["median"]),
        "interval": interval_text(value["lo"], value["hi"]),
        "note": note,
    }


SHORT = {False: "falls short", None: "to be checked"}
"""What is said of an option that is not known to meet what is asked."""


def _standing(option: Row) -> str:
    """What is said of an option under its name."""
    words = [
        "★ recommended" if option["recommended"] else "",
        "● runs today" if option["today"] and not option["tuned"] else "",
        "in a new cluster" if option.get("new_cluster") else SHORT.get(option["eligible"], ""),
    ]
    return ", ".join(filter(None, words))


def _payback(option: Row) -> str:
    """When an option has paid for its move, in words."""
    months, saved = option["payback_months"], option["saves_usd_per_month"]
    if months is not None:
        return f"after {span_text(months)}" if months <= LIFETIME_MONTHS else f"not in {span_text(LIFETIME_MONTHS)}"
    if option["today"] and not option["tuned"]:
        return "no move"
    return "not known" if saved is None else "never"


def way_back(option: Row) -> str:
    """How far the move to an option can be undone, and what the way back takes after that, in a few words."""
    known = option["move"]["reversibility"]
    if option["today"] and not option["tuned"]:
        return "no move"
    if option["criteria"]["move_hours"]["median"] is None:
        return "not known"
    if known["throughout"]:
        return "step by step"
    hours = known["way_back_person_hours"]
    where = " and a second cluster" if known["way_back_second_cluster"] else ""
    return "none is known" if hours is None else f"at first, then {figure_text(hours)} person-hours{where}"


APART = 1.1
"""How many times the next one a median has to be to be told apart from it at a glance."""


def marks_of(options: Sequence[Row], figure: str) -> list[str]:
    """For each option whether its median is clearly the least or the most of all that can be chosen and are known."""
    medians = [option["criteria"][figure]["median"] if option["eligible"] else None for option in options]
    chosen = [option["criteria"][figure]["median"] for option in options if option["eligible"]]
    if None in chosen or len(chosen) < 2:  # noqa: PLR2004  (of one there is no least)
        return [""] * len(options)
    low, next_low, *_ = sorted(chosen)
    *_, next_high, high = sorted(chosen)

    def mark(value: float | None) -> str:
        if value == low and next_low - low > (APART - 1) * abs(next_low):
            return "least"
        return "most" if value == high and high - next_high > (APART - 1) * abs(high) else ""

    return [mark(value) for value in medians]


def scale_of(values: Sequence[Row]) -> tuple[float, float]:
    """Ends of a scale on which all intervals can be seen: logarithmic above zero, or linear from below it."""
    ends = [value[end] for value in values if value["median"] is not None for end in ("lo", "hi")]
    if min(ends) < 0:
        return min(ends), max(*ends, 0.0)
    low, high = log_ends(values) or (1.0, 10.0)
    return (low, high) if high > 2 * low else (low / 2, high * 2)


def bar(value: Row, scale: tuple[float, float]) -> tuple[float, float, float] | None:
    """Where an interval begins, has its median and ends on a scale. [% of the width]"""
    if value["median"] is None:
        return None
    low, high = scale

    def place(end: float) -> float:
        if low < 0:
            return 100 * (end - low) / (high - low)
        return 100 * math.log(max(end, low) / low) / math.log(high / low) if end > 0 else 0.0

    places = (place(value[end]) for end in ("lo", "median", "hi"))
    left, middle, right = (min(100.0, max(0.0, place)) for place in places)
    return left, middle, right


# --- the record of the decision ------------------------------------------------------------------------------------


def decision(review: Review) -> Row:
    """What the record says: how options were ranked, when to look again, risks, and when to stop.

    It holds no date and no person: those are for who signs.
    """
    return {
        "ranking": list(_ranking(review)),
        "review_months": _review_months(review),
        "triggers": list(_triggers(review)),
        "risks": list(_risks(review)),
        "exits": list(_exits(review)),
    }


def record(review: Review) -> Fragment:
    """The decision to sign: status, decider, dates, triggers, risks with who owns them, and when to stop."""
    held = decision(review)
    text = "\n".join(["Status: proposed", review.verdict.sentence, *held["triggers"], *held["exits"]])
    counts = {"most_triggers": TRIGGERS, "most_risks": RISKS}
    return fragment("record", text, verdict=review.verdict, **held, **counts)


def _ranking(review: Review) -> Iterator[str]:
    """Quality attributes in the order in which they decided."""
    needs = listed(map(need_label, review.scenario.get("needs") or ()), most=12)
    yield f"What is asked: {needs}." if needs else "What is asked: no need was stated that goes beyond connecting pods."
    budgets = [
        f"{lower_first(input_label(row.input))} ({value_text(row.value)} {row.unit})"
        for row in review.inputs
        if row.value is not None and (row.input.startswith("max_") or row.input == "licence_usd_per_year")
    ]
    yield f"Budgets: {listed(budgets, most=6)}." if budgets else "Budgets: none was stated."
    yield "Continuity: what runs and is healthy stays, unless it falls short of the above."
    yield "Preferences of the tables, such as support by the provider of the platform."
    yield "Cost, latency and memory: compared, and decisive only through a budget."


def _review_months(review: Review) -> int:
    """Months after which to look again: a year, or the shortest support of a release."""
    first = chosen(review)
    sides: dict[str, Row | None] = (first and first.get("operations")) or {}
    return int(min([YEAR, *(side["support_months"] for side in sides.values() if side and side["support_months"])]))


def _triggers(review: Review) -> Iterator[str]:
    """What can really happen and would lead to another answer."""
    needs: dict[str, list[str]] = {}
    for flip in review.verdict.flips:
        answer = answer_text(flip, review.scenario)
        if need := added_need(flip["changes"]):
            needs.setdefault(answer, []).append(need_label(need))
        else:
            yield f"{change_of(flip)}. The answer would be: {answer}."
    for answer, names in needs.items():
        yield f"It also needs {listed(names, 'or', 12)}. The answer would be: {answer}."
    if unknown := _to_find_out(review):
        yield f"One of these becomes known: {listed(map(_input, unknown), 'or', 8)}."


def _risks(review: Review) -> Iterator[Row]:
    """Risks of option, evidence, route and operations: each with its sign, who owns it, and what to do."""
    first = chosen(review) or {"within": {}, "operations": {}, "label": ""}
    for name, share in first["within"].items():
        if share is not None and share < NEARLY:
            what = "The cluster's memory does not suffice" if name == "fits" else f"{input_label(name)} is exceeded"
            yield _risk(
                f"{what} (probability {100 - 100 * share:.0f} %)",
                "What the first namespace adds, scaled to the cluster, is above it",
                "platform engineer",
                "Measure it on one pool before the rest follows, and scope the configuration first",
            )
    grade = review.verdict.evidence_grade
    if grade and grade != "documented":
        yield _risk(
            GRADES[grade].rstrip("."),
            "The rehearsal does not show what the need asks for",
            "architect",
            "Have the vendor or the provider confirm it in writing; prove it in the rehearsal",
        )
    for caveat in _first(review)["caveats"]:
        yield _of_caveat(caveat)
    plan = review.migration or {"risks": [], "stays": True}
    for row in plan["risks"]:
        yield _risk(row["risk"], row["sign"], row["owner"], f"{row['abort'].rstrip('.')}. Way back: {row['rollback']}")
    for side in filter(None, first["operations"].values()):
        months = side["support_months"]
        supported = f": support of a release ends after {months:.0f} months" if months else ""
        if side["upgrade_restarts"]:
            yield _risk(
                f"Upgrades disturb what runs: {lower_first(side['upgrade_restarts'])}",
                "Errors of callers, resets of connections or restarts of pods rise while an upgrade runs",
                "platform engineer",
                f"Plan {side['releases_per_year']:.0f} upgrades a year, in a window{supported}"
                if side["releases_per_year"]
                else f"Plan upgrades with the provider's windows{supported}",
            )
        looked = f", and look with {side['debug_with']}" if side["debug_with"] else ""
        if side["fails_with_one"]:
            yield _risk(
                f"When one instance fails: {lower_first(side['fails_with_one'])}",
                f"Calls fail in one {side['blast_radius'] or 'place'} while they are answered elsewhere",
                "engineer on duty",
                f"Rehearse the failure{looked}",
            )


def staying(review: Review) -> str:
    """What runs today, in words: without an edition where it is not known which one."""
    today = (row["label"] for row in review.verdict.options if row["today"] and not row["tuned"])
    return next(today, "what runs today")


GRAVE = ("fee", "ends", "scope", "lighter")
"""Kinds of caveats that the first page always tells."""

SIGNS = {
    "fee": ("The offer or an invoice is above what the total counts", "Have the price in writing before you sign"),
    "ends": (
        "A notice of the provider names a last day, and the move has no date",
        "Plan the move that it takes in good time",
    ),
    "partial": ("A test of the need fails in the rehearsal", "Test the need as you have it before the decision"),
    "unfinished": (
        "A test of it fails after an upgrade, or kubectl says that a field is unknown",
        "Keep it from what has a service level until it is released",
    ),
    "budget": (
        "What the first namespace takes, scaled to the cluster, is above the budget",
        "Measure on one pool before the rest follows",
    ),
    "edition": (
        "Images or settings in the cluster are those of that edition",
        "Find out which edition runs before you sign",
    ),
    "lighter": ("Those calls begin at the edge, or in clients of your own", "Ask where they begin before you sign"),
    "unread": (
        "The provider refuses a setting, or closes a ticket with reference to it",
        "Read it before a mesh is added",
    ),
}
"""By kind of a caveat how it shows, and what to do, where its row of the tables does not say."""


def _of_caveat(caveat: Row) -> Row:
    """What comes with the recommended option, as a risk: the sign of it, and what to do."""
    sign, todo = SIGNS.get(caveat["kind"], ("The rehearsal shows it", "Settle it before the decision is carried out"))
    return _risk(caveat["text"], caveat["sign"] or sign, "architect", caveat["mitigation"] or todo)


def _risk(risk: str, sign: str, owner: str, mitigation: str) -> Row:
    return {"risk": risk, "sign": sign, "owner": owner, "mitigation": mitigation}


def _exits(review: Review) -> Iterator[str]:
    """When to stop, or to go back."""
    first, plan = chosen(review), review.migration
    if plan and not plan["stays"]:
        if any(step["step"] == "rehearse-1" for step in plan["steps"]):
            yield "The rehearsal fails, or its way back does."
        if not plan["fresh"]:
            most = plan["disruption_minutes_hi"]
            fails = f"calls to a workload fail for more than {figure_text(most)} min, " if most else ""
            yield (
                f"A step's check fails twice, {fails}or a forbidden call answers: go back. "
                f"{upper_first(back_text(plan))}."
            )
    over = baseline(review)
    for figure, words, unit in (
        ("added_p99_ms", "The p99 of the slowest path grows by more than", "ms"),
        ("memory_gib", "Network and mesh use more than", f"GiB {over}"),
        ("monthly_usd", "Capacity and licences cost more than", f"USD a month {over}"),
    ):
        most = (first["criteria"][figure]["hi"] if first else None) or 0
        if most > (MEASUREMENT_USD if unit.startswith("USD") else 0):
            yield f"{words} {figure_text(most)} {unit}, the upper end of the estimate."
    if not plan or plan["stays"]:
        yield f"Support for {staying(review)} ends, or one of the triggers above occurs."
