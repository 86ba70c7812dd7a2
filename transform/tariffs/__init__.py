"""Tariffs: documents of all forms read, checked, written, and resolved to the price at an instant.

`read_tariff` makes a `Tariff` of a document, `resolve` prices instants by it, `grid` lists it as rows.
"""

from transform.tariffs.document import read_tariff, tariff_document
from transform.tariffs.money import MICRO, micro, micro_text
from transform.tariffs.resolver import grid, resolve, resolve_demand
from transform.tariffs.synthetic import is_synthetic
from transform.tariffs.tariff import ALL, DailyCharge, Period, Season, Side, Tariff
from transform.tariffs.validation import Violation, validate
from transform.tariffs.writing import write_tariff

__all__ = [
    "ALL",
    "MICRO",
    "DailyCharge",
    "Period",
    "Season",
    "Side",
    "Tariff",
    "Violation",
    "grid",
    "is_synthetic",
    "micro",
    "micro_text",
    "read_tariff",
    "resolve",
    "resolve_demand",
    "tariff_document",
    "validate",
    "write_tariff",
]
