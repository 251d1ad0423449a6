"""The command `search`."""

import json
import threading

import optuna

from mnist_core.runs.queue import TrainingQueue
from mnist_core.search.storage import alone, open_storage
from mnist_core.search.study import Search, Studies

SMALL = ["--recipe", "tutorial-3", "--set", "widths=8", "--set", "train_size=100", "--epochs", "1"]


def test_search_tells_its_trials_and_how_sure_the_best_is(command, store):
    code, out, err = command("search", *SMALL, "--trials", "2", "--vary", "learning_rate=0.1:1")
    assert (code, err) == (0, "")
    assert "2 trials of learning_rate=0.1:1" in out
    assert "trial   0 finished" in out
    assert "the settings it began from" in out
    assert "best: trial" in out
    assert "On 250 validation images the 95% confidence interval is" in out
    assert {run.metadata.group for run in store.list()} != {""}


def test_a_search_ends_after_its_threads_also_when_one_tests_a_network_for_a_minute(command, monkeypatch):
    """Else the thread, in torch, aborts the process: "terminate called without an active exception"."""
    seconds, close = [], TrainingQueue.close

    def note_seconds(queue, longest=5.0):
        seconds.append(longest)
        close(queue, longest)

    monkeypatch.setattr(TrainingQueue, "close", note_seconds)
    command.json("search", *SMALL, "--trials", "1")
    assert len(seconds) == 1
    assert seconds[0] > 60


def test_a_search_that_was_left_by_ctrl_c_tells_how_to_go_on(command, monkeypatch):
    monkeypatch.setattr("mnist_core.cli.search._work", lambda *_: None)  # as if it was pressed at once
    said = command("search", "--name", "mine", *SMALL, "--trials", "1")[1]
    assert "`python -m mnist_core search --name mine` goes on with it" in said


def test_a_named_search_goes_on_with_more_trials(command, store):
    first = command.json("search", "--name", "mine", *SMALL, "--trials", "1")
    assert (first["search"], len(first["trials"]), first["best"]) == ("mine", 1, [0])
    Studies(store.directory).open("mine").note_server("a-server")
    more = command.json("search", "--name", "mine", "--more", "1")
    assert Studies(store.directory).open("mine").server == ""  # it is the command's now
    assert [trial["state"] for trial in more["trials"]] == ["finished"] * 2
    assert more["trials"][0] == first["trials"][0]
    assert more["trials"][1]["accuracy"] is not None
    assert "test" not in json.dumps(more)
    assert {trial["run"] for trial in more["trials"]} == {run.id for run in store.list()}


def test_a_named_search_goes_on_with_more_minutes(command):
    options = ["search", "--name", "mine", *SMALL, "--trials", "2", "--minutes"]
    assert len(command.json(*options, "1e-6")["trials"]) == 1
    assert len(command.json(*options, "1e-6")["trials"]) == 2
    assert "from 1 to 1000 trials" in command.refusal(*options, "1e-6", "--more", "2000")


def test_a_search_that_another_process_is_just_beginning_is_joined(command, store, monkeypatch):
    command.json("search", "--name", "theirs", *SMALL, "--trials", "1")
    known = Studies(store.directory).open("theirs").study()
    storage, find = open_storage(store.directory), Studies.find
    has_the_name, has_looked = threading.Event(), threading.Event()

    def begin() -> None:
        with alone(storage, "ours"):
            ours = optuna.create_study(storage=storage, study_name="ours", direction="maximize")
            has_the_name.set()
            has_looked.wait()
            for name, value in known.user_attrs.items():  # the plan is the last
                ours.set_user_attr(name, value)

    def look(studies: Studies, name: str) -> Search | None:
        try:
            return find(studies, name)
        finally:
            has_looked.set()

    monkeypatch.setattr(Studies, "find", look)
    other = threading.Thread(target=begin)
    other.start()
    has_the_name.wait()
    answer = command.json("search", "--name", "ours", *SMALL, "--trials", "3")
    other.join()
    assert len(answer["trials"]) == 1  # as the other process planned


def test_what_search_can_not_do_is_refused(command, store):
    assert "train 3 epochs or more" in command.refusal("search", *SMALL, "--pruner", "median")
    assert "can't vary 'seed'" in command.refusal("search", *SMALL, "--vary", "seed")
    assert "There is no search 'none' to go on with" in command.refusal(
        "search", "--name", "none", "--more", "1"
    )
    assert "--at-once must be from 1" in command.refusal("search", *SMALL, "--at-once", "0")
    assert store.list() == []
