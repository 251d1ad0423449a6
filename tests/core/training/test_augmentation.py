import math

import pytest
import torch

from mnist_core.choices import AUGMENTATIONS, Augmentation
from mnist_core.config import TrainConfig
from mnist_core.models.modules import Scaling
from mnist_core.training.augmentation import augment
from mnist_core.training.batches import Batches

VARYING = [name for name in AUGMENTATIONS if name != "none"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def digits(batch) -> torch.Tensor:
    return torch.from_numpy(batch.images)


@pytest.fixture
def only(monkeypatch):
    """Vary images in the ways given, and no other."""

    def vary(images: torch.Tensor, seed: int = 0, **parts) -> torch.Tensor:
        monkeypatch.setitem(AUGMENTATIONS, "only", Augmentation("", "", **parts))
        return augment(images, "only", seeded(seed))

    return vary


def bars(count: int = 200) -> torch.Tensor:
    """Images of one horizontal bar, 18 wide and 4 high, in the very middle."""
    images = torch.zeros(count, 28, 28, dtype=torch.uint8)
    images[:, 12:16, 5:23] = 255
    return images


def moments(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Per image: the centre of its ink (x, y), then the variances xx, yy and the covariance xy, in pixels."""
    ink = images.double() / images.double().sum((1, 2), keepdim=True)
    at = torch.arange(28, dtype=torch.float64) - 13.5
    x, y = ink.sum(1) @ at, ink.sum(2) @ at
    xx, yy = ink.sum(1) @ at**2 - x**2, ink.sum(2) @ at**2 - y**2
    xy = torch.einsum("nyx,y,x->n", ink, at, at) - x * y
    return x, y, xx, yy, xy


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_varied_images_are_images(name, digits):
    before = digits.clone()
    varied = augment(digits, name, seeded())
    assert (varied.shape, varied.dtype) == (digits.shape, torch.uint8)
    assert torch.equal(digits, before)


@pytest.mark.parametrize("name", VARYING)
def test_a_seed_repeats_the_variation_and_another_differs(name, digits):
    varied = augment(digits, name, seeded(1))
    assert torch.equal(varied, augment(digits, name, seeded(1)))
    assert not torch.equal(varied, augment(digits, name, seeded(2)))
    assert not torch.equal(varied, digits)


@pytest.mark.parametrize("name", VARYING)
def test_each_image_is_varied_in_its_own_way_and_anew_each_time(name, digits):
    same = digits[:1].expand(30, 28, 28).contiguous()
    generator = seeded()
    varied = augment(same, name, generator)
    assert len(varied.flatten(1).unique(dim=0)) > 10
    assert not torch.equal(varied, augment(same, name, generator))


@pytest.mark.parametrize("name", VARYING)
def test_varying_draws_from_its_own_generator_only(name, digits):
    state = torch.get_rng_state()
    augment(digits, name, seeded())
    assert torch.equal(torch.get_rng_state(), state)


def test_none_changes_nothing(digits):
    assert augment(digits, "none", seeded()) is digits


def test_a_variation_of_no_extent_changes_nothing(digits, only):
    assert torch.equal(only(digits), digits)


def test_whole_pixel_shifts_move_the_ink_without_changing_it(digits):
    images = digits.repeat(10, 1, 1)
    moves = set()
    for image, shifted in zip(images, augment(images, "shift", seeded()), strict=True):
        down, right = (shifted.nonzero().amin(0) - image.nonzero().amin(0)).tolist()
        padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
        assert torch.equal(shifted, padded[2 - down : 30 - down, 2 - right : 30 - right])
        moves.add((down, right))
    assert moves == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_what_a_shift_uncovers_is_paper():
    white = torch.full((50, 28, 28), 255, dtype=torch.uint8)
    shifted = augment(white, "shift", seeded())
    assert shifted[:, 2:-2, 2:-2].eq(255).all()
    assert shifted.eq(0).any()


def test_a_shift_between_pixels_moves_the_centre_that_far(only):
    x, y, *_ = moments(only(bars(), shift=2))
    for centre in (x, y):
        assert centre.abs().max() <= 2.01
        assert centre.min() < -1.5
        assert centre.max() > 1.5


def test_a_rotation_turns_about_the_middle_both_ways(only):
    x, y, xx, yy, xy = moments(only(bars(), rotation=10))
    angle = 0.5 * torch.atan2(2 * xy, xx - yy) * 180 / math.pi
    assert angle.abs().max() <= 10.3
    assert angle.min() < -8
    assert angle.max() > 8
    assert torch.stack([x, y]).abs().max() < 0.1


def test_a_scale_changes_width_and_height_each_for_itself(only):
    _, _, xx, yy, xy = moments(only(bars(), scale=0.1))
    width, height = xx.sqrt() * math.sqrt(12) / 18, yy.sqrt() * math.sqrt(12) / 4
    for share in (width, height):
        assert share.min() < 0.94
        assert share.max() > 1.06
        assert share.min() > 0.85
        assert share.max() < 1.2
    assert torch.corrcoef(torch.stack([width, height]))[0, 1].abs() < 0.3
    assert xy.abs().max() < 0.1


def test_a_shear_slants_upright_strokes(only):
    upright = bars().transpose(1, 2).contiguous()
    _, _, _, yy, xy = moments(only(upright, shear=10))
    slant = torch.atan(xy / yy) * 180 / math.pi
    assert slant.abs().max() <= 10.3
    assert slant.min() < -8
    assert slant.max() > 8


def test_an_elastic_warp_bends_smoothly_and_keeps_most_ink(digits, only):
    warped = only(digits, elastic=1.0)
    difference = (warped.float() - digits.float()).abs().mean() / digits.float().mean()
    assert 0.05 < difference < 0.8
    ink = warped.float().sum((1, 2)) / digits.float().sum((1, 2))
    assert ink.min() > 0.7
    assert ink.max() < 1.4


def test_pens_make_lines_wider_and_narrower_in_place(only):
    x, y, _, yy, xy = moments(only(bars(), line_width=0.5))
    plain = moments(bars())[3].mean()
    assert yy.max() > 1.1 * plain
    assert yy.min() < 0.9 * plain
    assert torch.stack([x, y, xy]).abs().max() < 0.05


def test_affine_keeps_a_digit_in_the_picture(digits):
    ink = augment(digits, "affine", seeded()).float().sum((1, 2)) / digits.float().sum((1, 2))
    assert ink.min() > 0.75
    assert ink.max() < 1.3


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_images_in_their_own_order_are_read_and_never_changed(name, digits):
    """They are the split's own memory then, which all trainings share."""
    images = digits[:20].clone()
    config = TrainConfig(batch_size=8, shuffle=False, augmentation=name)
    batches = Batches(images, torch.arange(20), config, Scaling(0.0, 1.0))
    pieces = list(batches.epoch())
    assert torch.equal(images, digits[:20])
    assert torch.equal(torch.cat([piece.labels for piece in pieces]), torch.arange(20))
    if name == "none":
        assert torch.equal(torch.cat([piece.inputs for piece in pieces]), Scaling(0.0, 1.0)(images))
