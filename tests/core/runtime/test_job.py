"""Background jobs: shared by watchers, stopped by the last one, taken in turn, ended with the process."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from mnist_core.messages import InputError
from mnist_core.runs.store import PROJECT
from mnist_core.runtime import job as job_module
from mnist_core.runtime.job import SECONDS_TO_RETURN, Job, Watcher, end_all_jobs

HALF, WHOLE = "half of it", "all of it"
PATIENCE = 20  # seconds


class Work:
    """Two steps of a job, held between the first and the second until `gate` is set; counts what happens."""

    def __init__(self):
        self.gate = threading.Event()
        self.begun, self.closed = 0, 0

    def __call__(self):
        self.begun += 1
        try:
            yield 0.5, HALF
            self.gate.wait(PATIENCE)
            yield 1.0, WHOLE
        finally:
            self.closed += 1


@pytest.fixture
def work():
    work = Work()
    yield work
    work.gate.set()


@pytest.fixture
def job(work):
    return Job("the job", work)


@pytest.fixture
def clock(monkeypatch):
    """The time that watchers see: `clock.now`."""
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(job_module, "time", clock)
    return clock


def halfway(job):
    end = time.monotonic() + PATIENCE
    while job.latest is None:
        assert time.monotonic() < end, "it did not begin"
        time.sleep(0.001)
    return job


def end(job, work):
    work.gate.set()
    job.wait(PATIENCE)
    assert not job.running


def test_its_progress_can_be_seen_and_it_is_done_once(job, work):
    anna, ben = Watcher(), Watcher()
    assert not job.begun
    job.start(anna)
    halfway(job)
    assert (job.begun, job.running, job.finished) == (True, True, False)
    assert (job.fraction, job.latest) == (0.5, HALF)
    end(job, work)
    assert (job.running, job.finished, job.problem) == (False, True, None)
    assert (job.fraction, job.latest) == (1.0, WHOLE)
    job.start(ben)
    assert not job.running
    assert work.begun == 1


def test_starting_it_twice_begins_it_once(job, work):
    anna = Watcher()
    for _ in range(2):  # as a double click does
        job.start(anna)
    job.start(Watcher())
    end(job, work)
    assert work.begun == 1


def test_what_the_steps_return_is_the_result():
    def steps():
        yield 0.5, None
        return WHOLE

    job = Job("the job", steps)
    job.start(Watcher())
    job.wait(PATIENCE)
    assert (job.finished, job.latest) == (True, WHOLE)


def test_a_known_result_needs_no_work():
    job = Job("the job", pytest.fail, known=WHOLE)
    job.start(Watcher())
    job.wait()
    assert (job.finished, job.running, job.latest, job.fraction) == (True, False, WHOLE, 1.0)


def test_waiting_ends_after_the_time_given(job):
    job.wait(0)  # not begun
    job.start(Watcher())
    job.wait(0.01)
    assert job.running


def test_its_only_watcher_stops_it_and_starts_it_again(job, work):
    anna = Watcher()
    job.start(anna)
    halfway(job)
    job.stop(anna)
    assert not job.is_watched_by(anna)
    end(job, work)
    assert (job.finished, job.problem, work.closed) == (False, None, 1)
    job.start(anna)
    end(job, work)
    assert job.finished
    assert work.begun == 2


def test_it_goes_on_for_another_watcher(job, work):
    anna, ben = Watcher(), Watcher()
    job.start(anna)
    halfway(job)
    assert job.is_watched_by(ben)  # who has not looked before
    job.watch(ben)
    job.stop(anna)
    job.watch(anna)  # a tab that still shows it takes nothing back
    assert (job.is_watched_by(anna), job.is_watched_by(ben)) == (False, True)
    end(job, work)
    assert job.finished


def test_who_only_looks_on_does_not_revive_what_the_last_watcher_has_stopped(job, work):
    anna, reloaded = Watcher(), Watcher()
    job.start(anna)
    halfway(job)
    job.stop(anna)
    assert job.running  # until its next step
    assert not job.is_watched_by(reloaded)
    job.watch(reloaded)
    end(job, work)
    assert not job.finished


def test_it_ends_when_all_have_stopped_it(job, work):
    anna, ben = Watcher(), Watcher()
    job.start(anna)
    job.start(ben)
    halfway(job)
    job.stop(anna)
    job.stop(ben)
    end(job, work)
    assert not job.finished


@pytest.mark.parametrize(
    ("seconds", "finishes"), [(SECONDS_TO_RETURN - 0.1, True), (SECONDS_TO_RETURN, False)]
)
def test_it_ends_some_seconds_after_its_last_watcher_has_left(job, work, clock, seconds, finishes):
    anna, ben = Watcher(), Watcher()
    job.start(anna)
    job.watch(ben)
    halfway(job)
    ben.leave()
    clock.now += 100
    anna.leave()
    clock.now += seconds
    end(job, work)
    assert job.finished == finishes


def test_a_watcher_who_has_left_keeps_nothing_alive(job, work, clock):
    anna, ben = Watcher(), Watcher()
    job.start(anna)
    job.watch(ben)
    halfway(job)
    ben.leave()
    clock.now += SECONDS_TO_RETURN
    job.stop(anna)
    end(job, work)
    assert not job.finished


def test_a_tab_that_is_reloaded_goes_on_with_it(job, work, clock):
    anna, anna_again = Watcher(), Watcher()
    job.start(anna)
    halfway(job)
    anna.leave()
    clock.now += SECONDS_TO_RETURN / 2
    job.watch(anna_again)
    clock.now += SECONDS_TO_RETURN
    end(job, work)
    assert job.finished


def test_who_starts_it_again_before_its_next_step_lets_it_go_on(job, work):
    anna = Watcher()
    job.start(anna)
    halfway(job)
    job.stop(anna)
    job.start(anna)
    end(job, work)
    assert job.finished
    assert work.begun == 1


def test_who_starts_it_while_it_cleans_up_gets_it_anew():
    go_on, cleaning, clean, begun = threading.Event(), threading.Event(), threading.Event(), []

    def steps():
        begun.append(1)
        try:
            yield 0.5, HALF
            go_on.wait(PATIENCE)
            yield 0.7, HALF
        finally:
            if len(begun) == 1:
                cleaning.set()
                clean.wait(PATIENCE)

    job, anna = Job("the job", steps), Watcher()
    job.start(anna)
    halfway(job)
    job.stop(anna)
    go_on.set()
    assert cleaning.wait(PATIENCE)
    job.start(anna)
    job.wait(PATIENCE)
    clean.set()
    assert (job.finished, len(begun)) == (True, 2)


@pytest.mark.parametrize(
    ("error", "said", "logged"),
    [
        (MemoryError("secret"), "It did not work: error {error}.", True),
        (InputError("{name} is damaged.", name="train"), "train is damaged.", False),
    ],
)
def test_a_failure_is_told_as_a_message_and_it_can_be_tried_again(caplog, error, said, logged):
    errors = [error]

    def steps():
        yield 0.5, HALF
        if errors:
            raise errors.pop()

    job = Job("the job", steps, failure="It did not work: error {error}.")
    job.start(Watcher())
    job.wait(PATIENCE)
    ids = [record.digitlab_fields["error"] for record in caplog.records if record.msg == "job_failed"]
    assert len(ids) == logged
    assert str(job.problem) == said.format(error="".join(ids))  # the same id is in the log
    assert (job.finished, job.running) == (False, False)
    job.start(Watcher())
    job.wait(PATIENCE)
    assert (job.finished, job.problem) == (True, None)


def test_jobs_that_share_a_turn_work_one_at_a_time():
    turn, works = threading.Lock(), (Work(), Work(), Work())
    first, second, third = (Job("a job", work, turn=turn) for work in works)
    anna, ben, cleo = Watcher(), Watcher(), Watcher()
    first.start(anna)
    halfway(first)
    second.start(ben)
    third.start(cleo)
    assert (first.waiting, second.waiting, third.waiting) == (False, True, True)
    second.stop(ben)
    second.wait(PATIENCE)  # although it is not its turn
    assert (second.running, works[1].begun) == (False, 0)
    assert (third.running, works[2].begun) == (True, 0)
    end(first, works[0])
    halfway(third)
    assert not third.waiting
    end(third, works[2])
    assert third.finished


def test_a_few_jobs_work_at_the_same_time_and_those_that_wait_need_no_thread(monkeypatch):
    monkeypatch.setenv("DIGITLAB_JOBS_LIMIT", "2")
    works = [Work() for _ in range(4)]
    jobs = [Job("a job", work) for work in works]
    for job in jobs:
        job.start(Watcher())
    assert sum(isinstance(thread, job_module._JobThread) for thread in threading.enumerate()) == 2
    halfway(jobs[0])
    halfway(jobs[1])
    assert [job.waiting for job in jobs] == [False, False, True, True]
    end(jobs[1], works[1])
    halfway(jobs[2])
    end_all_jobs(0)
    jobs[3].wait(PATIENCE)
    assert (jobs[3].running, jobs[3].finished, works[3].begun) == (False, False, 0)
    end(jobs[0], works[0])
    end(jobs[2], works[2])
    assert not jobs[0].finished


def test_a_job_of_the_server_does_not_wait_for_those_of_visitors(monkeypatch):
    monkeypatch.setenv("DIGITLAB_JOBS_LIMIT", "1")
    works = [Work() for _ in range(3)]
    first, of_server, last = (Job("a job", work, of_server=place == 1) for place, work in enumerate(works))
    for job in (first, of_server, last):
        job.start(Watcher())
    halfway(of_server)
    assert (first.waiting, last.waiting) == (False, True)
    end(first, works[0])
    halfway(last)  # although that of the server is still at work
    end(of_server, works[1])
    end(last, works[2])
    assert last.finished


def test_a_job_that_waits_ends_when_its_watcher_has_left(monkeypatch, clock):
    monkeypatch.setenv("DIGITLAB_JOBS_LIMIT", "1")
    first, second, third = ((Job("a job", work), work) for work in (Work(), Work(), Work()))
    first[0].start(Watcher())
    anna = Watcher()
    second[0].start(anna)
    anna.leave()
    clock.now += SECONDS_TO_RETURN
    third[0].start(Watcher())
    second[0].wait(PATIENCE)
    assert (second[0].running, second[1].begun) == (False, 0)
    for job, work in (first, third):
        end(job, work)
        assert job.finished


def test_a_job_that_fails_gives_its_turn_to_the_next():
    def fails():
        yield 0.1, None
        raise RuntimeError

    turn, work = threading.Lock(), Work()
    for steps in (fails, work):
        job = Job("a job", steps, turn=turn)
        job.start(Watcher())
        work.gate.set()
        job.wait(PATIENCE)
    assert job.finished


def test_all_jobs_are_ended_together():
    closed = []

    def endless():
        try:
            while True:
                time.sleep(0.01)
                yield 0.5, HALF
        finally:
            closed.append(1)

    pair = [Job("a job", endless) for _ in range(2)]
    for job in pair:
        job.start(Watcher())
        halfway(job)
    end_all_jobs(PATIENCE)
    assert [job.running for job in pair] == [False, False]
    assert closed == [1, 1]


LEAVES = """
import sys, time
from mnist_core.runtime.job import Job, Watcher
import torch

def steps():
    try:
        while True:
            torch.rand(400, 400) @ torch.rand(400, 400)
            yield 0.5, "begun"
    finally:
        print("ended at a step", flush=True)

job = Job("the job", steps)
job.start(Watcher())
while not job.latest:
    time.sleep(0.01)
print("the process ends", flush=True)
"""


def test_a_process_ends_its_jobs_before_it_ends():
    done = subprocess.run(
        [sys.executable, "-c", LEAVES], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == ["the process ends", "ended at a step"]
    assert (done.returncode, done.stderr) == (0, "")
