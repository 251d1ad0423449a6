"""Fragments rerun by key, and the pauses that let the browser draw."""

import asyncio
from contextlib import contextmanager
from copy import deepcopy
from types import SimpleNamespace

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.testing.v1 import AppTest

from ui import entry, fragments


@pytest.fixture
def pauses(monkeypatch):
    """The seconds of each pause so far."""
    waited = []
    monkeypatch.setattr(fragments.time, "sleep", waited.append)
    monkeypatch.setattr(fragments.st, "session_state", {})
    return waited


def test_only_a_change_is_waited_for(pauses):
    fragments.send_to_browser("summary", "60,000 images")
    fragments.send_to_browser("summary", "60,000 images")
    assert len(pauses) == 1
    fragments.send_to_browser("summary", "5,000 images")
    assert len(pauses) == 2


def test_places_are_independent(pauses):
    fragments.send_to_browser("heading", "Train")
    fragments.send_to_browser("summary", "Train")
    assert len(pauses) == 2


def test_a_missing_fragment_reruns_the_whole_page():
    def page():
        import streamlit as st

        from ui.fragments import rerun_fragments

        st.button("known", on_click=rerun_fragments, args=("part",))
        st.button("unknown", on_click=rerun_fragments, args=("part", "another"))
        st.fragment(lambda: st.caption("part"), key="part")()

    test = AppTest.from_function(page).run()
    test.button[0].click().run()
    assert ([part.value for part in test.caption], len(test.button)) == (["part"], 0)
    test.run().button[1].click().run()
    assert ([part.value for part in test.caption], len(test.button)) == (["part"], 2)
    assert not test.exception


def test_a_container_is_copied_once_for_all_inside_it(monkeypatch):
    monkeypatch.setattr(DeltaGenerator, "__deepcopy__", DeltaGenerator.__deepcopy__)
    fragments.copy_each_container_once()
    outer = DeltaGenerator(root_container=0)
    inner = DeltaGenerator(root_container=0, parent=outer)
    first, second = deepcopy((outer, inner))
    assert first is not outer
    assert second._parent is first


@pytest.mark.parametrize(
    ("rerun", "other"), [(["panel"], True), (["panel", "form"], False), ([], False), (None, False)]
)
def test_a_message_for_other_fragments_only_has_no_change_of_this_control(monkeypatch, rerun, other):
    monkeypatch.setattr(fragments, "get_script_run_ctx", lambda: SimpleNamespace(fragment_ids_this_run=rerun))
    ThreadState.initialize(fragment_id="form")  # as in a callback of a control in the form
    assert fragments.message_is_of_another_fragment() == other


@pytest.mark.parametrize(("name", "order"), [("explore", ["page"]), ("runs", ["scipy", "page"])])
def test_scipy_is_imported_before_each_page_that_may_import_pytorch(app, monkeypatch, name, order):
    """The first page imports neither: all who open it at once are answered a second sooner."""
    seen = []

    real = entry.through_entry

    @contextmanager
    def through_entry():
        seen.append("page")
        with real():
            yield

    monkeypatch.setattr(entry, "import_scipy", lambda: seen.append("scipy"))
    monkeypatch.setattr(entry, "through_entry", through_entry)
    test = app(name)
    assert not test.exception
    assert seen == order


def finished_after(next_one, unsent=()):
    """What the browser is told of fragment "part" if the fragment `next_one` starts before it was told."""
    queue, finished = ForwardMsgQueue(), ForwardMsg()
    for fragment in unsent:
        element = ForwardMsg()
        element.delta.fragment_id = fragment
        element.delta.new_element.text.body = "text"
        queue.enqueue(element)
    finished.script_finished = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
    finished.metadata.run.fragment_ids.append("part")
    queue.enqueue(finished)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[next_one])
    return [message.script_finished for message in queue.flush() if message.HasField("script_finished")]


def test_a_fragment_is_finished_though_another_one_starts(app, monkeypatch):
    finished, interrupted = (
        [ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY],
        [ForwardMsg.FINISHED_EARLY_FOR_RERUN],
    )
    monkeypatch.setattr(ForwardMsgQueue, "clear", fragments._drop_unsent)
    assert finished_after("clock") == interrupted  # if this fails, Streamlit needs no mending any more
    app()
    assert finished_after("clock") == finished
    assert finished_after("clock", unsent=["part"]) == finished
    assert finished_after("part", unsent=["part"]) == finished


def message_of(run, kind, fragments=("part",), **fields):
    """A message that Streamlit sends about a run: its start, its end, or an element."""
    message = ForwardMsg(**fields)
    if kind != "script_finished":
        getattr(message, kind).SetInParent()
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def status(is_running):
    """The message that Streamlit sends when the last run has ended, or one has started after that."""
    message = ForwardMsg()
    message.session_status_changed.script_is_running = is_running
    return message


def sent(queue):
    """The kind and the run of each message that the browser gets now."""
    return [(m.WhichOneof("type"), m.metadata.run.script_run_id) for m in queue.flush()]


