"""Pictures of every page to look at: `python -m tests.browser.screenshots FOLDER [PAGE ...]`.

Each page on a desktop and a phone, light and dark, in each language; real MNIST if it lies at hand. First the
quick recipe is trained, so that there is a run to show, beside one that failed and one in training.
`docs --readme` makes those that README.md shows.
"""

import json
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from mnist_core.recipes import RECIPES
from mnist_core.runs.run import failure_message
from mnist_core.runs.store import RunStore
from tests.browser.server import ROOT, draw, environment, launch, serve, settle
from ui.learn.chapters import CHAPTERS

SEVEN = [(70, 70), (200, 70), (120, 230)]
ROW = [  # 2041
    [(10, 90), (50, 70), (60, 110), (10, 190), (70, 190)],
    [(120, 80), (90, 130), (120, 190), (145, 130), (120, 80)],
    [(165, 80), (160, 140), (205, 140)],
    [(195, 90), (195, 200)],
    [(250, 75), (245, 195)],
]
SECTIONS = ("steps", "attention", "instead", "layers", "network", "similar", "changes", "others", "sheet")
DRAWN = {"draw": [SEVEN], "draw-row": ROW, **{f"draw-{section}": [SEVEN] for section in SECTIONS}}
PAGES = {
    "explore": "/?",
    "explore-image": "/?view=image&index=7",
    "explore-statistics": "/?view=statistics",
    "explore-typical": "/?view=typical&digit=4",
    "explore-map": "/?view=map&digit=4",
    "explore-doubtful": "/?view=doubtful",
    **{f"learn-{chapter}": f"/learn?chapter={chapter}&read={chapter}" for chapter in CHAPTERS},
    "runs": "/runs?run={run}",
    "data": "/data?",
    "train": "/train?",
    "train-run": "/train?run={run}",
    "train-running": "/train?run={running}",
    "train-failed": "/train?run={failed}",
    "search": "/search?preset=own",
    "evaluate": "/evaluate?run={run}",
    "compare": "/compare?runs={run},pretrained",
    "compare-settings": "/compare?runs={run},pretrained&part=settings",
    "compare-curves": "/compare?runs={run},pretrained&part=curves",
    "compare-images": "/compare?runs={run},pretrained&part=images",
    "compare-repeats": "/compare?runs={run},pretrained&part=repeats",
    "inside": "/inside?run={run}",
    "inside-early": "/inside?run={run}&moment=0",
    "inside-answers": "/inside?run={run}&part=answers",
    "inside-map": "/inside?run={run}&part=map",
    "inside-learning": "/inside?run={run}&part=learning",
    "evaluate-image": "/evaluate?run={run}&view=hardest&image=test-7",
    "evaluate-layers": "/evaluate?run={run}&view=hardest&image=test-7&why=layers",
    "evaluate-similar": "/evaluate?run={run}&view=hardest&image=test-7&why=similar",
    "evaluate-digits": "/evaluate?run={run}&view=digits",
    "evaluate-hardest": "/evaluate?run={run}&view=hardest",
    "evaluate-sure": "/evaluate?run={run}&view=sure",
    "evaluate-robust": "/evaluate?run={run}&view=robust",
    "draw": "/draw?run={run}",
    "draw-blank": "/draw?run={run}",
    "draw-row": "/draw?run=pretrained",
    **{f"draw-{section}": f"/draw?run={{run}}&look={section}" for section in SECTIONS},
    "draw-keys": "/draw?run={run}&from=keys",
    "draw-upload": "/draw?run={run}&from=upload",
}
README = {"explore": "explore", "train": "train-run", "evaluate": "evaluate", "draw": "draw"}
DEVICES = {"desktop": (1280, 800), "phone": (375, 720)}
THEMES = ("light", "dark")
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures; print the pages that are wider than the window."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = [(name, *look) for name, *look in product(names or PAGES, DEVICES, THEMES, LANGUAGES)]
    pictures = {"-".join(look): look for look in looks}
    if names == ["--readme"]:
        pictures = {name: (page, "desktop", "light", "en") for name, page in README.items()}
    with tempfile.TemporaryDirectory() as work, launch() as browser:
        runs = {"run": train(Path(work)), "failed": fail(Path(work)), "running": ""}
        with serve(Path(work), with_mnist=True) as url:
            if "train-running" in (name for name, *_ in pictures.values()):
                runs["running"] = start(browser, url)
            for file, (name, *look) in pictures.items():
                page = open_page(browser, url + PAGES[name].format(**runs), *look)
                if name in DRAWN:
                    draw(page, *DRAWN[name])
                    fit(page)
                page.screenshot(path=folder / f"{file}.png")
                page.close()


def train(folder: Path) -> str:
    """Train the quick recipe by the command line; return the run's id."""
    command = [sys.executable, "-m", "mnist_core", "train", "--recipe", "quick", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(folder, with_mnist=True), stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])["run"]


def fail(folder: Path) -> str:
    """Make a run that failed; return its id."""
    writer = RunStore(folder / "runs").create(RECIPES["tutorial-1"].config)
    writer.update("failed", failure_message(MemoryError("out of memory")))
    writer.close()
    return writer.id


def start(browser: Browser, url: str) -> str:
    """Start a long training on the Train page; return the run's id once it is under way."""
    page = browser.new_page(locale="en-US")
    page.goto(f"{url}/train?recipe=tutorial-1&epochs=1000")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("images per second").wait_for(timeout=60_000)
    run = re.search("run=([0-9a-f]+)", page.url)[1]
    page.close()
    return run


def open_page(browser: Browser, url: str, device: str, theme: str, language: str) -> Page:
    """Open a page of the app in the look asked for, all of it in the window."""
    width, height = DEVICES[device]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=theme, locale=LANGUAGES[language]
    )
    page.goto(url)
    settle(page)
    fit(page)
    return page


def fit(page: Page) -> None:
    """Make the window as high as its page; say if it is wider than the window."""
    main = page.locator('[data-testid="stMain"]')
    wide, visible, high = main.evaluate("e => [e.scrollWidth, e.clientWidth, e.scrollHeight]")
    if wide > visible:
        print(f"{page.url} is {wide} px wide in a window of {visible}")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": high})
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
