"""The errors between a raw response and a frame.

    TransformError
    ├── ResponseNotUnderstood   an account-wide response has a shape that is not described
    └── UnknownTimeZone         a time zone setting names no zone

Rows and responses of a history series raise nothing: what cannot be used of them goes to `quarantine`, the rest is kept.
"""


class TransformError(Exception):
    """Root of everything `transform` raises on purpose."""


class ResponseNotUnderstood(TransformError):
    """A response that everything else depends on (the products list) has an unknown shape.

    Attributes:
        what: The response.
        expected: The shape that was expected.
        got: What came instead, shortened.
    """

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(what, expected, got)
        self.what = what
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"the {self.what} response should be {self.expected} but is {self.got}; the API may have changed"


class UnknownTimeZone(TransformError):
    """The time zone set for a site is neither an IANA name nor a fixed offset.

    Attributes:
        name: The name as it was set.
        site_id: The site it was set for.
    """

    def __init__(self, name: str, site_id: int) -> None:
        super().__init__(name, site_id)
        self.name = name
        self.site_id = site_id

    def __str__(self) -> str:
        return (
            f"the time zone {self.name!r} set for site {self.site_id} does not exist; "
            "give an IANA name such as Europe/Berlin, or an offset such as UTC+02:00"
        )
