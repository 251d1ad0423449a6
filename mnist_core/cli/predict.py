"""The command `predict`: pictures and strokes to digits."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core.cli.terminal import plain
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.messages import InputError
from mnist_core.recognition.images import pixels_to_garment, pixels_to_image
from mnist_core.recognition.labelled_drawings import LabelledDrawing, read_labelled_drawing, sheet_lines
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.recognizer import Prediction, predict
from mnist_core.recognition.strokes import Strokes
from mnist_core.runs.store import RunStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnist_core.recognition.segmentation import RowDigit


def predict_inputs(options: argparse.Namespace) -> None:
    """Print the prediction for each input, one line each.

    A picture that can't be read is named on stderr, and InputError raised after the others are read.
    """
    if not options.image and not options.strokes:
        raise InputError("No input given; name pictures, or a file of strokes with --strokes.")
    pictures = _read_pictures(options.image)
    drawings = list(_read_drawings(options.strokes)) if options.strokes else []
    run = RunStore(options.runs).get(options.run)
    how, facts = (run.load_model(), run.load_calibration()), DATASETS[run.config.dataset]
    if options.row:
        if not facts.drawn:
            raise InputError("This network reads one piece of clothing in each picture; omit --row.")
        from mnist_core.recognition.segmentation import predict_pixels_row, predict_strokes_row

        rows = [(name, predict_pixels_row(how[0], pixels, how[1])) for name, pixels in pictures]
        rows += [(name, predict_strokes_row(how[0], drawn, how[1])) for name, drawn in _strokes(drawings)]
        for name, digits in rows:
            _print_row(name, digits, options.json, _nothing(run.config.dataset))
        _raise_for(len(options.image) - len(pictures))
        return
    convert = pixels_to_image if facts.drawn else pixels_to_garment
    images = [(name, convert(pixels)) for name, pixels in pictures]
    images += [(name, drawing.image) for name, drawing in drawings]
    for name, image in images:
        prediction = predict(how[0], image, how[1])
        answer = {"input": name, **_prediction_json(prediction), "blank": prediction.blank}
        print(json.dumps(answer) if options.json else plain(f"{name}: {_in_words(prediction)}"))
    _raise_for(len(options.image) - len(pictures))


def _read_pictures(names: list[str]) -> list[tuple[str, NDArray[np.uint8]]]:
    """Read the pictures that can be read, and name the others on stderr; one alone raises InputError."""
    pictures = []
    for name in names:
        try:
            pictures.append((name, read_picture(name)))
        except InputError as error:
            if len(names) == 1:
                raise
            print(plain(str(error)), file=sys.stderr)
    return pictures


def _raise_for(unread: int) -> None:
    if unread:
        raise InputError("Not read: {count} of the pictures.", count=unread)


def _prediction_json(prediction: Prediction) -> dict[str, Any]:
    names = {} if prediction.dataset == MNIST or prediction.blank else {"class": prediction.name}
    return {
        **names,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": prediction.probabilities.tolist(),
        "is_digit": prediction.is_digit,
        "is_unsure": prediction.is_unsure,
        "second": None if prediction.blank else prediction.second,
    }


def _in_words(prediction: Prediction) -> str:
    if prediction.blank:
        return _nothing(prediction.dataset)
    reading = f"{prediction.name} ({prediction.confidence:.1%})"
    if not prediction.is_digit:
        if DATASETS[prediction.dataset].digits:
            return f"not a digit; if it were one, {reading}"
        return f"only a dot; most likely {reading}"
    if prediction.is_unsure:
        return f"not sure: {reading} or {prediction.second_name} ({prediction.second_confidence:.1%})"
    return reading


def _nothing(dataset: str) -> str:
    """Return what is said of an empty picture."""
    return "no digit" if DATASETS[dataset].digits else "nothing to read"


def _print_row(name: str, digits: list[RowDigit], as_json: bool, nothing: str) -> None:
    if as_json:
        found = [
            {
                **_prediction_json(digit.prediction),
                "box": list(digit.box),
                "unsure": digit.unsure,
                "line": digit.line,
                "cut": digit.cut,
            }
            for digit in digits
        ]
        print(json.dumps({"input": name, "digits": found}))
    else:
        from mnist_core.recognition.segmentation import row_text

        print(plain(f"{name}: {row_text(digits, ' ') or nothing}"))


def _read_drawings(path: str) -> Iterator[tuple[str, LabelledDrawing]]:
    try:
        lines = sheet_lines(Path(path).read_bytes())
    except OSError as error:
        raise InputError("{path} can't be read ({why}).", path=path, why=error.strerror) from None
    except UnicodeDecodeError:
        raise InputError("{path} isn't text: give a file with one JSON object per line.", path=path) from None
    if not any(line.strip() for line in lines):
        raise InputError("{path} is empty: give a file with one JSON object per line.", path=path)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{path}:{number}", read_labelled_drawing(line, number)


def _strokes(drawings: list[tuple[str, LabelledDrawing]]) -> Iterator[tuple[str, Strokes]]:
    for name, drawing in drawings:
        if drawing.strokes is None:
            raise InputError(
                "{name} has the pixels of one digit, not strokes of a row; omit --row.", name=name
            )
        yield name, drawing.strokes
