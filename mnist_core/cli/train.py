"""The commands `train` and `continue`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.choices import CHOICES
from mnist_core.cli.commands import check_range, load_data, print_run
from mnist_core.cli.compare import print_seed_summary
from mnist_core.cli.terminal import catch_ctrl_c, training_bar
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset
from mnist_core.export.import_weights import read_config
from mnist_core.messages import InputError
from mnist_core.monitoring.diagnostics import diagnose
from mnist_core.monitoring.run_history import RunHistory
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import Run, check_source
from mnist_core.runs.store import RunStore
from mnist_core.runs.writer import RunWriter
from mnist_core.training.memory import check_memory

if TYPE_CHECKING:
    import torch

MOST_REPEATS = 1000
MOST_THREADS = 256  # more than a machine's cores; with many more, threads can't be started


def train(options: argparse.Namespace) -> None:
    """Train one run, or one for each of several seeds, and print the results."""
    from mnist_core.runtime.devices import choose_device

    configs = _configs_with_seeds(config_from_options(options), options.repeat)
    device = choose_device(options.device)
    check_memory(configs[0])
    dataset = load_data(options.data, configs[0].dataset)
    store = RunStore(options.runs)
    _set_threads(options.threads, configs[0], dataset)
    if len(configs) == 1:
        return print_run(_train(store, store.create(configs[0]), dataset, device), options.json)
    runs: list[Run] = []
    for config in configs:
        runs.append(_train(store, store.create(config), dataset, device))
        if not options.json:
            print_run(runs[-1], as_json=False)
        if runs[-1].status != "finished":  # Ctrl-C also skips the remaining seeds
            break
    print_seed_summary(runs, options.json)


def _configs_with_seeds(config: TrainConfig, count: int) -> list[TrainConfig]:
    check_range("--repeat", count, 1, MOST_REPEATS)
    return [replace(config, seed=config.seed + place) for place in range(count)]


def continue_run(options: argparse.Namespace) -> None:
    """Continue a run from its last state and print its results."""
    from mnist_core.runs.run_trainer import set_threads
    from mnist_core.runtime.devices import choose_device, usable_cores

    store = RunStore(options.runs)
    run = store.get(options.run)
    check_memory(run.config)
    dataset = load_data(options.data, run.config.dataset)
    check_source(run.results, dataset.source)
    writer = store.reopen(run.id, options.epochs)
    set_threads(writer, dataset, usable_cores())
    device = choose_device(run.results.get("device", "auto"))
    print_run(_train(store, writer, dataset, device), options.json)


def _train(store: RunStore, writer: RunWriter, dataset: Dataset, device: torch.device) -> Run:
    from mnist_core.runs.run_trainer import train_run

    events = train_run(writer, dataset, device)
    with training_bar(writer.config.epochs) as show, catch_ctrl_c() as pressed:
        for event in events:
            show(event)
            if pressed():
                break
        events.close()
    store.keep_within(spare=writer.id)
    run = store.get(writer.id)
    _print_diagnostics(run)
    return run


def _print_diagnostics(run: Run) -> None:
    """Print a run's diagnostics on stderr: problem, evidence and advice."""
    config = run.changes[-1].applied_to(run.config)
    for finding in diagnose(RunHistory(config, run.metrics(), run.probes())):
        sentences = (finding.title, finding.evidence, finding.advice)
        print("diagnostics:", *(f"{str(said).rstrip('.')}." for said in sentences if said), file=sys.stderr)


def settings_help() -> str:
    """Return all settings' names, each with its choices if it has any."""
    names = [field.name for field in fields(TrainConfig)]
    return "; ".join(f"{name}: {', '.join(CHOICES[name])}" if name in CHOICES else name for name in names)


def config_from_options(options: argparse.Namespace) -> TrainConfig:
    """Return the settings that --recipe, --config, --set, --epochs and --seed describe."""
    config = read_config(Path(options.config)) if options.config else RECIPES[options.recipe].config
    if options.dataset:
        config = config.on_dataset(options.dataset)
    for setting in options.set:
        field, separator, text = setting.partition("=")
        if not separator:
            raise InputError("--set takes FIELD=VALUE, such as batch_size=64, not {given!r}.", given=setting)
        config = config.with_setting(field, text)
    given = {name: getattr(options, name) for name in ("epochs", "seed")}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def _set_threads(threads: int | None, config: TrainConfig, dataset: Dataset) -> None:
    import torch

    from mnist_core.data.mnist import split_images
    from mnist_core.runtime.devices import usable_cores
    from mnist_core.training.autotune import choose_threads

    if threads is None:
        choose_threads(config, split_images(config, dataset).train, usable_cores())
    else:
        check_range("--threads", threads, 1, MOST_THREADS)
        torch.set_num_threads(threads)
