"""The app as a visitor meets it: a server started as the README says, and a real Chromium."""

import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect, sync_playwright

from mnist_core.runs.store import RunStore

ROOT = Path(__file__).parent.parent.parent
MNIST = ROOT.parent / "shared" / "mnist"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For tests, not for benchmarks: their pages are slower than a visitor's, but cost less processor time.
SHORT_LIVED_PAGES = [
    # A page lives for seconds: optimising costs more than it saves, and so do more threads for its garbage.
    # Streaming compiles each script anew while it arrives, though the process has compiled it already.
    "--js-flags=--no-turbofan --no-maglev --single-threaded-gc --no-script-streaming --no-flush-bytecode",
    "--process-per-site",  # with new_context's first page: a process has compiled Streamlit's scripts already
]
SECONDS_TO_START = SECONDS_TO_END = 120
QUIET = 200
POLLING = 50  # milliseconds between two looks at a condition; Playwright's own look at each frame costs more
PATIENCE = 120_000  # milliseconds: no test is about speed, and a machine may be slow and busy
# A run that begins and ends between two looks counts, too.
AT_REST = """([look, milliseconds]) => {
    if (window.look !== look) {
        window.look = look;
        window.readySince = null;
        window.restWatcher?.disconnect();
        window.restWatcher = new MutationObserver(() => { window.readySince = null; });
        restWatcher.observe(document, {subtree: true, attributeFilter: ['data-test-script-state']});
    }
    const ready = document.querySelector('h1')
        && document.querySelector('.stApp[data-test-script-state="notRunning"]')
        && !document.querySelector('[data-testid=stSkeleton]');
    window.readySince = ready ? window.readySince ?? performance.now() : null;
    return ready && performance.now() - window.readySince >= milliseconds;
}"""
# As after Back or Forward: the app shows the page of an address without being loaded again.
GO = """path => {
    window.hasBegun = false;
    const isOfRun = each => each.type === 'attributes' || each.target.matches('[data-testid^=st]');
    const observer = new MutationObserver(changes => { window.hasBegun ||= changes.some(isOfRun); });
    const options = {subtree: true, childList: true, attributeFilter: ['data-test-script-state']};
    observer.observe(document.body, options);  // a short run is seen by what it changes alone
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
}"""
STATE = """() => ({
    heading: document.querySelector('h1')?.innerText,
    script: document.querySelector('.stApp')?.dataset.testScriptState,
    connection: document.querySelector('.stApp')?.dataset.testConnectionState,
    skeletons: document.querySelectorAll('[data-testid=stSkeleton]').length,
    said: document.querySelector('.stMain')?.innerText.slice(0, 1000),
})"""
IS_INKED = """([canvas, x, y]) => {
    if (!canvas.clientWidth) return 'replaced';
    const scale = canvas.width / canvas.clientWidth;
    return canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data[0] > 128 && 'inked';
}"""
PHONE = {"viewport": {"width": 375, "height": 720}}  # for new_tab
MOVING = {"reduced_motion": "no-preference"}
TOUCH = {**PHONE, "has_touch": True, "is_mobile": True}

expect.set_options(timeout=PATIENCE)


# The first is Chromium without its window, which takes a quarter less of the processor.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of the browser, None if this machine has none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def environment(folder: Path, with_mnist: bool = False) -> dict[str, str]:
    """Return the server's environment: runs in `folder`, no network, and the offline sample as data.

    `with_mnist`: real MNIST if it lies at hand, which takes much longer to evaluate.
    """
    data = {"DIGITLAB_DATA": str(MNIST)} if with_mnist and MNIST.exists() else {}
    return {**os.environ, "DIGITLAB_RUNS": str(folder / "runs"), "DIGITLAB_OFFLINE": "1", **data}


