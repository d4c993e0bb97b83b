"""The options of one team side by side: what each costs, what it takes to move there, and how often it is best.

Figures come from joint draws (``models.pairs``), prices of moves from their plans, and how they are weighed against
each other from ``planning.comparison``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from meshlab.cache import cached
from meshlab.models import decision
from meshlab.models.decision.labels import listed, lower_first
from meshlab.models.decision.tables import SIDES, Tables
from meshlab.models.overhead.coefficients import DRAWS, joint_draws
from meshlab.models.pairs import FIGURES, PairDraws, nodes_taken
from meshlab.planning import comparison
from meshlab.planning.comparison import Limit
from meshlab.planning.migration import Setting, move_amounts, move_prices
from meshlab.planning.migration.routes import NONE
from meshlab.planning.migration.text import span_text
from meshlab.reviews.cases import Case, scenarios_of
from meshlab.reviews.migration import as_set_up, setting_of, target_of, today_of
from meshlab.scenario import collect_few, inputs, with_defaults
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH, rounded

Row = dict[str, Any]

MOST = 12
"""Options that are compared, beside what runs today. [options]"""

NEAREST = 3
"""Options that are compared where none meets everything that is asked."""

MONEY = ("licence_usd_per_month", "monthly_usd", "move_usd", "total_usd")

CRITERIA = (*FIGURES, "nodes", *MONEY, "move_hours", "move_person_hours", "move_disruption_minutes")
"""Figures of an option, each with its interval."""

WEIGHED = ("total_usd", "added_p99_ms", "memory_gib")
"""Figures of which less is better, by which one option may be better than another throughout."""

WEIGHED_WORDS = {"total_usd": "cost", "added_p99_ms": "latency", "memory_gib": "memory"}
"""The same in words."""

LIMITS = {
    "max_added_p99_ms": "added_p99_ms",
    "max_usd_per_month": "monthly_usd",
    "max_move_hours": "move_hours",
    "max_disruption_minutes": "move_disturbed_minutes",
}
"""Budgets, and the figures that they bound."""

MONTHS_A_YEAR = 12.0

GROUPS = {
    "sidecars": ("sidecar_", "istiod_", "configuration_"),
    "ambient mode": ("ztunnel_", "waypoint_"),
    "Cilium": ("cilium_", "node_envoy_", "datapath_", "ebpf_maps_"),
    "Linkerd": ("linkerd_",),
    "how load scales": ("rate_", "queue_", "latency_variance"),
    "the nodes' machines": ("vm_", "stall_"),
}
"""Groups of coefficients that one measurement would settle together, by how their names begin."""


def compare(case: Case, setting: Setting, verdict: Mapping[str, Any], tables: Tables, drawn: PairDraws) -> Row | None:
    """The comparison of a review; None where there is nothing to compare."""
    options, prices, worlds, choices = weighed(case, setting, verdict, drawn)
    if not options:
        return None
    row = setting.scenario
    ends = comparison.intervals(worlds, CRITERIA).rows(named=True)
    limits = [*_budgets(row), Limit("fits", "memory_gib", _capacity_gib(row))]
    kept = comparison.within(worlds, limits).rows(named=True)
    mesh_alone = set(worlds.filter("mesh_alone")["option"])
    best = {item["option"]: item for item in comparison.best_of(choices).rows(named=True)} if choices.height else {}
    means = worlds.group_by("option", maintain_order=True).agg(pl.col(WEIGHED).mean())
    better = comparison.dominated(means.filter(pl.col("option").is_in(list(best))), WEIGHED) if best else {}
    rows = [
        {
            **{name: option[name] for name in NAMED},
            "scoped": bool(option.get("scoped")),
            "recommended": option["rank"] == 1 and verdict["mesh"] is not None and option["eligible"] is not False,
            "criteria": {name: _interval(ends[n], name) for name in CRITERIA},
            "mesh_alone": (alone := n in mesh_alone),
            "list_price": bool(fee_sources(option)),
            "within": {limit.name: kept[n][limit.name] for limit in limits},
            "probability_best": best.get(n, {}).get("probability_best"),
            "expected_regret_usd": best.get(n, {}).get("expected_regret"),
            "dominated_by": options[better[n]]["label"] if n in better else None,
            **({"saves_usd_per_month": None, "payback_months": None} if alone else _payback(ends, options, n)),
            "move": {name: prices[n][name] for name in OF_MOVE},
            "operations": _operations(tables, option),
        }
        for n, option in enumerate(options)
    ]
    premium = _premium(rows, worlds, setting)
    return {
        "horizon_months": row["horizon_months"],
        "priced": _priced(rows),
        "fee": _fee(rows, row["horizon_months"]),
        "premium": premium,
        "options": rows,
        "against": [*_against(rows, row["horizon_months"], premium, verdict), *_ailing(row)],
        "break_even": _break_even(worlds, options, best),
        "find_out": find_out(choices, drawn.coefficients),
    }


def _priced(rows: Sequence[Row]) -> int:
    """Options with a known price among which one can be the cheapest; 0 where one of them is contained in all others.

    A network without a mesh is cheaper than the same network with one whatever is drawn: that tells nothing.
    """
    known = [row for row in rows if row["probability_best"] is not None]
    bare = [(row["cni"], row["edition"]["cni"]) for row in known if row["mesh"] == NONE]
    contained = any(all((row["cni"], row["edition"]["cni"]) == network for row in known) for network in bare)
    return 0 if contained and len(bare) == 1 else len(known)


def weighed(
    case: Case, setting: Setting, verdict: Mapping[str, Any], drawn: PairDraws
) -> tuple[list[Mapping[str, Any]], list[Row], pl.DataFrame, pl.DataFrame]:
    """The options that are compared, the prices of the moves to them, and their figures in every draw.

    Last, the figures of those among which the choice is made: options that are eligible. What ails is not weighed
    against what replaces it, for nobody knows what its repair takes; where it stays, all that keep it are weighed.
    """
    found = _compared(verdict)
    if not found:
        return [], [], pl.DataFrame(), pl.DataFrame()
    row, places = setting.scenario, (today_of(case), list(map(target_of, found)), setting)
    prices, moves = move_prices(*places), move_amounts(*places)
    options = [as_set_up(option, setting, row["current_mesh"]) for option in found]
    worlds = _worlds(row, drawn, options, moves)
    could = [place for place, option in enumerate(options) if option["eligible"] is not False]
    networks = {(options[place]["cni"], options[place]["edition"]["cni"]) for place in could}
    unmeasured = worlds.filter(pl.col("option").is_in(could))["memory_gib"].null_count() == DRAWS * len(could)
    if len(networks) == 1 and unmeasured:  # what nobody measured of a network that all of them have tells none apart
        worlds = _worlds(row, drawn, options, moves, alone=True)
    first = next((option for option in options if option["rank"] == 1), None)
    ailing = [(side, row[f"current_{side}"]) for side in SIDES if row[f"{side}_healthy"] is False]
    ailing = [(side, product) for side, product in ailing if not first or first[side] != product]
    choices = [
        place
        for place, option in enumerate(options)
        if option["eligible"] and (option["rank"] == 1 or not any(option[side] == product for side, product in ailing))
    ]
    return options, prices, worlds, worlds.filter(pl.col("option").is_in(choices))


def chances(cases: Sequence[Case]) -> pl.DataFrame:
    """How far the choice of each case can be told to be the right one, a row a case.

    Columns: ``probability_best``, how often what is recommended costs least over the horizon [share], and
    ``expected_regret_usd``, what choosing it is expected to lose [USD]; both null where nothing is recommended or no
    measurement informs what it costs.
    """
    frame = scenarios_of(cases)
    filled = collect_few(with_defaults(frame)).rows(named=True)
    verdicts = decision.explain(frame, outlook=False, over=over_budget({case.team.name: case for case in cases}))
    found: list[tuple[float | None, float | None]] = []
    for case, row, scenario, verdict in zip(cases, filled, frame.iter_slices(1), verdicts, strict=True):
        options, _, _, choices = weighed(case, setting_of(case, row), verdict, PairDraws(scenario))
        best = comparison.best_of(choices).rows(named=True) if choices.height else []
        chosen = {place for place, option in enumerate(options) if option["rank"] == 1 and verdict["mesh"] is not None}
        mine = [(item["probability_best"], item["expected_regret"]) for item in best if item["option"] in chosen]
        found.append(mine[0] if mine else (None, None))
    names = ("probability_best", "expected_regret_usd")
    return pl.DataFrame(found, schema=dict.fromkeys(names, pl.Float64), orient="row")


def _capacity_gib(row: Mapping[str, Any]) -> float:
    return row["nodes"] * row["node_memory_gib"]


def _budgets(row: Mapping[str, Any]) -> list[Limit]:
    """The budgets that are stated."""
    limits = [Limit(name, figure, row[name]) for name, figure in LIMITS.items() if row[name] is not None]
    share = row["max_added_memory_share"]
    whole = _capacity_gib(row)
    return [
        *limits,
        *([] if share is None else [Limit("max_added_memory_share", "memory_gib", share * whole, whole)]),
    ]


def over_budget(
    cases: Mapping[str, Case], calibrated: Mapping[str, pl.DataFrame] | None = None
) -> Callable[[pl.DataFrame, Sequence[Mapping[str, Any]]], list[list[decision.Use]]]:
    """What ``decision.explain`` asks: what options take of stated budgets, in all but a few draws or in most of them.

    Cases stand by the names of their scenarios; one that is missing has no price of a move.
    """

    def taken(scenario: pl.DataFrame, options: Sequence[Mapping[str, Any]]) -> list[list[decision.Use]]:
        filled = collect_few(with_defaults(scenario)).row(0, named=True)
        limits, case = _budgets(filled), cases.get(filled["scenario"])
        found = [_licence_use(filled, option) for option in options]
        if not (limits and options):
            return found
        moves, setting = [UNPRICED] * len(options), setting_of(case, filled) if case else Setting(filled)
        if case:
            moves = move_amounts(today_of(case), list(map(target_of, options)), setting)
        drawn = PairDraws(scenario, (calibrated or {}).get(filled["scenario"]))
        scoped = [as_set_up(option, setting, filled["current_mesh"]) for option in options]
        # what nobody measured of a network keeps no budget that the mesh alone breaks
        worlds = _worlds(filled, drawn, scoped, moves, alone=True).with_columns(
            # what an option costs at least, where nobody has said what its licence costs
            monthly_usd=pl.col("cost_usd_per_month") + pl.col("licence_usd_per_month").fill_null(0.0)
        )
        least = {"surely": 1 - comparison.NEARLY, "likely": comparison.AS_LIKELY}
        enough = comparison.enough(worlds, limits, least).rows(named=True)
        ends = comparison.intervals(worlds, [limit.figure for limit in limits]).rows(named=True)
        for place, (bounds, row) in enumerate(zip(enough, ends, strict=True)):
            found[place] += [_use(limit, bounds, row) for limit in limits if row[limit.figure] is not None]
        return found

    return taken


def _licence_use(row: Mapping[str, Any], option: Mapping[str, Any]) -> list[decision.Use]:
    """What the licence of an option takes of what may be spent on licences, whatever else it costs."""
    most, price = row["licence_usd_per_year"], _licence_usd_per_month(row, option, option["paid"])
    if most is None or not price:
        return []
    yearly = price * MONTHS_A_YEAR
    takes = f"{'at list price it' if fee_sources(option) else 'the offer'} is {rounded(yearly)} USD a year"
    return [decision.Use("licence_usd_per_year", most, yearly, yearly, "USD a year", takes)]


@cached
def _fees() -> dict[tuple[str, ...], Row]:
    """The list prices of ``data/decision/fees.csv``, by side, product and edition."""
    return {
        (row["side"], row["option"], row["edition"]): row for row in read_table("decision/fees").iter_rows(named=True)
    }


def _fee_of(option: Mapping[str, Any], side: str) -> Row | None:
    return _fees().get((side, option[side] or "", option["edition"][side] or ""))


def fee_sources(option: Mapping[str, Any]) -> list[str]:
    """Sources of the list prices of an option's paid sides."""
    fees = (_fee_of(option, side) for side in option["paid"])
    return [source for fee in fees if fee for source in fee["source_id"].split(";")]


