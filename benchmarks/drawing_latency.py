"""`python -m benchmarks.drawing_latency`: time from a stroke to its prediction, idle and while training.

It starts the app, draws 40 strokes on the Draw page's canvas in a real Chromium, and times each within the
page from the release of the mouse to the prediction; then the same while a CNN trains. The times include the
canvas's 200 ms debounce.
"""

import platform
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect
from tqdm import tqdm

from benchmarks.app import run_benchmark, serve, visit
from benchmarks.interaction import TRAINING, training
from benchmarks.measurement import markdown
from mnist_core.runtime.devices import usable_cores
from tests.browser.server import launch, settle

STROKES = 40
LIMITS = {"idle": 350, "training": 500}  # milliseconds, of 95 in 100 strokes
HEADS = ("strokes", "n", "p50, ms", "p95, ms", "most, ms", "p95 against its limit")
DIGITS = (  # in canvas pixels
    [(70, 70), (200, 70), (120, 230)],
    [(140, 40), (140, 240)],
    [(190, 60), (90, 110), (90, 190), (140, 230), (190, 190), (180, 130), (100, 140)],
    [(80, 90), (140, 50), (190, 100), (80, 230), (200, 230)],
)
# Sets window.answered to a promise of the milliseconds from the mouse's release to a heading with `text`.
WATCH = """text => {
  let released = null;
  addEventListener('pointerup', event => { released = event.timeStamp; }, {capture: true, once: true});
  window.answered = new Promise((done, fail) => {
    setTimeout(() => fail(new Error('no answer to the stroke')), 30000);
    new MutationObserver((changes, observer) => {
      const answer = document.querySelector('.st-key-answer h3')?.innerText ?? '';
      if (released === null || !answer.includes(text)) return;
      observer.disconnect();
      done(performance.now() - released);
    }).observe(document.body, {subtree: true, childList: true, characterData: true});
  });
  window.answered.catch(() => {});
}"""


def stroke(page: Page, points: list[tuple[int, int]]) -> float:
    """Draw one stroke on the empty canvas; return the milliseconds to the prediction."""
    canvas = page.locator("canvas.upper-canvas").filter(visible=True)
    expect(canvas).to_have_count(1)  # the cleared canvas has been removed
    page.evaluate(WATCH, "Prediction")
    box = canvas.bounding_box()
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=5)
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    took = page.evaluate("answered")
    settle(page)
    return took


def strokes(page: Page, run: str, what: str) -> list[float]:
    """Draw on an empty canvas, STROKES times after a warm-up; return the milliseconds of each."""
    visit(page, f"/draw?run={run}&lang=en")
    page.locator("canvas.upper-canvas").first.wait_for()
    times = []
    for number in tqdm(range(STROKES + 1), desc=what):
        times.append(stroke(page, DIGITS[number % len(DIGITS)]))
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("heading", name="No digit yet").wait_for()
        settle(page)
    return times[1:]


def measure(data: Path) -> dict[str, list[float]]:
    """Return the milliseconds of the strokes, idle and while a CNN trains."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(data, Path(folder)) as (address, _),
        launch() as browser,
    ):
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900}, locale="en-US")
        times = {"idle": strokes(page, "pretrained", "idle")}
        with training(page, TRAINING):
            times["training"] = strokes(page, "pretrained", "training")
    return times


def report(times: dict[str, list[float]]) -> str:
    """Return the table, with each limit's verdict."""
    rows = []
    for name, took in times.items():
        middle, most = np.percentile(took, (50, 95))
        verdict = "within" if most <= LIMITS[name] else "OVER"
        figures = (f"{middle:.0f}", f"{most:.0f}", f"{max(took):.0f}")
        rows.append((name, len(took), *figures, f"{verdict} {LIMITS[name]}"))
    machine = f"{usable_cores()} cores, {platform.machine()}, {platform.system()}"
    return "\n\n".join([machine, markdown(HEADS, rows)])


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 after an error message on stderr."""
    return run_benchmark("drawing_latency", __doc__, lambda data: report(measure(data)), arguments)


if __name__ == "__main__":
    sys.exit(main())
