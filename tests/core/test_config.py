import json
import math
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from mnist_core.choices import CHOICES
from mnist_core.config import FIELD_RANGES, MAX_LAYERS, TrainConfig, parse_setting
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES

NUMBERS = [name for name in FIELD_RANGES if name not in ("widths", "channels")]


def refusal(make) -> str:
    """The sentence with which `make()` is refused."""
    with pytest.raises(InputError) as caught:
        make()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


# JSON


@pytest.mark.parametrize("name", RECIPES)
def test_settings_survive_json(name):
    config = RECIPES[name].config
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_json_holds_every_setting():
    names = [field.name for field in fields(TrainConfig)]
    assert list(replace(TrainConfig(), dataset="usps").to_json()) == names
    assert list(TrainConfig().to_json()) == names[:-1]  # MNIST goes without saying


@pytest.mark.parametrize("recipe", ["../../x", "<b>bold</b>", "Quick", "", "custom"])
def test_a_recipe_that_is_not_ours_is_custom(recipe):
    assert TrainConfig.from_json({"recipe": recipe}).recipe == "custom"
    assert TrainConfig().with_setting("recipe", recipe).recipe == "custom"


def test_missing_settings_take_their_defaults():
    assert TrainConfig.from_json({}) == TrainConfig()
    assert TrainConfig.from_json({"epochs": 7, "widths": [9]}) == TrainConfig(epochs=7, widths=(9,))


def test_an_unknown_setting_is_named_with_those_there_are():
    sentence = refusal(lambda: TrainConfig.from_json({"lr": 0.1}))
    assert "'lr'" in sentence
    assert "learning_rate" in sentence


@pytest.mark.parametrize(
    ("name", "value", "like"),
    [
        ("epochs", 1.5, "0, 1 or 2"),
        ("epochs", True, "0, 1 or 2"),
        ("epochs", "3", "0, 1 or 2"),
        ("seed", None, "0, 1 or 2"),
        ("learning_rate", "fast", "0.1"),
        ("learning_rate", True, "0.1"),
        ("learning_rate", [0.1], "0.1"),
        ("shuffle", 1, "true/false"),
        ("shuffle", "yes", "true/false"),
        ("optimizer", 3, "abc"),
        ("optimizer", ["adam"], "abc"),
        ("widths", 64, "64,32"),
        ("widths", "64", "64,32"),
        ("widths", [64.0], "64,32"),
        ("channels", [True], "64,32"),
    ],
)
def test_a_wrong_type_is_named_with_an_example(name, value, like):
    sentence = refusal(lambda: TrainConfig.from_json({name: value}))
    assert sentence.startswith(f"{name} can't be {value!r};")
    assert f"write it like {like}" in sentence


def test_a_learning_rate_may_be_a_whole_number():
    assert TrainConfig.from_json({"learning_rate": 1}).learning_rate == 1


# Text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "12", 12),
        ("learning_rate", "0.5", 0.5),
        ("learning_rate", "1e-3", 0.001),
        ("learning_rate", "2", 2.0),
        ("optimizer", "sgd", "sgd"),
        ("widths", "64,32", (64, 32)),
        ("widths", " 64, 32 ", (64, 32)),
        ("widths", "500", (500,)),
        ("widths", "", ()),
        ("channels", "8,16,32", (8, 16, 32)),
        ("batch_norm", "true", True),
        ("batch_norm", "Yes", True),
        ("batch_norm", "1", True),
        ("shuffle", "FALSE", False),
        ("shuffle", "no", False),
        ("shuffle", "0", False),
    ],
)
def test_text_sets_each_type_of_setting(name, text, value):
    assert TrainConfig().with_setting(name, text) == replace(TrainConfig(), **{name: value})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "ten"),
        ("epochs", "1.5"),
        ("epochs", ""),
        ("learning_rate", "0,1"),
        ("widths", "64;32"),
        ("widths", "64,x"),
        ("shuffle", "maybe"),
        ("epochs", "9" * 5000),
    ],
)
def test_text_that_cannot_be_read_is_named(name, text):
    assert refusal(lambda: TrainConfig().with_setting(name, text)).startswith(f"{name} can't be {text!r};")


@pytest.mark.parametrize("name", ["lr", "", "to_json", "__doc__"])
def test_text_for_an_unknown_setting_is_refused(name):
    assert repr(name) in refusal(lambda: TrainConfig().with_setting(name, "1"))


# Values


