"""What holds for any energy and any valid tariff: each interval is priced once, and in proportion."""

from copy import deepcopy
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import LOS_ANGELES, SITE, begin_of, dated, no_days, rows, spans
from tests.examples import examples
from tests.tariffs import Json, document, period, season
from transform.costs.amounts import nano_of
from transform.costs.days import daily_costs
from transform.costs.flows import FLOWS, IMPORTED, Intervals
from transform.costs.pricing import hourly_costs
from transform.tariffs import validate

FIRST, LAST = date(2025, 10, 31), date(2025, 11, 3)
"""The clocks go back on the third of these days, and a season ends with the first."""

PRICES = st.integers(0, 499_999).map(lambda micro: micro * 2 / 1_000_000)  # half of it has six decimals, too
CUTS = st.lists(st.integers(0, 95), min_size=1, max_size=5, unique=True).map(sorted)
"""Quarters of an hour at which periods of a day begin."""


@st.composite
def tariffs(draw: st.DrawFn) -> Json:
    """Valid tariffs: two seasons, working days and weekends of their own, periods over midnight, exports below imports."""
    seasons, buy, sell = {}, {}, {}
    for name, first, last in (("A", (11, 1), (3, 31)), ("B", (4, 1), (10, 31))):
        labels: dict[str, list[Json]] = {}
        for days in ((0, 4), (5, 6)):
            cuts = draw(CUTS)
            for begin, end in zip(cuts, [*cuts[1:], cuts[0]], strict=True):
                labels.setdefault(f"P{len(labels) % 4}", []).extend(_periods(days, begin, end))
        seasons[name] = season(first, last, **labels)
        buy[name] = {label: draw(PRICES) for label in labels}
        sell[name] = {label: price / 2 for label, price in buy[name].items()}
    return document(seasons, buy, sell_tariff=document(seasons, sell))


def _periods(days: tuple[int, int], begin: int, end: int) -> list[Json]:
    """From one quarter of an hour to another on the same days, in two parts where it includes midnight."""
    if begin < end:
        return [period(days, _clock(begin), _clock(end))]
    return [
        part
        for part in (
            period(days, _clock(begin), "00:00"),
            period(days, "00:00", _clock(end)) if end else None,
        )
        if part is not None
    ]


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02d}:{quarter % 4 * 15:02d}"


@st.composite
def energies(draw: st.DrawFn, length_s: int = 3_600) -> Intervals:
    """Whole Wh, a multiple of twelve, for all hours of the four days."""
    count = (begin_of(LAST + timedelta(days=1)) - begin_of(FIRST)) // (length_s * 1_000_000)
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rows(
        begin_of(FIRST), length_s, {name: (chance.integers(0, 200, count) * 12).astype(np.float64) for name in FLOWS}
    )


@examples(20)
@given(tariffs(), energies())
def test_a_valid_tariff_prices_each_interval_exactly_once(tariff: Json, energy: Intervals) -> None:
    """What validation accepts, the pricer can price; no Wh is lost or counted twice."""
    assert not [violation for violation in validate(tariff) if violation.is_error]
    found = hourly_costs(SITE, energy, spans(FIRST, LAST, dated(tariff)))
    assert found["buy_per_kwh"].notna().all()
    assert found["sell_per_kwh"].notna().all()
    assert found["grid_import_wh"].sum() == energy.flows[IMPORTED].sum()
    assert found["stored_s"].sum() == energy.length_s.sum()


@examples(20)
@given(tariffs(), energies())
def test_splitting_an_interval_preserves_its_cost(tariff: Json, energy: Intervals) -> None:
    cut = spans(FIRST, LAST, dated(tariff))
    parts = rows(begin_of(FIRST), 300, {name: np.repeat(values / 12, 12) for name, values in energy.flows.items()})
    whole, split = hourly_costs(SITE, energy, cut), hourly_costs(SITE, parts, cut)
    assert whole["starts_at"].tolist() == split["starts_at"].tolist()
    for name in ("import_cost", "export_credit", "battery_import_cost"):
        assert nano_of(whole[name]).tolist() == nano_of(split[name]).tolist()


@examples(20)
@given(tariffs(), energies(), st.integers(2, 7))
def test_prices_so_many_times_as_high_cost_so_many_times_as_much(tariff: Json, energy: Intervals, times: int) -> None:
    dearer = _scaled(deepcopy(tariff), times)
    before, after = (_net(priced, energy) for priced in (tariff, dearer))
    assert after == times * before


@examples(20)
@given(tariffs(), energies())
def test_days_and_hours_have_the_same_cost(tariff: Json, energy: Intervals) -> None:
    cut = spans(FIRST, LAST, dated(tariff))
    hourly = hourly_costs(SITE, energy, cut)
    daily = daily_costs(SITE, hourly, no_days(), cut, ())
    for name in ("import_cost", "export_credit"):
        assert nano_of(daily[name]).sum() == nano_of(hourly[name]).sum()
    assert len(daily) == (LAST - FIRST).days + 1


def _net(tariff: Json, energy: Intervals) -> int:
    found = hourly_costs(SITE, energy, spans(FIRST, LAST, dated(tariff), zone=LOS_ANGELES))
    return int(nano_of(found["import_cost"]).sum() - nano_of(found["export_credit"]).sum())


def _scaled(tariff: Json, times: int) -> Json:
    for side in (tariff, tariff["sell_tariff"]):
        for block in side["energy_charges"].values():
            block["rates"] = {label: _times(price, times) for label, price in block["rates"].items()}
    return tariff


def _times(price: float, times: int) -> float:
    """A price of six decimals so many times; doubles do not multiply exactly."""
    return round(price * 1_000_000) * times / 1_000_000
