"""A split as a whole: how much ink its pixels hold, and the mean and spread of each digit."""

import numpy as np
import streamlit as st

from mnist_core.data import Dataset
from mnist_core.dataset.statistics import Statistics
from ui.digits import Figure, grid_html
from ui.explore.charts import FULL_INK, ink_points, ink_spec
from ui.explore.choices import choose_split
from ui.explore.grid import show_counts
from ui.explore.shared import split_facts
from ui.translation import gettext as _

STRONGEST = 127.5  # the largest spread there can be: half the pixels paper, half ink


def show(data: Dataset) -> None:
    """Show the section, what takes longest last."""
    chosen = choose_split(data)
    counts, pixels = st.columns(2, gap="large")
    with counts:
        show_counts(chosen.split, None)
    with st.spinner(_("Counting pixels …")):
        found = split_facts(chosen).statistics
    show_means(found)
    show_spreads(found)
    with pixels:
        show_pixels(found)


def show_pixels(found: Statistics) -> None:
    """Show how often each grey occurs, and what that comes to."""
    st.subheader(_("How much ink a pixel holds"))
    counts = found.pixel_counts
    shares = counts / counts.sum()
    st.markdown(
        _(
            "**{paper:.1%}** of the pixels are paper (0), **{ink:.1%}** nearly full ink ({full_ink} to 255). "
            "The chart shows those in between, most of them at the edges of strokes."
        ).format(paper=shares[0], ink=shares[FULL_INK:].sum(), full_ink=FULL_INK)
    )
    st.vega_lite_chart(
        ink_points(counts),
        ink_spec(_("Value of the pixel"), _("Pixels")),
        alt=_("How many pixels have each value between paper and full ink"),
    )
    st.caption(
        _(
            "The mean of all pixels is {mean:.2f}, their spread (standard deviation) {spread:.2f}; divided "
            'by 255, {mean_unit:.4f} and {spread_unit:.4f}. The input scaling "{scaling}" uses 0.1307 and '
            "0.3081, measured on MNIST's training images."
        ).format(
            mean=found.pixel_mean,
            spread=found.pixel_spread,
            mean_unit=found.pixel_mean / 255,
            spread_unit=found.pixel_spread / 255,
            scaling=_("Mean 0, spread 1"),
        )
    )


def show_means(found: Statistics) -> None:
    """Show the mean image of each digit."""
    st.subheader(_("The mean of each digit"))
    st.caption(
        _("Each pixel is the mean of that pixel over all images of the digit: where most people put ink.")
    )
    alt = _("The mean of all images of {digit}")
    show_ten(found.means, alt)


def show_spreads(found: Statistics) -> None:
    """Show the spread of each digit, as bright as can be."""
    st.subheader(_("The spread of each digit"))
    st.caption(
        _(
            "Each pixel is the standard deviation of that pixel: bright where some people put ink and "
            "others don't."
        )
    )
    alt = _("The standard deviation of all images of {digit}")
    show_ten(found.spreads / STRONGEST * 255, alt)


def show_ten(images: np.ndarray, alt: str) -> None:
    """Show an image [H, W], 0 to 255, for each of the ten digits."""
    shades = images.round().astype(np.uint8)
    st.html(
        grid_html(
            (Figure(shades[d], f"<b>{d}</b>", alt.format(digit=d)) for d in range(10)),
            columns=10,
            least=3.7,  # five in a row on a phone
        )
    )
