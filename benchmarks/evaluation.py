"""`python -m benchmarks.evaluation`: seconds for evaluations, robustness tables and a t-SNE map, with limits.

Our evaluation is compared with a plain loop in the same process: batches of 64, pixels scaled image by image
in float, logits collected in a list. The networks are untrained, as training doesn't change the time.
"""

import argparse
import sys
from collections.abc import Iterator
from statistics import median

import numpy as np
from tqdm import tqdm

from benchmarks.measurement import locate_mnist, seconds
from mnist_core.data.mnist import Split, open_mnist
from mnist_core.data.projection import tsne
from mnist_core.evaluation.metrics import evaluate
from mnist_core.evaluation.robustness import IMAGES, estimate_seconds, measure_robustness
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.modules import DigitClassifier
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import usable_cores

TIMES = 3
# Seconds for 10,000 images on two cores; the pretrained model's network is much larger and has no limit.
LIMITS: dict[str, float | None] = {"tutorial-5": 0.2, "tutorial-4b": 1.5, "world": None}
ROBUSTNESS_LIMIT = 90.0  # seconds
TSNE_LIMIT, MAPPED = 15.0, 2000


def whole_evaluation(model: DigitClassifier, split: Split) -> None:
    """Compute what the Evaluate page shows first: losses, confusion matrix, metrics per class."""
    result = evaluate(model, split)
    assert result.confusion_matrix.sum() == sum(row.images for row in result.per_class)


def plain_loop(model: DigitClassifier, split: Split) -> None:
    """Compute the same by a plain loop and scikit-learn."""
    import torch
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    logits = []
    with torch.no_grad():
        for start in range(0, len(split), 64):
            images = [torch.from_numpy(image).float() for image in split.images[start : start + 64]]
            logits.append(model(torch.stack(images)))
    answers = torch.cat(logits)
    labels = torch.from_numpy(split.labels).long()
    torch.nn.functional.cross_entropy(answers, labels)
    predictions = answers.argmax(1).numpy()
    confusion_matrix(labels, predictions)
    precision_recall_fscore_support(labels, predictions, zero_division=0.0)


def compare(recipe: str, split: Split) -> tuple[float, float]:
    """Return the median seconds of ours and of the plain loop, measured in turn after a warm-up."""
    model = build_model(RECIPES[recipe].config).eval()
    pairs = [
        (seconds(lambda: whole_evaluation(model, split)), seconds(lambda: plain_loop(model, split)))
        for _ in tqdm(range(TIMES + 1), recipe, leave=False)
    ]
    ours, plain = zip(*pairs[1:], strict=True)
    return median(ours), median(plain)


def robustness_seconds(model: DigitClassifier, split: Split, images: int = IMAGES) -> float:
    """Return the seconds that the robustness table of a network takes."""
    return seconds(lambda: list(measure_robustness(model, split, images)))


def tsne_seconds(split: Split) -> float:
    """Return the seconds that a t-SNE map of images takes, without the import."""
    import openTSNE  # noqa: F401 - the import takes about 1 s

    return seconds(lambda: list(tsne(split.images[:MAPPED])))


def verdict(taken: float, limit: float | None) -> str:
    """Return "within" or "OVER"; empty without a limit."""
    return "" if limit is None else "within" if taken <= limit else "OVER"


def timed(split: Split) -> Iterator[tuple[str, float, float | None, float | None]]:
    """Yield name, seconds, limit (or None) and the plain loop's seconds (or None) of each measurement."""
    for recipe, limit in LIMITS.items():
        ours, plain = compare(recipe, split)
        yield f"{recipe}, {len(split):,} images", ours, limit, plain
    cnn = build_model(RECIPES["tutorial-4b"].config).eval()
    robust = robustness_seconds(cnn, split)
    yield f"tutorial-4b, robustness on {IMAGES} images", robust, ROBUSTNESS_LIMIT, None
    pretrained = RunStore().get("pretrained").load_model()
    few = min(IMAGES, len(split))
    words = f"pretrained model, robustness on {few} images (expected {{:.0f}} s)"
    expected = few * estimate_seconds(pretrained, split)
    yield words.format(expected), robustness_seconds(pretrained, split, few), ROBUSTNESS_LIMIT, None
    yield f"t-SNE of {MAPPED:,} images", tsne_seconds(split), TSNE_LIMIT, None


def report(split: Split) -> tuple[str, bool]:
    """Return the table, and whether every time is within its limit."""
    lines = [
        "| what | seconds | limit | | a plain loop | times as fast |",
        "| --- | ---: | ---: | --- | ---: | ---: |",
    ]
    within = True
    for what, taken, limit, plain in timed(split):
        within &= limit is None or taken <= limit
        beside = f"{plain:.2f} | {plain / taken:.1f}" if plain else " | "
        most = "" if limit is None else f"{limit:g}"
        lines.append(f"| {what} | {taken:.2f} | {most} | {verdict(taken, limit)} | {beside} |")
    return "\n".join(lines), within


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, 1 if a limit is exceeded, 2 after an error message without MNIST."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="of torch; all cores by default")
    options = parser.parse_args(arguments)
    try:
        test = open_mnist(locate_mnist(options.data)).test
    except InputError as error:
        print(f"benchmarks.evaluation: {error}", file=sys.stderr)
        return 2
    import torch

    torch.set_num_threads(options.threads)
    table, within = report(Split(np.array(test.images), test.labels))
    print(f"{len(test):,} test images, {options.threads} threads, medians of {TIMES}\n\n{table}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
