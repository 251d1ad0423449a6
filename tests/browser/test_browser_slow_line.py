"""On a line with answers after a third of a second no click or choice is lost."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.browser.server import serve, settle
from tests.browser.slow_line import slow_line
from tests.browser.training import LASTING, expect_value, open_settings, start, stop
from ui.train_form.state import settings_to_query

pytestmark = pytest.mark.slow  # all of them: they have a server of their own
SECONDS = 0.15  # each way


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the server keeps its runs."""
    return tmp_path_factory.mktemp("far")


@pytest.fixture(scope="module")
def far(browser, folder):
    """The app over a slow line, without visitors so far."""
    with serve(folder) as url, slow_line(url, SECONDS) as address:
        yield address


def test_a_link_into_a_cold_server_shows_the_whole_page(new_tab, far):
    """The server's first visitor. The notice on the sample, which comes later, leaves what was there."""
    page = new_tab("/?lang=zh&run=abc", far)
    expect(page.locator(".lab-pages a")).to_have_count(10)
    expect(page.locator("h1")).to_have_text("手写数字")
    page.locator("h1").evaluate("heading => heading.setAttribute('data-from', 'before the notice')")
    expect(page.locator(".st-key-notice")).to_be_visible()
    expect(page.locator("h1")).to_have_attribute("data-from", "before the notice")


def test_a_link_keeps_its_settings_and_two_changes_in_quick_succession(new_tab, far):
    """The page is rerun when the speed has been measured."""
    page = new_tab("/train?recipe=tutorial-4b&epochs=7", far)
    expect(page.get_by_text("measured in a short trial")).to_be_visible()
    settle(page)
    open_settings(page)
    expect_value(page, "epochs", "7")
    expect_value(page, "learning_rate", "0.001")
    for field in ("shuffle", "batch_norm"):
        page.locator(f".st-key-set_{field} label").first.click()
    for kept in ("shuffle=false", "batch_norm=true", "recipe=tutorial-4b", "epochs=7"):
        page.wait_for_url(f"**{kept}*")
    settle(page)
    assert not page.locator(".st-key-set_shuffle input").is_checked()
    assert page.locator(".st-key-set_batch_norm input").is_checked()


def test_a_double_click_starts_one_run_that_the_page_shows(new_tab, far, folder):
    page = new_tab(LASTING, far)
    page.locator(".st-key-start button").dblclick()
    expect(page.get_by_text("images per second")).to_be_visible()
    assert "run=" in page.url
    assert len(RunStore(folder / "runs").list()) == 1
    stop(page)


def test_a_start_while_the_speed_is_measured_shows_its_run(new_tab, far):
    """Ticks of the page's clocks are on their way when it starts; they know nothing of it."""
    page = new_tab(None, far)
    for batch in range(31, 33):
        page.goto(LASTING.replace("batch_size=5", f"batch_size={batch}"))
        page.wait_for_timeout(500 * (batch - 31))
        start(page)
        expect(page.get_by_text("images per second")).to_be_visible()
        stop(page)


def test_a_choice_is_not_undone_by_a_late_answer(new_tab, far):
    """The answer to an earlier setting has the old choice; the next message has the new one."""
    page = new_tab("/train?run=pretrained&recipe=tutorial-1&batch_size=100", far)
    expect(page.get_by_text("measured in a short trial")).to_be_visible()
    settle(page)
    slider = page.locator(".st-key-set_batch_size input").first
    slider.press("ArrowRight")
    page.wait_for_timeout(SECONDS * 1000)
    page.locator(".st-key-axis").get_by_text("Logarithmic axis").evaluate("label => label.click()")
    expect(page.locator(".st-key-training_summary strong").last).not_to_have_text(
        "600"
    )  # the earlier setting's answer
    slider.press("ArrowRight")
    page.wait_for_url("**batch_size=200*")
    settle(page)
    assert "axis=log" in page.url
    expect(page.get_by_text("Error rate: the share of images misclassified")).to_be_visible()


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def test_a_recipe_is_not_undone_by_the_ticks_of_a_training(new_tab, far):
    """A tick on its way when a recipe is picked carries the values that all controls had before."""
    page = new_tab(LASTING, far)
    start(page)
    expect(page.get_by_text("images per second")).to_be_visible()
    for pause, recipe in zip((0, 450), ("quick", "tutorial-1"), strict=True):
        page.wait_for_timeout(pause)
        page.locator(".st-key-set_recipe").get_by_text(RECIPES[recipe].title, exact=True).click()
        settings = settings_to_query(vars(RECIPES[recipe].config))
        page.wait_for_url(lambda url, settings=settings: settings.items() <= query_of(url).items())
        page.wait_for_timeout(2500)  # for the ticks, and the answer to each
        assert settings.items() <= query_of(page.url).items()
    stop(page)


def test_typed_numbers_and_sliders_do_not_undo_each_other(new_tab, far):
    """Ticks of a training on their way carry what field and slider showed before."""
    page = new_tab(LASTING, far)
    start(page)
    expect(page.get_by_text("images per second")).to_be_visible()
    typed = page.locator(".st-key-number_learning_rate input[type=text]:visible")
    typed.fill("0.003")
    typed.press("Enter")
    page.wait_for_timeout(2500)
    expect_value(page, "learning_rate", "0.003")
    page.locator(".st-key-set_learning_rate input").first.press("ArrowRight")
    page.wait_for_timeout(2500)
    expect(typed).to_have_value("0.005")
    expect_value(page, "learning_rate", "0.005")
    assert "learning_rate=0.005" in page.url
    stop(page)
