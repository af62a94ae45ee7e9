"""Calls a provider that speaks OpenAI's chat completions. One call, no retry: retries are the session's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import orjson
from pydantic import SecretStr

from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from schemas.requests import JsonObject, Request
from streams.providers.outcomes import from_exception, from_response


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is, and the key to it."""

    base_url: str
    api_key: SecretStr | None


class ChatCompletions:
    """The providers of a catalogue behind one transport.

    It is spoken to without httpx's client, whose cookies, redirects and authentication nobody here needs.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, endpoints: Mapping[str, Endpoint], clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._urls = {name: httpx.URL(f"{endpoint.base_url}/chat/completions") for name, endpoint in endpoints.items()}
        self._headers = {name: _standing_headers(endpoint.api_key) for name, endpoint in endpoints.items()}

    async def call(self, request: Request, call: Call, trace: Mapping[str, str]) -> Answer | UpstreamFailure:
        """Make the call. Blocks for `call.timeout_s` at the most; raises nothing that the network may cause.

        The event id goes along as `Idempotency-Key`: a provider that honours it charges a call once.
        """
        provider = call.model.provider_name
        http_request = httpx.Request(
            "POST",
            self._urls[provider],
            headers={**self._headers[provider], "idempotency-key": call.started.event_id, **trace},
            content=orjson.dumps(body_of(request, call)),
            extensions={"timeout": {"read": call.timeout_s}},  # this transport takes it as the time for everything
        )
        try:
            response = await self._transport.handle_async_request(http_request)
            body = await response.aread()
        except httpx.RequestError as error:
            return from_exception(error)
        return from_response(response.status_code, response.headers, body, self._clock())


def body_of(request: Request, call: Call) -> JsonObject:
    """Return the request in OpenAI's form."""
    body: JsonObject = {
        **request.parameters,
        "model": call.model.name,
        "messages": request.chat_messages(),  # type: ignore[dict-item]  # a list is invariant, JSON is not
        "max_completion_tokens": call.max_tokens,
    }
    for name in ("temperature", "tools", "tool_choice", "response_format"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    return body


def _standing_headers(api_key: SecretStr | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
    if api_key is not None:
        headers["authorization"] = f"Bearer {api_key.get_secret_value()}"
    return headers
