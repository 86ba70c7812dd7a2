"""Measure 5: how soon the command line is there, beside the one library that each command cannot do without."""

import shlex
from collections.abc import Iterator
from functools import partial

from tests.bench.account import environment
from tests.bench.child import least_cpu, python, run, wattlog
from tests.bench.histories import Histories
from tests.bench.result import Limit, Result
from warehouse.build.build import build
from warehouse.lake.lake import Lake
from wattlog.names import DataDirectory

COMMANDS = (
    (("--help",), "typer", Limit(2.0, 1.5)),
    (("sql", "select 1"), "duckdb", Limit(2.5, 1.5)),
)
"""Arguments, the library, and the limits of the ratio."""


def measure(histories: Histories) -> Iterator[Result]:
    """Both commands, on a data directory with an empty warehouse."""
    directory = DataDirectory(histories.directory / "empty")
    build(Lake(directory.lake), directory.warehouse)
    shell = environment(directory.root)
    for arguments, library, limit in COMMANDS:
        command, start = wattlog(*arguments), python("-c", f"import {library}")
        names = f"wattlog {shlex.join(arguments)}", f"import {library}"
        sides = least_cpu(
            histories.sizes.often,
            {
                names[0]: partial(run, command, environment=shell, cwd=directory.root),
                names[1]: partial(run, start, environment=shell, cwd=directory.root),
            },
        )
        ours, theirs = (sides[name].cpu_s for name in names)
        yield Result(5, " / ".join(names), ours / theirs, "×", limit, {names[0]: ours, names[1]: theirs})
