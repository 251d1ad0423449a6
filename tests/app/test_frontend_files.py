"""The frontend's files: kept in memory, compressed, and otherwise as Streamlit sends them."""

import asyncio
import gzip
import importlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.datastructures import Headers
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_handler

from ui.frontend_files import FrontendFiles

SCRIPT = b"export const answer = 42;\n" * 100


def in_thread(coroutine):
    """Run a coroutine to its end; in another thread, as Playwright may have a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def leave():
    """Be a browser that leaves before it has the file; those who wait for it have it all the same."""
    await asyncio.sleep(0)
    return {"type": "http.disconnect"}


async def ask_for(app, path="/static/part.js", method="GET", **headers):
    """Ask an ASGI app for a path; returns the status, the headers and the body."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": sent, "root_path": ""}
    messages = []

    async def take(message):
        messages.append(message)

    await app(scope, leave, take)
    start, *parts = messages
    return start["status"], Headers(raw=start["headers"]), b"".join(part["body"] for part in parts)


@pytest.fixture
def asked():
    """The paths that Streamlit was asked for."""
    return []


@pytest.fixture
def frontend(tmp_path, asked):
    """The middleware before Streamlit's own handler, on a folder with one script."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "part.js").write_bytes(SCRIPT)
    (tmp_path / "index.html").write_text("the page")
    streamlits = create_streamlit_static_handler(str(tmp_path), None)

    async def noted(scope, receive, send):
        asked.append(scope["path"])
        await streamlits(scope, receive, send)

    return FrontendFiles(noted)


def test_the_server_has_it():
    server = importlib.import_module("streamlit_app")
    assert [each.cls for each in server.app._user_middleware] == [FrontendFiles]


def test_a_file_is_taken_from_streamlit_once_however_many_ask_at_once(frontend, asked):
    async def class_comes():
        first = await asyncio.gather(*(ask_for(frontend) for _ in range(5)))
        return [*first, await ask_for(frontend)]

    answers = in_thread(class_comes())
    assert [(status, body) for status, _, body in answers] == [(200, SCRIPT)] * 6
    assert asked == ["/static/part.js"]
    headers = answers[0][1]
    assert headers["content-length"] == str(len(SCRIPT))
    assert "immutable" in headers["cache-control"]
    assert "content-encoding" not in headers


async def ask_until_compressed(app, path="/static/part.js"):
    """Ask as browsers do until the answer is compressed; returns all answers, at most 100."""
    answers = []
    while len(answers) < 100 and not (answers and "content-encoding" in answers[-1][1]):
        answers.append(await ask_for(app, path, accept_encoding="gzip, deflate, br"))
        await asyncio.sleep(0.01)
    return answers


def test_it_is_compressed_for_the_third_browser_and_nobody_waits_for_that(frontend, asked):
    first, second, *others = in_thread(ask_until_compressed(frontend))
    assert first == second
    assert first[2] == SCRIPT
    status, headers, body = others[-1]
    assert (status, gzip.decompress(body)) == (200, SCRIPT)
    assert len(body) < len(SCRIPT) / 4
    assert headers["content-encoding"] == "gzip"
    assert headers["content-length"] == str(len(body))
    assert "javascript" in headers["content-type"]
    assert "etag" not in headers
    assert {each["vary"] for _, each, _ in (first, others[-1])} == {"Accept-Encoding"}
    assert asked == ["/static/part.js"]


def test_a_browser_that_does_not_take_it_compressed_has_it_whole(frontend):
    async def both():
        compressed = (await ask_until_compressed(frontend))[-1]
        return compressed, await ask_for(frontend)

    compressed, (_, headers, body) = in_thread(both())
    assert "content-encoding" in compressed[1]
    assert (body, headers.get("content-encoding")) == (SCRIPT, None)
    assert headers["content-length"] == str(len(SCRIPT))


def test_what_is_no_smaller_compressed_is_sent_as_it_is(frontend, tmp_path):
    (tmp_path / "static" / "font.woff2").write_bytes(packed := gzip.compress(SCRIPT))
    answers = in_thread(ask_until_compressed(frontend, "/static/font.woff2"))
    assert [(body, headers.get("content-encoding")) for _, headers, body in answers] == [(packed, None)] * 100


def test_streamlit_is_asked_for_no_compressed_file():
    async def app(scope, _receive, send):
        assert "accept-encoding" not in Headers(raw=scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})
        await send({"type": "http.response.body", "body": SCRIPT})

    assert in_thread(ask_for(FrontendFiles(app), accept_encoding="gzip"))[2] == SCRIPT


def test_an_answer_with_a_cookie_is_its_visitors_alone():
    cookies = iter((b"first", b"second"))

    async def app(_scope, _receive, send):
        headers = [(b"cache-control", b"public"), (b"set-cookie", next(cookies))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": SCRIPT})

    async def both():
        kept = FrontendFiles(app)
        return [headers["set-cookie"] for _, headers, _ in await asyncio.gather(ask_for(kept), ask_for(kept))]

    assert in_thread(both()) == ["first", "second"]


def test_what_may_not_be_kept_is_not_kept_compressed(frontend):
    async def two_at_once():
        await asyncio.gather(*(ask_for(frontend, "/static/absent.js", accept_encoding="gzip") for _ in "ab"))

    in_thread(two_at_once())
    assert not frontend._whole
    assert not frontend._small


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"range": "bytes=0-5"}, 206),
        ({"if_modified_since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ({"method": "HEAD"}, 200),
        ({"path": "/static/absent.js"}, 200),  # the page itself, as for every address
        ({"path": "/static//x/../part.js"}, 400),
        ({"path": "/static/./part.js"}, 200),  # kept, each such name would take memory again
        ({"path": "/static//part.js"}, 200),
        ({"path": "/explore"}, 200),
    ],
)
def test_all_else_is_left_to_streamlit_each_time(frontend, asked, request_of, status):
    async def twice():
        return [await ask_for(frontend, **request_of) for _ in range(2)]

    answers = in_thread(twice())
    assert [answer[0] for answer in answers] == [status] * 2
    assert len(asked) == 2


def test_a_file_that_could_not_be_sent_is_asked_for_again():
    asked = []

    async def failing(scope, _receive, _send):
        asked.append(scope["path"])
        raise OSError

    async def thrice():
        app = FrontendFiles(failing)
        first = await asyncio.gather(*(ask_for(app) for _ in range(2)), return_exceptions=True)
        return [*first, *await asyncio.gather(ask_for(app), return_exceptions=True)]

    assert [type(answer) for answer in in_thread(thrice())] == [OSError] * 3
    assert len(asked) == 2
