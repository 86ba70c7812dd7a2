"""The price at an instant: the wall clock of the site, seasons by calendar, both changes of the clock."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from tests.tariffs import BUY, SEASONS, calendar, document, flat, period, season, two_seasons, year
from transform.tariffs import grid, read_tariff, resolve, resolve_demand
from wattlog.zones import Zone

BERLIN = Zone("Europe/Berlin")


def instants(*texts: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(list(texts), utc=True, format="ISO8601"))


def test_an_instant_has_the_price_of_its_wall_clock() -> None:
    """Q130: 14:00 UTC in July is 16:00 in Berlin."""
    found = resolve(
        read_tariff(two_seasons()),
        instants("2025-07-01T13:59:59Z", "2025-07-01T14:00Z", "2025-07-01T19:00Z", "2025-12-31T23:00Z"),
        BERLIN,
    )
    assert found["season"].tolist() == ["Warm", "Warm", "Warm", "Cold"]
    assert found["buy_label"].tolist() == ["OFF_PEAK", "ON_PEAK", "OFF_PEAK", "OFF_PEAK"]
    assert found["buy_micro_per_kwh"].tolist() == [210_000, 305_720, 210_000, 180_000]
    assert found["sell_micro_per_kwh"].tolist() == [50_000, 81_300, 50_000, 40_000]


def test_on_days_of_23_and_25_hours_a_period_is_shorter_or_longer() -> None:
    """Q130: the hour that the clock skips has no price, the one it shows twice has it twice."""
    night = document({"Year": year(N=[period(end="06:00")], D=[period(begin="06:00")])}, {"Year": {"N": 0.1, "D": 0.2}})
    for day, hours in (("2025-03-30", 5), ("2025-10-26", 7), ("2025-10-27", 6)):
        begin = pd.Timestamp(day, tz=BERLIN)
        end = pd.Timestamp(begin.date() + pd.Timedelta(days=1), tz=BERLIN)
        starts = pd.date_range(begin, end, freq="5min", inclusive="left").tz_convert("UTC")
        labels = resolve(read_tariff(night), starts, BERLIN)["buy_label"]
        assert (labels == "N").sum() == hours * 12, day


def test_a_leap_day_belongs_to_the_season_around_it() -> None:
    """Q129: 29 February as the end of a season is 28 in short years, and the season after it begins in March."""
    seasons = {"A": season((9, 1), (2, 29), X=[period()]), "B": season((3, 1), (8, 31), X=[period()])}
    read = read_tariff(document(seasons, {"A": {"X": 0.1}, "B": {"X": 0.2}}))
    starts = instants(
        "2024-02-28T12:00Z", "2024-02-29T12:00Z", "2024-03-01T12:00Z", "2025-02-28T12:00Z", "2025-03-01T12:00Z"
    )
    assert resolve(read, starts, BERLIN)["season"].tolist() == ["A", "A", "B", "A", "B"]


def test_where_no_season_is_there_is_no_price() -> None:
    short = read_tariff(document({"A": season((3, 1), (2, 28), X=[period()])}, {"A": {"X": 0.1}}))
    found = resolve(short, instants("2024-02-28T12:00Z", "2024-02-29T12:00Z"), BERLIN)
    assert found["season"].isna().tolist() == [False, True]
    assert found["buy_micro_per_kwh"].isna().tolist() == [False, True]
    assert found["sell_micro_per_kwh"].isna().all()
    of_days = calendar(short)
    missing = of_days[of_days["season"].isna() & (of_days["side"] == "buy")]
    assert missing[["month", "day"]].to_numpy().tolist() == [[2, 29]]


@pytest.mark.parametrize("name", ["America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"])
def test_prices_are_those_of_a_plain_look_up_minute_by_minute(name: str) -> None:
    """An independent computation with the standard library, over both changes of the clock and the new year."""
    zone = Zone(name)
    starts = pd.date_range("2023-09-15T00:10", "2024-06-15", freq="83min", tz="UTC")
    tariff = read_tariff(two_seasons())
    found = resolve(tariff, starts, zone)

    def plain(instant: datetime) -> tuple[str, str]:
        wall = instant.astimezone(zone)
        hour, day = wall.hour, wall.weekday()
        if 6 <= wall.month <= 9:
            return "Warm", "ON_PEAK" if 16 <= hour < 21 else "OFF_PEAK"
        return "Cold", "ON_PEAK" if day < 5 and 7 <= hour < 22 else "OFF_PEAK"

    expected = [plain(instant) for instant in starts.to_pydatetime()]
    assert list(zip(found["season"], found["buy_label"], strict=True)) == expected
    prices = [round(BUY[of_season][label] * 1_000_000) for of_season, label in expected]
    assert found["buy_micro_per_kwh"].tolist() == prices


def test_rows_that_sql_can_join_give_the_same_prices() -> None:
    """`grid` and `calendar`, joined by the wall clock, are what `resolve` gives."""
    tariff = read_tariff(two_seasons())
    starts = pd.date_range("2024-01-01", "2024-12-31", freq="7h", tz="UTC")
    walls = starts.tz_convert(BERLIN)
    rows = pd.DataFrame({"month": walls.month, "day": walls.day, "day_of_week": walls.day_of_week})
    rows["minute"] = walls.hour * 60 + walls.minute
    found = resolve(tariff, starts, BERLIN)
    for side in ("buy", "sell"):
        days, parts = (frame[frame["side"] == side] for frame in (calendar(tariff), grid(tariff)))
        joined = rows.reset_index().merge(days, on=["month", "day"]).merge(parts, on=["season", "day_of_week"])
        joined = joined[(joined["from_minute"] <= joined["minute"]) & (joined["minute"] < joined["to_minute"])]
        assert joined["index"].is_unique
        prices = joined.set_index("index")["micro_per_kwh"].sort_index()
        assert prices.tolist() == found[f"{side}_micro_per_kwh"].tolist()


def test_any_order_and_no_rows() -> None:
    tariff = read_tariff(two_seasons())
    starts = pd.date_range("2024-01-01", "2024-12-31", freq="11h", tz="UTC")
    order = np.random.default_rng(1).permutation(len(starts))
    pd.testing.assert_frame_equal(
        resolve(tariff, starts[order], BERLIN), resolve(tariff, starts, BERLIN).iloc[order].reset_index(drop=True)
    )
    none = resolve(tariff, starts[:0], BERLIN)
    assert none.dtypes.to_dict() == resolve(tariff, starts, BERLIN).dtypes.to_dict()


def test_a_flat_tariff_has_its_price_always() -> None:
    found = resolve(read_tariff(flat(0.25, 0)), instants("2025-01-01T00:00Z", "2025-07-01T00:00Z"), BERLIN)
    assert found["buy_label"].tolist() == ["ALL", "ALL"]
    assert found["buy_micro_per_kwh"].tolist() == [250_000, 250_000]
    assert found["sell_micro_per_kwh"].tolist() == [0, 0]


def test_demand_has_prices_of_its_own() -> None:
    charges = {"Warm": {"rates": {"ON_PEAK": 4.2}}, "ALL": {"rates": {"ALL": 0}}}
    tariff = read_tariff(document(SEASONS, BUY, demand_charges=charges))
    found = resolve_demand(tariff, instants("2025-07-01T14:00Z", "2025-07-01T19:00Z"), BERLIN)
    assert found.tolist() == [4_200_000, 0]
