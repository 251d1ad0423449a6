"""Receptive field: which pixels of the picture a unit of a convolutional layer can see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.models.modules import DigitClassifier

SIDE = 28  # pixels


class Window(NamedTuple):
    """The square window of a convolution or pooling: its side, stride and padding, in units of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0


class Field(NamedTuple):
    """The pixels that a layer's units see: `size` along a side, shifted by `jump` from unit to unit.

    The first unit's field begins at pixel `start`, which is negative where it covers padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def after(self, window: Window) -> Field:
        """Return the field after one more window (Dumoulin and Visin 2016; Araujo et al., Distill 2019)."""
        return Field(
            self.size + (window.kernel - 1) * self.jump,
            self.jump * window.stride,
            self.start - window.padding * self.jump,
        )

    def pixels(self, place: int, side: int = SIDE) -> range:
        """Return the rows (or columns) of a picture of `side` pixels that the unit in row `place` sees."""
        first = self.start + place * self.jump
        return range(max(first, 0), min(first + self.size, side))


class LayerField(NamedTuple):
    """A layer's windows in order, and the field before and after them."""

    windows: tuple[Window, ...]
    before: Field
    after: Field


def stacked(windows: Iterable[Window]) -> Field:
    """Return the field after several windows, one after the other."""
    field = Field()
    for window in windows:
        field = field.after(window)
    return field


def windows_of(module: nn.Module) -> list[Window]:
    """Return the windows of a module and its parts in order; of a residual block those of its main path.

    The skip connection of a block sees no pixel that the main path does not see.
    """
    match type(module).__name__:
        case "Conv2d" | "MaxPool2d" | "AvgPool2d":
            return [
                Window(
                    *(_along_a_side(getattr(module, name)) for name in ("kernel_size", "stride", "padding"))
                )
            ]
        case "ResidualBlock":
            return windows_of(module.get_submodule("main"))
        case "Sequential":
            return [window for part in module.children() for window in windows_of(part)]
    return []


def layer_fields(model: DigitClassifier) -> list[LayerField]:
    """Return the fields of a network's convolutional layers and residual blocks, in order."""
    from mnist_core.models.summary import group_layers, layer_kind

    found: list[LayerField] = []
    field = Field()
    for group in group_layers(model):
        if layer_kind(group[0]) in ("convolution", "residual"):
            windows = tuple(window for module in group for window in windows_of(module))
            after = field
            for window in windows:
                after = after.after(window)
            found.append(LayerField(windows, field, after))
            field = after
    return found


def _along_a_side(value: int | tuple[int, int]) -> int:
    return value if isinstance(value, int) else value[0]
