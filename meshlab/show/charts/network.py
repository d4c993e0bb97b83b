"""Network plugins alone: CPU of each datapath over none, and what looking up a Service costs as Services grow."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from meshlab.models.overhead.network import estimate_network, rule_scale
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import source_ids
from meshlab.scenario import inputs
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot, Stated
from meshlab.show.charts.intervals import VALUE_AXIS
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS, figure_text, interval_text, mix

POINTS = 40
"""Points of a line over Services."""

NETWORK_KEY = (
    "Bar: 10–90 % interval; line: median. Hatched: a like datapath stands in for the cost of a request. "
    "Under each name: memory of its agents."
)

NETWORK_NOTE = (
    "Measured on bare metal of three laboratories, most with frames of 9000 bytes; intervals hold for clouds and for "
    "frames of 1500 bytes, too. All bars share laboratory and machine, so two differ more clearly than they look."
)

LOOKUP_KEY = "Line: median. Band: range of what was published. Dotted: beyond what was measured. Upright: this cluster."

LOOKUP_NOTE = (
    "Only the first packet of a connection is looked up; later ones follow connection tracking. The base of 5 µs is "
    "that of iptables."
)

CHAIN = "iptables"

MODES = {
    CHAIN: ("iptables walks a chain", "warm"),
    "nftables": ("maps of nftables, eBPF and IPVS", "cool"),
}
"""Modes that are drawn, each with its words and accent: eBPF and IPVS lie where nftables does."""


def network(of: Review | Stated, look: Look) -> Chart:
    """CPU that each datapath takes over nodes without a network plugin."""
    found = estimate_network(canvas.known_frame(of)).drop_nulls("memory_gib")
    rows = found.sort(pl.col("encryption") != "none", "cpu_cores", nulls_last=True).to_dicts()
    sentences = [
        f"{row['label']}: {f'{cpu} cores' if (cpu := _interval(row, 'cpu_cores')) else 'not measured under load'}."
        for row in rows
    ]
    table = [
        {
            "datapath": row["label"],
            "encryption": row["encryption"],
            "memory [GiB]": _interval(row, "memory_gib") or "not measured",
            "CPU [cores]": _interval(row, "cpu_cores") or "not measured",
            "requests": "measured" if row["measured"] else "a like datapath",
        }
        for row in rows
    ]
    ids = sorted({each for row in rows for each in source_ids(row["source_ids"])})
    captions = Captions("network", "What network plugins cost alone", NETWORK_KEY, canvas.subtitle(of), (NETWORK_NOTE,))
    return canvas.chart_of(captions, _bars(rows, look), table, look, sentences=sentences, source_ids=ids)


def _interval(row: Row, figure: str) -> str:
    return interval_text(row[f"{figure}_lo"], row[f"{figure}_hi"]) if row[figure] is not None else ""


def _bars(rows: Sequence[Row], look: Look) -> Plot:
    names = [f"{canvas.escape(row['label'])}<br>{canvas.small(_interval(row, 'memory_gib') + ' GiB')}" for row in rows]
    figures = [_interval(row, "cpu_cores") or "not measured" for row in rows]
    layout = {
        "xaxis": {**VALUE_AXIS, "title": {"text": "CPU over no network plugin [cores]"}},
        **canvas.named_rows(names, figures, look),
    }
    known = [place for place, row in enumerate(rows) if row["cpu_cores"] is not None]
    measured = [rows[place] for place in known]
    hues = [ACCENTS["cool" if row["encryption"] == "none" else "warm"][look.theme] for row in measured]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": known,
        "base": [row["cpu_cores_lo"] for row in measured],
        "x": [row["cpu_cores_hi"] - row["cpu_cores_lo"] for row in measured],
        "width": 0.5,
        "marker": canvas.hatched(hues, ["" if row["measured"] else "/" for row in measured], look.colours.paper),
        "customdata": [f"{row['label']}: {_interval(row, 'cpu_cores')} cores" for row in measured],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    medians = {
        "type": "scatter",
        "mode": "markers",
        "yaxis": "y2",
        "x": [row["cpu_cores"] for row in measured],
        "y": known,
        "marker": {"symbol": "line-ns-open", "size": 18, "color": look.colours.ink},
        "hoverinfo": "skip",
    }
    return Plot([bars, medians], layout, height_px=40 * len(rows), below_px=canvas.AXIS_PX, sides_px=(230, 112))


def rule_lookup(of: Review | Stated, look: Look) -> Chart:
    """What looking up a Service costs a connection's first packet, over Services."""
    services: int = of.scenario["services"]
    last = int(inputs()["services"].upper or services)
    values = sorted({services, *(round(last * (step / POINTS) ** 2) or 1 for step in range(POINTS + 1))})
    grid = pl.DataFrame({"scenario": [str(value) for value in values], "services": values})
    found = rule_scale(grid).filter(quantity="lookup_us").collect()
    own = {row["mode"]: row for row in found.filter(services=services).iter_rows(named=True)}
    sentences = [
        f"{row['mode']} at {services:,} Services: {interval_text(row['cost_lo'], row['cost_hi'])} µs."
        for row in own.values()
    ]
    table = [
        {
            "rules": row["mode"],
            "services": f"{services:,}",
            "first packet [µs]": figure_text(row["cost"]),
            "10–90 % [µs]": interval_text(row["cost_lo"], row["cost_hi"]),
            "measured up to": "here" if row["in_evidence_range"] else "fewer Services",
        }
        for row in own.values()
    ]
    axis, muted = {"fixedrange": True, "automargin": False}, look.colours.muted
    here = {"type": "line", "x0": services, "x1": services, "y0": 0, "y1": 1, "yref": "paper"}
    side = {"title": {"text": "First packet [µs]"}, "rangemode": "tozero", "zeroline": True, "zerolinecolor": muted}
    lines = {mode: found.filter(mode=mode) for mode in MODES}
    layout: Spec = {
        "xaxis": {**axis, "title": {"text": "Services"}, "range": [0, last], "nticks": 6},
        "yaxis": {**axis, **side},
        "shapes": [{**here, "line": {"color": muted, "width": 1, "dash": "dot"}}],
        "annotations": [_named(frame, mode, look) for mode, frame in lines.items()],
    }
    traces = [trace for mode, frame in lines.items() for trace in _lookup(frame, mode, look)]
    plot = Plot(traces, layout, height_px=300, below_px=canvas.AXIS_PX, sides_px=(64, 20))
    title = "A chain of rules grows with Services, maps do not"
    captions = Captions("rule-lookup", title, LOOKUP_KEY, canvas.subtitle(of), (LOOKUP_NOTE,))
    ids = sorted({each for cell in found["source_ids"] for each in source_ids(cell)})
    return canvas.chart_of(captions, plot, table, look, sentences=sentences, source_ids=ids)


