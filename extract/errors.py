"""The errors of requests, tokens, and the archive, by what to do next.

    ExtractError
    ├── Retryable              the same request may succeed later
    │   ├── TransportFailed        no complete response came
    │   ├── RateLimited            429; `retry_after_s`
    │   ├── UpstreamFailed         408, 424, 5xx
    │   │   └── UnreadableResponse       200 with a body that is not JSON, or has NaN or too many levels
    │   └── RefreshUncertain         a refresh token was sent and no response came: it may be spent
    ├── Fatal                  the same request will fail again
    │   ├── AuthExpired            401: log in again
    │   │   └── LoginEnded             the refresh token is no longer valid
    │   ├── WrongRegion            421: the account is in another region
    │   ├── MissingScope           403: the token may not read this
    │   │   ├── MissingCommandScope    403: the token may not change settings
    │   │   └── MissingVehicleScope    403: the token may not read or command cars
    │   ├── PaymentRequired        402: the provider requires payment
    │   ├── EndpointRetired        410: the endpoint no longer exists
    │   └── Refused                any other 4xx: the request is wrong for this site or provider
    ├── CarAsleep              408 of a car: it sleeps or is out of reach
    ├── RunStopped             the run ended before the request was sent
    ├── NotOffered             the provider does not have the series: not a failure, and not requested again
    ├── WrongWindow            the response has rows of other days than those requested
    ├── PagingLooped           a page leads to one that is not older
    ├── PagesEndless           there are more pages than a history can have
    ├── SiteUnusable           the API's description of a site cannot be used: the site is skipped in this run
    ├── OnlyEmptyResponses     every response of the run for a site is empty, although the site has data
    ├── BudgetSpent            `--max-requests` is used up
    ├── ContractChanged        a response of an unknown shape
    ├── ServiceError           a service beside the API: a database, a program that is given the history
    │   ├── ServiceUnavailable     no answer came, or it failed
    │   ├── ServiceLimited         its requests of the hour are used up
    │   └── ServiceRefused         it refuses the credentials or the request
    ├── TokenStoreFailed       tokens cannot be stored or read
    └── ArchiveError           the raw archive cannot be written or read
        └── CorruptSegment         a record with a wrong checksum

Each class has its facts as attributes, and its text says in one sentence what to do. Each can be pickled, since worker
processes return them. No text has a token: requests are named by path and window only.
"""

from wattlog.providers import COMMAND_SCOPE, READ_SCOPE, VEHICLE_CHARGING_SCOPE, VEHICLE_SCOPE


class ExtractError(Exception):
    """Any error of a request, or of keeping its response."""

    def __init__(self, *facts: object) -> None:
        super().__init__(*facts)

    def __str__(self) -> str:
        return "; ".join(str(fact) for fact in self.args)


class Retryable(ExtractError):
    """An error that may not occur again."""


class TransportFailed(Retryable):
    """The connection failed, timed out, or closed before the complete body came."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}; check the network and run the command again"


class RateLimited(Retryable):
    """429. `retry_after_s` is the server's `Retry-After`, if it sent one."""

    def __init__(self, what: str, retry_after_s: float | None) -> None:
        super().__init__(what, retry_after_s)
        self.what, self.retry_after_s = what, retry_after_s

    def __str__(self) -> str:
        wait = "" if self.retry_after_s is None else f", and the API asks to wait {in_words(self.retry_after_s)}"
        return (
            f"{self.what}: too many requests{wait}; lower WATTLOG_REQUESTS_PER_MINUTE or wait and run the command again"
        )


def in_words(seconds: float) -> str:
    """A time to wait, in seconds, hours or days; servers were seen to send a billion seconds and infinity."""
    if not seconds < 1000 * DAY_S:
        return "more than 1000 days"
    if seconds >= DAY_S:
        return f"{seconds / DAY_S:.0f} days"
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds:.0f} s"


DAY_S = 86_400


class UpstreamFailed(Retryable):
    """The server reported its own failure."""

    def __init__(self, what: str, status: int, detail: str) -> None:
        super().__init__(what, status, detail)
        self.what, self.status, self.detail = what, status, detail

    def __str__(self) -> str:
        return f"{self.what}: status {self.status}, {self.detail}; run the command again later"


class UnreadableResponse(UpstreamFailed):
    """A response with status 200 and a body that cannot be read."""

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.detail}; it is not used, and the others are not affected: run the command again later, "
            "and report it to the provider if it occurs again"
        )


class RefreshUncertain(Retryable):
    """A refresh token was sent and no response came: the server may have spent it (Q29)."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}; run the command again, and `wattlog login` if that does not help"


class Fatal(ExtractError):
    """An error that will occur again."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what, detail)
        self.what, self.detail = what, detail


class AuthExpired(Fatal):
    """401 even after a refresh, or no login."""

    def __str__(self) -> str:
        return f"not logged in ({self.detail}); run `wattlog login` or set WATTLOG_ACCESS_TOKEN to a valid token"


class LoginEnded(AuthExpired):
    """The refresh token is spent, expired or withdrawn: a new login is needed."""


class WrongRegion(Fatal):
    """421, and the account's region was not found."""

    def __str__(self) -> str:
        return (
            f"{self.what}: the account is in another region ({self.detail}); set WATTLOG_PROVIDER to fleet-na, "
            "fleet-eu or fleet-cn, or WATTLOG_API_BASE_URL to the right address"
        )


class MissingScope(Fatal):
    """403."""

    def __str__(self) -> str:
        return f"{self.what}: forbidden ({self.detail}); {_advice(self.detail, FORBIDDEN, WIDEN_SCOPE)}"


