"""What a visitor can send, at random: `python -m tests.fuzz --cases 20000`.

Each case must end in a result or in an InputError's sentence, and what is shown of it must hold no markup.
Structures come from hypothesis; bytes from files of ours, mutated by a seeded generator.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import random
import re
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_core import __main__ as command_line
from mnist_core.choices import CHOICES, RECIPE_NAMES
from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.data.mnist import ImageReference
from mnist_core.export.import_weights import check_weights, import_weights, read_config
from mnist_core.lessons.surgery import Operation
from mnist_core.messages import InputError, Message
from mnist_core.models.architectures import build_model
from mnist_core.models.checkpoint import save_checkpoint, standalone_checkpoint
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.labelled_drawings import read_labelled_drawing, sheet_lines
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.segmentation import predict_pixels_row
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.metadata import LONGEST_NAME, checked_name
from mnist_core.runs.names import slug, title
from mnist_core.runs.store import RunStore
from ui import url_state
from ui.html.tables import escape_markdown, markdown
from ui.train_form.state import settings_from_query, settings_to_query

SPECIAL = "\\`*_{}[]()<>#+-.!|~:$&"
MOST_ADDED = 40  # bytes of a mutation
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PIECES = (b"\x00", b"\xff" * 4, b"null", b"1e999", b"-1", b'"', b"{", b"]", b"<script>", b"../../", b"\n")


class Broken(Exception):
    """A case that ended in neither a result nor a sentence."""


@dataclass
class Count:
    """How many cases of a target ended in a result, and how many in a sentence."""

    results: int = 0
    sentences: int = 0


def said(error: InputError) -> None:
    """Check a sentence as the pages and the terminal show it."""
    text = str(error)
    if not text or not text.rstrip().endswith((".", "。", "?")):
        raise Broken(f"no sentence: {text!r}")
    bare, own = re.sub(r"\\.|(?<=[^\W_])_(?=[^\W_])", "", markdown(error.message)), _template(error.message)
    if any(bare.count(c) > own.count(c) for c in "<[`$*_:"):
        raise Broken(f"markup in {markdown(error.message)!r}")


def _template(message: Message) -> str:
    """Return all that is ours of a message: its template, and those of the messages in it."""
    inner = (_template(value) for value in message.values.values() if isinstance(value, Message))
    return " ".join([message.template, *inner])


def attempt(count: Count, work: Callable[[], object]) -> object:
    """Do the work of a case; return its result, None after an InputError."""
    try:
        result = work()
    except InputError as error:
        said(error)
        count.sentences += 1
        return None
    count.results += 1
    return result


# --- structures

numbers = st.floats(allow_subnormal=False)  # which torch has the processor flush to 0
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = tuple(TrainConfig.__dataclass_fields__)
MARKUP = (
    "<b>x</b>",
    "[y](z)",
    "**w**",
    "`zq`",
    "$q$",
    ":red[t]",
    "../../etc",
    "\x1b[31m",
    "\u202e",
    "\ud800",
)
texts = st.text(max_size=40) | st.lists(st.sampled_from(MARKUP), max_size=5).map("".join)


def usual_value(field: str) -> st.SearchStrategy[Any]:
    """Values that a field may have, or nearly."""
    if field in CHOICES:
        return st.sampled_from(tuple(CHOICES[field]))
    if field == "recipe":
        return st.sampled_from(RECIPE_NAMES) | texts
    if field in ("widths", "channels"):
        return st.lists(st.integers(0, 5000), max_size=9)
    example = getattr(TrainConfig(), field)
    if isinstance(example, bool):
        return st.booleans()
    low, high = FIELD_RANGES[field]
    if isinstance(example, int):
        return st.integers(int(low) - 1, int(high) + 1)
    return st.floats(low, high, allow_subnormal=False)


setting_values = st.fixed_dictionaries(
    {}, optional={name: usual_value(name) for name in FIELDS}
) | st.dictionaries(st.sampled_from(FIELDS) | texts, json_values | texts, max_size=6)


def check_settings(count: Count, values: dict[str, Any]) -> None:
    """Settings as a file has them: read, named, put into a file name and a link and back."""
    config = attempt(count, lambda: TrainConfig.from_json(values))
    if isinstance(config, TrainConfig):
        assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", slug(config)), slug(config)
        assert not set("<[`$*\n") & set(title(config))
        query = {**settings_to_query(vars(config))}
        found = settings_from_query(query, "quick")
        assert set(found.unusable) <= {"recipe"}, found.unusable


queries = st.dictionaries(
    st.sampled_from((*url_state.SETTING_PARAMETERS.values(), "run", "runs", "sent", "ops", "lang", "digit")),
    texts | st.integers().map(str) | numbers.map(str) | st.sampled_from(("none", "true", "64-64", "-")),
    max_size=8,
)


def check_query(count: Count, query: dict[str, str]) -> None:
    """The parameters of a URL, as the pages read them."""
    found = settings_from_query(query, "quick")
    assert set(found.settings) == set(FIELDS)
    attempt(count, lambda: TrainConfig(**found.settings))
    with patch.object(url_state, "url_parameters", lambda: query):
        for name in query:
            number = url_state.number_in_url(name)
            assert number is None or 0 <= number < 10**9
        url_state.option_in_url(("en", "zh"), "lang", "en")
        assert len(url_state.compared_runs() or ()) <= url_state.MOST_COMPARED
    for text in query.values():
        reference, operation = ImageReference.parse(text), Operation.parse(text)
        assert reference is None or ImageReference.parse(reference.text) == reference
        assert operation is None or Operation.parse(operation.text) == operation


points = st.lists(numbers | st.integers(), min_size=1, max_size=3)
drawn = st.fixed_dictionaries(
    {},
    optional={
        "strokes": st.lists(st.lists(points, max_size=4), max_size=3) | json_values,
        "pixels": json_values
        | st.sampled_from((0, 1, 255, 256, -1, 0.5)).map(lambda value: [[value] * 28] * 28)
        | st.floats(0, 1, allow_subnormal=False).map(lambda value: [0, *[value] * 783]),
        "label": st.integers(-1, 10) | json_values,
    },
)


def check_drawing(count: Count, fields: dict[str, Any]) -> None:
    """A line of a sheet; a drawing that is read is written and read back."""
    one = attempt(count, lambda: read_labelled_drawing(json.dumps(fields), 3))
    if one is not None:
        again = read_labelled_drawing(one.to_line(), 1)
        assert again.label == one.label
        assert np.array_equal(again.image, one.image)


def check_name(count: Count, name: str) -> None:
    """A name: as a run's it is one printable line, and Markdown shows it as it was typed."""
    checked = attempt(count, lambda: checked_name(name))
    if isinstance(checked, str):
        assert len(checked) <= LONGEST_NAME
        assert checked == "" or checked.isprintable()
    escaped = escape_markdown(name)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_{}\[\]()<>#+.!|~:$&-]", escaped), escaped
    assert "\n" not in escaped


