"""The offline sample: scikit-learn's 1,797 real handwritten digits, made to look as MNIST's do.

They are the test part of E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (UCI Machine
Learning Repository, 1998): by 13 writers, 8 x 8, each pixel counting the ink (0 to 16) in 4 x 4 finer ones.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.reading.drawing import place_in_mnist_frame

ENLARGE = 4  # back to the 32 x 32 the digits were counted from
PAPER, INK = 6, 14  # of 16: up to here paper, from here on black; gives MNIST's sharp strokes of about 2.5 px


def sample_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images uint8 [1797, 28, 28] (0 paper, 255 ink) and labels uint8 [1797], always the same.

    The order is scikit-learn's, in which the digits of one writer stand together.
    """
    from sklearn.datasets import load_digits  # takes a second

    digits = load_digits()
    images = np.stack([place_in_mnist_frame(_enlarge(counts)) for counts in digits.images])
    return images, digits.target.astype(np.uint8)


def _enlarge(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Ink counts [8, 8] of 0 to 16 -> ink [40, 40] of 0 to 1 with smooth, sharp edges and an empty border."""
    padded = np.pad(counts.astype(np.float32), 1)  # so that strokes at the edge end round, not cut off
    side = len(padded) * ENLARGE
    smooth = np.asarray(Image.fromarray(padded).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return ((smooth - PAPER) / (INK - PAPER)).clip(0, 1)
