"""The entry of Digit Lab: `streamlit run streamlit_app.py`.

Streamlit imports this file once as the server starts, and runs it as a script for each run of a page.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx


@asynccontextmanager
async def prepared(_app: st.App) -> AsyncIterator[None]:
    """Prepare the server before it answers, and end its work before it ends."""
    from ui.entry import end_work, prepare_server

    prepare_server()
    yield
    end_work()


if get_script_run_ctx(suppress_warning=True) is None:
    from ui.frontend_files import FrontendFiles

    app = st.App(__file__, lifespan=prepared, middleware=[Middleware(FrontendFiles)])
else:
    from ui.entry import show_app

    show_app()