def _lookup(frame: pl.DataFrame, mode: str, look: Look) -> list[Spec]:
    hue = ACCENTS[MODES[mode][1]][look.theme]
    around = [*frame["services"], *reversed(frame["services"])]
    ends = [*frame["cost_lo"], *reversed(frame["cost_hi"])]
    band = {"type": "scatter", "mode": "lines", "x": around, "y": ends, "fill": "toself", "line": {"width": 0}}
    parts = (("solid", pl.col("in_evidence_range")), ("dot", ~pl.col("in_evidence_range")))
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": frame.filter(within)["services"].to_list(),
            "y": frame.filter(within)["cost"].to_list(),
            "line": {"color": hue, "width": 2, "dash": dash},
            "hovertemplate": "%{x:,} Services: %{y:.3~g} µs<extra></extra>",
        }
        for dash, within in parts
    ]
    return [band | {"fillcolor": mix(hue, look.colours.paper, 0.2), "hoverinfo": "skip"}, *lines]


def _named(frame: pl.DataFrame, mode: str, look: Look) -> Spec:
    """The words of a line: left of the middle of one that climbs, above the band at the end of one that does not."""
    words, accent = MODES[mode]
    climbs = mode == CHAIN
    row = frame.row(frame.height * 7 // 10 if climbs else -1, named=True)
    return {
        "text": words,
        "x": row["services"],
        "y": row["cost" if climbs else "cost_hi"],
        "showarrow": False,
        "xanchor": "right",
        "yanchor": "bottom",
        "xshift": -6 if climbs else 0,
        "yshift": 4,
        "font": {"color": ACCENTS[accent][look.theme]},
    }
