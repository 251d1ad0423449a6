"""A run on the Train page: its controls and what its panel shows."""

import atexit
import errno
import json
import re
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.messages import Message
from mnist_core.recipes import RECIPES
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.run import failure_message
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.runs.writer import RunWriter
from mnist_core.runtime.job import Watcher
from mnist_core.training.speed_meter import Speed
from tests.app.train_form import form_settings
from tests.core.cluster.in_process import InProcess
from ui import jobs, resources
from ui.train import curves

SHORT = TrainConfig(widths=(16,), epochs=2, batch_size=50, train_size=600, validation_size=200)
CPU = torch.device("cpu")
training_speed = TrainingQueue.training_speed  # the real one, before any fixture takes its place


def button(test, label):
    return next((button for button in test.button if button.label == label), None)


def press(test, label):
    return button(test, label).click().run()


def run_until(test, true, seconds=60):
    """Run the page until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
        test.run()
        assert not test.exception
    return test


def heading(test):
    return test.subheader[0].value


def said(elements):
    return " ".join(element.value for element in elements)


def status_of(test):
    return RunStore().get(test.query_params["run"]).status


KEPT = []  # folders with runs that were trained, each with its settings


def trained(config, owner=""):
    """A run trained in this thread; a copy of an earlier one of the same settings that isn't there yet."""
    store = RunStore()
    for folder, kept in KEPT:
        if kept == (config, owner) and not (store.directory / folder.name).exists():
            shutil.copytree(folder, store.directory / folder.name)
            return store.get(folder.name)
    writer = store.create(config, owner=owner)
    for _event in train_run(writer, load_sample(), CPU):
        pass
    run = store.get(writer.id)
    folder = Path(tempfile.mkdtemp(prefix="digitlab-trained-")) / run.id
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    KEPT.append((shutil.copytree(run.folder, folder), (config, owner)))
    return run


@pytest.fixture
def endless(app):
    """The page with a run that trains until the test ends it."""
    test = app("train")
    test.select_slider(key="set_epochs").set_value(1000).run()
    press(test, "Start training")
    run_id, queue = test.query_params["run"], resources.training_queue()
    yield run_until(test, lambda: "training" in heading(test) and len(test.get("vega_lite_chart")))
    queue.stop(run_id)
    while queue.busy:
        time.sleep(0.05)


def test_pause_resume_and_stop(endless):
    press(endless, "Pause")
    assert "pausing" in heading(endless) or "paused" in heading(endless)
    run_until(endless, lambda: "paused" in heading(endless))
    run_id, queue = endless.query_params["run"], resources.training_queue()
    paused_at = RunStore().get(run_id).results["epochs"]
    assert button(endless, "Pause") is None

    def further():
        now = queue.snapshot(run_id)
        return now and now.step / now.steps * 1000 > paused_at + 0.001  # epochs, to three decimals

    press(endless, "Continue to 1,000 epochs")
    run_until(endless, lambda: "training" in heading(endless) and button(endless, "Stop") and further())
    press(endless, "Stop")
    run_until(endless, lambda: "stopped" in heading(endless) and len(endless.metric))
    run = RunStore().get(run_id)
    assert run.results["epochs"] > paused_at
    assert run.checkpoints
    assert endless.metric[0].value == f"{run.results['test_accuracy']:.2%}"


def test_while_a_run_trains_its_page_has_one_clock_beside_the_sidebars(endless, monkeypatch):
    """At each tick the browser renders the whole page.

    The curves and the network are fragments without a clock, so that a choice in them reruns them alone.
    """
    clocks, fragment = {}, st.fragment

    def note_clock(show=None, *, run_every=None, **settings):
        clocks[getattr(show, "__name__", None)] = run_every
        return fragment(show, run_every=run_every, **settings)

    monkeypatch.setattr(st, "fragment", note_clock)
    monkeypatch.setattr(TrainingQueue, "training_speed", lambda *_given: None)
    endless.run()
    assert not endless.exception
    ticking = {name: seconds for name, seconds in clocks.items() if seconds}
    assert ticking == {"_show_with_network": 1.0, "_show_sidebar": 2.0, "_watch": 5.0}
    assert clocks.keys() >= {"show_curves", "show_network_panel"}


