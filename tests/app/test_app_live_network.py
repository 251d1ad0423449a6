"""The picture of a network on the Train and Draw pages: what the browser gets, and who may see it."""

import json

import numpy as np
import pytest

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.models.architectures import build_model
from mnist_core.monitoring.activation_view import view_activations
from mnist_core.recipes import RECIPES
from tests.app.drawings import drawn, path
from ui import live_network
from ui.live_network import show_live_network
from ui.train import network_panel

LARGEST = 120_000  # bytes that a browser gets of any network, each second


@pytest.fixture
def sent(monkeypatch):
    """What the browser gets of each picture."""
    pictures = []

    def take(data, **settings):
        pictures.append(data)

    monkeypatch.setattr(live_network, "_picture", take)
    return pictures


def text_of(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.info])


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_what_is_sent_is_bounded(name, sent):
    widths = (512, 512, 512, 512) if name == "mlp" else () if name in ("softmax", "lenet5") else (256,)
    channels = tuple(128 for _ in ARCHITECTURES[name].channels)
    config = TrainConfig(architecture=name, widths=widths, channels=channels)
    view = view_activations(build_model(config).eval(), load_sample().test.images[0])
    show_live_network(view, config, "a", "b")
    assert len(json.dumps(sent[0])) < LARGEST
    assert sent[0]["layers"][0]["kind"] == "image"
    assert sent[0]["layers"][-1]["units"] == list(range(10))


def test_train_shows_a_finished_run_with_the_digit_of_the_link(app, sample_only, sent):
    test = app("train", run="pretrained", watched="7")
    assert not test.exception
    assert "The network with a digit in it" in "\n".join(element.value for element in test.subheader)
    assert "The network reads **7**" in text_of(test)
    assert sent[-1]["read"] == 7
    assert not sent[-1]["live"]
    assert "strongest 8 are shown" in sent[-1]["layers"][1]["note"]
    test = app("train", run="pretrained", watched="7", lang="zh")
    assert sent[-1]["words"]["bias"] == "偏置"
    assert not sent[-1]["layers"][1]["note"].isascii()


def test_train_without_a_run_has_no_picture(app, sample_only, sent):
    app("train")
    assert not sent


def test_draw_shows_the_drawn_digit(app, sample_only, sent):
    test = drawn(app, "pretrained", path(("M", 140, 50), ("L", 145, 230)), look="network")
    assert not test.exception
    assert "The network reads **1**" in text_of(test)
    assert sent[-1]["read"] == 1


class Feed:
    """Stands in for that of a run in training."""

    def __init__(self, view):
        self.view, self.requests = view, []

    def request(self, image):
        self.requests.append(image)

    def latest(self, image):
        return self.view


def test_a_run_in_training_is_asked_for_the_watched_digit_unless_the_picture_is_held(monkeypatch, sent):
    config = RECIPES["tutorial-1"].config
    image = load_sample().test.images[3]
    feed = Feed(None)
    run = type("Run", (), {"id": "a", "config": config, "checkpoints": {}, "status": "running"})
    monkeypatch.setattr(network_panel.resources, "find_run", lambda run_id: run)
    queue = type("Queue", (), {"activation_feed": lambda self, run_id: feed})()
    monkeypatch.setattr(network_panel.resources, "training_queue", lambda: queue)
    monkeypatch.setattr(network_panel, "_choose_digit", lambda run: ("3", image))
    network_panel.show_network_panel("a")
    assert np.array_equal(feed.requests[0], image)
    assert not sent
    feed.view = view_activations(build_model(config).eval(), image, step=1200)
    network_panel.show_network_panel("a")
    assert sent[-1]["live"]
    assert sent[-1]["version"] == "a 3 1200"
    monkeypatch.setattr(network_panel, "is_still", lambda key: True)
    network_panel.show_network_panel("a")
    assert len(feed.requests) == 2
