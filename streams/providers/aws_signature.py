"""Signs requests in AWS's manner, Signature Version 4, with nothing but hashes.

Source: docs.aws.amazon.com, IAM, "Create a signed AWS API request".
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import SecretStr

ALGORITHM = "AWS4-HMAC-SHA256"
S3 = "s3"
"""The one service whose paths are signed as they are sent, and that wants the hash of the body as a header."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key. The session token goes with temporary ones."""

    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None

    @classmethod
    def parsed(cls, key: SecretStr) -> "AwsKey | None":
        """Return `ID:SECRET` or `ID:SECRET:TOKEN` as a key; None for any other text, which is a bearer token."""
        access_key_id, *rest = key.get_secret_value().split(":")
        if not rest:
            return None
        secret, *token = rest
        return cls(access_key_id, SecretStr(secret), SecretStr(":".join(token)) if token else None)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    key: AwsKey
    region: str
    service: str

    def headers(self, method: str, url: str, headers: dict[str, str], body: bytes, now_s: float) -> dict[str, str]:
        """Return the headers that prove who sends the request.

        Args:
            method: of the request, in capitals.
            url: as it is sent, percent-encoded.
            headers: those to sign beside `host` and the date, names in lower case.
            body: of the request.
            now_s: seconds since 1970.
        """
        stamp = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        parts = urlsplit(url)
        digest = hashlib.sha256(body).hexdigest()
        signed = {**headers, "host": parts.netloc, "x-amz-date": stamp}
        if self.service == S3:
            signed["x-amz-content-sha256"] = digest
        if self.key.session_token is not None:
            signed["x-amz-security-token"] = self.key.session_token.get_secret_value()
        names = ";".join(sorted(signed))
        pairs = sorted(
            (quote(name, "~"), quote(value, "~")) for name, value in parse_qsl(parts.query, keep_blank_values=True)
        )
        canonical = "\n".join(
            (
                method,
                parts.path if self.service == S3 else quote(parts.path or "/", "/~"),  # else encoded once more
                "&".join(f"{name}={value}" for name, value in pairs),
                "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed)),
                names,
                digest,
            )
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        proof = f"AWS4{self.key.secret_access_key.get_secret_value()}".encode()
        for part in (*scope.split("/"), to_sign):
            proof = hmac.new(proof, part.encode(), hashlib.sha256).digest()
        credential = f"{ALGORITHM} Credential={self.key.access_key_id}/{scope}"
        dated = {name: value for name, value in signed.items() if name.startswith("x-amz-")}
        return {**dated, "authorization": f"{credential}, SignedHeaders={names}, Signature={proof.hex()}"}
