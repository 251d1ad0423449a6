"""Similar images: the training images that the network takes for most like the digit."""

import numpy as np
import streamlit as st

from mnist_core.data import Split, hold_out
from mnist_core.runs.run import Run
from ui import resources
from ui.digits import Figure, grid_html
from ui.draw.sections import pick_digit
from ui.draw.writing import Reading
from ui.translation import gettext as _

COMPARED_WITH = 5000  # training images: at most 23 MB of features
NEIGHBOURS = 8


@st.fragment
def show(reading: Reading) -> None:
    """Show the section."""
    place = pick_digit(reading)
    if place is None:
        return
    train = compared_with(reading.run)
    with st.spinner(_("Comparing with training images …")):
        indices, distances = nearest_training(reading.run, reading.digits[place].prediction.image)
    labels = train.labels[indices]
    common = int(np.bincount(labels, minlength=10).argmax())
    st.markdown(
        _(
            "Of {all:,} training images, these {count} are the nearest to yours in what the last layer gets "
            "of them; **{share}** of them are a **{digit}**."
        ).format(all=len(train), count=len(indices), share=int((labels == common).sum()), digit=common)
    )
    figures = [
        _figure(train.images[index], int(train.labels[index]), int(index), float(distance))
        for index, distance in zip(indices, distances, strict=True)
    ]
    st.html(grid_html(figures, columns=NEIGHBOURS))


def _figure(image: np.ndarray, label: int, place: int, distance: float) -> Figure:
    words = {"label": label, "number": f"{place:,}", "distance": f"{distance:.2f}"}
    caption = _("<b>{label}</b> &nbsp;{distance} away").format(**words)
    return Figure(image, caption, _("A handwritten {label}, image number {number}").format(**words))


def compared_with(run: Run) -> Split:
    """Return the training images among which the nearest are looked for."""
    train, _validation = hold_out(resources.dataset().train, run.config.validation_size)
    return train[: min(run.config.train_size, COMPARED_WITH)]


def nearest_training(run: Run, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which training images are nearest to `image`, uint8 [28, 28], and how far they are."""
    from mnist_core.explain import hidden_features, nearest

    own = hidden_features(resources.model(run), image[None])[0]
    features = _training_features(str(run.checkpoints[-1]), resources.dataset().source, run)
    return nearest(features, own, NEIGHBOURS)


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_features(checkpoint: str, source: str, _run: Run) -> np.ndarray:
    from mnist_core.explain import hidden_features

    return hidden_features(resources.model(_run), compared_with(_run).images)