def _licence_usd_per_month(row: Mapping[str, Any], option: Mapping[str, Any], sides: Collection[str]) -> float | None:
    """What the paid sides of an option cost: list prices, else the offer that was made. None where it is not known."""
    offered = row["licence_price_usd_per_year"]
    prices = {offered / MONTHS_A_YEAR if offered is not None else None for side in sides if not _fee_of(option, side)}
    counted = {"pod": row["pods"], "node_price": row["nodes"] * _node_usd_per_month(row)}
    fees = [fee["amount"] * counted[fee["counted_by"]] for side in sides if (fee := _fee_of(option, side))]
    return None if None in prices else sum(filter(None, prices)) + sum(fees)


def _node_usd_per_month(row: Mapping[str, Any]) -> float:
    hourly = row["node_cpu_cores"] * row["cpu_usd_per_core_hour"]
    return HOURS_PER_MONTH * (hourly + row["node_memory_gib"] * row["memory_usd_per_gib_hour"])


def _use(limit: Limit, bounds: Mapping[str, Any], row: Mapping[str, Any]) -> decision.Use:
    lo, middle, hi = (rounded(row[f"{limit.figure}{end}"]) for end in ("_lo", "", "_hi"))
    unit, surely, likely = UNITS[limit.figure], *(bounds[f"{limit.name}:{name}"] for name in ("surely", "likely"))
    takes = f"it takes {middle} {unit} ({lo} to {hi})"
    return decision.Use(limit.name, limit.most, surely, likely, unit, takes, limit.each)


