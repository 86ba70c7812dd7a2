"""Table `tariffs`: which tariff is valid when.

The API serves the present tariff only (Q138), so its tariffs are valid from when each was first seen. Imported ones are valid
from the day that was given with them. Of two that are valid at an instant, the one that began later counts: a row ends where
the next begins. A tariff that a tool wrote is a row of its own, and ends no imported tariff.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any, Final

import pandas as pd

from transform.frames import empty_frame, table_frame
from transform.tariffs.document import Json, read_tariff, tariff_document
from transform.tariffs.synthetic import is_synthetic
from warehouse.schema import TABLES
from wattlog.api_json import checksum, write
from wattlog.local_days import first_instant


class TariffKind(StrEnum):
    """Where a row of table `tariffs` comes from."""

    API = "api"
    FILE = "file"
    PRICES = "prices"


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A row of table `tariffs`, without the site; see there."""

    valid_from: datetime
    kind: TariffKind
    valid_to: datetime | None
    last_seen_at: datetime | None = None
    sha256: str | None = None
    code: str | None = None
    name: str | None = None
    utility: str | None = None
    currency: str | None = None
    is_synthetic: bool = False
    document: str | None = None


def tariff_in_site_info(info: Mapping[str, Any]) -> Any:
    """The tariff of a site_info, of the newer form if there are two; None without one (Q121)."""
    return info.get("tariff_content_v2") or info.get("tariff_content")


def tariffs_frame(
    site_id: int,
    zone: tzinfo,
    *,
    seen: Iterable[tuple[datetime, datetime, object]] = (),
    files: Iterable[tuple[date, object]] = (),
    prices: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Everything known about the tariffs of a site → table `tariffs`.

    **Shape**: observations and files in any order → one row per tariff and time in which it is valid.

    Args:
        site_id: The site.
        zone: Its zone, in which the days of files begin.
        seen: When site_info was requested, first and last, and the tariff that it had; None where it had none.
        files: First day of validity, and the document. Of several for one day the last counts.
        prices: The site's rows of table `prices`.
    """
    of_files = {day: document for day, found in files if (document := tariff_document(found)) is not None}
    file_rows = [_row(found, first_instant(day, zone), TariffKind.FILE) for day, found in of_files.items()]
    rows = _ended([*_of_api(seen), *file_rows]) + _of_prices(prices)
    if not rows:
        return empty_frame("tariffs")
    rows.sort(key=lambda row: (row.valid_from, row.kind))
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    for name in ("valid_from", "valid_to", "last_seen_at"):
        columns[name] = pd.to_datetime(pd.Series(columns[name], dtype="datetime64[us, UTC]"), utc=True)
    return table_frame("tariffs", {"site_id": site_id, **columns})


_COLUMNS: Final = tuple(name for name in TABLES["tariffs"].columns if name != "site_id")


def _of_api(seen: Iterable[tuple[datetime, datetime, object]]) -> list[TariffRow]:
    """One row per stretch of observations with the same tariff; one without a tariff ends the row before it."""
    rows: list[TariffRow] = []
    before: str | None = None
    for first, last, found in sorted(seen, key=lambda observation: observation[0]):
        document = tariff_document(found)
        digest = None if document is None else checksum(document)
        if digest != before and before is not None:
            rows[-1] = replace(rows[-1], valid_to=first)
        if document is not None and digest == before:
            rows[-1] = replace(rows[-1], last_seen_at=last)
        elif document is not None:
            rows.append(_row(document, first, TariffKind.API, last_seen_at=last))
        before = digest
    return rows


def _row(document: Json, instant: datetime, kind: TariffKind, last_seen_at: datetime | None = None) -> TariffRow:
    tariff = read_tariff(document)
    return TariffRow(
        instant,
        kind,
        None,
        last_seen_at,
        checksum(document),
        tariff.code or None,
        tariff.name or None,
        tariff.utility or None,
        tariff.currency or None,
        is_synthetic(tariff),
        write(document).decode(),
    )


def _ended(rows: Sequence[TariffRow]) -> list[TariffRow]:
    """Rows that end where the next begins: a tool's tariff ends those of the API alone."""
    return [replace(row, valid_to=_end(row, rows)) for row in rows]


def _end(row: TariffRow, rows: Sequence[TariffRow]) -> datetime | None:
    ends = [
        other.valid_from
        for other in rows
        if _rank(other) > _rank(row) and (not other.is_synthetic or row.kind is TariffKind.API)
    ]
    return min([*ends, *([] if row.valid_to is None else [row.valid_to])], default=None)


def _rank(row: TariffRow) -> tuple[datetime, bool]:
    """The order in which rows count: by their beginning, and a file after an observation of the same instant."""
    return row.valid_from, row.kind is TariffKind.FILE


def _of_prices(prices: pd.DataFrame | None) -> list[TariffRow]:
    """One row for all prices by interval in a currency, from the first to the last."""
    if prices is None or prices.empty:
        return []
    rows = []
    for currency, of_currency in prices.groupby("currency", sort=True):
        ends = of_currency["interval_start"] + pd.to_timedelta(of_currency["interval_s"].astype("int64"), unit="s")
        begin, end = of_currency["interval_start"].min().to_pydatetime(), ends.max().to_pydatetime()
        rows.append(TariffRow(begin, TariffKind.PRICES, end, currency=str(currency)))
    return rows


def tariff_in_force(tariffs: pd.DataFrame, site_id: int, instant: datetime) -> pd.Series | None:
    """The row of table `tariffs` whose document is in force at an instant; a tool's only where there is no other.

    Args:
        tariffs: Rows of table `tariffs`.
        site_id: The site.
        instant: The instant (aware).
    """
    rows = tariffs[(tariffs["site_id"] == site_id) & (tariffs["kind"] != TariffKind.PRICES)]
    rows = rows[(rows["valid_from"] <= instant) & (rows["valid_to"].isna() | (rows["valid_to"] > instant))]
    ordered = rows.sort_values(["is_synthetic", "valid_from"], ascending=[False, True])
    return None if ordered.empty else ordered.iloc[-1]
