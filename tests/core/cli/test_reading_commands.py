import json
from pathlib import Path

import numpy as np
import pytest

from mnist_core.cli import evaluate as evaluate_command
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import split_images
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.evaluation.metrics import evaluate
from mnist_core.evaluation.robustness import DISTURBANCES, measure_robustness
from mnist_core.evaluation.significance import wilson_interval
from mnist_core.models.architectures import build_model
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.images import pixels_to_garment
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.recognizer import predict
from mnist_core.runs.server_status import Heartbeat
from tests.core.cli.command_line import ONE


def test_evaluate_gives_accuracy_metrics_and_confusion_matrix(command, run_id, store, sample):
    answer = command.json("evaluate", run_id)
    result = evaluate(store.get(run_id).load_model(), sample.test)
    assert (answer["run"], answer["images"]) == (run_id, 297)
    assert (answer["accuracy"], answer["loss"]) == (result.accuracy, result.loss)
    assert answer["confusion_matrix"] == result.confusion_matrix.tolist()
    assert [row["digit"] for row in answer["per_class"]] == list(range(10))
    assert set(answer["per_class"][0]) == {"digit", "precision", "recall", "f1", "images"}
    _, out, _ = command("evaluate", run_id)
    assert f"accuracy {result.accuracy:.2%} on 297 test images" in out
    low, high = answer["accuracy_interval"]
    assert [low, high] == list(wilson_interval(round(297 * result.accuracy), 297))
    assert f"{low:.2%} to {high:.2%}" in out
    assert answer["calibration_error"] == reliability(result.probabilities, result.labels).expected_error
    assert f"mean confidence {answer['confidence']:.2%}" in out
    assert f"Brier score {answer['brier_score']:.4f}" in out
    assert len(out.splitlines()) > 22


def test_evaluate_judges_by_the_split_asked_for(command, run_id, store, sample):
    run = store.get(run_id)
    for name, split in split_images(run.config, sample).to_evaluate.items():
        answer = command.json("evaluate", run_id, "--split", name)
        assert (answer["split"], answer["images"]) == (name, len(split))
        assert answer["accuracy"] == evaluate(run.load_model(), split).accuracy
    missing = {"validation", "train", "test"} - set(split_images(run.config, sample).to_evaluate)
    for name in missing:
        assert "held no validation images out" in command.refusal("evaluate", run_id, "--split", name)


def test_evaluate_measures_robustness(command, run_id, store, sample):
    answer = command.json("evaluate", run_id, "--robustness", "--images", "50", "--seed", "3")
    *_, (_, result) = measure_robustness(store.get(run_id).load_model(), sample.test, 50, 3)
    assert (answer["run"], answer["images"], answer["seed"], answer["complete"]) == (run_id, 50, 3, True)
    assert answer["accuracy"] == result.clean
    assert answer["standard_error"] == pytest.approx(0.5 / 50**0.5)
    assert [row["name"] for row in answer["trials"]] == list(DISTURBANCES)
    for row in answer["trials"]:
        assert row["strengths"] == list(DISTURBANCES[row["name"]].strengths)
        assert row["accuracies"] == list(result.accuracies[row["name"]])
        assert row["score"] == result.score(row["name"])


def test_robustness_is_a_table_for_people_with_a_bar(command, run_id):
    code, out, err = command("evaluate", run_id, "--robustness", "--images", "20")
    assert code == 0
    assert "on 20 unchanged images" in out
    assert "standard error of each accuracy is at most 11.2%" in out
    assert [line[:24].strip() for line in out.splitlines()[4:]] == [
        trial.label for trial in DISTURBANCES.values()
    ]
    assert "robustness:   0%" in err
    assert "1 image or more, not 0" in command.refusal("evaluate", run_id, "--robustness", "--images", "0")
    for seed in ("-1", "9" * 30):
        assert f"not {seed}" in command.refusal("evaluate", run_id, "--robustness", "--seed", seed)


