"""Whatever the API sends, no consumer of a body fails with an error that is not ours, and one bad response costs no other."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from extract.api.paging import fetch_all_pages
from extract.api.regions import REGION, account_region
from extract.archive.personal_data import redacted
from extract.archive.raw_archive import ArchiveRecord
from extract.auth.oauth import OAuthClient
from extract.auth.tokens import Tokens
from extract.errors import ExtractError, RefreshUncertain
from extract.requests import Request, history, without_window
from extract.vehicles import charge_state, charging_history
from extract.windows import windows
from flows.account import discover, known_sites, write_sites
from flows.errors import ExitCode, exit_code_for
from flows.fetch_session import classified
from flows.pipeline import Summary
from flows.summary import one_line
from tests.fetch_sessions import INFO, LIVE, NOW, OTHER, PRODUCT, STAMP, session_at
from transform.errors import TransformError
from transform.products import energy_products
from transform.responses import Tables
from transform.shapers import ACCOUNT_SHAPERS, SHAPERS
from transform.site_settings import settings_frame
from transform.sites import site_from, sites_frame
from warehouse.lake.conform import conform
from wattlog.api_json import UnreadableJson, read
from wattlog.providers import USERS_REGION
from wattlog.series import planned_series, series_of_cars
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

DAY = date(2026, 1, 10)
ZONE = Zone("America/Los_Angeles")

ENERGY = {"timestamp": STAMP, "solar_energy_exported": 10.5, "grid_energy_imported": 3}
RESPONSES: dict[str, Any] = {
    "products": [PRODUCT, OTHER],
    "site_info": INFO,
    "live_status": {**LIVE, "wall_connectors": [{"din": "d", "vin": "v"}]},
    Series.POWER: {"time_series": [{"timestamp": STAMP, "solar_power": 5}], "installation_time_zone": "x"},
    Series.SOE: {"time_series": [{"timestamp": STAMP, "soe": 50}], "time_zone_offset": -480},
    Series.ENERGY_INTERVAL: {"time_series": [ENERGY], "period": "day"},
    Series.ENERGY_DAY: {"time_series": [ENERGY], "period": "month"},
    Series.ENERGY_MONTH: {"time_series": [ENERGY], "period": "year"},
    Series.ENERGY_YEAR: {"time_series": [ENERGY], "period": "lifetime"},
    Series.SELF_CONSUMPTION: {"time_series": [{"timestamp": STAMP, "solar": 50}]},
    Series.BACKUP: {"events": [{"timestamp": STAMP, "duration": 60_000}], "next_end_date": ""},
    Series.CHARGE: {
        "charge_history": [
            {
                "charge_start_time": {"seconds": 1768032000},
                "charge_duration": {"seconds": 60},
                "energy_added_wh": 5,
                "target_id": {"text": "t"},
                "din": "d",
            }
        ]
    },
    Series.HISTORY: {"time_series": [{"timestamp": STAMP, "solar_power": 5}]},
    Series.VEHICLE_CHARGING: {
        "data": [
            {
                "sessionId": 1,
                "vin": "vin-000001",
                "chargeStartDateTime": STAMP,
                "chargeStopDateTime": STAMP,
                "fees": [
                    {"feeType": "CHARGING", "uom": "kwh", "usageBase": 5, "rateBase": 1, "totalBase": 5, "totalDue": 5}
                ],
            }
        ]
    },
    Series.VEHICLE_STATE: {
        "vin": "vin-000001",
        "charge_state": {
            "battery_level": 5,
            "charger_phases": 2,
            "charge_energy_added": 1.5,
            "timestamp": 1768032000000,
        },
    },
    Series.TARIFF_RATE: {"name": "x", "seasons": {"Summer": {"fromDay": 1}}, "energy_charges": {"ALL": {"ALL": 0}}},
}

LITERALS = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "1e308": "1e308",
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5000,
    "65 bits": str(2**64),
    "64 bits": str(2**63),
    "negative": "-1",
    "zero": "0",
    "half": "0.5",
    "surrogate": '"\\ud800"',
    "NaN and a surrogate": '[NaN, "\\ud800"]',
    "null": "null",
    "list": "[]",
    "list of null": "[null]",
    "object": "{}",
    "text": '"x"',
    "empty text": '""',
    "long text": '"' + "x" * 100_000 + '"',
    "switch": "true",
    "twice": '{"a": 1, "a": 2}',
    "65 levels": "[" * 65 + "]" * 65,
    "330 levels": '{"a":' * 330 + "1" + "}" * 330,
    "1000 levels": "[" * 1000 + "]" * 1000,
    "330 levels with NaN": "[" * 330 + "NaN" + "]" * 330,
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "first day": '"0001-01-01T00:00:00+14:00"',
    "last day": '"9999-12-31T23:59:59-12:00"',
    "first date": '"0001-01-01"',
    "last date": '"9999-12-31"',
}

WHOLE = {
    "nothing": b"",
    "blank": b"  \n",
    "not JSON": b"<html>",
    "not UTF-8": b'{"response": "\xff"}',
    "UTF-16": '{"response": NaN}'.encode("utf-16"),
    "never closed": b'{"response":' + b"[" * 100_000,
    **{f"body {name}": literal.encode() for name, literal in LITERALS.items()},
    **{f"response {name}": b'{"response": %b}' % literal.encode() for name, literal in LITERALS.items()},
    **{f"rows {name}": b'{"response": {"time_series": %b}}' % literal.encode() for name, literal in LITERALS.items()},
    **{f"row {name}": b'{"response": {"time_series": [%b]}}' % literal.encode() for name, literal in LITERALS.items()},
    **{f"event {name}": b'{"response": {"events": [%b]}}' % literal.encode() for name, literal in LITERALS.items()},
    **{
        f"next {name}": b'{"response": {"events": [], "next_end_date": %b}}' % v.encode()
        for name, v in LITERALS.items()
    },
}

HOLE = "@@"


def leaves(value: Any, rebuild: Callable[[Any], Any] = lambda hole: hole) -> Iterator[Any]:
    """The payload once for each value in it, at every level, with a hole in that value's place."""
    yield rebuild(HOLE)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:

        def put(hole: Any, key: Any = key) -> Any:
            copy = value.copy()
            copy[key] = hole
            return rebuild(copy)

        yield from leaves(child, put)


