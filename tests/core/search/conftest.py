"""A place where the tests search."""

from collections.abc import Iterator

import pytest

from tests.core.search.searching import SECONDS, Place


@pytest.fixture
def place(tmp_path, sample) -> Iterator[Place]:
    place = Place(tmp_path / "runs", sample)
    yield place
    for worker in place.workers:
        worker.leave(SECONDS)
    place.queue.close(SECONDS)
