"""Robustness: accuracy under corruptions and attacks, with examples."""

import logging
from collections.abc import Generator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.evaluation.robustness import (
    DISTURBANCES,
    MeasurementKey,
    load_robustness,
    save_robustness,
    strengths_csv,
)
from mnist_core.messages import N_
from mnist_core.runs.run import Run
from mnist_core.runtime.job import Job
from ui import resources
from ui.evaluate.selection import EvaluatedSplit
from ui.html.digits import png_url
from ui.html.tables import markdown
from ui.i18n import duration_text, format_text, list_text, percent_text
from ui.i18n import gettext as _
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, start_button, turn
from ui.url_controls import url_choice, url_number

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.evaluation.robustness import Robustness

SIZES, USUAL_SIZE = ("200", "500", "1000", "2000"), "500"
SECONDS_TO_WAIT = 60  # fewer images are suggested where the usual number would take longer
HIGHEST_SEED = 9999
SIZE_KEY, SEED_KEY, EXAMPLE_KEY = "count", "draws", "example"
STRENGTHS = sum(len(trial.strengths) - 1 for trial in DISTURBANCES.values())


def show(evaluated: EvaluatedSplit) -> None:
    """Show the section: explanation, number of images, and the result, or its progress."""
    st.subheader(_("Robustness: accuracy on corrupted images"))
    st.markdown(
        _(
            "Accuracy on the same images under {count} corruptions and attacks of increasing "
            "strength. A network can fail on an image that a person reads easily if its training "
            "images had nothing like it."
        ).format(count=len(DISTURBANCES))
    )
    resources.wait_for_torch()  # to estimate the time
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        images, seed, example = choose_size(evaluated), choose_seed(), choose_example(evaluated)
    job = robustness_job(evaluated, images, seed)
    if is_watched(job):
        show_measurement(evaluated, job, example, seed)
    else:
        show_start(job, images)
        show_result(evaluated, job.latest, example, seed)


def choose_size(evaluated: EvaluatedSplit) -> int:
    """Show the choice of the number of images, with the estimated time; return the number."""
    seconds = {size: min(int(size), len(evaluated.split)) * robustness_seconds(evaluated) for size in SIZES}
    names = {
        size: format_text(
            _("{images:,} images, about {time}"), images=int(size), time=duration_text(rounded(time))
        )
        for size, time in seconds.items()
    }
    soon = USUAL_SIZE if seconds[USUAL_SIZE] <= SECONDS_TO_WAIT else SIZES[0]
    return int(url_choice(st.selectbox, _("Images"), names, SIZE_KEY, soon, width=230))


def rounded(seconds: float) -> float:
    """Return an estimated duration rounded to whole seconds, above 20 s to multiples of 5."""
    return max(1, round(seconds)) if seconds < 20 else 5 * round(seconds / 5)


def choose_seed() -> int:
    """Show the field for the seed of the random draws; return it."""
    help_text = _("The same seed gives the same random rotations, shifts and noise.")
    return url_number(_("Seed"), SEED_KEY, HIGHEST_SEED, 130, help_text=help_text)


def choose_example(evaluated: EvaluatedSplit) -> int:
    """Show the choice of the image for the examples; return its place in the split."""
    return url_number(_("Example image"), EXAMPLE_KEY, len(evaluated.split) - 1, 130)


def show_start(job: "Job[Robustness]", images: int) -> None:
    """Show the button that starts the measurement, unless it is done."""
    if job.finished:
        return
    if job.problem:
        st.warning(markdown(job.problem))
    elif job.latest is not None:
        st.info(_("Stopped. Below are the results measured so far."))
    else:
        st.info(
            format_text(
                _(
                    "This classifies {images:,} images at {strengths} strengths and attacks them. You can "
                    "use the page meanwhile."
                ),
                images=images,
                strengths=STRENGTHS,
            )
        )
    start_button(_("Measure robustness"), lambda: job, key="measure")


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_measurement(evaluated: EvaluatedSplit, job: "Job[Robustness]", example: int, seed: int) -> None:
    """Show the progress of the measurement, and the results so far."""
    show_progress(job, _("Measuring: {percent:.0%}"), key="stop_measuring")
    show_disturbances(evaluated, job.latest, example, seed)


