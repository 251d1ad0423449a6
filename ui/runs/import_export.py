"""Export of a run as files; import of settings and weights."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.export.formats import EXPORT_FORMATS, export, file_name, problem
from mnist_core.export.import_weights import import_weights, read_config
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.run import Run
from mnist_core.runtime.limits import WEIGHTS_BYTES
from ui import resources, visitor
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.navigation import link
from ui.train_form.state import fill_form
from ui.url_state import RUN_KEY, set_url_parameters

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

EXPORT_KEY = "export"
FILE_KEY = "import_file"
ANSWER_KEY = "import_answer"  # the outcome of the last file: a message
IMPORTED_KEY = "import_run"  # the id of the run that the last file became


def show_export(run: Run) -> None:
    """Show the downloads of a run's files on request; each file is created when it is requested."""
    files = st.popover(_("Export"), icon=":material/download:", key=EXPORT_KEY, on_change="rerun")
    if not files.open:
        return
    with files:
        for kind, entry in EXPORT_FORMATS.items():
            missing = problem(run, kind)
            button, words = st.columns([1, 2], vertical_alignment="center", gap="small")
            button.download_button(
                _(entry.label),
                data=partial(export, run, kind),
                file_name=file_name(run, kind),
                mime=entry.mime,
                key=f"export_{kind}",
                on_click="ignore",
                disabled=missing is not None,
                width="stretch",
            )
            words.caption(markdown(missing) if missing else _(entry.description))
        st.caption(_("To save a chart as PNG, point at it or tap it and use the button that appears."))


def show_import() -> None:
    """Show the upload of settings or weights that this or another Digit Lab saved."""
    with st.expander(_("Import"), icon=":material/upload:", key="import"):
        most = WEIGHTS_BYTES.value(True)
        st.file_uploader(
            _("Settings (.json) or weights (.safetensors) exported from Digit Lab"),
            type=["json", "safetensors"],
            max_upload_size=most and most // 1_000_000,
            key=FILE_KEY,
            on_change=_import_file,
        )
        answer: Message | None = st.session_state.get(ANSWER_KEY)
        imported: str | None = st.session_state.get(IMPORTED_KEY)
        if answer:
            (st.success if imported is not None else st.error)(markdown(answer))
        if imported:
            link("pages/evaluate.py", _("Evaluate it"), ":material/fact_check:", run=imported)
            link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:", run=imported)


def _import_file() -> None:
    """Load the chosen file, and keep the message about it."""
    file = st.session_state[FILE_KEY]
    for key in (ANSWER_KEY, IMPORTED_KEY):
        st.session_state.pop(key, None)
    if file is None:
        return
    try:
        st.session_state[IMPORTED_KEY], template = _load(file)
        st.session_state[ANSWER_KEY] = Message(template, {"file": file.name})
    except InputError as error:
        st.session_state[ANSWER_KEY] = error.message


def _load(file: "UploadedFile") -> tuple[str, str]:
    """Load a file; return the id of the new run ("" for settings), and the message."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(file.getbuffer())
        if file.name.lower().endswith(".json"):
            fill_form(read_config(path, file.name))
            return "", N_("The settings of {file} were loaded into the form.")
        store, owner = resources.run_store(), visitor.identity()
        run = import_weights(store, path, file.name, owner, visitor.limits())
        set_url_parameters({RUN_KEY: run.id})
        return run.id, N_(
            "The weights of {file} were imported as a run: evaluate it, or test it on your handwriting."
        )
