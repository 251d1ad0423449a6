"""Why a digit was read and not another: pixels for each, nearest images, smallest change."""

from collections import OrderedDict
from functools import partial

import numpy as np
import streamlit as st

from mnist_core.evaluation.counterfactual import MOST_PIXELS, Counterfactual
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import Run
from ui import resources
from ui.class_names import class_name, thing
from ui.drawing_input import ReadDrawing, calibration
from ui.explanations import compared_with, nearest_of_digit, neighbour_figure
from ui.html.digits import ABOVE, BELOW, FAINT, Figure, figure_html, grid_html, on_ink, sure_text
from ui.i18n import format_text, formatted_number, ngettext, sentences_text
from ui.i18n import gettext as _
from ui.url_state import set_url_parameters

SECTION_KEY = "look"  # in the URL: which section of the Draw page is open
CONTRAST = "instead"  # this one
NEIGHBOURS = 4
ROUGH = 0.03  # tolerance of the attributions: saves seconds against 0.005, and looks the same
MOST_SEGMENTS = 12  # classes to choose from side by side; of more there is a list
MOST_KEPT = 64  # results of searches for the smallest change
FIRST_THIRD, LAST_THIRD = 10, 18  # rows and columns where an image's middle begins and ends


def open_contrast(read: int, really: int) -> None:
    """Open the section about why `read` was read and not `really`."""
    set_url_parameters({SECTION_KEY: CONTRAST})
    st.session_state[_target_key(read)] = really


@st.fragment
def show(reading: ReadDrawing, place: int) -> None:
    """Show the section about the digit at `place`."""
    prediction = reading.digits[place].prediction
    read, image = prediction.label, prediction.image
    other = choose_other(prediction.probabilities, read, prediction.dataset)
    name = partial(class_name, prediction.dataset)
    first, second = sure_text(prediction.confidence), sure_text(float(prediction.probabilities[other]))
    words = _("The network reads **{read}** ({first}); it gives **{other}** {second}.")
    st.markdown(words.format(read=name(read), other=name(other), first=first, second=second))
    pixels, change, neighbours = st.columns([3, 3, 5], gap="medium")
    with pixels:
        show_pixels(reading.run, image, read, other)
    with change:
        show_change(reading.run, image, other)
    with neighbours:
        show_neighbours(reading.run, image, read, other)


def choose_other(probabilities: np.ndarray, read: int, dataset: str) -> int:
    """Show the classes that were not read, beginning with the most likely of them; return one."""
    others = [label for label in range(len(probabilities)) if label != read]
    name = partial(class_name, dataset)
    key = _target_key(read)
    st.session_state.setdefault(key, max(others, key=lambda digit: probabilities[digit]))
    if len(others) >= MOST_SEGMENTS:
        return st.selectbox(_("It was really"), others, format_func=name, key=key, width=200)
    return st.segmented_control(_("It was really"), others, format_func=name, key=key, required=True)


def _target_key(read: int) -> str:
    return f"speaks_for_other_{read}"


