"""What pixel values 0..255 become before the first weight sees them."""

from dataclasses import dataclass

from mnist_core.messages import N_


@dataclass(frozen=True)
class InputScaling:
    """Pixels become (pixel / 255 - mean) / std."""

    label: str
    description: str
    mean: float
    std: float


INPUT_SCALINGS: dict[str, InputScaling] = {
    "unit": InputScaling(N_("0 to 1"), N_("Pixel / 255, from 0 to 1; no more than ToTensor does."), 0.0, 1.0),
    "symmetric": InputScaling(N_("-1 to 1"), N_("(x - 0.5) / 0.5: from -1 to 1."), 0.5, 0.5),
    "standard": InputScaling(
        N_("Mean 0, spread 1"),
        N_("(x - 0.1307) / 0.3081: MNIST's own mean becomes 0, its standard deviation 1."),
        0.1307,
        0.3081,
    ),
}
