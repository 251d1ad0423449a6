"""The whole way on a set of 26 classes, on a phone in Chinese, from Explore to the exported script."""

import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_core.data.datasets import open_own_set
from mnist_core.data.own_sets import NewSet, save_set
from mnist_core.evaluation.metrics import evaluate
from mnist_core.own_data.export_formats import write_data
from mnist_core.runs.store import RunStore
from tests.browser.server import TOUCH, delete_for_good, draw, expect_to_fit, settle
from tests.made_sets import pictures

CLASSES = 26
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PLACE_OF_CELL = """([row, column, classes]) => {
    const chart = document.querySelector('.js-plotly-plot');
    const image = () => chart.querySelector('.heatmaplayer image').getBoundingClientRect();
    chart.scrollIntoView({block: 'center'});
    const side = image().width / classes;
    let box = chart.parentElement;
    while (box && box.scrollWidth <= box.clientWidth + 1) box = box.parentElement;
    if (box) box.scrollLeft = (column + 0.5) * side - 150;
    const {left, top, height} = image();
    return [left + (column + 0.5) * side, top + (row + 0.5) * height / classes];
}"""


@pytest.fixture
def letters(address, tmp_path_factory, monkeypatch):
    """The key of a set of 26 classes on the server; its runs are gone afterwards."""
    runs = tmp_path_factory.getbasetemp() / "runs"
    monkeypatch.setenv("DIGITLAB_RUNS", str(runs))
    images, labels = pictures(12 * CLASSES, CLASSES)
    order = np.arange(len(labels))
    parts = np.split(order, [8 * CLASSES, 10 * CLASSES])
    key = save_set(NewSet(images, labels.astype(np.int64), LETTERS, *parts), "Signs").key
    yield key
    store = RunStore(runs)
    delete_for_good(store, *(run.id for run in store.list() if run.config.dataset == key))


def train(page, key, seed):
    """Train on the set by the page's button; return the run's id."""
    page.go(f"/train?dataset={key}&recipe=tutorial-3&epochs=3&training_seed={seed}")
    page.get_by_role("button", name="开始训练").click()
    page.get_by_role("link", name="评估").last.wait_for()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile("%$"))
    return re.search("run=([0-9a-f]{16})", page.url)[1]


def tap(page, true, read):
    """Tap a cell of the matrix, which is wider than the phone."""
    cell = page.evaluate(PLACE_OF_CELL, [true, read, CLASSES])
    assert 0 < cell[0] < page.viewport_size["width"]
    page.touchscreen.tap(*cell)
    expect(page).to_have_url(re.compile(f"true={true}&read={read}(&|$)"))
    settle(page)


@pytest.mark.slow
def test_the_whole_way_on_letters_on_a_phone(new_tab, letters, tmp_path):
    page = new_tab(f"/?dataset={letters}&view=typical", locale="zh-CN", **TOUCH)
    expect(page.locator("h1")).to_have_text("Signs")
    expect(page.locator(".lab-digits").first.locator("figure")).to_have_count(CLASSES)
    expect_to_fit(page, "Explore")
    run, other = train(page, letters, 1), train(page, letters, 2)
    accuracy = page.get_by_test_id("stMetricValue").first.text_content()

    page.open(f"/evaluate?run={other}")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(accuracy)
    split = open_own_set(letters).test
    found = evaluate(RunStore().get(other).load_model(), split).confusion_matrix
    for true, read in np.argwhere(found > 0)[[0, -1]].tolist():
        tap(page, true, read)
        expect(page.locator(".st-key-lab_images img")).to_have_count(min(12, int(found[true, read])))
    expect_to_fit(page, "Evaluate")
    page.go(f"/compare?runs={run},{other}")
    expect(page.get_by_text("McNemar").first).to_be_visible()
    expect_to_fit(page, "Compare")
    page.go(f"/inside?run={other}&part=answers")
    expect(page.locator(".lab-matrix, table").first).to_be_visible()
    expect_to_fit(page, "Inside")
    page.go(f"/draw?run={other}")
    expect(page.locator("h1")).to_have_text("写一个字母")
    draw(page, [(80, 40), (80, 230), (180, 230)])
    expect(page.locator(".st-key-answer")).to_contain_text("Z")
    expect_to_fit(page, "Draw")

    page.go(f"/train?run={other}")
    page.get_by_role("button", name="导出").click()
    with page.expect_download() as script:
        page.get_by_role("button", name="训练脚本").click()
    with page.expect_download() as model:
        page.get_by_role("button", name="ONNX").click()
    assert LETTERS[25] in str(onnx_facts(model.value.path()))
    with (tmp_path / "set.zip").open("w+b") as file:
        list(write_data(file, open_own_set(letters).files, LETTERS, "idx"))
        zipfile.ZipFile(file).extractall(tmp_path / "set")
    call = [sys.executable, "-I", str(script.value.path()), str(tmp_path / "set")]
    said = subprocess.run(call, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    results = RunStore().get(other).results
    assert said.splitlines()[-1] == f"test accuracy {results['test_accuracy']}, loss {results['test_loss']}"


def onnx_facts(path) -> list[str]:
    """The names of the classes in an ONNX file."""
    import onnx

    facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return json.loads(facts["classes"])
