"""Tariff files as JSON and TOML: what is in them, whatever is in them, and what cannot be read."""

import pytest

from tests.tariffs import Json, flat, two_seasons
from transform.tariffs import read_tariff, validate, write_tariff
from transform.tariffs.files import FileFormat, UnreadableTariff, parse_tariff_file, tariff_file
from wattlog.api_json import checksum, write

TOML = b"""
code = "T"
[seasons.Year]
fromMonth = 1
fromDay = 1
toMonth = 12
toDay = 31
[energy_charges.ALL.rates]
ALL = 0.30572
"""


def test_json_and_toml_with_the_same_names_are_the_same_document() -> None:
    same = b'{"code": "T", "seasons": {"Year": {"fromMonth": 1, "fromDay": 1, "toMonth": 12, "toDay": 31}}, '
    same += b'"energy_charges": {"ALL": {"rates": {"ALL": 0.30572}}}}'
    documents = [parse_tariff_file(TOML, FileFormat.TOML), parse_tariff_file(same, FileFormat.JSON)]
    assert documents[0] == documents[1]
    assert read_tariff(documents[0]).buy.energy == {"ALL": {"ALL": 305_720}}
    assert parse_tariff_file(b"\xef\xbb\xbf" + TOML, FileFormat.TOML) == documents[0]
    assert parse_tariff_file(write(two_seasons()), FileFormat.JSON) == two_seasons()


@pytest.mark.parametrize("form", FileFormat)
@pytest.mark.parametrize(
    "document", [two_seasons(), flat(0.30572, -0.00001, daily_charges=[{"name": "A", "amount": 1}])]
)
def test_a_file_that_is_written_has_the_same_document(form: FileFormat, document: Json) -> None:
    whole = write_tariff(read_tariff(document))
    assert parse_tariff_file(tariff_file(whole, form), form) == whole


VALUES = ("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "nan", "inf", "9" * 30, "9" * 400, "[[1]]")


@pytest.mark.parametrize("value", VALUES)
def test_any_value_of_toml_can_be_checked_and_stored(value: str) -> None:
    text = f"monthly_charges = {value}\n[energy_charges.Year.rates]\nALL = {value}\n"
    document = parse_tariff_file(TOML + text.encode(), FileFormat.TOML)
    assert any(violation.is_error for violation in validate(document))
    assert len(checksum(document)) == 64
    assert write(document)


@pytest.mark.parametrize(
    ("content", "form", "reason"),
    [
        (b"", FileFormat.JSON, "the file is empty"),
        (b"{", FileFormat.JSON, "the file is not JSON"),
        (b"a = ", FileFormat.TOML, "the file is not TOML: "),
        (b"a = " + b"9" * 5000, FileFormat.TOML, "the file is not TOML: "),
        (b"\xff", FileFormat.TOML, "the file is not TOML: "),
        (b"a = " + b"[" * 100 + b"]" * 100, FileFormat.TOML, "nested more than 64 levels deep"),
        (b"a = " + b"[" * 100_000 + b"]" * 100_000, FileFormat.TOML, "nested more than 64 levels deep"),
        (b"[" * 100 + b"]" * 100, FileFormat.JSON, "nested more than 64 levels deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_reason(content: bytes, form: FileFormat, reason: str) -> None:
    with pytest.raises(UnreadableTariff, match=reason):
        parse_tariff_file(content, form)
