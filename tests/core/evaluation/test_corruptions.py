"""Each corruption against its definition, on images made by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from mnist_core.evaluation.corruptions import CORRUPTIONS, corrupt

RANDOM = {"rotation", "shift", "shear", "noise", "salt_and_pepper", "occlusion"}
POINTS = [(name, strength) for name, entry in CORRUPTIONS.items() for strength in entry.strengths]
MANY = 400


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def digits(batch) -> torch.Tensor:
    return torch.from_numpy(batch.images)


def bar(count: int = 1) -> torch.Tensor:
    """Images of one upright bar of ink, 4 wide and 16 high, in the very middle."""
    images = torch.zeros(count, 28, 28, dtype=torch.uint8)
    images[:, 6:22, 12:16] = 255
    return images


def axes(images: torch.Tensor) -> list[float]:
    """The angle of each image's long axis from upright, in degrees, -90 to 90, by its moments."""
    at = torch.arange(28, dtype=torch.float64) - 13.5
    ink = images.double() / images.double().sum((1, 2), keepdim=True)
    xx, yy = ink.sum(1) @ at**2, ink.sum(2) @ at**2
    xy = torch.einsum("nyx,y,x->n", ink, at, at)
    return (torch.rad2deg(torch.atan2(2 * xy, yy - xx)) / 2).tolist()


# All of them


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_entry_says_what_it_is_and_how_strong(name):
    entry = CORRUPTIONS[name]
    assert 0 < len(entry.label) <= 25
    assert entry.description.endswith(".")
    assert entry.unit
    assert entry.strengths[0] == 0
    assert list(entry.strengths) == sorted(set(entry.strengths))
    assert len(entry.strengths) >= 5


def test_everything_asked_for_is_there():
    asked = {"rotation", "shift", "shear", "blur", "noise", "salt_and_pepper", "contrast", "inversion"}
    assert asked | {"smaller", "larger", "thicker", "thinner", "occlusion"} == set(CORRUPTIONS)


@pytest.mark.parametrize(("name", "strength"), POINTS)
def test_corrupted_images_are_images_and_the_given_ones_stay(name, strength, digits):
    before = digits.clone()
    changed = corrupt(digits, name, strength, seeded())
    assert (changed.shape, changed.dtype) == (digits.shape, torch.uint8)
    assert torch.equal(digits, before)
    assert torch.equal(changed, digits) == (strength == 0)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_more_strength_is_more_change(name, digits):
    strengths = CORRUPTIONS[name].strengths
    changes = [(corrupt(digits, name, s, seeded()).float() - digits).abs().mean() for s in strengths]
    assert changes == sorted(changes)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_seed_repeats_the_draws(name, digits):
    strength = CORRUPTIONS[name].strengths[3]
    changed = corrupt(digits, name, strength, seeded(1))
    assert torch.equal(changed, corrupt(digits, name, strength, seeded(1)))
    assert torch.equal(changed, corrupt(digits, name, strength, seeded(2))) == (name not in RANDOM)


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_each_image_has_draws_of_its_own(name):
    changed = corrupt(bar(20), name, CORRUPTIONS[name].strengths[3], seeded())
    assert len({bytes(image.numpy()) for image in changed}) > 1


# Where the ink goes


@pytest.mark.parametrize("degrees", CORRUPTIONS["rotation"].strengths[1:])
def test_rotation_turns_by_its_angle_both_ways(degrees):
    angles = axes(corrupt(bar(20), "rotation", degrees, seeded()))
    assert [abs(angle) for angle in angles] == pytest.approx([degrees] * 20, abs=0.5)
    assert min(angles) < 0 < max(angles)


@pytest.mark.parametrize("pixels", CORRUPTIONS["shift"].strengths[1:])
def test_shift_moves_by_whole_pixels_to_one_of_four_sides(pixels, digits):
    moves = [(0, pixels), (0, -pixels), (pixels, 0), (-pixels, 0)]
    seen = set()
    for image, moved in zip(digits.numpy(), corrupt(digits, "shift", pixels, seeded()).numpy(), strict=True):
        expected = [ndimage.shift(image, move, order=0) for move in moves]
        (index,) = [k for k in range(4) if np.array_equal(expected[k], moved)]
        seen.add(index)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("percent", CORRUPTIONS["smaller"].strengths[1:])
def test_smaller_is_smaller_by_the_percentage_both_ways(percent):
    size = 1 - percent / 100
    shrunk = corrupt(bar(), "smaller", percent, seeded())[0].double() / 255
    assert shrunk.amax(0).sum() == pytest.approx(4 * size, abs=1)
    assert shrunk.amax(1).sum() == pytest.approx(16 * size, abs=1)
    assert torch.equal(shrunk, shrunk.flip(0, 1))


@pytest.mark.parametrize("percent", CORRUPTIONS["larger"].strengths[1:])
def test_larger_is_larger_by_the_percentage_both_ways(percent):
    size = 1 + percent / 100
    enlarged = corrupt(bar(), "larger", percent, seeded())[0].double() / 255
    assert enlarged.amax(0).sum() == pytest.approx(4 * size, abs=0.7)
    assert enlarged.amax(1).sum() == pytest.approx(16 * size, abs=0.7)
    assert torch.equal(enlarged, enlarged.flip(0, 1))


