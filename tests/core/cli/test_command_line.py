import json
import os
import subprocess
import sys

import pytest

from mnist_core.choices import CHOICES
from mnist_core.cli import commands
from mnist_core.config import TrainConfig
from mnist_core.data.idx_files import MNIST_FILES
from mnist_core.data.mnist import open_mnist
from mnist_core.recipes import RECIPES
from mnist_core.runs import store as run_store
from mnist_core.runs.store import PROJECT
from tests.core.cli.command_line import FAST, ONE


def test_data_says_what_is_in_use_and_checks_it(command, tiny_mnist, monkeypatch):
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: open_mnist(directory))
    answer = command.json("data", "--data", str(tiny_mnist))
    assert (answer["source"], answer["path"]) == ("mnist", str(tiny_mnist))
    assert (answer["train_images"], answer["test_images"]) == (600, 100)
    assert [file["name"] for file in answer["files"]] == list(MNIST_FILES)
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


def test_runs_are_listed_and_removed(command, run_id):
    (row,) = command.json("runs")["runs"]
    assert (row["run"], row["recipe"], row["status"]) == (run_id, "tutorial-3", "finished")
    assert 0 <= row["test_accuracy"] <= 1
    _, out, _ = command("runs")
    assert out.startswith(f"{run_id}  20")
    assert " MB  tutorial-3" in command("runs", "--use")[1]
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
        (["train", "--threads", "0"], "--threads must be from 1 to 256, not 0"),
        (["train", "--threads", "100000"], "--threads must be from 1 to 256, not 100000"),
        (["train", "--repeat", "1000000000"], "--repeat must be from 1 to 1000, not 1000000000"),
        (["train", "--config", "nothing.json"], "nothing.json does not exist"),
        (["train", "--device", "abacus"], "There is no device 'abacus' here; choose auto or one of"),
        (["evaluate"], "the following arguments are required: run"),
        (["evaluate", "last"], "There is no run 'last'"),
        (["evaluate", "0123"], "There is no run '0123'"),
        (["predict"], "No input given"),
        (["predict", "nothing.png"], "nothing.png"),
        (
            ["predict", "--strokes", "nothing.jsonl"],
            "nothing.jsonl can't be read (No such file",
        ),
        (["predict", "--strokes", str(PROJECT)], "can't be read (Is a directory)"),
        (["predict", "--strokes", os.devnull], "is empty: give a file with one JSON object per line"),
        (["predict", str(PROJECT)], "can't be opened"),
        (["continue", "last"], "There is no run 'last'"),
        (["compare", "last"], "There is no run 'last'"),
        (["predict", __file__], "test_command_line.py"),
        (["runs", "--remove", "0123"], "There is no run '0123'"),
    ],
)
def test_bad_input_gives_code_2_and_one_sentence(arguments, words, command, store, tmp_path, monkeypatch):
    monkeypatch.setattr(run_store, "PRETRAINED", tmp_path / "nothing")
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
    path.write_bytes(b"\xff\xfe\x00\xd8")  # half a character of UTF-16
    assert str(path) in command.refusal("predict", "--run", run_id, "--strokes", str(path))


@pytest.mark.parametrize("row", [[], ["--row"]])
def test_a_picture_that_cannot_be_read_does_not_stop_the_others(command, run_id, pictures, row):
    code, out, err = command("predict", "--run", run_id, pictures[0], "nothing.png", pictures[1], *row)
    assert code == 2
    assert [line.split(":")[0] for line in out.splitlines()] == pictures[:2]
    assert err.splitlines()[0].startswith("nothing.png can't be opened")
    assert err.splitlines()[1] == "mnist_core: Not read: 1 of the pictures."


def test_a_beginning_shared_by_runs_is_refused(command, store, monkeypatch):
    names = iter(["aa11", "aa22"])
    monkeypatch.setattr(run_store.secrets, "token_hex", lambda size: next(names))
    for _ in range(2):
        store.create(TrainConfig())
    assert "2 runs start with 'aa'" in command.refusal("evaluate", "aa")
    assert "has no checkpoint yet" in command.refusal("evaluate", "aa11")


def test_a_directory_for_runs_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = command("train", *FAST, "--runs", str(tmp_path / "file" / "runs"))
    assert (code, out) == (2, "")
    assert "Runs can't be kept in" in err


def test_a_damaged_mnist_is_named(command, tiny_mnist, monkeypatch):
    raw = tiny_mnist / "MNIST" / "raw" / next(iter(MNIST_FILES))
    raw.write_bytes(raw.read_bytes()[:-1])
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: open_mnist(directory))
    assert f"{raw} is damaged" in command.refusal("data", "--data", str(tiny_mnist))


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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the always full device of Linux")
def test_a_full_disk_gets_a_sentence(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mnist_core", "runs", "--json"],
            cwd=PROJECT,
            env={**os.environ, "DIGITLAB_RUNS": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    sentence = "mnist_core: System error: [Errno 28] No space left on device.\n"
    assert (done.returncode, done.stderr) == (2, sentence)


def test_ctrl_c_elsewhere_ends_quietly(command, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "load_data", interrupted)
    assert command("data") == (130, "", "")
