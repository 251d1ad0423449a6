"""Random input of visitors: `python -m tests.fuzz --cases 20000`.

Each case must end in a result or in an InputError's sentence, and what is shown of it must hold no markup.
Structures come from hypothesis; bytes from files of ours, mutated by a seeded generator.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.fuzz.mutated_files import BYTES, fuzz_bytes
from tests.fuzz.structures import STRUCTURES, fuzz_structures


def main() -> int:
    """Try all kinds, and print how many cases ended how."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="in all, shared among the kinds")
    parser.add_argument("--seed", type=int, default=0)
    given_options = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit's, that no browser is there
    kinds = [*((fuzz_structures, name) for name in STRUCTURES), *((fuzz_bytes, name) for name in BYTES)]
    each = -(-given_options.cases // len(kinds))
    print(f"seed {given_options.seed}, {each:,} cases of each of {len(kinds)} kinds")
    for fuzz, name in kinds:
        begun = time.monotonic()
        count = fuzz(name, each, given_options.seed)
        kind = "structures" if fuzz is fuzz_structures else "bytes"
        seconds = time.monotonic() - begun
        print(
            f"{name:10} {kind:10} {each:6,} cases: {count.results:6,} results, "
            f"{count.sentences:6,} sentences, {seconds:5.1f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
