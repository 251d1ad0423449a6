"""Components that the browser draws: their style sheet and script lie beside the module that shows them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

SHARED_SCRIPT = Path(__file__).with_suffix(".js").read_text()


def browser_component(name: str, module: str, html: str) -> Callable[..., Any]:
    """Return a Streamlit component of version 2; `module` is the `__file__` of the module that shows it.

    `name` must be unique in the server, in which Streamlit registers it.
    """
    style, script = (Path(module).with_suffix(suffix).read_text() for suffix in (".css", ".js"))
    return st.components.v2.component(name, html=html, css=style, js=SHARED_SCRIPT + script)
