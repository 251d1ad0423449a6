"""The files of Streamlit's frontend and of its components, sent from memory and compressed."""

import asyncio
import gzip
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDERS = ("/static/", "/_stcore/bidi-components/")
LEVEL = 4  # of gzip: 4 % larger than with level 9, in half the time
PATHSEND = "http.response.pathsend"  # of ASGI: the answer has a file's path, not its content
# What asks for less than a whole file, or whether it has changed, is left to Streamlit.
CONDITIONS = ("range", "if-none-match", "if-modified-since")


class FrontendFiles:
    """ASGI middleware: take each file of the frontend from Streamlit once, and send it from memory.

    A browser asks for a hundred of them, 3.5 MB, when it first opens the lab. For each one Streamlit goes
    through its other middleware and through threads, while it answers all visitors, and compresses nothing
    or the same file for every browser. A file is compressed when a second browser asks for it: nobody waits
    for that, and a server on the visitor's own machine does not do it. Kept is what any cache may keep, 35 MB
    if all were asked for twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._whole: dict[str, asyncio.Task[list[Message]]] = {}
        self._small: dict[str, asyncio.Task[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _asks_for_file(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        was_asked = path in self._whole
        if not was_asked:  # all of a class that comes at once wait for one task
            self._whole[path] = asyncio.create_task(self._fetch(scope, receive))
        task = self._whole[path]
        answer = await asyncio.shield(task)
        if was_asked and self._whole.get(path) is not task:  # it may not be kept: it is that visitor's alone
            await self._app(scope, receive, send)
            return
        if was_asked and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            answer = self._smaller(path, answer)
        for message in answer:
            await send(message)

    async def _fetch(self, scope: Scope, receive: Receive) -> list[Message]:
        """Return Streamlit's answer, not compressed, and forget it if it may not be kept."""
        messages: list[Message] = []

        async def take(message: Message) -> None:
            messages.append(message)

        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        is_kept = False
        try:
            await self._app({**scope, "headers": headers, "extensions": {PATHSEND: {}}}, receive, take)
            start, *parts = messages
            answered = MutableHeaders(raw=start["headers"])
            is_public = "public" in answered.get("cache-control", "") and "set-cookie" not in answered
            is_kept = start["status"] == 200 and is_public
            answered.add_vary_header("Accept-Encoding")
            return [start, {"type": "http.response.body", "body": b"".join(map(_content, parts))}]
        finally:
            if not is_kept:
                del self._whole[scope["path"]]

    def _smaller(self, path: str, answer: list[Message]) -> list[Message]:
        """Return an answer compressed, or as it is until that is done."""
        if path not in self._small:
            self._small[path] = asyncio.create_task(asyncio.to_thread(_compressed, *answer))
        task = self._small[path]
        return task.result() if task.done() else answer


def _content(part: Message) -> bytes:
    return Path(part["path"]).read_bytes() if part["type"] == PATHSEND else part["body"]


def _asks_for_file(scope: Mapping[str, Any]) -> bool:
    """Whether a request asks for a whole file of the frontend; a file is kept by one of its names only."""
    path = scope["path"]
    return (
        scope["method"] == "GET"
        and any(folder in path for folder in FOLDERS)
        and posixpath.normpath(path) == path
        and not any(condition in Headers(raw=scope["headers"]) for condition in CONDITIONS)
    )


def _compressed(start: Message, content: Message) -> list[Message]:
    """Return an answer compressed; as it is if that makes it no smaller."""
    small = gzip.compress(content["body"], LEVEL)
    if len(small) >= len(content["body"]):
        return [start, content]
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-encoding"], headers["content-length"] = "gzip", str(len(small))
    del headers["etag"]  # it names the bytes of the file as it is
    return [{**start, "headers": headers.raw}, {**content, "body": small}]
