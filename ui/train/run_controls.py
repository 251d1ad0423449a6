"""Controls of a run: pause, stop, resume, settings that change while it trains, more epochs."""

import time
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.choices import AUGMENTATIONS
from mnist_core.config import FIELD_RANGES
from mnist_core.dataset_choices import is_here
from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.training.schedules import STEERED, why_fixed
from ui import resources, visitor
from ui.html.tables import markdown
from ui.i18n import count_text, ngettext, number_text
from ui.i18n import gettext as _
from ui.number_fields import MOST_CHARACTERS, WIDTH, read_number, refusal_text
from ui.runs.changes import may_change
from ui.runs.progress import why_waiting
from ui.train.slow_motion import show_slow_motion_button
from ui.train.start import ERROR_KEY, bring_into_view
from ui.train_form.setting_labels import LABELS, MIN_NESTEROV_MOMENTUM, slider_values
from ui.train_form.state import setting_range
from ui.url_controls import set_widget_value

if TYPE_CHECKING:
    from mnist_core.runs.queued_run import Snapshot

COMMAND_KEY = "run_command"  # (run id, "pause" or "stop") until the run has ended
STEERING_KEY = "while_it_trains"
REFUSED_KEY = "steering_refused"  # the setting whose typed number was not taken, and why
STEERING_WIDTH = 320  # pixels: it fits a phone, and covers little of the curves
MAX_EPOCHS = int(FIELD_RANGES["epochs"][1])
COMMAND_SECONDS = 0.6  # longest wait of a callback for a run's end


def show_live_controls(run: Run, snapshot: "Snapshot") -> None:
    """Show the buttons that pause and stop a run, and the settings that can be changed while it trains."""
    waits = snapshot.status == "queued" and not snapshot.step  # not a run that has stepped aside
    with st.container(horizontal=True, gap="small", key="run_controls"):
        st.button(
            _("Pause"),
            icon=":material/pause:",
            on_click=_send_command,
            args=(run.id, "pause"),
            disabled=pending_command(run.id) is not None,
            help=_("Keeps the state of the training, and lets others train meanwhile."),
        )
        st.button(
            _("Leave the queue") if waits else _("Stop"),
            icon=":material/stop:",
            on_click=_send_command,
            args=(run.id, "stop"),
            disabled=pending_command(run.id) is not None,
            help=_("Ends the training and keeps the weights; it can be continued later."),
        )
        if why_waiting(snapshot):
            label, icon = _("Train it on this server"), ":material/play_arrow:"
            st.button(label, icon=icon, key="move_here", on_click=_move_here, args=(run.id,))
        if not waits:
            _show_steering(snapshot)
            if not snapshot.slow and snapshot.may_slow_down:
                show_slow_motion_button(run)


def show_continuation(run: Run) -> None:
    """Offer to resume a run that was paused or stopped, and to add epochs to one that can go on."""
    if not run.can_continue or not is_here(run.config.dataset):
        return
    done = run.results.get("epochs", 0)
    here = resources.why_not_on_cluster() is not None
    if run.status != "finished" and (done < run.config.epochs or run.lacks_test):
        epochs = run.config.epochs
        label = ngettext("Continue to {n} epoch", "Continue to {n} epochs", epochs)
        label = label.format(n=count_text(epochs))
        slow = _("Continue in slow motion")
        if here:
            label = _("Continue on this server")
        with st.container(horizontal=True, gap="small"):
            arguments = (run.id, None, False, here)
            st.button(label, icon=":material/resume:", key="resume", on_click=_resume, args=arguments)
            arguments = (run.id, None, True, here)
            icon = ":material/slow_motion_video:"
            st.button(slow, icon=icon, key="resume_slowly", on_click=_resume, args=arguments)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="continue"):
        room = MAX_EPOCHS - run.config.epochs
        if room < 1:
            return
        more = st.number_input(_("More epochs"), 1, room, min(room, 2), key=f"more_{run.id}", width=140)
        st.button(
            _("Train more on this server") if here else _("Continue training"),
            icon=":material/forward:",
            key="continue_button",
            on_click=_resume,
            args=(run.id, run.config.epochs + more, False, here),
        )


def pending_command(run_id: str) -> str | None:
    """Return the command ("pause" or "stop") that a run has not followed yet, or None."""
    receiver, command = st.session_state.get(COMMAND_KEY, (None, None))
    return command if receiver == run_id else None


