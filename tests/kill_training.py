"""Trainings killed at random moments, each continued: `python -m tests.kill_training --times 100`.

A child process trains, writes checkpoints and cleans up; SIGKILL ends it at a random moment. Then the run can
be read, and is continued to the weights, metrics and results of one that nobody killed, to the last digit.
Others are killed while they fine-tune: what is left is a run that answers, or none. For systems with fork.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, load_sample
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.runs.fine_tuning import fine_tune_run, split_drawings
from mnist_core.runs.run import Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore

CONFIG = TrainConfig(
    widths=(16,), epochs=4, batch_size=50, train_size=300, dropout=0.2, monitor="test", seed=7
)
SMALL = TrainConfig(widths=(4,), epochs=1, batch_size=200, train_size=200, monitor="test")
CPU = torch.device("cpu")
MOST_ATTEMPTS = 50
TOO_LATE = "not killed"  # it had ended
OF_THE_CLOCK = ("train_seconds", "threads")


def run_apart(work: Callable[[], None], kill_after: float | None = None) -> bool:
    """Do the work in a child process, killed after `seconds`; return whether it had finished."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the child process failed; its error is above")
    return os.WIFEXITED(status)


def train(folder: Path, data: Dataset) -> None:
    """Train CONFIG, or go on with its run, and clean up: what a server does in a while."""
    store = RunStore(folder)
    begun = [run for run in store.list() if run.config.widths == CONFIG.widths]
    writer = store.reopen(begun[0].id) if begun else store.create(CONFIG)
    for _event in train_run(writer, data, CPU):
        pass
    other = store.create(SMALL)
    for _event in train_run(other, data, CPU):
        pass
    store.remove(other.id)
    store.keep_within(0, spare=writer.id)


def trained(folder: Path) -> Run | None:
    """Return the run of CONFIG, None if it was killed before it began."""
    return next((run for run in RunStore(folder).list() if run.config.widths == CONFIG.widths), None)


def digest(run: Run) -> str:
    """Return a hash of a run's weights, metrics and results, without what the clock says."""
    weights = run.load_model().state_dict()
    rows = run.metrics().drop(columns=["train_seconds"]).to_csv(index=False)
    results: Mapping[str, Any] = {k: v for k, v in sorted(run.results.items()) if k not in OF_THE_CLOCK}
    parts = [weights[name].numpy().tobytes() for name in sorted(weights)]
    parts += [rows.encode(), repr(results).encode(), repr([path.name for path in run.checkpoints]).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def kill_and_continue(data: Dataset, seconds: float, chance: random.Random) -> tuple[str, str]:
    """Kill a training at one to three moments, continue it; return where it was first, and its digest."""
    with tempfile.TemporaryDirectory(prefix="digitlab-kill-") as name:
        folder, found = Path(name) / "runs", []
        for _ in range(chance.randrange(1, 4)):
            if run_apart(lambda: train(folder, data), kill_after=chance.uniform(0, seconds)):
                break
            run = trained(folder)
            found.append("before it began" if run is None else run.status)
            check_what_is_left(run)
            if run is not None and run.status == "finished":
                break
        run = trained(folder)
        if run is None or run.status != "finished":
            run_apart(lambda: train(folder, data))
        run = trained(folder)
        assert run is not None
        return found[0] if found else TOO_LATE, digest(run)


def check_what_is_left(run: Run | None) -> None:
    """Check that a killed run says what it is, and that its weights, if there are any, answer."""
    if run is None:
        return
    assert run.status in ("interrupted", "finished"), run.status
    run.metrics(), run.probes()
    if run.checkpoints:
        run.load_model()


def kill_fine_tuning(data: Dataset, base: Path, seconds: float, chance: random.Random) -> str:
    """Kill a fine-tuning at a random moment; check that its run is whole or absent."""
    with tempfile.TemporaryDirectory(prefix="digitlab-kill-") as name:
        store = RunStore(Path(name) / "runs")
        run_apart(lambda: fine_tune(store, base, data), kill_after=chance.uniform(0, seconds))
        runs = store.list()
        for run in runs:
            assert (run.status, run.results["fine_tuned"]) == ("finished", True)
            assert evaluate(run.load_model(), data.test[:20]).accuracy >= 0
        store.create(SMALL).close()  # nothing is locked
        return "kept" if runs else "nothing kept"


def fine_tune(store: RunStore, base: Path, data: Dataset) -> None:
    """Fine-tune the trained run on some test images."""
    run, own = trained(base), data.test[:9]
    assert run is not None
    sheet = split_drawings(list(own.images), own.labels.tolist())
    for _step in fine_tune_run(store, run, sheet, data, "mine"):
        pass


def seconds_of(work: Callable[[], None]) -> float:
    """Return how long some work takes in a child process."""
    begun = time.monotonic()
    run_apart(work)
    return time.monotonic() - begun


def kill_many(times: int, seed: int) -> Counter[str]:
    """Kill `times` trainings, and a fifth as many fine-tunings; return how many were killed in which phase.

    Raises AssertionError for one whose continuation isn't that of a run that nobody killed.
    """
    torch.set_num_threads(1)  # a process with threads in torch must not be forked
    data, chance, found = load_sample(), random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="digitlab-kill-") as name:
        whole = Path(name) / "runs"
        seconds = seconds_of(lambda: train(whole, data))
        run = trained(whole)
        assert run is not None
        expected = digest(run)
        while found.total() < times:
            where, is_now = kill_and_continue(data, seconds, chance)
            assert is_now == expected, f"seed {seed}, after {found.total()} others, killed while {where}"
            if where == TOO_LATE:
                seconds *= 0.9  # the machine was busier when it was measured
            else:
                found[f"training: {where}"] += 1
        tuning = Path(name) / "tuned"
        seconds = seconds_of(lambda: fine_tune(RunStore(tuning), whole, data))
        for _ in range(-(-times // 5)):
            found[f"fine-tuning: {kill_fine_tuning(data, whole, seconds, chance)}"] += 1
    return found


def main() -> int:
    """Kill many, and print how they ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill_training", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        found = kill_many(options.times, options.seed)
    except (AssertionError, InputError) as error:
        print(f"tests.kill_training: {error}", file=sys.stderr)
        return 1
    for where, count in sorted(found.items()):
        print(f"{count:4} killed, {where}")
    print(f"all continued to the same digits, in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
