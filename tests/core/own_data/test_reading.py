import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.mnist import Dataset
from mnist_core.messages import InputError
from mnist_core.own_data import array_files, reading
from mnist_core.own_data.own_images import named
from mnist_core.own_data.source_files import files_at, uploaded
from mnist_core.recognition.labelled_drawings import LabelledDrawing
from tests.core.own_data.sources import (
    csv_file,
    csv_text,
    idx,
    idx_files,
    npz_file,
    picture_zip,
    png,
    read,
    refusal,
    zip_claiming,
    zip_file,
)


def images_of(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), np.uint8)


def test_the_same_images_are_the_same_arrays_in_every_form(sample: Dataset):
    order = np.argsort(sample.train.labels[:500], kind="stable")  # pictures come folder by folder
    images, labels = sample.train.images[:500][order], sample.train.labels[:500][order]
    sources = {
        "csv": [csv_file(images, labels)],
        "csv without header": [csv_file(images, labels, header=False)],
        "csv.gz": [uploaded("train.csv.gz", gzip.compress(csv_text(images, labels).encode()))],
        "idx": idx_files(images, labels),
        "zip of png": [picture_zip(images, labels)],
        "npz": [npz_file(images=images, labels=labels)],
        "npz in fractions": [npz_file(x_train=images.reshape(500, 784) / 255, y_train=labels)],
    }
    for form, files in sources.items():
        own = read(*files)
        assert own.classes == tuple("0123456789"), form
        np.testing.assert_array_equal(own.images, images, form)
        np.testing.assert_array_equal(own.labels, labels, form)


def test_a_folder_is_read_as_its_zip_is(tmp_path: Path):
    images = images_of(4)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for n, image in enumerate(images):
            archive.writestr(f"{'ab'[n // 2]}/{n}.png", png(image))
        archive.extractall(tmp_path / "folder")
    (tmp_path / "folder" / "a" / ".hidden.png").write_bytes(b"no picture")
    for path in ("all.zip", "folder"):
        own = read(*files_at([tmp_path / path]))
        assert own.classes == ("a", "b")
        np.testing.assert_array_equal(own.images, images)
    assert "nowhere" in refusal_of_path(tmp_path / "nowhere")


def refusal_of_path(path: Path) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - InputError is one
        read(*files_at([path]))
    return str(error.value)


