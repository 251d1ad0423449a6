"""Threads that work side by side, each doing torch's arithmetic by itself."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch


def start_workers(count: int) -> ThreadPoolExecutor:
    """Start `count` threads in each of which torch's operations run on that thread alone.

    torch's own threads wait for one another at every operation, so a busy core holds up all of them; these
    only meet where their results are put together. torch's number of threads stays what it was for the
    caller, and for threads that start later.
    """
    threads = torch.get_num_threads()
    started = threading.Barrier(count + 1)

    def begin() -> None:
        torch.get_num_threads()  # when first asked, a thread takes over the number of all, for good
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)  # of this thread only; see Training
        started.wait()

    workers = ThreadPoolExecutor(count, "arithmetic", begin)
    for _ in range(count):
        workers.submit(threading.get_ident)  # a thread is started for each task that finds none idle
    started.wait()
    torch.set_num_threads(threads)  # which threads take over that use torch for the first time
    return workers
