"""Pictures of every page to look at: `python -m tests.browser.screenshots FOLDER [PAGE ...]`.

Each page on a desktop and a phone, light and dark, in each language; real MNIST if it lies at hand.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

from tests.browser.server import draw, launch, serve, settle

SEVEN = [(70, 70), (200, 70), (120, 230)]
PAGES = {
    "explore": ("/", None),
    "train": ("/train", None),
    "evaluate": ("/evaluate", None),
    "draw": ("/draw", lambda page: draw(page, SEVEN)),
    "draw-empty": ("/draw", None),
}
WIDTHS = {"desktop": (1280, 800), "phone": (375, 720)}
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures; print the pages that are wider than the window."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, serve(Path(work)) as url, launch() as browser:
        for name, device, theme, language in product(names or PAGES, WIDTHS, ("light", "dark"), LANGUAGES):
            width, height = WIDTHS[device]
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=theme, locale=LANGUAGES[language]
            )
            path, act = PAGES[name]
            page.goto(url + path)
            settle(page)
            if act:
                act(page)
                settle(page)
            show_all(page, width)
            page.screenshot(path=folder / f"{name}-{device}-{theme}-{language}.png")
            page.close()


def show_all(page, width: int) -> None:
    """Make the window as high as the page, so that one picture has all of it."""
    size = page.locator('[data-testid="stMain"]').evaluate(
        "e => [e.scrollWidth, e.clientWidth, e.scrollHeight]"
    )
    if size[0] > size[1]:
        print(f"{page.url} is {size[0]} px wide in a window of {width}")
    page.set_viewport_size({"width": width, "height": max(size[2], 300)})
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