def test_settings_change_while_it_runs(endless):
    run_id, queue = endless.query_params["run"], resources.training_queue()
    endless.session_state["while_it_trains"] = True
    endless.run()
    assert "AdamW has no momentum to set." in said(endless.caption)
    assert "Dropout needs a fully connected hidden layer, which this network lacks." in said(endless.caption)
    wanted = {"learning_rate": 0.00123, "weight_decay": 0.001, "label_smoothing": 0.1}
    typed = f"steer_learning_rate_{run_id}_typed_{queue.snapshot(run_id).current.learning_rate}"
    endless.text_input(key=typed).set_value("fast").run()
    assert "“fast” can't be read; type a number such as 0.001." in said(endless.caption)
    endless.text_input(key=typed).set_value("0.00123").run()
    assert "can't be read" not in said(endless.caption)
    for name in ("weight_decay", "label_smoothing"):
        endless.select_slider(key=f"steer_{name}_{run_id}").set_value(wanted[name]).run()
    endless.selectbox(key=f"steer_augmentation_{run_id}").set_value("shift").run()
    config = RunStore().get(run_id).config
    steered = replace(config, **wanted, augmentation="shift")
    assert queue.snapshot(run_id).current == steered
    run_until(endless, lambda: RunStore().get(run_id).changes[-1].applied_to(config) == steered)
    assert endless.select_slider(key=f"steer_learning_rate_{run_id}").value == 0.00123
    run_until(endless, lambda: "augmentation Shift" in said(endless.caption))
    assert "Changed after step " in said(endless.caption)


def test_slow_motion_shows_one_batch_at_a_time(endless, app, html):
    run_id, queue = endless.query_params["run"], resources.training_queue()
    press(endless, "Slow motion")
    run_until(endless, lambda: button(endless, "One batch"))
    press(endless, "One batch")
    run_until(endless, lambda: "Loss of this batch" in said(endless.markdown))
    first = queue.snapshot(run_id).batch
    captions = said(endless.caption)
    shown = len(first.images)  # an epoch's last batch may be smaller than the others
    assert (f"{first.size - shown} more images are in the batch." in captions) == (first.size > shown + 1)
    assert html(endless).count('<figure class="lab-digit"') == 12 + shown
    press(endless, "One batch")
    run_until(endless, lambda: f"batch {first.step + 1:,} of " in said(endless.markdown))
    second_tab = app("train", run=run_id)
    assert f"batch {first.step + 1:,} of " in said(second_tab.markdown)
    assert button(second_tab, "One batch")
    press(endless, "Full speed")
    run_until(endless, lambda: not button(endless, "One batch") and button(endless, "Slow motion"))


def test_a_second_run_waits_in_line_and_can_leave_it(endless, monkeypatch):
    monkeypatch.setattr(jobs, "SECOND_TAP_SECONDS", 0)
    first = endless.query_params["run"]
    press(endless, "Add to the queue")
    assert endless.query_params["run"] != first
    assert "queued" in heading(endless)
    assert "Queued behind 1 run" in endless.get("progress")[0].proto.text
    press(endless, "Leave the queue")
    run_until(endless, lambda: "stopped" in heading(endless))
    assert resources.training_queue().snapshot(first).status == "running"


def test_a_double_click_starts_one_run(endless, monkeypatch):
    monkeypatch.setattr(jobs, "SECOND_TAP_SECONDS", 1000)
    press(endless, "Add to the queue")
    assert len(RunStore().list()) == 1


def test_a_message_from_before_the_browser_knew_of_the_run_keeps_it(endless):
    """A fragment's tick, or a second click, may be on its way while a run is started."""
    run = endless.query_params["run"]
    del endless.query_params["run"]
    endless.run()
    assert "training" in heading(endless)
    endless.select_slider(key="set_epochs").set_value(500).run()
    assert endless.query_params["run"] == run


def test_a_finished_run_is_continued(app, sample_only):
    run = trained(SHORT)
    test = app("train", run=run.id)
    test.number_input(key=f"more_{run.id}").set_value(1).run()
    press(test, "Continue training")
    run_until(test, lambda: "finished" in heading(test) and len(test.metric))
    again = RunStore().get(run.id)
    assert (again.config.epochs, again.results["epochs"]) == (3, 3)


def test_a_run_says_which_worker_of_a_cluster_trained_it(app, sample_only, monkeypatch):
    run = trained(SHORT)
    file = run.folder / "run.json"
    state = json.loads(file.read_text())
    state["results"]["trained_on"] = "node7"
    file.write_text(json.dumps(state))
    words = "On worker node7 of the cluster."
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    assert words in said(app("train", run=run.id).caption)
    assert app("runs").dataframe[0].value["worker"].tolist() == ["node7"]
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    assert words not in said(app("train", run=run.id).caption)
    assert "worker" not in app("runs", run=run.id).dataframe[0].value


