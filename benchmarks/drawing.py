"""`python -m benchmarks.drawing`: how well drawings and pictures are read; prints Markdown tables.

Everything has a fixed seed. The pen digits measure only: nothing was trained or tuned on them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.canvas import Drawing, draw_all
from benchmarks.measurement import locate_mnist
from benchmarks.rows import rows_table
from mnist_core.data.mnist import Split, open_mnist
from mnist_core.data.mnist_format import place_in_mnist_frame
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.messages import InputError
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.preprocessing_steps import shrink
from mnist_core.recognition.recognizer import predict_all
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.store import RunStore
from mnist_core.synthetic.generator import generate_non_digits

PEN_DIGITS = Path(__file__).resolve().parents[2] / "shared" / "pen_digits" / "pen_digits.jsonl"
MOVED_IMAGES = 2_000
OTHERS = 900  # letters, shapes and scribbles, a third each
COLOURS = (((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0)), ((20, 40, 160), (250, 245, 225)))
COLOURS += (((255, 120, 0), (30, 60, 40)),)  # pen, paper

CONDITIONS = """\
{count:,} digits that people wrote with a stylus, drawn on a 280 px canvas at 30 to 90 % of its size, anywhere
on it, with round pens of 8 to 30 px; seed 0. Read by the run "{run}"."""
MOVED = """\
The first {count:,} test images of MNIST enlarged 1 to 10 times, moved, inverted, in {colours} pairs of
colours; as they are, {plain:.2%} of them are read right. Seed 0."""


NON_DIGITS = """\
Letters, shapes and scribbles are of our own drawing: others than those that the refusal
learned from, but of the same kinds."""
Image28 = NDArray[np.uint8] | None


class Way(NamedTuple):
    """From a drawing to 28 x 28, as most demos do, a little better, and as we do."""

    name: str
    image: Callable[[Drawing], NDArray[np.uint8] | None]


WAYS = (
    Way("canvas shrunk to 28 x 28", lambda drawing: shrink(drawing.pixels)),
    Way("cropped, by centre of mass", lambda drawing: place_in_mnist_frame(drawing.pixels)),
    Way("ours, from pixels", lambda drawing: pixels_to_image(drawing.pixels)),
    Way("ours, from strokes", lambda drawing: strokes_to_image(drawing.strokes)),
)


def read(model: DigitClassifier, calibration: Calibration | None, images: list[Image28]) -> NDArray[np.int64]:
    """Return the digits read, [N]; -1 for a blank."""
    labels = [prediction.label for prediction in predict_all(model, images, calibration)]
    return np.array([-1 if label is None else label for label in labels])


def pen_table(model: DigitClassifier, calibration: Calibration | None, drawings: list[Drawing]) -> str:
    """Return accuracy and the commonest confusion of each way, then what the last way confuses."""
    labels = np.array([drawing.label for drawing in drawings])
    rows = ["| way to 28 x 28 | read right | errors | a 1 read as 7 |", "|---|---:|---:|---:|"]
    for way in WAYS:
        digits = read(model, calibration, [way.image(drawing) for drawing in drawings])
        wrong, as_seven = digits != labels, (labels == 1) & (digits == 7)
        rows.append(f"| {way.name} | {1 - wrong.mean():.1%} | {wrong.sum()} | {as_seven.sum()} |")
    confusion = f"Rows: the digit that was written; columns: what it was read as ({WAYS[-1].name})."
    return "\n".join([*rows, "", confusion, "", _confusion(labels, digits)])


def _confusion(labels: NDArray[np.int64], digits: NDArray[np.int64]) -> str:
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, digits), 1)
    head = ["| |" + "".join(f" {digit} |" for digit in range(10)), "|---|" + "---:|" * 10]
    return "\n".join(
        head
        + [f"| **{digit}** |" + "".join(f" {n or ''} |" for n in row) for digit, row in enumerate(counts)]
    )


def moved_table(model: DigitClassifier, calibration: Calibration | None, test: Split) -> str:
    """Return how often MNIST's own images come back from pictures of them."""
    backs = [pixels_to_image(picture) for picture in _pictures(test.images)]
    digits, plain = (read(model, calibration, images) for images in (backs, list(test.images)))
    shifts = np.array([_shift(back, image) for back, image in zip(backs, test.images, strict=True)])
    rows = [
        "| MNIST in pictures | |",
        "|---|---:|",
        f"| read right | {(digits == test.labels).mean():.2%} |",
        f"| read as before | {(digits == plain).mean():.2%} |",
        f"| centre of mass back within a pixel | {(shifts <= 1).mean():.2%} |",
    ]
    conditions = MOVED.format(count=len(test), colours=len(COLOURS), plain=(plain == test.labels).mean())
    return "\n".join([*rows, "", conditions])


