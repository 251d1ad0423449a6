import functools
import runpy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest, local_script_runner

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.evaluation.metrics import Evaluation
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from mnist_core.runtime.job import end_all_jobs
from mnist_core.training.speed_meter import Speed
from tests.browser.server import ROOT

ROWS = [{"epoch": e, "step": 10 * e, "train_loss": 1 / e, "train_accuracy": 1 - 0.1 / e} for e in (1, 2)]


@pytest.fixture(scope="session", autouse=True)
def packages_searched_once():
    """Let Streamlit search all installed packages for components once, not for each AppTest (0.1 s each)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner,
            "scan_component_manifests",
            functools.cache(manifest_scanner.scan_component_manifests),
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_runs_of_pages():
    """Wait for the end of a page's run, and compile a page once.

    Streamlit looks for the end 1,000 times a second, and compiles anew for each AppTest.
    """
    look_for_end = local_script_runner.require_widgets_deltas

    def wait_for_end(runner, seconds):
        runner._script_thread.join(seconds)
        if not runner.script_stopped():
            look_for_end(runner, 0)  # stops it and raises

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait_for_end)
        patch.setattr(local_script_runner, "ScriptCache", functools.cache(local_script_runner.ScriptCache))
        yield


@pytest.fixture
def pages_remembered(monkeypatch):
    """Let a fragment that reruns by its key link to pages: AppTest forgets them before each run."""
    set_pages, get_pages, known = PagesManager.set_pages_and_resolve, PagesManager.get_pages, {}

    def remember(manager, pages, *args, **options):
        known.update(pages)
        return set_pages(manager, pages, *args, **options)

    monkeypatch.setattr(PagesManager, "set_pages_and_resolve", remember)
    monkeypatch.setattr(PagesManager, "get_pages", lambda manager: known or get_pages(manager))


@pytest.fixture
def sample_only(monkeypatch, tmp_path, pages_remembered):
    """The offline sample and an empty run store, so that these tests are the same on every machine."""
    monkeypatch.setenv("DIGITLAB_OFFLINE", "1")
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")  # as on a server of one's own
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("ui.resources.find_mnist", lambda: None)
    # On a busy machine the sample, and scikit-learn, take longer than a page would wait.
    monkeypatch.setattr("ui.resources.SECONDS_TO_OPEN", 20)
    # AppTest forgets before each run that the app calls st.navigation, and would take pages/ for it.
    monkeypatch.setattr(
        "streamlit.runtime.scriptrunner.script_runner._mpa_v1",
        lambda entry: runpy.run_path(entry, run_name="__main__"),
    )
    # A trial of each form's speed takes a second; test_app_run_panel has the real one.
    monkeypatch.setattr(
        "mnist_core.runs.queue.TrainingQueue.training_speed", lambda *_: Speed(10_000.0, 50_000.0)
    )
    monkeypatch.setattr(
        "ui.operator_reports.Heartbeat.start", lambda self: None
    )  # its thread outlives the test
    monkeypatch.setattr("ui.resources.load_network_soon", lambda: None)
    # Its first optimizer has torch import its compiler: 2 s and 150 MB of a server.
    monkeypatch.setattr("torch.optim.Optimizer.__init__", pytest.fail)
    at_exit = []
    monkeypatch.setattr("ui.resources.atexit", SimpleNamespace(register=at_exit.append))
    st.cache_resource.clear()
    yield
    end_all_jobs(60)  # before the queue is closed: a job that looks for it would make another
    for close_queue in at_exit:
        close_queue(60)
    st.cache_resource.clear()


@pytest.fixture
def app(sample_only):
    """Open a page of the app: `app("explore", lang="zh")`; all but the name is the URL's query."""

    def open_page(name="explore", **query):
        test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        test.context["is_embedded"] = False  # as a browser says with each message
        for key, value in query.items():
            test.query_params[key] = value
        return test.run() if name == "explore" else test.switch_page(f"pages/{name}.py").run()

    return open_page


@pytest.fixture
def run(sample_only):
    """A run with a small untrained network: what it reads is chance, but it reads."""
    from mnist_core.models.architectures import build_model

    writer = RunStore().create(TrainConfig(widths=(8,)))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", parameters=6370, test_accuracy=0.1)
    writer.close()
    return writer.id


@pytest.fixture
def html():
    """Join all HTML elements of a page: `html(test)`."""
    return lambda test: "\n".join(element.proto.body for element in test.get("html"))


@pytest.fixture
def visitor_from(monkeypatch):
    """Say who visits next: `visitor_from(token, ip="1.2.3.4", Host="lab.example.org")`."""

    def visit(token, ip=None, **headers):
        cookies = {} if token is None else {"digitlab_visitor": token}
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        client = SimpleNamespace(headers=named, cookies=cookies, remote_ip=ip or "127.0.0.1")
        monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: client)

    return visit


@pytest.fixture
def make(sample_only):
    """Make a run with weights that ended: `make("quick", seed=1, test_accuracy=0.9)`; return its id."""

    def run_of(recipe="quick", name="", owner="", status="finished", weights=True, results=None, **settings):
        writer = RunStore().create(replace(RECIPES[recipe].config, **settings), owner=owner)
        folder = RunStore().directory / writer.id / "checkpoints"
        folder.mkdir()
        if weights:
            (folder / "epoch-0001.000.safetensors").write_bytes(b"x" * 50)
        for row in ROWS:
            loss = {"monitor_loss": row["train_loss"], "monitor_accuracy": 0.9, "train_seconds": 1.0}
            writer.add_metrics(**row, **loss)
        writer.write_metrics()
        writer.update(status, **{"epochs": writer.config.epochs, "source": "sample", **(results or {})})
        writer.close()
        if name:
            RunStore().rename(writer.id, name)
        return writer.id

    return run_of


@pytest.fixture
def answer(monkeypatch):
    """Say how many of the first test images each run reads wrongly: `answer({run: [0, 3]})`."""
    labels = load_sample().test.labels.astype(np.int64)

    def say(wrong):
        def evaluation(run, show=None):
            read = labels.copy()
            read[wrong.get(run.id, [])] = (labels[wrong.get(run.id, [])] + 1) % 10
            return Evaluation(labels, np.eye(10, dtype=np.float32)[read], np.zeros(len(labels), np.float32))

        monkeypatch.setattr("ui.resources.evaluation", evaluation)

    return say


@pytest.fixture
def no_pretrained(monkeypatch):
    """A server without the pretrained model."""
    from ui import resources

    found = resources.find_run
    monkeypatch.setattr("ui.resources.find_run", lambda run: None if run == "pretrained" else found(run))
