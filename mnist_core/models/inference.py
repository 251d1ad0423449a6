"""A model's logits for many images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_core.models.modules import DigitClassifier
from mnist_core.runtime.devices import start_workers
from mnist_core.runtime.onednn_layout import fastest_forward


def predict_logits(model: DigitClassifier, images: Tensor, batch_size: int = 100) -> Tensor:
    """Logits [N, 10], float32 on the CPU, for uint8 `images` [N, 28, 28], in evaluation mode.

    On the CPU each batch is one thread's, so the answers don't depend on how many of torch's threads there
    are. The model keeps the mode (training or evaluation) it came in.
    """
    was_training = model.training
    device = next(model.parameters()).device
    forward = fastest_forward(model.network, device)
    logits = torch.empty(len(images), 10)  # small tensors kept between large ones would break up the heap

    def answer(part: Tensor, batch: Tensor) -> None:
        with torch.inference_mode():
            part.copy_(forward(model.scaling(batch.to(device))))

    batches = logits.split(batch_size), images.split(batch_size)
    threads = min(torch.get_num_threads(), len(batches[0])) if device.type == "cpu" else 1
    model.eval()
    try:
        if threads > 1:
            with start_workers(threads) as workers:
                list(workers.map(answer, *batches))
        else:
            list(map(answer, *batches))
    finally:
        model.train(was_training)
    return logits


def predict_with_features(
    model: DigitClassifier, images: Tensor, batch_size: int = 100
) -> tuple[Tensor, Tensor]:
    """Logits [N, 10] as predict_logits gives them, and what the last linear layer got: float32 [N, F].

    Visitors' threads share a model, so it gets no hook: they would see each other's features.
    """
    body, head = _cut_before_last_linear(model)
    was_training = model.training
    device = next(model.parameters()).device
    parts = []
    model.eval()
    try:
        with torch.inference_mode():
            for batch in images.split(batch_size):
                seen = body(batch.to(device))
                parts.append((head(seen).float().cpu(), seen.float().cpu()))
    finally:
        model.train(was_training)
    logits, features = zip(*parts, strict=True)
    return torch.cat(logits), torch.cat(features)


def _cut_before_last_linear(model: DigitClassifier) -> tuple[nn.Sequential, nn.Sequential]:
    modules = list(model.network)
    last = max(place for place, module in enumerate(modules) if isinstance(module, nn.Linear))
    return nn.Sequential(model.scaling, *modules[:last]), nn.Sequential(*modules[last:])


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Return the temperature, 0.05 to 20, at which softmax(`logits` [N, 10] / it) fits `labels` [N] best."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        normal = np.log(np.exp(scaled).sum(axis=1))
        return float((normal - scaled[np.arange(len(labels)), labels]).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(best.x))