def show_result(evaluated: EvaluatedSplit, result: "Robustness | None", example: int, seed: int) -> None:
    """Show the results in words, pictures and a table to download."""
    if result is not None:
        show_extremes(result)
    show_disturbances(evaluated, result, example, seed)
    if result is None or not result.accuracies:
        return
    st.subheader(_("Mean accuracy for each corruption"))
    table, columns = score_table(result)
    st.dataframe(table, column_config=columns, hide_index=True, height="content")
    st.caption(
        format_text(
            _(
                "Mean accuracy over all strengths above zero. With {images:,} images the standard "
                "error of each figure is at most {error:.1%}; small differences may be chance."
            ),
            error=result.standard_error(0.5),
            images=result.images,
        )
    )
    st.download_button(
        _("Download as CSV"),
        strengths_csv({measured(evaluated, result.images, seed): result}),
        "robustness.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def show_extremes(result: "Robustness") -> None:
    """Show which corruptions lower the accuracy least and most, in words."""
    scores = {name: score for name in DISTURBANCES if (score := result.score(name)) is not None}
    if len(scores) < 2:
        return
    best, worst = max(scores, key=scores.get), min(scores, key=scores.get)
    text = _(
        "Accuracy on clean images **{clean:.1%}**. Most robust to **{best}** (mean "
        "{best_score:.1%}), least robust to **{worst}** ({worst_score:.1%})."
    )
    st.markdown(
        format_text(
            text,
            clean=result.clean,
            best=_(DISTURBANCES[best].label),
            best_score=scores[best],
            worst=_(DISTURBANCES[worst].label),
            worst_score=scores[worst],
        )
    )


def show_disturbances(
    evaluated: EvaluatedSplit, result: "Robustness | None", example: int, seed: int
) -> None:
    """Show each trial: an image at each strength, and the accuracies measured there."""
    with st.spinner(_("Corrupting the image")):
        images = disturbed_examples(evaluated, example, seed)
    st.html(disturbances_html(images, result))


STEPS = 6  # strengths of each trial, none among them


def disturbances_html(images: Mapping[str, np.ndarray], result: "Robustness | None") -> str:
    """Return all trials: their images at each strength, and a curve of the accuracies as far as measured."""
    cards = (
        disturbance_html(name, pictures, result.accuracies.get(name, (result.clean,)) if result else ())
        for name, pictures in images.items()
    )
    return f'<div class="lab-trials">{"".join(cards)}</div>'


def disturbance_html(name: str, images: np.ndarray, accuracies: Sequence[float]) -> str:
    """Return one trial with as many accuracies as there are yet."""
    trial = DISTURBANCES[name]
    texts = [share_text(accuracy) for accuracy in accuracies]
    texts += ["\N{HORIZONTAL ELLIPSIS}" if texts else ""] * (len(images) - len(texts))
    steps = "".join(map(step_html, images, trial.strengths, texts))
    head = f"<b>{escape(_(trial.label))}</b> <small>{escape(_(trial.description))}</small>"
    unit = f'<span class="unit">{escape(_(trial.unit))}</span>'
    curve = curve_html(_(trial.label), accuracies) if accuracies else ""
    return (
        f'<section class="lab-trial"><header>{head}</header>{curve}'
        f'<div class="steps">{steps}</div>{unit}</section>'
    )


def share_text(accuracy: float) -> str:
    """Return an accuracy in whole percent, 100 only of all images: rounding must not claim perfection."""
    return percent_text(min(accuracy, 0.99) if accuracy < 1 else 1, 0)


def step_html(image: np.ndarray, strength: float, share: str) -> str:
    """Return an image at one strength, and in words how many such images are read right."""
    return (
        f'<span class="step"><b>{share}</b><img src="{png_url(image)}" alt="" width="28" height="28">'
        f"<small>{strength:g}</small></span>"
    )


def curve_html(label: str, accuracies: Sequence[float]) -> str:
    """Return accuracies, 0 to 1, as a filled curve with a point over each image.

    It is a box clipped by CSS, as Streamlit removes SVG.
    """
    words = list_text(share_text(accuracy) for accuracy in accuracies)
    alt = _("Accuracy under {trial}, from none to strongest: {accuracies}").format(
        trial=label, accuracies=words
    )
    across = [(place + 0.5) / STEPS for place in range(len(accuracies))]
    corners = [*zip(across, accuracies, strict=True), (across[-1], 0), (across[0], 0)]
    path = ", ".join(f"{x:.2%} {1 - y:.2%}" for x, y in corners)
    area = f'<div class="area" style="clip-path:polygon({path})"></div>'
    return f'<div class="curve" role="img" aria-label="{escape(alt)}">{area}</div>'


def score_table(result: "Robustness") -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Return a row for each trial that is measured, with its mean accuracy in percent, and how to show it."""
    import pandas as pd

    scores = {name: result.score(name) for name in result.accuracies}
    rows = [
        {
            "trial": _(DISTURBANCES[name].label),
            "score": 100 * score,
            "strongest": 100 * result.accuracies[name][-1],
        }
        for name, score in scores.items()
        if score is not None
    ]
    bar = st.column_config.ProgressColumn
    columns = {
        "trial": st.column_config.TextColumn(_("Corruption or attack")),
        "score": bar(_("Mean accuracy"), format="%.1f%%", min_value=0, max_value=100),
        "strongest": bar(_("At the highest strength"), format="%.1f%%", min_value=0, max_value=100),
    }
    return pd.DataFrame(rows, columns=["trial", "score", "strongest"]), columns


logger = logging.getLogger(__name__)


def robustness_job(evaluated: EvaluatedSplit, images: int, seed: int) -> "Job[Robustness]":
    """Return the shared job that measures a run's robustness."""
    return _robustness_job(evaluated.key, images, seed, evaluated)


def measured(evaluated: EvaluatedSplit, images: int, seed: int) -> MeasurementKey:
    """Return the key of a measurement among those of the same run."""
    return MeasurementKey(Path(evaluated.checkpoint).stem, evaluated.source, evaluated.name, images, seed)


def robustness_seconds(evaluated: EvaluatedSplit) -> float:
    """Return the estimated seconds that measuring takes for each image on this machine."""
    return _robustness_seconds(evaluated.key, evaluated)


def disturbed_examples(evaluated: EvaluatedSplit, index: int, seed: int) -> dict[str, np.ndarray]:
    """Return an image at each strength of each trial, uint8 [strengths, 28, 28]."""
    return _disturbed_examples(evaluated.key, index, seed, evaluated)


@st.cache_resource(show_spinner=False, max_entries=8)
def _robustness_job(
    key: tuple[str, ...], images: int, seed: int, _evaluated: EvaluatedSplit
) -> "Job[Robustness]":
    model = resources.model(_evaluated.run)
    wanted = measured(_evaluated, images, seed)

    def steps() -> "Generator[tuple[float, Robustness]]":
        from mnist_core.evaluation.robustness import measure_robustness

        for fraction, result in measure_robustness(model, _evaluated.split, images, seed):
            if result.complete:
                _keep(_evaluated.run, wanted, result)
            yield fraction, result

    return Job(
        "robustness",
        steps,
        known=load_robustness(_evaluated.run.folder).get(wanted),
        turn=turn("robustness"),
        failure=N_("The measurement failed. Try again, with fewer images if memory is short."),
    )


def _keep(run: Run, wanted: MeasurementKey, result: "Robustness") -> None:
    """Keep a result with its run, so that it outlives the server; the pretrained run stays as it is."""
    if run.is_pretrained:
        return
    try:
        save_robustness(run.folder, wanted, result)
    except OSError as error:  # a full disk, or a run that was removed meanwhile
        logger.warning("The robustness of run %s could not be kept: %s", run.id[:6], error)


@st.cache_resource(show_spinner=False, max_entries=64)
def _robustness_seconds(key: tuple[str, ...], _evaluated: EvaluatedSplit) -> float:
    from mnist_core.evaluation.robustness import estimate_seconds

    return estimate_seconds(resources.model(_evaluated.run), _evaluated.split)


@st.cache_resource(show_spinner=False, max_entries=8)
def _disturbed_examples(
    key: tuple[str, ...], index: int, seed: int, _evaluated: EvaluatedSplit
) -> dict[str, np.ndarray]:
    from mnist_core.evaluation.robustness import DISTURBANCES, examples

    model = resources.model(_evaluated.run)
    return {name: examples(model, _evaluated.split, name, index, seed) for name in DISTURBANCES}
