"""Search spaces: which settings a search varies, within which ranges, and the presets to begin from.

A dimension has the name of a field of TrainConfig, or of DERIVED: `layers` and `units` are the number and
the width of hidden layers, `channel_factor` multiplies the channels of all convolutional stages, and
`rate_factor` the usual learning rate of the optimizer, whichever it is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from mnist_core.choices import ARCHITECTURES, CHOICES, OPTIMIZERS
from mnist_core.config import FIELD_RANGES, MAX_LAYERS, NO_RECIPE, TrainConfig, check_choice, check_range
from mnist_core.messages import N_, InputError

if TYPE_CHECKING:
    from optuna import Trial

Value = float | str | bool
DIGITS = 3  # significant digits of a drawn fraction: more would only make names longer
GRID_POINTS = 4  # values of a range in a grid
RATE_BELOW, RATE_ABOVE = 100, 20  # times the optimizer's usual learning rate
FACTOR_RANGE = (1 / 16, 16.0)  # of channel_factor


@dataclass(frozen=True)
class NumberRange:
    """A setting between `low` and `high`, both included; `whole` numbers only, or evenly by logarithm."""

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: Trial) -> Value:
        """Have the sampler choose a value."""
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return _rounded(trial.suggest_float(self.name, self.low, self.high, log=self.log))

    def grid(self) -> list[Value]:
        """Return GRID_POINTS values from `low` to `high`, or all if there are fewer."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        places = [low + (high - low) * part / (GRID_POINTS - 1) for part in range(GRID_POINTS)]
        values = [math.exp(place) if self.log else place for place in places]
        if self.whole:
            return list(dict.fromkeys(min(max(round(v), int(self.low)), int(self.high)) for v in values))
        return list(dict.fromkeys(min(max(_rounded(value), self.low), self.high) for value in values))

    def contains(self, value: object) -> bool:
        """Whether a value may be chosen."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def text(self) -> str:
        """Return it as `parse_dimension` reads it."""
        return f"{self.name}={self.low:g}:{self.high:g}"


@dataclass(frozen=True)
class Options:
    """A setting with one of several values."""

    name: str
    values: tuple[Value, ...]

    def suggest(self, trial: Trial) -> Value:
        """Have the sampler choose a value."""
        return cast(Value, trial.suggest_categorical(self.name, self.values))

    def grid(self) -> list[Value]:
        """Return all values."""
        return list(self.values)

    def contains(self, value: object) -> bool:
        """Whether a value may be chosen."""
        return value in self.values

    def text(self) -> str:
        """Return it as `parse_dimension` reads it."""
        words = (
            str(value).lower() if isinstance(value, bool) else _option_text(value) for value in self.values
        )
        return f"{self.name}={','.join(words)}"


Dimension = NumberRange | Options


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _option_text(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


@dataclass(frozen=True)
class Preset:
    """Settings that are usually searched together; `description` is one sentence about them."""

    label: str
    description: str
    names: tuple[str, ...]


_RATE, _SIZE = ("learning_rate", "batch_size"), ("layers", "units", "channel_factor")
DERIVED = (*_SIZE, "rate_factor")
_AGAINST_OVERFITTING = ("dropout", "weight_decay", "label_smoothing", "augmentation")
PRESETS: dict[str, Preset] = {
    "rate": Preset(
        N_("Learning rate and batch size"),
        N_("How large each step is, and from how many images: what matters most in a short training."),
        _RATE,
    ),
    "size": Preset(
        N_("Network size"),
        N_("How many layers the network has and how wide they are: more learn more, and train slower."),
        _SIZE,
    ),
    "regularisation": Preset(
        N_("Regularisation"),
        N_("What keeps a network from learning its training images by heart; it pays in long trainings."),
        _AGAINST_OVERFITTING,
    ),
    "all": Preset(
        N_("All of them"),
        N_(
            "All of the above and the optimizer at once, and the learning rate as a multiple of its usual "
            "one: it is surest with 50 trials or more."
        ),
        ("rate_factor", "batch_size", "optimizer", *_SIZE, *_AGAINST_OVERFITTING),
    ),
}
_DEFAULTS: dict[str, Callable[[TrainConfig], Dimension]] = {
    "learning_rate": lambda base: NumberRange(
        "learning_rate", _usual_rate(base) / RATE_BELOW, _usual_rate(base) * RATE_ABOVE, log=True
    ),
    "rate_factor": lambda base: NumberRange("rate_factor", 1 / RATE_BELOW, RATE_ABOVE, log=True),
    "batch_size": lambda base: NumberRange("batch_size", 8, 512, log=True, whole=True),
    "optimizer": lambda base: Options("optimizer", ("sgd", "momentum", "adam", "adamw")),
    "momentum": lambda base: NumberRange("momentum", 0.5, 0.99),
    "schedule": lambda base: Options("schedule", tuple(CHOICES["schedule"])),
    "layers": lambda base: NumberRange("layers", 0 if _has_channels(base) else 1, 4, whole=True),
    "units": lambda base: NumberRange("units", 16, 512, log=True, whole=True),
    "channel_factor": lambda base: Options("channel_factor", (0.5, 1.0, 2.0)),
    "activation": lambda base: Options("activation", ("sigmoid", "tanh", "relu", "gelu")),
    "initialization": lambda base: Options(
        "initialization", ("default", "xavier_uniform", "kaiming_uniform")
    ),
    "batch_norm": lambda base: Options("batch_norm", (False, True)),
    "dropout": lambda base: NumberRange("dropout", 0.0, 0.6),
    "weight_decay": lambda base: Options("weight_decay", (0.0, 1e-5, 1e-4, 1e-3, 1e-2)),
    "label_smoothing": lambda base: NumberRange("label_smoothing", 0.0, 0.2),
    "augmentation": lambda base: Options("augmentation", ("none", "shift", "affine")),
    "gradient_clipping": lambda base: Options("gradient_clipping", (0.0, 0.5, 1.0, 5.0)),
    "input_scaling": lambda base: Options("input_scaling", tuple(CHOICES["input_scaling"])),
}
SETTINGS = tuple(_DEFAULTS)
"""The names of all dimensions; all other settings of TrainConfig are the same in all trials."""


def applies(name: str, base: TrainConfig) -> bool:
    """Return whether a dimension changes anything in a training with the settings `base`."""
    if name == "channel_factor":
        return _has_channels(base)
    if name in ("layers", "units"):
        return ARCHITECTURES[base.architecture].uses_widths
    if name == "momentum":
        return OPTIMIZERS[base.optimizer].uses_momentum
    return name != "label_smoothing" or base.loss != "nll"


def preset_names(preset: str, base: TrainConfig) -> tuple[str, ...]:
    """Return the dimensions of a preset that apply to `base`; InputError for an unknown preset or none."""
    if preset not in PRESETS:
        raise InputError(
            N_("There is no preset {name!r}; the presets are {known}."), name=preset, known=", ".join(PRESETS)
        )
    names = tuple(name for name in PRESETS[preset].names if applies(name, base))
    if not names:
        raise InputError(N_("This network has no layers to vary; choose another recipe or other settings."))
    return names


def default_space(names: Sequence[str], base: TrainConfig) -> SearchSpace:
    """Return the usual ranges of these dimensions for a search that begins from `base`.

    Raises InputError for an unknown name or one that changes nothing.
    """
    return SearchSpace(tuple(_default(name, base) for name in names))


def _default(name: str, base: TrainConfig) -> Dimension:
    if name not in SETTINGS:
        raise InputError(
            N_("A search can't vary {name!r}; it can vary {known}."), name=name, known=", ".join(SETTINGS)
        )
    if not applies(name, base):
        raise InputError(N_("{name} changes nothing in these trainings; leave it out."), name=name)
    return _DEFAULTS[name](base)


def parse_dimension(text: str, base: TrainConfig) -> Dimension:
    """Parse "learning_rate" (its usual range), "learning_rate=0.001:2" or "optimizer=sgd,adam".

    Raises InputError when it can't be understood.
    """
    name, _, given = (part.strip() for part in text.partition("="))
    usual = _default(name, base)
    if not given:
        return usual
    if ":" in given and isinstance(usual, NumberRange):
        low, high = (_number(name, part, usual.whole) for part in given.split(":", 1))
        return replace(usual, low=low, high=high)
    values = tuple(_option(name, part.strip(), usual) for part in given.split(",") if part.strip())
    return Options(name, values)


def _number(name: str, text: str, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise InputError(
            N_("{name} can't be {value!r}; write a range like 0.001:0.1."), name=name, value=text
        ) from None


def _option(name: str, text: str, usual: Dimension) -> Value:
    if isinstance(usual, NumberRange):
        return _number(name, text, usual.whole)
    example = usual.values[0]
    if isinstance(example, bool):
        return text.lower() in ("true", "yes", "1")
    return _number(name, text, whole=False) if isinstance(example, float) else text


def _usual_rate(config: TrainConfig) -> float:
    return OPTIMIZERS[config.optimizer].learning_rate


def _has_channels(base: TrainConfig) -> bool:
    return ARCHITECTURES[base.architecture].stages is not None


@dataclass(frozen=True)
class SearchSpace:
    """The dimensions of a search. Raises InputError for none, one given twice, or a range that is none."""

    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        names = [dimension.name for dimension in self.dimensions]
        if not names:
            raise InputError(N_("Choose at least one setting to vary."))
        if len(set(names)) < len(names):
            raise InputError(N_("Each setting can be varied once; take out the second range."))
        if {"learning_rate", "rate_factor"} <= set(names):
            raise InputError(N_("Vary the learning rate itself or its factor, not both."))
        for dimension in self.dimensions:
            _check(dimension)

    def suggest(self, trial: Trial) -> dict[str, Value]:
        """Have the sampler choose a value for each dimension."""
        return {dimension.name: dimension.suggest(trial) for dimension in self.dimensions}

    def config(self, base: TrainConfig, values: Mapping[str, Value]) -> TrainConfig:
        """Return the settings `base` with these values; InputError where they don't go together."""
        changed: dict[str, Any] = {name: value for name, value in values.items() if name not in DERIVED}
        if "layers" in values or "units" in values:
            units = int(values.get("units", base.widths[0] if base.widths else 64))
            changed["widths"] = (units,) * int(values.get("layers", len(base.widths) or 1))
        if "channel_factor" in values:
            factor = float(values["channel_factor"])
            changed["channels"] = tuple(max(1, round(count * factor)) for count in base.channels)
        config = replace(base, **changed)
        if "rate_factor" in values:
            rate = _rounded(_usual_rate(config) * float(values["rate_factor"]))
            config = replace(config, learning_rate=rate)
        return config

    def values_of(self, config: TrainConfig) -> dict[str, Value] | None:
        """Return the values that give the settings `config` itself; None where the ranges don't hold them."""
        values: dict[str, Value] = {}
        for dimension in self.dimensions:
            value = _value_of(dimension.name, config)
            if value is None or not dimension.contains(value):
                return None
            values[dimension.name] = value
        return values

    def grid(self, seed: int = 0) -> Iterator[dict[str, Value]]:
        """Yield all combinations of grid values that give different trainings, in an order drawn by `seed`.

        Where a value changes nothing, as the units without hidden layers, only the first is combined. No list
        of them is made: there may be millions.
        """
        return _combinations(self.dimensions, seed)

    def grid_size(self) -> int:
        """Return how many combinations `grid` has."""
        coupled = [dimension for dimension in self.dimensions if dimension.name in _COUPLED]
        others = [dimension for dimension in self.dimensions if dimension.name not in _COUPLED]
        return sum(1 for _ in _combinations(coupled)) * math.prod(len(each.grid()) for each in others)

    def is_finite(self) -> bool:
        """Whether the grid holds every combination there is."""
        return all(isinstance(dimension, Options) for dimension in self.dimensions)

    def text(self) -> str:
        """Return the dimensions as the command line writes them."""
        return " ".join(dimension.text() for dimension in self.dimensions)

    def to_json(self) -> list[dict[str, Any]]:
        """Return it as JSON values; `space_from_json` reads them."""
        return [
            {"name": one.name, "values": list(one.values)} if isinstance(one, Options) else vars(one)
            for one in self.dimensions
        ]


