"""The runs of several visitors of one server, in the sidebar and on their page."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.runs.store import RunStore
from tests.browser.server import PHONE, TOUCH, expect_to_fit, settle
from tests.browser.training import LASTING, SHORT, start, stop


@pytest.mark.slow
def test_two_visitors_have_lists_of_their_own_that_refresh_and_a_second_tab_keep(visitor):
    anna, ben = visitor(), visitor()
    anna.go(LASTING)
    run = start(anna)
    anna.locator(".st-key-run_list").get_by_text("training").first.wait_for()
    anna.get_by_text("images per second").wait_for()
    anna.reload()
    anna.locator(f".st-key-open_{run}").wait_for()
    second = anna.context.new_page()
    second.goto("/runs")
    second.locator(f".st-key-open_{run}").wait_for()
    ben.reload()
    settle(ben)
    expect(ben.locator(".lab-digits img").first).to_be_visible()
    expect(ben.locator(".st-key-run_list button")).to_have_count(0)
    ben.go(f"/train?run={run}")
    ben.locator(f".st-key-open_{run}").wait_for()
    ben.get_by_text("only its owner can control").wait_for()
    expect(ben.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    ben.go("/")
    ben.locator(f".st-key-open_{run}").wait_for()
    stop(anna)
    ben.locator(".st-key-run_list").get_by_text("stopped").first.wait_for()  # without a click


@pytest.mark.slow
def test_two_tabs_opened_at_once_are_one_visitor(visitor):
    first = visitor(None)
    tabs = [first, first.context.new_page()]
    for tab in tabs:
        tab.goto("/", wait_until="commit")
    for tab in tabs:
        settle(tab)
        tab.wait_for_function("document.cookie.includes('digitlab_visitor=')")
        settle(tab)  # the second tab has reloaded
    tabs[1].goto(SHORT)
    settle(tabs[1])
    run = start(tabs[1])
    tabs[0].goto("/runs")
    tabs[0].locator(f".st-key-open_{run}").wait_for()


def test_delete_and_undo_and_rename_with_the_keyboard(page, two_runs):
    first, second = two_runs
    page.open(f"/runs?run={first}")
    box = page.get_by_label("Name", exact=True)
    box.fill("By hand")
    box.press("Enter")
    page.locator(f".st-key-open_{first}").get_by_text("By hand").first.wait_for()
    settle(page)  # the sidebar has the new name first; Delete says the one that its page had
    page.get_by_role("button", name="Delete").press("Enter")
    page.get_by_text("Deleted: By hand").wait_for()
    page.locator(f".st-key-open_{first}").wait_for(state="detached")
    page.get_by_role("button", name="Undo").press("Enter")
    page.locator(f".st-key-open_{first}").wait_for()
    expect(page).to_have_url(re.compile(first))
    expect(page.locator(f".st-key-open_{second}")).to_have_count(1)


def test_a_row_of_the_table_becomes_the_current_run(page, two_runs):
    first, second = two_runs
    page.open("/runs")
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas [role=row]").nth(2)).to_be_attached()  # its rows are drawn
    settle(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 36 + 36 + 18)  # the second row's check box
    expect(page).to_have_url(re.compile(first))
    settle(page)
    page.locator(f".st-key-open_{second} button:visible").click()
    expect(page).to_have_url(re.compile(second))


@pytest.mark.slow
def test_arrow_keys_choose_a_run_in_the_table_which_keeps_the_focus(page, two_runs):
    first, second = two_runs
    page.open("/runs")
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas [role=row]").nth(2)).to_be_attached()
    settle(page)
    page.get_by_role("button", name="Fullscreen").focus()
    page.keyboard.press("Tab")  # Streamlit's table chooses its first cell when it has the focus
    for key, row, run in (("ArrowRight", 0, second), ("ArrowDown", 1, first), ("ArrowUp", 0, second)):
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(run))
        settle(page)
        expect(table.locator(f"[id$='-{row}'][role=gridcell]:focus")).to_have_count(1)
        expect(page.locator(".st-key-ticked_runs [data-tag]")).to_have_count(1)


def test_on_a_phone_the_list_is_out_of_the_way_until_it_is_asked_for(new_tab, two_runs):
    phone = new_tab("/runs", **PHONE)
    expect(phone.get_by_test_id("stDataFrame")).to_be_visible()
    button = phone.locator(f".st-key-open_{two_runs[0]} button:visible")
    expect(button).not_to_be_in_viewport()
    phone.get_by_test_id("stExpandSidebarButton").click()
    button.click()
    expect(phone).to_have_url(re.compile(two_runs[0]))
    settle(phone)
    expect_to_fit(phone, "a run's page")


@pytest.mark.slow
def test_on_a_phone_the_buttons_of_the_table_cover_nothing(new_tab, two_runs):
    phone = new_tab("/runs", **TOUCH)
    buttons, order = phone.get_by_test_id("stElementToolbar"), phone.get_by_test_id("stSelectbox")
    expect(buttons).to_be_visible()
    above = order.bounding_box()
    assert above["y"] + above["height"] <= buttons.bounding_box()["y"]


@pytest.mark.slow
def test_a_changed_run_has_one_name_everywhere_and_its_link_shows_its_recipe(page):
    page.open("/train?recipe=tutorial-3&activation=sigmoid&widths=64-64-64-64-64-64&epochs=1&train_size=500")
    run = start(page)
    name = "Tutorial 3, 6x64 Sigmoid, 1 epoch, 500 images"
    expect(page.get_by_role("heading", name=f"{name}: finished")).to_be_visible()
    page.open(f"/train?run={run}")
    recipe = page.get_by_role("radio", name=re.compile("tutorial 3", re.IGNORECASE))
    expect(recipe).to_be_checked()
    expect(page.get_by_text("Changed from the recipe: Hidden layers, Activation, Epochs")).to_be_visible()
    expect(page.locator(f".st-key-open_{run}")).to_contain_text(name)
    page.go(f"/compare?runs={run},pretrained&part=settings")
    expect(page.locator(".st-key-runs [data-tag]").first).to_contain_text(f"{name} ·")
    expect(page.locator(".lab-settings th").nth(1)).to_have_text(name)
    page.go(f"/evaluate?run={run}")
    expect(page.get_by_role("combobox", name="Network")).to_have_value(re.compile(re.escape(f"{name} ·")))
    page.go(f"/runs?run={run}")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(f"Deleted: {name}")).to_be_visible()


@pytest.mark.slow
def test_ticked_rows_are_deleted_together_nothing_stays_chosen_and_one_undo_brings_them_back(page, two_runs):
    page.open("/runs")
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas [role=row]").nth(2)).to_be_attached()
    settle(page)
    box = table.bounding_box()
    for row in (1, 2):
        page.mouse.click(box["x"] + 15, box["y"] + 36 * row + 18)
        expect(page.locator(".st-key-ticked_runs [data-tag]")).to_have_count(row)
        settle(page)
    page.get_by_role("button", name="Delete 2 runs").click()
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_be_in_viewport()
    expect(page.get_by_text("Deleted: Tutorial 1, Quick")).to_be_visible()
    for run in two_runs:
        expect(page.locator(f".st-key-open_{run}")).to_have_count(0)
    undo.click()
    for run in two_runs:
        expect(page.locator(f".st-key-open_{run}")).to_have_count(1)


@pytest.mark.slow
def test_a_tab_says_that_its_run_was_deleted_in_another_and_restores_it(page, two_runs, tmp_path_factory):
    run = two_runs[0]
    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    page.open(f"/train?run={run}")
    heading = page.get_by_role("heading", name="Quick: finished")
    expect(heading).to_be_visible()
    store.remove(run)
    expect(page.get_by_text("Deleted: Quick")).to_be_visible()  # without a click
    expect(heading).to_have_count(0)
    page.get_by_role("button", name="Restore Quick").click()
    expect(heading).to_be_visible()
    page.go(f"/draw?run={run}")
    store.remove(run)
    expect(page.get_by_role("button", name="Restore Quick")).to_be_visible()
    store.restore(run)
    expect(page.get_by_role("button", name="Restore Quick")).to_have_count(0)
