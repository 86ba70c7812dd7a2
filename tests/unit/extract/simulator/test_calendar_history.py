"""The window rule, and the responses of kind=power, soe, and energy."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from extract.simulator import FLOWS, POWERS, SerialStyle, SiteSpec, Truth, ZoneMode
from extract.simulator.endpoints.query import ApiError
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


def timestamps(response: dict[str, object]) -> list[str]:
    """Timestamps of the rows."""
    rows = response["time_series"]
    assert isinstance(rows, list)
    return [row["timestamp"] for row in rows]


def test_a_day_has_288_rows_with_names_and_order_of_the_api(ask: Ask) -> None:
    """Q10, Q33: a row has the energy of the five minutes after its timestamp; measures, raw_timestamp, totals."""
    response = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-01T23:59:59-07:00")
    assert list(response) == ["serial_number", "period", "installation_time_zone", "time_series"]
    rows = response["time_series"]
    assert len(rows) == 288
    assert all(tuple(row)[:18] == ("timestamp", *FLOWS, "raw_timestamp") for row in rows)
    assert all(row["raw_timestamp"] == row["timestamp"] for row in rows)
    truth = TRUTH.day(date(2026, 6, 1))
    for name in FLOWS:
        assert [row[name] for row in rows] == truth.flows[name].tolist()
    starts = [datetime.fromisoformat(timestamp).timestamp() for timestamp in timestamps(response)]
    assert starts == truth.interval_start.astype("int64").tolist()


def test_totals_are_sums_and_left_out_if_zero(ask: Ask) -> None:
    """Q24, Q42: a total of 0 is left out, so rows have different keys."""
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


def test_a_response_ends_at_end_date(ask: Ask) -> None:
    """Q1: from local midnight up to and including end_date; start_date and time_zone have no effect."""
    noon = ask(SITE, NOW, kind="energy", period="day", end_date="2026-06-01T12:00:00-07:00")
    assert timestamps(noon)[0] == "2026-06-01T00:00:00-07:00"
    assert timestamps(noon)[-1] == "2026-06-01T12:00:00-07:00"
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
    """Q1, Q22: the reported twelve rows from 00:00 to 00:55 of another day (Sydney, an hour off)."""
    end_date = "2024-04-06T23:59:59+10:00"  # daylight time still holds: this is 00:59:59 on the 7th at +11:00
    rows = timestamps(ask(SYDNEY, NOW, kind="power", end_date=end_date))
    assert rows[0] == "2024-04-07T00:00:00+11:00"
    assert (len(rows), rows[-1]) == (12, "2024-04-07T00:55:00+11:00")


def test_a_fixed_offset_site_asked_an_hour_off_gives_92_rows(ask: Ask) -> None:
    """Q1, Q7: the reported 92 quarter hours from 00:00 to 22:45, for a -07:00 site and an end_date with -06:00."""
    rows = timestamps(ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-06-01T23:59:59-06:00"))
    assert (len(rows), rows[0], rows[-1]) == (92, "2026-06-01T00:00:00-07:00", "2026-06-01T22:45:00-07:00")


def test_an_october_end_with_novembers_offset_gives_november(ask: Ask) -> None:
    """Q27: the end of 31 October with the offset of November is already 1 November in daylight time."""
    rows = timestamps(ask(SITE, NOW, kind="energy", period="month", end_date="2025-10-31T23:59:59-08:00"))
    assert rows == ["2025-11-01T01:00:00-07:00"]


def test_utc_end_dates_are_converted_and_may_change_the_day(ask: Ask) -> None:
    """Q3: 2026-06-02T06:59:59Z is the last second of 1 June in Los Angeles; milliseconds are accepted, too."""
    rows = timestamps(ask(SITE, NOW, kind="power", end_date="2026-06-02T06:59:59Z"))
    assert (len(rows), rows[-1]) == (288, "2026-06-01T23:55:00-07:00")
    assert (
        timestamps(ask(SITE, NOW, kind="power", end_date="2026-06-02T02:29:20.866Z"))[-1] == "2026-06-01T19:25:00-07:00"
    )
    seven_digits = ask(SITE, NOW, kind="power", end_date="2026-06-01T23:59:58.0000000-07:00", fill_telemetry="0")
    assert len(timestamps(seven_digits)) == 288


def test_an_end_date_of_midnight_has_no_data(ask: Ask) -> None:
    """Q2: energy is zero, power and soe are empty, and a month ends with a day of zeros."""
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
def test_dst_days_have_276_or_300_rows(
    ask: Ask, *, day: str, offset: str, rows: int, around: list[str], kind: str, step: int
) -> None:
    """Q5, Q6: 276 and 300 rows, 92 and 100 of soe; only the offset distinguishes the two hours of the same time."""
    found = timestamps(ask(SITE, NOW, kind=kind, period="day", end_date=f"{day}T23:59:59{offset}"))
    assert len(found) == rows // step
    assert len({datetime.fromisoformat(timestamp) for timestamp in found}) == rows // step
    assert (len({timestamp[:19] for timestamp in found}) == rows // step) == (rows == 276)
    if step == 1:
        assert found[23:25] == around


def test_the_running_slot_and_later_ones_are_zero(ask: Ask) -> None:
    """Q11: from the slot that contains now, rows of energy, power, and soe are zero."""
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
    """API.md#requests: end_date defaults to now."""
    assert timestamps(ask(SITE, NOW, kind="energy", period="day"))[-1] == "2026-07-20T12:00:00-07:00"


