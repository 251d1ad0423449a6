import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import PHONE, serve, settle

CHINESE, ENGLISH = "手写数字", "Handwritten digits"


def test_a_link_into_a_cold_server_shows_the_whole_page(new_tab, tmp_path):
    with serve(tmp_path) as url:
        page = new_tab("/?lang=zh&run=abc", url=url)
        expect(page.locator(".st-key-pages a")).to_have_count(7)
        expect(page.locator("h1")).to_have_text(CHINESE)


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
    page.go_back()
    expect(page).not_to_have_url(re.compile("seed"))
    settle(page)
    expect(page.locator("h1")).to_have_text(CHINESE)


def test_the_browsers_language_is_the_first_choice(new_tab):
    page = new_tab("/", locale="zh-CN")
    expect(page.locator("h1")).to_have_text(CHINESE)


@pytest.mark.parametrize("query", ["?lang=tlh", "?seed=-3&digit=x&split=", "?run=../../etc"])
def test_nonsense_in_the_url_is_no_trouble(page, query):
    page.open("/" + query)
    expect(page.locator("h1")).to_have_text(ENGLISH)
    expect(page.get_by_test_id("stMain").get_by_role("img").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_explore_is_found_by_its_name_too(page):
    page.open("/explore?view=typical&digit=4&lang=zh")
    page.get_by_role("radio", name="离群样本", checked=True).wait_for()
    expect(page).to_have_url(re.compile(r"/\?.*digit=4"))
    expect(page.locator(".st-key-pages a")).to_have_count(7)


def test_the_links_to_the_pages_are_as_high_as_a_finger_on_a_phone(new_tab):
    links = new_tab("/", **PHONE).locator(".st-key-pages a")
    assert min(link.bounding_box()["height"] for link in links.all()) >= 44
