"""Where the API contradicts itself, by how much, and why: table `reconciliation`.

What no other tool does. Every check lays two sources side by side, per period and measure; where they differ by more than
their rows' rounding, an ordered table of rules says why. Pure functions of lake frames: days first, then what sums them.
"""

from transform.reconciliation.days import DayEvidence, reconcile_days
from transform.reconciliation.doubts import PASSING, doubtful_days
from transform.reconciliation.periods import PeriodEvidence, reconcile_periods
from transform.reconciliation.tellings import compare_tellings, in_unit_of
from transform.reconciliation.vocabulary import Cause, Check, Granularity, Verdict
from transform.reconciliation.words import in_words, why

__all__ = [
    "PASSING",
    "Cause",
    "Check",
    "DayEvidence",
    "Granularity",
    "PeriodEvidence",
    "Verdict",
    "compare_tellings",
    "doubtful_days",
    "in_unit_of",
    "in_words",
    "reconcile_days",
    "reconcile_periods",
    "why",
]
