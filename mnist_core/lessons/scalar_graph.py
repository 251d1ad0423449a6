"""Small expressions as autograd graphs: values forward, gradients backward, and when the graph is freed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_core.lessons.pixels import scaled


@dataclass(frozen=True)
class Node:
    """A number of the graph: its formula, value, gradient of the result by it, and where it comes from.

    `parents` are the places of its inputs in the graph, and `slopes` its derivatives by each of them.
    `function` is PyTorch's name of its backward function, "" for a leaf.
    """

    formula: str
    value: float
    gradient: float
    parents: tuple[int, ...] = ()
    slopes: tuple[float, ...] = ()
    function: str = ""


@dataclass
class _Recorder:
    """Builds an expression and remembers each step."""

    tensors: list[Tensor] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    slopes: list[tuple[float, ...]] = field(default_factory=list)

    def leaf(self, name: str, value: float) -> int:
        return self._add(torch.tensor(value, dtype=torch.float64, requires_grad=True), name, (), ())

    def step(self, formula: str, function: Callable[..., Tensor], *parents: int) -> int:
        inputs = [self.tensors[place] for place in parents]
        result = function(*inputs)
        result.retain_grad()
        alone = [each.detach().requires_grad_() for each in inputs]
        slopes = torch.autograd.grad(function(*alone), alone)
        return self._add(result, formula, parents, tuple(slope.item() for slope in slopes))

    def _add(self, tensor: Tensor, formula: str, parents: tuple[int, ...], slopes: tuple[float, ...]) -> int:
        self.tensors.append(tensor)
        self.formulas.append(formula)
        self.parents.append(parents)
        self.slopes.append(slopes)
        return len(self.tensors) - 1


def _line(graph: _Recorder, x: int, w: int, b: int) -> None:
    product = graph.step("p = w · x", torch.mul, w, x)
    graph.step("y = p + b", torch.add, product, b)


def _product(graph: _Recorder, x: int, w: int, b: int) -> None:
    first = graph.step("p = x + w", torch.add, x, w)
    second = graph.step("q = w + b", torch.add, w, b)
    graph.step("y = p · q", torch.mul, first, second)


def _neuron(graph: _Recorder, x: int, w: int, b: int) -> None:
    product = graph.step("p = w · x", torch.mul, w, x)
    total = graph.step("z = p + b", torch.add, product, b)
    output = graph.step("a = σ(z)", torch.sigmoid, total)
    graph.step("L = (a − 0)²", lambda a: (a - 0) ** 2, output)


EXPRESSIONS: dict[str, Callable[[_Recorder, int, int, int], None]] = {
    "product": _product,
    "line": _line,
    "neuron": _neuron,
}
"""How each expression of x, w and b is built; the names are those of the chapter's choice."""


def _build(name: str, x: float, w: float, b: float) -> _Recorder:
    graph = _Recorder()
    EXPRESSIONS[name](graph, graph.leaf("x", x), graph.leaf("w", w), graph.leaf("b", b))
    return graph


def scalar_graph(name: str, x: float, w: float, b: float) -> list[Node]:
    """Return the nodes of an expression, x, w and b first, the result last; gradients by autograd."""
    graph = _build(name, x, w, b)
    graph.tensors[-1].backward()
    return [
        Node(
            formula,
            tensor.item(),
            0.0 if tensor.grad is None else tensor.grad.item(),
            parents,
            slopes,
            tensor.grad_fn.name() if tensor.grad_fn else "",
        )
        for tensor, formula, parents, slopes in zip(
            graph.tensors, graph.formulas, graph.parents, graph.slopes, strict=True
        )
    ]


class SecondBackward(NamedTuple):
    """The gradient by w after one backward pass, and after a second one through the same graph.

    `error` is PyTorch's message where the graph was freed; `retained` the gradient where it was retained.
    """

    once: float
    error: str
    retained: float


def second_backward(name: str, x: float, w: float, b: float) -> SecondBackward:
    """Go backward twice through an expression's graph, without and with `retain_graph=True`."""
    graph = _build(name, x, w, b)
    graph.tensors[-1].backward()
    once = _gradient(graph)
    error = ""
    try:
        graph.tensors[-1].backward()
    except RuntimeError as problem:
        error = str(problem)
    kept = _build(name, x, w, b)
    kept.tensors[-1].backward(retain_graph=True)
    kept.tensors[-1].backward()
    return SecondBackward(once, error, _gradient(kept))


def _gradient(graph: _Recorder) -> float:
    gradient = graph.tensors[1].grad
    assert gradient is not None
    return gradient.item()


def saved_values(images: NDArray[np.uint8], gradients: bool = True) -> int:
    """Return how many numbers PyTorch keeps for the backward pass of a network 784-128-10 with ReLU.

    `images` [N, 28, 28] go through it as one batch; its parameters and the pixels, which exist anyway,
    are not counted. Without `gradients` it runs under `torch.no_grad()`.
    """
    network = nn.Sequential(
        nn.utils.skip_init(nn.Linear, 784, 128), nn.ReLU(), nn.utils.skip_init(nn.Linear, 128, 10)
    )
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.01)
    pixels = torch.from_numpy(scaled(images, "unit").reshape(len(images), -1))
    there = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), pixels)}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in there:
            kept[place] = tensor.numel()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.set_grad_enabled(gradients),
    ):
        result = network(pixels)
    del result
    return sum(kept.values())