class TestTables:
    def test_the_label_is_where_the_header_or_the_choice_says(self):
        images = images_of(3)
        rows = [
            ",".join(map(str, [*image.ravel(), label, who]))
            for image, label, who in zip(images, "212", "xyx", strict=True)
        ]
        header = ",".join([*(f"pixel{n}" for n in range(784)), "label", "writer"])
        own = read(uploaded("a.csv", "\n".join([header, *rows]).encode()))
        assert own.classes == ("1", "2")
        assert own.labels.tolist() == [1, 0, 1]
        assert own.writers.tolist() == [0, 1, 0]
        np.testing.assert_array_equal(own.images, images)
        bare = uploaded("a.csv", "\n".join(rows).encode())
        own = read(bare, label_column="785", writer_column="786")
        assert own.labels.tolist() == [1, 0, 1]
        np.testing.assert_array_equal(own.images, images)
        assert "has no column '900'" in refusal(bare, label_column="900")

    def test_words_become_the_names_of_the_classes_and_that_is_said(self):
        own = read(csv_file(images_of(3), ["shoe", "hat", "shoe"], header=False))
        assert own.classes == ("hat", "shoe")
        assert own.labels.tolist() == [1, 0, 1]
        assert [str(note) for note in own.notes] == [
            "The labels are words, which are now the names of 2 classes: hat, shoe."
        ]

    def test_a_column_of_different_numbers_is_read_at_once_so_that_another_can_be_chosen(self):
        labels = [str(number) for number in range(30_000)]
        own = named(np.zeros((30_000, 1, 1), np.uint8), labels, str)
        assert own.classes == tuple(labels)
        assert own.labels.tolist() == list(range(30_000))

    def test_one_long_label_does_not_take_its_length_for_every_image(self):
        labels = ["9" * 20_000] + ["1"] * 20_000  # an array of such texts has 1.6 GB
        tracemalloc.start()
        with pytest.raises(InputError, match="has a label of 20000 characters"):
            named(np.zeros((20_001, 1, 1), np.uint8), labels, str)
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 50_000_000

    def test_letters_stand_beside_digits_but_words_do_not(self):
        assert read(csv_file(images_of(3), ["10", "9", "A"])).classes == ("9", "10", "A")
        assert refusal(csv_file(images_of(3), ["7", "seven", "8"])) == (
            "train.csv:3 has the label 'seven', and other labels are numbers; use one kind only."
        )

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            ("pixel437,", "", " has no column 'pixel437'; an image has 784 pixels."),
            ("label,", "", " has 784 columns of pixels and none of labels; add one."),
            ("\n1,", "\n,", ":3 has no label; write the class of its image there."),
            ("\n1,", "\n1.5,", ":3 has the label 1.5; a label is a whole number from 0 or a word."),
            ("\n1,", "\n-1,", ":3 has the label -1; a label is a whole number from 0 or a word."),
            ("\n1,", f"\n{41 * 'a'},", ":3 has a label of 41 characters; a name of a class has at most 40."),
            ("\n1,0,", "\n1,256,", ":3 has '256' in column pixel0; a pixel is a number from 0 to 255."),
            ("\n1,0,", "\n1,-1,", ":3 has '-1' in column pixel0; a pixel is a number from 0 to 255."),
            ("\n1,0,", "\n1,x,", ":3 has 'x' in column pixel0; a pixel is a number from 0 to 255."),
            ("\n1,0,", "\n1,", ":3 has 783 pixels, and an image has 784."),
            ("\n1,0,", "\n1,0,0,", ":3 has 786 fields, and the first line has 785."),
        ],
    )
    def test_a_fault_is_named_with_its_line(self, old: str, new: str, sentence: str):
        good = csv_text(np.zeros((3, 28, 28), np.uint8), [0, 1, 2])
        assert refusal(uploaded("train.csv", good.replace(old, new, 1).encode())) == f"train.csv{sentence}"

    def test_tables_of_other_things_are_refused(self):
        header = csv_text(images_of(0), [])
        assert "has no rows" in refusal(uploaded("a.csv", header.encode()))
        assert "has 2 columns of pixels beside the label" in refusal(uploaded("a.csv", b"0,1,2\n"))
        old_mac = csv_text(images_of(3), ["a", "b", "c"]).replace("\n", "\r")
        assert read(uploaded("a.csv", old_mac.encode())).classes == ("a", "b", "c")
        assert "has 0 columns of pixels" in refusal(uploaded("a.csv", b""))

    def test_tables_as_spreadsheets_on_windows_save_them(self):
        images = images_of(3)
        saved = "\ufeff" + csv_text(images, ["ä", "NA", "ä"]).replace(",", ";").replace("\n", "\r\n")
        own = read(uploaded("a.csv", saved.encode()))
        np.testing.assert_array_equal(own.images, images)
        assert own.classes == ("NA", "ä")
        assert own.labels.tolist() == [1, 0, 1]

    def test_bytes_that_are_no_text_are_refused(self):
        good = csv_text(images_of(3), ["a", "b", "c"]).encode()
        assert "UTF-8" in refusal(uploaded("train.csv", good.replace(b"\nb,", b"\n\xff,")))


class TestArrays:
    def test_pairs_are_joined_by_their_names(self):
        images, labels = images_of(5), np.array([1, 2, 3, 1, 2])
        own = read(*idx_files(images[3:], labels[3:], "t10k"), *idx_files(images[:3], labels[:3]))
        np.testing.assert_array_equal(own.images, images)  # the images to train on come first
        assert own.labels.tolist() == [0, 1, 2, 0, 1]
        assert own.classes == ("1", "2", "3")

    def test_faults_of_idx_files(self):
        images, labels = images_of(3), np.arange(3)
        pictures, answers = idx_files(images, labels)
        assert refusal(pictures).startswith("train-images-idx3-ubyte lacks its other half")
        short = uploaded("train-images-idx3-ubyte", idx(images)[:-1])
        assert refusal(short, answers) == (
            "train-images-idx3-ubyte has 2,367 bytes, and by its header it should have 2,368; copy it again."
        )
        fewer = uploaded("train-labels-idx1-ubyte", idx(labels[:2]))
        assert "has 3 images, and train-labels-idx1-ubyte has 2 labels" in refusal(pictures, fewer)
        large = uploaded("train-images-idx3-ubyte", idx(np.zeros((3, 32, 32))))
        assert "the shape 3 x 32 x 32" in refusal(large, answers)
        wrong = uploaded("train-images-idx3-ubyte", b"\x00\x00\x0d\x03" + bytes(20))
        assert "starts with the wrong bytes" in refusal(wrong, answers)

    def test_npz_parts_names_and_writers(self):
        images = images_of(4)
        own = read(
            npz_file(x_test=images[3:], y_test=["b"], x_train=images[:3], y_train=["a", "b", "a"],
                     writers_train=[5, 6, 5], writers_test=[7])
        )  # fmt: skip
        np.testing.assert_array_equal(own.images, images)
        assert own.labels.tolist() == [0, 1, 0, 1]
        assert own.writers.tolist() == [0, 1, 0, 2]

    def test_no_more_of_a_list_of_classes_is_read_than_a_set_may_have(self, monkeypatch: pytest.MonkeyPatch):
        images, labels = images_of(9), [0, 1, 2] * 3
        monkeypatch.setattr(array_files, "MOST_LISTED", 2)
        listed = npz_file(images=images, labels=labels, classes=["a", "b", "c"])
        assert "classes" in refusal(listed)
        monkeypatch.setattr(reading, "LONGEST_LIST", 4)
        listed = uploaded("classes.txt", b"a\nb\nc\n")
        assert "classes.txt" in refusal(*idx_files(images, np.array(labels)), listed)

    def test_faults_of_npz_files(self):
        images, labels = images_of(3), np.arange(3)
        assert refusal(npz_file(pictures=images)) == (
            "digits.npz has the arrays pictures; it needs images and labels, or x_train and y_train."
        )
        assert "has 3 images, and labels has 2 labels" in refusal(npz_file(images=images, labels=labels[:2]))
        assert "labels has 30 labels" in refusal(npz_file(images=images, labels=np.eye(3, 10)))
        assert "go from -1 to 5" in refusal(
            npz_file(images=np.full((3, 784), 5) - 6 * np.eye(3, 784, dtype=int), labels=labels)
        )
        assert "go from nan to nan" in refusal(npz_file(images=np.full((3, 784), np.nan), labels=labels))
        pickled = npz_file(images=np.array([None, {}]), labels=labels)
        assert "without objects" in refusal(pickled)
        assert "without objects" in refusal(uploaded("a.npz", b"no zip"))
        plain = io.BytesIO()
        np.savez(plain, images=images, labels=labels)
        assert "without objects" in refusal(uploaded("a.npz", plain.getvalue().replace(b"}", b" ", 1)))


