import pytest

from ui import arrival


@pytest.fixture
def pauses(monkeypatch):
    """The seconds waited so far."""
    waited = []
    monkeypatch.setattr(arrival.time, "sleep", waited.append)
    monkeypatch.setattr(arrival.st, "session_state", {})
    return waited


def test_only_what_is_new_is_waited_for(pauses):
    arrival.let_arrive("plan", "60,000 images")
    arrival.let_arrive("plan", "60,000 images")
    assert len(pauses) == 1
    arrival.let_arrive("plan", "5,000 images")
    assert len(pauses) == 2


def test_each_place_has_its_own(pauses):
    arrival.let_arrive("heading", "Train")
    arrival.let_arrive("plan", "Train")
    assert len(pauses) == 2
