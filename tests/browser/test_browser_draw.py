"""The Draw page by mouse and by keyboard in a real browser."""

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.server import PHONE, draw, expect_to_fit, settle

SEVEN = [(70, 70), (200, 70), (120, 230)]
NARROW_SEVEN = [(20, 60), (100, 60), (50, 230)]
ONE = [(220, 50), (220, 230)]


def picture(name, ink=False):
    """Return a PNG of white paper, with a 1 on it if it has ink."""
    image = Image.new("L", (200, 200), 255)
    if ink:
        image.paste(0, (94, 40, 108, 160))
    file = BytesIO()
    image.save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def test_strokes_are_read_undone_and_cleared(page):
    page.open("/draw?run=pretrained")
    draw(page, NARROW_SEVEN)
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    draw(page, ONE)
    page.get_by_role("heading", name="Prediction: 71").wait_for()
    expect(page.locator("#lab-answer[role=status]")).to_have_text(
        "Prediction: 71. 2 digits, from left to right."
    )
    page.get_by_alt_text("Segmentation: your writing with a box around each digit").wait_for()
    page.locator(".st-key-canvas_tools").get_by_role("button", name="Undo").click()
    page.get_by_role("heading", name="Prediction: 7,").wait_for()
    draw(page, ONE)  # on the canvas that came back
    page.get_by_role("heading", name="Prediction: 71").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()


def test_a_section_follows_the_drawing_and_is_a_link(page):
    page.open("/draw?run=pretrained")
    draw(page, SEVEN)
    page.get_by_text("Preprocessing", exact=True).click()
    page.get_by_text("Cropped to the bounding box").wait_for()
    expect(page).to_have_url(re.compile("look=steps"))
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Draw a digit first").wait_for()
    settle(page)
    page.get_by_text("Preprocessing", exact=True).click()
    page.get_by_text("Draw a digit first").wait_for(state="detached")
    expect(page).not_to_have_url(re.compile("look="))


def test_the_grid_is_inked_by_keys_alone_and_kept(page):
    page.open("/draw?run=pretrained&from=keys")
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("Space")
    page.get_by_role("gridcell", name="row 5, column 15: ink").wait_for()
    for _ in range(18):
        page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("heading", name="Prediction: 1").wait_for()
    settle(page)
    seen = page.get_by_alt_text("Your digit in 28 x 28 pixels")
    before = seen.get_attribute("src")
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("gridcell", name="row 23, column 16: ink").wait_for()
    expect(seen).not_to_have_attribute("src", before)
    page.keyboard.press("Space")
    page.get_by_role("gridcell", name="row 23, column 16: background").wait_for()
    expect(seen).to_have_attribute("src", before)
    page.locator(".lab-pages").get_by_role("link", name="Explore").click()
    page.locator("h1", has_text="Handwritten digits").wait_for()
    settle(page)
    page.go_back()
    page.get_by_role("heading", name="Prediction: 1").wait_for()
    expect(page.get_by_role("gridcell", selected=True)).to_have_count(19)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    expect(page.get_by_role("gridcell")).to_have_count(28 * 28)
    expect(page.get_by_role("gridcell", selected=True)).to_have_count(0)


def test_a_drawing_is_saved_in_my_handwriting(page):
    page.open("/draw?run=pretrained&look=sheet")
    draw(page, SEVEN)
    page.get_by_role("button", name="Correct the label").click()
    page.get_by_role("button", name="7", exact=True).click()
    page.get_by_alt_text("Your 7, classified correctly").wait_for()


@pytest.mark.slow
def test_a_correction_shows_why_another_digit_was_read_on_a_phone(new_tab):
    page = new_tab("/draw?run=pretrained", **PHONE)
    draw(page, SEVEN)
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    page.get_by_role("button", name="Correct the label").click()
    page.get_by_role("button", name="1", exact=True).click()
    page.get_by_text("The network reads 7").wait_for()
    for picture_of in (
        "Pixels that speak for 7, and pixels that speak for 1",
        "Your digit with pixels added and removed, read as 1",
    ):
        expect(page.get_by_alt_text(picture_of)).to_have_count(1)  # two while the section is being replaced
    expect(page.get_by_alt_text("Handwritten 1, image number")).to_have_count(4)
    expect(page).to_have_url(re.compile("look=instead"))
    settle(page)
    expect_to_fit(page, "the contrast")
    page.open("/draw?run=pretrained&from=upload")  # 0.1 counted the blank one as read
    page.locator("input[type=file]").set_input_files([picture("one.png", ink=True), picture("blank.png")])
    expect(page.get_by_role("heading", name="1 picture classified, 1 without a digit")).to_be_visible()
