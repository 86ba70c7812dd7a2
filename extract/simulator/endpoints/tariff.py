"""An invented time-of-use tariff, and what depends on it: energy by band (kind=time_of_use_energy) and savings."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from extract.simulator.endpoints.metering import Metering
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.endpoints.window import asked_period, metering, span_stamps, spans
from extract.simulator.local_day import Ints, as_instants, day_bounds, days_between, offsets_s
from extract.simulator.measures import EXPORTS, FLOWS
from extract.simulator.site import Mode, SiteSpec
from extract.simulator.table import Series, Table
from extract.simulator.truth.plans import HOURS, SEASONS, Band, Plan, currency, plan_on, plans, season

Json = dict[str, Any]


def bands(local_s: Ints) -> dict[Band, np.ndarray]:
    """Which slots belong to each band, from the local time of day in seconds."""
    hour = local_s // 3600
    return {
        band: np.logical_or.reduce([(hour >= first) & (hour < last) for first, last in hours])
        for band, hours in HOURS.items()
    }


def tariff_content(spec: SiteSpec, day: date) -> Json:
    """The tariff of a site on a day, in the structure of `tariff_content_v2`; fields that are zero are left out."""
    return content_of(plan_on(spec, day), currency(spec))


def dated_tariffs(spec: SiteSpec) -> list[tuple[date, Json]]:
    """Every tariff of a site as a document with its first local day: those of the past, too, which the API lacks (Q138)."""
    return [(since, content_of(plan, currency(spec))) for since, plan in plans(spec)]


def content_of(plan: Plan, currency: str) -> Json:
    """A tariff in the structure of `tariff_content_v2`; fields that are zero are left out, as in the API."""
    facts: Json = {"code": plan.code, "name": plan.name, "utility": "Simulated Utility", "currency": currency}
    none = {"ALL": {"rates": {"ALL": 0}}, "Summer": {}, "Winter": {}}
    charge: Json = {"name": "Charge"} | ({"amount": plan.daily_charge} if plan.daily_charge else {})
    common: Json = {"demand_charges": none, "seasons": _seasons()}
    sold = facts | common | {"daily_charges": [{"name": "Charge"}], "energy_charges": _rates(plan.sell)}
    bought: Json = {"version": 1, "daily_charges": [charge], "energy_charges": _rates(plan.buy)}
    return facts | common | bought | {"sell_tariff": sold}


def first_form(content: Json) -> Json:
    """The same tariff as `tariff_content` has it: lists of periods with zeros, and prices without `rates`. Source: Q123."""
    turned = dict(content)
    for charges in ("energy_charges", "demand_charges"):
        if charges in content:
            turned[charges] = {name: block.get("rates", {}) for name, block in content[charges].items()}
    if "seasons" in content:
        turned["seasons"] = {name: _first_season(season) for name, season in content["seasons"].items()}
    if "sell_tariff" in content:
        turned["sell_tariff"] = first_form(content["sell_tariff"])
    return turned


def _first_season(season: Json) -> Json:
    periods = season.get("tou_periods", {})
    return season | {"tou_periods": {label: _with_zeros(found.get("periods", [])) for label, found in periods.items()}}


def _with_zeros(periods: list[dict[str, int]]) -> list[dict[str, int]]:
    names = ("fromDayOfWeek", "toDayOfWeek", "fromHour", "fromMinute", "toHour", "toMinute")
    return [dict.fromkeys(names, 0) | period for period in periods]


def _rates(prices: Mapping[str, Mapping[Band, float]]) -> Json:
    rates: Json = {"ALL": {"rates": {"ALL": 0}}}
    for name, of_season in prices.items():
        rates[name] = {"rates": {_label(band): price for band, price in of_season.items()}}
    return rates


def _seasons() -> Json:
    tou = {_label(band): {"periods": [_hours(*hours) for hours in HOURS[band]]} for band in Band}
    return {
        name: {
            "fromDay": 1,
            "toDay": 30 if last == 9 else 31,
            "fromMonth": first,
            "toMonth": last,
            "tou_periods": tou,
        }
        for name, (first, last) in SEASONS.items()
    }


def _hours(first: int, last: int) -> dict[str, int]:
    fields = {"toDayOfWeek": 6, "fromHour": first, "toHour": last}
    return {name: value for name, value in fields.items() if value}


def _label(band: Band) -> str:
    return band.value.upper() if band is not Band.PEAK else "ON_PEAK"


def time_of_use_energy(query: Query) -> object:
    """kind=time_of_use_energy: energy rows by band; a band without energy is left out.

    The response is an empty string for a site that is not in time-of-use mode (Q23).
    """
    period = asked_period(query, "time_of_use_energy")
    if query.spec.mode is not Mode.AUTONOMOUS:
        return ""
    meter = metering(query, period)
    rows = spans(period, meter)
    epochs_s = span_stamps(period, meter, rows)
    response: dict[str, object] = {}
    for band in Band:
        values = np.stack([_sums(meter, first, last, band) for first, last in rows], axis=1) if rows else None
        if values is not None and values.any():
            columns = dict(zip(FLOWS, values, strict=True))
            table = Table(Series.DAY, meter.clock, epochs_s, columns, query.spec.five_minute_since)
            response[band.value] = {"time_series": table.render()}
    return response


def _sums(meter: Metering, first: date, last: date, band: Band) -> Ints:
    total = np.zeros(len(FLOWS), np.int64)
    for day in days_between(first, last):
        epochs_s, values = meter.flows(day)
        local_s = (epochs_s + offsets_s(meter.clock, epochs_s)) % 86_400
        total += values[:, bands(local_s)[band]].sum(axis=1)
    return total


def savings(query: Query) -> list[dict[str, object]]:
    """kind=savings and savings_forecast: the value of one day a row, up to yesterday, with UTC timestamps.

    Source: API.md#requests.

    Raises:
        ApiError: 400, the site has no tariff.
    """
    if not query.spec.has_tariff:
        raise ApiError(400, "/api/v3/energy_site/savings_forecast => Tariff not found by tariffID:")
    period = asked_period(query, "savings_forecast")
    meter = metering(query, period)
    yesterday = meter.last_date - timedelta(days=1)
    days = [day for first, last in spans(period, meter) for day in days_between(first, min(last, yesterday))]
    starts = np.array([day_bounds(meter.clock, day)[0] for day in days], np.int64)
    texts = np.datetime_as_string(as_instants(starts)).tolist()
    values = [_value(meter, day, plan_on(query.spec, day)) for day in days]
    return [{"timestamp": f"{text}Z", "value": value} for text, value in zip(texts, values, strict=True)]


def _value(meter: Metering, day: date, plan: Plan) -> float:
    """Price of the energy that the home did not import, plus the price of the exported energy."""
    epochs_s, values = meter.flows(day)
    flow = dict(zip(FLOWS, values, strict=True))
    own = flow["consumer_energy_imported_from_solar"] + flow["consumer_energy_imported_from_battery"]
    sold = np.sum([flow[name] for name in EXPORTS], axis=0)
    local_s = (epochs_s + offsets_s(meter.clock, epochs_s)) % 86_400
    buy, sell = plan.buy[season(day)], plan.sell[season(day)]
    worth = sum(
        float(own[inside].sum() * buy[band] + sold[inside].sum() * sell[band]) / 1000
        for band, inside in bands(local_s).items()
    )
    return round(worth, 2)
