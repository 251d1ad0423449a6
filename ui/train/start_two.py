"""Start two: the form's settings and one change of them, trained in turns, after a question."""

from html import escape
from typing import Any, NamedTuple

import streamlit as st

from mnist_core.choices import CHOICES
from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.runs.comparison import differing_settings
from mnist_core.runs.names import is_used
from ui import resources, visitor
from ui.canvas import last_read_image
from ui.html.tables import markdown
from ui.i18n import count_text, list_text
from ui.i18n import gettext as _
from ui.jobs import is_second_tap, note_start
from ui.navigation import show_address
from ui.train.start import ERROR_KEY, bring_into_view
from ui.train_form.setting_labels import LABELS, value_text
from ui.train_form.state import (
    TrainForm,
    following_settings,
    form_from_settings,
    read_form,
    resized_layers,
    settings_from_query,
    settings_to_query,
    value_to_text,
)
from ui.url_controls import set_widget_value
from ui.url_state import (
    COMPARED_KEY,
    RUN_KEY,
    SETTING_PARAMETERS,
    set_url_parameters,
    url_parameters,
)

CHANGE_KEY = "change"  # in the URL: the setting that differs and its value, as "activation:relu"
GUESS_KEY = "guess"  # in the URL: which run the visitor expects to be better
QUESTION_KEY = "question"  # in the URL: the question of the link's author, in plain text
FIRST, SECOND, SAME = "first", "second", "same"
MOST_LETTERS = 200  # of a question
OPEN_KEY = "start_two"
FIRST_FIELDS = ("architecture", "optimizer", "activation")  # of several that differ, these cause the others
PREFERRED = {"activation": ("relu", "sigmoid"), "optimizer": ("adam", "sgd")}  # suggestions, the best first


class Change(NamedTuple):
    """A setting, and its value in the second run; None if the value can't be used."""

    field: str
    value: Any


def show_start_two() -> None:
    """Show the choice of the change, and the question whose answer starts both; closed at first."""
    label = _("Side by side: start two")
    linked = CHANGE_KEY in url_parameters() and COMPARED_KEY not in url_parameters()
    set_widget_value(OPEN_KEY, st.session_state.get(OPEN_KEY, linked), label)
    expander = st.expander(label, key=OPEN_KEY, on_change="rerun")
    if not expander.open:
        return
    with expander:
        if linked_question():
            st.empty()  # no text, so that a phone shows the answers; the place keeps it open
        else:
            st.caption(_("The form's settings and one change of them, trained in turns, shown in one chart."))
        form = read_form()
        change = _choose_change(form)
        try:
            first = form.config()
            second = changed_config(form, change)
        except InputError as error:
            st.error(markdown(error.message))
            return
        if second is None or second == first:
            st.caption(_("Type another value that this setting can have."))
            return
        _show_question(first, second)
        _show_link(form)


def read_change(form: TrainForm) -> Change:
    """Return the change that the URL describes, else a suggestion."""
    name, _colon, text = url_parameters().get(CHANGE_KEY, "").partition(":")
    fields = _fields(form)
    if name not in fields:
        return suggested(form, "activation" if "activation" in fields else fields[0])
    settings, unusable = settings_from_query({SETTING_PARAMETERS[name]: text}, form.settings["recipe"])
    if unusable:
        return Change(name, None)
    same = settings[name] == form.settings[name]  # after a change of the form
    return suggested(form, name) if same else Change(name, settings[name])


def changed_config(form: TrainForm, change: Change) -> TrainConfig | None:
    """Return the form's settings with the change, and what it brings along; None for an unusable value."""
    if change.value is None:
        return None
    brought = following_settings(change.field, change.value, form.settings)
    return form_from_settings({**form.settings, change.field: change.value, **brought}, []).config()


def suggested(form: TrainForm, field: str) -> Change:
    """Return an instructive change of a setting."""
    value = form.settings[field]
    if isinstance(value, bool):
        return Change(field, not value)
    if field in CHOICES:
        names = (*PREFERRED.get(field, ()), *CHOICES[field])
        return Change(field, next(name for name in names if name != value))
    if isinstance(value, tuple):
        return Change(field, resized_layers(value, len(value) + 1))
    if isinstance(value, int):
        return Change(field, 2 * value if value else 1)
    return Change(field, 10 * value if 0 < value < 0.1 else value / 10 if value else 0.1)


def side_names(first: TrainConfig, second: TrainConfig) -> tuple[str, str]:
    """Return the names of two runs side by side: the value that differs, with its setting's name."""
    differing = differing_settings([first, second])
    field = next((name for name in (*FIRST_FIELDS, *LABELS) if name in differing), None)
    if field is None:
        return _("First run"), _("Second run")
    texts = [value_text(field, getattr(config, field)) for config in (first, second)]
    if field not in ("activation", "optimizer", "architecture"):
        texts = [f"{_(LABELS[field])}: {text}" for text in texts]
    return texts[0], texts[1]


def guess_names(names: tuple[str, str]) -> dict[str, str]:
    """Return the answers to the question, in words."""
    return {FIRST: names[0], SECOND: names[1], SAME: _("No clear difference")}


def linked_question() -> str:
    """Return the question in the URL on one line, without invisible characters; "" for none."""
    text = " ".join(url_parameters().get(QUESTION_KEY, "").split())
    return "".join(letter for letter in text if letter.isprintable())[:MOST_LETTERS].strip()


