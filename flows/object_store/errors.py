"""What can go wrong between a mirror and its store, and what the store's own errors mean.

FlowError
├── StoreRefused      2: no such bucket, no permission, no credentials, another region
├── StoreUnreachable  1: the network, or the store itself, after all retries
├── StoreDamaged      1: an object differs from its entry in the manifest
└── DataDirectoryBusy
    ├── StoreBusy     6: another run holds the store
    └── StoreChanged  6: another run has taken the store while this one worked
"""

import re

from flows.errors import DataDirectoryBusy, ExitCode, FlowError
from flows.store_address import StoreAddress


class StoreRefused(FlowError):
    """The store refuses, and would refuse again: a person must change something."""

    exit_code = ExitCode.USAGE


class StoreUnreachable(FlowError):
    """No attempt got a usable response: the store did not respond, or it failed."""


class StoreDamaged(FlowError):
    """An object is missing, or differs from its entry in the manifest."""


class StoreBusy(DataDirectoryBusy):
    """Another run, perhaps on another machine, holds the store."""


class StoreChanged(DataDirectoryBusy):
    """Another run has changed what this one was about to change."""


NO_BUCKET = "NoSuchBucket"

_BUSY = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "429"}

_OUT_OF_ORDER = "{address} is out of order ({reason}, to {request}); what is here is kept, run the command again"
_SETTINGS = (
    "{address} cannot be opened ({reason}); set credentials, region or endpoint as for the AWS "
    "command line (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL)"
)
_CREDENTIALS = "{address} does not take these credentials ({code}); renew them"
_REGION = "bucket {bucket} is not in this region{region}; set AWS_REGION"
_RIGHTS = (
    "{address} refuses {request} ({code}); the credentials need s3:ListBucket on the bucket, and s3:GetObject, "
    "s3:PutObject and s3:DeleteObject below the prefix"
)
_OTHERWISE = "{address} refuses {request} ({reason}); is it a store that speaks S3?"
_ADVICE = {
    NO_BUCKET: "bucket {bucket} does not exist; create it, or correct {address}",
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


def cannot_open(address: StoreAddress, reason: object) -> StoreRefused:
    """Credentials, region, endpoint or certificates cannot be used."""
    return StoreRefused(_SETTINGS.format(address=address, reason=str(reason).partition("\n")[0]))


def explained(text: str, address: StoreAddress, request: str) -> StoreRefused | StoreUnreachable:
    """What an error of obstore means, and what to do. Neither keys nor signatures are part of the sentence.

    obstore has no fields for the response's status and code, only a text with the response in it and the causes below.

    Args:
        text: The error.
        address: The store.
        request: What was asked of it.
    """
    if "AWS credential provider" in text:
        return cannot_open(address, text.partition("AWS credential provider: ")[2])
    if "InvalidCertificate" in text:
        return cannot_open(address, f"certificate not trusted: {_cause(text)}; AWS_CA_BUNDLE names who is trusted")
    found = re.search(r"status code: (\d{3})", text)
    status = "301" if "BareRedirect" in text else found[1] if found else ""
    if not status:
        return StoreUnreachable(
            f"{address} cannot be reached ({_cause(text)}); what is here is kept, run the command again"
        )
    response = _elements(text)
    code, region = response.get("Code", ""), response.get("Region")
    facts = {
        "address": address,
        "bucket": address.bucket,
        "code": code or status,
        "request": request,
        "region": f" but in {region}" if region else "",
        "reason": " ".join(filter(None, [status, code, response.get("Message")])),
    }
    if code in _BUSY or status in _BUSY or (status >= "500" and status != "501"):
        return StoreUnreachable(_OUT_OF_ORDER.format(**facts))
    return StoreRefused((_ADVICE.get(code) or _ADVICE.get(status) or _OTHERWISE).format(**facts))


def code_of(error: Exception) -> str:
    """The store's own code in the response; empty where it has none, as in responses to HEAD."""
    return _elements(str(error)).get("Code", "")


def _elements(text: str) -> dict[str, str]:
    return dict(re.findall(r"<(Code|Message|Region)>([^<\n]*)", text))


def _cause(text: str) -> str:
    """The cause below an error: the last sentence that it quotes, or else the last name in it."""
    line, _, causes = text.partition("Debug source:")
    quoted = re.findall(r'(?:message|error): "([^"]+)"', causes)
    named = re.findall(r"\b([A-Z][A-Za-z]+),", causes)
    return str([line.rpartition(" - ")[2].strip(), *named[-1:], *quoted[-1:]][-1])
