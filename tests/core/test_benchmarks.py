import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import memory, our_training, training, training_process, tutorials
from benchmarks.measurement import locate_mnist
from benchmarks.training_process import Measurement, Task, start_training_process
from benchmarks.tutorials import TUTORIALS
from mnist_core.data.mnist import open_mnist
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import count_parameters
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import PROJECT
from mnist_core.training.trainer import fit


def tiny_task(recipe: str, directory: Path) -> Task:
    return Task(recipe, str(directory), train_images=300, test_images=80, epochs=1, seed=0)


# The tutorials


def test_every_tutorial_recipe_is_compared():
    assert list(TUTORIALS) == [name for name in RECIPES if name.startswith("tutorial-")]


@pytest.mark.parametrize("name", TUTORIALS)
def test_networks_and_settings_are_the_recipes(name):
    tutorial, config = TUTORIALS[name], RECIPES[name].config
    assert count_parameters(tutorial.network()) == count_parameters(build_model(config))
    assert tutorial.batch_size == config.batch_size
    assert tutorial.shuffle == config.shuffle
    assert tutorial.train_images == config.train_size


@pytest.mark.parametrize("name", TUTORIALS)
def test_our_training_and_torchs_give_the_same_weights(name, tiny_mnist):
    tutorial = replace(TUTORIALS[name], shuffle=False, workers=0)
    config = replace(RECIPES[name].config, shuffle=False, epochs=1, train_size=300, precision="float32")
    model, network = build_model(config), tutorial.network()
    with torch.no_grad():
        for theirs, own in zip(network.parameters(), model.parameters(), strict=True):
            theirs.copy_(own)
    before = [parameter.detach().clone() for parameter in network.parameters()]

    train, test = tutorials.load(tutorial, tiny_task(name, tiny_mnist))
    tutorials.train_epoch(network, tutorial.loss, train, tutorial.optimizer(network.parameters()))
    data = open_mnist(tiny_mnist)
    list(fit(model, config, data.train[: config.train_size], data.test))

    pairs = zip(network.parameters(), model.parameters(), before, strict=True)
    for theirs, own, first in pairs:
        assert not torch.equal(theirs, first)
        torch.testing.assert_close(theirs, own, rtol=1e-3, atol=1e-4)
    assert tutorials.score(network, test) == evaluate(model, data.test[:80]).accuracy


def test_tutorial_3_reads_with_four_workers_and_tests_image_by_image(tiny_mnist):
    train, test = tutorials.load(TUTORIALS["tutorial-3"], tiny_task("tutorial-3", tiny_mnist))
    assert (train.num_workers, test.batch_size) == (4, 1)
    assert (len(train.dataset), len(test.dataset)) == (300, 80)


@pytest.mark.parametrize("way", [tutorials, our_training])
def test_a_measurement_has_times_accuracy_and_threads(way, tiny_mnist):
    threads = torch.get_num_threads()
    try:
        measured = way.measure(tiny_task("tutorial-2", tiny_mnist))
    finally:
        torch.set_num_threads(threads)
    assert min(measured.train_seconds, measured.test_seconds) > 0
    assert measured.accuracy * 80 == pytest.approx(round(measured.accuracy * 80))
    assert measured.threads >= 1


# The comparison


MEASURING = """
from benchmarks.training_process import Measurement, serve
serve(lambda task: Measurement(task.epochs, 1 / task.seed, 0.5, task.train_images))
"""


def test_a_measuring_process_does_one_task_after_another_and_its_failure_is_reported(tmp_path, monkeypatch):
    """In a process that imports no torch, whose measurement of seed 0 fails."""
    (tmp_path / "measuring.py").write_text(MEASURING)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{PROJECT}")
    task = tiny_task("tutorial-2", tmp_path)
    with start_training_process("measuring") as way:
        assert [way(task._replace(seed=seed)) for seed in (1, 2)] == [(1, 1.0, 0.5, 300), (1, 0.5, 0.5, 300)]
        with pytest.raises(RuntimeError, match="tutorial-2"):
            way(task)


