"""The images of a training, and their order."""

from dataclasses import replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, split_images
from mnist_core.models.architectures import build_model
from mnist_core.training.batches import LARGE_BATCH, SMALL_PIECE, Batches
from mnist_core.training.gradients import PIECE
from mnist_core.training.trainer import fit
from tests.core.trainings import CONFIG, numbered


def watch(model) -> tuple[list[int], list[int]]:
    """Numbers of the images the model will see in training and in evaluation, as they come."""
    seen: tuple[list[int], list[int]] = ([], [])

    def note(scaling, inputs, output) -> None:
        pixels = inputs[0].long()
        seen[0 if scaling.training else 1].extend((pixels[:, 0, 0] * 256 + pixels[:, 0, 1]).tolist())

    model.scaling.register_forward_hook(note)
    return seen


@pytest.mark.parametrize("batch_size", [32, 100, 5_000])
def test_unshuffled_images_come_in_their_own_order(batch_size):
    config = replace(CONFIG, shuffle=False, batch_size=batch_size)
    model = build_model(config)
    trained_on, _ = watch(model)
    list(fit(model, config, numbered(250), numbered(10, 1000)))
    assert trained_on == [*range(250), *range(250)]


@pytest.mark.parametrize("batch_size", [1, 32, 5_000])
def test_shuffled_images_come_once_an_epoch_in_ever_new_order(batch_size):
    config = replace(CONFIG, batch_size=batch_size)
    model = build_model(config)
    trained_on, _ = watch(model)
    list(fit(model, config, numbered(250), numbered(10, 1000)))
    first, second = trained_on[:250], trained_on[250:]
    assert sorted(first) == sorted(second) == list(range(250))
    assert first != second
    assert first != sorted(first)


def test_another_seed_is_another_order():
    orders = []
    for seed in (0, 0, 1):
        config = replace(CONFIG, seed=seed)
        model = build_model(config)
        orders.append(watch(model)[0])
        list(fit(model, config, numbered(210), numbered(10, 1000)))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("name", ["shift", "affine"])
def test_another_seed_is_another_variation(name):
    seen = []
    for seed in (0, 0, 1):
        config = replace(CONFIG, seed=seed, augmentation=name, shuffle=False, epochs=1)
        model = build_model(config)
        model.scaling.register_forward_hook(
            lambda scaling, given, output: seen.append(given[0].clone()) if scaling.training else None
        )
        list(fit(model, config, numbered(210), numbered(10)))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


@pytest.mark.parametrize(
    ("settings", "trained", "watched"),
    [
        ({"validation_size": 60, "monitor": "validation"}, range(240), range(240, 300)),
        ({"validation_size": 60, "monitor": "validation", "train_size": 100}, range(100), range(240, 300)),
        ({"validation_size": 60}, range(240), range(1000, 1050)),
        ({"validation_size": 0}, range(300), range(1000, 1050)),
        ({"validation_size": 20_000, "monitor": "validation"}, range(250), range(250, 300)),
    ],
)
def test_images_held_out_are_never_trained_on(settings, trained, watched):
    config = TrainConfig(widths=(8,), epochs=2, **{"monitor": "test", **settings})
    model = build_model(config)
    trained_on, watched_on = watch(model)
    dataset = Dataset(numbered(300), numbered(50, 1000), "sample")
    splits = split_images(config, dataset)
    list(fit(model, config, splits.train, splits.monitored))
    assert set(trained_on) == set(trained)
    assert watched_on == [*watched] * 3  # before the first epoch and after each of the two


def test_the_callers_images_are_left_alone():
    data = numbered(100)
    before = data.images.copy()
    config = replace(CONFIG, augmentation="affine")
    list(fit(build_model(config), config, data, data))
    assert (data.images == before).all()


def test_augmented_epochs_differ_and_the_monitored_images_are_not_varied():
    config = replace(CONFIG, augmentation="shift", shuffle=False, batch_size=50)
    model = build_model(config)
    inputs: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    model.scaling.register_forward_hook(
        lambda scaling, given, output: inputs[scaling.training].append(given[0].clone())
    )
    data = numbered(50)
    list(fit(model, config, data, data))
    assert not torch.equal(*inputs[True])
    assert all(torch.equal(images, torch.from_numpy(data.images)) for images in inputs[False])


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({"batch_size": LARGE_BATCH}, PIECE),
        ({"batch_size": LARGE_BATCH + 1}, SMALL_PIECE),
        ({"batch_size": LARGE_BATCH + 1, "batch_norm": True}, PIECE),  # its statistics are those of a piece
    ],
)
def test_only_huge_batches_without_batch_norm_come_in_smaller_pieces(settings, longest):
    labels = torch.zeros(LARGE_BATCH + 1, dtype=torch.int64)
    images = torch.zeros(LARGE_BATCH + 1, 28, 28, dtype=torch.uint8)
    pieces = list(Batches(images, labels, replace(CONFIG, **settings), lambda block: block).epoch())
    assert 0.9 * longest < max(len(piece.inputs) for piece in pieces) <= longest
    assert sum(piece.share for piece in pieces if len(piece.inputs) > 1) == pytest.approx(1)
    assert sum(len(piece.labels) for piece in pieces) == LARGE_BATCH + 1
