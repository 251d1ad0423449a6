"""The entry of Digit Lab: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from ui import resources
from ui.state import link
from ui.translation import choose_language, language
from ui.translation import gettext as _

HERE = Path(__file__).parent
# The browser picks fonts and pronunciation by the language that the page declares.
BRAND = (
    "<span class='lab-brand'>Digit Lab</span><script>document.documentElement.lang = '{language}'</script>"
)

st.set_page_config("Digit Lab", page_icon=str(HERE / "ui" / "icon.svg"), layout="wide")
st.html(HERE / "ui" / "style.css")
header = st.container(
    key="header", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
)
links = header.container(horizontal=True, vertical_alignment="center", width="content", key="pages")
with header:
    choose_language()

# Not in a folder called pages/: Streamlit would run its files without this one after a link to a cold server.
pages = [
    st.Page("app_pages/explore.py", title=_("Explore"), icon=":material/grid_view:", default=True),
]
# Our own links instead of Streamlit's menu, which drops the run from the URL and hides itself on a phone.
page = st.navigation(pages, position="hidden")
with links:
    st.html(BRAND.format(language=language()), width="content", unsafe_allow_javascript=True)
    for entry in pages:
        link(entry, entry.title, entry.icon)
resources.show_notice()
page.run()
