"""After Start the new training comes into view once; after a run the next step is the primary action."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.runs.store import RunStore
from tests.browser.server import PHONE, delete_for_good, settle
from tests.browser.training import LASTING, SHORT, open_settings, press, start, stop

# Where the heading of the page's run is: pixels below the top of the window, and the window's height.
HEADING = """() => {
    const heading = document.querySelector('.st-key-run_heading, .stMain h3');
    return heading ? [heading.getBoundingClientRect().top, innerHeight] : [NaN, innerHeight];
}"""
AT_THE_TOP = f"() => {{ const [top] = ({HEADING})(); return top >= 0 && top < 120; }}"
IN_VIEW = f"() => {{ const [top, room] = ({HEADING})(); return top >= 0 && top < room - 200; }}"
IS_ON_TOP = """element => {
    const {left, width, top, height} = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""
SCROLL_TO = "y => document.querySelector('[data-testid=stMain]').scrollTo({top: y, behavior: 'instant'})"
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def expect_at_the_top(page):
    page.wait_for_function(AT_THE_TOP)


@pytest.mark.slow
def test_on_a_phone_the_new_training_comes_into_view_once(new_tab):
    page = new_tab(LASTING, has_touch=True, **PHONE)
    open_settings(page)
    page.evaluate(SCROLL_TO, 1500)
    page.locator(".st-key-start button").tap()
    page.get_by_text("images per second").wait_for()
    expect_at_the_top(page)

    settle_running(page)
    expect_at_the_top(page)  # to stay: it has been brought there for the second time, after what folds
    page.evaluate(SCROLL_TO, 600)
    settle_running(page)  # the page has rerun meanwhile
    # More or less by what grows or shrinks above, as the view stays: a finding, or a sentence of fewer lines.
    assert page.evaluate(SCROLLED) > 450
    page.locator(".lab-pages").get_by_role("link", name="Draw").tap()
    page.locator("h1", has_text="Draw a digit").wait_for()
    page.locator(".lab-pages").get_by_role("link", name="Train").tap()
    page.get_by_text("images per second").wait_for()
    settle_running(page)
    assert page.evaluate(SCROLLED) == 0
    stop(page)
    page.get_by_role("button", name="Continue to").tap()
    expect_at_the_top(page)
    stop(page)


def settle_running(page):
    """Wait for two reports of a run, which take longer than a scroll."""
    speed = page.get_by_text("images per second")
    for _ in range(2):
        expect(speed).not_to_have_text(speed.text_content())


def expect_the_summary_in_sight(page):
    """Wait until Start and the time are seen beside a form that is scrolled, and the curves below them."""
    for part in (page.locator(".st-key-start button"), page.get_by_text("in a short trial")):
        expect(part).to_be_in_viewport(ratio=1)
    curves = page.get_by_test_id("stVegaLiteChart").first
    curves.scroll_into_view_if_needed()
    expect(curves).to_be_in_viewport(ratio=0.9)
    assert curves.evaluate(IS_ON_TOP)
    page.set_viewport_size({"width": 1280, "height": 500})  # no room for both
    page.evaluate(SCROLL_TO, 1000)
    expect(page.locator(".st-key-start button")).not_to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.slow
def test_after_a_run_the_next_step_is_primary_and_start_only_for_new_settings(page, tmp_path_factory):
    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    before = len(store.list())
    page.emulate_media(reduced_motion="reduce")
    page.open(SHORT)
    primary = page.get_by_test_id("stBaseButton-primary")
    expect(primary).to_have_text(re.compile("Start training"))
    page.evaluate(SCROLL_TO, 0)
    page.locator(".st-key-start button").dblclick()
    page.get_by_role("heading", name="finished").wait_for()
    settle(page)
    assert page.evaluate(SCROLLED) == 0  # it was visible where it was
    assert len(store.list()) == before + 1

    expect(primary).to_have_count(0)
    expect(page.locator(".st-key-start button")).to_have_text(re.compile("Train again"))
    link = page.get_by_role("link", name="Test it on your handwriting")
    colour = link.evaluate("link => getComputedStyle(link).backgroundColor")

    open_settings(page)
    page.evaluate(SCROLL_TO, 1000)
    expect_the_summary_in_sight(page)
    press(page, "epochs", "ArrowRight")
    expect(primary).to_have_text(re.compile("Start training"))
    assert primary.evaluate("button => getComputedStyle(button).backgroundColor") == colour
    primary.evaluate("button => button.click()")  # without scrolling to it
    page.wait_for_function(
        f"() => {{ const [top, room] = ({HEADING})(); return top >= 0 && top < room - 200 }}"
    )
    link.click()
    page.locator("h1", has_text="Draw a digit").wait_for()


@pytest.mark.slow
def test_the_curves_of_a_network_that_learns_nothing_lie_on_the_line_of_guessing(page):
    page.open(SHORT.replace("epochs=1&batch_size=50", "epochs=2&batch_size=5&learning_rate=0.1"))
    start(page)
    page.get_by_role("heading", name="finished").wait_for()
    settle(page)
    finding = page.locator(".st-key-finding_rate_too_large")  # the cause first, and one remedy
    expect(finding).to_contain_text(
        re.compile("learning rate looks too large.*Consequence: Dead units", re.S)
    )
    expect(page.get_by_role("button", name="Use this remedy")).to_have_count(1)
    loss, accuracy = page.get_by_test_id("stVegaLiteChart").all()
    for label in ("0%", "100%", "guessing: 10%"):
        expect(accuracy.get_by_text(label, exact=True)).to_be_visible()
    expect(loss.get_by_text("guessing: 2.3", exact=True)).to_be_visible()
    from_the_start = accuracy.locator(".mark-line path[d^='M0,']")
    expect(from_the_start).to_have_count(2)  # guessing, and the monitored set before the training
    expect(page.get_by_text(re.compile("After epoch 2 (both curves|the accuracy)"))).to_be_visible()
    page.get_by_text("Smoothed", exact=True).click()
    expect(page).to_have_url(re.compile("smooth=11"))
    expect(page.get_by_text("each point is the mean of the 11 points around it")).to_be_visible()
    expect(loss.locator(".mark-line path[opacity='0.3']")).not_to_have_count(0)  # the raw curves
    page.get_by_role("button", name="Use this remedy").click()
    expect(page.get_by_text("The form now has this run's settings and the remedy.")).to_be_visible()


def test_a_search_that_begins_is_shown_and_comes_to_its_end(new_tab, tmp_path_factory):
    page = new_tab("/search?trial_images=100&trial_epochs=1&trials=2")
    page.get_by_role("button", name="Begin the search").click()
    expect(page.get_by_text("All 2 trials have ended.")).to_be_visible()
    expect(page.get_by_text("Best so far:")).to_be_visible()
    page.get_by_role("button", name="Delete this search").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("button", name="Begin the search")).to_be_visible()
    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    delete_for_good(store, *[run.id for run in store.list() if run.metadata.group])
