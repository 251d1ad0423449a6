"""TrainConfig: the settings of one training, validated on construction, read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mnist_core.choices import ARCHITECTURES, CHOICES, RECIPE_NAMES
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.messages import N_, InputError

FIELD_RANGES: dict[str, tuple[float, float]] = {
    "widths": (1, 4096),
    "channels": (1, 256),
    "dropout": (0.0, 0.9),
    "learning_rate": (1e-6, 100.0),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "gradient_clipping": (0.0, 1000.0),
    "label_smoothing": (0.0, 0.5),
    "batch_size": (1, 60_000),
    "epochs": (1, 1000),
    "train_size": (1, 240_000),
    "validation_size": (0, 30_000),
    "written_share": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
}
MAX_LAYERS = 8
NO_RECIPE = "custom"


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a training; FIELD_RANGES has the numeric ranges, `choices.CHOICES` the named choices.

    `dataset` is the data set that the model learns. The validation set is the last `validation_size` of its
    training images; the model trains on the first `train_size` of the rest. `widths` are the units of each
    hidden layer, `channels` the feature maps of each convolutional stage. `recipe` names the recipe that the
    settings began from, even if they were changed since; an unknown name becomes "custom", which means no
    recipe. `written_share` adds that many synthetic digits per training image
    (mnist_core.synthetic.generator). `gradient_clipping` is the largest norm of a step's gradient, all layers
    together; 0 leaves it unlimited. A batch of more than training.gradients.PIECE images goes through the
    network in pieces whose gradients are summed; batch norm then takes its statistics from each piece. Rates
    and shares are fractions: 0.1 is 10%.

    Raises InputError if a value is out of range, an unknown choice, or contradicts another setting.
    """

    recipe: str = NO_RECIPE
    architecture: str = "mlp"
    widths: tuple[int, ...] = (128, 64)
    channels: tuple[int, ...] = (16, 32)
    activation: str = "relu"
    initialization: str = "default"
    dropout: float = 0.0
    batch_norm: bool = False
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.0
    gradient_clipping: float = 0.0
    schedule: str = "constant"
    label_smoothing: float = 0.0
    batch_size: int = 100
    epochs: int = 5
    shuffle: bool = True
    input_scaling: str = "standard"
    augmentation: str = "none"
    train_size: int = 60_000
    validation_size: int = 5_000
    written_share: float = 0.0
    monitor: str = "validation"
    precision: str = "auto"
    seed: int = 0
    dataset: str = MNIST

    def __post_init__(self) -> None:
        if self.recipe not in RECIPE_NAMES:
            object.__setattr__(self, "recipe", NO_RECIPE)  # names reach file names and pages
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "channels", tuple(self.channels))
        for name in (*CHOICES, *FIELD_RANGES):
            _check(name, getattr(self, name))
        self._check_together()

    def _check_together(self) -> None:
        ARCHITECTURES[self.architecture].check(self.channels)
        if self.batch_norm and min(self.batch_size, self.train_size) == 1:
            raise InputError(
                N_("Batch norm needs batches of at least 2 images; put more in each, or turn it off.")
            )
        if self.optimizer == "nesterov" and not self.momentum:
            raise InputError(N_("Nesterov needs momentum; raise it above 0, or choose SGD."))
        if self.loss == "nll" and self.label_smoothing:
            raise InputError(
                N_("Label smoothing needs the cross-entropy loss; choose it, or set smoothing to 0.")
            )
        if self.written_share and not DATASETS[self.dataset].digits:
            raise InputError(
                N_("Synthetic images are digits; set their share to 0, or choose a data set of digits.")
            )
        if self.monitor == "validation" and self.validation_size == 0:
            raise InputError(
                N_(
                    "Without validation images nothing can be monitored; hold some out, or monitor the "
                    "test set."
                )
            )

    def on_dataset(self, dataset: str) -> TrainConfig:
        """Return a copy that learns another data set, with as many training and validation images as it has.

        All of its training images where this config takes all of MNIST's.
        """
        if dataset == self.dataset:
            return self
        facts = DATASETS[dataset]
        most = facts.images[0]
        train = most if self.train_size >= DATASETS[MNIST].images[0] else min(self.train_size, most)
        validation = min(self.validation_size, facts.validation)
        written = self.written_share if facts.digits else 0.0
        return replace(
            self, dataset=dataset, train_size=train, validation_size=validation, written_share=written
        )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, tuples as lists; `from_json` reads them.

        The data set is left out if it is MNIST, so that earlier versions can read the file.
        """
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {name: v for name, v in values.items() if (name, v) != ("dataset", MNIST)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Create a config from the output of `to_json`; missing settings get their defaults.

        Raises InputError for an unknown setting, a wrong type or a value out of range.
        """
        known = {field.name: field.default for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise InputError(
                    N_("There is no setting called {name!r}; the settings are {known}."),
                    name=name,
                    known=", ".join(known),
                )
            _check_type(name, value, known[name])
        return cls(**values)

    def with_setting(self, name: str, text: str) -> TrainConfig:
        """Return a copy with setting `name` parsed from `text`, as on the command line ("64,64", "0.1").

        Raises InputError as `from_json` does.
        """
        return TrainConfig.from_json({**self.to_json(), name: _parse(name, text, getattr(self, name, ""))})


def parse_setting(name: str, text: str) -> Any:
    """Parse the value of TrainConfig's field `name` from text and check it on its own.

    Raises InputError for a wrong type or a value out of range.
    """
    value = _parse(name, text, getattr(TrainConfig(), name))
    _check(name, value)
    return value


def _check(name: str, value: Any) -> None:
    """Raise InputError if the value of one setting is invalid on its own."""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    if isinstance(value, tuple) and len(value) > MAX_LAYERS:
        raise InputError(N_("At most {most} layers can be listed; take some out."), most=MAX_LAYERS)
    if name in FIELD_RANGES:
        for number in value if isinstance(value, tuple) else (value,):
            check_range(name, number, FIELD_RANGES[name])


def _parse(name: str, text: str, example: object) -> object:
    try:
        if isinstance(example, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                text.lower()
            ]
        if isinstance(example, tuple):
            return tuple(int(part) for part in text.split(",") if part.strip())
        return {int: int, float: float}.get(type(example), str)(text)
    except (ValueError, KeyError):
        raise _wrong_type(name, text, example) from None


def _check_type(name: str, value: object, example: object) -> None:
    if isinstance(example, tuple):
        fits = isinstance(value, list | tuple) and all(type(item) is int for item in value)
    elif isinstance(example, float):
        fits = type(value) in (int, float)
    else:
        fits = type(value) is type(example)
    if not fits:
        raise _wrong_type(name, value, example)


def _wrong_type(name: str, value: object, example: object) -> InputError:
    wanted = {bool: "true/false", int: "0, 1 or 2", float: "0.1", str: "abc", tuple: "64,32"}[type(example)]
    return InputError(
        N_("{name} can't be {value!r}; write it like {wanted}."), name=name, value=value, wanted=wanted
    )


def check_choice(name: str, value: str, choices: Mapping[str, object]) -> None:
    """Raise InputError if the value of a setting is none of the choices."""
    if value not in choices:
        raise InputError(
            N_("{name} can't be {value!r}; choose one of {choices}."),
            name=name,
            value=value,
            choices=", ".join(choices),
        )


def check_range(name: str, value: float, bounds: tuple[float, float]) -> None:
    """Raise InputError if the number of a setting is not within its bounds, both included."""
    low, high = bounds
    if not low <= value <= high:  # this form also rejects NaN
        raise InputError(
            N_("{name} must be from {low} to {high}, not {value}."),
            name=name,
            low=low,
            high=high,
            value=value,
        )
