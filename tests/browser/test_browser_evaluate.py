import re

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix

from mnist_core.architectures import build_model
from mnist_core.config import TrainConfig
from mnist_core.data import find_mnist, load_sample, open_mnist
from mnist_core.evaluation import evaluate
from mnist_core.runs.store import RunStore
from tests.browser.server import environment, settle

CONFIG = TrainConfig(widths=(16,), monitor="test")


def guessing_model(images):
    """A network that guesses, each digit about as often: its outputs don't know the images' mean."""
    model = build_model(CONFIG)
    last = model.network[-1]
    with torch.no_grad():
        mean = model.network[:-1](model.scaling(torch.from_numpy(images))).mean(0)
        last.weight -= torch.outer(last.weight @ mean, mean) / mean.dot(mean)
        last.bias.zero_()
    return model.eval()


@pytest.fixture(scope="module")
def answers(address, tmp_path_factory):
    """A run that only guesses, so that most cells have images, and its answers to the test images."""
    base = tmp_path_factory.getbasetemp()
    found = find_mnist(environment(base).get("DIGITLAB_DATA"))
    data = open_mnist(found) if found else load_sample()
    writer = RunStore(base / "runs").create(CONFIG)
    model = guessing_model(data.test.images)
    writer.save(model, 1)
    writer.update("finished")
    writer.close()
    result = evaluate(model, data.test)
    assert (result.confusion_matrix > 0).sum() > 60
    yield writer.id, result
    RunStore(base / "runs").remove(writer.id)


def place_of(page, true, read):
    """The middle of a cell, in pixels of the window."""
    box = page.locator(".js-plotly-plot .plot .heatmaplayer image, .js-plotly-plot .heatmaplayer image")
    box = box.first.bounding_box()
    side = box["width"] / 10, box["height"] / 10
    return box["x"] + (read + 0.5) * side[0], box["y"] + (true + 0.5) * side[1]


def said(true, read, count):
    """How the page says what is in a cell, without the words around it."""
    if not count:
        return f"No {true} was read as {read}."
    if true == read:
        return f"{count:,} image{'s' * (count != 1)} of a {true}, read right"
    return f"{count:,} image{'s' * (count != 1)} of a {true}, read as {read}"


def test_each_of_the_hundred_cells_clicked_opens_exactly_its_images(page, answers):
    run, result = answers
    matrix = confusion_matrix(result.labels, result.predictions, labels=range(10))
    page.open(f"/evaluate?run={run}")
    page.locator(".js-plotly-plot .heatmaplayer image").first.wait_for()
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    for true, read in np.ndindex(10, 10):
        page.mouse.click(*place_of(page, true, read))
        count = int(matrix[true, read])
        page.get_by_text(said(true, read, count), exact=count > 0).wait_for(timeout=5000)
        images = page.locator(".st-key-lab_images img")
        if count:
            images.first.wait_for()
            expected = [f"Image {n}: a {true} read as {read}" for n in result.cell(true, read)[:12]]
            page.wait_for_function(
                "alts => JSON.stringify([...document.querySelectorAll('.st-key-lab_images img')]"
                ".map(e => e.alt)) === JSON.stringify(alts)",
                arg=expected,
            )


def test_a_cell_and_an_image_are_opened_by_keyboard(page, answers):
    run, result = answers
    page.open(f"/evaluate?run={run}")
    true, read = 5, int(np.argmax(result.confusion_matrix[5]))
    for key, digit in {"true": true, "read": read}.items():
        field = page.locator(f".st-key-{key} input")
        field.focus()
        field.fill(str(digit))
        field.press("Enter")
        page.wait_for_url(re.compile(f"{key}={digit}"))
        settle(page)
    page.get_by_text(said(true, read, int(result.confusion_matrix[true, read])), exact=True).wait_for()
    first = page.locator(".st-key-lab_images button").first
    first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Integrated gradients").first.wait_for()
    page.get_by_role("button", name="All of them").focus()
    page.keyboard.press("Enter")
    first.wait_for()


def test_an_open_image_is_a_link(page, answers):
    run, result = answers
    index = int(result.hardest[0])
    page.open(f"/evaluate?run={run}&view=hardest&image={index}&why=layers")
    assert page.get_by_alt_text(f"image number {index:,}").first.is_visible()
    assert page.get_by_text("Fully connected, 16 units").is_visible()


def test_robustness_is_measured_while_the_page_answers_and_is_stopped(page, answers):
    run, _ = answers
    page.open(f"/evaluate?run={run}&view=robust&count=2000")
    page.get_by_role("button", name="Measure").click()
    page.get_by_text("Measuring:").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Measure").wait_for(timeout=10_000)
    page.get_by_text("Digit by digit").click()
    page.locator('[data-testid="stDataFrame"]').wait_for(timeout=10_000)


def test_an_image_is_sent_to_the_draw_page_and_read_there(page, answers):
    run, result = answers
    index = int(result.hardest[0])
    page.open(f"/evaluate?run={run}&view=hardest&image={index}")
    page.get_by_role("link", name="Send it to the Draw page").click()
    page.locator("h1", has_text="Draw").wait_for()
    settle(page)
    assert f"test-{index}" in page.url or f"sent=test-{index}" in page.url
    page.locator(".lab-bars").first.wait_for()
    assert run in page.url
