"""The sentences that owners read."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import LOS_ANGELES
from transform.day_sums import MEASURES
from transform.frames import table_frame
from transform.reconciliation import difference_text
from transform.reconciliation.text import _measure
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

SHIFT = {
    "check_name": "interval_vs_interval",
    "measure": "consumer_energy_imported_from_solar_wh",
    "left_source": "energy_intervals/15m",
    "left_wh": 9_100.0,
    "right_source": "energy_intervals/5m",
    "right_wh": 10_300.0,
    "difference_wh": -1_200.0,
    "verdict": "differs",
    "cause": "allocation_shift",
    "diverges_at": pd.Timestamp("2025-05-14T19:15Z"),
}


def sentence(**facts: Any) -> str:
    row = DROPPED | facts
    start = date_column(np.array([row["period_start"]], dtype="datetime64[D]"))
    (text,) = difference_text(
        table_frame("reconciliation", {"site_id": [1], **row, "period_start": start}), LOS_ANGELES
    )
    return text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "2025-05-14 is missing from the month series; the week series gives 31.2 kWh of solar; the day is filled"),
        (
            {"left_source": "energy_intervals", "left_wh": np.nan},
            "2025-05-14 is missing from the month series; no other source has it",
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
            (
                "2025-05-14 is missing from the power readings; the month series gives 900 Wh of solar: Tesla's response"
                " was for other days"
            ),
        ),
        (
            DRIFT,
            (
                "2025-05: the days give 863.0 kWh of home use, the year series 828.0 kWh (+35.0 kWh):"
                " Tesla's total has drifted from the sum of its days"
            ),
        ),
        (
            DRIFT | {"granularity": "lifetime", "measure": "grid_export_wh", "cause": "unexplained"},
            (
                "since 2025-05-01: the days give 863.0 kWh of grid export, the year series 828.0 kWh (+35.0 kWh):"
                " no known cause explains it"
            ),
        ),
        (
            SHIFT,
            (
                "2025-05-14: the 15-minute intervals give 9.1 kWh of home use from solar, the 5-minute intervals 10.3 kWh"
                " (-1.2 kWh since 12:15): totals match, but the split is different"
            ),
        ),
        (
            SHIFT | {"period_start": date(2025, 11, 2), "diverges_at": pd.Timestamp("2025-11-02T09:30Z")},
            (
                "2025-11-02: the 15-minute intervals give 9.1 kWh of home use from solar, the 5-minute intervals 10.3 kWh"
                " (-1.2 kWh since 01:30 (UTC-0800)): totals match, but the split is different"
            ),
        ),
        (
            SHIFT | {"left_source": "energy_intervals", "right_source": "calendar_history/day", "diverges_at": None},
            (
                "2025-05-14: the intervals give 9.1 kWh of home use from solar, the day series 10.3 kWh (-1.2 kWh):"
                " totals match, but the split is different; a daily total does not show when the shift began"
            ),
        ),
        (
            {
                "check_name": "flow_identity",
                "left_source": "daily",
                "right_source": "flows",
                "verdict": None,
                "cause": "no_splits",
            },
            (
                "2025-05-14: where 31.2 kWh of solar went is not checked: without a battery, Tesla does not report where"
                " energy went"
            ),
        ),
        (
            DRIFT | {"left_source": "history/year", "right_wh": 0.0, "difference_wh": 863_000.0},
            (
                "2025-05: the older endpoint gives 863.0 kWh of home use, the year series 0 Wh (+863.0 kWh):"
                " Tesla's total has drifted from the sum of its days"
            ),
        ),
        (
            DRIFT | {"verdict": "agree", "cause": None, "granularity": "year"},
            "2025: the days and the year series agree on 828.0 kWh of home use",
        ),
    ],
)
def test_a_row_is_a_sentence(facts: dict[str, Any], text: str) -> None:
    assert sentence(**facts) == text


def test_every_measure_has_a_name() -> None:
    """No measure is shown by the name of its column."""
    assert [_measure(name) for name in MEASURES if "_" in _measure(name)] == []
    assert len({_measure(name) for name in MEASURES}) == len(MEASURES)
