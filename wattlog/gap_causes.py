"""Why an expected row is not there: the closed set of column `cause` of table `gaps`."""

from enum import StrEnum
from typing import Final


class GapCause(StrEnum):
    """Why an expected row is not there."""

    NOT_FETCHED = "not_fetched"
    NO_DATA = "no_data"
    NIGHT = "night"
    FUTURE = "future"
    BEFORE_INSTALL = "before_install"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    WRONG_WINDOW = "wrong_window"


BY_NATURE: Final = (GapCause.NIGHT, GapCause.FUTURE, GapCause.BEFORE_INSTALL)
"""Nothing can be there: some equipment reports nothing at night, and nothing has been measured yet, or not before the
installation. All other causes are losses, or may be."""