@pytest.mark.parametrize("degrees", CORRUPTIONS["shear"].strengths[1:])
def test_shear_slants_and_keeps_each_row_of_ink(degrees):
    changed = corrupt(bar(20), "shear", degrees, seeded()).double() / 255
    torch.testing.assert_close(changed.sum(2), bar(20).double().sum(2) / 255, atol=0.02, rtol=0)
    at = torch.arange(28, dtype=torch.float64) - 13.5
    slants = ((changed[:, 6:22] @ at) / 4).diff(dim=1)
    assert slants.abs().mean() == pytest.approx(math.tan(math.radians(degrees)), abs=0.01)
    assert slants.mean(1).min() < 0 < slants.mean(1).max()


# Lines


@pytest.mark.parametrize("pixels", CORRUPTIONS["thicker"].strengths[1:])
def test_thicker_lines_reach_so_far_to_each_side(pixels):
    changed = corrupt(bar(), "thicker", pixels, seeded())[0].double() / 255
    assert changed[14].sum() == pytest.approx(4 + 2 * pixels, abs=0.02)
    assert changed[:, 14].sum() == pytest.approx(16 + 2 * pixels, abs=0.02)


@pytest.mark.parametrize("pixels", CORRUPTIONS["thinner"].strengths[1:])
def test_thinner_lines_lose_so_much_on_each_side(pixels):
    changed = corrupt(bar(), "thinner", pixels, seeded())[0].double() / 255
    assert changed[14].sum() == pytest.approx(4 - 2 * pixels, abs=0.02)
    assert changed[:, 14].sum() == pytest.approx(16 - 2 * pixels, abs=0.02)


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_whole_pixels_are_grey_dilation_and_erosion_by_a_square(reach, digits):
    size, images = (1, 2 * reach + 1, 2 * reach + 1), digits.numpy()
    thick = ndimage.grey_dilation(images, size, mode="constant", cval=0)
    thin = ndimage.grey_erosion(images, size, mode="constant", cval=255)
    assert np.array_equal(corrupt(digits, "thicker", reach, seeded()).numpy(), thick)
    assert np.array_equal(corrupt(digits, "thinner", reach, seeded()).numpy(), thin)


@pytest.mark.parametrize("pixels", CORRUPTIONS["blur"].strengths[1:])
def test_blur_is_a_gaussian_filter(pixels, digits):
    blurred = corrupt(digits, "blur", pixels, seeded()).numpy().astype(float)
    images = digits.numpy().astype(float)
    expected = ndimage.gaussian_filter(images, (0, pixels, pixels), mode="constant", truncate=4)
    np.testing.assert_allclose(blurred, expected, atol=0.6)


# Pixel by pixel


@pytest.mark.parametrize("spread", CORRUPTIONS["noise"].strengths[1:])
def test_noise_has_its_standard_deviation_and_is_clipped(spread):
    grey = torch.full((MANY, 28, 28), 128, dtype=torch.uint8)
    noisy = corrupt(grey, "noise", spread, seeded()).double()
    draws = np.random.default_rng(0).normal(128, spread, 300_000).round().clip(0, 255)
    assert noisy.std().item() == pytest.approx(draws.std(), rel=0.01)
    assert noisy.mean().item() == pytest.approx(draws.mean(), abs=1)


@pytest.mark.parametrize("percent", CORRUPTIONS["salt_and_pepper"].strengths[1:])
def test_salt_and_pepper_hit_their_share_of_pixels_half_each(percent):
    grey = torch.full((MANY, 28, 28), 77, dtype=torch.uint8)
    changed = corrupt(grey, "salt_and_pepper", percent, seeded())
    assert set(changed.unique().tolist()) == {0, 77, 255}
    for value in (0, 255):
        assert (changed == value).double().mean().item() == pytest.approx(percent / 200, rel=0.05)


@pytest.mark.parametrize("percent", CORRUPTIONS["contrast"].strengths[1:])
def test_contrast_shrinks_about_the_mean(percent, digits):
    images = digits.numpy().astype(float)
    mean = images.mean((1, 2), keepdims=True)
    changed = corrupt(digits, "contrast", percent, seeded()).numpy()
    np.testing.assert_allclose(changed, mean + (images - mean) * (1 - percent / 100), atol=0.51)


@pytest.mark.parametrize("percent", CORRUPTIONS["inversion"].strengths[1:])
def test_inversion_blends_with_the_negative(percent, digits):
    images, share = digits.numpy().astype(float), percent / 100
    changed = corrupt(digits, "inversion", percent, seeded()).numpy()
    np.testing.assert_allclose(changed, (1 - share) * images + share * (255 - images), atol=0.51)
    assert torch.equal(corrupt(digits, "inversion", 100, seeded()), 255 - digits)


@pytest.mark.parametrize("side", CORRUPTIONS["occlusion"].strengths[1:])
def test_occlusion_is_one_whole_grey_square_anywhere(side):
    hidden = corrupt(torch.zeros(MANY * 5, 28, 28, dtype=torch.uint8), "occlusion", side, seeded()) == 128
    assert (hidden.sum((1, 2)) == side**2).all()
    assert (hidden.any(1).sum(1) == side).all()
    assert (hidden.any(2).sum(1) == side).all()
    assert set(hidden.any(1).int().argmax(1).tolist()) == set(range(28 - side + 1))
    assert set(hidden.any(2).int().argmax(1).tolist()) == set(range(28 - side + 1))
