"""`python -m benchmarks.threads`: a CNN's step and test pass on two threads, alone and beside a busy process.

Each OpenMP wait policy is measured in its own process, because OpenMP reads it when torch loads. The test
pass is measured with torch's threads, which synchronise after every op, and with ours, which do so once.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from statistics import median

import torch
from tqdm import tqdm

from benchmarks.measurement import markdown, seconds
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.recipes import RECIPES
from mnist_core.runtime.process import WAIT_POLICY
from mnist_core.training.gradients import choose_gradients
from mnist_core.training.optimizers import Optimizer

CONFIG = RECIPES["tutorial-4b"].config
STEPS, TEST_IMAGES, ROUNDS = 60, 5_000, 3
WAIT_POLICIES: dict[str, tuple[int, dict[str, str]]] = {  # number of threads, OpenMP's settings
    "one thread": (1, WAIT_POLICY),
    "two, waiting as GNU's OpenMP does": (2, {"GOMP_SPINCOUNT": "300000"}),
    "two, without waiting": (2, {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "PASSIVE"}),
    "two, ours": (2, WAIT_POLICY),
}
BUSY = "while True: pass"


def usual_seconds(act: Callable[[], object]) -> float:
    """Return the median seconds of `act`."""
    return median(seconds(act) for _ in range(ROUNDS))


def measure(threads: int) -> tuple[float, float, float]:
    """Return milliseconds of a training step, and seconds of a test pass by torch's threads and by ours."""
    torch.set_num_threads(threads)
    model = build_model(CONFIG)
    images = torch.randint(0, 256, (TEST_IMAGES, 28, 28), dtype=torch.uint8)
    gradients, optimizer = choose_gradients(model, CONFIG, "float32"), Optimizer(model, CONFIG)
    batch = model.scaling(images[: CONFIG.batch_size]), torch.arange(CONFIG.batch_size) % 10

    def train() -> None:
        for _ in range(STEPS):
            gradients(*batch, 1.0)
            optimizer.step(CONFIG.learning_rate, 0.0)
            gradients.clear()

    @torch.inference_mode()
    def test_together() -> None:
        for part in images.split(100):
            model(part)

    steps = 1000 * usual_seconds(train) / STEPS
    model.eval()
    return steps, usual_seconds(test_together), usual_seconds(lambda: predict_logits(model, images))


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep one core busy with another process during the block."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measured(policy: str) -> tuple[float, ...]:
    """Return the result of `measure` in a new process with this wait policy."""
    threads, wait_policy = WAIT_POLICIES[policy]
    for name in WAIT_POLICY:
        os.environ.pop(name, None)
    os.environ |= wait_policy
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, threads).result()


def main() -> int:
    """Measure each wait policy alone and beside a busy process; print a Markdown table."""
    columns = ("step, ms", "test pass by torch's threads, s", "by ours, s")
    heads = ["threads", *(f"{column}: {where}" for column in columns for where in ("alone", "beside"))]
    rows = []
    for policy in tqdm(WAIT_POLICIES):
        alone = measured(policy)
        with busy_neighbour():
            beside = measured(policy)
        pairs = zip(alone, beside, strict=True)
        rows.append([policy, *(f"{value:.3g}" for pair in pairs for value in pair)])
    print(markdown(heads, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
