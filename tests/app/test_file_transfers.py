"""Uploads within limits, and downloads that other visitors' pages don't take away."""

from types import SimpleNamespace

import pytest
import streamlit as st
from starlette.exceptions import HTTPException
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from tests.app.drawings import as_png
from tests.core.sevens import canvas
from ui import file_transfers
from ui.file_transfers import SECONDS_KEPT, bound_uploads, keep_downloads


@pytest.fixture
def upload(monkeypatch):
    """Upload files of these sizes in bytes in a session: `upload("anna", 10, 20)`; return the manager."""
    manager = MemoryUploadedFileManager("/upload")
    monkeypatch.setattr(st.runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    bound_uploads.clear()
    bound_uploads()
    yield lambda session, *sizes: [
        manager.add_file(
            session, UploadedFileRec(f"{session}-{place}-{size}", "a.png", "image/png", bytes(size))
        )
        for place, size in enumerate(sizes)
    ]
    bound_uploads.clear()


def test_a_session_holds_twice_the_files_and_bytes_of_an_upload(upload, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PICTURES_LIMIT", "2")
    upload("anna", 1, 2, 3, 4)
    with pytest.raises(HTTPException):
        upload("anna", 5)
    monkeypatch.setenv("DIGITLAB_PICTURES_MB_LIMIT", "1")
    monkeypatch.setenv("DIGITLAB_SET_MB_LIMIT", "1")  # an own data set is one upload, and may be larger
    upload("ben", 1_000_000, 1_000_000)
    with pytest.raises(HTTPException) as refused:
        upload("ben", 1)
    assert refused.value.status_code == 413


def test_all_sessions_share_an_eighth_of_the_memory(upload, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MEMORY", "8")
    upload("anna", 600_000)
    with pytest.raises(HTTPException):
        upload("ben", 400_001)
    upload("ben", 400_000)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until its only number is changed."""
    now = [100.0]
    monkeypatch.setattr(file_transfers.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def downloads(monkeypatch):
    """The server's manager of downloads."""
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(st.runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=manager))
    keep_downloads.clear()
    keep_downloads()
    yield manager
    keep_downloads.clear()


def files_of(manager):
    return [file.content for file in manager._storage._files_by_id.values()]


def test_a_click_on_a_page_that_is_being_replaced_still_downloads(downloads, clock):
    offered = downloads.add_deferred(lambda: b"weights", None, "1.2", element_id="export")
    downloads.clear_session_refs()  # the page runs again
    again = downloads.add_deferred(lambda: b"weights", None, "1.2", element_id="export")
    for _visitor in range(50):
        downloads.remove_orphaned_files()
    downloads.execute_deferred(offered)
    clock[0] += SECONDS_KEPT
    downloads.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        downloads.execute_deferred(offered)
    downloads.execute_deferred(again)


def test_a_file_waits_for_a_browser_on_a_slow_line_and_then_goes(downloads, clock):
    offered = downloads.add_deferred(lambda: b"weights", None, "1.2")
    downloads.execute_deferred(offered)
    downloads.remove_orphaned_files()
    clock[0] += SECONDS_KEPT - 1
    downloads.execute_deferred(offered)  # once more: the same file
    for seconds in (0, SECONDS_KEPT - 1):
        clock[0] += seconds
        downloads.remove_orphaned_files()
        assert files_of(downloads) == [b"weights"]
    clock[0] += 1
    downloads.remove_orphaned_files()
    assert files_of(downloads) == []


def test_too_many_pictures_are_refused_and_forgotten(app, run, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PICTURES_LIMIT", "2")
    monkeypatch.setattr("ui.draw.picture_table.read_picture", pytest.fail)
    forgotten = []
    monkeypatch.setattr(
        MemoryUploadedFileManager,
        "remove_file",
        lambda _self, _session, file_id: forgotten.append(file_id),
    )
    files = [(f"{name}.png", as_png(canvas()), "image/png") for name in "abc"]
    test = app("draw", run=run, lang="zh", **{"from": "upload"})
    test.file_uploader[0].set_value(files).run()
    assert "本服务器一次最多接收 2 张图片" in test.error[0].value
    assert not test.file_uploader[0].value
    assert len(set(forgotten)) == 3  # Streamlit would keep them until the session ends


def test_a_limit_that_can_not_be_understood_is_said_on_the_first_page(app, monkeypatch):
    monkeypatch.setenv("DIGITLAB_JOBS_LIMIT", "many")
    (error,) = app().error
    assert error.value == "DIGITLAB_JOBS_LIMIT is 'many'; write a whole number such as 8, or none."
