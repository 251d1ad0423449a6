"""Chapters 7 to 11 of Learn: their controls change their numbers."""

import pytest

from tests.app.test_app_learn import words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, "9 weights and a bias, used at 676 places"),
        ({"stride": "2", "padding": "1"}, "9 weights and a bias, used at 196 places"),
        ({"kernel": "blur"}, "25 weights and a bias, used at 576 places"),
        ({"kernel": "?", "stride": "9", "padding": "-1"}, "9 weights and a bias, used at 676 places"),
    ],
)
def test_convolution_counts_the_places_of_the_chosen_kernel(app, query, shown):
    test = app("learn", chapter="convolution", read="convolution", **query)
    assert not test.exception
    assert shown in words(test)
