"""`python -m benchmarks.hostile`: a hostile visitor beside one who works and must not be slowed down.

On a public server with its limits as they are, the one asks by link for huge networks, starts a hundred
trainings, sends a thousand pictures, a file of drawings over 5 MB, names that climb folders and names that
are markup. The tables have the other's interactions before and meanwhile, what the first was told, and the
cores that the server and the rest of the machine kept busy: both browsers share them with the server, the
hostile one at a low priority, as an attacker's browser would run elsewhere.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, TimeoutError
from streamlit.proto.Alert_pb2 import Alert

from benchmarks.app import lower_browsers, lower_priority, run_benchmark, serve, visit
from benchmarks.interaction import interact
from benchmarks.load_client import Visitor
from benchmarks.measurement import markdown
from mnist_core.runs.store import RunStore
from tests.browser.server import launch

MOST_SECONDS = 600
ROUNDS = 4  # of ten interactions each, before the attacks
STARTS, PICTURES, AT_ONCE = 100, 1000, 250
HUGE = (
    "architecture=mlp&widths=4096-4096-4096-4096-4096-4096-4096-4096",
    "architecture=cnn&channels=256-256&widths=4096",
)
MARKUP = "<img src=x onerror=alert(1)>[y](javascript:z)**w**"
CLIMBING = ("../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", ".trash", "%00", "pretrained/../..")
SLOWEST_ANSWER = 180_000  # milliseconds that the hostile visitor waits; their browser sends 250 files in 20 s
ERROR = ".stMain [data-testid=stAlertContentError]"
PUBLIC = {"DIGITLAB_PRIVATE": "1"}
ATTACKERS_NICENESS = 10
HEADS = (
    "a normal visitor's interactions",
    "n",
    "p50, ms",
    "p95, ms",
    "most, ms",
    "server, cores",
    "browsers and others, cores",
)


def sentences(page: Page) -> str:
    """Return the errors and warnings that a page shows."""
    return " ".join(page.locator(".stMain [data-testid=stAlert]").all_inner_texts())


def ask_for_huge_networks(page: Page) -> str:
    """Open links to networks of over a hundred million parameters, and press Start."""
    said = ""
    for settings in HUGE:
        visit(page, f"/train?{settings}&lang=en")
        start = page.locator(".st-key-start_button button")
        if start.count() and start.is_enabled():
            start.click()
            page.locator(".stMain [data-testid=stAlert]").first.wait_for(timeout=SLOWEST_ANSWER)
        said = sentences(page)
    return said


def start_many(page: Page) -> str:
    """Start STARTS trainings without a browser; return how many were taken, and what the others were told."""
    visit(page, "/")
    address = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    with ThreadPoolExecutor(1) as thread:  # Playwright has this thread's event loop
        return thread.submit(asyncio.run, _start_many(address)).result()


async def _start_many(address: str) -> str:
    taken, said = 0, ""
    async with Visitor(address, secrets.token_hex(16)) as tab:
        for number in range(STARTS):
            await tab.open("train", recipe="tutorial-1", epochs="100", training_seed=str(number), lang="en")
            await tab.click("start_button")
            taken += "run=" in tab.query
            alerts = [one.body for one in tab.elements.values() if isinstance(one, Alert)]
            said = " ".join(alerts) or said
    return f"{taken} of {STARTS} taken. {said}"


def upload_many(page: Page) -> str:
    """Send PICTURES pictures, AT_ONCE at a time: with more, their own browser hangs."""
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": bytes(2000)} for n in range(AT_ONCE)]
    for _ in range(PICTURES // AT_ONCE):
        visit(page, "/draw?from=upload&lang=en")
        page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(files)
        page.locator(ERROR).first.wait_for(timeout=SLOWEST_ANSWER)
    return page.locator(ERROR).first.inner_text()


def send_sheet(page: Page) -> str:
    """Send a file of drawings of more than 5 MB."""
    visit(page, "/draw?from=draw&look=sheet&lang=en")
    page.get_by_text("Upload a test set").click()
    line = json.dumps({"pixels": [[255] * 28] * 28, "label": 1}) + "\n"
    content = (line * (1 + 5_500_000 // len(line))).encode()
    file = {"name": f"{MARKUP}.jsonl", "mimeType": "application/jsonl", "buffer": content}
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(file)
    page.locator(ERROR).first.wait_for(timeout=SLOWEST_ANSWER)
    return page.locator(ERROR).first.inner_text()


def climb(page: Page) -> str:
    """Open runs whose ids are paths."""
    for name in CLIMBING:
        visit(page, f"/train?run={name}&runs={name},{name}&lang=en")
    return sentences(page)


def name_with_markup(page: Page) -> str:
    """Import settings and weights whose names are markup; return what is shown of them."""
    visit(page, f"/train?lang=en&question={MARKUP}&change=activation:{MARKUP}")
    page.get_by_text("Import", exact=True).click()
    upload = page.locator(".st-key-import_file input[type=file]")
    upload.set_input_files(
        {"name": f"{MARKUP}.json", "mimeType": "application/json", "buffer": b'{"<b>": 1}'}
    )
    page.locator(".st-key-import [data-testid=stAlert]").wait_for(timeout=SLOWEST_ANSWER)
    injected = page.locator(".stMain img[src=x], .stMain a[href^=javascript]").count()
    return f"{injected} elements injected. {sentences(page)}"


ATTACKS: dict[str, Callable[[Page], str]] = {
    "huge networks by link": ask_for_huge_networks,
    f"{STARTS} starts": start_many,
    f"{PICTURES:,} uploads": upload_many,
    "a sheet over 5 MB": send_sheet,
    "paths as ids": climb,
    "markup in names": name_with_markup,
}


def attack(address: str) -> None:
    """Do all attacks over and over; print what came of each as a line of JSON."""
    lower_priority(ATTACKERS_NICENESS)
    with launch() as browser:
        lower_browsers(ATTACKERS_NICENESS)
        page = browser.new_page(base_url=address, locale="en-US")
        while True:
            for name, act in ATTACKS.items():
                try:
                    said = act(page)
                except TimeoutError as error:
                    said = f"no answer: {str(error).splitlines()[0]}"
                print(json.dumps([name, said]), flush=True)


class Phase:
    """A normal visitor's interactions in a while, and the processor time meanwhile."""

    def __init__(self, server: psutil.Process) -> None:
        self._server, self._before = server, self._now(server)
        self.milliseconds: list[float] = []

    @staticmethod
    def _now(server: psutil.Process) -> tuple[float, float, float]:
        """Return the clock, and the seconds of processor of the server and of the whole machine."""
        machine, own = psutil.cpu_times(), server.cpu_times()
        return time.monotonic(), own.user + own.system, sum(machine[:3])  # user, nice and system

    def row(self, name: str) -> tuple[str, ...]:
        """Return the row of HEADS, up to now."""
        wall, server, machine = np.subtract(self._now(self._server), self._before)
        took = (*np.percentile(self.milliseconds, (50, 95)), max(self.milliseconds))
        cores = (f"{server / wall:.2f}", f"{(machine - server) / wall:.2f}")
        return name, str(len(self.milliseconds)), *(f"{value:.0f}" for value in took), *cores


