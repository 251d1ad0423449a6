"""Downloads that are stopped, wait for one another, or lose their parent."""

import subprocess
import sys

import psutil
import pytest

from mnist_core.data.download import PROJECT, download_mnist
from tests.core.data.download.mirror import HANGS, children, left_in


def test_closing_the_iterator_ends_the_download_and_leaves_nothing(stub_torchvision, own_cache, tmp_path):
    stub_torchvision("import os\nos._exit = print" + HANGS)  # one that wouldn't end by itself
    download = download_mnist(tmp_path / "here")
    while next(download) == 0:
        pass
    assert len(children()) == 1
    assert len(left_in(tmp_path / "here")) == 1
    download.close()
    assert children() == []
    assert left_in(tmp_path / "here") == []


def test_a_second_download_waits_for_the_first(stub_torchvision, own_cache, tmp_path):
    stub_torchvision(HANGS)
    first, second = download_mnist(tmp_path), download_mnist(tmp_path)
    while next(first) == 0:
        pass
    assert [next(second), next(second)] == [0.0, 0.0]
    assert len(children()) == 1
    first.close()
    while next(second) == 0:
        pass
    second.close()


def test_after_a_killed_parent_the_child_ends_and_its_leftovers_are_removed(
    stub_torchvision, own_cache, tmp_path
):
    stub_torchvision(HANGS)
    code = (
        "import sys; from mnist_core.data.download import download_mnist\n"
        "for fraction in download_mnist(sys.argv[1]): print(fraction, flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "there")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        while float(parent.stdout.readline()) == 0:
            pass
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert alive == []
    (leftover,) = left_in(tmp_path / "there")
    download = download_mnist(tmp_path / "there")
    next(download)
    assert leftover not in left_in(tmp_path / "there")
    download.close()
    assert left_in(tmp_path / "there") == []


@pytest.mark.slow
def test_killed_downloads_end_with_whole_files_at_the_next_start():
    command = [sys.executable, "-m", "tests.kill_downloads", "--times", "4", "--seed", "5"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "all ended with whole files" in ended.stdout
