"""What answers in the place of InfluxDB may be anything."""

import httpx
import pytest

from extract.services.errors import ServiceRefused, ServiceUnavailable
from extract.services.influxdb import InfluxDB


def database(body: bytes) -> InfluxDB:
    """A database whose server gives one body for every request."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    return InfluxDB.at("http://influx.test", "powerwall", transport=transport)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"results": []}',
        b'{"results": [1]}',
        b'{"results": [{}, {}]}',
        b'{"results": [{"series": [{}]}]}',
        b'{"results": [{"series": [{"columns": ["name", "time"], "values": [[]]}]}]}',
        b'{"results": [{"series": [{"columns": ["other"], "values": [["a"]]}]}]}',
    ],
)
def test_an_answer_of_another_shape_is_one_line(body: bytes) -> None:
    found = database(body)
    with pytest.raises(ServiceUnavailable, match=r"not that of InfluxDB 1\.x"):
        found.policies()
    with pytest.raises(ServiceUnavailable, match=r"not that of InfluxDB 1\.x"):
        found.span("autogen", "http")


def test_an_error_in_an_answer_is_a_refusal() -> None:
    with pytest.raises(ServiceRefused, match="database not found"):
        database(b'{"results": [{"error": "database not found: powerwall"}]}').policies()
