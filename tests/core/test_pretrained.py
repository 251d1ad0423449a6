"""The pretrained model keeps what its card promises."""

import re

import numpy as np
import pytest

from mnist_core.data.mnist import load_sample, open_mnist
from mnist_core.messages import InputError
from mnist_core.recognition.recognizer import predict_all
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.store import PRETRAINED, RunStore
from mnist_core.synthetic.generator import generate_digits
from mnist_core.synthetic.non_digits import generate_non_digits
from models.make import CARD, MOST_BYTES, publish


@pytest.fixture(scope="module")
def run():
    return RunStore().get("pretrained")


@pytest.fixture(scope="module")
def read(run):
    how = run.load_model(), run.load_calibration()
    return lambda images: predict_all(how[0], images, how[1])


def test_its_card_tells_its_own_figures(run):
    card, size = (PRETRAINED.parent / "README.md").read_text(), run.checkpoints[-1].stat().st_size
    assert size <= MOST_BYTES
    assert f"{size:,} bytes" in card
    assert f"**{run.results['test_accuracy']:.2%}** of 10,000 test images" in card
    assert run.results["test_accuracy"] >= 0.9965


def test_its_card_has_the_words_of_its_template():
    card, found = (PRETRAINED.parent / "README.md").read_text(), 0
    for words in re.split(r"\{[^}]*\}", CARD):
        found = card.find(words, found)
        assert found >= 0, words


def test_nothing_is_published_that_was_measured_on_the_sample(run, monkeypatch):
    monkeypatch.setattr("models.make.load_dataset", lambda directory: load_sample())
    before = (PRETRAINED.parent / "README.md").read_text()
    with pytest.raises(InputError, match="not here"):
        publish(run)
    assert (PRETRAINED.parent / "README.md").read_text() == before


def test_it_reads_mnist(read, mnist_directory):
    test = open_mnist(mnist_directory).test[:500]
    predictions = read(list(test.images))
    assert np.mean([p.label == label for p, label in zip(predictions, test.labels, strict=True)]) > 0.99
    assert np.mean([p.is_digit for p in predictions]) > 0.96


def test_it_reads_ones_with_upstrokes_and_crossed_sevens(read):
    written = generate_digits(1000, seed=77)  # others than those it was trained on
    for digit in (1, 7):
        labels = [p.label for p in read(list(written.images[written.labels == digit]))]
        assert labels.count(digit) >= 80


@pytest.mark.parametrize("lean", [0, 20])
@pytest.mark.parametrize("length", [35, 50])
def test_a_bar_that_rises_by_more_than_about_20_degrees_is_an_upstroke(read, lean, length):
    def labels(rises):
        return {p.label for p in read([strokes_to_image(hooked(rise, length, lean)) for rise in rises])}

    assert labels([0, 5, 10, 15]) == {7}
    assert labels([30, 40, 50, 60]) == {1}


def hooked(rise, length, lean):
    """A stem 100 high that leans so many degrees, and what leads up to it."""
    along, down = (np.array([np.cos(angle), -np.sin(angle)]) for angle in np.radians([rise, lean - 90]))
    return [[(-length * along).tolist(), [0, 0], (100 * down * [-1, 1]).tolist()]]


def test_it_refuses_what_is_no_digit(read):
    dot = strokes_to_image([[[5, 5]]])
    assert not any(p.is_digit for p in read([dot, None]))
    assert np.mean([not p.is_digit for p in read(list(generate_non_digits(150, seed=77)))]) >= 0.9
