"""Which answers of other months a month looks at, and which rows stay its own."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from flows.neighbours import entries_beside, followed_by, legacy_rows, months_beside, months_of, own_rows
from flows.workspace import Workspace
from tests.unit.transform.answers import BATTERY_SITE
from transform.frames import table_frame

SITE = replace(BATTERY_SITE, site_id=101)
FIXED = replace(SITE, clock_offset_minutes=-300)


@dataclass(frozen=True)
class Entry:
    """What is looked at of an index entry."""

    series: str
    window_start: date | None
    window_end: date | None
    raw_id: str = field(default="", compare=False)

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


def holding(*entries: Entry | Legacy) -> Workspace:
    def of(site_id: int, month: str | None = None) -> list[Entry | Legacy]:
        return [each for each in entries if month in {None, each.month}]

    months = sorted({each.month for each in entries})

    def legacy(site_id: int) -> list[Entry | Legacy]:
        return [each for each in entries if each.series == "history"]

    return cast(
        "Workspace", SimpleNamespace(archive=SimpleNamespace(entries=of, months=lambda _: months, legacy=legacy))
    )


def beside(site: Any, month: str, *entries: Entry | Legacy) -> list[Entry | Legacy]:
    return cast("list[Entry | Legacy]", entries_beside(holding(*entries), site, month))


@pytest.mark.parametrize(
    ("month", "expected"),
    [("2025-06", ("2025-05", "2025-07")), ("2025-01", ("2024-12", "2025-02")), ("2024-12", ("2024-11", "2025-01"))],
)
def test_months_beside_cross_the_year(month: str, expected: tuple[str, str]) -> None:
    assert months_beside(month) == expected


def test_a_site_with_a_zone_looks_at_no_other_days() -> None:
    """Its windows are its days: no two of them share an instant."""
    days = [entry("power", "2025-05-31"), entry("power", "2025-06-01"), entry("power", "2025-07-01")]
    assert beside(SITE, "2025-06", *days) == []


def test_a_fixed_offset_site_looks_at_the_days_next_to_its_month() -> None:
    """Q7: asked with two offsets, they may share an hour."""
    near = [entry("power", "2025-05-31"), entry("energy_interval", "2025-05-31"), entry("power", "2025-07-01")]
    far = [entry("power", "2025-05-30"), entry("power", "2025-07-02"), entry("energy_day", "2025-05-01", "2025-05-31")]
    assert beside(FIXED, "2025-06", *near, *far, entry("power", "2025-06-30")) == near


def test_charge_sessions_may_come_with_both_months() -> None:
    months = [entry("charge", "2025-05-01", "2025-05-31"), entry("charge", "2025-07-01", "2025-07-31")]
    assert beside(SITE, "2025-06", *months, entry("charge", "2025-06-01", "2025-06-30")) == months


def test_lifetimes_that_began_on_other_days_are_looked_at_from_each_of_them() -> None:
    """Until the day of installation is known, a lifetime begins elsewhere at every asking."""
    lifetimes = [entry("energy_year", "2025-01-05", "2025-06-01"), entry("backup", "2025-03-05", "2025-06-02")]
    assert beside(SITE, "2025-01", *lifetimes) == [lifetimes[1]]
    assert beside(SITE, "2025-03", *lifetimes) == [lifetimes[0]]
    assert beside(SITE, "2025-09", *lifetimes) == []


def test_the_next_window_of_each_series_is_found_however_far() -> None:
    held = [
        entry("power", "2025-06-03"),
        entry("soe", "2025-06-03"),
        entry("energy_year", "2025-06-03", "2026-01-01"),
        entry("soe", "2025-07-04"),
        entry("soe", "2025-07-02"),
        entry("power", "2026-02-01"),
        entry("energy_day", "2026-02-01", "2026-02-28"),
    ]
    assert followed_by(holding(*held), 101, "2025-06") == {"soe": date(2025, 7, 2), "power": date(2026, 2, 1)}
    assert followed_by(holding(*held), 101, "2026-02") == {}


def test_own_rows_are_those_of_own_answers() -> None:
    """By lineage, by the answer of a quarantined row, by when a revision was seen."""
    noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    for column, values in (("_raw_id", ["a", "b"]), ("raw_id", ["a", "b"]), ("seen_at", [noon, noon.replace(hour=13)])):
        frame = pd.DataFrame({column: values, "n": [1, 2]})
        assert own_rows(frame, {"a"}, {noon})["n"].tolist() == [1], column
    other = pd.DataFrame({"n": [1, 2]})
    assert own_rows(other, {"a"}, {noon})["n"].tolist() == [1, 2]


# --- the old endpoint -------------------------------------------------------------------------------------------------


DAY, WEEKS, MONTHS = "kind=energy&period=day", "kind=energy&period=month", "kind=energy&period=year"


@pytest.mark.parametrize(
    ("question", "asked", "tells"),
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
def test_a_month_looks_at_answers_asked_so_much_later_that_they_may_tell_of_it(
    question: str, asked: str, tells: bool
) -> None:
    """API.md §1.6: two days, four weeks, twelve months before the asking; by UTC it may be a day less."""
    given = Legacy(question, asked)
    assert beside(SITE, "2025-06", given) == [given] * tells


def test_a_year_told_in_the_same_words_every_night_is_looked_at_once() -> None:
    """What would make twelve months anew each night changes once a month; a value that comes back counts again."""
    nights = [
        Legacy(MONTHS, "2025-07-01", "a"),
        Legacy(MONTHS, "2025-07-02", "a"),
        Legacy(MONTHS, "2025-07-03", "b"),
        Legacy(MONTHS, "2025-07-04", "b", outcome="not_json"),
        Legacy(MONTHS, "2025-07-05", "a"),
    ]
    assert beside(SITE, "2025-06", *nights) == [nights[0], nights[2], nights[4]]


def test_months_that_only_the_old_endpoint_tells_of_are_shaped_too() -> None:
    """Back to the installation, and not before it; what was asked for stays, whenever it was."""
    asked = (entry("power", "2019-01-01"), Legacy(MONTHS, "2019-08-10"), Legacy(DAY, "2020-03-01"))
    held = holding(*asked)
    assert months_of(held, SITE) == [
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


def test_what_the_old_endpoint_told_is_divided_among_months_without_a_rest() -> None:
    """Rows by where they lie, what could not be used by whose answer it was; calendar_history keeps its own."""
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
    assert [each["quarantine"]["raw_id"].tolist() for each in (june, may)] == [["a"], ["b"]]
