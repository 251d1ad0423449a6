"""The chapters of Learn in reading order: key in the URL, title, what each shows, and its module."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from mnist_core.messages import N_


class Question(NamedTuple):
    """The question before the experiment: its text, and the options' labels by their names."""

    text: str
    options: Mapping[str, str]


class ChapterContent(Protocol):
    """The functions of a chapter's module; all texts are in the visitor's language."""

    def ask(self) -> Question:
        """Return the question about what the experiment will show."""

    def run(self) -> Any:
        """Show the experiment and return its result; None while it has none, as before it was started."""

    def answer(self, result: Any) -> str:
        """Return the experiment's answer to the question: a few words, a number."""

    def explain(self, result: Any) -> None:
        """Show why, in two or three sentences, with the formula and its live numbers."""

    def training(self, result: Any) -> dict[str, Any]:
        """Return the settings for "Try it yourself": a recipe, and the fields of TrainConfig that differ."""


@dataclass(frozen=True)
class Chapter:
    """A chapter: its key in the URL, its title, one sentence of what it shows, and its module in ui.learn."""

    key: str
    title: str
    about: str
    module: str

    def content(self) -> ChapterContent:
        """Import the chapter's module: only the chapter that is shown is loaded."""
        return cast(ChapterContent, importlib.import_module(f"ui.learn.{self.module}"))


_IN_READING_ORDER = (
    Chapter(
        "image",
        N_("A picture is 784 numbers"),
        N_("Flatten: how a picture of 28 x 28 pixels becomes a vector, and how its values are scaled."),
        "image_to_vector",
    ),
    Chapter(
        "neuron",
        N_("One neuron"),
        N_("Weights, sum, bias, activation: one neuron draws one line, four lines make a quadrilateral."),
        "one_neuron",
    ),
    Chapter(
        "layers",
        N_("Layers"),
        N_("W and b: shapes and parameters of each layer, and why layers without an activation collapse."),
        "stacked_layers",
    ),
    Chapter(
        "activations",
        N_("Activation functions"),
        N_("Sigmoid, tanh, ReLU and others: their curves, their slopes, and what they do to a layer."),
        "activation_functions",
    ),
    Chapter(
        "softmax",
        N_("Softmax and cross-entropy"),
        N_("From ten logits to ten probabilities, and to the loss that tells how wrong they are."),
        "softmax_cross_entropy",
    ),
    Chapter(
        "autograd",
        N_("Autograd"),
        N_("A calculation as a graph: values forward, gradients backward."),
        "autograd_graph",
    ),
    Chapter(
        "descent",
        N_("Gradient descent"),
        N_("The paths of SGD, momentum, Adam and others on one loss surface, and the learning rate."),
        "descent_paths",
    ),
    Chapter(
        "batches",
        N_("Batches and epochs"),
        N_("One image, a mini-batch or the whole set: noise of the step, steps per epoch, time."),
        "batch_sizes",
    ),
    Chapter(
        "vanishing",
        N_("Vanishing and exploding gradients"),
        N_("Depth, activation and initialization: how large the gradient of each layer is."),
        "vanishing_gradients",
    ),
    Chapter(
        "convolution",
        N_("Convolution and pooling"),
        N_("A kernel slides over a digit: stride, padding, output size, shared parameters, max pooling."),
        "sliding_kernel",
    ),
    Chapter(
        "receptive",
        N_("Receptive field"),
        N_("Which pixels a unit can see, layer by layer, and why three 3 x 3 kernels replace one 7 x 7."),
        "receptive_field",
    ),
    Chapter(
        "history",
        N_("A short history on MNIST"),
        N_("The ideas of LeNet-5, AlexNet, VGG and ResNet as small networks, side by side."),
        "network_history",
    ),
    Chapter(
        "overfitting",
        N_("Overfitting: training, validation and test set"),
        N_("500 images learned by heart, and what more data, dropout, weight decay and augmentation change."),
        "overfitting",
    ),
    Chapter(
        "accuracy",
        N_("Accuracy: what a good number is"),
        N_("Accuracy and its interval on 10,000 images, train and eval mode, seeds."),
        "accuracy_interval",
    ),
    Chapter(
        "drawing",
        N_("Preprocessing: why your drawing was read wrong"),
        N_("From the canvas to 28 x 28 pixels, as MNIST's digits were made."),
        "canvas_to_image",
    ),
    Chapter(
        "operate",
        N_("Operate on a network"),
        N_("Silence a unit, prune or round the weights, and see which digits suffer."),
        "network_surgery",
    ),
)
CHAPTERS = {chapter.key: chapter for chapter in _IN_READING_ORDER}
"""All chapters, by key."""