def test_a_day_that_has_not_begun_is_empty(ask: Ask) -> None:
    """Tomorrow has no data; a month that ends in the future stops today."""
    tomorrow = "2026-07-21T23:59:59-07:00"
    assert ask(SITE, NOW, kind="power", end_date=tomorrow)["time_series"] == []
    assert ask(SITE, NOW, kind="energy", period="day", end_date=tomorrow)["time_series"] is None
    month = ask(SITE, NOW, kind="energy", period="month", end_date="2026-07-31T23:59:59-07:00")
    assert timestamps(month)[-1] == "2026-07-20T01:00:00-07:00"


def test_before_the_installation_there_is_no_data(ask: Ask) -> None:
    """Q17, Q23: null for energy, an empty list for power."""
    before = "2023-09-30T23:59:59-07:00"
    assert ask(SITE, NOW, kind="energy", period="day", end_date=before)["time_series"] is None
    assert ask(SITE, NOW, kind="energy", period="month", end_date=before)["time_series"] is None
    assert ask(SITE, NOW, kind="power", end_date=before)["time_series"] == []


def test_weeks_begin_on_monday_and_have_days_at_one_oclock(ask: Ask) -> None:
    """Q9: the row with the timestamp 01:00 is that of its day, in winter and in summer."""
    rows = timestamps(ask(SITE, NOW, kind="energy", period="week", end_date="2026-03-08T23:59:59-07:00"))
    assert rows[0] == "2026-03-02T01:00:00-08:00"
    assert rows[-1] == "2026-03-08T01:00:00-08:00"
    assert len(rows) == 7


def test_a_month_is_a_row_a_day_and_sums_are_the_truth(ask: Ask) -> None:
    """Q9: 30 days of June, each the sum of its slots; the last one up to end_date."""
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
    """API.md#requests: the first row of both begins with the installation; the other timestamps are 01:00 (Q9)."""
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


def test_before_april_2024_a_day_is_one_row_at_one_oclock(ask: Ask) -> None:
    """Q10, Q9: one row with a decimal point, without raw_timestamp and totals; five-minute rows from 8 April on."""
    old = ask(SITE, NOW, kind="energy", period="day", end_date="2024-04-07T23:59:59-07:00")["time_series"]
    assert [row["timestamp"] for row in old] == ["2024-04-07T01:00:00-07:00"]
    assert tuple(old[0]) == ("timestamp", *FLOWS)
    assert {name: old[0][name] for name in FLOWS} == TRUTH.daily_wh(date(2024, 4, 7))
    assert isinstance(old[0][FLOWS[0]], float)
    assert len(timestamps(ask(SITE, NOW, kind="energy", period="day", end_date="2024-04-08T23:59:59-07:00"))) == 288


