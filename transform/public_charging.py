"""Table `public_charging`: sessions at public chargers, with what is due for them (Q113 to Q115)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from transform.frames import table_frame
from transform.responses import RawResponse, Reason, Reject, Tables, quarantine_frame, reject
from transform.units.kilowatt_hours import MAX_CAR_KWH, Evidence, is_in_wh
from transform.vehicles import rows_of
from wattlog.pseudonyms import short_vin

Json = Mapping[str, Any]

_TIERS: Final = ("Base", "Tier1", "Tier2", "Tier3", "Tier4")
_DUE_COLUMN: Final = {"CHARGING": "charging_due", "PARKING": "parking_due", "CONGESTION": "congestion_due"}
_CENTS: Final = Decimal(1).scaleb(-9)
"""Amounts are exact to the digits of the column."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A session as one response lists it."""

    session_id: str
    session: Json
    started_at: datetime
    """With the offset of the place."""
    response: RawResponse
    row_number: int

    @property
    def local_date(self) -> date:
        """The day at the charger."""
        return self.started_at.date()

    @property
    def fees(self) -> list[Json]:
        """Its fees."""
        fees = self.session.get("fees")
        return [fee for fee in fees if isinstance(fee, Mapping)] if isinstance(fees, list) else []


def shape_public_charging(responses: Sequence[RawResponse]) -> Tables:
    """Pages of the charging history → table `public_charging`, and `quarantine` for sessions that cannot be used.

    **Shape**: pages in any order → one row per session, as the response fetched last has it: fees are paid later. A session
    that is no longer listed stays.
    **Units**: kWh, and the currency of the fees. Totals are taken as given: the documented example does not multiply out.
    **Source**: Q113, Q114, Q115.
    """
    rejects: list[Reject] = []
    newest: dict[str, _Listed] = {}
    for response in sorted(responses, key=lambda response: (response.requested_at, response.raw_id)):
        for listed in _listed(response, rejects):
            newest[listed.session_id] = listed
    ordered = [newest[key] for key in sorted(newest)]
    divisor = 1000.0 if is_in_wh(_evidence(ordered)) else 1.0
    rows = [_row(listed, divisor, rejects) for listed in ordered]
    frame = table_frame("public_charging", {name: [row[name] for row in rows] for name in rows[0]} if rows else {})
    return {"public_charging": frame, "quarantine": quarantine_frame(rejects)}


def session_ids(body: bytes) -> list[str]:
    """The ids of the sessions of a page."""
    return [str(row["sessionId"]) for row in rows_of(body) if isinstance(row, Mapping) and row.get("sessionId")]


def _listed(response: RawResponse, rejects: list[Reject]) -> Iterator[_Listed]:
    for number, row in enumerate(rows_of(response.body)):
        if not isinstance(row, Mapping):
            rejects.append(reject(response, number, Reason.NOT_AN_OBJECT, row))
            continue
        identity, started_at = row.get("sessionId"), _instant(row.get("chargeStartDateTime"))
        if isinstance(identity, bool) or not isinstance(identity, int | str) or not str(identity):
            rejects.append(reject(response, number, Reason.CONTRACT, row))
        elif started_at is None:
            rejects.append(reject(response, number, Reason.BAD_TIMESTAMP, row))
        else:
            yield _Listed(str(identity), row, started_at, response, number)