def bodies(response: Any, literal: str) -> Iterator[bytes]:
    """Good responses in which one value is bad, each in turn."""
    for payload in leaves({"response": response}):
        yield orjson.dumps(payload).replace(orjson.dumps(HOLE), literal.encode())


def came_of(call: Callable[[], Any]) -> Any:
    """What a call gives, or its error where that is one of ours with a message of one line."""
    try:
        return call()
    except (ExtractError, TransformError) as error:
        if "\n" in str(error):
            raise
        return error


def request_of(series: Series) -> Request:
    if series in series_of_cars():
        return charging_history(0) if series is Series.VEHICLE_CHARGING else charge_state("TESTVIN0000000001")
    if requests := without_window(7001, series):
        return requests[0]
    (window,) = windows(Grain.DAY, DAY, DAY, ZONE, today=DAY, installed_on=DAY)
    return history(7001, series, window, ZONE)


def answers(name: str, body: bytes) -> Callable[[httpx.Request], httpx.Response]:
    """A healthy account, except for one kind of response, and that for the first site alone."""

    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rsplit("/", 1)[-1]
        if last == name and "7002" not in request.url.path:
            return httpx.Response(200, content=body)
        return httpx.Response(200, json={"response": RESPONSES[last]})

    return answer


SITE = site_from(PRODUCT, INFO, None)


def shaped(series: Series, kept: list[ArchiveRecord]) -> Tables | None:
    """The tables of some responses; None of a series that fills none."""
    if series in ACCOUNT_SHAPERS:
        return ACCOUNT_SHAPERS[series](kept)
    return SHAPERS[series](kept, SITE) if series in SHAPERS else None


@pytest.mark.parametrize("series", planned_series())
def test_history_responses(series: Series, tmp_path: Path) -> None:
    """Every kind of calendar_history, backup pages, telemetry charge and `/history`: asked, kept, shaped."""
    request, coming = request_of(series), repeat(b"")
    session = session_at(tmp_path, lambda _: httpx.Response(200, content=next(coming)))
    for name, body in WHOLE.items():
        coming = repeat(body)
        found = came_of(lambda: fetch_all_pages(request, session.fetcher.fetch, session.archive.load))
        assert found, name
        if isinstance(found, Exception):
            assert exit_code_for(found) in {ExitCode.INCOMPLETE, ExitCode.CONTRACT_CHANGED}, name
    kept = [session.archive.load(entry) for entry in session.archive.entries(request.site_id)]
    assert len(kept) >= len(WHOLE), "every answer is kept"
    if (tables := shaped(series, kept)) is not None:
        assert "quarantine" in tables


