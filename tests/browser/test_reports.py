"""Reports and the index in a real browser, opened as files with the network off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from meshlab.reviews.cases import example_teams
from meshlab.reviews.review import open_review, summary
from meshlab.run.batch import fleet
from meshlab.run.batch.batch import Job, render_reviews
from meshlab.run.batch.pages import page_css
from meshlab.show.charts import chart
from meshlab.show.export.chart import html_fragment

pytestmark = pytest.mark.browser

ROWS = 1000
ENDS = {"_lo": 0.5, "": 1, "_hi": 2}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder of one team, and an index of a thousand rows."""
    folder = tmp_path_factory.mktemp("reports")
    team = folder / "good.yaml"
    team.write_text("team: good\nscenario: {pods: 40}\nneeds: [mtls]\n", encoding="utf-8")
    render_reviews([team], Job(folder, ("html",)), jobs=1)
    row = summary(open_review(team))
    rows = [
        {
            **row,
            "team": f"team-{number:04}",
            "findings": (number * 7) % ROWS,
            "settled": number % 4 == 0,
            **{f"{name}{end}": part * (1.0 + number) for name in fleet.shown() for end, part in ENDS.items()},
        }
        for number in range(ROWS)
    ]
    (folder / "thousand.html").write_text(
        fleet.index_files(rows, [], None, ("html",), page_css())["index.html"], encoding="utf-8"
    )
    return folder


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without network that may neither complain nor ask for anything but files."""
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request",
        lambda request: complaints.append(request.url) if not re.match("file:|data:|blob:", request.url) else None,
    )
    yield opened
    context.close()
    assert complaints == []


def unfold(page: Any) -> None:
    """Open every folded part."""
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


def test_a_report_shows_its_charts_from_the_file_system(page: Any, reports: Path) -> None:
    """All four charts of a report are seen, once unfolded, without network and without an error in the console."""
    page.goto((reports / "good" / "review.html").as_uri())
    assert page.locator("figure > svg:visible").count() == 0
    unfold(page)
    assert page.locator("figure > svg:visible").count() == 5
    assert page.evaluate("[...document.querySelectorAll('figure > svg')].every(c => c.clientWidth > 400)")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder of the five example teams."""
    folder = tmp_path_factory.mktemp("examples")
    render_reviews(sorted(example_teams().glob("*.yaml")), Job(folder, ("html",)), jobs=1)
    return folder


TEAMS = sorted(path.stem for path in example_teams().glob("*.yaml"))
SCREEN, SHEET = {"width": 1440, "height": 900}, {"width": 703, "height": 1032}
"""A desk's screen, and an A4 sheet less margins of 12 mm. [px]"""

MOST_SCREENS, MOST_WORDS, MOST_BYTES = 6, 1500, 400_000


@pytest.mark.parametrize("team", TEAMS)
def test_the_first_page_is_one_screen_and_one_sheet_and_the_rest_is_folded(
    page: Any, examples: Path, team: str
) -> None:
    """What a board reads first needs no scrolling; all that is unfolded is six screens and 1,500 words at most."""
    file = examples / team / "review.html"
    page.set_viewport_size(SCREEN)
    page.goto(file.as_uri())
    first = "document.querySelector('.ml-summary').getBoundingClientRect().bottom"
    assert page.evaluate(first) <= SCREEN["height"]
    assert page.evaluate("document.documentElement.scrollHeight") <= MOST_SCREENS * SCREEN["height"]
    assert len(page.evaluate("document.querySelector('main').innerText").split()) <= MOST_WORDS
    assert page.evaluate("document.documentElement.scrollWidth") == SCREEN["width"]
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size(SHEET)
    page.emulate_media(media="print")
    assert page.evaluate(first) <= SHEET["height"]
    assert file.stat().st_size <= MOST_BYTES


