from tests.browser.server import settle

SCROLLS = "e => e.scrollWidth > e.clientWidth"


def test_an_image_opened_from_the_grid_is_in_the_url_and_back_leads_to_the_grid(page):
    page.open("/")
    field = page.locator(".st-key-of_grid").get_by_role("combobox")
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # scrolling closes the list
    field.click()
    page.get_by_role("option", name="no. 4").click()
    page.get_by_role("heading", name="As a vector of 784 numbers").wait_for()
    assert "view=image" in page.url
    assert "index=4" in page.url
    page.go_back()
    page.locator(".st-key-of_grid").wait_for()


def test_the_pixel_values_scroll_in_their_own_box(browser, address):
    page = browser.new_page(base_url=address, viewport={"width": 375, "height": 720}, locale="en-US")
    page.goto("/?view=image&scaling=standard")
    settle(page)
    box = page.locator(".lab-pixels")
    assert box.evaluate(SCROLLS)
    assert not page.locator('[data-testid="stMain"]').evaluate(SCROLLS)
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert box.evaluate("e => e.scrollLeft") > 0
    page.close()


def test_pointing_at_a_dot_of_the_map_shows_its_image(page):
    page.open("/?view=map")
    chart = page.locator('[data-testid="stVegaLiteChart"]').locator("canvas, svg").first
    chart.wait_for()
    page.wait_for_timeout(1000)
    box = chart.bounding_box()
    shown = page.locator("#vg-tooltip-element.visible img")
    for step in range(100):
        page.mouse.move(box["x"] + box["width"] * (0.2 + step / 200), box["y"] + box["height"] / 2)
        page.wait_for_timeout(30)
        if shown.count():
            break
    assert shown.get_attribute("src").startswith("data:image/png")
    assert shown.bounding_box()["width"] > 100
