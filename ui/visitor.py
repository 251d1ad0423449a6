"""The visitor: identity, and the runs that they may see and change.

A visitor is a random token in a cookie; runs keep a hash of it. On a server that is private, a visitor's list
holds their own runs and those they opened by link, and of the latter none can be changed.
"""

import hashlib
import os
import re
import secrets
from contextlib import suppress
from urllib.parse import urlsplit

import streamlit as st

from mnist_core.data.own_sets import OwnSet, add_reader, find_set, list_sets
from mnist_core.dataset_choices import is_own_key
from mnist_core.messages import InputError
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.run import Run
from ui import resources
from ui.resources import HERE, PRIVATE_VARIABLE, bound_here
from ui.url_state import DATASET_KEY, compared_runs, current_run, url_parameters

TOKEN_COOKIE = "digitlab_visitor"
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_OPENED_KEY, _OPENED_SETS_KEY = "opened_runs", "opened_sets"
# A second tab opened before the first had its cookie takes that one over, at its first paint.
_COOKIE_SCRIPT = """<script>{{
  const kept = (document.cookie.match(/(?:^|; ){cookie}=([0-9a-f]{{32}})/) || [])[1];
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  if (!kept || kept === '{token}')
    document.cookie = '{cookie}={token}; path=/; max-age=31536000; SameSite=Lax' + secure;
  else if (!sessionStorage.{cookie}) {{ sessionStorage.{cookie} = 1; location.reload(); }}
}}</script>"""


def is_private() -> bool:
    """Return whether the visitor sees only their own runs.

    DIGITLAB_PRIVATE decides if it is set. Otherwise everyone does, unless the server was bound to this
    machine (`server.address`): what a browser sends can be made up, so it makes visitors remote, never local.
    """
    if wanted := os.environ.get(PRIVATE_VARIABLE):
        return wanted != "0"
    return not (bound_here() and looks_local())


def could_be_local() -> bool:
    """Return whether the visitor is private only because the server was not bound to this machine."""
    return not os.environ.get(PRIVATE_VARIABLE) and not bound_here() and looks_local()


def looks_local() -> bool:
    """Return whether no header or address shows a visitor from elsewhere, as through a proxy here."""
    headers, url = st.context.headers, st.context.url
    hosts = [_host(f"//{headers['Host']}")] if "Host" in headers else []
    hosts += [_host(url)] if url else []
    afar = isinstance(st.context.ip_address, str)  # Streamlit has none for localhost
    near = not afar and not any(name in headers for name in FORWARDED)
    return near and HERE.issuperset(hosts)


def identity() -> str:
    """Return the visitor's identity for runs: a hash from which the cookie can't be computed."""
    return hashlib.sha256(_token().encode()).hexdigest()[:32]


def limits() -> TrainingLimits:
    """Return the limits of the visitor's trainings; on a local server only those that are set."""
    return TrainingLimits.of_server(is_private())


def owns(run: Run) -> bool:
    """Return whether the visitor may rename, pin, delete, stop and continue a run, or only view it."""
    return not run.is_pretrained and (not is_private() or run.metadata.owner == identity())


def worker_of(run: Run) -> str:
    """Return the cluster's worker that trained a run; "" without one, or if the visitor need not know it."""
    return "" if is_private() else run.results.get("trained_on") or ""


def listed_runs() -> list[Run]:
    """Return the runs in the visitor's list: the pinned ones first, then the newest."""
    return listed_among(resources.run_store().list())


def listed_among(runs: list[Run]) -> list[Run]:
    """Return those of `runs` that are in the visitor's list, in its order."""
    if is_private():
        me, opened = identity(), st.session_state.get(_OPENED_KEY, ())
        runs = [run for run in runs if me in (run.metadata.owner, *run.metadata.readers) or run.id in opened]
    return sorted(runs, key=lambda run: not run.metadata.pinned)


def owns_set(own: OwnSet) -> bool:
    """Return whether the visitor may delete an own data set, or only use it."""
    return not is_private() or own.access.owner == identity()


def listed_sets() -> list[OwnSet]:
    """Return the own data sets in the visitor's list: theirs, and those that they opened by link."""
    sets, me, opened = list_sets(), identity(), st.session_state.get(_OPENED_SETS_KEY, ())
    if not is_private():
        return sets
    return [own for own in sets if me in (own.access.owner, *own.access.readers) or own.key in opened]


def _remember_set(key: str) -> None:
    opened = st.session_state.setdefault(_OPENED_SETS_KEY, set())
    if not is_own_key(key) or key in opened or not is_private():
        return
    opened.add(key)
    with suppress(InputError):  # it was deleted; or this session remembers it all the same
        if not owns_set(own := find_set(key)) and identity() not in own.access.readers:
            add_reader(key, identity())


def remember_opened() -> None:
    """Put the runs and data sets that were opened by link into the visitor's list."""
    _remember_set(url_parameters().get(DATASET_KEY, ""))
    for run_id in {current_run(), *(compared_runs() or ())}:
        _remember(resources.find_run(run_id))


def _remember(run: Run | None) -> None:
    if run is None or run.is_pretrained or not is_private() or owns(run):
        return
    opened = st.session_state.setdefault(_OPENED_KEY, set())
    if run.id not in opened:
        opened.add(run.id)
        if identity() not in run.metadata.readers:
            with suppress(InputError):  # the session remembers it anyway
                resources.run_store().add_reader(run.id, identity())


def cookie_script() -> str:
    """Return the HTML that gives the browser its cookie, which comes back with the next visit.

    "" on a server where visitors aren't distinguished.
    """
    if not is_private():
        return ""
    return _COOKIE_SCRIPT.format(cookie=TOKEN_COOKIE, token=_token())


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _token() -> str:
    kept = str(st.context.cookies.get(TOKEN_COOKIE))
    if _TOKEN.fullmatch(kept):
        return kept
    return st.session_state.setdefault(TOKEN_COOKIE, secrets.token_hex(16))
