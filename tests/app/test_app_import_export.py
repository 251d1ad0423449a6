import json
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.runs.store import RunStore
from tests.app.train_form import form_settings
from tests.core.stored_runs import save_weights_file

CONFIG = TrainConfig(widths=(33,), learning_rate=0.02)


@pytest.fixture
def run(sample_only):
    """A run on the sample, with weights but without metrics."""
    writer = RunStore().create(CONFIG)
    writer.save(build_model(CONFIG), 1)
    writer.update("finished", source="sample")
    writer.close()
    return writer.id


def load(test, name, content):
    return test.file_uploader(key="import_file").set_value((name, content, "")).run()


def captions(test):
    return " ".join(element.value for element in test.caption)


@pytest.mark.parametrize("page", ["train", "evaluate"])
def test_what_a_run_does_not_have_cannot_be_asked_for_and_says_why(app, run, page):
    test = app(page, run=run)
    assert not test.get("download_button")
    test.session_state["export"] = True
    test.run()
    assert not test.exception
    offered = {button.label: not button.proto.disabled for button in test.get("download_button")}
    assert offered == {
        "Training script": False,
        "Weights": True,
        "ONNX model": True,
        "Model card": True,
        "Settings": True,
        "Metrics": False,
        "Robustness": False,
        "All files": True,
    }
    assert "trained on the offline sample, which a script can't download" in captions(test)
    assert "has no metrics" in captions(test)
    assert "use Evaluate, Robustness" in captions(test)


def test_settings_from_a_file_fill_the_form(app):
    test = load(app("train"), "mine.json", json.dumps(CONFIG.to_json()).encode())
    assert not test.exception
    assert test.success[0].value == "The settings of mine.json were loaded into the form."
    assert replace(form_settings(test), recipe="custom") == CONFIG
    assert RunStore().list() == []


def test_weights_from_a_file_become_the_current_run(app, tmp_path):
    save_weights_file(tmp_path / "file", build_model(CONFIG), CONFIG, 3)
    test = load(app("train"), "mine.safetensors", (tmp_path / "file").read_bytes())
    assert not test.exception
    (run,) = RunStore().list()
    assert test.query_params["run"] == run.id
    assert (run.metadata.name, run.config, run.status) == ("mine", CONFIG, "finished")
    assert run.metadata.owner
    assert "The weights of mine.safetensors were imported as a run" in test.success[0].value


def test_weights_from_a_file_say_that_they_were_not_tested_and_where_they_can_be(app, tmp_path):
    save_weights_file(tmp_path / "file", build_model(CONFIG), CONFIG, 3)
    test = load(app("train"), "mine.safetensors", (tmp_path / "file").read_bytes())
    assert "It has no test accuracy: its weights came from a file." in test.info[0].value
    assert not test.metric
    links = [link.proto.page for link in test.main.get("page_link")]
    assert {"evaluate", "draw", "compare"} <= {*links[-3:]}
    (entry,) = [button.label for button in test.sidebar.button if "mine" in button.label]
    assert entry.endswith("not tested")


def test_a_run_that_broke_off_says_that_it_was_not_tested(app, make):
    test = app("train", run=make(status="interrupted"))
    assert "It has no test accuracy: training did not finish." in test.info[0].value
    test = app("train", run=make(status="interrupted", weights=False))
    assert not test.exception
    assert not test.info


@pytest.mark.parametrize("name", ["mine.json", "mine.safetensors"])
def test_a_file_that_cannot_be_used_gets_a_sentence_and_changes_nothing(app, name):
    test = app("train")
    before = form_settings(test)
    load(test, name, b"{nonsense")
    assert not test.exception
    assert name in test.error[0].value
    assert "choose" in test.error[0].value
    assert form_settings(test) == before
    assert RunStore().list() == []
    test.file_uploader(key="import_file").set_value(None).run()
    assert not test.error
