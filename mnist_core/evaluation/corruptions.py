"""Image corruptions for the robustness test, each at several strengths.

After D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), and N. Mu and J. Gilmer, "MNIST-C" (2019). The definitions are our own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.messages import N_

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OCCLUSION_GREY = 128  # pixel value of the occluding square
BLUR_RADIUS = 4  # standard deviations; the kernel beyond holds less than 0.01% of the weight


@dataclass(frozen=True)
class Corruption:
    """A corruption, with the `unit` of its `strengths`; the first strength is 0 (unchanged).

    `apply(images, strength, generator)` takes uint8 images [N, 28, 28] on the CPU and a strength above 0, and
    returns new images of the same shape and dtype. Each image has its own random draws from `generator`.
    """

    label: str
    description: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Tensor, float, torch.Generator], Tensor]


def corrupt(images: Tensor, name: str, strength: float, generator: torch.Generator) -> Tensor:
    """Corrupt uint8 `images` [N, 28, 28] by CORRUPTIONS[name]; returns the same shape and dtype.

    A strength of 0 returns `images` unchanged. Random numbers come from `generator` (on the CPU), so results
    repeat with its seed. Pixels from outside an image are 0.
    """
    return CORRUPTIONS[name].apply(images, strength, generator) if strength else images


def _rotate(images: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Rotate about the centre by the angle, in a random direction."""
    import torch

    angles = _signs(len(images), generator) * math.radians(degrees)
    cosine, sine = torch.cos(angles), torch.sin(angles)
    return _resample(images, (cosine, -sine, 0.0), (sine, cosine, 0.0))


def _shift(images: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    """Shift by the distance to the left, right, top or bottom, at random."""
    import torch

    count, height, width = images.shape
    directions = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) * pixels
    x, y = directions[torch.randint(0, 4, (count,), generator=generator)].unbind(1)
    return _resample(images, (1.0, 0.0, -2 * x / width), (0.0, 1.0, -2 * y / height))


def _shrink(images: Tensor, percent: float, generator: torch.Generator) -> Tensor:
    size = 1 - percent / 100
    return _resample(images, (1 / size, 0.0, 0.0), (0.0, 1 / size, 0.0))


def _enlarge(images: Tensor, percent: float, generator: torch.Generator) -> Tensor:
    return _shrink(images, -percent, generator)


