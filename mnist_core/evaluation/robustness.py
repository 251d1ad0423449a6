"""Accuracy of a model on corrupted and adversarial images, and the file that keeps it with a run."""

from __future__ import annotations

import csv
import io
import json
import timeit
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Split
from mnist_core.evaluation.adversarial import ATTACKS, Attack, attack
from mnist_core.evaluation.corruptions import CORRUPTIONS, Corruption, corrupt
from mnist_core.messages import N_, InputError
from mnist_core.runtime.files import write_whole

if TYPE_CHECKING:
    import torch

    from mnist_core.models.modules import DigitClassifier

DISTURBANCES: dict[str, Corruption | Attack] = {**CORRUPTIONS, **ATTACKS}
"""The corruptions and attacks, in the order in which they are measured."""

IMAGES = 500  # the pretrained model takes 46 s of one core
ATTACK_STEPS = 40  # for each image, about: 5 of FGSM, and those of PGD's 50 before the model errs
BATCH = 50  # images between two reports; an attack on more takes more memory


@dataclass(frozen=True)
class Robustness:
    """Accuracies, 0 to 1, on the same `images` images: `clean` unchanged, and under each disturbance.

    `accuracies[name]` has one for each of DISTURBANCES[name].strengths, the first being `clean`; fewer, and
    not for every name, while it is measured or when it was stopped.
    """

    images: int
    seed: int
    clean: float
    accuracies: dict[str, tuple[float, ...]]

    def score(self, name: str) -> float | None:
        """Mean accuracy over a disturbance's strengths above 0; None until all of them are measured."""
        measured = self.accuracies.get(name, ())
        return float(np.mean(measured[1:])) if len(measured) == len(DISTURBANCES[name].strengths) else None

    @property
    def complete(self) -> bool:
        """Whether every disturbance was measured at every strength."""
        return all(self.score(name) is not None for name in DISTURBANCES)

    def standard_error(self, accuracy: float) -> float:
        """Return the binomial standard error of an accuracy on `images` images; a score's is at most this."""
        return float(np.sqrt(accuracy * (1 - accuracy) / self.images))


def chosen_images(split: Split, images: int = IMAGES) -> NDArray[np.int64]:
    """Return the indices of the images to measure on: `images` of them, evenly spaced over the split.

    MNIST's test set begins with the tidier writers, on whom the accuracy would be too high.
    """
    count = min(images, len(split))
    return np.arange(count) * len(split) // count


def measure_robustness(
    model: DigitClassifier, split: Split, images: int = IMAGES, seed: int = 0
) -> Iterator[tuple[float, Robustness]]:
    """Yield the fraction done, 0 to 1, and the result so far; the caller stops by leaving the loop.

    The first result has the accuracy on unchanged images; the others follow every 50 images. Random draws
    restart from `seed` at each strength, so an image is turned the same way at each, and no result depends
    on which others were measured. Raises InputError if `images` is below 1.
    """
    import torch

    if images < 1:
        raise InputError(N_("Robustness needs 1 image or more, not {images}."), images=images)
    chosen = chosen_images(split, images)
    subset = Split(split.images[chosen], split.labels[chosen])
    clean = sum(_count_right(model, part, part.images) for part in _batches(subset)) / len(subset)
    result = Robustness(len(subset), seed, clean, {})
    points = [(name, strength) for name, trial in DISTURBANCES.items() for strength in trial.strengths[1:]]
    total, done = sum(_cost(name) for name, _ in points) * len(subset), 0
    for name, strength in points:
        generator, right = torch.Generator().manual_seed(seed), 0
        for part in _batches(subset):
            yield done / total, result
            right += _count_right(model, part, disturb(model, part, name, strength, generator))
            done += _cost(name) * len(part)
        so_far = result.accuracies.get(name, (clean,))
        result = replace(result, accuracies={**result.accuracies, name: (*so_far, right / len(subset))})
    yield 1.0, result


def estimate_seconds(model: DigitClassifier, split: Split) -> float:
    """Estimate the seconds that `measure_robustness` takes per image on this machine.

    Inference and one attack step are timed on a batch; the best of three counts, as the machine may be busy.
    """
    import torch

    batch = next(_batches(split))
    draws = torch.Generator().manual_seed(0)
    read = _seconds(lambda: _count_right(model, batch, batch.images))
    step = _seconds(lambda: disturb(model, batch, "fgsm", 8, draws))
    points = sum(len(trial.strengths) - 1 for trial in DISTURBANCES.values())
    return (points * read + ATTACK_STEPS * step) / len(batch)


