"""The connection to Dask, whose scheduler and worker are threads of this process and speak TLS."""

import shutil
import subprocess
import threading
from importlib.metadata import PackageNotFoundError

import dask
import pytest
from distributed import LocalCluster, Security

from mnist_core.cluster import worker
from mnist_core.cluster.cluster import Cluster
from mnist_core.cluster.protocol import WorkerFacts
from mnist_core.cluster.refusals import why_it_fails
from mnist_core.messages import InputError
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.runtime.cluster_setting import ClusterSetting
from tests.core.cluster.test_place import digits, ended, trained_here
from tests.core.runs.training_queue.lab import SHORT, wait_for

PARTS = ("scheduler", "worker", "client")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """The settings that CLUSTER.md names, with a certificate that openssl has made."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=lab -keyout key.pem -out cert.pem"
    subprocess.run(made.split(), check=True, capture_output=True, cwd=folder)
    files = {f"{part}.{name}": f"{folder}/{name}.pem" for part in PARTS for name in ("cert", "key")}
    tls = {f"distributed.comm.tls.{name}": file for name, file in files.items()}
    encrypted = {"distributed.comm.tls.ca-file": f"{folder}/cert.pem"}
    return tls | encrypted | {"distributed.comm.require-encryption": True}


@pytest.fixture(scope="module")
def scheduler(certificates):
    """The address of a scheduler with one worker, which speak TLS."""
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with (
        dask.config.set(certificates),
        LocalCluster(protocol="tls://", security=Security(), memory_limit=0, **options) as dask_cluster,
    ):
        yield dask_cluster.scheduler_address


def test_a_run_trains_over_tls_to_the_same_digits(scheduler, tmp_path, sample):
    assert scheduler.startswith("tls://")
    cluster = Cluster(ClusterSetting.parse(scheduler), lambda _key: sample)
    store = RunStore(tmp_path / "there")
    queue = TrainingQueue(store, lambda _key: sample, 1, places=cluster)
    wait_for(lambda: cluster.count)
    assert cluster.facts["cluster_dashboard"] == ""  # this scheduler serves none
    run = queue.submit(SHORT)
    ended(queue, run)
    queue.close()
    assert store.get(run).results["trained_on"]
    assert digits(store.get(run)) == trained_here(tmp_path, sample, SHORT)


MAY_END = threading.Event()


def wait_until_it_may_end() -> None:
    MAY_END.wait(60)


def test_a_worker_that_works_for_another_server_is_said_to(scheduler, sample):
    first, other = (Cluster(ClusterSetting.parse(scheduler), lambda _key: sample) for _ in range(2))
    for cluster in (first, other):
        cluster.open(lambda _place: None, lambda: None)
        wait_for(lambda cluster=cluster: cluster.count)
    future = other._client.submit(wait_until_it_may_end, key=f"{other._name}-session")

    def trains_elsewhere(cluster: Cluster) -> bool:
        cluster._look_for_others()
        return cluster.facts["cluster_workers"][0]["elsewhere"]

    wait_for(lambda: first.facts["cluster_workers"][0]["elsewhere"])
    assert not trains_elsewhere(other)
    MAY_END.set()
    future.result()
    assert not trains_elsewhere(first)
    for cluster in (first, other):
        cluster.close()


def fail(_session_id, _job):
    raise ModuleNotFoundError("No module named 'mnist_core'")


def test_a_cluster_that_can_not_begin_a_run_fails_it_with_a_sentence(
    scheduler, tmp_path, sample, monkeypatch
):
    monkeypatch.setattr(worker, "train", fail)
    cluster = Cluster(ClusterSetting.parse(scheduler), lambda _key: sample)
    store = RunStore(tmp_path)
    queue = TrainingQueue(store, lambda _key: sample, 1, places=cluster)
    wait_for(lambda: cluster.count)
    run = queue.submit(SHORT)
    ended(queue, run)
    queue.close()
    assert store.get(run).status == "failed"
    assert "No module named 'mnist_core'. Ask whoever" in str(store.get(run).message)


def test_tls_without_certificates_is_refused_with_a_sentence(scheduler, certificates):
    without = dask.config.set(dict.fromkeys(certificates, None))
    with without, pytest.raises(InputError, match=r"tls://.* needs TLS certificates; name them in Dask's"):
        Cluster(ClusterSetting.parse(scheduler), lambda _key: None)


def test_an_address_without_the_encryption_that_is_required_is_refused_with_a_sentence(certificates):
    with (
        dask.config.set(certificates),
        pytest.raises(InputError, match="lacks; name a tls"),
    ):
        Cluster(ClusterSetting.parse("tcp://127.0.0.1:1"), lambda _key: None)


def test_a_worker_with_another_version_is_refused_with_a_sentence(scheduler, tmp_path, sample, monkeypatch):
    monkeypatch.setattr(worker, "_facts", lambda threads: WorkerFacts("0.0.1", "1.0", "host", "cpu", threads))
    cluster = Cluster(ClusterSetting.parse(scheduler), lambda _key: sample)
    queue = TrainingQueue(RunStore(tmp_path), lambda _key: sample, 1, places=cluster)
    wait_for(lambda: cluster.facts["cluster_refused"])
    with pytest.raises(
        InputError, match=r"has another version: Digit Lab 0\.0\.1, torch 1\.0\. Install Digit"
    ):
        queue.submit(SHORT)
    assert cluster.count == 0
    queue.close()


def test_tries_to_reach_a_scheduler_that_has_gone_leave_no_threads_behind(scheduler, monkeypatch):
    monkeypatch.setattr("mnist_core.cluster.cluster.CONNECT_SECONDS", 0.02)

    def loops() -> int:
        return sum(thread.name == "IO loop" for thread in threading.enumerate())

    before = loops()
    cluster = Cluster(ClusterSetting(address="tls://127.0.0.1:9"), lambda _key: None)
    for _ in range(3):
        cluster._connect()
    assert loops() == before + 1
    cluster.close()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (  # Dask's, for a package that a worker lacks
            Exception("ModuleNotFoundError(\"No module named 'mnist_core'\")"),
            "Worker tcp://w:1 of the cluster lacks the Python package mnist_core. Install Digit Lab ",
        ),
        (
            PackageNotFoundError("torch"),
            "Worker tcp://w:1 of the cluster lacks the Python package torch. Ins",
        ),
        (ValueError("odd."), "Worker tcp://w:1 of the cluster can't run Digit Lab: odd. Install Digit Lab "),
    ],
)
def test_a_worker_that_lacks_a_package_is_refused_with_a_sentence(error, sentence):
    assert str(why_it_fails("tcp://w:1", error)).startswith(sentence)
