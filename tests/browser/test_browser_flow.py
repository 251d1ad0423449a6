import re

import pytest

from tests.browser.places import PAGES
from tests.browser.server import draw, settle

SEVEN = [(70, 70), (200, 70), (120, 230)]
MINUTES = 60_000


def choose(page, field, key, times):
    """Move a slider of the form with the keyboard."""
    slider = page.locator(f".st-key-set_{field} input").first
    for _ in range(times):
        slider.press(key)
    page.wait_for_timeout(500)
    settle(page)


def open_settings(page):
    page.get_by_text("All settings").click()
    page.locator(".st-key-set_train_size").wait_for()


def train_on_5000(page):
    """Train the quick recipe on a subset; return the run's id."""
    page.open("/train")
    open_settings(page)
    choose(page, "train_size", "ArrowLeft", 5)
    assert page.get_by_text("It learns from 5,000 images").or_(page.get_by_text("1,250 images")).count()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile("run="))
    return re.search("run=([0-9a-f]+)", page.url)[1]


def test_train_on_a_subset_evaluate_and_have_a_drawing_read(page):
    run = train_on_5000(page)
    page.get_by_role("heading", name="finished").wait_for(timeout=3 * MINUTES)
    accuracy = page.locator('[data-testid="stMetricValue"]').first.inner_text()

    page.get_by_role("link", name="See where it errs").click()
    page.locator("h1", has_text="Evaluate").wait_for()
    settle(page)
    assert f"run={run}" in page.url
    assert page.locator('[data-testid="stMetricValue"]').first.inner_text() == accuracy
    assert page.locator(".js-plotly-plot").is_visible()

    page.get_by_role("link", name="Let it read your own writing").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    draw(page, SEVEN)
    page.get_by_role("heading", name="It reads 7").wait_for()
    assert page.get_by_alt_text("Your digit in 28 x 28 pixels").is_visible()

    page.locator(".st-key-pages").get_by_role("link", name="Explore").click()
    page.locator("h1", has_text="Handwritten digits").wait_for()
    page.locator(".st-key-pages").get_by_role("link", name="Draw").click()
    page.get_by_role("heading", name="It reads 7").wait_for()  # the drawing is kept
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    draw(page, [(140, 40), (140, 240)])
    page.get_by_role("heading", name="It reads").wait_for()


def test_a_running_training_survives_refresh_and_opens_elsewhere_and_stops(page, browser, address):
    page.open("/train")
    choose(page, "epochs", "End", 1)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile("run="))
    page.get_by_text("images per second").wait_for(timeout=2 * MINUTES)
    page.reload()
    page.get_by_text("images per second").wait_for()
    other = browser.new_page(locale="en-US")
    other.goto(page.url)
    other.get_by_text("images per second").wait_for()
    other.close()
    page.locator(".st-key-pages").get_by_role("link", name="Draw").click()
    page.locator("h1", has_text="Draw a digit").wait_for()
    page.locator(".st-key-pages").get_by_role("link", name="Train").click()
    page.locator(".stMain").get_by_role("button", name="Stop").click()
    page.get_by_role("heading", name="stopped").wait_for(timeout=1 * MINUTES)
    assert page.locator('[data-testid="stMetricValue"]').first.inner_text().endswith("%")


def test_the_settings_stay_open_while_they_are_changed(page):
    page.open("/train")
    open_settings(page)
    choose(page, "weight_decay", "ArrowRight", 2)
    assert page.get_by_text("Changed since: Weight decay").is_visible()
    assert page.locator(".st-key-set_train_size").is_visible()


def sideways(page):
    """Return how many pixels a page is wider than its window."""
    return page.locator('[data-testid="stMain"]').evaluate("e => e.scrollWidth - e.clientWidth")


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_no_page_scrolls_sideways_on_a_phone(browser, address, two_runs, language):
    page = browser.new_page(base_url=address, viewport={"width": 375, "height": 720}, locale=language)
    for path in (*PAGES, f"/runs?run={two_runs[0]}", f"/train?run={two_runs[1]}"):
        page.goto(path)
        settle(page)
        assert sideways(page) == 0, path
    page.locator(".st-key-all_settings summary").click()
    page.locator(".st-key-set_train_size").wait_for()
    assert sideways(page) == 0, "all settings"
    page.close()


def test_a_training_does_not_scroll_sideways_on_a_phone(browser, address):
    page = browser.new_page(base_url=address, viewport={"width": 375, "height": 720}, locale="en-US")
    page.goto("/train?recipe=tutorial-1&epochs=1000")
    page.get_by_role("button", name=re.compile("Start")).click()
    page.locator('[data-testid="stVegaLiteChart"] :is(svg, canvas)').first.wait_for(timeout=40_000)
    assert sideways(page) == 0, "while it trains"
    page.locator(".stMain").get_by_role("button", name="Stop").click()
    page.get_by_text("Test accuracy").wait_for(timeout=40_000)
    settle(page)
    assert sideways(page) == 0, "once it has ended"
    page.close()
