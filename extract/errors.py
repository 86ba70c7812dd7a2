"""What can go wrong while asking, typed by what to do next.

    ExtractError
    ├── Retryable              ask again, later
    │   ├── TransportFailed        no whole answer came
    │   ├── RateLimited            429; `retry_after_s`
    │   ├── UpstreamFailed         408, 424, 5xx, or a body that is not JSON
    │   └── RefreshInDoubt         a refresh token was sent and no answer came: it may be spent
    ├── Fatal                  asking again changes nothing
    │   ├── AuthExpired            401: log in again
    │   │   └── LoginEnded             the refresh token is no good any more
    │   ├── WrongRegion            421: the account lives elsewhere
    │   ├── MissingScope           403: the token may not read this
    │   ├── PaymentRequired        402: the provider wants to be paid
    │   ├── EndpointRetired        410: the endpoint is gone
    │   └── Refused                any other 4xx: the request itself is wrong for this site or provider
    ├── RunStopped             the run ended before the request was sent
    ├── NotOffered             the provider does not know the series: no failure, and no reason to ask again
    ├── WrongWindow            the answer is about other days than those asked for
    ├── PagingLooped           a page leads to one that is not older
    ├── BudgetSpent            `--max-requests` is used up
    ├── ContractChanged        an answer in a shape that nobody has described
    ├── TokenStoreFailed       tokens cannot be kept or read
    └── ArchiveError           the raw archive cannot be written or read
        └── CorruptSegment         a record whose checksum fails

Each class carries its facts as attributes and says in one sentence what to try; each survives `pickle`, since workers send
them home. No message holds a token: requests are named by path and window only.
"""


class ExtractError(Exception):
    """Anything that stops a request, or the archive of its answer."""

    def __init__(self, *facts: object) -> None:
        super().__init__(*facts)

    def __str__(self) -> str:
        return "; ".join(str(fact) for fact in self.args)


class Retryable(ExtractError):
    """A fault that time may heal."""


class TransportFailed(Retryable):
    """The connection broke, timed out, or closed before the whole body came."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}; check the network and run the command again"


class RateLimited(Retryable):
    """429. `retry_after_s` is what the server asked for, if it did."""

    def __init__(self, what: str, retry_after_s: float | None) -> None:
        super().__init__(what, retry_after_s)
        self.what, self.retry_after_s = what, retry_after_s

    def __str__(self) -> str:
        return f"{self.what}: too many requests; lower WATTLOG_REQUESTS_PER_MINUTE or wait and run the command again"


class UpstreamFailed(Retryable):
    """The server answered, but with its own failure."""

    def __init__(self, what: str, status: int, detail: str) -> None:
        super().__init__(what, status, detail)
        self.what, self.status, self.detail = what, status, detail

    def __str__(self) -> str:
        return f"{self.what}: status {self.status}, {self.detail}; run the command again later"


class RefreshInDoubt(Retryable):
    """A refresh token was sent and no answer came back: the server may or may not have spent it (Q29)."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}; run the command again, and `wattlog login` if that does not help"


class Fatal(ExtractError):
    """A fault that asking again does not heal."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what, detail)
        self.what, self.detail = what, detail


class AuthExpired(Fatal):
    """401 that a refresh does not heal, or nobody is logged in."""

    def __str__(self) -> str:
        return f"not logged in ({self.detail}); run `wattlog login` or set WATTLOG_ACCESS_TOKEN to a valid token"


class LoginEnded(AuthExpired):
    """The refresh token is spent, expired or withdrawn: a person has to log in."""


class WrongRegion(Fatal):
    """421 that asking for the account's region does not heal."""

    def __str__(self) -> str:
        return (
            f"{self.what}: the account lives in another region ({self.detail}); set WATTLOG_PROVIDER to fleet-na, "
            "fleet-eu or fleet-cn, or WATTLOG_API_BASE_URL to the right address"
        )


class MissingScope(Fatal):
    """403."""

    def __str__(self) -> str:
        return f"{self.what}: forbidden ({self.detail}); {_advice(self.detail, FORBIDDEN, WIDEN_SCOPE)}"


class PaymentRequired(Fatal):
    """402."""

    def __str__(self) -> str:
        return f"{self.what}: payment required ({self.detail}); {_advice(self.detail, UNPAID, PAY)}"


