"""What a search varies: presets, ranges, and the settings they become."""

import itertools
import random
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.search.plan import SearchPlan, plan_from_json, searchable
from mnist_core.search.space import (
    PRESETS,
    SETTINGS,
    NumberRange,
    Options,
    SearchSpace,
    applies,
    default_space,
    parse_dimension,
    preset_names,
    space_from_json,
    what_matters,
)

BASE = searchable(RECIPES["tutorial-3"].config)
CNN = RECIPES["quick"].config


def space(*texts: str, base: TrainConfig = BASE) -> SearchSpace:
    return SearchSpace(tuple(parse_dimension(text, base) for text in texts))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_gives_settings_for_each_recipe(recipe, preset):
    base = searchable(RECIPES[recipe].config)
    found = default_space(preset_names(preset, base), base)
    draw = random.Random(0)
    for _ in range(10):
        values = {one.name: draw.choice(one.grid()) for one in found.dimensions}
        config = found.config(base, values)
        assert config.monitor == "validation"
        assert all(getattr(config, name) == values[name] for name in values if hasattr(config, name))


def test_a_setting_that_changes_nothing_is_not_in_a_preset():
    assert preset_names("size", BASE) == ("layers", "units")
    assert preset_names("size", CNN) == ("layers", "units", "channel_factor")
    assert "label_smoothing" not in preset_names("regularisation", RECIPES["tutorial-4a"].config)
    with pytest.raises(InputError, match="has no layers to vary"):
        preset_names("size", TrainConfig(architecture="softmax"))
    with pytest.raises(InputError, match="momentum changes nothing"):
        default_space(["momentum"], BASE)


def test_every_setting_that_can_be_varied_has_a_usual_range():
    base = TrainConfig(architecture="cnn", optimizer="nesterov")
    assert all(applies(name, base) for name in SETTINGS)
    names = [name for name in SETTINGS if name != "rate_factor"]
    assert [one.name for one in default_space(names, base).dimensions] == names
    assert default_space(["rate_factor"], base).text() == "rate_factor=0.01:20"


def test_the_usual_learning_rates_depend_on_the_optimizer():
    (of_sgd,), (of_adam,) = (
        default_space(["learning_rate"], base).dimensions for base in (BASE, TrainConfig(optimizer="adam"))
    )
    assert (of_sgd.low, of_sgd.high) == (0.001, 2)
    assert (of_adam.low, of_adam.high) == pytest.approx((1e-5, 0.02))


@pytest.mark.parametrize(
    "text", ["learning_rate=0.001:2", "batch_size=8:64", "optimizer=sgd,adam", "batch_norm=false,true"]
)
def test_a_range_is_written_as_it_is_read(text):
    assert parse_dimension(text, BASE).text() == text


def test_ranges_and_values_are_read_by_their_kind():
    assert parse_dimension("batch_size=8:64", BASE) == NumberRange("batch_size", 8, 64, log=True, whole=True)
    assert parse_dimension("batch_size=32,64", BASE) == Options("batch_size", (32, 64))
    assert parse_dimension("batch_norm=no,yes", BASE) == Options("batch_norm", (False, True))
    assert parse_dimension("weight_decay=0,0.01", BASE) == Options("weight_decay", (0.0, 0.01))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("seed", "A search can't vary 'seed'"),
        ("learning_rate=2:1", "from a smaller to a larger number"),
        ("learning_rate=0:1", "must begin above 0"),
        ("learning_rate=a:1", "can't be 'a'"),
        ("dropout=0:0.95", "must be from 0.0 to 0.9"),
        ("dropout=nan:0.5", "from a smaller to a larger number"),
        ("optimizer=sgd,newton", "can't be 'newton'"),
        ("optimizer=sgd,sgd", "each once"),
        ("optimizer=,", "needs values"),
        ("layers=1:20", "must be from 0 to 8"),
    ],
)
def test_a_range_that_is_none_is_refused(text, why):
    with pytest.raises(InputError, match=why):
        space(text)


def test_a_space_without_settings_or_with_one_twice_is_refused():
    with pytest.raises(InputError, match="at least one"):
        SearchSpace(())
    with pytest.raises(InputError, match="varied once"):
        space("dropout", "dropout")


