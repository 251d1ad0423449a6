"""The picture of a network: units explained on touch, by mouse and by keyboard; animation and pause."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.server import MOVING, TOUCH, draw, expect_to_fit
from tests.browser.training import LASTING, start, stop


def number(text):
    return Decimal(text.replace("−", "-"))


def cell(page, row, place):
    return page.locator(f'.cell[data-row="{row}"][data-place="{place}"]')


def expect_sum(why):
    """Products and bias in the table add up to its last line, but for what each lost in rounding."""
    *products, total = (number(text) for text in why.locator("tbody td:last-child").all_inner_texts())
    lost = sum(Decimal(1).scaleb(each.as_tuple().exponent) / 2 for each in (*products, total))
    assert abs(sum(products) - total) <= lost < 1


def wait_for_reports(page):
    """Wait until the run has gone on for three reports."""
    progress = page.get_by_text("images per second")
    for _ in range(3):
        expect(progress).not_to_have_text(progress.inner_text())


# The most sentences of a network that were on the page at once, since this was called.
COUNT_PICTURES = """() => {
    window.mostPictures = 0;
    const isSaid = paragraph => /the network reads/i.test(paragraph.textContent);
    const count = () => [...document.querySelectorAll('p')].filter(isSaid).length;
    const note = () => { window.mostPictures = Math.max(window.mostPictures, count()); };
    new MutationObserver(note).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


@pytest.mark.slow
def test_units_explain_themselves_on_a_phone_and_by_keyboard(new_tab):
    page = new_tab("/train?run=pretrained&watched=7", **TOUCH, color_scheme="dark")
    output = cell(page, 7, 7)
    output.tap()
    why = page.locator(".why")
    expect(why.locator(".title")).to_contain_text("The output for 7 is")
    expect_sum(why)
    expect_to_fit(page, "Train with the picture of a network")
    expect(output).to_be_focused()
    expect(cell(page, 1, 0)).to_have_css("background-image", re.compile('^url."data:image/png'))
    expect(page.locator(".stage canvas")).to_have_count(0)  # each would be a layer of the page
    page.keyboard.press("ArrowUp")
    expect(why.locator(".title")).to_contain_text(re.compile("Feature map .* is strongest in row"))
    expect(why).to_contain_text("After the activation (ReLU)")
    expect_sum(why)
    cell(page, 1, 0).tap()  # its terms come from pixels, all of which are shown
    expect(page.locator(".lines line.own")).not_to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".cell:focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(why).to_be_hidden()


@pytest.mark.slow
def test_the_picture_follows_the_training_until_it_is_held_still(new_tab):
    page = new_tab(LASTING + "&watched=3", **MOVING)
    start(page)
    page.get_by_text("Gradient norm of each layer").wait_for()  # the last of what pushes the picture down
    stage = page.locator(".stage")
    page.mouse.wheel(0, 1)  # a visitor's, after which the page no longer scrolls to the new run by itself
    stage.scroll_into_view_if_needed()
    first = stage.get_attribute("data-version")
    expect(stage).not_to_have_attribute("data-version", first)  # it moves
    page.locator("h1").scroll_into_view_if_needed()
    expect(stage).not_to_be_in_viewport()
    unseen = stage.get_attribute("data-version")
    wait_for_reports(page)
    assert stage.get_attribute("data-version") == unseen
    stage.scroll_into_view_if_needed()
    expect(stage).not_to_have_attribute("data-version", unseen)
    unit = cell(page, 1, 4)
    unit.hover()
    expect(page.locator(".why .title")).to_contain_text(re.compile("Unit \\d+ has the value"))
    expect_sum(page.locator(".why"))
    page.get_by_role("button", name="Hold still").click()
    held = stage.get_attribute("data-version")
    wait_for_reports(page)
    assert stage.get_attribute("data-version") == held
    page.get_by_role("button", name="Hold still").click()
    expect(stage).not_to_have_attribute("data-version", held)
    page.evaluate(COUNT_PICTURES)
    stop(page)
    expect(page.get_by_text("The network reads")).to_be_visible()
    assert page.evaluate("mostPictures") == 1


@pytest.mark.slow
def test_draw_shows_the_drawn_digit_still_where_motion_is_reduced(new_tab):
    page = new_tab("/draw?run=pretrained&look=network")
    draw(page, [(140, 50), (140, 230)])
    expect(page.get_by_text("The network reads 1")).to_be_visible()
    expect(page.get_by_role("button", name="Hold still")).to_have_attribute("aria-pressed", "true")
    version = page.locator(".stage").get_attribute("data-version")
    draw(page, [(70, 70), (200, 70), (120, 230)])
    page.locator(".stage").scroll_into_view_if_needed()
    expect(page.locator(".stage")).not_to_have_attribute("data-version", version)