PRICED = ("hours", "person_hours", "usd", "disruption_minutes", "unenforced_hours")
"""Figures of a move's price."""

UNPRICED: Row = dict.fromkeys(PRICED)
"""The price of a move of which nothing is known."""

UNITS = {
    "added_p99_ms": "ms",
    "monthly_usd": "USD a month",
    "move_hours": "h",
    "move_disturbed_minutes": "min",
    "memory_gib": "GiB",
}
"""Units of the figures that budgets bound."""


def _ailing(row: Mapping[str, Any]) -> list[str]:
    """That the costs of what ails are not weighed, where something is said to be unhealthy."""
    ails = [words for side, words in (("cni", "network plugin"), ("mesh", "mesh")) if row[f"{side}_healthy"] is False]
    return [f"What it would take to repair the {listed(ails)} of today is not known, and not compared."] if ails else []


NAMED = ("label", "cni", "mesh", "edition", "tuned", "today", "eligible", "rank", "new_cluster")
"""What an option of the comparison is called."""


OF_MOVE = ("basis", "routes", "second_cluster", "people", "restarts", "reversibility")
"""What is told of the move to an option, beside figures with an interval."""


def _interval(row: Mapping[str, Any], name: str) -> Row:
    return {"lo": row[f"{name}_lo"], "median": row[name], "hi": row[f"{name}_hi"]}


