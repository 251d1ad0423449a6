"""Learn on a phone and by keyboard: every chapter in both languages; and linked cells."""

import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import PHONE, TOUCH, settle
from tests.browser.test_browser_access import ALL_RULES, MAIN, expect_nothing_severe
from tests.browser.test_browser_keyboard import BEFORE
from ui.learn.chapters import CHAPTERS

CELLS = ".st-key-lab_cells_image"
TOO_WIDE = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return main.scrollWidth > main.clientWidth;
}"""
IN_QUESTION = "() => Boolean(document.activeElement.closest('.st-key-lab_question [role=radiogroup]'))"
IN_FRAME = """cell => {
  const [outer, inner] = [cell.closest('.frame'), cell].map(each => each.getBoundingClientRect());
  return inner.left >= outer.left && inner.right <= outer.right;
}"""
MOST_STOPS = 40  # of the Tab key before the question


def record_errors(page):
    """Return a list that takes up what the page logs as an error."""
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def tab_to_question(page):
    """Press Tab from the chapter's beginning until the question has the focus."""
    page.locator(MAIN).evaluate(BEFORE)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate(IN_QUESTION):
            return
    raise AssertionError("Tab does not reach the question")


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_chapter_is_answered_by_keyboard_on_a_phone(new_tab, lang):
    """And has nothing that axe-core finds severe: chapters take turns in the themes."""
    page = new_tab(**PHONE)
    errors = record_errors(page)
    for number, chapter in enumerate(list(CHAPTERS)[lang == "zh" :: 2]):  # each chapter in one language
        (page.go if number else page.open)(f"/learn?chapter={chapter}&lang={lang}")
        expect(page.locator(".st-key-lab_explanation")).to_have_count(0)
        tab_to_question(page)
        page.keyboard.press("Space")
        expect(page.locator(".st-key-lab_explanation")).to_be_visible()
        expect(page).to_have_url(re.compile(rf"read=[\w-]*{chapter}"))
        settle(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert not page.evaluate(TOO_WIDE), chapter
        expect_nothing_severe(page, MAIN, ("light", "dark")[number % 2], ALL_RULES)
        assert [error for error in errors if "404" not in error] == [], chapter


def test_a_pixel_is_linked_to_its_place_in_the_vector_by_mouse_and_arrow_keys(page):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    page.open("/learn?chapter=image&digit=0&scaling=unit")
    cells, said = page.locator(f"{CELLS} .cells"), page.locator(f"{CELLS} .said")
    cells.first.locator(".cell").nth(28 * 9 + 14).hover()
    expect(said).to_contain_text("Row 9, column 14: number 28 x 9 + 14 = 266 of the vector.")
    expect(cells.last.locator(".lit")).to_have_attribute("data-place", "266")
    cells.first.locator(".cell").nth(28 * 9 + 14).click()
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("Row 10, column 14")
    expect(cells.last.locator(".lit")).to_have_attribute("data-place", "294")
    assert cells.last.locator(".lit").evaluate(IN_FRAME)
    cells.last.locator(".cell").nth(295).hover()
    expect(cells.first.locator(".lit")).to_have_attribute("data-place", "295")

    settle(page)
    cells.first.locator(".cell").nth(28 * 9 + 14).click()
    assert sent  # what opened the page
    sent.clear()
    for row in (10, 11, 12):
        page.keyboard.press("ArrowDown")
        expect(cells.last.locator(".lit")).to_have_attribute("data-place", str(28 * row + 14))
    assert sent == []  # the browser alone lights them


@pytest.mark.slow
def test_a_value_of_the_feature_map_lights_its_window_of_the_picture_and_the_kernel(page):
    page.open("/learn?chapter=convolution&stride=2&padding=1&kernel=outline")
    cells = page.locator(".st-key-lab_cells_convolution .cells")
    said = page.locator(".st-key-lab_cells_convolution .said")
    picture, kernel, feature_map = (cells.nth(place) for place in range(3))
    feature_map.locator(".cell").nth(14 * 5 + 6).click()
    expect(said).to_contain_text("Feature map, row 5, column 6:")
    expect(picture.locator(".lit")).to_have_count(9)
    expect(picture.locator(".lit").first).to_have_attribute("data-place", str(30 * 10 + 12))
    expect(kernel.locator(".lit")).to_have_count(9)
    page.keyboard.press("ArrowRight")
    expect(picture.locator(".lit").first).to_have_attribute("data-place", str(30 * 10 + 14))


@pytest.mark.slow
def test_the_next_chapter_begins_at_its_top_and_a_neurons_sum_is_written_out(page):
    page.open("/learn?chapter=image&read=image&digit=3")
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    page.locator(".st-key-lab_neighbours a").last.click()
    expect(page.locator(".st-key-lab_chapter h2")).to_have_text("2. One neuron")
    expect(page.locator(".st-key-lab_chapter h2")).to_be_focused()
    expect(main).to_have_js_property("scrollTop", 0)
    expect(page).to_have_url(re.compile("read=image&.*digit=3|digit=3.*read=image"))
    plane = "Points inside and outside a quadrilateral, and 4 lines"
    expect(page.get_by_role("img", name=plane)).to_be_visible()
    settle(page)

    cells, said = (
        page.locator(".st-key-lab_cells_neuron .cells"),
        page.locator(".st-key-lab_cells_neuron .said"),
    )
    total = cells.nth(2).locator(".cell").inner_text()
    expect(said).to_have_text(re.compile(rf"other terms .* \+ bias .* [=≈] {total}$"))
    assert sum_of(said.inner_text()) == pytest.approx(number(total), abs=0.06)
    cells.nth(3).locator(".cell").hover()
    expect(said).to_contain_text(f"1 / (1 + e^−({total}))")
    cells.nth(0).locator(".cell").nth(28 * 13 + 14).click()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Row 13, column 15: pixel times weight")
    expect(cells.nth(1).locator(".lit")).to_have_attribute("data-place", str(28 * 13 + 15))

    page.locator(".st-key-lab_neighbours a").first.click()
    expect(page.locator(".st-key-lab_chapter h2")).to_have_text("1. A picture is 784 numbers")
    expect(page.locator(".st-key-lab_chapter h2")).to_be_focused()


def number(text):
    """Read a number as a cell writes it."""
    return float(text.strip("() ").replace("\N{MINUS SIGN}", "-"))


def sum_of(text):
    """Add up what a cell's calculation says: products, the other terms, and the bias."""
    terms, total = re.search(r": (.*) [=≈] .*$", text)[1].split(" + "), 0.0
    for term in terms:
        factors = re.sub(r"^(other terms \(\d+\)|bias) ", "", term).split(" × ")
        total += math.prod(map(number, factors))
    return total


@pytest.mark.slow
def test_a_settings_help_leads_to_its_chapter_by_finger(new_tab):
    page = new_tab("/train?lang=zh", **TOUCH)
    page.locator(".st-key-number_learning_rate").get_by_test_id("stTooltipHoverTarget").first.tap()
    with page.context.expect_page() as opened:
        page.get_by_test_id("stTooltipContent").get_by_role("link", name="这是什么？").tap()
    expect(opened.value.get_by_role("heading", name="梯度下降")).to_be_visible()