RULES = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    # a dark page is the same page in other colours: what axe-core says of these
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "openshift-aws/review.html", "fleet-500-aks/review.html", "chart.html"])
def test_pages_are_for_everybody(page: Any, examples: Path, name: str, scheme: str) -> None:
    """axe-core finds no violation of WCAG 2.2 AA, nor of its best practices, on a page with every part unfolded."""
    if name == "chart.html":
        piece = html_fragment(chart("memory", open_review(example_teams() / "openshift-aws.yaml")), "p.js")
        (examples / "p.js").write_text("const Plotly = {newPlot() {}};", encoding="utf-8")
        body = f"<!doctype html><html lang=en><title>A page</title><main><h1>A page</h1>{piece}</main>"
        (examples / name).write_text(body, encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto((examples / name).as_uri())
    unfold(page)
    found = Axe().run(page, options=RULES[scheme])
    assert [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found.response["violations"]] == []


@pytest.mark.parametrize("team", TEAMS)
def test_headings_are_in_order_and_links_lead_somewhere(page: Any, examples: Path, team: str) -> None:
    """No level of headings is skipped, every link within the page has its target, and the first leads to the answer."""
    page.goto((examples / team / "review.html").as_uri())
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.localName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    missing = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
        ".filter(id => !document.getElementById(decodeURIComponent(id)))"
    )
    assert missing == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#answer"


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("team", TEAMS)
def test_no_table_is_wider_than_its_page(page: Any, examples: Path, team: str, width: int) -> None:
    """With all unfolded nothing scrolls sideways: commands and ways back of a plan are in sight as they stand."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((examples / team / "review.html").as_uri())
    unfold(page)
    wide = page.evaluate(
        "[...document.querySelectorAll('.ml table')].filter(t => t.scrollWidth > t.parentElement.clientWidth + 1)"
        ".map(t => t.caption.innerText)"
    )
    assert wide == []


def test_a_link_to_a_source_unfolds_it_and_leads_to_its_page(page: Any, examples: Path) -> None:
    """From a figure of the first page to the page that says it are two clicks."""
    page.set_viewport_size(SCREEN)
    page.goto((examples / "fleet-500-aks" / "review.html").as_uri())
    link = page.locator(".ml-board a").first
    row = page.locator(link.get_attribute("href"))
    assert not row.is_visible()
    link.click()
    page.wait_for_function("document.querySelector(location.hash).closest('details').open")
    assert row.is_visible()
    assert row.locator("a").get_attribute("href").startswith("https://")


def test_a_report_copied_alone_says_everything(browser: Any, examples: Path, tmp_path: Path) -> None:
    """Without its folder a page has every chart with its table, and asks for nothing."""
    alone = tmp_path / "review.html"
    alone.write_bytes((examples / "fleet-500-aks" / "review.html").read_bytes())
    asked: list[str] = []
    page = browser.new_context(offline=True).new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(alone.as_uri())
    assert page.locator(".ml-board svg:visible").count() >= 12
    page.evaluate("document.querySelectorAll('details.part').forEach(part => part.open = true)")
    assert page.locator("figure > svg:visible").count() == page.locator(".ml-figures").count() > 0
    assert asked == [alone.as_uri()]
    page.context.close()


def test_an_index_of_a_thousand_rows_sorts_and_searches(page: Any, reports: Path) -> None:
    """A search and a choice leave those of a thousand rows that fit both; a click on a heading turns the order."""
    page.goto((reports / "thousand.html").as_uri())
    rows = page.locator("#teams tbody tr:visible")
    assert rows.count() == ROWS
    page.locator("input[type=search]").fill("team-0123")
    assert rows.count() == 1
    page.get_by_label("Settled").select_option("yes")
    assert page.get_by_text("No team matches.").is_visible()  # 123 is no fourth
    page.locator("input[type=search]").fill("")
    assert rows.count() == ROWS / 4
    page.get_by_label("Settled").select_option("all")
    page.locator("#teams th button").first.click()
    first = rows.first.inner_text()
    page.locator("#teams th button").first.click()
    assert {name.split()[0] for name in (first, rows.first.inner_text())} == {"team-0000", "team-0999"}


def test_an_index_is_sorted_from_the_keyboard(page: Any, reports: Path) -> None:
    """Enter on a heading sorts by its numbers, a second time the other way round, and says so to a screen reader."""
    page.goto((reports / "thousand.html").as_uri())
    heading = page.locator("#teams th", has_text="Findings")
    for order, first in (("ascending", "team-0000"), ("descending", "team-0857")):  # 857 times 7 is 5999
        heading.locator("button").focus()
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == order
        assert page.locator("#teams tbody tr").first.inner_text().split()[0] == first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_index_of_a_thousand_rows_has_charts_in_both_looks(page: Any, reports: Path, scheme: str) -> None:
    """Four charts hold a thousand intervals each, and text stands out from the ground in a light and a dark look."""
    page.emulate_media(color_scheme=scheme)
    page.goto((reports / "thousand.html").as_uri())
    assert page.locator(".ml-fleet svg").count() == 4
    drawn = page.eval_on_selector_all(
        ".ml-interval", "paths => paths.map(path => path.getAttribute('d').split('M').length)"
    )
    assert drawn == [ROWS + 1] * 4
    ground, ink = (
        page.evaluate(f"getComputedStyle(document.querySelector('{place}')).{what}")
        for place, what in (("body", "backgroundColor"), ("#teams td:nth-child(2)", "color"))
    )
    light, dark = (
        sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in ((ground, ink)[:: 1 if scheme == "light" else -1])
    )
    assert light - dark > 450


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def test_a_report_follows_the_readers_look_and_is_printed_light(page: Any, reports: Path) -> None:
    """Words of page and charts reach a contrast of 4.5 in a dark look, in a light one turned to later, and on paper."""
    texts = "[...document.querySelectorAll('main :is(p, td, li, h2, summary, text)')]"
    inks = f"{texts}.map(text => getComputedStyle(text)[text.localName === 'text' ? 'fill' : 'color'])"
    page.emulate_media(color_scheme="dark")
    page.goto((reports / "good" / "review.html").as_uri())
    unfold(page)
    for look, ground in (
        ({"color_scheme": "dark"}, "rgb(20, 24, 29)"),
        ({"color_scheme": "light"}, "rgb(255, 255, 255)"),
        ({"color_scheme": "dark", "media": "print"}, "rgb(255, 255, 255)"),
    ):
        page.emulate_media(**look)
        papers = "[...document.querySelectorAll('figure > svg > rect')].map(paper => getComputedStyle(paper).fill)"
        assert ground in page.evaluate(papers)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert min(contrast(ink, ground) for ink in set(page.evaluate(inks))) >= 4.5
