"""Registries of the choices for each training setting: labels, descriptions and parameters, without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_core.dataset_choices import DATASETS
from mnist_core.messages import N_, InputError, Message


@dataclass(frozen=True)
class Activation:
    """An activation function; `layer` names its class in torch.nn, built with `options` (None: no layer).

    Each unit takes `pieces` linear maps as input (1 for all but Maxout).
    """

    label: str
    description: str
    layer: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    pieces: int = 1


ACTIVATIONS: dict[str, Activation] = {
    "none": Activation(N_("None"), N_("No activation: any number of layers is together one linear map.")),
    "sigmoid": Activation(
        N_("Sigmoid"),
        N_("Maps to 0..1; its slope is at most 1/4, so deep networks learn slowly."),
        "Sigmoid",
    ),
    "tanh": Activation(N_("Tanh"), N_("Maps to -1..1, centred on zero; flat at both ends."), "Tanh"),
    "relu": Activation(
        N_("ReLU"),
        N_("max(0, x): cheap, and its slope of 1 eases vanishing gradients."),
        "ReLU",
    ),
    "leaky_relu": Activation(
        N_("LeakyReLU"),
        N_("ReLU with a slope of 0.01 below zero, so units do not stay dead."),
        "LeakyReLU",
        {"negative_slope": 0.01},
    ),
    "prelu": Activation(
        N_("PReLU"), N_("LeakyReLU whose slope below zero is learned with the weights."), "PReLU"
    ),
    "rrelu": Activation(
        N_("RReLU"), N_("LeakyReLU whose slope below zero is drawn at random while training."), "RReLU"
    ),
    "elu": Activation(N_("ELU"), N_("Smooth below zero, levelling off at -1."), "ELU"),
    "selu": Activation(
        N_("SELU"),
        N_("A scaled ELU that keeps activations near mean 0 and std 1 in plain MLPs."),
        "SELU",
    ),
    "gelu": Activation(
        N_("GELU"), N_("x times the normal distribution's CDF: a smooth ReLU, used in transformers."), "GELU"
    ),
    "silu": Activation(N_("SiLU"), N_("x times sigmoid(x), also called Swish: a smooth ReLU."), "SiLU"),
    "maxout": Activation(
        N_("Maxout"),
        N_("The maximum of two linear maps per unit: a learned activation, for twice the weights."),
        "Maxout",
        {"pieces": 2},
        pieces=2,
    ),
}


@dataclass(frozen=True)
class Architecture:
    """A family of networks; models.architectures builds it.

    `uses_widths`: it has fully connected hidden layers of TrainConfig.widths. `stages`: the smallest and
    largest number of channel counts it accepts; None if it has no channels. The last three are settings to
    start from, for those who choose it in place of another.
    """

    label: str
    description: str
    uses_widths: bool = False
    stages: tuple[int, int] | None = None
    widths: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    batch_norm: bool = False

    def check(self, channels: tuple[int, ...]) -> None:
        """Raise InputError if the number of `channels` is outside `stages`."""
        if self.stages and not self.stages[0] <= len(channels) <= self.stages[1]:
            raise InputError(
                N_(
                    "{label} takes {least} to {most} channel counts, because each stage halves the image; "
                    "{given} were given."
                ),
                label=Message(self.label),
                least=self.stages[0],
                most=self.stages[1],
                given=len(channels),
            )


ARCHITECTURES: dict[str, Architecture] = {
    "softmax": Architecture(
        N_("Softmax regression"),
        N_("One linear map from 784 pixels to the scores of the classes: no hidden layer."),
    ),
    "mlp": Architecture(
        N_("MLP"),
        N_("Fully connected layers of any widths; it does not know which pixels are neighbours."),
        uses_widths=True,
        widths=(128, 64),
    ),
    "cnn": Architecture(
        N_("CNN"),
        N_("3 x 3 convolution, activation and pooling for each channel count, then fully connected layers."),
        uses_widths=True,
        stages=(1, 4),
        widths=(64,),
        channels=(16, 32),
    ),
    "lenet5": Architecture(
        N_("LeNet-5"),
        N_("LeCun's network of 1998: two 5 x 5 convolutions, average pooling, layers of 120 and 84."),
    ),
    "vgg": Architecture(
        N_("Small VGG"),
        N_("Pairs of 3 x 3 convolutions before each pooling, as in VGG (2014)."),
        uses_widths=True,
        stages=(1, 4),
        widths=(64,),
        channels=(16, 32),
        batch_norm=True,
    ),
    "resnet": Architecture(
        N_("Small ResNet"),
        N_("Pairs of 3 x 3 convolutions with a skip connection, as in ResNet (2015)."),
        uses_widths=True,
        stages=(1, 4),
        channels=(16, 32),
        batch_norm=True,
    ),
    "fast_cnn": Architecture(
        N_("Fast CNN"),
        N_("Designed for this lab: stride 2 in the first convolution, for the most accuracy per second."),
        uses_widths=True,
        stages=(2, 4),
        channels=(8, 16, 48),
        batch_norm=True,
    ),
}


@dataclass(frozen=True)
class Initialization:
    """How the weights of linear and convolutional layers are set before training; their biases become 0.

    `function` names it in torch.nn.init, called with `options`; None leaves weights and biases as torch's
    layers draw them. `source` is the publication that proposed or explains it.
    """

    label: str
    description: str
    source: str
    function: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


INITIALIZATIONS: dict[str, Initialization] = {
    "default": Initialization(
        N_("PyTorch's default"),
        N_("Uniform within 1 / sqrt(inputs) of zero, biases too."),
        "LeCun et al. 1998, Efficient BackProp",
    ),
    "xavier_uniform": Initialization(
        N_("Xavier (Glorot), uniform"),
        N_("Keeps the variance of activations and gradients equal across layers; for sigmoid and tanh."),
        "Glorot and Bengio 2010",
        "xavier_uniform_",
    ),
    "xavier_normal": Initialization(
        N_("Xavier (Glorot), normal"),
        N_("The same variance as Xavier uniform, drawn from a normal distribution."),
        "Glorot and Bengio 2010",
        "xavier_normal_",
    ),
    "kaiming_uniform": Initialization(
        N_("Kaiming (He), uniform"),
        N_("Variance 2 / inputs: makes up for ReLU setting half of its inputs to zero."),
        "He et al. 2015",
        "kaiming_uniform_",
        {"nonlinearity": "relu"},
    ),
    "kaiming_normal": Initialization(
        N_("Kaiming (He), normal"),
        N_("The same variance as Kaiming uniform, drawn from a normal distribution."),
        "He et al. 2015",
        "kaiming_normal_",
        {"nonlinearity": "relu"},
    ),
    "orthogonal": Initialization(
        N_("Orthogonal"),
        N_("Each weight matrix is a rotation: linear layers keep the length of what passes through."),
        "Saxe et al. 2014",
        "orthogonal_",
    ),
    "small_normal": Initialization(
        N_("Small normal"),
        N_("Normal with std 0.01, whatever the layer's size: in deep networks the signal fades."),
        "Krizhevsky et al. 2012",
        "normal_",
        {"std": 0.01},
    ),
    "zeros": Initialization(
        N_("Zeros"),
        N_("All units of a layer are equal and get the same gradient, so hidden layers do not learn."),
        "Rumelhart et al. 1986",
        "zeros_",
    ),
}


@dataclass(frozen=True)
class OptimizerEntry:
    """An optimizer with its default `learning_rate`; training.optimizers has its update rule.

    `torch_class` names the equivalent class in torch.optim; `nesterov` and `fused` are its options.
    """

    label: str
    description: str
    torch_class: str
    learning_rate: float
    uses_momentum: bool = False
    nesterov: bool = False
    fused: bool = False


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "sgd": OptimizerEntry(
        N_("SGD"), N_("Gradient descent: each step is the learning rate times the gradient."), "SGD", 0.1
    ),
    "momentum": OptimizerEntry(
        N_("SGD + momentum"),
        N_("Adds a share of the last step to each step, which speeds up persistent directions."),
        "SGD",
        0.05,
        uses_momentum=True,
    ),
    "nesterov": OptimizerEntry(
        N_("Nesterov"),
        N_("Momentum that computes the gradient at the point where the momentum step leads."),
        "SGD",
        0.05,
        uses_momentum=True,
        nesterov=True,
    ),
    "adagrad": OptimizerEntry(
        N_("AdaGrad"),
        N_("Each weight has its own learning rate, which shrinks as its squared gradients add up."),
        "Adagrad",
        0.01,
    ),
    "rmsprop": OptimizerEntry(
        N_("RMSprop"),
        N_("AdaGrad with a running mean of squared gradients instead of their sum."),
        "RMSprop",
        0.001,
    ),
    "adadelta": OptimizerEntry(
        N_("Adadelta"), N_("RMSprop that also scales by the size of its recent steps."), "Adadelta", 1.0
    ),
    "adam": OptimizerEntry(
        N_("Adam"), N_("Momentum and RMSprop together: a good first choice."), "Adam", 0.001, fused=True
    ),
    "adamw": OptimizerEntry(
        N_("AdamW"), N_("Adam with weight decay applied to the weights directly."), "AdamW", 0.001, fused=True
    ),
    "muon": OptimizerEntry(
        N_("Muon"),
        N_("Makes each weight matrix's step orthogonal; AdamW updates biases and the rest."),
        "Muon",
        0.02,
        uses_momentum=True,
    ),
}


@dataclass(frozen=True)
class Schedule:
    """A learning rate schedule: `factor(progress)` multiplies the base rate; progress is 0 to 1."""

    label: str
    description: str
    factor: Callable[[float], float]


def _one_cycle(progress: float, warm_up: float = 0.25, start: float = 1 / 25, end: float = 1e-5) -> float:
    if progress < warm_up:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(N_("Constant"), N_("The same learning rate throughout."), lambda progress: 1.0),
    "step": Schedule(
        N_("Step"),
        N_("A tenth of the rate after half of the run, a hundredth after three quarters."),
        lambda progress: 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01,
    ),
    "cosine": Schedule(
        N_("Cosine"),
        N_("Falls from the full rate to zero along half a cosine wave."),
        lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
    ),
    "one_cycle": Schedule(
        N_("One-cycle"),
        N_("Rises over the first quarter, then falls to nearly zero: fast and accurate (Smith 2018)."),
        _one_cycle,
    ),
}


@dataclass(frozen=True)
class Augmentation:
    """Limits of the random transformations; each is drawn independently and uniformly from -limit to limit.

    `shift` is in pixels, `rotation` and `shear` in degrees, `scale` relative to the size (0.1 is 10%).
    `elastic` is the standard deviation of a smooth displacement field, in pixels. `line_width` blends lines
    with dilated or eroded ones (3 x 3): 1 is all of that. `whole_pixels`: integer shifts, no interpolation.
    """

    label: str
    description: str
    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    line_width: float = 0.0
    whole_pixels: bool = False


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation(N_("None"), N_("Every epoch sees the same images.")),
    "shift": Augmentation(
        N_("Shift"),
        N_("Shifted by up to 2 pixels each way, at random in every epoch."),
        shift=2,
        whole_pixels=True,
    ),
    "affine": Augmentation(
        N_("Affine"),
        N_("Rotated by up to 10 degrees, sheared, scaled by up to a tenth and shifted by up to 2 pixels."),
        shift=2,
        rotation=10,
        scale=0.1,
        shear=10,
    ),
    "elastic": Augmentation(
        N_("Elastic"),
        N_("Affine and elastic distortion (Simard et al. 2003)."),
        shift=2,
        rotation=10,
        scale=0.1,
        shear=10,
        elastic=1.0,
    ),
    "pens": Augmentation(
        N_("Elastic, line widths"),
        N_("Elastic, with thinner and thicker lines."),
        shift=2,
        rotation=10,
        scale=0.1,
        shear=10,
        elastic=0.7,
        line_width=0.5,
    ),
}


@dataclass(frozen=True)
class InputScaling:
    """Input scaling: pixel values 0..255 become (pixel / 255 - mean) / std."""

    label: str
    description: str
    mean: float
    std: float


INPUT_SCALINGS: dict[str, InputScaling] = {
    "unit": InputScaling(N_("0 to 1"), N_("Pixel / 255: from 0 to 1, as ToTensor does."), 0.0, 1.0),
    "symmetric": InputScaling(N_("-1 to 1"), N_("(x - 0.5) / 0.5: from -1 to 1."), 0.5, 0.5),
    "standard": InputScaling(
        N_("Mean 0, std 1"),
        N_("(x - 0.1307) / 0.3081: MNIST's own mean becomes 0, its standard deviation 1."),
        0.1307,
        0.3081,
    ),
}


LOSSES: dict[str, str] = {
    "cross_entropy": N_("Cross-entropy of the softmax of the network's outputs."),
    "nll": N_("Negative log-likelihood after a log-softmax layer: the same loss, written in two parts."),
}
MONITORS: dict[str, str] = {
    "validation": N_(
        "Validation set: after each epoch, accuracy on training images held out; the test set "
        "is kept for the end."
    ),
    "test": N_(
        "Test set: after each epoch, accuracy on the test set, as in the tutorials; then it "
        "is no longer an unbiased test."
    ),
}
PRECISIONS: dict[str, str] = {
    "auto": N_("bfloat16 for convolutions where the processor has it, else float32."),
    "float32": N_("32-bit floating point throughout."),
    "bfloat16": N_("16-bit matrix products: faster where the processor has them."),
}

RECIPE_NAMES = (
    *("quick", "accurate", "best", "world"),
    *("tutorial-1", "tutorial-2", "tutorial-3", "tutorial-4a", "tutorial-4b", "tutorial-5"),
)
"""The names of `recipes.RECIPES`, which needs TrainConfig itself."""

CHOICES: dict[str, Mapping[str, object]] = {
    "dataset": DATASETS,
    "architecture": ARCHITECTURES,
    "activation": ACTIVATIONS,
    "initialization": INITIALIZATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "input_scaling": INPUT_SCALINGS,
    "augmentation": AUGMENTATIONS,
    "monitor": MONITORS,
    "precision": PRECISIONS,
}