def forget_command() -> None:
    """Forget the last command: the run has ended."""
    st.session_state.pop(COMMAND_KEY, None)


def _show_steering(snapshot: "Snapshot") -> None:
    """Show the settings that can be changed while a run trains, and why the others can't."""
    steering = st.popover(_("While it trains"), icon=":material/tune:", key=STEERING_KEY, on_change="rerun")
    if not steering.open:
        return
    with steering, st.container(width=STEERING_WIDTH, gap="xsmall"):
        st.caption(
            _(
                "A change takes effect with the next batch. It is kept with the run, so that continuing and "
                "the exported script repeat it."
            )
        )
        for name in STEERED:
            if reason := why_fixed(name, snapshot.config):
                st.caption(markdown(reason))
            else:
                _show_setting(name, snapshot)


def _show_setting(name: str, snapshot: "Snapshot") -> None:
    key, value = f"steer_{name}_{snapshot.run_id}", getattr(snapshot.current, name)
    set_widget_value(key, value)
    change: dict[str, Any] = {"on_change": _change_setting, "args": (snapshot.run_id, name, key), "key": key}
    if name == "augmentation":
        labels = {each: _(entry.label) for each, entry in AUGMENTATIONS.items()}
        st.selectbox(
            _(LABELS[name]), list(labels), list(labels).index(value), format_func=labels.get, **change
        )
        return
    lowest = MIN_NESTEROV_MOMENTUM if name == "momentum" and snapshot.config.optimizer == "nesterov" else 0
    values = slider_values(name, value, lowest)
    note = _("The schedule continues from it.") if name == "learning_rate" else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"number_steer_{name}"):
        st.select_slider(_(LABELS[name]), values, value, format_func=number_text, help=note, **change)
        st.text_input(
            _("{setting}: type a number").format(setting=_(LABELS[name])),
            number_text(value),
            max_chars=MOST_CHARACTERS,
            key=(typed := f"{key}_typed_{value}"),  # a new field when the setting gets its value elsewhere
            label_visibility="collapsed",
            width=WIDTH,
            on_change=_take_typed,
            args=(snapshot.run_id, name, typed, value, lowest),
        )
    refused_setting, why = st.session_state.get(REFUSED_KEY, ("", ""))
    if refused_setting == key:
        st.caption(f":material/error: {why}")


def _change_setting(run_id: str, name: str, key: str) -> None:
    _change(run_id, name, st.session_state[key])


def _take_typed(run_id: str, name: str, typed: str, value: float, lowest: float) -> None:
    """Change a setting to the number that was typed, or remember why it can't be that."""
    text = st.session_state[typed]
    number = read_number(text, whole=False)
    why = refusal_text(_(LABELS[name]), text, number, value, *setting_range(name, lowest))
    st.session_state[REFUSED_KEY] = (f"steer_{name}_{run_id}" if why else "", why)
    if not why:
        _change(run_id, name, number)


def _change(run_id: str, name: str, value: Any) -> None:
    if not may_change(run_id):
        return
    try:
        resources.training_queue().change(run_id, **{name: value})
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message


def _send_command(run_id: str, command: str) -> None:
    if not may_change(run_id):
        return
    st.session_state[COMMAND_KEY] = (run_id, command)
    queue = resources.training_queue()
    queue.pause(run_id) if command == "pause" else queue.stop(run_id)
    _wait_for_end(run_id)


def _move_here(run_id: str) -> None:
    if may_change(run_id):
        resources.training_queue().move_here(run_id)


def _wait_for_end(run_id: str) -> None:
    """Wait up to COMMAND_SECONDS for a run to end, so that the rerun shows it ended, not ending."""
    deadline = time.monotonic() + COMMAND_SECONDS
    while time.monotonic() < deadline:
        run = resources.find_run(run_id)
        if run is None or run.status not in UNFINISHED:
            return
        time.sleep(0.02)


def _resume(run_id: str, epochs: int | None, slow: bool = False, here: bool = False) -> None:
    """Queue a run again and bring it into view; a second tap finds it in the queue and does nothing.

    With `here` it trains on the server, as its cluster can't be reached.
    """
    queue = resources.training_queue()
    if not may_change(run_id) or queue.snapshot(run_id):
        return
    try:
        queue.resume(run_id, epochs, visitor.limits(), slow, here=here)
        bring_into_view()
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message
