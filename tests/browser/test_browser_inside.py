"""The Inside page in a real browser: the slider by keyboard, and the visitor's drawing."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.browser.server import MOVING, TOUCH, delete_for_good, draw, settle
from ui.inside.playback import PAUSE_MILLISECONDS


@pytest.fixture
def trained(address, tmp_path_factory):
    """The id of a short training of 300 images; gone afterwards."""
    import torch

    from mnist_core.data.mnist import load_sample
    from mnist_core.runs.run_trainer import train_run

    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    config = replace(RECIPES["tutorial-1"].config, epochs=1, train_size=300, precision="float32")
    writer = store.create(config)
    list(train_run(writer, load_sample(), torch.device("cpu")))
    yield writer.id
    delete_for_good(store, writer.id)


def test_the_slider_moves_by_keyboard_and_a_refresh_keeps_it(page, trained):
    page.open(f"/inside?run={trained}&part=answers")
    matrix = page.locator(".lab-matrix")
    page.get_by_text("; after epoch 1.").wait_for()
    trained_matrix = matrix.text_content()
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("moment=0"))
    page.get_by_text("; before training.").wait_for()
    expect(matrix).not_to_have_text(trained_matrix)
    page.reload()
    page.get_by_text("; before training.").wait_for()
    settle(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    page.get_by_text("; after epoch 1.").wait_for()
    expect(matrix).to_have_text(trained_matrix)


def test_inside_shows_the_drawing(page, trained):
    page.open(f"/draw?run={trained}")
    draw(page, [(140, 50), (140, 230)])
    page.locator(".lab-pages").get_by_role("link", name="Inside").click()
    page.locator("h1", has_text="Inside").wait_for()
    settle(page)
    page.get_by_role("radio", name="My drawing").click()
    page.get_by_alt_text("Your drawing").wait_for()
    page.get_by_role("radio", name="Predictions", exact=True).click()
    page.get_by_alt_text("Your drawing").first.wait_for()  # on a busy machine the last section's is there too
    page.get_by_text("; after epoch 1.").wait_for()
    settle(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    page.get_by_text("; before training.").wait_for()
    expect(page.get_by_alt_text("Your drawing")).to_be_visible()


PLOT = ".stVegaLiteChart svg .mark-group.role-frame.root > g > path.background"


# Keeps what would be called after so many milliseconds in `due`, until it is cancelled.
HOLD_THE_CLOCK = """milliseconds => {
    const start = window.setTimeout, cancel = window.clearTimeout;
    window.setTimeout = (call, wait, ...given) =>
        wait === milliseconds ? ((window.due = call), 'held') : start(call, wait, ...given);
    window.clearTimeout = timer => timer === 'held' ? (window.due = null) : cancel(timer);
}"""


@pytest.mark.slow
def test_how_it_learned_is_readable_and_the_slider_stays_and_plays(new_tab, trained):
    """On a phone: plots of at least 240 px under no legend, the slider in sight below them, and Play."""
    page = new_tab(f"/inside?run={trained}&part=learning&moment=0&layer=4", **TOUCH, **MOVING)
    expect(page.get_by_text("Blue: “4. Output”").first).to_be_visible()
    plots = page.locator(PLOT)
    expect(plots).to_have_count(2)
    assert plots.first.bounding_box()["height"] > 240
    plots.last.scroll_into_view_if_needed()
    slider = page.locator(".st-key-lab_checkpoint")
    expect(slider).to_be_in_viewport(ratio=1)
    assert slider.bounding_box()["height"] < 90  # so that the plot below it is in sight too
    play = page.get_by_role("button", name="Play")
    play.tap()
    expect(page).to_have_url(re.compile("moment=1(&|$)"))  # by itself, from checkpoint to checkpoint
    expect(play).to_be_visible()  # it stops at the last one
    page.evaluate(HOLD_THE_CLOCK, PAUSE_MILLISECONDS)  # a slow machine would reach the end before the stop
    play.focus()
    page.keyboard.press("Enter")  # from the last one it begins again
    expect(page).to_have_url(re.compile("moment=0(&|$)"))
    page.wait_for_function("() => Boolean(window.due)")
    page.keyboard.press("Enter")
    expect(play).to_be_visible()
    page.wait_for_function("() => window.due === null")  # it asks for no further checkpoint
    expect(page).to_have_url(re.compile("moment=0(&|$)"))


@pytest.mark.slow
def test_play_moves_once_a_press_where_motion_is_reduced(new_tab, trained):
    page = new_tab(f"/inside?run={trained}&part=answers&moment=0")
    play = page.get_by_role("button", name="Play")
    for place in ("1", "2"):
        play.click()
        expect(page.get_by_role("slider")).to_have_value(place)
        expect(play).to_be_visible()
        settle(page)
    expect(page.get_by_role("slider")).to_have_value("2")


TILE = """tile => {
    const canvas = new OffscreenCanvas(tile.naturalWidth, tile.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(tile, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const alphas = Array.from(pixels).filter((_, place) => place % 4 === 3).sort((a, b) => a - b);
    return [tile.clientWidth, alphas[Math.floor(alphas.length / 2)] / 255];
}"""


@pytest.mark.slow
def test_weights_and_feature_maps_can_be_read_on_a_dark_phone(new_tab, trained):
    """0.1 drew weights 54 px wide, most at a quarter of the colour or less; and maps at 9 %, on dark blue."""
    page = new_tab(f"/inside?run={trained}", **TOUCH, color_scheme="dark")
    width, median = page.locator(".lab-tiles img").first.evaluate(TILE)
    assert width >= 60
    assert median > 0.3
    expect(page.get_by_text("empty picture found nothing")).to_be_visible()
    page.go("/inside?run=pretrained")
    maps = page.locator(".lab-tiles").nth(1)
    expect(maps.locator("img")).to_have_count(32)
    assert maps.evaluate(MAPS) > 0.25
    expect(maps.locator("img").first).to_have_css("background-color", "rgb(0, 0, 0)")


MAPS = """maps => {
    const alphas = [...maps.querySelectorAll('img')].flatMap(map => {
        const canvas = new OffscreenCanvas(map.naturalWidth, map.naturalHeight);
        const context = canvas.getContext('2d');
        context.drawImage(map, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        return Array.from(pixels).filter((alpha, place) => place % 4 === 3 && alpha > 0);
    }).sort((a, b) => a - b);
    return alphas[Math.floor(alphas.length / 2)] / 255;
}"""