def measure(data: Path, browser: Browser) -> str:
    """Measure the normal visitor before and during the attacks; return the tables."""
    with tempfile.TemporaryDirectory() as folder, serve(data, Path(folder), PUBLIC) as (address, server):
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800}, locale="en-US")
        for _ in interact(page, 0, "pretrained"):
            pass
        phase, memory = Phase(server), server.memory_info().rss
        for number in range(ROUNDS):
            phase.milliseconds += interact(page, number, "pretrained")
        rows = [phase.row("alone")]
        told: dict[str, str] = {}
        command = [sys.executable, "-m", "benchmarks.hostile", "--attack", address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hostile:
            lines = hostile.stdout or ()
            threading.Thread(target=lambda: told.update(map(json.loads, lines)), daemon=True).start()
            begun, phase, done = time.monotonic(), Phase(server), 0
            for number in count():
                phase.milliseconds += interact(page, number, "pretrained")
                over = time.monotonic() - begun > MOST_SECONDS
                if over or len(told) > done:
                    rows.append(phase.row(f"beside {', '.join([*told][done:]) or 'what came next'}"))
                    phase, done = Phase(server), len(told)
                if over or done == len(ATTACKS):
                    break
            hostile.terminate()
        grown = (server.memory_info().rss - memory) / 1e6
        return "\n\n".join(
            [
                markdown(HEADS, rows),
                markdown(("attack", "what came of it"), list(told.items())),
                f"{len(RunStore(folder).list())} runs on disk; the server's memory grew by {grown:.0f} MB.",
            ]
        )


def report(data: Path) -> str:
    """Measure; return tables."""
    with launch() as browser:
        return measure(data, browser)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print, or with --attack be the hostile visitor."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["--attack"]:
        attack(arguments[1])
    return run_benchmark("hostile", __doc__, report, arguments)


if __name__ == "__main__":
    sys.exit(main())
