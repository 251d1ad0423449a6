"""A model's logits for many images, and the temperature that calibrates them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_core.models.architectures import pooled_first
from mnist_core.models.modules import DigitClassifier
from mnist_core.runtime.devices import number_for_new_threads, start_workers


def predict_logits(
    model: DigitClassifier, images: Tensor, batch_size: int = 100, threads: int | None = None
) -> Tensor:
    """Logits [N, classes], float32 on the CPU, for uint8 `images` [N, 28, 28], in evaluation mode.

    On the CPU each batch is computed by a single thread, so the logits don't depend on torch's number of
    threads. The model keeps its mode (training or evaluation).
    """
    device = next(model.parameters()).device
    # One block: small tensors between large ones fragment the heap.
    logits = torch.empty(len(images), model.outputs)
    network = pooled_first(model.network)

    def answer(part: Tensor, batch: Tensor) -> None:
        with torch.inference_mode():
            part.copy_(network(model.scaling(batch.to(device))))

    batches = logits.split(batch_size), images.split(batch_size)
    threads = _threads_for(len(batches[0]), threads) if device.type == "cpu" else 1
    with _evaluating(model):
        if threads > 1:
            with start_workers(threads) as workers:
                list(workers.map(answer, *batches))
        else:
            list(map(answer, *batches))
    return logits


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put `model` in evaluation mode for a while; nothing is done, as that takes time, if it is in it."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


def _threads_for(batches: int, threads: int | None) -> int:
    """Return how many threads to start: `threads`, else torch's number for new ones; at most one a batch."""
    return min(threads or number_for_new_threads(), batches) if batches > 1 else 1


def predict_with_features(
    model: DigitClassifier, images: Tensor, batch_size: int = 100
) -> tuple[Tensor, Tensor]:
    """Return logits [N, classes] as predict_logits does, and the last linear layer's inputs, float32 [N, F].

    Several threads may share a model, so no hook is used: they would see each other's features.
    """
    body, head = _cut_before_last_linear(model)
    device = next(model.parameters()).device
    parts = []
    with _evaluating(model), torch.inference_mode():
        for batch in images.split(batch_size):
            seen = body(batch.to(device))
            parts.append((head(seen).float().cpu(), seen.float().cpu()))
    logits, features = zip(*parts, strict=True)
    return torch.cat(logits), torch.cat(features)


def _cut_before_last_linear(model: DigitClassifier) -> tuple[nn.Sequential, nn.Sequential]:
    modules = list(pooled_first(model.network))
    last = max(place for place, module in enumerate(modules) if isinstance(module, nn.Linear))
    return nn.Sequential(model.scaling, *modules[:last]), nn.Sequential(*modules[last:])


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Return the temperature T, 0.05 to 20, for which softmax(`logits` [N, C] / T) fits `labels` [N] best.

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017).
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        normal = np.log(np.exp(scaled).sum(axis=1))
        return float((normal - scaled[np.arange(len(labels)), labels]).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(best.x))
