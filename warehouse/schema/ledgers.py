"""The tables of gaps, of values that the API revised, and of the comparison of sources."""

from warehouse.schema.declaration import Field, Keep, Kind, Table, Unit
from warehouse.schema.shared_fields import MAX_INTERVAL_WH, SITE_ID
from wattlog.gap_causes import GapCause

_SERIES = Field("series", Kind.VARCHAR, "Series requested.", nullable=False)

GAPS = Table(
    "gaps",
    "One row per site, series and time in which expected rows are missing for one reason.",
    ("site_id", "series", "gap_start"),
    (
        SITE_ID,
        _SERIES,
        Field("gap_start", Kind.TIMESTAMPTZ, "Beginning of the first missing interval.", nullable=False),
        Field("gap_end", Kind.TIMESTAMPTZ, "End of the last missing interval, not included.", nullable=False),
        Field(
            "cause",
            Kind.VARCHAR,
            f"{', '.join(list(GapCause)[:-1])} or {list(GapCause)[-1]}.",
            nullable=False,
            source="Q11, Q14, Q15, Q17, Q22",
        ),
        Field("expected_rows", Kind.BIGINT, "How many rows are missing.", nullable=False, bounds=(1, 2**40)),
    ),
    keep=Keep.LONGEST,
)

REVISIONS = Table(
    "revisions",
    "One row per value that a later response changed, for intervals and periods that were over when first reported.",
    ("site_id", "series", "interval_start", "measure", "seen_at"),
    (
        SITE_ID,
        _SERIES,
        Field(
            "interval_start",
            Kind.TIMESTAMPTZ,
            "Beginning of the interval, or of the period on the site's calendar.",
            nullable=False,
        ),
        Field("measure", Kind.VARCHAR, "The column that changed.", nullable=False),
        Field("seen_at", Kind.TIMESTAMPTZ, "When the response with the new value was requested.", nullable=False),
        Field("old_value", Kind.DOUBLE, "The value reported before, in the measure's unit.", source="Q12"),
        Field("new_value", Kind.DOUBLE, "The value reported then, in the measure's unit.", source="Q12"),
    ),
)


def _wh(name: str, text: str, *, lowest: float = 0) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.WH, bounds=(lowest, MAX_INTERVAL_WH))


RECONCILIATION = Table(
    "reconciliation",
    "One row per site, check, calendar period and measure that two sources report.",
    ("site_id", "check_name", "granularity", "period_start", "measure"),
    (
        SITE_ID,
        Field("check_name", Kind.VARCHAR, "Which two sources are compared.", nullable=False),
        Field("granularity", Kind.VARCHAR, "day, week, month, year or lifetime.", nullable=False),
        Field("period_start", Kind.DATE, "First local day of the period.", nullable=False),
        Field("measure", Kind.VARCHAR, "The column compared.", nullable=False),
        Field("left_source", Kind.VARCHAR, "Source of the left value.", nullable=False),
        _wh("left_wh", "The left value; NULL where the source has none."),
        Field("right_source", Kind.VARCHAR, "Source of the right value.", nullable=False),
        _wh("right_wh", "The right value; NULL where the source has none."),
        _wh("difference_wh", "Left less right; NULL where either is missing.", lowest=-MAX_INTERVAL_WH),
        _wh("tolerance_wh", "By how much the two may differ and still agree."),
        Field(
            "verdict",
            Kind.VARCHAR,
            "agree, differs, missing_left or missing_right; NULL where nothing is compared, for the reason in `cause`.",
            source="Q43",
        ),
        Field(
            "cause",
            Kind.VARCHAR,
            "Why the two differ, or are not compared; NULL where they agree.",
            source="Q2, Q12, Q19, Q20, Q21, Q22, Q43",
        ),
        Field(
            "diverges_at",
            Kind.TIMESTAMPTZ,
            "Beginning of the first interval from which on the two differ; NULL where they agree or only sums are reported.",
            source="Q21",
        ),
    ),
    keep=Keep.OWN_MONTH,
)
