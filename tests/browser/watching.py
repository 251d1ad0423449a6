"""Work in the background as a visitor sees it."""

from playwright.sync_api import Page

SAID = """([words, above]) => {
    const said = document.querySelector('.stMain')?.innerText.match(new RegExp(words + ' (\\\\d+)\\\\s*%'));
    return said && Number(said[1]) > above ? said[1] : null;
}"""


def percent_done(page: Page, words: str, above: int = -1) -> int:
    """Wait until the page says `words` with a percentage above that; return it."""
    return int(page.wait_for_function(SAID, arg=[words, above]).json_value())
