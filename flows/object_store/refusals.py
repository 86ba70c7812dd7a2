"""What the store's errors mean, in words that say what to do. Neither keys nor signatures are among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.object_store.address import StoreAddress
from flows.object_store.errors import StoreRefused, StoreUnreachable

CONFLICTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict", "OperationAborted"}
"""A condition did not hold, or somebody wrote the same object at the same moment."""

_MISSING = {"404", "NoSuchKey", "NotFound"}
_REGION = {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_LOGIN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidToken"}
_RIGHTS = {"403", "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem"}
_BUSY = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "RequestTimeTooSkewed"}


def code_of(error: Any) -> str:
    """The store's code of a botocore `ClientError`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: Any) -> bool:
    """Whether a botocore `ClientError` says that there is no such object (in a bucket that is there)."""
    return code_of(error) in _MISSING


@contextmanager
def understood(address: StoreAddress, operation: str, path: str = "") -> Iterator[None]:
    """Turn what boto3 raises in this block into what to do about it.

    Raises:
        StoreRefused: A person must change something.
        StoreUnreachable: It may work later.
    """
    from boto3.exceptions import Boto3Error
    from botocore import exceptions as raised

    try:
        yield
    except raised.ClientError as error:
        raise _meaning(error, address, operation, path) from None
    except (raised.HTTPClientError, raised.IncompleteReadError, Boto3Error) as error:
        raise StoreUnreachable(
            f"{address} cannot be reached ({_brief(error)}); what is here is kept, run the command again"
        ) from None
    except (raised.BotoCoreError, ValueError) as error:
        raise StoreRefused(
            f"{address} cannot be opened ({_brief(error)}); set credentials, region or endpoint as for the AWS "
            "command line (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL)"
        ) from None


def _meaning(error: Any, address: StoreAddress, operation: str, path: str) -> StoreRefused | StoreUnreachable:
    code, answer = code_of(error), error.response
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    what = f"{operation} {path}".strip()
    if code == "NoSuchBucket":
        return StoreRefused(f"bucket {address.bucket} does not exist; create it, or correct {address}")
    if code in _REGION or status == 301:
        region = answer.get("Error", {}).get("Region") or answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(
            "x-amz-bucket-region", "another one"
        )
        return StoreRefused(f"bucket {address.bucket} is not in this region but in {region}; set AWS_REGION")
    if code in _LOGIN:
        return StoreRefused(f"{address} does not take these credentials ({code}); renew them")
    if status >= 500 or code in _BUSY:
        return StoreUnreachable(
            f"{address} is out of order ({status} {code} to {what}); what is here is kept, run the command again"
        )
    if code in _RIGHTS or status == 403:
        return StoreRefused(
            f"{address} refuses {what} ({code}); the credentials need s3:ListBucket on the bucket, and s3:GetObject, "
            "s3:PutObject and s3:DeleteObject below the prefix"
        )
    message = answer.get("Error", {}).get("Message", "")
    return StoreRefused(f"{address} refuses {what} ({status} {code} {message}); is it a store that speaks S3?")


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