def test_ctrl_c_prints_the_robustness_that_was_measured(command, run_id, monkeypatch):
    presses = iter([False] * 7 + [True])  # a report for each strength, as these few images are one batch

    class CtrlC:
        def __enter__(self):
            return lambda: next(presses)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(evaluate_command, "catch_ctrl_c", CtrlC)
    code, out, err = command("evaluate", run_id, "--robustness", "--images", "20", "--json")
    answer = json.loads(out)
    assert (code, answer["complete"]) == (0, False)
    rotation, shift = answer["trials"]
    assert len(rotation["accuracies"]) == len(rotation["strengths"]) == 6
    assert rotation["score"] is not None
    assert (shift["strengths"], shift["score"]) == ([0, 1, 2], None)
    assert "stopped" in err


@pytest.mark.parametrize("name", ["whole", "beginning", "last"])
def test_a_run_is_named_by_id_beginning_or_last(name, command, run_id):
    given = {"whole": run_id, "beginning": run_id[:6], "last": "last"}[name]
    assert command.json("evaluate", given)["run"] == run_id


def test_predict_reads_pictures_with_the_pretrained_model(command, pretrained, pictures):
    code, out, _ = command("predict", *pictures, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [answer["input"] for answer in answers] == pictures
    for answer in answers[:2]:
        assert not answer["blank"]
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert answer["label"] == np.argmax(answer["probabilities"])
        assert answer["confidence"] == max(answer["probabilities"])
    assert answers[2] | {"input": ""} == {
        "input": "",
        "is_unsure": False,
        "second": None,
        "label": None,
        "confidence": 0.0,
        "probabilities": [0.0] * 10,
        "blank": True,
        "is_digit": False,
    }
    _, out, _ = command("predict", *pictures)
    assert out.splitlines()[2] == f"{pictures[2]}: no digit"


def test_predict_reads_rows(command, pretrained, pictures, tmp_path):
    path = tmp_path / "rows.jsonl"
    row = ONE + [[[x + 100, y] for x, y in stroke] for stroke in ONE]
    path.write_text(json.dumps({"strokes": row}))
    code, out, _ = command("predict", "--row", *pictures, "--strokes", str(path), "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [answer["input"] for answer in answers] == [*pictures, f"{path}:1"]
    assert answers[2]["digits"] == []
    first, second = answers[3]["digits"]
    assert first["box"] == [100, 20, 105, 200]
    assert second["box"] == [200, 20, 205, 200]
    assert first["label"] == np.argmax(first["probabilities"])
    assert {"confidence", "is_digit", "unsure", "second", "line", "cut"} <= first.keys()
    _, out, _ = command("predict", "--row", pictures[2], "--strokes", str(path))
    blank, read = out.splitlines()
    assert blank == f"{pictures[2]}: no digit"
    assert len(read.removeprefix(f"{path}:1: ").split()) == 2


def test_predict_says_what_is_no_digit(command, run_id, store, pictures):
    Calibration(1.0, np.zeros(8, np.float32), -1.0).save(store.get(run_id).folder)  # refuses everything
    _, out, _ = command("predict", "--run", run_id, pictures[0])
    assert out.startswith(f"{pictures[0]}: not a digit; if it were one, ")
    assert command.json("predict", "--run", run_id, pictures[0])["is_digit"] is False


def test_predict_names_both_digits_where_it_is_not_sure(command, run_id, pictures):  # chance is not
    _, out, _ = command("predict", "--run", run_id, pictures[0])
    answer = command.json("predict", "--run", run_id, pictures[0])
    first, second = (answer["probabilities"][answer[name]] for name in ("label", "second"))
    words = f"not sure: {answer['label']} ({first:.1%}) or {answer['second']} ({second:.1%})"
    assert out == f"{pictures[0]}: {words}\n"
    assert answer["is_unsure"] is True


def test_predict_reads_strokes_with_a_run_asked_for(command, run_id, tmp_path, pictures):
    lines = [{"strokes": ONE, "label": 1}, {"strokes": []}]
    path = tmp_path / "digits.jsonl"
    path.write_text("\n\n".join(json.dumps(line) for line in lines) + "\n")
    code, out, _ = command("predict", "--run", run_id[:8], "--strokes", str(path), "--json", pictures[0])
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [answer["input"] for answer in answers] == [pictures[0], f"{path}:1", f"{path}:3"]
    assert [answer["blank"] for answer in answers] == [False, False, True]


def test_predict_reads_the_pixels_of_a_sheet_but_not_as_a_row(command, run_id, tmp_path, batch):
    path = tmp_path / "sheet.jsonl"
    path.write_text(json.dumps({"pixels": batch.images[0].tolist(), "label": int(batch.labels[0])}) + "\n")
    answer = command.json("predict", "--run", run_id, "--strokes", str(path))
    assert answer["label"] == np.argmax(answer["probabilities"])
    assert "omit --row" in command.refusal("predict", "--run", run_id, "--row", "--strokes", str(path))


def test_predict_converts_clothes_as_draw_does(command, store, pictures):
    writer = store.create(TrainConfig(widths=(8,), dataset="fashion-mnist"))
    writer.save(build_model(writer.config), 1)
    writer.update("finished")
    writer.close()
    image = pixels_to_garment(read_picture(Path(pictures[0]).read_bytes(), "first.png"))
    read = predict(store.get(writer.id).load_model(), image)
    answer = command.json("predict", "--run", writer.id, pictures[0])
    assert answer["probabilities"] == read.probabilities.tolist()
    assert answer["class"] == read.name
    _, out, _ = command("predict", "--run", writer.id, pictures[2])
    assert out == f"{pictures[2]}: nothing to read\n"
    assert "omit --row" in command.refusal("predict", "--run", writer.id, "--row", pictures[0])


def test_status_tells_versions_runs_and_the_servers_that_live(command, store, run_id):
    assert "server: none" in command("status")[1]
    facts = {"source": "mnist", "training": 1, "waiting": 3, "pages": 12}
    Heartbeat(store.directory, lambda: facts).write()
    answer = command.json("status")
    assert answer["runs"]["by_status"] == {"finished": 1}
    assert answer["servers"][0].items() >= facts.items()
    out = command("status")[1]
    assert "runs: 1 finished; " in out
    assert "data mnist, runs training 1, waiting 3, pages open 12, memory " in out
    assert "cluster" not in out


@pytest.mark.parametrize(
    ("reachable", "dashboard", "told"),
    [
        (
            True,
            "http://s:8787",
            "; cluster tcp://s:8786: 4 workers, 3 of them busy, dashboard http://s:8787\n",
        ),
        (False, "", "; cluster tcp://s:8786 (its scheduler can't be reached): 4 workers, 3 of them busy\n"),
    ],
)
def test_status_tells_the_cluster_of_a_server(command, store, reachable, dashboard, told):
    cluster = {"cluster": "tcp://s:8786", "cluster_reachable": reachable, "cluster_dashboard": dashboard}
    places = [
        {"address": f"tcp://w:{n}", "host": "node", "device": "cpu", "runs": runs, "elsewhere": n == 3}
        for n, runs in enumerate([["01234567"], [], ["a", "b"], []])
    ]
    workers = {"cluster_workers": places, "cluster_refused": ["Worker a.", "Worker b."]}
    line = {"source": "mnist", "training": 2, "waiting": 0, "pages": 1}
    Heartbeat(store.directory, lambda: line | cluster | workers).write()
    told += "  worker node (tcp://w:0, cpu): trains run 01234567\n  worker node (tcp://w:1, cpu): free\n"
    told += "  worker node (tcp://w:2, cpu): trains run a and b\n"
    told += "  worker node (tcp://w:3, cpu): trains for another server\n  Worker a.\n  Worker b.\n"
    assert told in command("status")[1]