def space_from_json(dimensions: Sequence[Mapping[str, Any]]) -> SearchSpace:
    """Create a space from the output of `to_json`."""
    return SearchSpace(
        tuple(
            Options(one["name"], tuple(one["values"])) if "values" in one else NumberRange(**one)
            for one in dimensions
        )
    )


def what_matters(config: TrainConfig) -> TrainConfig:
    """Return the settings without seed, recipe name and unused momentum: equal ones train the same."""
    momentum = config.momentum if OPTIMIZERS[config.optimizer].uses_momentum else TrainConfig.momentum
    return replace(config, momentum=momentum, recipe=NO_RECIPE, seed=0)


_COUPLED = ("layers", "units", "optimizer", "momentum")


def _combinations(dimensions: Sequence[Dimension], seed: int = 0) -> Iterator[dict[str, Value]]:
    grids = {dimension.name: dimension.grid() for dimension in dimensions}
    for place in _shuffled(math.prod(map(len, grids.values())), seed):
        values, rest = {}, place
        for name, choices in grids.items():
            rest, chosen = divmod(rest, len(choices))
            values[name] = choices[chosen]
        if all(values[name] == grids[name][0] for name in _without_effect(values)):
            yield values


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """Yield 0 to `count` - 1 in an order drawn by `seed`: a Fisher-Yates shuffle, as far as it is needed."""
    generator, moved = random.Random(seed), dict[int, int]()
    for place in range(count):
        other = generator.randrange(place, count)
        yield moved.pop(other, other)
        if other != place:
            moved[other] = moved.pop(place, place)


