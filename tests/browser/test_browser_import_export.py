import re

from playwright.sync_api import expect


def test_a_run_is_exported_as_a_script(page, two_runs):
    page.open(f"/train?run={two_runs[0]}")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as script:
        page.get_by_role("button", name="Training script").click()
    assert script.value.suggested_filename.startswith("digit-lab-quick-")
    assert "network = nn.Sequential(" in script.value.path().read_text()


def test_a_chart_and_weights_are_exported_and_the_weights_imported(page, tmp_path):
    page.open("/train?run=pretrained")
    page.locator(".vega-embed :is(svg, canvas)").first.wait_for()
    page.locator(".vega-embed").first.hover()
    save = page.get_by_role("button", name="Download as PNG").first
    downloads = []
    page.on("download", lambda download: downloads.append(download))  # noqa: PLW0108  Playwright needs a function
    for _attempt in range(60):  # Streamlit answers no click while it draws the chart anew
        save.click()
        page.wait_for_timeout(1000)
        if downloads:
            break
    assert downloads[0].path().read_bytes().startswith(b"\x89PNG")
    page.get_by_role("button", name="Export").click()
    # Its digits are of our own writing.
    expect(page.get_by_role("button", name="Training script")).to_be_disabled()
    with page.expect_download() as weights:
        page.get_by_role("button", name="Weights").click()
    weights.value.save_as(tmp_path / "again.safetensors")
    page.keyboard.press("Escape")

    page.get_by_text("Import").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "again.safetensors")
    page.get_by_text("The weights of again.safetensors were imported as a run").wait_for()
    expect(page.get_by_role("heading", name="again: finished")).to_be_visible()
    expect(page).not_to_have_url(re.compile("run=pretrained"))
