"""Chapter "Convolution and pooling": a kernel over a digit, output size, shared parameters, max pooling."""

from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.lessons.convolution import (
    KERNELS,
    POOL,
    convolution_parameters,
    convolve,
    linear_parameters,
    max_pool,
    output_size,
    window_places,
)
from mnist_core.models.summary import describe_layers
from mnist_core.recipes import RECIPES
from ui.html.network import network_html
from ui.i18n import format_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import ChosenDigit, choose_digit
from ui.learn.linked_cells import CellGrid, Source, number_text, show_linked_cells
from ui.url_controls import url_choice, url_segments

KERNEL_KEY, STRIDE_KEY, PADDING_KEY = "kernel", "stride", "padding"
STRIDES, PADDINGS = ({number: number for number in numbers} for numbers in ("123", "012"))
CELL = 10  # pixels: picture, kernel, feature map and pooling stand side by side on a desktop
LARGEST_CELL = 20
RECIPE = "tutorial-4b"


class Convolved(NamedTuple):
    """A convolution: `kernel` by name, the feature map [O, O], and its max pooling."""

    digit: ChosenDigit
    kernel: str
    stride: int
    padding: int
    feature_map: np.ndarray
    pooled: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """The kernel's weights [F, F]."""
        return KERNELS[self.kernel].weights


def ask() -> Question:
    """Ask how many weights a convolution has."""
    text = _(
        "A convolution reads a picture of 784 pixels with one kernel of 3 x 3 weights and gives about as "
        "many values. How many weights does it have to learn?"
    )
    options = {
        "few": _("9, whatever the size of the picture"),
        "each": _("9 for each pixel: about 7,000"),
        "all": _("784 for each value: over 500,000"),
    }
    return Question(text, options)