class TestPictures:
    def test_grey_pictures_of_28_by_28_stay_and_others_are_read_as_on_draw(self):
        small, ink = images_of(1)[0], np.full((90, 60), 255, np.uint8)
        ink[20:70, 25:35] = 0  # a black stroke on white paper
        own = read(zip_file({"7/a.png": png(small), "1/b.png": png(ink)}))
        assert own.classes == ("1", "7")
        np.testing.assert_array_equal(own.images[own.labels == 1][0], small)
        one = own.images[own.labels == 0][0]
        assert one[0].max() == 0
        assert one[14, 14] == 255
        assert one.any(axis=1).sum() == 20

    def test_folders_say_who_wrote(self):
        files = {
            f"set/train/{label}/{who}/1.png": png(images_of(1)[0])
            for label in "ab"
            for who in ("ann", "bob", "cy")
        }
        own = read(zip_file(files))
        assert own.classes == ("a", "b")
        assert own.writers.tolist() == [0, 1, 2, 0, 1, 2]
        own = read(zip_file(files), writer_outside=True)
        assert own.classes == ("ann", "bob", "cy")
        assert own.writers.tolist() == [0, 0, 0, 1, 1, 1]

    def test_pictures_that_show_nothing_are_left_out_and_named(self):
        good, blank = png(images_of(1)[0]), png(np.full((60, 60), 200, np.uint8))
        own = read(zip_file({"a/1.png": good, "a/2.png": blank, "b/3.png": b"broken", "b/4.png": good}))
        assert len(own) == 2
        assert [str(note) for note in own.notes] == [
            "a/2.png shows nothing: it is blank.",
            "b/3.png is not a picture that can be read; choose a PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC.",
        ]
        many = {f"a/{n}.png": blank for n in range(8)}
        assert str(read(zip_file({**many, "b/4.png": good})).notes[-1]) == "3 more pictures were left out."
        assert refusal(zip_file({"a/2.png": blank})) == "a/2.png shows nothing: it is blank."

    def test_pictures_in_no_folder_are_refused(self):
        image = png(images_of(1)[0])
        assert refusal(zip_file({"1.png": image})).startswith("1.png is in no folder")
        assert "is in one folder" in refusal(
            zip_file({"a/1.png": image, "b/1.png": image}), writer_outside=True
        )


class TestSheets:
    def test_each_of_several_sheets_is_a_writers(self):
        images = images_of(3)
        drawn = [
            LabelledDrawing(image, label).to_line() for image, label in zip(images, (3, 8, 3), strict=True)
        ]
        unlabelled = LabelledDrawing(images[0]).to_line()
        ann = uploaded("ann.jsonl", (drawn[0] + unlabelled + drawn[1]).encode())
        bob = uploaded("bob.jsonl", drawn[2].encode())
        own = read(ann, bob)
        np.testing.assert_array_equal(own.images, images)
        assert own.classes == ("3", "8")
        assert own.writers.tolist() == [0, 0, 1]
        assert str(own.notes[0]) == "Left out, as they have no ink or no label: 1 of the drawings."
        assert read(ann).writers is None

    def test_faults_of_sheets(self):
        line = json.dumps({"pixels": [], "label": 3})
        assert refusal(uploaded("a.jsonl", b"{}")).startswith("Line 1 has neither")
        assert refusal(uploaded("a.jsonl", line.encode())).startswith("a.jsonl has no drawing with a label")
        assert "is no text" in refusal(uploaded("a.jsonl", b"\xff\xfe\xff"))