run_ids = texts | st.sampled_from(("last", "pretrained", "shipped", ".trash", "..", "/", "a/../b", "\0", "٣"))


@cache
def _store() -> RunStore:
    return RunStore(Path(tempfile.mkdtemp(prefix="digitlab-fuzz-")) / "runs")


def check_run_id(count: Count, name: str) -> None:
    """A run's id from a link: a run of the store, or a sentence, and no folder elsewhere."""
    store = _store()
    for work in (store.get, store.restore, store.remove, store.cancel, store.pin):
        attempt(count, lambda work=work: None if work == store.remove and name == "last" else work(name))
    deleted = store.deleted(name)
    assert deleted is None


COMMANDS = re.findall(r"\S+", "data recipes train continue evaluate predict runs compare export import")
OPTIONS = re.findall(
    r"\S+",
    "--set --epochs --seed --threads --repeat --device --recipe --config --json --run --row --strokes --as "
    "--split --images --robustness --rename --pin --unpin --remove --cancel --restore --use --data --runs "
    "--help --version --",
)
VALUES = ("epochs=0", "widths=8,8", "x=1", "last", "pretrained", "test", "onnx", "quick", "cpu", "1")
typed = texts.map(lambda text: text.replace("\0", ""))  # no argument can hold it
arguments = st.tuples(
    st.sampled_from(COMMANDS * 3) | st.sampled_from(COMMANDS) | typed,
    st.lists(st.sampled_from(OPTIONS) | st.sampled_from(VALUES) | typed | st.integers().map(str), max_size=6),
).map(lambda parts: [parts[0], *parts[1]])


