"""A network as the Python source that builds it, layer by layer with the numbers it was built with."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

INDENT = "    "
ALWAYS_SAID = {"p"}  # nn.Dropout() would leave the reader to look its default up
BY_PLACE = 2  # arguments written without their names: nn.Conv2d(1, 32, kernel_size=3)


def network_source(module: nn.Module, depth: int = 0) -> str:
    """Return the expression that builds `module`, laid out as `ruff format` would.

    Layers of torch.nn are called `nn.X`, those of our own by their bare name. What is at its default is left
    out, as are identities in a sequence. Modules must keep their constructor's arguments as attributes of
    the same names, as torch.nn's do.
    """
    from torch import nn

    children = list(module.children())
    if not children:
        return _call(module)
    if isinstance(module, nn.Sequential):
        children = [child for child in children if not isinstance(child, nn.Identity)]
    inner = INDENT * (depth + 1)
    lines = "".join(f"{inner}{network_source(child, depth + 1)},\n" for child in children)
    return f"{_name(module)}(\n{lines}{INDENT * depth})"


def _name(module: nn.Module) -> str:
    kind = type(module)
    return f"nn.{kind.__name__}" if kind.__module__.startswith("torch.nn.") else kind.__name__


def _call(module: nn.Module) -> str:
    arguments = []
    for place, parameter in enumerate(inspect.signature(type(module)).parameters.values()):
        if not hasattr(module, parameter.name):
            continue
        value = _value(module, parameter.name)
        if value == _default(module, parameter) and parameter.name not in ALWAYS_SAID:
            continue
        by_place = parameter.default is parameter.empty and place < BY_PLACE
        arguments.append(repr(value) if by_place else f"{parameter.name}={value!r}")
    return f"{_name(module)}({', '.join(arguments)})"


def _value(module: nn.Module, name: str) -> object:
    """Return a constructor's argument: (3, 3) as 3, and whether there is a bias instead of the bias."""
    value = getattr(module, name)
    if name == "bias":
        return value is not None
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _default(module: nn.Module, parameter: inspect.Parameter) -> object:
    """Return what the argument would be if it were left out: a pooling's stride is then its kernel's size."""
    if parameter.name == "stride" and parameter.default is None:
        return _value(module, "kernel_size")
    return parameter.default
