import pytest
import torch

from mnist_core.choices import RECIPE_NAMES
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import count_parameters
from mnist_core.recipes import RECIPES
from mnist_core.training.gradients import PIECE

PARAMETERS = {
    "tutorial-1": 59_210,
    "tutorial-2": 136_074,
    "tutorial-3": 203_530,
    "tutorial-4a": 59_210,
    "tutorial-4b": 421_642,
    "tutorial-5": 397_510,
}
NETWORKS = {
    "tutorial-1": ("mlp", (64, 64, 64), "relu"),
    "tutorial-2": ("mlp", (128, 256), "sigmoid"),
    "tutorial-3": ("mlp", (256,), "relu"),
    "tutorial-4a": ("mlp", (64, 64, 64), "relu"),
    "tutorial-4b": ("cnn", (128,), "relu"),
    "tutorial-5": ("mlp", (500,), "relu"),
}
# optimizer, learning rate, loss, batch size, shuffled, epochs, input scaling, training images
TRAINING = {
    "tutorial-1": ("adam", 1e-3, "cross_entropy", 15, True, 2, "standard", 60_000),
    "tutorial-2": ("sgd", 0.2, "cross_entropy", 64, False, 10, "unit", 60_000),
    "tutorial-3": ("sgd", 0.5, "cross_entropy", 64, False, 10, "unit", 60_000),
    "tutorial-4a": ("adam", 1e-3, "nll", 15, True, 2, "unit", 60_000),
    "tutorial-4b": ("adam", 1e-3, "cross_entropy", 100, True, 2, "symmetric", 55_000),
    "tutorial-5": ("adam", 1e-3, "cross_entropy", 100, True, 5, "unit", 60_000),
}
HOUSE = ("quick", "accurate", "best", "world")
PRETRAINED_BYTES = 2_000_000


def test_the_recipes_are_the_houses_and_the_tutorials():
    assert set(RECIPES) == {*PARAMETERS, *HOUSE}
    assert tuple(RECIPES) == RECIPE_NAMES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_labelled_described_and_knows_its_name(name):
    recipe = RECIPES[name]
    assert recipe.config.recipe == name
    assert recipe.label
    assert recipe.description.endswith(".")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_builds_a_network_of_ten_logits(name):
    images = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    logits = build_model(RECIPES[name].config)(images)
    assert logits.shape == (3, 10)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_tutorial_has_as_many_parameters_as_written(name):
    assert count_parameters(build_model(RECIPES[name].config)) == PARAMETERS[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tutorials_network_is_as_written(name):
    config = RECIPES[name].config
    assert (config.architecture, config.widths, config.activation) == NETWORKS[name]
    assert config.architecture == "mlp" or config.channels == (32, 64)
    assert (config.dropout, config.batch_norm) == (0, False)


@pytest.mark.parametrize("name", TRAINING)
def test_a_tutorials_training_is_as_written(name):
    config = RECIPES[name].config
    assert TRAINING[name] == (
        config.optimizer,
        config.learning_rate,
        config.loss,
        config.batch_size,
        config.shuffle,
        config.epochs,
        config.input_scaling,
        config.train_size,
    )
    assert (config.monitor, config.validation_size) == ("test", 0)
    assert (config.schedule, config.augmentation) == ("constant", "none")
    assert (config.weight_decay, config.label_smoothing) == (0, 0)


@pytest.mark.parametrize("name", HOUSE)
def test_our_own_recipes_keep_the_test_set_for_the_end(name):
    config = RECIPES[name].config
    assert config.monitor == "validation"
    assert config.validation_size > 0


@pytest.mark.parametrize("name", ["best", "world"])
def test_the_best_recipes_weights_fit_into_the_pretrained_model(name):
    weights = build_model(RECIPES[name].config).state_dict().values()
    assert sum(tensor.nbytes for tensor in weights) < PRETRAINED_BYTES


def test_recipes_train_as_before_the_later_settings_and_never_in_pieces():
    for recipe in RECIPES.values():
        assert (recipe.config.initialization, recipe.config.gradient_clipping) == ("default", 0)
        assert recipe.config.batch_size <= PIECE


def test_a_changed_copy_of_a_recipe_is_a_config_of_its_own():
    changed = RECIPES["tutorial-3"].config.with_setting("epochs", "1")
    assert isinstance(changed, TrainConfig)
    assert RECIPES["tutorial-3"].config.epochs == 10


def test_a_title_says_what_a_recipe_is_and_its_name_behind():
    for name, recipe in RECIPES.items():
        assert recipe.title.endswith(f"({name.replace('-', ' ')})")
        assert recipe.title[: recipe.title.index(" (")] != recipe.label
