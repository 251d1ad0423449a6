"""The files that a visitor brings: uploaded, and read in the background."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakSet

import streamlit as st

from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import OwnImages
from mnist_core.own_data.reading import ReadingChoices, read_source
from mnist_core.own_data.source_files import SourceFile, uploaded
from mnist_core.runtime.job import Job, Steps
from mnist_core.runtime.limits import SET_BYTES
from mnist_core.training.memory import memory_limit
from ui.file_transfers import BROUGHT_KEY, MEMORY_SHARE, forget_brought
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, start_button, this_tab, turn

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

UPLOADS_KEY = "data_uploads"
SECONDS_AT_ONCE = 0.5  # most sources are read by then, and no progress flickers
MEGABYTE = 1_000_000
NO_LIMIT = 1000 * MEGABYTE


@dataclass(frozen=True, eq=False)
class Brought:
    """Files, how they are read, and the job that reads them; `number` counts the uploads of this session."""

    number: int
    ids: tuple[str, ...]
    files: tuple[SourceFile, ...] = field(repr=False)
    choices: ReadingChoices
    job: Job[OwnImages]

    @property
    def name(self) -> str:
        """A name for the data set: that of the file without its ending."""
        return self.files[0].name.partition(".")[0] or self.files[0].name


_held: WeakSet[Brought] = WeakSet()  # of all visitors


def show_upload() -> Brought | None:
    """Show where files are chosen, and how far they are read; return them when they were."""
    st.subheader(_("Bring your own"), anchor=False)
    megabytes = (SET_BYTES.value(True) or NO_LIMIT) // MEGABYTE
    limit = _("At most {size} MB per file").format(size=megabytes)
    st.html(f"<style>.stMain {{ --lab-limit: '{limit}' }}</style>")
    files = st.file_uploader(
        _("CSV, IDX, NPZ, a zip of pictures, or sheets of Draw"),
        accept_multiple_files=True,
        key=f"own_files_{st.session_state.get(UPLOADS_KEY, 0)}",
        max_upload_size=megabytes,
        help=_(
            "A CSV has a row for each image: its label and 784 pixels. IDX files come in pairs, images and "
            "labels; NPZ files hold both. In a zip the pictures of each class are in a folder with its name; "
            "in these, folders may say who wrote them. Grey pictures of 28 x 28 pixels stay as they are; all "
            "others are cut out, scaled and centred as on the page Draw."
        ),
    )
    if not files:
        forget_brought()
        return None
    brought = _brought(files)
    job = brought.job
    if job.finished and job.latest is not None:
        return brought
    if is_watched(job):
        _show_reading(job)
    elif job.problem:
        st.error(markdown(job.problem))
        if brought.choices != ReadingChoices():
            st.button(_("Read it as it comes"), on_click=read_again, args=(brought, ReadingChoices()))
    else:
        start_button(_("Read the files"), lambda: job)
    return None


def _brought(files: "Sequence[UploadedFile]") -> Brought:
    """Return what was brought; new files are read at once."""
    known: Brought | None = st.session_state.get(BROUGHT_KEY)
    ids = tuple(file.file_id for file in files)
    if known is None or known.ids != ids:
        sources = tuple(uploaded(file.name, file.getvalue()) for file in files)
        number = 1 if known is None else known.number + 1
        known = _begin(Brought(number, ids, sources, ReadingChoices(), _job(sources, ReadingChoices())))
    return known


def read_again(brought: Brought, choices: ReadingChoices) -> None:
    """Read the same files with other choices, such as another column of labels."""
    _begin(replace(brought, choices=choices, job=_job(brought.files, choices)))


def _job(files: Sequence[SourceFile], choices: ReadingChoices) -> Job[OwnImages]:
    failure = N_("The files could not be read; the log of this server says why: error {error}.")
    return Job("own data", partial(_read, files, choices), turn=turn("own data"), failure=failure)


def _read(files: Sequence[SourceFile], choices: ReadingChoices) -> Steps[OwnImages]:
    """Read files, unless the images that visitors brought and keep on their pages take too much memory."""
    held = sum(each.job.latest.images.nbytes for each in list(_held) if each.job.latest is not None)
    memory = memory_limit()
    if memory is not None and held > memory / MEMORY_SHARE:
        words = N_(
            "The images that visitors have brought take the memory that this server has for them. Try again "
            "later."
        )
        raise InputError(words)
    return (yield from read_source(files, choices))


def _begin(brought: Brought) -> Brought:
    st.session_state[BROUGHT_KEY] = brought
    _held.add(brought)
    brought.job.start(this_tab())
    brought.job.wait(SECONDS_AT_ONCE)
    return brought


def forget_upload() -> None:
    """Show an empty uploader, and let go of the files."""
    st.session_state[UPLOADS_KEY] = st.session_state.get(UPLOADS_KEY, 0) + 1
    forget_brought()


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_reading(job: Job[OwnImages]) -> None:
    show_progress(job, _("Reading the images") + ": {percent:.0%}")
