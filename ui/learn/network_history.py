"""Chapter "A short history on MNIST": LeNet-5, AlexNet, VGG and ResNet ideas as small networks."""

from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.runtime.job import Steps
from ui import resources
from ui.html.network import network_html
from ui.html.tables import table_html
from ui.i18n import count_text, duration_text, format_text, formatted_number, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.url_controls import url_choice, url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.landmark_networks import LandmarkResult

NETWORK_KEY, SOURCE_KEY = "landmark", "results"  # in the URL
FIRST = "lenet"


class Landmarks(NamedTuple):
    """The results of all networks, and which of them is chosen."""

    results: "list[LandmarkResult]"
    chosen: str

    @property
    def by_name(self) -> "dict[str, LandmarkResult]":
        """The results by the networks' names."""
        return {result.name: result for result in self.results}


def names() -> dict[str, str]:
    """Return the networks' names with their years."""
    return {
        "lenet": _("LeNet-5 (1998)"),
        "alexnet": _("AlexNet's ideas (2012)"),
        "vgg": _("VGG's ideas (2014)"),
        "resnet": _("ResNet's ideas (2015)"),
    }


def ideas() -> dict[str, str]:
    """Return two sentences on the new idea of each network."""
    return {
        "lenet": _(
            "LeCun's network read digits on cheques: two **convolutions** of 5 x 5, each followed by average "
            "pooling, then **flatten** and three fully connected layers, with tanh as activation."
        ),
        "alexnet": _(
            "AlexNet won the ImageNet competition by a wide margin. It used **ReLU** instead of tanh, "
            "**max pooling**, **dropout** in the fully connected layers, and training on graphics cards."
        ),
        "vgg": _(
            "VGG took only **3 x 3 kernels**, several in a row before each pooling: a large receptive field "
            "with few parameters. The number of feature maps doubles as their height and width are halved."
        ),
        "resnet": _(
            "ResNet adds the input of a pair of convolutions to their output: a **skip connection**. The "
            "layers learn only what is to be changed, and gradients reach the first layers of very deep "
            "networks."
        ),
    }


def ask() -> Question:
    """Ask which network is the most accurate after few epochs."""
    text = _(
        "Four small networks, one for each step of this history, train on the same 5,000 digits for three "
        "epochs. Which one reads the test images best?"
    )
    return Question(text, names())


def run() -> Landmarks | None:
    """Show the shipped results, or train the networks here; and the network that is chosen."""
    from mnist_core.lessons.landmark_networks import shipped_results

    sources = {"shipped": _("Results that come with Digit Lab"), "here": _("Train them here")}
    source = url_segments(_("Results"), sources, SOURCE_KEY, "shipped")
    if source == "here":
        st.caption(_("All four train one after the other; you can go on reading meanwhile."))
        results = background_result(
            _("Training four networks"),
            ("history", resources.dataset().source),
            _train,
            starts=False,
        )
        if results is None:
            return None
    else:
        results = shipped_results()
    left, right = st.columns(2, gap="large")
    with left:
        _show_results(results)
    with right:
        chosen = url_choice(st.pills, _("Network"), names(), NETWORK_KEY, FIRST, required=True, wrap=True)
        _show_network(chosen)
    return Landmarks(results, chosen)


def _train() -> "Steps[list[LandmarkResult]]":
    """Do the steps of the job."""
    from mnist_core.lessons.landmark_networks import train_landmarks
    from mnist_core.runtime.devices import use_one_thread

    use_one_thread()  # the pages, and a run in training, need the other cores
    return (yield from train_landmarks(resources.wait_for_dataset()))


def _show_results(results: "list[LandmarkResult]") -> None:
    """Show each network's parameters and its accuracy after each epoch; the most accurate stands out."""
    epochs = range(1, len(results[0].accuracies))
    numbered = [_("Epoch {number}").format(number=number) for number in epochs]
    rows = [
        [names()[one.name], count_text(one.parameters), *map(percent_text, one.accuracies[1:])]
        for one in results
    ]
    words = _("Accuracy on the test images after each epoch")
    head = [_("Network"), _("Parameters"), *numbered]
    st.html(table_html(head, rows, strong=results.index(_best(results)), words=words))
    st.caption(_("Test accuracy after each epoch; the most accurate network stands out."))


def _best(results: "list[LandmarkResult]") -> "LandmarkResult":
    return max(results, key=lambda one: one.accuracies[-1])


def _show_network(name: str) -> None:
    """Show a network's idea, and its layers."""
    from mnist_core.lessons.landmark_networks import config_of
    from mnist_core.models.summary import describe_layers

    st.markdown(ideas()[name])
    st.html(network_html(describe_layers(config_of(name))))


def answer(result: Landmarks) -> str:
    """Return the most accurate network and its accuracy."""
    best = _best(result.results)
    words = _("{name}: {accuracy:.2%}")
    return format_text(words, name=names()[best.name], accuracy=best.accuracies[-1])


def explain(result: Landmarks) -> None:
    """Explain the comparison and its limits, with the parameters and times of two networks."""
    st.markdown(
        _(
            "Each idea solved a problem: convolutions share weights, ReLU eases vanishing gradients, small "
            "kernels save parameters, skip connections let depth grow. These are small copies, trained for "
            "a short time on an easy task, so the numbers are not those of the papers, and a difference of "
            "a few tenths may be chance. VGG and ResNet also have batch norm here."
        )
    )
    found = result.by_name[result.chosen]
    fraction = found.train_seconds / found.answer_seconds
    words = _(
        "**Training is slow, inference is fast**: {name} trained for {training}; it reads one image in "
        "{answer} ms. In the time of its training it could read {count:,} images. (One processor core "
        "trained it; images are read many at once.)"
    )
    st.markdown(
        format_text(
            words,
            name=names()[found.name],
            training=duration_text(found.train_seconds),
            answer=formatted_number(1000 * found.answer_seconds, ".2f"),
            count=round(fraction),
        )
    )
    st.latex(r"y = x + F(x)")
    st.caption(_("The skip connection of ResNet: where F gives 0, the layers pass x on unchanged."))


def training(result: Landmarks) -> dict[str, Any]:
    """Return the settings of the chosen network."""
    from mnist_core.lessons.landmark_networks import LANDMARKS, RECIPE

    return {"recipe": RECIPE, **LANDMARKS[result.chosen]}
