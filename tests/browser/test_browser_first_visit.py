"""A first visit: the introduction, a drawing classified, and a first training that classifies it too."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.server import MOVING, PATIENCE, TOUCH, draw, expect_to_fit, settle

SEVEN = [(70, 70), (200, 70), (120, 230)]
WORDS = {
    "en-US": ("guesses better", "Prediction: 7", "Now train your own"),
    "zh-CN": ("然后猜得更准", "预测：7", "现在训练你自己的网络"),
}
# While something is being mounted it is not there: NaN, which compares with nothing.
IN_ORDER = """() => {
    const top = what => document.querySelector(what)?.getBoundingClientRect().top ?? NaN;
    const canvas = top('.st-key-canvas_frame');
    return top('.lab-lesson') < canvas && canvas < top('.lab-digits');
}"""
BESIDE = """() => {
    const box = what => document.querySelector(what)?.getBoundingClientRect() ?? {};
    const canvas = box('.st-key-canvas_frame'), digits = box('.lab-digits');
    return canvas.right < digits.left && digits.top < canvas.bottom && canvas.top < digits.bottom;
}"""
# The canvas ends a little above the links to the pages.
FITS = """() => {
    const box = what => document.querySelector(what)?.getBoundingClientRect() ?? {};
    const room = box('.lab-pages').top - box('.st-key-canvas_frame > *').bottom;
    return room >= 0 && room <= 40;
}"""
PHONES = ((320, 568), (390, 844), (375, 667), (375, 720))  # the last one is TOUCH's
MOVES = "() => document.querySelector('.lab-lesson:not(.lab-still)') !== null"
LAST_SCENE = "() => document.querySelector('.lab-lesson').dataset.scene === '3'"


def touch_stroke(page, stroke):
    """Draw a stroke with a finger, its points in shares of 280 of the canvas."""
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box, touch = canvas.bounding_box(), page.context.new_cdp_session(page)
    points = [
        {"x": box["x"] + x * box["width"] / 280, "y": box["y"] + y * box["height"] / 280} for x, y in stroke
    ]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for start, end in pairwise(points):
        for step in range(1, 9):
            place = {axis: start[axis] + (end[axis] - start[axis]) * step / 8 for axis in "xy"}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def draw_on_the_first_page(visitor, language):
    """Draw a digit on the first page of a phone and have it read; return the page and the link to Train.

    The context asks for less motion, so the picture of the introduction stands still.
    """
    lesson, prediction, train = WORDS[language]
    page = visitor("/?train_size=5000", locale=language, **TOUCH)  # fewer images: it takes a second
    page.wait_for_function(IN_ORDER)
    expect(page.locator(".lab-lesson.lab-still")).to_contain_text(lesson)
    expect_to_fit(page, "the first page")
    expect(page.locator(".st-key-notice")).to_be_visible()  # of the sample, below the canvas
    for width, height in PHONES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS)
    canvas = page.locator("canvas.upper-canvas")
    before = canvas.bounding_box()
    touch_stroke(page, SEVEN)
    page.get_by_role("heading", name=prediction).wait_for()
    expect_to_fit(page, "the first page with an answer")
    expect(page.get_by_role("link", name=train)).to_be_in_viewport(ratio=1)
    settle(page)
    assert canvas.bounding_box() == before  # it stays under the finger: more strokes may follow
    return page, page.get_by_role("link", name=train)


@pytest.mark.slow
def test_in_chinese_the_first_page_fits_a_phone_too(visitor):
    draw_on_the_first_page(visitor, "zh-CN")


@pytest.mark.slow
def test_on_a_phone_from_the_link_to_a_network_of_ones_own_in_three_taps(visitor):
    page, train = draw_on_the_first_page(visitor, "en-US")  # the first tap
    train.tap()
    expect(page.locator(".lab-own img")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Start training").tap()
    page.get_by_text("before the training").wait_for(timeout=3 * PATIENCE)
    expect(page.locator(".lab-own").last).to_contain_text("7")
    settle(page)
    expect_to_fit(page, "the run")
    page.goto("/")  # who comes back with a run sees a short form
    page.get_by_role("link", name="Train a network").wait_for()
    expect(page.locator(".lab-lesson")).to_have_count(0)


@pytest.mark.slow
def test_who_is_new_draws_beside_the_images_until_they_close_the_introduction(visitor):
    page = visitor(**MOVING)
    page.wait_for_function(BESIDE)
    draw(page, SEVEN)
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    page.wait_for_function(LAST_SCENE)
    page.wait_for_function(MOVES)
    page.get_by_role("button", name="Stop the animation").click()
    page.wait_for_function(f"() => !({MOVES})()")
    page.get_by_role("button", name="Play the animation").click()
    page.wait_for_function(MOVES)
    page.get_by_role("button", name="Close").press("Enter")
    page.locator(".lab-welcome").wait_for(state="hidden")
    page.locator(".lab-pages").get_by_role("link", name="Draw").click()
    page.get_by_role("heading", name="Prediction: 7").wait_for()  # the same drawing
    page.goto("/")
    page.get_by_text("In this lab you explore handwritten digits").wait_for()
    expect(page.locator(".lab-welcome")).to_have_count(0)