def test_the_operator_sees_the_clusters_workers_and_the_dashboard(app, sample_only, monkeypatch):
    run = trained(SHORT)
    RunStore().rename(run.id, "Mine <b>")
    places = [
        {"address": f"tcp://10.0.0.{n}:9", "host": f"node{n}", "device": "cpu", "runs": []} for n in (1, 2, 3)
    ]
    places = [place | {"elsewhere": place["host"] == "node3"} for place in places]
    places[1]["runs"] = [run.id]
    facts = {
        "cluster": "tcp://node0:8786",
        "cluster_reachable": True,
        "cluster_dashboard": "http://node0:8787/status",
        "cluster_workers": places,
        "cluster_refused": [Message("Worker node9 has another version.")],
    }
    monkeypatch.setattr("ui.resources.cluster_facts", lambda: facts)
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    captions = said(app("runs").caption).replace("\\", "")
    assert "2 of 3 workers are busy, 1 free." in captions
    assert "[Dask's dashboard](http://node0:8787/status)" in captions
    assert "Worker node9 has another version." in captions
    assert "can't be reached" not in captions
    (table,) = [each.proto.body for each in app("runs").get("html") if "10.0.0.1" in each.proto.body]
    rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)[:2] for row in table.split("<tr>")[2:]]
    assert rows == [
        ["node1 (cpu)", "free"],
        ["node2 (cpu)", "Mine &lt;b&gt;"],
        ["node3 (cpu)", "for another server"],
    ]
    facts.update(cluster_reachable=False, cluster_dashboard="", cluster_workers=[])
    captions = said(app("runs").caption).replace("\\", "")
    assert "Its scheduler can't be reached." in captions
    assert "dashboard" not in captions
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    assert "workers are busy" not in said(app("runs").caption)


def test_without_its_cluster_a_server_trains_itself_if_asked(app, sample_only, monkeypatch):
    reason = Message("The cluster can't be reached.")
    monkeypatch.setattr("ui.resources.why_not_on_cluster", lambda: reason)
    asked = []
    for name in ("resume", "submit"):
        monkeypatch.setattr(
            TrainingQueue, name, lambda *_, name=name, **named: asked.append((name, named.get("here")))
        )
    writer = RunStore().create(SHORT)
    writer.update("interrupted")
    writer.close()
    test = app("train", run=writer.id)
    assert str(reason) in said(test.caption)
    press(test, "Continue on this server")
    press(test, "Train more on this server")
    press(test, "Train on this server")
    assert asked == [("resume", True), ("resume", True), ("submit", True)]


def test_a_run_that_waits_for_its_cluster_trains_on_the_server_if_asked(app, sample_only, monkeypatch):
    queue = TrainingQueue(RunStore(), lambda _key: load_sample(), 1, places=InProcess(None, workers=0))
    monkeypatch.setattr("ui.resources.training_queue", lambda: queue)
    run = queue.submit(SHORT)
    test = app("train", run=run)
    assert button(test, "Leave the queue")
    assert button(test, "Train it on this server") is None
    monkeypatch.setattr("ui.resources.why_not_on_cluster", lambda: Message("The cluster can't be reached."))
    test.run()
    assert said(test.caption).count("The cluster can't be reached.") == 2  # of the run, and of the form
    assert test.get("progress")[0].proto.text == "First in the queue: begins as soon as a worker is there"
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    by_link = app("train", run=run)
    assert said(by_link.caption).count("The cluster can't be reached.") == 2
    assert button(by_link, "Train it on this server") is None
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    press(test, "Train it on this server")
    run_until(test, lambda: "finished" in heading(test))
    queue.close()


