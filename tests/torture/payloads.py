"""Responses that no proper server sends, made from proper ones, and what must hold when they are read and shaped."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

import httpx
import orjson

from extract.simulator import SiteSpec, World
from tests.torture.local_api import LocalApi
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer
from transform.responses import parse
from transform.shapers import SHAPERS
from warehouse.lake.conform import conform
from warehouse.schema import TABLES
from wattlog.series import SERIES, old_histories
from wattlog.series_spec import Series

DAY: Final = date(2026, 3, 5)
ASKED: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
SITE: Final = SiteSpec(
    site_id=101, installed_at=ASKED - timedelta(days=90), wall_connectors=1, outages_per_year=300, seed=7
)
END: Final = f"{DAY}T23:59:59-08:00"
PATHS: Final[dict[str, str]] = {
    Series.SNAPSHOT: "live_status",
    Series.POWER: f"calendar_history?kind=power&end_date={END}",
    Series.SOE: f"calendar_history?kind=soe&end_date={END}",
    Series.ENERGY_INTERVAL: f"calendar_history?kind=energy&period=day&end_date={END}",
    Series.ENERGY_DAY: f"calendar_history?kind=energy&period=month&end_date={END}",
    Series.ENERGY_MONTH: f"calendar_history?kind=energy&period=year&end_date={END}",
    Series.ENERGY_YEAR: f"calendar_history?kind=energy&period=lifetime&end_date={END}",
    Series.BACKUP: f"calendar_history?kind=backup&period=lifetime&end_date={END}",
    Series.CHARGE: f"telemetry_history?kind=charge&start_date=2026-01-01T00:00:00-08:00&end_date={END}",
    Series.HISTORY: "history?kind=energy&period=day",
}
"""Series → a request for a proper response."""

FILES: Final[dict[str, bytes]] = {
    Series.PRICE_FILE: b"interval_start,interval_s,buy_per_kwh,sell_per_kwh,currency\n"
    b"2026-03-05T00:00:00-08:00,1800,0.31,0.05,USD\n2026-03-05T00:30:00-08:00,1800,0.2975,,USD\n",
    Series.COMMAND: b'{"name":"reserve","path":"/api/1/energy_sites/101/backup","body":{"backup_reserve_percent":40},'
    b'"value_asked":"40","value_before":"20","origin":"cli","document_before":null}',
    Series.IMPORT_TESLA_APP: b"Date time,Home (kWh),From Powerwall (kWh),Solar Energy (kWh),From Grid (kWh),To Grid (kWh)\n"
    b"2026-03-04T00:00:00-08:00,27.9,4.5,18.3,6.6,0.1\n2026-03-05T00:00:00-08:00,20.1,3.2,15.0,5.0,0.4\n",
    Series.IMPORT_SOLAR_DOWNLOAD: b"timestamp,solar_power,battery_power,grid_power,load_power\n"
    b"2026-03-05 10:00:00,1200,0,-300,900\n2026-03-05 10:05:00,1210,0,-310,900\n",
}
"""Series of imported files and of commands → a proper file, the intent of a command."""

PLACES: Final[dict[str, str]] = {
    Series.COMMAND: "/intent/reserve",
    Series.IMPORT_TESLA_APP: "/import/import:tesla_app/2026-03.csv/2026-03.csv/0001.0001",
    Series.IMPORT_SOLAR_DOWNLOAD: "/import/import:tesla_solar_download/download/power%2F2026-03-05.csv/0001.0001",
}
"""Series whose records differ by their paths → one of these."""

FEW: Final = 6
"""Rows that are left of a proper response: more of them show nothing that few do not."""

READ_ALONE: Final = 4
"""One of so many payloads is read alone, too: shaping reads every one, and this would take half of the time."""

ODD: Final = (
    *(b"null", b"true", b"false", b"NaN", b"-Infinity", b"1e999", b"-0", b"-1", b"1e-320", b"99999999999999999999"),
    *(b'""', b'"NaN"', b'"1"', b"[]", b"{}", b"[[[]]]", b'[{"a":[1]}]', b'"\\ud800"', b'"\\u0000"', b'"\xc3\x28"'),
    *(b'"2026-03-05T02:30:00-08:00"', b'"2026-03-08T02:30:00-08:00"', b'"2026-03-05"', b'"0001-01-01T00:00:00+14:00"'),
    *(b'"9999-12-31T23:59:59-12:00"', b'"2026-03-05T24:00:00Z"', b'"2026-02-30T00:00:00Z"', b"1772712000"),
    *(b'"2026-03-05T02:30:00.123456789-08:00"', b'"2026-03-05T02:30:00+99:99"', b'"America/Los_Angeles"'),
)
"""Values of JSON, and what is nearly JSON, in the place of others."""

Payload = tuple[str, bytes]
"""Series and body."""


@cache
def proper() -> tuple[Payload, ...]:
    """A proper response of each series that has a shaper, with few rows."""
    databases = set(old_histories()) - FILES.keys()  # of the same shaper
    assert PATHS.keys() | FILES.keys() | databases == SHAPERS.keys(), "a new series needs a path here"
    api = LocalApi(World((SITE,), has_legacy_history=True), ASKED)
    found = []
    with httpx.Client(transport=api, headers={"Authorization": f"Bearer {api.token}"}) as client:
        for series, path in PATHS.items():
            answer = client.get(f"https://api.test/api/1/energy_sites/{SITE.site_id}/{path.replace('+', '%2B')}")
            assert answer.status_code == 200, answer.text
            found.append((series, orjson.dumps(_with_few_rows(answer.json()))))
    return (*found, *FILES.items())


def _with_few_rows(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_few_rows(member) for name, member in value.items()}
    if isinstance(value, list):
        middle = len(value) // 2
        return [_with_few_rows(member) for member in value[max(middle - FEW // 2, 0) : middle + FEW // 2]]
    return value


def mutated(chance: random.Random) -> Payload:
    """A proper response with one to four changes: of bytes, of values, of parts that are repeated or left out."""
    series, body = chance.choice(proper())
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        body = chance.choice((_other_value, _other_value, _other_byte, _repeated, _left_out, _spliced))(body, chance)
    return series, body


def _other_value(body: bytes, chance: random.Random) -> bytes:
    """Another value after a colon or comma."""
    places = [at for at, byte in enumerate(body) if byte in b":,["]
    if not places:
        return body
    start = chance.choice(places) + 1
    end = start
    while end < len(body) and body[end] not in b",}]":
        end += 1
    return body[:start] + chance.choice(ODD) + body[end:]


def _other_byte(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def _part(body: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(body) + 1)
    return start, min(len(body), start + chance.choice((1, 2, 8, 40, 200)))


def _repeated(body: bytes, chance: random.Random) -> bytes:
    start, end = _part(body, chance)
    return body[:end] + body[start:end] * chance.choice((1, 1, 3, 30)) + body[end:]


def _left_out(body: bytes, chance: random.Random) -> bytes:
    start, end = _part(body, chance)
    return body[:start] + body[end:]


def _spliced(body: bytes, chance: random.Random) -> bytes:
    """A part of another response in the place of a part."""
    _, other = chance.choice(proper())
    (start, end), (first, last) = _part(body, chance), _part(other, chance)
    return body[:start] + other[first:last] + body[end:]


def kept(series: str, body: bytes, number: int = 0) -> KeptAnswer:
    """A payload as a response of the archive."""
    asked = ASKED + timedelta(microseconds=number)
    path = PLACES.get(series, "")
    return KeptAnswer(f"raw-{number}", series, DAY, DAY, asked, body, SITE.site_id, f"run-{number}", path=path)


def check_parsed(series: str, body: bytes) -> None:
    """A response is read without an error, and each of its rows is used or rejected."""
    response = kept(series, body)
    found = parse(response)
    numbers = found.rows["row_number"].to_pylist()
    assert len(set(numbers)) == len(numbers), "a row is used twice"
    spec = SERIES.get(Series(series))
    if spec is not None and spec.has_timestamps and series not in FILES:
        rejected = {reject.row_number for reject in found.facts.rejects}
        lost = set(range(len(found.records))) - set(numbers) - rejected
        assert not lost, f"rows {sorted(lost)} are neither used nor rejected"


def check_shaped(payloads: Sequence[Payload]) -> None:
    """The responses of one series are shaped together without an error, to tables that the lake takes."""
    series = payloads[0][0]
    responses = [kept(series, body, number) for number, (_, body) in enumerate(payloads)]
    for name, frame in SHAPERS[series](responses, BATTERY_SITE).items():
        if name in TABLES:
            conform(frame, name)


def check(payloads: Sequence[Payload]) -> None:
    """Shape the payloads of each series together, and read some of them alone, to look at each row.

    Raises:
        AssertionError: A payload is read or shaped wrongly; it has the smallest number of payloads that show it.
    """
    for series, body in payloads[::READ_ALONE]:
        try:
            check_parsed(series, body)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}; {series} {body!r}") from error
    for series in SHAPERS:
        _check_shaped([payload for payload in payloads if payload[0] == series])


def _check_shaped(payloads: Sequence[Payload]) -> None:
    if not payloads:
        return
    try:
        check_shaped(payloads)
    except Exception as error:
        if len(payloads) > 1:
            middle = len(payloads) // 2
            _check_shaped(payloads[:middle])
            _check_shaped(payloads[middle:])
        raise AssertionError(f"{type(error).__name__}: {error}; {[(name, body) for name, body in payloads]}") from error
