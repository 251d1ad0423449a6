"""The visitor's labelled drawings: scores of each network, and a copy fine-tuned on them."""

from collections.abc import Generator, Sequence
from datetime import date
from io import BytesIO

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import DIGITS
from mnist_core.messages import N_, InputError
from mnist_core.own_data.export_formats import DATA_FORMATS, sheet_split, write_data
from mnist_core.recognition.labelled_drawings import LabelledDrawing
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.fine_tuning import (
    FEWEST,
    DrawingSplit,
    FineTunedRun,
    Scores,
    fine_tune_run,
    split_drawings,
)
from mnist_core.runs.metadata import LONGEST_NAME
from mnist_core.runs.run import Run
from mnist_core.runtime.job import Job
from ui import resources, visitor
from ui.class_names import dataset_name, is_digits
from ui.draw import drawing_sheet
from ui.drawing_input import ReadDrawing
from ui.file_transfers import forget
from ui.html.digits import Figure, grid_html
from ui.html.tables import escape_markdown, markdown, table_html
from ui.i18n import gettext as _
from ui.i18n import ngettext, percent_text
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, this_tab, turn
from ui.runs.names import readable_runs, run_labels, run_name
from ui.url_state import RUN_KEY, set_url_parameters

MOST_RUNS = 8  # runs that are scored
MOST_SHOWN = 30
FILE_KEY, ROUND_KEY, PROBLEM_KEY = "sheet_file", "sheet_round", "sheet_problem"


@st.fragment
def show(reading: ReadDrawing) -> None:
    """Show the section."""
    if not is_digits(reading.run.config.dataset):
        st.info(_("My handwriting is a test set of digits. Choose a network of digits above."))
        return
    drawings = drawing_sheet.sheet()
    st.markdown(
        _(
            "Your own test set: your drawings with their true labels. It is kept for this visit "
            "only; download it to use it again."
        )
    )
    show_files(drawings)
    if not drawings:
        st.info(_("It is empty. Draw a digit, press **Correct the label** and choose its true label."))
        return
    scores, pictures = st.columns([2, 3], gap="large")
    with scores:
        show_scores(drawings, reading.run)
    with pictures:
        show_drawings(drawings, reading.run)
    show_tuning(reading.run, drawings)


def show_files(drawings: Sequence[LabelledDrawing]) -> None:
    """Show the buttons that download the test set, upload one, and delete it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            _("Download"),
            data=lambda: drawing_sheet.to_text(drawings),
            file_name=f"digit-lab-sheet-{date.today().isoformat()}.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            disabled=not drawings,
            on_click="ignore",
        )
        if drawings:
            with st.popover(_("As images"), icon=":material/download:"):
                show_formats(drawings)
        with st.popover(_("Upload a test set"), icon=":material/upload:"):
            number = st.session_state.setdefault(ROUND_KEY, 0)
            st.file_uploader(
                _("A test set saved here: JSON lines with strokes or pixels, and labels"),
                type=["jsonl", "json", "txt"],
                key=f"{FILE_KEY}_{number}",
                on_change=_load_file,
            )
        st.button(
            _("Clear the test set"),
            icon=":material/delete:",
            on_click=drawing_sheet.clear,
            disabled=not drawings,
        )
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))


def show_formats(drawings: Sequence[LabelledDrawing]) -> None:
    """Show a download of the test set's images in each format of the page Data."""
    stem = f"digit-lab-sheet-{date.today().isoformat()}"
    for kind, form in DATA_FORMATS.items():
        st.download_button(
            _(form.label),
            data=lambda kind=kind: _as_images(drawings, kind),
            file_name=f"{stem}-{kind}.{form.ending}",
            mime="application/octet-stream",
            on_click="ignore",
            key=f"sheet_{kind}",
            width="stretch",
        )


def _as_images(drawings: Sequence[LabelledDrawing], kind: str) -> bytes:
    content = BytesIO()
    for _fraction in write_data(content, {"": sheet_split(drawings)}, DIGITS, kind):
        pass
    return content.getvalue()


