"""Own data in the browser: brought on a phone, mended by keyboard, saved, and looked at."""

import numpy as np
from playwright.sync_api import expect

from mnist_core.data.mnist import load_sample
from tests.browser.server import PHONE, expect_to_fit, settle
from tests.core.own_data.sources import csv_text


def test_images_are_brought_mended_by_keyboard_and_saved_on_a_phone(new_tab, tmp_path):
    sample = load_sample().train
    wrong = 255 - sample.images[:60].transpose(0, 2, 1)
    (tmp_path / "class 7b.csv").write_text(csv_text(wrong, np.arange(60) % 2))
    page = new_tab("/data", locale="zh-CN", **PHONE)
    expect_to_fit(page, "the page Data")
    page.locator("input[type=file]").set_input_files(str(tmp_path / "class 7b.csv"))
    pictures = page.locator(".lab-digits img")
    expect(pictures).to_have_count(10)
    seen = {pictures.first.get_attribute("src")}
    for name in ("反色", "转置"):
        switch = page.get_by_role("switch", name=name).or_(page.get_by_role("checkbox", name=name)).first
        before = pictures.first.get_attribute("src")
        switch.focus()
        switch.press("Space")
        expect(switch).to_be_checked()
        expect(pictures.first).not_to_have_attribute("src", before)
        settle(page)
        seen.add(pictures.first.get_attribute("src"))
    assert len(seen) == 3
    expect_to_fit(page, "the page Data")
    page.get_by_role("button", name="保存为数据集").click()
    expect(page.get_by_text("你的数据集")).to_be_visible()
    expect_to_fit(page, "the page Data")
    page.get_by_role("link", name="查看").click()
    expect(page.locator(".lab-digits img").first).to_be_visible()
    page.goto("/data")
    settle(page)
    page.get_by_role("button", name="删除").click()
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
