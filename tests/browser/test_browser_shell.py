import pytest

from tests.browser.server import serve, settle


def test_a_link_into_a_cold_server_shows_the_whole_page(browser, tmp_path):
    with serve(tmp_path) as url:
        page = browser.new_page(locale="en-US")
        page.goto(f"{url}/?lang=zh&run=abc")
        settle(page)
        assert page.locator(".st-key-pages a").count() >= 1
        assert page.locator("h1").inner_text() == "手写数字"
        page.close()


def test_the_language_switch_is_in_the_url_and_survives_refresh_and_back(page):
    page.open("/")
    assert page.locator("h1").inner_text() == "Handwritten digits"
    page.get_by_text("中文").click()
    page.locator("h1", has_text="手写数字").wait_for()
    assert "lang=zh" in page.url
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.title() == "看数据 · Digit Lab"
    page.reload()
    page.locator("h1", has_text="手写数字").wait_for()
    page.get_by_role("button", name="换一批").click()
    page.wait_for_url("**/*seed=1*")
    assert "lang=zh" in page.url
    page.go_back()
    page.wait_for_url(lambda url: "seed" not in url)
    settle(page)
    assert page.locator("h1").inner_text() == "手写数字"


def test_the_browsers_language_is_the_first_choice(browser, address):
    page = browser.new_page(locale="zh-CN")
    page.goto(address)
    settle(page)
    assert page.locator("h1").inner_text() == "手写数字"
    page.close()


@pytest.mark.parametrize("query", ["?lang=tlh", "?seed=-3&digit=x&split=", "?run=../../etc"])
def test_nonsense_in_the_url_is_no_trouble(page, query):
    page.open("/" + query)
    assert page.locator("h1").inner_text() == "Handwritten digits"
    assert page.locator('[data-testid="stException"]').count() == 0
