"""Everything of Digit Lab that is not its web pages: usable from a notebook and a command line."""

import os

from mnist_core.machine.allocation import keep_freed_memory

# Idle threads wait half a millisecond for more work, then sleep: enough for the gaps within a step, which
# else cost half of what a second thread gains, and not much when another process wants the core.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read by GNU's OpenMP when torch loads
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # of others: no waiting
keep_freed_memory()
