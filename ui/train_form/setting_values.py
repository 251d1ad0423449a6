"""The values that the form's sliders offer, and the largest layers that its number fields offer."""

from collections.abc import Sequence

from ui.i18n import count_text, formatted_number
from ui.train_form.state import MIN_NESTEROV_MOMENTUM

SLIDER_VALUES: dict[str, Sequence[float]] = {
    "learning_rate": [float(f"{m}e-{e}") for e in range(5, -1, -1) for m in (1, 2, 5)] + [10.0],
    "batch_size": [1, 2, 5, 10, 15, 32, 50, 64, 100, 128, 200, 256, 500, 1000, 2000, 5000, 10_000, 60_000],
    "epochs": [*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000],
    "momentum": [0.0, MIN_NESTEROV_MOMENTUM, 0.8, 0.9, 0.95, 0.99],
    "weight_decay": [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1],
    "label_smoothing": [0.0, 0.05, 0.1, 0.2, 0.3],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    "train_size": [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 55_000, 60_000],
    "written_share": [0.0, 0.05, 0.1, 0.25, 0.5, 1.0],
    "validation_size": [0, 500, 1000, 2000, 5000, 10_000],
}
MAX_LAYER_SIZE = {"widths": 1024, "channels": 256}
"""Units or channels a layer; a link may ask for more, up to FIELD_RANGES."""


def slider_values(field: str, current: float, lowest: float = 0) -> list[float]:
    """Return the values from `lowest` on that a setting's slider offers, the current one among them."""
    return sorted({*(value for value in SLIDER_VALUES[field] if value >= lowest), current})


def number_text(value: float) -> str:
    """Return a setting's number as people write it: 0.0005, 1,000."""
    if isinstance(value, int):
        return count_text(value)
    decimals = f"{value:.6f}".rstrip("0").partition(".")[2]
    return formatted_number(value, f".{len(decimals)}f")
