"""What all visitors of a server share about a run's moments, computed when first asked for."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.runs.moments import Moment, load_moment
from ui import resources
from ui.background import SharedWork
from ui.inside.travel import Seen

if TYPE_CHECKING:
    from mnist_core.dataset.embedding import Projection
    from mnist_core.evaluation import Evaluation
    from mnist_core.explain import LayerActivation
    from mnist_core.model import DigitClassifier

READ = 2000  # test images, so that the slider answers at once; the Evaluate page has them all
ON_THE_MAP = 1500  # of these: enough to see groups, and little to send when the slider moves


def evaluation_at(seen: Seen) -> "Evaluation":
    """Return how a run did on the first test images at its moment."""
    return _evaluation(seen.key(seen.moment), resources.dataset().source, seen)


def weights_at(seen: Seen) -> tuple[np.ndarray, float]:
    """Return the first layer's weights [units, H, W] at the moment, and the largest of the last moment."""
    from mnist_core.analysis.first_layer import first_layer_weights

    now, last = (first_layer_weights(_model_at(seen, moment)) for moment in (seen.moment, seen.last))
    return now, float(np.quantile(np.abs(last), 0.995))


def activations_at(seen: Seen, image: np.ndarray) -> "list[LayerActivation]":
    """Return what each layer made of an image at the moment."""
    from mnist_core.explain import activations

    return activations(_model_at(seen, seen.moment), image)


def readings(seen: Seen, image: np.ndarray) -> np.ndarray:
    """Return the probabilities of an image at every moment of the run, [moments, 10]."""
    return _readings(" ".join(map(seen.key, seen.moments)), image.tobytes(), seen, image)


def map_at(seen: Seen) -> "Projection":
    """Return the first test images as the last layer got them at the moment, along two principal components.

    The map is turned so that images lie as near as can be to where they are at the last moment.
    """
    from mnist_core.dataset.embedding import Projection, turned_like

    now, last = (
        _components(seen.key(m), resources.dataset().source, seen, m) for m in (seen.moment, seen.last)
    )
    return Projection(turned_like(now.coordinates, last.coordinates), now.shares)


def tsne_at(seen: Seen) -> SharedWork[np.ndarray]:
    """Return the server's work on the t-SNE map of the same, positions [N, 2]."""
    return _tsne(seen.key(seen.moment), resources.dataset().source, seen)


def _model_at(seen: Seen, moment: Moment) -> "DigitClassifier":
    return _model(seen.key(moment), seen, moment)


@st.cache_resource(show_spinner=False, max_entries=3)  # a network may be large, and is loaded in 15 ms
def _model(key: str, _seen: Seen, _moment: Moment) -> "DigitClassifier":
    return load_moment(_seen.run, _moment)


@st.cache_resource(show_spinner=False, max_entries=64)
def _evaluation(key: str, source: str, _seen: Seen) -> "Evaluation":
    from mnist_core.evaluation import evaluate

    return evaluate(_model_at(_seen, _seen.moment), resources.dataset().test[:READ])


@st.cache_resource(show_spinner=False, max_entries=32)
def _readings(key: str, image: bytes, _seen: Seen, _image: np.ndarray) -> np.ndarray:
    from mnist_core.reading.recognition import predict

    models = (load_moment(_seen.run, moment) for moment in _seen.moments)
    return np.stack([predict(model, _image).probabilities for model in models])


@st.cache_resource(show_spinner=False, max_entries=64)
def _components(key: str, source: str, _seen: Seen, _moment: Moment) -> "Projection":
    from mnist_core.dataset.embedding import feature_components

    return feature_components(_features(_seen, _moment), 2)


@st.cache_resource(show_spinner=False, max_entries=6)
def _tsne(key: str, source: str, _seen: Seen) -> SharedWork[np.ndarray]:
    from mnist_core.dataset.embedding import COMPONENTS, feature_components, tsne_of_points

    points = feature_components(_features(_seen, _seen.moment), COMPONENTS).coordinates
    return SharedWork("t-SNE", lambda: tsne_of_points(points))


def _features(seen: Seen, moment: Moment) -> np.ndarray:
    """Return what the last layer gets of the first test images; up to 19 MB, so it isn't kept."""
    from mnist_core.explain import hidden_features

    return hidden_features(_model_at(seen, moment), resources.dataset().test.images[:ON_THE_MAP])
