"""What an owner reads."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from transform.frames import table_frame
from transform.reconciliation import Cause, in_words
from transform.reconciliation.words import _WHY
from transform.time import date_column

DROPPED: dict[str, Any] = {
    "check_name": "day_vs_month_series",
    "granularity": "day",
    "period_start": date(2025, 5, 14),
    "measure": "solar_energy_exported_wh",
    "left_source": "calendar_history/week",
    "left_wh": 31_200.0,
    "right_source": "calendar_history/month",
    "right_wh": np.nan,
    "difference_wh": np.nan,
    "tolerance_wh": 31.2,
    "verdict": "missing_right",
    "cause": "dropped_day",
}
DRIFT = {
    "check_name": "month_vs_days",
    "granularity": "month",
    "period_start": date(2025, 5, 1),
    "measure": "home_wh",
    "left_source": "daily",
    "left_wh": 863_000.0,
    "right_source": "calendar_history/year",
    "right_wh": 828_000.0,
    "difference_wh": 35_000.0,
    "verdict": "differs",
    "cause": "rollup_drift",
}


def sentence(**facts: Any) -> str:
    row = DROPPED | facts
    start = date_column(np.array([row["period_start"]], dtype="datetime64[D]"))
    (words,) = in_words(table_frame("reconciliation", {"site_id": [1], **row, "period_start": start}))
    return words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "2025-05-14 is missing from the month series; the week series gives 31.2 kWh of solar; filled"),
        (
            {"left_source": "energy_intervals", "left_wh": np.nan},
            "2025-05-14 is missing from the month series; nothing else tells of it",
        ),
        (
            {
                "check_name": "power_vs_energy",
                "left_source": "power",
                "left_wh": np.nan,
                "right_wh": 900.0,
                "verdict": "missing_left",
                "cause": "wrong_window",
            },
            "2025-05-14 is missing from power; the month series gives 0.900 kWh of solar: the answer was of another day",
        ),
        (
            DRIFT,
            "2025-05: the days give 863.0 kWh of home use, the year series 828.0 kWh (+35.0 kWh): Tesla's own sum has drifted",
        ),
        (
            DRIFT | {"granularity": "lifetime", "measure": "grid_export_wh", "cause": "unexplained"},
            "since 2025-05-01: the days give 863.0 kWh of grid export, the year series 828.0 kWh (+35.0 kWh): unexplained",
        ),
        (
            DRIFT | {"verdict": "agree", "cause": None, "granularity": "year"},
            "2025: the days and the year series agree on 828.0 kWh of home use",
        ),
    ],
)
def test_a_row_is_a_sentence(facts: dict[str, Any], words: str) -> None:
    assert sentence(**facts) == words


def test_every_cause_has_words() -> None:
    assert set(_WHY) == set(Cause)
