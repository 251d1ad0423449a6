"""The activations a hidden layer can use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnist_core.messages import N_

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Activation:
    """One activation: `layer` names its class in torch.nn, with `options`; None builds nothing.

    `pieces` linear maps feed each unit (1 for all but Maxout). `monotone` ones never fall as their input
    rises, so max pooling gives the same before them as after, for a quarter of the work.
    """

    label: str
    description: str
    layer: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    pieces: int = 1
    monotone: bool = False


ACTIVATIONS: dict[str, Activation] = {
    "none": Activation(
        N_("None"), N_("No activation: however many layers, together they are one linear map."), monotone=True
    ),
    "sigmoid": Activation(
        N_("Sigmoid"),
        N_("Squashes to 0..1; its slope is at most 1/4, so deep stacks learn slowly."),
        "Sigmoid",
        monotone=True,
    ),
    "tanh": Activation(
        N_("Tanh"), N_("Squashes to -1..1, centred on zero; flat at both ends."), "Tanh", monotone=True
    ),
    "relu": Activation(
        N_("ReLU"),
        N_("max(0, x): cheap, and its slope of 1 eases vanishing gradients."),
        "ReLU",
        monotone=True,
    ),
    "leaky_relu": Activation(
        N_("LeakyReLU"),
        N_("ReLU with a slope of 0.01 below zero, so no unit dies for good."),
        "LeakyReLU",
        {"negative_slope": 0.01},
        monotone=True,
    ),
    "prelu": Activation(
        N_("PReLU"), N_("LeakyReLU whose slope below zero is learned with the weights."), "PReLU"
    ),
    "rrelu": Activation(
        N_("RReLU"), N_("LeakyReLU whose slope below zero is drawn at random while training."), "RReLU"
    ),
    "elu": Activation(N_("ELU"), N_("Smooth below zero, levelling off at -1."), "ELU", monotone=True),
    "selu": Activation(
        N_("SELU"),
        N_("A scaled ELU that keeps activations near mean 0 and spread 1 in plain MLPs."),
        "SELU",
        monotone=True,
    ),
    "gelu": Activation(
        N_("GELU"), N_("x times the normal distribution's CDF: a smooth ReLU, used in transformers."), "GELU"
    ),
    "silu": Activation(N_("SiLU"), N_("x times sigmoid(x), also called Swish: a smooth ReLU."), "SiLU"),
    "maxout": Activation(
        N_("Maxout"),
        N_("The largest of two linear maps per unit: learns its own shape, for twice the weights."),
        "Maxout",
        {"pieces": 2},
        pieces=2,
    ),
}


def build_activation(name: str) -> nn.Module:
    """Build the activation `name` (a key of ACTIVATIONS); "none" gives an identity."""
    from torch import nn

    from mnist_core.model import Maxout

    activation = ACTIVATIONS[name]
    if activation.layer is None:
        return nn.Identity()
    layer = Maxout if activation.layer == "Maxout" else getattr(nn, activation.layer)
    module: nn.Module = layer(**activation.options)
    return module
