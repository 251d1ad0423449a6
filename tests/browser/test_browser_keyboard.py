"""The keyboard: Tab reaches every control of a page with a visible focus, and leaves each again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import settle

MOST_STOPS = 120  # of the Tab key on a page
# Marks what Tab has to reach; of a group of radio buttons any one does, as arrows move within.
MARK = """part => {
  const all = [...part.querySelectorAll('a[href], button, input, textarea, summary, [tabindex]')];
  const seen = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && e.getBoundingClientRect().width > 1;
  const wanted = all.filter(e => e.tabIndex >= 0 && !e.disabled && e.type !== 'file' && e.role !== 'radio'
    && seen(e) && !e.closest('[inert], [aria-hidden=true]'));
  for (const mark of ['wanted', 'reached'])
    document.querySelectorAll(`[data-${mark}]`).forEach(e => delete e.dataset[mark]);
  wanted.forEach(e => e.dataset.wanted = '');
  window.tabbed = {part};
  return wanted.length;
}"""
# The next press of Tab leads to the first control of a part of the page.
BEFORE = """part => {
  const first = part.insertBefore(document.createElement('span'), part.firstChild);
  first.tabIndex = -1;
  first.focus();
  first.remove();
}"""
HERE = """() => {
  let here = document.activeElement;
  while (here.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
  return here;
}"""
# After a press of Tab: whether it led out or to a control it was at before, and the markup of the one that
# it has left if that looks as it did in focus. What is around it counts, as the ring may be drawn on either.
# The main part of the page is there to be scrolled, and a table draws its ring inside. It is one stop, as it
# moves the focus to and fro between its canvas and its cells. A choice of several has one ring around all its
# parts.
ARRIVE = f"""async () => {{
  const look = e => {{
    if (e.matches('main, canvas') || e.closest('[data-testid=stDataFrame]')) return null;
    const parts = [e, ...e.children];
    for (let up = e.parentElement; up && parts.length < 12; up = up.parentElement) parts.push(up);
    return parts.map(part => {{
      const s = getComputedStyle(part);
      return [s.outline, s.boxShadow, s.borderColor, s.backgroundColor].join();
    }}).join(';');
  }};
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const here = ({HERE})(), last = window.tabbed;
  const withinChoice = last.element?.closest('[data-testid=stMultiSelect]')?.contains(here);
  const unmarked = last.look && !withinChoice && last.look === look(last.element);
  const out = here === document.body || !last.part.contains(document.activeElement);
  const table = here.closest('[data-testid=stDataFrame]');
  const again = 'reached' in here.dataset && !(table && table === last.table);
  const ended = here !== last.element && (out || again);
  here.dataset.reached = '';
  window.tabbed = {{element: here, look: look(here), part: last.part, table}};
  return [ended, unmarked ? last.element.outerHTML.slice(0, 200) : null];
}}"""
MARKUP = "e => e.outerHTML.slice(0, 200)"


def tab_through(page):
    """Press Tab until the page's end; return the markup of the controls that didn't show it."""
    page.add_style_tag(content="* { transition: none !important; }")
    unmarked = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        ended, left = page.evaluate(ARRIVE)
        unmarked += [left] if left else []
        if ended:
            return unmarked
    raise AssertionError(f"Tab doesn't get out of {page.evaluate_handle(HERE).evaluate(MARKUP)}")


def expect_tab_to_reach_every_control(page, part="body"):
    """Go through a part of the page with Tab, which shows where it is at each stop.

    Up to three times: a table that draws itself anew meanwhile lets go of the focus, and the way ends there.
    """
    for _ in range(3):
        expect(page.get_by_test_id("stProgress")).to_have_count(0)  # what measures by itself changes the page
        settle(page)
        assert page.locator(part).evaluate(MARK) > 5
        page.locator(part).evaluate(BEFORE)
        unmarked = tab_through(page)
        missed = page.locator("[data-wanted]:not([data-reached])").all()
        if not missed:
            break
    assert [element.evaluate(MARKUP) for element in missed] == []
    assert unmarked == []


def tab_to(page, name):
    """Press Tab until the control of this name has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        here = page.evaluate_handle(HERE).as_element()
        if here.evaluate("e => e.innerText || e.ariaLabel || ''").strip().endswith(name):
            return
    raise AssertionError(f"Tab doesn't reach {name}")


@pytest.mark.slow
def test_by_keyboard_alone_from_the_first_page_to_a_trained_network(page):
    page.open("/?train_size=500&epochs=1")  # it takes no time
    tab_to(page, "Train")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Train a network").wait_for()
    settle(page)
    tab_to(page, "Start training")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="finished").wait_for()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile("%$"))
    settle(page)
    link = page.get_by_role("link", name="Test it on your handwriting")
    colour = link.evaluate("link => getComputedStyle(link).backgroundColor")
    tab_to(page, "Test it on your handwriting")  # and on to what comes next
    expect(link).to_have_css("background-color", colour)  # its text is white
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Draw a digit").wait_for()
