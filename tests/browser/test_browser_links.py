"""The Train form and the run in the URL: refresh, Back, Forward and another browser."""

import re

from playwright.sync_api import expect

from tests.browser.server import settle
from tests.browser.training import expect_value, press, value


def test_the_form_survives_refresh_back_and_forward_and_opens_elsewhere(page, new_tab):
    page.open("/train")
    first, most = value(page, "epochs"), value(page, "batch_size")
    press(page, "epochs", "ArrowRight")
    expect(page).not_to_have_url(re.compile(f"epochs={first}(&|$)"))
    second = value(page, "epochs")
    assert first != second
    press(page, "batch_size", "ArrowLeft")
    batch = value(page, "batch_size")
    assert batch != most
    expect(page).to_have_url(re.compile(f"epochs={second}(&|$)"))

    page.reload()
    expect_form(page, second, batch)
    expect_form(new_tab(page.url, locale="zh-CN"), second, batch)

    page.locator(".lab-pages").get_by_role("link", name="Draw").click()
    page.locator("h1", has_text="Draw a digit").wait_for()
    settle(page)
    page.go_back()
    expect_form(page, second, batch)
    press(page, "epochs", "ArrowRight")
    third = value(page, "epochs")
    page.go_forward()
    page.locator("h1", has_text="Draw a digit").wait_for()
    settle(page)
    page.go_back()
    expect_form(page, third, batch)


def expect_form(page, epochs, batch_size):
    expect_value(page, "epochs", epochs)
    expect_value(page, "batch_size", batch_size)
    settle(page)


def test_the_form_goes_along_to_other_pages_even_if_they_are_refreshed(page):
    page.open("/train")
    press(page, "epochs", "ArrowRight")
    epochs = value(page, "epochs")
    page.locator(".lab-pages").get_by_role("link", name="Draw").click()
    page.locator("h1", has_text="Draw a digit").wait_for()
    settle(page)
    page.reload()
    settle(page)
    page.locator(".lab-pages").get_by_role("link", name="Train").click()
    page.locator("h1", has_text="Train a network").wait_for()
    expect_value(page, "epochs", epochs)


def test_back_and_forward_keep_the_run_of_each_page(page, two_runs):
    first, second = two_runs
    page.open(f"/train?run={first}")
    page.locator(".lab-pages").get_by_role("link", name="Runs").click()
    expect(page).to_have_url(re.compile("/runs"))
    settle(page)
    page.locator(f".st-key-open_{second} button:visible").click()
    expect(page).to_have_url(re.compile(second))
    settle(page)
    page.go_back()
    expect(page).to_have_url(re.compile(first))
    page.get_by_role("heading", name="Quick").wait_for()
    settle(page)
    page.go_forward()
    expect(page).to_have_url(re.compile(second))
    settle(page)
    page.locator(".lab-pages").get_by_role("link", name="Train").click()
    page.get_by_role("heading", name="Tutorial 1").wait_for()
    page.reload()
    page.get_by_role("heading", name="Tutorial 1").wait_for()
