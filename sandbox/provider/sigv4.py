"""Checks requests that are signed in AWS's manner, Signature Version 4.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, quote

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_SKEW = timedelta(minutes=5)
"""A signature is good for so long."""

_NAME = "[a-z0-9-]+"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=[A-Za-z0-9]+/(?P<date>[0-9]{{8}})/(?P<region>{_NAME})/(?P<service>{_NAME})/aws4_request,"
    rf" ?SignedHeaders=(?P<headers>{_NAME}(;{_NAME})*), ?Signature=(?P<signature>[0-9a-f]{{64}})"
)
_DATE = "%Y%m%dT%H%M%SZ"


class SignatureFault(StrEnum):
    """What is wrong, in AWS's words for it."""

    MISSING = "MissingAuthenticationTokenException"
    INCOMPLETE = "IncompleteSignatureException"
    WRONG = "InvalidSignatureException"


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as it was signed: the path and the query as they were sent, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def check(request: Signed, service: str, secret: str | None, now: datetime) -> SignatureFault | None:
    """Return what is wrong with the signature. Without a secret its form is looked at, with one all of it."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return SignatureFault.MISSING
    parts = _AUTHORIZATION.fullmatch(authorization)
    stamp = request.headers.get("x-amz-date", "")
    if parts is None or not re.fullmatch("[0-9]{8}T[0-9]{6}Z", stamp) or not stamp.startswith(parts["date"]):
        return SignatureFault.INCOMPLETE
    if parts["service"] != service or "host" not in parts["headers"].split(";"):
        return SignatureFault.INCOMPLETE
    if secret is None:
        return None
    if abs(datetime.strptime(stamp, _DATE).replace(tzinfo=UTC) - now) > LONGEST_SKEW:
        return SignatureFault.WRONG
    scope = f"{parts['date']}/{parts['region']}/{service}/aws4_request"
    expected = sign(request, parts["headers"].split(";"), scope, secret)
    return None if hmac.compare_digest(expected, parts["signature"]) else SignatureFault.WRONG


def sign(request: Signed, signed_headers: list[str], scope: str, secret: str) -> str:
    """Return the signature, 64 hexadecimal digits; `scope` is `<date>/<region>/<service>/aws4_request`."""
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed_headers)
    pairs = sorted(
        (quote(name, "~"), quote(value, "~")) for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    canonical = "\n".join(
        (
            request.method,
            # The path that was sent is encoded once more, for every service but S3.
            quote(request.path, "/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(signed_headers),
            request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
