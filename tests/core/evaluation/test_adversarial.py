"""FGSM and PGD keep to their bounds and lower the accuracy of small networks trained on the sample."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mnist_core.choices import INPUT_SCALINGS
from mnist_core.config import TrainConfig
from mnist_core.evaluation.adversarial import ATTACKS, PGD_STEP_SIZE, PGD_STEPS, attack
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.models.modules import DigitClassifier
from mnist_core.training.trainer import fit

EPSILONS = ATTACKS["fgsm"].strengths[1:]
# Of the pixels, for two ways to a gradient: one near 0 has either sign, on some processors in 8 of 100.
NEARLY_ALL = 0.9
SMALL = {"architecture": "cnn", "channels": (4, 8), "widths": (16,), "precision": "float32"}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def model(sample) -> DigitClassifier:
    """A small CNN that reads about nine in ten of the sample's digits."""
    config = TrainConfig(**SMALL, monitor="test", epochs=4, batch_size=32, learning_rate=0.005)
    network = build_model(config)
    for _ in fit(network, config, sample.train, sample.test):
        pass
    return network


@pytest.fixture(scope="module")
def images(sample) -> torch.Tensor:
    return torch.from_numpy(sample.test.images[:100])


@pytest.fixture(scope="module")
def labels(sample) -> torch.Tensor:
    return torch.from_numpy(sample.test.labels[:100]).long()


def loss(model: DigitClassifier, images: torch.Tensor, labels: torch.Tensor) -> float:
    return F.cross_entropy(predict_logits(model, images), labels).item()


def accuracy(model: DigitClassifier, images: torch.Tensor, labels: torch.Tensor) -> float:
    return (predict_logits(model, images).argmax(1) == labels).double().mean().item()


@pytest.mark.parametrize("epsilon", [EPSILONS[0], EPSILONS[-1], 0.5, 2.7])
@pytest.mark.parametrize("name", ATTACKS)
def test_no_pixel_leaves_its_bound(name, epsilon, model, images, labels):
    before = images.clone()
    attacked = attack(model, images, labels, name, epsilon, seeded())
    assert (attacked.shape, attacked.dtype) == (images.shape, torch.uint8)
    assert (attacked.int() - images.int()).abs().max() == int(epsilon)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_reach_changes_nothing(name, model, images, labels):
    assert ATTACKS[name].strengths[0] == 0
    assert torch.equal(attack(model, images, labels, name, 0, seeded()), images)


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_lower_the_accuracy_the_more_the_farther_they_reach(name, model, images, labels):
    attacked = [attack(model, images, labels, name, epsilon, seeded()) for epsilon in (0, 8, 16, 48)]
    accuracies = [accuracy(model, changed, labels) for changed in attacked]
    assert accuracies[0] > 0.8
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] < accuracies[0] / 2
    assert loss(model, attacked[1], labels) > loss(model, images, labels)


@pytest.mark.parametrize("epsilon", [8, 48])
def test_the_gradient_does_more_than_chance(epsilon, model, images, labels):
    signs = torch.randint(0, 2, images.shape, generator=seeded()) * 2 - 1
    by_chance = (images + epsilon * signs).clamp(0, 255).to(torch.uint8)
    fgsm = attack(model, images, labels, "fgsm", epsilon, seeded())
    assert loss(model, fgsm, labels) > 1.5 * loss(model, by_chance, labels)


@pytest.mark.parametrize("epsilon", [8, 24])
def test_ten_small_steps_do_more_than_one_large_one(epsilon, model, images, labels):
    fgsm, pgd = (attack(model, images, labels, name, epsilon, seeded()) for name in ("fgsm", "pgd"))
    assert accuracy(model, pgd, labels) < accuracy(model, fgsm, labels)


