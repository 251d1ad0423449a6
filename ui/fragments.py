"""Fragments: sending the heading first, losing nothing that was shown, rerunning only what changed."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import get_instance
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

# Streamlit flushes its messages every 10 ms; a browser takes 20 to 40 ms to begin with a new page.
SECONDS_TO_ARRIVE = 0.045
SECONDS_HELD = 0.02  # at most, from the start of a run until the browser is told
INTERRUPTED = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
_drop_unsent, _send = ForwardMsgQueue.clear, ForwardMsgQueue.flush
_held_since: WeakKeyDictionary[ForwardMsgQueue, float] = WeakKeyDictionary()


def keep_what_fragments_sent() -> None:
    """Have Streamlit send all that a fragment has shown, even if it or another one runs again at once.

    It drops what the fragment itself has not sent yet, but not what fragments inside it have: the browser has
    no place for that and shows an empty page. And it calls a fragment "interrupted" that has finished: the
    browser then keeps what the fragment no longer shows, such as the images of the cell before.
    """
    ForwardMsgQueue.clear = _drop_unsent_of_whole_pages


def start_once_for_a_click() -> None:
    """Have Streamlit send the start of a run with what it shows first, or after SECONDS_HELD.

    The browser renders the whole page at each start. A click on a control whose callback ends its run, as
    `rerun_fragments` does, starts two runs. The first one shows nothing, and neither its start nor its end is
    sent: each would have the browser render once more before the answer.
    """
    ForwardMsgQueue.flush = _send_with_content


def _send_with_content(queue: ForwardMsgQueue) -> list[ForwardMsg]:
    if not _shows_nothing(queue._queue):
        _held_since.pop(queue, None)
        return _send(queue)
    now = time.monotonic()
    left = _held_since.setdefault(queue, now) + SECONDS_HELD - now
    if left <= 0:
        del _held_since[queue]
        return _send(queue)
    asyncio.get_running_loop().call_later(left, get_instance()._enqueued_some_message)
    return []


def _shows_nothing(messages: Sequence[ForwardMsg]) -> bool:
    """Whether messages have a run start, and no more of it than containers."""
    return _have_only_started([each for each in messages if not each.delta.HasField("add_block")])


def _have_only_started(messages: Sequence[ForwardMsg]) -> bool:
    """Whether all messages are about runs that start, or that end without having shown anything."""
    return any(each.HasField("new_session") for each in messages) and all(
        each.WhichOneof("type") in ("new_session", "session_status_changed", "page_info_changed")
        or each.script_finished == INTERRUPTED
        for each in messages
    )


def _drop_unsent_of_whole_pages(
    queue: ForwardMsgQueue,
    retain_lifecycle_msgs: bool = False,
    fragment_ids_this_run: list[str] | None = None,
) -> None:
    if _have_only_started(queue._queue):
        has_ended = _says_ended(queue._queue[-1])
        queue._queue = [
            message
            for message in queue._queue
            if not _is_of_fragments(message)
            and not (has_ended and message.HasField("session_status_changed"))
        ]
    if fragment_ids_this_run is None:
        _drop_unsent(queue, retain_lifecycle_msgs)
    else:
        queue._delta_index_map = {}  # what the next run shows is sent after its start, not in place of this


def _says_ended(message: ForwardMsg) -> bool:
    """Whether a message says that no run is under way; the next start then says that one is."""
    return message.HasField("session_status_changed") and not message.session_status_changed.script_is_running


def _is_of_fragments(message: ForwardMsg) -> bool:
    """Whether a message is about the start or end of a run of fragments only."""
    return bool(message.metadata.run.fragment_ids)


def copy_each_container_once() -> None:
    """Have Streamlit copy each open container once for a fragment, not once for every one inside it.

    It copies them all for each fragment that it meets, and a page has several, one in another.
    """
    DeltaGenerator.__deepcopy__ = _copy_once


def _copy_once(container: DeltaGenerator, copied: dict[int, Any]) -> DeltaGenerator:
    copy = DeltaGenerator(
        root_container=container._root_container,
        cursor=deepcopy(container._cursor, copied),
        parent=deepcopy(container._parent, copied),
        block_type=container._block_type,
    )
    copy._form_data = deepcopy(container._form_data, copied)
    copy._creating_fragment_id = container._creating_fragment_id
    return copy


def send_to_browser(place: str, shown: object) -> None:
    """Give the browser time to draw the elements sent so far, if `shown` has changed at this place.

    A browser draws everything that has arrived at once, which takes 0.1 s for a page's controls. Without a
    pause the answer to a click would wait for them.
    """
    key = f"sent_{place}"
    if st.session_state.get(key) != shown:
        st.session_state[key] = shown
        time.sleep(SECONDS_TO_ARRIVE)


def rerun_fragments(*keys: str) -> None:
    """End a callback by rerunning only the fragments with these keys, in this order.

    If one of them does not exist, as after a restart of the server, the whole page reruns.
    """
    with suppress(StreamlitAPIException):
        st.rerun(keys)


def message_is_of_another_fragment() -> bool:
    """Return, in a control's callback, whether the browser's message reruns only other fragments.

    A visitor's change reruns the fragment that the control is in. The message of a `run_every` fragment
    carries the values of all controls, too, and Streamlit calls the callbacks of those whose value the server
    has changed meanwhile.
    """
    context = get_script_run_ctx()
    rerun = context.fragment_ids_this_run if context else None
    return bool(rerun) and ThreadState.get().fragment_id not in rerun


def clear_slots(count: int) -> None:
    """Leave the next `count` places of the current container empty, so that what stood there disappears."""
    for _place in range(count):
        st.empty()
