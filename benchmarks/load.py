"""`python -m benchmarks.load`: many visitors at once, on a server just started and then on a warm one.

It starts the app and drives it as browsers do: websocket clients that open the first page at once, explore,
evaluate, compare and draw, some that train one network after the other, and a few pages in a real Chromium.
It prints how long opening and each interaction took, errors, the line, and the server's memory. The clients
and Chromium share the server's cores at a lower priority, as visitors' browsers run on machines of their own.
The server has PyTorch loaded before it answers, as in Docker (DIGITLAB_PRELOAD=0: not so). Sessions of closed
tabs go after SECONDS_KEPT; a server where that is not set keeps them for 120 s.
"""

import argparse
import asyncio
import itertools
import os
import random
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from playwright.async_api import Locator, Page, async_playwright

from benchmarks.app import lower_browsers, lower_priority, serve
from benchmarks.load_client import Visitor
from benchmarks.measurement import Table, locate_mnist, markdown
from mnist_core.messages import InputError
from mnist_core.runs.server_status import running_servers
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import usable_cores
from tests.browser.server import CHROMIUM_OPTIONS, chromium

SECONDS_KEPT = 5
CLIENTS_NICENESS = 10
THINK = 3.0  # seconds between a visitor's clicks, on average
SECOND_BETWEEN_LOOKS = 1.0
SHOWN_EVERY = 10  # looks at the memory
TRAINING = {"recipe": "tutorial-1", "epochs": "3"}
A_SEVEN = [["M", 70, 60], ["L", 200, 60], ["L", 120, 230]]
DRAWING = {"version": "7", "objects": [{"type": "Path", "path": A_SEVEN}]}
HEADS = ("what", "n", "p50, s", "p95, s", "p99, s", "most, s")
OPENING, ANOTHER = "opening", "New random sample"


@dataclass
class Log:
    """What was measured in one phase: seconds of each kind of action, errors, and the server over time."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    trained: dict[str, int] = field(default_factory=dict)  # run: the seed that its visitor chose

    async def time(self, what: str, action: Awaitable[object]) -> None:
        """Do something and note how long it took."""
        begun = time.monotonic()
        await action
        self.seconds[what].append(time.monotonic() - begun)

    @contextmanager
    def errors_of(self, who: str) -> Iterator[None]:
        """Note an error and end this visitor, not the others."""
        try:
            yield
        except Exception as error:
            self.errors.append(f"{who}: {type(error).__name__} {error}")

    @property
    def interactions(self) -> list[float]:
        """The seconds of everything but opening."""
        return [one for what, took in self.seconds.items() if OPENING not in what for one in took]


async def browse(tab: Visitor, log: Log, rest: Callable[[], float], end: float) -> None:
    """Go from page to page until the time is over, at least once to each."""
    steps = [
        ("explore: new sample", lambda: tab.click(ANOTHER)),
        ("go to Evaluate", lambda: tab.open("evaluate", run="pretrained")),
        ("go to Compare", lambda: tab.open("compare", runs="pretrained")),
        ("go to Draw", lambda: tab.open("draw", run="pretrained")),
        ("draw a digit", lambda: tab.draw("canvas-0", DRAWING)),
        ("go to Explore", lambda: tab.open("", view="grid")),
    ]
    for number, (what, action) in enumerate(itertools.cycle(steps)):
        if number >= len(steps) and time.monotonic() > end:
            return
        await tab.wait(rest())
        await log.time(what, action())


async def train(tab: Visitor, log: Log, number: int, end: float) -> None:
    """Train one network after the other until the time is over, at least one, and watch each."""
    for seed in itertools.count(1000 * number):
        await log.time("go to Train", tab.open("train", **TRAINING, training_seed=str(seed)))
        await log.time("start a training", tab.click("start_button"))
        run = tab.query.partition("run=")[2].partition("&")[0]
        log.trained[run] = seed
        while tab.trains and time.monotonic() < end:
            await tab.wait(SECOND_BETWEEN_LOOKS)
        if time.monotonic() > end:
            return


async def visit(address: str, log: Log, number: int, trains: bool, seconds: float) -> None:
    """Be one visitor: open the first page, then browse or train."""
    chance = random.Random(number)
    with log.errors_of(f"visitor {number}"):
        begun = time.monotonic()
        async with Visitor(address, secrets.token_hex(16)) as tab:
            await tab.open("", view="grid")
            await tab.wait_for(ANOTHER)
            log.seconds[OPENING].append(time.monotonic() - begun)
            if trains:
                await train(tab, log, number, begun + seconds)
            else:
                await browse(tab, log, lambda: chance.expovariate(1 / THINK), begun + seconds)


async def look(server: psutil.Process, store: RunStore, log: Log) -> None:
    """Note the server's memory and line once a second, until cancelled."""
    while True:
        log.megabytes.append(server.memory_info().rss / 1e6)
        log.waiting += [status["waiting"] for status in running_servers(store.directory)]
        await asyncio.sleep(SECOND_BETWEEN_LOOKS)


@asynccontextmanager
async def chromium_pages(count: int) -> AsyncIterator[list[Page]]:
    """Give some empty pages of a real Chromium; it starts before anybody comes, as visitors' browsers do."""
    if not count:
        yield []
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        lower_browsers(CLIENTS_NICENESS)
        yield [await (await browser.new_context(locale="en-US")).new_page() for _ in range(count)]
        await browser.close()


