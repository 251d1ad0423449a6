"""Each page by the Tab key, by axe-core (contrast, names and roles), and on a phone's width."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.places import WITHOUT_TAB, each_page
from tests.browser.server import PHONE, expect_to_fit, settle
from tests.browser.test_browser_keyboard import expect_tab_to_reach_every_control
from tests.browser.training import open_settings

SEVERE = ("serious", "critical")
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # the other rules don't depend on the theme
# Only rules on a phone's orientation and on autoplaying sound need stylesheets and media to be loaded again.
OPTIONS = {"resultTypes": ["violations"], "preload": False}
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 29)"}
AT_REST = """() => document.getAnimations().every(
    each => each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"""


def trouble(page, rules):
    """Return what axe-core, which the page has loaded, finds severe: the rule, the element, and why."""
    found = page.evaluate("options => axe.run(options)", {**OPTIONS, **rules})["violations"]
    severe = [rule for rule in found if rule["impact"] in SEVERE]
    return [
        f"{rule['id']}: {node['html'][:150]}: {node['failureSummary']}"
        for rule in severe
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("path", each_page())
def test_tab_reaches_every_control_axe_finds_nothing_severe_and_the_page_fits_a_phone(page, two_runs, path):
    page.open(path)
    if path not in WITHOUT_TAB:
        expect_tab_to_reach_every_control(page)
    if path == "/train":
        open_settings(page)
    page.evaluate(Axe().axe_script)
    for theme, rules in RULES.items():
        page.emulate_media(color_scheme=theme)
        expect(page.locator(".stApp")).to_have_css("background-color", PAPER[theme])
        if theme != "light":  # it has settled in that
            settle(page)
        page.wait_for_function(AT_REST)  # colours fade over
        assert trouble(page, rules) == [], theme
    page.set_viewport_size(PHONE["viewport"])
    expect_to_fit(page, path)