def run() -> Convolved:
    """Show a digit, a kernel, the feature map and its max pooling as linked cells."""
    digit = choose_digit()
    names = {name: _(kernel.label) for name, kernel in KERNELS.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kernel = url_choice(st.selectbox, _("Kernel"), names, KERNEL_KEY, "vertical", width=330)
        stride, padding = (
            int(url_segments(label, options, key, default))
            for label, options, key, default in (
                (_("Stride"), STRIDES, STRIDE_KEY, "1"),
                (_("Padding"), PADDINGS, PADDING_KEY, "0"),
            )
        )
    feature_map = convolve(digit.image, KERNELS[kernel].weights, stride, padding)
    result = Convolved(digit, kernel, stride, padding, feature_map, max_pool(feature_map))
    show_linked_cells(
        _grids(result),
        ("map", int(np.abs(feature_map).argmax())),
        "lab_cells_convolution",
        _("Point at a cell of the feature map, tap it, or move with the arrow keys: a sum of products."),
    )
    st.caption(_(KERNELS[kernel].finds))
    return result


def _grids(result: Convolved) -> list[CellGrid]:
    """Return picture, kernel, feature map and max pooling, each value linked to what it comes from."""
    padded = np.pad(result.digit.image, result.padding)
    picture = (
        _("Picture, {side} x {side}")
        if not result.padding
        else _("Picture with zeros around, {side} x {side}")
    )
    size, side, pooled = len(result.weights), len(result.feature_map), len(result.pooled)
    decimals = 0 if np.all(result.weights == np.rint(result.weights)) else 2
    return [
        CellGrid(
            "picture",
            picture.format(side=len(padded)),
            padded,
            decimals=0,
            look="grey",
            largest=255,
            cell=CELL,
        ),
        CellGrid(
            "kernel",
            _("Kernel, {side} x {side}").format(side=size),
            result.weights,
            decimals=decimals,
            before="×",
            cell=min(38, 140 // size),
        ),
        CellGrid(
            "map",
            _("Feature map, {side} x {side}").format(side=side),
            result.feature_map,
            decimals=0,
            sources=_map_sources(result, len(padded)),
            sentence=_("Feature map, row {row}, column {column}:"),
            before="=",
            cell=min(LARGEST_CELL, 28 * CELL // side),
        ),
        CellGrid(
            "pooled",
            _("Max pool 2 x 2: {side} x {side}").format(side=pooled),
            result.pooled,
            decimals=0,
            sources=_pool_sources(result.feature_map),
            sentence=_("Max pool, row {row}, column {column}: the largest of four,"),
            before="→",
            cell=min(LARGEST_CELL, 14 * CELL // pooled),
        ),
    ]


def _map_sources(result: Convolved, side: int) -> list[Source]:
    kernel = range(result.weights.size)
    windows = window_places(side, len(result.weights), result.stride)
    return [Source({"picture": window.tolist(), "kernel": kernel}) for window in windows]


def _pool_sources(feature_map: np.ndarray) -> list[Source]:
    windows = window_places(len(feature_map), POOL, POOL)
    return [
        Source({"map": window.tolist()}, text=_largest(feature_map.ravel()[window])) for window in windows
    ]


def _largest(values: np.ndarray) -> str:
    texts = ", ".join(number_text(value, 0) for value in values)
    return f"max({texts}) = {number_text(values.max(), 0)}"


def answer(result: Convolved) -> str:
    """Return how many weights the chosen kernel has, and at how many places they are used."""
    words = _("{weights} weights and a bias, used at {places:,} places")
    return format_text(words, weights=result.weights.size, places=result.feature_map.size)


def explain(result: Convolved) -> None:
    """Show the output size by the formula, and the parameters against a fully connected layer."""
    _explain_size(result)
    words = _(
        "**Parameter sharing**: the kernel has the same {size} x {size} weights and one bias at every place, "
        "{own} parameters, and finds an edge wherever it is. A fully connected layer from the same pixels to "
        "as many values has {connected:,}. (PyTorch does not mirror the kernel: strictly, this is a "
        "cross-correlation.)"
    )
    size = len(result.weights)
    own = convolution_parameters(1, 1, size)
    connected = linear_parameters(result.digit.image.size, result.feature_map.size)
    st.markdown(format_text(words, size=size, own=own, connected=connected))
    _explain_channels()


def _explain_size(result: Convolved) -> None:
    side, size, stride, padding = len(result.digit.image), len(result.weights), result.stride, result.padding
    st.markdown(
        _(
            "**Output size**: H is the side of the picture, F that of the kernel, P the padding (rings of "
            "zeros around the picture), S the stride (pixels from place to place). Max pooling follows the "
            "same formula with F = 2 and S = 2: it halves height and width."
        )
    )
    found = output_size(side, size, padding, stride)
    fraction = r"\left\lfloor \frac{%s}{%s} \right\rfloor + 1"
    live = fraction % (rf"{side} - {size} + 2 \cdot {padding}", stride)
    st.latex(f"{fraction % ('H - F + 2P', 'S')} = {live} = {found}")
    pooled = output_size(found, POOL, 0, POOL)
    st.latex(rf"\text{{max pool: }} {fraction % (f'{found} - {POOL}', POOL)} = {pooled}")


def _explain_channels() -> None:
    """Explain channels on the tutorial's CNN, and show its layers."""
    layers = describe_layers(RECIPES[RECIPE].config)
    first, second = (layer for layer in layers if layer.kind == "convolution")
    words = _(
        "**Channels**: a layer has many kernels, each gives one feature map; their number is the depth of "
        "the output. A kernel of the next layer has weights for each of these channels. In the CNN of "
        "tutorial 4 the second convolution has {kernels} kernels of {inputs} x 3 x 3 weights, {own:,} "
        "parameters with the biases; fully connected it would have {connected:,}. Max pooling keeps the "
        "channels; **flatten** then makes one vector for the fully connected layers. The kernels above were "
        "written by people; a network learns its own."
    )
    kernels, inputs, places = second.shape[0], first.shape[0], first.shape[1] * first.shape[2]
    own = convolution_parameters(inputs, kernels, 3)
    connected = linear_parameters(inputs * places, kernels * places)
    st.markdown(format_text(words, kernels=kernels, inputs=inputs, own=own, connected=connected))
    st.html(network_html(layers))


def training(result: Convolved) -> dict[str, Any]:
    """Return the tutorial's CNN for one epoch."""
    return {"recipe": RECIPE, "epochs": 1}
