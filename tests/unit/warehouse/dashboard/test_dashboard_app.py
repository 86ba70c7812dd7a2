"""The application: one page, its files, answers in JSON, and statements of a person with the limits of `wattlog sql`."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.asgi import AsgiClient
from tests.unit.warehouse.conftest import Publish
from warehouse.dashboard import Access, PublishedWarehouse, dashboard_app
from warehouse.dashboard.page_files import page, page_files
from warehouse.dashboard.statements import first_rows
from warehouse.errors import FunctionRefused, NotReadOnly, QueryTooLong
from warehouse.report.queries import table_of
from warehouse.statements import Statement

OWN = {"origin": "http://127.0.0.1:8788"}


@pytest.fixture
def warehouse(publish: Publish) -> Path:
    return publish({"daily": [{"local_date": date(2025, 3, 1), "home_wh": 5_000.0}]})


@pytest.fixture
def client(warehouse: Path) -> Iterator[AsgiClient]:
    published = PublishedWarehouse(warehouse)
    yield AsgiClient(dashboard_app(published, Access(), statement_s=60), OWN["origin"])
    published.close()


def test_page_has_no_script_and_no_style_of_its_own_and_all_its_files_are_there(client: AsgiClient) -> None:
    """Strict policy: everything that runs is a file of this server."""
    text = client.get("/").text
    assert text == page()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", text)
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
    assert sorted(addresses) == sorted(file.address for file in page_files().values())
    for address in addresses:
        found = client.get(address)
        assert found.status_code == 200
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["content-encoding"] == "gzip"
        assert found.text == client.get(address, headers={"accept-encoding": "identity"}).text
    assert client.get("/assets/0000/dashboard.css").status_code == 404
    assert client.get(addresses[0].rsplit("/", 1)[0] + "/report.js").status_code == 404


def test_answers_name_the_edition_and_wrong_parameters_are_one_line(client: AsgiClient) -> None:
    edition = client.get("/api/edition").json()["edition"]
    found = client.get("/api/range?site=1001&from=2025-03-01&to=2025-03-01&by=day").json()
    assert (found["edition"], found["series"][0]["home"]) == (edition, [5000])
    for query, said in {
        "range?site=1001&from=2025-03-01&by=day": "the address has no 'to'",
        "range?site=1001&from=2025-03-01&to=soon&by=day": "'to' is no day: 'soon'",
        "range?site=1001&from=2025-03-01&to=2025-03-01&by=week": "'by' is one of hour, day, month",
        "range?site=x&from=2025-03-01&to=2025-03-01&by=day": "'x' is no site id",
        "day?site=7&day=2025-03-01": "there is no site 7",
        "day?site=99999999999999999999&day=2025-03-01": "is no site id",
        "section?section=costs&site=1001&year=99999": "there is no year 99999",
        "section?section=costs&site=1001&year=-1": "'year' is no number",
        "section?section=x&site=1001&year=2025": "'section' is one of",
    }.items():
        response = client.get(f"/api/{query}")
        assert (response.status_code, said in response.json()["error"]) == (400, True), query


def test_file_of_a_range_is_named_after_it(client: AsgiClient) -> None:
    response = client.get("/api/range.csv?site=1001&from=2025-03-01&to=2025-03-01&by=day")
    assert response.text == "day,days_stored,home_kwh\n2025-03-01,1,5.0\n"
    assert response.headers["content-disposition"] == 'attachment; filename="wattlog-2025-03-01-2025-03-01.csv"'
    assert client.get("/api/range.csv?site=1001").status_code == 400


def test_answers_about_all_sites_are_computed_once_for_each_publish(
    client: AsgiClient, warehouse: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes until another file is published, and then its figures at once."""
    computed: list[str] = []
    real = table_of

    def noted(connection: Any, statement: Statement, parameters: Any) -> Any:
        computed.append(statement.name)
        return real(connection, statement, parameters)

    monkeypatch.setattr("warehouse.dashboard.sql.table_of", noted)
    first = client.get("/api/fleet").json()
    assert first["sites"][0]["home"] == 5000
    assert client.get("/api/fleet").json() == first
    assert computed == ["fleet"]
    before = warehouse.read_bytes()
    publish({"daily": [{"local_date": date(2025, 3, 1), "home_wh": 6_000.0}]})
    assert warehouse.read_bytes() != before
    found = client.get("/api/fleet").json()
    assert (found["sites"][0]["home"], found["edition"] == first["edition"]) == (6000, False)
    assert computed == ["fleet", "fleet"]


def test_warehouse_that_went_away_is_one_line(client: AsgiClient, warehouse: Path) -> None:
    assert client.get("/api/account").status_code == 200
    warehouse.unlink()
    response = client.get("/api/account")
    assert response.status_code == 503
    assert "wattlog backfill" in response.json()["error"]


def test_statement_of_a_person_is_run_in_a_process_of_its_own(client: AsgiClient) -> None:
    found = client.post(
        "/api/sql", json={"sql": "select home_kwh, null as x from analytics.daily where home_kwh > 0"}, headers=OWN
    ).json()
    assert found == {"columns": ["home_kwh", "x"], "is_number": [True, False], "rows": [["5", None]], "has_more": False}
    refused = client.post("/api/sql", json={"sql": "create table x (a int)"}, headers=OWN)
    assert refused.status_code == 400
    assert "SELECT" in refused.json()["error"]
    for body in ('{"sql": 5}', "[]", "{}", "nonsense"):
        sent = OWN | {"content-type": "application/json"}
        assert client.post("/api/sql", content=body, headers=sent).status_code == 400
    assert client.get("/api/sql").status_code == 405


def test_statements_have_the_limits_of_the_command_line(warehouse: Path) -> None:
    """One SELECT, no files, a time limit, and the first rows only."""
    found = first_rows(warehouse, "select * from range(1200)", limit_s=None, rows=1000)
    assert (len(found["rows"]), found["rows"][999], found["has_more"]) == (1000, ("999",), True)
    assert not first_rows(warehouse, "select * from range(1000)", limit_s=None, rows=1000)["has_more"]
    with pytest.raises(NotReadOnly):
        first_rows(warehouse, "select 1; select 2", limit_s=None)
    with pytest.raises(FunctionRefused):
        first_rows(warehouse, "select * from read_csv('/etc/passwd')", limit_s=None)
    with pytest.raises(QueryTooLong):
        first_rows(warehouse, "select count(*) from range(100000000000) a, range(1000000) b", limit_s=0.05)


def test_dictionary_has_every_relation_and_every_example(client: AsgiClient) -> None:
    found = client.get("/api/dictionary").json()
    names = {relation["name"] for relation in found["relations"]}
    assert {"main.power", "analytics.daily"} <= names
    daily = next(relation for relation in found["relations"] if relation["name"] == "analytics.daily")
    assert {"name": "home_kwh", "type": "DOUBLE"}.items() <= next(
        column for column in daily["columns"] if column["name"] == "home_kwh"
    ).items()
    assert all(example["purpose"] and example["sql"] for example in found["examples"])
