"""Everything of Digit Lab that is not its web pages: usable from a notebook and a command line."""

import os

from mnist_core.machine.allocation import keep_freed_memory

# Idle threads sleep instead of spinning: on a busy machine two threads then trained six times as fast.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads, so it is set before
keep_freed_memory()
