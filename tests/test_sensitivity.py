"""What moves a figure, and where two data planes cost the same."""

from __future__ import annotations

import polars as pl
import pytest
from overhead_frames import one

from meshlab.errors import MeshlabError
from meshlab.models.overhead import draw_estimates, estimate
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.models.sensitivity import break_even, break_even_band, cheaper_throughout, how_moved, tornado, tornados
from meshlab.show.charts.drivers import driver_label, driver_value
from meshlab.tables import read_table


def test_pods_move_memory_of_sidecars_most() -> None:
    """Half and twice the pods bracket the scenario's memory, as estimates of their own say."""
    frame = one(pods=400, services=100, requests_per_second=4000.0, connections=1600)
    row = tornado(frame, "istio-sidecar", "memory_gib").row(0, named=True)
    ends = [
        estimate(frame.with_columns(pods=pl.lit(pods)), intervals=False)
        .filter(dataplane="istio-sidecar")
        .collect()["memory_gib"]
        .item()
        for pods in (200, 400, 800)
    ]
    assert (row["driver"], row["low"], row["high"]) == ("pods", "200", "800")
    assert [row["figure_at_low"], row["figure"], row["figure_at_high"]] == pytest.approx(ends)


def test_a_tornado_is_sorted_and_brackets_the_figure() -> None:
    """Swings fall from row to row and none is negative; the figure lies between its ends."""
    table = tornado(one(current_cni="cilium"), "cilium", "cpu_cores")
    assert table["swing"].is_sorted(descending=True)
    assert table["swing"].min() >= 0
    assert ((table["figure_at_low"] <= table["figure"]) & (table["figure"] <= table["figure_at_high"])).all()


def test_scenarios_do_not_disturb_each_other() -> None:
    """The drivers of several scenarios and figures together are those of each of them alone."""
    frame = pl.concat(
        [one(pods=400, protocol="grpc"), one(pods=9000, mtls=False).with_columns(scenario=pl.lit("another"))]
    )
    figures = ("memory_gib", "added_p99_ms")
    together = tornados(frame, "istio-ambient", figures)
    assert together["scenario"].unique(maintain_order=True).to_list() == ["one", "another"]
    for place, name in enumerate(frame["scenario"]):
        for figure in figures:
            alone = tornado(frame[place : place + 1], "istio-ambient", figure)
            part = together.filter(scenario=name, figure_name=figure).drop("scenario", "figure_name")
            assert part.equals(alone)


def test_coefficients_of_other_data_planes_do_not_appear() -> None:
    """Linkerd's tornado holds inputs and Linkerd's coefficients; what all proxies share is named after the sidecar."""
    drivers = tornado(one(), "linkerd", "cpu_cores").filter(kind="coefficient")["driver"]
    assert not drivers.str.contains("ztunnel|waypoint|cilium|envoy").any()
    assert drivers.filter(drivers.str.contains("sidecar")).to_list() == ["sidecar_latency_ms"]


@pytest.mark.parametrize(
    ("driver", "given", "ends", "words"),
    [
        ("pods", {"pods": 640}, ("320", "1280"), "halved and doubled"),
        ("call_depth", {"call_depth": 3}, ("2", "4"), "one down and one up"),
        ("same_node_share", {"same_node_share": 0.5}, ("0.3", "0.7"), "a fifth of its range down and up"),
        ("mtls", {"mtls": True}, ("False", "True"), "yes or no"),
        ("ztunnel_base_mib", {}, ("8.309", "14.92"), "10–90 % interval"),
    ],
)
def test_a_driver_goes_as_its_words_say(
    driver: str, given: dict[str, object], ends: tuple[str, str], words: str
) -> None:
    """Halves and doubles, steps of one or of a fifth of the range, both of yes and no: what is said is what is done."""
    row = tornado(one(**given), "istio-ambient", "memory_gib").filter(driver=driver).row(0, named=True)
    assert sorted((row["low"], row["high"])) == sorted(ends)
    assert how_moved(driver) == words


