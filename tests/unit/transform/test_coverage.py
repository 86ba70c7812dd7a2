"""Every expected row is stored or has a gap with its cause; nothing else is a gap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    KeptAnswer,
    answer,
    cut_by,
    energy_row,
    power_row,
    slots,
)
from transform.coverage import gaps
from transform.frames import empty_frame
from transform.shapers import SHAPERS
from transform.sites import Site
from warehouse.lake.conform import conform
from wattlog.zones import Zone

DAY = date(2025, 6, 10)
LATER = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An index entry."""

    raw_id: str
    series: str
    window_start: date | None
    window_end: date | None
    closes_at: datetime | None
    requested_at: datetime
    outcome: str = "data"

    @property
    def is_conclusive(self) -> bool:
        return self.outcome in {"data", "no_data"}


def entry(of: KeptAnswer, outcome: str = "data", zone: Zone = LOS_ANGELES) -> Entry:
    closes_at = datetime.combine(of.window_end + timedelta(days=1), time(), zone).astimezone(UTC)
    return Entry(of.raw_id, of.series, of.window_start, of.window_end, closes_at, of.requested_at, outcome)


def found(
    responses: Sequence[KeptAnswer],
    *,
    site: Site = BATTERY_SITE,
    outcomes: Mapping[str, str] | None = None,
    followed_by: Mapping[str, date] | None = None,
    zone: Zone = LOS_ANGELES,
) -> list[tuple[str, str, str, str, int]]:
    """(series, cause, start, end, rows) of the gaps of some responses, in local time."""
    names = ("power", "state_of_energy", "energy_intervals", "energy_periods", "quarantine")
    tables = {name: [empty_frame(name)] for name in names}
    good = [response for response in responses if (outcomes or {}).get(response.raw_id, "data") == "data"]
    for series in {response.series for response in good}:
        for name, frame in SHAPERS[series]([response for response in good if response.series == series], site).items():
            if name in tables:
                tables[name].append(frame)
    stored = {name: pd.concat(frames, ignore_index=True) for name, frames in tables.items()}
    entries = [entry(response, (outcomes or {}).get(response.raw_id, "data"), zone) for response in responses]
    frame = gaps(entries, stored, site, followed_by=followed_by or {})
    conform(frame, "gaps")
    return [
        (
            row["series"],
            row["cause"],
            f"{row['gap_start'].astimezone(site.zone):%m-%d %H:%M}",
            f"{row['gap_end'].astimezone(site.zone):%m-%d %H:%M}",
            row["expected_rows"],
        )
        for row in frame.to_dict("records")
    ]


def day_of_power(
    stamps: Sequence[datetime], *, day: date = DAY, asked: datetime = LATER, raw_id: str = "r"
) -> KeptAnswer:
    return answer("power", [power_row(stamp, 100, grid=5) for stamp in stamps], day=day, asked=asked, raw_id=raw_id)


@pytest.mark.parametrize("day", [DAY, date(2025, 3, 9), date(2025, 11, 2)])
def test_a_whole_day_has_no_gap_and_a_stretch_without_rows_is_one(day: date) -> None:
    """Q5, Q14: days of 276, 288 and 300 rows; 20 rows away from the end of each."""
    stamps = slots(day, LOS_ANGELES)
    assert found([day_of_power(stamps, day=day)]) == []
    start, end = stamps[-40], stamps[-20]
    (gap,) = found([day_of_power([*stamps[:-40], *stamps[-20:]], day=day)])
    assert gap == ("power", "no_data", f"{start:%m-%d %H:%M}", f"{end:%m-%d %H:%M}", 20)


def test_half_hour_days_of_lord_howe_are_whole() -> None:
    """Q37: 294 rows."""
    zone = Zone("Australia/Lord_Howe")
    site = replace(BATTERY_SITE, timezone="Australia/Lord_Howe")
    day = date(2025, 4, 6)
    stamps = slots(day, zone)
    assert len(stamps) == 294
    rows = [power_row(stamp, 100, grid=5) for stamp in stamps]
    response = answer("power", rows, day=day, asked=LATER, envelope={"installation_time_zone": zone.key})
    assert found([response], site=site, zone=zone) == []


