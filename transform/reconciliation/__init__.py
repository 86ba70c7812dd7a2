"""Where two sources of the same energy differ, by how much, and why: table `reconciliation`.

Every check compares two sources, period by period and measure by measure. Where they differ by more than the tolerance, an
ordered list of rules gives the cause. All functions are pure: lake frames in, rows out. Days are compared first, then the
weeks, months and years that sum them.
"""

from transform.reconciliation.days import DayEvidence, reconcile_days
from transform.reconciliation.interval_variants import compare_interval_variants, in_unit_of
from transform.reconciliation.period_context import DAYS_FOR_PERIODS
from transform.reconciliation.periods import PeriodEvidence, reconcile_periods
from transform.reconciliation.suspect_days import PASSING, suspect_days
from transform.reconciliation.text import difference_text

__all__ = [
    "DAYS_FOR_PERIODS",
    "PASSING",
    "DayEvidence",
    "PeriodEvidence",
    "compare_interval_variants",
    "difference_text",
    "in_unit_of",
    "reconcile_days",
    "reconcile_periods",
    "suspect_days",
]
