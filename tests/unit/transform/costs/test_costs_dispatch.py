"""The rules of a battery by hand, and against the best that foresight could do."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.costs import LOS_ANGELES, begin_of, dated, of_days, spans
from tests.tariffs import two_seasons
from transform.costs.amounts import Ints
from transform.costs.cycles import BillingRules
from transform.costs.dispatch import (
    Battery,
    BatteryState,
    Load,
    Rule,
    Simulated,
    allowed,
    as_intervals,
    dispatch,
    load_of,
)
from transform.costs.flows import IMPORTED, Intervals
from transform.costs.spans import DatedPrices
from transform.costs.what_if import OBSERVED, Equipment, History, Replay, outcomes, plan_of, replay

FIRST, LAST = date(2025, 7, 1), date(2025, 7, 7)
LOSSLESS = Battery(energy_wh=1_000, power_w=400, efficiency=1.0)


def _hours(count: int) -> Ints:
    """The first instants of hours in a row."""
    return np.arange(count, dtype=np.int64) * 3_600_000_000


def _simulated(
    solar: list[float], home: list[float], battery: Battery, gives: bool = True, fills: bool = False
) -> Simulated:
    load = Load(np.array(solar), np.array(home), np.ones(len(solar)), _hours(len(solar)))
    return dispatch(load, battery, np.full(len(solar), gives), np.full(len(solar), fills))


def test_a_surplus_charges_and_a_need_is_served_from_it() -> None:
    found = _simulated([500, 0, 0], [200, 100, 300], LOSSLESS)
    assert found.stored_wh.tolist() == [300, 200, 0]
    assert found.import_wh.tolist() == [0, 0, 100]
    assert found.export_wh.tolist() == [0, 0, 0]


def test_power_limits_both_ways() -> None:
    found = _simulated([1_000, 0], [0, 900], LOSSLESS)
    assert found.export_wh.tolist() == [600, 0]
    assert found.import_wh.tolist() == [0, 500]


def test_a_full_battery_takes_no_more() -> None:
    found = _simulated([400, 400, 400], [0, 0, 0], LOSSLESS)
    assert found.stored_wh.tolist() == [400, 800, 1_000]
    assert found.export_wh.tolist() == [0, 0, 200]


def test_losses_are_those_of_a_whole_cycle() -> None:
    """64 % of what goes in comes out: a fifth is lost on each way."""
    found = _simulated([100, 0], [0, 100], Battery(energy_wh=1_000, power_w=400, efficiency=0.64))
    assert found.stored_wh[0] == pytest.approx(80)
    assert found.import_wh[1] == pytest.approx(36)


def test_a_battery_that_changed_is_replayed_as_it_was() -> None:
    """No battery in the first two hours, 1 kWh in the next two, 2 kWh with a reserve of half of it in the last two."""
    states = (
        BatteryState(0, 0.0, 400, 0.0),
        BatteryState(2 * 3_600_000_000, 1_000, 400, 0.0),
        BatteryState(4 * 3_600_000_000, 2_000, 900, 0.5),
    )
    battery = replace(LOSSLESS, energy_wh=2_000, states=states)
    found = _simulated([500, 0, 1_500, 1_500, 1_500, 0], [0, 500, 0, 0, 0, 900], battery)
    assert found.stored_wh.tolist() == [0, 0, 400, 800, 1_700, 1_000]
    assert found.import_wh.tolist() == [0, 500, 0, 0, 0, 200]


def test_the_reserve_is_kept() -> None:
    found = _simulated([0, 0], [300, 300], Battery(energy_wh=1_000, power_w=400, efficiency=1.0, reserve=0.2))
    assert found.stored_wh.tolist() == [200, 200]
    assert found.import_wh.tolist() == [300, 300]


def test_a_battery_that_fills_takes_what_its_power_leaves() -> None:
    found = _simulated([300, 0], [0, 200], LOSSLESS, gives=False, fills=True)
    assert found.stored_wh.tolist() == [400, 800]
    assert found.import_wh.tolist() == [100, 600]


def test_without_a_battery_the_rest_is_imported_and_exported() -> None:
    load = Load(np.array([500.0, 0.0]), np.array([200.0, 100.0]), np.ones(2), _hours(2))
    found = dispatch(load, None, np.ones(2, bool), np.zeros(2, bool))
    assert (found.import_wh.tolist(), found.export_wh.tolist()) == ([0, 100], [300, 0])


def test_by_time_it_gives_nothing_in_the_cheapest_hours_and_fills_in_them() -> None:
    """16:00 to 21:00 costs 0.30572, the rest 0.21: worth a cycle of 90 %, not of 60 %."""
    energy = of_days(FIRST, FIRST)
    cut = spans(FIRST, FIRST, dated(two_seasons()))
    peak = [16 <= hour < 21 for hour in range(24)]
    for efficiency, fills_when_cheap in ((0.9, True), (0.6, False)):
        battery = Battery(1_000, 400, efficiency, charges_from_grid=True)
        gives, fills = allowed(Rule.TIME_BASED, battery, energy, cut)
        assert gives.tolist() == peak
        assert fills.tolist() == [fills_when_cheap and not is_peak for is_peak in peak]
    gives, fills = allowed(Rule.SELF_POWERED, battery, energy, cut)
    assert gives.all()
    assert not fills.any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", Rule)
def test_foresight_is_never_dearer_than_the_rules(rule: Rule, seed: int) -> None:
    """A linear program to which the whole week is given finds a cost at most as high, for the same battery."""
    energy = of_days(FIRST, LAST, seed=seed)
    cut = spans(FIRST, LAST, dated(two_seasons()))
    battery = Battery(3_000, 700, 0.81, reserve=0.1, charges_from_grid=True)
    load = load_of(energy)
    simulated = dispatch(load, battery, *allowed(rule, battery, energy, cut))
    buy, sell = (cut.amounts(name)[0] / 1e9 for name in ("buy_micro", "sell_micro"))
    # The program ends with no less in the battery than the rule does, so that it does not save by emptying it.
    best = _least_cost(load, battery, buy, sell, float(simulated.stored_wh[-1]))
    cost = float(simulated.import_wh @ buy - simulated.export_wh @ sell)
    assert best <= cost + 1e-9
    assert best < cost * 0.999  # it is a bound that the rules do not reach: it does something


def _least_cost(load: Load, battery: Battery, buy: np.ndarray, sell: np.ndarray, last_wh: float) -> float:
    """Variables of each hour: import, export, charge, discharge, stored."""
    from scipy.optimize import linprog  # takes longer to import than the other tests of this file

    count, one_way = len(buy), battery.efficiency**0.5
    eye, no = np.eye(count), np.zeros((count, count))
    before = np.eye(count, k=-1)
    balance = np.hstack([eye, -eye, -eye, eye, no])
    storage = np.hstack([no, no, -one_way * eye, eye / one_way, eye - before])
    floor = battery.energy_wh * battery.reserve
    begin = np.zeros(count)
    begin[0] = floor
    limit = battery.power_w
    bounds = [(0, None)] * (2 * count) + [(0, limit)] * (2 * count) + [(floor, battery.energy_wh)] * (count - 1)
    found = linprog(
        np.concatenate([buy, -sell, np.zeros(3 * count)]),
        A_eq=np.vstack([balance, storage]),
        b_eq=np.concatenate([load.home_wh - load.solar_wh, begin]),
        bounds=[*bounds, (last_wh, battery.energy_wh)],
    )
    assert found.success, found.message
    return float(found.fun)


def _history(first: date = FIRST, last: date = LAST) -> History:
    energy = of_days(first, last)
    end_us = begin_of(date.fromordinal(last.toordinal() + 1))
    return History(1001, energy, LOS_ANGELES, begin_of(first), end_us, BillingRules())


def test_a_battery_that_was_run_by_a_rule_is_recognised() -> None:
    """What the rule itself made is reproduced; what chance made is not, and is said so."""
    battery = Battery(3_000, 700, 0.81)
    history = _history()
    load = load_of(history.intervals)
    count = len(load.home_wh)
    simulated = dispatch(load, battery, np.ones(count, bool), np.zeros(count, bool))
    made = as_intervals(history.intervals, simulated, load)
    flows = {**history.intervals.flows, IMPORTED: made.flows[IMPORTED]}
    run = type(history.intervals)(history.intervals.starts_us, history.intervals.length_s, flows)
    plan = plan_of("now", [dated(two_seasons())])
    first, *_ = replay(History(1001, run, LOS_ANGELES, history.begin_us, history.end_us, BillingRules()), battery, plan)
    assert first == Replay(Rule.SELF_POWERED, first.observed_kwh, first.observed_kwh, 0.0, 0.0)
    assert first.is_close
    assert not replay(history, Battery(500_000, 9_000), plan)[0].is_close


def test_a_year_of_which_two_weeks_are_missing_has_no_annual_cost() -> None:
    """The stored part costs what it costs; nothing is said about the rest."""
    whole = _history(date(2025, 1, 1), date(2025, 12, 31))
    energy, begin_us = whole.intervals, begin_of(date(2025, 3, 1))
    is_stored = (energy.starts_us < begin_us) | (energy.starts_us >= begin_us + 14 * 86_400_000_000)
    kept = Intervals(
        energy.starts_us[is_stored], energy.length_s[is_stored], {k: v[is_stored] for k, v in energy.flows.items()}
    )
    plan, home = plan_of("now", [dated(two_seasons())]), Equipment("as it is", is_observed=True)
    (of_year,), (of_part,) = (outcomes(given, [plan], [home]) for given in (whole, replace(whole, intervals=kept)))
    assert of_year.annual_cost_nano == of_year.cost_nano
    assert of_part.annual_cost_nano is None
    assert of_part.cost_nano is not None


def test_prices_by_interval_count_before_the_tariff() -> None:
    """Spot prices of a whole week, at 0.05 for imports; exports have none, so they count as nothing."""
    history = _history()
    begins, ends = np.array([history.begin_us]), np.array([history.end_us])
    spot = DatedPrices(begins, ends, np.array([50_000]), np.array([0]), np.zeros(1, bool), np.array(["USD"], object))
    plan = plan_of("now", [dated(two_seasons())], spot)
    (found,) = outcomes(history, [plan], [Equipment("as it is", is_observed=True)])
    assert found.cost_nano == int(history.intervals.flows[IMPORTED].sum()) * 50_000
    assert not found.has_sell_price


def test_alternatives_are_in_order_of_their_cost() -> None:
    plans = [plan_of(name, [dated(two_seasons())]) for name in ("one", "two")]
    found = outcomes(_history(), plans, [Equipment("as it is", is_observed=True), Equipment("none")])
    costs = [made.cost_nano for made in found]
    assert len(found) == 4
    assert costs == sorted(cost for cost in costs if cost is not None)
    assert {made.rule for made in found} == {OBSERVED, "none"}


def test_observed_energy_costs_what_its_bills_say() -> None:
    """A week at the prices of its hours. It has neither the hours nor the seasons of a year, so nothing follows for one."""
    history = _history()
    buy, sell = (spans(FIRST, LAST, dated(two_seasons())).amounts(name)[0] for name in ("buy_micro", "sell_micro"))
    flows = history.intervals.flows
    exports = sum(flows[name] for name in flows if name.startswith("grid_energy_exported"))
    cost = int((flows[IMPORTED] * buy).sum() - (exports * sell).sum())
    (found,) = outcomes(history, [plan_of("now", [dated(two_seasons())])], [Equipment("as it is", is_observed=True)])
    assert found.cost_nano == cost
    assert found.annual_cost_nano is None


def test_twice_the_panels_give_twice_the_energy() -> None:
    energy = of_days(FIRST, LAST)
    assert load_of(energy, 2.0).solar_wh.tolist() == (2 * load_of(energy).solar_wh).tolist()


def test_exports_without_a_price_count_as_nothing() -> None:
    document = two_seasons()
    del document["sell_tariff"]
    (found,) = outcomes(_history(), [plan_of("buy only", [dated(document)])], [Equipment("as it is", is_observed=True)])
    assert found.cost_nano is not None
    assert not found.has_sell_price
