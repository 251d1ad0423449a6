"""The command `search`: trials of a search, and how certain its best result is."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from mnist_core.cli.commands import check_range, load_data, print_json
from mnist_core.cli.terminal import catch_ctrl_c, plain, print_notice
from mnist_core.cli.train import config_from_options
from mnist_core.data.mnist import Dataset, split_images
from mnist_core.messages import InputError
from mnist_core.runs.store import RunStore
from mnist_core.search.evidence import evidence
from mnist_core.search.plan import SearchPlan, searchable
from mnist_core.search.server_searches import MOST_AT_ONCE
from mnist_core.search.space import SearchSpace, default_space, parse_dimension, preset_names
from mnist_core.search.study import Search, SearchTrial, Studies
from mnist_core.search.worker import SearchWorker

if TYPE_CHECKING:
    from mnist_core.runs.queue import TrainingQueue

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 120.0  # longer than testing a network takes: a thread in torch aborts a process that ends
ENDED = ("finished", "pruned", "failed")


def search(options: argparse.Namespace) -> None:
    """Begin a search, or continue an existing one, and print its trials as they end."""
    from mnist_core.runs.queue import TrainingQueue
    from mnist_core.runtime.devices import usable_cores

    check_range("--at-once", options.at_once, 1, MOST_AT_ONCE)
    store = RunStore(options.runs)
    studies = Studies(store.directory)
    found = _open_or_create(options, studies)
    dataset = load_data(options.data, found.plan.base.dataset)
    threads = options.threads or max(1, usable_cores() // options.at_once)
    queue = TrainingQueue(store, lambda _key: dataset, threads, options.at_once)
    worker = SearchWorker(studies, found, queue, store, at_once=options.at_once)
    try:
        _work(worker, queue, found, options.json)
    finally:
        worker.leave()
        queue.close(SECONDS_TO_END)
    if worker.problem:
        raise InputError(worker.problem.template, **worker.problem.values)
    if found.problem:
        print_notice(str(found.problem))
    _print_result(found, dataset, options.json)


def _open_or_create(options: argparse.Namespace, studies: Studies) -> Search:
    """Return the search called --name, created with these options if it does not exist; else a new one."""
    if found := studies.find(options.name or ""):
        found.resume(options.more, options.minutes)
        found.note_server("")  # or a server that worked on it would go on with what is set aside here
        return found
    if options.more:
        raise InputError("There is no search {name!r} to go on with; omit --more.", name=options.name or "")
    base = searchable(config_from_options(options))
    names = options.vary or preset_names(options.preset, base)
    space = SearchSpace(tuple(parse_dimension(text, base) for text in names))
    if not options.vary:
        space = default_space(names, base)
    plan = SearchPlan(
        base,
        space,
        options.sampler,
        options.pruner,
        options.aim,
        options.trials,
        options.minutes,
        options.sampler_seed,
        options.name or "",
    )
    try:
        return studies.create(plan, study_id=options.name or "")
    except InputError:
        if found := studies.find(options.name or ""):  # another process has made it meanwhile
            return found
        raise


def _work(worker: SearchWorker, queue: TrainingQueue, found: Search, as_json: bool) -> None:
    """Show each trial as it ends, until the search has ended; Ctrl-C pauses the trials in training."""
    told = {trial.number for trial in found.trials() if trial.state in ENDED}
    if not as_json:
        print(
            plain(f"search {found.id}: {found.plan.trials} trials of {found.plan.space.text()}"), flush=True
        )
    worker.start()
    with catch_ctrl_c() as pressed:
        while worker.working and not pressed():
            time.sleep(SECONDS_BETWEEN_LOOKS)
            _print_ended(found, told, as_json)
    worker.leave()
    _print_ended(found, told, as_json)


def _print_ended(found: Search, told: set[int], as_json: bool) -> None:
    for trial in found.trials():
        if trial.state in ENDED and trial.number not in told:
            told.add(trial.number)
            if not as_json:
                print(plain(_line(trial)), flush=True)


def _line(trial: SearchTrial) -> str:
    values = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.values.items()
    )
    score = "" if trial.accuracy is None else f"{trial.accuracy:.2%}"
    about = "the settings it began from" if trial.is_start else values
    return f"trial {trial.number:3} {trial.state:9} {score:7} {about}" + (
        f" ({trial.reason})" if trial.reason else ""
    )


def _print_result(found: Search, dataset: Dataset, as_json: bool) -> None:
    """Print the best trial or the Pareto front, and how certain the result is."""
    trials = found.trials()
    best = found.best(trials)
    images = len(split_images(found.plan.base, dataset).validation)
    if as_json:
        return print_json(
            {
                "search": found.id,
                "stopped": found.stopped,
                "trials": [_trial_json(trial) for trial in trials],
                "best": [trial.number for trial in best],
                "validation_images": images,
            }
        )
    for trial in best:
        size = f", {trial.parameters:,} parameters" if trial.parameters else ""
        print(plain(f"best: {_line(trial)}{size}; run {trial.run}"))
    if len(best) == 1:
        for statement in evidence(best[0], trials, images, found.plan.aim == "size").statements:
            print(statement)
    if not best:
        print("no trial has finished")
    if found.stopped or any(trial.state == "waiting" for trial in trials):  # as after Ctrl-C
        print(plain(f"stopped; `python -m mnist_core search --name {found.id}` goes on with it"))


def _trial_json(trial: SearchTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "values": dict(trial.values),
        "run": trial.run,
        "accuracy": trial.accuracy,
        "parameters": trial.parameters,
        "is_start": trial.is_start,
        "reason": str(trial.reason) if trial.reason else None,
    }