def _row(listed: _Listed, divisor: float, rejects: list[Reject]) -> dict[str, Any]:
    session, fees, vin = listed.session, listed.fees, listed.session.get("vin")
    ended_at = _instant(session.get("chargeStopDateTime"))
    currencies = {fee.get("currencyCode") for fee in fees if _text(fee.get("currencyCode"))}
    currency = currencies.pop() if len(currencies) == 1 else None
    due = _due(fees) if len(currencies) == 0 else dict.fromkeys((*_DUE_COLUMN.values(), "other_due", "total_due"))
    energy_kwh = _energy(fees, divisor)
    if energy_kwh is not None and not 0 <= energy_kwh <= MAX_CAR_KWH:
        rejects.append(reject(listed.response, listed.row_number, Reason.OUT_OF_RANGE, session, ("energy_kwh",)))
        energy_kwh = None
    return {
        "session_id": listed.session_id,
        "vehicle": short_vin(vin) if isinstance(vin, str) and vin else None,
        "started_at": pd.Timestamp(listed.started_at).tz_convert("UTC"),
        "ended_at": None if ended_at is None else pd.Timestamp(ended_at).tz_convert("UTC"),
        "local_date": listed.local_date,
        "energy_kwh": energy_kwh,
        "currency": currency,
        **due,
        "is_paid": _is_paid(fees),
        "_fetched_at": listed.response.requested_at,
        "_raw_id": listed.response.raw_id,
        "_run_id": listed.response.run_id,
    }


def _due(fees: Sequence[Json]) -> dict[str, Decimal | None]:
    """What is due, by kind of fee and together; None where one of these fees is not known."""
    of_kind: dict[str, list[Decimal | None]] = {}
    for fee in fees:
        of_kind.setdefault(_DUE_COLUMN.get(str(fee.get("feeType")), "other_due"), []).append(_fee_due(fee))
    columns = (*_DUE_COLUMN.values(), "other_due")
    return {
        **{name: _sum(of_kind[name]) if name in of_kind else None for name in columns},
        "total_due": _sum([due for dues in of_kind.values() for due in dues]) if fees else None,
    }


def _fee_due(fee: Json) -> Decimal | None:
    """What is due for a fee: as given; nothing for a free one; else the sum of its tiers, of which one must be given."""
    given = _amount(fee.get("totalDue"))
    if given is not None:
        return given
    if fee.get("pricingType") == "NO_CHARGE":
        return Decimal(0)
    tiers = [amount for tier in _TIERS if (amount := _amount(fee.get(f"total{tier}"))) is not None]
    return sum(tiers, Decimal(0)) if tiers else None


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _energy(fees: Sequence[Json], divisor: float) -> float | None:
    """The used kWh of charging fees; None where any of them is priced by time, or has no usage."""
    charging = [fee for fee in fees if fee.get("feeType") == "CHARGING"]
    if not charging or any(str(fee.get("uom")).lower() != "kwh" for fee in charging):
        return None
    of_fees = [
        [value for tier in _TIERS if (value := _number(fee.get(f"usage{tier}"))) is not None] for fee in charging
    ]
    if not all(of_fees):
        return None
    return float(sum(Decimal(repr(value)) for used in of_fees for value in used)) / divisor


def _evidence(listed: Sequence[_Listed]) -> Iterator[Evidence]:
    """Energy as it is reported, and as price and amount show it, of fees with one tier."""
    for fee in (fee for session in listed for fee in session.fees):
        if fee.get("feeType") != "CHARGING" or str(fee.get("uom")).lower() != "kwh":
            continue
        used, rate, total = (_number(fee.get(f"{name}Base")) for name in ("usage", "rate", "total"))
        if used and rate and total and not any(_number(fee.get(f"usage{tier}")) for tier in _TIERS[1:]):
            yield Evidence(reported=used, known_kwh=total / rate)


def _is_paid(fees: Sequence[Json]) -> bool | None:
    paid = [fee.get("isPaid") for fee in fees]
    if any(flag is False for flag in paid):
        return False
    return True if paid and all(flag is True for flag in paid) else None


def _instant(value: object) -> datetime | None:
    """An instant with an offset; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo is not None and found.timestamp() > 0 else None
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if is_number and abs(float(str(value))) < 1e12 else None


def _amount(value: object) -> Decimal | None:
    """An amount, exact in the digits that were sent."""
    if _number(value) is None:
        return None
    return Decimal(repr(value)).quantize(_CENTS)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
