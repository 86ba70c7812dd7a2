"""`make torture`: much more of what a few tests in `make test` show, on all processors, with the figures of each part.

    python -m tests.torture                 every part
    python -m tests.torture nights fuzz     some of them

It ends with 1 as soon as a part fails; the error says how to see it again.
"""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.torture import fuzz

EXAMPLES, STEPS = 200, 40
"""Examples of the state machine, and steps of each."""

PAYLOADS = 1_000_000
MIXTURES = 1_000
GUIDED_S = 120
"""How long atheris looks for payloads that reach new branches."""

BLOCK = 10
"""Examples, or mixtures, that a process does before it takes the next ones."""

ATHERIS = Path("build/torture")
"""Where `make torture` has installed atheris, if there is a wheel."""

PROCESSES = os.cpu_count() or 1


def nights() -> str:
    """The state machine of nights."""
    steps = _on_all_processors(nights_of, [BLOCK] * (EXAMPLES // BLOCK))
    return f"{EXAMPLES} examples of up to {STEPS} steps, {sum(steps):,} nights"


def nights_of(examples: int) -> int:
    """Some examples of the state machine, random ones; returns how many runs they had."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.torture.machine import HistoryMachine

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    runs = 0

    class Counted(HistoryMachine):
        def context(self) -> object:  # type: ignore[override]
            nonlocal runs
            runs += 1
            return super().context()

    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    run_state_machine_as_test(Counted, settings=chosen)
    return runs


def payloads() -> str:
    """Mutations of proper responses."""
    fuzz.main(PAYLOADS)
    return f"{PAYLOADS:,} payloads"


def guided() -> str:
    """Payloads that atheris finds by the branches that they reach."""
    if not (ATHERIS / "atheris").is_dir():
        return "left out: there is no wheel of atheris for this Python"
    corpus = ATHERIS / "corpus"
    corpus.mkdir(exist_ok=True)
    options = [f"-max_total_time={GUIDED_S}", "-max_len=8192", "-verbosity=0", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.torture.coverage_guided", *options, str(corpus)]
    environment = os.environ | {"PYTHONPATH": str(ATHERIS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout[-4000:] + done.stderr[-4000:])
    count = next((line for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
    return f"{count.split()[-1]} payloads that atheris chose"


def files() -> str:
    """Every kind of file × every damage, and small files at every byte."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "exhaustive or not exhaustive",
        f"--numprocesses={PROCESSES}",
    ]
    done = subprocess.run(
        [*command, "--dist=worksteal", "tests/integration/test_damaged_files.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stdout)
    return done.stdout.strip().splitlines()[-1]


def mixtures() -> str:
    """Random mixtures of differences."""
    count = sum(_on_all_processors(mixtures_from, list(range(0, MIXTURES, BLOCK))))
    return f"{count:,} mixtures"


def mixtures_from(first: int) -> int:
    """Some mixtures, by their seeds."""
    from tests.property.test_reconciliation_mixtures import check_mixture

    logging.disable(logging.CRITICAL)
    for seed in range(first, first + BLOCK):
        check_mixture(seed)
    return BLOCK


PARTS = {function.__name__: function for function in (nights, payloads, guided, files, mixtures)}


def _on_all_processors(function: Callable[[int], int], items: list[int]) -> list[int]:
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=4) as pool:
        return list(pool.imap_unordered(function, items))


def main(names: list[str]) -> None:
    """Do some parts, and print what each did and how long it took."""
    say = partial(print, flush=True)
    for name in names or PARTS:
        began = time.monotonic()
        result = PARTS[name]()
        seconds = time.monotonic() - began
        say(f"{name}: {result}; {seconds:.0f} s on {PROCESSES} processors")


if __name__ == "__main__":
    main(sys.argv[1:])
