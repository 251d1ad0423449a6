"""A network as HTML, layer by layer."""

from collections.abc import Sequence
from html import escape

from mnist_core.messages import N_
from mnist_core.models.summary import LayerSummary
from ui.i18n import count_text, translate
from ui.i18n import gettext as _

MOST_SQUARES = 4
MOST_DOTS = 7
SIZE = 40  # of a glyph, in pixels


def network_html(layers: Sequence[LayerSummary]) -> str:
    """Return the layers as rows of a table, each with a picture of its output."""
    most = max(layer.parameters for layer in layers)
    rows = "".join(_row(layer, most) for layer in layers)
    heads = (_("Layer"), _("Output"), _("Parameters"))
    head = "".join(f'<span role="columnheader">{escape(name)}</span>' for name in heads)
    name = escape(_("The network, layer by layer"))
    return (
        f'<div class="lab-network" role="table" aria-label="{name}">'
        f'<div class="head" role="row"><span></span>{head}</div>{rows}</div>'
    )


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: 32 x 14 x 14."""
    return " x ".join(count_text(size) for size in shape)


def _row(layer: LayerSummary, most: int) -> str:
    parts = " → ".join(translate(part) for part in layer.parts)
    width = layer.parameters / most if most else 0
    bar = f'<i class="bar" style="width:{width:.1%}" aria-hidden="true"></i>' if layer.parameters else ""
    count = count_text(layer.parameters) if layer.parameters else "–"
    return (
        f'<div class="layer {layer.kind}" role="row"><span aria-hidden="true">{_glyph(layer.shape)}</span>'
        f'<span role="cell" class="what"><b>{escape(translate(layer.title))}</b>'
        f"<small>{escape(parts)}</small></span>"
        f'<span role="cell" class="shape">{shape_text(layer.shape)}</span>'
        f'<span role="cell" class="count">{count}{bar}</span></div>'
    )


def _glyph(shape: Sequence[int]) -> str:
    """Return a stack of maps, in their size relative to the image, or a column of units.

    Drawn as boxes, as Streamlit removes SVG from HTML.
    """
    return f'<span class="glyph">{_squares(shape) if len(shape) == 3 else _dots(shape[0])}</span>'


def _squares(shape: Sequence[int]) -> str:
    count, side = min(shape[0], MOST_SQUARES), 5 + shape[1] * 23 / 28
    first = (SIZE - side - (count - 1) * 3) / 2
    places = (first + 3 * number for number in range(count))
    return "".join(
        f'<i style="left:{place:.1f}px;top:{place:.1f}px;width:{side:.1f}px;height:{side:.1f}px"></i>'
        for place in places
    )


def _dots(units: int) -> str:
    count = min(MOST_DOTS, max(2, len(f"{units:b}") - 1))
    first = (SIZE - (count - 1) * 5.5 - 4.5) / 2
    return "".join(
        f'<i class="unit" style="top:{first + number * 5.5:.1f}px"></i>' for number in range(count)
    )


KIND_NAMES = {
    "convolution": N_("Convolution"),
    "residual": N_("Residual block"),
    "linear": N_("Fully connected"),
    "output": N_("Output"),
}


def layer_names(layers: Sequence[LayerSummary]) -> list[str]:
    """Return the names of the layers with parameters, numbered from 1."""
    return [f"{number}. {_(KIND_NAMES[layer.kind])}" for number, layer in enumerate(layers, 1)]
