from mnist_core.data.mnist import load_dataset, open_mnist
from tests.core.data.download.mirror import IMAGES, LIGHT, children, download_patiently, left_in


def test_downloads_what_the_mirror_has(stub_torchvision, mirror, tiny_files, tmp_path, monkeypatch):
    stub_torchvision(LIGHT)
    monkeypatch.chdir(tmp_path)
    fractions = list(download_patiently("here", mirror.url))
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    for name, content in tiny_files.items():
        assert (tmp_path / "here" / "MNIST" / "raw" / name).read_bytes() == content
    assert left_in(tmp_path / "here") == ["MNIST"]
    assert children() == []


def test_a_real_torchvision_downloads_mnist(own_sets_of_torchvision, mirror, tiny_files, tmp_path):
    list(download_patiently(tmp_path / "here", mirror.url + "/"))
    for name, content in tiny_files.items():
        assert (tmp_path / "here" / "MNIST" / "raw" / name).read_bytes() == content
    assert len(open_mnist(tmp_path / "here").train) == 600


def test_a_damaged_copy_in_the_cache_is_replaced(
    stub_torchvision, mirror, tiny_files, own_cache, monkeypatch
):
    stub_torchvision(LIGHT)
    monkeypatch.setenv("DIGITLAB_MIRROR", mirror.url)
    raw = own_cache / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in tiny_files.items():
        (raw / name).write_bytes(content[:-1] if name == IMAGES else content)
    fractions: list[float] = []
    dataset = load_dataset(progress=fractions.append)
    assert (dataset.source, dataset.path, dataset.notice) == ("mnist", own_cache, None)
    assert (raw / IMAGES).read_bytes() == tiny_files[IMAGES]
    assert fractions[-1] == 1.0


def test_what_is_already_there_is_not_downloaded_again(tiny_mnist):
    assert list(download_patiently(tiny_mnist, "http://127.0.0.1:9/")) == [1.0]
