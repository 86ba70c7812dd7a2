"""Sessions that fetch from a function instead of a server, and what it may answer: two sites of an account."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from extract.api.rate_limit import RateLimiter
from flows.fetch_session import FetchSession
from flows.run_context import RunContext
from flows.settings import Settings

NOW = datetime(2026, 1, 15, 20, tzinfo=UTC)
STAMP = "2026-01-10T00:00:00-08:00"

PRODUCT = {
    "energy_site_id": 7001,
    "resource_type": "battery",
    "site_name": "Ridge",
    "components": {"battery": True, "solar": True, "grid": True},
}
OTHER = {**PRODUCT, "energy_site_id": 7002, "site_name": "Shore"}
INFO: dict[str, Any] = {
    "site_name": "Ridge",
    "installation_date": "2025-12-01T00:00:00-08:00",
    "installation_time_zone": "America/Los_Angeles",
    "time_zone_offset": -480,
    "nameplate_power": 5000,
    "nameplate_energy": 13500,
    "battery_count": 1,
    "backup_reserve_percent": 20,
    "version": "24.1",
    "components": {"battery": True, "wall_connectors": [{"device_id": "x"}]},
    "geolocation": {"latitude": 37.7, "longitude": -122.4},
    "address": {"state": "CA", "country": "US"},
    "user_settings": {"storm_mode_enabled": True},
    "tariff_content_v2": {"seasons": {"Summer": {"fromDay": 1}}},
}
LIVE = {"timestamp": STAMP, "solar_power": 1, "percentage_charged": 50.5, "grid_status": "Active"}


def session_at(
    directory: Path,
    answer: Callable[[httpx.Request], httpx.Response],
    *,
    run_id: str = "a-run",
    now: datetime = NOW,
) -> FetchSession:
    """A session whose requests are answered at once, and which waits for nothing."""
    settings = Settings.model_validate(
        {
            "data_dir": directory,
            "config_dir": directory / "config",
            "provider": "simulator",
            "api_base_url": "https://api.test",
            "access_token": "a-token-of-the-tests",
        }
    )
    context = RunContext(settings, run_id, clock=lambda: now, transport=httpx.MockTransport(answer))
    session = FetchSession(context, context.open_archive())
    session.fetcher = replace(session.fetcher, sleep=lambda _: None, rate_limiter=RateLimiter(None))
    return session
