"""Why a network reads an image as it does: saliency, nearest training images, feature maps."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.mnist import ImageReference, Split, split_images
from mnist_core.runs.run import Run
from ui import resources
from ui.class_names import class_name, class_names, image_alt
from ui.html.digits import Figure, bars_html, full_colour, grid_html, in_rows, on_ink, sure_text, tiles_html
from ui.html.network import shape_text
from ui.i18n import count_text, format_text, formatted_number, ngettext, sentences_text, translate
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.evaluation.attribution import LayerActivation


def show_saliency(run: Run, image: np.ndarray, target: int, alt: str) -> None:
    """Show which pixels of `image`, uint8 [28, 28], speak for class `target`; `alt` names the pictures."""
    with st.spinner(_("Computing the saliency")):
        gradients, hiding = saliency(run, image, target)
    methods = {_("Integrated gradients"): gradients, _("Occlusion"): hiding}
    figures = [Figure(on_ink(values, image), f"<b>{name}</b>", alt) for name, values in methods.items()]
    with st.container(key="lab_saliency"):
        st.html(grid_html(figures, columns=2))
    st.markdown(
        _(
            "**Saliency** shows which pixels the network looks at: <span "
            "class='lab-for'>blue</span> pixels raise the score of {digit}, <span "
            "class='lab-against'>orange</span> pixels lower it; background pixels can do either. "
            "**Integrated gradients** attributes to the pixels the difference between the score "
            "of {digit} and that of a blank image. **Occlusion** covers 5 x 5 pixels at a time "
            "and measures how far the score falls. Trust most the places where both agree."
        ).format(digit=class_name(run.config.dataset, target)),
        unsafe_allow_html=True,
    )


def saliency(run: Run, image: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much each pixel speaks for `target`, by integrated gradients and by occlusion: [28, 28]."""
    return _saliency(str(run.checkpoints[-1]), image.tobytes(), target, run)


@st.cache_data(show_spinner=False, max_entries=64)
def _saliency(checkpoint: str, image: bytes, target: int, _run: Run) -> tuple[np.ndarray, np.ndarray]:
    from mnist_core.evaluation.attribution import integrated_gradients, occlusion

    model, pixels = resources.model(_run), np.frombuffer(image, np.uint8).reshape(28, 28)
    return integrated_gradients(model, pixels, target), occlusion(model, pixels, target)


COMPARED_WITH = 5000  # training images: at most 23 MB of features
NEIGHBOURS = 8


def show_similar(run: Run, image: np.ndarray, columns: int, itself: ImageReference | None = None) -> None:
    """Show the training images nearest to `image`, uint8 [28, 28], in rows of `columns`.

    `itself` names the image if it is one of the data, so that it is not its own neighbour.
    """
    train = compared_with(run)
    with st.spinner(_("Finding the nearest training images")):
        places, distances = nearest_training(run, image, itself)
    labels = train.labels[places]
    common = int(np.bincount(labels).argmax())
    st.markdown(
        format_text(
            _(
                "Nearest neighbours: the {count} of {all:,} training images with the most similar "
                "activations in the last hidden layer. **{share}** of them are labelled **{digit}**."
            ),
            all=len(train),
            count=len(places),
            share=int((labels == common).sum()),
            digit=class_name(run.config.dataset, common),
        )
    )
    figures = [
        neighbour_figure(train, int(place), float(distance))
        for place, distance in zip(places, distances, strict=True)
    ]
    st.html(grid_html(figures, columns))


def neighbour_figure(train: Split, place: int, distance: float) -> Figure:
    """A training image with its label, its number and its distance."""
    name = escape(class_name(train.dataset, int(train.labels[place])))
    words = _("<b>{label}</b> &nbsp;distance {distance}")
    caption = words.format(label=name, distance=formatted_number(distance, ".2f"))
    return Figure(train.images[place], caption, image_alt(train, place, count_text(place)))


def compared_with(run: Run) -> Split:
    """Return the training images that are searched for the nearest ones."""
    return split_images(run.config, resources.dataset(run.config.dataset)).train[:COMPARED_WITH]