def test_a_response_without_rows_is_a_whole_day_of_no_data() -> None:
    """Q23: an empty response is a response; nothing is known of the length, so the usual one counts."""
    empty = [answer("power", [], raw_id="p"), answer("soe", [], raw_id="s"), answer("energy_interval", [], raw_id="e")]
    assert found(empty) == [
        ("power", "no_data", "06-10 00:00", "06-11 00:00", 288),
        ("soe", "no_data", "06-10 00:00", "06-11 00:00", 96),
        ("energy_interval", "no_data", "06-10 00:00", "06-11 00:00", 288),
    ]


def test_a_site_without_a_battery_has_no_state_of_energy_to_miss() -> None:
    assert found([answer("soe", [])], site=replace(BATTERY_SITE, has_battery=False)) == []


def test_quarter_hours_are_counted_as_what_they_are() -> None:
    stamps = slots(DAY, LOS_ANGELES, step_s=900)
    (gap,) = found([day_of_power([*stamps[:50], *stamps[52:]])])
    assert gap == ("power", "no_data", "06-10 12:30", "06-10 13:00", 2)


def test_the_rest_of_today_is_future_and_the_zeros_given_for_it_are_no_rows() -> None:
    """Q11: asked at 13:02 local time."""
    asked = datetime(2025, 6, 10, 20, 2, tzinfo=UTC)
    stamps = slots(DAY, LOS_ANGELES)
    rows = [power_row(stamp, 100 if stamp <= asked else 0) for stamp in stamps]
    (gap,) = found([answer("power", rows, asked=asked)])
    assert gap == ("power", "future", "06-10 13:05", "06-11 00:00", 131)


def test_a_slot_that_begins_when_it_is_asked_is_future() -> None:
    """Q11: asked at 13:00 sharp; the row of 13:00 is not yet measured."""
    asked = datetime(2025, 6, 10, 20, 0, tzinfo=UTC)
    rows = [power_row(stamp, 100 if stamp < asked else 0) for stamp in slots(DAY, LOS_ANGELES)]
    (gap,) = found([answer("power", rows, asked=asked)])
    assert gap == ("power", "future", "06-10 13:00", "06-11 00:00", 132)


def test_before_the_installation_nothing_is_missing_for_want_of_data() -> None:
    """Q17: installed at 09:30; the first row after it is stored."""
    site = replace(BATTERY_SITE, installed_at=datetime(2025, 6, 10, 16, 30, tzinfo=UTC))
    (gap,) = found([day_of_power(slots(DAY, LOS_ANGELES)[114:])], site=site)
    assert gap == ("power", "before_install", "06-10 00:00", "06-10 09:30", 114)


def test_the_slot_in_which_a_site_was_installed_is_no_gap_of_data() -> None:
    """Installed at 09:31; the first row is that of 09:35, and no row of 09:30 will ever come. A day has a row (Q10)."""
    site = replace(BATTERY_SITE, installed_at=datetime(2025, 6, 10, 16, 31, tzinfo=UTC))
    (gap,) = found([day_of_power(slots(DAY, LOS_ANGELES)[115:])], site=site)
    assert gap == ("power", "before_install", "06-10 00:00", "06-10 09:35", 115)
    ((series, cause, first, _, days), *_) = found(
        [answer("energy_day", [], day=date(2025, 6, 1), until=date(2025, 6, 30))], site=site
    )
    assert (series, cause, first, days) == ("energy_day", "before_install", "06-01 00:00", 9), "but the day has a row"


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        ("error", "failed"),
        ("transport", "failed"),
        ("not_json", "quarantined"),
        ("contract", "quarantined"),
        ("wrong_window", "wrong_window"),
    ],
)
def test_a_window_without_a_response_says_why(outcome: str, cause: str) -> None:
    (gap,) = found([answer("power", [], raw_id="r")], outcomes={"r": outcome})
    assert gap == ("power", cause, "06-10 00:00", "06-11 00:00", 288)


def test_a_failure_that_was_healed_is_no_gap() -> None:
    stamps = slots(DAY, LOS_ANGELES)
    early = answer("power", [], raw_id="early", asked=LATER - timedelta(hours=1))
    assert found([early, day_of_power(stamps)], outcomes={"early": "error"}) == []


def test_rows_of_another_day_leave_a_wrong_window() -> None:
    """Q22: asked for the 10th, answered with the 9th."""
    (gap,) = found([day_of_power(slots(date(2025, 6, 9), LOS_ANGELES))])
    assert gap == ("power", "wrong_window", "06-10 00:00", "06-11 00:00", 288)


