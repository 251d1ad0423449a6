"""How well a model does on a split: predictions, accuracy, confusion matrix, metrics per class, errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Split

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier


@dataclass(frozen=True)
class ClassMetrics:
    """One class's precision, recall and F1, 0 to 1 (0 where undefined), and its number of images."""

    digit: int
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's answers for N images: true labels [N], probabilities [N, classes] and losses [N] (nats)."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    losses: NDArray[np.float64]

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The most probable class of each image, [N]."""
        likeliest: NDArray[np.int64] = self.probabilities.argmax(1)
        return likeliest

    @property
    def accuracy(self) -> float:
        """Correct / all, 0 to 1."""
        return float((self.predictions == self.labels).mean())

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return float(self.losses.mean())

    @cached_property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """Counts [classes, classes]: `confusion_matrix[true, predicted]`.

        Counted here, as importing scikit-learn for it takes a second and 77 MB.
        """
        classes = self.probabilities.shape[1]
        counts = np.bincount(classes * self.labels + self.predictions, minlength=classes**2)
        return counts.reshape(classes, classes)

    @cached_property
    def per_class(self) -> list[ClassMetrics]:
        """Metrics of each class, in the order of the labels."""
        right = self.confusion_matrix.diagonal()
        read, images = self.confusion_matrix.sum(0), self.confusion_matrix.sum(1)
        precision, recall = right / np.maximum(read, 1), right / np.maximum(images, 1)
        f1 = 2 * right / np.maximum(read + images, 1)
        columns = (column.tolist() for column in (precision, recall, f1, images))
        return [ClassMetrics(*row) for row in zip(range(len(images)), *columns, strict=True)]

    @cached_property
    def errors(self) -> NDArray[np.int64]:
        """Indices of the misclassified images, largest loss first."""
        return self._largest_loss_first(self.predictions != self.labels)

    @cached_property
    def worst(self) -> NDArray[np.int64]:
        """Indices of all images, largest loss first."""
        return self._largest_loss_first(np.ones(len(self.labels), bool))

    def cell(self, true: int, predicted: int) -> NDArray[np.int64]:
        """Indices of the images counted in `confusion_matrix[true, predicted]`, largest loss first."""
        return self._largest_loss_first((self.labels == true) & (self.predictions == predicted))

    def _largest_loss_first(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        indices = np.flatnonzero(chosen)
        return indices[np.argsort(-self.losses[indices], kind="stable")]


def evaluate(model: DigitClassifier, split: Split) -> Evaluation:
    """Evaluate `model` on every image of `split`, in evaluation mode."""
    import torch
    import torch.nn.functional as F

    from mnist_core.models.inference import predict_logits

    labels = torch.from_numpy(split.labels).long()
    log_probabilities = predict_logits(model, torch.from_numpy(split.images)).double().log_softmax(1)
    losses = F.nll_loss(log_probabilities, labels, reduction="none")
    return Evaluation(labels.numpy(), log_probabilities.exp().numpy(), losses.numpy())
