"""Chapter "Receptive field": what a unit of the visitor's own CNN can see, layer by layer."""

from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.choices import ARCHITECTURES
from mnist_core.lessons.convolution import convolution_parameters
from mnist_core.lessons.layer_fields import SIDE, Field, LayerField, Window, layer_fields, stacked
from mnist_core.messages import Message
from mnist_core.runs.run import PRETRAINED_ID, Run
from mnist_core.runtime.job import Steps
from ui import resources
from ui.html.tables import escape_markdown, table_html
from ui.i18n import format_text, percent_text, sentences_text, translate
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import ChosenDigit, choose_digit
from ui.learn.lesson_jobs import background_result
from ui.learn.linked_cells import CellGrid, Source, show_linked_cells
from ui.runs.names import readable_runs, run_name
from ui.url_controls import url_choice
from ui.url_state import current_run

LAYER_KEY = "conv"
THREE = [Window(3)] * 3
CELL, MAP_SIZE, LARGEST_CELL = 14, 392, 56  # pixels


class SeenLayer(NamedTuple):
    """A layer of the network: its title, its fields, and the feature map [H, W] that varies most.

    `number` is that of the map among `maps`.
    """

    title: Message
    field: LayerField
    values: np.ndarray
    number: int
    maps: int


class Seen(NamedTuple):
    """The layers of the network with its convolutions, and which of them is chosen, from 0."""

    layers: list[SeenLayer]
    chosen: int


def ask() -> Question:
    """Ask how large the field of three 3 x 3 convolutions is."""
    text = _(
        "Three convolutions with 3 x 3 kernels and stride 1 follow each other. How large is the area of "
        "the picture that a unit of the third one sees?"
    )
    return Question(text, {"3": "3 x 3", "7": "7 x 7", "9": "9 x 9"})


def run() -> Seen | None:
    """Show a feature map whose units light the pixels that they see."""
    network = _network()
    if network is None:
        st.info(_("There is no trained CNN yet: train one, then open this chapter again."))
        return None
    digit = choose_digit()
    arguments = (
        "receptive",
        network.id,
        str(network.checkpoints[-1]),
        resources.dataset().source,
        digit.number,
    )
    layers = background_result(_("Reading the digit"), arguments, lambda: _layers(network, digit))
    if layers is None:
        return None
    names = {str(number): f"{number}. {translate(layer.title)}" for number, layer in enumerate(layers, 1)}
    label = _("Layer of “{network}”").format(network=escape_markdown(run_name(network)))
    chosen = int(url_choice(st.selectbox, label, names, LAYER_KEY, str(min(2, len(names))), width=420)) - 1
    _show_cells(digit, layers[chosen])
    st.caption(_about(layers[chosen]))
    return Seen(layers, chosen)


def _network() -> Run | None:
    """Return the current run if it has convolutions, else the pretrained one."""
    runs = {run.id: run for run in readable_runs()}
    current = runs.get(current_run() or "")
    if current and current.config.architecture not in ("softmax", "mlp"):
        return current
    return runs.get(PRETRAINED_ID)


def _layers(network: Run, digit: ChosenDigit) -> Steps[list[SeenLayer]]:
    """Calculate the layers' feature maps of the digit; keep of each layer the one that varies most."""
    yield 0.1, None
    from mnist_core.evaluation.attribution import activations

    model = resources.model(network)
    fields = layer_fields(model)
    found = []
    made = [layer for layer in activations(model, digit.image) if layer.kind in ("convolution", "residual")]
    for field, layer in zip(fields, made, strict=True):
        number = int(layer.values.std(axis=(1, 2)).argmax())
        found.append(SeenLayer(layer.title, field, layer.values[number], number, len(layer.values)))
    return found


