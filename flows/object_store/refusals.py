"""What the store's errors mean, in words that say what to do. Neither keys nor signatures are among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.object_store.address import StoreAddress
from flows.object_store.errors import StoreRefused, StoreUnreachable

CONFLICTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict", "OperationAborted"}
"""A condition did not hold, or somebody wrote the same object at the same moment."""

_MISSING = {"404", "NoSuchKey", "NotFound"}
_BUSY = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"}

_CREDENTIALS = "{address} does not take these credentials ({code}); renew them"
_REGION = "bucket {bucket} is not in this region but in {region}; set AWS_REGION"
_RIGHTS = (
    "{address} refuses {what} ({code}); the credentials need s3:ListBucket on the bucket, and s3:GetObject, "
    "s3:PutObject and s3:DeleteObject below the prefix"
)
_OTHERWISE = "{address} refuses {what} ({status} {code} {message}); is it a store that speaks S3?"
_ADVICE = {
    "NoSuchBucket": "bucket {bucket} does not exist; create it, or correct {address}",
    "RequestTimeTooSkewed": "{address} finds this machine's time wrong; set this machine's clock",
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "AccessDenied": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AccountProblem": _RIGHTS,
    "403": _RIGHTS,
}


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
    except (raised.HTTPClientError, raised.ConnectionError, raised.IncompleteReadError, Boto3Error) as error:
        raise StoreUnreachable(
            f"{address} cannot be reached ({_brief(error)}); what is here is kept, run the command again"
        ) from None
    except (raised.BotoCoreError, ValueError) as error:
        raise StoreRefused(
            f"{address} cannot be opened ({_brief(error)}); set credentials, region or endpoint as for the AWS "
            "command line (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL)"
        ) from None


def _meaning(error: Any, address: StoreAddress, operation: str, path: str) -> StoreRefused | StoreUnreachable:
    code, told, about = code_of(error), error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    facts = {
        "address": address,
        "bucket": address.bucket,
        "code": code,
        "status": status,
        "what": f"{operation} {path}".strip(),
        "region": told.get("Region") or about.get("HTTPHeaders", {}).get("x-amz-bucket-region", "another one"),
        "message": told.get("Message", ""),
    }
    if code in _BUSY or (status >= 500 and status != 501):
        line = "{address} is out of order ({status} {code} to {what}); what is here is kept, run the command again"
        return StoreUnreachable(line.format(**facts))
    return StoreRefused(_ADVICE.get(code, _ADVICE.get(str(status), _OTHERWISE)).format(**facts))


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
