"""The sources that imported histories are: the series of the file, and what its rows are."""

from enum import StrEnum


class ImportedKind(StrEnum):
    """What the rows of an imported file are; the last part of the name of their source."""

    DAYS = "days"
    """Energy of local days."""
    INTERVALS = "intervals"
    """Energy of intervals, or a counter of energy."""
    POWER = "power"
    """Power, which is integrated."""


def imported_source(series: str, kind: ImportedKind) -> str:
    """The source of a day's energy that files of a series give: `import:tesla_app/days`."""
    return f"{series}/{kind}"
