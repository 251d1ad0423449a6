import shutil
import threading
from dataclasses import FrozenInstanceError, replace

import pytest

from mnist_core.messages import InputError
from mnist_core.runs.queued_run import Snapshot
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for

EXPLODING = replace(SHORT, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0, epochs=50)


def test_a_run_is_trained_and_its_progress_can_be_watched(lab):
    run_id = lab.submit(replace(SHORT, epochs=120))
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step >= 8)
    snapshot, rows = lab.snapshot(run_id), lab.queue.rows(run_id)
    assert (snapshot.run_id, snapshot.status, snapshot.steps) == (run_id, "running", 480)
    assert snapshot.images_per_second > 0
    assert snapshot.current == snapshot.config
    assert snapshot.seconds_left == pytest.approx(
        snapshot.train_seconds / snapshot.step * (480 - snapshot.step)
    )
    assert [row["step"] for row in rows[:6]] == [1, 2, 3, 4, 4, 5]
    assert lab.ended(run_id) == "finished"
    run = lab.store.get(run_id)
    table = run.metrics()
    assert table["step"].tolist()[: len(rows)] == [row["step"] for row in rows]
    assert run.results["test_accuracy"] == table["monitor_accuracy"].dropna().tolist()[-1]


def test_a_failing_run_says_why_and_the_next_one_is_trained(lab):
    exploding, next_one = lab.submit(EXPLODING), lab.submit(SHORT)
    assert lab.ended(next_one) == "finished"
    assert lab.status(exploding) == "failed"
    assert "learning rate of 100; try 0.1" in str(lab.store.get(exploding).message)
    lab.store.remove(exploding)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("{file} is damaged.", file="images"), "images is damaged."),
        (OSError("no disk"), "Training broke off: OSError: no disk"),
        (OSError(5, "I/O error", "/srv/runs/1"), "Training broke off: OSError: I/O error"),
        (
            MemoryError(),
            "The training ran out of memory. Choose a smaller batch size or smaller layers.",
        ),
    ],
)
def test_images_that_cannot_be_loaded_fail_their_run_only(error, sentence, lab):
    lab.errors = [error]
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    assert lab.ended(second) == "finished"
    assert lab.status(first) == "failed"
    assert str(lab.store.get(first).message) == sentence
    lab.store.remove(first)


def test_a_run_during_which_the_process_ends_can_be_continued(lab):
    lab.errors = [RuntimeError("cannot schedule new futures after interpreter shutdown")]
    run = lab.submit(SHORT)
    assert lab.ended(run) == "interrupted"
    assert str(lab.store.get(run).message) == "The server ended during this training. Continue it."
    lab.store.remove(run)


def test_a_queue_that_closes_waits_for_what_follows_the_last_run(lab, monkeypatch):
    """Else the process may end while a thread of it is at work, which aborts it."""
    begun, may_end, done = threading.Event(), threading.Event(), []

    def clean_up(*_arguments):
        begun.set()
        may_end.wait(10)
        done.append(True)

    lab.submit(SHORT)
    monkeypatch.setattr(lab.store, "keep_within", clean_up)
    lab.gate.set()
    assert begun.wait(10)
    threading.Timer(0.1, may_end.set).start()
    lab.queue.close()
    assert done


def test_the_clean_up_after_a_run_cannot_end_the_worker(lab, monkeypatch, caplog):
    def break_off(*_: object) -> None:
        raise RuntimeError("in the clean-up")

    first, second = lab.submit(SHORT), lab.submit(SHORT)
    monkeypatch.setattr(lab.store, "keep_within", break_off)
    assert (lab.ended(first), lab.ended(second)) == ("finished", "finished")
    assert "in the clean-up" in caplog.text


def test_a_run_whose_folder_is_gone_fails_and_the_next_one_is_trained(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.begun(first))
    shutil.rmtree(lab.store.directory / second)
    assert lab.ended(third) == "finished"
    assert lab.status(first) == "finished"
    assert lab.queue.snapshot(second) is None


def test_a_snapshot_is_consistent(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step)
    early, rows = lab.snapshot(run_id), lab.queue.rows(run_id)
    step, length = early.step, len(rows)
    wait_for(lambda: lab.snapshot(run_id).step > step + 10)
    assert (early.step, len(rows)) == (step, length)
    assert lab.queue.rows(run_id)[:length] == rows
    with pytest.raises(FrozenInstanceError):
        early.step = 0


def test_time_left_is_estimated_from_the_speed_so_far():
    snapshot = Snapshot("id", SHORT, SHORT, steps=200)
    assert snapshot.seconds_left is None
    assert replace(snapshot, step=50, train_seconds=10.0).seconds_left == 30


def test_when_a_run_ends_the_oldest_make_room_but_not_the_one_that_ended(lab, monkeypatch):
    old = lab.submit(SHORT)
    lab.ended(old)
    new = lab.submit(SHORT)
    monkeypatch.setattr(lab.store, "_limit", 0)
    lab.ended(new)
    wait_for(lambda: [run.id for run in lab.store.list()] == [new])


def test_the_log_tells_each_run_s_way_and_nothing_of_whose_it_is(lab, caplog):
    caplog.set_level("INFO")
    first, exploding = lab.submit(SHORT), lab.submit(EXPLODING)
    assert lab.ended(exploding) == "failed"
    wait_for(lambda: caplog.records[-1].msg == "run_failed")  # it is logged once it has left the queue
    events = [(record.msg, record.digitlab_fields) for record in caplog.records]
    told = [(event, fields["run"]) for event, fields in events if event != "run_queued"]
    both = (first[:8], exploding[:8])
    assert told == [
        (f"run_{what}", run)
        for run, end in zip(both, ("finished", "failed"), strict=True)
        for what in ("started", end)
    ]
    finished = dict(events)["run_finished"]
    assert finished["epochs"] == SHORT.epochs
    assert finished["train_seconds"] > 0
    assert all(run_id not in str(fields) for run_id in (first, exploding) for _event, fields in events)
    lab.store.remove(exploding)
