"""Workbooks as a person uses them: in a real JupyterLab, in a real browser, by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_page import Lab, Workbook, close, open_workbook, scenario_of
from playwright.sync_api import Browser, expect

from meshlab.reviews.review import light_review
from meshlab.tables import resource

pytestmark = pytest.mark.browser

NAMES = sorted(path.stem for path in resource("workbooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def overhead(browser: Browser, lab: Lab) -> Iterator[Workbook]:
    """The overhead workbook after a run of all cells."""
    book = open_workbook(browser, lab, "overhead")
    book.run()
    expect(book.figures.first.locator(".main-svg").first).to_be_visible()
    yield book
    close(book)


@pytest.fixture
def rested(overhead: Workbook) -> Workbook:
    """The overhead workbook with its panel at the beginning."""
    overhead.button("Figures").click()
    memory = overhead.figures.locator("[data-figure=memory]")
    expect(memory.locator(".main-svg").first).to_be_visible()
    overhead.button("Reset").click()
    expect(overhead.control("Worker nodes").locator("input[type=text]")).to_have_value("12")
    # a redraw may still be under way that was asked for before: the figure itself says which scenario it shows
    expect(memory).to_contain_text("12 nodes, 120 services")
    return overhead


# first, for it ends the kernel of a workbook that later tests go on with
def test_figures_follow_in_a_page_that_was_busy_at_first(browser: Browser, lab: Lab) -> None:
    """Where anywidget gives up on every widget, as after two busy seconds, figures are drawn and follow a slider."""
    context = browser.new_context()
    context.add_init_script(
        "const timeout = AbortSignal.timeout.bind(AbortSignal); AbortSignal.timeout = () => timeout(0);"
    )
    book = open_workbook(context, lab, "overhead")
    gave_up: list[str] = []
    book.page.on("pageerror", lambda error: gave_up.append(str(error)))
    book.run()
    expect(book.figures.first.locator(".main-svg").first).to_be_visible()
    before = book.tick()
    book.control("Services").locator(".noUi-handle").press("ArrowRight")
    book.wait_for_redraw(before)
    assert any("Failed to initialize model" in error for error in gave_up)
    assert book.errors() == []
    close(book)
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_workbook_runs_without_a_complaint(
    browser: Browser, lab: Lab, name: str, request: pytest.FixtureRequest
) -> None:
    """All cells of a workbook run, and neither they nor the browser's console hold an error."""
    if name == "overhead":  # the one that the tests below go on with
        book = request.getfixturevalue("overhead")
    else:
        book = open_workbook(browser, lab, name)
        book.run()
    book.page.wait_for_timeout(700)
    assert book.errors() == []
    if name != "overhead":
        close(book)


