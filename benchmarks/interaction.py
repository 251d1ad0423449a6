"""`python -m benchmarks.interaction`: latency of clicks, Stop and first paint, idle and while training.

It starts the app and uses it in a real Chromium. It times 50 interactions within the page, from the click or
key press to the first change of the affected content, idle and while a CNN trains; the training's slowdown
meanwhile; the time from Stop to the end of a training; and the first paint after a cold start. A slider's
interaction ends with its own value; its effect is timed separately, as Streamlit debounces it by 200 ms.
A change of the axis ends with the chart's new drawing.
Learn's linked cells are timed by arrow keys, from the key to the frame that shows the lit cell.
"""

import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page
from tqdm import tqdm

from benchmarks.app import run_benchmark, serve, visit
from benchmarks.measurement import Table, markdown
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import METRICS_FILE, Run
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import usable_cores
from tests.browser.server import launch, settle

ROUNDS = 5  # of ten interactions
SLIDES = 6
KEYS = 20
COLD_STARTS = 5
SECONDS_ALONE = 15  # of training without an open page
TRAINING = "recipe=tutorial-4b&epochs=1000"
STOPPED = list(product(("tutorial-1", "tutorial-4b"), (15, 100, 1000)))  # recipes and batch sizes
LIMITS = {"idle": 120, "training": 200, "idle, linked cells": 50}  # milliseconds, of 95 in 100 interactions
SLOWEST_STOP, SLOWEST_PAINT = 1000, 2000  # milliseconds
# WATCH sets a promise of the milliseconds from the last click or key press to the first change within
# `selector` that contains `text`; FIRST_PAINT of those from the request to the digits. No layout is forced.
WATCH = """([selector, text]) => {
  let begun = null;
  const begin = event => { begun = event.timeStamp; };
  for (const kind of ['click', 'keydown']) addEventListener(kind, begin, true);
  const within = node => (node.closest ? node : node.parentElement)?.closest(selector);
  const brings = node => node.querySelector?.(selector) || within(node);
  const answers = change => within(change.target) || [...change.addedNodes].some(brings);
  const reads = () => document.querySelector(selector)?.textContent.includes(text);
  const all = {subtree: true, childList: true, characterData: true, attributeFilter: ['src']};
  window.answered = new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no answer within ${selector}`)), 30000);
    new MutationObserver((changes, observer) => {
      if (begun === null || !changes.some(answers) || !reads()) return;
      observer.disconnect();
      done(performance.now() - begun);
    }).observe(document.body, all);
  });
  window.answered.catch(() => {});
}"""
FIRST_PAINT = """window.arrived = new Promise(done => {
  const observer = new MutationObserver(() => {
    if (document.querySelector('.lab-digits img')) requestAnimationFrame(() => done(performance.now()));
  });
  observer.observe(document, {subtree: true, childList: true});
})"""

# keysTimed takes up the milliseconds from each key to the frame after it; the cells are in a shadow root.
TIME_KEYS = """cells => {
  const times = window.keysTimed = [];
  const note = event => setTimeout(() => times.push(performance.now() - event.timeStamp));
  cells.getRootNode().addEventListener('keydown', event => requestAnimationFrame(() => note(event)), true);
}"""


def timed(page: Page, act: Callable[[], object], selector: str, text: str = "") -> float:
    """Return the milliseconds from an action's last input to the first change within `selector`."""
    page.evaluate(WATCH, [selector, text])
    act()
    took = page.evaluate("answered")
    settle(page)
    return took


def go(page: Page, title: str) -> Callable[[], None]:
    return page.locator(".lab-pages").get_by_role("link", name=title).click


def pill(page: Page, key: str, name: str) -> Callable[[], None]:
    """Return the click on one of the options of a pills or segmented control."""
    return page.locator(f".st-key-{key}").get_by_text(name, exact=True).click


def slide(page: Page) -> Callable[[], None]:
    """Return the key press that increases a slider."""
    return partial(page.locator(".st-key-set_batch_size input").first.press, "ArrowRight")


def slider_latencies(page: Page) -> list[float]:
    """Return the milliseconds from each slider step to the changed training summary."""
    visit(page, "/train?recipe=tutorial-1&lang=en")
    return [timed(page, slide(page), ".st-key-training_summary strong") for _ in range(SLIDES)]


def linked_cell_latencies(page: Page) -> list[float]:
    """Return the milliseconds from each arrow key on a picture's pixels to the frame with the linked cell."""
    visit(page, "/learn?chapter=image&digit=0&lang=en")
    cells = page.locator(".st-key-lab_cells_image .cells").first
    cells.locator(".cell").first.click()
    cells.evaluate(TIME_KEYS)
    for count in range(1, KEYS + 1):
        page.keyboard.press("ArrowDown")
        page.wait_for_function(f"keysTimed.length === {count}")
    times: list[float] = page.evaluate("keysTimed")
    return times


def interact(page: Page, number: int, run: str) -> Iterator[float]:
    """Do ten interactions, different in odd and even rounds; yield the milliseconds of each."""
    odd = number % 2 == 1
    visit(page, f"/?run={run}&lang={'en' if odd else 'zh'}")
    language = "中文" if odd else "English"
    yield timed(page, page.locator(".st-key-lang").get_by_text(language).click, "h1")
    visit(page, f"/?run={run}&lang=en")
    yield timed(page, page.get_by_role("button", name="New random sample").click, ".lab-digits")
    yield timed(page, pill(page, "digit", "2"), ".lab-digits")
    yield timed(page, go(page, "Train"), "h1")
    recipe = RECIPES["tutorial-1"].title
    yield timed(page, pill(page, "set_recipe", recipe), ".st-key-training_summary strong")
    yield timed(page, slide(page), ".st-key-set_batch_size [data-testid=stSliderThumbValue]")
    axis = page.get_by_text("Logarithmic axis", exact=True)
    chart = ".stMain [data-testid=stVegaLiteChart] svg"  # not its hidden name, which changes sooner
    yield timed(page, axis.click, chart)
    yield timed(page, go(page, "Evaluate"), "h1")
    yield timed(page, go(page, "Draw"), "h1")
    picture = page.get_by_text("Pictures", exact=True)
    yield timed(page, picture.click, "[data-testid=stFileUploader]")


