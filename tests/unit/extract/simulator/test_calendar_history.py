"""The window rule and the shapes of kind=power, soe and energy."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from extract.simulator import FLOWS, POWERS, SerialStyle, SiteSpec, Truth, ZoneMode
from extract.simulator.query import ApiError
from tests.unit.extract.simulator.conftest import Ask

SITE = SiteSpec(installed_at=datetime(2023, 10, 1, 19, 40, tzinfo=UTC))
SYDNEY = replace(SITE, site_id=2, time_zone="Australia/Sydney", latitude=-33.9, longitude=151.2)
SOLAR_ONLY = replace(
    SITE,
    site_id=3,
    battery_energy_wh=0,
    battery_power_w=0,
    has_grid_meter=False,
    power_interval_s=900,
    zone_mode=ZoneMode.FIXED_OFFSET,
)
NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)  # 12:02:03 in Los Angeles
TRUTH = Truth(SITE)


def stamped(answer: dict[str, object]) -> list[str]:
    """The rows' timestamps."""
    rows = answer["time_series"]
    assert isinstance(rows, list)
    return [row["timestamp"] for row in rows]


def test_a_day_is_288_rows_in_the_order_and_with_the_names_of_the_api(ask: Ask) -> None:
    """Fact 3, Q33: a row is the energy of the five minutes that begin at its stamp; measures, raw_timestamp, totals."""
    answer = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-01T23:59:59-07:00")
    assert list(answer) == ["serial_number", "period", "installation_time_zone", "time_series"]
    rows = answer["time_series"]
    assert len(rows) == 288
    assert all(tuple(row)[:18] == ("timestamp", *FLOWS, "raw_timestamp") for row in rows)
    assert all(row["raw_timestamp"] == row["timestamp"] for row in rows)
    truth = TRUTH.day(date(2026, 6, 1))
    for name in FLOWS:
        assert [row[name] for row in rows] == truth.flows[name].tolist()
    starts = [datetime.fromisoformat(each).timestamp() for each in stamped(answer)]
    assert starts == truth.interval_start.astype("int64").tolist()


def test_totals_are_sums_and_left_out_when_zero(ask: Ask) -> None:
    """Fact 4, Q24, Q42: a total that would be 0 is not there, so the keys vary from row to row."""
    rows = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-01T23:59:59-07:00")["time_series"]
    parts = {
        "total_home_usage": FLOWS[12:16],
        "total_battery_discharge": FLOWS[8:9],
        "total_battery_charge": FLOWS[9:12],
        "total_solar_generation": FLOWS[0:1],
        "total_grid_energy_exported": FLOWS[5:8],
    }
    for row in rows:
        expected = {total: sum(row[name] for name in names) for total, names in parts.items()}
        assert {name: row[name] for name in row if name.startswith("total_")} == {
            name: wh for name, wh in expected.items() if wh
        }
    assert len({frozenset(row) for row in rows}) > 3


def test_end_date_picks_the_day_and_cuts_it(ask: Ask) -> None:
    """Q1: from local midnight up to end_date, included; start_date and time_zone change nothing."""
    noon = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-01T12:00:00-07:00")
    assert stamped(noon)[0] == "2026-06-01T00:00:00-07:00"
    assert stamped(noon)[-1] == "2026-06-01T12:00:00-07:00"
    other = ask(
        SITE,
        NOW,
        kind="energy",
        period="day",
        end_date="2026-06-01T12:00:00-07:00",
        start_date="2026-05-01T00:00:00-07:00",
        time_zone="Europe/Paris",
    )
    assert other == noon


def test_a_wrong_offset_gives_one_hour_of_the_next_day(ask: Ask) -> None:
    """Q1, Q22: the known report of twelve rows 00:00 to 00:55 of another day (Sydney, an hour off)."""
    end_date = "2024-04-06T23:59:59+10:00"  # daylight time still holds: this is 00:59:59 on the 7th at +11:00
    rows = stamped(ask(SYDNEY, NOW, kind="power", end_date=end_date))
    assert rows[0] == "2024-04-07T00:00:00+11:00"
    assert (len(rows), rows[-1]) == (12, "2024-04-07T00:55:00+11:00")


