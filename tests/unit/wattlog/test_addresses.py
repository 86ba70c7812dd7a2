"""Addresses that may get a token."""

import pytest

from wattlog.addresses import is_local_network, is_loopback, is_private, origin
from wattlog.providers import FLEET_CN, FLEET_EU, FLEET_NA, OWNER, TESLEMETRY, Provider, is_known_address


@pytest.mark.parametrize(
    ("url", "loopback", "private"),
    [
        ("http://127.0.0.1:8000", True, True),
        ("http://127.9.9.9", True, True),
        ("http://localhost:8484/eu", True, True),
        ("http://LOCALHOST", True, True),
        ("http://[::1]:80", True, True),
        ("https://api.example", False, True),
        ("http://api.example", False, False),
        ("http://192.168.1.9:8080", False, False),
        ("http://localhost.example", False, False),
        ("http://127.0.0.1@api.example", False, False),
        ("http://127.0.0.1.example", False, False),
        ("http://[::1", False, False),
        ("ftp://api.example", False, False),
    ],
)
def test_plain_http_is_private_on_this_machine_only(url: str, loopback: bool, private: bool) -> None:
    assert (is_loopback(url), is_private(url)) == (loopback, private)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://API.example/x") == origin("https://api.example:443") == ("https", "api.example", 443)
    assert origin("http://api.example") != origin("https://api.example")
    assert origin("https://good.example@evil.example") is None
    assert origin("https://api.example:port") is None


@pytest.mark.parametrize("provider", [FLEET_NA, FLEET_EU, FLEET_CN, TESLEMETRY, OWNER], ids=lambda known: known.name)
def test_the_providers_own_addresses_are_known(provider: Provider) -> None:
    assert is_known_address(provider.base_url)


def test_an_address_made_from_a_region_is_known() -> None:
    assert is_known_address(TESLEMETRY.identity.base_url_of_region.format(region="eu"))


@pytest.mark.parametrize(
    "url",
    [
        FLEET_EU.base_url.replace("https", "http"),
        FLEET_EU.base_url + ":8443",
        FLEET_EU.base_url + ".example",
        FLEET_EU.base_url + "@evil.example",
        "https://eu.teslemetry.com.example",
        "https://evil.example",
        "http://127.0.0.1:8000",
        "",
    ],
)
def test_nothing_else_is_known(url: str) -> None:
    assert not is_known_address(url)


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://192.168.1.5:8123", True),
        ("http://[fd00::5]:8086", True),
        ("http://homeassistant.local:8123", True),
        ("http://influxdb:8086", True),
        ("ws://nas.home.arpa", True),
        ("http://8.8.8.8:8123", False),
        ("http://home.example.org:8123", False),
        ("http://local.example.org", False),
        ("http://", False),
    ],
)
def test_addresses_within_the_local_network(url: str, is_local: bool) -> None:
    assert is_local_network(url) is is_local
