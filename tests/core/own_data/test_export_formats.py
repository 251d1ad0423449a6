"""Data sets and sheets exported in each format, and read back."""

import io
import zipfile

import numpy as np
import pytest

from mnist_core.data.mnist import Split
from mnist_core.messages import InputError
from mnist_core.own_data import export_formats
from mnist_core.own_data.export_formats import DATA_FORMATS, sheet_split, write_data
from mnist_core.own_data.own_images import OwnImages
from mnist_core.own_data.source_files import uploaded
from mnist_core.recognition.labelled_drawings import LabelledDrawing
from tests.core.own_data.sources import read, refusal, zip_file

CLASSES = {
    "numbers": tuple("0123456789"),
    "letters of both cases": ("A", "B", "a"),
    "names out of order": ("trousers", "T-shirt", "ankle boot"),
    "numbers out of order": ("2", "0", "1"),
    "numbers among words": ("7", "seven"),
    "words for folders": ("../a", "a/b", "test"),
    "words for cells": ("=1+1", "a,b", "07"),
    "other scripts": ("お", "き", "字母"),
}


def splits_of(classes: int, names: str = "train test further") -> dict[str, Split]:
    random, found = np.random.default_rng(classes), {}
    for number, name in enumerate(names.split(" ")):
        labels = random.permutation(np.arange(3 * classes + number) % classes).astype(np.uint8)
        found[name] = Split(random.integers(0, 256, (len(labels), 28, 28), np.uint8), labels)
    return found


def written(splits: dict[str, Split], classes: tuple[str, ...], kind: str) -> bytes:
    file = io.BytesIO()
    fractions = [fraction for fraction, _ in write_data(file, splits, classes, kind)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    return file.getvalue()


def read_back(content: bytes, kind: str) -> OwnImages:
    return read(uploaded(f"taken.{DATA_FORMATS[kind].ending}", content))


IN_TABLES = [names for names in CLASSES if names not in ("letters of both cases", "words for folders")]


@pytest.mark.parametrize(
    ("kind", "names"),
    [(kind, names) for kind in DATA_FORMATS for names in (IN_TABLES if kind == "csv" else CLASSES)],
)
def test_what_is_exported_is_read_back_to_the_same_arrays(kind: str, names: str, monkeypatch):
    monkeypatch.setattr(export_formats, "AT_ONCE", 4)
    classes = CLASSES[names]
    splits = splits_of(len(classes))
    own = read_back(written(splits, classes, kind), kind)
    assert own.classes == classes
    np.testing.assert_array_equal(own.images, np.concatenate([split.images for split in splits.values()]))
    np.testing.assert_array_equal(own.labels, np.concatenate([split.labels for split in splits.values()]))
    assert own.writers is None


def test_others_read_the_files_too():
    import pandas as pd

    splits, classes = splits_of(2), ("hat", "shoe")
    train = splits["train"]
    with zipfile.ZipFile(io.BytesIO(written(splits, classes, "csv"))) as archive:
        table = pd.read_csv(archive.open("train.csv"))
    assert table["label"].tolist() == [classes[label] for label in train.labels]
    np.testing.assert_array_equal(table.iloc[:, 1:], train.images.reshape(len(train), -1))
    arrays = np.load(io.BytesIO(written(splits, classes, "npz")))
    assert sorted(arrays) == ["classes", "x_further", "x_test", "x_train", "y_further", "y_test", "y_train"]
    np.testing.assert_array_equal(arrays["x_train"], train.images)
    assert arrays["classes"].tolist() == ["hat", "shoe"]
    with zipfile.ZipFile(io.BytesIO(written(splits, classes, "png"))) as archive:
        assert f"train/{classes[train.labels[0]]}/0.png" in archive.namelist()
        assert archive.read("classes.txt").decode() == "hat\nshoe\n"


def test_folders_are_numbers_where_names_would_be_one_folder_or_none():
    for names in ("letters of both cases", "words for folders"):
        with zipfile.ZipFile(io.BytesIO(written(splits_of(3), CLASSES[names], "png"))) as archive:
            assert {name.split("/")[1] for name in archive.namelist()[1:]} == {"00", "01", "02"}


def test_a_sheet_is_one_part_without_blank_and_unlabelled_drawings():
    images = splits_of(3, "")[""].images
    sheet = [LabelledDrawing(image, label) for image, label in zip(images, (7, 2, 7, None), strict=False)]
    split = sheet_split([*sheet, LabelledDrawing(None, 3)])
    digits = tuple("0123456789")
    for kind in DATA_FORMATS:
        own = read_back(written({"": split}, digits, kind), kind)
        np.testing.assert_array_equal(own.images, images[:3])
        assert (own.classes, own.labels.tolist()) == (("2", "7"), [1, 0, 1])
    with pytest.raises(InputError, match="no drawing with a label"):
        sheet_split(sheet[3:])


def test_a_list_of_classes_that_does_not_fit_is_refused_in_a_sentence():
    content = written(splits_of(3), ("a", "b", "c"), "csv")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for names, words in (("a\nb\n", "classes.txt has 2 names"), ("a\nb\nc\nc\n", "the same name")):
        assert words in refusal(zip_file({**members, "classes.txt": names.encode()}))


def test_a_fault_in_the_second_of_two_tables_is_named_with_its_line():
    with zipfile.ZipFile(io.BytesIO(written(splits_of(2), ("a", "b"), "csv"))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    wrong = members["test.csv"].replace(b"\na,", b"\n,", 1)
    line = wrong[: wrong.index(b"\n,")].count(b"\n") + 2
    assert refusal(zip_file({**members, "test.csv": wrong})).startswith(f"test.csv:{line} has no label")
    assert refusal(zip_file({**members, "other.csv": wrong})).startswith("There are several files")
