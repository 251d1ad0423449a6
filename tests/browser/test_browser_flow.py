import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import PATIENCE, PHONE, draw, expect_to_fit, settle
from tests.browser.training import (
    LASTING,
    expect_value,
    open_settings,
    press,
    settle_after_trial,
    start,
    stop,
)

SEVEN = [(70, 70), (200, 70), (120, 230)]


def test_train_on_a_subset_evaluate_and_have_a_drawing_read(new_tab, with_mnist):
    page = new_tab("/train?train_size=2000", url=with_mnist)
    run = start(page)
    expect(page.locator(".st-key-notice")).to_have_count(0)
    page.get_by_role("heading", name="2,000 images: finished").wait_for(timeout=3 * PATIENCE)
    metric = page.get_by_test_id("stMetricValue").first
    expect(metric).to_have_text(re.compile("%$"))
    accuracy = metric.text_content()
    expect(page.get_by_text("Before training (validation set)")).to_be_visible()

    page.get_by_role("link", name="Evaluate it").click()
    page.locator("h1", has_text="Evaluate").wait_for()
    expect(page).to_have_url(re.compile(f"run={run}"))
    expect(metric).to_have_text(accuracy)
    expect(page.locator(".js-plotly-plot")).to_be_visible()

    page.get_by_role("link", name="Test it on your handwriting").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    draw(page, SEVEN)
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    expect(page.get_by_alt_text("Your digit in 28 x 28 pixels")).to_be_visible()


def test_a_running_training_survives_refresh_and_opens_on_a_phone_and_stops(page, new_tab):
    page.open(LASTING)
    start(page)
    page.get_by_text("images per second").wait_for()
    page.reload()
    page.get_by_text("images per second").wait_for()
    phone = new_tab(page.url, **PHONE)
    phone.get_by_text("images per second").wait_for()
    phone.get_by_test_id("stVegaLiteChart").locator("svg, canvas").first.wait_for()
    expect_to_fit(phone, "while it trains")
    stop(page)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile("%$"))
    phone.get_by_text("Test accuracy").wait_for()
    settle(phone)
    expect_to_fit(phone, "once it has ended")


def choose(page, field, option):
    """Choose an option of a setting's list by typing its name."""
    settle_after_trial(page)
    box = page.locator(f".st-key-set_{field}").get_by_role("combobox")
    box.click()
    box.fill(option)
    box.press("Enter")


@pytest.mark.slow
def test_settings_follow_each_other_and_stay_open_while_they_are_changed(page):
    """0.1 kept a CNN's batch norm and no hidden layer for an MLP, and SGD's rate of 0.5 for Adam."""
    page.open("/train")
    open_settings(page)
    choose(page, "architecture", "MLP")
    expect(page.get_by_text("Changed from the recipe: Network, Hidden layers, Batch norm")).to_be_visible()
    expect_value(page, "widths_count", "2")
    expect(page.get_by_text("Before your changes: A small CNN")).to_be_visible()
    settle(page)
    page.get_by_text("1 ReLU layer, SGD (tutorial 3)", exact=True).click()
    expect_value(page, "learning_rate", "0.5")
    settle(page)
    choose(page, "optimizer", "Adam")
    expect_value(page, "learning_rate", "0.001")
    settle(page)
    page.get_by_text("Small CNN (quick)", exact=True).click()
    expect_value(page, "learning_rate", "0.01")
    settle(page)
    press(page, "weight_decay", "ArrowRight", times=2)
    expect(page.get_by_text("Changed from the recipe: Weight decay")).to_be_visible()
    expect(page.locator(".st-key-set_train_size")).to_be_visible()


def test_no_page_scrolls_sideways_on_a_phone_in_chinese(new_tab, two_runs):
    """test_browser_access has the English ones."""
    page = new_tab("/", locale="zh-CN", **PHONE)
    expect_to_fit(page, "/")
    others = ("/train", "/draw", "/compare", "/inside?run=pretrained")
    for path in (*others, f"/runs?run={two_runs[0]}", f"/train?run={two_runs[1]}"):
        page.go(path)
        expect_to_fit(page, path)
