"""The trials of robustness as HTML and as a table."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.analysis.robustness import TRIALS
from ui.digits import png_url
from ui.translation import gettext as _

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.analysis.robustness import Robustness

STEPS = 6  # strengths of each trial, none among them


def trials_html(images: Mapping[str, np.ndarray], result: "Robustness | None") -> str:
    """Return all trials: their images at each strength, and a curve of the accuracies as far as measured."""
    cards = (
        trial_html(name, pictures, result.accuracies.get(name, (result.clean,)) if result else ())
        for name, pictures in images.items()
    )
    return f'<div class="lab-trials">{"".join(cards)}</div>'


def trial_html(name: str, images: np.ndarray, accuracies: Sequence[float]) -> str:
    """Return one trial with as many accuracies as there are yet."""
    trial = TRIALS[name]
    texts = [share_text(accuracy) for accuracy in accuracies]
    texts += ["\N{HORIZONTAL ELLIPSIS}" if texts else ""] * (len(images) - len(texts))
    steps = "".join(map(step_html, images, trial.strengths, texts))
    head = f"<b>{escape(_(trial.label))}</b> <small>{escape(_(trial.description))}</small>"
    unit = f'<span class="unit">{escape(_(trial.unit))}</span>'
    curve = curve_html(_(trial.label), accuracies) if accuracies else ""
    return (
        f'<section class="lab-trial"><header>{head}</header>{curve}'
        f'<div class="steps">{steps}</div>{unit}</section>'
    )


def share_text(accuracy: float) -> str:
    """Return an accuracy in whole percent, 100 only of all images: rounding must not claim perfection."""
    return f"{min(accuracy, 0.99) if accuracy < 1 else 1:.0%}"


def step_html(image: np.ndarray, strength: float, share: str) -> str:
    """Return an image at one strength, and in words how many such images are read right."""
    return (
        f'<span class="step"><b>{share}</b><img src="{png_url(image)}" alt="" width="28" height="28">'
        f"<small>{strength:g}</small></span>"
    )


def curve_html(label: str, accuracies: Sequence[float]) -> str:
    """Return accuracies, 0 to 1, as a filled curve with a corner over each image.

    It is cut out of a box by CSS, as Streamlit lets no SVG through.
    """
    words = ", ".join(share_text(accuracy) for accuracy in accuracies)
    alt = _("Accuracy under {trial}, from none to strongest: {accuracies}").format(
        trial=label, accuracies=words
    )
    across = [(place + 0.5) / STEPS for place in range(len(accuracies))]
    corners = [*zip(across, accuracies, strict=True), (across[-1], 0), (across[0], 0)]
    path = ", ".join(f"{x:.2%} {1 - y:.2%}" for x, y in corners)
    area = f'<div class="area" style="clip-path:polygon({path})"></div>'
    return f'<div class="curve" role="img" aria-label="{escape(alt)}">{area}</div>'


def score_table(result: "Robustness") -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Return a row for each trial that is measured, with its mean accuracy in percent, and how to show it."""
    import pandas as pd

    scores = {name: result.score(name) for name in result.accuracies}
    rows = [
        {
            "trial": _(TRIALS[name].label),
            "score": 100 * score,
            "strongest": 100 * result.accuracies[name][-1],
        }
        for name, score in scores.items()
        if score is not None
    ]
    bar = st.column_config.ProgressColumn
    columns = {
        "trial": st.column_config.TextColumn(_("Made harder by")),
        "score": bar(_("Mean accuracy"), format="%.1f%%", min_value=0, max_value=100),
        "strongest": bar(_("At its strongest"), format="%.1f%%", min_value=0, max_value=100),
    }
    return pd.DataFrame(rows, columns=["trial", "score", "strongest"]), columns
