"""What `python -m benchmarks.rejection` compares: each classifier alone, both, and both trained again."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import rejection
from benchmarks.rejection import SEEDS, rejection_table, ways
from mnist_core.recognition.calibration import Calibration
from mnist_core.runs.run import PRETRAINED_ID
from mnist_core.runs.store import RunStore


@pytest.fixture(scope="module")
def pretrained():
    run = RunStore().get(PRETRAINED_ID)
    return run.load_model(), run.load_calibration()


def test_each_classifier_is_measured_alone_at_the_same_share_of_digits(pretrained, sample, monkeypatch):
    model, calibration = pretrained
    small = replace(sample, train=sample.train[:300], test=sample.test[:10])
    monkeypatch.setattr(rejection, "open_mnist", lambda _directory: small)
    monkeypatch.setattr(rejection, "calibrate", lambda *_arguments: calibration)
    found = ways(model, calibration, None)
    regressions, network, both, *again = found.values()
    assert both is calibration
    assert len(again) == len(SEEDS)
    assert regressions.detector is None
    assert np.array_equal(regressions.weights, calibration.weights)
    assert network.detector is calibration.detector
    assert not network.weights.any()
    assert len(set(network.bias)) == 1  # one threshold for all digits


def test_a_cell_is_the_share_rejected(pretrained):
    model, calibration = pretrained
    features = calibration.weights.shape[1]
    all_, none = (
        Calibration(1.0, np.zeros((1, features), np.float32), np.array([bias], np.float32))
        for bias in (-1, 1)
    )
    ink = np.full((28, 28), 200, np.uint8)
    table = rejection_table(model, {"all": all_, "none": none}, {"digits": [ink, ink]})
    assert table.splitlines()[2:] == ["| digits | 100.0% | 0.0% |"]
