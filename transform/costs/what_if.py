"""What the same energy would have cost: by other tariffs, with another battery, with more panels, without a battery.

The energy that was observed is priced as it is. Anything else is simulated (`transform.costs.dispatch`). First the battery that
there is, is simulated too: its imports are compared with those observed, which shows how far the rules can be trusted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

import numpy as np

from transform.costs.amounts import nano_of
from transform.costs.billing import bills
from transform.costs.cycles import BillingRules
from transform.costs.days import daily_costs
from transform.costs.dispatch import Battery, Rule, allowed, as_intervals, dispatch, load_of
from transform.costs.flows import IMPORTED, Intervals, exported
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedPrices, DatedTariff, Spans, spans_of
from transform.frames import empty_frame
from transform.tariffs import ALL, Side

TOTAL_TOLERANCE: Final = 0.05
"""By how much the simulated import of the whole time may differ from the observed one, as a share of it."""

DAILY_TOLERANCE: Final = 0.15
"""By how much simulated and observed imports of single days may differ, added up, as a share of all imports."""

DAYS_PER_YEAR: Final = 365

COMPLETE: Final = 0.99
"""Share of the time from which on a cost is of nearly all of it."""

_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _US

OBSERVED: Final = "observed"
"""The rule of energy that is not simulated."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How well a rule reproduces what the existing battery did.

    Attributes:
        rule: The rule.
        simulated_kwh: Simulated import.
        observed_kwh: Observed import.
        total_error: Their difference as a share of what was observed.
        daily_error: Differences of single days, added up, as a share of all that was observed.
    """

    rule: Rule
    simulated_kwh: float
    observed_kwh: float
    total_error: float
    daily_error: float

    @property
    def is_close(self) -> bool:
        """Whether figures of this rule can be relied on."""
        return abs(self.total_error) <= TOTAL_TOLERANCE and self.daily_error <= DAILY_TOLERANCE


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to be billed.

    Attributes:
        name: What it is called.
        tariffs: Its tariffs; one that is always in force, or those that were.
        prices: Prices by interval, which count before any tariff.
        has_sell_price: Whether exports have a price; without one they count as nothing.
    """

    name: str
    tariffs: tuple[DatedTariff, ...]
    prices: DatedPrices
    has_sell_price: bool = True


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a home has.

    Attributes:
        name: What it is called.
        battery: Its battery; None for none.
        solar_scale: How many times as large the panels are.
        is_observed: Whether it is what there is, so that its energy is observed.
    """

    name: str
    battery: Battery | None = None
    solar_scale: float = 1.0
    is_observed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an alternative would have cost.

    Attributes:
        plan: Name of the plan.
        equipment: Name of the equipment.
        rule: The rule of the battery; `observed` where nothing is simulated.
        import_kwh: Imports of the whole time.
        export_kwh: Exports of the whole time.
        cost_nano: Sum of all bills of the time that is stored, in billionths of the currency; None where a day has no price.
        credit_nano: Credit that is left at the end.
        annual_cost_nano: The cost for 365 days; None where less than a year, or less than nearly all of the time, is stored.
        currency: Its currency.
        has_sell_price: Whether exports have a price.
    """

    plan: str
    equipment: str
    rule: str
    import_kwh: float
    export_kwh: float
    cost_nano: int | None
    credit_nano: int
    annual_cost_nano: int | None
    currency: str | None
    has_sell_price: bool


@dataclass(frozen=True, slots=True)
class History:
    """The energy of one site that alternatives are computed from.

    Attributes:
        site_id: The site.
        intervals: Its intervals.
        zone: Its zone.
        begin_us: First instant of the first day, microseconds since 1970.
        end_us: First instant after the last day.
        rules: How it is billed.
    """

    site_id: int
    intervals: Intervals
    zone: tzinfo
    begin_us: int
    end_us: int
    rules: BillingRules

    @property
    def days(self) -> int:
        """How many days it has."""
        return round((self.end_us - self.begin_us) / _DAY_US)

    @property
    def stored_share(self) -> float:
        """Share of the time for which intervals are stored."""
        return float(self.intervals.length_s.sum()) * _US / max(self.end_us - self.begin_us, 1)

    @property
    def is_year(self) -> bool:
        """Whether it is nearly all of at least a year: a part of one has not each season, and no cost of a year follows."""
        return self.days >= DAYS_PER_YEAR and self.stored_share >= COMPLETE

    def spans(self, plan: Plan) -> Spans:
        """Its time cut by the prices of a plan, the nearest tariff where none was in force."""
        return spans_of(self.begin_us, self.end_us, self.zone, plan.tariffs, plan.prices, assumes=True)


