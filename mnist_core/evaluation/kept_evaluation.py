"""The pretrained model's evaluations on MNIST's test and validation images, kept beside its weights.

Every visitor of a server sees them, and computing them takes seconds.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mnist_core.data.mnist import Split
from mnist_core.evaluation.metrics import Evaluation

FOLDER = Path(__file__).resolve().parent.parent.parent / "models"


def keep_evaluation(weights: Path, split: Split, evaluation: Evaluation) -> None:
    """Keep the evaluation on `split` of the model whose weights are in the file `weights`.

    One is kept for validation images (of MNIST's training file) and one for test images.
    Probabilities and losses are rounded to float32: 0.4 MB for 10,000 images.
    """
    np.savez_compressed(
        _file_of(split),
        of=_checksum(weights, split),
        probabilities=evaluation.probabilities.astype(np.float32),
        losses=evaluation.losses.astype(np.float32),
    )


def kept_evaluation(weights: Path, split: Split) -> Evaluation | None:
    """Return the kept evaluation; None if it is of other weights or images, or can't be read.

    It does not need torch.
    """
    try:
        with np.load(_file_of(split)) as kept:
            if str(kept["of"]) != _checksum(weights, split):
                return None
            columns = [kept[name].astype(np.float64) for name in ("probabilities", "losses")]
    except (OSError, EOFError, BadZipFile, ValueError, KeyError):
        return None
    return Evaluation(split.labels.astype(np.int64), *columns)


def _file_of(split: Split) -> Path:
    return FOLDER / f"evaluation_{split.file}.npz"


def _checksum(weights: Path, split: Split) -> str:
    parts = (weights.read_bytes(), split.images.tobytes(), split.labels.tobytes())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
