"""Chapter "One neuron": weights, sum, bias and activation on a digit; lines and an AND in a plane."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from ui import resources
from ui.i18n import count_text, format_text, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import DIGITS, FIRST_DIGIT, choose_digit
from ui.learn.lesson_jobs import background_result
from ui.learn.linked_cells import CellGrid, Source, number_text, show_linked_cells
from ui.learn.svg import svg_html
from ui.url_controls import url_choice, url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.line_network import LineNetwork, LineTraining, Points
    from mnist_core.lessons.linear_neurons import LinearNeurons, Neuron
    from mnist_core.runtime.job import Steps

SEEKS_KEY, LINES_KEY, STEP_KEY = "seeks", "lines", "step"
CELL = 9  # pixels of a picture's pixel
STRONGEST = 0.98  # quantile of the weights' sizes that gets the full colour
FINE = 72  # cells in a row of the plane, each shaded if the network says that it lies inside
STYLE = """
.ground { fill: var(--main); opacity: 0.16; shape-rendering: crispEdges }
.inside { fill: var(--main) }
.outside { fill: none; stroke: var(--warm); stroke-width: 0.028 }
line { stroke: var(--text); stroke-width: 0.04 }
circle { fill: var(--text) }
text { fill: var(--ground); font-size: 0.28px; font-weight: 650; text-anchor: middle }
"""


class Shown(NamedTuple):
    """The digit's neuron and its digit; the trainings by number of lines; the chosen lines and step."""

    neurons: "LinearNeurons"
    neuron: "Neuron"
    digit: int
    trainings: "dict[int, LineTraining]"
    lines: int
    step: int


def ask() -> Question:
    """Ask how many neurons a quadrilateral takes."""
    text = _(
        "A neuron multiplies each input by a weight, adds all products and a bias, and says yes if the sum "
        "is above 0. Some points of a plane lie inside a quadrilateral, the others outside. How many such "
        "neurons, and one more that joins their answers, does it take to tell inside from outside?"
    )
    return Question(text, {"one": _("1 neuron"), "two": _("2 neurons"), "four": _("4 neurons")})


def run() -> Shown | None:
    """Show a trained neuron on a digit, cell by cell, and below it lines that are trained on a plane."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        image = choose_digit()
        label = _("Neuron for the digit")
        digit = int(url_choice(st.selectbox, label, DIGITS, SEEKS_KEY, FIRST_DIGIT, width=170))
    neurons = _trained_neurons()
    if neurons is None:
        return None
    from mnist_core.lessons.linear_neurons import neuron_on

    neuron = neuron_on(neurons, digit, image.image)
    show_linked_cells(_grids(image.image, neuron, digit), ("sum", 0), "lab_cells_neuron", _hint())
    st.markdown(_verdict(neuron, digit, image.label))
    st.markdown(_("**The same neurons with two inputs, trained just now: each draws one line**"))
    trainings = _trained_lines()
    if trainings is None:
        return None
    lines, step = _show_plane(trainings)
    return Shown(neurons, neuron, digit, trainings, lines, step)


def _trained_neurons() -> "LinearNeurons | None":
    data = resources.dataset()

    def steps() -> "Steps[LinearNeurons]":
        from mnist_core.lessons.linear_neurons import train_neurons

        return train_neurons(data.train, "sigmoid")

    return background_result(_("Training ten neurons on the digits"), ("neuron", data.source), steps)


def _trained_lines() -> "dict[int, LineTraining] | None":
    def steps() -> "Steps[dict[int, LineTraining]]":
        from mnist_core.lessons.line_network import train_lines

        return train_lines()

    return background_result(_("Training lines on the points"), ("neuron_lines",), steps)


def _verdict(neuron: "Neuron", digit: int, label: int) -> str:
    """Return the neuron's answer for the image, and whether it is right."""
    says_yes = neuron.total > 0
    said = (
        _("The sum is above 0: the neuron for {digit} says yes.")
        if says_yes
        else _("The sum is not above 0: the neuron for {digit} says no.")
    )
    right = _("That is right: the label is {label}.")
    wrong = _("That is wrong: the label is {label}. Take another image, or another neuron.")
    truth = right if says_yes == (digit == label) else wrong
    return sentences_text([said.format(digit=digit), truth.format(label=label)])


def _hint() -> str:
    return _(
        "Point at a cell, tap it, or move with the arrow keys. Blue weights speak for the digit where there "
        "is ink, orange ones against it."
    )


