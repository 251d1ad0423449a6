"""Fixtures of the tests of the training queue."""

from collections.abc import Iterator

import pytest

from tests.core.runs.training_queue.lab import Lab, wait_for


@pytest.fixture
def lab(tmp_path, sample) -> Iterator[Lab]:
    lab = Lab(tmp_path, sample)
    yield lab
    for run_id in lab.submitted:
        lab.queue.stop(run_id)
    lab.gate.set()
    for run_id in lab.submitted:
        wait_for(lambda run_id=run_id: lab.queue.snapshot(run_id) is None)
    lab.queue.close()
