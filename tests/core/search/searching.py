"""Small searches for the tests: a plan, a store with a queue and workers, and the states of trials."""

from mnist_core.config import TrainConfig
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.search.plan import SearchPlan
from mnist_core.search.space import SearchSpace, parse_dimension
from mnist_core.search.study import Search, Studies
from mnist_core.search.worker import SearchWorker
from tests.core.runs.training_queue.lab import wait_for

BASE = TrainConfig(widths=(8,), epochs=1, batch_size=50, train_size=100, optimizer="sgd", learning_rate=0.1)
SECONDS = 60


def plan(*texts: str, **settings) -> SearchPlan:
    base = settings.pop("base", BASE)
    space = SearchSpace(tuple(parse_dimension(text, base) for text in texts or ["learning_rate"]))
    return SearchPlan(base, space, **{"trials": 3, **settings})


class Place:
    """A store with its studies and a queue, and the workers that a test began."""

    def __init__(self, directory, sample) -> None:
        self.store = RunStore(directory)
        self.studies = Studies(self.store.directory)
        self.queue = TrainingQueue(self.store, lambda _dataset: sample, threads=1, workers=2)
        self.workers: list[SearchWorker] = []

    def begin(self, search: Search, limits: TrainingLimits = UNLIMITED, at_once: int = 1) -> SearchWorker:
        worker = SearchWorker(self.studies, search, self.queue, self.store, limits, at_once)
        self.workers.append(worker)
        worker.start()
        return worker

    def finish(self, search: Search, **options) -> Search:
        worker = self.begin(search, **options)
        wait_for(lambda: not worker.working, SECONDS)
        assert worker.problem is None
        return search

    def search(self, plan: SearchPlan, **options) -> Search:
        """A search that has come to its end."""
        return self.finish(self.studies.create(plan, owner="somebody"), **options)


def states(search: Search) -> list[str]:
    return [trial.state for trial in search.trials()]