@contextmanager
def serve(
    folder: Path, streamlit: str = "streamlit", port: int = 0, with_mnist: bool = False, **settings: str
) -> Iterator[str]:
    """Start the app on a port, by default a free one, and give its address.

    `streamlit` is the module whose command line runs it; `settings` are more environment variables; for
    `with_mnist` see `environment`.
    """
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-m", streamlit, "run", "streamlit_app.py", "--server.headless=true"]
    command += ["--server.address=127.0.0.1", f"--server.port={port}", "--server.fileWatcherType=none"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(folder, with_mnist) | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            prefix = settings.get("STREAMLIT_SERVER_BASE_URL_PATH", "")  # such as /digits
            _wait_until_healthy(f"http://127.0.0.1:{port}{prefix}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(SECONDS_TO_END)


def _wait_until_healthy(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start; it ended with {process.poll()}")


@contextmanager
def launch(*options: str) -> Iterator[Browser]:
    """Start Chromium with CHROMIUM_OPTIONS and further ones."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*CHROMIUM_OPTIONS, *options])
        yield browser
        browser.close()


def delete_for_good(store: RunStore, *runs: str) -> None:
    """Delete runs from the list and from the trash, whose runs count when the next ones get their names."""
    for run in runs:
        store.remove(run)
        shutil.rmtree(store.directory / ".trash" / run)


def draw(page: Page, *strokes: list[tuple[int, int]]) -> None:
    """Draw on the canvas with the mouse: each stroke a list of points in canvas pixels, 0 to 280."""
    settle(page)
    expect(page.locator("canvas.upper-canvas")).to_have_count(1)  # after Undo the old one goes first
    for stroke in strokes:
        _draw_stroke(page, stroke)
    page.locator(".st-key-answer img").first.wait_for()
    settle(page)


def _draw_stroke(page: Page, stroke: list[tuple[int, int]]) -> None:
    """Draw a stroke, and wait until the canvas has taken it in."""
    upper = page.locator("canvas.upper-canvas")
    if upper.bounding_box()["y"] > page.viewport_size["height"] - 400:
        upper.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")  # above a phone's bar
    box = upper.bounding_box()
    scale = box["width"] / 280  # a phone shows the canvas enlarged
    for number, (x, y) in enumerate(stroke):
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=5)
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    wait_for_ink(page, *stroke[-1])


def wait_for_ink(page: Page, x: float, y: float) -> None:
    """Wait until the canvas has ink there, in its own 280 pixels; the page may replace it meanwhile."""
    seen = "replaced"
    while seen == "replaced":
        canvas = page.locator("canvas.dc-canvas.lower-canvas").element_handle()
        place = [canvas, x, y]
        seen = page.wait_for_function(IS_INKED, arg=place, timeout=PATIENCE, polling=POLLING).json_value()


def swipe(page: Page, *way: tuple[float, float]) -> None:
    """Move a finger through these places in the window's pixels; the context has a touch screen."""
    cdp = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", way[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(way):
        for step in range(1, 9):
            touch("touchMove", (x0 + (x1 - x0) * step / 8, y0 + (y1 - y0) * step / 8))
    touch("touchEnd")
    cdp.detach()


def new_context(browser: Browser, url: str, **settings: Any) -> BrowserContext:
    """Return a new visitor's browser; `settings` are those of Playwright's contexts.

    It asks for less motion, as animations take up to half the processor's time; MOVING has them.
    Its first page stays open, so that the process of this site lasts: a page opens with a quarter less work.
    """
    usual = {"base_url": url, "locale": "en-US", "reduced_motion": "reduce"}
    context = browser.new_context(**usual | settings)
    context.set_default_timeout(PATIENCE)
    context.new_page().goto("/_stcore/health")
    return context


def forget_visitor(context: BrowserContext) -> None:
    """Close a context's pages but its first, and delete its cookies and what the app stored there."""
    first, *others = context.pages
    for page in others:
        page.close()
    first.evaluate("localStorage.clear()")
    context.clear_cookies()


def visit(page: Page, path: str) -> None:
    """Go to a page of the app, and wait until it is all there."""
    page.goto(path)
    settle(page)


def go(page: Page, path: str) -> None:
    """Go to another page of the app that is open, at a third of what `visit` costs; its session lasts.

    If nothing is seen of it, it is loaded.
    """
    page.evaluate(GO, path)
    try:
        page.wait_for_function("window.hasBegun", timeout=PATIENCE / 8, polling=POLLING)
    except TimeoutError:
        page.goto(path)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has its title and the server's script has not run for QUIET milliseconds.

    Right after a click the script may not have begun: wait for what the click brings instead.
    """
    try:
        page.wait_for_function(AT_REST, arg=[time.monotonic(), QUIET], timeout=PATIENCE, polling=POLLING)
    except TimeoutError as error:
        raise AssertionError(f"{page.url} did not come to rest: {page.evaluate(STATE)}") from error


def expect_to_fit(page: Page, what: str) -> None:
    """Wait until a page is as wide as its window; say `what` is not if it stays wider."""
    width = page.viewport_size["width"]
    expect(page.get_by_test_id("stMain"), what).to_have_js_property("clientWidth", width)
    expect(page.get_by_test_id("stMain"), what).to_have_js_property("scrollWidth", width)
