"""One site that is described in a way that cannot be used: from the first run to the one after the API is well again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from extract.api.client import utc_now
from extract.archive.raw_archive import RawArchive, Response
from extract.requests import PRODUCTS, site_info
from extract.simulator import DEMO_TOKEN, SimulatorServer, World, serve
from extract.simulator.endpoints import app
from extract.simulator.endpoints.query import Query
from tests.integration.test_login import Shell, last_line
from tests.new_site import new_site_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serve(new_site_world()) as made:
        yield made


@pytest.fixture
def shell(tmp_path: Path, server: SimulatorServer) -> Shell:
    return Shell(tmp_path, server.base_url, {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_LOG_LEVEL": "warning"})


BROKEN = {
    "NaN": b"redacted: 26 bytes that are not JSON",
    "first day": b'{"response": {"installation_date": "0001-01-01T00:00:00+14:00"}}',
    "last day": b'{"response": {"installation_date": "9999-12-31T23:59:59-12:00"}}',
}


@pytest.mark.parametrize("path", ["products", "site_info"])
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_directory_broken_by_an_earlier_version_is_healed_by_the_next_run(
    body: bytes, path: str, shell: Shell
) -> None:
    """It kept these bodies as responses, and every later run ended with an internal error."""
    archive = RawArchive(shell.directory / "data/raw")
    shell.run("sites", "--refresh")
    site_id = RawArchive(shell.directory / "data/raw").site_ids()[0]
    request = PRODUCTS if path == "products" else site_info(site_id)
    archive.refresh()
    archive.keep(Response(request, utc_now(), 1.0, 1, 200, {}, body, "data"), run_id="old", provider="simulator")
    for command in (["sites"], ["sync", "--max-requests", "12"], ["rebuild"], ["verify"]):
        done = shell.run(*command)
        assert done.returncode == 0, (command, done.stderr)
        assert "internal error" not in done.stderr
    assert len(orjson.loads(shell.run("sites", "--json").stdout)) == len(archive.site_ids())


HOLE = "@@"


@pytest.mark.parametrize(
    "literal",
    ["NaN", "1e999", "[" * 330 + "]" * 330, "[" * 100_000 + "]" * 100_000],
    ids=["NaN", "1e999", "330 levels", "100,000 levels"],
)
def test_one_bad_site_costs_no_other_and_is_healed(
    literal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 and one line that names the site; then the API is well, and everything is loaded."""
    world = two_young_sites()
    bad = world.sites[0].site_id
    good_info, render = app.SITE_ENDPOINTS["site_info"], app.JsonResponse.render

    def bad_info(query: Query) -> object:
        info = good_info(query)
        if query.spec.site_id != bad:
            return info
        assert isinstance(info, dict)
        return {**info, "nameplate_power": HOLE}

    monkeypatch.setattr("extract.api.fetch.MAX_PAUSE_S", 0.0)
    with serve(world) as server:
        shell = Shell(tmp_path, server.base_url, {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_LOG_LEVEL": "error"})
        with monkeypatch.context() as patch:
            patch.setitem(app.SITE_ENDPOINTS, "site_info", bad_info)
            patch.setattr(
                app.JsonResponse,
                "render",
                lambda self, content: render(self, content).replace(b'"@@"', literal.encode()),
            )
            done = shell.run("backfill", "--json")
            assert done.returncode == 1, done.stderr
            assert f"site {bad} site_info" in last_line(done)
            assert len(last_line(done)) < 500
            assert orjson.loads(done.stdout)["sites_failed"] == [bad]
            assert orjson.loads(done.stdout)["rows"]["power"] > 0, "the other site is loaded"
        done = shell.run("backfill", "--json")
        assert done.returncode == 0, done.stderr
        assert {site["status"] for site in orjson.loads(shell.run("sites", "--json").stdout)} == {"ok"}


def two_young_sites() -> World:
    first, *_ = new_site_world().sites
    return World(sites=(first, replace(first, site_id=first.site_id + 1, site_name="Second")))
