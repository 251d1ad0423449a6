"""What all visitors of a server share about a run on a split, computed when first asked for."""

import logging
from collections.abc import Generator
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.analysis.robustness_file import Measured, keep_robustness, kept_robustness
from mnist_core.runs.run import Run
from ui import resources
from ui.background import SharedWork
from ui.evaluate.asked import Asked
from ui.reading import Show, read_split

if TYPE_CHECKING:
    from mnist_core.analysis.robustness import Robustness
    from mnist_core.evaluation import Evaluation
    from mnist_core.explain import LayerActivation

SECONDS_BETWEEN_TURNS = 0.3
logger = logging.getLogger(__name__)
_measuring = Lock()  # one robustness at a time: two would only slow each other down


def evaluation(asked: Asked, show: Show | None = None) -> "Evaluation":
    """Return how a run's last checkpoint does on a split; InputError if it can't be read.

    `show` is told how far that is, see read_split.
    """
    return read_split(asked.key, lambda: resources.model(asked.run), asked.split, show)


def scaled_by_temperature(asked: Asked) -> tuple[np.ndarray, float]:
    """Return the probabilities [N, 10] after temperature scaling, and the temperature."""
    return _scaled_by_temperature(asked.key, asked)


def layer_activations(asked: Asked, index: int) -> "list[LayerActivation]":
    """Return what each layer makes of an image."""
    return _layer_activations(asked.key, index, asked)


def robustness_work(asked: Asked, images: int, seed: int) -> "SharedWork[Robustness | None]":
    """Return the server's measurement of how a run bears corruption and attack."""
    return _robustness_work(asked.key, images, seed, asked)


def measured(asked: Asked, images: int, seed: int) -> Measured:
    """Return what tells a measurement of robustness from others of the same run."""
    return Measured(Path(asked.checkpoint).stem, asked.source, asked.name, images, seed)


def robustness_seconds(asked: Asked) -> float:
    """Return about how long measuring that takes for each image, here and now."""
    return _robustness_seconds(asked.key, asked)


def disturbed_examples(asked: Asked, index: int, seed: int) -> dict[str, np.ndarray]:
    """Return an image at each strength of each trial, uint8 [strengths, 28, 28]."""
    return _disturbed_examples(asked.key, index, seed, asked)


@st.cache_resource(show_spinner=False, max_entries=8)
def _scaled_by_temperature(key: tuple[str, ...], _asked: Asked) -> tuple[np.ndarray, float]:
    from mnist_core.analysis.reliability import scale_by_temperature

    result = evaluation(_asked)
    return scale_by_temperature(result.probabilities, result.labels)


@st.cache_resource(show_spinner=False, max_entries=16)
def _layer_activations(key: tuple[str, ...], index: int, _asked: Asked) -> "list[LayerActivation]":
    from mnist_core.explain import activations

    return activations(resources.model(_asked.run), _asked.split.images[index])


@st.cache_resource(show_spinner=False, max_entries=8)
def _robustness_work(
    key: tuple[str, ...], images: int, seed: int, _asked: Asked
) -> "SharedWork[Robustness | None]":
    model = resources.model(_asked.run)
    wanted = measured(_asked, images, seed)

    def steps() -> "Generator[tuple[float, Robustness | None]]":
        from mnist_core.analysis.robustness import measure_robustness

        while not _measuring.acquire(timeout=SECONDS_BETWEEN_TURNS):
            yield 0.0, None
        try:
            for fraction, result in measure_robustness(model, _asked.split, images, seed):
                if result.complete:
                    _keep(_asked.run, wanted, result)
                yield fraction, result
        finally:
            _measuring.release()

    return SharedWork("robustness", steps, kept_robustness(_asked.run.folder).get(wanted))


def _keep(run: Run, wanted: Measured, result: "Robustness") -> None:
    """Keep a result with its run, so that it outlives the server; the shipped run stays as it was shipped."""
    if run.id == "shipped":
        return
    try:
        keep_robustness(run.folder, wanted, result)
    except OSError as error:  # a full disk, or a run that was removed meanwhile
        logger.warning("The robustness of run %s could not be kept: %s", run.id[:6], error)


@st.cache_resource(show_spinner=False, max_entries=64)
def _robustness_seconds(key: tuple[str, ...], _asked: Asked) -> float:
    from mnist_core.analysis.robustness import estimate_seconds

    return estimate_seconds(resources.model(_asked.run), _asked.split)


@st.cache_resource(show_spinner=False, max_entries=8)
def _disturbed_examples(key: tuple[str, ...], index: int, seed: int, _asked: Asked) -> dict[str, np.ndarray]:
    from mnist_core.analysis.robustness import TRIALS, examples

    model = resources.model(_asked.run)
    return {name: examples(model, _asked.split, name, index, seed) for name in TRIALS}