def _load_file() -> None:
    """Add the drawings of the file that was chosen, and forget the file."""
    file = st.session_state[f"{FILE_KEY}_{st.session_state[ROUND_KEY]}"]
    if file is None:
        return
    try:
        drawing_sheet.add(drawing_sheet.from_text(file.getvalue()))
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
    forget([file])
    st.session_state[ROUND_KEY] += 1


def show_scores(drawings: Sequence[LabelledDrawing], present: Run) -> None:
    """Show how many of the drawings each network reads right, the best first."""
    others = [run for run in readable_runs() if run.id != present.id and is_digits(run.config.dataset)]
    runs = [present, *others][:MOST_RUNS]
    right = {run.id: int(np.sum(read_labels(run, drawings) == _labels(drawings))) for run in runs}
    labels = run_labels(runs)
    ranked = sorted(runs, key=lambda run: -right[run.id])
    rows = [
        [labels[run.id], f"{right[run.id]} / {len(drawings)}", percent_text(right[run.id] / len(drawings), 0)]
        for run in ranked
    ]
    head = [_("Network"), _("Correct"), _("Accuracy")]
    st.html(table_html(head, rows, strong=ranked.index(present)))
    if len(drawings) < 20:
        st.caption(_("With so few drawings, a difference of one may be chance."))


def show_drawings(drawings: Sequence[LabelledDrawing], present: Run) -> None:
    """Show the latest drawings, those read wrong marked."""
    read = read_labels(present, drawings)
    wrong = int(np.sum(read != _labels(drawings)))
    words = ngettext(
        "{wrong} of {n} drawing misclassified", "{wrong} of {n} drawings misclassified", len(drawings)
    )
    st.markdown("**" + words.format(wrong=wrong, n=len(drawings)) + "**")
    latest = range(len(drawings))[: -MOST_SHOWN - 1 : -1]
    st.html(grid_html([_figure(drawings[place], int(read[place])) for place in latest], columns=6))
    if len(drawings) > MOST_SHOWN:
        st.caption(_("The latest {n} are shown.").format(n=MOST_SHOWN))
    st.button(
        _("Remove the latest"), icon=":material/undo:", on_click=drawing_sheet.remove, args=(latest[0],)
    )


def _figure(one: LabelledDrawing, read: int) -> Figure:
    if read == one.label:
        caption, alt = f"<b>{one.label}</b>", _("Your {label}, classified correctly").format(label=one.label)
    else:
        words = _("<b>{label}</b> predicted <b class='lab-wrong'>{read}</b>")
        caption = words.format(label=one.label, read=read)
        alt = _("Your {label}, classified as {read}").format(label=one.label, read=read)
    return Figure(one.image, caption, alt)


def _labels(drawings: Sequence[LabelledDrawing]) -> np.ndarray:
    return np.array([one.label for one in drawings])


def read_labels(run: Run, drawings: Sequence[LabelledDrawing]) -> np.ndarray:
    """Return what a run reads in each drawing, [N]."""
    images = b"".join(one.image.tobytes() for one in drawings)
    return _read_labels(str(run.checkpoints[-1]), images, run)


@st.cache_data(show_spinner=False, max_entries=64)
def _read_labels(checkpoint: str, images: bytes, _run: Run) -> np.ndarray:
    pixels = np.frombuffer(images, np.uint8).reshape(-1, 28, 28)
    return np.array([prediction.label for prediction in predict_all(resources.model(_run), list(pixels))])


JOB_KEY = "fine_tuning"  # in the session: the visitor's latest job


def show_tuning(run: Run, drawings: Sequence[LabelledDrawing]) -> None:
    """Show the state of the fine-tuning: not begun, running, or done."""
    st.markdown("**" + _("Fine-tuning: a copy that learns your handwriting") + "**")
    job: Job[FineTunedRun] | None = st.session_state.get(JOB_KEY)
    if job and is_watched(job):
        show_tuning_progress()
        return
    show_start(run, drawings)
    if job and job.problem:
        st.error(markdown(job.problem))
    elif job and job.finished:
        show_result(job.latest)


