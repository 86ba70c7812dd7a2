"""The boards of `deploy/grafana`: every query is run, against the warehouse and against a real InfluxDB."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.influxdb import influxd, needs_influxd
from tests.integration.published_homes import HOMES, RIDGE, Published
from tests.integration.test_publish_influxdb import values
from tests.recordings import Recordings

PLACE = Path(__file__).parents[2] / "deploy" / "grafana"
BEGIN, END = "2025-10-31", "2025-11-04"


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


def board(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((PLACE / "dashboards" / f"{name}.json").read_bytes())
    return found


def targets(name: str) -> list[Any]:
    """Title of the panel and its query, of all panels."""
    return [(panel["title"], target) for panel in board(name)["panels"] for target in panel["targets"]]


def substituted(text: str) -> str:
    """A query as Grafana sends it."""
    found = re.sub(r"\$\{__from:date:(iso|YYYY-MM-DD)\}", BEGIN, text)
    found = re.sub(r"\$\{__to:date:(iso|YYYY-MM-DD)\}", END, found)
    found = found.replace("$timeFilter", f"time >= '{BEGIN}T00:00:00Z' and time < '{END}T00:00:00Z'")
    found = found.replace("$__interval", "5m").replace("${zone}", "America/Los_Angeles")
    found = re.sub(r"\$\{?site\}?", str(RIDGE), found)
    assert "$" not in found.replace("$/", ""), found
    return found


@pytest.mark.parametrize(
    ("title", "target"), targets("wattlog-duckdb"), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_panel_over_the_warehouse(homes: Path, title: str, target: dict[str, Any]) -> None:
    """Rows with a time and numbers; only costs have none, since the home has no tariff."""
    rows = Published(homes).rows(substituted(target["rawSql"]))
    assert rows or title == "Costs by month"
    if title == "Energy by day":
        ((expected,),) = Published(homes).rows(
            f"select sum(home_wh) / 1000 from daily where site_id = {RIDGE} "
            f"and local_date between date '{BEGIN}' and date '{END}'"
        )
        assert sum(row[2] for row in rows if row[2] is not None) == pytest.approx(expected)
    if title == "Energy by hour":
        ((expected,),) = Published(homes).rows(
            f"select sum(solar_energy_exported_wh) / 1000 from energy_intervals where site_id = {RIDGE} "
            f"and interval_start >= timestamptz '{BEGIN} 00:00:00+00'"
        )
        assert sum(row[1] for row in rows) == pytest.approx(expected)


@pytest.fixture(scope="module")
def filled(homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Published, str]]:
    place = tmp_path_factory.mktemp("grafana")
    published = Published.copy(homes, place / "data")
    with influxd(place / "influxd") as url:
        published.publish("influxdb", url)
        yield published, url


@pytest.mark.slow
@needs_influxd
@pytest.mark.parametrize(
    ("title", "target"), targets("wattlog-influxdb"), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_panel_over_influxdb(filled: tuple[Published, str], title: str, target: dict[str, Any]) -> None:
    published, url = filled
    query = substituted(target["query"]).replace('FROM "', 'FROM powerwall.autogen."')
    rows = values(url, query)
    assert rows
    if title == "Energy by day":
        homes = published.rows(
            f"select home_wh / 1000 from daily where site_id = {RIDGE} and local_date between date '{BEGIN}' "
            "and date '2025-11-03' and home_wh is not null order by local_date"
        )
        assert [row[2] for row in rows][-len(homes) :] == pytest.approx([home for (home,) in homes])


def test_boards_and_sources_belong_together() -> None:
    """Every panel reads a provisioned source, and no two panels have one place."""
    given = yaml.safe_load((PLACE / "provisioning" / "datasources" / "wattlog.yaml").read_text())
    sources = {source["uid"]: source["type"] for source in given["datasources"]}
    for name in ("wattlog-duckdb", "wattlog-influxdb"):
        found = board(name)
        assert {
            (panel["datasource"]["uid"], panel["datasource"]["type"]) for panel in found["panels"]
        } <= sources.items()
        places = [tuple(panel["gridPos"].values()) for panel in found["panels"]]
        assert len(set(places)) == len(places)
        variables = {variable["name"] for variable in found["templating"]["list"]}
        assert "site" in variables
