"""How a run reads images that are turned, blurred, hidden in part, or changed on purpose to deceive it."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.analysis.robustness import TRIALS
from mnist_core.analysis.robustness_file import strengths_csv
from ui.background import SharedWork
from ui.controls import choice_in_url, number_choice
from ui.evaluate.asked import Asked
from ui.evaluate.shared import disturbed_examples, measured, robustness_seconds, robustness_work
from ui.evaluate.trials import score_table, trials_html
from ui.translation import duration_text
from ui.translation import gettext as _
from ui.watching import SECONDS_BETWEEN_LOOKS, is_watched, progress_and_stop, start_button

if TYPE_CHECKING:
    from mnist_core.analysis.robustness import Robustness

SIZES, USUAL_SIZE = ("200", "500", "1000", "2000"), "500"
SECONDS_TO_WAIT = 60  # fewer images are suggested where the usual number would take longer
HIGHEST_SEED = 9999
SIZE_KEY, SEED_KEY, EXAMPLE_KEY = "count", "draws", "example"
WATCHED_KEY = "robustness_watched"
STRENGTHS = sum(len(trial.strengths) - 1 for trial in TRIALS.values())
Work = SharedWork["Robustness | None"]


def show(asked: Asked) -> None:
    """Show the section: what it does, how much of it, and what came of it or comes of it by now."""
    st.subheader(_("Where it breaks"))
    st.markdown(
        _(
            "The same images, made harder step by step in {count} ways, and how many of them it still reads. "
            "What a person would read at a glance may be lost on a network that has never seen it."
        ).format(count=len(TRIALS))
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        images, seed, example = choose_size(asked), choose_seed(), choose_example(asked)
    work = robustness_work(asked, images, seed)
    if is_watched(work, WATCHED_KEY):
        show_progress(asked, work, example, seed)
    else:
        show_start(work, images)
        show_result(asked, work.latest, example, seed)


def choose_size(asked: Asked) -> int:
    """Show on how many images it is measured, and about how long that takes; return how many."""
    seconds = {size: min(int(size), len(asked.split)) * robustness_seconds(asked) for size in SIZES}
    names = {
        size: _("{images:,} in about {time}").format(images=int(size), time=duration_text(rounded(time)))
        for size, time in seconds.items()
    }
    soon = USUAL_SIZE if seconds[USUAL_SIZE] <= SECONDS_TO_WAIT else SIZES[0]
    return int(choice_in_url(st.selectbox, _("Images"), names, SIZE_KEY, soon, width=230))


def rounded(seconds: float) -> float:
    """Return a duration no finer than a guess is: whole seconds, above twenty five at a time."""
    return max(1, round(seconds)) if seconds < 20 else 5 * round(seconds / 5)


def choose_seed() -> int:
    """Show the seed of all that is drawn by chance; return it."""
    help_text = _("The same seed turns, moves and spots each image in the same way again.")
    return number_choice(_("Seed"), SEED_KEY, HIGHEST_SEED, 130, help_text=help_text)


def choose_example(asked: Asked) -> int:
    """Show which image the examples are made of; return its place in the split."""
    return number_choice(_("Image shown"), EXAMPLE_KEY, len(asked.split) - 1, 130)


def show_start(work: Work, images: int) -> None:
    """Offer to measure, unless that is done."""
    if work.finished:
        return
    if work.failed:
        st.warning(_("It could not be measured. Try again, with fewer images if memory is short."))
    elif work.latest is not None:
        st.info(_("Stopped; below is what was measured until then."))
    else:
        st.info(
            _(
                "It reads {images:,} images at {strengths} strengths, and attacks them. You can use the "
                "page meanwhile."
            ).format(images=images, strengths=STRENGTHS)
        )
    start_button(_("Measure"), WATCHED_KEY, lambda: work, key="measure")


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_progress(asked: Asked, work: Work, example: int, seed: int) -> None:
    """Show how far the measurement is, and what is known by now."""
    waiting = work.latest is None
    text = _("Waiting for another measurement to end …") if waiting else _("Measuring: {percent:.0%}")
    progress_and_stop(work, WATCHED_KEY, text, key="stop_measuring")
    show_trials(asked, work.latest, example, seed)


def show_result(asked: Asked, result: "Robustness | None", example: int, seed: int) -> None:
    """Show all that was measured, in words, pictures and a table to download."""
    if result is not None:
        show_extremes(result)
    show_trials(asked, result, example, seed)
    if result is None or not result.accuracies:
        return
    st.subheader(_("One number each"))
    table, columns = score_table(result)
    st.dataframe(table, column_config=columns, hide_index=True, height="content")
    st.caption(
        _(
            "The mean accuracy over all strengths but none. Each has a standard error of at most "
            "{error:.1%}, as {images:,} images were read; small differences may be chance."
        ).format(error=result.standard_error(0.5), images=result.images)
    )
    st.download_button(
        _("Download as CSV"),
        strengths_csv({measured(asked, result.images, seed): result}),
        "robustness.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def show_extremes(result: "Robustness") -> None:
    """Say what it copes with best and worst."""
    scores = {name: score for name in TRIALS if (score := result.score(name)) is not None}
    if len(scores) < 2:
        return
    best, worst = max(scores, key=scores.get), min(scores, key=scores.get)
    text = _(
        "It reads **{clean:.1%}** of them as they are. It copes best with **{best}** ({best_score:.1%} on "
        "average) and worst with **{worst}** ({worst_score:.1%})."
    )
    st.markdown(
        text.format(
            clean=result.clean,
            best=_(TRIALS[best].label),
            best_score=scores[best],
            worst=_(TRIALS[worst].label),
            worst_score=scores[worst],
        )
    )


def show_trials(asked: Asked, result: "Robustness | None", example: int, seed: int) -> None:
    """Show each trial: an image at each strength, and the accuracies measured there."""
    with st.spinner(_("Disturbing the image …")):
        images = disturbed_examples(asked, example, seed)
    st.html(trials_html(images, result))
