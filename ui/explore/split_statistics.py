"""Statistics of a split: pixel values, mean and standard deviation of each digit."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Dataset, Split
from mnist_core.data.statistics import Statistics, distances_to_mean
from mnist_core.data.statistics import statistics as gather
from mnist_core.dataset_choices import DATASETS
from ui.class_names import class_names, is_digits
from ui.explore.sample_grid import show_counts
from ui.explore.selection import ExploredSplit, choose_split
from ui.html.digits import Figure, grid_html
from ui.i18n import format_text
from ui.i18n import gettext as _

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class SplitFacts:
    """A split's statistics, and each image's distance to the mean of its digit [N]."""

    statistics: Statistics
    distances: np.ndarray


def split_facts(chosen: ExploredSplit) -> SplitFacts:
    """Return the statistics of a split."""
    return _split_facts(chosen.source, chosen.name, chosen.split)


@st.cache_resource(show_spinner=False, max_entries=4)
def _split_facts(source: str, name: str, _split: Split) -> SplitFacts:
    found = gather(_split)
    return SplitFacts(found, distances_to_mean(_split, found.means))


STRONGEST = 127.5  # the largest spread there can be: half the pixels paper, half ink


def show(data: Dataset) -> None:
    """Show the section, the slowest part last."""
    chosen = choose_split(data)
    counts, pixels = st.columns(2, gap="large")
    with counts:
        show_counts(chosen.split, None)
    with st.spinner(_("Counting pixels")):
        found = split_facts(chosen).statistics
    show_means(found, chosen.dataset)
    show_spreads(found, chosen.dataset)
    with pixels:
        show_pixels(found)


def show_pixels(found: Statistics) -> None:
    """Show how often each grey value occurs, with mean and standard deviation."""
    st.subheader(_("Histogram of the pixel values"))
    counts = found.pixel_counts
    shares = counts / counts.sum()
    st.markdown(
        format_text(
            _(
                "**{paper:.1%}** of the pixels are background (0), **{ink:.1%}** nearly full ink "
                "({full_ink} to 255). The chart shows the values in between, most of them at the "
                "edges of strokes."
            ),
            paper=shares[0],
            ink=shares[FULL_INK:].sum(),
            full_ink=FULL_INK,
        )
    )
    st.vega_lite_chart(
        ink_points(counts),
        ink_spec(_("Pixel value"), _("Pixels")),
        alt=_("Histogram: number of pixels with each value between background and full ink"),
    )
    st.caption(
        format_text(
            _(
                "All pixels have mean {mean:.2f} and std (standard deviation) {spread:.2f}; divided "
                "by 255, mean {mean_unit:.4f} and std {spread_unit:.4f}. The input scaling "
                '"{scaling}" uses 0.1307 and 0.3081, measured on MNIST\'s training images.'
            ),
            mean=found.pixel_mean,
            spread=found.pixel_std,
            mean_unit=found.pixel_mean / 255,
            spread_unit=found.pixel_std / 255,
            scaling=_("Mean 0, std 1"),
        )
    )


def show_means(found: Statistics, dataset: str) -> None:
    """Show the mean image of each class."""
    st.subheader(_("Mean image of each digit") if is_digits(dataset) else _("Mean image of each class"))
    st.caption(
        _(
            "Each pixel is the mean of that pixel over all images of the digit: bright where most "
            "people put ink."
        )
        if is_digits(dataset)
        else _("Each pixel is the mean of that pixel over all images of the class.")
    )
    alt = _("Mean of all images of {digit}")
    show_each(found.means, alt, dataset)


def show_spreads(found: Statistics, dataset: str) -> None:
    """Show the spread of each class, as bright as can be."""
    digits = is_digits(dataset)
    st.subheader(_("Standard deviation of each digit") if digits else _("Standard deviation of each class"))
    st.caption(
        _(
            "Each pixel is the standard deviation of that pixel: bright where some people put ink and "
            "others don't."
        )
        if DATASETS[dataset].drawn
        else _("Each pixel is the standard deviation of that pixel over all images of the class.")
    )
    alt = _("Standard deviation of all images of {digit}")
    show_each(found.standard_deviations / STRONGEST * 255, alt, dataset)


def show_each(images: np.ndarray, alt: str, dataset: str) -> None:
    """Show an image [H, W], 0 to 255, for each class."""
    shades = images.round().astype(np.uint8)
    figures = (
        Figure(shade, f"<b>{escape(name)}</b>", alt.format(digit=name))
        for shade, name in zip(shades, class_names(dataset), strict=True)
    )
    st.html(grid_html(figures, columns=10, least=3.7))  # five in a row on a phone


BIN = 5  # values to a bar
FULL_INK = 251  # of 255; the bars from here on would make all others invisible


def ink_points(counts: np.ndarray) -> "pd.DataFrame":
    """Return how many pixels have each value from 1 to FULL_INK - 1, BIN values to a bar."""
    import pandas as pd

    starts = np.arange(1, FULL_INK, BIN)
    return pd.DataFrame(
        {
            "from": starts,
            "to": starts + BIN,
            "values": [f"{low} - {low + BIN - 1}" for low in starts],
            "pixels": counts[1:FULL_INK].reshape(-1, BIN).sum(axis=1),
        }
    )


def ink_spec(value: str, pixels: str) -> dict[str, Any]:
    """Return the specification of a chart of `ink_points`; `value` and `pixels` name the axes."""
    whole = {"domain": [0, FULL_INK], "nice": False}
    amount = {"field": "pixels", "type": "quantitative", "title": pixels}
    inside = {"labelFlush": 15}  # the last number stays within the chart
    return {
        "height": 230,
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "from", "bin": "binned", "title": value, "scale": whole, "axis": inside},
            "x2": {"field": "to"},
            "y": amount | {"axis": {"format": ",d"}},
            "tooltip": [
                {"field": "values", "type": "nominal", "title": value},
                amount | {"format": ",d"},
            ],
        },
    }
