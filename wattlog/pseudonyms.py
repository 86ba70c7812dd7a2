"""Pseudonyms of device numbers, and short forms of VINs: the same device has the same one, and it is not its number.

The digest has no key, so a number that is known can be recognised. It keeps apart the wall connectors of a site.
"""

import re
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


def short_vin(vin: str) -> str:
    """The stable short form of a VIN, `vin-000001`; of a short form itself.

    Whole VINs are in the paths of requests in the raw archive alone; tables, messages and reports have this form.
    """
    return vin if vin.startswith(_SHORT) else f"{_SHORT}{vin[-_KEPT_OF_VIN:].upper()}"


def without_vins(path: str) -> str:
    """A path with VINs in their short form, for messages."""
    return _IN_PATH.sub(lambda found: short_vin(found[0]), path)
