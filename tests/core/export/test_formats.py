import io
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from mnist_core.choices import ACTIVATIONS, ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset
from mnist_core.evaluation.robustness import DISTURBANCES, MeasurementKey, Robustness, save_robustness
from mnist_core.export.formats import EXPORT_FORMATS, export, file_name, problem
from mnist_core.export.import_weights import import_weights, read_config
from mnist_core.export.onnx import to_onnx
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.names import slug
from mnist_core.runs.run import Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.core.stored_runs import save_weights_file

CONFIG = TrainConfig(
    recipe="quick", widths=(6,), train_size=200, epochs=1, validation_size=50, batch_norm=True
)

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{beginning}:DeprecationWarning")
    for beginning in ("You are using the legacy", "The feature will be removed")
]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def run(store: RunStore, sample: Dataset) -> Run:
    writer = store.create(CONFIG)
    list(train_run(writer, replace(sample, source="mnist"), torch.device("cpu")))
    trained = store.get(writer.id)
    accuracies = {name: (0.5,) * len(trial.strengths) for name, trial in DISTURBANCES.items()}
    measured = MeasurementKey(trained.checkpoints[-1].stem, "mnist", "test", 200, 0)
    save_robustness(trained.folder, measured, Robustness(200, 0, 0.5, accuracies))
    return trained


@pytest.fixture
def never_begun(tmp_path) -> Run:
    store = RunStore(tmp_path / "empty")
    store.create(CONFIG).close()
    return store.get("last")


# taking away


def test_each_export_has_the_content_of_its_format(run):
    config = json.loads(export(run, "config"))
    assert TrainConfig.from_json(config) == CONFIG
    assert export(run, "metrics").startswith(b"epoch,step,train_loss")
    assert export(run, "robustness").startswith(b"weights,data,split,trial,unit,strength,accuracy")
    assert export(run, "script").startswith(b'"""Quick, changed: a network')
    assert load(export(run, "weights")).keys() == run.load_model().state_dict().keys()


def test_the_bundle_holds_all_the_others(run):
    with zipfile.ZipFile(io.BytesIO(export(run, "bundle"))) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    assert list(files) == [file_name(run, kind) for kind in EXPORT_FORMATS if kind != "bundle"]
    for kind in ("script", "metrics", "robustness"):
        assert files[file_name(run, kind)] == export(run, kind)


def test_the_bundle_of_a_run_without_weights_holds_what_there_is(never_begun):
    with zipfile.ZipFile(io.BytesIO(export(never_begun, "bundle"))) as bundle:
        assert [name.rpartition(".")[2] for name in bundle.namelist()] == ["py", "json"]


@pytest.mark.parametrize("kind", ["weights", "onnx", "metrics"])
def test_what_a_run_does_not_have_is_said(never_begun, kind):
    with pytest.raises(InputError, match="This run has no"):
        export(never_begun, kind)
    assert problem(never_begun, kind)
    assert problem(never_begun, "config") is None


def test_robustness_that_was_not_measured_is_said(never_begun):
    with pytest.raises(InputError, match="not measured yet: use Evaluate"):
        export(never_begun, "robustness")


def test_a_files_name_gives_no_more_than_the_beginning_of_the_runs_id(run):
    assert file_name(run, "onnx") == f"digit-lab-{slug(run.config)}-{run.id[:8]}.onnx"
    assert slug(run.config).startswith("quick-mlp-1x6")


# ONNX


