"""A slow line between browser and server, as over a long distance or by phone."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


def end(loop: asyncio.AbstractEventLoop) -> None:
    for connection in asyncio.all_tasks(loop):
        connection.cancel()  # which closes it
    loop.call_later(0.1, loop.stop)


@contextmanager
def slow_line(url: str, seconds: float, port: int = 0) -> Iterator[str]:
    """Give an address that leads to the server at `url`; all that passes is `seconds` late, each way.

    `port` is the address's, by default a free one. In the end all connections are cut.
    """
    host, its_port = urlsplit(url).hostname, urlsplit(url).port

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await reader.read(65536):
                loop.call_later(seconds, send, writer, data)
        loop.call_later(seconds, writer.close)

    def send(writer: asyncio.StreamWriter, data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection(host, its_port)
            try:
                await asyncio.gather(pass_on(reader, to_server), pass_on(from_server, writer))
            except asyncio.CancelledError:
                to_server.close()
                writer.close()

    loop = asyncio.new_event_loop()  # in a thread, as Playwright has its own in this one
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(connect, "127.0.0.1", port), loop).result()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(end, loop)
        thread.join()