def interact_often(page: Page, run: str, what: str) -> list[float]:
    """Return the milliseconds of ROUNDS rounds, after one warm-up round."""
    for _ in interact(page, 0, run):
        pass
    rounds = tqdm(range(1, ROUNDS + 1), desc=what)
    return [took for number in rounds for took in interact(page, number, run)]


@contextmanager
def training(page: Page, settings: str) -> Iterator[str]:
    """Train on the Train page until the block ends; yield the run's id."""
    visit(page, f"/train?{settings}")
    # The queue may still be testing the run before: then the button adds to it.
    page.get_by_role("button", name=re.compile("Start training|Add to the queue")).click()
    page.wait_for_url(re.compile("run="))
    page.get_by_text("images per second").wait_for(timeout=120_000)
    run = re.search("run=([0-9a-f]+)", page.url)[1]
    yield run
    if run not in page.url or "/train" not in page.url:
        visit(page, f"/train?run={run}&lang=en")
    if (stop := page.locator(".stMain").get_by_role("button", name="Stop")).count():
        stop.click()
    page.get_by_text("Test accuracy").wait_for(timeout=120_000)  # the training has ended


def speeds(run: Run, spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return a stopped run's images per second in each span of time; its last row is at its end."""
    rows = run.metrics()
    stopped = (run.folder / METRICS_FILE).stat().st_mtime
    moment = stopped - rows["train_seconds"].iloc[-1] + rows["train_seconds"]
    parts = [rows[moment.between(*span)] for span in spans]
    return [run.config.batch_size * np.ptp(part["step"]) / np.ptp(part["train_seconds"]) for part in parts]


def interaction_latencies(
    browser: Browser, address: str, store: RunStore
) -> tuple[Table, tuple[float, float]]:
    """Return the rows of the latencies' distribution, and the training's speed alone and during them."""
    page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800}, locale="en-US")
    times = {
        "idle": interact_often(page, "pretrained", "idle"),
        "idle, plan after a slider": slider_latencies(page),
        "idle, linked cells": linked_cell_latencies(page),
    }
    with training(page, TRAINING) as run:
        page.goto("about:blank")
        begun = time.time()
        time.sleep(SECONDS_ALONE)
        met = time.time()
        times["training"] = interact_often(page, run, "training")
        left = time.time()
    alone, during = speeds(store.get(run), [(begun, met), (met, left)])
    rows = []
    for name, took in times.items():
        middle, most = np.percentile(took, (50, 95))
        limit = LIMITS.get(name)
        verdict = f"{'within' if most <= limit else 'OVER'} {limit}" if limit else "200 are Streamlit's"
        rows.append((name, len(took), f"{middle:.0f}", f"{most:.0f}", f"{max(took):.0f}", verdict))
    return rows, (alone, during)


def stop_latencies(browser: Browser, address: str) -> Table:
    """Return the rows of the milliseconds from a click on Stop to the page's "stopped"."""
    page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800}, locale="en-US")
    rows = []
    for recipe, batch in tqdm(STOPPED, desc="stop"):
        with training(page, f"recipe={recipe}&batch_size={batch}&epochs=1000"):
            page.wait_for_timeout(2000)
            took = timed(
                page,
                page.locator(".stMain").get_by_role("button", name="Stop").click,
                ".stMain h3",
                "stopped",
            )
        rows.append((recipe, batch, f"{took:.0f}", "within" if took <= SLOWEST_STOP else "OVER"))
    return rows


def first_paint(browser: Browser, data: Path) -> float:
    """Return the milliseconds from the first request to a new server until its digits are painted."""
    with tempfile.TemporaryDirectory() as folder, serve(data, Path(folder)) as (address, _server):
        page = browser.new_page(base_url=address, locale="en-US")
        page.add_init_script(FIRST_PAINT)
        page.goto("/")
        took = page.evaluate("arrived")
        page.close()
    return took


def report(data: Path) -> str:
    """Measure everything; return tables and verdicts."""
    with launch() as browser:
        paints = [first_paint(browser, data) for _ in tqdm(range(COLD_STARTS), desc="cold start")]
        with tempfile.TemporaryDirectory() as folder, serve(data, Path(folder)) as (address, _server):
            answered, (alone, during) = interaction_latencies(browser, address, RunStore(Path(folder)))
            stopped = stop_latencies(browser, address)
    paint = float(np.median(paints))
    parts = [
        f"{usable_cores()} cores, {platform.machine()}, {platform.system()}, Chromium {browser.version}",
        markdown(("interactions", "n", "p50, ms", "p95, ms", "most, ms", "p95 against its limit"), answered),
        f"Training: {alone:,.0f} images a second alone, {during:,.0f} meanwhile ({during / alone:.0%}).",
        markdown(("Stop", "batch size", "ms", f"{SLOWEST_STOP} ms"), stopped),
        f"First paint after a cold start, p50 of {COLD_STARTS}: {paint:.0f} ms "
        f"({', '.join(f'{took:.0f}' for took in paints)}): {'within' if paint <= SLOWEST_PAINT else 'OVER'} "
        f"{SLOWEST_PAINT} ms.",
    ]
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 after an error message on stderr."""
    return run_benchmark("interaction", __doc__, report, arguments)


if __name__ == "__main__":
    sys.exit(main())
