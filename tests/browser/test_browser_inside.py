"""The Inside page in a real browser: the slider by keyboard, and what was drawn before."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.browser.server import draw, settle


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
    store.remove(writer.id)


def test_the_slider_moves_by_keyboard_and_a_refresh_keeps_it(page, trained):
    page.open(f"/inside?run={trained}&part=answers")
    matrix = page.locator(".lab-matrix")
    page.get_by_text("After epoch 1: prediction").wait_for()
    trained_matrix = matrix.text_content()
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("moment=0"))
    page.get_by_text("Before training: prediction").wait_for()
    expect(matrix).not_to_have_text(trained_matrix)
    page.reload()
    page.get_by_text("Before training: prediction").wait_for()
    settle(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    page.get_by_text("After epoch 1: prediction").wait_for()
    expect(matrix).to_have_text(trained_matrix)


def test_inside_shows_the_drawing(page, trained):
    page.open(f"/draw?run={trained}")
    draw(page, [(140, 50), (140, 230)])
    page.locator(".st-key-pages").get_by_role("link", name="Inside").click()
    page.locator("h1", has_text="Inside").wait_for()
    settle(page)
    page.get_by_role("radio", name="My drawing").click()
    page.get_by_alt_text("Your drawing").wait_for()
    page.get_by_role("radio", name="Predictions", exact=True).click()
    page.get_by_alt_text("Your drawing").first.wait_for()  # on a busy machine the last section's is there too
    page.get_by_text("After epoch 1: prediction").wait_for()
    settle(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    page.get_by_text("Before training: prediction").wait_for()
    expect(page.get_by_alt_text("Your drawing")).to_be_visible()