async def use_page(page: Page, address: str, log: Log, seconds: float) -> None:
    """Open the first page, and ask for other images."""
    with log.errors_of("Chromium"):
        end = time.monotonic() + seconds
        images, another = (
            page.locator(".lab-digits img").first,
            page.get_by_role("button", name=ANOTHER),
        )
        begun = time.monotonic()
        await page.goto(f"{address}/?view=grid&seed=1")
        await images.wait_for()
        log.seconds[f"Chromium: {OPENING}"].append(time.monotonic() - begun)
        while time.monotonic() < end:
            before = await images.get_attribute("src")
            await log.time("Chromium: new sample", _click_and_wait(page, another, before))
            await page.wait_for_timeout(1000 * THINK)


async def _click_and_wait(page: Page, button: Locator, before: str | None) -> None:
    await button.click()
    await page.wait_for_function(
        "before => document.querySelector('.lab-digits img')?.src !== before", arg=before
    )


async def phase(
    address: str,
    server: psutil.Process,
    store: RunStore,
    visitors: int,
    trainers: int,
    pages: int,
    seconds: float,
) -> Log:
    """Have all visitors come at once, stay for some seconds, and leave."""
    log = Log()
    looking = asyncio.create_task(look(server, store, log))
    async with chromium_pages(pages) as tabs:
        tasks = [visit(address, log, number, number < trainers, seconds) for number in range(visitors)]
        await asyncio.gather(*tasks, *(use_page(page, address, log, seconds) for page in tabs))
    await asyncio.sleep(2 * SECONDS_KEPT)
    looking.cancel()
    return log


def wrong_results(log: Log, store: RunStore) -> list[str]:
    """Return what is wrong with the runs that the visitors trained: another's settings, or a bad result."""
    wrong = []
    for run_id, seed in log.trained.items():
        run = store.get(run_id)
        if run.config.seed != seed:
            wrong.append(f"run {run_id[:8]} has seed {run.config.seed}, not {seed}")
        if run.status == "failed" or (run.status == "finished" and run.results["test_accuracy"] < 0.5):
            wrong.append(f"run {run_id[:8]} has {run.status}, {run.results}")
    return wrong


def rows(log: Log) -> Table:
    """Return a row for each kind of action, and one for all interactions together."""
    kinds = [*log.seconds.items(), ("all interactions", log.interactions)]
    return [
        (what, len(took), *(f"{number:.2f}" for number in (*np.percentile(took, (50, 95, 99)), max(took))))
        for what, took in kinds
        if took
    ]


def text_of(name: str, log: Log, store: RunStore) -> str:
    """Return one phase as Markdown."""
    finished = sum(store.get(run).status == "finished" for run in log.trained)
    line = max(log.waiting, default=0)
    problems = log.errors + wrong_results(log, store)
    over_time = ", ".join(f"{size:.0f}" for size in log.megabytes[::SHOWN_EVERY])
    first, most, last = (f"{size:.0f}" for size in (log.megabytes[0], max(log.megabytes), log.megabytes[-1]))
    facts = [
        f"Errors and wrong results: {len(problems)}."
        + "".join(f"\n- {problem}" for problem in problems[:10]),
        f"Trainings begun: {len(log.trained)}, finished {finished}; at most {line} waited.",
        f"Memory before {first} MB, at most {most} MB, {2 * SECONDS_KEPT} s after all have left {last} MB. "
        f"Every {SHOWN_EVERY} s: {over_time}.",
    ]
    return "\n\n".join([f"**{name}**", markdown(HEADS, rows(log)), *facts])


async def measure(data: Path, visitors: int, trainers: int, pages: int, seconds: float) -> None:
    """Measure both phases on one server, and print each."""
    kept = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(SECONDS_KEPT), "DIGITLAB_PRIVATE": "1"}
    kept |= {"DIGITLAB_PRELOAD": os.environ.get("DIGITLAB_PRELOAD", "1")}
    with tempfile.TemporaryDirectory() as folder, serve(data, Path(folder), kept) as (address, server):
        store = RunStore(Path(folder))
        lower_priority(CLIENTS_NICENESS)
        print(
            f"{visitors} visitors at once for {seconds:g} s, {trainers} of them train; {pages} more in "
            f"Chromium; {usable_cores()} cores, which the clients and Chromium share with the server, "
            f"at niceness {CLIENTS_NICENESS}."
        )
        for name in ("Server just started", "Warm server"):
            log = await phase(address, server, store, visitors, trainers, pages, seconds)
            print("\n" + text_of(name, log, store), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 after an error message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    parser.add_argument("--visitors", type=int, default=50, help="websocket clients that come at once")
    parser.add_argument("--trainers", type=int, default=5, help="how many of them train")
    parser.add_argument("--pages", type=int, default=2, help="pages in Chromium beside them")
    parser.add_argument("--seconds", type=float, default=150, help="how long they stay, on each server")
    options = parser.parse_args(arguments)
    try:
        data = locate_mnist(options.data)
        if options.pages and chromium() is None:
            raise InputError("There is no Chromium on the PATH; install chromium, or say --pages 0.")
        sizes = (options.visitors, options.trainers, options.pages, options.seconds)
        asyncio.run(measure(data, *sizes))
    except InputError as error:
        print(f"benchmarks.load: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
