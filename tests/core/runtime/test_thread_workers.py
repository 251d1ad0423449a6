import threading

import torch

from mnist_core.runtime.devices import start_workers


def test_each_worker_computes_alone_and_others_as_before():
    torch.set_num_threads(3)
    with start_workers(2) as workers:
        together = threading.Barrier(2)

        def count() -> int:
            together.wait()
            return torch.get_num_threads()

        assert [work.result() for work in [workers.submit(count), workers.submit(count)]] == [1, 1]
        assert torch.get_num_threads() == 3
        later: list[int] = []
        (thread := threading.Thread(target=lambda: later.append(torch.get_num_threads()))).start()
        thread.join()
        assert later == [3]


def test_workers_take_numbers_next_to_zero_for_zero():
    denormal = torch.full((100,), 1e-40)
    with start_workers(1) as workers:
        assert workers.submit(lambda: (denormal * 0.5).sum().item()).result() == 0
