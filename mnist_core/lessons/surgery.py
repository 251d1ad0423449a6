"""Operations on a trained network's weights, and what they do to its answers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import ConfigSplits, Split
from mnist_core.messages import N_, InputError
from mnist_core.runtime.job import Steps, in_share

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.models.modules import DigitClassifier

IMAGES = 2_000  # that an operated network reads: few enough to answer at once
PART = 500  # of these images, after each of which a reading can be stopped
BATCH = 50  # images per batch: the fastest for the pretrained model
ALL_LAYERS = -1
NOISE_SEED = 0


class Amounts(NamedTuple):
    """The range of an operation's amount, the distance of two on a slider, the first one, and its unit."""

    low: float
    high: float
    step: float
    first: float
    unit: str = ""


class OperationKind(NamedTuple):
    """What can be done to weights: its label, what it does, its amounts if it has any.

    `of_unit` says whether it is done to one unit of a layer.
    """

    label: str
    description: str
    amounts: Amounts | None = None
    of_unit: bool = False


OPERATIONS: dict[str, OperationKind] = {
    "prune": OperationKind(
        N_("Prune the smallest weights"),
        N_("Sets a share of the weights to 0: those with the smallest absolute values."),
        Amounts(0, 100, 1, first=50, unit="%"),
    ),
    "silence": OperationKind(
        N_("Silence a unit or feature map"),
        N_("Nothing that one unit or feature map says reaches the next layer any more."),
        of_unit=True,
    ),
    "scale": OperationKind(
        N_("Scale the weights"),
        N_("Multiplies all weights of a layer by one factor; its biases stay."),
        Amounts(-1, 3, 0.1, first=0.5),
    ),
    "shift": OperationKind(
        N_("Shift a bias"),
        N_("Adds a number to the bias of one unit or feature map."),
        Amounts(-10, 10, 0.5, first=5),
        of_unit=True,
    ),
    "noise": OperationKind(
        N_("Add noise to the weights"),
        N_("Adds a random number to each weight; its size is a share of the weights' standard deviation."),
        Amounts(0, 200, 5, first=50, unit="%"),
    ),
    "round": OperationKind(
        N_("Round the weights to n bits"),
        N_("Leaves each weight one of 2^n - 1 evenly spaced values; with 1 bit, one of two."),
        Amounts(1, 8, 1, first=4, unit=" bit"),
    ),
}
"""The operations by their name in links."""


class Operation(NamedTuple):
    """An operation: kind, layer from 0 (or ALL_LAYERS), unit from 0, and amount, 0 without one."""

    kind: str
    layer: int = ALL_LAYERS
    unit: int = 0
    amount: float = 0.0

    @property
    def text(self) -> str:
        """The operation as written in links, such as "prune_-1_0_50"; `parse` reads it back."""
        return f"{self.kind}_{self.layer}_{self.unit}_{self.amount:g}"

    @classmethod
    def parse(cls, text: str) -> Operation | None:
        """Read what `text` returns; None for anything else."""
        parts = text.split("_")
        try:
            kind, layer, unit, amount = parts[0], int(parts[1]), int(parts[2]), float(parts[3])
        except (ValueError, IndexError):
            return None
        known = OPERATIONS.get(kind)
        if known is None or len(parts) > 4 or not math.isfinite(amount):
            return None
        low, high = known.amounts[:2] if known.amounts else (0, 0)
        in_range = low <= amount <= high
        return cls(kind, layer, unit, amount) if in_range and unit >= 0 else None


