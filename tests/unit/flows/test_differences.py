"""Results of `reconcile`: counts, the order of differences, and periods that share a sentence."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from flows.differences import CheckCount, SiteDifferences, as_dict, as_markdown, differences_of
from tests.unit.transform.answers import BATTERY_SITE
from transform.frames import table_frame
from transform.time import date_column

DAY = date(2025, 6, 10)


def row(day: date, cause: str | None, difference_wh: float = 0.0, **facts: Any) -> dict[str, Any]:
    """Intervals against the month series; agreeing where there is no cause."""
    return {
        "site_id": 101,
        "check_name": "interval_vs_day",
        "granularity": "day",
        "period_start": day,
        "measure": "solar_energy_exported_wh",
        "left_source": "energy_intervals",
        "left_wh": 20_000.0 + difference_wh,
        "right_source": "calendar_history/month",
        "right_wh": 20_000.0,
        "difference_wh": difference_wh,
        "tolerance_wh": 288.0,
        "verdict": "agree" if cause is None else "differs",
        "cause": cause,
        **facts,
    }


def skipped(day: date) -> dict[str, Any]:
    """An identity that cannot be checked (Q43)."""
    nothing: dict[str, Any] = {"right_wh": np.nan, "difference_wh": np.nan, "verdict": None}
    return row(day, "no_splits", **nothing, check_name="flow_identity", right_source="flows")


def found(*rows: dict[str, Any]) -> SiteDifferences:
    columns: dict[str, Any] = {name: pd.Series([values[name] for values in rows]) for name in rows[0]}
    columns["period_start"] = date_column(np.array([values["period_start"] for values in rows], dtype="datetime64[D]"))
    return differences_of(BATTERY_SITE, table_frame("reconciliation", columns))


def test_a_period_counts_once_by_what_differs_else_by_what_agrees_else_as_skipped() -> None:
    """Three days: one agrees, one differs in a measure, one can be checked in no measure."""
    agrees = row(DAY, None, measure="home_wh")
    second, third = DAY + timedelta(days=1), DAY + timedelta(days=2)
    some = found(
        agrees, skipped(DAY), row(second, "rounding", 400.0), row(second, None, measure="home_wh"), skipped(third)
    )
    intervals = CheckCount("interval_vs_day", "day", 2, {"agree": 1, "differs": 1}, {"rounding": 1}, {})
    identities = CheckCount("flow_identity", "day", 2, {"agree": 0, "skipped": 2}, {}, {"no_splits": 2})
    assert set(map(str, some.checks)) == {str(identities), str(intervals)}
    assert some.not_checked() == [
        "flow_identity is not checked for 2 days: without a battery, Tesla does not report where energy went"
    ]


def test_a_skipped_check_is_no_difference_and_is_mentioned() -> None:
    """Q43: in sentences, in JSON and in Markdown."""
    only = found(skipped(DAY))
    assert (len(only.differences), only.sentences()) == (0, [])
    assert as_dict(only)["not_checked"] == [
        "flow_identity is not checked for 1 day: without a battery, Tesla does not report where energy went"
    ]
    assert "flow\\_identity is not checked for 1 day" in as_markdown([only])


def test_json_has_the_former_name_of_the_moment_as_well() -> None:
    """`parts_at` was renamed to `diverges_at`; scripts may read either for one version."""
    moment = pd.Timestamp("2025-06-10T19:15Z")
    (plain,) = as_dict(found(row(DAY, "rounding", 400.0, diverges_at=moment)))["differences"]
    assert plain["parts_at"] == plain["diverges_at"] == moment


def test_unexplained_differences_come_first_and_temporary_ones_last() -> None:
    """The largest first among equals."""
    causes = ["revised", "rounding", "midnight_zero", "unexplained", "partial_period"]
    rows = [row(DAY + timedelta(days=number), cause, 1_000.0 * (number + 1)) for number, cause in enumerate(causes)]
    assert found(*rows).differences["cause"].tolist() == [
        "unexplained",
        "midnight_zero",
        "rounding",
        "partial_period",
        "revised",
    ]


def test_a_period_has_one_sentence_and_many_equal_ones_share_one() -> None:
    """A month in another unit hides nothing else; up to five days have a sentence each, and all days without a limit."""
    era = [row(DAY + timedelta(days=ahead), "unit_mismatch", 9_000.0 + ahead) for ahead in range(30)]
    twice = row(DAY, "unit_mismatch", 5.0, measure="home_wh")
    few = [row(DAY + timedelta(days=ahead), "rounding", 400.0, check_name="day_vs_week") for ahead in range(5)]
    differing = found(*era, twice, *few)
    assert differing.sentences()[0] == (
        "2025-07-09: the intervals give 29.0 kWh of solar, the month series 20.0 kWh (+9.0 kWh): the values are in another"
        " unit; the same for 29 more days between 2025-06-10 and 2025-07-09"
    )
    assert len(differing.sentences()) == 1 + 5
    assert len(differing.sentences(most=None)) == 30 + 5
    assert len(differing.sentences(most=3)) == 3
