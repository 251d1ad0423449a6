import pytest

from ui.learning_curves import WHOLE_RUN, CurveWords, curve_spec

WORDS = CurveWords("training", "validation", "epoch", "loss")


def across(epochs):
    return curve_spec(epochs, WORDS, ".3g", "~g", logarithmic=False)["encoding"]["x"]["scale"]


@pytest.mark.parametrize("epochs", [1, 10, WHOLE_RUN])
def test_a_short_run_shows_how_far_it_will_go(epochs):
    assert across(epochs)["domain"] == [0, epochs]


@pytest.mark.parametrize("epochs", [WHOLE_RUN + 1, 1000])
def test_a_long_run_shows_what_there_is_so_far(epochs):
    """Its first epochs would be a vertical line else."""
    assert "domain" not in across(epochs)
    assert across(epochs)["domainMin"] == 0
