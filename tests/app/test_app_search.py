"""The Search page: its form, a search under way and ended, its figures, and what comes of the best."""

import json
from dataclasses import replace
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import Message
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.search.plan import SearchPlan
from mnist_core.search.space import SearchSpace, parse_dimension
from mnist_core.search.storage import STUDIES_VARIABLE
from mnist_core.search.study import Studies
from tests.app.train_form import url_of
from tests.core.runs.training_queue.lab import wait_for
from ui import resources
from ui.search import work

BASE = TrainConfig(widths=(8,), epochs=1, batch_size=50, train_size=100, optimizer="sgd", learning_rate=0.1)


def plan(*texts, **settings):
    base = settings.pop("base", BASE)
    space = SearchSpace(
        tuple(parse_dimension(text, base) for text in texts or ["learning_rate", "activation"])
    )
    return SearchPlan(base, space, **{"trials": 3, "sampler": "random", **settings})


def studies():
    return Studies(RunStore().directory)


def text_of(test):
    parts = (test.markdown, test.caption, test.info, test.warning, test.error, test.subheader)
    return "\n".join(element.value for elements in parts for element in elements)


@pytest.fixture
def searched(app):
    """Run a search to its end: `searched(plan)`; return it."""

    def search(of):
        app("search")  # so that the server is there
        found = studies().create(of)
        work.go_on(found)
        wait_for(lambda: not work.is_working(found.id), 60)
        return found

    return search


def test_the_form_offers_no_more_images_than_the_sample_has(app):
    assert "20 trials of 3 × 1,250 images" in text_of(app("search"))


def test_the_form_begins_a_search_of_what_it_shows(app):
    query = {"base": "tutorial-3", "trial_epochs": "1", "trial_images": "500", "trials": "5", "minutes": "5"}
    ranges = "batch_size=100:200"
    test = app(
        "search", **query, preset="own", varied="batch_size,optimizer", ranges=ranges, sampler="random"
    )
    assert not test.exception
    assert "hold out training images for validation" in text_of(test)
    assert "5 trials of 1 × 500 images" in text_of(test)
    test.button(key="begin_search").click().run()
    (search,) = studies().list()
    assert search.plan.space.text() == "batch_size=100:200 optimizer=sgd,momentum,adam,adamw"
    made = search.plan
    assert (made.trials, made.minutes, made.sampler, made.base.train_size) == (5, 5, "random", 500)
    assert made.base.monitor == "validation"
    assert url_of(test)["study"] == search.id
    assert "of 5 trials have ended" in str([bar.proto.text for bar in test.get("progress")])
    test.button(key="stop_search").click().run()
    wait_for(lambda: not work.is_working(search.id), 60)
    assert search.stopped


