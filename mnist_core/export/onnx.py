"""Export of a model to ONNX, input scaling included."""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

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


def to_onnx(model: DigitClassifier) -> bytes:
    """Return an ONNX model: `images` uint8 [N, 28, 28] -> `logits` and `probabilities`, float [N, 10].

    N is dynamic. The model is put in evaluation mode. Raises InputError if torch can't export it. torch's
    older exporter takes 37 MB and 0.1 s; the newer one (torch.export) took 237 MB and 4 s.
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
        return file.read_bytes()