def check_arguments(count: Count, given_arguments: list[str]) -> None:
    """Arguments of the command line: an exit status of 0 or 2, and nothing that steers a terminal."""
    shown, errors = io.StringIO(), io.StringIO()

    def refuse(*_: object) -> None:
        raise InputError("Nothing is trained here.")

    with (
        patch.dict("os.environ", {"DIGITLAB_RUNS": str(_store().directory), "COLUMNS": "80"}),
        patch("mnist_core.cli.train.load_data", refuse),
        patch("mnist_core.cli.evaluate.load_data", refuse),
        patch("mnist_core.cli.compare.load_data", refuse),
        patch("mnist_core.cli.commands.load_data", refuse),
        patch("mnist_core.cli.commands.export", refuse),
        patch.object(command_line, "_discard_output"),
        contextlib.chdir(_store().directory.parent),
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(errors),
    ):
        try:
            status = command_line.main(given_arguments)
        except SystemExit as end:
            status = end.code
    assert status in (0, 2), status
    count.results, count.sentences = count.results + (status == 0), count.sentences + (status == 2)
    for text in (shown.getvalue(), errors.getvalue()):
        assert all(c.isprintable() or c in "\n\r" for c in text), text


# --- bytes


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
    """Return a PNG with the checksums of its chunks put right, so that its reader goes on; else the bytes."""
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


STRUCTURES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Count, Any], None]]] = {
    "settings": (setting_values, check_settings),
    "url": (queries, check_query),
    "drawing": (drawn, check_drawing),
    "name": (texts, check_name),
    "run id": (run_ids, check_run_id),
    "arguments": (arguments, check_arguments),
}
BYTES: dict[str, Callable[[Count, bytes], None]] = {
    "settings": check_settings_file,
    "weights": check_weights_file,
    "sheet": check_sheet,
    "picture": check_picture,
}


def fuzz_structures(name: str, cases: int, first_seed: int) -> Count:
    """Try a kind of structures; a case that fails is reduced by hypothesis and raised."""
    strategy, check = STRUCTURES[name]
    count = Count()

    @seed(first_seed)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(strategy)
    def run(case: Any) -> None:
        check(count, case)

    run()
    return count


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


def main() -> int:
    """Try all kinds, and print how many cases ended how."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="in all, shared among the kinds")
    parser.add_argument("--seed", type=int, default=0)
    given_options = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit's, that no browser is there
    kinds = [*((fuzz_structures, name) for name in STRUCTURES), *((fuzz_bytes, name) for name in BYTES)]
    each = -(-given_options.cases // len(kinds))
    print(f"seed {given_options.seed}, {each:,} cases of each of {len(kinds)} kinds")
    for fuzz, name in kinds:
        begun = time.monotonic()
        count = fuzz(name, each, given_options.seed)
        kind = "structures" if fuzz is fuzz_structures else "bytes"
        seconds = time.monotonic() - begun
        print(
            f"{name:10} {kind:10} {each:6,} cases: {count.results:6,} results, "
            f"{count.sentences:6,} sentences, {seconds:5.1f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
