"""Which responses of other months a month looks at, and which rows stay its own."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from extract.archive.raw_archive import RawArchive
from flows.adjacent_months import (
    adjacent_entries,
    adjacent_months,
    entries_of,
    first_days,
    followed_by,
    legacy_rows,
    months_around,
    months_of,
    own_rows,
    rows_by_month,
)
from tests.unit.transform.answers import BATTERY_SITE
from transform.coverage import COLUMNS_FOR_GAPS
from transform.frames import empty_frame, table_frame
from wattlog.lake_periods import LIFETIME
from wattlog.local_days import first_instant

SITE = replace(BATTERY_SITE, site_id=101)
FIXED = replace(SITE, timezone="America/Chicago")
"""A site of another zone than that by which its windows are cut."""


@dataclass(frozen=True)
class Entry:
    """What is looked at of an index entry."""

    series: str
    window_start: date | None
    window_end: date | None
    raw_id: str = field(default="", compare=False)
    asked: str = "2026-01-15"

    @property
    def closes_at(self) -> datetime:
        assert self.window_end is not None
        return first_instant(self.window_end + timedelta(days=1), SITE.zone)

    @property
    def requested_at(self) -> datetime:
        return datetime.fromisoformat(f"{self.asked}T12:00:00+00:00")

    @property
    def month(self) -> str:
        return f"{self.window_start:%Y-%m}"


@dataclass(frozen=True)
class Legacy:
    """An entry of series `history`: it has no window, its month is that of the asking."""

    question: str
    asked: str
    sha256: str = "one"
    outcome: str = "data"
    series: str = "history"
    raw_id: str = ""
    window_start: date | None = None
    window_end: date | None = None

    @property
    def requested_at(self) -> datetime:
        return datetime.fromisoformat(f"{self.asked}T12:00:00+00:00")

    @property
    def month(self) -> str:
        return self.asked[:7]


def entry(series: str, first: str, last: str | None = None) -> Entry:
    return Entry(series, date.fromisoformat(first), date.fromisoformat(last or first))


def holding(*entries: Entry | Legacy) -> RawArchive:
    def of(site_id: int, month: str | None = None) -> list[Entry | Legacy]:
        return [entry for entry in entries if month in {None, entry.month}]

    months = sorted({entry.month for entry in entries})

    def legacy(site_id: int) -> list[Entry | Legacy]:
        return [entry for entry in entries if entry.series == "history"]

    return cast(
        "RawArchive", SimpleNamespace(entries=of, months=lambda _: months, legacy=legacy, histories=lambda _: [])
    )


def beside(site: Any, month: str, *entries: Entry | Legacy) -> list[Entry | Legacy]:
    return cast("list[Entry | Legacy]", adjacent_entries(holding(*entries), site, month))


@pytest.mark.parametrize(
    ("month", "expected"),
    [("2025-06", ("2025-05", "2025-07")), ("2025-01", ("2024-12", "2025-02")), ("2024-12", ("2024-11", "2025-01"))],
)
def test_months_beside_cross_the_year(month: str, expected: tuple[str, str]) -> None:
    assert adjacent_months(month) == expected


@pytest.mark.parametrize(
    ("period", "expected"), [("2025-06", ("2025-05", "2025-07")), ("2025", ("2024-12", "2026-01"))]
)
def test_months_around_a_period(period: str, expected: tuple[str, str]) -> None:
    assert months_around(period) == expected


def test_a_site_with_a_zone_looks_at_no_other_days() -> None:
    """Its windows are its days: no two of them share an instant."""
    days = [entry("power", "2025-05-31"), entry("power", "2025-06-01"), entry("power", "2025-07-01")]
    assert beside(SITE, "2025-06", *days) == []


def test_a_site_cut_by_another_clock_looks_at_the_days_next_to_its_month() -> None:
    """Q7: asked with two offsets, they may share an hour."""
    near = [entry("power", "2025-05-31"), entry("energy_interval", "2025-05-31"), entry("power", "2025-07-01")]
    far = [entry("power", "2025-05-30"), entry("power", "2025-07-02"), entry("energy_day", "2025-05-01", "2025-05-31")]
    assert beside(FIXED, "2025-06", *near, *far, entry("power", "2025-06-30")) == near


def test_a_site_cut_by_another_clock_looks_at_the_days_next_to_its_closed_year() -> None:
    near = [entry("power", "2024-12-31"), entry("power", "2026-01-01"), entry("soe", "2026-01-01")]
    far = [entry("power", "2024-12-30"), entry("power", "2026-01-02"), entry("power", "2025-01-01")]
    assert beside(FIXED, "2025", *near, *far) == near
    january = [near[1], entry("power", "2026-01-02"), entry("energy_day", "2025-12-01", "2025-12-31")]
    assert cast("list[Any]", first_days(cast("list[Any]", january))) == near[1:2]
    assert first_days([]) == []


def test_charge_sessions_may_come_with_both_months() -> None:
    months = [entry("charge", "2025-05-01", "2025-05-31"), entry("charge", "2025-07-01", "2025-07-31")]
    own = replace(entry("charge", "2025-06-01", "2025-06-30"), asked="2026-01-16")
    assert beside(SITE, "2025-06", *months, own) == months


def test_what_the_month_after_requested_later_changes_no_period() -> None:
    """An open month is requested every night: the year before it is not made again for that."""
    own = replace(entry("charge", "2025-12-01", "2025-12-31"), asked="2026-01-03")
    earlier, same, later = (
        replace(entry("charge", "2026-01-01", "2026-01-31"), asked=f"2026-01-0{day}") for day in (2, 3, 4)
    )
    before = replace(entry("charge", "2024-12-01", "2024-12-31"), asked="2026-01-04")
    assert beside(SITE, "2025", own, earlier, same, later, before) == [before, earlier]
    assert beside(SITE, "2025-12", own, earlier, same, later) == [earlier]
    assert beside(SITE, "2026-01", own, earlier, same, later) == [own], (
        "the later period has the earlier one's responses"
    )
    november = replace(entry("charge", "2025-11-01", "2025-11-30"), asked="2026-01-05")
    assert beside(SITE, "2025", november, later) == [], "a session of January lies in no window of November"


def test_lifetimes_belong_to_no_month() -> None:
    """Until the day of installation is known, a lifetime begins elsewhere at every request; all are one partition."""
    lifetimes = [entry("energy_year", "2025-01-05", "2025-06-01"), entry("backup", "2025-03-05", "2025-06-02")]
    stored = holding(*lifetimes, entry("power", "2025-03-05"))
    of_periods = [cast("list[Any]", entries_of(stored, 101, period)) for period in (LIFETIME, "2025-01", "2025-03")]
    assert of_periods == [lifetimes, [], [entry("power", "2025-03-05")]]
    assert months_of(stored, SITE) == ["2025-03"]
    for period in ("2025-01", "2025", LIFETIME):
        assert beside(SITE, period, *lifetimes) == []
    assert followed_by(stored, 101, "2025-01") == {}


def test_the_next_window_of_each_series_is_found_however_far() -> None:
    stored = [
        entry("power", "2025-06-03"),
        entry("soe", "2025-06-03"),
        entry("energy_year", "2025-06-03", "2026-01-01"),
        entry("soe", "2025-07-04"),
        entry("soe", "2025-07-02"),
        entry("power", "2026-02-01"),
        entry("energy_day", "2026-02-01", "2026-02-28"),
    ]
    assert followed_by(holding(*stored), 101, "2025-06") == {"soe": date(2025, 7, 2), "power": date(2026, 2, 1)}
    assert followed_by(holding(*stored), 101, "2026-02") == {}


def test_own_rows_are_those_of_own_responses() -> None:
    """By lineage, by the response of a quarantined row, by when a revision was seen."""
    noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    for column, values in (("_raw_id", ["a", "b"]), ("raw_id", ["a", "b"]), ("seen_at", [noon, noon.replace(hour=13)])):
        frame = pd.DataFrame({column: values, "n": [1, 2]})
        assert own_rows(frame, {"a"}, {noon})["n"].tolist() == [1], column
    other = pd.DataFrame({"n": [1, 2]})
    assert own_rows(other, {"a"}, {noon})["n"].tolist() == [1, 2]


# --- the old endpoint -------------------------------------------------------------------------------------------------


DAY, WEEKS, MONTHS = "kind=energy&period=day", "kind=energy&period=month", "kind=energy&period=year"


@pytest.mark.parametrize(
    ("question", "asked", "is_adjacent"),
    [
        ("kind=power", "2025-07-01", True),
        ("kind=power", "2025-05-31", True),
        ("kind=power", "2025-07-20", False),
        (DAY, "2025-07-01", True),
        (WEEKS, "2025-08-03", True),
        (WEEKS, "2025-09-01", False),
        (MONTHS, "2026-06-30", True),
        (MONTHS, "2026-09-01", False),
        (MONTHS, "2025-05-30", False),
    ],
)
def test_a_month_looks_at_responses_asked_so_much_later_that_they_may_cover_it(
    question: str, asked: str, is_adjacent: bool
) -> None:
    """API.md#legacy: two days, four weeks, twelve months before the asking; by UTC it may be a day less."""
    given = Legacy(question, asked)
    assert beside(SITE, "2025-06", given) == [given] * is_adjacent


