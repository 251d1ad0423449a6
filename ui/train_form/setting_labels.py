"""Labels and help texts of the settings, and the values that the form offers."""

import math
from collections.abc import Sequence
from typing import Any

from mnist_core.choices import CHOICES
from mnist_core.messages import N_
from ui.i18n import gettext as _
from ui.i18n import number_text

LABELS = {
    "architecture": N_("Network"),
    "widths": N_("Hidden layers"),
    "channels": N_("Convolution stages"),
    "activation": N_("Activation"),
    "initialization": N_("Initialization"),
    "learning_rate": N_("Learning rate"),
    "batch_size": N_("Batch size"),
    "epochs": N_("Epochs"),
    "optimizer": N_("Optimizer"),
    "momentum": N_("Momentum"),
    "weight_decay": N_("Weight decay"),
    "gradient_clipping": N_("Gradient clipping"),
    "schedule": N_("Learning rate schedule"),
    "loss": N_("Loss function"),
    "label_smoothing": N_("Label smoothing"),
    "shuffle": N_("Shuffle in every epoch"),
    "dropout": N_("Dropout"),
    "batch_norm": N_("Batch norm"),
    "input_scaling": N_("Input scaling"),
    "augmentation": N_("Augmentation"),
    "dataset": N_("Data set"),
    "train_size": N_("Training images"),
    "written_share": N_("Synthetic digits"),
    "monitor": N_("Monitor"),
    "validation_size": N_("Validation images"),
    "precision": N_("Numeric precision"),
    "seed": N_("Seed"),
}
HELPS = {
    "widths": N_("The number of layers between the pixels and the outputs, and the units of each."),
    "channels": N_("Output channels (feature maps) of each stage; each stage halves the image."),
    "learning_rate": N_("The size of each step of the weights. Too small learns slowly, too large diverges."),
    "batch_size": N_("Images per step: one (stochastic), some (mini-batch) or all of them (full batch)."),
    "epochs": N_("How many times training passes over all training images."),
    "momentum": N_("The share of the last step that is kept in the next one; only some optimizers use it."),
    "weight_decay": N_("Shrinks all weights a little in each step, against overfitting."),
    "gradient_clipping": N_(
        "The largest norm of a step's gradient, all layers together; longer ones are shortened to it. "
        "0 is off. Pascanu et al. 2013."
    ),
    "label_smoothing": N_(
        "Trains towards probabilities below 100%, against overconfidence; not with NLL loss."
    ),
    "dropout": N_(
        "The share of hidden units set to zero at random in each training step, against overfitting."
    ),
    "batch_norm": N_(
        "Normalizes each layer's outputs over the batch: more stable, faster training. It needs at least 2 "
        "images; batches above 500 are normalized in parts."
    ),
    "train_size": N_("Fewer images train faster and show overfitting sooner."),
    "written_share": N_(
        "The number per training image: digits in forms that are common in the world and missing from MNIST."
    ),
    "validation_size": N_("Training images held out to monitor the training, never trained on."),
    "seed": N_("The same seed and settings give the same run."),
}
CHAPTER_OF_SETTING = {
    "architecture": "history",
    "widths": "layers",
    "channels": "convolution",
    "activation": "activations",
    "initialization": "vanishing",
    "loss": "softmax",
    "label_smoothing": "softmax",
    "optimizer": "descent",
    "learning_rate": "descent",
    "momentum": "descent",
    "schedule": "descent",
    "gradient_clipping": "vanishing",
    "batch_size": "batches",
    "epochs": "batches",
    "shuffle": "batches",
    "dropout": "overfitting",
    "weight_decay": "overfitting",
    "augmentation": "overfitting",
    "train_size": "overfitting",
    "monitor": "overfitting",
    "validation_size": "overfitting",
    "input_scaling": "image",
    "seed": "accuracy",
}
"""The chapter of Learn that explains a setting, by its key in ui/learn/chapters.py."""
# What has no entry with a label of its own in the registries.
CHOICE_LABELS = {
    "cross_entropy": N_("Cross-entropy"),
    "nll": N_("Log-softmax + NLL"),
    "validation": N_("Validation set"),
    "test": N_("Test set"),
    "auto": N_("Automatic"),
    "float32": "float32",
    "bfloat16": "bfloat16",
}
MIN_NESTEROV_MOMENTUM = 0.5
SLIDER_VALUES: dict[str, Sequence[float]] = {
    "learning_rate": [float(f"{m}e-{e}") for e in range(5, -1, -1) for m in (1, 2, 5)] + [10.0],
    "batch_size": [1, 2, 5, 10, 15, 32, 50, 64, 100, 128, 200, 256, 500, 1000, 2000, 5000, 10_000, 60_000],
    "epochs": [*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000],
    "momentum": [0.0, MIN_NESTEROV_MOMENTUM, 0.8, 0.9, 0.95, 0.99],
    "weight_decay": [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1],
    "gradient_clipping": [0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0],
    "label_smoothing": [0.0, 0.05, 0.1, 0.2, 0.3],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    "train_size": [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 55_000, 60_000, 120_000, 240_000],
    "written_share": [0.0, 0.05, 0.1, 0.25, 0.5, 1.0],
    "validation_size": [0, 500, 1000, 2000, 5000, 10_000],
}


def slider_values(field: str, current: float, lowest: float = 0, highest: float = math.inf) -> list[float]:
    """Return the values from `lowest` to `highest` that a setting's slider offers, and the current one."""
    return sorted({*(value for value in SLIDER_VALUES[field] if lowest <= value <= highest), current})


def value_text(field: str, value: Any) -> str:
    """Return a setting's value as the Train form shows it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or _("None")
    if field in CHOICES:
        return _(getattr(CHOICES[field][value], "label", CHOICE_LABELS.get(value, value)))
    return number_text(value)