def show_start(run: Run, drawings: Sequence[LabelledDrawing]) -> None:
    """Show what fine-tuning will do, and its start button."""
    st.markdown(
        _(
            "A copy of **{name}** is trained further on your drawings, mixed with {data}'s images "
            "so that it does not forget them. Every third drawing of a digit is held out, to test "
            "whether fine-tuning helps."
        ).format(name=escape_markdown(run_name(run)), data=dataset_name(run.config.dataset))
    )
    too_few = len(drawings) < FEWEST
    st.button(
        _("Fine-tune a copy"),
        icon=":material/school:",
        type="primary",
        on_click=_start,
        args=(run, drawings),
        disabled=too_few,
    )
    if too_few:
        st.caption(
            _("Fine-tuning needs at least {n} drawings; a few of each digit are better.").format(n=FEWEST)
        )


def _start(run: Run, drawings: Sequence[LabelledDrawing]) -> None:
    """Start fine-tuning a copy of the run, one for a double click."""
    job: Job[FineTunedRun] | None = st.session_state.get(JOB_KEY)
    if job and is_watched(job):
        return
    words = _("{name}, my handwriting")
    base = run_name(run)[: LONGEST_NAME - len(words.format(name=""))]
    name, owner, limits = words.format(name=base), visitor.identity(), visitor.limits()
    sheet = split_drawings([one.image for one in drawings], [one.label for one in drawings])
    st.session_state[JOB_KEY] = Job(
        "fine-tuning",
        lambda: _fine_tuning(run, sheet, name, owner, limits),
        turn=turn("fine-tuning"),
        failure=N_("Fine-tuning failed and nothing was saved. Try again."),
    )
    st.session_state[JOB_KEY].start(this_tab())


def _fine_tuning(
    run: Run, sheet: DrawingSplit, name: str, owner: str, limits: TrainingLimits
) -> Generator[tuple[float, None], None, FineTunedRun]:
    """Do the steps of the job."""
    from mnist_core.runtime.devices import use_one_thread

    limits.check_disk(resources.run_store(), owner)
    use_one_thread()  # the pages, and a run in training, need the other cores
    dataset = resources.wait_for_dataset(run.config.dataset)
    return (yield from fine_tune_run(resources.run_store(), run, sheet, dataset, name, owner))


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_tuning_progress() -> None:
    """Show how far it is, with a way to stop it."""
    job: Job[FineTunedRun] = st.session_state[JOB_KEY]
    if job.fraction < 1:
        text = _("Fine-tuning: {percent:.0%}")
    else:
        text = _("Testing it on your drawings and on the test set")
    show_progress(job, text)


def show_result(result: FineTunedRun) -> None:
    """Show the scores of both models side by side."""
    words = [(_("Before fine-tuning"), result.before), (_("After fine-tuning"), result.after)]
    tested = _("{data}'s test set").format(data=dataset_name(result.run.config.dataset))
    head = [_("Correct"), _("drawings trained on"), _("drawings held out"), tested]
    st.html(table_html(head, [[name, *_shares(scores)] for name, scores in words], strong=1))
    if result.after.kept_back is None:
        st.caption(_("No drawing could be held out: draw three or more of a digit for a fair test."))
    else:
        st.caption(_("Only the drawings held out are a fair test: it was trained on the others."))
    if st.button(_("Use the fine-tuned copy"), icon=":material/draw:", key="use_copy"):
        set_url_parameters({RUN_KEY: result.run.id})
        st.rerun()  # of the whole page, which says which network reads


def _shares(scores: Scores) -> list[str]:
    kept_back = "–" if scores.kept_back is None else percent_text(scores.kept_back, 0)
    return [percent_text(scores.learned, 0), kept_back, percent_text(scores.test)]