def test_a_year_reported_alike_every_night_is_looked_at_once() -> None:
    """What would make twelve months anew each night changes once a month; a value that comes back counts again."""
    nights = [
        Legacy(MONTHS, "2025-07-01", "a"),
        Legacy(MONTHS, "2025-07-02", "a"),
        Legacy(MONTHS, "2025-07-03", "b"),
        Legacy(MONTHS, "2025-07-04", "b", outcome="not_json"),
        Legacy(MONTHS, "2025-07-05", "a"),
    ]
    assert beside(SITE, "2025-06", *nights) == [nights[0], nights[2], nights[4]]


def test_months_that_only_the_old_endpoint_reports_are_shaped_too() -> None:
    """Back to the installation, and not before it; what was asked for stays, whenever it was."""
    asked = (entry("power", "2019-01-01"), Legacy(MONTHS, "2019-08-10"), Legacy(DAY, "2020-03-01"))
    stored = holding(*asked)
    assert months_of(stored, SITE) == [
        "2019-01",
        "2019-05",
        "2019-06",
        "2019-07",
        "2019-08",
        "2020-01",
        "2020-02",
        "2020-03",
    ]
    assert months_of(holding(Legacy(MONTHS, "2019-08-10", outcome="error")), SITE) == ["2019-08"]