def test_quarter_hours_on_request(ask: Ask) -> None:
    """interval=15m: 96 rows, each the sum of three slots; also in the era of one row a day."""
    rows = ask(SITE, NOW, kind="energy", period="day", interval="15m", end_date="2026-06-01T23:59:59-07:00")[
        "time_series"
    ]
    solar = TRUTH.day(date(2026, 6, 1)).flows["solar_energy_exported"].reshape(96, 3).sum(axis=1)
    assert [row["solar_energy_exported"] for row in rows] == solar.tolist()
    old = ask(SITE, NOW, kind="energy", period="day", interval="15m", end_date="2024-03-10T23:59:59-07:00")
    assert len(timestamps(old)) == 92


def test_quarter_hours_at_midnight_are_meaningless(ask: Ask) -> None:
    """Q2: interval=15m with an end_date of exactly midnight: a day of meaningless numbers, unless switched off."""
    params = {"kind": "energy", "period": "day", "interval": "15m", "end_date": "2026-06-02T00:00:00-07:00"}
    rows = ask(SITE, NOW, **params)["time_series"]
    solar = TRUTH.day(date(2026, 6, 2)).flows["solar_energy_exported"].reshape(96, 3).sum(axis=1)
    assert len(rows) == 96
    assert sum(row["solar_energy_exported"] for row in rows[:12]) > 0 == solar[:12].sum()
    assert ask(SITE, NOW + timedelta(days=1), **params)["time_series"] == rows
    tidy = ask(replace(SITE, has_midnight_garbage=False), NOW, **params)["time_series"]
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
def test_an_invalid_request_is_a_400(ask: Ask, params: dict[str, str], message: str) -> None:
    """API.md#requests: missing and unknown parameters, invalid dates, and the space from an unencoded +."""
    with pytest.raises(ApiError) as raised:
        ask(SITE, NOW, **params)
    assert raised.value.status == 400
    assert message in raised.value.error


def test_a_fixed_offset_site_uses_the_offset_at_the_request(ask: Ask) -> None:
    """Q7: a day of January has timestamps with -07:00 when requested in July, with -08:00 in January."""
    winter = datetime(2026, 1, 20, 19, 0, tzinfo=UTC)
    in_july = ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-01-10T23:59:59-07:00")
    in_january = ask(SOLAR_ONLY, winter, kind="power", end_date="2026-01-10T23:59:59-08:00")
    assert in_july["time_zone_offset"] == -420
    assert in_january["time_zone_offset"] == -480
    assert timestamps(in_july)[0] == "2026-01-10T00:00:00-07:00"
    assert timestamps(in_january)[0] == "2026-01-10T00:00:00-08:00"
    assert "installation_time_zone" not in in_july
    assert len(timestamps(in_july)) == len(timestamps(in_january)) == 96


def test_days_of_a_fixed_offset_month_have_that_offset(ask: Ask) -> None:
    """Q7: requested in July, the days of November 2025 begin at 07:00 UTC although standard time was in force."""
    rows = ask(SOLAR_ONLY, NOW, kind="energy", period="month", end_date="2025-11-30T23:59:59-07:00")["time_series"]
    assert len(rows) == 30
    truth = Truth(SOLAR_ONLY)
    november = truth.total_wh(date(2025, 11, 1), date(2025, 11, 30))["solar_energy_exported"]
    assert sum(row["solar_energy_exported"] for row in rows) == november  # the hours cut off are dark
    day = ask(SOLAR_ONLY, NOW, kind="energy", period="day", end_date="2025-11-10T23:59:59-07:00")["time_series"]
    assert (len(day), day[0]["timestamp"]) == (288, "2025-11-10T00:00:00-07:00")
    assert sum(row["solar_energy_exported"] for row in day) == rows[9]["solar_energy_exported"]


