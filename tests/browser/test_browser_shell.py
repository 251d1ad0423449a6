"""The frame of every page: language, navigation, history, the phone's bar, sliders, canvas, connection."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import IS_INKED, PHONE, TOUCH, draw, settle, swipe, wait_for_ink
from tests.browser.slow_line import slow_line
from tests.browser.training import expect_value, slider, value

CHINESE, ENGLISH = "手写数字", "Handwritten digits"
# Bytes that the page's files took, and that they have uncompressed.
FILE_SIZES = """performance.getEntriesByType('resource').reduce(
  ([sent, whole], {encodedBodySize, decodedBodySize}) => [sent + encodedBodySize, whole + decodedBodySize],
  [0, 0])"""
WITHOUT_NOTICE = ":has(> .st-key-notice_place) { display: none !important }"  # of the sample


def test_the_language_switch_is_in_the_url_and_survives_refresh_and_back(page):
    page.open("/")
    expect(page.locator("h1")).to_have_text(ENGLISH)
    page.get_by_text("中文").click()
    expect(page.locator("h1")).to_have_text(CHINESE)
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    expect(page).to_have_url(re.compile("lang=zh"))
    expect(page).to_have_title("数据 · Digit Lab")
    page.reload()
    expect(page.locator("h1")).to_have_text(CHINESE)
    page.get_by_role("button", name="重新随机抽样").click()
    expect(page).to_have_url(re.compile("seed=1"))
    expect(page).to_have_url(re.compile("lang=zh"))
    page.locator(".lab-pages").get_by_role("link", name="训练", exact=True).click()
    expect(page).to_have_url(re.compile("/train"))
    settle(page)
    page.go_back()
    expect(page).to_have_url(re.compile("seed=1"))
    settle(page)
    expect(page.locator("h1")).to_have_text(CHINESE)


def test_the_files_of_the_third_browsers_first_visit_are_compressed(new_tab):
    for _browser in range(3):
        sent, whole = new_tab("/").evaluate(FILE_SIZES)
    assert 0 < sent < whole / 2, (sent, whole)


def test_nonsense_in_the_url_is_no_trouble(page):
    page.open("/?lang=tlh&seed=-3&digit=x&split=&run=../../etc")
    expect(page.locator("h1")).to_have_text(ENGLISH)
    expect(page.get_by_test_id("stMain").get_by_role("img").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.open("/nowhere?lang=zh")
    page.set_viewport_size(PHONE["viewport"])
    expect(page.get_by_text("此网址没有对应的页面")).to_be_in_viewport()
    expect(page.get_by_test_id("stDialog")).to_have_count(0)


def test_explore_is_found_by_its_name_too(page):
    page.open("/explore?view=typical&digit=4&lang=zh")
    page.get_by_role("radio", name="离群样本", checked=True).wait_for()
    expect(page).to_have_url(re.compile(r"/\?.*digit=4"))
    expect(page.locator(".lab-pages a")).to_have_count(10)


@pytest.mark.slow
def test_back_leaves_the_page_however_many_choices_were_made_there(page):
    page.open("/runs")
    page.locator(".lab-pages").get_by_role("link", name="Explore").click()
    expect(page.locator("h1")).to_have_text(ENGLISH)
    settle(page)
    page.get_by_role("radio", name="Single image").click(force=True)
    expect(page).to_have_url(re.compile("view=image"))
    settle(page)
    page.get_by_role("radio", name="Test set").click(force=True)
    expect(page).to_have_url(re.compile("split=test"))
    settle(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Runs")
    settle(page)
    page.go_forward()
    expect(page.get_by_role("radio", name="Single image")).to_be_checked()
    expect(page.get_by_role("radio", name="Test set")).to_be_checked()
    settle(page)
    page.locator(".lab-pages").get_by_role("link", name="Learn").click()
    expect(page.locator(".st-key-lab_chapter h2")).to_be_visible()
    settle(page)  # a click on a page that is still being built can be lost
    page.get_by_role("radio", name="0 to 1").click(force=True)
    expect(page).to_have_url(re.compile("scaling=unit"))
    settle(page)
    page.locator(".st-key-lab_neighbours a").last.click()
    expect(page.locator(".st-key-lab_chapter h2")).to_have_text("2. One neuron")
    expect(page.get_by_role("img", name="and 4 lines")).to_be_visible()  # trained: the page is built anew
    settle(page)
    page.locator(".st-key-lines").get_by_role("radio").first.click(force=True)
    expect(page).to_have_url(re.compile("lines="))
    settle(page)
    page.go_back()  # each chapter counts as a page
    expect(page.get_by_role("radio", name="0 to 1")).to_be_checked()
    settle(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text(ENGLISH)


def test_the_links_to_the_pages_stay_at_the_bottom_of_a_phone(new_tab):
    """Upright, where Start is within reach too, and on a desktop at 200 %."""
    page = new_tab("/train", **PHONE)
    expect(page.locator(".st-key-start button")).to_be_in_viewport(ratio=1)
    expect_links_at_the_bottom(page)
    page.set_viewport_size({"width": 640, "height": 400})
    settle(page)
    expect_links_at_the_bottom(page)


def test_a_link_of_the_list_carries_settings_and_embedding_and_keeps_the_focus(page):
    """Also to a new tab; and a page's own parameters stay behind."""
    page.open("/train?recipe=tutorial-3&epochs=4&smooth=11&embed=true")
    listed = page.get_by_role("navigation", name="Pages")
    draw = listed.get_by_role("link", name="Draw")
    expect(draw).to_have_attribute("href", re.compile(r"^/draw\?recipe=tutorial-3&epochs=4&embed=true$"))
    expect(listed.locator("[aria-current=page]")).to_have_text(re.compile("Train$"))
    page.evaluate("window.isSameDocument = true")
    draw.press("Enter")
    expect(page.locator("h1")).to_have_text("Draw a digit")
    settle(page)
    expect(page).to_have_url(re.compile(r"/draw\?recipe=tutorial-3&epochs=4&embed=true$"))
    assert page.evaluate("window.isSameDocument")
    expect(draw).to_be_focused()
    expect(listed.locator("[aria-current=page]")).to_have_text(re.compile("Draw$"))
    with page.context.expect_page() as opened:
        listed.get_by_role("link", name="Learn").click(modifiers=["ControlOrMeta"])
    expect(opened.value.locator(".st-key-lab_chapter h2")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Draw a digit")
    page.set_viewport_size({"width": 1600, "height": 800})  # with icons, beside the language
    assert listed.bounding_box()["height"] < 40
    assert page.locator(".st-key-lang").bounding_box()["y"] < 1.5 * listed.bounding_box()["y"]


@pytest.mark.slow
def test_the_links_to_the_pages_stay_at_the_bottom_of_a_phone_held_sideways(new_tab, two_runs):
    """In Chinese, beside the list of runs; test_browser_compare has a phone upright."""
    page = new_tab("/train", locale="zh-CN", viewport={"width": 812, "height": 375})
    expect(page.locator(".st-key-run_list")).to_be_visible()
    expect_links_at_the_bottom(page)


def expect_links_at_the_bottom(page):
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    links = page.locator(".lab-pages a:visible")
    expect(links).to_have_count(8)
    expect(page.locator(".lab-pages a[aria-current=page]")).to_have_count(1)
    expect(links.nth(2)).to_have_attribute("aria-current", "page")
    expect(links.first).to_have_attribute("href", re.compile(r"^/(\?|$)"))  # in a new tab too
    for scrolled in (0, 10_000):
        page.get_by_test_id("stMain").evaluate("(main, y) => main.scrollTo(0, y)", scrolled)
        boxes = [link.bounding_box() for link in links.all()]
        assert all(box["height"] >= 44 and box["y"] >= height - 60 for box in boxes)
        assert all(0 <= box["x"] <= width - box["width"] for box in boxes)
        assert links.evaluate_all("all => all.every(link => link.scrollWidth <= link.clientWidth)")
    version = page.locator(".lab-version").bounding_box()
    assert version["y"] + version["height"] <= boxes[0]["y"]
    start = page.locator(".st-key-start")
    if start.evaluate("e => getComputedStyle(e).position") == "fixed":
        box = start.bounding_box()
        assert box["y"] + box["height"] <= boxes[0]["y"] + 1


@pytest.mark.slow
def test_a_phone_held_sideways_begins_with_the_page_and_not_with_the_runs(new_tab, two_runs):
    sideways = {**TOUCH, "viewport": {"width": 812, "height": 375}}
    page = new_tab("/runs", user_agent="Mozilla/5.0 (iPhone) AppleWebKit/605 Mobile/15E148", **sideways)
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    runs = page.locator(".st-key-run_list")
    expect(runs).to_be_hidden()  # so the Tab key passes them by
    page.get_by_test_id("stExpandSidebarButton").tap()
    expect(runs).to_be_in_viewport()


@pytest.mark.slow
def test_a_swipe_up_that_begins_on_a_slider_scrolls_and_a_sideways_one_moves_it(new_tab):
    page = new_tab("/train", **TOUCH)
    scrolled = page.get_by_test_id("stMain").evaluate_handle("main => main")
    track = page.locator(".st-key-set_epochs .stSlider [role=group]")

    def middle():
        track.evaluate("slider => slider.scrollIntoView({block: 'center'})")
        settle(page)
        box = track.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    before, (x, y) = value(page, "epochs"), middle()
    top = scrolled.evaluate("main => main.scrollTop")
    swipe(page, (x, y), (x + 20, y - 200))
    page.wait_for_function("([main, top]) => main.scrollTop > top + 100", arg=[scrolled, top])
    page.touchscreen.tap(*middle())
    settle(page)
    assert value(page, "epochs") == before
    assert "epochs" not in page.url
    x, y = middle()
    quarter = track.bounding_box()["width"] / 4
    swipe(page, (x, y), (x + quarter, y + 10))
    expect(slider(page, "epochs")).not_to_have_attribute("aria-valuetext", before)
    expect(page).to_have_url(re.compile("epochs="))
    settle(page)
    assert f"epochs={value(page, 'epochs').replace(',', '')}&" in page.url
    x, y = middle()
    page.mouse.click(x - quarter, y)
    moved = value(page, "epochs")
    page.evaluate("document.activeElement.blur()")
    thumb = track.locator("input").locator("xpath=../..").bounding_box()
    page.touchscreen.tap(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
    expect(track.locator("input")).to_be_focused()
    expect_value(page, "epochs", moved)
    page.keyboard.press("ArrowRight")
    expect(slider(page, "epochs")).not_to_have_attribute("aria-valuetext", moved)


def expect_ink(page, inside, outside):
    """Wait until the canvas has ink inside a stroke, in its own 280 pixels; and none just outside."""
    found = "replaced"  # as the page may replace the canvas meanwhile
    while found == "replaced":
        wait_for_ink(page, *inside)
        canvas = page.locator("canvas.dc-canvas.lower-canvas").element_handle()
        found = page.evaluate(IS_INKED, [canvas, *outside])
    assert found is False


@pytest.mark.slow
def test_the_canvas_is_as_wide_as_the_phone_and_takes_strokes_where_the_finger_is(new_tab):
    page = new_tab("/draw?run=pretrained", **TOUCH)
    page.add_style_tag(content=WITHOUT_NOTICE)
    settle(page)
    box = page.locator("canvas.upper-canvas").bounding_box()
    assert box["width"] >= 340
    assert box["x"] + box["width"] <= 375
    seven, scale = [(70, 70), (200, 70), (120, 230)], box["width"] / 280
    near_its_end, beyond_it = (122, 226), (116, 243)  # the pen is 18 wide
    swipe(page, *((box["x"] + x * scale, box["y"] + y * scale) for x, y in seven))
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    expect_ink(page, near_its_end, beyond_it)
    expect(page.locator(".dc-toolbar")).to_be_hidden()
    settle(page)
    heading = page.get_by_role("heading", name="Prediction: 7").bounding_box()
    assert heading["y"] + heading["height"] <= page.locator(".lab-pages").bounding_box()["y"]
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("heading", name="No digit yet").wait_for()
    draw(page, seven)
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    expect_ink(page, near_its_end, beyond_it)
    digit = page.get_by_alt_text("Your digit in 28 x 28 pixels")
    drawn = digit.get_attribute("src")
    page.locator(".lab-pages").get_by_role("link", name="Explore").click()
    page.locator("h1", has_text=ENGLISH).wait_for()
    settle(page)
    page.go_back()
    page.get_by_role("heading", name="Prediction: 7").wait_for()
    expect(digit).to_have_attribute("src", drawn)
    expect_ink(page, near_its_end, beyond_it)


@pytest.mark.slow
def test_a_lost_connection_is_said_in_the_page_and_so_is_its_return(new_tab, address):
    """First the line is silent, then it is cut."""
    with slow_line(address, 0) as url:
        page = new_tab("/train", url=url, locale="zh-CN")
        words = page.get_by_role("alert")
        page.context.set_offline(True)
        expect(words).to_have_text("与服务器的连接已断开，恢复之前页面内容不会更新。")
        page.context.set_offline(False)
        expect(words).to_have_text("已重新连接。")
        expect(words).to_have_count(0)
    expect(words).to_have_text("与服务器的连接已断开，恢复之前页面内容不会更新。")
    with slow_line(address, 0, port=int(url.rpartition(":")[2])):
        expect(words).to_have_text("已重新连接。")
        settle(page)
        expect(page.get_by_test_id("stDialog")).to_have_count(0)
