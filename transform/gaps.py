"""Table `gaps`: every expected row of every window asked is held, or stands here with the reason why not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.expected import INTERVAL_TABLES, PERIODS, Asked, AskedWindow, Held, edges_us, held_of, windows_of
from transform.frames import empty_frame, table_frame
from transform.quarantine import Reason
from transform.sites import Site
from transform.time import Ints, epoch_us, to_utc

Mask = npt.NDArray[np.bool_]


class GapCause(StrEnum):
    """Why an expected row is not there."""

    NOT_FETCHED = "not_fetched"
    NO_DATA = "no_data"
    NIGHT = "night"
    FUTURE = "future"
    BEFORE_INSTALL = "before_install"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    WRONG_WINDOW = "wrong_window"


UNUSABLE: Final = (
    ("wrong_window", GapCause.WRONG_WINDOW),
    ("contract", GapCause.QUARANTINED),
    ("not_json", GapCause.QUARANTINED),
)
"""Outcomes that came with status 200 and answer nothing, and what to call a window that had no better one."""

DARK_SHARE: Final = 0.1
"""Solar power up to this share of the largest that is held is dusk, of which a quarter of an hour may be all there is: rows
missing between two dusks are a night."""

LONGEST_NIGHT_US: Final = 20 * 3600 * 1_000_000
"""Nearly as long as a winter night gets at 63° of latitude; a longer stretch without a row is no night."""


def gaps(
    entries: Iterable[Asked], tables: Mapping[str, pd.DataFrame], site: Site, *, followed_by: Mapping[str, date]
) -> pd.DataFrame:
    """What is missing of the windows that begin in one month of one site.

    **Shape**: index entries of the month, and frames of the tables made of their answers → one row of table `gaps` per
    series and stretch of one cause, in order of time. **Source**: Q11, Q14, Q15, Q17, Q22.

    Args:
        entries: Index entries; those without a window, or of series without expected rows, mean nothing here. A site
            without a battery has no state of energy to expect.
        tables: The frames that the answers were shaped to, `quarantine` and `energy_periods` among them.
        site: The site.
        followed_by: Series → first day of the next window after these, where there is one: the days in between were never
            asked for.
    """
    known, aside = list(entries), _Aside.of(tables["quarantine"])
    found = []
    for series in (*INTERVAL_TABLES, *PERIODS):
        windows = windows_of(known, series)
        if windows and (site.has_battery or series != "soe"):
            asked = [*windows, *_never_asked(windows, followed_by.get(series))]
            found.append(_of_series(series, asked, tables, aside, site))
    filled = [each for each in found if len(each)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame("gaps")


@dataclass(frozen=True, slots=True)
class _Aside:
    """What stands in quarantine: answers with rows of other windows, and instants of rows that could not be used."""

    wrong_windows: frozenset[str]
    raw_ids: npt.NDArray[np.object_]
    instants_us: Ints

    @classmethod
    def of(cls, quarantine: pd.DataFrame) -> "_Aside":
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
    starts = [*(each.start for each in windows[1:]), *([following] if following else [])]
    holes = zip((each.end + timedelta(days=1) for each in windows), starts, strict=False)
    return [AskedWindow(first, start - timedelta(days=1), ()) for first, start in holes if first < start]


def _of_series(
    series: str, windows: Sequence[AskedWindow], tables: Mapping[str, pd.DataFrame], aside: _Aside, site: Site
) -> pd.DataFrame:
    held = held_of(series, tables, site)
    edges = edges_us(windows, series, held, site)
    starts, ends = (np.concatenate([each[cut] for each in edges]) for cut in (slice(-1), slice(1, None)))
    causes = np.concatenate([_causes(window, each, aside, site) for window, each in zip(windows, edges, strict=True)])
    # Windows of a fixed offset overlap by an hour when the offset has changed between them; a day that a zone never had is
    # no slot (Apia). A slot counts once, and only if time passes in it.
    starts, order = np.unique(starts, return_index=True)
    ends, causes = np.minimum(ends[order], np.append(starts[1:], ends.max())), causes[order]
    is_missing = (ends > starts) & ~_is_held(starts, ends, held)
    starts, ends, causes = starts[is_missing], ends[is_missing], causes[is_missing]
    if series == "power" and not site.has_battery:
        causes = _with_nights(starts, ends, causes, tables["power"])
    return _merged(site.site_id, series, starts, ends, causes)


def _is_held(starts: Ints, ends: Ints, held: Held) -> Mask:
    """Whether a row covers the beginning of each slot, or begins within it."""
    if len(held.starts_us) == 0:
        return np.zeros(len(starts), dtype=bool)
    before = np.searchsorted(held.starts_us, starts, side="right") - 1
    is_covered = (before >= 0) & (starts < held.ends_us[np.maximum(before, 0)])
    return np.asarray(is_covered | (np.searchsorted(held.starts_us, ends, side="left") > before + 1))


def _causes(window: AskedWindow, edges: Ints, aside: _Aside, site: Site) -> npt.NDArray[np.object_]:
    """Why each slot of a window would be missing if it were."""
    starts, ends = edges[:-1], edges[1:]
    causes = np.full(len(starts), GapCause.NO_DATA.value, dtype=object)
    if not window.entries:
        causes[:] = GapCause.NOT_FETCHED.value
    elif window.answered_at is None:
        outcomes = [each.outcome for each in window.entries]
        causes[:] = next((cause.value for outcome, cause in UNUSABLE if outcome in outcomes), GapCause.FAILED.value)
    else:
        answers = [each.raw_id for each in window.entries if each.is_answer]
        if answers[-1] in aside.wrong_windows:
            causes[:] = GapCause.WRONG_WINDOW.value
        if len(aside.raw_ids):
            at = np.searchsorted(starts, aside.instants_us[np.isin(aside.raw_ids, answers)], side="right") - 1
            causes[at[at >= 0]] = GapCause.QUARANTINED.value
        causes[starts >= round(window.answered_at.timestamp() * 1e6)] = GapCause.FUTURE.value
    if site.installed_at is not None:
        causes[ends <= round(site.installed_at.timestamp() * 1e6)] = GapCause.BEFORE_INSTALL.value
    return causes


def _with_nights(
    starts: Ints, ends: Ints, causes: npt.NDArray[np.object_], power: pd.DataFrame
) -> npt.NDArray[np.object_]:
    """Call stretches without data a night where it was dark before and after them (Q15)."""
    if len(starts) == 0:
        return causes
    first, last = _stretches(starts, ends, causes)
    held_starts = epoch_us(power["interval_start"])
    order = np.argsort(held_starts, kind="stable")
    solar = power["solar_w"].fillna(0.0).to_numpy(dtype=np.float64)[order]
    is_dark = np.concatenate([[True], solar <= DARK_SHARE * max(solar.max(initial=0.0), 1.0), [True]])
    after = np.searchsorted(held_starts[order], starts[first], side="left")
    is_night = is_dark[after] & is_dark[after + 1] & (ends[last] - starts[first] <= LONGEST_NIGHT_US)
    is_night &= causes[first] == GapCause.NO_DATA.value
    return np.where(np.repeat(is_night, last - first + 1), GapCause.NIGHT.value, causes)


def _stretches(starts: Ints, ends: Ints, causes: npt.NDArray[np.object_]) -> tuple[Ints, Ints]:
    """First and last of each run of adjacent slots of one cause."""
    is_break = (starts[1:] != ends[:-1]) | (causes[1:] != causes[:-1])
    cuts = np.flatnonzero(is_break)
    return np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(starts) - 1]])


def _merged(site_id: int, series: str, starts: Ints, ends: Ints, causes: npt.NDArray[np.object_]) -> pd.DataFrame:
    if len(starts) == 0:
        return empty_frame("gaps")
    first, last = _stretches(starts, ends, causes)
    return table_frame(
        "gaps",
        {
            "site_id": site_id,
            "series": series,
            "gap_start": _instants(starts[first]),
            "gap_end": _instants(ends[last]),
            "cause": causes[first],
            "expected_rows": last - first + 1,
        },
    )


def _instants(epochs_us: Ints) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(epochs_us.astype("datetime64[us]")).tz_localize("UTC"))
