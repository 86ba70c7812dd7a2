"""Every provider is one record, and no other module compares a provider's name."""

import re

import pytest

from tests.documents import ROOT, anchor, headings, text_of
from wattlog.providers import PROVIDERS, LoginKind, Provider

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
NAMES = "|".join(re.escape(name) for name in PROVIDERS)
COMPARISON = re.compile(
    rf"(?:\bis\b|\bis not\b|==|!=)\s+[\"'](?:{NAMES})[\"']"
    rf"|\bProviderName\."
    rf"|provider\w*(?:\.name)?\s+(?:is not|is|==|!=)\s+(?:{'|'.join(name.upper().replace('-', '_') for name in PROVIDERS)})\b"
    rf"|case\s+[\"'](?:{NAMES})[\"']"
)


@pytest.mark.parametrize(
    "line",
    [
        'if provider == "teslemetry":',
        "if settings.provider is not ProviderName.OWNER:",
        "if provider.name == SIMULATOR.name:",
        'case "fleet-na":',
    ],
)
def test_comparisons_are_recognised(line: str) -> None:
    assert COMPARISON.search(line)


def test_no_module_compares_the_name_of_a_provider() -> None:
    packages = ("extract", "flows", "transform", "warehouse", "wattlog")
    modules = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    assert len(modules) > 150
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in modules
        for line in path.read_text(encoding="utf-8").splitlines()
        if COMPARISON.search(line)
    ]
    assert found == []


@every_provider
def test_a_record_is_complete(provider: Provider) -> None:
    assert provider.identity.path.startswith("/api/")
    assert provider.terms.note
    if provider.terms.requests_per_usd is not None:
        assert provider.terms.source
        assert provider.terms.as_of
    if provider.login is LoginKind.TOKEN:
        assert provider.account_page
    assert bool(provider.closed_because) == (provider.login is LoginKind.CLOSED)
    assert provider.base_url == "" or re.fullmatch(r"https://[a-z.-]+", provider.base_url)


@every_provider
def test_the_page_that_describes_a_provider_exists(provider: Provider) -> None:
    if provider.docs.startswith("https://"):
        return
    page, _, place = provider.docs.partition("#")
    assert (ROOT / page).is_file()
    assert not place or place in {anchor(heading) for heading in headings(text_of(page))}


def test_an_authority_below_the_api_has_the_address_of_the_api() -> None:
    authority = PROVIDERS["simulator"].authority
    assert authority.at("").token_url == ""
    assert authority.at("http://127.0.0.1:1/eu/").token_url == "http://127.0.0.1:1/eu/oauth2/v3/token"
    assert PROVIDERS["fleet-na"].authority.at("http://127.0.0.1:1") == PROVIDERS["fleet-na"].authority
