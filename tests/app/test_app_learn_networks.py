"""The chapters of Learn that train networks of their own, or work on the visitor's."""

import re

import pytest

from mnist_core.lessons import seed_spread


@pytest.fixture
def learn(app, monkeypatch):
    """Open a chapter that was read, and wait for what it calculates: `learn("accuracy", drop="0")`."""
    monkeypatch.setattr("ui.learn.lesson_jobs.SECONDS_TO_WAIT", 60)
    return lambda chapter, **query: app("learn", chapter=chapter, read=chapter, **query)


def words(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.subheader])


def test_accuracy_trains_its_networks_and_answers_from_them(learn, monkeypatch):
    monkeypatch.setattr(seed_spread, "SEEDS", range(2))
    test = learn("accuracy", drop="0")
    assert not test.exception
    assert "times: ±" in words(test)
    assert "without dropout both modes are the same" in words(test)


def test_drawing_counts_the_sizes_and_places_at_which_the_example_is_read(learn):
    test = learn("drawing")
    assert not test.exception
    assert re.search(
        r"Only shrunk: \d+ of 12 sizes and places read as 2\. After all steps: 12 of 12\.", words(test)
    )
    before = next(text for text in words(test).splitlines() if "only shrunk, the centre" in text)
    test = learn("drawing", size="large", place="middle")
    assert before not in words(test)
