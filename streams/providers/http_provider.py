"""Calls providers over HTTP, each in its dialect. One call, no retry: retries are the session's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import orjson
from pydantic import SecretStr

from router.catalogue import Model
from router.dialects.dialect import Asked, Dialect
from router.dialects.registry import DIALECTS
from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from schemas.requests import Request
from streams.config.charges import charge_rules
from streams.providers.endpoints import Endpoint
from streams.providers.outcomes import OutcomeReader, Reply
from streams.providers.secrets import Scrubber


class HttpProvider:
    """The providers of a catalogue behind one transport.

    It is spoken to without httpx's client, whose cookies, redirects and authentication are not needed here.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, endpoints: Mapping[str, Endpoint], clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._endpoints = endpoints
        self._targets: dict[str, _Target] = {}
        keys = (endpoint.api_key for endpoint in endpoints.values())
        self._scrub = Scrubber(key.get_secret_value() for key in keys if key is not None)

    def renew(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Use these from the next call on: a key may have been replaced."""
        self._endpoints = endpoints
        self._targets.clear()
        keys = (endpoint.api_key for endpoint in endpoints.values())
        self._scrub.learn(key.get_secret_value() for key in keys if key is not None)

    async def call(self, request: Request, call: Call, trace: Mapping[str, str]) -> Answer | UpstreamFailure:
        """Make the call. Blocks for `call.timeout_s` at the most; raises nothing that the network may cause.

        The event id goes along as `Idempotency-Key`: a provider that honours it charges a call once.
        """
        model = call.model
        target = self._target(model)
        asked = Asked(request, model.upstream_name, call.max_tokens, model.wire)
        http_request = httpx.Request(
            "POST",
            target.url,
            headers={**target.headers, "idempotency-key": call.started.event_id, **trace},
            content=orjson.dumps(target.dialect.body(asked)),
            extensions={"timeout": {"read": call.timeout_s}},  # this transport takes it as the time for everything
        )
        try:
            response = await self._transport.handle_async_request(http_request)
            content = await _content_of(response)
        except httpx.RequestError as error:
            is_cut_short = call.timeout_s < model.timeout_s
            return target.outcomes.from_exception(error, call.timeout_s, is_cut_short=is_cut_short)
        is_cut = bool(response.extensions.get("is_cut"))
        return target.outcomes.from_reply(
            Reply(response.status_code, response.headers, content, is_cut=is_cut), self._clock()
        )

    def _target(self, model: Model) -> "_Target":
        """Return how the model is called and read."""
        target = self._targets.get(model.name)
        if target is None:
            dialect, endpoint = DIALECTS[model.wire.dialect], self._endpoints[model.provider_name]
            url = httpx.URL(f"{endpoint.base_url}{dialect.path(model.upstream_name)}")
            charges = charge_rules(model.provider_name, endpoint.charges)
            outcomes = OutcomeReader(self._scrub, dialect, charges)
            headers = _standing_headers(dialect, endpoint.api_key)
            target = self._targets[model.name] = _Target(url, headers, dialect, outcomes)
        return target


@dataclass(frozen=True, slots=True)
class _Target:
    """What every call of one model has in common."""

    url: httpx.URL
    headers: Mapping[str, str]
    dialect: Dialect
    outcomes: OutcomeReader


async def _content_of(response: httpx.Response) -> bytes:
    """Return the body as it came: httpx's own ways to read it would unpack it, without a bound."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport is not asynchronous")
    return b"".join([chunk async for chunk in response.stream])


def _standing_headers(dialect: Dialect, api_key: SecretStr | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
    headers |= dialect.standing_headers
    if api_key is not None:
        key = api_key.get_secret_value()
        headers[dialect.key_header] = f"Bearer {key}" if dialect.key_header == "authorization" else key
    return headers
