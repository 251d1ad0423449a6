"""The gradients of one batch: by autograd, or for plain MLPs by its kernels without its graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.models.architectures import layers_with_dropout, pooled_first
from mnist_core.models.modules import DigitClassifier
from mnist_core.runtime.random_stream import RandomStream

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig

PIECE = 500
"""The most images that go through a network at once (fewer of huge batches, see batches.piece_size); larger
batches add up their pieces' gradients."""

_RANDOM_LAYERS = (nn.Dropout, nn.RReLU)
_aten = torch.ops.aten
_MEAN = 1  # the kernels' code for reduction="mean"
Function = Callable[[Tensor], Tensor]
_ACTIVATIONS: dict[type[nn.Module], tuple[Function, Callable[[Tensor, Tensor], Tensor]]] = {
    nn.Identity: (lambda features: features, lambda gradient, output: gradient),
    nn.ReLU: (torch.relu, lambda gradient, output: _aten.threshold_backward.default(gradient, output, 0)),
    nn.Sigmoid: (torch.sigmoid, _aten.sigmoid_backward.default),
    nn.Tanh: (torch.tanh, _aten.tanh_backward.default),
}
"""Activations whose gradient follows from their output, with the function that computes it."""


class Gradients(Protocol):
    """Fills the parameters' .grad from batches."""

    def __call__(self, inputs: Tensor, labels: Tensor, share: float) -> Tensor:
        """Take scaled inputs [B, 1, 28, 28] and labels [B]; return the network's outputs [B, 10].

        They are `share` of a batch, 0 to 1: what the gradients of their mean loss count for.
        """

    def clear(self) -> None:
        """Discard the gradients of the batch that ended."""


def choose_gradients(
    model: DigitClassifier, config: TrainConfig, precision: str, random: RandomStream | None = None
) -> Gradients:
    """Pick the faster way that fits: DenseGradients for plain MLPs on the CPU, else AutogradGradients.

    `config` has the present settings: dropout and label smoothing may have been changed since the start.
    """
    whole_batches = config.batch_size <= PIECE and not config.label_smoothing
    plain = layers_with_dropout(model, config) is model.network and DenseGradients.fits(model)
    if plain and precision == "float32" and whole_batches:
        return DenseGradients(model)
    return AutogradGradients(model, config, precision, random)


class AutogradGradients:
    """Any model: forward under autocast if asked, backward by autograd, added up over pieces of a batch.

    Dropout and RReLU draw from `random`, by default a stream from `config.seed`.
    """

    def __init__(
        self, model: DigitClassifier, config: TrainConfig, precision: str, random: RandomStream | None = None
    ) -> None:
        self._smoothing = config.label_smoothing
        self._loss = F.nll_loss if config.loss == "nll" else self._cross_entropy
        self._bfloat16 = precision == "bfloat16"
        self._network = pooled_first(layers_with_dropout(model, config))
        is_random = any(isinstance(module, _RANDOM_LAYERS) for module in self._network.modules())
        self._random = (random or RandomStream(config.seed)) if is_random else None
        self._parameters = list(model.parameters())
        self.clear()

    def clear(self) -> None:
        """Drop the gradients, so that the next batch starts from none."""
        for parameter in self._parameters:
            parameter.grad = None

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self._smoothing)

    def __call__(self, inputs: Tensor, labels: Tensor, share: float) -> Tensor:
        """Add the gradients of `share` times the batch's mean loss; see Gradients."""
        with self._random or nullcontext():
            with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self._bfloat16):
                logits = self._network(inputs)
            logits = logits.float()
            loss = self._loss(logits, labels)
            (loss if share == 1 else loss * share).backward()
        outputs: Tensor = logits.detach()
        return outputs


class DenseGradients:
    """Backpropagation written out for linear layers with an activation between them.

    It calls the kernels that autograd would call, in its order, so the gradients are the same to the bit;
    what it saves is autograd's graph, which at batches of 15 takes longer than the arithmetic.
    """

    def __init__(self, model: DigitClassifier) -> None:
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        *hidden, self._last = (_Layer(layer) for layer in model.network if isinstance(layer, nn.Linear))
        activations = [_ACTIVATIONS[type(layer)] for layer in model.network if type(layer) in _ACTIVATIONS]
        self._hidden = list(zip(hidden, activations, strict=True))
        self._one = torch.ones(())
        self._counts: dict[int, Tensor] = {}  # batch sizes as tensors, few different ones

    @staticmethod
    def fits(model: DigitClassifier) -> bool:
        """Whether the network is flatten, linear, activation, linear ... on the CPU, and nothing else."""
        kinds = [type(layer) for layer in model.network]
        hidden = kinds[1:-1] if kinds[-1] is nn.Linear else kinds[1:-2]
        pairs = list(zip(hidden[::2], hidden[1::2], strict=False))
        return (
            kinds[0] is nn.Flatten
            and kinds[-1] in (nn.Linear, nn.LogSoftmax)
            and len(hidden) == 2 * len(pairs)
            and all(linear is nn.Linear and activation in _ACTIVATIONS for linear, activation in pairs)
            and next(model.parameters()).device.type == "cpu"
        )

    def clear(self) -> None:
        """Keep the buffers: the next batch overwrites them."""

    def __call__(self, inputs: Tensor, labels: Tensor, share: float) -> Tensor:
        """Replace the gradients by those of the batch's mean loss; see Gradients."""
        outputs = [inputs.flatten(1)]
        for layer, (activate, _) in self._hidden:
            outputs.append(activate(torch.addmm(layer.bias, outputs[-1], layer.transposed)))
        logits = torch.addmm(self._last.bias, outputs[-1], self._last.transposed)
        log_probabilities = _aten._log_softmax.default(logits, 1, False)
        size = len(labels)
        if size not in self._counts:
            self._counts[size] = self._one * size
        count = self._counts[size]
        gradient = _aten.nll_loss_backward.default(
            self._one, log_probabilities, labels, None, _MEAN, -100, count
        )
        gradient = _aten._log_softmax_backward_data.default(gradient, log_probabilities, 1, logits.dtype)
        layer = self._last
        for below, (_, differentiate) in reversed(self._hidden):
            layer.set_gradients(gradient, outputs[-1])
            gradient = differentiate(gradient.mm(layer.weight), outputs.pop())
            layer = below
        layer.set_gradients(gradient, outputs[-1])
        return logits


class _Layer:
    """The numbers of a linear layer and their gradients, in the views that the arithmetic takes."""

    def __init__(self, linear: nn.Linear) -> None:
        self.weight, self.bias = linear.weight.detach(), linear.bias.detach()  # not recorded by autograd
        self.transposed = self.weight.t()
        self._gradients = linear.weight.grad, linear.bias.grad

    def set_gradients(self, gradient: Tensor, inputs: Tensor) -> None:
        """From the gradient of the layer's outputs, set those of its weight and bias."""
        of_weight, of_bias = self._gradients
        torch.mm(gradient.t(), inputs, out=of_weight)
        torch.sum(gradient, 0, out=of_bias)
