"""The runs of several visitors of one server, in the sidebar and on their page."""

import re

import pytest

from tests.browser.server import serve, settle


@pytest.fixture(scope="module")
def public(browser, tmp_path_factory):
    """A server that takes every visitor for one from afar."""
    with serve(tmp_path_factory.mktemp("public"), DIGITLAB_PRIVATE="1") as url:
        yield url


@pytest.fixture
def visitor(browser, public):
    """Open a browser of its own, which keeps its own cookies."""
    contexts = []

    def visit(path="/", **settings):
        contexts.append(browser.new_context(base_url=public, locale="en-US", **settings))
        page = contexts[-1].new_page()
        page.goto(path)
        settle(page)
        return page

    yield visit
    for context in contexts:
        context.close()


def start(page):
    """Begin a training that doesn't end by itself; return its run's id."""
    page.goto("/train?epochs=1000&train_size=1000&validation_size=500")
    settle(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile("run="))
    return re.search("run=([0-9a-f]+)", page.url)[1]


def in_sidebar(page):
    settle(page)
    return page.locator(".st-key-run_list button").count()


def test_two_visitors_have_lists_of_their_own_that_refresh_and_a_second_tab_keep(visitor):
    anna, ben = visitor(), visitor()
    run = start(anna)
    anna.locator(".st-key-run_list").get_by_text("training").first.wait_for()
    anna.get_by_text("images per second").wait_for(timeout=60_000)
    anna.reload()
    anna.locator(f".st-key-open_{run}").wait_for()
    second = anna.context.new_page()
    second.goto("/runs")
    second.locator(f".st-key-open_{run}").wait_for()
    ben.reload()
    assert in_sidebar(ben) == 0
    ben.goto(f"/train?run={run}")
    ben.locator(f".st-key-open_{run}").wait_for()
    assert ben.get_by_role("button", name="Stop").count() == 0
    ben.goto("/")
    ben.locator(f".st-key-open_{run}").wait_for()
    anna.get_by_role("button", name="Stop").click()
    anna.get_by_role("heading", name="stopped").wait_for(timeout=60_000)
    ben.locator(".st-key-run_list").get_by_text("stopped").first.wait_for()  # without a click


def test_two_tabs_opened_at_once_are_one_visitor(browser, public):
    context = browser.new_context(base_url=public, locale="en-US")
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        tab.goto("/", wait_until="commit")
    for tab in tabs:
        settle(tab)
        tab.wait_for_timeout(1000)
        settle(tab)
    run = start(tabs[1])
    tabs[0].goto("/runs")
    tabs[0].locator(f".st-key-open_{run}").wait_for()
    tabs[1].get_by_role("button", name="Stop").click()
    context.close()


def test_delete_and_undo_and_rename_with_the_keyboard(page, two_runs):
    first, second = two_runs
    page.open(f"/runs?run={first}")
    box = page.get_by_label("Name", exact=True)
    box.fill("By hand")
    box.press("Enter")
    page.locator(f".st-key-open_{first}").get_by_text("By hand").first.wait_for()
    page.get_by_role("button", name="Delete").press("Enter")
    page.get_by_text("Deleted: By hand").wait_for()
    page.locator(f".st-key-open_{first}").wait_for(state="detached")
    page.get_by_role("button", name="Undo").press("Enter")
    page.locator(f".st-key-open_{first}").wait_for()
    assert first in page.url
    assert page.locator(f".st-key-open_{second}").count() == 1


def test_a_row_of_the_table_becomes_the_current_run(page, two_runs):
    first, second = two_runs
    page.open("/runs")
    table = page.get_by_test_id("stDataFrame")
    box = table.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 36 + 36 + 18)  # the second row's check box
    page.wait_for_url(lambda url: first in url)
    settle(page)
    page.locator(f".st-key-open_{second} button:visible").click()
    page.wait_for_url(lambda url: second in url)


def test_on_a_phone_the_list_is_out_of_the_way_until_it_is_asked_for(browser, address, two_runs):
    phone = browser.new_page(viewport={"width": 375, "height": 720}, locale="en-US")
    phone.goto(address + "/runs")
    settle(phone)
    button = phone.locator(f".st-key-open_{two_runs[0]} button:visible")
    assert button.count() == 0 or button.bounding_box()["x"] < 0
    phone.get_by_test_id("stExpandSidebarButton").click()
    phone.wait_for_timeout(500)
    button.click()
    phone.wait_for_url(lambda url: two_runs[0] in url)
    assert phone.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    phone.close()


def test_who_is_new_sees_three_steps_until_they_close_them_or_have_a_run(visitor):
    page = visitor()
    welcome = page.locator(".st-key-welcome")
    assert welcome.get_by_role("link").count() == 2
    page.get_by_role("button", name="Close").press("Enter")
    welcome.wait_for(state="hidden")
    page.locator(".st-key-pages").get_by_role("link", name="Draw").click()
    page.locator("h1", has_text="Draw a digit").wait_for()
    page.locator(".st-key-pages").get_by_role("link", name="Explore").click()
    page.locator("h1", has_text="Handwritten digits").wait_for()
    settle(page)
    assert not welcome.is_visible()
    page.reload()
    settle(page)
    assert welcome.count() == 0


def test_on_a_phone_the_digits_are_in_sight_below_the_steps(visitor):
    page = visitor(viewport={"width": 375, "height": 720})
    assert page.locator(".st-key-welcome").is_visible()
    assert page.locator(".lab-digits img").first.bounding_box()["y"] < 620
