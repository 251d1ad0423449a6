"""Recipes: named training settings; six follow published tutorials, four are our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.messages import N_


@dataclass(frozen=True)
class Recipe:
    """A training config; `title` says what it is, `label` what its runs are called, `description` more."""

    label: str
    title: str
    description: str
    config: TrainConfig


def _tutorial(name: str, label: str, title: str, description: str, **settings: Any) -> tuple[str, Recipe]:
    """A tutorial's recipe: by default it trains on all 60,000 images and monitors the test set."""
    defaults: dict[str, Any] = {"validation_size": 0, "monitor": "test", "input_scaling": "unit"}
    return name, Recipe(label, title, description, TrainConfig(recipe=name, **{**defaults, **settings}))


def _own(name: str, label: str, title: str, description: str, **settings: Any) -> tuple[str, Recipe]:
    """One of our own recipes: a CNN with batch norm, AdamW and the one-cycle schedule."""
    defaults: dict[str, Any] = {
        "batch_norm": True,
        "optimizer": "adamw",
        "schedule": "one_cycle",
        "widths": (),
        "weight_decay": 0.01,
    }
    return name, Recipe(label, title, description, TrainConfig(recipe=name, **{**defaults, **settings}))


RECIPES: dict[str, Recipe] = dict(
    [
        _own(
            "quick",
            N_("Quick"),
            N_("Small CNN (quick)"),
            N_("A small CNN that reaches 99% in seconds."),
            architecture="fast_cnn",
            channels=(8, 16, 48),
            learning_rate=0.01,
            epochs=2,
        ),
        _own(
            "accurate",
            N_("Accurate"),
            N_("Wider CNN (accurate)"),
            N_("A wider CNN with augmentation (shift and rotation): 99.5% and more in a few minutes."),
            architecture="fast_cnn",
            channels=(32, 64, 128),
            learning_rate=0.01,
            epochs=12,
            augmentation="affine",
            label_smoothing=0.1,
        ),
        _own(
            "best",
            N_("Best"),
            N_("6 convolutions (best)"),
            N_("Six convolutions with augmentation, trained as long as accuracy improves."),
            architecture="vgg",
            channels=(32, 64, 128),
            learning_rate=0.01,
            epochs=12,
            augmentation="affine",
            label_smoothing=0.1,
            validation_size=2_000,
        ),
        _own(
            "world",
            N_("World"),
            N_("6 convolutions, synthetic digits (world)"),
            N_(
                "Best, plus synthetic digits in forms that MNIST lacks: 1 with an upstroke, crossed "
                "7, open 4."
            ),
            architecture="vgg",
            channels=(32, 64, 128),
            learning_rate=0.01,
            epochs=15,
            augmentation="affine",
            label_smoothing=0.1,
            validation_size=2_000,
            written_share=1.0,
        ),
        _tutorial(
            "tutorial-1",
            N_("Tutorial 1"),
            N_("3 ReLU layers, Adam (tutorial 1)"),
            N_("Three hidden layers of 64, Adam, batches of 15: accuracy before and after training."),
            widths=(64, 64, 64),
            batch_size=15,
            epochs=2,
            input_scaling="standard",
        ),
        _tutorial(
            "tutorial-2",
            N_("Tutorial 2"),
            N_("2 sigmoid layers, SGD (tutorial 2)"),
            N_("Sigmoid layers and plain SGD: still poor after one epoch, good after ten."),
            widths=(128, 256),
            activation="sigmoid",
            optimizer="sgd",
            learning_rate=0.2,
            batch_size=64,
            shuffle=False,
            epochs=10,
        ),
        _tutorial(
            "tutorial-3",
            N_("Tutorial 3"),
            N_("1 ReLU layer, SGD (tutorial 3)"),
            N_("One hidden layer of 256 with ReLU and SGD at 0.5: near 97.8%."),
            widths=(256,),
            optimizer="sgd",
            learning_rate=0.5,
            batch_size=64,
            shuffle=False,
            epochs=10,
        ),
        _tutorial(
            "tutorial-4a",
            N_("Tutorial 4a"),
            N_("3 ReLU layers, NLL (tutorial 4a)"),
            N_("Tutorial 1's network with log-softmax and negative log-likelihood: one loss in two parts."),
            widths=(64, 64, 64),
            loss="nll",
            batch_size=15,
            epochs=2,
        ),
        _tutorial(
            "tutorial-4b",
            N_("Tutorial 4b"),
            N_("CNN, Adam (tutorial 4b)"),
            N_("A convolutional network on the first 55,000 images: two epochs are enough for 98.5%."),
            architecture="cnn",
            channels=(32, 64),
            widths=(128,),
            train_size=55_000,
            epochs=2,
            input_scaling="symmetric",
        ),
        _tutorial(
            "tutorial-5",
            N_("Tutorial 5"),
            N_("1 ReLU layer, Adam (tutorial 5)"),
            N_("One hidden layer of 500 and Adam; its weights are saved when it ends."),
            widths=(500,),
            epochs=5,
        ),
    ]
)