def test_the_ways_serve_when_they_are_called():
    """As `start_training_process` calls them; their measurements are tested above."""
    for module in (tutorials, our_training):
        tree = ast.parse(Path(module.__file__).read_text())
        assert ast.unparse(tree.body[-1]) == "if __name__ == '__main__':\n    serve(measure)"


def test_every_task_that_comes_is_answered(monkeypatch, capsys):
    tasks = [tiny_task(recipe, Path("data")) for recipe in ("tutorial-2", "tutorial-5")]
    monkeypatch.setattr(sys, "stdin", map(json.dumps, tasks))
    training_process.serve(
        lambda task: Measurement(task.epochs, task.seed, len(task.recipe), task.test_images)
    )
    assert capsys.readouterr().out.splitlines() == ["[1, 0, 10, 80]"] * 2


def test_the_first_pair_trains_all_epochs_and_every_pair_has_its_seed():
    full = list(training.Plan(["tutorial-5"]).tasks("tutorial-5", Path()))
    assert [(task.epochs, task.seed) for task in full] == [(5, 0), (1, 1), (1, 2)]
    assert {(task.train_images, task.test_images) for task in full} == {(60_000, 10_000)}


def test_the_table_has_medians_ranges_and_geometric_means():
    own = Measurement(1.0, 0.1, 0.97, 1)
    slow = training.Comparison(
        "a", [(Measurement(s, 0.5, 0.96, 2), own._replace(threads=t)) for s, t in [(9, 2), (4, 1), (7, 1)]]
    )
    fast = training.Comparison("b", [(Measurement(28.0, 2.0, 0.5, 2), own)])
    assert training.table([slow, fast]).splitlines()[2:] == [
        "| a | 7.00 | 1.00 | **7.0** (4.0 to 9.0) | 0.500 | 0.100 | **5.0** (5.0 to 5.0) "
        "| 96.00% | 97.00% | 1, 2 |",
        "| b | 28.00 | 1.00 | **28.0** | 2.000 | 0.100 | **20.0** | 50.00% | 97.00% | 1 |",
        "",
        "Geometric mean: training **14.0** times as fast, testing **10.0** times.",
    ]


def test_quick_is_one_pair_of_few_images(mnist_options):
    plan, _ = training.read_options(["--quick", "--recipes", "tutorial-1,tutorial-5", *mnist_options])
    assert (plan.recipes, plan.pairs, plan.train_images) == (["tutorial-1", "tutorial-5"], 1, 3_000)
    plan, _ = training.read_options(["--pairs", "5", *mnist_options])
    assert (plan.recipes, plan.pairs, plan.train_images) == (list(TUTORIALS), 5, 60_000)


@pytest.fixture
def mnist_options(tiny_mnist):
    return ["--data", str(tiny_mnist)]


@pytest.mark.parametrize("wrong", [["--recipes", "tutorial-9"], ["--pairs", "0"]])
def test_wrong_options_get_one_sentence(wrong, mnist_options, capsys):
    assert training.main([*wrong, *mnist_options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("benchmark", [training, memory])
def test_without_mnist_one_sentence_says_how_to_name_it(benchmark, own_cache, tmp_path, capsys):
    assert benchmark.main(["--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "DIGITLAB_DATA" in error


def test_files_where_torchvision_does_not_look_are_not_taken(tiny_mnist):
    assert locate_mnist(str(tiny_mnist)) == tiny_mnist
    with pytest.raises(InputError, match="MNIST/raw"):
        locate_mnist(str(tiny_mnist / "MNIST" / "raw"))


# Memory


@pytest.mark.parametrize(("peak", "verdict"), [(689.0, "within"), (691.0, "OVER")])
def test_the_peak_is_held_against_the_limit_of_the_build(peak, verdict, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    report = memory.report([("first", 100.0, 90.0, 80.0), ("training", peak, 400.0, 300.0)])
    assert f"Peak {peak:.0f} MB: {verdict} the limit of 690 MB." in report
    assert "| first | 100 | 90 | 80 |" in report