class UnsaidUtf8(zipfile.ZipInfo):
    """A member whose name is UTF-8 without the flag that says so, as macOS writes it."""

    def _encodeFilenameFlags(self):  # noqa: N802 - zipfile's
        return self.filename.encode(), self.flag_bits


class TestArchives:
    def test_a_bomb_is_refused_before_it_is_unpacked(self, monkeypatch: pytest.MonkeyPatch):
        bomb = zip_claiming({f"a/{n}.png": 50_000_000 for n in range(20)})  # 1 GB
        assert bomb.size < 10_000
        monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
        assert (
            refusal(bomb) == "digits.zip has over 500 MB once it is unpacked; bring fewer or smaller files."
        )

    def test_a_member_larger_than_it_claims_is_not_unpacked(self):
        lying = zip_claiming({"a/1.png": 10}, bytes(1_000_000))
        assert refusal(lying) == "a/1.png is damaged in the zip; make the zip again."

    def test_other_bombs(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DIGITLAB_SET_UNPACKED_MB_LIMIT", "1")
        assert "has over 1 MB" in refusal(uploaded("a.csv.gz", gzip.compress(bytes(2_000_000))))
        small = [uploaded(f"{name}.csv.gz", gzip.compress(bytes(600_000))) for name in "ab"]
        assert "b.csv.gz has over 1 MB" in refusal(*small)
        assert "has over 1 MB" in refusal(
            npz_file(images=np.zeros((2000, 784), np.uint8), labels=np.arange(2))
        )
        monkeypatch.setenv("DIGITLAB_SET_IMAGES_LIMIT", "2")
        images, labels = images_of(3), np.arange(3)
        sources = [[csv_file(images, labels)], idx_files(images, labels), [picture_zip(images, labels)]]
        for files in (*sources, [npz_file(images=images, labels=labels)]):
            assert "more than 2 images" in refusal(*files)
        monkeypatch.setenv("DIGITLAB_SET_MB_LIMIT", "1")
        assert refusal(uploaded("a.csv", bytes(1_100_000))) == (
            "These files have 1 MB, and 1 MB are allowed; bring fewer images."
        )

    @pytest.mark.parametrize("name", ["../a/1.png", "/a/1.png", "a/../../1.png", "C:/a/1.png", "..\\1.png"])
    def test_names_that_lead_out_are_refused(self, name: str):
        assert "whose name leads out of its folder" in refusal(zip_file({name: b""}))

    def test_names_in_a_zip_of_macos(self):
        family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
        names = ("e\N{COMBINING ACUTE ACCENT}", "猫", family)  # macOS takes letters and accents apart
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in names:
                archive.writestr(UnsaidUtf8(f"set/{name}/1.png"), png(images_of(1)[0]))
                archive.writestr(UnsaidUtf8(f"__MACOSX/set/{name}/._1.png"), b"\0\5\x16\7")
        assert read(uploaded("set.zip", content.getvalue())).classes == ("é", "猫", family)

    def test_damaged_encrypted_and_empty_archives(self):
        good = zip_file({"a/1.png": png(images_of(1)[0])}).read()
        assert "is not a zip" in refusal(uploaded("a.zip", b"PK"))
        start = good.index(b"\x89PNG") if b"\x89PNG" in good else 60
        damaged = good[:start] + bytes(20) + good[start + 20 :]
        assert refusal(uploaded("a.zip", damaged)) == "a/1.png is damaged in the zip; make the zip again."
        unknown = good.replace(b"\x08\x00", b"\x63\x00")  # an unknown method of compression
        assert refusal(uploaded("a.zip", unknown)) == "a/1.png is damaged in the zip; make the zip again."
        cut = good[: good.index(b"PK\x01\x02") - 30] + good[good.index(b"PK\x01\x02") :]
        assert refusal(uploaded("a.zip", cut)) == "a/1.png is damaged in the zip; make the zip again."
        flagged = good.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
        assert "without a password" in refusal(uploaded("a.zip", flagged))
        assert "no files in it" in refusal(zip_file({"__MACOSX/a/1.png": b"", ".DS_Store": b""}))
        assert "can't be read" in refusal(uploaded("a.pdf", b"%PDF"))
        assert "several files, a.csv, b.csv" in refusal(zip_file({"a.csv": b"", "b.csv": b""}))
        assert "damaged .gz" in refusal(uploaded("a.csv.gz", b"\x1f\x8b"))
