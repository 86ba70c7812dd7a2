"""A new provider is one record: registered here and nowhere else, it can be used by every command."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from extract.api.client import utc_now
from extract.simulator import DEMO_TOKEN, scenario
from tests.integration.test_login import Shell
from wattlog.providers import PROVIDERS, Authority, IdentityCall, LoginKind, Provider, Terms
from wattlog.series_spec import Series


@pytest.mark.slow
def test_a_provider_is_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scenario("teslemetry").serve() as server:
        record = Provider(
            name="example",
            base_url=server.base_url,
            login=LoginKind.TOKEN,
            authority=Authority("example"),
            identity=IdentityCall("/api/metadata", scopes_key="scopes"),
            terms=Terms(4, 0.5, "a dollar for four requests", "example.test, prices", "2026-11"),
            requests_per_minute=600,
            concurrency=2,
            docs="https://example.test/docs",
            account_page="https://example.test/tokens",
            refused_series=frozenset({Series.HISTORY, Series.BACKUP}),
        )
        monkeypatch.setitem(PROVIDERS, record.name, record)
        shell = Shell(tmp_path, "", {"WATTLOG_PROVIDER": "example"})

        login = shell.run("login", "--json", typed=f"{DEMO_TOKEN}\n")
        assert login.returncode == 0, login.stderr
        assert json.loads(login.stdout)["region"] == "na"

        identity = json.loads(shell.run("whoami", "--json").stdout)
        assert (identity["provider"], identity["base_url"]) == ("example", server.base_url)
        assert "energy_device_data" in identity["scopes"]

        since = str((utc_now() - timedelta(days=3)).date())
        plan = json.loads(shell.run("plan", "--json", "--since", since).stdout)
        assert (plan["terms"], plan["requests_per_minute"]) == (record.terms.note, 600)
        assert plan["price_usd"] == round(plan["requests"] / 4, 2) > 0.5
        assert plan["to_pay_usd"] == pytest.approx(plan["price_usd"] - 0.5)
        planned = {line["series"] for line in plan["by_series"]}
        assert "power" in planned
        assert not planned & record.refused_series

        backfill = shell.run("backfill", "--since", since)
        assert backfill.returncode == 0, backfill.stderr
        index = b"".join(path.read_bytes() for path in (tmp_path / "data" / "raw").glob("site_id=*/index-*.ndjson"))
        assert b'"example"' in index
        assert (tmp_path / "data" / "warehouse.duckdb").is_file()
        shell.assert_no_secret_leaked()


def test_a_provider_without_a_record_is_refused(tmp_path: Path) -> None:
    refused = Shell(tmp_path, "", {"WATTLOG_PROVIDER": "example"}).run("plan")
    assert refused.returncode == 2
    assert "WATTLOG_PROVIDER: Input should be 'fleet-na', 'fleet-eu'" in refused.stderr
