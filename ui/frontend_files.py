"""The files of Streamlit's frontend and of its components, sent from memory and compressed."""

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDERS = ("/static/", "/_stcore/bidi-components/")
LEVEL = 4  # of gzip: 4 % larger than with level 9, in half the time
# What asks for less than a whole file, or whether it has changed, is left to Streamlit.
CONDITIONS = ("range", "if-none-match", "if-modified-since")


class FrontendFiles:
    """ASGI middleware: take each file of the frontend from Streamlit once, and send it from memory.

    A browser asks for a hundred of them, 3.5 MB, when it first opens the lab. For each one Streamlit goes
    through its other middleware and through threads, while it answers all visitors, and compresses nothing
    or the same file for every browser. Kept is what any cache may keep: 26 MB, if all were asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, bool], asyncio.Task[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _asks_for_file(scope):
            await self._app(scope, receive, send)
            return
        key = scope["path"], "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if key not in self._kept:  # all of a class that comes at once wait for one task
            self._kept[key] = asyncio.create_task(self._fetch(key, scope))
        for message in await asyncio.shield(self._kept[key]):
            await send(message)

    async def _fetch(self, key: tuple[str, bool], scope: Scope) -> list[Message]:
        """Return Streamlit's answer, and forget it if it may not be kept."""
        messages: list[Message] = []

        async def take(message: Message) -> None:
            messages.append(message)

        is_kept = False
        try:
            await self._app(scope, _stay, take)
            start, *parts = messages
            headers = MutableHeaders(raw=start["headers"])
            is_kept = start["status"] == 200 and "public" in headers.get("cache-control", "")
            body = b"".join(part.get("body", b"") for part in parts)
            if is_kept and key[1] and "content-encoding" not in headers:
                body = await asyncio.to_thread(_compress, body, headers)
            return [start, {"type": "http.response.body", "body": body}]
        finally:
            if not is_kept:
                del self._kept[key]


async def _stay() -> Message:
    """Receive nothing: the browser that asked first may leave, and others wait for the file."""
    return await asyncio.get_running_loop().create_future()


def _asks_for_file(scope: Mapping[str, Any]) -> bool:
    """Whether a request asks for a whole file of the frontend."""
    return (
        scope["method"] == "GET"
        and any(folder in scope["path"] for folder in FOLDERS)
        and not any(condition in Headers(raw=scope["headers"]) for condition in CONDITIONS)
    )


def _compress(body: bytes, headers: MutableHeaders) -> bytes:
    """Return a file compressed, with its headers changed; as it is if that makes it no smaller."""
    small = gzip.compress(body, LEVEL)
    if len(small) >= len(body):
        return body
    headers["content-encoding"], headers["content-length"] = "gzip", str(len(small))
    headers.add_vary_header("Accept-Encoding")
    del headers["etag"]  # it names the bytes of the file as it is
    return small
