"""Table requests."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pandas as pd

from tests.unit.transform.answers import checked
from transform.requests import requests_frame


@dataclass(frozen=True)
class Entry:
    raw_id: str
    site_id: int | None
    series: str
    window_start: date | None
    window_end: date | None
    status: int | None
    outcome: str
    attempt: int
    elapsed_ms: float
    size: int
    requested_at: datetime
    run_id: str


ENTRY = Entry(
    "b",
    101,
    "power",
    date(2025, 6, 10),
    date(2025, 6, 10),
    200,
    "data",
    1,
    12.5,
    4096,
    datetime(2025, 6, 11, tzinfo=UTC),
    "run-1",
)


def test_every_request_is_a_row_ordered_by_raw_id() -> None:
    failed = replace(ENTRY, raw_id="a", status=None, outcome="transport", attempt=3)
    frame = checked({"requests": requests_frame([ENTRY, failed, ENTRY])})["requests"]
    assert frame["raw_id"].tolist() == ["a", "b"]
    assert frame["attempts"].tolist() == [3, 1]
    assert frame["bytes"].tolist() == [4096, 4096]
    assert frame["status"].isna().tolist() == [True, False]
    assert frame["window_end"].tolist() == [date(2025, 6, 10)] * 2


def test_account_wide_requests_have_no_site_and_no_window() -> None:
    account = [
        replace(ENTRY, raw_id=name, site_id=site_id, window_start=None, window_end=None)
        for name, site_id in (("a", None), ("b", 0))
    ]
    frame = checked({"requests": requests_frame(account)})["requests"]
    assert frame["site_id"].isna().all()
    assert frame["window_start"].isna().all()


def test_sixteen_digit_ids_stay_exact_among_missing_ones() -> None:
    """API.md#products: an id as a float would be another site's."""
    frame = requests_frame([replace(ENTRY, site_id=9_007_199_254_740_993), replace(ENTRY, raw_id="c", site_id=None)])
    assert frame["site_id"].tolist() == [9_007_199_254_740_993, pd.NA]


def test_no_requests_are_an_empty_table() -> None:
    assert len(checked({"requests": requests_frame([])})["requests"]) == 0
