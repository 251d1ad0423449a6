"""The entry of Digit Lab: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from mnist_core.messages import InputError
from ui import resources, visitor
from ui.run_list import show_sidebar
from ui.state import link, through_entry
from ui.translation import choose_language, language, say
from ui.translation import gettext as _

HERE = Path(__file__).parent
# The browser picks fonts and pronunciation by the language that the page declares.
BRAND = "<span class='lab-brand'>Digit Lab</span><script>document.documentElement.lang = '{}'</script>"
SIDEBAR_WIDTH = 230  # pixels; on a phone it begins closed

st.set_page_config(
    page_icon=str(HERE / "ui" / "icon.svg"), layout="wide", initial_sidebar_state=SIDEBAR_WIDTH
)
st.html(HERE / "ui" / "style.css")
with st.container(key="header", horizontal=True, vertical_alignment="center"):
    brand = st.container(width="content")
    links = st.container(horizontal=True, width="content", key="pages")
    choose_language()

pages = [
    st.Page("pages/explore.py", title=_("Explore"), icon=":material/grid_view:", default=True),
    st.Page("pages/train.py", title=_("Train"), icon=":material/model_training:"),
    st.Page("pages/evaluate.py", title=_("Evaluate"), icon=":material/fact_check:"),
    st.Page("pages/compare.py", title=_("Compare"), icon=":material/compare_arrows:"),
    st.Page("pages/inside.py", title=_("Inside"), icon=":material/network_node:"),
    st.Page("pages/draw.py", title=_("Draw"), icon=":material/draw:"),
    st.Page("pages/runs.py", title=_("Runs"), icon=":material/list:"),
]
# Our own links instead of Streamlit's menu, which drops the run from the URL and hides itself on a phone.
page = st.navigation(pages, position="hidden")
st.set_page_config(page_title=f"{page.title} · Digit Lab")
brand_html = BRAND.format(language()) + visitor.cookie_script()
brand.html(brand_html, width="content", unsafe_allow_javascript=True)
with links:
    for entry in pages:
        link(entry, entry.title, entry.icon)
resources.show_notice(visitor.is_private())
try:
    visitor.remember_opened()
    show_sidebar()
    with through_entry():
        page.run()
except InputError as error:
    st.error(say(error.message))
