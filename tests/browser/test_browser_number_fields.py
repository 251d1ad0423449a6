"""Numbers typed in the Train form, the help of its choices and its Undo, on a phone and on a desktop."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.server import TOUCH, expect_to_fit, settle, swipe
from tests.browser.training import expect_value, open_settings, press, start

HELP_IS_READABLE = """content => {
    const box = content.getBoundingClientRect();
    const scrolls = content.scrollHeight <= content.clientHeight + 1
        || ['auto', 'scroll'].includes(getComputedStyle(content).overflowY);
    content.scrollTop = content.scrollHeight;
    const last = [...content.querySelectorAll('li')].at(-1).getBoundingClientRect();
    return [scrolls, box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight,
            last.bottom <= box.bottom + 1];
}"""


def number_field(page: Page, field: str) -> Locator:
    return page.locator(f".st-key-number_{field} input[type=text]:visible")


@pytest.mark.slow
def test_numbers_are_typed_on_a_phone(new_tab):
    page = new_tab("/train?recipe=tutorial-1", **TOUCH)
    expect_to_fit(page, "the form")
    number_field(page, "learning_rate").fill("1.23e-3")
    number_field(page, "learning_rate").press("Enter")
    page.wait_for_url("**learning_rate=0.00123*")
    expect_value(page, "learning_rate", "0.00123")
    expect(number_field(page, "learning_rate")).to_have_value("0.00123")
    press(page, "learning_rate", "ArrowRight")
    expect(number_field(page, "learning_rate")).to_have_value("0.002")

    number_field(page, "epochs").fill("2000")
    number_field(page, "epochs").press("Enter")
    expect(page.get_by_text("Epochs: 2000 is outside 1 to 1,000. It stays at 2.")).to_be_visible()
    expect(number_field(page, "epochs")).to_have_value("2000")
    expect_value(page, "epochs", "2")
    assert "learning_rate=0.002" in page.url

    undo = page.get_by_role("button", name="Undo")
    assert undo.evaluate("button => getComputedStyle(button).borderTopWidth") != "0px"
    undo.tap()
    page.wait_for_url("**learning_rate=0.001*")
    expect(number_field(page, "learning_rate")).to_have_value("0.001")
    expect_to_fit(page, "the form")

    open_settings(page)
    for field in ("momentum", "dropout", "train_size"):
        track = page.locator(f".st-key-set_{field}").bounding_box()
        typed = number_field(page, field).bounding_box()
        assert track["width"] >= 150
        assert track["x"] + track["width"] <= typed["x"] + 1
        assert typed["height"] >= 35  # of the text; its frame has 40
    settle(page)
    page.locator(".st-key-set_activation [data-testid=stTooltipIcon]").first.tap()
    content = page.get_by_test_id("stTooltipContent")
    expect(content).to_contain_text("Maxout")
    content.element_handle().wait_for_element_state("stable")  # a finger beside it would close it
    box = content.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    swipe(page, (x, y + 60), (x, y - 60))
    page.wait_for_timeout(500)  # Streamlit closes it 150 ms after a finger has left it
    assert content.evaluate("content => content.scrollTop") > 0
    assert content.evaluate(HELP_IS_READABLE) == [True, True, True]
    page.touchscreen.tap(x, box["y"] + box["height"] + 60)
    expect(content).to_have_count(0)


@pytest.mark.slow
def test_a_number_typed_just_before_start_is_trained_with(new_tab):
    page = new_tab("/train?recipe=tutorial-1&epochs=1&train_size=200")
    content = page.get_by_test_id("stTooltipContent")
    for height in (400, 720):  # 0.1 cut it where the window is low: at 200 %, and on a phone held sideways
        page.set_viewport_size({"width": 2 * height, "height": height})
        page.locator(".st-key-set_activation [data-testid=stTooltipIcon]").first.hover()
        expect(content).to_contain_text("Maxout")
        content.element_handle().wait_for_element_state("stable")
        assert content.evaluate(HELP_IS_READABLE) == [True, True, True]
        page.mouse.move(0, 0)
        expect(content).to_have_count(0)
    number_field(page, "batch_size").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("37")
    start(page)
    expect(page).to_have_url(re.compile("batch_size=37"))
    settle(page)
    expect(page.get_by_text("finished").first).to_be_visible()
    expect(page.get_by_role("button", name="Train again")).to_be_visible()
