"""Changes of a run's settings and number of epochs, each with the step from which it applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mnist_core.choices import ARCHITECTURES, OPTIMIZERS
from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message

STEERED = ("learning_rate", "momentum", "weight_decay", "dropout", "label_smoothing", "augmentation")
"""The settings that can be changed while a run trains, as the network's weights stay the same with them."""


@dataclass(frozen=True)
class ScheduledChange:
    """From `step` completed steps on: these settings of TrainConfig, and a schedule over `epochs` epochs."""

    step: int
    learning_rate: float
    epochs: int
    momentum: float
    weight_decay: float
    dropout: float
    label_smoothing: float
    augmentation: str

    def applied_to(self, config: TrainConfig) -> TrainConfig:
        """Return a run's settings with the changed ones; its epochs are not changed."""
        return replace(config, **self.steered)

    @property
    def steered(self) -> dict[str, Any]:
        """The settings in STEERED by name."""
        return {name: getattr(self, name) for name in STEERED}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; `change_from_json` reads them."""
        return asdict(self)


ChangeSchedule = tuple[ScheduledChange, ...]


def change_from_json(values: Mapping[str, Any], config: TrainConfig) -> ScheduledChange:
    """Read a change of a run with these settings; TypeError for an unknown one.

    Versions 0.1 and 0.2 wrote only step, learning rate and epochs; the other settings are the config's.
    """
    return ScheduledChange(**{**initial_changes(config)[0].to_json(), **values})


def initial_changes(config: TrainConfig) -> ChangeSchedule:
    """Return the changes of a new run: its config's settings and epochs, from step 0."""
    return (ScheduledChange(0, epochs=config.epochs, **{name: getattr(config, name) for name in STEERED}),)


def change_at(changes: Sequence[ScheduledChange], step: int) -> ScheduledChange:
    """Return the change that applies to the next step after `step` completed ones."""
    return next(change for change in reversed(changes) if change.step <= step)


def add_change(changes: ChangeSchedule, step: int, **settings: Any) -> ChangeSchedule:
    """Return the changes with a new one after `step` steps; later changes are dropped.

    `settings` are some of STEERED and "epochs"; the others stay. Without a difference nothing is added.
    """
    now = change_at(changes, step)
    changed = replace(now, step=step, **settings)
    same = replace(changed, step=now.step) == now
    kept = tuple(change for change in changes if change.step < step or (same and change.step == step))
    return kept if same else (*kept, changed)


def differences(config: TrainConfig, changes: ChangeSchedule) -> list[tuple[int, dict[str, Any]]]:
    """Return the steps at which a run was changed, each with the settings that are different from there on.

    `config` has the settings that it began with. "epochs" is among them if the run was continued for more.
    """
    before = replace(initial_changes(config)[0], epochs=changes[0].epochs).to_json()
    found: list[tuple[int, dict[str, Any]]] = []
    for change in changes:
        after = change.to_json()
        step = after.pop("step")
        different = {name: value for name, value in after.items() if value != before[name]}
        if different:
            found.append((step, different))
        before = after
    return found


def why_fixed(setting: str, config: TrainConfig) -> Message | None:
    """Say why a setting can't be changed while a run with this config trains; None if it can."""
    if setting not in STEERED:
        return Message(N_("{setting} can't be changed while a run trains."), {"setting": setting})
    if setting == "momentum" and not OPTIMIZERS[config.optimizer].uses_momentum:
        return Message(
            N_("{optimizer} has no momentum to set."),
            {"optimizer": Message(OPTIMIZERS[config.optimizer].label)},
        )
    if setting == "dropout" and not _has_hidden_layer(config):
        return Message(N_("Dropout needs a fully connected hidden layer, which this network lacks."))
    if setting == "label_smoothing" and config.loss == "nll":
        return Message(N_("Label smoothing needs the cross-entropy loss; this run has NLL."))
    return None


def check_change(config: TrainConfig, settings: Mapping[str, Any]) -> TrainConfig:
    """Return the config with `settings` changed while its run trains.

    Raises InputError for a setting that can't be changed then, and for a bad value.
    """
    for name in settings:
        if reason := why_fixed(name, config):
            raise InputError(reason.template, **reason.values)
    return TrainConfig.from_json({**config.to_json(), **settings})


def _has_hidden_layer(config: TrainConfig) -> bool:
    if ARCHITECTURES[config.architecture].uses_widths:
        return bool(config.widths)
    return config.architecture != "softmax"
