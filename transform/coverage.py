"""Table `gaps`: every expected row of every window asked is stored, or is listed here with the reason why not.

Events (outages, charge sessions) are not expected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.expected_rows import Asked, AskedWindow, Slots, Stored, slots_of, stored_rows, windows_of
from transform.frames import empty_frame, table_frame
from transform.responses import Reason
from transform.sites import Site
from transform.time import Ints, epoch_us, instants_of, to_utc
from wattlog.gap_causes import GapCause
from wattlog.series import SERIES
from wattlog.series_spec import Need, SeriesSpec
from wattlog.sun import elevation_sine

Mask = npt.NDArray[np.bool_]
Causes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


UNUSABLE: Final = (
    ("wrong_window", GapCause.WRONG_WINDOW),
    ("contract", GapCause.QUARANTINED),
    ("not_json", GapCause.QUARANTINED),
    ("not_fetched", GapCause.NOT_FETCHED),
)
"""Outcomes that came with status 200 and are no answer → the cause for a window without a better one. `not_fetched` is the
outcome of responses that the raw archive has lost."""

DARK_SHARE: Final = 0.1
"""Solar power up to this share of the largest that is stored is dusk, of which a quarter of an hour may be all there is: rows
missing between two dusks are a night."""

DUSK_US: Final = 2 * 3600 * 1_000_000
"""How long before sunset panels may have stopped, and how long after sunrise they may begin, as on overcast winter days."""

QUARTER_HOUR_US: Final = 900 * 1_000_000
"""Slots up to this long have no row if the site was installed within them; days, months and years have one."""

_DAY_US: Final = 86_400 * 1_000_000

LONGEST_NIGHT_US: Final = 20 * 3600 * 1_000_000
"""Nearly as long as a winter night gets at 63° of latitude; where the place of a site is not known, no night is longer."""


def _columns_for_gaps() -> dict[str, tuple[str, ...]]:
    of_intervals = {
        spec.intervals.table: tuple(filter(None, ("interval_start", "interval_s", spec.intervals.night_column)))
        for spec in SERIES.values()
        if spec.intervals is not None
    }
    return {
        **of_intervals,
        "energy_periods": ("source", "granularity", "period_start", "timezone"),
        "quarantine": ("raw_id", "reason", "payload"),
    }


COLUMNS_FOR_GAPS: Final = _columns_for_gaps()
"""Table → the columns that `gaps` uses."""


def gaps(
    entries: Iterable[Asked], tables: Mapping[str, pd.DataFrame], site: Site, *, followed_by: Mapping[str, date]
) -> pd.DataFrame:
    """What is missing of the windows that begin in one month of one site.

    **Shape**: index entries of the month, and frames of the tables made from their responses → one row of table `gaps` per
    series and stretch of one cause, in order of time. **Source**: Q11, Q14, Q15, Q17, Q22.

    Args:
        entries: Index entries; those without a window, or of series without expected rows, are ignored. A site without
            a battery has no state of energy to expect.
        tables: The frames that the responses were shaped to, `quarantine` and `energy_periods` among them.
        site: The site.
        followed_by: Series → first day of the next window after these, where there is one: the days in between were never
            asked for.
    """
    known, quarantined = list(entries), _Quarantined.of(tables["quarantine"])
    found = []
    for spec in SERIES.values():
        is_expected = spec.intervals is not None or spec.granularity is not None
        windows = windows_of(known, spec) if is_expected else []
        if spec.needs is Need.BATTERY:
            has_battery = site.has_battery_on(np.array([window.end for window in windows], dtype="datetime64[D]"))
            windows = [window for window, has in zip(windows, has_battery.tolist(), strict=True) if has]
        if windows:
            asked = [*windows, *_never_asked(windows, followed_by.get(spec.name))]
            found.append(_gaps_of_series(spec, asked, tables, quarantined, site))
    filled = [frame for frame in found if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame("gaps")


@dataclass(frozen=True, slots=True)
class _Quarantined:
    """The quarantine of a month: responses with rows of other windows, and instants of rows that could not be used."""

    wrong_windows: frozenset[str]
    raw_ids: npt.NDArray[np.object_]
    instants_us: Ints

    @classmethod
    def of(cls, quarantine: pd.DataFrame) -> "_Quarantined":
        if quarantine.empty:
            return cls(frozenset(), np.zeros(0, dtype=object), np.zeros(0, dtype=np.int64))
        is_wrong = (quarantine["reason"] == Reason.WRONG_WINDOW.value).to_numpy(dtype=bool)
        rows = quarantine[~is_wrong]
        stamp = pc.extract_regex(pa.array(rows["payload"], pa.string()), r'"timestamp": ?"(?P<stamp>[^"]+)"')
        instants = to_utc(pc.struct_field(stamp, "stamp"))
        is_placed = instants.notna().to_numpy()
        return cls(
            frozenset(quarantine.loc[is_wrong, "raw_id"]),
            rows["raw_id"].to_numpy(dtype=object)[is_placed],
            epoch_us(instants[is_placed]),
        )


def _never_asked(windows: Sequence[AskedWindow], following: date | None) -> list[AskedWindow]:
    """Windows without entries for the days between windows, and up to the next one."""
    starts = [*(window.start for window in windows[1:]), *([following] if following else [])]
    spans = zip((window.end + timedelta(days=1) for window in windows), starts, strict=False)
    return [AskedWindow(first, start - timedelta(days=1), ()) for first, start in spans if first < start]


def _gaps_of_series(
    spec: SeriesSpec,
    windows: Sequence[AskedWindow],
    tables: Mapping[str, pd.DataFrame],
    quarantined: _Quarantined,
    site: Site,
) -> pd.DataFrame:
    stored = stored_rows(spec, tables, site)
    slots = slots_of(windows, spec, stored, site)
    starts, ends, causes = slots.starts_us, slots.ends_us, _causes(windows, slots, quarantined, site)
    # Windows of a fixed offset overlap by an hour when the offset has changed between them; a day that a zone never had is
    # no slot (Apia). A slot counts once, and only if time passes in it.
    starts, order = np.unique(starts, return_index=True)
    ends, causes = np.minimum(ends[order], np.append(starts[1:], ends.max())), causes[order]
    is_missing = (ends > starts) & ~_is_stored(starts, ends, stored)
    starts, ends, causes = starts[is_missing], ends[is_missing], causes[is_missing]
    if spec.intervals is not None and spec.intervals.night_column is not None:
        is_solar_only = ~site.has_battery_at(instants_of(starts))
        if is_solar_only.any():
            rows = tables[spec.intervals.table]
            solar = rows[spec.intervals.night_column].fillna(0.0).to_numpy(dtype=np.float64)
            with_nights = _with_nights(starts, ends, causes, epoch_us(rows["interval_start"]), solar, site.place)
            causes = np.where(is_solar_only, with_nights, causes)
    return _merged(site.site_id, spec.name, starts, ends, causes)


def _is_stored(starts: Ints, ends: Ints, stored: Stored) -> Mask:
    """Whether a row covers the beginning of each slot, or begins within it."""
    if len(stored.starts_us) == 0:
        return np.zeros(len(starts), dtype=bool)
    before = np.searchsorted(stored.starts_us, starts, side="right") - 1
    is_covered = (before >= 0) & (starts < stored.ends_us[np.maximum(before, 0)])
    return np.asarray(is_covered | (np.searchsorted(stored.starts_us, ends, side="left") > before + 1))


def _causes(windows: Sequence[AskedWindow], slots: "Slots", quarantined: _Quarantined, site: Site) -> Causes:
    """Why each slot would be missing if it were."""
    causes = np.array([_cause_of(window, quarantined) for window in windows], dtype=object)[slots.window]
    if len(quarantined.raw_ids):
        for number, window in enumerate(windows):
            instants_us = quarantined.instants_us[np.isin(quarantined.raw_ids, window.conclusive)]
            if len(instants_us):
                mine = np.flatnonzero(slots.window == number)
                at = np.searchsorted(slots.starts_us[mine], instants_us, side="right") - 1
                causes[mine[at[at >= 0]]] = GapCause.QUARANTINED.value
    answered_us = np.array([_answered_us(window) for window in windows], dtype=np.int64)
    causes[slots.starts_us >= answered_us[slots.window]] = GapCause.FUTURE.value
    if site.installed_at is not None:
        installed_us = round(site.installed_at.timestamp() * 1e6)
        is_short = slots.ends_us - slots.starts_us <= QUARTER_HOUR_US
        is_before = (slots.ends_us <= installed_us) | (is_short & (slots.starts_us < installed_us))
        causes[is_before] = GapCause.BEFORE_INSTALL.value
    return causes


def _cause_of(window: AskedWindow, quarantined: _Quarantined) -> str:
    """Why most slots of a window would be missing if they were."""
    if not window.entries:
        return GapCause.NOT_FETCHED.value
    if window.conclusive:
        is_wrong = window.conclusive[-1] in quarantined.wrong_windows
        return (GapCause.WRONG_WINDOW if is_wrong else GapCause.NO_DATA).value
    outcomes = [entry.outcome for entry in window.entries]
    return next((cause.value for outcome, cause in UNUSABLE if outcome in outcomes), GapCause.FAILED.value)


def _answered_us(window: AskedWindow) -> int:
    """When a window was last answered, microseconds since 1970; never is later than any slot."""
    instants = [entry.requested_at for entry in window.entries if entry.is_conclusive]
    return round(max(instants).timestamp() * 1e6) if instants else int(np.iinfo(np.int64).max)


def _with_nights(
    starts: Ints, ends: Ints, causes: Causes, stored_us: Ints, solar: Floats, place: tuple[float, float] | None
) -> Causes:
    """Stretches without data are nights where it was dark before and after them, as far as the sun was down (Q15).

    Where the place of the site is not known, they are nights if they are no longer than a night, apart from the times of day
    that are usually light by the stored rows.

    Args:
        starts: Beginnings of the missing slots.
        ends: Their ends.
        causes: Why each is missing.
        stored_us: Beginnings of the stored rows, in any order.
        solar: Their values in the column that shows dusk.
        place: Degrees north and degrees east of the site.
    """
    if len(starts) == 0:
        return causes
    first, last = _stretches(starts, ends, causes)
    order = np.argsort(stored_us, kind="stable")
    light = solar[order]
    is_light = light > DARK_SHARE * max(light.max(initial=0.0), 1.0)
    is_dark = np.concatenate([[True], ~is_light, [True]])
    after = np.searchsorted(stored_us[order], starts[first], side="left")
    is_night = is_dark[after] & is_dark[after + 1] & (causes[first] == GapCause.NO_DATA.value)
    if place is None:
        is_night &= ends[last] - starts[first] <= LONGEST_NIGHT_US
    stretch = np.repeat(np.arange(len(first)), last - first + 1)
    is_night_slot = is_night[stretch]
    if is_night_slot.any():
        mine = np.flatnonzero(is_night_slot)
        middles_us = (starts[mine] + ends[mine]) // 2
        is_up = (
            _is_usually_light(middles_us, stored_us[order], is_light)
            if place is None
            else elevation_sine(middles_us // 1_000_000, *place) > 0.0
        )
        is_night_slot[mine] = _is_night(starts[mine], ends[mine], stretch[mine], is_up)
    return np.where(is_night_slot, GapCause.NIGHT.value, causes)


def _is_usually_light(instants_us: Ints, stored_us: Ints, is_light: Mask) -> Mask:
    """Whether each instant is at a time of day, by quarters of an hour in UTC, that is usually light.

    It is light there on at least half as many days as at the time of day that is light most often.
    """
    quarters = _DAY_US // QUARTER_HOUR_US
    lit = np.unique(stored_us[is_light] // QUARTER_HOUR_US)
    lit_days = np.bincount(lit % quarters, minlength=quarters)
    is_usual = (lit_days > 0) & (lit_days * 2 >= lit_days.max())
    return np.asarray(is_usual[instants_us % _DAY_US // QUARTER_HOUR_US])


def _is_night(starts: Ints, ends: Ints, stretch: Ints, is_up: Mask) -> Mask:
    """Slots of dark stretches in which the sun was down, or about to set or risen not long ago.

    Panels may measure nothing in low sun or below clouds. A stretch that begins before sunset or ends after sunrise is a night
    for `DUSK_US` more; a whole day within a stretch, from sunrise to sunset, is none, however short it is.

    Args:
        starts: Beginnings of the slots.
        ends: Their ends.
        stretch: The stretch that each lies in.
        is_up: Whether the sun is up in the middle of each.
    """
    is_new = np.ones(len(starts), dtype=bool)
    is_new[1:] = (np.diff(stretch) != 0) | (is_up[1:] != is_up[:-1])
    run, firsts = np.cumsum(is_new) - 1, np.flatnonzero(is_new)
    lasts = np.append(firsts[1:], len(starts)) - 1
    of_stretch = stretch[firsts]
    follows_night = np.append(False, of_stretch[1:] == of_stretch[:-1])
    precedes_night = np.append(of_stretch[1:] == of_stretch[:-1], False)
    is_after_sunrise = follows_night & ~precedes_night & is_up[firsts]
    is_before_sunset = precedes_night & ~follows_night & is_up[firsts]
    is_dawn = is_after_sunrise[run] & (ends - starts[firsts][run] <= DUSK_US)
    is_dusk = is_before_sunset[run] & (ends[lasts][run] - starts <= DUSK_US)
    return np.asarray(~is_up | is_dawn | is_dusk)


def _stretches(starts: Ints, ends: Ints, causes: Causes) -> tuple[Ints, Ints]:
    """First and last of each run of adjacent slots of one cause."""
    is_break = (starts[1:] != ends[:-1]) | (causes[1:] != causes[:-1])
    cuts = np.flatnonzero(is_break)
    return np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(starts) - 1]])


def _merged(site_id: int, series: str, starts: Ints, ends: Ints, causes: Causes) -> pd.DataFrame:
    if len(starts) == 0:
        return empty_frame("gaps")
    first, last = _stretches(starts, ends, causes)
    return table_frame(
        "gaps",
        {
            "site_id": site_id,
            "series": series,
            "gap_start": instants_of(starts[first]),
            "gap_end": instants_of(ends[last]),
            "cause": causes[first],
            "expected_rows": last - first + 1,
        },
    )