WIDEN_SCOPE = "give the token the scope energy_device_data, then run `wattlog login` again"

FORBIDDEN = {
    "docs/fleet-api": "Tesla has closed the Owner API: set WATTLOG_PROVIDER to teslemetry or fleet-na, fleet-eu, fleet-cn, "
    "then run `wattlog login`",
    "only available on fleetapi": "set WATTLOG_PROVIDER to fleet-na, fleet-eu or fleet-cn, then run `wattlog login`",
}
"""Words of a 403 → what to do. Source: API.md §1.7; the Owner API's closing is fact 10."""

PAY = "renew the subscription or credits at the provider"

UNPAID = {
    "subscription_required": "begin or renew the Teslemetry subscription in its console, energy sites included",
    "insufficient_credits": "buy command credits, or switch on auto top-up, in the Teslemetry console",
}
"""Words of a 402 → what to do. Source: API.md §1.7 and Teslemetry's console page."""


def _advice(detail: str, known: dict[str, str], otherwise: str) -> str:
    return next((advice for words, advice in known.items() if words in detail), otherwise)


class EndpointRetired(Fatal):
    """410."""

    def __str__(self) -> str:
        return f"{self.what}: the endpoint is retired ({self.detail})"


class Refused(Fatal):
    """Any other 4xx."""

    def __init__(self, what: str, detail: str, status: int) -> None:
        super().__init__(what, detail)
        self.args = (what, detail, status)
        self.status = status

    def __str__(self) -> str:
        return f"{self.what}: refused with status {self.status} ({self.detail})"


class RunStopped(ExtractError):
    """The run was stopped before this request was sent."""

    def __str__(self) -> str:
        return "stopped before it was asked; run the command again to go on"


class NotOffered(ExtractError):
    """The provider does not know a series (400 naming its kind or period), or no longer has its endpoint (410)."""

    def __init__(self, series: str, detail: str) -> None:
        super().__init__(series, detail)
        self.series, self.detail = series, detail

    def __str__(self) -> str:
        return f"series {self.series} is not offered by this provider ({self.detail}); it is left out of this run"


class WrongWindow(ExtractError):
    """The answer's rows are of other days than those that were asked for (Q22)."""

    def __init__(self, what: str, asked: str) -> None:
        super().__init__(what, asked)
        self.what, self.asked = what, asked

    def __str__(self) -> str:
        return (
            f"{self.what}: the answer is about other days than {self.asked}; it is kept and not used: "
            "check the site's time zone (WATTLOG_SITE_TIMEZONES) and run the command again"
        )


class PagingLooped(ExtractError):
    """A page names a next one that does not go back in time (Q32)."""

    def __init__(self, what: str, end_date: str, following: str) -> None:
        super().__init__(what, end_date, following)
        self.what, self.end_date, self.following = what, end_date, following

    def __str__(self) -> str:
        return (
            f"{self.what}: the page up to {self.end_date} leads to {self.following}, which is not older; "
            "what came before is kept, and run the command again later for the rest"
        )


class BudgetSpent(ExtractError):
    """The run has asked as often as it may."""

    def __init__(self, requests: int) -> None:
        super().__init__(requests)
        self.requests = requests

    def __str__(self) -> str:
        return f"all {self.requests} requests of --max-requests are used; run the command again to go on"


class ContractChanged(ExtractError):
    """JSON came, in a shape that no version of the API is known to use."""

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(path, expected, got)
        self.path, self.expected, self.got = path, expected, got

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}; the answer is kept: update wattlog and rebuild"


class TokenStoreFailed(ExtractError):
    """Tokens cannot be kept or read."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place, self.reason = place, reason

    def __str__(self) -> str:
        return (
            f"stored tokens, {self.place}: {self.reason}; fix that, or choose another place with WATTLOG_TOKEN_STORE "
            "and WATTLOG_CONFIG_DIR"
        )


class ArchiveError(ExtractError):
    """The raw archive cannot be written or read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"raw archive {self.path}: {self.reason}"


class CorruptSegment(ArchiveError):
    """Bytes in the middle of a segment are not what was written."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, reason)
        self.args = (path, offset, reason)
        self.offset = offset

    def __str__(self) -> str:
        return f"raw archive {self.path} at byte {self.offset}: {self.reason}; restore the file from a backup"
