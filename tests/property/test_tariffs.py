"""Any valid tariff is priced at every minute, and survives every way of writing it down."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tariffs import Json, calendar, document, first_form, period, without_zeros
from transform.tariffs import grid, read_tariff, resolve, validate, write_tariff
from transform.tariffs.tariff import MINUTES_PER_WEEK
from wattlog.zones import Zone

LABELS = ("OFF_PEAK", "ON_PEAK", "PARTIAL_PEAK", "SUPER_OFF_PEAK")
LEAP_YEAR = pd.date_range("2024-01-01", "2024-12-31", freq="D")
ZONES = ("Europe/London", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu")

PRICES = st.integers(0, 99_999).map(lambda hundred_thousandths: hundred_thousandths / 100_000)


@st.composite
def seasons(draw: st.DrawFn) -> dict[str, Json]:
    """One to three seasons that cover the year, each with a week of periods that cover it."""
    cuts = sorted(draw(st.sets(st.integers(0, 365), min_size=1, max_size=3)))
    found = {}
    for number, (first, following) in enumerate(zip(cuts, [*cuts[1:], cuts[0]], strict=True)):
        begin, end = LEAP_YEAR[first], LEAP_YEAR[(following - 1) % 366]
        dates = {"fromMonth": begin.month, "fromDay": begin.day, "toMonth": end.month, "toDay": end.day}
        found[f"Season {number}"] = dates | {"tou_periods": draw(weeks())}
    return found


@st.composite
def weeks(draw: st.DrawFn) -> Json:
    """Labels whose periods cover a week: either the same hours on every day, or a week that is cut anywhere."""
    labels: dict[str, list[Json]] = {}
    if draw(st.booleans()):
        cuts = sorted(draw(st.sets(st.integers(0, 1_439), min_size=1, max_size=5)))
        pieces = [(0, 6, begin, end) for begin, end in zip(cuts, [*cuts[1:], cuts[0]], strict=True)]
    else:
        days = draw(st.lists(st.integers(0, 1_439), min_size=7, max_size=7))
        starts = [day * 1_440 + minute for day, minute in enumerate(days)]
        lengths = np.diff([*starts, starts[0] + MINUTES_PER_WEEK]).tolist()
        pieces = [
            (begin // 1_440 % 7, begin // 1_440 % 7, begin % 1_440, (begin + min(1_440, length - done)) % 1_440)
            for start, length in zip(starts, lengths, strict=True)
            for done in range(0, length, 1_440)
            for begin in (start + done,)
        ]
    for first_day, last_day, begin, end in pieces:
        clock = (f"{minute // 60}:{minute % 60}" for minute in (begin, end))
        labels.setdefault(draw(st.sampled_from(LABELS)), []).append(period((first_day, last_day), *clock))
    return {label: {"periods": periods} for label, periods in labels.items()}


@st.composite
def sides(draw: st.DrawFn) -> Json:
    """A valid side of a tariff, with prices below 1."""
    of_year = draw(seasons())
    prices = {name: {label: draw(PRICES) for label in season["tou_periods"]} for name, season in of_year.items()}
    return document(of_year, prices)


@st.composite
def tariffs(draw: st.DrawFn) -> Json:
    """A valid tariff; the sell side has seasons and periods of its own, and no price above the lowest of the buy side."""
    bought = draw(sides())
    if draw(st.booleans()):
        return bought
    for name, block in bought["energy_charges"].items():
        if name != "ALL":
            block["rates"] = {label: 1 + price for label, price in block["rates"].items()}
    return bought | {"sell_tariff": draw(sides())}


def as_rows(read: Json) -> pd.DataFrame:
    """The price of each minute of the week in each season that a day has."""
    tariff = read_tariff(read)
    return grid(tariff).merge(calendar(tariff), on=["side", "season"])


@examples(25)
@given(read=tariffs(), zone=st.sampled_from(ZONES), start=st.integers(0, 10**6))
def test_what_validation_accepts_is_priced_at_every_minute_once(read: Json, zone: str, start: int) -> None:
    assert [violation for violation in validate(read) if violation.is_error] == []
    tariff = read_tariff(read)
    parts = grid(tariff)
    parts = parts if tariff.sell is not None else parts[parts["side"] == "buy"]
    for _, week in parts.groupby(["side", "season"]):
        begins = (week["day_of_week"] * 1_440 + week["from_minute"]).to_numpy()
        ends = (week["day_of_week"] * 1_440 + week["to_minute"]).to_numpy()
        assert begins[0] == 0
        assert ends[-1] == MINUTES_PER_WEEK
        assert (begins[1:] == ends[:-1]).all()
    assert parts["micro_per_kwh"].notna().all()
    starts = pd.date_range(
        pd.Timestamp("2023-12-01", tz="UTC") + pd.Timedelta(minutes=start), periods=300, freq="1999min"
    )
    found = resolve(tariff, starts, Zone(zone))
    assert found["buy_micro_per_kwh"].notna().all()
    assert found["sell_micro_per_kwh"].notna().all() == (tariff.sell is not None)


@examples(15)
@given(read=tariffs())
def test_a_tariff_that_is_written_and_read_again_has_the_same_prices(read: Json) -> None:
    written = write_tariff(read_tariff(read))
    pd.testing.assert_frame_equal(as_rows(written), as_rows(read))
    assert write_tariff(read_tariff(written)) == written
    assert [violation for violation in validate(written) if violation.is_error] == []


@examples(15)
@given(read=tariffs())
def test_every_form_of_a_document_has_the_same_prices(read: Json) -> None:
    """The first form (Q123), and the second without the zeros that are certain (Q124)."""
    whole = as_rows(read)
    pd.testing.assert_frame_equal(as_rows(first_form(read)), whole)
    pd.testing.assert_frame_equal(as_rows(_sparse(read)), whole)


def _sparse(value: Any) -> Any:
    """Without zeros, but with the last day of the week: without it a period of Monday looks like the whole week."""
    if isinstance(value, dict) and "toDayOfWeek" in value:
        return without_zeros(value) | {"toDayOfWeek": value["toDayOfWeek"]}
    if isinstance(value, dict):
        return {name: item if name == "rates" else _sparse(item) for name, item in value.items()}
    return [_sparse(item) for item in value] if isinstance(value, list) else value


@examples(10)
@given(read=tariffs(), factor=st.integers(1, 9))
def test_prices_that_are_scaled_are_scaled_at_every_minute(read: Json, factor: int) -> None:
    def scaled(side: Json) -> Json:
        charges = {
            name: {"rates": {label: round(price * factor, 5) for label, price in block.get("rates", {}).items()}}
            for name, block in side["energy_charges"].items()
        }
        sold = {"sell_tariff": scaled(side["sell_tariff"])} if "sell_tariff" in side else {}
        return side | {"energy_charges": charges} | sold

    before, after = as_rows(read), as_rows(scaled(read))
    assert (before["micro_per_kwh"].dropna() * factor).equals(after["micro_per_kwh"].dropna())
