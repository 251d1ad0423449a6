"""One image's activations: the strongest units of each layer, and what adds up to their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_core.messages import N_, Message
from mnist_core.models.modules import Maxout, ResidualBlock
from mnist_core.models.summary import group_layers, layer_kind, layer_title, output_title

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier

MOST_UNITS, MOST_MAPS, MOST_OUTPUTS = 32, 16, 10
MANY_LAYERS = 5  # with more layers, half as many units of each are shown
MOST_TERMS = 8  # of a unit's sum
MOST_LINKS = 24  # from a layer to the next
KEPT_TO = 2  # a unit shown before stays while it is among the strongest KEPT_TO x (number shown)

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Term = tuple[tuple[int, ...], float, float]
Link = tuple[int, int, float]
Keep = Sequence[Indices]
_BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d
_POOLS = nn.MaxPool2d | nn.AvgPool2d


@dataclass(frozen=True, eq=False)
class UnitSum:
    """What adds up to a unit's value before its activation; batch norm is part of weights and bias.

    `terms` are the products of the largest absolute value: (position of the input, input, weight). A position
    is (row, column) in the image, (unit,) in a layer, or (map, row, column), all from 0. `others` is the sum
    of the `other_count` remaining products, `skip` what a residual block's skip connection adds (None for
    other layers), `total` the sum of all. A map's sum is that at `place`, the (row, column) before pooling at
    which the map is largest; None for a unit of a fully connected layer.
    """

    terms: tuple[Term, ...]
    others: float
    other_count: int
    bias: float
    skip: float | None
    total: float
    place: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class LayerView:
    """The strongest units of one layer for one image.

    `kind`, `title` and `shape` are those of `models.summary.LayerSummary`. `units` are the numbers of the
    units shown, ascending; `values`, float32 [shown], their activations (the largest of a map); `maps`,
    float32 [shown, H, W], None for a layer of units. `active` is how many of all `count` units are above zero
    anywhere. `sums` says what adds up to each of `values`; it is empty for the image and for averages.
    `links` are the largest contributions: (index among the units shown of the layer before, index among
    `units`, contribution); for links from the image, the first is a pixel's, row times 28 plus column.
    """

    kind: str
    title: Message
    shape: tuple[int, ...]
    units: Indices
    values: Floats
    maps: Floats | None
    count: int
    active: int
    sums: tuple[UnitSum, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, eq=False)
class ActivationView:
    """The activations of one image in all layers after `step` training steps, the image itself first.

    `step` is None outside a training; `probabilities` are the outputs' softmax, float32 [classes].
    """

    step: int | None
    layers: tuple[LayerView, ...]
    probabilities: Floats


@dataclass(frozen=True, eq=False)
class _Affine:
    """A layer's sums for one image: its weights, bias with batch norm, and inputs, padded for a convolution.

    `scale` is batch norm's factor for each unit's weights. `raw` are the sums [units] or [units, H, W],
    `activated` the same after the activation, with fewer units where it is maxout. Of a residual block they
    are its last convolution's and skip connection's together.
    """

    layer: nn.Conv2d | nn.Linear
    weight: Floats
    scale: Floats
    bias: Floats
    inputs: Floats
    raw: Floats
    activated: Floats
    pieces: int = 1
    block: ResidualBlock | None = None
    block_inputs: Floats | None = None


@torch.no_grad()
def view_activations(
    model: DigitClassifier,
    image: NDArray[np.uint8],
    step: int | None = None,
    before: ActivationView | None = None,
) -> ActivationView:
    """Return the activations of `image`, uint8 [28, 28], in the layers of `model`, which isn't changed.

    Units that `before` shows stay as long as they are strong, so that an animation keeps the same units.
    """
    groups = group_layers(model)
    device = next(model.parameters()).device
    keep = [layer.units for layer in before.layers[1:]] if before else []
    most_layers = sum(layer_kind(group[0]) != "flatten" for group in groups)
    divisor = 2 if most_layers > MANY_LAYERS else 1
    with evaluating(model):
        features = model.scaling(torch.from_numpy(image[None].astype(np.float32)).to(device))[0]
        layers = [_image_view(image, features)]
        for group in groups:
            if layer_kind(group[0]) == "flatten":
                features = features.flatten()
                continue
            last = group is groups[-1]
            kept = keep[len(layers) - 1] if len(layers) <= len(keep) else None
            view, features = _layer_view(group, features, layers[-1], divisor, kept, last)
            layers.append(view)
        shares = torch.softmax(features.float(), 0).cpu().numpy()
    return ActivationView(step, tuple(layers), shares)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and back into its own afterwards."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _image_view(image: NDArray[np.uint8], features: Tensor) -> LayerView:
    units, values = np.zeros(1, np.int64), np.array([image.max() / 255], np.float32)
    maps = (image[None] / 255).astype(np.float32)
    return LayerView("image", Message(N_("Image")), tuple(features.shape), units, values, maps, 1, 1)


def _layer_view(
    group: list[nn.Module],
    features: Tensor,
    before: LayerView,
    divisor: int,
    kept: Indices | None,
    last: bool,
) -> tuple[LayerView, Tensor]:
    """Return a layer's view and its output, [C, H, W] or [units]; `before` is the layer before."""
    kind = "output" if last else layer_kind(group[0])
    if kind == "average":
        return _average_view(group, features, before)
    block = group[0]
    affine, output = (
        _residual(block, features) if isinstance(block, ResidualBlock) else _affine(group, features)
    )
    maps = output.ndim == 3
    peaks = affine.activated.max(axis=(1, 2)) if maps else affine.activated
    strength = np.abs(affine.activated).max(axis=(1, 2)) if maps else np.abs(peaks)
    if last:
        strength = affine.activated - affine.activated.min()  # the likeliest classes, not the least likely
    units = strongest(
        strength, MOST_OUTPUTS if last else (MOST_MAPS if maps else MOST_UNITS) // divisor, kept
    )
    sums, links = _explain(affine, units, before)
    shape = tuple(output.shape)
    title = output_title(len(output)) if last else layer_title(block, shape)
    pictures = _array(output)[units] if maps else None
    active = int((peaks > 0).sum())
    view = LayerView(kind, title, shape, units, peaks[units], pictures, len(output), active, sums, links)
    return view, output


