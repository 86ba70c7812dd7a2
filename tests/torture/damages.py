"""What can happen to the bytes of a file."""

from enum import StrEnum


class Damage(StrEnum):
    """A damage of a file."""

    FLIPPED_BIT = "flipped bit"
    CUT = "cut"
    EMPTIED = "emptied"
    DELETED = "deleted"
    GARBAGE = "garbage"
    ZEROS = "zeros"
    APPENDED = "appended"


GARBAGE = b"\x8b\x00garbage\n\xff{]"


def damaged(content: bytes, damage: Damage, place: int) -> bytes | None:
    """The bytes of a file after a damage; None if it is deleted.

    Args:
        content: The bytes before.
        damage: What happens.
        place: Where; any number, of which the remainder by the length counts.
    """
    at = place % max(len(content), 1)
    flipped = bytes([content[at] ^ 1 << place % 8]) if content else b"\0"
    contents = {
        Damage.FLIPPED_BIT: content[:at] + flipped + content[at + 1 :],
        Damage.CUT: content[:at],
        Damage.EMPTIED: b"",
        Damage.GARBAGE: GARBAGE * (len(content) // len(GARBAGE) + 1),
        Damage.ZEROS: content[:at] + bytes(len(content) - at),
        Damage.APPENDED: content + GARBAGE,
    }
    return contents.get(damage)
