"""Secrets are recognised in every form in which a library writes them, and refused if no header can carry them."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from wattlog.secret_text import MASK, NotSendable, holds_secret, masked, masked_bytes, protect, sendable

SECRET = "s3cr3t/with+odd=chars&\"quotes'-9f1e"


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        repr(SECRET),
        repr(SECRET.encode()),
        repr(f"Bearer {SECRET}\r\n".encode()),
        json.dumps(SECRET),
        SECRET.replace("/", "\\/"),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        SECRET[:20],
    ],
)
def test_every_form_is_masked(spelt: str) -> None:
    protect(SECRET)
    text = f"before {spelt} after"
    assert MASK in masked(text)
    assert "9f1e" not in masked(text)
    assert "s3cr3t" not in masked(text)
    assert masked(text).startswith("before ")
    assert holds_secret(text, or_shape=False)
    assert masked_bytes(text.encode()).startswith(b"before ")
    assert b"s3cr3t" not in masked_bytes(text.encode())


@pytest.mark.parametrize("cut", ["\r", "\n", "\r\n", " ", "\t", "\x00"])
def test_a_secret_with_a_line_end_is_masked_on_both_sides_of_it(cut: str) -> None:
    protect(f"first-half-77aa{cut}second-half-88bb")
    for text in (f"first-half-77aa{cut}second-half-88bb", repr(f"first-half-77aa{cut}second-half-88bb")):
        assert "77aa" not in masked(text)
        assert "88bb" not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefgh12345678",
        "b'Bearer abcdefgh12345678\\r'",
        "bearer%20abcdefgh12345678",
        "x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhYmNkZWZnaCJ9.abcdefgh12345678 y",
    ],
)
def test_text_with_the_shape_of_a_token_is_masked(text: str) -> None:
    assert "abcdefgh12345678" not in masked(text)
    assert holds_secret(text, or_shape=True)
    assert not holds_secret(masked(text), or_shape=True)


@pytest.mark.parametrize("text", ["the bearer of bad news", "token_type Bearer", "site 1 power: refused", "Bearer ***"])
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert masked(text) == text


def test_bytes_without_a_secret_are_the_same_object() -> None:
    body = b'{"response": {"token_type": "Bearer abcdefgh12345678"}}'
    assert masked_bytes(body) is body


@pytest.mark.parametrize("given", ["token-1\r", "\ttoken-1 \r\n", "token-1"])
def test_blanks_around_a_pasted_secret_are_removed(given: str) -> None:
    assert sendable(given, strip=True) == "token-1"


@pytest.mark.parametrize("given", ["", "to\rken", "to\nken", "to ken", "tökén", "to\x00ken", "token\udcff", "token\r"])
def test_secrets_that_no_header_can_carry_are_refused_and_not_shown(given: str) -> None:
    with pytest.raises(NotSendable) as raised:
        sendable(given)
    assert "ken" not in str(raised.value)
