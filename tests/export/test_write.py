"""Charts as files: one call for many, in every form, the same bytes for the same inputs."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from meshlab import api
from meshlab.errors import MeshlabError
from meshlab.files import pretty_json
from meshlab.reviews.record import Review
from meshlab.show.charts import CATALOGUE, Look, chart
from meshlab.show.charts.files import DOCUMENT, opened, write_charts
from meshlab.show.export import images
from meshlab.show.export.chart import FORMS, contents, html_fragment, markdown_table
from meshlab.show.export.images import about_png, about_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</script><script>alert(1)</script>"><img src=x onerror=alert(1)>'


def test_every_chart_as_svg_twice(tmp_path: Path) -> None:
    """Two runs give the same bytes; text is text in fonts with fallbacks, and nothing is fetched or run."""
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        write_charts(tuple(CATALOGUE), ["online-boutique"], folder / "{team}-{chart}.svg")
    names = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert names[0] == names[1]
    assert len(names[0]) == len(CATALOGUE)
    for name in names[0]:
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two, name
        root = ET.fromstring(one)  # noqa: S314
        assert root.attrib["font-family"].endswith("sans-serif")
        assert list(root.iter(f"{SVG}text"))
        assert not list(root.iter(f"{SVG}script"))
        assert not re.search(rb'(?:href|src)="(?!#)', one)
        about = about_svg(one.decode())
        assert about
        assert about["title"] in "".join(root.itertext())


def test_a_png_has_its_scale_and_says_what_it_shows(review: Review) -> None:
    """At twice the scale a PNG has twice the pixels, and it carries what it shows."""
    drawn = chart("cost", review, Look("dark", 600))
    png = contents([drawn], "png", scale=2)[0]
    assert int.from_bytes(png[16:20]) == 1200
    assert int.from_bytes(png[20:24]) == 2 * drawn.spec["layout"]["height"]
    assert about_png(png) == drawn.about


def test_without_a_typeface_one_line_says_what_to_install(
    review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a PNG would have no words, what to install is named and nothing is written; the other forms are written."""
    images._family.cache_clear()
    monkeypatch.setattr(images, "FAMILIES", ("No Such Typeface", "Nor This", "Nor That"))
    with pytest.raises(MeshlabError, match="install one") as caught:
        write_charts(["memory"], ["fleet-500-aks"], tmp_path / "x.png")
    assert len(caught.value.problems) == 1
    assert not list(tmp_path.iterdir())
    assert all(contents([chart("memory", review)], form)[0] for form in FORMS if form != "png")


class _Tags(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_piece_of_html_is_whole_and_harmless(review: Review) -> None:
    """Names of others end no element of a piece of HTML, and it is plain ASCII but for plotly's own script."""
    piece = html_fragment(chart("memory", replace(review, team=HOSTILE)), script="plotly.min.js")
    tags = _Tags(piece).tags
    assert [tag for tag, _ in tags].count("script") == 2
    assert not [tag for tag, _ in tags if tag == "img"]
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    assert piece.isascii()
    assert next(attributes for tag, attributes in tags if attributes.get("role") == "img")["aria-label"]


def test_a_piece_of_html_shares_a_script(tmp_path: Path) -> None:
    """A shared script is written once beside the pieces, which stay small; a piece without one holds it."""
    names = ["memory", "cpu"]
    write_charts(names, ["fleet-500-aks"], tmp_path / "{chart}.html", script="assets/plotly.min.js")
    assert (tmp_path / "assets" / "plotly.min.js").stat().st_size > 1e6
    assert all((tmp_path / f"{name}.html").stat().st_size < 5e4 for name in names)
    write_charts(["memory"], ["fleet-500-aks"], tmp_path / "alone.html")
    assert (tmp_path / "alone.html").stat().st_size > 1e6


def test_plotly_json_says_what_it_is(review: Review) -> None:
    """Plotly reads the JSON as a figure, which says in its ``meta`` what it shows."""
    import plotly.io

    drawn = chart("domain", review, DOCUMENT)
    text = contents([drawn], "json")[0].decode()
    assert json.loads(text)["layout"]["meta"] == drawn.about
    assert plotly.io.from_json(text).layout.width == 720


def test_a_rendered_review_needs_no_models(review: Review, tmp_path: Path) -> None:
    """A ``review.json`` gives the same drawing as its team, without a model that runs."""
    file = tmp_path / "review.json"
    file.write_text(pretty_json(review), encoding="utf-8")
    assert chart("latency", opened(file)).drawing_sha256 == chart("latency", review).drawing_sha256


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"estimates": None}, "missing required field `estimates`"),
        ({"verdict": 3}, r"Expected `object`, got `int` - at `\$\.verdict`"),
        ({"team": "../../etc"}, "cannot name a folder"),
    ],
)
def test_a_review_of_another_shape_is_refused(change: dict, told: str, review: Review, tmp_path: Path) -> None:
    """A ``review.json`` that lacks what charts read, or whose team climbs out of a folder, is told and not drawn."""
    kept = {name: value for name, value in asdict(review).items() if name not in change}
    altered = kept | {name: value for name, value in change.items() if value is not None}
    file = tmp_path / "review.json"
    file.write_text(pretty_json(altered), encoding="utf-8")
    with pytest.raises(MeshlabError, match=told):
        opened(file)


@pytest.mark.parametrize(
    ("names", "teams", "out", "told"),
    [
        (["memroy", "cpu"], ["fleet"], "x.md", "did you mean 'memory'"),
        (["memory"], [], "x.md", "is needed for memory"),
        (["memory", "cpu"], ["fleet-500-aks"], "x.md", r"\{team\}-\{chart\}\.md"),
        (["memory"], ["fleet-500-aks"], "{chrat}.md", "unknown blank"),
        (["memory"], ["fleet-500-aks"], "x.pdf", "no form of a chart"),
    ],
)
def test_a_mistake_of_the_call_is_told(names: list[str], teams: list[str], out: str, told: str, tmp_path: Path) -> None:
    """An unknown chart, team, form or blank, and two charts in one file, are told, and nothing is written."""
    with pytest.raises(MeshlabError, match=told):
        write_charts(names, teams, tmp_path / out)
    assert not list(tmp_path.iterdir())


def test_cells_of_a_markdown_table_hold_no_markup() -> None:
    """Bars, brackets, braces and tags of other people's text are text, in MDX as well."""
    line = markdown_table([{"name": "a|b <i>{x}</i> [y](z) `c`"}]).splitlines()[2]
    assert line == r"| a\|b &lt;i&gt;\{x\}&lt;/i&gt; \[y\](z) \`c\` |"


def test_a_notebook_shows_and_saves_a_figure(review: Review, tmp_path: Path) -> None:
    """A figure shows itself as plotly's data and as a table, and saves by the file's ending."""
    drawn = api.figure("memory", review, theme="dark")
    bundle = drawn._repr_mimebundle_()
    assert "application/vnd.plotly.v1+json" in bundle
    assert "<table" in str(bundle["text/html"])
    assert "Istio ambient" in drawn.save(tmp_path / "memory.csv").read_text(encoding="utf-8")
    with pytest.raises(MeshlabError, match="did you mean 'cost'"):
        api.figure("cots", review)
