"""`python -m benchmarks.memory`: memory of the app's server, stage by stage, up to a trained CNN.

It starts the app, opens its pages in a real Chromium, trains tutorial-4b twice (on a fresh server, and after
every page was used), and prints a Markdown table.
"""

import re
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import torch
from playwright.sync_api import Page
from tqdm import tqdm

from benchmarks.app import run_benchmark, serve, visit
from benchmarks.measurement import markdown
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import count_parameters
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import UNFINISHED
from mnist_core.runs.store import RunStore
from tests.browser.server import draw, launch, settle

RECIPE = RECIPES["tutorial-4b"]
MEGABYTE = 1e6
LIMITS = {"CPU": 690, "standard": 1000}  # megabytes: Streamlit Community Cloud's promise, and our own
HEADS = ("stage", "peak resident, MB", "then resident", "of it private")
SECONDS_BETWEEN_SAMPLES = 0.02

Stage = tuple[
    str, float, float, float
]  # name, peak since the last stage, resident now, private now: megabytes


class Watch:
    """Samples a process's resident memory in a thread, and records it stage by stage.

    Resident memory includes pages shared with other processes, such as libraries; private memory doesn't.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._peak = process, 0
        self.stages: list[Stage] = []
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while True:
                self._peak = max(self._peak, self._process.memory_info().rss)
                time.sleep(SECONDS_BETWEEN_SAMPLES)

    def note(self, stage: str) -> None:
        """Record the memory in use now, and the peak since the last call."""
        now = self._process.memory_full_info()
        peak, self._peak = max(self._peak, now.rss), 0
        self.stages.append((stage, *(size / MEGABYTE for size in (peak, now.rss, now.uss))))


def train(page: Page, store: RunStore) -> None:
    """Choose the recipe on the Train page, start it, and wait until its run has finished."""
    visit(page, "/train")
    page.locator(".st-key-set_recipe").get_by_text(RECIPE.title, exact=True).click()
    parameters = f"{count_parameters(build_model(RECIPE.config)):,}"
    page.get_by_text(parameters).wait_for()  # the server has the choice
    settle(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile("run="))
    run = store.get(re.search("run=([0-9a-f]+)", page.url)[1])
    with tqdm(desc=f"training {RECIPE.title}", bar_format="{desc}: {elapsed}") as bar:
        while run.status in UNFINISHED:
            page.wait_for_timeout(1000)
            bar.update()
            run = store.get(run.id)
    if run.status != "finished" or run.config != RECIPE.config:
        raise RuntimeError(f"the training of {run.config.recipe} has {run.status}")


def measure(data: Path) -> list[Stage]:
    """Measure a server's memory after each stage of use."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(data, Path(folder)) as (address, server),
        launch() as browser,
    ):
        watch, store = Watch(server), RunStore(Path(folder))
        watch.note("started, no visitor yet")
        page = browser.new_page(base_url=address, locale="en-US")
        visit(page, "/")
        watch.note("Explore open: data loaded")
        visit(page, "/train")
        watch.note("Train open: torch loaded")
        train(page, store)
        watch.note("CNN training, fresh server")
        visit(page, "/evaluate")
        visit(page, "/draw")
        draw(page, [(140, 40), (140, 240)])
        settle(page)
        watch.note("Evaluate open, then a digit drawn and read")
        train(page, store)
        watch.note("CNN training, all pages used")
        return watch.stages


def report(stages: list[Stage]) -> str:
    """Return the table and the verdict."""
    build = "CPU" if torch.version.cuda is None else "standard"
    kind = "CPU build" if build == "CPU" else f"standard build, CUDA {torch.version.cuda}"
    rows = [(name, *(f"{size:.0f}" for size in sizes)) for name, *sizes in stages]
    most = max(peak for _, peak, _, _ in stages)
    verdict = "within" if most < LIMITS[build] else "OVER"
    return "\n".join(
        [
            f"torch {torch.__version__} ({kind})",
            "",
            markdown(HEADS, rows),
            "",
            f"Peak {most:.0f} MB: {verdict} the limit of {LIMITS[build]} MB.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 after an error message on stderr."""
    return run_benchmark("memory", __doc__, lambda data: report(measure(data)), arguments)


if __name__ == "__main__":
    sys.exit(main())