def strongest(strength: Floats, most: int, kept: Indices | None = None) -> Indices:
    """Return the places of the `most` largest of `strength` [N], ascending.

    Those of `kept` come first as long as they are among the KEPT_TO times `most` largest.
    """
    order = np.argsort(-strength, kind="stable")
    good = set(order[: KEPT_TO * most].tolist())
    first = [int(unit) for unit in (kept if kept is not None else ()) if int(unit) in good]
    others = (int(unit) for unit in order if int(unit) not in set(first))
    return np.array(sorted(itertools.islice(itertools.chain(first, others), most)), dtype=np.int64)


def _average_view(group: list[nn.Module], features: Tensor, before: LayerView) -> tuple[LayerView, Tensor]:
    """Return the view and the output of average pooling over whole maps: the units are those of `before`."""
    output = features.flatten(1).mean(1)
    means = _array(output)
    units = before.units
    links = tuple((place, place, float(means[unit])) for place, unit in enumerate(units))
    title = layer_title(group[0], (len(means), 1, 1))
    active = int((means > 0).sum())
    return LayerView(
        "average", title, (len(means),), units, means[units], None, len(means), active, (), links
    ), output


def _affine(group: list[nn.Module], features: Tensor) -> tuple[_Affine, Tensor]:
    """The sums of a convolution or fully connected layer, and its output."""
    layer, *others = group
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    raw = activated = layer(features[None])
    pieces, pools = 1, []
    for module in others:
        if isinstance(module, nn.LogSoftmax):
            continue  # the outputs are shown before it
        if isinstance(module, _POOLS):
            pools.append(module)
            continue
        activated = module(activated)
        raw = activated if isinstance(module, _BATCH_NORMS) else raw
        pieces = module.pieces if isinstance(module, Maxout) else pieces
    arrays = _arrays(layer, others, features, raw, activated)
    return _Affine(layer, *arrays, pieces), nn.Sequential(*pools)(activated)[0]


