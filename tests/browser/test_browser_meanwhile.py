"""While robustness is measured or a t-SNE map is made, the pages answer; Stop ends the work."""

import re
import time

import pytest

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from tests.browser.server import settle

SECONDS_TO_ANSWER = 2.0
NETWORK = {"architecture": "cnn", "channels": (16, 32), "widths": (32,)}  # enough work to last


@pytest.fixture
def cnn(address, tmp_path_factory):
    """The id of a run with a CNN that has learned nothing; gone afterwards."""
    from mnist_core.architectures import build_model

    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    writer = store.create(TrainConfig(**NETWORK))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", epochs=1)
    writer.close()
    yield writer.id
    store.remove(writer.id)


def quickest(page, *turns):
    """The least of the seconds that several clicks took: (radio to click, what then shows)."""
    taken = []
    for name, shown in turns:
        begin = time.perf_counter()
        page.get_by_role("radio", name=name, exact=True).click()
        page.locator(shown).first.wait_for(timeout=15_000)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def percent(page, words):
    text = page.get_by_text(re.compile(words + r" \d+")).first.inner_text(timeout=15_000)
    return int(re.search(r"(\d+)\s*%", text)[1])


def test_the_page_answers_while_robustness_is_measured_and_stop_ends_it(page, cnn):
    page.open(f"/evaluate?run={cnn}&view=robust&count=2000")
    begin = page.get_by_role("button", name="Measure", exact=True)
    begin.click()
    page.get_by_text(re.compile(r"Measuring: \d+")).wait_for(timeout=20_000)
    before = percent(page, "Measuring:")
    table, digits = '[data-testid="stDataFrame"]', ".st-key-lab_images"
    assert quickest(page, ("Digit by digit", table), ("Hardest images", digits)) < SECONDS_TO_ANSWER
    page.get_by_role("radio", name="Robustness", exact=True).click()
    page.get_by_text(re.compile(r"Measuring: \d+")).wait_for(timeout=15_000)
    page.wait_for_timeout(1500)
    assert percent(page, "Measuring:") > before
    page.get_by_role("button", name="Stop", exact=True).click()
    begin.wait_for(timeout=15_000)
    page.get_by_text("Stopped; below is what was measured until then.").wait_for()
    page.wait_for_timeout(1500)
    page.reload()
    settle(page)
    assert begin.is_visible()  # it has ended for good, not only for this visitor


def test_the_page_answers_while_a_map_is_made_and_stop_ends_it(page, cnn):
    page.open(f"/inside?run={cnn}&part=map&method=tsne")
    begin = page.get_by_role("button", name="Make the t-SNE map")
    begin.click()
    page.get_by_text(re.compile(r"Moving the dots: \d+")).wait_for(timeout=20_000)
    before = percent(page, "Moving the dots:")
    layers, matrix = ".lab-tiles", ".lab-matrix"
    assert quickest(page, ("Weights and layers", layers), ("Answers", matrix)) < SECONDS_TO_ANSWER
    page.get_by_role("radio", name="Map", exact=True).click()
    page.get_by_text(re.compile(r"Moving the dots: \d+")).wait_for(timeout=15_000)
    assert percent(page, "Moving the dots:") > before
    page.get_by_role("button", name="Stop", exact=True).click()
    begin.wait_for(timeout=15_000)
    for _ in range(8):  # it ends at its next step
        page.wait_for_timeout(1000)
        page.reload()
        settle(page)
        if begin.is_visible():
            break
    assert begin.is_visible()
