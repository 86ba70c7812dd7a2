"""A simulated site asked without HTTP, shaped, estimated and reconciled: what the pipeline does, in a fifth of a second.

Answers are shaped day by day and kept, so that two mixtures of contradictions share every day that neither touches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import orjson
import pandas as pd

from extract.simulator import Contradiction, Series, SiteSpec, Truth, World
from extract.simulator.calendar_history import calendar_history
from extract.simulator.contradiction import each_day
from extract.simulator.local_day import day_bounds, utc
from extract.simulator.query import Query
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer
from transform import energy_intervals, energy_periods
from transform import power as powers
from transform.daily import daily
from transform.frames import empty_frame
from transform.gaps import gaps
from transform.quarantine import Reason
from transform.reconciliation import DayEvidence, PeriodEvidence, doubtful_days, reconcile_days, reconcile_periods
from transform.requests import requests_frame
from transform.rollup_units import rollups_in_watt_hours
from transform.sites import Site
from transform.units import in_watt_hours

SETTLE_HOURS = 48.0
TABLES = ("power", "energy_intervals", "energy_periods", "gaps", "revisions", "quarantine", "requests")
SHAPES = {
    "power": powers.shape,
    "energy_interval": energy_intervals.shape,
    "energy_day": energy_periods.shape,
    "energy_month": energy_periods.shape,
    "energy_year": energy_periods.shape,
}
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Question:
    """One request: a series, its window, and how it is asked."""

    series: str
    first: date
    last: date
    period: str
    interval: str | None = None

    @property
    def told(self) -> frozenset[Series]:
        """Under which names the simulator tells it, or declares what it does to it."""
        if self.series == "power":
            return frozenset({Series.POWER})
        if self.series == "energy_interval":
            return frozenset({Series.INTERVALS, Series.DAY, *([Series.QUARTERS] if self.interval else [])})
        return frozenset({Series(f"calendar_history/{self.period}")})

    @property
    def params(self) -> dict[str, str]:
        kind = {"kind": "power"} if self.series == "power" else {"kind": "energy", "period": self.period}
        return kind | ({} if self.interval is None else {"interval": self.interval})


@dataclass(frozen=True)
class Kept:
    """An index entry, and the answer's tables."""

    raw_id: str
    series: str
    window_start: date
    window_end: date
    closes_at: datetime
    requested_at: datetime
    outcome: str
    tables: Frames = field(compare=False, repr=False)
    site_id: int = 101
    status: int = 200
    attempt: int = 1
    elapsed_ms: float = 1.0
    size: int = 1
    run_id: str = "run-1"

    @property
    def is_answer(self) -> bool:
        return self.outcome != "wrong_window"


@dataclass(frozen=True)
class Reconciled:
    """What came of one site.

    Attributes:
        truth: What happened.
        frames: The shaped tables, in Wh.
        daily: Table `daily`.
        days: Reconciliation of days.
        periods: Reconciliation of longer periods.
        asked_weeks: First days of the weeks that were asked as witnesses.
        now: When all of it was asked.
    """

    truth: Truth
    frames: Frames
    daily: pd.DataFrame
    days: pd.DataFrame
    periods: pd.DataFrame
    asked_weeks: frozenset[date]
    now: datetime

    def is_settled(self, day: date) -> bool:
        """Whether answers about a local day were final when they were asked (Q12, Q13)."""
        ends_s = day_bounds(self.truth.spec.zone, day)[1]
        return utc(ends_s) + timedelta(hours=SETTLE_HOURS) <= self.now


def site_of(spec: SiteSpec) -> Site:
    """The site as `transform` knows it."""
    return replace(
        BATTERY_SITE,
        site_id=spec.site_id,
        timezone=spec.time_zone,
        installed_at=spec.installed_at,
        has_solar=spec.has_solar,
        has_battery=spec.has_battery,
        has_grid=spec.has_grid_meter,
    )


