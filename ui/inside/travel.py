"""Time travel: the slider over what is kept of a training."""

from dataclasses import dataclass

import streamlit as st

from mnist_core.runs.moments import Moment, moments_of
from mnist_core.runs.run import Run
from ui.controls import choice_in_url
from ui.translation import gettext as _

MOMENT_KEY = "moment"  # in the URL: after how many epochs; none means the last


@dataclass(frozen=True)
class Seen:
    """A run as it was at one of its `moments`."""

    run: Run
    moment: Moment
    moments: tuple[Moment, ...]

    @property
    def last(self) -> Moment:
        """The latest moment."""
        return self.moments[-1]

    def key(self, moment: Moment) -> str:
        """Return what tells a moment of this run from all others."""
        return f"{self.run.id} {moment.epoch} {moment.file}"


def choose_moment(run: Run) -> Seen:
    """Show the slider; return the run at the moment it is set to."""
    moments = moments_of(run)
    if len(moments) == 1:
        st.caption(_("Of this run only the weights of one moment are kept, so there is no slider."))
        return Seen(run, moments[0], tuple(moments))
    labels = {f"{moment.epoch:g}": moment_text(moment) for moment in moments}
    chosen = choice_in_url(
        st.select_slider,
        _("Moment of the training"),
        labels,
        MOMENT_KEY,
        next(reversed(labels)),
        help=_("The arrow keys move it as well. Everything below is as it was then."),
    )
    return Seen(run, moments[list(labels).index(chosen)], tuple(moments))


def moment_text(moment: Moment) -> str:
    """Say when a moment was."""
    if moment.epoch == 0:
        return _("before training")
    if moment.epoch < 1:
        return _("after {share:.0%} of epoch 1").format(share=moment.epoch)
    return _("after epoch {epoch:g}").format(epoch=moment.epoch)
