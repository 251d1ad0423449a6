"""Chapter "Accuracy: what a good number is": its interval, seeds, train and eval mode."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.runtime.job import Steps
from ui import resources
from ui.html.tables import table_html
from ui.i18n import count_text, format_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.seed_spread import Estimate, SeedAnswers

IMAGES_KEY, DROPOUT_KEY = "images", "drop"  # in the URL
DROPOUTS = {"0": 0.0, "20": 0.2, "50": 0.5}  # by what stands in the URL, in percent
ROW, AXIS = 34, 60  # pixels: the height of a network's row in the chart, and of the axis


class Spread(NamedTuple):
    """Five networks, the dropout they were trained with, and how many test images were chosen."""

    networks: "list[SeedAnswers]"
    dropout: float
    images: int


def ask() -> Question:
    """Ask what a larger test set changes."""
    text = _(
        "A network is tested on 100 images. Then it is tested on 10,000, a hundred times as many. How many "
        "times more exactly is its accuracy known?"
    )
    options = {"same": _("Not more exactly"), "ten": _("10 times"), "hundred": _("100 times")}
    return Question(text, options)


def run() -> Spread | None:
    """Train five networks of different seeds; show their accuracies with intervals, and both modes."""
    from mnist_core.lessons.seed_spread import SIZES

    st.markdown(
        _(
            "Five small networks learn the same 3,000 images with the same settings. Only the **seed** "
            "differs: their first weights are drawn from it. Choose on how many test images they are tested."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sizes = {str(size): count_text(size) for size in SIZES}
        images = int(url_segments(_("Test images"), sizes, IMAGES_KEY, "100"))
        shares = {name: percent_text(share, 0) for name, share in DROPOUTS.items()}
        dropout = DROPOUTS[url_segments(_("Dropout"), shares, DROPOUT_KEY, "20")]
    networks = background_result(
        _("Training five networks"),
        ("accuracy", dropout, resources.dataset().source),
        lambda: _train(dropout),
    )
    if networks is None:
        return None
    _show_intervals(networks, images)
    return Spread(networks, dropout, images)


def _train(dropout: float) -> "Steps[list[SeedAnswers]]":
    """Do the steps of the job."""
    from mnist_core.lessons.seed_spread import train_seeds
    from mnist_core.runtime.devices import use_one_thread

    use_one_thread()  # the pages, and a run in training, need the other cores
    data = resources.wait_for_dataset()
    return (yield from train_seeds(data.train, data.test, dropout))


def _show_intervals(networks: "Sequence[SeedAnswers]", images: int) -> None:
    from mnist_core.lessons.seed_spread import SIZES, estimate

    estimates = [estimate(one.evaluated, images) for one in networks]
    widest = [estimate(one.evaluated, size).interval for one in networks for size in SIZES]
    ends = min(low for low, _high in widest), max(high for _low, high in widest)
    names = [_("Seed {seed}").format(seed=one.seed) for one in networks]
    alt = _("Accuracy of each network with its 95% interval")
    st.vega_lite_chart(_intervals_spec(names, estimates, ends), alt=alt)
    words = _(
        "The dot is the accuracy on {images:,} test images, the line its 95% interval. Best network: "
        "{best:.2%}, worst: {worst:.2%}; an interval reaches {half:.2%} to each side."
    )
    accuracies = [found.accuracy for found in estimates]
    half = max(found.half_width for found in estimates)
    st.caption(
        format_text(words, images=estimates[0].images, best=max(accuracies), worst=min(accuracies), half=half)
    )


def _intervals_spec(
    names: Sequence[str], estimates: "Sequence[Estimate]", ends: tuple[float, float]
) -> dict[str, Any]:
    """Return a chart with a dot and a line for each network; its axis is the same for all sizes."""
    rows = [
        {"name": name, "accuracy": found.accuracy, "low": found.interval[0], "high": found.interval[1]}
        for name, found in zip(names, estimates, strict=True)
    ]
    axis = {"format": ".0%", "tickCount": 6, "labelOverlap": "greedy", "labelSeparation": 8}
    x = {
        "type": "quantitative",
        "title": _("Accuracy"),
        "scale": {"domain": ends, "nice": True},
        "axis": axis,
    }
    facts = [{"field": "name", "title": _("Network")}] + [
        {"field": field, "type": "quantitative", "title": title, "format": ".2%"}
        for field, title in (("accuracy", _("Accuracy")), ("low", _("From")), ("high", _("To")))
    ]
    return {
        "data": {"values": rows},
        "height": ROW * len(rows) + AXIS,
        "encoding": {
            "y": {"field": "name", "type": "nominal", "title": None, "sort": None},
            "color": {"datum": "accuracy", "type": "nominal", "legend": None},
            "tooltip": facts,
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2.5},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {"x": {"field": "accuracy", **x}},
            },
        ],
    }


def answer(result: Spread) -> str:
    """Return how much narrower the interval of the first network is on all images than on 100."""
    few, many = _few_and_many(result)
    words = _("{factor:.1f} times: ± {wide:.2%} on {few:,} images, ± {narrow:.2%} on {many:,}")
    return format_text(
        words,
        factor=few.half_width / many.half_width,
        wide=few.half_width,
        few=few.images,
        narrow=many.half_width,
        many=many.images,
    )


def _few_and_many(result: Spread) -> "tuple[Estimate, Estimate]":
    from mnist_core.lessons.seed_spread import SIZES, estimate

    first = result.networks[0].evaluated
    return estimate(first, SIZES[0]), estimate(first, SIZES[-1])


def explain(result: Spread) -> None:
    """Show accuracy and interval with the first network's numbers, the seeds, and both modes."""
    from mnist_core.lessons.seed_spread import estimate

    found = estimate(result.networks[0].evaluated, result.images)
    st.markdown(
        _(
            "**Accuracy** is correct / all. The test images are a sample of all digits that people write; "
            "another sample gives another number. The **95% interval** says how far off chance alone may be: "
            "of a hundred such intervals, about 95 hold the true accuracy. Its width falls with the **square "
            "root** of the number of images n, so 10 times narrower takes 100 times the images."
        )
    )
    share = found.accuracy
    correct, all_images = _("correct"), _("all")
    st.latex(
        rf"p = \frac{{\text{{{correct}}}}}{{\text{{{all_images}}}}}"
        rf" = \frac{{{found.correct}}}{{{found.images}}} = {share:.4f}"
    )
    st.latex(
        rf"1.96 \sqrt{{\frac{{p (1 - p)}}{{n}}}} = 1.96 \sqrt{{\frac{{{share:.4f} \cdot {1 - share:.4f}}}"
        rf"{{{found.images}}}}} = {1.96 * (share * (1 - share) / found.images) ** 0.5:.4f}"
    )
    st.caption(
        _("The chart uses Wilson's formula, which is also right near 100%, where this one gets too narrow.")
    )
    _explain_seeds(result)
    _show_modes(result)


