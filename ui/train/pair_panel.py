"""Two runs side by side: one chart, the visitor's guess, and in the end which is better and by how much."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import number_of_classes
from mnist_core.evaluation.significance import LEVEL
from mnist_core.messages import InputError
from mnist_core.runs.comparison import check_comparable, compare_runs
from mnist_core.runs.run import Run
from ui import resources, visitor
from ui.html.tables import escape_markdown, markdown, run_list_html
from ui.i18n import formatted_number, percent_text, sentences_text, translate
from ui.i18n import gettext as _
from ui.learning_curves import (
    ACCURACY,
    DASHES,
    ERROR_RATE,
    GUESSING_DASHES,
    LOG_LOSS,
    LOSS,
    Quantity,
    RunAxes,
    guessing_text,
    run_curve_spec,
    run_curves,
)
from ui.navigation import link, show_address
from ui.runs.progress import history, last_value_text, progress_text, status_text, why_waiting
from ui.train.curves import choose_axis
from ui.train.run_panel import POLL_SECONDS, is_active
from ui.train.start import show_heading
from ui.train.start_two import (
    FIRST,
    GUESS_KEY,
    SAME,
    SECOND,
    guess_names,
    linked_question,
    pair_question,
    show_question,
    side_names,
)
from ui.url_controls import url_segments
from ui.url_state import COMPARED_KEY, RUN_KEY, compared_runs, current_run, set_url_parameters, url_parameters

if TYPE_CHECKING:
    import pandas as pd

UNGUESSED = "none"  # in the URL: the visitor wanted to see a linked pair without a guess


def find_pair() -> tuple[Run, Run] | None:
    """Return the two runs that the URL shows side by side, the first of them its current run; else None."""
    ids = compared_runs() or []
    if len(ids) != 2 or ids[0] != current_run():
        return None
    first, second = map(resources.find_run, ids)
    return (first, second) if first and second else None


def show_pair_panel(pair: tuple[Run, Run], key: str) -> None:
    """Show two runs in a fragment with that key, which reruns every second while one of them is active."""
    ids, active = tuple(run.id for run in pair), any(map(is_active, pair))
    st.fragment(_show, run_every=POLL_SECONDS if active else None, key=key)(ids, active)


def _show(ids: tuple[str, str], was_active: bool) -> None:
    """Show the runs; rerun the whole page when both have ended."""
    found = [resources.find_run(run_id) for run_id in ids]
    if None in found or any(map(is_active, found)) != was_active:
        st.rerun()
    pair = (found[0], found[1])
    names = side_names(pair[0].config, pair[1].config)
    show_heading(
        _("{first} or {second}: {status}").format(first=names[0], second=names[1], status=_status(pair))
    )
    _show_progress(pair, names)
    guess = url_parameters().get(GUESS_KEY)
    if guess in (FIRST, SECOND, SAME):
        _show_guess(pair, names, guess, was_active)
    elif was_active or (linked_question() and guess != UNGUESSED):
        _ask(pair, names)
        if not was_active:
            return  # a visitor from a link with a question guesses first
    if not was_active:
        _show_result(pair, names)
    st.fragment(_show_chart)(pair, names)
    if not was_active:
        _show_links(pair)


def _status(pair: tuple[Run, Run]) -> str:
    first, second = (status_text(run.status) for run in pair)
    return first if first == second else f"{first} / {second}"


def _show_progress(pair: tuple[Run, Run], names: tuple[str, str]) -> None:
    """Show how far the runs are, and the button that stops both."""
    queue = resources.training_queue()
    snapshots = {name: queue.snapshot(run.id) for run, name in zip(pair, names, strict=True)}
    for name, snapshot in snapshots.items():
        if snapshot is None:
            continue
        share = min(1.0, snapshot.step / (snapshot.steps or 1))
        st.progress(share, text=_("{run}: {value}").format(run=name, value=progress_text(snapshot)))
    if reason := next((why for one in snapshots.values() if one and (why := why_waiting(one))), None):
        st.caption(markdown(reason))
    if any(snapshots.values()) and all(map(visitor.owns, pair)):
        st.button(_("Stop both"), icon=":material/stop:", key="stop_pair", on_click=_stop, args=(pair,))


def _stop(pair: tuple[Run, Run]) -> None:
    for run in pair:
        resources.training_queue().stop(run.id)


def _show_guess(pair: tuple[Run, Run], names: tuple[str, str], guess: str, active: bool) -> None:
    """Show the question and the visitor's guess beside it; no guess is marked as a fault."""
    show_question(pair[0].config, pair[1].config)
    words = _("Your guess: **{guess}**") if active else _("Your guess was: **{guess}**")
    st.markdown(words.format(guess=escape_markdown(guess_names(names)[guess])))


def _ask(pair: tuple[Run, Run], names: tuple[str, str]) -> None:
    """Show the question, and the answers as buttons."""
    show_question(pair[0].config, pair[1].config)
    with st.container(horizontal=True, gap="small", key="pair_guesses"):
        for answer, name in guess_names(names).items():
            st.button(name, key=f"guess_{answer}", on_click=_take_guess, args=(answer,))
        if not any(map(is_active, pair)):
            st.button(
                _("Show me without guessing"),
                key="pair_without_guessing",
                type="tertiary",
                icon=":material/visibility:",
                on_click=_take_guess,
                args=(UNGUESSED,),
            )