def _without_effect(values: Mapping[str, Value]) -> list[str]:
    """Return the names of the values that change nothing beside the others."""
    idle = ["units"] if "units" in values and values.get("layers") == 0 else []
    optimizer = values.get("optimizer")
    if "momentum" in values and optimizer is not None and not OPTIMIZERS[str(optimizer)].uses_momentum:
        idle.append("momentum")
    return idle


def _value_of(name: str, config: TrainConfig) -> Value | None:
    """Return a dimension's value in a config; None for hidden layers of different widths."""
    if name == "layers":
        return len(config.widths)
    if name == "units":
        return config.widths[0] if len(set(config.widths)) == 1 else None
    if name == "rate_factor":
        return config.learning_rate / _usual_rate(config)
    value: Value = 1.0 if name == "channel_factor" else getattr(config, name)
    return value


def _check(dimension: Dimension) -> None:
    """Raise InputError for values outside of a setting's own range."""
    name = dimension.name
    if isinstance(dimension, Options):
        if not dimension.values or len(set(dimension.values)) < len(dimension.values):
            raise InputError(N_("{name} needs values to choose from, each once."), name=name)
        for value in dimension.values if name in CHOICES else ():
            check_choice(name, str(value), CHOICES[name])
        numbers = [value for value in dimension.values if not isinstance(value, str)]
    else:
        numbers = [dimension.low, dimension.high]
        if not dimension.low < dimension.high:  # this form also rejects NaN
            raise InputError(N_("The range of {name} must go from a smaller to a larger number."), name=name)
        if dimension.log and dimension.low <= 0:
            raise InputError(N_("The range of {name} must begin above 0."), name=name)
    for number in numbers:
        check_range(name, number, _BOUNDS.get(name) or FIELD_RANGES.get(name, (0, 1)))


_BOUNDS = {
    "layers": (0, MAX_LAYERS),
    "units": FIELD_RANGES["widths"],
    "channel_factor": FACTOR_RANGE,
    "rate_factor": (0.001, 1000),
}