def nearest_of_digit(run: Run, image: np.ndarray, digit: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the `count` training images of a class nearest to `image`, and how far they are.

    They are places among the images of `compared_with`.
    """
    from mnist_core.evaluation.neighbours import hidden_features, nearest

    own = hidden_features(resources.model(run), image[None])[0]
    features = _features_of_digit(
        str(run.checkpoints[-1]), resources.dataset(run.config.dataset).source, digit, run
    )
    order, distances = nearest(features, own, count)
    return _places_of_digit(run, digit)[order], distances


@st.cache_resource(show_spinner=False, max_entries=4)
def _features_of_digit(checkpoint: str, source: str, digit: int, _run: Run) -> np.ndarray:
    """Return the features of one digit's images, in a tenth of the time for all digits."""
    from mnist_core.evaluation.neighbours import hidden_features

    return hidden_features(resources.model(_run), compared_with(_run).images[_places_of_digit(_run, digit)])


def _places_of_digit(run: Run, digit: int) -> np.ndarray:
    return np.flatnonzero(compared_with(run).labels == digit)


def nearest_training(
    run: Run, image: np.ndarray, itself: ImageReference | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the training images nearest to `image`, without `itself`, and how far they are."""
    from mnist_core.evaluation.neighbours import hidden_features, nearest

    own = hidden_features(resources.model(run), image[None])[0]
    features = _training_features(str(run.checkpoints[-1]), resources.dataset(run.config.dataset).source, run)
    places, distances = nearest(features, own, NEIGHBOURS + 1)
    own_place = compared_with(run).place(itself) if itself else None
    others = places != (-1 if own_place is None else own_place)
    return places[others][:NEIGHBOURS], distances[others][:NEIGHBOURS]


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_features(checkpoint: str, source: str, _run: Run) -> np.ndarray:
    from mnist_core.evaluation.neighbours import hidden_features

    return hidden_features(resources.model(_run), compared_with(_run).images)


MOST_TILES = 64
MOST_MAPS = 32


def hidden_count_text(count: int, most: int) -> list[str]:
    """Return a sentence that not all are shown; none if all are."""
    return (
        [format_text(_("The first {most} of {count:,} are shown."), most=most, count=count)]
        if count > most
        else []
    )


def _show_maps_help() -> None:
    """Say how to read the pictures of `_show_layer`."""
    st.markdown(
        _(
            "A **feature map** shows where in the image one channel found what it looks for; in a fully "
            "connected layer each square is one unit. <span class='lab-for'>Blue</span> is above zero, "
            "<span class='lab-against'>orange</span> below; an empty picture found nothing. The colours of "
            "each layer are stretched so that weak values can be seen too."
        ),
        unsafe_allow_html=True,
    )


def show_layers(layers: "Iterable[LayerActivation]", dataset: str) -> None:
    """Show each layer's activations of an image; on request also those inside a residual block."""
    _show_maps_help()
    for place, layer in enumerate(layers):
        if layer.kind in ("image", "flatten"):  # flatten only rearranges the values
            continue
        _show_layer(layer, dataset)
        if layer.inner:
            inside = st.expander(_("Inside this block"), key=f"inside_block_{place}", on_change="rerun")
            if inside.open:
                with inside:
                    for inner in layer.inner:
                        _show_layer(inner, dataset)


def _show_layer(layer: "LayerActivation", dataset: str) -> None:
    """Show one layer's activations."""
    values = layer.values
    if layer.kind == "output":
        _show_output(values, dataset)
        return
    title = f"**{translate(layer.title)}** · {shape_text(values.shape)}"
    st.markdown(title)
    what = _("Feature maps of the layer: {title}").format(title=translate(layer.title))
    if values.ndim == 3 and values.shape[1] > 1:
        st.html(tiles_html(values[:MOST_MAPS], full_colour(values), what, side=3.8))
        hidden = [*_empty_count_text(values), *hidden_count_text(len(values), MOST_MAPS)]
    else:
        units = values.ravel()
        st.html(tiles_html([in_rows(units[:1024])], full_colour(values), what, side=20))
        hidden = hidden_count_text(values.size, 1024)
    active, largest = float((values > 0).mean()), float(np.abs(values).max())
    words = _("{share:.0%} of its {count:,} activations are above zero; the largest is {largest:.3g}.")
    st.caption(
        sentences_text([format_text(words, share=active, count=values.size, largest=largest), *hidden])
    )


def _empty_count_text(maps: np.ndarray) -> list[str]:
    """Return how many of the maps [C, H, W] shown are zero everywhere, in words; nothing if none is."""
    shown = maps[:MOST_MAPS]
    empty = int((~shown.any(axis=(1, 2))).sum())
    words = ngettext("{n} of these maps is zero everywhere.", "{n} of these maps are zero everywhere.", empty)
    return [words.format(n=empty)] if empty else []


def _show_output(values: np.ndarray, dataset: str) -> None:
    """Show the outputs as probabilities."""
    powers = np.exp(values - values.max())
    shares = powers / powers.sum()
    read = int(shares.argmax())
    st.markdown("**" + _("Output: the probabilities (softmax)") + "**")
    texts = [sure_text(float(share)) for share in shares]
    st.html(bars_html(class_names(dataset), shares.tolist(), texts, strong=read))