class MissingCommandScope(MissingScope):
    """403 to a command, or a token that is known to have no scope for commands."""

    def __str__(self) -> str:
        return (
            f"{self.what}: forbidden ({self.detail}); settings are changed with the scope {COMMAND_SCOPE}: run "
            "`wattlog login --commands` and agree to it, or use a token that has the scope"
        )


class MissingVehicleScope(MissingScope):
    """403 to a request about a car, or a token that is known to have no scope for cars."""

    def __str__(self) -> str:
        advice = f"cars need the scopes {VEHICLE_SCOPE} and {VEHICLE_CHARGING_SCOPE}: run `wattlog login --vehicles`"
        return f"{self.what}: forbidden ({self.detail}); {_advice(self.detail, FORBIDDEN, advice)}"


class CarAsleep(ExtractError):
    """A car sleeps or is out of reach. The answer was charged for, and the request was not carried out (Q71, Q93)."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: the car is asleep or out of reach; it is not woken unless --wake is given"


class PaymentRequired(Fatal):
    """402."""

    def __str__(self) -> str:
        return f"{self.what}: payment required ({self.detail}); {_advice(self.detail, UNPAID, PAY)}"


WIDEN_SCOPE = f"give the token the scope {READ_SCOPE}, then run `wattlog login` again"

FORBIDDEN = {
    "docs/fleet-api": "Tesla has closed the Owner API: set WATTLOG_PROVIDER to teslemetry or fleet-na, fleet-eu, fleet-cn, "
    "then run `wattlog login`",
    "only available on fleetapi": "set WATTLOG_PROVIDER to fleet-na, fleet-eu or fleet-cn, then run `wattlog login`",
}
"""Text of a 403 → what to do. Source: API.md#status-codes, API.md#owner-api."""

PAY = "renew the subscription or credits at the provider"

UNPAID = {
    "subscription_required": "begin or renew the Teslemetry subscription in its console, energy sites included",
    "insufficient_credits": "buy command credits, or switch on auto top-up, in the Teslemetry console",
}
"""Text of a 402 → what to do. Source: API.md#status-codes and Teslemetry's console page."""


def _advice(detail: str, known: dict[str, str], otherwise: str) -> str:
    return next((advice for text, advice in known.items() if text in detail), otherwise)


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
        return "stopped before the request was sent; run the command again to continue"


class NotOffered(ExtractError):
    """The provider does not have a series (400 naming its kind or period), or no longer has its endpoint (410)."""

    def __init__(self, series: str, detail: str) -> None:
        super().__init__(series, detail)
        self.series, self.detail = series, detail

    def __str__(self) -> str:
        return f"series {self.series} is not offered by this provider ({self.detail}); it is left out of this run"


class WrongWindow(ExtractError):
    """Some or all rows of the response are of other days than those requested (Q22)."""

    def __init__(self, what: str, requested: str) -> None:
        super().__init__(what, requested)
        self.what, self.requested = what, requested

    def __str__(self) -> str:
        return (
            f"{self.what}: the response has rows of other days than {self.requested}; these are kept and not used: "
            "check the site's time zone (WATTLOG_SITE_TIMEZONES) and run the command again"
        )


class PagingLooped(ExtractError):
    """A page leads to one that is not older (Q32)."""

    def __init__(self, what: str, end_date: str, following: str) -> None:
        super().__init__(what, end_date, following)
        self.what, self.end_date, self.following = what, end_date, following

    def __str__(self) -> str:
        return (
            f"{self.what}: the page up to {self.end_date} leads to {self.following}, which is not older; "
            "the pages so far are kept: run the command again later for the rest"
        )


class PagesEndless(ExtractError):
    """There are more pages than a history can have."""

    def __init__(self, what: str, pages: int, end_date: str) -> None:
        super().__init__(what, pages, end_date)
        self.what, self.pages, self.end_date = what, pages, end_date

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.pages} pages came, and the last one leads to {self.end_date}; all are kept, and no further "
            "one is requested: report it to the provider if it occurs again"
        )


class SiteUnusable(ExtractError):
    """The API's description of a site cannot be used, so the site is skipped in this run."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.reason}; the site is skipped in this run, and the others are not affected: "
            "run the command again later, and report it to the provider if it occurs again"
        )


class OnlyEmptyResponses(ExtractError):
    """Every response of the run for a site is empty, although the site had data before."""

    def __init__(self, what: str, responses: int) -> None:
        super().__init__(what, responses)
        self.what, self.responses = what, responses

    def __str__(self) -> str:
        return (
            f"{self.what}: all {self.responses} history responses of this run are empty, although the site had data before; "
            "none of them is final: renew the access token (`wattlog login`, or another WATTLOG_ACCESS_TOKEN), "
            "and run the command again"
        )


class BudgetSpent(ExtractError):
    """The run has sent all the requests that it may send."""

    def __init__(self, requests: int) -> None:
        super().__init__(requests)
        self.requests = requests

    def __str__(self) -> str:
        return f"all {self.requests} requests of --max-requests are used; run the command again to continue"


class ContractChanged(ExtractError):
    """The response is JSON of a shape that no known version of the API has."""

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(path, expected, got)
        self.path, self.expected, self.got = path, expected, got

    def __str__(self) -> str:
        return (
            f"{self.path}: expected {self.expected}, got {self.got}; the response is kept: update wattlog and rebuild"
        )


class TokenStoreFailed(ExtractError):
    """Tokens cannot be stored or read."""

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
    """Bytes in a segment are not as they were written."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, reason)
        self.args = (path, offset, reason)
        self.offset = offset

    def __str__(self) -> str:
        return f"raw archive {self.path} at byte {self.offset}: {self.reason}; restore the file from a backup"