def onnx_answers(content: bytes, images: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["logits", "probabilities"], {"images": images})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_onnx_answers_as_the_model_does(architecture, sample):
    channels = (4, 6)
    settings = {"architecture": architecture, "widths": (8,), "channels": channels, "batch_norm": True}
    model = build_model(TrainConfig(**settings, dropout=0.5, input_scaling="symmetric"))
    logits, probabilities = onnx_answers(to_onnx(model), sample.test.images[:7])
    expected = predict_logits(model, torch.from_numpy(sample.test.images[:7]))
    assert logits == pytest.approx(expected.numpy(), abs=1e-4)
    assert probabilities == pytest.approx(expected.softmax(1).numpy(), abs=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_knows_every_activation(activation, sample):
    model = build_model(TrainConfig(architecture="cnn", channels=(3,), widths=(4,), activation=activation))
    logits, _ = onnx_answers(to_onnx(model), sample.test.images[:2])
    expected = predict_logits(model, torch.from_numpy(sample.test.images[:2]))
    assert logits == pytest.approx(expected.numpy(), abs=1e-4)


def test_onnx_draws_none_of_the_random_numbers_that_trainings_draw(run):
    before = torch.get_rng_state()
    export(run, "onnx")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_missing_onnx_package_gets_a_sentence(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match="can't be exported as ONNX"):
        export(run, "onnx")


# bringing back


def test_a_config_comes_back(run, tmp_path):
    file = tmp_path / "settings.json"
    file.write_bytes(export(run, "config"))
    assert read_config(file) == CONFIG


def test_a_run_keeps_its_settings_once_and_exports_them_with_its_weights(run):
    """In config.json alone; the exported file has them in its header, in the format of version 0.1."""
    for file in run.weight_files:
        with safe_open(file, "pt") as opened:
            assert set(opened.metadata()) == {"format", "epoch"}
    content = export(run, "weights")
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    assert header["format"] == "digit-lab 1"
    assert TrainConfig.from_json(json.loads(header["config"])) == run.config
    assert float(header["epoch"]) == run.results["epochs"]
    for name, tensor in run.load_model().state_dict().items():
        assert torch.equal(load(content)[name], tensor), name


def test_a_checkpoint_taken_from_a_runs_folder_is_refused_with_advice(run, tmp_path):
    said = refused(tmp_path, run.checkpoints[-1].read_bytes())
    assert said.endswith("has no settings in its header; export the weights of its run instead.")


def test_weights_come_back_as_a_finished_run_named_after_their_file(run, store, tmp_path, sample):
    file = tmp_path / "Anna's best.safetensors"
    file.write_bytes(export(run, "weights"))
    imported = import_weights(store, file, owner="anna")
    assert (imported.status, imported.config, imported.id != run.id) == ("finished", CONFIG, True)
    assert (imported.metadata.name, imported.metadata.owner) == ("Anna's best", "anna")
    assert imported.results["parameters"] == run.results["parameters"]
    images = torch.from_numpy(sample.test.images[:20])
    assert torch.equal(
        predict_logits(imported.load_model(), images), predict_logits(run.load_model(), images)
    )
    assert export(imported, "script")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 50_000, b'{"epochs": 0}', b'{"lr": 1}']
)
def test_a_config_that_cant_be_used_gets_a_sentence(tmp_path, content):
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    with pytest.raises(InputError):
        read_config(file)


def weights(tensors: dict[str, torch.Tensor] | None = None, **header: str) -> bytes:
    """A file like ours, but for what is given."""
    ours = {"format": "digit-lab 1", "config": json.dumps(CONFIG.to_json()), "epoch": "1.0"}
    return save(build_model(CONFIG).state_dict() if tensors is None else tensors, {**ours, **header})


def huge() -> str:
    return json.dumps({**CONFIG.to_json(), "widths": [4096] * 8})


def refused(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "other.safetensors"
    file.write_bytes(content)
    store = RunStore(tmp_path / "runs")
    with pytest.raises(InputError) as error:
        import_weights(store, file)
    assert store.list() == []
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip",
        save({"a": torch.zeros(2)}),
        weights(format="digit-lab 99"),
        weights(config="[]"),
        weights(config='{"epochs": 0}'),
        weights(config="[" * 50_000),
        weights(epoch="nan"),
        weights(epoch="soon"),
        weights()[:-10],
    ],
)
def test_files_that_are_not_ours_are_refused(tmp_path, content):
    assert "not weights saved by Digit Lab" in refused(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        weights({}),
        weights({**build_model(CONFIG).state_dict(), "more": torch.zeros(2)}),
        weights({name: tensor.double() for name, tensor in build_model(CONFIG).state_dict().items()}),
        weights(config=huge()),
    ],
)
def test_weights_that_dont_fit_their_settings_are_refused_before_they_are_loaded(
    tmp_path, content, monkeypatch
):
    monkeypatch.setattr("mnist_core.export.import_weights.load_checkpoint", None)
    assert "don't fit the network it names" in refused(tmp_path, content)


def test_a_file_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_WEIGHTS_MB_LIMIT", "1")
    content = bytes(1_000_001)
    assert "has 1,000,001 bytes; the limit is 1,000,000" in refused(tmp_path, content)


def test_weights_of_a_network_larger_than_a_visitor_may_have_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist_core.export.import_weights.load_checkpoint", None)
    (tmp_path / "a.safetensors").write_bytes(weights())
    with pytest.raises(InputError, match=r"This network has .* parameters, and this server allows 1,000"):
        import_weights(RunStore(tmp_path), tmp_path / "a.safetensors", limits=TrainingLimits(parameters=1000))


def test_a_missing_file_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        import_weights(RunStore(tmp_path), tmp_path / "nothing")


def test_a_checkpoint_of_ours_is_accepted_whatever_its_network(tmp_path):
    for architecture in ARCHITECTURES:
        config = TrainConfig(architecture=architecture, channels=(2, 3), widths=(4,), batch_norm=True)
        save_weights_file(tmp_path / "a.safetensors", build_model(config), config, 0.5)
        assert import_weights(RunStore(tmp_path / "runs"), tmp_path / "a.safetensors").config == config