@pytest.fixture
def starts_held(monkeypatch):
    """The two changes of Streamlit's queue, and the seconds after which it is looked at again."""
    again = []
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    monkeypatch.setattr(ForwardMsgQueue, "flush", ForwardMsgQueue.flush)
    monkeypatch.setattr(fragments, "get_instance", lambda: SimpleNamespace(_enqueued_some_message=None))
    loop = SimpleNamespace(call_later=lambda seconds, _call: again.append(seconds))
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    fragments.keep_what_fragments_sent()
    fragments.start_once_for_a_click()
    return again


@pytest.mark.parametrize(("ran", "told"), [(("part",), ["second"]), ((), ["first", "second"])])
def test_a_run_that_a_callback_ends_at_once_is_not_told(starts_held, ran, told):
    """But that of a whole page is: it may be another page than the one that the browser shows."""
    queue = ForwardMsgQueue()
    queue.enqueue(message_of("first", "new_session", ran))
    assert sent(queue) == []
    ended = ForwardMsg.FINISHED_EARLY_FOR_RERUN
    queue.enqueue(message_of("first", "script_finished", ran, script_finished=ended))
    assert sent(queue) == []
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["panel"])
    queue.enqueue(message_of("second", "new_session", ("panel",)))
    queue.enqueue(message_of("second", "delta"))
    assert [run for kind, run in sent(queue) if kind == "new_session"] == told


@pytest.mark.parametrize(
    ("ended", "told"),
    [(True, ["new_session", "delta"]), (False, ["session_status_changed", "new_session", "delta"])],
)
def test_the_browser_renders_once_for_a_click_whose_callback_starts_another_run(starts_held, ended, told):
    """It would render at each status; that a run is under way is left out only if it has ended."""
    queue = ForwardMsgQueue()
    queue.enqueue(message_of("first", "new_session"))
    queue.enqueue(status(is_running=True))
    if ended:
        early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        queue.enqueue(message_of("first", "script_finished", script_finished=early))
        queue.enqueue(status(is_running=False))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["panel"])
    queue.enqueue(message_of("second", "new_session", ("panel",)))
    queue.enqueue(message_of("second", "delta"))
    assert [kind for kind, _run in sent(queue)] == told


def test_a_start_is_told_with_the_first_element_or_soon(starts_held, monkeypatch):
    queue, clock = ForwardMsgQueue(), [100.0]
    monkeypatch.setattr(fragments.time, "monotonic", lambda: clock[0])
    queue.enqueue(message_of("first", "new_session"))
    assert sent(queue) == []
    assert starts_held == [pytest.approx(fragments.SECONDS_HELD)]
    clock[0] += fragments.SECONDS_HELD
    assert sent(queue) == [("new_session", "first")]
    queue.enqueue(message_of("first", "delta"))
    assert sent(queue) == [("delta", "first")]
    queue.enqueue(message_of("second", "new_session"))
    queue.enqueue(message_of("second", "delta"))
    assert sent(queue) == [("new_session", "second"), ("delta", "second")]


def test_a_start_is_not_told_with_an_empty_container(starts_held):
    queue, container = ForwardMsgQueue(), message_of("first", "delta")
    container.delta.add_block.SetInParent()
    queue.enqueue(message_of("first", "new_session"))
    queue.enqueue(container)
    assert sent(queue) == []
    queue.enqueue(message_of("first", "delta"))
    assert [kind for kind, _run in sent(queue)] == ["new_session", "delta", "delta"]


def test_an_end_that_the_browser_waits_for_is_told_at_once(starts_held):
    queue = ForwardMsgQueue()
    ended = ForwardMsg.FINISHED_EARLY_FOR_RERUN
    queue.enqueue(
        message_of("first", "script_finished", script_finished=ended)
    )  # whose start was sent before
    assert sent(queue) == [("script_finished", "first")]


def placed(fragment, *path, is_container=False):
    """The message about an element of a fragment at a place."""
    message = message_of("run", "delta", (fragment,))
    message.delta.fragment_id = fragment
    getattr(message.delta, "add_block" if is_container else "new_element").SetInParent()
    message.metadata.delta_path.extend(path)
    return message


def test_what_a_fragment_has_shown_is_sent_before_its_next_start(starts_held):
    """Streamlit would drop the container, but not what a fragment inside shows: an empty page."""
    queue = ForwardMsgQueue()
    for message in (placed("panel", 0, 3, is_container=True), placed("curves", 0, 3, 0)):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["panel"])
    queue.enqueue(message_of("second", "new_session", ("panel",)))
    queue.enqueue(placed("curves", 0, 3, 0))
    shown = [tuple(message.metadata.delta_path) for message in queue.flush()]
    assert shown == [(0, 3), (0, 3, 0), (), (0, 3, 0)]


def test_what_a_whole_page_has_not_sent_is_dropped_at_its_next_start(starts_held):
    queue = ForwardMsgQueue()
    queue.enqueue(placed("", 0, 3))
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()
