"""Runs that train on a worker: recorded as if they trained here, steered, lost and taken up again."""

from dataclasses import replace

import pytest
from safetensors.torch import load_file

from mnist_core.cluster import worker
from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.runtime.cluster_setting import ClusterSetting
from tests.core.cluster.in_process import InProcess
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for

LONGER = replace(SHORT, epochs=30, dropout=0.2)


@pytest.fixture(autouse=True)
def sessions():
    worker._DATASETS.clear()
    worker._SESSIONS.clear()  # a cluster that another test has closed forgets its own no more
    yield
    wait_for(lambda: not worker._SESSIONS)


@pytest.fixture
def cluster(sample):
    return InProcess(sample)


@pytest.fixture
def lab(tmp_path, sample, cluster):
    store = RunStore(tmp_path / "there")
    queue = TrainingQueue(store, lambda _key: sample, 1, places=cluster)
    yield queue, store
    queue.close()


def ended(queue: TrainingQueue, *runs: str) -> None:
    wait_for(lambda: not any(queue.snapshot(run) for run in runs))


def trained_here(tmp_path, sample, config: TrainConfig, steer=lambda queue, run: None):
    """The files of the same run, trained by this process."""
    store = RunStore(tmp_path / "here")
    queue = TrainingQueue(store, lambda _key: sample, 1)
    run = queue.submit(config)
    ended(queue, run)
    queue.close()
    return digits(store.get(run))


def digits(run):
    """What a run came to: all that doesn't measure time."""
    table = run.metrics().drop(columns="train_seconds").to_csv()
    results = {
        name: value for name, value in run.results.items() if name not in ("train_seconds", "trained_on")
    }
    tensors = [load_file(file) for file in run.weight_files]
    weights = [{name: tensor.tolist() for name, tensor in each.items()} for each in tensors]
    return run.status, results, table, [probe.step for probe in run.probes()], weights


def test_a_run_looks_as_if_it_had_trained_here(lab, tmp_path, sample, cluster):
    queue, store = lab
    first, second = queue.submit(LONGER), queue.submit(LONGER)
    ended(queue, first, second)
    assert digits(store.get(first)) == trained_here(tmp_path, sample, LONGER)
    assert store.get(second).results["trained_on"] == "a-host"
    assert cluster.images_sent == 1  # for both


def test_reports_that_a_worker_told_in_vain_are_asked_for(lab, tmp_path, sample, cluster):
    cluster.deaf, cluster.patience = True, 2.0
    queue, store = lab
    run = queue.submit(LONGER)
    ended(queue, run)
    assert digits(store.get(run)) == trained_here(tmp_path, sample, LONGER)


def test_a_run_is_paused_changed_and_continued(lab):
    queue, store = lab
    run = queue.submit(ENDLESS)
    wait_for(lambda: queue.snapshot(run).step > 5)
    queue.change(run, learning_rate=0.0005)
    wait_for(lambda: len(store.get(run).changes) == 2)
    queue.pause(run)
    ended(queue, run)
    step = store.get(run).metrics()["step"].max()
    assert store.get(run).status == "paused"
    queue.resume(run)
    wait_for(lambda: queue.snapshot(run).step > step)
    queue.stop(run)
    ended(queue, run)
    stopped = store.get(run)
    assert stopped.status == "stopped"
    assert stopped.metrics()["learning_rate"].dropna().iloc[-1] == 0.0005
    assert "test_accuracy" in stopped.results


def test_what_a_run_is_told_reaches_its_worker_at_once(lab, cluster, monkeypatch):
    monkeypatch.setattr("mnist_core.cluster.place.SECONDS_BETWEEN_LOOKS", 60)
    queue, _store = lab
    run = queue.submit(ENDLESS)
    wait_for(lambda: queue.snapshot(run).step > 5)
    cluster.deaf = True  # so that no report wakes the server
    (session,) = [each for each in worker._SESSIONS.values() if not each.over]
    done = session._requested
    queue.change(run, learning_rate=0.0005)
    wait_for(lambda: session._requested > done)
    cluster.deaf = False
    queue.stop(run)
    ended(queue, run)


def test_slow_motion_trains_one_batch_at_a_time(lab):
    queue, _store = lab
    run = queue.submit(ENDLESS)
    wait_for(lambda: queue.snapshot(run).step > 5)
    queue.slow_down(run)
    queue.one_batch(run, 10)
    queue.one_batch(run, 10)
    seen = queue.snapshot(run)
    assert seen.batch
    queue.one_batch(run, 10)
    assert queue.snapshot(run).batch.step == seen.batch.step + 1
    queue.full_speed(run)
    wait_for(lambda: queue.snapshot(run).step > seen.step + 20)
    queue.stop(run)
    ended(queue, run)


def test_a_pair_trains_in_turns_on_one_worker(lab, cluster):
    queue, store = lab
    runs = queue.submit_pair(SHORT, replace(SHORT, seed=1))
    ended(queue, *runs)
    assert [store.get(run).status for run in runs] == ["finished", "finished"]
    assert [len(job.runs) for _address, job in cluster.jobs] == [2]


def test_a_run_whose_worker_is_lost_comes_to_the_same_digits(lab, tmp_path, sample, cluster):
    queue, store = lab
    run = queue.submit(replace(LONGER, epochs=60))
    wait_for(lambda: queue.snapshot(run).step > 20)
    cluster.lose("w0")
    ended(queue, run)
    assert len(cluster.jobs) == 2
    assert "state.safetensors" in cluster.jobs[1][1].runs[0].files
    assert digits(store.get(run)) == trained_here(tmp_path, sample, replace(LONGER, epochs=60))


