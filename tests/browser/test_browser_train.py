"""The Train page while a network learns: curves that don't flicker, buttons that answer at once."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from mnist_core.data.mnist import load_sample
from mnist_core.evaluation.metrics import evaluate
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.browser.server import PHONE, delete_for_good, settle
from tests.browser.training import LASTING, expect_value, press, start, value

CURVES_ARE_DRAWN = """() => {
    const chart = document.querySelector('[data-testid="stVegaLiteChart"]');
    const picture = chart && chart.querySelector('svg, canvas');
    return picture && picture.getBoundingClientRect().height > 50
        && (picture.tagName === 'CANVAS' || picture.querySelector('.mark-line path[d]') !== null);
}"""
# For the report of a failure: the height and the number of lines of each chart there is.
CURVES = """[...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].map(chart =>
    [chart.getBoundingClientRect().height, chart.querySelectorAll('.mark-line path[d]').length])"""
# A frame shows the elements after layout: a ResizeObserver is called between layout and painting,
# later than the frame's other callbacks, which may take an old picture out and put the new one in.
WATCH_FRAMES = f"""
async ([seconds, least]) => {{
    const drawn = {CURVES_ARE_DRAWN};
    const probe = document.createElement('div');
    probe.style.cssText = 'position: fixed; left: 0; top: 0; height: 1px; pointer-events: none';
    document.body.append(probe);
    let frames = 0, settled = 0;
    const missing = [], begun = performance.now();
    const observer = new ResizeObserver(() => {{
        frames += 1;
        const there = drawn();
        settled = there || settled > 9 ? settled + 1 : 0;  // ten frames in a row: the chart has been made
        if (!there && settled > 9) missing.push([frames, {CURVES}]);
    }});
    observer.observe(probe);
    while (performance.now() < begun + 1000 * seconds || settled < least) {{
        if (performance.now() > begun + 60000) break;
        await new Promise(requestAnimationFrame);
        probe.style.width = `${{1 + frames % 2}}px`;
    }}
    observer.disconnect();
    probe.remove();
    return {{frames, settled, missing}};
}}
"""
WATCH_STALE = """() => {
    window.stale = [];
    new MutationObserver(changes => {
        for (const {target} of changes) if (target.dataset.stale === 'true') stale.push(target.innerText);
    }).observe(document.body, {subtree: true, attributeFilter: ['data-stale']});
}"""


def run_control(page, name):
    return page.locator(".st-key-run_controls").get_by_role("button", name=name)


@pytest.fixture
def running(page):
    """The page with a run of many epochs, its curves on the screen; stopped in the end."""
    page.open(LASTING)
    start(page)
    page.get_by_text("images per second").wait_for()
    page.wait_for_function(f"() => ({CURVES_ARE_DRAWN})()")
    yield page
    stopped = page.get_by_role("heading", name="stopped")
    expect(run_control(page, "Stop").or_(stopped).first).to_be_visible()
    if not stopped.is_visible():
        run_control(page, "Stop").click()
    stopped.wait_for()


CHART = """<div data-testid="stVegaLiteChart"><svg height="100">
    <g class="mark-line"><path d="M0 0 L10 10"></path></g></svg></div>"""
HIDE_FOR_A_FRAME = """chart.style.display = 'none';
    requestAnimationFrame(() => { chart.style.display = ''; });"""
SWAP_WITHIN_A_FRAME = """chart.remove();
    Promise.resolve().then(() => document.body.append(chart));"""


@pytest.mark.parametrize(
    ("change", "missing"), [(HIDE_FOR_A_FRAME, 1), (SWAP_WITHIN_A_FRAME, 0)], ids=["hidden", "swapped"]
)
def test_one_frame_without_a_chart_is_seen(page, change, missing):
    """What the next test relies on: exactly the frames that are painted without curves are counted."""
    page.set_content(CHART)
    page.evaluate(f"""() => {{
        const chart = document.querySelector('[data-testid="stVegaLiteChart"]');
        setTimeout(() => requestAnimationFrame(() => {{ {change} }}), 1000);
    }}""")
    seen = page.evaluate(WATCH_FRAMES, [2, 30])
    assert len(seen["missing"]) == missing


def test_no_frame_is_without_the_curves_and_a_pause_survives_a_refresh(running):
    speed = running.get_by_text("images per second")
    steps = speed.text_content()
    seen = running.evaluate(WATCH_FRAMES, [4, 30])
    assert seen["settled"] >= 30
    assert seen["missing"] == [], f"of {seen['frames']} frames"
    expect(speed).not_to_have_text(steps)  # it did go on meanwhile

    run_control(running, "Pause").click()
    running.get_by_role("heading", name=re.compile("paus(ing|ed)")).wait_for()
    running.get_by_role("button", name="Continue to").wait_for()
    running.reload()
    running.get_by_role("heading", name="paused").wait_for()
    settle(running)
    running.get_by_role("button", name="Continue to").click()
    running.get_by_text("images per second").wait_for()


def test_stop_is_answered_and_the_accuracy_is_that_of_the_runs_own_weights(
    running, new_tab, tmp_path_factory
):
    others_form = new_tab("/train")
    others_form.get_by_role("button", name="Add to the queue").wait_for()
    run_control(running, "Stop").click()
    running.get_by_role("heading", name=re.compile("stopp(ing|ed)")).wait_for()
    running.get_by_role("heading", name="stopped").wait_for()
    others_form.get_by_role("button", name="Start training").wait_for()  # without a click
    metric = running.get_by_test_id("stMetric").filter(has_text="Test accuracy")
    metric.wait_for()
    run_id = re.search("run=([0-9a-f]+)", running.url)[1]
    model = RunStore(tmp_path_factory.getbasetemp() / "runs").get(run_id).load_model()
    expect(metric).to_contain_text(f"{evaluate(model, load_sample().test).accuracy:.2%}")


def test_a_setting_leaves_alone_what_it_does_not_concern(page):
    page.open("/train?run=pretrained")
    page.get_by_text("measured in a short trial").wait_for()  # which all of the page hears of
    settle(page)
    heading = page.locator("h1").inner_text()
    page.evaluate(WATCH_STALE)
    press(page, "epochs", "ArrowRight")
    assert heading not in page.evaluate("stale.splice(0)")
    link = page.locator(".lab-pages").get_by_role("link", name="Draw")
    expect(link).to_have_attribute("href", re.compile(f"epochs={value(page, 'epochs')}(&|$)"))

    page.get_by_text("Logarithmic axis", exact=True).click()
    page.get_by_text("Error rate: the share of images").wait_for()
    assert not any("Test accuracy" in text for text in page.evaluate("stale.splice(0)"))


@pytest.mark.slow
def test_counts_are_written_as_people_write_them(page, tmp_path_factory):
    """0.1 wrote "1 steps per epoch", "3.729" epochs, and "1000" beside "1,000"."""
    from mnist_core.models.architectures import build_model

    store = RunStore(tmp_path_factory.getbasetemp() / "runs")
    writer = store.create(replace(RECIPES["quick"].config, epochs=1000))
    writer.save(build_model(writer.config), 3.729)
    measured = {"test_accuracy": 0.9, "initial_accuracy": 0.1, "train_seconds": 2.0}
    writer.update("stopped", epochs=3.729, **measured)
    writer.close()
    page.open(f"/train?run={writer.id}&recipe=quick&batch_size=60000&epochs=1000")
    expect(page.get_by_test_id("stMetricValue").filter(has_text="3.7")).to_have_text("3.7")
    expect(page.get_by_text("Steps per epoch: 1.")).to_be_visible()
    expect_value(page, "epochs", "1,000")
    expect(page.get_by_text(re.compile(r"\b1 (steps|epochs|images)\b"))).to_have_count(0)
    delete_for_good(store, writer.id)


def test_on_a_phone_a_run_comes_before_the_summary_of_the_next(new_tab):
    page = new_tab("/train?run=pretrained", **PHONE)
    page.locator(".st-key-training_summary").wait_for()
    run = page.get_by_text("Test accuracy").bounding_box()
    summary = page.locator(".st-key-training_summary").bounding_box()
    assert run["y"] < summary["y"]
