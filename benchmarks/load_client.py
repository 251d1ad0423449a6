"""A visitor without a browser: Streamlit's websocket and the protobuf messages that its frontend sends."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

SECONDS_TO_ANSWER = 60.0
LIVE = 3.0  # seconds between the runs of a fragment that follows something


class NoAnswerError(Exception):
    """The server did not answer, or answered with an error."""


class Visitor:
    """One browser tab; each of its actions ends when the server's script for it has ended.

    `elements` are what the server has sent, by place on the page; `reruns` are the seconds between the runs
    of the fragments that run by themselves.
    """

    def __init__(self, address: str, token: str) -> None:
        self._address, self._token = address, token
        self._page_hash = self._query = ""
        self._url = address
        self.elements: dict[tuple[int, ...], Any] = {}
        self._fragments: dict[tuple[int, ...], str] = {}
        self.reruns: dict[str, float] = {}
        self._due: dict[str, float] = {}

    async def __aenter__(self) -> "Visitor":
        """Connect."""
        headers = {"Cookie": f"digitlab_visitor={self._token}", "Origin": self._address}
        self._socket = await websockets.connect(
            self._address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],
            additional_headers=headers,
            max_size=None,
            open_timeout=SECONDS_TO_ANSWER,
        )
        return self

    async def __aexit__(self, *_problem: object) -> None:
        """Close the tab."""
        await self._socket.close()

    async def open(self, page: str, **query: str) -> None:
        """Go to a page, by its name in the URL, "" for the first."""
        self._query, self._url = urlencode(query), f"{self._address}/{page}"
        self.elements.clear()
        self.reruns.clear()
        await self._run(page_name=page)

    async def click(self, key: str) -> None:
        """Click a button, by the end of its key or by its label."""
        place, element = self.find(key)
        await self._set(place, WidgetState(id=element.id, trigger_value=True))

    async def draw(self, key: str, drawing: dict[str, Any]) -> None:
        """Draw on a canvas, by the end of its key."""
        place, element = self.find(key)
        value = json.dumps({"drawing": {"raw": drawing, "data": None}})
        await self._set(place, WidgetState(id=element.id, json_value=value))

    async def wait(self, seconds: float) -> None:
        """Stay on the page for that time, while its timed fragments rerun as in a browser."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            due = min(self._due.values(), default=end)
            await asyncio.sleep(max(0.0, min(due, end) - now))
            for fragment in [name for name, at in self._due.items() if at <= time.monotonic()]:
                if fragment in self.reruns:
                    self._due[fragment] = time.monotonic() + self.reruns[fragment]
                    await self._run(fragment=fragment, is_auto=True)
                else:
                    del self._due[fragment]

    async def wait_for(self, key: str) -> None:
        """Wait until the widget with this key or label is there: the data may not have been opened yet."""
        end = time.monotonic() + SECONDS_TO_ANSWER
        while not self._matching(key) and time.monotonic() < end:
            await self.wait(0.1)

    def find(self, key: str) -> tuple[tuple[int, ...], Any]:
        """Return place and element of the widget with this key or label; NoAnswerError if it isn't there."""
        if found := self._matching(key):
            return found[0]
        raise NoAnswerError(f"there is no {key} on {self._url}")

    def _matching(self, key: str) -> list[tuple[tuple[int, ...], Any]]:
        return [
            (place, element)
            for place, element in self.elements.items()
            if getattr(element, "id", "").endswith(f"-{key}") or getattr(element, "label", None) == key
        ]

    @property
    def trains(self) -> bool:
        """Whether the page shows a training: only then a part of it runs every second."""
        return any(seconds < LIVE for seconds in self.reruns.values())

    @property
    def query(self) -> str:
        """The query that the server has written into the URL."""
        return self._query

    async def _set(self, place: tuple[int, ...], state: WidgetState) -> None:
        await self._run(fragment=self._fragments.get(place, ""), states=[state])

    async def _run(
        self,
        page_name: str | None = None,
        fragment: str = "",
        states: list[WidgetState] | None = None,
        is_auto: bool = False,
    ) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.fragment_id, state.is_auto_rerun = self._query, fragment, is_auto
        if page_name is None:
            state.page_script_hash = self._page_hash
        else:
            state.page_name = page_name
        state.widget_states.widgets.extend(states or [])
        state.context_info.timezone, state.context_info.locale = "UTC", "en-US"
        state.context_info.url = self._url
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._receive(), SECONDS_TO_ANSWER)

    async def _receive(self) -> None:
        """Take in what the server sends until its script has ended."""
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv())
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return
            else:
                self._take(message, kind)

    def _take(self, message: ForwardMsg, kind: str | None) -> None:
        if kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:  # the whole page runs
                self.reruns.clear()
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self.reruns[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            self._due.setdefault(
                message.auto_rerun.fragment_id, time.monotonic() + message.auto_rerun.interval
            )
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.reruns.pop(fragment, None)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            place = tuple(message.metadata.delta_path)
            what = message.delta.new_element.WhichOneof("type")
            element = getattr(message.delta.new_element, what)
            if what == "exception":
                raise NoAnswerError(f"the page showed an error: {element.message}")
            self.elements[place], self._fragments[place] = element, message.delta.fragment_id
