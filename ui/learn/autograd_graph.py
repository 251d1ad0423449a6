"""Chapter "Autograd": a small expression as a graph, forward values and backward gradients."""

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from ui import resources
from ui.html.tables import table_html
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.linked_cells import number_text
from ui.learn.svg import svg_html
from ui.number_fields import url_slider
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.scalar_graph import Node

EXPRESSION_KEY, X_KEY, W_KEY, B_KEY = "expression", "x", "w", "b"
EXPRESSIONS = {"product": "y = (x + w)(w + b)", "line": "y = w · x + b", "neuron": "L = (σ(w · x + b) − 0)²"}
STOPS = tuple(float(value) for value in np.arange(-3, 3.5, 0.5))
X, W = 0, 1  # places of the leaves in the graph
BOX_WIDTH, BOX_HEIGHT, COLUMN, LEVEL = 112, 62, 128, 112  # of the picture
BATCH = 100  # images
STYLE = """
rect { fill: none; stroke: var(--quiet); stroke-width: 1.5 }
.leaf rect { stroke: var(--main); stroke-width: 2.5 }
line { stroke: var(--quiet); stroke-width: 1.5 }
text { font-size: 14px; text-anchor: middle; fill: var(--text) }
.name { font-weight: 650 }
.value { fill: var(--main) }
.gradient, .slope { fill: var(--warm) }
.slope { font-size: 13px; stroke: var(--ground); stroke-width: 5; paint-order: stroke }
"""


class Shown(NamedTuple):
    """The expression's name, the values of x, w and b, and its graph."""

    name: str
    point: tuple[float, float, float]
    nodes: "list[Node]"


def ask() -> Question:
    """Ask how the gradient of a number that is used twice comes about."""
    text = _(
        "In y = (x + w)(w + b) the weight w is used twice, so a change of w reaches y by two paths. What "
        "does autograd make of the two for the gradient of w?"
    )
    options = {
        "sum": _("It adds them"),
        "product": _("It multiplies them"),
        "last": _("Only the last one counts"),
    }
    return Question(text, options)


def run() -> Shown:
    """Show the graph of an expression with its values and gradients."""
    name = url_segments(_("Expression"), EXPRESSIONS, EXPRESSION_KEY, "product")
    with st.container(horizontal=True, gap="small"):
        x = url_slider("x", STOPS, X_KEY, 2, width=320)
        w = url_slider("w", STOPS, W_KEY, 1, width=320)
        b = url_slider("b", STOPS, B_KEY, 1, width=320)
    resources.wait_for_torch()
    from mnist_core.lessons.scalar_graph import scalar_graph

    nodes = scalar_graph(name, x, w, b)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(width=400):
            st.html(_graph_html(nodes))
        with st.container(width=420):
            st.html(_nodes_html(nodes))
            st.caption(
                _(
                    "Forward, downwards: values, in blue. Backward, upwards: gradients of the result, in "
                    "orange. On each line stands the slope of the lower number by the upper one. Thick "
                    "frames: leaves."
                )
            )
    return Shown(name, (x, w, b), nodes)


def _graph_html(nodes: "list[Node]") -> str:
    """Return the graph as a picture: x, w and b at the top, the result at the bottom."""
    places = _places(nodes)
    lines, boxes = [], []
    for node, (x, y) in zip(nodes, places, strict=True):
        for parent, slope in zip(node.parents, node.slopes, strict=True):
            lines.append(_edge_svg(places[parent], (x, y), slope))
        boxes.append(_box_svg(node, x, y))
    height = max(y for _x, y in places) + BOX_HEIGHT / 2 + 2
    words = _("The graph of the expression: {steps}").format(steps=", ".join(n.formula for n in nodes[3:]))
    return svg_html((-4, -4, 3 * COLUMN + 8, height + 8), STYLE, "".join(lines + boxes), words)


def _places(nodes: "list[Node]") -> list[tuple[float, float]]:
    """Return the middle of each node's box: a leaf at the top, a result below and between its parents."""
    places: list[tuple[float, float]] = []
    for place, node in enumerate(nodes):
        if not node.parents:
            places.append(((place + 0.5) * COLUMN, BOX_HEIGHT / 2 + 2))
            continue
        above = [places[parent] for parent in node.parents]
        x = sum(each[0] for each in above) / len(above)
        places.append((x, max(each[1] for each in above) + LEVEL))
    return places


def _edge_svg(start: tuple[float, float], end: tuple[float, float], slope: float) -> str:
    top, bottom = start[1] + BOX_HEIGHT / 2, end[1] - BOX_HEIGHT / 2
    # The label is on the line, above its end, where two lines meet.
    share = 0.5 if bottom - top < LEVEL else 0.75
    x, y = start[0] + share * (end[0] - start[0]), top + share * (bottom - top) + 5
    line = f'<line x1="{start[0]}" y1="{top}" x2="{end[0]}" y2="{bottom}"/>'
    return f'{line}<text class="slope" x="{x}" y="{y}">× {_short(slope)}</text>'


