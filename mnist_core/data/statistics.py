"""Statistics of a split: counts, pixel values, mean and standard deviation per class, outliers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Split

BLOCK = 256  # images; the sum of their squared pixels is an integer below 2**24, so exact in float32


@dataclass(frozen=True, eq=False)
class Statistics:
    """Counts and sums per class; a class without images has mean and standard deviation 0.

    `counts` int64 [C]: images of each class. `sums` and `squares` float64 [C, H, W]: sums over a class's
    images of each pixel's value (0 to 255) and of its square. `pixel_counts` int64 [256]: histogram of all
    pixel values.
    """

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    pixel_counts: NDArray[np.int64]

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """The mean image of each class, [C, H, W], 0 to 255."""
        means: NDArray[np.float64] = self.sums / self._divisors
        return means

    @cached_property
    def standard_deviations(self) -> NDArray[np.float64]:
        """Each pixel's standard deviation over the images of a class, [C, H, W], 0 to 127.5."""
        variances: NDArray[np.float64] = self.squares / self._divisors - self.means**2
        deviations: NDArray[np.float64] = np.sqrt(variances.clip(0))
        return deviations

    @property
    def pixel_mean(self) -> float:
        """Mean of all pixels, 0 to 255."""
        return float(self.pixel_counts @ np.arange(256) / self.pixel_counts.sum())

    @property
    def pixel_std(self) -> float:
        """Standard deviation of all pixels, 0 to 127.5."""
        squares = self.pixel_counts @ np.arange(256) ** 2
        return float(np.sqrt(squares / self.pixel_counts.sum() - self.pixel_mean**2))

    @property
    def _divisors(self) -> NDArray[np.int64]:
        return np.maximum(self.counts, 1)[:, None, None]


def statistics(split: Split) -> Statistics:
    """Go once through a split's images (at least one)."""
    pixels = split.images[0].size
    sums, squares = np.zeros((split.classes, pixels)), np.zeros((split.classes, pixels))
    pixel_counts = np.zeros(256, np.int64)
    is_digit = np.eye(split.classes, dtype=np.float32)[split.labels]
    for start in range(0, len(split), BLOCK):
        images = split.images[start : start + BLOCK].reshape(-1, pixels)
        members = is_digit[start : start + BLOCK].T
        values = images.astype(np.float32)
        sums += members @ values
        squares += members @ (values * values)
        pixel_counts += np.bincount(images.ravel(), minlength=256)
    shape = (split.classes, *split.images.shape[1:])
    return Statistics(split.counts, sums.reshape(shape), squares.reshape(shape), pixel_counts)


def distances_to_mean(split: Split, means: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return each image's distance to its class's mean image, [N], in grey levels, 0 to 255.

    The distance is the root mean square of the pixel differences from `means[label]`, [H, W].
    """
    pixels = split.images[0].size
    centres = means.reshape(split.classes, pixels).astype(np.float32)
    distances = np.empty(len(split), np.float32)
    for start in range(0, len(split), BLOCK):
        part = slice(start, start + BLOCK)
        away = split.images[part].reshape(-1, pixels) - centres[split.labels[part]]
        distances[part] = np.sqrt(np.einsum("np,np->n", away, away) / pixels)
    return distances


def typical_images_and_outliers(
    split: Split, distances: NDArray[np.float32], digit: int, most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of a digit's `most` images nearest to its mean image, and of the `most` farthest.

    `distances` [N] are those of `distances_to_mean`. Nearest and farthest come first. No image is in both
    lists: each has at most half of the digit's images.
    """
    members = np.flatnonzero(split.labels == digit)
    order = members[np.argsort(distances[members], kind="stable")]
    most = min(most, len(order) // 2)
    return order[:most], order[::-1][:most]
