"""The model card of a run as Markdown: what its network reads, how well, what it learned from, its limits."""

from __future__ import annotations

import json
import re
from string import Template
from typing import TYPE_CHECKING

from mnist_core.choices import ARCHITECTURES
from mnist_core.dataset_choices import DATASETS
from mnist_core.evaluation.significance import wilson_interval
from mnist_core.runs.names import title

if TYPE_CHECKING:
    from mnist_core.runs.run import Run

CARD = Template("""\
# $title

This network reads an image of 28 x 28 grey pixels, 0 for paper to 255 for ink, as one of the $count classes
of $data: $classes.

| | |
|---|---|
| test accuracy | $accuracy |
| network | $network, $parameters parameters |
| learned from | $images images of $data$written, $epochs epochs |

## Limits
$limits

## Settings
```
$settings
```
""")
OF_A_RUN = {  # by the entry of the results that says so
    "fine_tuned": "It was fine-tuned on one person's handwriting after it was trained.",
    "operated": "Its weights were changed by hand after it was trained.",
}


def model_card(run: Run) -> str:
    """Return the card of a run's network, in English.

    The names of the classes are those of the data set that the run learned.
    """
    config, results, data = run.config, run.results, DATASETS[run.config.dataset]
    return CARD.substitute(
        title=_plain(title(config)),
        count=len(data.classes),
        data=_plain(data.label),
        classes=", ".join(map(_plain, data.classes)),
        accuracy=_accuracy(run),
        network=ARCHITECTURES[config.architecture].label,
        parameters=f"{results['parameters']:,}" if "parameters" in results else "unknown",
        images=f"{results['train_images']:,}" if "train_images" in results else "unknown",
        written=f" and synthetic digits, {config.written_share:g} per image" if config.written_share else "",
        epochs=f"{results.get('epochs', 0):g}",
        limits="\n".join(f"- {sentence}" for sentence in _limits(run)),
        settings=json.dumps(config.to_json(), indent=1),
    )


def _plain(text: str) -> str:
    """Return a text in which nothing is Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)


def _accuracy(run: Run) -> str:
    """Return the test accuracy, with its interval if the test images are the data set's own."""
    if "test_accuracy" not in run.results:
        return "not measured"
    share, total = run.results["test_accuracy"], DATASETS[run.config.dataset].images[1]
    if run.results.get("source") == "sample":
        return f"{share:.2%} of the test images of the offline sample, which stood for MNIST"
    low, high = wilson_interval(round(share * total), total)
    return f"{share:.2%} of {total:,} test images (95 % interval {low:.2%} to {high:.2%})"


def _limits(run: Run) -> list[str]:
    config, data = run.config, DATASETS[run.config.dataset]
    said = ["It knows no other classes: it reads every image as one of these."]
    said.append("Its accuracy holds for images made like those of its data set; it may be lower for others.")
    if config.monitor == "test":
        said.append(
            "The test images were watched during the training, so the accuracy may be slightly too high."
        )
    if data.divided:
        said.append("Somebody brought the images and named their classes.")
    if run.status != "finished":
        said.append("Its training was not finished.")
    return said + [sentence for entry, sentence in OF_A_RUN.items() if run.results.get(entry)]
