"""Source code of a network: the Python expression that builds it, layer by layer."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

INDENT = "    "
ALWAYS_WRITTEN = {"p"}  # nn.Dropout's, even at its default
MOST_POSITIONAL = 2  # positional arguments, as in nn.Conv2d(1, 32, kernel_size=3)


def network_source(module: nn.Module, depth: int = 0) -> str:
    """Return the expression that builds `module`, in the style of `ruff format`.

    Layers of torch.nn are written `nn.X`, our own by their class name. Arguments at their defaults and
    identities in an nn.Sequential are omitted. Modules must keep their constructor's arguments in attributes
    of the same names, as those of torch.nn do.
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
        if value == _default(module, parameter) and parameter.name not in ALWAYS_WRITTEN:
            continue
        positional = parameter.default is parameter.empty and place < MOST_POSITIONAL
        arguments.append(repr(value) if positional else f"{parameter.name}={value!r}")
    return f"{_name(module)}({', '.join(arguments)})"


def _value(module: nn.Module, name: str) -> object:
    """Return a constructor argument's value: (3, 3) as 3, and for `bias` whether there is one."""
    value = getattr(module, name)
    if name == "bias":
        return value is not None
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _default(module: nn.Module, parameter: inspect.Parameter) -> object:
    """Return the argument's effective default: for a pooling's stride, the kernel size."""
    if parameter.name == "stride" and parameter.default is None:
        return _value(module, "kernel_size")
    return parameter.default
