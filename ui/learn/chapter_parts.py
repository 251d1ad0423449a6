"""The parts of a chapter on the page: predict, run, explain, then "Try it yourself"."""

from typing import Any

import streamlit as st

from mnist_core.dataset_choices import MNIST
from mnist_core.recipes import RECIPES
from ui.i18n import gettext as _
from ui.learn.chapter_progress import (
    mark_read,
    number_of,
    read_chapters,
    scroll_to_top,
    show_chapter_link,
    show_chapter_list,
    show_neighbours,
)
from ui.learn.chapters import Chapter, Question
from ui.navigation import link
from ui.train_form.state import settings_to_query
from ui.url_controls import set_widget_value
from ui.url_state import DATASET_KEY, url_parameters

GUESSES_KEY = "learn_guesses"  # the reader's guess in each chapter, for the visit


def show_chapter(chapter: Chapter) -> None:
    """Show a chapter, and links to the others."""
    show_chapter_list(chapter)
    content = chapter.content()
    with st.container(key="lab_chapter"):
        with st.container(key="lab_chapter_heading", horizontal=True, vertical_alignment="center"):
            st.header(f"{number_of(chapter)}. {_(chapter.title)}", anchor=False)
            show_chapter_link()
        st.markdown(_(chapter.about))
        question = content.ask()
        guess = show_question(chapter, question)
        st.subheader(_("Run it"), anchor=False)
        result = content.run()
        if guess or chapter.key in read_chapters():
            _show_explanation(chapter, question, guess, result)
    show_neighbours(chapter)
    scroll_to_top(chapter)


def show_question(chapter: Chapter, question: Question) -> str | None:
    """Show the question and its options; return the name of the option that the reader guessed."""
    key = f"predict_{chapter.key}"
    guesses = st.session_state.setdefault(GUESSES_KEY, {})
    set_widget_value(key, guesses.get(chapter.key), tuple(question.options.items()))
    with st.container(border=True, key="lab_question"):
        st.subheader(_("Predict"), anchor=False)
        st.pills(
            question.text,
            list(question.options),
            default=guesses.get(chapter.key),
            format_func=question.options.get,
            key=key,
            wrap=True,
            on_change=_take_guess,
            args=(chapter.key, key, question.options),
        )
        if chapter.key not in read_chapters():
            st.button(
                _("Show me without guessing"),
                key="lab_without_guessing",
                type="tertiary",
                icon=":material/visibility:",
                on_click=mark_read,
                args=(chapter.key,),
            )
        else:
            st.empty()  # keeps its place while a calculation of the chapter runs
    return guesses.get(chapter.key)


def _take_guess(chapter: str, key: str, options: dict[str, str]) -> None:
    """Keep a guess for the visit; pressing the same option again keeps it."""
    guess = st.session_state[key]
    if guess in options:
        st.session_state[GUESSES_KEY][chapter] = guess
        mark_read(chapter)


def _show_explanation(chapter: Chapter, question: Question, guess: str | None, result: Any) -> None:
    """Show the guess beside the experiment's answer, the explanation, and the link to Train."""
    with st.container(border=True, key="lab_explanation"):
        st.subheader(_("Explain"), anchor=False)
        if result is None:
            st.markdown(_("Once the experiment above has ended, you read here what it showed."))
            return
        content = chapter.content()
        with st.container(horizontal=True, gap="large", key="lab_facts"):
            if guess:
                _show_fact("guess", _("Your guess"), question.options[guess])
            _show_fact("shown", _("The experiment"), content.answer(result))
        content.explain(result)
        show_try_it(content.training(result))


def _show_fact(name: str, label: str, text: str) -> None:
    """Show a short text under its label; both facts look the same, so no guess is marked as a fault."""
    with st.container(key=f"lab_fact_{name}", gap=None, width="content"):
        st.caption(label)
        st.markdown(f"**{text}**")


def show_try_it(settings: dict[str, Any]) -> None:
    """Show the link that opens Train with a recipe and changes of it filled in."""
    recipe = RECIPES[settings["recipe"]].config
    query = settings_to_query({**vars(recipe), **settings})
    if DATASET_KEY in url_parameters():
        query[DATASET_KEY] = MNIST  # which the chapters are about
    with st.container(key="lab_try_it"):
        link("pages/train.py", _("Try it yourself: train this network"), ":material/model_training:", **query)
