"""Accuracy per form on generated images: each glyph of a digit, letter or shape, and each kind of non-digit.

The seed is another than those of training. "Other hands" are forms that nothing was trained on.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import markdown
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.recognizer import Prediction, predict_all
from mnist_core.synthetic.generator import render_glyphs
from mnist_core.synthetic.glyphs import DIGIT_GLYPHS, Glyph
from mnist_core.synthetic.non_digits import KINDS_OF_GLYPHS, NON_DIGITS, generate_non_digits

SEED = 1
NON_DIGIT_IMAGES = 2_000  # of each kind, about as many of each of its forms
DIGIT_IMAGES = 50  # of each form of a digit
FEW = 5  # forms that are named for each digit or kind

CONDITIONS = """\
Generated with seed {seed}: {digits} images of each form of a digit, numbered as in `DIGIT_GLYPHS`, and about
{others:,} of each kind of what is no digit. "Other hands" are letters and shapes in forms that nothing was
trained on. The figure of a form is the share right and accepted, or of what is no digit the share refused."""

Forms = Mapping[str, tuple[Glyph, ...]]


def digit_forms_table(
    model: DigitClassifier, calibration: Calibration, few: int = FEW, each: int = DIGIT_IMAGES
) -> str:
    """Return a table with a row for each digit, and the `few` forms least often right and accepted."""
    rows, random = [], np.random.default_rng(SEED)
    for digit, glyphs in DIGIT_GLYPHS.items():
        forms = {f"form {number}": (glyph,) for number, glyph in enumerate(glyphs, start=1)}
        images = _written(forms, each, random)
        read = {name: predict_all(model, list(written), calibration) for name, written in images.items()}
        good = {name: float(np.mean([_good(p, digit) for p in answers])) for name, answers in read.items()}
        answers = [prediction for predictions in read.values() for prediction in predictions]
        right = np.mean([prediction.label == digit for prediction in answers])
        refused = np.mean([not prediction.is_digit for prediction in answers])
        shares = (f"{share:.1%}" for share in (right, np.mean(list(good.values())), refused))
        rows.append([f"{digit}, {len(forms)} forms", f"{len(answers):,}", *shares, _worst(good, few)])
    return markdown(("generated", "images", "right", "right and accepted", "refused", "worst forms"), rows)


def non_digit_forms_table(
    model: DigitClassifier, calibration: Calibration, few: int = FEW, images: int = NON_DIGIT_IMAGES
) -> str:
    """Return a table with a row for each kind of NON_DIGITS, and its `few` forms least often refused."""
    rows, random = [], np.random.default_rng(SEED)
    for kind in NON_DIGITS:
        forms = KINDS_OF_GLYPHS.get(kind, {})
        if forms:
            written = _written(forms, max(1, images // len(forms)), random)
        else:
            written = {kind: generate_non_digits(images, SEED, (kind,))}
        refused = {name: _refused(model, calibration, seen) for name, seen in written.items()}
        count = sum(map(len, written.values()))
        share = f"{np.mean(list(refused.values())):.1%}"
        rows.append([kind, f"{count:,}", share, _worst(refused, few) if forms else ""])
    return markdown(("generated, no digit", "images", "refused", "forms refused least"), rows)


def _written(forms: Forms, each: int, random: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    """Write each of `forms` so many times: uint8 [each, 28, 28] by the form's name."""
    images = render_glyphs([glyphs for glyphs in forms.values() for _ in range(each)], random)
    return dict(zip(forms, np.split(images, len(forms)), strict=True))


def _refused(model: DigitClassifier, calibration: Calibration, images: Iterable[NDArray[np.uint8]]) -> float:
    predictions = predict_all(model, list(images), calibration, several_views=False)
    return float(np.mean([not prediction.is_digit for prediction in predictions]))


def _good(prediction: Prediction, digit: int) -> bool:
    return prediction.is_digit and prediction.label == digit


def _worst(shares: Mapping[str, float], few: int) -> str:
    named: Sequence[tuple[str, float]] = sorted(shares.items(), key=lambda item: item[1])[:few]
    return ", ".join(f"{name} {share:.0%}" for name, share in named)


def synthetic_forms_tables(model: DigitClassifier, calibration: Calibration, few: int = FEW) -> str:
    """Return both tables and how their images were made."""
    tables = non_digit_forms_table(model, calibration, few), digit_forms_table(model, calibration, few)
    return "\n\n".join([*tables, CONDITIONS.format(seed=SEED, digits=DIGIT_IMAGES, others=NON_DIGIT_IMAGES)])
