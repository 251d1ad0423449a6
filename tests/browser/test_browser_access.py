"""Each page by the Tab key, by axe-core (contrast, names and roles), and on a phone's width.

The chapters of Learn are in test_browser_learn.py.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.server import PHONE, expect_to_fit, settle
from tests.browser.test_browser_keyboard import expect_tab_to_reach_every_control
from tests.browser.training import open_settings

PICTURE = "/evaluate?run=pretrained&view=hardest&image=test-7&why="
# Pages that one tab shows one after the other.
TOURS = {
    "quick": ("/train", "/", "/draw"),
    "images": tuple(
        f"/?view={view}" for view in ("image&index=7", "map", "statistics", "typical&digit=4", "doubtful")
    ),
    "drawing": ("/draw?from=keys", "/draw?from=upload", "/draw?look=sheet", "/data"),
    "a run": ("/train?run=pretrained", "/inside?run=pretrained", "/inside?run=pretrained&part=answers"),
    "its errors": (
        "/evaluate?run=pretrained",
        *(
            f"/evaluate?run=pretrained&view={view}"
            for view in ("sure", "robust", "mixups", "digits", "hardest")
        ),
        *(PICTURE + why for why in ("pixels", "layers", "similar")),
    ),
    "several runs": ("/runs", "/compare", "/search"),
}
# Sections with no other controls than the rest, whose Tab order isn't walked again.
WITHOUT_TAB = {
    *TOURS["images"][2:],
    *TOURS["its errors"][3:6],
    *TOURS["its errors"][7:],
}
SEVERE = ("serious", "critical")
ALL_RULES, CONTRAST = {}, {"runOnly": ["color-contrast"]}
# Only rules on a phone's orientation and on autoplaying sound need stylesheets and media to be loaded again.
OPTIONS = {"resultTypes": ["violations"], "preload": False}
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 29)"}
AT_REST = """() => document.getAnimations().every(
    each => each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"""
ALL, MAIN = "html", "[data-testid=stMain]"
# Takes out what repeats, as axe-core looks at each element: of a map's digits, an image's pixels and the
# cells of a lesson's large grids some are enough.
TAKE_OUT_REPEATED = """() => {
    const repeated = '.mark-text text:nth-child(n+30), .lab-pixels tr:not(:nth-child(5n+1)), '
        + ':is(.small, .scrolling .cells) .cell:not(.lit, :nth-child(5n+1))';
    const inner = [...document.querySelectorAll('*')].flatMap(each => each.shadowRoot ?? []);
    for (const root of [document, ...inner]) root.querySelectorAll(repeated).forEach(each => each.remove());
}"""
LOOKS = ("light", "dark", "phone")


def trouble(page: Page, part: str, rules: dict[str, list[str]]) -> list[str]:
    """Return what axe-core finds severe in a part of the page: the rule, the element, and why."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    page.evaluate(TAKE_OUT_REPEATED)
    found = page.evaluate("call => axe.run(...call)", [part, {**OPTIONS, **rules}])["violations"]
    severe = [rule for rule in found if rule["impact"] in SEVERE]
    return [
        f"{rule['id']}: {node['html'][:150]}: {node['failureSummary']}"
        for rule in severe
        for node in rule["nodes"]
    ]


def expect_nothing_severe(page: Page, part: str, theme: str, rules: dict[str, list[str]]) -> None:
    """Have axe-core apply rules to a part of the page in a theme; the page may show another yet."""
    page.emulate_media(color_scheme=theme)
    expect(page.locator(".stApp")).to_have_css("background-color", PAPER[theme])
    settle(page)
    page.wait_for_function(AT_REST)  # colours fade over
    assert trouble(page, part, rules) == [], f"{page.url}, {theme}"


def look_over(page: Page, path: str, part: str, look: str) -> None:
    """Check a page in one look."""
    if look == "phone":
        page.set_viewport_size(PHONE["viewport"])
        expect_to_fit(page, path)
        return
    page.set_viewport_size({"width": 1280, "height": 800})
    if look == "light" and path not in WITHOUT_TAB:
        expect_tab_to_reach_every_control(page, "body" if part == ALL else part)
    if (path, look) == ("/train", "light"):
        open_settings(page)
    # Only contrast depends on the theme.
    expect_nothing_severe(page, part, look, ALL_RULES if look == "light" else CONTRAST)


@pytest.mark.parametrize(
    "tour", [name if name == "quick" else pytest.param(name, marks=pytest.mark.slow) for name in TOURS]
)
def test_tab_reaches_every_control_axe_finds_nothing_severe_and_the_page_fits_a_phone(page, two_runs, tour):
    """What is around each page is looked over on the first; every second page changes the looks back."""
    for number, path in enumerate(TOURS[tour]):
        (page.go if number else page.open)(path)
        for look in reversed(LOOKS) if number % 2 else LOOKS:
            look_over(page, path, MAIN if number else ALL, look)
