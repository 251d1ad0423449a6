"""`python -m benchmarks.rejection`: how often each way to tell what is no digit rejects signs and digits.

The pretrained model has two classifiers, whose log odds are added (mnist_core/recognition/calibration.py).
Each is measured alone too, at a threshold that rejects the same share of digits, and both are trained again
with other seeds.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.drawing import OWN_DIGITS
from benchmarks.measurement import locate_mnist, markdown
from benchmarks.own_digits import load_own_digits
from benchmarks.synthetic_forms import NON_DIGIT_IMAGES, SEED
from mnist_core.data.mnist import open_mnist, split_images
from mnist_core.messages import InputError
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration, calibrate, recalibrate
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import PRETRAINED_ID
from mnist_core.runs.store import RunStore
from mnist_core.synthetic.non_digits import NON_DIGITS, generate_non_digits

SEEDS = (100, 200)  # of classifiers trained anew, and of what they see: none that the measured images have
CONDITIONS = """\
Share rejected as no digit; one view of each image. Of each kind of what is no digit, {images:,} generated
with seed {seed}."""

Images = Sequence[NDArray[np.uint8] | None]


def ways(model: DigitClassifier, calibration: Calibration, directory: Path) -> dict[str, Calibration]:
    """Return each way by its name, with a threshold of its own."""
    splits = split_images(RunStore().get(PRETRAINED_ID).config, open_mnist(directory))
    silent = replace(
        calibration, weights=np.zeros_like(calibration.weights), bias=np.zeros_like(calibration.bias)
    )
    found = {
        "regressions": recalibrate(model, replace(calibration, detector=None), splits.validation),
        "convolutional network": recalibrate(model, silent, splits.validation),
        "both, as published": calibration,
    }
    for seed in tqdm(SEEDS, desc="classifiers"):
        found[f"both, seed {seed}"] = calibrate(model, splits.train, splits.validation, seed)
    return found


def measured_images(directory: Path, own_digits: Path) -> dict[str, Images]:
    """Return all images that are measured, by the name of their kind."""
    images: dict[str, Images] = {
        kind: list(generate_non_digits(NON_DIGIT_IMAGES, SEED, (kind,))) for kind in NON_DIGITS
    }
    images["MNIST's test set"] = list(open_mnist(directory).test.images)
    digits = [digit for digit in load_own_digits(own_digits) if digit.label >= 0]
    for source in ("scans", "pictures"):
        images[source] = [digit.image for digit in digits if digit.source == source]
    return images


def rejection_table(
    model: DigitClassifier, calibrations: Mapping[str, Calibration], images: Mapping[str, Images]
) -> str:
    """Return a table with a row for each kind of images and a column for each way."""
    rows = [
        [kind, *(f"{_rejected(model, each, seen):.1%}" for each in calibrations.values())]
        for kind, seen in tqdm(images.items(), desc="images")
    ]
    return markdown(("rejected", *calibrations), rows)


def _rejected(model: DigitClassifier, calibration: Calibration, images: Images) -> float:
    read = predict_all(model, images, calibration, several_views=False)
    return float(np.mean([not prediction.is_digit for prediction in read]))


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description="Measure each way to tell what is no digit.")
    parser.add_argument("--data", help="folder of MNIST (else DIGITLAB_DATA)")
    parser.add_argument("--own-digits", type=Path, default=OWN_DIGITS, help="a folder of scans and pictures")
    options = parser.parse_args()
    run = RunStore().get(PRETRAINED_ID)
    model, calibration = run.load_model(), run.load_calibration()
    try:
        directory = locate_mnist(options.data)
        images = measured_images(directory, options.own_digits)
        if calibration is None:
            raise InputError(
                "The pretrained model is not calibrated; run `python -m models.make pretrained`."
            )
        print(rejection_table(model, ways(model, calibration, directory), images))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print("\n" + CONDITIONS.format(images=NON_DIGIT_IMAGES, seed=SEED))


if __name__ == "__main__":
    main()
