"""Images page by page, each opening its detail; the worst errors."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.mnist import ImageReference, Split
from ui.evaluate.image_detail import show_detail
from ui.evaluate.selection import IMAGE_KEY, SPLIT_KEY, EvaluatedSplit, evaluation, image_in_url
from ui.html.digits import png_url, sure_text
from ui.i18n import count_text
from ui.i18n import gettext as _
from ui.url_state import number_in_url, set_url_parameters

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation

PICK_KEY = "pick_image"
PAGE_KEY = "image_page"  # (which list, number of images before the page)
IMAGES_PER_PAGE = 12


def show_images(
    evaluated: EvaluatedSplit, result: "Evaluation", indices: np.ndarray, at_once: int = IMAGES_PER_PAGE
) -> None:
    """Show the images at `indices`, places in the split, or the one of them that is open."""
    opened = opened_place(evaluated.split)
    if opened is not None and opened in indices:
        show_one(evaluated, result, indices, opened)
    else:
        show_page(evaluated, result, indices, at_once)


def opened_place(split: Split) -> int | None:
    """Return the place in `split` of the image that is open in the URL, None for none.

    Links of version 0.1 have the place itself, such as `image=42`.
    """
    image = image_in_url()
    return split.place(image) if image else number_in_url(IMAGE_KEY)


def open_image(image: ImageReference) -> None:
    """Open an image."""
    set_url_parameters({IMAGE_KEY: image.text})


def close_image() -> None:
    """Show the images again, of the same split."""
    split = {SPLIT_KEY: st.session_state[SPLIT_KEY]} if image_in_url() else {}
    set_url_parameters({IMAGE_KEY: None, **split})


def show_one(evaluated: EvaluatedSplit, result: "Evaluation", indices: np.ndarray, index: int) -> None:
    """Show one image, with buttons back to the list and to the next and previous image."""
    place = int(np.flatnonzero(indices == index)[0])
    last = len(indices) - 1
    before, after = int(indices[max(place - 1, 0)]), int(indices[min(place + 1, last)])
    with st.container(horizontal=True, gap="small"):
        st.button(_("All images"), icon=":material/apps:", on_click=close_image)
        st.button(
            _("Previous"),
            icon=":material/arrow_back:",
            on_click=open_image,
            args=(evaluated.split.reference(before),),
            disabled=place == 0,
        )
        st.button(
            _("Next"),
            icon=":material/arrow_forward:",
            on_click=open_image,
            args=(evaluated.split.reference(after),),
            disabled=place == last,
        )
    show_detail(evaluated, result, index)


def show_page(evaluated: EvaluatedSplit, result: "Evaluation", indices: np.ndarray, at_once: int) -> None:
    """Show some of the images, each a button that opens it."""

    def opening() -> None:
        picked, st.session_state[PICK_KEY] = st.session_state[PICK_KEY], None
        if picked is not None:
            open_image(evaluated.split.reference(picked))

    start = page_start(indices)
    shown = [int(index) for index in indices[start : start + at_once]]
    with st.container(key="lab_images"):
        st.pills(
            _("Images; select one to see its details"),
            shown,
            format_func=lambda index: image_label(evaluated, result, index),
            key=PICK_KEY,
            on_change=opening,
            label_visibility="collapsed",
        )
    show_pager(indices, start, at_once)


def image_label(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> str:
    """Return an image with its label, the prediction and its confidence, in Markdown."""
    true, read = int(result.labels[index]), int(result.predictions[index])
    sure = sure_text(float(result.probabilities[index, read]), 0)
    names = evaluated.names
    words = {"number": evaluated.split.reference(index).number, "true": names[true], "read": names[read]}
    alt = _("Image {number}: {true} classified as {read}").format(**words)
    text = (
        f"**{names[true]}** · {sure}" if true == read else f"**{names[true]}** → **{names[read]}** · {sure}"
    )
    return f"![{alt}]({png_url(evaluated.split.images[index])}) {text}".replace("> ", "\\> ")


def page_start(indices: np.ndarray) -> int:
    """Return how many images of this list come before those shown; 0 for another list than before."""
    kept, start = st.session_state.get(PAGE_KEY, (None, 0))
    return start if kept == list_name(indices) else 0


def list_name(indices: np.ndarray) -> tuple[int, ...]:
    """Return a key that identifies a list: its length and its first images."""
    return len(indices), *map(int, indices[:3])


def show_pager(indices: np.ndarray, start: int, at_once: int) -> None:
    """Show its position in the list, and the buttons for the next and previous image."""
    if len(indices) <= at_once:
        return

    def turn(to: int) -> None:
        st.session_state[PAGE_KEY] = (list_name(indices), to)

    end = min(start + at_once, len(indices))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            _("Previous page"),
            icon=":material/arrow_back:",
            key="page_back",
            on_click=turn,
            args=(max(start - at_once, 0),),
            disabled=start == 0,
        )
        st.button(
            _("Next page"),
            icon=":material/arrow_forward:",
            key="page_on",
            on_click=turn,
            args=(start + at_once,),
            disabled=end == len(indices),
        )
        st.caption(
            _("{first} to {last} of {all}, sorted by loss, largest first").format(
                first=count_text(start + 1), last=count_text(end), all=count_text(len(indices))
            ),
            width="content",
        )


WORST_PER_PAGE = 24


def show(evaluated: EvaluatedSplit) -> None:
    """Show the section."""
    result = evaluation(evaluated)
    st.subheader(_("Worst errors: images with the largest loss"))
    st.markdown(
        _(
            "The images whose true label got the lowest probability. **{wrong}** of these {all} "
            "are misclassified. Below each image: true label, predicted label, confidence."
        ).format(wrong=count_text(len(result.errors)), all=count_text(len(result.labels)))
    )
    show_images(evaluated, result, result.worst, WORST_PER_PAGE)
