"""The Train page while a network learns: curves that don't flicker, buttons that answer at once."""

import re

import pytest

from mnist_core.data import find_mnist, load_sample, open_mnist
from mnist_core.evaluation import evaluate
from mnist_core.runs.store import RunStore
from tests.browser.server import MNIST

PATIENCE = 40_000
WATCH_FRAMES = """
async seconds => {
    const drawn = () => {
        const chart = document.querySelector('[data-testid="stVegaLiteChart"]');
        const picture = chart && chart.querySelector('svg, canvas');
        return picture && picture.getBoundingClientRect().height > 50
            && (picture.tagName === 'CANVAS' || picture.querySelector('.mark-line path[d]') !== null);
    };
    let frames = 0, missing = 0;
    const end = performance.now() + 1000 * seconds;
    while (performance.now() < end) {
        await new Promise(requestAnimationFrame);
        frames += 1;
        if (!drawn()) missing += 1;
    }
    return {frames, missing};
}
"""


def steer(page, name):
    return page.locator(".st-key-steering").get_by_role("button", name=name)


@pytest.fixture
def running(page):
    """The page with a run of many epochs, its curves on the screen; stopped in the end."""
    page.open("/train?recipe=tutorial-1&epochs=1000")
    page.get_by_role("button", name=re.compile("Start")).click()
    page.wait_for_url(re.compile("run="))
    page.locator('[data-testid="stVegaLiteChart"] :is(svg, canvas)').first.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(1500)
    yield page
    if steer(page, "Stop").count():
        steer(page, "Stop").click()
    page.get_by_role("heading", name="stopped").wait_for(timeout=PATIENCE)


def test_no_frame_is_without_the_curves(running):
    steps = running.get_by_text("images per second").inner_text()
    seen = running.evaluate(WATCH_FRAMES, 10)
    assert seen["frames"] > 30
    assert seen["missing"] == 0
    assert running.get_by_text("images per second").inner_text() != steps  # it did go on meanwhile


def test_stop_answers_within_a_second_and_the_test_accuracy_follows(running):
    steer(running, "Stop").click()
    running.get_by_role("heading", name=re.compile("stopp(ing|ed)")).wait_for(timeout=1000)
    running.get_by_role("heading", name="stopped").wait_for(timeout=PATIENCE)
    running.get_by_text("Test accuracy").wait_for(timeout=PATIENCE)


def test_the_accuracy_after_stop_is_that_of_the_runs_own_weights(running, tmp_path_factory):
    steer(running, "Stop").click()
    metric = running.get_by_test_id("stMetric").filter(has_text="Test accuracy")
    metric.wait_for(timeout=PATIENCE)
    run_id = re.search("run=([0-9a-f]+)", running.url)[1]
    model = RunStore(tmp_path_factory.getbasetemp() / "runs").get(run_id).load_model()
    place = find_mnist(MNIST if MNIST.exists() else None)
    data = open_mnist(place) if place else load_sample()
    assert f"{evaluate(model, data.test).accuracy:.2%}" in metric.inner_text()


def test_a_pause_survives_a_refresh_and_goes_on(running):
    steer(running, "Pause").click()
    running.get_by_role("heading", name=re.compile("paus(ing|ed)")).wait_for(timeout=1000)
    running.get_by_role("button", name="Go on with it").wait_for(timeout=PATIENCE)
    running.reload()
    running.get_by_role("heading", name="paused").wait_for(timeout=PATIENCE)
    running.get_by_role("button", name="Go on with it").click()
    running.get_by_text("images per second").wait_for(timeout=PATIENCE)


def test_start_is_within_reach_on_a_phone(browser, address):
    page = browser.new_page(base_url=address, viewport={"width": 375, "height": 720}, locale="en-US")
    page.goto("/train")
    start = page.get_by_role("button", name=re.compile("Start"))
    start.wait_for(timeout=PATIENCE)
    box = start.bounding_box()
    assert 0 < box["y"] < 720 - box["height"]
    page.close()