def test_an_image_that_pgd_starts_from_and_is_misread_is_left_there(model, images, labels):
    """With every image labelled as what it isn't read as, nothing is left to do."""
    wrong = (predict_logits(model, images).argmax(1) + 1) % 10
    attacked = attack(model, images, wrong, "pgd", 1, seeded())
    start = (torch.rand(images.shape, generator=seeded()) * 2 - 1).round()
    assert torch.equal(attacked, (images + start).clamp(0, 255).to(torch.uint8))


@pytest.mark.parametrize("epsilon", [8, 16])
def test_pgd_goes_on_only_with_the_images_that_are_still_read_right(epsilon, model, images, labels):
    """Step by step by hand, image by image, each until the model errs."""
    attacked = attack(model, images[:15], labels[:15], "pgd", epsilon, seeded())
    starts = (torch.rand(images[:15].shape, generator=seeded()) * 2 - 1) * epsilon
    same = 0
    for place, (image, label) in enumerate(zip(images[:15].float(), labels[:15], strict=True)):
        now = (image + starts[place]).round().clamp(0, 255)
        for _ in range(PGD_STEPS):
            inputs = now[None].clone().requires_grad_()
            logits = model.eval()(inputs)
            if logits.argmax() != label:
                break
            F.cross_entropy(logits, label[None]).backward()
            step = PGD_STEP_SIZE * epsilon * inputs.grad[0].sign()
            now = (now + step).clamp(image - epsilon, image + epsilon).clamp(0, 255)
        same += float((attacked[place].float() == now).float().mean()) > NEARLY_ALL
    model.zero_grad(set_to_none=True)
    assert same >= 14


@pytest.mark.parametrize("scaling", INPUT_SCALINGS)
def test_fgsm_is_one_step_along_the_sign_of_the_gradient_in_any_input_scaling(scaling):
    """A single linear layer's gradient, written out: (softmax - one hot) times the weights."""
    model = build_model(TrainConfig(architecture="softmax", input_scaling=scaling))
    image = torch.randint(0, 256, (1, 28, 28), dtype=torch.uint8, generator=seeded())
    entry = INPUT_SCALINGS[scaling]
    layer = model.network[1]
    weights, bias = layer.weight.detach().double(), layer.bias.detach().double()
    logits = ((image.double().flatten() / 255) - entry.mean) / entry.std @ weights.T + bias
    error = logits.softmax(0) - F.one_hot(torch.tensor(3), 10)
    gradient = (error @ weights).view(1, 28, 28)
    expected = (image + 20 * gradient.sign()).clamp(0, 255).to(torch.uint8)
    attacked = attack(model, image, torch.tensor([3]), "fgsm", 20, seeded())
    assert (attacked == expected).double().mean() > 0.998  # a gradient near 0 may round to either side


def test_pgd_starts_by_chance_and_a_seed_repeats_it(model, images, labels):
    first, again, other = (attack(model, images, labels, "pgd", 16, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert PGD_STEP_SIZE * PGD_STEPS >= 2  # from one side of the box to the other


@pytest.mark.parametrize("name", ATTACKS)
def test_an_images_attack_does_not_depend_on_those_beside_it(name, model, images, labels):
    together = attack(model, images[:50], labels[:50], name, 16, seeded())
    alone = attack(model, images[:1], labels[:1], name, 16, seeded())
    assert (together[:1] == alone).double().mean() > NEARLY_ALL


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_is(name, training, sample):
    config = TrainConfig(**SMALL, batch_norm=True, dropout=0.5)
    model = build_model(config).train(training)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    images = torch.from_numpy(sample.test.images[:20])
    labels = torch.from_numpy(sample.test.labels[:20]).long()
    with torch.no_grad():  # as a caller may have it
        changed = attack(model, images, labels, name, 8, seeded())
    assert torch.equal(changed, attack(model, images, labels, name, 8, seeded()))  # no dropout within
    assert model.training == training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_reads_float_pixels_as_it_reads_whole_ones_and_leaves_them(model, images):
    pixels = images[:20].float()
    before = pixels.clone()
    np.testing.assert_array_equal(predict_logits(model, pixels), predict_logits(model, images[:20]))
    assert torch.equal(pixels, before)
