"""A violation of a rule, and where in the document it is."""

import json
import re
from dataclasses import dataclass
from typing import Final

ROOT: Final = "$"
"""The document itself, in a JSON path."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation of a rule.

    Attributes:
        path: Its place, as a JSON path: `$.seasons.Summer.tou_periods.ON_PEAK.periods[0].toHour`.
        sentence: What is wrong.
        is_error: Whether the tariff cannot be used as it is; otherwise it is a warning.
    """

    path: str
    sentence: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{'error' if self.is_error else 'warning'}: {self.path}: {self.sentence}"


def child(path: str, name: str) -> str:
    """The path of a value of an object."""
    return f"{path}.{name}" if _PLAIN.fullmatch(name) else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def item(path: str, position: int) -> str:
    """The path of a value of a list."""
    return f"{path}[{position}]"