def _compared(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The best options, one for each pair of products, and what runs today, tuned and not.

    Editions of what runs today are compared apart where it matters which one that is. Where no option can be had and
    meets everything, the nearest stand in, and what a new cluster would have.
    """
    apart = [side for side in SIDES if f"current_{side}_edition" in verdict["unknown"]]
    today = next((option for option in verdict["options"] if option["today"]), None)

    def kind(option: Mapping[str, Any]) -> list[object]:
        editions = [option["edition"][side] for side in apart if today and option[side] == today[side]]
        return [option["cni"], option["mesh"], option["tuned"], *editions]

    found: list[Mapping[str, Any]] = []
    anew: Mapping[str, Any] | None = verdict["new_cluster_option"]
    some = any(option["eligible"] is not False for option in verdict["options"])
    most = MOST if some else NEAREST
    # where what runs, tuned, comes nearest, what meets all as well stands beside it, and not what lacks a need
    ranked, first = verdict["options"], next(iter(verdict["options"]), None)
    if first and first["tuned"] and not some:
        ranked, most = sorted(ranked, key=lambda option: len(option["unmet"]) > len(first["unmet"])), MOST
    for option in ranked:
        alike = any(kind(each) == kind(option) for each in found)
        if option["today"] or ((option["eligible"] is not False or not some) and not alike and len(found) < most):
            found.append({**option, "new_cluster": False})
    # it cannot be chosen here, whatever it meets there
    there = [{**anew, "eligible": False, "new_cluster": True}] if anew else []
    return [*found, *there]


def _worlds(
    row: Mapping[str, Any],
    drawn: PairDraws,
    options: Sequence[Mapping[str, Any]],
    moves: Sequence[Row],
    *,
    alone: bool = False,
) -> pl.DataFrame:
    """The figures of each option in each draw, with licence, move and total.

    Where its network was not measured they are null or, if so asked, those of the mesh ``alone``; ``mesh_alone`` tells.
    """
    worlds = drawn.worlds(options)
    worlds = worlds.with_columns(mesh_alone=pl.col("memory_gib").is_null() & alone)
    if worlds["mesh_alone"].any():
        meshes = drawn.worlds([{**option, "cni": None} for option in options])
        worlds = worlds.with_columns(worlds[name].fill_null(meshes[name]) for name in FIGURES)
    # what every option keeps costs the same in all of them
    kept = {side for side in SIDES if len({(option[side], option["edition"][side]) for option in options}) == 1}
    licences = [_licence_usd_per_month(row, option, {*option["paid"]} - kept) for option in options]
    unknown = pl.repeat(None, DRAWS, dtype=pl.Float64, eager=True)
    added = [
        pl.concat(unknown if (amount := move[name]) is None else amount for move in moves).alias(f"move_{name}")
        for name in PRICED
    ]
    licence = pl.Series("licence_usd_per_month", licences, pl.Float64).gather(np.arange(len(options)).repeat(DRAWS))
    joined = worlds.hstack([*added, licence])
    joined = joined.with_columns(
        monthly_usd=pl.col("cost_usd_per_month") + pl.col("licence_usd_per_month"),
        # while calls fail policy may be off, too: both together last as long as the longer
        move_disturbed_minutes=pl.max_horizontal("move_disruption_minutes", pl.col("move_unenforced_hours") * 60),
        nodes=nodes_taken(row),
    )
    return comparison.totals(joined, row["horizon_months"])


def _payback(ends: Sequence[Row], options: Sequence[Mapping[str, Any]], n: int) -> Row:
    """What an option saves over today, tuned where that is compared, and the months after which its move is paid."""
    todays = [place for place, option in enumerate(options) if option["today"]]
    wanted = not options[n]["today"]  # today's, tuned, is compared with today's as it runs
    base = next((place for place in todays if options[place]["tuned"] == wanted), todays[0] if todays else None)
    move, cost = ends[n]["move_usd"], ends[n]["monthly_usd"]
    if base is None or n == base or None in (move, cost, ends[base]["monthly_usd"]):
        return {"saves_usd_per_month": None, "payback_months": None}
    saved = ends[base]["monthly_usd"] - cost
    return {"saves_usd_per_month": saved, "payback_months": move / saved if saved > 0 else None}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _operations(tables: Tables, option: Mapping[str, Any]) -> dict[str, Row | None]:
    """What running each side of an option takes, as its row of ``operations.csv`` says."""
    rows = {
        side: tables.operations.get((side, option[side], option["edition"][side] or "")) for side in ("cni", "mesh")
    }
    return {side: {name: _plain(value) for name, value in row.items()} if row else None for side, row in rows.items()}


def _premium(rows: Sequence[Row], worlds: pl.DataFrame, setting: Setting) -> Row | None:
    """What the recommended option costs more over the horizon than the ``rival`` with the least median.

    In ``usd``, as medians; ``probability`` that it does, draw by draw; and the work each month that would come to the
    same, ``person_hours_per_month``. None where it is the one with the least, or what it costs is not known.
    """
    known = {n: row["criteria"]["total_usd"]["median"] for n, row in enumerate(rows)}
    known = {n: usd for n, usd in known.items() if rows[n]["probability_best"] is not None and usd is not None}
    first = next((n for n in known if rows[n]["recommended"]), None)
    least = min(known, key=lambda n: known[n], default=None)
    if first is None or least is None or first == least:
        return None
    mine, other = (worlds.filter(option=n)["total_usd"].to_numpy() for n in (first, least))
    usd, wage = known[first] - known[least], setting.draws("usd_per_person_hour").quantile(0.5)
    return {
        "rival": rows[least]["label"],
        "usd": usd,
        "probability": float((mine > other).mean()),
        "person_hours_per_month": usd / setting.scenario["horizon_months"] / wage if wage else None,
    }


def _against(rows: Sequence[Row], horizon: float, premium: Row | None, verdict: Mapping[str, Any]) -> list[str]:
    """What the numbers say against the recommended option, in sentences, the gravest first."""
    first = next((row for row in rows if row["recommended"]), None)
    if first is None:
        return []
    told: list[str] = []
    for name, share in first["within"].items():
        if share is not None and share < comparison.NEARLY:
            told.append(_exceeds(name, share))
    beaten, fee = first["dominated_by"], _fee(rows, horizon)
    dearer = premium if premium and premium["probability"] >= comparison.TELLING else None
    if dearer:
        told.append(_dearer(dearer, first, rows, verdict))
    if beaten and not (dearer and dearer["rival"] == beaten):
        told.append(_beaten(first, beaten, told_apart=("cost",) if fee or dearer else ()))
    return [*told, *([_over_fee(fee)] if fee else []), *_unpaid(first, rows, horizon)]


def _dearer(premium: Row, first: Row, rows: Sequence[Row], verdict: Mapping[str, Any]) -> str:
    """What the recommended option costs more than the cheapest, what work that would pay for, and why it is first."""
    rival = next(row for row in rows if row["label"] == premium["rival"])
    mine, other = (rounded(row["criteria"]["total_usd"]["median"]) for row in (first, rival))
    hours = premium["person_hours_per_month"] or 0.0
    work = f", the price of {rounded(hours)} person-hours of work a month" if hours >= 1 else ""
    told = (
        f"{rival['label']} costs {rounded(premium['usd'])} USD less over the horizon: {other} instead of {mine}{work}"
    )
    also = [words for name, words in WEIGHED_WORDS.items() if name != "total_usd"]
    told += f"; in {listed(also)} it is as good or better." if first["dominated_by"] == rival["label"] else "."
    if verdict["why"]:  # which says it
        return told
    side = "mesh" if (rival["mesh"], rival["edition"]["mesh"]) != (first["mesh"], first["edition"]["mesh"]) else "cni"
    why = next((row["reason"] for row in verdict["rows"] if row["id"] == verdict["decided_by"].get(side)), None)
    return f"{told} The reason for the recommended one: {lower_first(why)}" if why else told


def _fee(rows: Sequence[Row], horizon: float) -> Row | None:
    """The fee above which the cheapest other option costs less: ``most_usd_per_month``, below zero where any does.

    None where the fee of the recommended option is known, or what else it costs is not.
    """
    first = next((row for row in rows if row["recommended"]), None)
    others = [row for row in rows if row["eligible"] and row["probability_best"] is not None and row is not first]
    if first is None or not others or first["criteria"]["licence_usd_per_month"]["median"] is not None:
        return None
    monthly, move = (first["criteria"][name]["median"] for name in ("cost_usd_per_month", "move_usd"))
    if None in (monthly, move):
        return None
    rival = min(others, key=lambda row: row["criteria"]["total_usd"]["median"])
    most = (rival["criteria"]["total_usd"]["median"] - move) / horizon - monthly
    return {"most_usd_per_month": most, "rival": rival["label"]}


def _over_fee(fee: Row) -> str:
    if fee["most_usd_per_month"] <= 0:
        return f"Whatever its fee, it costs more over the horizon than {fee['rival']}."
    most = rounded(fee["most_usd_per_month"])
    return f"Its fee is not known: above {most} USD a month {fee['rival']} costs less over the horizon."


def _beaten(first: Row, rival: str, *, told_apart: Sequence[str]) -> str:
    """In what another option dominates the recommended one: what is not known is no argument.

    Of what is ``told_apart`` another sentence speaks.
    """
    known = {words: first["criteria"][name]["median"] is not None for name, words in WEIGHED_WORDS.items()}
    better, open_ = ([words for words, has in known.items() if has is wanted] for wanted in (True, False))
    rest = [words for words in open_ if words not in told_apart]
    return f"{rival} is as good or better in {listed(better)}{f'; {listed(rest)} cannot be compared' if rest else ''}."


def _exceeds(name: str, share: float) -> str:
    """That a limit is broken, or kept with some probability."""
    label = "" if name == "fits" else f"the {inputs()[name].label[:1].lower()}{inputs()[name].label[1:]}"
    if share <= 1 - comparison.NEARLY:
        return f"It exceeds {label or 'the memory of the cluster'}."
    what = f"keeps to {label}" if label else "fits into the memory of the cluster"
    return f"It {what} with a probability of only {100 * share:.0f} %."


LIFETIME_MONTHS = 240
"""Months after which no payback is told: no platform is planned for longer. [months]"""


def _unpaid(first: Row, rows: Sequence[Row], horizon: float) -> list[str]:
    """That the move is not paid back within the horizon, where that is so."""
    saved, months = first["saves_usd_per_month"], first["payback_months"]
    if saved is None or (months is not None and months <= horizon):
        return []
    stays = {row["eligible"] for row in rows if row["today"]}
    if stays <= {False}:  # what cannot stay is no rival
        return []
    meets = "" if True in stays else ", which is not known to meet what is asked,"
    if months is not None:
        if months > LIFETIME_MONTHS:
            return [f"What it saves over today{meets} does not pay for the move within {span_text(LIFETIME_MONTHS)}."]
        return [f"What it saves over today{meets} pays for the move only after {span_text(months)}."]
    more = f"costs {rounded(-saved)} USD a month more than" if saved < 0 else "saves nothing over"
    return [f"It {more} what runs today{meets.rstrip(',')}: the move is never paid back."]


def _break_even(worlds: pl.DataFrame, options: Sequence[Mapping[str, Any]], best: Mapping[int, Any]) -> list[Row]:
    """Between the recommended option and the likeliest best: what a unit of another criterion has to be worth."""
    known = {n: item["probability_best"] for n, item in best.items() if item["probability_best"] is not None}
    first = next((n for n, option in enumerate(options) if option["rank"] == 1), None)
    rivals = [n for n in sorted(known, key=lambda n: -known[n]) if n != first]
    if first not in known or not rivals:
        return []
    found: list[Row] = []
    for criterion in ("added_p99_ms", "memory_gib", "move_person_hours"):
        worth = comparison.break_even(worlds, first, rivals[0], "total_usd", criterion)
        if worth is not None:
            found.append(
                {
                    "criterion": criterion,
                    "usd_per_unit": worth,
                    "between": [options[n]["label"] for n in (first, rivals[0])],
                }
            )
    return found


def find_out(choices: pl.DataFrame, coefficients: pl.DataFrame | None = None) -> list[Row]:
    """What knowing a group of coefficients would save, the most first; a group that would save nothing is left out."""
    if not choices.height:
        return []
    drawn = joint_draws(coefficients)
    logs = {
        name: np.log(drawn.select(columns).to_numpy())
        for name, starts in GROUPS.items()
        if (columns := [column for column in drawn.columns if column.startswith(starts)])
    }
    return [row for row in comparison.what_to_find_out(choices, logs) if row["saves_usd"]]
