import pytest


@pytest.fixture(scope="session")
def result_of():
    """Do all steps of a background job's generator and return its result."""

    def finish(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    return finish