def test_a_run_that_was_lost_three_times_fails_with_a_sentence(lab, cluster):
    queue, store = lab
    run = queue.submit(ENDLESS)
    for number in range(1, 4):
        wait_for(lambda number=number: len(cluster.jobs) == number)
        cluster.lose("w0")
        wait_for(lambda: not cluster.cut)
    ended(queue, run)
    assert store.get(run).status == "failed"
    assert str(store.get(run).message).startswith("The workers that trained this run were lost 3 times;")


def test_without_the_scheduler_a_run_is_interrupted_and_can_be_continued(lab, cluster):
    queue, store = lab
    run = queue.submit(replace(SHORT, epochs=200))
    wait_for(lambda: queue.snapshot(run).step > 20)
    cluster.patience, cluster.reachable = 0.1, False
    ended(queue, run)
    interrupted = store.get(run)
    assert interrupted.status == "interrupted"
    assert "scheduler can't be reached" in str(interrupted.message)
    cluster.patience, cluster.reachable = 2.0, True
    queue.resume(run)
    ended(queue, run)
    assert store.get(run).status == "finished"


def test_a_session_whose_server_has_gone_ends_by_itself(lab, cluster):
    queue, _store = lab
    cluster.patience = 0.5
    run = queue.submit(ENDLESS)
    wait_for(lambda: queue.snapshot(run).step > 5)
    assert worker._SESSIONS
    cluster.reachable = False
    wait_for(lambda: all(session.over for session in worker._SESSIONS.values()))
    ended(queue, run)


@pytest.mark.parametrize("text", ["local", "local:0", "local:65", "tcp://scheduler", "scheduler:8786", "3"])
def test_a_bad_setting_is_told_in_a_sentence(monkeypatch, text):
    monkeypatch.setenv("DIGITLAB_CLUSTER", text)
    with pytest.raises(InputError, match=r"DIGITLAB_CLUSTER is .*; write local:3"):
        ClusterSetting.from_environment()


def test_the_setting_names_local_processes_or_a_scheduler(monkeypatch):
    assert ClusterSetting.from_environment() is None
    assert ClusterSetting.parse("local:3").local == 3
    assert ClusterSetting.parse("tls://10.0.0.1:8786").address == "tls://10.0.0.1:8786"


def test_without_the_scheduler_a_run_trains_on_the_server_if_asked(lab, tmp_path, sample, cluster):
    queue, store = lab
    config = replace(SHORT, epochs=200)
    run = queue.submit(config)
    wait_for(lambda: queue.snapshot(run).step > 20)
    cluster.patience, cluster.reachable = 0.1, False
    ended(queue, run)
    assert str(queue.why_not_there) == "no scheduler"
    with pytest.raises(InputError, match="no scheduler"):
        queue.resume(run)
    queue.resume(run, here=True)
    new = queue.submit(SHORT, here=True)
    ended(queue, run, new, *queue.submit_pair(SHORT, replace(SHORT, seed=1), here=True))
    assert [store.get(each).results["trained_on"] for each in (run,)] == [None]
    assert "trained_on" not in store.get(new).results
    assert digits(store.get(run)) == trained_here(tmp_path, sample, config)
    assert len(cluster.jobs) == 1


def test_a_restarted_server_continues_what_trained_on_the_cluster_once(lab, tmp_path, sample, cluster):
    queue, store = lab
    config = replace(SHORT, epochs=200)
    run = queue.submit(config)
    wait_for(lambda: queue.snapshot(run).step > 20)
    assert cluster.places["w0"].told["runs"] == [run]
    queue.close()
    assert cluster.places["w0"].told["runs"] == []
    killed, elsewhere, trial = store.create(SHORT), store.create(SHORT), store.create(SHORT, group="a-search")
    repeat = store.create(SHORT, group="a-search", repeat=True)
    for writer in (killed, trial, repeat):
        writer.update("running", trained_on="a-host")
    elsewhere.update("running")
    for writer in (killed, elsewhere, trial, repeat):
        writer.close()
    second = InProcess(sample)
    for _server in range(2):
        next_queue = TrainingQueue(store, lambda _key: sample, 1, places=second)
        ended(next_queue, run, killed.id, repeat.id)
        assert next_queue.place_came.is_set()
        next_queue.close()
    *continued, its_weights = digits(store.get(run))
    *alone, weights = trained_here(tmp_path, sample, config)
    assert continued == alone
    assert its_weights[-1] == weights[-1]
    assert [store.get(each.id).status for each in (killed, repeat)] == ["finished"] * 2
    assert [store.get(each.id).status for each in (elsewhere, trial)] == ["interrupted"] * 2
    assert len(second.jobs) == 3


def test_a_run_that_waits_for_the_cluster_trains_on_the_server_if_asked(tmp_path, sample):
    store = RunStore(tmp_path / "there")
    queue = TrainingQueue(store, lambda _key: sample, 1, places=InProcess(sample, workers=0))
    waits, run = queue.submit(SHORT), queue.submit(SHORT)
    queue._line.find(run).writer.update("queued", trained_on="a-host")  # it was lost with its worker
    pair = queue.submit_pair(SHORT, replace(SHORT, seed=1))
    queue.move_here(run)
    queue.move_here(pair[1])
    ended(queue, run, *pair)
    queue.move_here(run)  # a second tap does nothing
    assert not queue.place_came.is_set()
    assert [store.get(each).status for each in (run, *pair)] == ["finished"] * 3
    assert store.get(run).results["trained_on"] is None
    assert digits(store.get(run)) == trained_here(tmp_path, sample, SHORT)
    snapshot = queue.snapshot(waits)
    assert (snapshot.status, snapshot.place_in_line, snapshot.ahead, snapshot.here) == ("queued", 1, 0, False)
    queue.stop(waits)
    queue.close()