def _show_cells(digit: ChosenDigit, layer: SeenLayer) -> None:
    field, side = layer.field.after, len(layer.values)
    title = _("Feature map {number} of {maps}, {side} x {side}")
    grids = [
        CellGrid(
            "picture", _("Picture: 28 x 28"), digit.image, decimals=0, look="grey", largest=255, cell=CELL
        ),
        CellGrid(
            "map",
            title.format(number=layer.number + 1, maps=layer.maps, side=side),
            layer.values,
            sources=[_source(field, place // side, place % side) for place in range(side * side)],
            sentence=_("The unit in row {row}, column {column} has the value {value}. It sees"),
            before="←",
            cell=min(LARGEST_CELL, MAP_SIZE // side),
        ),
    ]
    show_linked_cells(
        grids,
        ("map", side // 2 * side + side // 2),
        "lab_cells_receptive",
        _("Point at a unit of the feature map, tap it, or move with the arrow keys: what it sees is marked."),
    )


def _source(field: Field, row: int, column: int) -> Source:
    rows, columns = field.pixels(row), field.pixels(column)
    places = [SIDE * r + c for r in rows for c in columns]
    words = _(
        "rows {top} to {bottom} and columns {left} to {right} of the picture: {height} x {width} pixels."
    )
    text = words.format(
        top=rows[0], bottom=rows[-1], left=columns[0], right=columns[-1], height=len(rows), width=len(columns)
    )
    return Source({"picture": places}, text=text)


def _about(layer: SeenLayer) -> str:
    field = layer.field.after
    words = [_("Receptive field: {size} x {size} pixels; the step to the next unit: {jump}.")]
    if field.size > SIDE:
        words.append(_("It is larger than the picture: the rest is zeros of the padding."))
    elif field.start < 0:
        words.append(_("At the edge a part of it is zeros of the padding."))
    return sentences_text(words).format(size=field.size, jump=field.jump)


def answer(result: Seen) -> str:
    """Return the field of three 3 x 3 kernels."""
    return _("{size} x {size} pixels, as many as one 7 x 7 kernel").format(size=stacked(THREE).size)


def explain(result: Seen) -> None:
    """Show the formula for the chosen layer, all layers, and three 3 x 3 kernels against one of 7 x 7."""
    st.markdown(
        _(
            "The **receptive field** r of a unit are the pixels on which its value depends. A window with "
            "side F adds (F - 1) times the jump j, the distance in pixels between two neighbouring units; "
            "the stride S then multiplies the jump. The chosen layer, convolution by convolution and "
            "pooling:"
        )
    )
    st.latex(r"r \leftarrow r + (F - 1)\, j, \qquad j \leftarrow S\, j")
    layer = result.layers[result.chosen]
    field = layer.field.before
    for window in layer.field.windows:
        after = field.after(window)
        st.latex(
            rf"r = {field.size} + ({window.kernel} - 1) \cdot {field.jump} = {after.size},"
            rf"\qquad j = {window.stride} \cdot {field.jump} = {after.jump}"
        )
        field = after
    _show_layers(result)
    _compare_kernels(layer.maps)


def _show_layers(result: Seen) -> None:
    rows = []
    for number, layer in enumerate(result.layers, 1):
        field, side = layer.field.after, len(layer.values)
        rows.append(
            [
                f"{number}. {translate(layer.title)}",
                _square(side),
                _square(field.size),
                str(field.jump),
                percent_text(min(field.size, SIDE) ** 2 / SIDE**2, 0),
            ]
        )
    head = [_("Layer"), _("Units"), _("Receptive field"), _("Jump"), _("Of the picture")]
    st.html(table_html(head, rows, strong=result.chosen, words=_("Receptive fields of all layers")))


def _square(side: int) -> str:
    """Return "28 x 28", which a table does not break."""
    return f"{side}\N{NO-BREAK SPACE}x\N{NO-BREAK SPACE}{side}"


def _compare_kernels(channels: int) -> None:
    """Show fields and parameters of three 3 x 3 kernels and of one 7 x 7, with the same channels."""
    three = 3 * convolution_parameters(channels, channels, 3)
    seven = convolution_parameters(channels, channels, 7)
    words = _(
        "**Three 3 x 3 instead of one 7 x 7** (VGG, 2014): both see {size} x {size} pixels. With "
        "{channels} channels in and out, three layers have {three:,} parameters, one has {seven:,}: "
        "{share:.0%} more. And three layers have three activations, so they can compute more."
    )
    numbers = {"size": stacked(THREE).size, "channels": channels, "three": three, "seven": seven}
    st.markdown(format_text(words, **numbers, share=seven / three - 1))


def training(result: Seen) -> dict[str, Any]:
    """Return a small VGG: pairs of 3 x 3 convolutions."""
    entry = ARCHITECTURES["vgg"]
    sizes = {"widths": entry.widths, "channels": entry.channels, "batch_norm": entry.batch_norm}
    return {"recipe": "tutorial-4b", "architecture": "vgg", "epochs": 1, **sizes}
