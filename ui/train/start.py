"""The Start button, and the script that brings a new training into view."""

import time
from contextlib import suppress

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import split_images
from mnist_core.messages import InputError
from mnist_core.runs.run import Run
from ui import resources, visitor
from ui.canvas import last_read_image
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.jobs import is_second_tap, note_start
from ui.train_form.state import read_form
from ui.url_state import RUN_KEY, current_run, set_url_parameters

POLL_SECONDS = 1.0
ERROR_KEY = "start_error"  # why the last start, resumption or fix was refused
REMEDY_KEY = "remedy_in_form"  # a remedy filled the form; the summary says so
IN_VIEW_KEY = "run_in_view"  # when the run was last to be brought into view, in milliseconds since 1970
HEADING = "run_heading"  # key of the container that is brought into view
# Runs once for each moment, also where the page is left and shown again. On a wide screen the heading counts
# as visible if there is room for progress and controls below it. The wait lets the new run be laid out.
SCROLL_SCRIPT = """<span></span><script>
if ((window.labRunInView ?? 0) < MOMENT) {
  window.labRunInView = MOMENT;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const phone = matchMedia('(max-width: 640px)').matches;
  const bring = () => {
    const heading = document.querySelector('.st-key-run_heading');
    if (!heading) return;
    const top = heading.getBoundingClientRect().top;
    const pixels = (element, name) => parseFloat(getComputedStyle(element)[name]) || 0;
    const page = heading.closest('.stMain');
    const least = pixels(heading, 'scrollMarginTop') + pixels(page, 'scrollPaddingTop') - 1;
    const visible = top >= least && top < innerHeight - 200;
    if (phone ? Math.abs(top - least) > 8 : !visible) {
      heading.scrollIntoView({block: 'start', behavior: still ? 'instant' : 'smooth'});
    }
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
  };
  let taken = false;  // the visitor scrolls or clicks
  for (const kind of ['wheel', 'touchmove', 'keydown', 'pointerdown']) {
    addEventListener(kind, () => { taken = true; }, {once: true, passive: true});
  }
  for (const wait of [100, 900]) setTimeout(() => taken || bring(), wait);  // what folds meanwhile moves it
}
</script>"""


def show_start(config: TrainConfig, queue_busy: bool) -> None:
    """Show the start button; rerun the page once the queue is free, which changes the button's label.

    The button is a secondary one while the form holds exactly what the run on the page was trained with.
    """
    if queue_busy and not resources.training_queue().busy:
        st.rerun()
    again = _is_run_of(config, resources.find_run(current_run()))
    label = _("Add to the queue") if queue_busy else _("Train again") if again else _("Start training")
    if reason := resources.why_not_on_cluster():
        label = _("Train on this server")
        st.caption(markdown(reason))
    with st.container(key="start"):
        st.button(
            label,
            type="secondary" if again else "primary",
            icon=":material/replay:" if again else ":material/play_arrow:",
            key="start_button",
            on_click=_start_form,
            args=(config, reason is not None),
        )


def _start_form(config: TrainConfig, here: bool) -> None:
    """Start the form's present settings: `config` lacks a number typed just before the click."""
    with suppress(InputError):
        config = read_form().config()
    start(config, here)


def start(config: TrainConfig, here: bool = False) -> None:
    """Queue a training and open its run; a second tap on the same settings starts nothing.

    With `here` it trains on the server, as its cluster can't be reached.
    """
    if is_second_tap(config):
        st.rerun()
    seconds = expected_seconds(config)
    details = {"owner": visitor.identity(), "own_digit": last_read_image()}
    try:
        run_id = resources.training_queue().submit(
            config, expected_seconds=seconds, limits=visitor.limits(), here=here, **details
        )
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message
    else:
        set_url_parameters({RUN_KEY: run_id})
        note_start(config)
        bring_into_view()
    st.rerun()  # the whole page: it shows the run now


def expected_seconds(config: TrainConfig) -> float | None:
    """Estimate the seconds of a training with its evaluations, from its measured speed; None if unknown."""
    speed = resources.training_speed(config)
    if speed is None:
        return None
    data = resources.dataset(config.dataset)
    splits = split_images(config, data)
    return speed.run_seconds(config.epochs, len(splits.train), len(splits.monitored), len(data.test))


def bring_into_view() -> None:
    """Have the page scroll to the run's heading when it next shows the run."""
    st.session_state[IN_VIEW_KEY] = round(1000 * time.time())


def show_heading(text: str) -> None:
    """Show a run's heading, and scroll to it once after `bring_into_view`, without motion if so requested."""
    with st.container(key=HEADING):
        st.subheader(text)
        moment = st.session_state.get(IN_VIEW_KEY, 0)
        st.html(SCROLL_SCRIPT.replace("MOMENT", str(moment)), unsafe_allow_javascript=True)


def _is_run_of(config: TrainConfig, run: Run | None) -> bool:
    """Return whether a run has these settings; the name of the recipe may differ."""
    return run is not None and vars(run.config) | {"recipe": ""} == vars(config) | {"recipe": ""}
