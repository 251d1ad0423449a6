"""Data augmentation of training images: random shifts, affine maps, elastic distortion and line widths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mnist_core.choices import AUGMENTATIONS, Augmentation

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def augment(images: Tensor, name: str, generator: torch.Generator) -> Tensor:
    """Augment uint8 `images` [N, 28, 28] by AUGMENTATIONS[name]; returns the same shape and dtype.

    Pixels from outside an image are 0. Random numbers come from `generator` (on the CPU), so results repeat
    with its seed.
    """
    augmentation = AUGMENTATIONS[name]
    if augmentation.whole_pixels:
        return _shift(images, int(augmentation.shift), generator)
    if name == "none":
        return images
    return _warp(images, augmentation, generator)


def _shift(images: Tensor, limit: int, generator: torch.Generator) -> Tensor:
    """Shift each image by whole pixels, up to `limit` in x and y, by indexing a padded copy."""
    import torch
    import torch.nn.functional as F

    count, height, width = images.shape
    padded = F.pad(images, (limit,) * 4)
    offsets = torch.randint(0, 2 * limit + 1, (2, count, 1), generator=generator).to(images.device)
    rows = (offsets[0] + torch.arange(height, device=images.device)).unsqueeze(2)
    columns = (offsets[1] + torch.arange(width, device=images.device)).unsqueeze(1)
    each = torch.arange(count, device=images.device).view(-1, 1, 1)
    return padded[each, rows, columns]


def _warp(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Resample each image through a random affine map and elastic distortion, then vary its line width."""
    import torch
    import torch.nn.functional as F

    matrices = _random_affine(len(images), augmentation, generator).to(images.device)
    grid = F.affine_grid(matrices, [len(images), 1, *images.shape[1:]], align_corners=False)
    if augmentation.elastic:
        grid = grid + _smooth_displacement(len(images), augmentation.elastic, generator).to(images.device)
    warped = F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False)
    if augmentation.line_width:
        warped = _vary_line_width(warped, augmentation.line_width, generator)
    return warped.squeeze(1).round_().to(torch.uint8)


def _vary_line_width(images: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Blend each image of [N, 1, 28, 28] with its 3 x 3 grey dilation or erosion, by a share up to `most`."""
    import torch
    import torch.nn.functional as F

    amount = (torch.rand(len(images), generator=generator) * 2 - 1).view(-1, 1, 1, 1).to(images.device) * most
    thick, thin = F.max_pool2d(images, 3, 1, 1), -F.max_pool2d(-images, 3, 1, 1)
    return images + amount.clamp(min=0) * (thick - images) - amount.clamp(max=0) * (thin - images)


def _random_affine(count: int, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Random affine maps [count, 2, 3] from output to input coordinates, both in -1..1 across the image."""
    import torch

    draws = torch.rand(6, count, generator=generator) * 2 - 1
    angle = draws[0] * math.radians(augmentation.rotation)
    shear = torch.tan(draws[1] * math.radians(augmentation.shear))
    scale_x, scale_y = 1 + draws[2:4] * augmentation.scale
    shift_x, shift_y = draws[4:6] * (2 * augmentation.shift / 28)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack([cosine * scale_x, (shear * cosine - sine) * scale_y, shift_x], 1)
    row_y = torch.stack([sine * scale_x, (shear * sine + cosine) * scale_y, shift_y], 1)
    return torch.stack([row_x, row_y], 1)


def _smooth_displacement(count: int, pixels: float, generator: torch.Generator) -> Tensor:
    """Smooth displacements [count, 28, 28, 2] in grid units: normal draws on 6 x 6, enlarged bicubically.

    `pixels` is their standard deviation. After P. Simard, D. Steinkraus and J. Platt, "Best Practices for
    Convolutional Neural Networks Applied to Visual Document Analysis" (ICDAR 2003), who smooth by a Gaussian.
    """
    import torch
    import torch.nn.functional as F

    coarse = torch.randn(count, 2, 6, 6, generator=generator) * (2 * pixels / 28)
    fine = F.interpolate(coarse, size=(28, 28), mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)