def _shear(images: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Shear horizontally by the angle, to the left or right at random."""
    slants = _signs(len(images), generator) * math.tan(math.radians(degrees))
    return _resample(images, (1.0, slants, 0.0), (0.0, 1.0, 0.0))


def _signs(count: int, generator: torch.Generator) -> Tensor:
    """Random signs, -1 or 1, float [count]."""
    import torch

    return torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1


def _resample(images: Tensor, x_row: tuple[Tensor | float, ...], y_row: tuple[Tensor | float, ...]) -> Tensor:
    """Resample each image bilinearly through an affine map from output to input coordinates.

    The map's rows hold the factors of x, y and 1, numbers or tensors [N]. Coordinates are -1..1 across the
    image.
    """
    import torch
    import torch.nn.functional as F

    count = len(images)
    rows = [torch.stack([torch.as_tensor(part).expand(count) for part in row], 1) for row in (x_row, y_row)]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 1, *images.shape[1:]], align_corners=False)
    return _to_pixels(F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False).squeeze(1))


def _thicken(images: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    """Grey dilation by a square of side 2 * `pixels` + 1; a fraction blends the two nearest whole sizes."""
    import torch
    import torch.nn.functional as F

    whole = math.floor(pixels)
    inner, outer = (F.max_pool2d(images.float(), 2 * reach + 1, 1, reach) for reach in (whole, whole + 1))
    return _to_pixels(torch.lerp(inner, outer, pixels - whole))


def _thin(images: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    """Grey erosion: dilation of the inverted image."""
    return 255 - _thicken(255 - images, pixels, generator)


def _blur(images: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    """Convolve with a Gaussian of this standard deviation, with zeros around the image."""
    import torch
    import torch.nn.functional as F

    reach = math.ceil(BLUR_RADIUS * pixels)
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-((offsets / pixels) ** 2) / 2)
    weights /= weights.sum()
    across = F.conv2d(images.unsqueeze(1).float(), weights.view(1, 1, 1, -1), padding=(0, reach))
    return _to_pixels(F.conv2d(across, weights.view(1, 1, -1, 1), padding=(reach, 0)).squeeze(1))


def _add_noise(images: Tensor, spread: float, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of this standard deviation to each pixel, clipped to 0..255."""
    import torch

    return _to_pixels(images + spread * torch.randn(images.shape, generator=generator))


def _salt_and_pepper(images: Tensor, percent: float, generator: torch.Generator) -> Tensor:
    """Set each pixel, with this probability, to 0 or 255, both equally likely."""
    import torch

    draws = torch.rand(images.shape, generator=generator) * 100
    salted = torch.where(draws < percent / 2, 255, images)
    return torch.where((draws >= percent / 2) & (draws < percent), 0, salted)


def _lower_contrast(images: Tensor, percent: float, generator: torch.Generator) -> Tensor:
    """Blend every pixel with its image's mean; 100 percent gives the mean."""
    means = images.float().mean((1, 2), keepdim=True)
    return _to_pixels(images + (means - images) * (percent / 100))


def _invert(images: Tensor, percent: float, generator: torch.Generator) -> Tensor:
    """Blend every pixel x with 255 - x; 100 percent gives 255 - x."""
    return _to_pixels(images + (255.0 - 2.0 * images) * (percent / 100))


def _occlude(images: Tensor, side: float, generator: torch.Generator) -> Tensor:
    """Put a grey square of `side` pixels at a random position within each image."""
    import torch

    count, height, width = images.shape
    top = torch.randint(0, height - int(side) + 1, (count, 1, 1), generator=generator)
    left = torch.randint(0, width - int(side) + 1, (count, 1, 1), generator=generator)
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return torch.where(inside, OCCLUSION_GREY, images)


def _to_pixels(values: Tensor) -> Tensor:
    import torch

    return values.round().clamp(0, 255).to(torch.uint8)


DEGREES, PIXELS, PERCENT = N_("degrees"), N_("pixels"), N_("%")
PIXEL_VALUES = N_("of 255")

CORRUPTIONS: dict[str, Corruption] = {
    "rotation": Corruption(
        N_("Rotation"), N_("Rotated to the left or right."), DEGREES, (0, 10, 20, 30, 45, 60), _rotate
    ),
    "shift": Corruption(
        N_("Shift"), N_("Shifted to the left, right, top or bottom."), PIXELS, (0, 1, 2, 3, 4, 6), _shift
    ),
    "smaller": Corruption(
        N_("Smaller"), N_("Scaled down about the centre."), PERCENT, (0, 10, 20, 30, 40, 50), _shrink
    ),
    "larger": Corruption(
        N_("Larger"), N_("Scaled up about the centre."), PERCENT, (0, 10, 20, 30, 45, 60), _enlarge
    ),
    "shear": Corruption(
        N_("Shear"), N_("Slanted, to the left or right."), DEGREES, (0, 10, 20, 30, 40, 50), _shear
    ),
    "thicker": Corruption(
        N_("Thicker lines"),
        N_("Lines widened by this much on each side."),
        PIXELS,
        (0, 0.5, 1, 1.5, 2, 3),
        _thicken,
    ),
    "thinner": Corruption(
        N_("Thinner lines"),
        N_("Lines narrowed by this much on each side, and fainter."),
        PIXELS,
        (0, 0.25, 0.5, 0.75, 0.9, 1),
        _thin,
    ),
    "blur": Corruption(
        N_("Blur"), N_("Gaussian blur with this standard deviation."), PIXELS, (0, 0.5, 1, 1.5, 2, 3), _blur
    ),
    "noise": Corruption(
        N_("Gaussian noise"),
        N_("Normal noise with this standard deviation, added to each pixel."),
        PIXEL_VALUES,
        (0, 25, 50, 75, 100, 150),
        _add_noise,
    ),
    "salt_and_pepper": Corruption(
        N_("Salt and pepper"),
        N_("The share of pixels set to 0 or 255 at random."),
        PERCENT,
        (0, 5, 10, 20, 30, 50),
        _salt_and_pepper,
    ),
    "contrast": Corruption(
        N_("Low contrast"),
        N_("Each pixel is moved by this share towards the mean of the image."),
        PERCENT,
        (0, 25, 50, 75, 90, 95),
        _lower_contrast,
    ),
    "inversion": Corruption(
        N_("Inversion"),
        N_("Each pixel is moved by this share towards 255 minus its value."),
        PERCENT,
        (0, 20, 40, 60, 80, 100),
        _invert,
    ),
    "occlusion": Corruption(
        N_("Occlusion"),
        N_("A grey square with this side, at a random place."),
        PIXELS,
        (0, 4, 6, 8, 10, 14),
        _occlude,
    ),
}