def plan_of(name: str, tariffs: Sequence[DatedTariff], prices: DatedPrices | None = None) -> Plan:
    """A plan; where a tariff or an interval has no price of exports, they count as nothing (Q132)."""
    priced = tuple(
        dated if dated.tariff.sell is not None else replace(dated, tariff=replace(dated.tariff, sell=_nothing()))
        for dated in tariffs
    )
    by_interval = prices or DatedPrices.none()
    has_sell_price = all(dated.tariff.sell is not None for dated in tariffs) and bool(by_interval.has_sell.all())
    return Plan(name, priced, replace(by_interval, has_sell=np.ones(len(by_interval.has_sell), bool)), has_sell_price)


def _nothing() -> Side:
    return Side(energy={ALL: {ALL: 0}})


def replay(history: History, battery: Battery, plan: Plan) -> list[Replay]:
    """Simulate the existing battery under each rule, the best first."""
    load, observed = load_of(history.intervals), history.intervals.flows[IMPORTED]
    spans, found = history.spans(plan), []
    for rule in Rule:
        gives, fills = allowed(rule, battery, history.intervals, spans)
        simulated = dispatch(load, battery, gives, fills).import_wh
        difference = simulated - observed
        reference = max(float(observed.sum()), 1.0)
        day = (history.intervals.starts_us - history.begin_us) // _DAY_US
        daily = np.abs(np.bincount(day, weights=difference)).sum() if len(day) else 0.0
        found.append(
            Replay(
                rule,
                float(simulated.sum()) / 1_000,
                float(observed.sum()) / 1_000,
                float(difference.sum()) / reference,
                float(daily) / reference,
            )
        )
    return sorted(found, key=lambda of_rule: of_rule.daily_error)


def outcome(history: History, plan: Plan, spans: Spans, equipment: Equipment, rule: Rule) -> Outcome:
    """What one alternative would have cost; `spans` are those of its plan."""
    intervals, name = history.intervals, OBSERVED
    if not equipment.is_observed:
        gives, fills = allowed(rule, equipment.battery, intervals, spans)
        load = load_of(intervals, equipment.solar_scale)
        simulated = dispatch(load, equipment.battery, gives, fills)
        intervals, name = as_intervals(intervals, simulated, load), rule.value if equipment.battery else "none"
    cost, credit, currency = _bills(history, plan, spans, intervals)
    annual = None if cost is None or not history.is_year else round(cost * DAYS_PER_YEAR / history.days)
    return Outcome(
        plan.name,
        equipment.name,
        name,
        float(intervals.flows[IMPORTED].sum()) / 1_000,
        float(exported(intervals.flows).sum()) / 1_000,
        cost,
        credit,
        annual,
        currency,
        plan.has_sell_price,
    )


def _bills(history: History, plan: Plan, spans: Spans, intervals: Intervals) -> tuple[int | None, int, str | None]:
    """The sum of all bills, the credit that is left, and the currency."""
    hourly = hourly_costs(history.site_id, intervals, spans)
    daily = daily_costs(history.site_id, hourly, empty_frame("daily"), spans, plan.tariffs)
    found = bills(
        history.site_id, hourly, daily, plan.tariffs, history.rules, history.zone, assumes=True, skips_missing=True
    )
    currencies = set(found["currency"].dropna())
    if not len(found) or found["net_cost"].isna().any() or len(currencies) != 1:
        return None, 0, None
    return int(nano_of(found["net_cost"]).sum()), int(nano_of(found["credit_carried"])[-1]), str(currencies.pop())


def outcomes(history: History, plans: Sequence[Plan], equipment: Sequence[Equipment]) -> list[Outcome]:
    """Every combination, the cheapest first; a battery that is simulated, under both rules."""
    found = [
        outcome(history, plan, spans, of_home, rule)
        for plan, spans in ((plan, history.spans(plan)) for plan in plans)
        for of_home in equipment
        for rule in ([Rule.SELF_POWERED] if of_home.is_observed or of_home.battery is None else list(Rule))
    ]
    return sorted(found, key=lambda made: (made.cost_nano is None, made.cost_nano or 0))