def test_quarter_hour_power_keeps_the_mean(ask: Ask) -> None:
    """PD #183 in API.md#requests: older solar-only sites have power every 15 minutes."""
    rows = ask(SOLAR_ONLY, NOW, kind="power", end_date="2026-06-01T23:59:59-07:00")["time_series"]
    energy = Truth(SOLAR_ONLY).daily_wh(date(2026, 6, 1))["solar_energy_exported"]
    assert len(rows) == 96
    assert sum(row["solar_power"] for row in rows) / 4 == pytest.approx(energy, abs=0.5)


def test_night_rows_can_be_left_out(ask: Ask) -> None:
    """Q15: some equipment has no rows in which all values are zero."""
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
def test_the_zone_has_five_forms(ask: Ask, mode: ZoneMode, fields: dict[str, object]) -> None:
    """Q7, Q8: a name, an empty string, no field, a name that is in no database, or minutes from UTC."""
    response = ask(replace(SITE, zone_mode=mode), NOW, kind="soe")
    assert {name: value for name, value in response.items() if name not in {"serial_number", "time_series"}} == fields


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
def test_days_in_zones_with_unusual_offsets(
    ask: Ask, *, zone: str, end_date: str, rows: int, first: str, last: str
) -> None:
    """Q36, Q37: half-hour and quarter-hour offsets, and DST of half an hour: 282 and 294 rows."""
    found = timestamps(ask(replace(SITE, time_zone=zone), NOW, kind="power", end_date=end_date))
    assert (len(found), found[0][11:], found[-1][11:]) == (rows, first, last)


def test_the_total_of_a_day_is_final_after_midnight(ask: Ask) -> None:
    """Q13: the month's row of today has what was measured so far; after local midnight it is final."""
    end_date = "2026-07-20T23:59:59-07:00"
    instants = [NOW, NOW + timedelta(hours=6), NOW + timedelta(hours=12), NOW + timedelta(days=3)]
    totals = [
        ask(SITE, now, kind="energy", period="month", end_date=end_date)["time_series"][-1]["total_home_usage"]
        for now in instants
    ]
    assert totals[0] < totals[1] < totals[2] == totals[3]


def test_grid_services_have_their_own_measures(ask: Ask) -> None:
    """Q31: in the evening of an event the battery's export is also reported as grid services, in energy and power."""
    spec = replace(SITE, site_id=4, vpp_events_per_year=365.0, outages_per_year=0.0)
    params = {"period": "day", "end_date": "2026-06-01T23:59:59-07:00"}
    energy = ask(spec, NOW, kind="energy", **params)["time_series"]
    power = ask(spec, NOW, kind="power", **params)["time_series"]
    event = [row for row in energy if row["grid_services_energy_exported"]]
    assert event
    assert {row["timestamp"][11:13] for row in event} <= {"19", "20"}
    assert all(row["grid_services_energy_exported"] == row["grid_energy_exported_from_battery"] for row in event)
    exported = sum(row["grid_services_energy_exported"] for row in event)
    assert sum(row["grid_services_power"] for row in power) / 12 == pytest.approx(-exported, abs=0.5)
    quiet = ask(replace(spec, vpp_events_per_year=0.0), NOW, kind="energy", **params)["time_series"]
    assert not any(row["grid_services_energy_exported"] for row in quiet)


@pytest.mark.parametrize(("style", "fields"), [(SerialStyle.EMPTY, {"serial_number": ""}), (SerialStyle.MISSING, {})])
def test_the_serial_number_can_be_empty_or_missing(ask: Ask, style: SerialStyle, fields: dict[str, str]) -> None:
    """Q39: energy_site_id is the only reliable key."""
    response = ask(replace(SITE, serial_style=style), NOW, kind="soe")
    assert {name: value for name, value in response.items() if name == "serial_number"} == fields
    assert len(response["time_series"]) == 49
