"""Files that version 0.1 wrote still open, with the same content; see tests/recorded_0_1/README.md."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_core.__main__ import main
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist, split_images
from mnist_core.evaluation.metrics import evaluate
from mnist_core.evaluation.robustness import load_robustness
from mnist_core.export.formats import EXPORT_FORMATS, export
from mnist_core.export.import_weights import import_weights, read_config
from mnist_core.models.architectures import build_model
from mnist_core.recognition.labelled_drawings import read_labelled_drawing
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import load_snapshot, snapshots_of
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training.schedules import change_from_json
from mnist_core.training.trainer import fit

RECORDED = Path(__file__).resolve().parents[1] / "recorded_0_1"
EXPECTED = json.loads((RECORDED / "expected.json").read_text())
IDS = {status: run["id"] for status, run in EXPECTED["runs"].items()}
SAME = 1e-6  # of what only reads: another processor rounds differently
CONFIDENCES = {"pretrained": 0.1, "shipped": 0.1, "finished": 1e-4}  # 0.3 has another pretrained model
AFTER_TRAINING = 1e-5  # relative; the README there says how far processors differ


@pytest.fixture
def store(tmp_path):
    """The recorded runs, copied to where a test may change them."""
    shutil.copytree(RECORDED / "runs", tmp_path / "runs")
    return RunStore(tmp_path / "runs")


def test_a_setting_that_a_file_leaves_out_means_what_it_did():
    recorded = json.loads((RECORDED / "defaults.json").read_text())
    newer = {"initialization": "default", "gradient_clipping": 0.0}
    assert TrainConfig.from_json({}).to_json() == recorded | newer


@pytest.mark.parametrize("status", EXPECTED["runs"])
def test_a_run_opens_with_all_that_was_known_of_it(store, status):
    expected, run = EXPECTED["runs"][status], store.get(IDS[status])
    assert (run.status, run.created, run.can_continue) == (status, expected["created"], True)
    metadata = (run.metadata.name, run.metadata.pinned, run.metadata.owner, list(run.metadata.readers))
    assert metadata == tuple(expected[key] for key in ("name", "pinned", "owner", "readers"))
    assert run.config == TrainConfig.from_json(expected["config"])
    assert {name: run.config.to_json()[name] for name in expected["config"]} == expected["config"]
    assert list(run.changes) == [change_from_json(change, run.config) for change in expected["phases"]]
    assert {*run.changes[0].steered.items()} <= {*vars(run.config).items()}
    assert dict(run.results) == expected["results"]
    assert [snapshot.epoch for snapshot in snapshots_of(run)] == expected["moments"]
    rows = run.metrics()
    assert len(rows) == expected["metrics_rows"]
    last = {name: None if np.isnan(value) else pytest.approx(value) for name, value in rows.iloc[-1].items()}
    assert last == expected["metrics_last_row"]
    steps = [probe.step for probe in run.probes()]
    assert (len(steps), [*steps[:3], steps[-1]]) == (expected["probes"], expected["probe_steps"])


def test_all_runs_are_listed_newest_first(store):
    assert [run.id for run in store.list()] == [IDS[status] for status in ("stopped", "paused", "finished")]


def test_the_finished_run_reads_as_it_did(store, sample):
    run, expected = store.get(IDS["finished"]), EXPECTED["finished"]
    result = evaluate(run.load_model(), sample.test)
    assert result.accuracy == expected["test"]["accuracy"]
    assert result.loss == pytest.approx(expected["test"]["loss"], rel=SAME)
    assert result.confusion_matrix.tolist() == expected["test"]["confusion_matrix"]
    validation = split_images(run.config, sample).validation
    held_out = evaluate(run.load_model(), validation)
    assert (len(validation), held_out.accuracy) == (300, expected["validation"]["accuracy"])
    assert held_out.loss == pytest.approx(expected["validation"]["loss"], rel=SAME)
    for index, image in enumerate(expected["first_ten_test_images"]):
        assert (result.labels[index], result.predictions[index]) == (image["label"], image["read"])
        assert result.probabilities[index] == pytest.approx(np.array(image["probabilities"]), abs=2 * SAME)


def test_its_weight_snapshots_read_as_they_did(store, sample):
    run = store.get(IDS["finished"])
    for snapshot, expected in zip(snapshots_of(run), EXPECTED["finished"]["moments"], strict=True):
        result = evaluate(load_snapshot(run, snapshot), sample.test)
        assert (snapshot.epoch, result.accuracy) == (expected["epoch"], expected["accuracy"])
        assert result.loss == pytest.approx(expected["loss"], rel=SAME)


def test_its_measured_robustness_is_known(store):
    ((measured, result),) = load_robustness(store.get(IDS["finished"]).folder).items()
    expected = EXPECTED["finished"]["robustness"]
    assert measured == ("epoch-0002.000", "sample", "test", 200, 0)
    assert (result.images, result.seed, result.clean) == (200, 0, expected["clean"])
    assert {name: list(accuracies) for name, accuracies in result.accuracies.items()} == expected["trials"]


@pytest.mark.parametrize(
    ("status", "epochs", "key"),
    [("paused", None, "paused_uninterrupted"), ("finished", 3, "finished_continued_to_3_epochs")],
)
def test_a_continued_run_ends_as_in_0_1(store, sample, status, epochs, key):
    writer = store.reopen(IDS[status], epochs)
    list(train_run(writer, sample, torch.device("cpu")))
    run, expected = store.get(IDS[status]), EXPECTED[key]
    assert (run.status, run.results["epochs"]) == ("finished", expected["epochs"])
    assert run.results["test_accuracy"] == expected["test_accuracy"]
    assert run.results["test_loss"] == pytest.approx(expected["test_loss"], rel=AFTER_TRAINING)


def test_exported_settings_open():
    config = read_config(RECORDED / "exports" / "settings.json")
    assert config == TrainConfig.from_json(EXPECTED["runs"]["finished"]["config"])


def test_exported_weights_become_a_run_that_reads_as_they_did(tmp_path, sample):
    run = import_weights(RunStore(tmp_path), RECORDED / "exports" / "weights.safetensors")
    assert run.config == TrainConfig.from_json(EXPECTED["runs"]["finished"]["config"])
    result = evaluate(run.load_model(), sample.test)
    assert result.accuracy == EXPECTED["finished"]["test"]["accuracy"]
    assert result.loss == pytest.approx(EXPECTED["finished"]["test"]["loss"], rel=SAME)


def test_the_files_of_a_bundle_open(tmp_path):
    with zipfile.ZipFile(RECORDED / "exports" / "bundle.zip") as bundle:
        bundle.extractall(tmp_path)
    files = {path.name.split(".", 1)[1]: path for path in tmp_path.iterdir()}
    assert set(files) == {entry.ending for entry in EXPORT_FORMATS.values()} - {"py", "md", "zip"}
    exported = RECORDED / "exports"
    assert files["safetensors"].read_bytes() == (exported / "weights.safetensors").read_bytes()
    assert read_config(files["json"]) == read_config(exported / "settings.json")
    assert import_weights(RunStore(tmp_path / "runs"), files["safetensors"]).status == "finished"


@pytest.mark.parametrize(("kind", "name"), [("weights", "weights.safetensors"), ("metrics", "metrics.csv")])
def test_a_recorded_run_is_exported_as_0_1_exported_it(store, kind, name):
    assert export(store.get(IDS["finished"]), kind) == (RECORDED / "exports" / name).read_bytes()


def test_the_run_of_an_exported_script_is_trained_to_the_same_end(mnist_directory):
    data = open_mnist(mnist_directory)
    config = TrainConfig.from_json(EXPECTED["script"]["config"])
    model = build_model(config)
    splits = split_images(config, data)
    for _event in fit(model, config, splits.train, splits.monitored):
        pass
    script = (RECORDED / "exports" / "script.py.txt").read_text()
    loss = float(re.search(r"loss of (\d+\.\d+)", script)[1])
    assert evaluate(model.eval(), data.test).loss == pytest.approx(loss, rel=AFTER_TRAINING)


def test_a_sheet_of_drawings_opens_and_is_read_as_it_was(store):
    lines = (RECORDED / "sheet.jsonl").read_text().splitlines()
    entries = [read_labelled_drawing(line, number) for number, line in enumerate(lines, 1)]
    expected = EXPECTED["sheet"]
    assert [entry.label for entry in entries] == [drawing["label"] for drawing in expected]
    counts = [entry.strokes and len(entry.strokes) for entry in entries]
    assert counts == [drawing["strokes"] for drawing in expected]
    for entry, drawing, line in zip(entries, expected, lines, strict=True):
        assert hashlib.sha256(entry.image.tobytes()).hexdigest() == drawing["sha256"]
        assert json.loads(entry.to_line()) == json.loads(line)
    for name, run in (("pretrained", store.get("shipped")), ("finished", store.get(IDS["finished"]))):
        read = predict_all(run.load_model(), [entry.image for entry in entries], run.load_calibration())
        for prediction, drawing in zip(read, expected, strict=True):
            assert prediction.label == drawing[name][0]
            assert prediction.confidence == pytest.approx(drawing[name][1], abs=CONFIDENCES[name])


@pytest.mark.parametrize("run", ["shipped", "finished"])
def test_predict_reads_a_file_of_strokes_as_it_did(store, capsys, run):
    arguments = ["--strokes", str(RECORDED / "strokes.jsonl"), "--run", IDS.get(run, run), "--json"]
    assert main(["predict", *arguments, "--runs", str(store.directory)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for answer, expected in zip(answers, EXPECTED["predict_strokes"][run], strict=True):
        assert {key: answer[key] for key in expected} == {
            **expected,
            "confidence": pytest.approx(expected["confidence"], abs=CONFIDENCES[run]),
        }


def test_predict_reads_rows_of_strokes_as_it_did(store, capsys, tmp_path):
    lines = (RECORDED / "strokes.jsonl").read_text().splitlines()
    (tmp_path / "rows.jsonl").write_text("\n".join(line for line in lines if "strokes" in line))
    arguments = ["--row", "--strokes", str(tmp_path / "rows.jsonl"), "--json"]
    assert main(["predict", *arguments, "--runs", str(store.directory)]) == 0
    rows = [json.loads(line)["digits"] for line in capsys.readouterr().out.splitlines()]
    expected = EXPECTED["predict_strokes"]["shipped_rows_of_the_first_three_lines"]
    for row, expected_row in zip(rows, expected, strict=True):
        for digit, expected_digit in zip(row, expected_row, strict=True):
            assert digit["label"] == expected_digit["label"]
            assert digit["box"] == pytest.approx(expected_digit["box"], abs=1e-4)