def test_layers_units_and_channels_become_those_of_the_network():
    assert space("layers", "units").config(BASE, {"layers": 3, "units": 40}).widths == (40, 40, 40)
    assert space("layers").config(BASE, {"layers": 2}).widths == (256, 256)
    assert space("units").config(BASE, {"units": 8}).widths == (8,)
    config = space("channel_factor", base=CNN).config(CNN, {"channel_factor": 0.5})
    assert config.channels == (4, 8, 24)


def test_a_factor_gives_each_optimizer_its_own_learning_rates():
    found = space("rate_factor", "optimizer")
    assert found.values_of(BASE) == {"rate_factor": 5, "optimizer": "sgd"}
    assert found.config(BASE, {"rate_factor": 5, "optimizer": "sgd"}) == BASE
    adam = found.config(BASE, {"rate_factor": 0.1234567, "optimizer": "adam"})
    assert (adam.optimizer, adam.learning_rate) == ("adam", 0.000123)
    with pytest.raises(InputError, match="itself or its factor"):
        space("rate_factor", "learning_rate")


def test_the_values_of_settings_are_those_that_give_them_where_the_ranges_hold_them():
    found = space("layers", "units", "learning_rate")
    assert found.values_of(BASE) == {"layers": 1, "units": 256, "learning_rate": 0.5}
    assert found.config(BASE, found.values_of(BASE)) == BASE
    assert space("learning_rate=0.001:0.1").values_of(BASE) is None
    assert space("units").values_of(TrainConfig(widths=(128, 64))) is None


def test_a_grid_has_all_combinations_of_four_values_of_each_range():
    found = space("learning_rate=0.001:1", "batch_size=10:12", "batch_norm")
    grid = list(found.grid())
    assert len(grid) == found.grid_size() == 4 * 3 * 2
    assert sorted({one["learning_rate"] for one in grid}) == [0.001, 0.01, 0.1, 1.0]
    assert sorted({one["batch_size"] for one in grid}) == [10, 11, 12]


def test_a_grid_is_drawn_by_its_seed_without_a_list_of_its_combinations():
    small = space("units=16,32,64", "dropout", "batch_size")
    orders = [[str(one) for one in small.grid(seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    huge = space(*(name for name in SETTINGS if applies(name, CNN) and name != "rate_factor"), base=CNN)
    assert huge.grid_size() > 10**7
    assert len({str(one) for one in itertools.islice(huge.grid(), 100)}) == 100


def test_a_grid_has_no_two_combinations_that_train_the_same():
    found = space("layers=0:1", "units=16,32", "batch_norm", base=CNN)
    grid = list(found.grid())
    assert len(grid) == found.grid_size() == (1 + 2) * 2
    found = space("optimizer=sgd,momentum,adam", "momentum=0.5,0.9", base=replace(BASE, optimizer="momentum"))
    grid = [found.config(BASE, values) for values in found.grid()]
    assert len({what_matters(config) for config in grid}) == len(grid) == found.grid_size() == 1 + 2 + 1


def test_seed_recipe_and_an_unused_momentum_do_not_matter():
    assert what_matters(replace(BASE, seed=7, recipe="best", momentum=0.5)) == what_matters(BASE)
    used = replace(BASE, optimizer="momentum", momentum=0.5)
    assert what_matters(used) != what_matters(replace(used, momentum=0.6))
    assert what_matters(replace(BASE, batch_size=7)) != what_matters(BASE)


def test_a_plan_is_the_same_from_json():
    plan = SearchPlan(BASE, space("learning_rate", "optimizer"), trials=7, minutes=2.5, name="a")
    assert plan_from_json(plan.to_json()) == plan
    assert space_from_json(plan.space.to_json()) == plan.space


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"base": RECIPES["tutorial-3"].config}, "never chooses by the test set"),
        ({"sampler": "luck"}, "sampler can't be 'luck'"),
        ({"trials": 0}, "from 1 to 1000 trials"),
        ({"minutes": 0.0}, "more than 0"),
        ({"minutes": float("nan")}, "more than 0"),
        ({"pruner": "median", "base": TrainConfig(epochs=2)}, "train 3 epochs or more"),
        ({"pruner": "median", "aim": "size"}, "two aims"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(settings, why):
    with pytest.raises(InputError, match=why):
        SearchPlan(**{"base": BASE, "space": space("learning_rate"), **settings})


def test_a_search_from_a_tutorial_holds_out_validation_images():
    assert (BASE.monitor, BASE.validation_size) == ("validation", 5000)
    assert searchable(RECIPES["best"].config) == RECIPES["best"].config
