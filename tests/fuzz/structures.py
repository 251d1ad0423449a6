"""Random structures from hypothesis: settings, URLs, drawings, names, ids of runs, arguments."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from mnist_core import __main__ as command_line
from mnist_core.choices import CHOICES, RECIPE_NAMES
from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.data.mnist import ImageReference
from mnist_core.lessons.surgery import Operation
from mnist_core.messages import InputError
from mnist_core.recognition.labelled_drawings import read_labelled_drawing
from mnist_core.runs.metadata import LONGEST_NAME, checked_name
from mnist_core.runs.names import slug, title
from mnist_core.runs.store import RunStore
from tests.fuzz.outcome import Count, attempt
from ui import url_state
from ui.html.tables import escape_markdown
from ui.train_form.state import settings_from_query, settings_to_query

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


STRUCTURES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Count, Any], None]]] = {
    "settings": (setting_values, check_settings),
    "url": (queries, check_query),
    "drawing": (drawn, check_drawing),
    "name": (texts, check_name),
    "run id": (run_ids, check_run_id),
    "arguments": (arguments, check_arguments),
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
