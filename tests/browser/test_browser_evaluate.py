import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from mnist_core.runs.store import RunStore
from tests.browser.server import delete_for_good, settle

CONFIG = TrainConfig(widths=(16,), monitor="test")
IMAGES_ARE = """alts => JSON.stringify(alts) === JSON.stringify(
    [...document.querySelectorAll('.st-key-lab_images img')].map(image => image.alt))"""
FRAME_IS_ON = """([row, column]) => {
    const chart = document.querySelector('.js-plotly-plot');
    const matrix = chart?.querySelector('.heatmaplayer image')?.getBoundingClientRect();
    const frame = chart?.querySelector('.shapelayer path')?.getBoundingClientRect();
    const cell = (at, start, size) => Math.floor(10 * (at - start) / size);
    return matrix && frame
        && cell(frame.top + frame.height / 2, matrix.top, matrix.height) === row
        && cell(frame.left + frame.width / 2, matrix.left, matrix.width) === column;
}"""


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
    data = load_sample()
    writer = RunStore(base / "runs").create(CONFIG)
    model = guessing_model(data.test.images)
    writer.save(model, 1)
    writer.update("finished")
    writer.close()
    result = evaluate(model, data.test)
    assert (result.confusion_matrix > 0).sum() > 60
    yield writer.id, result
    delete_for_good(RunStore(base / "runs"), writer.id)


def place_of(page, true, read):
    """The middle of a cell, in pixels of the window."""
    box = page.locator(".js-plotly-plot .heatmaplayer image").first.bounding_box()
    side = box["width"] / 10, box["height"] / 10
    return box["x"] + (read + 0.5) * side[0], box["y"] + (true + 0.5) * side[1]


def said(true, read, count):
    """How the page says what is in a cell, without the words around it."""
    if not count:
        return f"No {true} was classified as {read}."
    if true == read:
        return f"{count:,} image{'s' * (count != 1)} of {true}, classified correctly"
    return f"{count:,} image{'s' * (count != 1)} of {true}, classified as {read}"


CELLS = ((0, 9), (2, 7), (4, 4), (6, 1), (9, 0))  # at the corners and within


def test_a_clicked_cell_opens_exactly_its_images(page, answers):
    from sklearn.metrics import confusion_matrix  # only here: 2 s of each test process otherwise

    run, result = answers
    matrix = confusion_matrix(result.labels, result.predictions, labels=range(10))
    page.open(f"/evaluate?run={run}")
    page.locator(".js-plotly-plot .heatmaplayer image").first.wait_for()
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    settle(page)
    for true, read in CELLS:
        page.mouse.click(*place_of(page, true, read))
        count = int(matrix[true, read])
        page.get_by_text(said(true, read, count), exact=count > 0).wait_for()
        alts = [f"Image {n}: {true} classified as {read}" for n in result.cell(true, read)[:12]]
        page.wait_for_function(IMAGES_ARE, arg=alts)
        page.wait_for_function(FRAME_IS_ON, arg=[true, read])  # the chart is ready for the next click


def far_from_the_first(matrix):
    """The digits of an error, both others than those of the most frequent one, which is open at first."""
    errors = np.where(np.eye(10, dtype=bool), 0, matrix)
    true, read = np.unravel_index(errors.argmax(), errors.shape)
    errors[true], errors[:, read] = 0, 0
    return tuple(map(int, np.unravel_index(errors.argmax(), errors.shape)))


def test_a_cell_and_an_image_are_opened_by_keyboard(page, answers):
    run, result = answers
    page.open(f"/evaluate?run={run}")
    true, read = far_from_the_first(result.confusion_matrix)
    for key, digit in {"true": true, "read": read}.items():
        field = page.locator(f".st-key-{key} input")
        field.focus()
        field.fill(str(digit))
        expect(page.get_by_role("option")).to_have_text([str(digit)])
        field.press("Enter")
        expect(page).to_have_url(re.compile(f"{key}={digit}"))
        settle(page)
    page.get_by_text(said(true, read, int(result.confusion_matrix[true, read])), exact=True).wait_for()
    first = page.locator(".st-key-lab_images button").first
    settle(page)
    first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Integrated gradients").first.wait_for()
    settle(page)
    page.get_by_role("button", name="All images").focus()
    page.keyboard.press("Enter")
    first.wait_for()


def test_an_open_image_is_a_link(page, answers):
    run, result = answers
    index = int(result.worst[0])
    page.open(f"/evaluate?run={run}&view=hardest&image=test-{index}&why=layers")
    expect(page.get_by_alt_text(f"image number {index:,}").first).to_be_visible()
    expect(page.get_by_text("Fully connected, 16 units")).to_be_visible()


def test_an_image_is_sent_to_the_draw_page_and_read_there(page, answers):
    run, result = answers
    index = int(result.worst[0])
    page.open(f"/evaluate?run={run}&view=hardest&image={index}")
    page.get_by_role("link", name="Open in Draw").click()
    page.locator("h1", has_text="Draw").wait_for()
    page.locator(".lab-bars").first.wait_for()
    expect(page).to_have_url(re.compile(f"[?&]sent=test-{index}(&|$)"))
    expect(page).to_have_url(re.compile(f"[?&]run={run}"))
