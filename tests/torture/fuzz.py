"""`python -m tests.torture.fuzz PAYLOADS [FIRST_SEED]`: seeded mutations of proper responses, read and shaped."""

import logging
import multiprocessing
import os
import random
import resource
import sys
import time

from tests.torture.payloads import check, mutated

BLOCK = 1_000
"""Payloads that are made from one seed and shaped together, as the responses of a month are."""

MOST_MB = 1_500
"""Memory that a process may take: payloads are small, and what they are read to is not kept."""


def check_block(seed: int) -> int:
    """Check the payloads of one seed; returns the largest memory of this process so far, in MB."""
    logging.disable(logging.CRITICAL)  # most payloads have unknown columns
    chance = random.Random(seed)  # noqa: S311
    try:
        check([mutated(chance) for _ in range(BLOCK)])
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(payloads: int, first_seed: int = 0) -> None:
    """Check so many payloads on all processors, and print how many a second."""
    began, processes = time.monotonic(), os.cpu_count() or 1
    seeds = range(first_seed, first_seed + -(-payloads // BLOCK))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        most_mb = max(pool.imap_unordered(check_block, seeds))
    seconds = time.monotonic() - began
    assert most_mb < MOST_MB, f"a process took {most_mb} MB"
    count = len(seeds) * BLOCK
    sys.stdout.write(
        f"fuzz: {count:,} payloads in {seconds:.0f} s on {processes} processors, {count / seconds:.0f} a second, "
        f"at most {most_mb} MB a process\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
