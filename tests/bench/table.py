"""The measures as one table of 80 columns, the curves below it, and the same as JSON."""

import json
import os
import platform
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.bench.result import Curve, Result

NAME_WIDTH: Final = 38
HEADINGS: Final = f"{'#':>2}  {'measure':<{NAME_WIDTH}} {'value':>8} {'reach':>7} {'stretch':>7} result"
OK: Final = "ok"
NOT_REACHED: Final = "NOT REACHED"


def lines(results: Sequence[Result | Curve]) -> Iterator[str]:
    """The table, then the curves."""
    yield HEADINGS
    number = None
    for result in results:
        if isinstance(result, Result):
            yield from _row(result, has_number=result.number != number)
            number = result.number
    for curve in results:
        if isinstance(curve, Curve):
            yield from _curve(curve)


def _row(result: Result, *, has_number: bool) -> Iterator[str]:
    """A row, with the rest of a long name on a second line."""
    limit = result.limit
    reach = f"{limit.sign} {_figure(limit.reach)}"
    stretch = "" if limit.stretch is None else _figure(limit.stretch)
    value = f"{_figure(result.value)} {result.unit:<2}".ljust(5)
    number = str(result.number) if has_number else ""
    name, *rest = textwrap.wrap(result.name, NAME_WIDTH, subsequent_indent="  ")
    verdict = OK if result.is_reached else NOT_REACHED
    yield f"{number:>2}  {name:<{NAME_WIDTH}} {value:>8} {reach:>7} {stretch:>7} {verdict}"
    yield from (f"    {line}" for line in rest)


def _figure(value: float) -> str:
    """Three digits, and no zeros that say nothing."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _curve(curve: Curve) -> Iterator[str]:
    """The costs of each length, and how many times the second the first is."""
    first, second = curve.lines.values()
    yield ""
    yield f"{curve.name}, CPU s".ljust(40) + "".join(f"{length:>9}" for length in first)
    for name, line in curve.lines.items():
        yield f"  {name}".ljust(40) + "".join(f"{cost:>9.2f}" for cost in line.values())
    yield "  ratio".ljust(40) + "".join(f"{first[length] / second[length]:>9.2f}" for length in first)


def as_json(results: Sequence[Result | Curve]) -> dict[str, Any]:
    """The same for programs, with what each value was computed from."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "measures": [
            asdict(result) | {"is_reached": result.is_reached} for result in results if isinstance(result, Result)
        ],
        "curves": [asdict(curve) for curve in results if isinstance(curve, Curve)],
    }


def write(results: Sequence[Result | Curve], path: Path) -> None:
    """Write the JSON; its directory is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(results), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(results: Sequence[Result | Curve]) -> None:
    """Print table and curves."""
    sys.stdout.write("\n".join(lines(results)) + "\n")
    sys.stdout.flush()
