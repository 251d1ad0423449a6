"""Every data set beside MNIST: fetched from a local server, checked and opened, or refused in a sentence."""

import bz2
import gzip
import io
import json
import zipfile
from contextlib import closing

import numpy as np
import pytest

from mnist_core.data.datasets import (
    check_classes,
    fetch_dataset,
    has_dataset,
    open_set,
    transfer_text,
    unpacked_folder,
    write_set,
)
from mnist_core.data.download import DownloadError
from mnist_core.data.mnist import Dataset
from mnist_core.data.published_files import PUBLISHED, missing_archives, read_idx, read_published
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.messages import InputError
from tests.core.data.download.mirror import Mirror, left_in
from tests.made_sets import (
    TEST,
    TRAIN,
    idx,
    made_archives,
    pass_for_published,
    pictures,
    unpack_made_set,
    write_archives,
)

OTHERS = [key for key in DATASETS if key != MNIST]
DOWNLOADS = """
import hashlib, pathlib, urllib.request
class utils:
    def download_url(url, root, filename, md5):
        pathlib.Path(root).mkdir(parents=True, exist_ok=True)
        content = urllib.request.urlopen(url).read()
        if hashlib.md5(content).hexdigest() != md5:
            raise RuntimeError("File not found or corrupted.")
        pathlib.Path(root, filename).write_bytes(content)
"""


def fetched(key: str, directory=None) -> tuple[Dataset, list[float]]:
    steps, fractions = fetch_dataset(key, directory), []
    while True:
        try:
            fractions.append(next(steps)[0])
        except StopIteration as end:
            return end.value, fractions


def refusal(key: str, directory=None) -> str:
    with pytest.raises(InputError) as caught:
        fetched(key, directory)
    return str(caught.value)


@pytest.fixture
def served(own_cache, monkeypatch):
    """A local server that has no files yet, in place of every publisher's."""
    with closing(Mirror({})) as mirror:
        monkeypatch.setenv("DIGITLAB_MIRROR", mirror.url)
        yield mirror


@pytest.mark.parametrize("key", OTHERS)
def test_a_set_is_fetched_checked_and_opened(key, served, stub_torchvision, own_cache, monkeypatch):
    stub_torchvision(DOWNLOADS)
    served.files = made_archives(key)
    pass_for_published(monkeypatch, key, served.files)
    assert not has_dataset(key)
    data, fractions = fetched(key)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    classes = len(DATASETS[key].classes)
    assert (data.key, data.source, data.train.classes) == (key, key, classes)
    assert has_dataset(key)
    requests = sum(served.requests.values())
    again, fractions = fetched(key)  # unpacked already
    assert fractions == []
    assert np.array_equal(again.train.images, data.train.images)
    assert sum(served.requests.values()) == requests
    expected = pictures(TRAIN, classes)
    assert np.array_equal(data.train.labels, expected[1])
    if key != "usps":  # it is enlarged
        assert np.array_equal(data.train.images, expected[0])


def test_a_real_torchvision_downloads_a_set(served, own_sets_of_torchvision, own_cache, monkeypatch):
    served.files = made_archives("kmnist")
    pass_for_published(monkeypatch, "kmnist", served.files)
    data, fractions = fetched("kmnist")
    assert (len(data.train), len(data.test), fractions[-1]) == (TRAIN, TEST, 1.0)
    assert left_in(own_cache) == [".kmnist-download-lock", "KMNIST", "checked-files.json", "datasets"]


@pytest.mark.parametrize("key", ["emnist-letters", "emnist-digits", "emnist-balanced"])
def test_emnist_is_upright_and_its_labels_begin_at_0(key, tmp_path, monkeypatch):
    classes = len(DATASETS[key].classes)
    folder = write_archives(tmp_path, made_archives(key))
    images, labels = read_published(key, folder, "test")
    assert np.array_equal(images[0] & 240, (pictures(TEST, classes, 1)[0][0]) & 240)
    assert images[:, 21:24, 9:18].mean() > 200  # the foot of the L lies at the bottom
    assert images[:, 9:18, 21:24].mean() < 100
    assert (labels.min(), labels.max()) == (0, min(classes, TEST) - 1)


def test_usps_is_enlarged_and_stays_upright(tmp_path):
    folder = write_archives(tmp_path, made_archives("usps"))
    images, labels = read_published("usps", folder, "train")
    assert images.shape == (TRAIN, 28, 28)
    assert not images[:, :4].any()
    assert not images[:, :, -4:].any()
    assert images[:, 12, 7].min() > 200  # the upright of the L
    assert images[:, 22, 20].max() < 40  # its foot is cut off at 16 x 16
    assert np.array_equal(labels, pictures(TRAIN, 10)[1])


