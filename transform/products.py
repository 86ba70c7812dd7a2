"""The products list of an account: which of its entries are energy sites, and which cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from transform.errors import ResponseNotUnderstood
from transform.responses import response_of
from warehouse.schema import TABLES

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Products:
    """The energy sites among the products of an account.

    Attributes:
        sites: Entries that can be used, ghosts included, by site id.
        unusable: What is wrong with the others, one sentence an entry.
        is_list: Whether there is a list at all, if only an empty one.
    """

    sites: dict[int, Facts]
    unusable: tuple[str, ...] = ()
    is_list: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether a site that is not listed is not on the account."""
        return self.is_list and not self.unusable


def energy_products(body: bytes) -> Products:
    """The entries of the products list that are energy sites; vehicles have no `energy_site_id`.

    Raises:
        ResponseNotUnderstood: The body is not the products list.
    """
    try:
        response = response_of(body)
    except (ValueError, LookupError) as error:
        raise ResponseNotUnderstood("products", "a list", "not that JSON") from error
    if response is None or isinstance(response, str):
        return Products({}, is_list=False)
    if not isinstance(response, list):
        raise ResponseNotUnderstood("products", "a list", type(response).__name__)
    sites: dict[int, Facts] = {}
    unusable = []
    for position, entry in enumerate(response):
        flaw = _flaw_of_product(entry)
        if flaw is not None:
            unusable.append(f"entry {position} of the products list {flaw}")
        elif entry is not None and entry.get("energy_site_id") is not None:
            sites.setdefault(site_id_of(entry), entry)
    return Products(sites, tuple(unusable))


def _flaw_of_product(entry: object) -> str | None:
    if entry is None:
        return None
    if not isinstance(entry, Mapping):
        return f"is not an object but {type(entry).__name__}"
    site_id = _site_id(entry.get("energy_site_id"))
    if UNUSABLE in entry:
        named = "" if site_id is None else f" (site {site_id})"
        return f"cannot be used{named}: {str(entry[UNUSABLE])[:100]}"
    if entry.get("energy_site_id") is not None and site_id is None:
        return "has an energy_site_id that is not a positive whole number"
    return None


UNUSABLE: Final = "unusable"
"""Key of an entry that could not be kept as it came; it holds the reason (see `extract.archive.personal_data`)."""


def site_id_of(product: Facts) -> int:
    """The id of a site in the products list; a number may be spelt as a string.

    Raises:
        ResponseNotUnderstood: The entry has none.
    """
    site_id = _site_id(product.get("energy_site_id"))
    if site_id is None:
        raise ResponseNotUnderstood("products", "a list with an energy_site_id in each entry", "an entry without one")
    return site_id


def _site_id(value: object) -> int | None:
    """A site's id; None for what is none. Zero stands for the account."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_OF_AN_ID:
        value = int(value)
    lowest, highest = 1, int((TABLES["sites"].field("site_id").bounds or (0, 2**63 - 1))[1])
    return value if is_whole(value) and lowest <= value <= highest else None


_DIGITS_OF_AN_ID: Final = 19
"""As many as a 64-bit integer has."""


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value of JSON is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)
