"""Numbers above and below zero as colours: one language on all pages, which all eyes tell apart."""

import numpy as np

ABOVE, BELOW = (58, 152, 230), (235, 122, 32)  # blue speaks for, orange against; seen on white and on black
FAINT = 0.4  # how bright the ink is under the colours


def signed_colours(values: np.ndarray) -> np.ndarray:
    """Return uint8 [..., 3] for values of any shape: black at 0, blue above, orange below, by the largest."""
    return np.rint(_strength(values) * hues(values)).astype(np.uint8)


def on_ink(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return values [28, 28] as colours on the faint ink of `image` [28, 28]: uint8 [28, 28, 3]."""
    strength = _strength(values)
    return np.rint(image[..., None] * FAINT * (1 - strength) + hues(values) * strength).astype(np.uint8)


def _strength(values: np.ndarray) -> np.ndarray:
    """How far from zero, 0 to 1, as the largest is: [..., 1]."""
    return np.abs(values)[..., None] / max(float(np.abs(values).max()), 1e-12)


def hues(values: np.ndarray) -> np.ndarray:
    """Return the colour of each value's sign, at full strength: [..., 3]."""
    return np.where(values[..., None] >= 0, ABOVE, BELOW)
