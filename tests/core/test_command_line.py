import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mnist_core.__main__ import main
from mnist_core.analysis.reliability import reliability
from mnist_core.analysis.robustness import TRIALS, measure_robustness
from mnist_core.analysis.significance import wilson_interval
from mnist_core.cli import commands, robustness_commands, training_commands
from mnist_core.config import CHOICES, TrainConfig
from mnist_core.data import Dataset, open_mnist
from mnist_core.dataset.raw_files import FILES
from mnist_core.evaluation import evaluate, judging_splits
from mnist_core.reading.calibration import Calibration
from mnist_core.recipes import RECIPES
from mnist_core.runs import store as run_store
from mnist_core.runs.store import PROJECT, RunStore

FAST = ["--set", "widths=8", "--set", "train_size=200", "--epochs", "1", "--threads", "1"]
ONE = [[[100, 20], [105, 110], [100, 200]]]


class CommandLine:
    """Calls `python -m mnist_core` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *self.capsys.readouterr()

    def json(self, *arguments: str) -> dict:
        """What a command that succeeds prints last, as JSON."""
        code, out, _ = self(*arguments, "--json")
        assert code == 0
        return json.loads(out.splitlines()[-1])

    def refusal(self, *arguments: str) -> str:
        """The one sentence on stderr of a command that fails."""
        code, out, err = self(*arguments)
        assert (code, out) == (2, "")
        (line,) = err.splitlines()
        assert line.startswith("mnist_core: ")
        return line.removeprefix("mnist_core: ")


@pytest.fixture
def command(capsys) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture(autouse=True)
def own_images(sample, monkeypatch) -> Dataset:
    """The sample, without the notice that it is only that."""
    quiet = replace(sample, notice=None)
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: quiet)
    return quiet


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> RunStore:
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    return RunStore()


@pytest.fixture
def run_id(command) -> str:
    """The id of a run trained here."""
    return command.json("train", "--recipe", "tutorial-3", *FAST)["run"]


# data and recipes


def test_data_says_what_is_in_use_and_checks_it(command, tiny_mnist, monkeypatch):
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: open_mnist(directory))
    answer = command.json("data", "--data", str(tiny_mnist))
    assert (answer["source"], answer["path"]) == ("mnist", str(tiny_mnist))
    assert (answer["train_images"], answer["test_images"]) == (600, 100)
    assert [file["name"] for file in answer["files"]] == list(FILES)
    assert all(file["checksum_ok"] for file in answer["files"])
    _, out, _ = command("data", "--data", str(tiny_mnist))
    assert "mnist: 600 training and 100 test images" in out
    assert out.count("intact") == 4


def test_data_says_when_it_is_only_the_sample(command, sample, monkeypatch):
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: sample)
    code, out, err = command("data", "--json")
    answer = json.loads(out)
    assert (code, answer["source"], answer["path"], answer["files"]) == (0, "sample", None, [])
    assert "The offline sample of 1,797 small digits is in use" in err
    assert "DIGITLAB_DATA" in err


def test_recipes_are_listed_with_their_parameters(command):
    listed = {row["name"]: row for row in command.json("recipes")["recipes"]}
    assert list(listed) == list(RECIPES)
    assert listed["tutorial-4b"]["parameters"] == 421_642
    assert listed["tutorial-2"]["config"] == RECIPES["tutorial-2"].config.to_json()
    _, out, _ = command("recipes")
    assert len(out.splitlines()) == len(RECIPES)
    assert "203,530" in out


# train


def test_train_answers_what_came_of_it_and_keeps_the_run(command, store, sample):
    answer = command.json("train", "--recipe", "tutorial-3", *FAST, "--seed", "4", "--set", "batch_size=10")
    run = store.get(answer["run"])
    assert run.config == replace(
        RECIPES["tutorial-3"].config, widths=(8,), train_size=200, epochs=1, seed=4, batch_size=10
    )
    assert answer["recipe"] == "tutorial-3"
    assert answer["parameters"] == 784 * 8 + 8 + 80 + 10
    assert (answer["epochs"], answer["device"], answer["threads"]) == (1, "cpu", 1)
    assert answer["train_seconds"] > 0
    assert 0 <= answer["initial_accuracy"] <= 1
    result = evaluate(run.load_model(), sample.test)
    assert (answer["test_accuracy"], answer["test_loss"]) == (result.accuracy, result.loss)


def test_the_same_seed_and_threads_give_the_same_accuracy_to_the_last_digit(command):
    keys = ("initial_accuracy", "test_accuracy", "test_loss")
    first, again = (command.json("train", "--recipe", "quick", *FAST, "--seed", "4") for _ in range(2))
    assert [first[key] for key in keys] == [again[key] for key in keys]
    assert first["run"] != again["run"]


def test_train_shows_its_progress_and_its_end_to_people(command):
    code, out, err = command("train", "--recipe", "tutorial-1", *FAST)
    assert code == 0
    assert "before training: " in err
    assert "epoch 1: loss " in err
    assert "finished: 1 epochs" in out
    assert "test accuracy " in out


def test_train_says_what_is_wrong_with_a_run(command):
    ill = ("--set", "learning_rate=0.000001", "--set", "batch_size=5", "--epochs", "4")
    code, out, err = command("train", "--recipe", "tutorial-1", *FAST, *ill)
    assert code == 0
    assert "doctor: The learning rate looks too small. After " in err
    assert "Learning rate 0.001 instead of 1e-06." in err
    assert "doctor" not in out
    assert "doctor" not in command("train", "--recipe", "tutorial-1", *FAST)[2]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_as_asked(threads, command):
    answer = command.json("train", "--recipe", "tutorial-3", *FAST[:-1], str(threads))
    assert answer["threads"] == threads


def test_threads_are_chosen_by_a_trial_if_not_asked_for(command, monkeypatch):
    monkeypatch.setattr("mnist_core.machine.devices.usable_cores", lambda: 2)
    monkeypatch.setattr("mnist_core.machine.threads._images_per_second", lambda *given: given[2])
    assert command.json("train", "--recipe", "tutorial-3", *FAST[:-2])["threads"] == 2


def test_runs_can_be_kept_elsewhere(command, tmp_path, store):
    elsewhere = str(tmp_path / "elsewhere")
    run_id = command.json("train", "--recipe", "tutorial-3", *FAST, "--runs", elsewhere)["run"]
    assert store.list() == []
    assert RunStore(elsewhere).get(run_id).status == "finished"
    assert command.json("evaluate", "last", "--runs", elsewhere)["run"] == run_id


def test_a_run_that_diverges_fails_and_says_why(command, store):
    code, out, err = command(
        *("train", "--recipe", "tutorial-3", "--threads", "1", "--epochs", "50"),
        *("--set", "widths=64,64,64,64,64,64,64,64", "--set", "learning_rate=100"),
    )
    assert (code, out) == (2, "")
    assert "learning rate of 100; try 0.1" in err.splitlines()[-1]
    assert store.get("last").status == "failed"


@pytest.mark.parametrize("when", [1, 2, 4])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ctrl_c_ends_the_training_and_keeps_what_was_learned(when, form, command, store, monkeypatch):
    """Pressed during the first scoring, the first steps, and later."""
    seen = 0

    def pressed() -> bool:
        nonlocal seen
        seen += 1
        return seen >= when

    class CtrlC:
        def __enter__(self):
            return pressed

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(training_commands, "ctrl_c", CtrlC)
    code, out, _ = command("train", "--recipe", "tutorial-3", *FAST, *form)
    run = store.get("last")
    assert (code, run.status) == (0, "stopped")
    assert run.id in out
    assert bool(run.checkpoints) == (when > 1)


def test_a_run_is_continued_to_more_epochs(command, store):
    run_id = command.json("train", "--recipe", "tutorial-3", *FAST)["run"]
    assert "ask for more than that" in command.refusal("continue", "last")
    answer = command.json("continue", run_id, "--epochs", "3")
    whole = command.json("train", "--recipe", "tutorial-3", *FAST, "--epochs", "3")
    same = ("epochs", "test_accuracy", "test_loss", "initial_accuracy")
    assert [answer[key] for key in same] == [whole[key] for key in same]
    assert answer["run"] == run_id


def test_ctrl_c_itself(tmp_path, store):
    """In a process of its own, on images that are only the sample as torchvision isn't there."""
    stub = tmp_path / "stub" / "torchvision"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("raise ImportError('not here')")
    environment = {**os.environ, "PYTHONPATH": str(stub.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "mnist_core", "train", "--recipe", "tutorial-1", "--json"]
    command += ["--epochs", "1000", "--threads", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as child:
        errors = ""
        while "epoch 1:" not in errors:
            character = child.stderr.read(1)
            assert character, errors
            errors += character
        child.send_signal(signal.SIGINT)
        out, rest = child.communicate(timeout=60)
    assert child.returncode == 0, rest
    answer = json.loads(out.splitlines()[-1])
    assert 1 <= answer["epochs"] < 1000
    run = store.get(answer["run"])
    assert run.status == "stopped"
    assert answer["test_accuracy"] == run.results["test_accuracy"] > 0.5
    assert "sample of 1,797 small digits" in errors
    assert "Traceback" not in errors + rest


# evaluate


def test_evaluate_gives_accuracy_metrics_and_confusion_matrix(command, run_id, store, sample):
    answer = command.json("evaluate", run_id)
    result = evaluate(store.get(run_id).load_model(), sample.test)
    assert (answer["run"], answer["images"]) == (run_id, 297)
    assert (answer["accuracy"], answer["loss"]) == (result.accuracy, result.loss)
    assert answer["confusion_matrix"] == result.confusion_matrix.tolist()
    assert [row["digit"] for row in answer["per_class"]] == list(range(10))
    assert set(answer["per_class"][0]) == {"digit", "precision", "recall", "f1", "images"}
    _, out, _ = command("evaluate", run_id)
    assert f"{result.accuracy:.2%} of 297 test images right" in out
    low, high = answer["accuracy_interval"]
    assert [low, high] == list(wilson_interval(round(297 * result.accuracy), 297))
    assert f"{low:.2%} to {high:.2%}" in out
    assert answer["calibration_error"] == reliability(result.probabilities, result.labels).expected_error
    assert f"{answer['confidence']:.2%} sure on average" in out
    assert f"Brier score {answer['brier_score']:.4f}" in out
    assert len(out.splitlines()) > 22


def test_evaluate_judges_by_the_split_asked_for(command, run_id, store, sample):
    run = store.get(run_id)
    for name, (split, _) in judging_splits(run.config, sample).items():
        answer = command.json("evaluate", run_id, "--split", name)
        assert (answer["split"], answer["images"]) == (name, len(split))
        assert answer["accuracy"] == evaluate(run.load_model(), split).accuracy
    missing = {"validation", "train", "test"} - set(judging_splits(run.config, sample))
    for name in missing:
        assert "held no validation images out" in command.refusal("evaluate", run_id, "--split", name)


def test_evaluate_measures_robustness(command, run_id, store, sample):
    answer = command.json("evaluate", run_id, "--robustness", "--images", "50", "--seed", "3")
    *_, (_, result) = measure_robustness(store.get(run_id).load_model(), sample.test, 50, 3)
    assert (answer["run"], answer["images"], answer["seed"], answer["complete"]) == (run_id, 50, 3, True)
    assert answer["accuracy"] == result.clean
    assert answer["standard_error"] == pytest.approx(0.5 / 50**0.5)
    assert [row["name"] for row in answer["trials"]] == list(TRIALS)
    for row in answer["trials"]:
        assert row["strengths"] == list(TRIALS[row["name"]].strengths)
        assert row["accuracies"] == list(result.accuracies[row["name"]])
        assert row["score"] == result.score(row["name"])


def test_robustness_is_a_table_for_people_with_a_bar(command, run_id):
    code, out, err = command("evaluate", run_id, "--robustness", "--images", "20")
    assert code == 0
    assert "of 20 images right as they are" in out
    assert "standard error of each figure is 11.2% at most" in out
    assert [line[:24].strip() for line in out.splitlines()[4:]] == [trial.label for trial in TRIALS.values()]
    assert "robustness:   0%" in err
    assert "1 image or more, not 0" in command.refusal("evaluate", run_id, "--robustness", "--images", "0")


def test_ctrl_c_prints_the_robustness_that_was_measured(command, run_id, monkeypatch):
    presses = iter([False] * 7 + [True])  # a report for each strength, as these few images are one batch

    class CtrlC:
        def __enter__(self):
            return lambda: next(presses)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(robustness_commands, "ctrl_c", CtrlC)
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


# predict


@pytest.fixture
def shipped(run_id, store, tmp_path, monkeypatch) -> None:
    """The run trained here takes the place of the shipped model."""
    monkeypatch.setattr(run_store, "SHIPPED", store.get(run_id).folder.rename(tmp_path / "shipped"))


@pytest.fixture
def pictures(tmp_path, batch) -> list[str]:
    """Two digits as picture files, and one without ink."""
    paths = [str(tmp_path / f"{name}.png") for name in ("first", "second", "blank")]
    for path, image in zip(paths, [*batch.images[:2], np.zeros((28, 28), np.uint8)], strict=True):
        Image.fromarray(255 - image).resize((200, 200)).save(path)
    return paths


def test_predict_reads_pictures_with_the_shipped_model(command, shipped, pictures):
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
        "label": None,
        "confidence": 0.0,
        "probabilities": [0.0] * 10,
        "blank": True,
        "is_digit": False,
    }
    _, out, _ = command("predict", *pictures)
    assert out.splitlines()[2] == f"{pictures[2]}: no digit"


def test_predict_reads_rows(command, shipped, pictures, tmp_path):
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
    assert {"confidence", "is_digit", "unsure"} <= first.keys()
    _, out, _ = command("predict", "--row", pictures[2], "--strokes", str(path))
    blank, read = out.splitlines()
    assert blank == f"{pictures[2]}: no digit"
    assert len(read.removeprefix(f"{path}:1: ").split()) == 2


def test_predict_says_what_is_no_digit(command, run_id, store, pictures):
    Calibration(1.0, np.zeros(8, np.float32), -1.0).save(store.get(run_id).folder)  # refuses everything
    _, out, _ = command("predict", "--run", run_id, pictures[0])
    assert out.startswith(f"{pictures[0]}: not a digit; if it were one, ")
    assert command.json("predict", "--run", run_id, pictures[0])["is_digit"] is False


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
    assert "leave --row out" in command.refusal("predict", "--run", run_id, "--row", "--strokes", str(path))


# runs


def test_runs_are_listed_and_removed(command, run_id):
    (row,) = command.json("runs")["runs"]
    assert (row["run"], row["recipe"], row["status"]) == (run_id, "tutorial-3", "finished")
    assert 0 <= row["test_accuracy"] <= 1
    _, out, _ = command("runs")
    assert out.startswith(f"{run_id}  20")
    assert "finished" in out
    assert command.json("runs", "--remove", run_id[:5])["runs"] == []
    _, out, _ = command("runs")
    assert "no runs yet" in out
    assert command.json("runs", "--restore", run_id[:5])["runs"] == [row]


def test_runs_are_named_and_pinned(command, run_id):
    (row,) = command.json("runs", "--rename", run_id[:5], "my first", "--pin", "last")["runs"]
    assert (row["name"], row["pinned"]) == ("my first", True)
    _, out, _ = command("runs")
    assert out.rstrip().endswith("pinned my first")
    (row,) = command.json("runs", "--rename", run_id, "", "--unpin", run_id)["runs"]
    assert (row["name"], row["pinned"]) == ("", False)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["learn"], "invalid choice: 'learn'"),
        (["train", "--recipe", "tutorial-9"], "invalid choice: 'tutorial-9'"),
        (["train", "--set", "epochs"], "--set takes FIELD=VALUE, such as batch_size=64, not 'epochs'"),
        (["train", "--set", "lr=0.1"], "There is no setting called 'lr'"),
        (["train", "--set", "epochs=ten"], "epochs can't be 'ten'"),
        (["train", "--set", "optimizer=best"], "optimizer can't be 'best'; choose one of sgd, "),
        (["train", "--set", "learning_rate=nan"], "learning_rate must be from"),
        (["train", "--set", f"epochs={'9' * 400}"], "epochs must be from 1 to 1000"),
        (["train", "--set", "channels=1,2,3,4,5,6"], "channel counts"),
        (["train", "--epochs", "0"], "epochs must be from 1 to 1000, not 0"),
        (["train", "--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["train", "--seed", "-1"], "seed must be from 0"),
        (["train", "--threads", "0"], "--threads must be 1 or more, not 0"),
        (["train", "--device", "abacus"], "There is no device 'abacus' here; choose auto or one of"),
        (["evaluate"], "the following arguments are required: run"),
        (["evaluate", "last"], "There is no run 'last'"),
        (["evaluate", "0123"], "There is no run '0123'"),
        (["predict"], "There is nothing to read"),
        (["predict", "nothing.png"], "nothing.png"),
        (["predict", "--strokes", "nothing.jsonl"], "nothing.jsonl can't be read as a file of strokes"),
        (["predict", __file__], "test_command_line.py"),
        (["runs", "--remove", "0123"], "There is no run '0123'"),
    ],
)
def test_bad_input_gives_code_2_and_one_sentence(arguments, words, command, store, tmp_path, monkeypatch):
    monkeypatch.setattr(run_store, "SHIPPED", tmp_path / "nothing")
    assert words in command.refusal(*arguments)
    assert store.list() == []


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"strokes": 3}', '{"strokes": [[[1]]]}', '{"label": 3}', '{"strokes": [["ab"]]}']
)
def test_a_bad_line_of_strokes_is_named_by_its_number(line, command, run_id, tmp_path):
    path = tmp_path / "digits.jsonl"
    path.write_text(f"{json.dumps({'strokes': ONE})}\n{line}\n")
    assert "2" in command.refusal("predict", "--run", run_id, "--strokes", str(path))


