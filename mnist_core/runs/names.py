"""Names of runs: the recipe that a run began from, and what differs from it, in a few short words.

"Tutorial 3, 6x64 Sigmoid, lr 5". The command line shows the same names as the pages, which translate them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from mnist_core.choices import (
    ACTIVATIONS,
    ARCHITECTURES,
    AUGMENTATIONS,
    INITIALIZATIONS,
    INPUT_SCALINGS,
    OPTIMIZERS,
    SCHEDULES,
)
from mnist_core.config import TrainConfig
from mnist_core.dataset_choices import DATASETS
from mnist_core.messages import N_, Message
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import PRETRAINED_ID, Run

MOST_CHANGES = 3  # in a name; the seed comes on top
BROUGHT_BY_DATASET = ("train_size", "validation_size", "written_share")
LONGEST_SLUG = 40  # characters
OF_HIDDEN_LAYERS = ("activation", "dropout", "batch_norm")
PRETRAINED_NAME = N_("Pretrained model")


@dataclass(frozen=True)
class RunName:
    """A run's name: the one it was `given`, else its `origin` and its `changes` from that.

    `number` is above 1 for a run that would otherwise have the name of an older one.
    """

    given: str
    origin: Message
    changes: tuple[Message, ...] = ()
    number: int = 1

    def __str__(self) -> str:
        return self.text(str, ", ")

    def text(self, translate: Callable[[Message], str], separator: str) -> str:
        """Return the name, its parts translated and with a separator between them."""
        name = self.given or separator.join(map(translate, (self.origin, *self.changes)))
        return name if self.number == 1 else f"{name} ({self.number})"


def run_names(runs: Iterable[Run], everyones: Iterable[Run] = (), visitor: str = "") -> dict[str, RunName]:
    """Return the names of `runs` by id, no two alike.

    Equal runs of one owner have numbers: a run keeps the number that it was created with; runs without one
    are numbered by age. Numbers also differ from those of the owner's other runs in `everyones`, so that a
    run keeps its name when others are deleted, and in another visitor's list. If a list holds runs of several
    owners with one name, those that the `visitor` doesn't own get other numbers in this list.
    """
    return _run_names(tuple(map(_Named.of, runs)), tuple(map(_Named.of, everyones)), visitor)


def name_of_new(new: Run, others: Iterable[Run]) -> RunName:
    """Return the name of a new run that no other run of its owner has."""
    return run_names([new, *(run for run in others if run.metadata.owner == new.metadata.owner)])[new.id]


class _Named(NamedTuple):
    """What a run's name depends on."""

    id: str
    created: str
    owner: str
    given: str
    config: TrainConfig
    number: int
    numbered: str

    @classmethod
    def of(cls, run: Run) -> _Named:
        known = run.metadata
        return cls(run.id, run.created, known.owner, known.name, run.config, known.number, known.numbered)


@lru_cache(maxsize=32)  # pages name all runs at every click, and they seldom change
def _run_names(runs: tuple[_Named, ...], everyones: tuple[_Named, ...], visitor: str) -> dict[str, RunName]:
    listed = {run.id: run for run in runs}
    owners = {run.owner for run in listed.values()}
    by_owner = defaultdict(list)
    for run in _oldest_first({run.id: run for run in everyones} | listed):
        if run.owner in owners:
            by_owner[run.owner].append(run)
    names = {run_id: name for owned in by_owner.values() for run_id, name in _names_apart(owned).items()}
    taken: set[str] = set()
    own_first = sorted(_oldest_first(listed), key=lambda run: run.owner != visitor)
    return {run.id: _numbered(names[run.id], taken) for run in own_first}


def _oldest_first(runs: Mapping[str, _Named]) -> list[_Named]:
    return sorted(runs.values(), key=lambda run: (run.created, run.id))


def _names_apart(runs: Sequence[_Named]) -> dict[str, RunName]:
    """Return the names of one owner's runs, oldest first, no two alike."""
    alike = defaultdict(list)
    for run in runs:
        alike[str(_name(run))].append(run)
    names = {run.id: _name(run, _differing(group)) for group in alike.values() for run in group}
    kept = {run.id for run in runs if run.numbered == str(names[run.id])}
    names |= {run.id: replace(names[run.id], number=run.number) for run in runs if run.id in kept}
    taken: set[str] = set()
    return {
        run.id: _numbered(names[run.id], taken) for run in sorted(runs, key=lambda run: run.id not in kept)
    }


def _differing(runs: Sequence[_Named]) -> frozenset[str]:
    """Return the settings that differ between runs, which the names of these runs must mention."""
    if len(runs) == 1:
        return frozenset()
    return frozenset(
        field
        for field in TrainConfig.__dataclass_fields__
        if len({getattr(r.config, field) for r in runs}) > 1
    )


