"""The visitor's own data sets: where to go with each, the link to share it, deletion and its undo."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode, urljoin

import streamlit as st

from mnist_core.data.own_sets import OwnSet, delete_set, deleted_set, restore_set
from mnist_core.messages import InputError
from ui import visitor
from ui.data.data_export import show_formats
from ui.data.mending import SAVED_KEY
from ui.html.tables import escape_markdown, markdown
from ui.i18n import count_text, date_text, format_text, ngettext
from ui.i18n import gettext as _
from ui.navigation import link
from ui.url_state import DATASET_KEY, set_url_parameters, url_parameters

DELETED_KEY, PROBLEM_KEY = "deleted_sets", "saved_set_problem"


def show() -> None:
    """Show the sets that the visitor saved or opened by a link, and what was deleted."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))
    sets = visitor.listed_sets()
    _show_undo()
    if not sets:
        return
    st.subheader(_("Your data sets"), anchor=False)
    saved = st.session_state.get(SAVED_KEY)
    for own in sets:
        with st.container(border=True, key=f"set_{own.key}"):
            _show_set(own, is_new=own.key == saved)


def _show_set(own: OwnSet, is_new: bool) -> None:
    mine = visitor.owns_set(own)
    st.markdown(f"**{escape_markdown(own.name)}**" + (" :material/check: " + _("Saved") if is_new else ""))
    st.caption(" · ".join(map(escape_markdown, _facts(own))))
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/explore.py", _("Look at it"), ":material/grid_view:", dataset=own.key)
        link("pages/train.py", _("Train on it"), ":material/model_training:", dataset=own.key)
        with st.popover(_("Share"), icon=":material/share:", key=f"share_{own.key}"):
            st.caption(_("Everyone with this link can look at the data set and train on it:"))
            st.code(_address(own), language=None, wrap_lines=True)
        with st.popover(_("Download"), icon=":material/download:", key=f"download_{own.key}"):
            st.caption(_("Exported training scripts read IDX."))
            show_formats(own.key)
        if mine:
            st.button(
                _("Delete"), icon=":material/delete:", key=f"delete_{own.key}", on_click=_delete, args=(own,)
            )
    if not mine:
        st.caption(_("It was opened by a link: only its owner can delete it."))


def _facts(own: OwnSet) -> list[str]:
    classes = ngettext("{count} class", "{count} classes", len(own.classes)).format(count=len(own.classes))
    words = _("{train} images to train on, {validation} for validation, {test} for the test")
    numbers = {"train": own.train, "validation": own.validation, "test": own.test}
    images = format_text(words, **{name: count_text(number) for name, number in numbers.items()})
    facts = [
        classes,
        images,
        _("divided by writer") if own.by_writer else "",
        own.source,
        date_text(own.created),
    ]
    return [fact for fact in facts if fact]


def _address(own: OwnSet) -> str:
    return urljoin(st.context.url or "/", "/") + "?" + urlencode({DATASET_KEY: own.key})


def _delete(own: OwnSet) -> None:
    if _try(delete_set, own.key):
        if url_parameters().get(DATASET_KEY) == own.key:
            set_url_parameters({DATASET_KEY: None})
        st.session_state.setdefault(DELETED_KEY, {})[own.key] = own.name


def _restore(key: str) -> None:
    if _try(partial(restore_set, public=visitor.is_private()), key):
        st.session_state[DELETED_KEY].pop(key, None)


def _try(change: Callable[[str], object], key: str) -> bool:
    try:
        change(key)
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
        return False
    return True


def _show_undo() -> None:
    """Show what this session deleted, each set with its undo button."""
    for key, name in st.session_state.get(DELETED_KEY, {}).items():
        if deleted_set(key):
            with st.container(
                horizontal=True, border=True, vertical_alignment="center", key=f"deleted_{key}"
            ):
                st.text(_("Deleted: {name}").format(name=name))
                st.button(
                    _("Undo"), icon=":material/undo:", key=f"undo_{key}", on_click=_restore, args=(key,)
                )
