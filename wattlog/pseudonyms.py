"""Pseudonyms of device numbers: the same device has the same one, and it is not its number.

The digest has no key, so a number that is known can be recognised. It keeps apart the wall connectors of a site.
"""

from hashlib import sha256
from typing import Final

_PREFIX: Final = "sha256:"


def pseudonym(number: str) -> str:
    """What the raw archive keeps in the place of a device number."""
    return f"{_PREFIX}{sha256(number.encode()).hexdigest()}"


def digest_of_device(kept: str) -> str:
    """The digest of a device, from what the archive has: a pseudonym, or the number itself in older responses."""
    return (kept if kept.startswith(_PREFIX) else pseudonym(kept)).removeprefix(_PREFIX)