def show_question(first: TrainConfig, second: TrainConfig, more: str = "") -> None:
    """Show the question about a pair, and `more` words: the one in the link, or which will be better.

    As HTML and not as Markdown, which makes links even of addresses that are escaped.
    """
    asked = linked_question()
    words = escape(asked or question(first, second))
    note = "<small>" + escape(_("Question in this link")) + "</small>" if asked else ""
    st.html(f"<div class='lab-pair-question'>{note}<p><b>{words}</b> {escape(more)}</p></div>")


def question(first: TrainConfig, second: TrainConfig) -> str:
    """Return the question before a pair is trained."""
    if first.epochs == second.epochs == 1:
        return _("Which will be more accurate after one epoch?")
    if first.epochs == second.epochs:
        return _("Which will be more accurate after {epochs} epochs?").format(epochs=count_text(first.epochs))
    return _("Which will be more accurate in the end?")


def _fields(form: TrainForm) -> list[str]:
    config = TrainConfig(**form.settings)
    return [field for field in LABELS if is_used(field, config)]


def _choose_change(form: TrainForm) -> Change:
    """Show the controls of the change; each writes it to the URL."""
    change, labels = read_change(form), {field: _(LABELS[field]) for field in _fields(form)}

    def take_field() -> None:
        if (field := st.session_state["change_field"]) in labels:
            _write(suggested(read_form(), field))

    set_widget_value("change_field", change.field, tuple(labels.items()))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            _("The change"),
            list(labels),
            index=list(labels).index(change.field),
            format_func=labels.get,
            key="change_field",
            on_change=take_field,
            width=190,
        )
        _choose_value(form, change)
    return change


def _choose_value(form: TrainForm, change: Change) -> None:
    before = form.settings[change.field]
    label = _("instead of {value}").format(value=value_text(change.field, before))
    if isinstance(before, bool):
        st.text(value_text(change.field, change.value))
        return
    key = f"change_to_{change.field}"
    if change.field not in CHOICES:
        text = url_parameters().get(CHANGE_KEY, "").partition(":")[2] if change.value is None else None
        set_widget_value(key, value_to_text(change.value) if text is None else text)
        st.text_input(label, key=key, on_change=lambda: _write_text(change.field, key), width=190)
        return
    labels = {name: value_text(change.field, name) for name in CHOICES[change.field] if name != before}
    if change.value not in labels:
        st.session_state.pop(key, None)
    chosen = change.value if change.value in labels else next(iter(labels))
    set_widget_value(key, chosen, tuple(labels.items()))

    def take_choice() -> None:
        if st.session_state[key] in labels:
            _write(Change(change.field, st.session_state[key]))

    st.selectbox(
        label,
        list(labels),
        index=list(labels).index(chosen),
        format_func=labels.get,
        key=key,
        on_change=take_choice,
        width=190,
    )


def _write(change: Change) -> None:
    set_url_parameters({CHANGE_KEY: f"{change.field}:{value_to_text(change.value)}"})


def _write_text(field: str, key: str) -> None:
    set_url_parameters({CHANGE_KEY: f"{field}:{st.session_state[key].strip()}"})


def _show_question(first: TrainConfig, second: TrainConfig) -> None:
    names = side_names(first, second)
    more = [name for name in differing_settings([first, second]) if is_used(name, second)]
    if len(more) > 1:
        brought = list_text(
            f"{_(LABELS[name])}: {value_text(name, getattr(second, name))}" for name in more if name in LABELS
        )
        st.caption(_("The second run has: {settings}").format(settings=brought))
    reason = resources.why_not_on_cluster()
    if reason:
        st.caption(markdown(reason))
    asked = _("Your answer starts both on this server.") if reason else _("Your answer starts both.")
    show_question(first, second, asked)
    with st.container(horizontal=True, gap="small", key="guesses"):
        for guess, name in guess_names(names).items():
            st.button(
                name,
                key=f"start_two_{guess}",
                type="secondary",
                on_click=_start,
                args=(first, second, guess, reason is not None),
            )


def _show_link(form: TrainForm) -> None:
    """Show the link that opens the form with this pair, not yet started, and the field for its question."""
    change = read_change(form)
    query = {**settings_to_query(form.settings), CHANGE_KEY: f"{change.field}:{value_to_text(change.value)}"}
    with st.popover(_("Link to this pair"), icon=":material/link:"):
        st.caption(_("It opens this pair before its start, so that others can answer and train it too."))
        set_widget_value("pair_question", linked_question())
        st.text_input(
            _("Your own question, if you like"),
            max_chars=MOST_LETTERS,
            key="pair_question",
            placeholder=_("For example: which one learns faster, and why?"),
            on_change=_write_question,
        )
        show_address(query | pair_question())


def pair_question() -> dict[str, str]:
    """Return the parameters of a link to a pair that hold the question."""
    return {QUESTION_KEY: asked} if (asked := linked_question()) else {}


def _write_question() -> None:
    set_url_parameters({QUESTION_KEY: st.session_state["pair_question"].strip() or None})


def _start(first: TrainConfig, second: TrainConfig, guess: str, here: bool) -> None:
    """Queue both trainings and open them; a second tap starts nothing."""
    if is_second_tap((first, second)):
        st.rerun()
    details = {"owner": visitor.identity(), "own_digit": last_read_image()}
    try:
        ids = resources.training_queue().submit_pair(first, second, visitor.limits(), here, **details)
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message
    else:
        set_url_parameters({RUN_KEY: ids[0], COMPARED_KEY: ",".join(ids), GUESS_KEY: guess})
        note_start((first, second))
        st.session_state[OPEN_KEY] = False
        bring_into_view()
    st.rerun()  # the whole page: it shows both runs now