def _residual(block: ResidualBlock, features: Tensor) -> tuple[_Affine, Tensor]:
    """The sums of a residual block's last convolution and its skip connection, and the block's output."""
    assert isinstance(block.main, nn.Sequential)
    modules: list[Any] = list(block.main)
    last = max(place for place, module in enumerate(modules) if isinstance(module, nn.Conv2d))
    inner = nn.Sequential(*modules[:last])(features[None])
    raw = nn.Sequential(*modules[last:])(inner) + block.skipped(features[None])
    pieces = block.activation.pieces if isinstance(block.activation, Maxout) else 1
    activated = block.activation(raw)
    arrays = _arrays(modules[last], modules[last + 1 :], inner[0], raw, activated)
    return _Affine(modules[last], *arrays, pieces, block, _array(features)), activated[0]


def _arrays(
    layer: nn.Conv2d | nn.Linear, others: Sequence[nn.Module], inputs: Tensor, raw: Tensor, activated: Tensor
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Return the arrays of _Affine, in numpy, which is faster than torch on a few numbers."""
    scale, bias = _folded(layer, others)
    if isinstance(layer, nn.Conv2d):
        assert isinstance(layer.padding[0], int)
        inputs = nn.functional.pad(inputs, [layer.padding[0]] * 4)
    weight, values = _array(layer.weight), (_array(raw[0]), _array(activated[0]))
    return weight, _array(scale), _array(bias), _array(inputs), *values


def _folded(layer: nn.Conv2d | nn.Linear, others: Sequence[nn.Module]) -> tuple[Tensor, Tensor]:
    """Return the factor of each unit's weights and its bias, with the batch norm that follows."""
    scale = torch.ones(len(layer.weight), device=layer.weight.device)
    bias = torch.zeros_like(scale) if layer.bias is None else layer.bias.clone()
    for norm in others:
        if isinstance(norm, _BATCH_NORMS):
            assert norm.running_var is not None
            assert norm.running_mean is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            bias = (bias - norm.running_mean) * scale + norm.bias
    return scale, bias


def _explain(
    affine: _Affine, units: Indices, before: LayerView
) -> tuple[tuple[UnitSum, ...], tuple[Link, ...]]:
    """Return what adds up to each of `units`, and the largest contributions of the units shown before."""
    sums: list[UnitSum] = []
    links: list[Link] = []
    in_row = None if isinstance(affine.layer, nn.Conv2d) else _places_in_row(len(affine.inputs), before)
    for place, unit in enumerate(units):
        own, contributions = _sum(affine, int(unit), before, in_row)
        sums.append(own)
        links.extend((source, place, share) for source, share in contributions)
    links.sort(key=lambda link: -abs(link[2]))
    return tuple(sums), tuple(links[:MOST_LINKS])


def _sum(
    affine: _Affine, unit: int, before: LayerView, in_row: Indices | None
) -> tuple[UnitSum, list[tuple[int, float]]]:
    """Return one unit's sum, and what each unit or pixel shown before contributes to it.

    `in_row` says where a fully connected layer's inputs are, see `_places_in_row`.
    """
    place: tuple[int, int] | None = None
    raw = affine.raw[unit * affine.pieces : (unit + 1) * affine.pieces]
    inputs, places = affine.inputs, in_row
    if places is None:
        row, column = divmod(int(affine.activated[unit].argmax()), raw.shape[2])
        place, raw = (row, column), raw[:, row, column]
        inputs, places = _window(affine, place, before.kind == "image" and affine.block is None)
    source = unit * affine.pieces + int(raw.argmax())  # with maxout, the largest of its pieces
    weights = affine.weight[source].ravel() * affine.scale[source]
    products = inputs * weights
    largest = _largest(products)
    terms = tuple((_index(places[i]), float(inputs[i]), float(weights[i])) for i in largest)
    if affine.block and place:  # a block's inner maps aren't shown, so the links are its skip connection's
        skip, contributions = _skip(affine, source, place, before)
    else:
        skip, contributions = None, _contributions(products, places, before)
    others = float(products.sum() - products[largest].sum())
    bias, total = float(affine.bias[source]), float(raw.max())
    return UnitSum(terms, others, len(products) - len(largest), bias, skip, total, place), contributions


def _largest(products: NDArray[Any]) -> Indices:
    """Return the indices of the MOST_TERMS largest by absolute value, largest first, without zeros."""
    sizes = np.abs(products)
    some: Indices = np.arange(len(sizes))
    if len(sizes) > MOST_TERMS:
        some = np.argpartition(-sizes, MOST_TERMS)[:MOST_TERMS]
    order = some[np.argsort(-sizes[some], kind="stable")]
    found: Indices = order[products[order] != 0]
    return found


def _skip(
    affine: _Affine, source: int, place: tuple[int, int], before: LayerView
) -> tuple[float, list[tuple[int, float]]]:
    """Return what a skip connection adds to a sum, and the part of it from each map that `before` shows."""
    assert affine.block is not None
    assert affine.block_inputs is not None
    skip, inputs = affine.block.skip, affine.block_inputs
    if not isinstance(skip, nn.Conv2d):
        amount = float(inputs[(source, *place)])
        return amount, [(int(shown), amount) for shown in np.flatnonzero(before.units == source)]
    stride = affine.block.stride
    products = inputs[:, place[0] * stride, place[1] * stride] * _array(skip.weight[source, :, 0, 0])
    bias = 0.0 if skip.bias is None else float(skip.bias[source])
    places = np.full((len(products), 3), -1, np.int64)
    places[:, 0] = np.arange(len(products))
    return float(products.sum()) + bias, _contributions(products, places, before)


def _index(place: Indices) -> tuple[int, ...]:
    return tuple(int(number) for number in place if number >= 0)


def _places_in_row(count: int, before: LayerView) -> Indices:
    """Return the positions of a fully connected layer's inputs, [N, 3]: (map or unit, row, column).

    A pixel of the image is (-1, row, column), a unit (unit, -1, -1).
    """
    places = np.full((count, 3), -1, np.int64)
    if before.maps is None:
        places[:, 0] = np.arange(count)
    else:
        height, width = before.shape[1:]
        maps, rest = np.divmod(np.arange(count), height * width)
        places[:, 0] = -1 if before.kind == "image" else maps
        places[:, 1], places[:, 2] = np.divmod(rest, width)
    return places


def _window(affine: _Affine, place: tuple[int, int], of_image: bool) -> tuple[Floats, Indices]:
    """Return the inputs [N] of a convolution's output at `place`, and their positions [N, 3].

    Positions are as in `_places_in_row`; those in the padding are -1.
    """
    layer = affine.layer
    assert isinstance(layer, nn.Conv2d)
    assert isinstance(layer.padding[0], int)
    size, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    top, left = place[0] * stride, place[1] * stride
    seen = affine.inputs[:, top : top + size, left : left + size]
    maps, rows, columns = np.indices(seen.shape)
    places = np.stack([maps, rows + top - padding, columns + left - padding], -1).reshape(-1, 3)
    outside = (places[:, 1:] < 0) | (places[:, 1:] >= affine.inputs.shape[1] - 2 * padding)
    places[outside.any(1)] = -1
    if of_image:
        places[:, 0] = -1
    return seen.ravel(), places


def _contributions(products: Floats, places: Indices, before: LayerView) -> list[tuple[int, float]]:
    """Return what each pixel, or each unit or map that `before` shows, adds to a sum, the largest only."""
    if before.kind == "image":
        return [(int(places[i, 1]) * 28 + int(places[i, 2]), float(products[i])) for i in _largest(products)]
    seen = places[:, 0] >= 0
    total = np.bincount(places[seen, 0], products[seen], before.count)[before.units]
    return [(int(place), float(total[place])) for place in _largest(total)]


def _array(values: Tensor) -> Floats:
    found: Floats = values.detach().float().cpu().numpy()
    return found
