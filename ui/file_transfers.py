"""Files that the server holds for browsers: uploads within limits, downloads until they were fetched."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core.messages import N_, InputError
from mnist_core.runtime.limits import PICTURES, SET_BYTES, UPLOADED_BYTES
from mnist_core.training.memory import memory_limit

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

BROUGHT_KEY = "brought_data"  # what the page Data has read of an upload: up to 230 MB
EXPORT_KEY = "exported_data"  # a file that the page Data has made to be downloaded, on the disk
SESSION_FACTOR = 2  # a session may hold two uploads, as the next arrives before the last is forgotten
MEMORY_SHARE = 8  # an eighth of the server's memory is for all uploads together
SECONDS_KEPT = 30.0  # of what a download needs, once no page refers to it
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # first characters by which a spreadsheet recognises a formula
TOO_LARGE = 413  # the HTTP status that Streamlit itself gives for files too large


def check_pictures(files: "Sequence[UploadedFile]") -> None:
    """Raise InputError if there are too many files or bytes; nothing is decoded before."""
    most, bytes_at_most = PICTURES.value(True), UPLOADED_BYTES.value(True)
    if most is not None and len(files) > most:
        raise InputError(N_("This server takes {most:,} pictures at a time. Choose fewer."), most=most)
    if bytes_at_most is not None and sum(file.size for file in files) > bytes_at_most:
        megabytes = bytes_at_most / 1e6
        raise InputError(
            N_("This server takes {most:,.0f} MB of pictures at a time. Choose fewer."), most=megabytes
        )


def as_cell(text: str) -> str:
    """Return text that a spreadsheet takes as text: one that begins like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def forget(files: "Sequence[UploadedFile]") -> None:
    """Delete files from the server's memory, where Streamlit keeps them until their session ends."""
    context = get_script_run_ctx()
    remove = context and getattr(context.uploaded_file_mgr, "remove_file", None)
    for file in files if remove else ():
        remove(context.session_id, file.file_id)


def forget_brought() -> None:
    """Let go of the images that the visitor brought to the page Data and did not save."""
    st.session_state.pop(BROUGHT_KEY, None)


def forget_page_data() -> None:
    """Let go of all that the page Data keeps for the visitor: images brought there, and a file made there."""
    forget_brought()
    st.session_state.pop(EXPORT_KEY, None)


@st.cache_resource(show_spinner=False)
def bound_uploads() -> None:
    """Have the server refuse files beyond the limit of a session, or of all sessions.

    Streamlit limits the size of one file only, and keeps all files of a session in memory.
    """
    manager: Any = st.runtime.get_instance().uploaded_file_mgr
    add, lock = manager.add_file, threading.Lock()

    def add_within_limits(session_id: str, file: "UploadedFileRec") -> None:
        with lock:
            if _is_too_much(manager.file_storage, session_id, len(file.data)):
                raise HTTPException(TOO_LARGE, "Too many files")
            add(session_id, file)

    manager.add_file = add_within_limits


def _is_too_much(stored: "dict[str, dict[str, UploadedFileRec]]", session_id: str, size: int) -> bool:
    """Return whether `size` more bytes are too much for a session, or for the server."""
    files = list(stored.get(session_id, {}).values())
    most, bytes_at_most, memory = PICTURES.value(True), UPLOADED_BYTES.value(True), memory_limit()
    if most is not None and len(files) >= SESSION_FACTOR * most:
        return True
    own = size + sum(len(file.data) for file in files)
    if bytes_at_most is not None and own > max(SESSION_FACTOR * bytes_at_most, SET_BYTES.value(True) or own):
        return True
    everyones = size + sum(
        len(file.data) for session in list(stored.values()) for file in list(session.values())
    )
    return memory is not None and everyones > memory / MEMORY_SHARE


@st.cache_resource(show_spinner=False)
def keep_downloads() -> None:
    """Have the server keep what a download needs for SECONDS_KEPT after no page refers to it.

    Each run of a page gives its download buttons new ids. At the end of any visitor's run Streamlit forgets
    the old ones, for which a click may be on its way. At the second such end it deletes the file that a click
    has made: in a class before a browser on a slow line has fetched it.
    """
    manager: Any = st.runtime.get_instance().media_file_mgr
    unused: dict[str, tuple[object, float]] = {}  # what is kept, and since when no page refers to it

    def remove_long_unused() -> None:
        now = time.monotonic()
        with manager._lock:
            kept = {**manager._file_metadata, **manager._deferred_callables}
            for place in list(manager._files_by_session_and_coord.values()):
                for used in place.values():
                    kept.pop(used, None)
            for key in unused.keys() - kept.keys():
                del unused[key]
            for key, what in kept.items():
                if key not in unused or unused[key][0] is not what:  # a file may be made again
                    unused[key] = (what, now)
                elif now - unused[key][1] >= SECONDS_KEPT:
                    _remove(manager, key)

    manager.remove_orphaned_files = remove_long_unused


def _remove(manager: Any, key: str) -> None:
    """Remove a file, or what would make one; `manager` is Streamlit's MediaFileManager, and locked."""
    if key in manager._file_metadata:
        manager._delete_file(key)
    else:
        manager._drop_deferred_id(key)
