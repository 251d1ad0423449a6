"""Export of data: any data set as CSV, IDX, NPZ or pictures, made in the background and then downloaded."""

import re
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import streamlit as st

from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.own_data.export_formats import DATA_FORMATS, write_data
from mnist_core.runtime.job import Job, Steps
from ui import resources
from ui.class_names import dataset_name
from ui.file_transfers import EXPORT_KEY
from ui.html.tables import markdown
from ui.i18n import count_text
from ui.i18n import gettext as _
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, this_tab, turn
from ui.url_controls import url_choice, url_segments

USUAL_FORMAT = "csv"
SECONDS_AT_ONCE = 0.5  # most own sets are written by then, and no progress flickers
MEGABYTE = 1_000_000


@dataclass(frozen=True, eq=False)
class DataExport:
    """A file with a data set in one format, and the job that makes it; it is deleted with its last user."""

    dataset: str
    kind: str
    job: Job[IO[bytes]]


def show() -> None:
    """Show the section, in which published data sets are chosen; own sets have it in their own frames."""
    st.subheader(_("Export data"), anchor=False)
    st.markdown(_("Download a data set, to use it in other programs or to keep it."))
    names = {key: dataset_name(key) for key in DATASETS}
    key = url_choice(st.selectbox, _("Data set"), names, "published", MNIST, width=320)
    resources.dataset(key)  # or an offer to download it to this server, with which the page ends
    formats = {kind: kind.upper() for kind in DATA_FORMATS}
    _show_file(key, url_segments(_("Format"), formats, "format", USUAL_FORMAT))


def show_formats(key: str) -> None:
    """Show the choice of a format, and an own set in it: to be made, being made, or to download."""
    kind = st.segmented_control(
        _("Format"),
        list(DATA_FORMATS),
        default=USUAL_FORMAT,
        format_func=str.upper,
        required=True,
        key=f"export_format_{key}",
    )
    _show_file(key, kind)


def _show_file(key: str, kind: str) -> None:
    st.caption(_(DATA_FORMATS[kind].label))
    export: DataExport | None = st.session_state.get(EXPORT_KEY)
    if export is None or (export.dataset, export.kind) != (key, kind):
        export = DataExport(key, kind, _job(key, kind))
    if is_watched(export.job):
        _show_progress(export.job)
    elif export.job.finished and export.job.latest is not None:
        _show_download(export, export.job.latest)
    else:
        if export.job.problem:
            st.error(markdown(export.job.problem))
        st.button(
            _("Make the file"),
            icon=":material/folder_zip:",
            key=f"make_export_{key}",
            on_click=_start,
            args=(export,),
        )


def _start(export: DataExport) -> None:
    """Make a file; a session has one, so that the last one's is deleted."""
    st.session_state[EXPORT_KEY] = export
    export.job.start(this_tab())
    export.job.wait(SECONDS_AT_ONCE)


def _job(key: str, kind: str) -> Job[IO[bytes]]:
    return Job("data export", lambda: _write(key, kind), turn=turn("data export"))


def _write(key: str, kind: str) -> Steps[IO[bytes]]:
    """Do the steps of the job: write a file that has no name, and return it."""
    data = resources.wait_for_dataset(key)
    file = TemporaryFile()  # noqa: SIM115 - whoever downloads it reads it later
    for fraction, _nothing in write_data(file, data.files, DATASETS[key].classes, kind):
        yield fraction, None
    return file


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_progress(job: Job[IO[bytes]]) -> None:
    show_progress(job, _("Writing the images") + ": {percent:.0%}")


def _file_stem(key: str) -> str:
    """Return a data set's name as that of a file; an own set's key is a secret."""
    return re.sub(r"[^\w-]+", "-", DATASETS[key].label)


def _show_download(export: DataExport, file: IO[bytes]) -> None:
    def content() -> bytes:
        file.seek(0)
        return file.read()

    form = DATA_FORMATS[export.kind]
    size = file.seek(0, 2) / MEGABYTE
    st.download_button(
        _("Download {size} MB").format(size=count_text(round(size)) if size >= 1 else f"{size:.1g}"),
        data=content,
        file_name=f"{_file_stem(export.dataset)}-{export.kind}.{form.ending}",
        mime="application/zip" if form.ending == "zip" else "application/octet-stream",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key=f"download_export_{export.dataset}_{export.kind}",
    )