def _grids(image: np.ndarray, neuron: "Neuron", digit: int) -> list[CellGrid]:
    """Return pixels, weights, sum and output; the sum is linked to the pixels with ink and their weights."""
    pixels, weights = image / 255, neuron.weights.reshape(image.shape)
    products = [
        f"{number_text(pixel, 2)} × {number_text(weight, 2)} = {number_text(product, 2)}"
        for pixel, weight, product in zip(pixels.flat, weights.flat, neuron.products, strict=True)
    ]
    sentence = _("Row {row}, column {column}: pixel times weight, {note}.")
    places = range(image.size)
    total, output = number_text(neuron.total, 2), number_text(neuron.output, 3)
    sigmoid = f"1 / (1 + e^−({total})) = {output}"
    return [
        CellGrid(
            "pixels",
            _("Inputs x: the pixels, 0 to 1"),
            pixels,
            look="grey",
            largest=1.0,
            sources=[Source({"weights": [place]}) for place in places],
            sentence=sentence,
            notes=products,
            cell=CELL,
        ),
        CellGrid(
            "weights",
            _("Weights w of the neuron for {digit}").format(digit=digit),
            weights,
            largest=float(np.quantile(np.abs(weights), STRONGEST)),
            sources=[Source({"pixels": [place]}) for place in places],
            sentence=sentence,
            notes=products,
            before="×",
            cell=CELL,
        ),
        CellGrid(
            "sum",
            _("Sum z"),
            np.array([[neuron.total]]),
            sources=[Source({"pixels": places, "weights": places}, bias=neuron.bias)],
            sentence=_("Sum of pixel times weight; pixels without ink add 0:"),
            before="=",
            cell=64,
        ),
        CellGrid(
            "output",
            _("Activation a"),
            np.array([[neuron.output]]),
            decimals=3,
            largest=1.0,
            sources=[Source({"sum": [0]}, text=sigmoid)],
            sentence=_("The activation function, here the sigmoid, turns the sum into a number from 0 to 1:"),
            before="→",
            cell=64,
        ),
    ]


def _show_plane(trainings: "dict[int, LineTraining]") -> tuple[int, int]:
    """Show points, lines and the area classified as inside; return the chosen number of lines and step."""
    from mnist_core.lessons.line_network import SHOWN_STEPS, toy_points

    with st.container(horizontal=True, gap="large", vertical_alignment="center", key="lab_plane"):
        with st.container(width=360):
            numbers = {str(count): count_text(count) for count in trainings}
            label = _("Neurons that draw a line")
            lines = int(url_segments(label, numbers, LINES_KEY, "4"))
            steps = {str(step): count_text(step) for step in SHOWN_STEPS}
            last = str(SHOWN_STEPS[-1])
            step = int(url_choice(st.select_slider, _("Steps of training"), steps, STEP_KEY, last))
            place = SHOWN_STEPS.index(step)
            training = trainings[lines]
            st.metric(_("Points on the right side"), percent_text(training.accuracies[place], 1))
            st.caption(
                _(
                    "Blue dots lie inside the quadrilateral, orange rings outside. On each line the sum of "
                    "one neuron is 0. Blue ground: the network says inside."
                )
            )
        with st.container(width=380):
            st.html(_plane_html(toy_points(), training.networks[place]))
    return lines, step


def _plane_html(points: "Points", network: "LineNetwork") -> str:
    """Return the plane as a picture; x2 grows upwards."""
    from mnist_core.lessons.line_network import EDGE

    count = len(network.biases)
    words = _("Points inside and outside a quadrilateral, and {count} lines").format(count=count)
    parts = [f'<path class="ground" d="{_ground_path(network)}"/>']
    parts += [f'<path class="outside" d="{_dots_path(points.places[~points.inside], 0.055)}"/>']
    parts += [f'<path class="inside" d="{_dots_path(points.places[points.inside], 0.06)}"/>']
    for number, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        parts.append(_line_svg(number, weights.astype(float), float(bias)))
    return svg_html((-EDGE, -EDGE, 2 * EDGE, 2 * EDGE), STYLE, "".join(parts), words)


def _dots_path(places: np.ndarray, radius: float) -> str:
    size = f"{radius} {radius}"
    return "".join(
        f"M{x - radius:.2f} {-y:.2f}a{size} 0 1 0 {2 * radius} 0a{size} 0 1 0 {-2 * radius} 0"
        for x, y in places.tolist()
    )


def _ground_path(network: "LineNetwork") -> str:
    """Return a rectangle for each run of cells in a row that the network takes to lie inside."""
    from mnist_core.lessons.line_network import EDGE, says_inside

    size = 2 * EDGE / FINE
    middles = (np.arange(FINE, dtype=np.float32) + 0.5) * size - EDGE
    inside = says_inside(network, np.stack(np.meshgrid(middles, -middles), axis=-1))
    return "".join(
        f"M{start * size - EDGE:.3f} {row * size - EDGE:.3f}h{(end - start) * size:.3f}v{size:.3f}"
        f"h{(start - end) * size:.3f}z"
        for row, cells in enumerate(inside)
        for start, end in _runs(cells)
    )


