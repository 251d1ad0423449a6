"""`python -m benchmarks.small_server`: a server with little memory and half a core, from its cold start on.

It starts the app in a Linux control group, opens it in a real Chromium outside of that, draws a digit on the
first page and trains `quick`. It prints the seconds from the cold start to each, and the memory. What other
processes have loaded of the same libraries counts as resident, not as the group's.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch
from playwright.sync_api import Page

from benchmarks.app import serve
from benchmarks.control_group import MEGABYTE, ControlGroup, control_group
from benchmarks.measurement import Table, locate_mnist, markdown
from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED
from mnist_core.runs.store import RunStore
from tests.browser.server import chromium, draw, launch

RECIPE = "quick"
PATIENCE = 570_000  # milliseconds
HEADS = ("from the cold start to", "s", "resident then, MB", "of the group, at most, MB")


def train(page: Page, store: RunStore) -> str:
    """Train the recipe as a visitor does; return the words for its result."""
    page.goto(f"/train?recipe={RECIPE}")
    page.get_by_role("button", name=re.compile("Start training|Add to the queue")).click()
    page.wait_for_url(re.compile("run="))
    run = store.get(re.search("run=([0-9a-f]+)", page.url)[1])
    while run.status in UNFINISHED:
        page.wait_for_timeout(500)
        run = store.get(run.id)
    accuracy = run.results.get("test_accuracy")
    return f"{run.status}, test accuracy {accuracy:.2%}" if accuracy else run.status


def use(address: str, server: psutil.Process, store: RunStore, begun: float, group: ControlGroup) -> Table:
    """Visit, draw and train; return a row for each."""
    rows: list[tuple[str, ...]] = []

    def note(what: str) -> None:
        megabytes = (server.memory_info().rss / MEGABYTE, group.most_megabytes)
        rows.append((what, f"{time.monotonic() - begun:.1f}", *(f"{size:.0f}" for size in megabytes)))

    note("the server answers")
    with launch() as browser:
        page = browser.new_page(base_url=address, locale="en-US")
        page.set_default_timeout(PATIENCE)
        page.goto("/")
        page.locator(".lab-digits img").first.wait_for()
        note("the first page, with its digits")
        draw(page, [(140, 40), (140, 240)])
        note("a drawn digit is read")
        outcome = train(page, store)
        note(f"{RECIPE} is trained ({outcome})")
    return rows


def report(data: Path, megabytes: int, cores: float) -> str:
    """Measure, and return the table with a verdict."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, control_group(megabytes, cores) as group:
        settings = {"DIGITLAB_MEMORY": str(megabytes)}
        with serve(data, Path(folder), settings, group.join) as (address, server):
            rows = use(address, server, RunStore(Path(folder)), begun, group)
        kills = group.kills
    build = "CPU build" if torch.version.cuda is None else f"standard build, CUDA {torch.version.cuda}"
    verdict = "nothing was killed" if not kills else f"{kills} processes KILLED for want of memory"
    limits = f"{megabytes} MB and {cores:g} cores by cgroup {2 if group.is_version_2 else 1}"
    return f"torch {torch.__version__} ({build}), {limits}: {verdict}.\n\n{markdown(HEADS, rows)}"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 after an error message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_server", description=__doc__)
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    parser.add_argument("--megabytes", type=int, default=1000 if torch.version.cuda else 690, help="memory")
    parser.add_argument("--cores", type=float, default=0.5, help="share of the processor")
    options = parser.parse_args(arguments)
    try:
        data = locate_mnist(options.data)
        if chromium() is None:
            raise InputError("There is no Chromium on the PATH to open the app with; install chromium.")
        print(report(data, options.megabytes, options.cores))
    except InputError as error:
        print(f"benchmarks.small_server: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
