"""Series `import:…`: the files of imported histories → tables `imports`, `import_days`, `import_intervals`, `device_readings`.

Of several files of one source that have the same day or quarter hour, one has it: that which covers most, of equals the one
that was imported last. So a file that was downloaded again while its month went on replaces the earlier one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from transform.day_sums import MEASURES, Floats
from transform.frames import empty_frame, table_frame
from transform.imports.batches import UnreadableFile
from transform.imports.formats import FORMATS
from transform.imports.mapping import Mapping
from transform.imports.owners_mapping import BadMapping, parse_mapping
from transform.imports.parts import Part, day_frame, merged, source_of
from transform.imports.reading import Content
from transform.imports.reading import Reject as FileReject
from transform.imports.records import MAPPING_FILE, StoredFile, StoredImport, imports_in
from transform.imports.sums import Mask
from transform.responses import (
    WHOLE_RESPONSE,
    RawResponse,
    Reason,
    Reject,
    Tables,
    as_json,
    quarantine_frame,
)
from transform.sites import Site
from transform.time import Ints, date_column, instants_of
from warehouse.schema import MAX_INTERVAL_WH
from wattlog.local_days import first_instants_us
from wattlog.series_spec import Series


@dataclass(slots=True)
class _Found:
    parts: list[Part] = field(default_factory=list)
    imports: list[dict[str, object]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def shape_history(responses: Sequence[RawResponse], site: Site) -> Tables:
    """The files of one format → tables.

    **Shape**: records of any imports of a site, in any order. **Units**: Wh, %; readings of devices in the unit of the file.
    **Source**: Q5, Q6, Q9, Q16, Q44.
    """
    found = _Found()
    for imported in imports_in(responses):
        _read_import(imported, site, found)
    parts = merged(found.parts, site)
    return {
        "imports": _imports(found, site),
        "import_days": _days(parts, site),
        "import_intervals": _intervals(parts, site),
        "device_readings": _readings(found.parts, site),
        "quarantine": quarantine_frame(found.rejects),
    }


def _read_import(imported: StoredImport, site: Site, found: _Found) -> None:
    mapping = _mapping_of(imported)
    files = [file for file in imported.files if file.path.file != MAPPING_FILE]
    parts = []
    for file in files:
        parts += list(_read_file(file, mapping, site, found))
    if not files:
        return
    first, record = files[0], files[0].records[0]
    days = [part.days.days for part in parts if len(part.days.days)]
    found.parts += parts
    found.imports.append(
        {
            "import_id": imported.import_id,
            "format": first.path.series.partition(":")[2],
            "path_name": first.path.origin,
            "sha256": imported.sha256,
            "files": len(files),
            "first_day": min((of_part.min() for of_part in days), default=np.datetime64("NaT", "D")),
            "last_day": max((of_part.max() for of_part in days), default=np.datetime64("NaT", "D")),
            "rows": sum(part.content.rows for part in parts),
            "imported_at": pd.Timestamp(record.requested_at),
        }
    )


def _mapping_of(imported: StoredImport) -> Mapping | None:
    for file in imported.files:
        if file.path.file == MAPPING_FILE and file.is_whole:
            try:
                return parse_mapping(file.as_history().open().read())
            except BadMapping:  # it was checked before it was kept; an older version may have allowed it
                return None
    return None


def _read_file(file: StoredFile, mapping: Mapping | None, site: Site, found: _Found) -> Iterator[Part]:
    record = file.records[0]
    if not file.is_whole:
        found.rejects.append(_whole(record, site, Reason.LOST_PART, "a part of the file is lost"))
        if not file.has_beginning:
            return
    parts, rejects = read_parts(file, mapping, site)
    found.rejects += [
        Reject(site.site_id, record.raw_id, reject.line - 1, reject.reason, as_json(reject.payload))
        for reject in rejects
    ]
    yield from parts


def read_parts(file: StoredFile, mapping: Mapping | None, site: Site) -> tuple[list[Part], list[FileReject]]:
    """The contents of a file with their days, and the rows of it that cannot be used."""
    record, series = file.records[0], Series(file.path.series)
    parts, rejects = list[Part](), list[FileReject]()
    try:
        for content in FORMATS[series].contents(file.as_history(), site.timezone, mapping):
            parts.append(Part((record,), source_of(series, content), content, day_frame(content, site)))
            rejects += content.rejects
    except UnreadableFile as error:
        rejects.append(FileReject(WHOLE_RESPONSE + 1, Reason.CONTRACT, {"text": str(error)}))
    return parts, rejects


def _whole(record: RawResponse, site: Site, reason: Reason, text: str) -> Reject:
    return Reject(site.site_id, record.raw_id, WHOLE_RESPONSE, reason, as_json({"text": text}))


# --- tables -----------------------------------------------------------------------------------------------------------


def _imports(found: _Found, site: Site) -> pd.DataFrame:
    if not found.imports:
        return empty_frame("imports")
    frame = pd.DataFrame(found.imports)
    dates = {
        name: date_column(np.array([row[name] for row in found.imports], dtype="datetime64[D]"))
        for name in ("first_day", "last_day")
    }
    columns = {name: frame[name] for name in frame.columns} | dates
    columns["imported_at"] = pd.Series(pd.to_datetime(frame["imported_at"], utc=True)).astype("datetime64[us, UTC]")
    return table_frame("imports", {"site_id": site.site_id, **columns})


def _owners(parts: Sequence[Part]) -> list[np.ndarray]:
    """Of the days of each part, those that it has rather than another part of the same source."""
    of_source: dict[str, list[int]] = {}
    for position, part in enumerate(parts):
        if part.days.has_energy:
            of_source.setdefault(part.source, []).append(position)
    owned = [np.zeros(len(part.days.days), dtype=bool) for part in parts]
    for positions in of_source.values():
        days = np.concatenate([parts[position].days.days for position in positions])
        covered = np.concatenate([parts[position].days.covered_s for position in positions])
        owner = np.concatenate([np.full(len(parts[position].days.days), position) for position in positions])
        order = np.lexsort((owner, covered, days))
        is_last = np.append(days[order][1:] != days[order][:-1], True) if len(days) else np.zeros(0, dtype=bool)
        for position in positions:
            mine = order[is_last][owner[order[is_last]] == position]
            owned[position] = np.isin(parts[position].days.days, days[mine])
    return owned


def _days(parts: Sequence[Part], site: Site) -> pd.DataFrame:
    frames = []
    for part, is_owned in zip(parts, _owners(parts), strict=True):
        if is_owned.any():
            chosen = part.days.taken(np.flatnonzero(is_owned))
            count = len(chosen.days)
            columns = {
                "site_id": site.site_id,
                "local_date": date_column(chosen.days),
                "source": pd.Series(part.source, index=range(count), dtype="str"),
                "rows": chosen.rows,
                "covered_s": chosen.covered_s,
                "rounding_wh": chosen.rounding_wh,
                "is_partial": chosen.is_partial,
                "is_charge_derived": np.full(count, part.content.mapping.is_charge_derived),
                **dict(zip(MEASURES, chosen.values.T, strict=True)),
                **_lineage(part, part.owners_of(chosen.days)),
            }
            frames.append(table_frame("import_days", columns))
    return pd.concat(frames, ignore_index=True) if frames else empty_frame("import_days")


def _intervals(parts: Sequence[Part], site: Site) -> pd.DataFrame:
    frames, with_soe = list[pd.DataFrame](), dict[str, list[Part]]()
    for part, is_owned in zip(parts, _owners(parts), strict=True):
        if part.content.buckets is None:
            continue
        if not part.days.has_energy:
            with_soe.setdefault(part.source, []).append(part)
            continue
        chosen = np.isin(part.days.days_of_buckets, part.days.days[is_owned])
        frames.append(_interval_frame(part, chosen, site))
    frame = pd.concat(frames, ignore_index=True) if frames else empty_frame("import_intervals")
    for source, of_source in with_soe.items():
        frame = _with_soe(frame, source, of_source, site)
    return frame


def _interval_frame(part: Part, chosen: Mask, site: Site) -> pd.DataFrame:
    if part.content.buckets is None:
        return empty_frame("import_intervals")
    buckets, count = part.content.buckets.taken(chosen), int(chosen.sum())
    columns = {
        "site_id": site.site_id,
        "interval_start": instants_of(buckets.begun_us),
        "interval_s": buckets.length_s,
        "local_date": date_column(part.days.days_of_buckets[chosen]),
        "source": pd.Series(part.source, index=range(count), dtype="str"),
        "rows": np.maximum(buckets.rows, 1),
        "covered_s": np.minimum(buckets.covered_us // 1_000_000, buckets.length_s),
        "is_interpolated": (buckets.filled > 0) & (buckets.filled >= buckets.rows),
        **{name: _possible(buckets.column(name)) for name in MEASURES},
        "soe_pct": buckets.soe_pct,
        **_lineage(part, part.owners[chosen]),
    }
    return table_frame("import_intervals", columns)


def _possible(values: Floats) -> Floats:
    """Energy; NULL where it is more than any site has."""
    return np.where(values > MAX_INTERVAL_WH, np.nan, np.round(values, 6))


def _with_soe(frame: pd.DataFrame, source: str, parts: Sequence[Part], site: Site) -> pd.DataFrame:
    """The intervals with the state of energy of files that have nothing else; of two values the one imported last."""
    found = [_interval_frame(part, np.ones(len(part.owners), dtype=bool), site) for part in parts]
    soe = pd.concat(found, ignore_index=True).drop_duplicates("interval_start", keep="last", ignore_index=True)
    mine = (frame["source"] == source).to_numpy(dtype=bool)
    by_start = soe.set_index("interval_start")["soe_pct"]
    given = frame.loc[mine, "interval_start"].map(by_start).to_numpy(dtype=np.float64)
    own = frame.loc[mine, "soe_pct"].to_numpy(dtype=np.float64)
    frame.loc[mine, "soe_pct"] = np.where(np.isnan(own), given, own)
    others = soe[~soe["interval_start"].isin(frame.loc[mine, "interval_start"])]
    return pd.concat([frame, others], ignore_index=True) if len(others) else frame


def _readings(parts: Sequence[Part], site: Site) -> pd.DataFrame:
    frames = []
    for part in parts:
        for readings in part.content.readings:
            if len(readings):
                columns = {name: readings[name] for name in ("device", "reading", "value", "unit")}
                instants = instants_of(_instants_us(part.content, readings["instant_us"].to_numpy(np.int64), site))
                facts = {
                    "site_id": site.site_id,
                    "instant": instants,
                    **_lineage(part, np.zeros(len(readings), dtype=np.int64)),
                }
                frames.append(table_frame("device_readings", {**columns, **facts}))
    if not frames:
        return empty_frame("device_readings")
    keys = ["device", "reading", "instant"]
    return pd.concat(frames, ignore_index=True).drop_duplicates(keys, keep="last", ignore_index=True)


def _instants_us(content: Content, at_us: Ints, site: Site) -> Ints:
    """When readings were made: of rows that stand for days, at the beginning of the day."""
    if content.days is None:
        return at_us
    return first_instants_us(at_us.astype("datetime64[us]").astype("datetime64[D]"), site.zone)


def _lineage(part: Part, owners: Ints) -> dict[str, Any]:
    """Lineage of rows, each of the record of its owner."""
    values: dict[str, pd.Series[Any]] = {
        "_fetched_at": pd.Series([record.requested_at for record in part.records], dtype="datetime64[us, UTC]"),
        "_raw_id": pd.Series([record.raw_id for record in part.records], dtype="str"),
        "_run_id": pd.Series([record.run_id for record in part.records], dtype="str"),
    }
    return {name: column.take(owners).reset_index(drop=True) for name, column in values.items()}