def test_qmnists_further_test_images_are_a_second_test_split(tmp_path, monkeypatch):
    archives = made_archives("qmnist")
    pass_for_published(monkeypatch, "qmnist", archives)
    write_archives(tmp_path / "QMNIST" / "raw", archives)
    data, _ = fetched("qmnist", tmp_path)
    assert (len(data.test), len(data.further)) == (TEST // 4, TEST - TEST // 4)
    both = np.concatenate([data.test.images, data.further.images])
    assert np.array_equal(both, pictures(TEST, 10, 1)[0])
    assert data.further.reference(3).text == "further-3"


@pytest.mark.parametrize("key", ["fashion-mnist", "usps", "emnist-letters"])
def test_a_corrupted_download_is_refused_and_deleted(key, served, stub_torchvision, own_cache, monkeypatch):
    stub_torchvision(DOWNLOADS)
    archives = made_archives(key)
    pass_for_published(monkeypatch, key, archives)
    served.files = {name: content[:-3] + b"bad" for name, content in archives.items()}
    assert refusal(key).startswith(f"The download of {DATASETS[key].label} was incomplete or corrupted")
    assert left_in(own_cache) == [f".{PUBLISHED[key].folder.parts[0].lower()}-download-lock"]


def test_no_network_says_so(own_cache, stub_torchvision):
    stub_torchvision(DOWNLOADS)
    assert "Fashion-MNIST could not be downloaded into" in refusal("fashion-mnist")


def test_a_server_without_network_says_which_files_to_put_where(own_cache, monkeypatch):
    monkeypatch.setenv("DIGITLAB_OFFLINE", "1")
    sentence = refusal("usps")
    assert sentence.startswith("USPS is not on this server, which downloads nothing: put its files into")
    assert sentence.endswith("usps.bz2, usps.t.bz2.")


def test_closing_it_stops_a_download(served, stub_torchvision, own_cache, monkeypatch):
    stub_torchvision(f"{DOWNLOADS}        __import__('time').sleep(99)\n")
    served.files = made_archives("kmnist")
    pass_for_published(monkeypatch, "kmnist", served.files)
    steps = fetch_dataset("kmnist")
    next(steps)
    steps.close()
    assert left_in(own_cache) == [".kmnist-download-lock"]


def test_files_of_a_given_folder_are_used_and_must_be_whole(tmp_path, own_cache, monkeypatch):
    archives = made_archives("fashion-mnist")
    pass_for_published(monkeypatch, "fashion-mnist", archives)
    folder = write_archives(tmp_path / "FashionMNIST" / "raw", archives)
    assert has_dataset("fashion-mnist", tmp_path)
    name = "t10k-labels-idx1-ubyte.gz"
    (folder / name).write_bytes(b"other")
    assert f"{folder / name} is damaged or not Fashion-MNIST's" in refusal("fashion-mnist", tmp_path)
    (folder / name).write_bytes(archives[name])
    data, _ = fetched("fashion-mnist", tmp_path)
    assert data.path == unpacked_folder(tmp_path, "fashion-mnist")


@pytest.mark.parametrize("change", ["flip", "cut", "facts"])
def test_a_damaged_unpacked_set_is_made_again(change, tmp_path, own_cache, monkeypatch):
    archives = made_archives("kmnist")
    pass_for_published(monkeypatch, "kmnist", archives)
    write_archives(tmp_path / "KMNIST" / "raw", archives)
    data, _ = fetched("kmnist", tmp_path)
    expected = data.train.images.copy()
    del data
    folder = unpacked_folder(tmp_path, "kmnist")
    file = folder / "train-images-idx3-ubyte"
    content = file.read_bytes()
    if change == "facts":
        (folder / "set.json").write_text("{}")
    else:
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if change == "flip" else content[:-1])
    assert open_set(folder, "kmnist") is None
    again, _ = fetched("kmnist", tmp_path)
    assert np.array_equal(again.train.images, expected)


def test_a_folder_that_cant_be_written_leaves_the_cache(tmp_path, own_cache, monkeypatch):
    archives = made_archives("kmnist")
    pass_for_published(monkeypatch, "kmnist", archives)
    write_archives(tmp_path / "given" / "KMNIST" / "raw", archives)
    (tmp_path / "given" / "datasets").write_text("a file is in the way")
    data, _ = fetched("kmnist", tmp_path / "given")
    assert data.path == unpacked_folder(own_cache, "kmnist")