def _explain_seeds(result: Spread) -> None:
    shares = [network.evaluated.mean() for network in result.networks]
    before = [network.before.mean() for network in result.networks]
    words = _(
        "**Seeds**: on all {count:,} test images the same settings reach {low:.2%} to {high:.2%}. Two "
        "settings that differ by no more than that may be equally good; compare them with several seeds "
        "each. Before training, the networks guess: {worst:.0%} to {best:.0%} correct."
    )
    st.markdown(
        format_text(
            words,
            count=len(result.networks[0].evaluated),
            low=min(shares),
            high=max(shares),
            worst=min(before),
            best=max(before),
        )
    )


def _show_modes(result: Spread) -> None:
    """Show each network's accuracy before training and in both modes."""
    words = _(
        "**Train mode and eval mode**: in train mode (`model.train()`) dropout switches off {share:.0%} of "
        "the hidden units at random, anew for each image. A test needs eval mode (`model.eval()`), in which "
        "all units work and the same image always gets the same answer."
    )
    none = _(
        "**Train mode and eval mode**: without dropout both modes are the same here. Choose a dropout above "
        "and compare: a test needs eval mode (`model.eval()`), in which nothing is switched off."
    )
    st.markdown(format_text(words, share=result.dropout) if result.dropout else none)
    head = [
        _("Network"),
        _("Before training"),
        _("Eval mode"),
        _("Train mode"),
        _("Two passes differ"),
    ]
    rows = [
        [
            _("Seed {seed}").format(seed=one.seed),
            *(percent_text(right.mean()) for right in (one.before, one.evaluated, one.trained)),
            count_text(one.differing),
        ]
        for one in result.networks
    ]
    st.html(table_html(head, rows, words=_("Accuracy before training and in both modes")))
    st.caption(
        format_text(
            _(
                "On {count:,} test images. The last column: how many images two passes in train mode read "
                "differently."
            ),
            count=len(result.networks[0].evaluated),
        )
    )


def training(result: Spread) -> dict[str, Any]:
    """Return the settings of the five networks, of which Train takes one seed after another."""
    from mnist_core.lessons.seed_spread import RECIPE, settings

    return {"recipe": RECIPE, **settings(result.dropout)}
