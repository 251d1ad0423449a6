"""The data of linked cells that the browser gets."""

import json

import numpy as np

from ui.learn.linked_cells import CellGrid, Source, grid_data, number_text


def test_a_grid_is_its_values_their_texts_and_what_each_comes_from():
    products = Source({"inputs": [0, 2], "weights": [0, 1]}, bias=0.1)
    sources = [products, Source({"inputs": [0, 1, 2]}, text="t")]
    grid = CellGrid("sums", "Sums", np.array([[1.25, -0.004]]), decimals=1, sources=sources)
    data = grid_data(grid)
    assert (data["rows"], data["columns"], data["largest"]) == (1, 2, 1.25)
    assert data["values"] == [1.25, -0.004]
    assert data["texts"] == ["1.2", "0.0"]
    first, second = data["sources"]
    assert first == {"cells": [["inputs", [0, 2]], ["weights", [0, 1]]], "bias": "0.1", "text": ""}
    assert second == {"cells": [["inputs", [0, 1, 2]]], "bias": None, "text": "t"}
    json.dumps(data)


def test_a_grid_of_zeros_has_a_largest_value_to_divide_by():
    assert grid_data(CellGrid("zeros", "", np.zeros((2, 2))))["largest"] == 1.0


def test_numbers_have_a_true_minus_sign_and_zero_has_none():
    assert [number_text(value, 2) for value in (-1.234, -0.001, 1234.5)] == [
        "\N{MINUS SIGN}1.23",
        "0.00",
        "1234.50",
    ]
