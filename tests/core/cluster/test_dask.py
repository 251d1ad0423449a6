"""Runs on Dask's scheduler and workers, which are killed and cut off: each run ends once, with its digits."""

import re
import subprocess
import sys
from dataclasses import replace
from urllib.request import urlopen

import pytest

from mnist_core.cluster.cluster import Cluster
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import PROJECT, RunStore
from mnist_core.runtime.cluster_setting import ClusterSetting
from tests.core.cluster.machines import Machines, Proxy, free_port
from tests.core.runs.training_queue.lab import SHORT, wait_for

SECONDS = 300  # on a busy machine
PATIENCE = 6.0
SMALL = {"train_size": 400, "validation_size": 100, "batch_size": 50, "precision": "float32"}
NINE = [
    replace(RECIPES[name].config, **SMALL, epochs=epochs, seed=seed)
    for name, epochs in (("tutorial-3", 8), ("quick", 3), ("tutorial-1", 20))
    for seed in range(3)
]
SERVER = """
import sys, time
from dataclasses import replace
from mnist_core.cluster.cluster import Cluster
from mnist_core.data.mnist import load_sample
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.runtime.cluster_setting import ClusterSetting
from tests.core.runs.training_queue.lab import SHORT
address, folder = sys.argv[1:]
sample = load_sample()
cluster = Cluster(ClusterSetting(address=address), lambda key: sample, patience=6)
queue = TrainingQueue(RunStore(folder), lambda key: sample, 1, places=cluster)
while not cluster.count:
    time.sleep(0.1)
print(queue.submit(replace(SHORT, epochs=300)), flush=True)
time.sleep(1000)
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    machines = Machines(tmp_path_factory.mktemp("machines"))
    machines.start_scheduler()
    yield machines
    machines.close()


@pytest.fixture(scope="module")
def proxies(machines):
    """Both ways of a third worker: to the scheduler, and from it."""
    own = free_port()
    scheduler, back = Proxy(int(machines.address.rsplit(":", 1)[1])), Proxy(own)
    machines.start_worker("one")
    machines.start_worker("two")
    machines.start_worker(
        "far",
        f"tcp://127.0.0.1:{scheduler.port}",
        *("--listen-address", f"tcp://127.0.0.1:{own}", "--contact-address", f"tcp://127.0.0.1:{back.port}"),
    )
    yield scheduler, back
    for proxy in (scheduler, back):
        proxy.close()


def lab_of(machines, folder, sample):
    cluster = Cluster(ClusterSetting(address=machines.address), lambda _key: sample, patience=PATIENCE)
    return cluster, TrainingQueue(RunStore(folder), lambda _key: sample, 1, places=cluster)


def digits(run):
    results = {name: run.results[name] for name in ("test_accuracy", "test_loss", "epochs", "threads")}
    return run.status, results, run.metrics().drop(columns="train_seconds").to_csv()


def trained_here(folder, sample, configs):
    store = RunStore(folder)
    queue = TrainingQueue(store, lambda _key: sample, 1)
    runs = [queue.submit(config) for config in configs]
    wait_for(lambda: not queue.busy, SECONDS)
    queue.close()
    return [digits(store.get(run)) for run in runs]


@pytest.mark.slow
def test_a_run_whose_worker_process_is_killed_comes_to_the_same_digits_on_another(machines, tmp_path, sample):
    cluster, queue = lab_of(machines, tmp_path / "there", sample)
    store = RunStore(tmp_path / "there")
    machines.start_worker("first")
    configs = [replace(SHORT, epochs=60, dropout=0.2), SHORT]
    wait_for(lambda: cluster.count, SECONDS)
    runs = [queue.submit(config) for config in configs]
    wait_for((store.get(runs[0]).folder / "state.safetensors").exists, SECONDS)
    machines.kill("first")
    machines.start_worker("second")
    wait_for(lambda: not queue.busy, SECONDS)
    queue.close()
    machines.kill("second")
    assert [digits(store.get(run)) for run in runs] == trained_here(tmp_path / "here", sample, configs)


@pytest.mark.slow
def test_local_processes_train_without_running_the_script_of_the_server(tmp_path, sample, monkeypatch):
    script = tmp_path / "app.py"
    script.write_text("raise SystemExit('a worker process runs the app')")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    store, cluster = RunStore(tmp_path / "there"), Cluster(ClusterSetting(local=1), lambda _key: sample)
    queue = TrainingQueue(store, lambda _key: sample, 1, places=cluster)
    dashboard = cluster.facts["cluster_dashboard"]
    assert re.match(r"http://127\.0\.0\.1:\d+/status$", dashboard)
    assert b"<title>Dask" in urlopen(dashboard).read()
    wait_for(lambda: cluster.count, SECONDS)
    run = queue.submit(SHORT)
    wait_for(lambda: not queue.busy, SECONDS)
    queue.close()
    assert cluster._local.returncode == 0
    cluster._reachable = False  # as after a look for the scheduler that has ended
    assert cluster.facts["cluster_dashboard"] == ""
    assert [digits(store.get(run))] == trained_here(tmp_path / "here", sample, [SHORT])


@pytest.mark.machines
def test_nine_runs_end_with_their_digits_though_a_worker_is_killed_and_one_cut_off(
    machines, proxies, tmp_path, sample
):
    cluster, queue = lab_of(machines, tmp_path / "there", sample)
    store = RunStore(tmp_path / "there")
    wait_for(lambda: cluster.count == 3, SECONDS)
    runs = [queue.submit(config) for config in NINE]
    on_first = store.get(runs[0])
    wait_for((on_first.folder / "state.safetensors").exists, SECONDS)
    machines.kill("one")
    for proxy in proxies:
        proxy.cut()
    wait_for(lambda: not queue.busy, SECONDS)
    assert [digits(store.get(run)) for run in runs] == trained_here(tmp_path / "here", sample, NINE)
    assert len(store.list()) == 9
    for proxy in proxies:
        proxy.join()
    queue.close()
    machines.start_worker("one")


@pytest.mark.machines
def test_a_killed_server_leaves_a_run_that_another_server_continues(machines, proxies, tmp_path, sample):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, machines.address, str(tmp_path / "there")],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    run = server.stdout.readline().strip()
    store = RunStore(tmp_path / "there")
    wait_for((store.get(run).folder / "state.safetensors").exists, SECONDS)
    server.kill()
    server.wait()
    assert store.get(run).status == "interrupted"
    _, queue = lab_of(machines, tmp_path / "there", sample)
    wait_for(lambda: store.get(run).status == "finished", SECONDS)  # without a click
    queue.close()
    there = digits(store.get(run))
    assert [there] == trained_here(tmp_path / "here", sample, [replace(SHORT, epochs=300)])


@pytest.mark.machines
def test_a_killed_scheduler_interrupts_runs_which_go_on_when_it_is_back(machines, proxies, tmp_path, sample):
    cluster, queue = lab_of(machines, tmp_path / "there", sample)
    store = RunStore(tmp_path / "there")
    wait_for(lambda: cluster.count, SECONDS)
    config = replace(SHORT, epochs=300)
    run = queue.submit(config)
    wait_for((store.get(run).folder / "state.safetensors").exists, SECONDS)
    machines.kill("scheduler")
    wait_for(lambda: not queue.busy, SECONDS)
    assert store.get(run).status == "interrupted"
    assert "scheduler can't be reached" in str(store.get(run).message)
    wait_for(lambda: not cluster.count, SECONDS)  # or the old workers would still be counted below
    with pytest.raises(InputError, match=r"scheduler, tcp://.* can't be reached"):
        queue.submit(SHORT)
    machines.start_scheduler()
    machines.start_worker("new")
    wait_for(lambda: cluster.count, SECONDS)
    queue.resume(run)
    wait_for(lambda: not queue.busy, SECONDS)
    queue.close()
    assert [digits(store.get(run))] == trained_here(tmp_path / "here", sample, [config])
