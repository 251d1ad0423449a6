"""Fine-tuning in the background: one visitor's at a time, watched and stopped from the page."""

import logging
import threading
from collections.abc import Callable, Generator

from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.fine_tuning import FineTunedRun, Progress

logger = logging.getLogger(__name__)

Work = Callable[[], Generator[Progress, None, FineTunedRun]]
SECONDS_BETWEEN_TRIES = 0.2
_TURN = threading.Lock()  # of the one that is at work: two would take each other's cores


class FineTuningWorker:
    """Does one piece of work in a thread.

    `fraction` tells how far it is, 0 to 1, None while another visitor's is at work; `result` and `problem`
    tell how it ended. Neither is set when it was stopped.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stopping = threading.Event()
        self.fraction: float | None = None
        self.result: FineTunedRun | None = None
        self.problem: Message | None = None
        self._thread = threading.Thread(target=self._run, name="fine-tuning", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is at work, or waits for its turn."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Give up at the next step; nothing is kept."""
        self._stopping.set()

    def wait(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        while not _TURN.acquire(timeout=SECONDS_BETWEEN_TRIES):
            if self._stopping.is_set():
                return
        try:
            self._go_on()
        except InputError as error:
            self.problem = error.message
        except Exception:  # whatever it was, the visitor must not wait for ever
            logger.exception("fine-tuning failed")
            self.problem = Message(N_("Fine-tuning failed and nothing was saved. Try again."))
        finally:
            _TURN.release()

    def _go_on(self) -> None:
        import torch

        torch.set_num_threads(1)  # the pages, and a run in training, need the other cores
        work = self._work()
        try:
            while not self._stopping.is_set():
                self.fraction = next(work).fraction
        except StopIteration as end:
            self.result = end.value
        finally:
            work.close()
