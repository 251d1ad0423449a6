from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.choices import CHOICES
from mnist_core.config import TrainConfig
from mnist_core.recipes import RECIPES
from mnist_core.runs.metadata import RunMetadata
from mnist_core.runs.names import changes_in_words, run_names, settings_name, slug, title
from mnist_core.runs.run import PRETRAINED_ID, Run
from mnist_core.runs.store import RunStore

TUTORIAL_3, QUICK = RECIPES["tutorial-3"].config, RECIPES["quick"].config


def make(run_id="a", config=TUTORIAL_3, created="2026", name="", owner=""):
    return Run(run_id, Path(), config, "finished", created, {}, None, RunMetadata(name, owner=owner))


def names(*runs, everyones=()):
    found = run_names(runs, everyones)
    return [str(found[run.id]) for run in runs]


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (TUTORIAL_3, "Tutorial 3"),
        (replace(TUTORIAL_3, widths=(64,) * 6, activation="sigmoid"), "Tutorial 3, 6x64 Sigmoid"),
        (replace(TUTORIAL_3, learning_rate=5.0), "Tutorial 3, lr 5"),
        (replace(TUTORIAL_3, learning_rate=1e-5, epochs=1), "Tutorial 3, lr 0.00001, 1 epoch"),
        (replace(TUTORIAL_3, train_size=500, seed=3), "Tutorial 3, 500 images, seed 3"),
        (replace(TUTORIAL_3, widths=(128, 64)), "Tutorial 3, 128-64"),
        (replace(TUTORIAL_3, widths=(128, *(256,) * 5)), "Tutorial 3, 128-5x256"),
        (replace(TUTORIAL_3, widths=(128, 64, 64)), "Tutorial 3, 128-64-64"),
        (replace(TUTORIAL_3, widths=()), "Tutorial 3, no hidden layer"),
        (replace(TUTORIAL_3, optimizer="adam", learning_rate=0.001), "Tutorial 3, Adam"),
        (replace(TUTORIAL_3, optimizer="adam"), "Tutorial 3, Adam, lr 0.5"),
        (replace(QUICK, architecture="mlp", widths=(128, 64), batch_norm=False), "Quick, MLP"),
        (replace(QUICK, architecture="softmax", activation="tanh"), "Quick, Softmax regression"),
        (replace(QUICK, batch_size=1000, momentum=0.5), "Quick, batch size 1,000"),
        (TrainConfig(widths=(8,)), "MLP, 1x8"),
        (TrainConfig(architecture="lenet5"), "LeNet-5"),
        (
            replace(
                QUICK, epochs=5, batch_size=64, dropout=0.2, label_smoothing=0.1, schedule="step", seed=2
            ),
            "Quick, dropout 0.2, schedule: Step, label smoothing 0.1, and 2 more, seed 2",
        ),
    ],
)
def test_a_run_is_named_by_what_differs_from_its_recipe(config, name):
    assert names(make(config=config)) == [name] == [title(config)]


@pytest.mark.parametrize("field", TrainConfig.__dataclass_fields__)
def test_every_setting_and_every_choice_has_its_words(field):
    if field == "recipe":
        return
    other = {"widths": (1, 2), "channels": (1, 2, 3), "epochs": 1, "learning_rate": 0.25, "momentum": 0.1}
    for choice in CHOICES.get(field, [other.get(field, 7)]):
        config = TrainConfig(architecture="cnn", optimizer="nesterov")
        object.__setattr__(config, field, not getattr(config, field) if field in BOOLEAN else choice)
        for words in map(str, changes_in_words(config)):
            assert not {"{", "_"}.intersection(words)


BOOLEAN = ("batch_norm", "shuffle")


def test_names_that_would_be_equal_have_a_number_in_order_of_creation():
    newest, oldest, middle = make("a", created="3"), make("c", created="1"), make("b", created="2")
    assert names(newest, oldest, middle) == ["Tutorial 3 (3)", "Tutorial 3", "Tutorial 3 (2)"]
    given = [make("d", name="Mine"), make("e", name="Mine"), make("f", name="Mine (2)")]
    assert names(*given) == ["Mine", "Mine (2)", "Mine (2) (2)"]
    assert names(make("g", config=replace(TUTORIAL_3, seed=1)), make("h")) == [
        "Tutorial 3, seed 1",
        "Tutorial 3",
    ]


def test_the_settings_that_tell_siblings_apart_are_named_first():
    many = replace(QUICK, dropout=0.2, label_smoothing=0.1, schedule="step", weight_decay=0.1)
    pair = names(make("a", config=replace(many, epochs=9)), make("b", config=replace(many, epochs=8)))
    assert pair == [
        "Quick, 9 epochs, dropout 0.2, weight decay 0.1, and 2 more",
        "Quick, 8 epochs, dropout 0.2, weight decay 0.1, and 2 more",
    ]


def test_a_run_has_the_same_name_in_the_list_of_another_visitor():
    teachers = [make("a", created="1", owner="teacher"), make("b", created="2", owner="teacher")]
    pupils = make("c", created="0", owner="pupil")
    assert names(teachers[1], everyones=[*teachers, pupils]) == ["Tutorial 3 (2)"]
    assert names(teachers[1], pupils, everyones=[*teachers, pupils]) == ["Tutorial 3 (2)", "Tutorial 3"]
    assert names(teachers[0], pupils, everyones=[*teachers, pupils]) == ["Tutorial 3 (2)", "Tutorial 3"]


def test_a_visitors_own_run_keeps_its_name_beside_anothers():
    theirs, own = make("a", created="1", owner="teacher"), make("b", created="2", owner="pupil")
    found = run_names([theirs, own], visitor="pupil")
    assert [str(found[run_id]) for run_id in "ab"] == ["Tutorial 3 (2)", "Tutorial 3"]


def test_a_run_keeps_its_name_when_the_one_before_it_is_deleted(tmp_path):
    store = RunStore(tmp_path)

    def create(owner="me"):
        writer = store.create(TUTORIAL_3, owner)
        writer.update("finished")
        writer.close()
        return writer.id

    def told():
        return {run_id: str(name) for run_id, name in run_names(store.list()).items()}

    first, second = create(), create()
    assert told() == {first: "Tutorial 3", second: "Tutorial 3 (2)"}
    store.remove(first)
    assert told() == {second: "Tutorial 3 (2)"}
    third = create()
    store.restore(first)
    assert told() == {first: "Tutorial 3", second: "Tutorial 3 (2)", third: "Tutorial 3 (3)"}
    assert store.get(create("another")).metadata == RunMetadata(owner="another")


def test_the_number_of_a_run_that_was_changed_since_is_not_kept():
    changed = make("a", config=replace(TUTORIAL_3, epochs=11))
    number = RunMetadata(number=2, numbered="Tutorial 3")
    assert names(replace(changed, metadata=number)) == ["Tutorial 3, 11 epochs"]
    assert names(replace(changed, metadata=replace(number, name="Mine"))) == ["Mine"]


def test_settings_have_a_name_without_their_seed_and_a_files_name():
    changed = replace(TUTORIAL_3, learning_rate=5.0, seed=4)
    assert str(settings_name(changed)) == "Tutorial 3, lr 5"
    assert slug(changed) == "tutorial-3-lr-5-seed-4"
    assert (slug(TUTORIAL_3), slug(TrainConfig(widths=(8,)))) == ("tutorial-3", "custom")
    assert names(make(PRETRAINED_ID, config=RECIPES["world"].config)) == ["Pretrained model"]
