"""The Compare page in a real browser: runs chosen, sections, images, the link that shows the same."""

import re

import pytest

from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.browser.server import settle


@pytest.fixture
def two_networks(address, tmp_path_factory):
    """The ids of two runs with weights that differ in their seed; gone afterwards."""
    from dataclasses import replace

    from mnist_core.architectures import build_model

    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    made = []
    for seed in (0, 1):
        writer = store.create(replace(RECIPES["quick"].config, seed=seed))
        writer.save(build_model(writer.config), 1)
        writer.update("finished", epochs=1, test_accuracy=0.1 + seed / 100, train_seconds=2.0)
        writer.close()
        made.append(writer.id)
    yield made
    for run in made:
        store.remove(run)


def section(page, name):
    page.get_by_role("radio", name=name, exact=True).click()
    settle(page)


def test_two_runs_are_compared_and_the_link_shows_the_same(page, two_networks):
    page.open("/compare")
    page.get_by_text("Is the difference real?").wait_for()
    first, second = two_networks
    assert page.locator('[data-testid="stVegaLiteChart"]').count() == 1
    page.open(f"/compare?runs={second},{first}&part=images")
    shown = page.locator(".lab-digits figure")
    shown.first.wait_for()
    alt = shown.first.locator("img").get_attribute("alt")
    assert re.search(r"Test image \d+, a \d: Quick, seed 1 reads \d, .*; Quick, seed 0 reads \d", alt)
    page.get_by_role("button", name="Next").click()
    page.wait_for_function(
        "alt => document.querySelector('.lab-digits img').alt !== alt", arg=alt, timeout=20_000
    )
    section(page, "Settings")
    assert page.locator(".lab-table tbody tr").count() == 1
    assert page.locator(".lab-table tbody th").inner_text() == "Seed"
    assert "part=settings" in page.url
    page.reload()
    settle(page)
    page.locator(".lab-table").wait_for()


def test_a_choice_of_runs_survives_the_language_and_is_made_with_the_keyboard(page, two_networks):
    first, second = two_networks
    page.open(f"/compare?runs={first},{second}")
    page.get_by_text("中文").click()
    page.locator("h1", has_text="比较").wait_for()
    settle(page)
    assert page.get_by_text("差别是真的吗？").count() == 1
    box = page.get_by_role("combobox").first
    box.focus()
    page.keyboard.press("Backspace")
    page.get_by_text("请至少选择两次训练").wait_for()
    page.wait_for_url(lambda url: second not in url)
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("差别是真的吗？").wait_for()


def test_the_table_can_be_downloaded(page, two_networks):
    page.open(f"/compare?runs={','.join(two_networks)}")
    with page.expect_download() as download:
        page.locator(".st-key-comparison_csv button").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("run,name,recipe,seed,accuracy,accuracy_low")
    assert [line.split(",")[0] for line in lines[1:]] == two_networks


@pytest.mark.parametrize("path", ["/compare", "/inside?run=shipped"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_nothing_is_wider_than_the_window(browser, address, two_networks, path, language):
    phone = browser.new_page(viewport={"width": 375, "height": 720}, locale="en-US")
    phone.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={language}")
    settle(phone)
    assert phone.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    links = phone.locator(".st-key-pages a")
    assert links.count() == 7
    tops = {round(links.nth(place).bounding_box()["y"]) for place in range(7)}
    assert len(tops) == 1
    phone.close()
