from collections import defaultdict
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Error

from mnist_core.recipes import RECIPES
from mnist_core.runs.run import UNFINISHED
from mnist_core.runs.store import RunStore
from tests.browser import server

DESKTOP = {"width": 1280, "height": 800}


def pytest_collection_modifyitems(items):
    """Run a browser test that failed once more: of a hundred, one meets a page between two of its states.

    The report lists it as RERUN, with its traceback; what fails twice has failed.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser():
    """A real Chromium, or a skipped test where there is none."""
    if server.chromium() is None:
        pytest.skip(f"the browser tests need Chromium: none of {', '.join(server.BROWSERS)} is on the PATH")
    with server.launch(*server.SHORT_LIVED_PAGES) as running:
        yield running


@pytest.fixture(scope="session")
def address(browser, tmp_path_factory):
    """The app on the offline sample, running with an empty run store."""
    with server.serve(tmp_path_factory.getbasetemp()) as url:
        yield url


@pytest.fixture(scope="session")
def with_mnist(browser, mnist_directory, tmp_path_factory):
    """The app on the real MNIST."""
    with server.serve(tmp_path_factory.mktemp("mnist"), with_mnist=True) as url:
        yield url


@pytest.fixture
def two_runs(address, tmp_path_factory):
    """The ids of two runs that ended, of the recipes Quick and Tutorial 1; gone afterwards.

    Runs that other tests have left go first: a long name makes the table's rows higher.
    """
    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    ended = [run.id for run in store.list() if run.status not in UNFINISHED]
    server.delete_for_good(store, *ended)
    made = []
    for recipe in ("quick", "tutorial-1"):
        writer = store.create(RECIPES[recipe].config)
        writer.update("finished")
        writer.close()
        made.append(writer.id)
    yield made
    server.delete_for_good(store, *made)


@pytest.fixture(scope="session")
def free_contexts():
    """Contexts that no test uses, by server and settings: their caches hold Streamlit's scripts (0.8 s)."""
    return defaultdict(list)


def stop_what_is_left(tab):
    """Stop a training that a failed test has left, for which the next test's would wait."""
    with suppress(Error):
        for button in tab.locator(".st-key-run_controls").get_by_role("button", name="Stop").all():
            button.click(timeout=5000)
            button.wait_for(state="detached", timeout=5000)


@pytest.fixture
def new_tab(browser, address, free_contexts):
    """Open a page as a new visitor, `new_tab("/train", locale="zh-CN")`; closed in the end."""
    used = []

    def open_tab(
        path=None, url=address, viewport=DESKTOP, color_scheme="light", reduced_motion="reduce", **settings
    ):
        free = free_contexts[url, repr(settings)]
        context = free.pop() if free else server.new_context(browser, url, **settings)
        used.append((context, free))
        tab = context.new_page()
        tab.set_viewport_size(viewport)  # of the tab, as a new context opens its first page slowly
        tab.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        tab.open, tab.go = partial(server.visit, tab), partial(server.go, tab)
        tab.wait_for_function = partial(tab.wait_for_function, polling=server.POLLING)
        if path is not None:
            tab.open(path)
        return tab

    yield open_tab
    for context, free in used:
        for tab in context.pages:
            stop_what_is_left(tab)
        server.forget_visitor(context)
        free.append(context)


@pytest.fixture
def page(new_tab):
    """A visitor's tab; `page.open(path)` loads a page of the app, `page.go(path)` shows the next one."""
    return new_tab()


@pytest.fixture(scope="session")
def public(browser, tmp_path_factory):
    """A server for which every visitor is remote, and without a limit of epochs."""
    settings = {"DIGITLAB_PRIVATE": "1", "DIGITLAB_EPOCHS_LIMIT": "none"}
    with server.serve(tmp_path_factory.mktemp("public"), **settings) as url:
        yield url


@pytest.fixture
def visitor(new_tab, public):
    """Open a browser of its own, which keeps its own cookies."""

    def visit(path="/", **settings):
        return new_tab(path, url=public, **settings)

    return visit