def reconciled(spec: SiteSpec, now: datetime, *, has_witnesses: bool = True) -> Reconciled:
    """Ask everything since the installation, then the witnesses of doubtful days, and reconcile.

    Args:
        spec: The site and its contradictions.
        now: When it is asked.
        has_witnesses: Ask weeks where the month and the days do not agree.
    """
    first, today = _local_day(spec.installed_at, spec), _local_day(now, spec)
    kept = _answers(spec, now, _questions(spec, first, today))
    found = _days(spec, now, kept)
    weeks = {day - timedelta(days=day.weekday()) for day in doubtful_days(found.reconciled)} if has_witnesses else set()
    if weeks:
        asked = [Question("energy_day", each, min(each + timedelta(days=6), today), "week") for each in sorted(weeks)]
        found = _days(spec, now, [*kept, *_answers(spec, now, asked)])
    return _whole(spec, now, found, frozenset(weeks))


def _local_day(instant: datetime, spec: SiteSpec) -> date:
    return instant.astimezone(ZoneInfo(spec.time_zone)).date()


def _questions(spec: SiteSpec, first: date, today: date) -> Iterable[Question]:
    for day in each_day(first, today):
        yield Question("power", day, day, "day")
        yield Question("energy_interval", day, day, "day")
        if day < spec.five_minute_since:
            yield Question("energy_interval", day, day, "day", "15m")
    months = sorted({day.replace(day=1) for day in each_day(first, today)})
    for month in months:
        yield Question("energy_day", month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1), "month")
    for year in sorted({month.year for month in months}):
        yield Question("energy_month", date(year, 1, 1), date(year, 12, 31), "year")
    yield Question("energy_year", first, today, "lifetime")


def _answers(spec: SiteSpec, now: datetime, questions: Iterable[Question]) -> list[Kept]:
    """Answers with the contradictions that can touch each, once more where one was of another window (Q22)."""
    wanted = [Wanted(_told(spec, each), now, each) for each in questions]
    kept = _shaped(wanted)
    again = [each for each in wanted if not kept[each].is_answer]
    repeated = _shaped([replace(each, repeat=1) for each in again]) if again else {}
    return [repeated.get(replace(each, repeat=1), kept[each]) for each in wanted]


def _told(spec: SiteSpec, question: Question) -> SiteSpec:
    """The site without what changes nothing in an answer."""
    touching = tuple(each for each in spec.contradictions if _touches(each, question, spec.time_zone))
    return replace(spec, contradictions=touching)


def _touches(contradiction: Contradiction, question: Question, time_zone: str) -> bool:
    is_long = question.period in {"year", "lifetime"}
    return any(
        series in question.told and (is_long or any(question.first <= day <= question.last for day in dates))
        for series, dates in _injected(contradiction, time_zone)
    )


@cache
def _injected(contradiction: Contradiction, time_zone: str) -> list[tuple[Series, tuple[date, ...]]]:
    return [(each.series, each.dates) for each in contradiction.injections(ZoneInfo(time_zone))]


@dataclass(frozen=True)
class Wanted:
    """A question to a site with the contradictions that touch it, asked for the first time or once more."""

    spec: SiteSpec
    now: datetime
    question: Question
    repeat: int = 0

    @property
    def raw_id(self) -> str:
        question = self.question
        return f"{question.series}-{question.first}-{question.period}-{question.interval}"

    @property
    def end_s(self) -> int:
        return day_bounds(self.spec.zone, self.question.last)[1] - 1

    def answer(self) -> KeptAnswer:
        """What the simulator answers."""
        spec, question = self.spec, self.question
        params = {**question.params, "end_date": utc(self.end_s).astimezone(spec.zone).isoformat()}
        world = _world(replace(spec, contradictions=()))
        response = calendar_history(Query(world, Truth(spec), params, self.now, self.repeat))
        body = orjson.dumps({"response": response})
        return KeptAnswer(self.raw_id, question.series, question.first, question.last, self.now, body, spec.site_id)

    def kept(self, tables: Frames) -> Kept:
        """The index entry of the answer with its share of the tables."""
        question = self.question
        is_wrong = "quarantine" in tables and (tables["quarantine"]["reason"] == Reason.WRONG_WINDOW.value).any()
        return Kept(
            self.raw_id,
            question.series,
            question.first,
            question.last,
            utc(self.end_s + 1),
            self.now,
            "wrong_window" if is_wrong else "data",
            tables,
        )