def _name(run: _Named, first: frozenset[str] = frozenset()) -> RunName:
    if run.id == PRETRAINED_ID:
        return RunName("", Message(PRETRAINED_NAME))
    return RunName(run.given, origin_label(run.config), tuple(changes_in_words(run.config, first)))


def _numbered(name: RunName, taken: set[str]) -> RunName:
    """Return the name with the lowest number that no name in `taken` has, and add it to `taken`."""
    while str(name) in taken:
        name = replace(name, number=name.number + 1)
    taken.add(str(name))
    return name


def origin_label(config: TrainConfig) -> Message:
    """Return the label of the recipe that settings began from; without one, the architecture's."""
    entry = RECIPES.get(config.recipe) or ARCHITECTURES[config.architecture]
    return Message(entry.label)


def settings_name(config: TrainConfig) -> RunName:
    """Return the name of settings without their seed."""
    origin_seed = RECIPES[config.recipe].config.seed if config.recipe in RECIPES else TrainConfig.seed
    changes = changes_in_words(replace(config, seed=origin_seed))
    return RunName("", origin_label(config), tuple(changes))


def title(config: TrainConfig) -> str:
    """Return the English name of settings and seed."""
    return str(RunName("", origin_label(config), tuple(changes_in_words(config))))


def slug(config: TrainConfig) -> str:
    """Return the recipe and what differs from it for a file name: "tutorial-3-lr-5"."""
    if config.recipe not in RECIPES:
        return config.recipe
    words = re.sub(r"[^a-z0-9.]+", "-", " ".join(map(str, changes_in_words(config))).lower())
    return f"{config.recipe}-{words}"[:LONGEST_SLUG].strip("-.")


def changed_settings(config: TrainConfig) -> list[str]:
    """Return the settings that differ from the recipe (without one, from the defaults) and are used."""
    return list(_changed(config))


@lru_cache(maxsize=4096)
def _changed(config: TrainConfig) -> tuple[str, ...]:
    origin = _origin(config)
    return tuple(
        field for field, value in origin.items() if is_used(field, config) and getattr(config, field) != value
    )


def _origin(config: TrainConfig) -> dict[str, Any]:
    """Return the settings to compare with: the recipe's, or the defaults for settings of no recipe.

    A data set implies its numbers of images, another architecture its own layers, another optimizer its usual
    learning rate; these don't count as changes.
    """
    known = config.recipe in RECIPES
    began = RECIPES[config.recipe].config if known else TrainConfig()
    origin = dict(vars(began))
    del origin["recipe"]
    if config.dataset != began.dataset:
        brought = began.on_dataset(config.dataset)
        origin |= {name: getattr(brought, name) for name in BROUGHT_BY_DATASET}
    if config.architecture != origin["architecture"]:
        entry = ARCHITECTURES[config.architecture]
        origin |= {name: getattr(entry, name) for name in ("widths", "channels", "batch_norm")}
    if config.optimizer != origin["optimizer"]:
        origin["learning_rate"] = OPTIMIZERS[config.optimizer].learning_rate
    return origin if known else origin | {"architecture": config.architecture}


def is_used(field: str, config: TrainConfig) -> bool:
    """Return whether the network and the optimizer of a config use a setting."""
    architecture = ARCHITECTURES[config.architecture]
    if field == "channels":
        return architecture.stages is not None
    if field == "widths":
        return architecture.uses_widths
    if field == "momentum":
        return OPTIMIZERS[config.optimizer].uses_momentum
    return config.architecture != "softmax" or field not in OF_HIDDEN_LAYERS


def changes_in_words(config: TrainConfig, first: frozenset[str] = frozenset()) -> list[Message]:
    """Return what differs from the origin in short words, at most MOST_CHANGES and the seed.

    Settings in `first` are all named, before the others.
    """
    changed = _changed(config)
    groups = [[field for field in group if field in changed] for group in _GROUPS]
    groups += [[field] for field in changed if field not in _GROUPED]
    groups = sorted(filter(None, groups), key=lambda group: not first.intersection(group))
    groups.sort(key=lambda group: group != ["dataset"])  # the data set comes first
    most = max(MOST_CHANGES, sum(bool(first.intersection(group)) for group in groups))
    hidden = len(groups) - most
    words = [_joined([_words(field, config) for field in group]) for group in groups[:most]]
    if hidden > 0:
        words.append(Message(N_("and {count} more"), {"count": hidden}))
    return [*words, *([_words("seed", config)] if "seed" in changed else [])]


