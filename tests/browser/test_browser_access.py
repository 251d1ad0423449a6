"""Who can't see well: contrast, names and roles on each page, by axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.places import each_page
from tests.browser.server import settle
from tests.browser.training import open_settings

SEVERE = ("serious", "critical")
AT_REST = """() => document.getAnimations().every(
    each => each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"""


def trouble(page):
    """Return what axe-core finds severe on a page: the rule, the element, and why."""
    found = Axe().run(page).response["violations"]
    severe = [rule for rule in found if rule["impact"] in SEVERE]
    return [
        f"{rule['id']}: {node['html'][:150]}: {node['failureSummary']}"
        for rule in severe
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("path", each_page())
def test_axe_finds_nothing_severe_in_either_theme(page, path):
    page.open(path)
    if path == "/train":
        open_settings(page)
    for theme, paper in {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 29)"}.items():
        page.emulate_media(color_scheme=theme)
        expect(page.locator(".stApp")).to_have_css("background-color", paper)
        settle(page)
        page.wait_for_function(AT_REST)  # colours fade over
        assert trouble(page) == [], theme
