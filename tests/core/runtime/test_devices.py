import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.runtime.devices import (
    choose_device,
    choose_precision,
    number_for_new_threads,
    usable_cores,
    use_one_thread,
)

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """A machine with these devices beside its CPU."""

    def has(*devices: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in devices)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in devices)

    return has


@pytest.fixture
def processor(monkeypatch):
    """A CPU with these capabilities."""
    return lambda **found: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)


@pytest.mark.parametrize(
    ("devices", "chosen"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")]
)
def test_the_fastest_kind_of_device_is_chosen(devices, chosen, machine):
    machine(*devices)
    assert choose_device().type == chosen
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps", "gpu", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name, machine):
    machine()
    with pytest.raises(InputError, match=f"no device '{name}' here; choose auto or one of cpu\\."):
        choose_device(name)


def test_a_device_that_is_there_can_be_asked_for(machine):
    machine("mps")
    assert choose_device("mps").type == "mps"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_the_precision_asked_for_is_used(precision, architecture, processor):
    processor(amx_bf16=precision == "float32")
    config = TrainConfig(architecture=architecture, precision=precision)
    assert choose_precision(config.precision, build_model(config).convolutional, CPU) == precision


@pytest.mark.parametrize(
    ("architecture", "capabilities", "expected"),
    [
        ("mlp", {"amx_bf16": True}, "float32"),
        ("cnn", {"amx_bf16": True}, "bfloat16"),
        ("cnn", {"avx512_bf16": True, "cpu_name": "AMD EPYC"}, "bfloat16"),
        ("cnn", {"avx512_bf16": True, "cpu_name": "Intel(R) Xeon(R)"}, "float32"),
        ("cnn", {"avx512_bf16": False, "cpu_name": "AMD Ryzen"}, "float32"),
        ("cnn", {}, "float32"),
    ],
)
def test_bfloat16_is_used_where_it_helps(architecture, capabilities, expected, processor):
    processor(**capabilities)
    config = TrainConfig(architecture=architecture)
    assert choose_precision(config.precision, build_model(config).convolutional, CPU) == expected


def test_an_older_torch_that_cannot_tell_what_the_processor_has_gets_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    config = TrainConfig(architecture="cnn")
    assert choose_precision(config.precision, build_model(config).convolutional, CPU) == "float32"


def test_the_usable_cores_are_those_this_process_may_run_on(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_one_thread_is_used_by_its_caller_only():
    def number_here() -> int:
        use_one_thread()
        return torch.get_num_threads()

    torch.set_num_threads(2)
    with ThreadPoolExecutor(1) as caller:
        assert caller.submit(number_here).result() == 1
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 2


def test_many_that_use_one_thread_at_once_leave_the_number_for_new_threads():
    torch.set_num_threads(2)
    ready = threading.Barrier(8)

    def number_here(_: int) -> int:
        ready.wait()
        use_one_thread()
        return torch.get_num_threads()

    for _ in range(10):
        with ThreadPoolExecutor(8) as callers:
            assert set(callers.map(number_here, range(8))) == {1}
        assert number_for_new_threads() == 2