def test_a_search_that_would_not_fit_into_memory_is_refused_before_it_begins(app, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MEMORY", "400")
    test = app("search", base="tutorial-4b", trial_epochs="1", trial_images="500", trials="5")
    test.button(key="begin_search").click().run()
    assert "of memory" in text_of(test)
    assert studies().list() == []


def test_without_its_cluster_a_server_searches_itself_if_asked(app, monkeypatch):
    reason, asked = Message("The cluster can't be reached."), []
    monkeypatch.setattr("ui.resources.why_not_on_cluster", lambda: reason)
    for module in ("work", "search_status"):
        monkeypatch.setattr(f"ui.search.{module}.go_on", lambda _search, here: asked.append(here))
    test = app("search", base="tutorial-3", trial_epochs="1", trial_images="500", trials="5")
    assert str(reason) in text_of(test)
    for key, label in (("begin_search", "Search"), ("continue_search", "Continue")):
        assert str(reason) in text_of(test)
        assert test.button(key=key).label == f"{label} on this server"
        test.button(key=key).click().run()
    assert asked == [True, True]


def test_a_trial_in_line_is_said_to_wait_and_offers_nothing_to_evaluate(app):
    search = studies().create(plan(trials=1))
    writer = RunStore().create(BASE)
    search.study().ask().set_user_attr("run", writer.id)
    test = app("search", study=search.id)
    assert list(test.dataframe[0].value["state"]) == ["queued"]
    links = [one.proto.label for one in test.get("page_link")]
    assert "Learning curves" in links
    assert "Evaluate it" not in links
    writer.update("running")
    assert list(app("search", study=search.id).dataframe[0].value["state"]) == ["training"]
    writer.close()


def test_a_trial_that_another_process_trains_is_said_to_train_and_how_far(app):
    base = replace(BASE, epochs=4)
    search = studies().create(plan(trials=1, base=base))
    trial = search.study().ask()

    def said() -> str:
        (bar,) = app("search", study=search.id).get("progress")
        return bar.proto.text.replace("\\", "").removeprefix("0 of 1 trial has ended · ")

    assert said() == "trial 0: queued"  # it has no run yet
    writer = RunStore().create(base)
    trial.set_user_attr("run", writer.id)
    assert said() == "trial 0: queued"
    writer.update("running")
    assert said() == "trial 0: trained by another process"
    writer.update("running", epochs=1)
    assert said() == "trial 0: trained by another process, 25%"
    page = app("train", run=writer.id)
    assert "Another process trains it" in str([bar.proto.text for bar in page.get("progress")])
    assert list(app("runs").dataframe[0].value["status"]) == ["training 25%"]
    writer.close()
    assert said() == "trial 0: interrupted"
    trial.set_user_attr("config", base.to_json())
    trial.set_user_attr("run", "on another machine")
    trial.report(0.5, 2)
    assert said() == "trial 0: trained by another process, 50%"


def test_what_can_not_be_searched_is_said_before_it_begins(app, monkeypatch):
    test = app("search", pruner="median", trial_epochs="1")
    assert "train 3 epochs or more" in text_of(test)
    assert not [button for button in test.button if button.key == "begin_search"]
    test = app("search", ranges="learning_rate=2:1")
    assert "from a smaller to a larger number" in text_of(test)
    assert "This search does not exist" in text_of(app("search", study="unknown"))
    monkeypatch.setenv(STUDIES_VARIABLE, "postgresql://127.0.0.1:9/none")
    broken = app("search", study="unknown")
    assert "The searches can't be read or written: Connection refused." in text_of(broken)
    assert "does not exist" not in text_of(broken)


def test_an_ended_search_tells_its_best_and_how_sure_that_is(app, searched):
    search = searched(plan(trials=12))
    (best,) = search.best()
    test = app("search", study=search.id)
    assert not test.exception
    said = text_of(test)
    assert f"(trial {best.number})" in said.replace("\\", "")
    assert "95% confidence interval" in said
    assert "if all 12 trials were equally good" in said
    assert "All 12 trials have ended." in said
    table = test.dataframe[0].value
    assert list(table["accuracy"]) == sorted(table["accuracy"], reverse=True)
    assert list(table["seconds"]) == list(table["seconds"].round(1))
    assert not any("test" in name for name in table.columns)
    for part in ("history", "coordinates", "importances", "slices"):
        test = app("search", study=search.id, part=part, lang="zh")
        assert not test.exception
        (figure,) = test.get("plotly_chart")
        written = json.dumps(json.loads(figure.proto.spec), ensure_ascii=False)
        assert ("学习率" if part == "importances" else "验证准确率") in written
        for word in ("Objective Value", "Trial", "Hyperparameter", "learning_rate", "Best Value"):
            assert word not in written, (part, word)


def test_parallel_coordinates_name_each_setting_whole(app, searched):
    search = searched(plan("rate_factor=0.1:10", "optimizer=sgd,adam", trials=3))
    (figure,) = app("search", study=search.id, part="coordinates").get("plotly_chart")
    names = json.loads(figure.proto.spec)["layout"]["xaxis"]["ticktext"]
    assert names == ["Accuracy", "Learning<br>rate<br>factor", "Optimizer"]


def test_a_front_is_listed_and_drawn(app, searched):
    search = searched(plan("units=2,4,8", sampler="grid", aim="size", trials=3))
    test = app("search", study=search.id, part="front")
    assert not test.exception
    assert "on the Pareto front" in text_of(test)
    (figure,) = test.get("plotly_chart")
    assert "Pareto front" in figure.proto.spec


def test_one_network_of_a_front_is_chosen_and_rated(app, searched):
    search = searched(plan("units=2,4,8", sampler="grid", aim="size", trials=3))
    largest, smallest = search.best()[0], search.best()[-1]
    assert largest != smallest
    test = app("search", study=search.id)
    assert "the most accurate of the 3 trials with at most as many parameters" in text_of(test)
    test.selectbox(key="of_front").set_value(str(smallest.number)).run()
    assert url_of(test)["of_front"] == str(smallest.number)
    assert "95% confidence interval" in text_of(test)
    assert "less accurate than the settings that the search began from" in text_of(test)
    assert "Train these settings in full" in [one.proto.label for one in test.get("page_link")]
    test.button(key="repeat_best").click().run()
    assert {run.config.widths for run in RunStore().list() if run.config.seed} == {smallest.config.widths}
    test.button(key="show_test").click().run()
    assert f"Test accuracy of trial {smallest.number}:" in text_of(test)


def test_the_test_accuracy_is_shown_when_asked_and_later_ones_are_called_biased(app, searched):
    search = searched(plan(trials=2))
    test = app("search", study=search.id)
    assert "Test accuracy" not in text_of(test)
    test.button(key="show_test").click().run()
    (best,) = search.best()
    run = RunStore().get(best.run)
    assert f"Test accuracy of trial {best.number}: {run.results['test_accuracy']:.2%}" in text_of(test)
    assert "no longer unbiased" not in text_of(test)
    search.study().set_user_attr("test_shown", 1 - best.number)
    assert "no longer unbiased" in text_of(app("search", study=search.id))


def test_the_best_is_repeated_with_more_seeds_and_compared_with_them(app, searched):
    search = searched(plan(trials=1))
    begun = RunStore().create(replace(search.best()[0].config, seed=2), group=search.id, repeat=True)
    begun.update("running")
    begun.close()  # as if its server had ended
    test = app("search", study=search.id)
    test.button(key="repeat_best").click().run()
    runs = RunStore().list()
    assert sorted(run.config.seed for run in runs) == [0, 1, 2, 3, 4]
    assert {(run.metadata.group, run.metadata.repeat, run.config.seed > 0) for run in runs} == {
        (search.id, False, False),
        (search.id, True, True),
    }
    wait_for(lambda: all(run.status == "finished" for run in RunStore().list()), 60)
    test = app("search", study=search.id)
    assert "With 4 other seeds the same settings reach" in text_of(test)
    assert not [button for button in test.button if button.key == "repeat_best"]
    assert len(search.trials()) == 1


def test_without_its_cluster_a_server_repeats_the_best_itself_if_asked(app, searched, monkeypatch):
    search = searched(plan(trials=1))
    reason, asked = Message("The cluster can't be reached."), []
    monkeypatch.setattr("ui.resources.why_not_on_cluster", lambda: reason)
    monkeypatch.setattr(TrainingQueue, "submit", lambda *_, here=False, **_named: asked.append(here))
    test = app("search", study=search.id)
    assert str(reason) in text_of(test)
    assert test.button(key="repeat_best").label == "Repeat it with 4 more seeds on this server"
    test.button(key="repeat_best").click().run()
    assert asked == [True] * 4


def test_once_its_cluster_has_a_worker_a_server_goes_on_with_the_searches_of_before(app):
    app("search")
    search = studies().create(plan(trials=1))
    search.note_server(resources.searches().server)
    queue = SimpleNamespace(place_came=Event())
    waits = Thread(target=resources._continue_searches, args=(queue,))
    waits.start()
    assert not work.is_working(search.id)
    queue.place_came.set()
    waits.join()
    wait_for(lambda: search.trials()[0].state == "finished", 60)


def test_a_search_that_has_ended_goes_on_with_more_trials(app, searched):
    search = searched(plan(trials=1))
    test = app("search", study=search.id)
    test.number_input[0].set_value(2).run()
    test.button(key="continue_search").click().run()
    wait_for(lambda: not work.is_working(search.id), 60)
    assert [trial.state for trial in search.trials()] == ["finished"] * 3


def test_a_visitor_sees_their_own_searches_and_others_by_link_without_buttons(app, visitor_from, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    visitor_from("a" * 32)
    mine = app("search")
    search = studies().create(plan(trials=1), owner="somebody else")
    assert search.id not in str([button.key for button in mine.run().button])
    by_link = app("search", study=search.id)
    keys = {button.key for button in by_link.button}
    assert not keys & {"continue_search", "stop_search", "repeat_best"}
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    assert f"open_{search.id}" in {button.key for button in app("search").button}


def test_deleting_a_search_keeps_its_runs(app, searched):
    search = searched(plan(trials=1))
    test = app("search", study=search.id)
    test.button(key="delete_search").click().run()
    assert not test.exception
    assert studies().list() == []
    assert len(RunStore().list()) == 1


@pytest.mark.parametrize("key", ["stop_search", "continue_search", "delete_search"])
def test_a_tab_of_a_search_that_another_tab_has_deleted_says_so_whatever_is_pressed(app, key):
    search = studies().create(plan(trials=1))
    if key == "stop_search":
        search.study().ask()
    test = app("search", study=search.id)
    studies().delete(search.id)
    test.button(key=key).click().run()
    assert not test.exception
    assert "study" not in url_of(test) or "This search does not exist" in text_of(test)


def test_trials_do_not_crowd_the_sidebar(app, searched, make):
    searched(plan(trials=2))
    kept = make()
    buttons = [button.key for button in app("runs").sidebar.button]
    assert [key for key in buttons if key.startswith("open_")] == [f"open_{kept}"]