def show_pixels(run: Run, image: np.ndarray, read: int, other: int) -> None:
    """Show which pixels speak for the digit that was read, and which for the other."""
    with st.spinner(_("Computing the saliency")):
        values = _difference(str(run.checkpoints[-1]), image.tobytes(), read, other, run)
    names = {key: class_name(run.config.dataset, label) for key, label in (("read", read), ("other", other))}
    alt = _("Pixels that speak for {read}, and pixels that speak for {other}").format(**names)
    st.markdown("**" + _("Pixels: {read} against {other}").format(**names) + "**")
    st.html(figure_html(Figure(on_ink(values, image), "", alt)), width=180)
    words = _(
        "<span class='lab-for'>Blue</span> pixels speak for {read}, most of all {for_place}; <span "
        "class='lab-against'>orange</span> ones for {other}, most of all {against_place}. Integrated "
        "gradients of the difference of the two outputs."
    )
    st.markdown(
        words.format(
            **names,
            for_place=place_text(np.maximum(values, 0)),
            against_place=place_text(np.maximum(-values, 0)),
        ),
        unsafe_allow_html=True,
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _difference(checkpoint: str, image: bytes, read: int, other: int, _run: Run) -> np.ndarray:
    from mnist_core.evaluation.attribution import integrated_gradients

    pixels = np.frombuffer(image, np.uint8).reshape(28, 28)
    return integrated_gradients(resources.model(_run), pixels, read, other, ROUGH)


def show_change(run: Run, image: np.ndarray, other: int) -> None:
    """Show the fewest pixels that were found to make the network read the other digit."""
    name = class_name(run.config.dataset, other)
    st.markdown("**" + _("What would turn it into {other}").format(other=name) + "**")
    change = found_change(run, image, other)
    if change is None:
        st.markdown(
            _("A change of {most} pixels is not enough to turn it into {other}.").format(
                most=MOST_PIXELS, other=name
            )
        )
        return
    alt = _("Your {thing} with pixels added and removed, read as {other}").format(
        other=name, thing=thing(run.config.dataset)
    )
    st.html(figure_html(Figure(_coloured(change), "", alt)), width=180)
    st.markdown(change_text(run, change, other), unsafe_allow_html=True)


def found_change(run: Run, image: np.ndarray, other: int) -> Counterfactual | None:
    """Return the change that was found before, or search for it with a progress bar."""
    from mnist_core.evaluation.counterfactual import smallest_change

    found, key = _found_changes(), (str(run.checkpoints[-1]), image.tobytes(), other)
    if key not in found:
        place = st.empty()
        bar = place.progress(0.0, _("Searching for the smallest change"))
        change = smallest_change(
            resources.model(run),
            image,
            other,
            partial(_labels, run),
            lambda share: bar.progress(share, _("Searching for the smallest change")),
        )
        place.empty()
        found[key] = change
        while len(found) > MOST_KEPT:
            found.popitem(last=False)
    return found[key]


@st.cache_resource(show_spinner=False)
def _found_changes() -> "OrderedDict[tuple[str, bytes, int], Counterfactual | None]":
    return OrderedDict()


def _labels(run: Run, images: np.ndarray) -> np.ndarray:
    """Return the digits that the Draw page reads in images, uint8 [N, 28, 28]: of the mean of five views."""
    predictions = predict_all(resources.model(run), list(images), calibration(run))
    return np.array([prediction.label for prediction in predictions])


def _coloured(change: Counterfactual) -> np.ndarray:
    """Return the faint original with the added pixels blue and the removed ones orange: [28, 28, 3]."""
    pixels = np.repeat((change.original * (FAINT + 0.2)).astype(np.uint8)[..., None], 3, axis=2)
    pixels[change.added] = ABOVE
    pixels[change.removed] = BELOW
    return pixels


def change_text(run: Run, change: Counterfactual, other: int) -> str:
    """Say how many pixels to ink and to erase and where, and the answer after that."""
    added, removed = int(change.added.sum()), int(change.removed.sum())
    words = []
    if added:
        text = ngettext(
            "<span class='lab-for'>Blue</span>: add ink in {n} pixel, {place}.",
            "<span class='lab-for'>Blue</span>: add ink in {n} pixels, most of them {place}.",
            added,
        )
        words.append(text.format(n=added, place=place_text(change.added)))
    if removed:
        text = ngettext(
            "<span class='lab-against'>Orange</span>: remove {n} pixel, {place}.",
            "<span class='lab-against'>Orange</span>: remove {n} pixels, most of them {place}.",
            removed,
        )
        words.append(text.format(n=removed, place=place_text(change.removed)))
    (prediction,) = predict_all(resources.model(run), [change.image], calibration(run))
    sure = sure_text(prediction.confidence)
    words.append(
        _("Then it reads {other} ({sure}).").format(other=class_name(run.config.dataset, other), sure=sure)
    )
    words.append(_("It is the smallest change that a search pixel by pixel found."))
    return sentences_text(words)


def show_neighbours(run: Run, image: np.ndarray, read: int, other: int) -> None:
    """Show the nearest training images of the other digit, and how near those of the one read are."""
    with st.spinner(_("Finding the nearest training images")):
        places, distances = nearest_of_digit(run, image, other, NEIGHBOURS)
        _places, read_distances = nearest_of_digit(run, image, read, 1)
    names = {key: class_name(run.config.dataset, label) for key, label in (("read", read), ("other", other))}
    st.markdown("**" + _("Nearest training images of {other}").format(other=names["other"]) + "**")
    if not len(places) or not len(read_distances):
        st.markdown(_("There are no training images of both classes."))
        return
    train = compared_with(run)
    figures = [
        neighbour_figure(train, int(at), float(far)) for at, far in zip(places, distances, strict=True)
    ]
    st.html(grid_html(figures, NEIGHBOURS, least=4))
    words = _(
        "The nearest {other} is at distance {other_distance}, the nearest {read} at {read_distance}, by the "
        "activations of the last hidden layer."
    )
    if distances[0] > read_distances[0]:
        words = _(
            "To the network your {thing} is closer to an image of {read} (distance {read_distance}) than to "
            "any of {other} (distance {other_distance}), by the activations of the last hidden layer."
        )
    near = {"other_distance": distances[0], "read_distance": read_distances[0]}
    numbers = {name: formatted_number(float(value), ".2f") for name, value in near.items()}
    st.markdown(format_text(words, **names, **numbers, thing=thing(run.config.dataset)))


def place_text(weights: np.ndarray) -> str:
    """Return in which ninth of the image most of the weights, [28, 28] and not below 0, lie."""
    names = [
        [_("at the top left"), _("at the top"), _("at the top right")],
        [_("at the left"), _("in the middle"), _("at the right")],
        [_("at the bottom left"), _("at the bottom"), _("at the bottom right")],
    ]
    bounds = (0, FIRST_THIRD, LAST_THIRD)
    sums = np.add.reduceat(np.add.reduceat(weights.astype(float), bounds, axis=0), bounds, axis=1)
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return names[row][column]