def test_who_opened_a_run_by_link_can_look_but_not_steer(app, sample_only, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    test = app("train", run=trained(SHORT, owner="somebody else").id)
    assert test.metric[0].label == "Test accuracy"
    assert button(test, "Continue training") is None
    assert "opened by a link" in said(test.caption)


def test_a_run_shows_its_curves_digits_and_layers(app, sample_only, html):
    run = trained(SHORT)
    test = app("train", run=run.id)
    assert len(test.get("vega_lite_chart")) == 2
    page = html(test)
    assert page.count('<figure class="lab-digit"') == 12
    assert "predicted " in page
    assert "1. Fully connected" in page
    assert "2. Output" in page
    headings = [element.value for element in test.markdown]
    assert "**Dead ReLU units of each layer**" in headings
    assert any("no problems found" in text for text in headings)


def test_the_browser_gets_time_to_draw_a_chart_that_another_one_follows(app, sample_only, monkeypatch):
    pauses = []
    monkeypatch.setattr(curves, "send_to_browser", lambda place, _shown: pauses.append(place))
    app("train", run=trained(SHORT).id)
    assert pauses == ["curves"]  # after the first of two charts, not after the last


def test_a_network_without_relu_has_no_dead_units(app, sample_only):
    test = app("train", run=trained(replace(SHORT, activation="tanh")).id)
    assert "**Dead ReLU units of each layer**" not in [element.value for element in test.markdown]


def test_the_axis_is_in_the_url(app, sample_only):
    test = app("train", run=trained(SHORT).id)
    test.segmented_control(key="axis").set_value("log").run()
    assert not test.exception
    assert test.query_params["axis"] in ("log", ["log"])
    assert "Error rate:" in said(test.caption)
    names = [chart.proto.alt for chart in test.get("vega_lite_chart")]
    assert names == ["Loss curves on a logarithmic axis", "Error rate curves on a logarithmic axis"]


@pytest.mark.parametrize("measured_meanwhile", [False, True])
def test_a_suggested_remedy_fills_the_form_and_says_so(app, sample_only, monkeypatch, measured_meanwhile):
    run = trained(replace(SHORT, learning_rate=1e-6, batch_size=5))
    test = app("train", run=run.id)
    test.select_slider(key="set_epochs").set_value(7).run()
    test.run()  # the whole page: AppTest doesn't know the links' pages when fragments run alone
    assert any("too small" in element.value for element in test.markdown)
    if measured_meanwhile:  # the summary then reruns the whole page
        speeds = iter([None])
        monkeypatch.setattr(
            "ui.resources.training_speed", lambda _config: next(speeds, Speed(10_000.0, 50_000.0))
        )
    press(test, "Use this remedy")
    assert "the remedy" in test.toast[0].value
    test.run()
    assert not test.exception
    assert not test.toast
    assert replace(form_settings(test), recipe="custom") == replace(run.config, learning_rate=0.001)


def test_a_run_that_diverged_is_explained(app, sample_only):
    config = replace(SHORT, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0)
    with pytest.raises(Exception, match="diverged"):
        trained(config)
    test = app("train", run=RunStore().list()[0].id)
    assert "failed" in heading(test)
    assert any("Training diverged" in element.value for element in test.markdown)
    assert button(test, "Use this remedy")


def test_the_network_is_drawn_and_follows_the_form(app, html):
    test = app("train")
    assert "Conv 5x5, stride 2, 8 channels" in html(test)
    test.pills(key="set_recipe").set_value("tutorial-3").run()
    assert "Fully connected, 256 units" in html(test)
    assert "200,960" in html(test)
    assert "Conv " not in html(test)


def test_a_training_that_does_not_fit_into_memory_is_refused(app, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MEMORY", "460")
    test = app("train", recipe="tutorial-5", widths="1024")
    refusal = "This training needs about 500 MB of memory, and this machine has 460 MB."
    run_until(test, lambda: refusal in said(test.error))
    press(test, "Start training")
    assert said(test.error).count(refusal) == 2
    assert not resources.run_store().list()


def test_the_time_of_an_epoch_is_measured(app, monkeypatch):
    monkeypatch.setattr(TrainingQueue, "training_speed", training_speed)
    test = app("train")
    assert "Measuring the time per epoch" in said(test.caption) or "in a short trial" in said(test.caption)
    run_until(test, lambda: "in a short trial. It takes about " in said(test.caption))
    assert resources.speed_meter().speed(RECIPES["quick"].config, Watcher()).evaluation > 0


def test_a_run_that_a_full_disk_ended_says_so_and_is_continued(app, sample_only):
    run = trained(SHORT)
    writer = RunWriter(run.folder, run.config)
    writer.update("interrupted", failure_message(OSError(errno.ENOSPC, "No space left on device")), epochs=1)
    writer.close()
    test = app("train", run=run.id, lang="zh")
    assert [error.value for error in test.error] == [
        "本服务器的磁盘已满，训练因此停止。请删除不再需要的训练，然后继续这一次。"
    ]
    assert test.button(key="resume").label == "继续训练到 2 轮"
