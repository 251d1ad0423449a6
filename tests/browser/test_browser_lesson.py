"""A teacher's pair, "sigmoid against ReLU, six layers": set up, linked, and opened in another browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import PHONE, expect_to_fit, settle
from tests.browser.test_browser_start import AT_THE_TOP
from tests.browser.training import expect_value, settle_after_trial

LINK = """() => [...document.querySelectorAll('[data-testid=stCode]')].map(each => each.innerText)
    .find(text => text.includes('question=Which+one+learns'))"""


@pytest.mark.slow
def test_sigmoid_against_relu_in_eight_clicks(page, new_tab):
    clicks = []

    def click(target, **where):
        target.click(**where)
        clicks.append(target)

    page.open("/train")
    click(page.get_by_text("2 sigmoid layers, SGD (tutorial 2)", exact=True))
    expect_value(page, "widths_count", "2")
    settle(page)
    track = page.locator(".st-key-set_widths_count [data-testid=stSlider] > div:not(label)").last
    box = track.bounding_box()
    click(track, position={"x": box["width"] * 6 / 8, "y": box["height"] / 2})
    expect_value(page, "widths_count", "6")
    settle(page)
    click(page.get_by_text("Side by side: start two"))
    expect(page.get_by_text("Which will be more accurate after 10 epochs?")).to_be_visible()
    settle_after_trial(page)  # or that would close the link again
    click(page.get_by_text("Link to this pair"))
    page.get_by_label("Your own question, if you like").fill("Which one learns <i>at all</i>?")
    page.keyboard.press("Enter")
    link = page.wait_for_function(LINK).json_value().strip()
    assert re.search(r"widths=128-256-256-256-256-256&.*change=activation:relu", link)
    clicks.append("copy the link")

    pupil = new_tab(has_touch=True, **PHONE)
    pupil.open(link)
    expect(pupil.get_by_text("Which one learns <i>at all</i>?")).to_be_in_viewport()
    expect_to_fit(pupil, "the question")
    click(pupil.get_by_role("button", name="ReLU", exact=True))
    pupil.get_by_role("heading", name="Sigmoid or ReLU: training").wait_for()
    expect(pupil.get_by_text("Your guess: ReLU")).to_be_visible()
    expect(pupil.get_by_text(re.compile("^(Sigmoid|ReLU): Epoch"))).to_have_count(2)
    chart = pupil.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator(".mark-line path[d]")).not_to_have_count(0)
    assert len(clicks) <= 8
    pupil.wait_for_function(AT_THE_TOP)

    page.open(pupil.url.replace("&guess=second", ""))  # the pair in the teacher's browser, without a guess
    page.locator(".st-key-pair_guesses").get_by_role("button", name="Sigmoid", exact=True).click()
    expect(page.get_by_text(re.compile("Your guess( was)?: Sigmoid"))).to_be_visible()
    for tab in (page, pupil):
        tab.get_by_role("heading", name="Sigmoid or ReLU: finished").wait_for()
        expect(tab.get_by_text("ReLU, test accuracy")).to_be_visible()
        expect(tab.get_by_text(re.compile("Your guess was: (ReLU|Sigmoid)"))).to_be_visible()
        settle(tab)
    chart = page.get_by_test_id("stVegaLiteChart").first
    width = chart.bounding_box()["width"]
    for share in (0.5, 0.55):
        chart.hover(position={"x": share * width, "y": 200})
    expect(page.locator(".lab-run-list i")).to_have_count(3)  # pieces of the lines, the guess's too
    told = [re.compile("epoch"), re.compile("Sigmoid.*%"), re.compile("ReLU.*%")]
    expect(page.locator("#vg-tooltip-element tr")).to_have_text(told)
    expect_to_fit(pupil, "the result")
