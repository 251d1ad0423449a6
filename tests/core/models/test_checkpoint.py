import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import mnist_core
from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.checkpoint import FORMAT, load_checkpoint, save_checkpoint, standalone_checkpoint
from mnist_core.models.inference import predict_logits
from mnist_core.recipes import RECIPES
from mnist_core.runtime.files import write_whole
from mnist_core.training.trainer import fit
from tests.core.stored_runs import save_weights_file

SMALL = TrainConfig(widths=(8,), channels=(2, 3), monitor="test", epochs=1)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, architecture="cnn", batch_norm=True, dropout=0.2),
        replace(SMALL, architecture="resnet", activation="prelu", batch_norm=True),
        replace(SMALL, activation="maxout", loss="nll"),
    ],
)
def test_a_model_comes_back_to_the_bit_with_its_settings(config, path, batch):
    model = build_model(config)
    list(fit(model, config, batch, batch))  # so that batch norm's running means are no longer zero
    save_weights_file(path, model, config, 1.25)
    checkpoint = load_checkpoint(path)
    assert (checkpoint.config, checkpoint.epoch) == (config, 1.25)
    assert not checkpoint.model.training
    assert checkpoint.model.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(checkpoint.model.state_dict()[name], tensor), name
    images = torch.from_numpy(batch.images)
    assert torch.equal(
        predict_logits(checkpoint.model, images), predict_logits(build_as(model, config), images)
    )


def build_as(model, config):
    """The same weights in a freshly built network, whose memory layout is torch's usual one."""
    fresh = build_model(config)
    fresh.load_state_dict(model.state_dict())
    return fresh


@pytest.mark.parametrize("name", ["quick", "best", "tutorial-4b"])
def test_a_recipes_model_is_kept_in_about_four_bytes_a_parameter(name, path):
    model = build_model(RECIPES[name].config)
    save_weights_file(path, model, RECIPES[name].config, 0)
    assert path.stat().st_size < sum(tensor.nbytes for tensor in model.state_dict().values()) + 10_000
    assert load_checkpoint(path).config == RECIPES[name].config


def test_a_runs_checkpoint_is_opened_with_the_runs_settings(path):
    model = build_model(SMALL)
    save_checkpoint(path, model, 2)
    checkpoint = load_checkpoint(path, SMALL)
    assert (checkpoint.config, checkpoint.epoch) == (SMALL, 2)
    assert all(torch.equal(checkpoint.model.state_dict()[name], value) for name, value in weights().items())
    with pytest.raises(InputError, match="is damaged or not a checkpoint"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="is damaged or not a checkpoint"):
        load_checkpoint(path, replace(SMALL, widths=(9,)))


def test_a_checkpoint_of_0_1_leaves_its_run_as_it_is(path):
    save_file(weights(), path, header())
    assert standalone_checkpoint(path, replace(SMALL, epochs=99)) == path.read_bytes()
    assert load_checkpoint(path, SMALL).epoch == 1


def test_a_damaged_checkpoint_does_not_leave_its_run(path):
    with pytest.raises(InputError, match="There is no checkpoint at"):
        standalone_checkpoint(path, SMALL)
    for content in (b"", b"weights", b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{}"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="is damaged or not a checkpoint"):
            standalone_checkpoint(path, SMALL)


def test_saving_again_replaces_the_file(path):
    for epoch in (1, 2):
        save_weights_file(path, build_model(SMALL), SMALL, epoch)
    assert load_checkpoint(path).epoch == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# Files that are no checkpoint


def header(**changes: str) -> dict[str, str]:
    return {"format": FORMAT, "config": json.dumps(SMALL.to_json()), "epoch": "1.0", **changes}


def weights() -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in build_model(SMALL).state_dict().items()}


def foreign_safetensors(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def another_programs_header(path: Path) -> None:
    save_file(weights(), path, {"format": "pt"})


def truncated(path: Path) -> None:
    save_weights_file(path, build_model(SMALL), SMALL, 1)
    path.write_bytes(path.read_bytes()[:-5])


def truncated_in_its_header(path: Path) -> None:
    save_weights_file(path, build_model(SMALL), SMALL, 1)
    path.write_bytes(path.read_bytes()[:50])


def pickled_by_torch(path: Path) -> None:
    torch.save(build_model(SMALL).state_dict(), path)


def another_networks_weights(path: Path) -> None:
    save_file(weights(), path, header(config=json.dumps(replace(SMALL, widths=(9,)).to_json())))


def a_missing_weight(path: Path) -> None:
    some = weights()
    some.popitem()
    save_file(some, path, header())


def settings(text: str):
    return lambda path: save_file(weights(), path, header(config=text))


DAMAGES = {
    "empty": lambda path: path.touch(),
    "random bytes": lambda path: path.write_bytes(torch.randint(0, 256, (5000,)).byte().numpy().tobytes()),
    "text": lambda path: path.write_text("weights"),
    "a directory": lambda path: path.mkdir(),
    "truncated": truncated,
    "truncated in its header": truncated_in_its_header,
    "a pickle": lambda path: path.write_bytes(pickle.dumps({"weight": [1, 2]})),
    "a pickle of torch": pickled_by_torch,
    "foreign": foreign_safetensors,
    "another program's": another_programs_header,
    "of another format": lambda path: save_file(weights(), path, header(format="digit-lab 2")),
    "another network's": another_networks_weights,
    "a missing weight": a_missing_weight,
    "settings that aren't JSON": settings("{"),
    "settings that aren't an object": settings("[]"),
    "settings of the wrong type": settings('{"epochs": "many"}'),
    "unknown settings": settings('{"colour": 1}'),
    "an epoch that is no number": lambda path: save_file(weights(), path, header(epoch="first")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_file_that_is_no_checkpoint_is_refused_in_a_sentence(damage, path):
    damage(path)
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    assert str(caught.value).endswith(".")
    if damage not in (DAMAGES["settings of the wrong type"], DAMAGES["unknown settings"]):
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("damage", ["foreign", "another program's", "of another format"])
def test_weights_of_other_programs_are_called_that(damage, path):
    DAMAGES[damage](path)
    with pytest.raises(InputError, match="was not written by Digit Lab; choose another file"):
        load_checkpoint(path)


def test_a_pickle_is_never_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError):
        load_checkpoint(path)
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_is_named(path):
    with pytest.raises(InputError, match=f"There is no checkpoint at {path}"):
        load_checkpoint(path)


def test_the_core_knows_no_pickle():
    for module in Path(mnist_core.__file__).parent.rglob("*.py"):
        if module.parent.name == "cluster":
            continue  # Dask's messages are pickles: SECURITY.md
        text = module.read_text().replace("never pickle", "").replace("allow_pickle=False", "")
        for word in ("pickle", "torch.load", "torch.save", "joblib", "marshal", "eval("):
            assert word not in text.replace(".eval(", ""), f"{module.name}: {word}"


# Writing


def test_a_write_that_breaks_off_leaves_the_old_file(path, monkeypatch):
    write_whole(path, b"old")
    monkeypatch.setattr("mnist_core.runtime.files.os.fsync", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
