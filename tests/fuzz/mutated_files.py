"""Random files: settings, weights, sheets and pictures of ours, mutated by a seeded generator."""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.export.import_weights import check_weights, import_weights, read_config
from mnist_core.models.architectures import build_model
from mnist_core.models.checkpoint import save_checkpoint, standalone_checkpoint
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.labelled_drawings import read_labelled_drawing, sheet_lines
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.segmentation import predict_pixels_row
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.store import RunStore
from tests.fuzz.outcome import Broken, Count, attempt

MOST_ADDED = 40  # bytes of a mutation
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PIECES = (b"\x00", b"\xff" * 4, b"null", b"1e999", b"-1", b'"', b"{", b"]", b"<script>", b"../../", b"\n")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with a few changes: flipped, cut, doubled, or with something put in."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(changed) + 1)
        length = chance.randrange(1, MOST_ADDED)
        match chance.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length]
            case 3:
                changed[place:place] = chance.choice(PIECES)
            case 4:
                changed[place : place + length] = chance.randbytes(length)
            case 5 if chance.random() < 0.2:
                del changed[place:]
    return bytes(changed)


def with_checksums(content: bytes) -> bytes:
    """Return a PNG with corrected checksums of its chunks, so that it is read further; else the bytes."""
    if not content.startswith(PNG_HEAD):
        return content
    fixed, place = bytearray(content), len(PNG_HEAD)
    while place + 12 <= len(fixed):
        end = place + 8 + int.from_bytes(fixed[place : place + 4], "big")
        fixed[end : end + 4] = zlib.crc32(fixed[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(fixed)


@cache
def _files(kind: str) -> list[bytes]:
    """Return files that are read, to begin from."""
    return {"settings": _settings_files, "weights": _weights_files, "sheet": _sheets, "picture": _pictures}[
        kind
    ]()


def _settings_files() -> list[bytes]:
    configs = (TrainConfig(), TrainConfig(recipe="quick", widths=()), TrainConfig(architecture="softmax"))
    return [json.dumps(config.to_json()).encode() for config in configs]


def _weights_files() -> list[bytes]:
    found = []
    for config in (TrainConfig(widths=(2,)), TrainConfig(architecture="softmax")):
        with tempfile.TemporaryDirectory(prefix="digitlab-fuzz-") as folder:
            path = Path(folder) / "weights"
            save_checkpoint(path, build_model(config), 1)
            found += [standalone_checkpoint(path, config), path.read_bytes()]
    return found


def _sheets() -> list[bytes]:
    strokes = json.dumps({"strokes": [[[40.0, 30.0], [160.0, 30.0], [90.0, 230.0]]], "label": 7})
    pixels = json.dumps({"pixels": [[0] * 28] * 14 + [[255] * 28] * 14, "label": 1})
    return [f"{strokes}\n{strokes}\n".encode(), f"\ufeff{strokes}".encode(), pixels.encode()]


def _pictures() -> list[bytes]:
    grey = Image.new("L", (40, 40), 255)
    grey.paste(0, (18, 5, 23, 35))
    found = []
    for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        for picture in (grey, grey.convert("RGB"), grey.convert("P"), grey.convert("I;16")):
            file = io.BytesIO()
            with contextlib.suppress(OSError):
                picture.save(file, form)
                found.append(file.getvalue())
    return found


def check_settings_file(count: Count, content: bytes) -> None:
    """A settings file as Import reads it."""
    with _as_file(content) as path:
        attempt(count, lambda: read_config(path, "<b>settings</b>.json"))


PUBLIC = replace(TrainingLimits.of_server(True), runs=None, bytes=None)


def check_weights_file(count: Count, content: bytes) -> None:
    """A file with weights as Import reads it: what passes the check becomes a run that answers."""
    with _as_file(content) as path:
        if attempt(count, lambda: check_weights(path, "<b>weights</b>", PUBLIC) or True):
            with tempfile.TemporaryDirectory(prefix="digitlab-fuzz-") as folder:
                run = import_weights(RunStore(folder), path, "<b>w</b>", "me", PUBLIC)
                run.load_model()


def check_sheet(count: Count, content: bytes) -> None:
    """A file of labelled drawings."""
    try:
        lines = sheet_lines(content)
    except UnicodeDecodeError:  # which the page and the command line refuse with a sentence
        count.sentences += 1
        return
    for number, line in enumerate(lines, 1):
        attempt(count, lambda line=line, number=number: read_labelled_drawing(line, number))


def check_picture(count: Count, content: bytes) -> None:
    """A picture: read, found blank or inked, and parted into digits."""
    pixels = attempt(count, lambda: read_picture(content, "<b>picture</b>"))
    if isinstance(pixels, np.ndarray):
        image = pixels_to_image(pixels)
        assert image is None or (image.shape, image.dtype) == ((28, 28), np.uint8)
        predict_pixels_row(_reader(), pixels)


@cache
def _reader() -> DigitClassifier:
    return build_model(TrainConfig(architecture="softmax")).eval()


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="digitlab-fuzz-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        yield path


BYTES: dict[str, Callable[[Count, bytes], None]] = {
    "settings": check_settings_file,
    "weights": check_weights_file,
    "sheet": check_sheet,
    "picture": check_picture,
}


def fuzz_bytes(name: str, cases: int, first_seed: int) -> Count:
    """Try mutations of a kind of files; Broken names the seed of a case that fails."""
    count = Count()
    for number in range(cases):
        chance = random.Random(f"{first_seed} {name} {number}")
        content = mutated(chance.choice(_files(name)), chance)
        if chance.random() < 0.7:
            content = with_checksums(content)
        try:
            BYTES[name](count, content)
        except Exception as error:
            raise Broken(f"{name}, seed {first_seed}, case {number}: {content[:200]!r}") from error
    return count
