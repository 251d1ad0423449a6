"""The export formats of a run; each builds its file on request."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.evaluation.robustness import load_robustness, strengths_csv
from mnist_core.export.script import check_script, training_script
from mnist_core.messages import N_, InputError, Message
from mnist_core.models.checkpoint import standalone_checkpoint
from mnist_core.runs.names import slug

if TYPE_CHECKING:
    from mnist_core.runs.run import Run


@dataclass(frozen=True)
class ExportFormat:
    """An export format: file name `ending`, `mime` type, and `build`, which returns the file's bytes.

    `check` raises InputError if the run can't be exported in this format; it is fast.
    """

    label: str
    description: str
    ending: str
    mime: str
    build: Callable[[Run], bytes]
    check: Callable[[Run], None]


def export(run: Run, kind: str) -> bytes:
    """Return the file in format `kind`, a key of EXPORT_FORMATS; raises InputError if it can't be built."""
    EXPORT_FORMATS[kind].check(run)
    return EXPORT_FORMATS[kind].build(run)


def problem(run: Run, kind: str) -> Message | None:
    """Return the message of the InputError that `export` would raise, else None."""
    try:
        EXPORT_FORMATS[kind].check(run)
    except InputError as error:
        return error.message
    return None


def file_name(run: Run, kind: str) -> str:
    """Return the file name; it has only the start of the run's id, because the id is a secret."""
    return f"digit-lab-{slug(run.config)}-{run.id[:8]}.{EXPORT_FORMATS[kind].ending}"


def _script(run: Run) -> bytes:
    return training_script(run).encode()


def _weights(run: Run) -> bytes:
    return standalone_checkpoint(run.checkpoints[-1], run.config)


def _onnx(run: Run) -> bytes:
    from mnist_core.export.onnx import to_onnx

    return to_onnx(run.load_model(), run.config.dataset)


def _check_weights(run: Run) -> None:
    if not run.checkpoints:
        raise InputError(N_("This run has no weights yet; let it finish an epoch."))


def _card(run: Run) -> bytes:
    from mnist_core.export.model_card import model_card

    return model_card(run).encode()


def _config(run: Run) -> bytes:
    from mnist_core.runs.run import json_bytes

    return json_bytes(run.config.to_json())


def _metrics(run: Run) -> bytes:
    return (run.folder / "metrics.csv").read_bytes()


def _check_metrics(run: Run) -> None:
    if not (run.folder / "metrics.csv").exists():
        raise InputError(N_("This run has no metrics: it was not trained here."))


def _robustness(run: Run) -> bytes:
    return strengths_csv(load_robustness(run.folder)).encode()


def _check_robustness(run: Run) -> None:
    if not load_robustness(run.folder):
        raise InputError(N_("Its robustness is not measured yet: use Evaluate, Robustness."))


def _nothing_to_check(run: Run) -> None:
    """Settings can always be exported."""


def _bundle(run: Run) -> bytes:
    """Return a zip of all other formats that are available for `run`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for kind, entry in EXPORT_FORMATS.items():
            if kind != "bundle" and problem(run, kind) is None:
                bundle.writestr(file_name(run, kind), entry.build(run))
    return file.getvalue()


EXPORT_FORMATS: dict[str, ExportFormat] = {
    "script": ExportFormat(
        N_("Training script"),
        N_("One Python file that trains this network again; it needs only PyTorch."),
        "py",
        "text/x-python",
        _script,
        check_script,
    ),
    "weights": ExportFormat(
        N_("Weights"),
        N_("A safetensors file with the settings in its header; it can be imported again."),
        "safetensors",
        "application/octet-stream",
        _weights,
        _check_weights,
    ),
    "onnx": ExportFormat(
        N_("ONNX model"),
        N_("For ONNX Runtime and other programs. Input: pixels 0 to 255. Output: logits and probabilities."),
        "onnx",
        "application/octet-stream",
        _onnx,
        _check_weights,
    ),
    "card": ExportFormat(
        N_("Model card"),
        N_("What the network reads, how well, what it learned from, and its limits, in English."),
        "md",
        "text/markdown",
        _card,
        _check_weights,
    ),
    "config": ExportFormat(
        N_("Settings"),
        N_("A JSON file; importing it fills the Train form."),
        "json",
        "application/json",
        _config,
        _nothing_to_check,
    ),
    "metrics": ExportFormat(
        N_("Metrics"),
        N_("A CSV file: loss, accuracy and learning rate, one row per report."),
        "csv",
        "text/csv",
        _metrics,
        _check_metrics,
    ),
    "robustness": ExportFormat(
        N_("Robustness"),
        N_("A CSV file: accuracy on corrupted and attacked images, one row per strength."),
        "robustness.csv",
        "text/csv",
        _robustness,
        _check_robustness,
    ),
    "bundle": ExportFormat(
        N_("All files"),
        N_("A zip file with all of these."),
        "zip",
        "application/zip",
        _bundle,
        _nothing_to_check,
    ),
}
