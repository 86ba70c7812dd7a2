"""`make torture`: much more of what a few tests in `make test` show, on all processors, with the figures of each part.

    python -m tests.torture                 every part, half an hour on two processors
    python -m tests.torture nights files    some of them
    python -m tests.torture --full          every part with the full figures, several hours

It ends with 1 as soon as a part fails; the error says how to see it again. It ends with 2 if there is no such part.
"""

import argparse
import logging
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.torture import fuzz

STEPS = 40
"""Steps of an example of the state machine."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much each part does.

    Attributes:
        examples: Examples of the state machine.
        payloads: Mutated responses.
        mixtures: Mixtures of differences.
        dated: Mixtures with dated facts.
        guided_s: How long atheris looks for payloads that reach new branches, in seconds.
    """

    examples: int
    payloads: int
    mixtures: int
    dated: int
    guided_s: int


HALF_AN_HOUR = Figures(examples=40, payloads=250_000, mixtures=200, dated=60, guided_s=120)
FULL = Figures(examples=200, payloads=1_000_000, mixtures=1_000, dated=300, guided_s=1_800)

BLOCK = 10
"""Examples, or mixtures, that a process does before it takes the next ones."""

ATHERIS = Path("build/torture")
"""Where `make torture` has installed atheris, if there is a wheel."""

PROCESSES = os.cpu_count() or 1


def nights(figures: Figures) -> str:
    """The state machine of nights."""
    passed = _on_all_processors(nights_of, [BLOCK] * (figures.examples // BLOCK))
    return f"{figures.examples} examples of up to {STEPS} steps, {sum(passed):,} nights"


def nights_of(examples: int) -> int:
    """Some examples of the state machine, random ones; returns how many nights passed in them."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.torture.machine import HistoryMachine

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    passed = 0

    class Counted(HistoryMachine):
        def night_begins(self) -> None:
            nonlocal passed
            passed += 1
            super().night_begins()

    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    run_state_machine_as_test(Counted, settings=chosen)
    return passed


def payloads(figures: Figures) -> str:
    """Mutations of proper responses."""
    fuzz.main(figures.payloads)
    return f"{figures.payloads:,} payloads"


def guided(figures: Figures) -> str:
    """Payloads that atheris finds by the branches that they reach."""
    if not (ATHERIS / "atheris").is_dir():
        return "left out: there is no wheel of atheris for this Python"
    corpus = ATHERIS / "corpus"
    corpus.mkdir(exist_ok=True)
    options = [f"-max_total_time={figures.guided_s}", "-max_len=8192", "-verbosity=0", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.torture.coverage_guided", *options, str(corpus)]
    environment = os.environ | {"PYTHONPATH": str(ATHERIS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout[-4000:] + done.stderr[-4000:])
    count = next((line for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
    return f"{count.split()[-1]} payloads that atheris chose"


def files(_: Figures) -> str:
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


def mixtures(figures: Figures) -> str:
    """Random mixtures of differences."""
    count = sum(_on_all_processors(mixtures_from, list(range(0, figures.mixtures, BLOCK))))
    return f"{count:,} mixtures"


def mixtures_from(first: int) -> int:
    """Some mixtures, by their seeds."""
    from tests.property.test_reconciliation_mixtures import check_mixture

    return _checked(check_mixture, first)


def dated(figures: Figures) -> str:
    """Random mixtures at sites that change, some with imported histories."""
    count = sum(_on_all_processors(dated_from, list(range(0, figures.dated, BLOCK))))
    return f"{count:,} mixtures with dated facts"


def dated_from(first: int) -> int:
    """Some of these mixtures, by their seeds."""
    from tests.property.test_dated_mixtures import check_dated

    return _checked(check_dated, first)


def _checked(check: Callable[[int], object], first: int) -> int:
    """Check a block of seeds; returns how many there are."""
    logging.disable(logging.CRITICAL)
    for seed in range(first, first + BLOCK):
        check(seed)
    return BLOCK


PARTS = {function.__name__: function for function in (nights, payloads, guided, files, mixtures, dated)}


def _on_all_processors(function: Callable[[int], int], items: list[int]) -> list[int]:
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=4) as pool:
        return list(pool.imap_unordered(function, items))


def main(arguments: Sequence[str]) -> None:
    """Do some parts, and print what each did and how long it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Repeat what some tests show.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; every one if none is given"
    )
    parser.add_argument("--full", action="store_true", help="the full figures, which take several hours")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    say = partial(print, flush=True)
    for name in chosen.parts or PARTS:
        began = time.monotonic()
        result = PARTS[name](FULL if chosen.full else HALF_AN_HOUR)
        seconds = time.monotonic() - began
        say(f"{name}: {result}; {seconds:.0f} s on {PROCESSES} processors")


if __name__ == "__main__":
    main(sys.argv[1:])