_KEPT: Final[dict[Wanted, Kept]] = {}
"""Every answer that was ever shaped."""


def _shaped(wanted: Sequence[Wanted]) -> dict[Wanted, Kept]:
    """Answers of one site, those that nobody wanted before shaped together, by the rows that the month's file would have."""
    for series, shape in SHAPES.items():
        missing = [each for each in wanted if each.question.series == series and each not in _KEPT]
        if missing:
            tables = shape([each.answer() for each in missing], site_of(missing[0].spec))
            assert "revisions" not in tables, "answers that speak of the same rows cannot be told apart again"
            parts = {name: _by_answer(frame) for name, frame in tables.items()}
            for each in missing:
                mine = {name: part[each.raw_id] for name, part in parts.items() if each.raw_id in part}
                _KEPT[each] = each.kept(mine)
    return {each: _KEPT[each] for each in wanted}


def _by_answer(frame: pd.DataFrame) -> Frames:
    """The rows of each answer."""
    raw_id = "raw_id" if "raw_id" in frame.columns else "_raw_id"
    return {str(name): rows for name, rows in frame.groupby(raw_id, sort=False)}


@cache
def _world(spec: SiteSpec) -> World:
    return World((spec,))


@dataclass(frozen=True)
class _Days:
    """What came of the days of a site."""

    frames: Frames
    daily: pd.DataFrame
    reconciled: pd.DataFrame


def _days(spec: SiteSpec, now: datetime, kept: list[Kept]) -> _Days:
    site = site_of(spec)
    frames = {name: _together(name, kept) for name in TABLES[:-1]}
    frames["requests"] = requests_frame(kept)
    first, last = _local_day(spec.installed_at, spec), _local_day(now, spec)
    power = frames["power"]
    intervals, periods, units = in_watt_hours(frames["energy_intervals"], frames["energy_periods"], power, site)
    frames |= {"energy_intervals": intervals, "energy_periods": periods}
    frames["gaps"] = gaps(kept, frames, site, followed_by={})
    best = daily(intervals, periods, power, site, first, last, now, SETTLE_HOURS)
    evidence = DayEvidence(
        intervals=intervals,
        periods=periods,
        power=power,
        daily=best,
        gaps=frames["gaps"],
        revisions=frames["revisions"],
        requests=frames["requests"],
        shaped=units,
        site=site,
        first_day=first,
        last_day=last,
        now=now,
        settle_hours=SETTLE_HOURS,
    )
    return _Days(frames, best, reconcile_days(evidence))


def _whole(spec: SiteSpec, now: datetime, days: _Days, weeks: frozenset[date]) -> Reconciled:
    site, periods = site_of(spec), days.frames["energy_periods"]
    rollups = periods[(periods["granularity"] != "day").to_numpy(dtype=bool)].reset_index(drop=True)
    rollups, units = rollups_in_watt_hours(rollups, days.daily, site)
    evidence = PeriodEvidence(days.daily, rollups, days.reconciled, units, site, now, SETTLE_HOURS)
    return Reconciled(Truth(spec), days.frames, days.daily, days.reconciled, reconcile_periods(evidence), weeks, now)


def _together(name: str, kept: list[Kept]) -> pd.DataFrame:
    parts = [each.tables[name] for each in kept if name in each.tables and len(each.tables[name])]
    return pd.concat(parts, ignore_index=True) if parts else empty_frame(name)