def _seconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=1, repeat=3))


def examples(model: DigitClassifier, split: Split, name: str, index: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return image `index` of `split` at each strength of a disturbance, uint8 [strengths, 28, 28].

    The first is the image itself. Random draws are the same at each strength and repeat with `seed`. An
    attack is one on `model`.
    """
    import torch

    one = split[index : index + 1]
    generators = (torch.Generator().manual_seed(seed) for _ in DISTURBANCES[name].strengths)
    strengths = zip(DISTURBANCES[name].strengths, generators, strict=True)
    return np.concatenate([disturb(model, one, name, strength, draws) for strength, draws in strengths])


def disturb(
    model: DigitClassifier, split: Split, name: str, strength: float, generator: torch.Generator
) -> NDArray[np.uint8]:
    """Return the images of `split` under DISTURBANCES[name], uint8 [N, 28, 28]; attacks are on `model`."""
    import torch

    images = torch.from_numpy(split.images)
    if name in CORRUPTIONS:
        return corrupt(images, name, strength, generator).numpy()
    labels = torch.from_numpy(split.labels).long()
    return attack(model, images, labels, name, strength, generator).numpy()


def _batches(split: Split) -> Iterator[Split]:
    return (split[start : start + BATCH] for start in range(0, len(split), BATCH))


def _count_right(model: DigitClassifier, split: Split, images: NDArray[np.uint8]) -> int:
    import torch

    from mnist_core.models.inference import predict_logits

    answers = predict_logits(model, torch.from_numpy(images), BATCH).argmax(1).numpy()
    return int((answers == split.labels).sum())


def _cost(name: str) -> int:
    """How long a disturbance takes for an image, in multiples of one inference."""
    return ATTACKS[name].cost if name in ATTACKS else 1


ROBUSTNESS_FILE = "robustness.json"
MOST_KEPT = 20  # measurements of a run, each about 3 KB
COLUMNS = ("weights", "data", "split", "trial", "unit", "strength", "accuracy", "images", "seed")


class MeasurementKey(NamedTuple):
    """What was measured: a checkpoint (`weights`, its file name without ending) on `images` images.

    The images are of `split` ("train", "validation", "test") of `source` ("mnist", "sample"); `seed` is that
    of the random draws.
    """

    weights: str
    source: str
    split: str
    images: int
    seed: int


def save_robustness(folder: Path, measured: MeasurementKey, result: Robustness) -> None:
    """Add a complete result to a run's file; raises OSError where the file can't be written."""
    key = _key(measured)
    others = {name: entry for name, entry in _entries(folder).items() if name != key}
    entries = {**others, key: {**asdict(result), "strengths": _strengths()}}
    latest = dict(list(entries.items())[-MOST_KEPT:])
    write_whole(folder / ROBUSTNESS_FILE, (json.dumps(latest) + "\n").encode())


def load_robustness(folder: Path) -> dict[MeasurementKey, Robustness]:
    """Return the stored results, oldest first, without damaged ones and those with other strengths."""
    found = {}
    for key, entry in _entries(folder).items():
        try:
            found[_measured(key)] = _result(entry)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def strengths_csv(results: Mapping[MeasurementKey, Robustness]) -> str:
    """Return one CSV row for each measured disturbance and strength, with the seed that repeats it."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for measured, result in results.items():
        for name, accuracies in result.accuracies.items():
            trial = DISTURBANCES[name]
            for strength, accuracy in zip(trial.strengths, accuracies, strict=False):
                row = name, trial.unit, strength, accuracy, result.images, result.seed
                writer.writerow([*measured[:3], *row])
    return file.getvalue()


def _key(measured: MeasurementKey) -> str:
    return " ".join(map(str, measured))


def _measured(key: str) -> MeasurementKey:
    weights, source, split, images, seed = key.split(" ")
    return MeasurementKey(weights, source, split, int(images), int(seed))


def _result(entry: dict[str, Any]) -> Robustness:
    """Return a stored result; ValueError, KeyError or TypeError when it has another form or strengths."""
    accuracies = {name: tuple(map(float, entry["accuracies"][name])) for name in DISTURBANCES}
    result = Robustness(int(entry["images"]), int(entry["seed"]), float(entry["clean"]), accuracies)
    if entry["strengths"] != _strengths() or not result.complete:
        raise ValueError
    return result


def _entries(folder: Path) -> dict[str, Any]:
    try:
        entries = json.loads((folder / ROBUSTNESS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _strengths() -> dict[str, list[float]]:
    return {name: list(trial.strengths) for name, trial in DISTURBANCES.items()}