def _box_svg(node: "Node", x: float, y: float) -> str:
    kind = "step" if node.parents else "leaf"
    texts = (
        ("name", node.formula, -12),
        ("value", _short(node.value), 6),
        ("gradient", _short(node.gradient), 24),
    )
    lines = "".join(
        f'<text class="{style}" x="{x}" y="{y + shift}">{escape(text)}</text>' for style, text, shift in texts
    )
    box = f'x="{x - BOX_WIDTH / 2}" y="{y - BOX_HEIGHT / 2}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
    return f'<g class="{kind}"><rect {box} rx="8"/>{lines}</g>'


def _nodes_html(nodes: "list[Node]") -> str:
    """Return a table of the steps, with PyTorch's name of each step's backward function."""
    rows = [
        [node.formula, _short(node.value), _short(node.gradient), node.function or _("leaf")]
        for node in nodes
    ]
    head = [_("Formula"), _("Value"), _("Gradient"), "grad_fn"]
    return table_html(head, rows, strong=W, words=_("The steps of the expression, with values and gradients"))


def answer(result: Shown) -> str:
    """Return what the two paths from w give in the product, and their sum."""
    from mnist_core.lessons.scalar_graph import scalar_graph

    nodes = scalar_graph("product", *result.point)
    ways = " + ".join(_factor(first * second) for first, second in _paths(nodes, W))
    return _("It adds them: {ways} = {sum}").format(ways=ways, sum=_short(nodes[W].gradient))


def _paths(nodes: "list[Node]", place: int) -> list[tuple[float, float]]:
    """Return for each use of a node the gradient of what it is used for, and the slope by the node."""
    return [
        (node.gradient, slope)
        for node in nodes
        for parent, slope in zip(node.parents, node.slopes, strict=True)
        if parent == place
    ]


def _factor(value: float) -> str:
    text = _short(value)
    return f"({text})" if value < 0 else text


def _short(value: float) -> str:
    """Return a number with up to three decimals."""
    return number_text(value, 3).rstrip("0").rstrip(".")


def explain(result: Shown) -> None:
    """Show the chain rule for w, what a training step does with it, and why the graph is freed."""
    result_name = _result_name(result)
    st.markdown(
        _(
            "**Autograd** notes each step of a calculation with **tensors** as a graph. `backward()` goes "
            "through it from the result to the leaves: each gradient is the one below times the slope of "
            "that step (chain rule), and where a number is used more than once, all paths are added."
        )
    )
    terms = " + ".join(rf"{_latex(below)} \cdot {_latex(slope)}" for below, slope in _paths(result.nodes, W))
    gradient = _latex(result.nodes[W].gradient, alone=True)
    st.latex(rf"\frac{{\partial {result_name}}}{{\partial w}} = {terms} = {gradient}")
    st.markdown(
        _(
            "A training step is the same with a whole network: **forward** gives the loss, **backward** the "
            "gradient of every weight, and the optimizer's **step** changes each weight against its gradient."
        )
    )
    _explain_freeing(result)


def _result_name(result: Shown) -> str:
    return result.nodes[-1].formula.split(" ")[0]


def _latex(value: float, alone: bool = False) -> str:
    text = _short(value).replace("\N{MINUS SIGN}", "-")
    return f"({text})" if value < 0 and not alone else text


def _explain_freeing(result: Shown) -> None:
    """Run backward twice, and count the values that the graph of a batch of digits keeps."""
    from mnist_core.lessons.scalar_graph import saved_values, second_backward

    found = second_backward(result.name, *result.point)
    words = _(
        "**Why the graph is freed**: for the slopes, a graph keeps values of the forward pass. For {batch} "
        "digits and a network 784-128-10 these are {kept} numbers, under `torch.no_grad()` {without}. So "
        "`backward()` frees the graph, and the next batch builds a new one. Run just now: a second "
        "`backward()` through this graph is an error. With `retain_graph=True` it works, and as gradients "
        "are added up, that of w is {retained} instead of {once}."
    )
    images = resources.dataset().train.images[:BATCH]
    st.markdown(
        format_text(
            words,
            batch=count_text(len(images)),
            kept=count_text(saved_values(images)),
            without=count_text(saved_values(images, gradients=False)),
            retained=_short(found.retained),
            once=_short(found.once),
        )
    )
    message = found.error.split(". ")[0]
    call = f"{_result_name(result)}.backward()"
    st.code(f"{call}\n{call}\nRuntimeError: {message}", language=None, wrap_lines=True)


def training(result: Shown) -> dict[str, Any]:
    """Return tutorial 1's network, whose every step is forward, loss, backward, step."""
    return {"recipe": "tutorial-1", "epochs": 1}
