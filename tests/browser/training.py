"""The Train page's form by keyboard, and a training that lasts for as long as a test watches it."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import settle

SHORT = "/train?recipe=tutorial-1&train_size=500&epochs=1&batch_size=50"
LASTING = "/train?recipe=tutorial-1&epochs=1000&batch_size=5"  # minutes, of the offline sample even


def slider(page: Page, field: str) -> Locator:
    """Return the part of a slider of the form that says its value."""
    return page.locator(f".st-key-set_{field} [aria-valuetext]").first


def value(page: Page, field: str) -> str:
    """Return a slider's value; the page is at rest."""
    return slider(page, field).get_attribute("aria-valuetext")


def expect_value(page: Page, field: str, text: str) -> None:
    """Wait until a slider has a value."""
    expect(slider(page, field)).to_have_attribute("aria-valuetext", text)


def press(page: Page, field: str, key: str, times: int = 1) -> None:
    """Move a slider of the form by a key, and wait each time for the URL to know."""
    for _ in range(times):
        before = page.url
        page.locator(f".st-key-set_{field} input").first.press(key)
        expect(page).not_to_have_url(before)
        settle(page)


def open_settings(page: Page) -> None:
    """Unfold all settings."""
    page.locator(".st-key-all_settings summary").click()
    page.locator(".st-key-set_seed").wait_for()
    settle(page)


def settle_after_trial(page: Page) -> None:
    """Wait until the speed of the settings is measured: the page is rerun then, which closes lists."""
    expect(page.get_by_text("in a short trial").first).to_be_visible()
    settle(page)


def start(page: Page) -> str:
    """Start what the form says; return the run's id."""
    page.locator(".st-key-start button").click()
    expect(page).to_have_url(re.compile("[?&]run=[0-9a-f]+"))
    return re.search("[?&]run=([0-9a-f]+)", page.url)[1]


def stop(page: Page) -> None:
    """Stop the run on the page, and wait until it has stopped."""
    page.locator(".st-key-run_controls").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="stopped")).to_be_visible()