class WeightLayer(NamedTuple):
    """A layer with weights: what it is, its units or feature maps, and the layer that reads them.

    `shift` holds its biases: its own, or those of the batch norm after it. `reader` is the layer whose
    weights take this layer's units up, None for the last layer and where several layers do.
    """

    layer: nn.Module
    units: int
    shift: nn.Module
    reader: nn.Module | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its weights, outputs first."""
        weight: Any = self.layer.weight
        return tuple(weight.shape)


def weight_layers(model: DigitClassifier) -> list[WeightLayer]:
    """Return the layers of a network that have weights, in the order in which they are used."""
    return list(_layers_of(list(model.network)))


def _layers_of(modules: Sequence[nn.Module]) -> Iterator[WeightLayer]:
    """Go through a sequence of modules; those of a residual block's main path are a sequence of their own."""
    from torch import nn

    from mnist_core.models.modules import Maxout, ResidualBlock

    for place, module in enumerate(modules):
        if isinstance(module, ResidualBlock):
            main: Any = module.main
            yield from _layers_of([*main])
            if isinstance(module.skip, nn.Conv2d):
                yield WeightLayer(module.skip, module.skip.out_channels, module.skip, None)
        elif isinstance(module, nn.Linear | nn.Conv2d):
            after = _until_next_weights(modules[place + 1 :])
            pieces = next((each.pieces for each in after if isinstance(each, Maxout)), 1)
            norm = next((each for each in after if isinstance(each, _norms())), module)
            reader = next(iter(modules[place + 1 + len(after) :]), None)
            readable = isinstance(reader, nn.Linear | nn.Conv2d)
            yield WeightLayer(module, len(module.weight) // pieces, norm, reader if readable else None)


def _until_next_weights(modules: Sequence[nn.Module]) -> list[nn.Module]:
    """Return the modules before the next one with weights of inputs, or the next residual block."""
    from torch import nn

    from mnist_core.models.modules import ResidualBlock

    found = []
    for module in modules:
        if isinstance(module, nn.Linear | nn.Conv2d | ResidualBlock):
            break
        found.append(module)
    return found


def _norms() -> tuple[type[nn.Module], ...]:
    from torch import nn

    return nn.BatchNorm1d, nn.BatchNorm2d


def can_operate(layer: WeightLayer, kind: str) -> bool:
    """Whether this kind of operation can be done to the layer."""
    if kind == "silence":
        return layer.reader is not None
    return kind != "shift" or getattr(layer.shift, "bias", None) is not None


def fits(layers: list[WeightLayer], operation: Operation) -> bool:
    """Whether a network with these layers has the operation's layer and unit."""
    try:
        return bool(_chosen(layers, operation))
    except InputError:
        return False


def operate(model: DigitClassifier, operations: Sequence[Operation]) -> DigitClassifier:
    """Return a copy of `model` after the operations, in their order; `model` is not changed.

    Raises InputError for a layer or unit that the network doesn't have, or that can't be operated on so.
    """
    import torch

    operated = copy.deepcopy(model)
    layers = weight_layers(operated)
    with torch.no_grad():
        for operation in operations:
            for layer in _chosen(layers, operation):
                _CHANGES[operation.kind](layer, operation)
    return operated


def _chosen(layers: list[WeightLayer], operation: Operation) -> list[WeightLayer]:
    kind = OPERATIONS[operation.kind]
    if operation.layer == ALL_LAYERS and not kind.of_unit:
        return layers
    if not 0 <= operation.layer < len(layers) or operation.unit >= layers[operation.layer].units:
        raise InputError(N_("The network has no such layer or unit; choose another."))
    if not can_operate(layers[operation.layer], operation.kind):
        raise InputError(N_("This can't be done to this layer; choose another."))
    return [layers[operation.layer]]


def _silence(layer: WeightLayer, operation: Operation) -> None:
    """Set the next layer's weights for the unit to 0, so that the unit has no effect."""
    assert layer.reader is not None
    weight: Any = layer.reader.weight
    inputs = weight.shape[1] // layer.units  # a flattened feature map has one input for each of its values
    weight[:, operation.unit * inputs : (operation.unit + 1) * inputs] = 0


def _scale(layer: WeightLayer, operation: Operation) -> None:
    weight: Any = layer.layer.weight
    weight *= operation.amount


def _shift(layer: WeightLayer, operation: Operation) -> None:
    bias: Any = layer.shift.bias
    pieces = len(bias) // layer.units
    bias[operation.unit * pieces : (operation.unit + 1) * pieces] += operation.amount


def _prune(layer: WeightLayer, operation: Operation) -> None:
    """Set the smallest to 0: torch.nn.utils.prune does that only for weights that are not channels last."""
    import torch

    weight: Any = layer.layer.weight
    values = weight.flatten()
    count = round(len(values) * operation.amount / 100)
    smallest = np.argpartition(values.abs().numpy(), max(count - 1, 0))[:count]  # faster than torch.topk
    weight.copy_(values.index_fill(0, torch.from_numpy(smallest), 0).reshape(weight.shape))


def _add_noise(layer: WeightLayer, operation: Operation) -> None:
    import torch

    weight: Any = layer.layer.weight
    random = torch.Generator().manual_seed(NOISE_SEED)
    noise = torch.randn(weight.shape, generator=random)
    weight += noise * weight.std() * (operation.amount / 100)


def _round(layer: WeightLayer, operation: Operation) -> None:
    """Round to a symmetric uniform grid; with 1 bit to plus or minus the mean size of the weights.

    Rastegari et al. 2016, "XNOR-Net", has the latter, for each output on its own; here it is one for a layer.
    """
    import torch

    weight: Any = layer.layer.weight
    levels = 2 ** (round(operation.amount) - 1) - 1
    if levels:
        spacing = weight.abs().max() / levels
        weight.copy_(torch.round(weight / spacing) * spacing if spacing else weight)
    else:
        weight.copy_(torch.where(weight < 0, -1.0, 1.0) * weight.abs().mean())


_CHANGES = {
    "prune": _prune,
    "silence": _silence,
    "scale": _scale,
    "shift": _shift,
    "noise": _add_noise,
    "round": _round,
}


def images_to_read(config: TrainConfig, splits: ConfigSplits) -> tuple[Split, bool]:
    """Return the first IMAGES validation images of a run's splits, and whether they are test images instead.

    They are test images if the run's settings hold no validation images out, as in the tutorials.
    """
    from_test = config.validation_size == 0
    return (splits.test if from_test else splits.validation)[:IMAGES], from_test


@dataclass(frozen=True, eq=False)
class Effect:
    """The predictions [N] for N images `before` and `after` the operations, and their `labels` [N].

    `zeros` is the share of its weights that are 0, 0 to 1; `moved` how far the weights are from those before,
    as a share of their norm.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    labels: NDArray[np.int64]
    zeros: float
    moved: float

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracy before and after, 0 to 1."""
        return float((self.before == self.labels).mean()), float((self.after == self.labels).mean())

    def per_digit(self) -> list[tuple[float, float]]:
        """Return the share of each digit's images that are read right, before and after; 0 for none."""
        shares = []
        for digit in range(10):
            chosen = self.labels == digit
            count = max(int(chosen.sum()), 1)
            right = (int((read[chosen] == digit).sum()) for read in (self.before, self.after))
            before, after = (number / count for number in right)
            shares.append((before, after))
        return shares

    def lost(self) -> NDArray[np.int64]:
        """Return the places of the images that were read right before and are read wrong now."""
        return np.flatnonzero((self.before == self.labels) & (self.after != self.labels))


def read(model: DigitClassifier, split: Split) -> Steps[NDArray[np.int64]]:
    """Predict the digits [N] of a split, part by part: the steps of a Job."""
    import torch

    from mnist_core.models.inference import predict_logits
    from mnist_core.runtime.devices import usable_cores

    # All cores: torch's number of threads is 1 after other work in this process, and a visitor waits.
    model, threads, found = _faster(model), usable_cores(), []
    for images in torch.from_numpy(split.images).split(PART):
        found.append(predict_logits(model, images, BATCH, threads).argmax(1).numpy())
        yield PART * len(found) / len(split), None
    return np.concatenate(found)


def _faster(model: DigitClassifier) -> DigitClassifier:
    """Return a network with the same digits, whose batch norms are part of the convolutions before them.

    Those within residual blocks stay. The pretrained model answers in three quarters of the time.
    """
    import torch
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval as fuse

    from mnist_core.models.modules import DigitClassifier

    layers: list[nn.Module] = []
    for module in model.network:
        before = layers[-1] if layers else None
        if isinstance(module, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse(before.eval(), module.eval())
        elif isinstance(module, nn.ReLU):
            layers.append(nn.ReLU(inplace=True))  # one of its own: a few percent less time
        else:
            layers.append(module)
    fused = DigitClassifier(model.scaling, nn.Sequential(*layers))
    return fused.eval().to(memory_format=torch.channels_last)


def effect(
    model: DigitClassifier, operations: Sequence[Operation], split: Split, before: NDArray[np.int64]
) -> Steps[Effect]:
    """Apply the operations and predict the digits of `split`; `before` [N] are the predictions of `model`.

    Raises InputError as `operate` does.
    """
    operated = operate(model, operations)
    after = yield from in_share(read(operated, split), 0, 1)
    assert after is not None
    old, new = (_all_weights(each) for each in (model, operated))
    moved = float(np.linalg.norm(new - old) / max(float(np.linalg.norm(old)), 1e-12))
    return Effect(before, after, split.labels.astype(np.int64), float((new == 0).mean()), moved)


def _all_weights(model: DigitClassifier) -> NDArray[np.float32]:
    weights: list[Any] = [layer.layer.weight for layer in weight_layers(model)]
    return np.concatenate([weight.detach().numpy().ravel() for weight in weights])
