"""Calls a provider that speaks OpenAI's chat completions. One call, no retry: retries are the session's."""

from collections.abc import Callable, Mapping

import httpx
import orjson
from pydantic import SecretStr

from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from schemas.requests import JsonObject, Request
from streams.config.charges import charge_rules
from streams.providers.endpoints import Endpoint
from streams.providers.outcomes import OutcomeReader, Reply
from streams.providers.secrets import Scrubber

_NEVER_NULL = ("tool_calls", "function_call", "audio", "refusal", "annotations", "reasoning_content", "name")
"""Fields of an assistant's message that providers refuse when they are null."""


class ChatCompletions:
    """The providers of a catalogue behind one transport.

    It is spoken to without httpx's client, whose cookies, redirects and authentication are not needed here.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, endpoints: Mapping[str, Endpoint], clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._urls = {name: httpx.URL(f"{endpoint.base_url}/chat/completions") for name, endpoint in endpoints.items()}
        self._headers = {name: _standing_headers(endpoint.api_key) for name, endpoint in endpoints.items()}
        keys = (endpoint.api_key for endpoint in endpoints.values())
        scrub = Scrubber(key.get_secret_value() for key in keys if key is not None)
        self._outcomes = {
            name: OutcomeReader(scrub, charges=charge_rules(name, endpoint.charges))
            for name, endpoint in endpoints.items()
        }

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
            content = await _content_of(response)
        except httpx.RequestError as error:
            is_cut_short = call.timeout_s < call.model.timeout_s
            return self._outcomes[provider].from_exception(error, call.timeout_s, is_cut_short=is_cut_short)
        is_cut = bool(response.extensions.get("is_cut"))
        return self._outcomes[provider].from_reply(
            Reply(response.status_code, response.headers, content, is_cut=is_cut), self._clock()
        )


def body_of(request: Request, call: Call) -> JsonObject:
    """Return the request in OpenAI's form."""
    body: JsonObject = {
        **request.parameters,
        "model": call.model.name,
        "messages": [_sendable(message) for message in request.chat_messages()],
        "max_completion_tokens": call.max_tokens,
    }
    for name in ("temperature", "tools", "tool_choice", "response_format"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    return body


def _sendable(message: JsonObject) -> JsonObject:
    """Return a message without what no provider takes: nulls, and the `extra` of a response's own message."""
    if message.get("role") != "assistant":
        return message
    return {
        name: value
        for name, value in message.items()
        if name != "extra" and (value is not None or name not in _NEVER_NULL)
    }


async def _content_of(response: httpx.Response) -> bytes:
    """Return the body as it came: httpx's own ways to read it would unpack it, without a bound."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport is not asynchronous")
    return b"".join([chunk async for chunk in response.stream])


def _standing_headers(api_key: SecretStr | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
    if api_key is not None:
        headers["authorization"] = f"Bearer {api_key.get_secret_value()}"
    return headers
