"""What is in the URL: the Train form and the run, through refresh, Back, Forward and another browser."""

import re

from tests.browser.server import settle


def shown(page, field):
    return page.locator(f".st-key-set_{field} [role=slider], .st-key-set_{field} input").first.get_attribute(
        "aria-valuetext"
    )


def press(page, field, key):
    """Move a slider of the form one step, and wait for the URL to know."""
    before = page.url
    page.locator(f".st-key-set_{field} input").first.press(key)
    page.wait_for_url(lambda url: url != before)
    settle(page)


def wait_for_value(page, field, value):
    page.wait_for_function(
        "([field, value]) => [...document.querySelectorAll(`.st-key-set_${field} *`)]"
        ".some(e => e.getAttribute('aria-valuetext') === value)",
        arg=[field, value],
    )


def test_the_form_survives_refresh_back_and_forward_and_opens_elsewhere(page, browser, address):
    page.open("/train")
    first = shown(page, "epochs")
    press(page, "epochs", "ArrowRight")
    second = shown(page, "epochs")
    press(page, "batch_size", "ArrowLeft")
    batch = shown(page, "batch_size")
    assert first != second
    assert f"epochs={second}" in page.url

    page.reload()
    settle(page)
    assert (shown(page, "epochs"), shown(page, "batch_size")) == (second, batch)

    other = browser.new_context(locale="zh-CN").new_page()
    other.goto(page.url)
    settle(other)
    assert (shown(other, "epochs"), shown(other, "batch_size")) == (second, batch)
    other.close()

    page.go_back()
    page.wait_for_url(lambda url: f"batch_size={batch}" not in url)
    settle(page)
    assert shown(page, "epochs") == second
    assert shown(page, "batch_size") != batch
    page.go_back()
    page.wait_for_url(re.compile("/train$"))
    wait_for_value(page, "epochs", first)
    page.go_forward()
    wait_for_value(page, "epochs", second)
    page.go_forward()
    wait_for_value(page, "batch_size", batch)


def test_the_form_goes_along_to_other_pages_even_if_they_are_refreshed(page):
    page.open("/train")
    press(page, "epochs", "ArrowRight")
    epochs = shown(page, "epochs")
    page.locator(".st-key-pages").get_by_role("link", name="Draw").click()
    page.locator("h1", has_text="Draw a digit").wait_for()
    page.reload()
    settle(page)
    page.locator(".st-key-pages").get_by_role("link", name="Train").click()
    page.locator("h1", has_text="Train a network").wait_for()
    wait_for_value(page, "epochs", epochs)


def test_back_and_forward_go_from_run_to_run(page, two_runs):
    first, second = two_runs
    page.open(f"/train?run={first}")
    page.locator(f".st-key-open_{second} button:visible").click()
    page.wait_for_url(lambda url: second in url)
    page.get_by_role("heading", name="Tutorial 1").wait_for()
    page.go_back()
    page.wait_for_url(lambda url: first in url)
    page.get_by_role("heading", name="Quick").wait_for()
    page.go_forward()
    page.get_by_role("heading", name="Tutorial 1").wait_for()
    page.reload()
    page.get_by_role("heading", name="Tutorial 1").wait_for()
