"""`wattlog what-if`: the energy of a site, its tariffs and its battery, read from the lake for `transform.costs.what_if`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from flows.account import choose_one, infos_seen, known_sites
from flows.errors import UsageError
from flows.run_context import RunContext
from flows.tariffs import read_tariff_file
from flows.tasks.price import known_prices
from transform.costs.amounts import NANO
from transform.costs.battery_states import battery_states
from transform.costs.dispatch import Battery
from transform.costs.flows import Intervals, intervals_of
from transform.costs.spans import DatedTariff
from transform.costs.what_if import DAYS_PER_YEAR, Equipment, History, Outcome, Plan, Replay, outcomes, plan_of, replay
from transform.site_equipment import Facts
from transform.sites import Site
from transform.tariffs import read_tariff, tariff_document, validate
from transform.time import days_of, instants_of, local_days
from warehouse.lake.lake import Lake
from wattlog.local_days import first_instants_us

PRESENT: Final = "present tariff"
"""The plan of the tariffs that were in force."""

AS_IT_IS: Final = "as it is"
EFFICIENCY: Final = 0.9
"""Energy out by energy in of a battery of which too little is stored to measure it."""

_LEAST_CYCLES: Final = 5.0
"""So many times the battery's energy must have been charged before its efficiency is measured."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        site_id: The site; None where there is one only.
        files: Tariff files.
        batteries: Batteries to try.
        solar_scale: How many times as large the panels are.
        no_battery: Whether the home without battery is tried.
        since: First local day; None for a year before the last.
        until: Last local day; None for the last stored.
    """

    site_id: int | None = None
    files: Sequence[Path] = ()
    batteries: Sequence[Battery] = ()
    solar_scale: float = 1.0
    no_battery: bool = False
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What alternatives would have cost.

    Attributes:
        site: The site.
        first_day: First local day.
        last_day: Last local day.
        stored_share: Share of that time for which intervals are stored.
        is_year: Whether it is nearly all of at least a year, so that costs of 365 days are known.
        battery: The existing battery as it is simulated; None without one.
        described_from: Local day of the first site_info; before it the battery and its reserve are taken to have been the same.
        replays: How well each rule meets what the existing battery did, the best first; none without a battery.
        outcomes: The alternatives, the cheapest first.
    """

    site: Site
    first_day: date
    last_day: date
    stored_share: float
    is_year: bool
    battery: Battery | None
    described_from: date | None
    replays: tuple[Replay, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def is_reliable(self) -> bool:
        """Whether the simulation of the existing battery meets what was observed; also where nothing is simulated."""
        return not self.replays or self.replays[0].is_close


def answer(context: RunContext, question: Question) -> Answer:
    """Compute every alternative of a question.

    Raises:
        UsageError: The site, its energy, or a file does not allow it.
    """
    archive = context.open_archive()
    site = choose_one(known_sites(archive, context.settings.site_timezones), question.site_id)
    lake, settings = context.open_lake(), context.settings.billing.of(site.site_id)
    intervals, first_day, last_day = _energy(lake, site, question)
    begin_us, end_us = first_instants_us(
        np.array([first_day, last_day + timedelta(days=1)], "datetime64[D]"), site.zone
    )
    known = known_prices(lake, site.site_id, settings)
    present = None if known.is_empty else plan_of(PRESENT, known.tariffs, known.by_interval)
    plans = [*([present] if present else []), *(_plan(path) for path in question.files)]
    if not plans:
        raise UsageError("there is no tariff to compare with: give one with --tariff FILE, or import one first")
    history = History(site.site_id, intervals, site.zone, int(begin_us), int(end_us), settings.rules)
    seen = [(found.first_at, found.info) for found in infos_seen(archive, site.site_id)]
    battery = _existing(site, intervals, seen)
    return Answer(
        site,
        first_day,
        last_day,
        history.stored_share,
        history.is_year,
        battery,
        local_days(pd.Series([seen[0][0]]), site.zone)[0].item() if seen else None,
        tuple(replay(history, battery, present or plans[0])) if battery is not None else (),
        tuple(outcomes(history, plans, _equipment(question, battery))),
    )


def _energy(lake: Lake, site: Site, question: Question) -> tuple[Intervals, date, date]:
    """The intervals of the days in question, the first and the last of these days."""
    until = question.until or _newest_day(lake, site)
    since = question.since or until - min(timedelta(days=DAYS_PER_YEAR - 1), until - date.min)
    months = np.arange(
        np.datetime64(since, "M") - 1, np.datetime64(until, "M") + 2
    )  # an edge may be in another month's file
    unused = ("_raw_id", "_run_id", "_fetched_at")
    frame = lake.read(
        "energy_intervals", site_id=site.site_id, periods=months.astype(str), without=unused, reaching=since
    )
    days = days_of(frame["local_date"])
    is_chosen = (days >= np.datetime64(since)) & (days <= np.datetime64(until))
    days = days[is_chosen]
    intervals = intervals_of(frame[is_chosen].reset_index(drop=True), has_battery=site.has_battery_on(days))
    if not len(intervals):
        raise UsageError(f"site {site.site_id} has no intervals of energy in that time")
    first, last = local_days(instants_of(intervals.starts_us[[0, -1]]), site.zone).tolist()
    return intervals, first, last


def _newest_day(lake: Lake, site: Site) -> date:
    """The last local day with intervals, by the footers of the files; the first day of all where there is none."""
    spans = [lake.span(part, "local_date") for part in lake.partitions("energy_intervals", site_id=site.site_id)]
    return max((span[1] for span in spans if span is not None), default=date.min)


def _plan(path: Path) -> Plan:
    """The tariff of a file, as if it had always been in force."""
    _content, _form, found = read_tariff_file(path)
    errors = [violation for violation in validate(found) if violation.is_error]
    document = tariff_document(found)
    if errors or document is None:
        raise UsageError(f"{path.name} is no valid tariff; `wattlog tariff validate {path}` shows why")
    tariff = read_tariff(document)
    return plan_of(tariff.name or path.stem, [DatedTariff(tariff, 0)])


def _existing(site: Site, intervals: Intervals, seen: Sequence[tuple[datetime, Facts]]) -> Battery | None:
    """The existing battery: rated energy and power and the reserve as each site_info had them, its measured efficiency."""
    states = battery_states(site, seen) if site.has_battery else ()
    if not states:
        return None
    last = states[-1]
    return Battery(last.energy_wh, last.power_w, _efficiency(site, intervals), last.reserve, states=states)


def _efficiency(site: Site, intervals: Intervals) -> float:
    charged = float(
        sum(intervals.flows[f"battery_energy_imported_from_{source}_wh"].sum() for source in ("grid", "solar"))
    )
    given = float(
        intervals.flows["consumer_energy_imported_from_battery_wh"].sum()
        + intervals.flows["grid_energy_exported_from_battery_wh"].sum()
    )
    if charged < _LEAST_CYCLES * (site.nameplate_energy_wh or 0) or not 0.5 < given / charged <= 1.0:
        return EFFICIENCY
    return given / charged


def _equipment(question: Question, battery: Battery | None) -> list[Equipment]:
    found = [Equipment(AS_IT_IS, battery, is_observed=True)]
    scale = question.solar_scale
    panels = "" if scale == 1 else f", panels × {scale:g}"
    if panels:
        found.append(Equipment(f"{AS_IT_IS}{panels}", battery, scale))
    found += [Equipment(f"{_battery_name(battery)}{panels}", battery, scale) for battery in question.batteries]
    if question.no_battery:
        found.append(Equipment(f"{_battery_name(None)}{panels}", None, scale))
    return found


def _battery_name(battery: Battery | None) -> str:
    if battery is None:
        return "no battery"
    return f"battery {battery.energy_wh / 1_000:g} kWh, {battery.power_w / 1_000:g} kW"


def as_json(found: Answer) -> dict[str, Any]:
    """The same for programs and for the report; amounts as numbers in the currency."""
    return {
        "site_id": found.site.site_id,
        "first_day": found.first_day.isoformat(),
        "last_day": found.last_day.isoformat(),
        "stored_share": found.stored_share,
        "is_year": found.is_year,
        "is_reliable": found.is_reliable,
        "battery": None if found.battery is None else _battery(found.battery),
        "described_from": found.described_from.isoformat() if found.described_from else None,
        "replays": [asdict(made) | {"is_close": made.is_close} for made in found.replays],
        "alternatives": [_alternative(outcome) for outcome in found.outcomes],
    }


def _battery(battery: Battery) -> dict[str, Any]:
    states = [
        {
            "begins_at": _iso(state.begins_us),
            "energy_wh": state.energy_wh,
            "power_w": state.power_w,
            "reserve": state.reserve,
        }
        for state in battery.states
    ]
    return asdict(battery) | {"states": states}


def _iso(instant_us: int) -> str | None:
    """An instant; None for a state that has no known beginning."""
    if instant_us < 0:
        return None
    return datetime.fromtimestamp(instant_us / 1_000_000, UTC).isoformat()


def _alternative(outcome: Outcome) -> dict[str, Any]:
    plain = asdict(outcome)
    for name in ("cost", "credit", "annual_cost"):
        nano = plain.pop(f"{name}_nano")
        plain[name] = None if nano is None else nano / NANO
    return plain


def stored_json(found: Answer) -> bytes:
    """What `wattlog report` shows of the last answers: see `wattlog.names.DataDirectory`."""
    return orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2)