def test_what_the_old_endpoint_reported_is_divided_among_months_without_a_rest() -> None:
    """Rows by where they lie, what could not be used by whose response it was; calendar_history keeps its own."""
    power = table_frame(
        "power",
        {
            "site_id": 101,
            "interval_start": pd.to_datetime(["2025-06-01 06:55", "2025-06-01 07:00", "2025-06-01 07:05"], utc=True),
            "interval_s": 300,
        },
    )
    quarantine = table_frame("quarantine", {"raw_id": ["a", "b"]})
    tables = {"power": power, "quarantine": quarantine}
    june = legacy_rows(tables, power.iloc[1:2], "2025-06", SITE, {"a"})
    may = legacy_rows(tables, None, "2025-05", SITE, {"b"})
    assert june["power"].index.tolist() == [2]
    assert may["power"].index.tolist() == [0]
    assert [frames["quarantine"]["raw_id"].tolist() for frames in (june, may)] == [["a"], ["b"]]


def whole_tables(**filled: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table from which gaps are found, without rows but for some."""
    return {name: empty_frame(name) for name in COLUMNS_FOR_GAPS} | filled


def test_rows_belong_to_the_month_whose_responses_reported_them() -> None:
    """Whatever day they lie on: the first window of February may report an hour of January (Q7)."""
    stamps = pd.to_datetime(["2025-01-31T10:00Z", "2025-01-31T12:00Z", "2025-02-01T12:00Z"]).astype(
        "datetime64[us, UTC]"
    )
    power = pd.DataFrame(
        {
            "interval_start": stamps,
            "interval_s": 300,
            "solar_w": [1.0, 2.0, 3.0],
            "local_date": [date(2025, 1, 31)] * 2 + [date(2025, 2, 1)],
            "_raw_id": ["a", "b", "b"],
        }
    )
    quarantine = pd.DataFrame({"raw_id": ["b", "a", "b"], "reason": ["x"] * 3, "payload": ["1", "2", "3"]})
    months: dict[str, list[Any]] = {
        month: [replace(entry("power", f"{month}-01"), raw_id=raw_id)]
        for month, raw_id in (("2025-01", "a"), ("2025-02", "b"))
    }
    found = rows_by_month(whole_tables(power=power, quarantine=quarantine), months)
    assert {month: rows["power"]["solar_w"].tolist() for month, rows in found.items()} == {
        "2025-01": [1.0],
        "2025-02": [2.0, 3.0],
    }
    assert {month: rows["quarantine"]["payload"].tolist() for month, rows in found.items()} == {
        "2025-01": ["2"],
        "2025-02": ["1", "3"],
    }


def test_rows_of_the_old_endpoint_belong_to_the_month_they_lie_in() -> None:
    """`/history` has no window: its rows were requested in any month."""
    days = [date(2025, 1, 31), date(2025, 2, 1), date(2025, 2, 28)]
    periods = pd.DataFrame(
        {
            "source": "history/day",
            "granularity": "day",
            "period_start": days,
            "timezone": "UTC",
            "_raw_id": ["late"] * 3,
        }
    )
    legacy = Legacy("history?period=day", "2025-02-28", raw_id="late")
    months = {"2025-01": [cast("Any", entry("power", "2025-01-01"))], "2025-02": [cast("Any", legacy)]}
    found = rows_by_month(whole_tables(energy_periods=periods), months)
    assert {month: rows["energy_periods"]["period_start"].tolist() for month, rows in found.items()} == {
        "2025-01": days[:1],
        "2025-02": days[1:],
    }


def test_one_month_has_all_rows() -> None:
    tables = whole_tables()
    assert rows_by_month(tables, {"2025-01": []}) == {"2025-01": tables}