@pytest.mark.parametrize("name", FIELD_RANGES)
def test_both_ends_of_a_range_are_allowed(name):
    for value in FIELD_RANGES[name]:
        other = {"monitor": "test"} if name == "validation_size" else {}
        given = (value,) if name in ("widths", "channels") else value
        assert getattr(TrainConfig(**other, **{name: given}), name) == given


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("beyond", [-1.0, math.nan, math.inf, -math.inf, 10**400])
def test_numbers_out_of_range_are_refused(name, beyond):
    low, high = FIELD_RANGES[name]
    sentence = refusal(lambda: TrainConfig(**{name: beyond}))
    assert sentence.startswith(f"{name} must be from {low} to {high}, not {beyond}")


@pytest.mark.parametrize("name", NUMBERS)
def test_just_beyond_a_range_is_refused(name):
    low, high = FIELD_RANGES[name]
    for value in (low - 1e-6, high + 1e-6) if isinstance(low, float) else (low - 1, high + 1):
        assert refusal(lambda value=value: TrainConfig(**{name: value})).startswith(f"{name} must be from")


@pytest.mark.parametrize("name", ["weight_decay", "written_share"])
def test_a_share_is_at_most_all(name):
    assert refusal(lambda: TrainConfig(**{name: 1.01})).startswith(f"{name} must be from 0.0 to 1.0")


def test_who_takes_all_images_of_mnist_takes_all_of_another_set():
    assert TrainConfig(train_size=9).on_dataset("mnist") == TrainConfig(train_size=9)
    assert TrainConfig(train_size=60_000).on_dataset("emnist-letters").train_size == 124_800
    assert TrainConfig(train_size=59_999).on_dataset("emnist-letters").train_size == 59_999


@pytest.mark.parametrize("name", ["widths", "channels"])
@pytest.mark.parametrize("values", [(0,), (16, -1), (10_000,)])
def test_sizes_of_layers_out_of_range_are_refused(name, values):
    assert refusal(lambda: TrainConfig(**{name: values})).startswith(f"{name} must be from 1 to")


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_is_named_with_those_there_are(name):
    sentence = refusal(lambda: TrainConfig(**{name: "other"}))
    assert sentence == f"{name} can't be 'other'; choose one of {', '.join(CHOICES[name])}."


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"widths": (8,) * (MAX_LAYERS + 1)}, "At most 8 layers"),
        ({"channels": (8,) * (MAX_LAYERS + 1)}, "At most 8 layers"),
        ({"architecture": "cnn", "channels": ()}, "CNN takes 1 to 4 channel counts"),
        ({"architecture": "cnn", "channels": (8,) * 5}, "each stage halves the image; 5 were given"),
        ({"architecture": "vgg", "channels": (8,) * 5}, "Small VGG takes 1 to 4"),
        ({"architecture": "resnet", "channels": ()}, "Small ResNet takes 1 to 4"),
        ({"architecture": "fast_cnn", "channels": (8,)}, "Fast CNN takes 2 to 4"),
        ({"batch_norm": True, "batch_size": 1}, "Batch norm needs batches of at least 2 images"),
        ({"batch_norm": True, "train_size": 1}, "Batch norm needs batches of at least 2 images"),
        ({"optimizer": "nesterov", "momentum": 0.0}, "Nesterov needs momentum"),
        ({"loss": "nll", "label_smoothing": 0.1}, "Label smoothing needs the cross-entropy loss"),
        ({"validation_size": 0}, "Without validation images nothing can be monitored"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, words):
    assert words in refusal(lambda: TrainConfig(**settings))


def test_channels_matter_only_where_they_are_used():
    for architecture in ("softmax", "mlp", "lenet5"):
        assert TrainConfig(architecture=architecture, channels=()).channels == ()


def test_settings_cannot_be_changed_but_can_be_copied_checked_and_hashed():
    config = TrainConfig(widths=[64, 32])
    assert config.widths == (64, 32)
    assert hash(config) == hash(TrainConfig(widths=(64, 32)))
    with pytest.raises(FrozenInstanceError):
        config.epochs = 3
    with pytest.raises(InputError):
        replace(config, epochs=0)


HIGHEST = {"weight_decay": 1.0, "epochs": 1000, "seed": 2**31 - 1, "widths": (4096,) * 8}


@pytest.mark.parametrize("name", HIGHEST)
def test_the_highest_value_is_allowed_and_no_higher(name):
    highest = HIGHEST[name]
    assert getattr(TrainConfig(**{name: highest}), name) == highest
    higher = (*highest, 1) if isinstance(highest, tuple) else highest + 1
    with pytest.raises(InputError):
        TrainConfig(**{name: higher})


def test_one_setting_is_read_from_text_whatever_the_others_are():
    assert parse_setting("learning_rate", "0.5") == 0.5
    assert parse_setting("widths", "64,32") == (64, 32)
    assert parse_setting("shuffle", "no") is False
    assert parse_setting("momentum", "0") == 0.0  # which Nesterov could not have
    with pytest.raises(InputError, match="epochs"):
        parse_setting("epochs", "1001")