def test_a_fixed_offset_site_asked_an_hour_off_gives_92_rows(ask: Ask) -> None:
    """Q1, Q7: the known report of 92 quarter hours 00:00 to 22:45 on a -07:00 site asked with -06:00."""
    rows = stamped(ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-06-01T23:59:59-06:00"))
    assert (len(rows), rows[0], rows[-1]) == (92, "2026-06-01T00:00:00-07:00", "2026-06-01T22:45:00-07:00")


def test_the_offset_of_an_october_end_sent_an_hour_wrong_gives_november(ask: Ask) -> None:
    """Q27: 31 October with the offset of November is already 1 November on the daylight clock."""
    rows = stamped(ask(SITE, NOW, kind="energy", period="month", end_date="2025-10-31T23:59:59-08:00"))
    assert rows == ["2025-11-01T01:00:00-07:00"]


def test_utc_end_dates_are_converted_and_may_change_the_day(ask: Ask) -> None:
    """Q3: 2026-06-02T06:59:59Z is the last second of 1 June in Los Angeles; a millisecond form works too."""
    rows = stamped(ask(SITE, NOW, kind="power", end_date="2026-06-02T06:59:59Z"))
    assert (len(rows), rows[-1]) == (288, "2026-06-01T23:55:00-07:00")
    assert stamped(ask(SITE, NOW, kind="power", end_date="2026-06-02T02:29:20.866Z"))[-1] == "2026-06-01T19:25:00-07:00"
    seven_digits = ask(SITE, NOW, kind="power", end_date="2026-06-01T23:59:58.0000000-07:00", fill_telemetry="0")
    assert len(stamped(seven_digits)) == 288


def test_midnight_picks_the_new_day_and_finds_nothing(ask: Ask) -> None:
    """Q2: energy is all zero, power and soe are empty, and a month ends with a zero day."""
    midnight = "2026-06-02T00:00:00-07:00"
    rows = ask(SITE, NOW, kind="energy", period="day", end_date=midnight)["time_series"]
    assert [row["timestamp"] for row in rows] == [midnight]
    assert not any(row[name] for row in rows for name in FLOWS)
    assert ask(SITE, NOW, kind="power", end_date=midnight)["time_series"] == []
    assert ask(SITE, NOW, kind="soe", end_date=midnight)["time_series"] == []
    month = ask(SITE, NOW, kind="energy", period="month", end_date=midnight)["time_series"]
    assert [any(row[name] for name in FLOWS) for row in month] == [True, False]


@pytest.mark.parametrize(
    ("day", "offset", "rows", "around"),
    [
        ("2026-03-08", "-07:00", 276, ["2026-03-08T01:55:00-08:00", "2026-03-08T03:00:00-07:00"]),
        ("2025-11-02", "-08:00", 300, ["2025-11-02T01:55:00-07:00", "2025-11-02T01:00:00-08:00"]),
    ],
)
@pytest.mark.parametrize(("kind", "step"), [("power", 1), ("energy", 1), ("soe", 3)])
def test_dst_days_have_their_own_number_of_rows(
    ask: Ask, *, day: str, offset: str, rows: int, around: list[str], kind: str, step: int
) -> None:
    """Q5, Q6: 276 and 300 rows, 92 and 100 of soe; only the offset tells the hour that comes twice from itself."""
    found = stamped(ask(SITE, NOW, kind=kind, period="day", end_date=f"{day}T23:59:59{offset}"))
    assert len(found) == rows // step
    assert len({datetime.fromisoformat(each) for each in found}) == rows // step
    assert (len({each[:19] for each in found}) == rows // step) == (rows == 276)
    if step == 1:
        assert found[23:25] == around


def test_the_future_of_today_is_zero_and_the_running_slot_too(ask: Ask) -> None:
    """Q11: slots from the one that holds now are zero rows in energy, power and soe; nothing after them is made up."""
    end_date = "2026-07-20T23:59:59-07:00"
    energy = ask(SITE, NOW, kind="energy", period="day", end_date=end_date)["time_series"]
    power = ask(SITE, NOW, kind="power", end_date=end_date)["time_series"]
    soe = ask(SITE, NOW, kind="soe", end_date=end_date)["time_series"]
    assert (len(energy), len(power), len(soe)) == (288, 288, 96)
    running = 144  # 12:00, which is over at 12:05
    assert energy[running - 1]["total_home_usage"] > 0
    assert not any(row[name] for row in energy[running:] for name in FLOWS)
    assert not any(row[name] for row in power[running:] for name in POWERS)
    assert soe[48]["soe"] > 0
    assert not any(row["soe"] for row in soe[49:])


def test_without_end_date_it_is_now(ask: Ask) -> None:
    """API.md §1.2: end_date defaults to now."""
    assert stamped(ask(SITE, NOW, kind="energy", period="day"))[-1] == "2026-07-20T12:00:00-07:00"


def test_a_day_that_has_not_begun_is_empty(ask: Ask) -> None:
    """Nothing is known of tomorrow; a month asked to its end stops today."""
    tomorrow = "2026-07-21T23:59:59-07:00"
    assert ask(SITE, NOW, kind="power", end_date=tomorrow)["time_series"] == []
    assert ask(SITE, NOW, kind="energy", period="day", end_date=tomorrow)["time_series"] is None
    month = ask(SITE, NOW, kind="energy", period="month", end_date="2026-07-31T23:59:59-07:00")
    assert stamped(month)[-1] == "2026-07-20T01:00:00-07:00"


def test_before_the_installation_there_is_nothing(ask: Ask) -> None:
    """Q17, Q23: null for energy, an empty list for power."""
    before = "2023-09-30T23:59:59-07:00"
    assert ask(SITE, NOW, kind="energy", period="day", end_date=before)["time_series"] is None
    assert ask(SITE, NOW, kind="energy", period="month", end_date=before)["time_series"] is None
    assert ask(SITE, NOW, kind="power", end_date=before)["time_series"] == []


def test_weeks_begin_on_monday_and_hold_days_stamped_one_oclock(ask: Ask) -> None:
    """Q9: a row stamped 01:00 stands for its day, in winter and in summer."""
    rows = stamped(ask(SITE, NOW, kind="energy", period="week", end_date="2026-03-08T23:59:59-07:00"))
    assert rows[0] == "2026-03-02T01:00:00-08:00"
    assert rows[-1] == "2026-03-08T01:00:00-08:00"
    assert len(rows) == 7


def test_a_month_is_a_row_a_day_and_sums_are_the_truth(ask: Ask) -> None:
    """Q9: 30 days of June, each the sum of its slots; the last one cut by end_date."""
    rows = ask(SITE, NOW, kind="energy", period="month", end_date="2026-06-30T23:59:59-07:00")["time_series"]
    assert len(rows) == 30
    for ahead, row in enumerate(rows):
        expected = TRUTH.daily_wh(date(2026, 6, 1) + timedelta(days=ahead))
        assert {name: row[name] for name in FLOWS} == expected
    cut = ask(SITE, NOW, kind="energy", period="month", end_date="2026-06-30T12:00:00-07:00")["time_series"]
    assert cut[:29] == rows[:29]
    day = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-30T12:00:00-07:00")["time_series"]
    assert cut[29]["total_home_usage"] == sum(row["total_home_usage"] for row in day)


def test_a_year_is_a_row_a_month_and_a_lifetime_a_row_a_year(ask: Ask) -> None:
    """API.md §1.2: the first row of both begins with the installation; all others are stamped 01:00 (Q9)."""
    year = ask(SITE, NOW, kind="energy", period="year", end_date="2023-12-31T23:59:59-08:00")["time_series"]
    assert [row["timestamp"] for row in year] == [
        "2023-10-01T12:40:00-07:00",
        "2023-11-01T01:00:00-07:00",
        "2023-12-01T01:00:00-08:00",
    ]
    november = TRUTH.total_wh(date(2023, 11, 1), date(2023, 11, 30))
    assert {name: year[1][name] for name in FLOWS} == november
    lifetime = ask(SITE, NOW, kind="energy", period="lifetime")["time_series"]
    assert [row["timestamp"] for row in lifetime] == [
        "2023-10-01T12:40:00-07:00",
        "2024-01-01T01:00:00-08:00",
        "2025-01-01T01:00:00-08:00",
        "2026-01-01T01:00:00-08:00",
    ]
    assert {name: lifetime[1][name] for name in FLOWS} == TRUTH.total_wh(date(2024, 1, 1), date(2024, 12, 31))


def test_before_april_2024_a_day_is_one_row_stamped_one_oclock(ask: Ask) -> None:
    """Q10, Q9: one row with fractional numbers, without raw_timestamp and totals; five-minute rows from 8 April on."""
    old = ask(SITE, NOW, kind="energy", period="day", end_date="2024-04-07T23:59:59-07:00")["time_series"]
    assert [row["timestamp"] for row in old] == ["2024-04-07T01:00:00-07:00"]
    assert tuple(old[0]) == ("timestamp", *FLOWS)
    assert {name: old[0][name] for name in FLOWS} == TRUTH.daily_wh(date(2024, 4, 7))
    assert isinstance(old[0][FLOWS[0]], float)
    assert len(stamped(ask(SITE, NOW, kind="energy", period="day", end_date="2024-04-08T23:59:59-07:00"))) == 288


def test_quarter_hours_on_request(ask: Ask) -> None:
    """interval=15m: 96 rows, each the sum of three; also in the era of one row a day."""
    rows = ask(SITE, NOW, kind="energy", period="day", interval="15m", end_date="2026-06-01T23:59:59-07:00")[
        "time_series"
    ]
    solar = TRUTH.day(date(2026, 6, 1)).flows["solar_energy_exported"].reshape(96, 3).sum(axis=1)
    assert [row["solar_energy_exported"] for row in rows] == solar.tolist()
    old = ask(SITE, NOW, kind="energy", period="day", interval="15m", end_date="2024-03-10T23:59:59-07:00")
    assert len(stamped(old)) == 92


def test_quarter_hours_at_midnight_are_garbage(ask: Ask) -> None:
    """Q2: interval=15m asked exactly at midnight: a whole day of numbers that mean nothing, unless switched off."""
    asked = {"kind": "energy", "period": "day", "interval": "15m", "end_date": "2026-06-02T00:00:00-07:00"}
    rows = ask(SITE, NOW, **asked)["time_series"]
    solar = TRUTH.day(date(2026, 6, 2)).flows["solar_energy_exported"].reshape(96, 3).sum(axis=1)
    assert len(rows) == 96
    assert sum(row["solar_energy_exported"] for row in rows[:12]) > 0 == solar[:12].sum()
    assert ask(SITE, NOW + timedelta(days=1), **asked)["time_series"] == rows
    tidy = ask(replace(SITE, has_midnight_garbage=False), NOW, **asked)["time_series"]
    assert [row["solar_energy_exported"] for row in tidy] == [0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "kind is required"),
        ({"kind": "weather"}, "not supported"),
        ({"kind": "energy"}, "Period must either be"),
        ({"kind": "energy", "period": "decade"}, "Period must either be"),
        ({"kind": "energy", "period": "month", "interval": "15m"}, "interval"),
        ({"kind": "energy", "period": "day", "interval": "1m"}, "interval"),
        ({"kind": "power", "end_date": "2026-06-01T23:59:59 07:00"}, "RFC 3339"),
        ({"kind": "power", "end_date": "2026-06-01T23:59:59"}, "RFC 3339"),
        ({"kind": "power", "end_date": "2026-06-31T23:59:59-07:00"}, "RFC 3339"),
        ({"kind": "power", "end_date": "2026-06-01"}, "RFC 3339"),
        ({"kind": "power", "end_date": ""}, "RFC 3339"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_400(ask: Ask, params: dict[str, str], message: str) -> None:
    """API.md §1.2: missing and unknown parameters, dates that are none, and the space an un-encoded + turns into."""
    with pytest.raises(ApiError) as refused:
        ask(SITE, NOW, **params)
    assert refused.value.status == 400
    assert message in refused.value.error


def test_a_fixed_offset_site_uses_the_offset_in_force_when_asked(ask: Ask) -> None:
    """Q7: the same day of January is stamped -07:00 when asked in July and -08:00 when asked in January."""
    winter = datetime(2026, 1, 20, 19, 0, tzinfo=UTC)
    in_july = ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-01-10T23:59:59-07:00")
    in_january = ask(SOLAR_ONLY, winter, kind="power", end_date="2026-01-10T23:59:59-08:00")
    assert in_july["time_zone_offset"] == -420
    assert in_january["time_zone_offset"] == -480
    assert stamped(in_july)[0] == "2026-01-10T00:00:00-07:00"
    assert stamped(in_january)[0] == "2026-01-10T00:00:00-08:00"
    assert "installation_time_zone" not in in_july
    assert len(stamped(in_july)) == len(stamped(in_january)) == 96


def test_a_fixed_offset_month_is_cut_by_that_offset(ask: Ask) -> None:
    """Q7: asked in July, the days of November 2025 run from 07:00 UTC although the clocks had changed."""
    rows = ask(SOLAR_ONLY, NOW, kind="energy", period="month", end_date="2025-11-30T23:59:59-07:00")["time_series"]
    assert len(rows) == 30
    truth = Truth(SOLAR_ONLY)
    november = truth.total_wh(date(2025, 11, 1), date(2025, 11, 30))["solar_energy_exported"]
    assert sum(row["solar_energy_exported"] for row in rows) == november  # the hours cut off are dark
    day = ask(SOLAR_ONLY, NOW, kind="energy", period="day", end_date="2025-11-10T23:59:59-07:00")["time_series"]
    assert (len(day), day[0]["timestamp"]) == (288, "2025-11-10T00:00:00-07:00")
    assert sum(row["solar_energy_exported"] for row in day) == rows[9]["solar_energy_exported"]


def test_quarter_hour_power_keeps_the_mean(ask: Ask) -> None:
    """PD #183 in API.md §1.2: older solar-only sites answer power every 15 minutes."""
    rows = ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-06-01T23:59:59-07:00")["time_series"]
    energy = Truth(SOLAR_ONLY).daily_wh(date(2026, 6, 1))["solar_energy_exported"]
    assert len(rows) == 96
    assert sum(row["solar_power"] for row in rows) / 4 == pytest.approx(energy, abs=0.5)


def test_night_rows_can_be_left_out(ask: Ask) -> None:
    """Q15: on some equipment rows that are all zero are not there."""
    spec = replace(SOLAR_ONLY, omits_night_rows=True)
    rows = ask(spec, NOW, kind="power", end_date="2026-06-01T23:59:59-07:00")["time_series"]
    whole = ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-06-01T23:59:59-07:00")["time_series"]
    assert rows == [row for row in whole if row["solar_power"]]
    assert 0 < len(rows) < len(whole)


@pytest.mark.parametrize(
    ("mode", "fields"),
    [
        (ZoneMode.NAMED, {"installation_time_zone": "America/Los_Angeles"}),
        (ZoneMode.EMPTY, {"installation_time_zone": ""}),
        (ZoneMode.MISSING, {}),
        (ZoneMode.NOT_IANA, {"installation_time_zone": "America/Pacific"}),
        (ZoneMode.FIXED_OFFSET, {"time_zone_offset": -420}),
    ],
)
def test_the_zone_is_told_in_five_ways(ask: Ask, mode: ZoneMode, fields: dict[str, object]) -> None:
    """Q7, Q8: a name, the empty string, nothing, a name that no database knows, or minutes from UTC."""
    answer = ask(replace(SITE, zone_mode=mode), NOW, kind="soe")
    assert {name: value for name, value in answer.items() if name not in {"serial_number", "time_series"}} == fields


@pytest.mark.parametrize(
    ("zone", "end_date", "rows", "first", "last"),
    [
        ("Asia/Kolkata", "2026-06-01T23:59:59+05:30", 288, "00:00:00+05:30", "23:55:00+05:30"),
        ("Pacific/Chatham", "2026-06-01T23:59:59+12:45", 288, "00:00:00+12:45", "23:55:00+12:45"),
        ("America/St_Johns", "2025-11-02T23:59:59-03:30", 300, "00:00:00-02:30", "23:55:00-03:30"),
        ("Australia/Lord_Howe", "2025-10-05T23:59:59+11:00", 282, "00:00:00+10:30", "23:55:00+11:00"),
        ("Australia/Lord_Howe", "2026-04-05T23:59:59+10:30", 294, "00:00:00+11:00", "23:55:00+10:30"),
    ],
)
def test_odd_zones_have_their_own_days(ask: Ask, *, zone: str, end_date: str, rows: int, first: str, last: str) -> None:
    """Q36, Q37: half-hour and quarter-hour offsets, and summer time of half an hour: 282 and 294 rows."""
    found = stamped(ask(replace(SITE, time_zone=zone), NOW, kind="power", end_date=end_date))
    assert (len(found), found[0][11:], found[-1][11:]) == (rows, first, last)


def test_the_total_of_a_day_grows_until_midnight_and_then_stays(ask: Ask) -> None:
    """Q13: the month's row of today is what was measured so far; after local midnight it is final."""
    end_date = "2026-07-20T23:59:59-07:00"
    moments = [NOW, NOW + timedelta(hours=6), NOW + timedelta(hours=12), NOW + timedelta(days=3)]
    totals = [
        ask(SITE, now, kind="energy", period="month", end_date=end_date)["time_series"][-1]["total_home_usage"]
        for now in moments
    ]
    assert totals[0] < totals[1] < totals[2] == totals[3]


def test_grid_services_have_their_own_measures(ask: Ask) -> None:
    """Q31: on the evening of an event the battery's export is told again as grid services, in energy and power."""
    spec = replace(SITE, site_id=4, vpp_events_per_year=365.0, outages_per_year=0.0)
    asked = {"period": "day", "end_date": "2026-06-01T23:59:59-07:00"}
    energy = ask(spec, NOW, kind="energy", **asked)["time_series"]
    power = ask(spec, NOW, kind="power", **asked)["time_series"]
    event = [row for row in energy if row["grid_services_energy_exported"]]
    assert event
    assert {row["timestamp"][11:13] for row in event} <= {"19", "20"}
    assert all(row["grid_services_energy_exported"] == row["grid_energy_exported_from_battery"] for row in event)
    exported = sum(row["grid_services_energy_exported"] for row in event)
    assert sum(row["grid_services_power"] for row in power) / 12 == pytest.approx(-exported, abs=0.5)
    quiet = ask(replace(spec, vpp_events_per_year=0.0), NOW, kind="energy", **asked)["time_series"]
    assert not any(row["grid_services_energy_exported"] for row in quiet)


@pytest.mark.parametrize(("style", "fields"), [(SerialStyle.EMPTY, {"serial_number": ""}), (SerialStyle.MISSING, {})])
def test_the_serial_number_can_be_empty_or_missing(ask: Ask, style: SerialStyle, fields: dict[str, str]) -> None:
    """Q39: the energy_site_id is the only key to rely on."""
    answer = ask(replace(SITE, serial_style=style), NOW, kind="soe")
    assert {name: value for name, value in answer.items() if name == "serial_number"} == fields
    assert len(answer["time_series"]) == 49