def test_a_row_in_quarantine_is_a_gap_of_its_own() -> None:
    """A state of energy of 140 %: the row is quarantined, the rest of the day is stored."""
    stamps = slots(DAY, LOS_ANGELES, step_s=900)
    rows = [{"timestamp": stamp.isoformat(), "soe": 140 if index == 40 else 50} for index, stamp in enumerate(stamps)]
    (gap,) = found([answer("soe", rows)])
    assert gap == ("soe", "quarantined", "06-10 10:00", "06-10 10:15", 1)


def test_dark_hours_without_rows_are_night_on_a_site_without_battery() -> None:
    """Q15: zero rows are left out at night; a hole at noon is none."""
    site = replace(BATTERY_SITE, has_battery=False)
    stamps = slots(DAY, LOS_ANGELES)

    def solar(stamp: datetime) -> float:
        return max(0.0, 6 - abs(stamp.hour + stamp.minute / 60 - 12.5)) * 1000

    rows = [
        power_row(stamp, solar(stamp), grid=0) for stamp in stamps if solar(stamp) > 0 and not 11 <= stamp.hour < 12
    ]
    causes = [(cause, start, end) for _, cause, start, end, _ in found([answer("power", rows)], site=site)]
    assert causes == [
        ("night", "06-10 00:00", "06-10 06:35"),
        ("no_data", "06-10 11:00", "06-10 12:00"),
        ("night", "06-10 18:30", "06-11 00:00"),
    ]


def test_a_day_between_two_dark_rows_is_no_night_if_other_days_are_light_then() -> None:
    """Q15: the place of the site is unknown; of three days, the second has no row from before sunrise until after sunset."""
    site = replace(BATTERY_SITE, has_battery=False)
    responses = []
    for ahead in range(3):
        day = DAY + timedelta(days=ahead)
        light = {f"{hour:02}": 1000.0 for hour in range(7, 20)}
        rows = [
            power_row(stamp, light.get(f"{stamp:%H}", 0.0), grid=0)
            for stamp in slots(day, LOS_ANGELES)
            if ahead != 1 or not 6 <= stamp.hour < 21
        ]
        responses.append(answer("power", rows, day=day, raw_id=f"r{ahead}"))
    assert [gap[1:4] for gap in found(responses, site=site)] == [
        ("night", "06-11 06:00", "06-11 07:00"),
        ("no_data", "06-11 07:00", "06-11 20:00"),
        ("night", "06-11 20:00", "06-11 21:00"),
    ]


def test_a_day_without_a_row_is_no_night() -> None:
    site = replace(BATTERY_SITE, has_battery=False)
    (gap,) = found([answer("power", [])], site=site)
    assert gap[1] == "no_data"


def test_a_night_is_no_longer_than_the_sun_is_down_and_two_hours_at_its_ends() -> None:
    """Q15: the sun rises at 05:42 and sets at 20:01; the panels may begin late and stop early."""
    site = replace(BATTERY_SITE, has_battery=False, place=(34.1, -118.2))
    stamps = slots(DAY, LOS_ANGELES)

    def without(first: str, last: str) -> list[tuple[str, str, str]]:
        rows = [power_row(stamp) for stamp in stamps if not first <= f"{stamp:%H:%M}" < last]
        gaps = found([answer("power", rows)], site=site)
        return [(cause, start.removeprefix("06-10 "), end.removeprefix("06-10 ")) for _, cause, start, end, _ in gaps]

    assert without("05:00", "21:00") == [
        ("night", "05:00", "05:45"),
        ("no_data", "05:45", "20:00"),
        ("night", "20:00", "21:00"),
    ]
    assert without("00:00", "07:00") == [("night", "00:00", "07:00")]
    assert without("00:00", "09:00") == [("night", "00:00", "07:45"), ("no_data", "07:45", "09:00")]
    assert without("17:00", "24:00") == [("no_data", "17:00", "18:00"), ("night", "18:00", "06-11 00:00")]
    assert without("11:00", "12:00") == [("no_data", "11:00", "12:00")]


