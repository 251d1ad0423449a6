"""The pretrained model has the accuracies that its card states."""

import re

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample, open_mnist, split_images
from mnist_core.evaluation.kept_evaluation import kept_evaluation
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.recognition.recognizer import predict_all
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.store import PRETRAINED, RunStore
from mnist_core.synthetic.generator import generate_digits
from mnist_core.synthetic.non_digits import generate_non_digits
from models.make import CARD, MOST_BYTES, REFINEMENT, publish, refine, train


@pytest.fixture(scope="module")
def run():
    return RunStore().get("pretrained")


@pytest.fixture(scope="module")
def read(run):
    how = run.load_model(), run.load_calibration()
    return lambda images: predict_all(how[0], images, how[1])


@pytest.fixture(scope="module")
def written():
    """Other digits than those it was trained on."""
    return generate_digits(400, seed=77)


def test_its_card_tells_its_own_figures(run):
    card, size = (PRETRAINED.parent / "README.md").read_text(), run.checkpoints[-1].stat().st_size
    files = [file for file in PRETRAINED.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES
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


def test_a_refined_run_counts_both_trainings(tmp_path, monkeypatch):
    monkeypatch.setattr("models.make.load_dataset", lambda directory: load_sample())
    monkeypatch.setitem(REFINEMENT, "epochs", 1)
    config = TrainConfig(widths=(8,), train_size=300, validation_size=100, epochs=2)
    store = RunStore(tmp_path)
    first = store.add(config, build_model(config), 2, "first", "", train_seconds=5.0, threads=1)
    (first.folder / "metrics.csv").write_text("epoch\n")
    refined = refine(store, first)
    assert refined.results["epochs"] == 3
    assert refined.results["train_seconds"] > 5
    assert refined.config == config
    before, after = (dict(run.load_model().named_parameters()) for run in (first, refined))
    assert any(not before[name].equal(after[name]) for name in before)


def test_a_new_model_is_trained_by_the_recipe_and_refined(tmp_path, monkeypatch):
    def command(arguments):
        assert arguments[:3] == ["train", "--recipe", "world"]
        folder = arguments[arguments.index("--runs") + 1]
        with RunStore(folder).making(config, "first") as writer:
            writer.save(build_model(config), 2)
            writer.update(ending)
        return 0

    config, ending = TrainConfig(widths=(8,)), "stopped"
    monkeypatch.setattr("models.make.command_line", command)
    monkeypatch.setattr("models.make.refine", lambda store, run, data: (run.status, data))
    with pytest.raises(InputError, match="stopped"):
        train(RunStore(tmp_path / "runs"), "folder")
    ending = "finished"
    assert train(RunStore(tmp_path / "runs"), "folder") == ("finished", "folder")


def test_its_evaluations_come_with_its_weights(run, mnist_directory):
    """Else a server that has just started computes them; `python -m models.make pretrained --evaluate`."""
    mnist = open_mnist(mnist_directory)
    found = kept_evaluation(run.checkpoints[-1], mnist.test)
    assert found.accuracy == pytest.approx(run.results["test_accuracy"], abs=2e-4)
    assert kept_evaluation(run.checkpoints[-1], split_images(run.config, mnist).validation).accuracy > 0.99


def test_it_reads_mnist(read, mnist_directory):
    test = open_mnist(mnist_directory).test[:250]
    predictions = read(list(test.images))
    assert np.mean([p.label == label for p, label in zip(predictions, test.labels, strict=True)]) > 0.99
    assert np.mean([p.is_digit for p in predictions]) > 0.96


def test_it_reads_ones_with_upstrokes_and_crossed_sevens(read, written):
    for digit in (1, 7):
        labels = [p.label for p in read(list(written.images[written.labels == digit]))]
        assert labels.count(digit) >= 0.95 * len(labels) > 30


@pytest.mark.parametrize("lean", [0, 20])
@pytest.mark.parametrize("length", [35, 50])
def test_a_bar_that_rises_by_more_than_about_20_degrees_is_an_upstroke(read, lean, length):
    def labels(rises):
        return {p.label for p in read([strokes_to_image(hooked(rise, length, lean)) for rise in rises])}

    assert labels([0, 5, 10, 15]) == {7}
    assert labels([30, 40, 50, 60]) == {1}


def hooked(rise, length, lean):
    """The strokes of a 1: an upstroke rising by `rise` degrees, a stem 100 high leaning by `lean` degrees."""
    along, down = (np.array([np.cos(angle), -np.sin(angle)]) for angle in np.radians([rise, lean - 90]))
    return [[(-length * along).tolist(), [0, 0], (100 * down * [-1, 1]).tolist()]]


def test_it_refuses_what_is_no_digit(read):
    dot = strokes_to_image([[[5, 5]]])
    assert not any(p.is_digit for p in read([dot, None]))
    assert np.mean([not p.is_digit for p in read(list(generate_non_digits(100, seed=77)))]) >= 0.95
    others = generate_non_digits(75, 77, ("other hands",))  # forms that it was not trained on
    assert np.mean([not p.is_digit for p in read(list(others))]) >= 0.92


def test_it_accepts_digits_in_all_forms_and_qualities(read, written):
    predictions = read(list(written.images))
    assert np.mean([p.is_digit for p in predictions]) >= 0.96
    assert np.mean([p.label == label for p, label in zip(predictions, written.labels, strict=True)]) >= 0.97
