"""The rules for a tariff document, each violation with its place and a sentence (Q134).

The rules are those of the API's page on `time_of_use_settings`. What they accept, `resolve` prices at every minute.
"""

from collections.abc import Iterator

from transform.tariffs.document import Json, read_tariff, tariff_document
from transform.tariffs.validation.fields import field_violations
from transform.tariffs.validation.prices import price_violations, sell_violations
from transform.tariffs.validation.times import time_violations
from transform.tariffs.validation.violation import ROOT, Violation, child

__all__ = ["Violation", "validate"]


def validate(document: object) -> list[Violation]:
    """What is wrong with a tariff document: errors, and warnings about what is read differently from how it looks.

    Args:
        document: The document, or an answer, a request, or a site_info that contains it. Paths begin with the document.
    """
    found = tariff_document(document)
    if found is None:
        return [Violation(ROOT, "There is no tariff: neither seasons nor energy_charges are in the document.")]
    if "seasons" not in found and "schedule" in found:
        return [Violation(child(ROOT, "schedule"), "A schedule of the old form has times without prices.")]
    return list(_violations(found))


def _violations(document: Json) -> Iterator[Violation]:
    tariff = read_tariff(document)
    yield from field_violations(document, ROOT)
    yield from time_violations(document, tariff.buy, ROOT)
    yield from price_violations(document, tariff.buy, ROOT)
    if tariff.sell is None:
        yield Violation(child(ROOT, "sell_tariff"), "There is no sell_tariff, so exported energy has no price.", False)
        return
    sold, path = document["sell_tariff"], child(ROOT, "sell_tariff")
    yield from field_violations(sold, path)
    yield from time_violations(sold, tariff.sell, path)
    yield from price_violations(sold, tariff.sell, path)
    yield from sell_violations(tariff, document)
