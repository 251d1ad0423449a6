"""Export of a model to ONNX, input scaling included."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.messages import N_, InputError
from mnist_core.models.modules import DigitClassifier

_ONE_AT_A_TIME = threading.Lock()  # the exporter keeps its state in global variables


class _LogitsAndProbabilities(nn.Module):
    """A classifier that returns logits and probabilities."""

    def __init__(self, model: DigitClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.model(images)
        return logits, logits.softmax(1)


def to_onnx(model: DigitClassifier, dataset: str = MNIST) -> bytes:
    """Return an ONNX model: `images` uint8 [N, 28, 28] -> `logits` and `probabilities`, float [N, classes].

    N is dynamic. The metadata of a model of another data set than MNIST name it and its classes. The model is
    put in evaluation mode. Raises InputError if torch can't export it. torch's older exporter takes 37 MB and
    0.1 s; the newer one (torch.export) took 237 MB and 4 s.
    """
    names = ["images", "logits", "probabilities"]
    with TemporaryDirectory() as folder, _ONE_AT_A_TIME:
        file = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                _LogitsAndProbabilities(model).eval(),
                (torch.zeros(1, 28, 28, dtype=torch.uint8),),
                file,
                input_names=names[:1],
                output_names=names[1:],
                dynamic_axes={name: {0: "N"} for name in names},
                dynamo=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise InputError(
                N_("This network can't be exported as ONNX ({reason}); export its weights or script."),
                reason=str(error).splitlines()[0],
            ) from error
        return file.read_bytes() + (b"" if dataset == MNIST else _metadata(dataset))


def _metadata(dataset: str) -> bytes:
    """Return entries of ONNX's `metadata_props`, field 14 of ModelProto: "dataset", and "classes" as JSON.

    Protocol buffers take a field that follows the others as well; nothing of ours needs the package onnx.
    """
    facts = DATASETS[dataset]
    entries = {"dataset": facts.label, "classes": json.dumps(facts.classes)}
    pairs = (_field(1, key.encode()) + _field(2, value.encode()) for key, value in entries.items())
    return b"".join(_field(14, pair) for pair in pairs)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes as protocol buffers write it: key, length, content."""
    length = len(content)
    digits = []
    while length > 127:
        digits.append(length % 128 | 128)
        length //= 128
    return bytes([number << 3 | 2, *digits, length]) + content
