"""What was brought: ten samples with their labels, mends that they follow at once, parts, and saving."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from mnist_core.data.own_sets import LONGEST_NAME, NewSet, save_set
from mnist_core.messages import InputError
from mnist_core.own_data.mends import Mends, look_inverted, mended_images
from mnist_core.own_data.own_images import MOST_CLASSES, OwnImages, check_classes
from mnist_core.own_data.parts import MOST_SHARE, TEST_SHARE, Parts, draw_parts
from mnist_core.own_data.reading import ReadingChoices
from ui import visitor
from ui.data.upload import Brought, forget_upload, read_again
from ui.html.digits import Figure, grid_html
from ui.html.tables import escape_markdown, markdown
from ui.i18n import count_text, format_text, ngettext
from ui.i18n import gettext as _
from ui.number_fields import TypedNumber, show_slider

SAMPLES = 10
SAVED_KEY, PROBLEM_KEY = "saved_set", "set_problem"
LEAST_SHARE_PERCENT, STEP_PERCENT = 5, 5


def show(brought: Brought) -> None:
    """Show what was read, and all that can be done with it; a mend reruns no more than this."""
    st.fragment(_show)(brought)


def _show(brought: Brought) -> None:
    own = brought.job.latest
    if own is None:
        st.rerun()
    mends = _mends(brought.number)
    try:
        mended = mends.apply(replace(own, images=own.images[:0]))  # labels and names; pixels of samples only
        problem = None
    except InputError as error:
        mended, problem = replace(own, images=own.images[:0]), error.message
    _show_facts(mended)
    _show_samples(own, mended, mends, brought.number)
    _show_mends(own, mended.classes, brought)
    if problem:
        st.error(markdown(problem))
        return
    try:
        check_classes(mended)
    except InputError as error:
        st.error(markdown(error.message))
        return
    _show_saving(own, mended, mends, brought)


def _mends(number: int) -> Mends:
    """Return the mends that the controls say."""

    def value(name: str, default: object) -> object:
        return st.session_state.get(f"{name}_{number}", default)

    names = str(value("classes", ""))
    return Mends(
        value("transpose", False) is True,
        int(str(value("turns", 0))),
        value("invert", False) is True,
        int(str(value("shift", 0))),
        tuple(name.strip() for name in names.replace("\N{FULLWIDTH COMMA}", ",").split(","))
        if names.strip()
        else (),
    )


def _show_facts(own: OwnImages) -> None:
    images = ngettext("{count} image", "{count} images", len(own)).format(count=count_text(len(own)))
    classes = ngettext("{count} class", "{count} classes", len(own.classes)).format(count=len(own.classes))
    counted = zip(own.classes[:MOST_CLASSES], own.counts, strict=False)
    shown = [f"{name}: {count_text(count)}" for name, count in counted]
    st.markdown(f"**{images}, {classes}**")
    st.caption(escape_markdown(" · ".join(shown)))
    for note in own.notes:
        st.caption(":material/info: " + markdown(note))


def _show_samples(own: OwnImages, mended: OwnImages, mends: Mends, number: int) -> None:
    """Show ten images with the labels that they have now."""
    draw = int(st.session_state.get(f"draw_{number}", 0))
    chosen = own.samples(SAMPLES, seed=draw)
    images = mended_images(own.images[chosen], mends)
    names = [mended.classes[label] for label in mended.labels[chosen]]
    figures = [
        Figure(image, escape(name), _("Image labelled {label}").format(label=name))
        for image, name in zip(images, names, strict=True)
    ]
    st.html(grid_html(figures, SAMPLES, least=4.5))
    hint = st.empty()  # what follows keeps its place: another fragment's rerun would leave it there twice
    if look_inverted(mended_images(own.images[own.samples(200)], mends)):
        hint.caption(
            ":material/lightbulb: " + _("These look inverted: the paper is bright and the ink dark.")
        )


def _show_mends(own: OwnImages, names: Sequence[str], brought: Brought) -> None:
    number = brought.number
    with st.container(horizontal=True, vertical_alignment="center", key="mends"):
        st.toggle(
            _("Transpose"),
            key=f"transpose_{number}",
            help=_("Exchange rows and columns, as EMNIST's files need."),
        )
        st.button(
            _("Turn right"),
            icon=":material/rotate_right:",
            on_click=_add(f"turns_{number}", 1, 4),
            key=f"turn_{number}",
        )
        st.toggle(
            _("Invert"), key=f"invert_{number}", help=_("Exchange paper and ink: MNIST has 0 for paper.")
        )
        for text, step in ((_("Labels \N{MINUS SIGN} 1"), -1), (_("Labels + 1"), 1)):
            st.button(text, on_click=_add(f"shift_{number}", step), key=f"shift_by_{step}_{number}")
        st.button(
            _("Other samples"),
            icon=":material/shuffle:",
            on_click=_add(f"draw_{number}", 1),
            key=f"others_{number}",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _show_columns(own, brought)
        st.text_input(
            _("Names of the classes, with commas between"),
            key=f"classes_{number}",
            placeholder=", ".join(names[:10]),
            width=360,
        )


def _add(key: str, step: int, modulo: int | None = None) -> Callable[[], None]:
    def add() -> None:
        value = st.session_state.get(key, 0) + step
        st.session_state[key] = value % modulo if modulo else value

    return add


def _show_columns(own: OwnImages, brought: Brought) -> None:
    """Show the choices of a table's columns, or of which folders are the writers'."""
    choices = brought.choices
    if own.columns:
        _show_column(own, brought, "label_column", _("Column of the labels"), _("as found"))
        _show_column(own, brought, "writer_column", _("Column of the writers"), _("as found, or none"))
    elif own.writers is not None and len(brought.files) == 1:
        outside = f"writer_outside_{brought.number}"
        st.toggle(
            _("Folders of writers hold those of classes"),
            choices.writer_outside,
            key=outside,
            on_change=lambda: _read_with(brought, replace(choices, writer_outside=st.session_state[outside])),
        )


def _show_column(own: OwnImages, brought: Brought, which: str, label: str, by_itself: str) -> None:
    """Show the choice of a column; `which` is a field of ReadingChoices, "" there is `by_itself`."""
    choices, key, options = brought.choices, f"{which}_{brought.number}", ["", *own.columns]
    chosen = getattr(choices, which)
    st.selectbox(
        label,
        options,
        options.index(chosen) if chosen in options else 0,
        format_func=lambda name: name or by_itself,
        key=key,
        on_change=lambda: _read_with(brought, replace(choices, **{which: st.session_state[key]})),
        width=200,
    )


def _read_with(brought: Brought, choices: ReadingChoices) -> None:
    read_again(brought, choices)
    st.rerun()


def _show_saving(own: OwnImages, mended: OwnImages, mends: Mends, brought: Brought) -> None:
    number = brought.number
    st.subheader(_("Training, validation and test"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by_writer = False
        if own.writers is not None:
            ways = {"class": _("Drawn from each class"), "writer": _("By writer")}
            way = st.segmented_control(
                _("Division"),
                list(ways),
                default="class",
                format_func=ways.get,
                required=True,
                key=f"way_{number}",
                help=_("By writer, nobody's images are in two parts: the test shows how strangers are read."),
            )
            by_writer = way == "writer"
        percent = _choose_percent(number)
    try:
        parts = draw_parts(mended, 0, by_writer, percent / 100, percent / 100)
    except InputError as error:
        st.error(markdown(error.message))
        return
    words = _("{train} images to train on, {validation} for validation, {test} for the test")
    counts = zip(("train", "validation", "test"), map(len, parts), strict=True)
    st.caption(format_text(words, **{name: count_text(count) for name, count in counts}))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            _("Name"), brought.name[:LONGEST_NAME], max_chars=LONGEST_NAME, key=f"name_{number}", width=320
        )
        if st.button(_("Save as a data set"), type="primary", icon=":material/save:", key=f"save_{number}"):
            _save(mends.apply(own), parts, name, by_writer, brought)


def _choose_percent(number: int) -> float:
    """Show how many images each of validation and test gets, in %; return it."""
    key, most = f"percent_{number}", round(100 * MOST_SHARE)
    share = TypedNumber(
        f"share_{number}",
        _("Validation and test, each"),
        LEAST_SHARE_PERCENT,
        most,
        lambda: st.session_state.get(key, float(round(100 * TEST_SHARE))),
        lambda percent: st.session_state.update({key: percent}),
    )
    return show_slider(share, range(LEAST_SHARE_PERCENT, most + 1, STEP_PERCENT), "%", width=360)


def _save(own: OwnImages, parts: Parts, name: str, by_writer: bool, brought: Brought) -> None:
    source = ", ".join(file.name for file in brought.files[:3])
    new = NewSet(own.images, own.labels, own.classes, *parts, by_writer=by_writer, source=source)
    try:
        saved = save_set(new, name, visitor.identity() if visitor.is_private() else "", visitor.is_private())
    except InputError as error:
        st.error(markdown(error.message))
        return
    st.session_state[SAVED_KEY] = saved.key
    forget_upload()
    st.rerun()
