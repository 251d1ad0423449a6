"""A model's logits for many images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mnist_core.model import DigitClassifier


def predict_logits(model: DigitClassifier, images: Tensor, batch_size: int = 100) -> Tensor:
    """Logits [N, 10], float32 on the CPU, for uint8 `images` [N, 28, 28], in evaluation mode.

    The model keeps the mode (training or evaluation) it came in.
    """
    was_training = model.training
    device = next(model.parameters()).device
    logits = torch.empty(len(images), 10)  # small tensors kept between large ones would break up the heap
    model.eval()
    try:
        with torch.inference_mode():
            for part, batch in zip(logits.split(batch_size), images.split(batch_size), strict=True):
                part.copy_(model(batch.to(device)))
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