def _pictures(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    pictures = []
    for image in images:
        factor, margins = random.uniform(1, 10), random.integers(0, 200, (2, 2))
        side = round(28 * factor)
        larger = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        ink = np.pad(np.asarray(larger), margins)[..., None] / 255
        pen, paper = np.array(COLOURS[random.integers(len(COLOURS))])
        pictures.append(np.rint(pen * ink + paper * (1 - ink)).astype(np.uint8))
    return pictures


def _shift(back: NDArray[np.uint8] | None, image: NDArray[np.uint8]) -> float:
    """How many pixels the centre of mass is off, in the worse direction."""
    if back is None:
        return 28.0
    return float(np.abs(_centre(back) - _centre(image)).max())


def _centre(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey, indices = image.astype(float), np.arange(28)
    return np.array([grey.sum(axis=1) @ indices, grey.sum(axis=0) @ indices]) / grey.sum()


def confidence_table(
    model: DigitClassifier, calibration: Calibration, test: Split, pen: list[Image28]
) -> str:
    """Return how honest the answers are: the calibration error, and what is taken for no digit."""
    others = generate_non_digits(OTHERS, seed=1)
    read_test = predict_all(model, list(test.images), calibration)
    probabilities = np.stack([prediction.probabilities for prediction in read_test])
    error = reliability(probabilities, test.labels).expected_error
    refused = {
        "MNIST's test images": [not prediction.is_digit for prediction in read_test],
        "pen digits, from strokes": _refused(model, calibration, pen),
        "letters": _refused(model, calibration, list(others[0::3])),
        "shapes": _refused(model, calibration, list(others[1::3])),
        "scribbles": _refused(model, calibration, list(others[2::3])),
        "a dot, a blank": _refused(model, calibration, [strokes_to_image([[[5, 5]]]), None]),
    }
    rows = ["| taken for no digit | |", "|---|---:|"]
    rows += [f"| {name} | {np.mean(values):.1%} |" for name, values in refused.items()]
    conditions = f"Expected calibration error on MNIST's {len(test):,} test images: {error:.2%}."
    return "\n".join([*rows, "", conditions, NON_DIGITS])


def _refused(model: DigitClassifier, calibration: Calibration, images: list[Image28]) -> list[bool]:
    return [not prediction.is_digit for prediction in predict_all(model, images, calibration)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how well drawings and pictures are read.")
    parser.add_argument("--run", default="pretrained", help='which run reads: an id, "last" or "pretrained"')
    parser.add_argument("--runs", help="where runs are kept")
    parser.add_argument("--data", help="the directory with MNIST")
    parser.add_argument("--pen-digits", type=Path, default=PEN_DIGITS, help="a file of labelled strokes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        run = RunStore(options.runs).get(options.run)
        model, calibration = run.load_model(), run.load_calibration()
        test = open_mnist(locate_mnist(options.data)).test
        drawings = list(draw_all(options.pen_digits))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(pen_table(model, calibration, drawings), end="\n\n")
    print(CONDITIONS.format(count=len(drawings), run=options.run), end="\n\n")
    print(moved_table(model, calibration, test[:MOVED_IMAGES]), end="\n\n")
    print(rows_table(model, calibration, test), end="\n\n")
    if calibration:
        strokes = [strokes_to_image(drawing.strokes) for drawing in drawings]
        print(confidence_table(model, calibration, test, strokes))
    else:
        print("The run is not calibrated, so nothing is refused.")


if __name__ == "__main__":
    main()