def test_days_that_were_never_asked_are_not_fetched_up_to_the_next_window() -> None:
    """Between two windows of the month, and from the last one to that of a later month."""
    first = day_of_power(slots(DAY, LOS_ANGELES))
    third = day_of_power(slots(date(2025, 6, 12), LOS_ANGELES), day=date(2025, 6, 12), raw_id="third")
    assert found([first, third], followed_by={"power": date(2025, 8, 1)}) == [
        ("power", "not_fetched", "06-11 00:00", "06-12 00:00", 288),
        ("power", "not_fetched", "06-13 00:00", "08-01 00:00", 288 * 49),
    ]


def test_a_day_of_the_old_era_is_one_row() -> None:
    """Q10: before April 2024 a day was one row; it is stored, or missing, as one."""
    day = date(2023, 7, 1)
    rows = [energy_row("2023-07-01T01:00:00-07:00", solar_energy_exported=5)]
    assert found([answer("energy_interval", rows, day=day)]) == []
    (gap,) = found([answer("energy_interval", [], day=day)])
    assert gap == ("energy_interval", "no_data", "07-01 00:00", "07-02 00:00", 1)


def test_a_month_that_drops_a_day_misses_one_row() -> None:
    """Q19; the last days of the month are future when it is asked on the 25th."""
    rows = [
        energy_row(f"2025-06-{day:02d}T01:00:00-07:00", solar_energy_exported=5) for day in range(1, 26) if day != 7
    ]
    asked = datetime(2025, 6, 25, 20, tzinfo=UTC)
    month = answer("energy_day", rows, day=date(2025, 6, 1), until=date(2025, 6, 30), asked=asked)
    assert found([month]) == [
        ("energy_day", "no_data", "06-07 00:00", "06-08 00:00", 1),
        ("energy_day", "future", "06-26 00:00", "07-01 00:00", 5),
    ]


def test_a_week_that_was_asked_as_a_cross_check_has_no_gaps() -> None:
    week = answer("energy_day", [], day=date(2025, 6, 9), until=date(2025, 6, 15))
    assert found([week]) == []


def test_a_year_before_and_after_the_site_existed() -> None:
    """Q17: installed in May 2019; the year's months before it are no gaps of data."""
    rows = [energy_row(f"2019-{month:02d}-01T01:00:00-07:00", solar_energy_exported=5) for month in (5, 6, 7, 8, 9)]
    year = answer(
        "energy_month", rows, day=date(2019, 1, 1), until=date(2019, 12, 31), asked=datetime(2019, 9, 20, tzinfo=UTC)
    )
    assert found([year]) == [
        ("energy_month", "before_install", "01-01 00:00", "05-01 00:00", 4),
        ("energy_month", "future", "10-01 00:00", "01-01 00:00", 3),
    ]


def test_of_lifetimes_the_newest_says_it_all() -> None:
    """It is another window every day; yesterday's misses nothing that today's has."""
    rows = [energy_row(f"{year}-01-01T01:00:00-08:00", solar_energy_exported=5) for year in range(2019, 2026)]
    responses = [
        answer("energy_year", rows, day=date(2019, 5, 14), until=date(2025, 6, day), raw_id=f"r{day}", asked=LATER)
        for day in (9, 10)
    ]
    assert found(responses) == []


def test_windows_of_a_fixed_offset_are_days_of_that_offset() -> None:
    """Q7: in summer the site's clock is an hour ahead of the server's; no hour is missing and none counted twice."""
    site = cut_by(BATTERY_SITE, "UTC-08:00")
    clock = Zone("Etc/GMT+8")
    responses = [
        answer(
            "power",
            [power_row(stamp, 100, grid=1) for stamp in slots(day, clock)],
            day=day,
            raw_id=f"r{day}",
            envelope={"time_zone_offset": -480},
        )
        for day in (DAY, DAY + timedelta(days=1))
    ]
    assert found(responses, site=site, zone=clock) == []
    (gap,) = found(responses[:1], site=site, zone=clock, followed_by={"power": DAY + timedelta(days=2)})
    assert gap == ("power", "not_fetched", "06-11 01:00", "06-12 01:00", 288)


def test_other_series_and_snapshots_expect_nothing() -> None:
    snapshot = Entry("x", "snapshot", None, None, None, LATER)
    tables = {
        name: empty_frame(name)
        for name in ("power", "state_of_energy", "energy_intervals", "energy_periods", "quarantine")
    }
    assert len(gaps([snapshot], tables, BATTERY_SITE, followed_by={})) == 0
