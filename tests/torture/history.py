"""What a data directory must hold, by the responses that were sent, and what is wrong with it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

import numpy as np
import orjson
import pandas as pd

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.simulator.local_day import SLOT_S, day_bounds, days_between, utc
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.truth.simulated_day import DayTruth
from tests.torture.homes import Home, Homes
from tests.torture.local_api import Sent
from warehouse.lake.lake import Lake

SETTLE: Final = timedelta(hours=48)
AGAIN: Final = 6
"""A settled window that is incomplete is requested five times more (D14), and once if its day is suspect (Q19)."""

TABLES: Final = {"power": "power", "soe": "state_of_energy", "energy_interval": "energy_intervals"}
STEP_S: Final = {"power": SLOT_S, "soe": 900, "energy_interval": SLOT_S}
COLUMNS: Final = {name: f"{name.removesuffix('_power')}_w" for name in POWERS}

Slots = dict[tuple[int, str], set[int]]
"""Site and series → instants in epoch seconds."""


def series_of(params: dict[str, str]) -> str | None:
    """The series of a request for rows shorter than a day; None for any other."""
    kind = params.get("kind")
    if kind == "energy":
        return "energy_interval" if params["period"] == "day" and "interval" not in params else None
    return kind if kind in TABLES else None


def instants_of(day: DayTruth, series: str) -> set[int]:
    """The instants of a day for which a series has rows, in epoch seconds."""
    found: list[int] = (day.soe_start if series == "soe" else day.interval_start).astype("int64").tolist()
    return set(found)


def rows_in(sent: Sent, series: str, present: datetime) -> tuple[set[int], set[int]]:
    """The instants for which a response has a measurement, and that of the slot that is not over: it is zero (Q11)."""
    response = orjson.loads(sent.body)["response"]
    rows = response.get("time_series") or ()
    instants = {int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows}
    begun = {instant_s for instant_s in instants if instant_s < present.timestamp()}
    ahead_s = 0 if series == "soe" else SLOT_S
    over = {instant_s for instant_s in begun if instant_s + ahead_s <= present.timestamp()}
    return over, begun - over


@dataclass
class History:
    """What the responses to a data directory's runs had.

    Attributes:
        slots: Instants of which a stored response had a row.
        perhaps: Instants of which the response that a kill interrupted had a row.
        finals: Days whose windows were requested after they had settled, by a sane clock.
        needless: Requests for days that were complete and settled before.
        was_behind: Whether the clock of a run was behind. What the server has measured since is in the future of such a run,
            and the runs before it seem to have been ahead, so their windows are requested once more.
    """

    slots: Slots = field(default_factory=lambda: defaultdict(set))
    perhaps: Slots = field(default_factory=lambda: defaultdict(set))
    finals: set[tuple[int, str, date]] = field(default_factory=set)
    needless: list[str] = field(default_factory=list)
    was_behind: bool = False

    def add(
        self,
        sent: Iterable[Sent],
        homes: Homes,
        present: timedelta,
        *,
        is_stored: bool = True,
        has_current_gaps: bool = False,
    ) -> None:
        """Take account of the responses of a run.

        Args:
            sent: The responses.
            homes: The account.
            present: How far the clock of the run was off, where it was not corrected: negative if it was behind.
            is_stored: Whether they are in the archive for certain.
            has_current_gaps: Whether the tables showed what was missing when the run began.
        """
        self.was_behind = self.was_behind or present < timedelta()
        slots = self.slots if is_stored else self.perhaps
        finals, before = set(self.finals), {key: set(instants) for key, instants in self.slots.items()}
        by_id = {home.spec.site_id: home for home in homes.homes}
        for response in sent:
            parts = response.path.split("/")
            home = by_id.get(int(parts[4])) if len(parts) > 4 else None
            if home is None or response.status != 200 or parts[-1] != "calendar_history":
                continue
            series, now = series_of(response.params), response.instant + present
            day = datetime.fromisoformat(response.params["end_date"]).date() if "end_date" in response.params else None
            if series is not None and day is not None:
                over, running = rows_in(response, series, now)
                slots[home.spec.site_id, series] |= over
                self.perhaps[home.spec.site_id, series] |= running
                has_settled = day_bounds(home.spec.zone, day)[1] + SETTLE.total_seconds() <= now.timestamp()
                window = home.spec.site_id, series, day
                can_judge = has_current_gaps and not self.was_behind
                if can_judge and window in finals and self._is_complete(home, series, day, before, response.instant):
                    self.needless.append(f"{series} of {day} of {home.spec.site_id} on {response.instant}")
                if is_stored and has_settled and homes.empty_since is None:
                    self.finals.add(window)

    @staticmethod
    def _is_complete(home: Home, series: str, day: date, slots: Slots, now: datetime) -> bool:
        return instants_of(home.truth().day(day), series) <= slots.get((home.spec.site_id, series), set())

    def give_up(self, window: tuple[int, str, date], zone: tzinfo) -> None:
        """Forget what the lost responses to a window had: it is requested again."""
        site_id, series, day = window
        start_s, end_s = day_bounds(zone, day)
        of_day = {instant_s for instant_s in self.slots[site_id, series] if start_s <= instant_s < end_s}
        self.slots[site_id, series] -= of_day
        self.perhaps[site_id, series] |= of_day
        self.finals.discard(window)


def differences(history: History, lake: Lake, homes: Homes, now: datetime) -> Iterator[str]:
    """What is wrong in a lake."""
    for home in homes.homes:
        yield from _wrong_rows(history, lake, home, now)
        yield from _wrong_gaps(history, lake, home)
        yield from _wrong_days(history, lake, home, now)
        yield from _unexplained(lake, home)
    rows = lake.read("quarantine")
    rows = rows[(rows["reason"] != "future_value").to_numpy(dtype=bool)] if history.was_behind else rows
    if len(rows):
        yield f"{len(rows)} rows in quarantine: {rows.iloc[0].to_dict()}"


def _epochs(column: "pd.Series[pd.Timestamp]") -> list[int]:
    return column.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[s]").astype("int64").tolist()


def _wrong_rows(history: History, lake: Lake, home: Home, now: datetime) -> Iterator[str]:
    """Rows that are missing, made up, or have values that never happened."""
    site_id, truth = home.spec.site_id, home.truth()
    for series, table in TABLES.items():
        rows = lake.read(table, site_id=site_id)
        found = _epochs(rows["interval_start"])
        if len(set(found)) < len(found):
            yield f"{table} of {site_id} has a row twice"
        expected, perhaps = history.slots[site_id, series], history.perhaps[site_id, series]
        lost, made_up = expected.difference(found), set(found) - expected - perhaps
        for what, instants in (("lacks", lost), ("has made up", made_up)):
            if instants:
                yield f"{table} of {site_id} {what} {len(instants)} rows from {_text(min(instants))} on"
        for day in days_between(truth.first_date, home.local_day(now)):
            if (site_id, series, day) in history.finals:
                start_s, end_s = day_bounds(home.spec.zone, day)
                of_day = np.array([start_s <= instant_s < end_s for instant_s in found], dtype=bool)
                yield from _wrong_values(home, series, day, rows[of_day], now)


def _wrong_values(home: Home, series: str, day: date, rows: pd.DataFrame, now: datetime) -> Iterator[str]:
    truth = home.truth().day(day)
    at = {instant_s: position for position, instant_s in enumerate(truth.interval_start.astype("int64").tolist())}
    if series == "soe":
        at = {instant_s: position for position, instant_s in enumerate(truth.soe_start.astype("int64").tolist())}
        columns = {"soe_pct": truth.soe_pct.astype("float64")}
    elif series == "power":
        columns = {COLUMNS[name]: truth.power[name] for name in POWERS}
    else:
        columns = {f"{name}_wh": truth.flows[name].astype("float64") for name in FLOWS}
    places = [at.get(instant_s, -1) for instant_s in _epochs(rows["interval_start"])]
    if -1 in places:
        yield f"{series} of {day} has rows where there was nothing"
        return
    for name, values in columns.items():
        stored = rows[name].to_numpy(dtype="float64", na_value=np.nan)
        wrong = np.abs(stored - values[places]) > (1e-6 if series == "power" else 0)
        wrong |= np.isnan(stored) & (values[places] != 0)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            yield f"{series} {name} of {day}: {int(wrong.sum())} wrong, {stored[first]} for {values[places][first]}"


def _wrong_gaps(history: History, lake: Lake, home: Home) -> Iterator[str]:
    """Slots of settled windows that are neither stored nor in `gaps`, or both."""
    site_id = home.spec.site_id
    gaps = lake.read("gaps", site_id=site_id)
    for series, table in TABLES.items():
        mine = gaps[(gaps["series"] == series).to_numpy(dtype=bool)]
        spans = list(zip(_epochs(mine["gap_start"]), _epochs(mine["gap_end"]), strict=True))
        found = set(_epochs(lake.read(table, site_id=site_id)["interval_start"]))
        for number, name, day in history.finals:
            if (number, name) != (site_id, series) or (series == "soe" and not home.has_battery_on(day)):
                continue
            wanted = set(range(*day_bounds(home.spec.zone, day), STEP_S[series]))
            listed = {instant_s for instant_s in wanted if any(start <= instant_s < end for start, end in spans)}
            if unlisted := wanted - found - listed:
                yield f"{len(unlisted)} rows of {series} of {day} are neither stored nor a gap, from {_text(min(unlisted))}"
            if doubtful := wanted & found & listed:
                yield f"{len(doubtful)} rows of {series} of {day} are stored and a gap, from {_text(min(doubtful))}"


def _wrong_days(history: History, lake: Lake, home: Home, now: datetime) -> Iterator[str]:
    """Days with all of their intervals must be the truth, and say so."""
    site_id, truth = home.spec.site_id, home.truth()
    daily = lake.read("daily", site_id=site_id).set_index("local_date").to_dict("index")
    for number, series, day in history.finals:
        slots = instants_of(truth.day(day), series)
        is_mine = number == site_id and series == "energy_interval"
        if not (is_mine and slots and slots <= history.slots[site_id, series]):
            continue
        if day not in daily:
            yield f"daily of {site_id} lacks {day}"
            continue
        stored = daily[day]
        for name, wh in truth.daily_wh(day).items():
            value = stored[f"{name}_wh"]
            if value != wh and not (pd.isna(value) and wh == 0):
                yield f"daily {name} of {day} of {site_id} is {value}, not {wh} ({stored['status']}, {stored['source']})"
        if stored["status"] not in {"agreed", "single_source", "filled", "adjusted"}:
            yield f"daily of {day} of {site_id} is {stored['status']}"


def _unexplained(lake: Lake, home: Home) -> Iterator[str]:
    rows = lake.read("reconciliation", site_id=home.spec.site_id)
    rows = rows[(rows["cause"] == "unexplained").to_numpy(dtype=bool)]
    if len(rows):
        yield f"{len(rows)} differences are unexplained: {rows.iloc[0].to_dict()}"


def requested_too_often(history: History, archive: RawArchive, homes: Homes) -> Iterator[str]:
    """Settled windows of days that were complete and were requested again, or incomplete and requested too often."""
    yield from (f"needless: {what}" for what in history.needless)
    for home in homes.homes:
        runs: dict[tuple[str, date], list[IndexEntry]] = defaultdict(list)
        for entry in archive.entries(home.spec.site_id):
            if entry.series in TABLES and entry.window_start and _settles(entry, history, home.spec.site_id):
                runs[entry.series, entry.window_start].append(entry)
        for (series, day), entries in runs.items():
            again = len({entry.run_id for entry in entries}) - 1
            if again > AGAIN:
                yield f"{series} of {day} of {home.spec.site_id} was requested {again} times after it was settled"


def _settles(entry: IndexEntry, history: History, site_id: int) -> bool:
    return (
        entry.is_conclusive
        and entry.closes_at is not None
        and entry.requested_at >= entry.closes_at + SETTLE
        and (site_id, entry.series, entry.window_start) in history.finals
    )


def _text(instant_s: int) -> str:
    return f"{utc(instant_s):%Y-%m-%d %H:%M}"
