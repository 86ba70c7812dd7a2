"""Pseudonyms of device numbers, and short forms of VINs: the same device has the same one, and it is not its number.

The digest has no key, so a number that is known can be recognised. It keeps apart the wall connectors of a site.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final

_PREFIX: Final = "sha256:"


def pseudonym(number: str) -> str:
    """What the raw archive keeps in the place of a device number."""
    return f"{_PREFIX}{sha256(number.encode()).hexdigest()}"


def digest_of_device(kept: str) -> str:
    """The digest of a device, from what the archive has: a pseudonym, or the number itself in older responses."""
    return (kept if kept.startswith(_PREFIX) else pseudonym(kept)).removeprefix(_PREFIX)


_SHORT: Final = "vin-"
_IN_PATH: Final = re.compile("(?<=/)[A-Za-z0-9]{17}(?=/|$)")
_KEPT_OF_VIN: Final = 6
"""The serial number of the car, which its papers show last: an owner recognises it, and it names neither plant nor model."""

_DIGEST_OF_VIN: Final = 4
"""Hexadecimal digits that keep apart two cars of an account whose VINs end alike."""


def short_vin(vin: str, shared_ends: Collection[str] = ()) -> str:
    """The stable short form of a VIN, `vin-000001`; of a short form itself.

    Whole VINs are in the paths of requests in the raw archive alone; tables, messages and reports have this form.

    Args:
        vin: The VIN.
        shared_ends: The ends that several cars of the account have. With such an end the form has a part of a digest, too:
            `vin-000001-5f3a`.
    """
    if vin.startswith(_SHORT):
        return vin
    end = _end_of(vin)
    digest = f"-{sha256(vin.upper().encode()).hexdigest()[:_DIGEST_OF_VIN]}" if end in shared_ends else ""
    return f"{_SHORT}{end}{digest}"


def shared_ends(vins: Iterable[str]) -> frozenset[str]:
    """The ends that more than one of some VINs has."""
    counts = Counter(_end_of(vin) for vin in {vin.upper() for vin in vins})
    return frozenset(end for end, count in counts.items() if count > 1)


def _end_of(vin: str) -> str:
    return vin[-_KEPT_OF_VIN:].upper()


def without_vins(path: str) -> str:
    """A path with VINs in their short form, for messages."""
    return _IN_PATH.sub(lambda found: short_vin(found[0]), path)
