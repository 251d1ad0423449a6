"""Changing the language and back: choices stay, in the words of the new language."""

import re

from playwright.sync_api import expect

from tests.browser.server import settle


def test_the_form_keeps_its_settings_and_says_them_in_the_new_language(page):
    page.open("/train?recipe=tutorial-1&schedule=cosine")
    for language, recipe in (("中文", "教程 1"), ("English", "tutorial 1"), ("中文", "教程 1")):
        page.get_by_text(language, exact=True).first.click()
        page.wait_for_function(
            "recipe => document.querySelector('.st-key-set_recipe')?.outerHTML.includes(recipe)", arg=recipe
        )
        expect(page.get_by_text(re.compile("^(Changed from the recipe|相对配方的改动)"))).to_be_visible()
        settle(page)


def test_the_sections_of_explore_stay_open(page):
    page.open("/?view=typical&digit=4")
    for language, first in (("中文", "离群样本"), ("English", "Outliers"), ("中文", "离群样本")):
        page.get_by_text(language, exact=True).first.click()
        page.get_by_role("radio", name=first, checked=True).wait_for()
        settle(page)
        expect(page).to_have_url(re.compile("view=typical"))
        expect(page).to_have_url(re.compile("digit=4"))
