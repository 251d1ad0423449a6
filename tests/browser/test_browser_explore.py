import re

from playwright.sync_api import expect

from tests.browser.server import PATIENCE, PHONE, expect_to_fit

# The middle of a digit of the map that no other covers.
A_DIGIT = """() => {
    for (const digit of document.querySelectorAll('[data-testid=stVegaLiteChart] .mark-text text')) {
        const box = digit.getBoundingClientRect();
        const middle = [box.left + box.width / 2, box.top + box.height / 2];
        if (document.elementFromPoint(...middle) === digit) return middle;
    }
    return null;
}"""
POPUP = "#vg-tooltip-element.visible img"


def test_an_image_gone_to_is_in_the_url(page):
    page.open("/")
    field = page.locator(".st-key-jump input")
    field.fill("42")
    field.press("Enter")
    page.get_by_role("heading", name="Flatten: a vector of 784 numbers").wait_for()
    expect(page).to_have_url(re.compile("view=image"))
    expect(page).to_have_url(re.compile("index=42"))


def test_the_pixel_values_scroll_in_their_own_box(new_tab):
    page = new_tab("/?view=image&scaling=standard", **PHONE)
    box = page.locator(".lab-pixels")
    box.wait_for()
    page.wait_for_function("box => box.scrollWidth > box.clientWidth", arg=box.element_handle())
    expect_to_fit(page, "the page")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle())


def point_at_a_digit(page):
    """Move the mouse over a digit until its image pops up: a chart that was just drawn may not listen yet."""
    x, y = page.wait_for_function(A_DIGIT).json_value()
    for turn in range(PATIENCE // 200):
        page.mouse.move(x + turn % 2, y)
        page.wait_for_timeout(200)
        if page.locator(POPUP).is_visible():
            return


def test_pointing_at_a_digit_of_the_map_shows_its_image(page):
    page.open("/?view=map")
    page.get_by_test_id("stVegaLiteChart").scroll_into_view_if_needed()
    point_at_a_digit(page)
    image = page.locator(POPUP)
    expect(image).to_have_attribute("src", re.compile("^data:image/png"))
    page.wait_for_function("image => image.getBoundingClientRect().width > 100", arg=image.element_handle())
