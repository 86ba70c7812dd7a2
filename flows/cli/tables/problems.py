"""The problems of a data directory, as `verify` prints them."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from flows.console import lines, note, print_json, print_table
from flows.verification import Problem

SHOWN = 20
"""Problems that are printed; `--json` gives all of them."""


def print_problems(found: Sequence[Problem], *, as_json: bool) -> None:
    """Print a table, and how many problems there are; with `--json` also under the former name `findings`."""
    if as_json:
        plain = [asdict(problem) for problem in found]
        print_json({"problems": plain, "findings": plain})
    elif found:
        print_table(_table(found[:SHOWN]))
    if found:
        counted = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        hidden = 0 if as_json else max(len(found) - SHOWN, 0)
        note(f"{counted}, {hidden} not shown; --json gives all" if hidden else counted)


def _table(found: Sequence[Problem]) -> Table:
    table = Table("part", "where", "what", title="Problems", title_justify="left", box=None, pad_edge=False)
    for problem in found:
        rows = (", ".join(f"{name} {value}" for name, value in row.items()) for row in problem.first_rows)
        table.add_row(problem.part, problem.where, lines(problem.what, *(f"  {row}" for row in rows)))
    return table
