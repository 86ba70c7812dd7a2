"""What alternatives would have cost, as a table, after how well the simulation meets what was observed."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import numpy as np
from rich.table import Table

from flows.cli.tables.money import MoneyColumn, amount, table_of
from flows.console import note, print_sentences, print_table
from flows.what_if import Answer
from transform.costs.amounts import NANO
from transform.costs.what_if import COMPLETE, DAILY_TOLERANCE, DAYS_PER_YEAR, OBSERVED, TOTAL_TOLERANCE, Replay
from wattlog.local_days import first_instants_us

_RULES = {OBSERVED: "observed", "self_powered": "self-powered", "time_based": "time-based", "none": ""}
"""Rule → what is shown."""


def print_answer(found: Answer) -> None:
    """Print how far the simulation can be relied on, then the alternatives, the cheapest first."""
    print_sentences(_about(found))
    print_table(_alternatives(found))
    for sentence in _notes(found):
        note(sentence)


def _alternatives(found: Answer) -> Table:
    """One row an alternative; of a whole year, what it cost is said once."""
    outcomes = found.outcomes
    costs = [_cost(outcome.cost_nano) for outcome in outcomes]
    of_year = [_cost(outcome.annual_cost_nano) for outcome in outcomes]
    is_said_once = costs == of_year and any(of_year)
    columns = [
        MoneyColumn("cost of\n365 days", of_year, is_optional=True),
        *([] if is_said_once else [MoneyColumn("cost of\nthe time", costs)]),
        MoneyColumn("tariff", [outcome.plan for outcome in outcomes], is_right=False),
        MoneyColumn("equipment", [outcome.equipment for outcome in outcomes], is_right=False),
        MoneyColumn("battery rule", [_RULES[outcome.rule] for outcome in outcomes], is_right=False),
        MoneyColumn("import\nkWh", [f"{outcome.import_kwh:,.0f}" for outcome in outcomes]),
        MoneyColumn("export\nkWh", [f"{outcome.export_kwh:,.0f}" for outcome in outcomes]),
        MoneyColumn("credit\nleft", [_cost(outcome.credit_nano) for outcome in outcomes], is_optional=True),
    ]
    title = f"What it would have cost, {found.site.site_name or f'site {found.site.site_id}'}"
    return table_of(title, columns, [outcome.currency for outcome in outcomes])


def _cost(nano: int | None) -> str:
    return "" if nano is None else amount(Decimal(nano) / NANO)


def _about(found: Answer) -> Iterator[str]:
    yield f"{found.first_day} to {found.last_day}, {found.stored_share:.0%} of the time stored"
    if not found.replays:
        yield "there is no battery to replay, so nothing shows how well a simulated one would meet reality"
        return
    best = found.replays[0]
    yield from _about_battery(found)
    if found.is_reliable:
        yield f"the existing battery, replayed: {_replayed(best)}; the rules meet what was observed"
        return
    yield (
        f"the existing battery, replayed: {_replayed(best)}. The rules do NOT meet what was observed: within "
        f"{TOTAL_TOLERANCE:.0%} of the total and {DAILY_TOLERANCE:.0%} by day would be close. Simulated figures below show a "
        "direction at most; observed ones do not depend on the rules"
    )


def _about_battery(found: Answer) -> Iterator[str]:
    """From when on the battery is known to have been as it is replayed."""
    if found.described_from is not None and found.described_from > found.first_day:
        yield (
            f"the battery's size and reserve are known from {found.described_from} on; before that day they are taken to have "
            "been as they were on it"
        )
    states = found.battery.states if found.battery else ()
    begins_us, ends_us = first_instants_us(
        np.array([found.first_day, found.last_day + timedelta(days=1)], "datetime64[D]"), found.site.zone
    ).tolist()
    changes = sum(begins_us < state.begins_us < ends_us for state in states)
    if changes:
        yield (
            f"changes of the battery or its reserve in this time: {changes:,}; each interval is replayed with what there was "
            "then"
        )


def _replayed(best: Replay) -> str:
    return (
        f"{_RULES[best.rule]} imports {best.simulated_kwh:,.0f} kWh, observed were {best.observed_kwh:,.0f} kWh "
        f"({best.total_error:+.1%}; days differ by {best.daily_error:.1%})"
    )


def _notes(found: Answer) -> Iterator[str]:
    outcomes = found.outcomes
    if not found.is_year:
        yield (
            f"no cost of 365 days: that takes {DAYS_PER_YEAR} days of which {COMPLETE:.0%} are stored. The cost of the time is "
            "that of its stored part"
        )
    without = sorted({outcome.plan for outcome in outcomes if not outcome.has_sell_price})
    if without:
        yield f"{', '.join(without)}: no price for exports is known, so they count as nothing"
    if any(outcome.cost_nano is None for outcome in outcomes):
        yield "without a cost: some hours have no price in that tariff"
    if len({outcome.currency for outcome in outcomes if outcome.currency}) > 1:
        yield "the currencies differ: the order of the table does not convert them"