IMAGES, LABELS = pictures(TRAIN, 10)
BAD_FILES = {
    "no idx": ("train-images-idx3-ubyte.gz", gzip.compress(b"no images")),
    "not gzipped": ("train-images-idx3-ubyte.gz", idx(IMAGES)),
    "truncated": ("train-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES)[:-5])),
    "cut gzip": ("train-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES))[:-50]),
    "too small": ("train-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES[:, :27, :27].copy()))),
    "too few": ("train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS[:-1]))),
    "other classes": ("train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS + np.uint8(1)))),
    "no label": ("train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS[:0]))),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_with_the_right_checksum_and_wrong_content_are_refused(name, tmp_path, own_cache, monkeypatch):
    file, content = BAD_FILES[name]
    archives = {**made_archives("kmnist"), file: content}
    pass_for_published(monkeypatch, "kmnist", archives)
    write_archives(tmp_path / "KMNIST" / "raw", archives)
    sentence = refusal("kmnist", tmp_path)
    assert sentence.startswith(f"The files in {tmp_path / 'KMNIST' / 'raw'} can't be read as KMNIST (")
    assert not unpacked_folder(tmp_path, "kmnist").exists()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize(
    ("key", "archives"),
    [
        ("emnist-letters", {"gzip.zip": b"no zip"}),
        ("emnist-letters", {"gzip.zip": zipped({"gzip/emnist-digits-train-images-idx3-ubyte.gz": b""})}),
        ("usps", {"usps.bz2": b"no bz2", "usps.t.bz2": b""}),
        ("usps", {"usps.bz2": bz2.compress(b"1 1:words"), "usps.t.bz2": b""}),
        ("usps", {"usps.bz2": bz2.compress(b"1 300:0.5"), "usps.t.bz2": b""}),
        (
            "qmnist",
            {**made_archives("qmnist"), "qmnist-train-labels-idx2-int.gz": gzip.compress(idx(LABELS))},
        ),
    ],
)
def test_other_formats_are_refused_too(key, archives, tmp_path):
    folder = write_archives(tmp_path, archives)
    with pytest.raises(InputError, match="can't be read as"):
        read_published(key, folder, "train")


def test_idx_files_of_all_types_are_read():
    values = np.arange(-3, 3, dtype=np.int32).reshape(2, 3)
    assert np.array_equal(read_idx(idx(values)), values)
    with pytest.raises(ValueError, match="5 values instead of 2 x 3"):
        read_idx(idx(values)[:-4])


def test_addresses_and_checksums_are_torchvisions():
    from torchvision import datasets as torchvision_datasets  # only here: 2 s in each test process otherwise

    for name in ("KMNIST", "FashionMNIST"):
        theirs = getattr(torchvision_datasets, name)
        expected = [(theirs.mirrors[0] + file, md5) for file, md5 in theirs.resources]
        assert addresses("kmnist" if name == "KMNIST" else "fashion-mnist") == expected
    qmnist = torchvision_datasets.QMNIST.resources
    assert addresses("qmnist") == [*qmnist["train"], *qmnist["test"]]
    usps = torchvision_datasets.USPS.split_list
    assert addresses("usps") == [(usps[part][0], usps[part][2]) for part in ("train", "test")]
    emnist = torchvision_datasets.EMNIST
    for key in ("emnist-digits", "emnist-letters", "emnist-balanced"):
        assert addresses(key) == [(emnist.url, emnist.md5)]
        theirs = emnist.classes_split_dict[key.partition("-")[2]]
        ours = DATASETS[key].classes
        assert [name.lower() for name in ours] == [name.lower() for name in theirs if name != "N/A"]


def addresses(key: str) -> list[tuple[str, str]]:
    return [(archive.url, archive.md5) for archive in PUBLISHED[key].archives]


def test_every_set_but_mnist_has_its_files_and_2_to_62_classes():
    assert set(PUBLISHED) == set(DATASETS) - {MNIST}
    for info in DATASETS.values():
        assert 2 <= len(info.classes) <= 62
        assert len(set(info.classes)) == len(info.classes)


def test_a_set_is_written_whole_or_not_at_all(tmp_path):
    folder = unpacked_folder(tmp_path, "kmnist")
    for _file in write_set(folder, {"train": pictures(20, 10), "test": pictures(20, 10)}):
        assert not folder.exists()
    assert folder.is_dir()
    facts = json.loads((folder / "set.json").read_text())
    assert facts["files"]["train-images-idx3-ubyte"]["shape"] == [20, 28, 28]
    assert [path.name for path in folder.parent.iterdir()] == ["kmnist"]


def test_a_network_can_be_tried_on_sets_of_the_same_classes():
    check_classes("mnist", "usps")
    assert str(transfer_text("mnist", "usps")).startswith("This network learned MNIST and is tried on USPS")
    assert transfer_text("usps", "usps") is None
    with pytest.raises(InputError, match="has other classes than KMNIST"):
        check_classes("mnist", "kmnist")


def test_missing_archives_are_named(tmp_path):
    (tmp_path / "usps.bz2").touch()
    assert missing_archives("usps", tmp_path) == ["usps.t.bz2"]


def test_unpacked_sets_open_without_their_archives(tmp_path, own_cache, monkeypatch):
    unpack_made_set(tmp_path, "emnist-letters", 52, 26)
    monkeypatch.setenv("DIGITLAB_OFFLINE", "1")
    data, _ = fetched("emnist-letters", tmp_path)
    assert (len(data.train), len(data.test), data.train.classes) == (52, 26, 26)


def test_a_download_error_is_an_input_error():
    assert issubclass(DownloadError, InputError)
