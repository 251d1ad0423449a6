"""A copy of the network that learns the visitor's handwriting: begun, watched, stopped, and its scores."""

from collections.abc import Sequence

import streamlit as st

from mnist_core.reading.fine_tuning import FEWEST, split_sheet
from mnist_core.reading.sheet import Entry
from mnist_core.runs.fine_tuned import FineTuned, Scores, fine_tune_run
from mnist_core.runs.run import Run
from ui import resources, visitor
from ui.draw.fine_tuning_worker import FineTuningWorker
from ui.explore.numbers import table_html
from ui.runs import run_name
from ui.state import RUN_KEY
from ui.translation import gettext as _
from ui.translation import percent_text, say
from ui.url import put_in_url

WORKER_KEY = "fine_tuning"
SECONDS_BETWEEN_LOOKS = 0.7


def show_tuning(run: Run, drawings: Sequence[Entry]) -> None:
    """Show where the fine-tuning stands: to be begun, under way, or done."""
    st.markdown("**" + _("A copy that learns your handwriting") + "**")
    worker: FineTuningWorker | None = st.session_state.get(WORKER_KEY)
    if worker and worker.running:
        show_progress()
        return
    show_start(run, drawings)
    if worker and worker.problem:
        st.error(say(worker.problem))
    elif worker and worker.result:
        show_result(worker.result)


def show_start(run: Run, drawings: Sequence[Entry]) -> None:
    """Say what will happen, and offer it."""
    st.markdown(
        _(
            "A copy of **{name}** learns on, from your drawings mixed with MNIST's images so that it doesn't "
            "forget those. Every third drawing of a digit is kept back, to see whether it really helps."
        ).format(name=run_name(run))
    )
    too_few = len(drawings) < FEWEST
    st.button(
        _("Teach a copy my handwriting"),
        icon=":material/school:",
        type="primary",
        on_click=_start,
        args=(run, drawings),
        disabled=too_few,
    )
    if too_few:
        st.caption(_("It needs at least {n} drawings; a few of each digit are better.").format(n=FEWEST))


def _start(run: Run, drawings: Sequence[Entry]) -> None:
    loader, store, owner = resources.dataset_loader(), resources.run_store(), visitor.identity()
    name = _("{name}, my handwriting").format(name=run_name(run))
    sheet = split_sheet([one.image for one in drawings], [one.label for one in drawings])
    st.session_state[WORKER_KEY] = FineTuningWorker(
        lambda: fine_tune_run(store, run, sheet, loader.wait(), name, owner)
    )


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_progress() -> None:
    """Show how far it is, with a way to stop it."""
    worker: FineTuningWorker = st.session_state[WORKER_KEY]
    if not worker.running:
        st.rerun()
    if worker.stopping:
        words = _("Stopping …")
    elif worker.fraction is None:
        words = _("Waiting for another visitor's to end …")
    elif worker.fraction < 1:
        words = _("Learning your handwriting: {percent:.0%}").format(percent=worker.fraction)
    else:
        words = _("Testing it on your drawings and on MNIST's test images …")
    st.progress(worker.fraction or 0.0, text=words)
    st.button(_("Stop"), icon=":material/stop:", on_click=worker.stop, disabled=worker.stopping)


def show_result(result: FineTuned) -> None:
    """Show what came of it: both models' scores side by side."""
    words = [(_("Before"), result.before), (_("After"), result.after)]
    head = [_("Read right"), _("drawings it learned"), _("drawings kept back"), _("MNIST's test images")]
    st.html(table_html(head, [[name, *_shares(scores)] for name, scores in words], strong=1))
    if result.after.kept_back is None:
        st.caption(_("No drawing could be kept back: draw three or more of a digit for a fair test."))
    else:
        st.caption(_("Only the drawings kept back are a fair test: the others it has seen."))
    if st.button(_("Read with the copy"), icon=":material/draw:", key="use_copy"):
        put_in_url({RUN_KEY: result.run.id})
        st.rerun()  # of the whole page, which says which network reads


def _shares(scores: Scores) -> list[str]:
    kept_back = "–" if scores.kept_back is None else percent_text(scores.kept_back, 0)
    return [percent_text(scores.learned, 0), kept_back, percent_text(scores.test)]