def test_strokes_that_are_no_text_are_refused(command, run_id, tmp_path):
    path = tmp_path / "digits.jsonl"
    path.write_bytes(b"\xff\xfe\x00\x01")
    assert str(path) in command.refusal("predict", "--run", run_id, "--strokes", str(path))


def test_a_picture_that_cannot_be_read_stops_before_anything_is_printed(command, run_id, pictures):
    assert "nothing.png" in command.refusal("predict", "--run", run_id, pictures[0], "nothing.png")


def test_a_beginning_shared_by_runs_is_refused(command, store, monkeypatch):
    names = iter(["aa11", "aa22"])
    monkeypatch.setattr(run_store.secrets, "token_hex", lambda size: next(names))
    for _ in range(2):
        store.create(TrainConfig())
    assert "2 runs begin with 'aa'" in command.refusal("evaluate", "aa")
    assert "has no checkpoint yet" in command.refusal("evaluate", "aa11")


def test_a_directory_for_runs_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = command("train", *FAST, "--runs", str(tmp_path / "file" / "runs"))
    assert (code, out) == (2, "")
    assert "Runs can't be kept in" in err


def test_a_damaged_mnist_is_named(command, tiny_mnist, monkeypatch):
    raw = tiny_mnist / "MNIST" / "raw" / next(iter(FILES))
    raw.write_bytes(raw.read_bytes()[:-1])
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: open_mnist(directory))
    assert f"{raw} is damaged" in command.refusal("data", "--data", str(tiny_mnist))


