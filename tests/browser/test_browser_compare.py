"""The Compare page in a real browser: runs chosen, sections, images, the link that shows the same."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.recipes import RECIPES
from mnist_core.runs.run import METRICS, METRICS_FILE
from mnist_core.runs.store import RunStore
from tests.browser.server import PHONE, delete_for_good, expect_to_fit, settle

LINKS_IN_ONE_LINE = """() => new Set([...document.querySelectorAll('.lab-pages a')]
    .filter(link => link.checkVisibility())
    .map(link => Math.round(link.getBoundingClientRect().top))).size === 1"""


@pytest.fixture
def two_networks(address, tmp_path_factory):
    """The ids of two runs with weights that differ in their seed; gone afterwards."""
    from dataclasses import replace

    from mnist_core.models.architectures import build_model

    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    made = []
    for seed in (0, 1):
        writer = store.create(replace(RECIPES["quick"].config, seed=seed))
        writer.save(build_model(writer.config), 1)
        writer.update("finished", epochs=1, test_accuracy=0.1 + seed / 100, train_seconds=2.0)
        writer.close()
        (store.get(writer.id).folder / METRICS_FILE).write_text(
            ",".join(METRICS) + f"\n1,10,0.5,0.8,0.4,0.9{seed},0.01,1\n2,20,0.4,0.9,0.3,0.95,0.01,2\n"
        )
        made.append(writer.id)
    yield made
    delete_for_good(store, *made)


def section(page, name):
    page.get_by_role("radio", name=name, exact=True).click()


def test_two_runs_are_compared_and_the_link_shows_the_same(page, two_networks):
    page.open("/compare")
    page.get_by_text("Significance: is the difference real?").wait_for()
    page.wait_for_function(LINKS_IN_ONE_LINE)  # beside the sidebar
    first, second = two_networks
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    with page.expect_download() as download:
        page.locator(".st-key-comparison_csv button").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("run,name,recipe,seed,accuracy,accuracy_low")
    assert {first, second} <= {line.split(",")[0] for line in lines[1:]}
    page.go(f"/compare?runs={second},{first}&part=images&right=none")
    image = page.locator(".lab-digits figure img").first
    both = re.compile(r"Test image \d+, label \d: Quick, seed 1 predicts \d, .*; Quick predicts \d")
    expect(image).to_have_attribute("alt", both)
    alt = image.get_attribute("alt")
    page.get_by_role("button", name="Next").click()
    expect(image).not_to_have_attribute("alt", alt)
    section(page, "Settings")
    expect(page.locator(".lab-table tbody tr")).to_have_count(1)
    expect(page.locator(".lab-table tbody th")).to_have_text("Seed")
    expect(page).to_have_url(re.compile("part=settings"))
    page.reload()
    expect(page.locator(".lab-table tbody th")).to_have_text("Seed")


def test_a_choice_of_runs_survives_the_language_and_is_made_with_the_keyboard(page, two_networks):
    first, second = two_networks
    page.open(f"/compare?runs={first},{second}")
    page.get_by_text("中文").click()
    expect(page.locator("h1")).to_have_text("比较")
    expect(page.get_by_text("显著性：差别是真的吗？")).to_have_count(1)
    settle(page)
    box = page.get_by_role("combobox").first
    box.focus()
    page.keyboard.press("Backspace")
    page.get_by_text("请至少选择两次训练").wait_for()
    expect(page).not_to_have_url(re.compile(second))
    settle(page)
    box.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_text("显著性：差别是真的吗？").wait_for()


def test_on_a_phone_two_networks_and_the_links_to_the_pages_fit(new_tab, two_networks):
    phone = new_tab("/compare?lang=zh", **PHONE)
    expect_to_fit(phone, "Compare")
    expect(phone.locator(".lab-pages a:visible")).to_have_count(8)
    phone.wait_for_function(LINKS_IN_ONE_LINE)


@pytest.mark.slow
def test_runs_ticked_in_the_sidebar_share_a_chart_with_one_colour_each_and_a_note(new_tab, two_networks):
    first, second = two_networks
    page = new_tab(f"/compare?runs={first}&part=curves", viewport={"width": 1280, "height": 1000})
    page.locator(f".st-key-tick_{second} label").click()
    expect(page).to_have_url(re.compile(f"{first}(,|%2C){second}"))
    names = page.locator(".lab-run-list .lab-run")
    expect(names).to_have_text(["Quick", "Quick, seed 1"])
    settle(page)
    expect(names.locator("i")).to_have_count(2)  # pieces of their lines
    for place, run in enumerate(two_networks):
        colour = names.nth(place).evaluate("name => getComputedStyle(name).color")
        dot = page.locator(f".st-key-tick_{run} strong")
        assert dot.evaluate("dot => getComputedStyle(dot, '::before').backgroundColor") == colour
        chip = page.locator(".st-key-runs [data-tag]").nth(place)
        expect(chip).to_have_css("background-color", colour)
        assert colour in page.get_by_test_id("stVegaLiteChart").evaluate(COLOURS_OF_LINES)
    chart = page.get_by_test_id("stVegaLiteChart").bounding_box()
    tooltip = page.locator("#vg-tooltip-element")
    page.mouse.move(chart["x"] + chart["width"] * 0.5, chart["y"] + 200, steps=3)
    page.mouse.move(chart["x"] + chart["width"] * 0.55, chart["y"] + 200, steps=3)
    expect(tooltip.locator("tr")).to_have_text(
        [re.compile("epoch"), re.compile("90.00%"), re.compile("91.00%")]
    )
    page.get_by_role("button", name="Link to this comparison").click()
    note = page.get_by_label("Note for those who open the link")
    note.fill("Which <b>seed</b> is luckier?")
    note.press("Enter")
    link = page.locator("[data-testid=stPopoverBody] code")
    expect(link).to_contain_text("note=Which")
    other = new_tab(None)
    other.open(link.inner_text())
    expect(other.locator(".st-key-comparison_note")).to_contain_text("Which <b>seed</b> is luckier?")
    expect(other.locator(".st-key-runs [data-tag]")).to_have_count(2)


COLOURS_OF_LINES = """chart => [...chart.querySelectorAll('.mark-line path')].map(
    line => getComputedStyle(line).stroke)"""
