import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data import own_sets
from mnist_core.data.datasets import open_own_set
from mnist_core.data.mnist import split_images
from mnist_core.data.own_sets import (
    NewSet,
    add_reader,
    delete_set,
    deleted_set,
    find_set,
    list_sets,
    restore_set,
    save_set,
)
from mnist_core.dataset_choices import DATASETS, number_of_classes
from mnist_core.messages import InputError


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITLAB_SETS", str(tmp_path / "sets"))
    return tmp_path / "sets"


def new_set(count: int = 40) -> NewSet:
    random = np.random.default_rng(count)
    images, order = random.integers(0, 256, (count, 28, 28), np.uint8), random.permutation(count)
    train, validation, test = np.split(order, [count // 2, 3 * count // 4])
    return NewSet(images, np.arange(count) % 2, ("hat", "shoe"), train, validation, test, source="a.csv")


def test_a_set_is_saved_and_opened_as_it_was_divided():
    new = new_set()
    saved = save_set(new, " My\n<clothes> ", owner="me")
    assert (saved.name, saved.access.owner, saved.classes) == ("My clothes", "me", ("hat", "shoe"))
    assert (saved.train, saved.validation, saved.test) == (20, 10, 10)
    assert find_set(saved.key) == find_set("My clothes") == saved
    data = open_own_set(saved.key)
    assert (data.key, data.source) == (saved.key, saved.key)
    assert isinstance(data.train.images.base, np.memmap)
    learned = np.concatenate([new.train, new.validation])
    np.testing.assert_array_equal(data.train.images, new.images[learned])
    np.testing.assert_array_equal(data.train.labels, new.labels[learned])
    np.testing.assert_array_equal(data.test.images, new.images[new.test])
    numbers = json.loads((own_sets.own_sets_directory() / saved.key / "numbers.json").read_text())
    assert numbers == {"train": learned.tolist(), "test": new.test.tolist()}


def test_the_settings_know_the_set_and_no_list_has_it():
    key = save_set(new_set(), "Clothes").key
    assert key in DATASETS
    assert key not in list(DATASETS)
    assert number_of_classes(key) == 2
    assert DATASETS[key].label == "Clothes"
    assert TrainConfig.from_json(TrainConfig(dataset=key).to_json()).dataset == key
    for wrong in ("own-0123456789abcdef", "own-..", "own-"):
        assert wrong not in DATASETS
        with pytest.raises(InputError):
            TrainConfig(dataset=wrong)


def test_no_training_learns_from_the_validation_images_of_a_set():
    new = new_set()
    key = save_set(new, "Clothes").key
    data = open_own_set(key)
    for asked, held_out in ((5000, 10), (10, 10), (4, 4)):
        splits = split_images(TrainConfig(dataset=key, validation_size=asked), data)
        np.testing.assert_array_equal(splits.train.images, new.images[new.train])
        np.testing.assert_array_equal(splits.validation.images, new.images[new.validation][10 - held_out :])
    adapted = TrainConfig().on_dataset(key)
    assert (adapted.validation_size, adapted.train_size) == (10, 30)


def test_a_deleted_set_comes_back_only_where_its_owner_has_room_for_it(directory: Path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_VISITOR_SETS_LIMIT", "1")
    first = save_set(new_set(), "First", "anna", public=True).key
    delete_set(first)
    second = save_set(new_set(), "Second", "anna", public=True).key
    with pytest.raises(InputError, match="You have 1 data sets, and this server keeps 1"):
        restore_set(first, public=True)
    assert deleted_set(first).name == "First"
    delete_set(second)
    assert restore_set(first, public=True).name == "First"


def test_a_deleted_set_can_be_restored_for_a_day_and_its_runs_opened_for_ever(directory: Path):
    key = save_set(new_set(), "Clothes").key
    delete_set(key)
    assert list_sets() == []
    with pytest.raises(InputError, match="images of the data set Clothes were deleted"):
        open_own_set(key)
    assert TrainConfig(dataset=key).dataset == key
    assert deleted_set(key).name == "Clothes"
    assert restore_set(key).key == key
    assert len(open_own_set(key).train) == 30
    delete_set(key)
    two_days_ago = time.time() - 2 * 86_400
    os.utime(directory / ".trash" / key, (two_days_ago, two_days_ago))
    save_set(new_set(), "Another")  # empties the trash
    assert deleted_set(key) is None
    assert number_of_classes(key) == 2
    assert [file.name for file in (directory / ".trash" / key).iterdir()] == ["own.json"]
    with pytest.raises(InputError, match="were deleted"):
        restore_set(key)
    with pytest.raises(InputError, match="There is no data set 'own-0123456789abcdef'"):
        delete_set("own-0123456789abcdef")


def test_readers_are_remembered_the_latest_last(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(own_sets, "MOST_READERS", 2)
    key = save_set(new_set(), "Clothes", "me").key
    for reader in ("a", "b", "a", "c"):
        add_reader(key, reader)
    assert find_set(key).access.readers == ("a", "c")
    assert find_set(key).access.owner == "me"


def test_limits_of_a_public_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIGITLAB_VISITOR_SETS_LIMIT", "1")
    save_set(new_set(), "One", "me", public=True)
    save_set(new_set(), "Other", "you", public=True)
    with pytest.raises(InputError, match="You have 1 data sets, and this server keeps 1"):
        save_set(new_set(), "Two", "me", public=True)


def test_sets_that_were_not_used_for_longest_go_when_space_is_short(
    directory: Path, monkeypatch: pytest.MonkeyPatch
):
    used, unused = (save_set(new_set(800), name).key for name in ("Used", "Unused"))
    for key, hours in ((used, 2), (unused, 1.5)):
        when = time.time() - 3600 * hours
        os.utime(directory / key, (when, when))
    open_own_set(used)
    monkeypatch.setenv("DIGITLAB_SETS_MB_LIMIT", "1")  # each has 0.6 MB
    newest = save_set(new_set(400), "Newest").key
    assert {own.key for own in list_sets()} == {used, newest}
    assert unused in DATASETS


@pytest.mark.parametrize("name", ["", " <> ", 61 * "a"])
def test_names_that_are_refused(name: str):
    with pytest.raises(InputError, match="1 to 60 characters"):
        save_set(new_set(), name)


def test_nothing_is_left_of_a_set_that_could_not_be_written(directory: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_sets, "write_whole", fail)
    with pytest.raises(InputError, match="disk of this server is full"):
        save_set(new_set(), "Clothes")
    assert [file.name for file in directory.iterdir()] == [".lock"]


def test_a_damaged_set_is_refused(directory: Path):
    key = save_set(new_set(), "Clothes").key
    (directory / key / "test-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(InputError, match="Clothes were deleted"):
        open_own_set(key)
    (directory / key / "own.json").write_text("[]")
    assert list_sets() == []
    assert key not in DATASETS
