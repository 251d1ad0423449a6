"""Links and files that version 0.1 wrote still open on the pages; see tests/recorded_0_1/README.md."""

import json
import shutil
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from tests.app.train_form import form_settings
from ui.url_state import RENAMED_RUNS, SETTING_PARAMETERS

RECORDED = Path(__file__).resolve().parents[1] / "recorded_0_1"
LINKS = json.loads((RECORDED / "links.json").read_text())
PAGES = list(dict.fromkeys(choice["page"] for choice in LINKS["choices"]))
OWN_KEYS = {
    ("inside", "index"): "inside_index",
    ("runs", "run"): "ticked_runs",
}  # controls not called as their parameter is
EXPECTED = json.loads((RECORDED / "expected.json").read_text())
KINDS = ("selectbox", "select_slider", "number_input", "multiselect", "pills", "segmented_control")


@pytest.fixture
def lab(sample_only, tmp_path, app):
    """The app on a store that holds the recorded runs."""
    shutil.copytree(RECORDED / "runs", tmp_path / "runs")
    return app


def controls(test):
    """What each control with a key shows: key -> value."""
    return {control.key: control.value for kind in KINDS for control in getattr(test, kind) if control.key}


def check(test, page, shows):
    """A page shows no error, and each of its controls the choice that the link made."""
    assert not test.exception
    assert not [said.value for said in (*test.error, *test.warning)]
    found = controls(test)
    for name, expected in shows.items():
        value = found[OWN_KEYS.get((page, name), name)]
        value = value[0] if name == "run" and isinstance(value, list) else value
        value = f"{value / 100:g}" if name == "threshold" else value  # the control shows percent
        assert (value if isinstance(value, list) else str(value)) == RENAMED_RUNS.get(
            str(expected), expected
        ), name


@pytest.mark.parametrize("link", LINKS["links"], ids=lambda link: f"{link['page']}-{link['query']['lang']}")
def test_a_link_with_every_parameter_opens_what_it_opened(lab, link):
    test = lab(link["page"], **link["query"])
    check(test, link["page"], link["shows"])
    assert [metric.value for metric in test.metric] == link.get("metrics", [])
    if "settings" in link:
        assert form_settings(test) == TrainConfig.from_json(link["settings"])
    carried = {"lang", "run", *SETTING_PARAMETERS.values()} & set(link["query"])
    queries = [entry.proto.query_string for entry in test.get("page_link")]
    assert queries
    assert all(f"{name}=" in query for query in queries[:7] for name in carried)


@pytest.mark.parametrize("page", PAGES)
def test_every_section_and_choice_of_a_page_opens_by_its_old_name(lab, page):
    choices = [choice for choice in LINKS["choices"] if choice["page"] == page]
    test = lab(page, **choices[0]["query"])
    for choice in choices:
        test.query_params = dict(choice["query"])
        check(test.run(), page, choice["shows"])


def test_a_settings_file_fills_the_form(lab):
    content = (RECORDED / "exports" / "settings.json").read_bytes()
    test = lab("train").file_uploader(key="import_file").set_value(("settings.json", content, "")).run()
    assert not test.exception
    assert not test.error
    expected = {**EXPECTED["runs"]["finished"]["config"], "recipe": "quick"}
    assert form_settings(test) == TrainConfig.from_json(expected)


def test_a_weights_file_becomes_a_run(lab):
    before = {run.id for run in RunStore().list()}
    content = (RECORDED / "exports" / "weights.safetensors").read_bytes()
    test = lab("train").file_uploader(key="import_file").set_value(("my.safetensors", content, "")).run()
    assert not test.exception
    (new,) = [run for run in RunStore().list() if run.id not in before]
    assert (new.metadata.name, new.results["imported"]) == ("my", True)
    assert new.config == TrainConfig.from_json(EXPECTED["runs"]["finished"]["config"])


def test_a_sheet_comes_back_and_is_read_as_it_was(lab):
    content = (RECORDED / "sheet.jsonl").read_bytes()
    test = lab("draw", lang="en", run=EXPECTED["runs"]["finished"]["id"], look="sheet")
    test.file_uploader[0].set_value(("sheet.jsonl", content, "application/jsonl")).run()
    assert not test.exception
    wrong = sum(drawing["finished"][0] != drawing["label"] for drawing in EXPECTED["sheet"])
    assert f"{wrong} of {len(EXPECTED['sheet'])} drawings" in " ".join(text.value for text in test.markdown)
