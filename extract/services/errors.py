"""The errors of services beside the API; their place among the others is in `extract.errors`."""

from extract.errors import ExtractError


class ServiceError(ExtractError):
    """An error of a service beside the API."""


class ServiceUnavailable(ServiceError):
    """No complete answer came, or the service reported its own failure."""

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(service, reason)
        self.service, self.reason = service, reason

    def __str__(self) -> str:
        return f"{self.service}: {self.reason}; check that it runs at this address, and run the command again"


class ServiceLimited(ServiceError):
    """The requests that the service allows are used up for now."""

    def __init__(self, service: str, until: str) -> None:
        super().__init__(service, until)
        self.service, self.until = service, until

    def __str__(self) -> str:
        when = f"after {self.until}" if self.until else "in an hour"
        return (
            f"{self.service} allows no more requests in this hour; what was sent is noted: run the command again {when}"
        )


class ServiceRefused(ServiceError):
    """The service refuses the credentials, or the request."""

    def __init__(self, service: str, status: int, detail: str) -> None:
        super().__init__(service, status, detail)
        self.service, self.status, self.detail = service, status, detail

    def __str__(self) -> str:
        if self.status in {401, 403}:
            return f"{self.service} refuses the credentials ({self.detail}); set the secret of this service anew"
        return f"{self.service} refuses the request ({self.detail})"
