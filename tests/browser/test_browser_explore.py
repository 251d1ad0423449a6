from tests.browser.server import settle

SCROLLS = "e => e.scrollWidth > e.clientWidth"


def test_an_image_gone_to_is_in_the_url_and_back_leads_to_the_grid(page):
    page.open("/")
    field = page.locator(".st-key-jump input")
    field.fill("42")
    field.press("Enter")
    page.get_by_role("heading", name="As a vector of 784 numbers").wait_for()
    assert "view=image" in page.url
    assert "index=42" in page.url
    page.go_back()
    page.locator(".st-key-jump").wait_for()


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


def test_the_last_visitor_to_stop_tsne_ends_it(page, browser, address):
    map_by_tsne = "/?view=map&method=tsne"
    page.open(map_by_tsne)
    begin = page.get_by_role("button", name="Make the t-SNE map")
    begin.click()
    page.get_by_text("Moving the dots").wait_for()
    other = browser.new_page(base_url=address, locale="en-US")
    other.goto(map_by_tsne)
    other.get_by_text("Moving the dots").wait_for()
    page.get_by_role("button", name="Stop").click()
    begin.wait_for()
    assert other.get_by_text("Moving the dots").is_visible()
    other.get_by_role("button", name="Stop").click()
    other.get_by_role("button", name="Make the t-SNE map").wait_for()
    other.close()
    for _ in range(10):  # it ends at its next step, which a busy machine takes seconds for
        page.wait_for_timeout(1000)
        page.reload()
        settle(page)
        if begin.is_visible():
            break
    assert begin.is_visible()
