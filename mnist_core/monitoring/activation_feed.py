"""Activations of a network in training, on request and for a small share of the training's time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.monitoring.activation_view import ActivationView

SECONDS_BETWEEN = 1.0
MOST_SHARE = 0.04  # of the training's time
SECONDS_WATCHED = 5.0  # how long a request lasts: pages repeat theirs every second
MOST_IMAGES = 3  # that are viewed at a time, as visitors may watch different ones


class ActivationFeed:
    """Views of the images that somebody watches now.

    Pages call `request` and `latest`; the training calls `look` after each of its events. Without a request a
    look costs nothing. A look changes neither the model nor a random generator.
    """

    def __init__(self) -> None:
        self._requests: dict[bytes, float] = {}  # an image's bytes, and until when it is watched
        self._views: dict[bytes, ActivationView] = {}
        self._lock = threading.Lock()
        self._due = 0.0

    def request(self, image: np.ndarray) -> None:
        """Ask for views of `image`, uint8 [28, 28], for the next SECONDS_WATCHED."""
        with self._lock:
            self._requests.pop(image.tobytes(), None)
            self._requests[image.tobytes()] = time.monotonic() + SECONDS_WATCHED

    def latest(self, image: np.ndarray) -> ActivationView | None:
        """Return the last view of `image`, None before the first."""
        with self._lock:
            return self._views.get(image.tobytes())

    def watched(self) -> list[bytes]:
        """Return the images that are watched now, as bytes: where another machine trains, it is told."""
        return self._watched(time.monotonic())

    @property
    def views(self) -> dict[bytes, ActivationView]:
        """The last views, by the bytes of their images; replaced, never changed."""
        return self._views

    @views.setter
    def views(self, views: dict[bytes, ActivationView]) -> None:
        with self._lock:
            self._views = views

    def look(self, model: DigitClassifier, step: int) -> None:
        """View the images watched now, if it is time."""
        start = time.monotonic()
        if start < self._due or not (watched := self._watched(start)):
            return
        from mnist_core.monitoring.activation_view import view_activations

        views = {}
        for pixels in watched:
            image = np.frombuffer(pixels, np.uint8).reshape(28, 28)
            views[pixels] = view_activations(model, image, step, self._views.get(pixels))
        with self._lock:
            self._views = views
        now = time.monotonic()
        self._due = start + max(SECONDS_BETWEEN, (now - start) / MOST_SHARE)

    def _watched(self, now: float) -> list[bytes]:
        """Return the images requested last."""
        with self._lock:
            self._requests = {image: until for image, until in self._requests.items() if until > now}
            return list(self._requests)[-MOST_IMAGES:]
