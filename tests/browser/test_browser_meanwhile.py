"""While robustness is measured or a t-SNE map is made, the pages answer; Stop ends the work."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from tests.browser.watching import percent_done

NETWORK = {"architecture": "cnn", "channels": (16, 32), "widths": (32,)}


@dataclass(frozen=True)
class Work:
    """Where it is begun, by which button; what is said while it goes on, and where it was stopped."""

    path: str
    section: str
    button: str
    progress: str
    stopped: str
    others: dict[str, str]  # the page's other sections -> what shows that they are open


ROBUSTNESS = Work(
    "/evaluate?run={run}&view=robust",
    "Robustness",
    "Measure",
    "Measuring:",
    "Stopped; below is what was measured until then.",
    {"Digit by digit": '[data-testid="stDataFrame"]', "Hardest images": ".st-key-lab_images"},
)
TSNE = Work(
    "/inside?run={run}&part=map&method=tsne",
    "Map",
    "Make the t-SNE map",
    "Moving the dots:",
    "This map has to be computed for each moment",
    {"Weights and layers": ".lab-tiles", "Answers": ".lab-matrix"},
)


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


def open_section(page, name):
    page.get_by_role("radio", name=name, exact=True).click()


@pytest.mark.parametrize("work", [ROBUSTNESS, TSNE], ids=["robustness", "tsne"])
def test_the_page_answers_while_it_works_and_stop_ends_it(page, cnn, work):
    page.open(work.path.format(run=cnn))
    begin = page.get_by_role("button", name=work.button, exact=True)
    begin.click()
    before = percent_done(page, work.progress)
    for name, shown in work.others.items():
        open_section(page, name)
        page.locator(shown).first.wait_for()
    open_section(page, work.section)
    percent_done(page, work.progress, above=before)  # it has gone on, and still does
    page.get_by_role("button", name="Stop", exact=True).click()
    begin.wait_for()
    page.get_by_text(work.stopped).wait_for()
    page.reload()
    begin.wait_for()  # it has ended for good, not only for this visitor
    expect(page.get_by_text(work.progress)).to_have_count(0)
