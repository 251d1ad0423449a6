"""Whether it is right as often as it is sure, and what it gains by not answering when it isn't."""

from math import sqrt
from typing import TYPE_CHECKING

import streamlit as st

from ui.controls import choice_in_url
from ui.evaluate.asked import Asked
from ui.evaluate.charts import reliability_points, reliability_spec, risk_points, risk_spec
from ui.evaluate.shared import evaluation, scaled_by_temperature
from ui.translation import gettext as _
from ui.translation import sentences_text

if TYPE_CHECKING:
    from mnist_core.analysis.reliability import Reliability

THRESHOLDS = ("0", "0.5", "0.6", "0.7", "0.8", "0.9", "0.95", "0.98", "0.99", "0.995", "0.999", "0.9999")
LEAST_GAP = 0.002  # between sure and right, that is worth a word
THRESHOLD_KEY, USUAL_THRESHOLD = "threshold", "0.9"


def show(asked: Asked) -> None:
    """Show the section."""
    left, right = st.columns(2, gap="large")
    with left:
        show_reliability(asked)
    with right:
        show_risk(asked)


def show_reliability(asked: Asked) -> None:
    """Show how often it is right for each degree of sureness, before and after temperature scaling."""
    from mnist_core.analysis.reliability import reliability

    result = evaluation(asked)
    st.subheader(_("Is it right as often as it is sure?"))
    if len(result.labels) < 2:
        st.info(_("There are too few images to tell."))
        return
    with st.spinner(_("Fitting a temperature …")):
        scaled, temperature = scaled_by_temperature(asked)
    before, after = (reliability(shares, result.labels) for shares in (result.probabilities, scaled))
    st.markdown(sureness_text(before, result.accuracy))
    with st.container(horizontal=True, gap="small"):
        text = _("The mean distance between how sure it is and how often it is right, over 15 parts.")
        st.metric(_("Calibration error"), f"{before.expected_error:.2%}", width="content", help=text)
        text = _("All scores divided by one number before the softmax, the temperature: {number:.2f} here.")
        st.metric(
            _("After temperature scaling"),
            f"{after.expected_error:.2%}",
            width="content",
            help=text.format(number=temperature),
        )
    names = {"before": _("As it is"), "after": _("After scaling")}
    st.vega_lite_chart(
        reliability_points({names["before"]: before, names["after"]: after}),
        reliability_spec(list(names.values()), _("How sure it is"), _("How often it is right"), _("Images")),
        alt=_("How often it is right for each degree of sureness; on the dashed line it is both alike"),
    )
    st.caption(
        _(
            "Each dot is a fifteenth of the scale from 0 to 100% sure, the larger the more images; those of "
            "few images are uncertain. Below the dashed line it is too sure. The temperature is fitted to "
            "each half of the images and judged on the other."
        )
    )


def sureness_text(found: "Reliability", accuracy: float) -> str:
    """Say whether it is too sure or not sure enough, by more than two standard errors of the accuracy."""
    words = {"sure": f"{found.confidence:.1%}", "right": f"{accuracy:.1%}"}
    by_chance = 2 * sqrt(accuracy * (1 - accuracy) / found.counts.sum())
    if abs(found.confidence - accuracy) <= max(LEAST_GAP, by_chance):
        return _("It is {sure} sure on average and {right} right: about as sure as it should be.").format(
            **words
        )
    if found.confidence > accuracy:
        return _("It is {sure} sure on average but {right} right: **too sure**.").format(**words)
    return _("It is {sure} sure on average but {right} right: **not sure enough**.").format(**words)


def show_risk(asked: Asked) -> None:
    """Show what share of the images it would answer, and err on, if it had to be surer."""
    from mnist_core.analysis.reliability import risk_coverage

    result = evaluation(asked)
    found = risk_coverage(result.probabilities, result.labels)
    st.subheader(_("Answer less, err less"))
    st.markdown(
        _("If it may say \"I don't know\" whenever it isn't sure enough, fewer of its answers are wrong.")
    )
    threshold = choose_threshold()
    answered, wrong = found.answered(threshold)
    st.markdown(risk_text(len(result.labels), answered, wrong, len(result.errors)))
    coverage, risk = answered / len(result.labels), wrong / answered if answered else 0.0
    st.vega_lite_chart(
        risk_points(found),
        risk_spec(coverage, risk, _("Share answered"), _("Wrong answers")),
        alt=_("The share of wrong answers against the share of images answered"),
    )


def choose_threshold() -> float:
    """Show how sure it must be to answer, which is in the URL; return that, 0 to 1."""
    names = {share: f"{100 * float(share):g}%" for share in THRESHOLDS}
    label = _("Answer only if at least so sure")
    return float(choice_in_url(st.select_slider, label, names, THRESHOLD_KEY, USUAL_THRESHOLD))


def risk_text(images: int, answered: int, wrong: int, errors: int) -> str:
    """Say what answering only so often means."""
    left = images - answered
    if not answered:
        return _("It answers **none** of the {all:,} images: it is never so sure.").format(all=images)
    share = _(
        "It answers **{share:.1%}** of the images and errs on **{risk:.2%}** of these ({wrong:,} of "
        "{answered:,})."
    )
    text = share.format(share=answered / images, risk=wrong / answered, wrong=wrong, answered=answered)
    if not left:
        return text
    rest = _("It leaves {left:,} to people, of which it would have read {spared:,} wrong.")
    return sentences_text([text, rest.format(left=left, spared=errors - wrong)])
