"""The addresses of the app's pages and their sections."""

import pytest

from ui.learn.chapters import CHAPTERS

EXPLORE = ("image&index=7", "statistics", "typical&digit=4", "map", "doubtful")
EVALUATE = ("mixups", "digits", "hardest", "sure", "robust")
REASONS = ("pixels", "layers", "similar")
PAGES = (
    "/",
    *(f"/?view={view}" for view in EXPLORE),
    *(f"/learn?chapter={chapter}" for chapter in CHAPTERS),
    "/train",
    "/train?run=pretrained",
    "/evaluate?run=pretrained",
    *(f"/evaluate?run=pretrained&view={view}" for view in EVALUATE),
    *(f"/evaluate?run=pretrained&view=hardest&image=test-7&why={why}" for why in REASONS),
    "/compare",
    "/inside?run=pretrained",
    "/inside?run=pretrained&part=answers",
    "/draw",
    "/draw?from=upload",
    "/draw?from=keys",
    "/draw?look=sheet",
    "/runs",
    "/data",
    "/search",
)
# Pages with no other controls than the rest, whose Tab order isn't walked again.
WITHOUT_TAB = {
    *(f"/learn?chapter={chapter}" for chapter in CHAPTERS),  # test_browser_learn answers each by keyboard
    *(f"/?view={view}" for view in ("statistics", "typical&digit=4", "doubtful")),
    *(f"/evaluate?run=pretrained&view={view}" for view in ("mixups", "digits", "hardest")),
    *(f"/evaluate?run=pretrained&view=hardest&image=test-7&why={why}" for why in REASONS[1:]),
}
QUICK = ("/", "/train", "/draw")


def each_page():
    """Return the pages as a test's parameters: those beyond QUICK are slow."""
    return [path if path in QUICK else pytest.param(path, marks=pytest.mark.slow) for path in PAGES]