def _runs(cells: np.ndarray) -> Iterable[tuple[int, int]]:
    """Return start and end of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _line_svg(number: int, weights: np.ndarray, bias: float) -> str:
    """Return a line and its number, which stands on the side where the neuron says no."""
    length = float(np.hypot(*weights))
    normal, foot = weights / length, -bias * weights / length**2
    along = 10 * np.array([-normal[1], normal[0]])
    (x1, y1), (x2, y2), (x, y) = foot - along, foot + along, foot - 0.28 * normal
    line = f'<line x1="{x1:.2f}" y1="{-y1:.2f}" x2="{x2:.2f}" y2="{-y2:.2f}"/>'
    name = f'<text x="{x:.2f}" y="{0.1 - y:.2f}">{number}</text>'
    return f'{line}<circle cx="{x:.2f}" cy="{-y:.2f}" r=".19"/>{name}'


def answer(result: Shown) -> str:
    """Return how many points one and four lines get right."""
    one, four = (percent_text(result.trainings[lines].accuracies[-1], 1) for lines in (1, 4))
    return _("1 neuron: {one} of the points, 4 neurons: {four}").format(one=one, four=four)


def explain(result: Shown) -> None:
    """Show the neuron's formula, a line's and the AND's, each with its numbers."""
    neuron = result.neuron
    words = _(
        "**A neuron** is a linear map, z, and an activation, a. Its weight for input i is $w_i$; in a "
        "layer, that of neuron j is $w_{{ji}}$. Weights and bias were learned from digits: "
        "this neuron answers {right} of held-out images rightly; one that always says no, {others}."
    )
    right, others = (float(shares[result.digit]) for shares in (result.neurons.right, result.neurons.others))
    st.markdown(format_text(words, right=percent_text(right, 1), others=percent_text(others, 1)))
    products, bias, total = neuron.products.sum(), neuron.bias, neuron.total
    st.latex(rf"z = \sum_{{i=1}}^{{784}} w_i x_i + b = {_signed([products, bias])} = {total:.2f}")
    st.latex(rf"a = \sigma(z) = \frac{{1}}{{1 + e^{{-z}}}} = {neuron.output:.3f}")
    network = result.trainings[result.lines].networks[_place(result.step)]
    _explain_line(network)
    _explain_and(network)


def _place(step: int) -> int:
    from mnist_core.lessons.line_network import SHOWN_STEPS

    return SHOWN_STEPS.index(step)


def _explain_line(network: "LineNetwork") -> None:
    st.markdown(
        _(
            "**One neuron is one linear classifier**: with two inputs, its sum is 0 on one straight line, "
            "yes on one side and no on the other. The weights turn the line, the bias shifts it. Line 1:"
        )
    )
    weights, bias = network.weights[0], network.biases[0]
    st.latex(rf"w_1 x_1 + w_2 x_2 + b = {_signed([*weights, bias], ['x_1', 'x_2', ''])} = 0")


def _explain_and(network: "LineNetwork") -> None:
    count = len(network.biases)
    st.markdown(
        _(
            "**AND**: the neuron that joins the lines has learned weights so large, and a bias so far below "
            "0, that it says yes only if all lines say yes. With a bias just below 0 it would be an OR."
        )
        if network.is_and
        else _("**AND**: after these steps the neuron that joins the lines is not yet an AND of all of them.")
    )
    names = [rf"a_{number}" for number in range(1, count + 1)]
    every = float(network.join_weights.sum()) + network.join_bias
    without = every - float(network.join_weights.min())
    yes, missing = _("all say yes"), _("one says no")
    st.latex(_signed([*network.join_weights, network.join_bias], [*names, ""]))
    st.latex(rf"\text{{{yes}: }} {every:.1f} \qquad \text{{{missing}: }} {without:.1f}")


def _signed(numbers: Iterable[float], names: Iterable[str] | None = None) -> str:
    """Return a sum such as 1.5 x_1 - 0.2 in LaTeX."""
    listed = [float(number) for number in numbers]
    units = list(names) if names is not None else [""] * len(listed)
    text = "".join(
        f"{number:+.2f}{f' {unit}' if unit else ''}" for number, unit in zip(listed, units, strict=True)
    )
    return text.removeprefix("+")


def training(result: Shown) -> dict[str, object]:
    """Return softmax regression: ten neurons and no hidden layer."""
    return {"recipe": "tutorial-5", "architecture": "softmax", "epochs": 2}
