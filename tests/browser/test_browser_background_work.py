"""While a t-SNE map is made, the pages answer; Stop ends the work, and so does leaving.

The server is one whose work in the background lasts, so that there is something to watch.
"""

import pytest
from playwright.sync_api import Page, expect

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from mnist_core.runtime.job import SECONDS_TO_RETURN
from tests.browser.server import delete_for_good, serve

pytestmark = pytest.mark.slow  # all of them: they have a server of their own
SAID = """([words, above]) => {
    const said = document.querySelector('.stMain')?.innerText.match(new RegExp(words + ' (\\\\d+)\\\\s*%'));
    return said && Number(said[1]) > above ? said[1] : null;
}"""
WORDS = "Computing t-SNE:"
NETWORK = {"architecture": "cnn", "channels": (16, 32), "widths": (32,)}

# What shows that each of these sections is open.
SECTIONS = {"Weights and feature maps": ".lab-tiles", "Predictions": ".lab-matrix"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the server keeps its runs."""
    return tmp_path_factory.mktemp("lasting")


@pytest.fixture(scope="module")
def lasting(browser, folder):
    """The app's address."""
    with serve(folder, "tests.browser.lasting") as url:
        yield url


@pytest.fixture
def page(new_tab, lasting):
    """A visitor's tab."""
    return new_tab(url=lasting)


@pytest.fixture
def cnn(lasting, folder):
    """The id of a run with a CNN that has learned nothing; gone afterwards."""
    from mnist_core.models.architectures import build_model

    store = RunStore(folder / "runs")
    writer = store.create(TrainConfig(**NETWORK))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", epochs=1)
    writer.close()
    yield writer.id
    delete_for_good(store, writer.id)


def percent_done(page: Page, words: str, above: int = -1) -> int:
    """Wait until the page says `words` with a percentage above that; return it."""
    return int(page.wait_for_function(SAID, arg=[words, above]).json_value())


def open_section(page, name):
    page.get_by_role("radio", name=name, exact=True).click()


def test_the_page_answers_while_it_works_and_stop_ends_it(page, cnn):
    page.open(f"/inside?run={cnn}&part=map&method=tsne")
    begin = page.get_by_role("button", name="Compute t-SNE", exact=True)
    begin.click()
    before = percent_done(page, WORDS)
    for name, shown in SECTIONS.items():
        open_section(page, name)
        page.locator(shown).first.wait_for()
    open_section(page, "PCA and t-SNE")
    percent_done(page, WORDS, above=before)  # it has gone on, and still does
    page.get_by_role("button", name="Stop", exact=True).click()
    begin.wait_for()
    page.get_by_text("t-SNE is computed for each checkpoint").wait_for()
    page.reload()
    begin.wait_for()  # it has ended for good, not only for this visitor
    expect(page.get_by_text(WORDS)).to_have_count(0)


def test_a_job_goes_on_in_a_reloaded_tab_and_ends_when_the_tab_is_closed(page, new_tab, lasting):
    map_by_tsne = "/?view=map&method=tsne"
    page.open(map_by_tsne)
    page.get_by_role("button", name="Compute t-SNE").click()
    before = percent_done(page, WORDS)
    page.reload()
    before = percent_done(page, WORDS, above=before)
    percent_done(page, WORDS, above=before)
    other = new_tab("/?view=grid", url=lasting)  # does not look at the map
    page.close()
    other.wait_for_timeout(1000 * (SECONDS_TO_RETURN + 5))  # and the step under way
    other.open(map_by_tsne)
    other.get_by_role("button", name="Compute t-SNE").wait_for()
    expect(other.get_by_text(WORDS)).to_have_count(0)
