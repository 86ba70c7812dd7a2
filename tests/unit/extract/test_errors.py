"""Worker processes return errors: each can be pickled, and says what to do."""

import pickle

import pytest

from extract import errors
from extract.services.errors import ServiceError, ServiceLimited, ServiceRefused, ServiceUnavailable

INSTANCES = [
    errors.ExtractError("something"),
    errors.TransportFailed("site 1 power", "refused"),
    errors.RateLimited("site 1 power", 41.0),
    errors.UpstreamFailed("site 1 power", 500, "upstream internal error"),
    errors.UnreadableResponse("site 1 site_info", 200, "the body is empty"),
    errors.SiteUnusable("site 1 site_info", "the answer holds nothing that can be used"),
    errors.RefreshUncertain("token refresh", "no response that can be read (ReadTimeout)"),
    errors.AuthExpired("account", "token expired (401)"),
    errors.LoginEnded("token refresh", "login_required"),
    errors.WrongRegion("account products", "user out of region"),
    errors.MissingScope("site 1 power", "missing scopes"),
    errors.MissingCommandScope("site 1 backup", "missing scopes"),
    errors.MissingVehicleScope("account vehicle_data", "missing scopes"),
    errors.CarAsleep("account vehicle_data"),
    errors.PaymentRequired("site 1 power", "insufficient_credits"),
    errors.EndpointRetired("site 1 history", "No longer supported"),
    errors.Refused("site 1 power", "Period must be given", 400),
    errors.RunStopped(),
    errors.NotOffered("soe", "kind `soe` is not supported"),
    errors.WrongWindow("site 1 power 2025-03-30", "2025-03-30"),
    errors.PagingLooped("site 1 backup 2020-01-01", "2025-03-30T23:59:59-07:00", "2025-03-30T23:59:59-07:00"),
    errors.OnlyEmptyResponses("site 1", 20),
    errors.PagesEndless("site 1 backup 2020-01-01", 200, "2019-03-30T23:59:59-07:00"),
    errors.BudgetSpent(10),
    errors.ContractChanged("site 1 power", "a time series", "a list"),
    ServiceUnavailable("InfluxDB", "ConnectError: no connection"),
    ServiceLimited("PVOutput", "14:00 UTC"),
    ServiceRefused("Home Assistant", 401, "Invalid access token"),
    errors.TokenStoreFailed("file tokens/tesla.json", "cannot be read (Permission denied)"),
    errors.ArchiveError("raw/x", "disk full"),
    errors.CorruptSegment("raw/x", 12, "bad checksum"),
]


@pytest.mark.parametrize("error", INSTANCES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickle(error: errors.ExtractError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert "\n" not in str(error)


def test_every_class_is_among_them() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    families = {errors.Retryable, errors.Fatal, ServiceError}
    assert below(errors.ExtractError) - families == {type(error) for error in INSTANCES}
