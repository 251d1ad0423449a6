"""Data: bring images of your own, look at them and mend them before anything is trained, and keep them."""

import streamlit as st

from ui.data import data_export, mending, saved_sets
from ui.data.upload import show_upload
from ui.i18n import gettext as _
from ui.navigation import run_through_entry
from ui.train_form.state import show_missing_dataset
from ui.url_state import DATASET_KEY, url_parameters

run_through_entry()
st.markdown(
    _(
        "Bring labelled images of your own: digits of your class, letters, signs, or a table from Kaggle. "
        "Look at samples, mend what is wrong, and keep them as a data set that every page can use."
    )
)
if DATASET_KEY in url_parameters():
    show_missing_dataset(_("Those that you can use are on this page."))
saved_sets.show()
brought = show_upload()
if brought is not None:
    mending.show(brought)
data_export.show()
