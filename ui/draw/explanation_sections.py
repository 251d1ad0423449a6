"""Sections about a digit that was read: preprocessing, saliency, feature maps, neighbours."""

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import DATASETS, number_of_classes
from mnist_core.recognition.recognizer import Prediction, predict_all
from ui import resources
from ui.answers import short_answer
from ui.canvas import remember_read_place
from ui.class_names import class_name, is_digits, thing, without_markup
from ui.draw import contrast, model_comparison, my_handwriting, perturbation_sliders
from ui.draw.contrast import CONTRAST, SECTION_KEY
from ui.drawing_input import ReadDrawing, calibration, show_nothing_yet
from ui.explanations import NEIGHBOURS, show_layers, show_saliency, show_similar
from ui.fragments import clear_slots
from ui.html.digits import Figure, figure_html
from ui.i18n import gettext as _
from ui.live_network import show_live_network
from ui.navigation import link
from ui.prediction import probabilities_html
from ui.url_controls import set_widget_value
from ui.url_state import set_url_parameters, url_parameters

MOST_PARTS = 20  # elements of a section, or more
DIGIT_KEY = "which_digit"


def names(dataset: str) -> dict[str, str]:
    """Return the names of the sections by their key in the URL, for a network of a data set."""
    return {
        "steps": _("Preprocessing"),
        "attention": _("Saliency"),
        CONTRAST: _("Why not another {thing}").format(thing=thing(dataset)),
        "layers": _("Feature maps"),
        "network": _("Network"),
        "similar": _("Nearest training images"),
        "changes": _("Perturbations"),
        "others": _("Other models"),
        "sheet": _("My handwriting"),
    }


@st.fragment
def show_sections(reading: ReadDrawing) -> None:
    """Show the sections' names, and the one that is open."""
    sections = names(reading.run.config.dataset)
    chosen = _choose(sections)
    for section in sections:  # each in a place of its own
        if section == chosen:
            with st.container():
                _show_section(section, reading)
        else:
            clear_slots(1)


def _show_section(section: str, reading: ReadDrawing) -> None:
    """Show a section, about one of the digits unless it is about all."""
    if section in OF_WHOLE_INPUT:
        OF_WHOLE_INPUT[section](reading)
    elif (place := pick_digit(reading)) is not None:
        OF_ONE_DIGIT[section](reading, place)


def pick_digit(reading: ReadDrawing) -> int | None:
    """Show which digit of a row a section is about; return its place, None when nothing was written."""
    if len(reading.digits) < 2:
        if not reading.digits:
            show_nothing_yet(reading)
        clear_slots(1 if reading.digits else MOST_PARTS)  # removes the old content before anything slow
        return 0 if reading.digits else None
    places = range(len(reading.digits))
    labels = [f"{place + 1}.: {without_markup(reading.digits[place].prediction.text)}" for place in places]
    if st.session_state.get(DIGIT_KEY) not in places:
        st.session_state[DIGIT_KEY] = 0
    words = _("Which {thing}").format(thing=thing(reading.run.config.dataset))
    place = st.segmented_control(
        words, places, format_func=lambda place: labels[place], key=DIGIT_KEY, required=True
    )
    remember_read_place(place)
    return place


def _choose(options: dict[str, str]) -> str | None:
    """Show the sections; the open one is in the URL. A click on it closes it."""

    def keep() -> None:
        chosen = st.session_state[SECTION_KEY]
        set_url_parameters({SECTION_KEY: chosen if chosen in options else None})

    wanted = url_parameters().get(SECTION_KEY)
    opened = wanted if wanted in options else None
    set_widget_value(SECTION_KEY, opened, tuple(options.items()))
    return st.pills(
        _("Explain the prediction"),
        list(options),
        default=opened,
        format_func=options.get,
        key=SECTION_KEY,
        on_change=keep,
    )


TARGET_KEY = "speaks_for"


@st.fragment
def show_saliency_section(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    prediction = reading.digits[place].prediction
    target = choose_target(prediction.label, prediction.dataset)
    words = _("Your {thing}: saliency for {name}")
    alt = words.format(thing=thing(prediction.dataset), name=class_name(prediction.dataset, target))
    show_saliency(reading.run, prediction.image, target, alt)


def choose_target(read: int, dataset: str) -> int:
    """Show the classes that pixels can speak for, beginning with the one that was read; return one."""
    key = f"{TARGET_KEY}_{read}"  # another reading begins with itself
    st.session_state.setdefault(key, read)
    classes, name = range(number_of_classes(dataset)), partial(class_name, dataset)
    if not is_digits(dataset):
        return st.selectbox(_("Saliency for class"), classes, format_func=name, key=key, width=200)
    return st.segmented_control(_("Saliency for digit"), classes, format_func=name, key=key, required=True)


def show_layers_section(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    from mnist_core.evaluation.attribution import activations

    image = reading.digits[place].prediction.image
    show_layers(activations(resources.model(reading.run), image)[:-1], reading.run.config.dataset)
    link("pages/inside.py", _("See the feature maps during training"), ":material/history:")


def show_network_section(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    from mnist_core.monitoring.activation_view import view_activations

    image = reading.digits[place].prediction.image
    view = view_activations(resources.model(reading.run), image)
    subject = f"{reading.run.id} {hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest()}"
    show_live_network(view, reading.run.config, "drawn_network", subject)


def show_neighbours_section(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    show_similar(reading.run, reading.digits[place].prediction.image, columns=NEIGHBOURS)


def show_steps_section(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    if not DATASETS[reading.run.config.dataset].drawn:
        st.info(_("A picture of clothes has one step: its background is cut off, the rest is scaled."))
        return
    st.markdown(
        _(
            "MNIST's digits are scaled and centred, so yours are too. Below each step is the "
            "prediction if preprocessing ended there."
        )
        if is_digits(reading.run.config.dataset)
        else _(
            "What you draw is scaled and centred before it is read. Below each step is the prediction if "
            "preprocessing ended there."
        )
    )
    steps = reading.steps(place)
    images = [step.image for step in steps]
    predictions = predict_all(resources.model(reading.run), images, calibration(reading.run))
    with st.container(key="steps"):
        columns = st.columns(len(steps))
    for number, (column, step) in enumerate(zip(columns, steps, strict=True)):
        with column:
            show_step(f"{number + 1}. {_(step.name)}", step.image, predictions[number])


def show_step(name: str, image: np.ndarray, prediction: Prediction) -> None:
    """Show the image after a step, and what is read in it."""
    st.html(figure_html(Figure(image, f"{name}<br>{short_answer(prediction)}", name)))
    st.html(probabilities_html(prediction))


OF_ONE_DIGIT: dict[str, Callable[[ReadDrawing, int], None]] = {
    "steps": show_steps_section,
    "attention": show_saliency_section,
    CONTRAST: contrast.show,
    "layers": show_layers_section,
    "network": show_network_section,
    "similar": show_neighbours_section,
    "changes": perturbation_sliders.show,
}
OF_WHOLE_INPUT: dict[str, Callable[[ReadDrawing], None]] = {
    "others": model_comparison.show,
    "sheet": my_handwriting.show,
}
