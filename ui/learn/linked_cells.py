"""Linked cells: grids of numbers in which an output cell highlights its inputs and shows its calculation.

The browser does all of it: pointing, tapping and the arrow keys send nothing to the server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ui.browser_component import browser_component
from ui.i18n import formatted_number
from ui.i18n import gettext as _

HTML = """<div class="stage">
<p class="hint"></p>
<div class="grids"><p class="said" aria-live="polite"></p></div>
</div>"""
_cells = browser_component("digitlab_linked_cells", __file__, HTML)


@dataclass(frozen=True)
class Source:
    """The inputs of a cell's value, and its calculation as text.

    `cells` has, for each grid by name, the places there, from 0 row by row. Without `text`, the values of the
    first two of these grids are multiplied pair by pair and added, and `bias` last; with only one grid, its
    values are added. `text` is a calculation already written, as "max(0, 3, 1, 2) = 3".
    """

    cells: Mapping[str, Sequence[int]]
    bias: float | None = None
    text: str = ""


@dataclass(frozen=True)
class CellGrid:
    """A named grid of `values` [rows, columns], each written with `decimals` decimals.

    `look`: "grey" for pixels 0 to 255 or ink 0 to 1, "signed" for blue above zero and orange below it,
    "plain" without colours; the largest colour is that of `largest`, by default the largest value. `sources`
    has an entry for each cell if the grid's cells can be pointed at. `sentence` is then written before the
    calculation; it may hold {row}, {column}, {place} (all from 0), {value} and {note}, the cell's own entry
    of `notes`. `before` is a sign in front of the grid, as "x" or "=". A `scrolling` grid is one row of
    cells wide enough for their numbers, which scrolls to the cell that is lit. The cells of a `flat` grid are
    half as high as wide. `row_names` and
    `column_names` are short labels beside the cells.
    """

    name: str
    title: str
    values: np.ndarray
    decimals: int = 2
    look: str = "signed"
    largest: float | None = None
    sources: Sequence[Source] = ()
    sentence: str = ""
    notes: Sequence[str] = ()
    before: str = ""
    scrolling: bool = False
    flat: bool = False
    cell: int = 44  # pixels: a cell is at most so wide
    row_names: Sequence[str] = field(default_factory=tuple)
    column_names: Sequence[str] = field(default_factory=tuple)


def show_linked_cells(grids: Sequence[CellGrid], start: tuple[str, int], key: str, hint: str = "") -> None:
    """Show grids; the cell at `start`, a grid's name and a place in it, is chosen at first."""
    _cells(
        key=key,
        data={
            "grids": [grid_data(grid) for grid in grids],
            "start": list(start),
            "hint": hint or _("Point at a cell, tap it, or move with the arrow keys."),
            "words": {
                "bias": _("bias"),
                "others": _("other terms ({count})"),
                "cell": _("row {row}, column {column}"),
            },
        },
    )


def grid_data(grid: CellGrid) -> dict[str, Any]:
    """Return what the browser draws of a grid."""
    values = np.asarray(grid.values, float)
    largest = float(np.abs(values).max()) if grid.largest is None else grid.largest
    return {
        "name": grid.name,
        "title": grid.title,
        "rows": values.shape[0],
        "columns": values.shape[1],
        "values": [float(f"{value:.5g}") for value in values.ravel()],
        "texts": [number_text(value, grid.decimals) for value in values.ravel()],
        "look": grid.look,
        "largest": largest or 1.0,
        "sentence": grid.sentence,
        "notes": list(grid.notes),
        "before": grid.before,
        "scrolling": grid.scrolling,
        "flat": grid.flat,
        "cell": grid.cell,
        "rowNames": list(grid.row_names),
        "columnNames": list(grid.column_names),
        "sources": [_source_data(source, grid.decimals) for source in grid.sources],
    }


def _source_data(source: Source, decimals: int) -> dict[str, Any]:
    cells = [[name, [int(place) for place in places]] for name, places in source.cells.items()]
    bias = None if source.bias is None else number_text(source.bias, decimals)
    return {"cells": cells, "bias": bias, "text": source.text}


def number_text(value: float, decimals: int) -> str:
    """Return a number as shown in a cell, never as a negative zero."""
    rounded = round(float(value), decimals) + 0.0
    return formatted_number(rounded, f".{decimals}f")