def test_every_driver_has_a_label() -> None:
    """No chart shows the name of a column: each coefficient has words of its own."""
    labels = read_table("coefficient_labels")
    assert labels["coefficient"].to_list() == coefficient_table()["coefficient"].to_list()
    assert labels["label"].is_unique().all()
    assert driver_label("ztunnel_memory_spread") == "Clusters differ: memory of ztunnels"
    assert (driver_value("0.0158055"), driver_value("True"), driver_value("http1")) == ("0.016", "yes", "http1")


def test_two_data_planes_cost_the_same_on_the_line() -> None:
    """At every point of the line both estimates agree within the grid's coarseness, and swap sides across it."""
    frame = one(pods=640, services=120)
    line = break_even(frame, "istio-ambient", "linkerd", "memory_gib", "pods", "nodes")
    assert line.height > 10
    for pods, nodes, below, above in line.gather_every(7).iter_rows():
        at = frame.with_columns(pods=pl.lit(round(pods)), nodes=pl.lit(round(nodes)))
        found = dict(estimate(at, intervals=False).select("dataplane", "memory_gib").collect().iter_rows())
        assert found["istio-ambient"] == pytest.approx(found["linkerd"], rel=0.1)
        assert {below, above} == {"istio-ambient", "linkerd"}


def test_draws_disagree_within_the_band_and_agree_outside() -> None:
    """At the ends of the band one of two data planes is cheaper in about a tenth of all draws, within it in more."""
    asked = ("istio-ambient", "linkerd", "memory_gib")
    frame = one(pods=640, services=120, nodes=12)
    line = break_even(frame, *asked, "pods", "nodes")
    band = break_even_band(frame, *asked, "pods", "nodes")
    inner = band.filter(
        pl.col("lo") > band["lo"].min(), pl.col("hi") < band["hi"].max()
    )  # cut off by no end of the grid
    assert len(inner) >= 3
    for pods, lo, hi in inner.iter_rows():
        places = {"lo": lo, "middle": (lo * hi) ** 0.5, "hi": hi}
        points = pl.concat(
            frame.with_columns(scenario=pl.lit(name), pods=pl.lit(round(pods)), nodes=pl.lit(round(at)))
            for name, at in places.items()
        )
        costs = draw_estimates(points, dataplanes=asked[:2]).collect()
        costs = costs.pivot("dataplane", index=["scenario", "draw"], values=asked[2])
        shares = costs.group_by("scenario").agg((pl.col(asked[0]) < pl.col(asked[1])).mean()).rows()
        doubt = {name: min(share, 1 - share) for name, share in shares}
        assert doubt["middle"] > 0.25
        assert doubt["lo"] == pytest.approx(0.1, abs=0.05)
        assert doubt["hi"] == pytest.approx(0.1, abs=0.05)
        nearest = line.sort((pl.col("pods") - pods).abs()).row(0, named=True)
        assert lo < nearest["nodes"] < hi


def test_where_one_is_always_cheaper_there_is_no_line() -> None:
    """Ambient never needs the memory of sidecars in a cluster of this size."""
    frame = one(pods=640, services=120)
    assert break_even(frame, "istio-sidecar", "istio-ambient", "memory_gib", "pods", "l7_traffic_share").is_empty()


def test_without_a_line_one_of_the_two_is_named_or_none() -> None:
    """Ambient is cheaper than sidecars everywhere; depth of calls moves no memory, so that no line runs along it."""
    frame = one(pods=640, services=120)
    pair = ("istio-sidecar", "istio-ambient")
    assert cheaper_throughout(frame, *pair, "memory_gib", "pods", "l7_traffic_share") == "istio-ambient"
    along_depth = (frame, "istio-ambient", "linkerd", "memory_gib", "pods", "call_depth")
    assert break_even(*along_depth).is_empty()
    assert cheaper_throughout(*along_depth) is None


def test_an_unknown_figure_is_named() -> None:
    """A figure that does not exist is an error with the nearest one."""
    with pytest.raises(MeshlabError, match="did you mean 'memory_gib'"):
        tornado(one(), "linkerd", "memory_gb")
