"""`python -m benchmarks.drawing`: accuracy on drawings, scans, pictures and rows, as Markdown tables.

All seeds are fixed. No model was trained on the pen digits, scans and pictures. `--sheet FILE` reads the
scans and pictures only, and draws those that are refused or read wrong. `--forms` prints the table of all
generated forms only.
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

from benchmarks.degraded_pictures import degraded_table
from benchmarks.digit_rows import rows_table
from benchmarks.measurement import locate_mnist
from benchmarks.own_digits import (
    contact_sheet,
    load_own_digits,
    own_digits_table,
    own_rows_table,
    read_own_digits,
)
from benchmarks.pen_digits import Drawing, draw_all
from benchmarks.synthetic_forms import synthetic_forms_tables
from mnist_core.data.mnist import Split, open_mnist, split_images
from mnist_core.data.mnist_format import place_in_mnist_frame
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.messages import InputError
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.preprocessing_steps import shrink
from mnist_core.recognition.recognizer import SURE, predict_all
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.store import RunStore

SHARED = Path(__file__).resolve().parents[2] / "shared"
PEN_DIGITS = SHARED / "pen_digits" / "pen_digits.jsonl"
OWN_DIGITS = SHARED / "own_digits"
MOVED_IMAGES = 2_000
COLOURS = (((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0)), ((20, 40, 160), (250, 245, 225)))
COLOURS += (((255, 120, 0), (30, 60, 40)),)  # pen, paper

CONDITIONS = """\
{count:,} digits that people wrote with a stylus, drawn on a 280 px canvas at 30 to 90 % of its size, at
random positions, with round pens of 8 to 30 px; seed 0. Model: run "{run}"."""
MOVED = """\
The first {count:,} test images of MNIST enlarged 1 to 10 times, shifted, inverted, in {colours} pairs of
colours; the accuracy on the unchanged images is {plain:.2%}. Seed 0."""


UNSURE = """\
Not sure, as the likeliest digit has less than {share:.0%}: {unsure} of {images:,} validation images, of whose
likeliest digits {unsure_right} are right; of the {sure:,} surer ones {sure_right:,} are."""
Image28 = NDArray[np.uint8] | None


class Preprocessing(NamedTuple):
    """A way to convert a drawing to 28 x 28 pixels: usual ones, and ours."""

    name: str
    image: Callable[[Drawing], NDArray[np.uint8] | None]


PREPROCESSINGS = (
    Preprocessing("canvas shrunk to 28 x 28", lambda drawing: shrink(drawing.pixels)),
    Preprocessing("cropped, by centre of mass", lambda drawing: place_in_mnist_frame(drawing.pixels)),
    Preprocessing("ours, from pixels", lambda drawing: pixels_to_image(drawing.pixels)),
    Preprocessing("ours, from strokes", lambda drawing: strokes_to_image(drawing.strokes)),
)


def read(model: DigitClassifier, calibration: Calibration | None, images: list[Image28]) -> NDArray[np.int64]:
    """Return the predicted digits, [N]; -1 for a blank."""
    labels = [prediction.label for prediction in predict_all(model, images, calibration)]
    return np.array([-1 if label is None else label for label in labels])


def pen_table(model: DigitClassifier, calibration: Calibration | None, drawings: list[Drawing]) -> str:
    """Return a table of each preprocessing's accuracy, then the confusion matrix of the last one."""
    labels = np.array([drawing.label for drawing in drawings])
    rows = ["| way to 28 x 28 | read right | errors | a 1 read as 7 |", "|---|---:|---:|---:|"]
    for preprocessing in PREPROCESSINGS:
        digits = read(model, calibration, [preprocessing.image(drawing) for drawing in drawings])
        wrong, as_seven = digits != labels, (labels == 1) & (digits == 7)
        rows.append(f"| {preprocessing.name} | {1 - wrong.mean():.1%} | {wrong.sum()} | {as_seven.sum()} |")
    confusion = f"Confusion matrix; rows: true digit, columns: predicted digit ({PREPROCESSINGS[-1].name})."
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
    """Return a table of how well MNIST's test images are recovered from pictures of them."""
    processed = [pixels_to_image(picture) for picture in _pictures(test.images)]
    digits, plain = (read(model, calibration, images) for images in (processed, list(test.images)))
    shifts = np.array(
        [_shift(processed, image) for processed, image in zip(processed, test.images, strict=True)]
    )
    rows = [
        "| MNIST enlarged and moved | |",
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


def _shift(processed: NDArray[np.uint8] | None, image: NDArray[np.uint8]) -> float:
    """Distance of the centres of mass, in pixels: the larger of rows and columns."""
    if processed is None:
        return 28.0
    return float(np.abs(_centre(processed) - _centre(image)).max())


def _centre(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey, indices = image.astype(float), np.arange(28)
    return np.array([grey.sum(axis=1) @ indices, grey.sum(axis=0) @ indices]) / grey.sum()


def confidence_table(
    model: DigitClassifier, calibration: Calibration, test: Split, pen: list[Image28]
) -> str:
    """Return the calibration error, and a table of the shares of images rejected as not a digit."""
    read_test = predict_all(model, list(test.images), calibration)
    probabilities = np.stack([prediction.probabilities for prediction in read_test])
    error = reliability(probabilities, test.labels).expected_error
    refused = {
        "MNIST's test images": [not prediction.is_digit for prediction in read_test],
        "pen digits, from strokes": _refused(model, calibration, pen),
        "a dot, a blank": _refused(model, calibration, [strokes_to_image([[[5, 5]]]), None]),
    }
    rows = ["| rejected as not a digit | |", "|---|---:|"]
    rows += [f"| {name} | {np.mean(values):.1%} |" for name, values in refused.items()]
    conditions = f"Expected calibration error on MNIST's {len(test):,} test images: {error:.2%}."
    return "\n".join([*rows, "", conditions])


def _refused(model: DigitClassifier, calibration: Calibration, images: list[Image28]) -> list[bool]:
    return [not prediction.is_digit for prediction in predict_all(model, images, calibration)]


def unsure_text(model: DigitClassifier, calibration: Calibration, validation: Split) -> str:
    """Say how many of the validation images are not sure, and how many of these and of the others right."""
    read = predict_all(model, list(validation.images), calibration)
    right = np.array([prediction.label for prediction in read]) == validation.labels
    unsure = np.array([prediction.is_unsure for prediction in read])
    sure = np.array([prediction.is_digit for prediction in read]) & ~unsure
    return UNSURE.format(
        share=SURE,
        unsure=unsure.sum(),
        images=len(read),
        unsure_right=right[unsure].sum(),
        sure_right=right[sure].sum(),
        sure=sure.sum(),
    )


def own_digits_tables(
    model: DigitClassifier, calibration: Calibration | None, folder: Path, sheet: Path | None
) -> str:
    """Return the tables of scans, pictures and rows; save what is read wrong as `sheet`, a PNG."""
    readings = read_own_digits(model, calibration, load_own_digits(folder))
    if sheet:
        contact_sheet(readings).save(sheet, "PNG")
    return f"{own_digits_table(readings)}\n\n{own_rows_table(model, calibration, folder)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the accuracy on drawings, pictures and rows.")
    parser.add_argument(
        "--run", default="pretrained", help='the run whose model is measured: an id, "last" or "pretrained"'
    )
    parser.add_argument("--runs", help="folder of the runs")
    parser.add_argument("--data", help="folder of MNIST")
    parser.add_argument("--pen-digits", type=Path, default=PEN_DIGITS, help="a file of labelled strokes")
    parser.add_argument("--own-digits", type=Path, default=OWN_DIGITS, help="a folder of scans and pictures")
    parser.add_argument(
        "--sheet", type=Path, help="scans and pictures only; save those that are read wrong as this PNG"
    )
    parser.add_argument(
        "--forms", action="store_true", help="generated digits and non-digits only, and all their forms"
    )
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _options()
    torch.set_num_threads(1)
    try:
        run = RunStore(options.runs).get(options.run)
        model, calibration = run.load_model(), run.load_calibration()
        if options.forms and calibration:
            print(synthetic_forms_tables(model, calibration, sys.maxsize))
            return
        own = own_digits_tables(model, calibration, options.own_digits, options.sheet)
        if not options.sheet:
            dataset = open_mnist(locate_mnist(options.data))
            test = dataset.test
            drawings = list(draw_all(options.pen_digits))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(own)
    if options.sheet:
        return
    print("\n" + pen_table(model, calibration, drawings), end="\n\n")
    print(CONDITIONS.format(count=len(drawings), run=options.run), end="\n\n")
    print(moved_table(model, calibration, test[:MOVED_IMAGES]), end="\n\n")
    print(degraded_table(model, calibration, test), end="\n\n")
    print(rows_table(model, calibration, test), end="\n\n")
    if calibration:
        strokes = [strokes_to_image(drawing.strokes) for drawing in drawings]
        print(confidence_table(model, calibration, test, strokes), end="\n\n")
        print(synthetic_forms_tables(model, calibration), end="\n\n")
        validation = split_images(run.config, dataset).to_evaluate["validation"]
        print(unsure_text(model, calibration, validation))
    else:
        print("The run is not calibrated, so no image is rejected.")


if __name__ == "__main__":
    main()