_GROUPS = (("architecture", "channels", "widths", "activation"),)  # "6x64 Sigmoid" counts as one change
_GROUPED = (*_GROUPS[0], "seed")


def _joined(words: Sequence[Message]) -> Message:
    template = " ".join(f"{{part{place}}}" for place in range(len(words)))
    return Message(template, {f"part{place}": word for place, word in enumerate(words)})


def _words(field: str, config: TrainConfig) -> Message:
    """Return one setting in a word or two."""
    value = getattr(config, field)
    special = _SPECIAL.get((field, value)) if isinstance(value, str | bool | int | float) else None
    if special:
        return Message(special)
    if field in _LABELS:
        return _LABELS[field](value)
    if field == "widths" and value and config.architecture != "mlp":
        return Message(N_("dense {layers}"), {"layers": _sizes(value)})
    return _TEMPLATES[field](value) if field in _TEMPLATES else Message(f"{field} {value}".replace("_", " "))


def _sizes(sizes: Sequence[int]) -> str:
    """Return the sizes of layers: "6x64" for six equal ones, "128-5x256", else "128-64"."""
    groups = [(size, len(list(same))) for size, same in groupby(sizes)]
    few = 0 if len(groups) == 1 else 2  # so many equal ones are written one by one
    return "-".join(f"{n}x{size}" if n > few else "-".join([str(size)] * n) for size, n in groups)


def _figure(value: float) -> str:
    """Return a number in decimal notation: 0.00001, not 1e-05."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _labelled(registry: Mapping[str, Any], template: str = "") -> Callable[[Any], Message]:
    def words(value: str) -> Message:
        label = Message(registry[value].label)
        return Message(template, {"label": label}) if template else label

    return words


def _filled(template: str) -> Callable[[Any], Message]:
    """Return a function that fills a template's {value} in: an int as it is, a float by `_figure`."""
    return lambda value: Message(template, {"value": value if isinstance(value, int) else _figure(value)})


_SPECIAL: dict[tuple[str, object], str] = {
    ("activation", "none"): N_("no activation"),
    ("batch_norm", True): N_("batch norm"),
    ("batch_norm", False): N_("no batch norm"),
    ("shuffle", True): N_("shuffled"),
    ("shuffle", False): N_("not shuffled"),
    ("loss", "nll"): N_("NLL loss"),
    ("loss", "cross_entropy"): N_("cross-entropy"),
    ("monitor", "test"): N_("test set monitored"),
    ("monitor", "validation"): N_("validation set monitored"),
    ("precision", "auto"): N_("automatic precision"),
    ("augmentation", "none"): N_("no augmentation"),
    ("initialization", "default"): N_("default initialization"),
    ("gradient_clipping", 0.0): N_("no clipping"),
    ("epochs", 1): N_("1 epoch"),
    ("train_size", 1): N_("1 image"),
    ("validation_size", 1): N_("1 validation image"),
}
_LABELS: dict[str, Callable[[Any], Message]] = {
    "dataset": _labelled(DATASETS),
    "architecture": _labelled(ARCHITECTURES),
    "activation": _labelled(ACTIVATIONS),
    "initialization": _labelled(INITIALIZATIONS, N_("initialization: {label}")),
    "optimizer": _labelled(OPTIMIZERS),
    "schedule": _labelled(SCHEDULES, N_("schedule: {label}")),
    "augmentation": _labelled(AUGMENTATIONS, N_("augmentation: {label}")),
    "input_scaling": _labelled(INPUT_SCALINGS, N_("input {label}")),
}
_TEMPLATES: dict[str, Callable[[Any], Message]] = {
    "widths": lambda sizes: Message(_sizes(sizes)) if sizes else Message(N_("no hidden layer")),
    "channels": lambda sizes: Message(N_("channels {layers}"), {"layers": _sizes(sizes)}),
    "dropout": _filled(N_("dropout {value}")),
    "learning_rate": _filled(N_("lr {value}")),
    "momentum": _filled(N_("momentum {value}")),
    "weight_decay": _filled(N_("weight decay {value}")),
    "gradient_clipping": _filled(N_("clipping {value}")),
    "label_smoothing": _filled(N_("label smoothing {value}")),
    "batch_size": _filled(N_("batch size {value:,}")),
    "epochs": _filled(N_("{value:,} epochs")),
    "train_size": _filled(N_("{value:,} images")),
    "validation_size": _filled(N_("{value:,} validation images")),
    "written_share": _filled(N_("synthetic digits {value}")),
    "precision": Message,
    "seed": _filled(N_("seed {value}")),
}