def _take_guess(guess: str) -> None:
    set_url_parameters({GUESS_KEY: guess})


def _show_result(pair: tuple[Run, Run], names: tuple[str, str]) -> None:
    """Say which run is better, by how much, and whether that is more than chance."""
    for run, name in zip(pair, names, strict=True):
        if run.message:
            st.error(_("{run}: {value}").format(run=name, value=markdown(run.message)))
    if not all("test_accuracy" in run.results for run in pair):
        st.info(_("The two can't be compared: not both have a test accuracy."))
        return
    with st.container(horizontal=True, gap="small"):
        for run, name in zip(pair, names, strict=True):
            label = _("{run}, test accuracy").format(run=name)
            st.metric(label, percent_text(run.results["test_accuracy"]), width="content")
    try:
        check_comparable(pair, resources.dataset(pair[0].config.dataset).source)
        found = compare_runs(pair, [resources.evaluation(run) for run in pair], names).pairs[0]
    except InputError as error:
        st.error(markdown(error.message))
        return
    wins = len(found.only_first) - len(found.only_second)
    outcome = SAME if found.p >= LEVEL or wins == 0 else FIRST if wins > 0 else SECOND
    st.markdown("**" + escape_markdown(_verdict(pair, names, outcome)) + "**")
    with st.expander(_("Whether that means anything")):
        st.markdown(escape_markdown(sentences_text(translate(text) for text in found.statements)))
        st.caption(_("It is one training each: another seed gives another network."))


def _verdict(pair: tuple[Run, Run], names: tuple[str, str], outcome: str) -> str:
    first, second = (run.results["test_accuracy"] for run in pair)
    points = formatted_number(100 * abs(first - second), ".2f")
    if first == second:
        return _("No difference: both are equally accurate on the test set.")
    if outcome == SAME:
        return _("No clear difference: {points} percentage points on the test set can be chance.").format(
            points=points
        )
    better, worse = names if outcome == FIRST else names[::-1]
    return _(
        "{better} is better: {points} percentage points more than {worse} on the test set, which is more "
        "than chance."
    ).format(better=better, worse=worse, points=points)


def _show_chart(pair: tuple[Run, Run], names: tuple[str, str]) -> None:
    """Show one curve of both runs, from before the training on."""
    classes = number_of_classes(pair[0].config.dataset)
    with st.container(horizontal=True, gap="small"):
        of_loss, logarithmic = _choose_quantity() == "train_loss", choose_axis() == "log"
    if of_loss:
        quantity, title = LOG_LOSS if logarithmic else LOSS, _("training loss")
        guessing = guessing_text(formatted_number(quantity.among(classes).guess, ".3g"))
    else:
        quantity = ERROR_RATE if logarithmic else ACCURACY
        title = _("error rate") if logarithmic else _("accuracy")
        guessing = guessing_text(percent_text(quantity.among(classes).guess, 0))
    curves = [_loss_curve(history(run)) if of_loss else _accuracy_curve(run, quantity) for run in pair]
    if not any(len(values) for _positions, values in curves):
        return
    axes, exact = RunAxes(_("epoch"), title, quantity, True), quantity.exact
    points = run_curves(
        names, curves, quantity.among(classes), guessing, lambda value: formatted_number(value, exact)
    )
    spec = run_curve_spec(names, _("Run"), axes, guessing, hover=True)
    alt = _("Learning curves of the runs, each with its colour and dashes; their final values are below")
    st.vega_lite_chart(points, spec, key="pair_curves", alt=alt)
    texts = [last_value_text(values, exact) for _positions, values in curves]
    dashes = [*DASHES[: len(names)], GUESSING_DASHES]
    st.html(run_list_html(_("Final values"), [*names, guessing], dashes, [*texts, ""]))
    st.caption(_("Point at the chart for the values of both runs at one position."))


def _choose_quantity() -> str:
    names = {"monitor_accuracy": _("Accuracy"), "train_loss": _("Training loss")}
    return url_segments(_("Curve"), names, "curve", "monitor_accuracy", label_visibility="collapsed")


def _accuracy_curve(run: Run, quantity: Quantity) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in epochs and the accuracies on the monitored images, or the error rates."""
    rows = history(run)
    shown = rows[rows["monitor_accuracy"].notna()]
    start = [run.results["initial_accuracy"]] if "initial_accuracy" in run.results else []
    positions = np.append(np.zeros(len(start)), shown["position"].to_numpy(float))
    values = np.append(start, shown["monitor_accuracy"].to_numpy(float))
    return positions, 1 - values if quantity is ERROR_RATE else values


def _loss_curve(rows: "pd.DataFrame") -> tuple[np.ndarray, np.ndarray]:
    shown = rows[rows["monitor_loss"].isna()]
    return shown["position"].to_numpy(float), shown["train_loss"].to_numpy(float)


def _show_links(pair: tuple[Run, Run]) -> None:
    ids = ",".join(run.id for run in pair)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="next_step", width="content"):  # style.css makes it a primary button
            link(
                "pages/compare.py", _("Compare in detail"), ":material/compare_arrows:", **{COMPARED_KEY: ids}
            )
        link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:")
        with st.popover(_("Link to this pair"), icon=":material/link:"):
            st.caption(_("Everyone with this link can view these runs."))
            show_address({RUN_KEY: pair[0].id, COMPARED_KEY: ids, **pair_question()})
