"""How each model is reached: its address, the dialect spoken there, and how every call proves who makes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from router.catalogue import Model
from router.dialects.dialect import Dialect
from router.dialects.registry import DIALECTS, EMBEDDINGS
from router.dialects.wire import DialectName
from streams.config.charges import charge_rules
from streams.providers.aws_signature import AwsKey, Signer
from streams.providers.endpoints import Endpoint
from streams.providers.outcomes import OutcomeReader
from streams.providers.secrets import Scrubber

BEDROCK = "bedrock"
"""The name of the service in a signature."""


@dataclass(frozen=True, slots=True)
class Target:
    """What every call of one model has in common."""

    address: str
    headers: Mapping[str, str]
    dialect: Dialect
    outcomes: OutcomeReader
    signer: Signer | None = None
    """Signs each call, where no header can prove all of them."""

    def signed(self, content: bytes, now_s: float) -> Mapping[str, str]:
        """Return the headers of a call with this body. Seconds are since 1970."""
        if self.signer is None:
            return self.headers
        signed = {"content-type": self.headers["content-type"]}
        return {**self.headers, **self.signer.headers("POST", self.address, signed, content, now_s)}


def target_of(model: Model, endpoint: Endpoint, scrub: Scrubber) -> Target:
    """Return how a model is reached."""
    dialect = EMBEDDINGS if model.embeds else DIALECTS[model.wire.dialect]
    url = httpx.URL(f"{endpoint.base_url}{dialect.path(model.upstream_name)}")
    if endpoint.api_version is not None:
        url = url.copy_set_param("api-version", endpoint.api_version)
    outcomes = OutcomeReader(scrub, dialect, charge_rules(model.provider_name, endpoint.charges))
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        **dialect.standing_headers,
    }
    key = endpoint.api_key
    if key is not None and dialect.name is DialectName.BEDROCK and (aws_key := AwsKey.parsed(key)) is not None:
        return Target(str(url), headers, dialect, outcomes, Signer(aws_key, endpoint.region or "us-east-1", BEDROCK))
    if key is not None:
        value = key.get_secret_value()
        headers[dialect.key_header] = f"Bearer {value}" if dialect.key_header == "authorization" else value
    return Target(str(url), headers, dialect, outcomes)
