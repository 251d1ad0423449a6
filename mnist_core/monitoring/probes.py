"""Probes of a network during training: gradients, weights, dead units, predictions; and their file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WATCHED = 12
PROBES_FILE = "probes.jsonl"
USUAL_RATIO = 1e-3  # of an update to its weights, by the rule of thumb of Stanford's CS231n


@dataclass(frozen=True)
class Probe:
    """Measurements after `step` steps, on a few fixed images that the network doesn't learn from.

    Each tuple has one entry per layer with parameters (`models.summary.learning_layers`): the norms of its
    gradient and of its weights, and the share of its ReLU units, 0 to 1, that are zero for every image (a
    feature map is a unit; None for a layer without ReLU). `probabilities` are those of the watched digits,
    float32 [12, C]. `update_ratios` are the norm of one step's change of each layer, divided by the layer's
    norm before that step; empty where no step was measured. `own_probabilities` are those of the digit that
    the run's owner drew before it began; empty where they drew none.
    """

    step: int
    gradient_norms: tuple[float, ...]
    weight_norms: tuple[float, ...]
    dead_shares: tuple[float | None, ...]
    probabilities: np.ndarray
    update_ratios: tuple[float, ...] = ()
    own_probabilities: tuple[float, ...] = ()

    def to_json(self) -> str:
        """Return it as a line of JSON; probabilities to four digits."""
        values = {**vars(self), "probabilities": np.round(self.probabilities.astype(float), 4).tolist()}
        values["own_probabilities"] = [round(share, 4) for share in self.own_probabilities]
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> Probe:
        """Read a line of `to_json`; ValueError, KeyError or TypeError for anything else."""
        values = json.loads(line)
        lists = {name: tuple(values[name]) for name in ("gradient_norms", "weight_norms", "dead_shares")}
        probabilities = np.array(values["probabilities"], np.float32)
        ratios, own = tuple(values.get("update_ratios", ())), tuple(values.get("own_probabilities", ()))
        return cls(
            int(values["step"]),
            **lists,
            probabilities=probabilities,
            update_ratios=ratios,
            own_probabilities=own,
        )


def watched_digits(labels: np.ndarray) -> np.ndarray:
    """Return the indices of the 12 images to watch: the first of each class, then the next ones.

    Of more classes than 12, some are watched, from the first to the last. `labels` are those of the monitored
    images, integers [N].
    """
    classes = np.unique(labels)
    if len(classes) > WATCHED:
        classes = classes[np.linspace(0, len(classes) - 1, WATCHED).round().astype(int)]
    firsts = [int(np.argmax(labels == label)) for label in classes]
    others = [index for index in range(min(len(labels), 2 * WATCHED)) if index not in firsts]
    return np.array([*firsts, *others][:WATCHED], dtype=np.int64)


def read_probes(folder: Path) -> list[Probe]:
    """Read the probes in a run's folder, up to the first incomplete line."""
    file = folder / PROBES_FILE
    probes: list[Probe] = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            probes.append(Probe.from_json(line))
        except (ValueError, KeyError, TypeError):
            break
    return probes
