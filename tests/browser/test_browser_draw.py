"""The Draw page by mouse and by keyboard in a real browser."""

from tests.browser.server import draw, settle

SEVEN = [(70, 70), (200, 70), (120, 230)]
NARROW_SEVEN = [(20, 60), (100, 60), (50, 230)]
ONE = [(220, 50), (220, 230)]


def test_strokes_are_read_undone_and_cleared(page):
    page.open("/draw?run=shipped")
    draw(page, NARROW_SEVEN)
    page.get_by_role("heading", name="It reads 7").wait_for()
    draw(page, ONE)
    page.get_by_role("heading", name="It reads 71").wait_for()
    page.get_by_alt_text("What you wrote, with a box around each digit").wait_for()
    page.locator(".st-key-canvas_tools").get_by_role("button", name="Undo").click()
    page.get_by_role("heading", name="It reads 7,").wait_for()
    settle(page)
    draw(page, ONE)  # on the canvas that came back
    page.get_by_role("heading", name="It reads 71").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()


def test_a_section_follows_the_drawing_and_is_a_link(page):
    page.open("/draw?run=shipped")
    draw(page, SEVEN)
    page.get_by_text("Step by step", exact=True).click()
    page.get_by_text("Cropped to its ink").wait_for()
    assert "look=steps" in page.url
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Write a digit first").wait_for()
    page.get_by_text("Step by step", exact=True).click()
    page.get_by_text("Write a digit first").wait_for(state="detached")
    assert "look=" not in page.url


def test_the_grid_is_inked_by_keys_alone_and_kept(page):
    page.open("/draw?run=shipped&from=keys")
    grid = page.get_by_role("grid")
    grid.wait_for()
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("Space")
    page.get_by_role("gridcell", name="row 5, column 15: ink").wait_for()
    for _ in range(18):
        page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("heading", name="It reads 1").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("gridcell", name="row 23, column 15: paper").wait_for()
    settle(page)
    page.locator(".st-key-pages").get_by_role("link", name="Explore").click()
    page.locator("h1", has_text="Handwritten digits").wait_for()
    page.go_back()
    page.get_by_role("heading", name="It reads 1").wait_for()
    assert page.get_by_role("gridcell", selected=True).count() == 18
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    assert page.get_by_role("gridcell", selected=True).count() == 0


def test_a_drawing_is_kept_in_the_own_sheet(page):
    page.open("/draw?run=shipped&look=sheet")
    draw(page, SEVEN)
    page.get_by_role("button", name="It was really a").click()
    page.get_by_role("button", name="7", exact=True).click()
    page.get_by_alt_text("Your 7, read right").wait_for()