def test_a_slider_moves_by_keyboard(rested: Workbook) -> None:
    """An arrow key takes the slider a rung up, the entry shows its value, and the figures follow."""
    before = rested.tick()
    shown = rested.figures.first.inner_text()
    handle = rested.control("Services").locator(".noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    rested.wait_for_redraw(before)
    assert scenario_of(rested, "Services") == "130"
    assert rested.figures.first.inner_text() != shown
    assert rested.errors() == []


def test_a_slider_moves_by_mouse_and_ends_in_the_last_state(rested: Workbook) -> None:
    """A hundred rapid moves of the mouse end in figures of the last place, with no queue left behind."""
    before = rested.tick()
    slider = rested.control("Worker nodes")
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-target").bounding_box()
    assert handle
    assert track
    middle = handle["y"] + handle["height"] / 2
    mouse = rested.page.mouse
    mouse.move(handle["x"] + handle["width"] / 2, middle)
    mouse.down()
    for step in range(100):
        mouse.move(track["x"] + track["width"] * (0.2 + 0.6 * step / 99), middle)
    mouse.up()
    # the entry follows the slider at once, the figures follow the last state that came to rest
    expect(slider.locator("input[type=text]")).not_to_have_value("12", timeout=20_000)
    rested.wait_for_redraw(before)
    nodes = int(scenario_of(rested, "Worker nodes"))
    assert nodes > 100
    base = {"services": 120, "pods": 480, "requests_per_second": 9600.0, "l7_traffic_share": 0.2, "call_depth": 3}
    review = light_review({**base, "nodes": nodes, "needs": ["mtls", "l7_observability"]})
    from meshlab.show.charts import chart

    drawn = rested.page.locator(".meshlab-figures [role=img]").first
    expect(drawn).to_have_attribute("aria-label", chart("memory", review).alt_text, timeout=20_000)
    assert rested.tick() - before < 100
    assert rested.errors() == []


def test_an_upload_is_read_like_a_file(rested: Workbook, tmp_path: Path) -> None:
    """A team file of the user's computer is loaded through the browser."""
    file = tmp_path / "mine.yaml"
    file.write_text("team: mine\nscenario: {nodes: 9}\n", encoding="utf-8")
    with rested.page.expect_file_chooser() as chooser:
        rested.page.get_by_role("button", name="Upload").click()
    chooser.value.set_files(file)
    expect(rested.scenario_files()).to_contain_text("Loaded mine")
    expect(rested.control("Worker nodes").locator("input[type=text]")).to_have_value("9")
    assert rested.errors() == []


VISIBLE_FIGURES = "[...document.querySelectorAll('.meshlab-figures > [role=img]')].filter((div) => div.offsetParent)"

WIDTH_OF_VIEW = "document.querySelector('.meshlab-figures').offsetWidth"


@pytest.mark.parametrize(
    ("page", "figures"),
    [
        ("Curves", ["curves"]),
        ("Path", ["path"]),
        ("Break-even", ["break-even"]),
        ("Drivers", ["drivers"]),
        ("Figures", ["memory", "cpu", "latency", "cost"]),
    ],
)
def test_a_page_comes_into_sight_by_its_button(rested: Workbook, page: str, figures: list[str]) -> None:
    """The button of a page shows its figures alone, as wide as the view, and they follow the next move of a slider."""
    rested.button(page).click()
    rested.page.wait_for_function(
        f"(names) => {VISIBLE_FIGURES}.map((div) => div.dataset.figure).join() === names", arg=",".join(figures)
    )
    drawn = rested.page.locator(f"[data-figure={figures[0]}]")
    expect(drawn.locator(".main-svg").first).to_be_visible()
    before = str(drawn.get_attribute("aria-label"))
    handle = rested.control("Worker nodes").locator(".noUi-handle")
    handle.focus()
    handle.press("PageUp")
    expect(drawn).not_to_have_attribute("aria-label", before)
    widths = rested.page.evaluate(f"{VISIBLE_FIGURES}.map((div) => [div._fullLayout.width, {WIDTH_OF_VIEW}])")
    assert all(width >= view - 20 for width, view in widths), widths
    assert rested.errors() == []


def test_a_zoom_is_kept_while_a_slider_moves(rested: Workbook) -> None:
    """What was zoomed into stays so when the figure is redrawn, and another input gives the zoom up."""
    rested.button("Curves").click()
    figure = rested.page.locator("[data-figure=curves]")
    expect(figure.locator(".main-svg").first).to_be_visible()
    plot = figure.locator(".draglayer .xy .nsewdrag").bounding_box()
    assert plot
    mouse = rested.page.mouse
    mouse.move(plot["x"] + plot["width"] * 0.3, plot["y"] + plot["height"] * 0.3)
    mouse.down()
    mouse.move(plot["x"] + plot["width"] * 0.7, plot["y"] + plot["height"] * 0.7, steps=5)
    mouse.up()
    axis = "document.querySelector('[data-figure=curves]')._fullLayout.xaxis.range.map((end) => end.toFixed(6))"
    rested.page.wait_for_timeout(500)
    zoomed = rested.page.evaluate(axis)
    assert zoomed != ["1.000000", "4.000000"]
    before = str(figure.get_attribute("aria-label"))
    handle = rested.control("Worker nodes").locator(".noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    expect(figure).not_to_have_attribute("aria-label", before)
    assert rested.page.evaluate(axis) == zoomed
    rested.page.get_by_label("Over", exact=True).select_option("Worker nodes")
    expect(figure).to_have_attribute("aria-label", re.compile("over worker nodes"))
    assert rested.page.evaluate(axis) != zoomed
    rested.button("Figures").click()
    assert rested.errors() == []