@pytest.mark.slow
@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize("series", planned_series())
def test_one_bad_value_in_a_history_response(series: Series, literal: str) -> None:
    """Shaped without an untyped error, whichever value it is."""
    asked = request_of(series)
    for number, body in enumerate(bodies(RESPONSES[series], LITERALS[literal])):
        assert classified(body, asked, clock=lambda: NOW) in {"data", "no_data", "not_json", "contract", "wrong_window"}
        given = ArchiveRecord(f"r{number}", "a-run", asked.site_id, series, asked.path, DAY, DAY, NOW, 200, body)
        for name, frame in (shaped(series, [given]) or {}).items():
            if series in series_of_cars():
                conform(frame, name)


@pytest.mark.parametrize("literal", LITERALS)
def test_one_bad_value_in_a_description(literal: str) -> None:
    """site_info and products: kept, read from what was kept, made into sites and their settings."""
    for body in bodies(INFO, LITERALS[literal]):
        try:
            response = read(redacted("/site_info", body))["response"]
        except (UnreadableJson, LookupError, TypeError):
            continue
        if isinstance(response, dict):
            site = site_from(PRODUCT, response, None, seen_at=NOW)
            assert site.installed_on is None or site.installed_on.year >= 2006
            sites_frame([site])
            settings_frame(7001, [(NOW, response)])
    for body in bodies([PRODUCT, OTHER], LITERALS[literal]):
        try:
            products = energy_products(redacted("/products", body))
        except TransformError:
            continue
        sites_frame(site_from(product, None, None) for product in products.sites.values())


DESCRIPTIONS = {name: body for name, body in WHOLE.items() if not name.startswith(("row", "event", "next"))}


@pytest.mark.slow
@pytest.mark.parametrize("body", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
@pytest.mark.parametrize("name", ["products", "site_info", "live_status"])
def test_a_bad_description_costs_one_site_and_is_healed_by_the_next(name: str, body: bytes, tmp_path: Path) -> None:
    """The first run of a directory meets it; the second finds the API well."""
    session = session_at(tmp_path, answers(name, body))
    summary = Summary("a-run")
    fetched = came_of(lambda: discover(session, ()))
    if isinstance(fetched, Exception):
        assert name == "products", "without products nothing can be planned"
    else:
        summary.add([fetched])
        found = {site.site_id: site.status for site in known_sites(session.archive, {})}
        if name == "site_info" and body != WHOLE["response twice"]:
            assert found == {7001: "failing", 7002: "ok"}
            assert summary.exit_code in {ExitCode.INCOMPLETE, ExitCode.CONTRACT_CHANGED}
            assert "7001" in one_line(summary)
        write_sites(session.archive, session.context.open_lake(), known_sites(session.archive, {}))
    healthy = session_at(tmp_path, answers("", b""), run_id="next-run", now=NOW + timedelta(days=1))
    assert not discover(healthy, ()).failures
    assert {site.site_id: site.status for site in known_sites(healthy.archive, {})} == {7001: "ok", 7002: "ok"}


@pytest.mark.parametrize("literal", ["NaN", "1e999", "65 levels", "330 levels", "1000 levels"])
@pytest.mark.parametrize("key", ["nameplate_power", "something"])
def test_a_bad_entry_of_the_products_leaves_the_others(literal: str, key: str, tmp_path: Path) -> None:
    body = orjson.dumps({"response": [{**PRODUCT, key: HOLE}, OTHER]}).replace(b'"@@"', LITERALS[literal].encode())
    session = session_at(tmp_path, answers("products", body))
    fetched = discover(session, ())
    (failure,) = fetched.failures
    assert "site 7001" in str(failure.error)
    assert "the others are not affected" in str(failure.error)
    assert [site.site_id for site in known_sites(session.archive, {})] == [7002]


def test_a_null_in_site_info_does_not_hide_the_clock_of_the_products(tmp_path: Path) -> None:
    """Nor keep an earlier clock in force."""
    found: dict[str, Any] = {
        "products": [{**PRODUCT, "installation_time_zone": "America/Chicago"}],
        "site_info": {**INFO, "installation_time_zone": "America/Denver"},
        "live_status": LIVE,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"response": found[request.url.path.rsplit("/", 1)[-1]]})

    assert not discover(session_at(tmp_path, answer), ()).failures
    found["site_info"] = {**INFO, "installation_time_zone": None, "time_zone_offset": None}
    later = session_at(tmp_path, answer, run_id="next-run", now=NOW + timedelta(days=1))
    assert not discover(later, ()).failures
    (site,) = known_sites(later.archive, {})
    assert [clock.timezone for clock in site.server_clocks] == ["America/Denver", "America/Chicago"]
    assert site.is_clock_in_info


