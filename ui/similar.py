"""The training images that a network takes for most like an image, on the Draw and Evaluate pages."""

import numpy as np
import streamlit as st

from mnist_core.data import Split, hold_out
from mnist_core.runs.run import Run
from ui import resources
from ui.digits import Figure, grid_html
from ui.translation import gettext as _

COMPARED_WITH = 5000  # training images: at most 23 MB of features
NEIGHBOURS = 8


def show_similar(run: Run, image: np.ndarray, columns: int, itself: int | None = None) -> None:
    """Show those nearest to `image`, uint8 [28, 28], in rows of `columns`.

    `itself` is the place of the image where it is one of the training images: it is not its own neighbour.
    """
    train = compared_with(run)
    with st.spinner(_("Comparing with training images …")):
        places, distances = nearest_training(run, image, itself)
    labels = train.labels[places]
    common = int(np.bincount(labels, minlength=10).argmax())
    st.markdown(
        _(
            "Of {all:,} training images, these are the {count} nearest to it in the last hidden layer; "
            "**{share}** of them are a **{digit}**."
        ).format(all=len(train), count=len(places), share=int((labels == common).sum()), digit=common)
    )
    figures = [
        _figure(train, int(place), float(distance)) for place, distance in zip(places, distances, strict=True)
    ]
    st.html(grid_html(figures, columns))


def _figure(train: Split, place: int, distance: float) -> Figure:
    """A training image with its label, its number and its distance."""
    words = {"label": int(train.labels[place]), "number": f"{place:,}", "distance": f"{distance:.2f}"}
    caption = _("<b>{label}</b> &nbsp;{distance} away").format(**words)
    alt = _("A handwritten {label}, image number {number}").format(**words)
    return Figure(train.images[place], caption, alt)


def compared_with(run: Run) -> Split:
    """Return the training images among which the nearest are looked for."""
    train, _validation = hold_out(resources.dataset().train, run.config.validation_size)
    return train[: min(run.config.train_size, COMPARED_WITH)]


def nearest_training(run: Run, image: np.ndarray, itself: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the training images nearest to `image`, without `itself`, and how far they are."""
    from mnist_core.explain import hidden_features, nearest

    own = hidden_features(resources.model(run), image[None])[0]
    features = _training_features(str(run.checkpoints[-1]), resources.dataset().source, run)
    places, distances = nearest(features, own, NEIGHBOURS + 1)
    others = places != (-1 if itself is None else itself)
    return places[others][:NEIGHBOURS], distances[others][:NEIGHBOURS]


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_features(checkpoint: str, source: str, _run: Run) -> np.ndarray:
    from mnist_core.explain import hidden_features

    return hidden_features(resources.model(_run), compared_with(_run).images)
