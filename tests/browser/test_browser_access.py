"""Who can't see well: contrast, names and roles on each page, by axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.places import PAGES

SEVERE = ("serious", "critical")


def trouble(page):
    """Return what axe-core finds severe on a page: the rule, the element, and why."""
    found = Axe().run(page).response["violations"]
    severe = [rule for rule in found if rule["impact"] in SEVERE]
    return [
        f"{rule['id']}: {node['html'][:150]}: {node['failureSummary']}"
        for rule in severe
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_severe_in_either_theme(page, path):
    page.open(path)
    if path == "/train":
        page.get_by_text("All settings").click()
        page.locator(".st-key-set_seed").wait_for()
    for theme, paper in {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 29)"}.items():
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "paper => getComputedStyle(document.querySelector('.stApp')).backgroundColor === paper", arg=paper
        )
        page.wait_for_timeout(300)  # colours fade over
        assert trouble(page) == [], theme