# Help and the process


def test_help_names_every_command_setting_and_choice(command):
    code, out, _ = command("--help")
    assert code == 0
    for name in ("data", "recipes", "train", "evaluate", "predict", "runs", "export", "import"):
        assert f"\n    {name} " in out
        assert command(name, "--help")[0] == 0
    _, out, _ = command("train", "--help")
    words = set(out.replace(",", " ").replace(":", " ").replace(";", " ").split())
    assert set(RECIPES) <= {word.strip("{}") for word in words}
    assert set(TrainConfig().to_json()) <= words
    for choices in CHOICES.values():
        assert set(choices) <= words


def test_the_module_can_be_called(tmp_path):
    def called(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mnist_core", *arguments],
            cwd=PROJECT,
            env={**os.environ, "DIGITLAB_RUNS": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = called("runs", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"runs": []}, "")
    wrong = called("evaluate", "last")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "mnist_core: There is no run 'last'; see the list of runs, or train one.\n"


def test_a_reader_that_has_left_is_no_accident(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mnist_core", "runs"],
        cwd=PROJECT,
        env={**os.environ, "DIGITLAB_RUNS": str(tmp_path), "PYTHONUNBUFFERED": ""},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_elsewhere_ends_quietly(command, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "load_data", interrupted)
    assert command("data") == (130, "", "")