@pytest.mark.parametrize(("spelt", "site_id"), [("7001", 7001), ("2252147638651575", 2252147638651575)])
def test_a_site_id_may_be_spelt_as_a_string(spelt: str, site_id: int, tmp_path: Path) -> None:
    body = orjson.dumps({"response": [{**PRODUCT, "energy_site_id": spelt}]})
    session = session_at(tmp_path, answers("products", body))
    assert not discover(session, ()).failures
    assert [site.site_id for site in known_sites(session.archive, {})] == [site_id]


@pytest.mark.parametrize("site_id", ["", "7001x", "-7", "٣", 7001.5, True, [], {}, 0, -1, 2**63, "9" * 400])
def test_an_id_that_is_none_is_said(site_id: object, tmp_path: Path) -> None:
    body = orjson.dumps({"response": [{**PRODUCT, "energy_site_id": site_id}, OTHER]})
    session = session_at(tmp_path, answers("products", body))
    (failure,) = discover(session, ()).failures
    assert "entry 0 of the products list has an energy_site_id that is not a positive whole number" in str(
        failure.error
    )
    assert [site.site_id for site in known_sites(session.archive, {})] == [7002]


@pytest.mark.parametrize(
    "installed",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01",
        "9999-12-31",
        "1970-01-01T00:00:00Z",
        "1970-01-01",
        "2005-12-31T23:59:59Z",
        "2026-01-17T00:00:00Z",
    ],
)
def test_an_implausible_installation_date_is_not_known(installed: str) -> None:
    assert site_from(PRODUCT, {**INFO, "installation_date": installed}, None, seen_at=NOW).installed_at is None


@pytest.mark.parametrize("installed", ["2006-01-01T00:00:00Z", "2026-01-15T12:00:00-08:00", "2015-05-05"])
def test_a_plausible_installation_date_is_believed(installed: str) -> None:
    assert site_from(PRODUCT, {**INFO, "installation_date": installed}, None, seen_at=NOW).installed_at is not None


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
def test_token_endpoint_responses(body: bytes) -> None:
    assert isinstance(came_of(lambda: refreshed(body)), ExtractError)


@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize(
    "name", ["access_token", "refresh_token", "expires_in", "expires_at", "scope", "token_type", "error"]
)
def test_one_bad_value_in_a_token_response(name: str, literal: str) -> None:
    """A pair whose life is odd is a pair: the refresh token that it came for is spent."""
    grant = {
        "access_token": "an-access-token",
        "refresh_token": "another-refresh-token",
        "expires_in": 28800,
        name: HOLE,
    }
    body = orjson.dumps(grant).replace(b'"@@"', LITERALS[literal].encode())
    tokens = came_of(lambda: refreshed(body))
    if name == "expires_in":
        assert isinstance(tokens, Tokens) or literal in NO_JSON
        assert isinstance(tokens, Tokens | RefreshUncertain)


NO_JSON = {name for name in LITERALS if "surrogate" in name or "levels" in name or name == "5000 digits"}


def refreshed(body: bytes) -> Tokens:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    return OAuthClient("https://auth.test/token", "wattlog", transport=answer).refresh("a-token-to-refresh-with", NOW)


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
def test_region_responses(body: bytes, tmp_path: Path) -> None:
    response = session_at(tmp_path, lambda _: httpx.Response(200, content=body)).client.send(REGION)
    assert account_region(response, USERS_REGION, "https://api.test").base_url is None
