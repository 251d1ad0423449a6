"""A kernel that slides over a picture: known kernels, feature map, output size, parameters, max pooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mnist_core.messages import N_

Floats = NDArray[np.float64]
POOL = 2  # pixels: the side of a max pooling's window, and its stride


@dataclass(frozen=True)
class Kernel:
    """A known kernel: its label, what it finds, and its weights, row by row."""

    label: str
    finds: str
    rows: tuple[tuple[float, ...], ...]

    @property
    def weights(self) -> Floats:
        """The weights [F, F]."""
        return np.array(self.rows, float)


KERNELS: dict[str, Kernel] = {
    "vertical": Kernel(
        N_("Vertical edges (Sobel), 3 x 3"),
        N_("It compares right with left: large values (blue) where ink begins, negative ones where it ends."),
        ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    ),
    "horizontal": Kernel(
        N_("Horizontal edges (Sobel), 3 x 3"),
        N_(
            "It compares below with above: large values (blue) where ink begins, negative ones where it ends."
        ),
        ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    ),
    "outline": Kernel(
        N_("All edges (Laplacian), 3 x 3"),
        N_("It compares a pixel with its eight neighbours: edges in all directions."),
        ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    ),
    "thick": Kernel(
        N_("All edges (Laplacian of Gaussian), 5 x 5"),
        N_("It compares the middle with a ring around it: it finds lines, and noise disturbs it less."),
        ((0, 0, -1, 0, 0), (0, -1, -2, -1, 0), (-1, -2, 16, -2, -1), (0, -1, -2, -1, 0), (0, 0, -1, 0, 0)),
    ),
    "blur": Kernel(
        N_("Blur (mean), 5 x 5"),
        N_("It takes the mean of 25 pixels: edges become soft."),
        ((0.04,) * 5,) * 5,
    ),
}
"""Kernels of image processing (Gonzalez and Woods, "Digital Image Processing"); a CNN learns its own."""


def output_size(side: int, kernel: int, padding: int, stride: int) -> int:
    """Return the side of the feature map: floor((side - kernel + 2 padding) / stride) + 1; all in pixels."""
    return (side - kernel + 2 * padding) // stride + 1


def convolve(image: NDArray[np.number], weights: Floats, stride: int, padding: int) -> Floats:
    """Return the feature map [O, O] of `image` [H, H] for a kernel `weights` [F, F], without a bias.

    As in PyTorch the kernel is not mirrored: mathematicians call this a cross-correlation.
    """
    windows = sliding_window_view(np.pad(image.astype(float), padding), weights.shape)[::stride, ::stride]
    products: Floats = (windows * weights).sum(axis=(2, 3))
    return products


def window_places(side: int, kernel: int, stride: int) -> NDArray[np.int64]:
    """Return which pixels of a (padded) picture of `side` each output comes from: [outputs, kernel ** 2].

    Pixels are numbered from 0 row by row, and so are the outputs.
    """
    numbers = np.arange(side * side).reshape(side, side)
    windows = sliding_window_view(numbers, (kernel, kernel))[::stride, ::stride]
    return windows.reshape(-1, kernel * kernel)


def max_pool(values: Floats) -> Floats:
    """Return the largest value of each POOL x POOL window of `values` [H, W]; a row left over is ignored."""
    windows = sliding_window_view(values, (POOL, POOL))[::POOL, ::POOL]
    largest: Floats = windows.max(axis=(2, 3))
    return largest


def convolution_parameters(inputs: int, kernels: int, size: int) -> int:
    """Return the weights and biases of `kernels` kernels of `size` x `size` over `inputs` channels."""
    return kernels * (inputs * size * size + 1)


def linear_parameters(inputs: int, outputs: int) -> int:
    """Return the weights and biases of a fully connected layer."""
    return outputs * (inputs + 1)
