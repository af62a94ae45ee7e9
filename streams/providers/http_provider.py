"""Calls providers over HTTP, each in its dialect. One call, no retry: retries are the session's."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import httpx
import orjson

from router.charges import Charge
from router.dialects.dialect import Asked
from router.errors import Answer, UpstreamFailure
from router.prompt_caching.marking import prepared
from router.request.session import Call
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome
from streams.providers.endpoints import Endpoint, keys_of
from streams.providers.exchange import Outgoing
from streams.providers.rate_headers import told_limits
from streams.providers.secrets import Scrubber
from streams.providers.targets import Target, target_of
from streams.providers.transport import exchange_of


class HttpProvider:
    """The providers of a catalogue behind one transport.

    It is spoken to without httpx's client, whose cookies, redirects and authentication are not needed here.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, endpoints: Mapping[str, Endpoint], clock: Callable[[], float]
    ) -> None:
        self._exchange = exchange_of(transport)
        self._clock = clock
        self._endpoints = endpoints
        self._targets: dict[tuple[str, str | None], Target] = {}
        self._scrub = Scrubber(keys_of(endpoints))
        self._listeners: list[Callable[[str, str], None]] = []

    def tell_replaced_keys(self, tell: Callable[[str, str], None]) -> None:
        """Tell from now on which accounts have another key: provider and account."""
        self._listeners.append(tell)

    def renew(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Use these from the next call on: a key may have been replaced."""
        before, self._endpoints = self._endpoints, endpoints
        self._targets.clear()
        self._scrub.learn(keys_of(endpoints))
        for provider, endpoint in endpoints.items():
            for account, key in endpoint.account_keys.items():
                if before[provider].account_keys[account] != key:
                    for tell in self._listeners:
                        tell(provider, account)

    async def call(self, request: Request, call: Call, trace: Mapping[str, str]) -> Answer | UpstreamFailure:
        """Make the call. Blocks for `call.timeout_s` at the most; raises nothing that the network may cause.

        The event id goes along as `Idempotency-Key`: a provider that honours it charges a call once.
        """
        model = call.model
        target = self._targets.get((model.name, call.account))
        if target is None:
            target = target_of(model, self._endpoints[model.provider_name].of(call.account), self._scrub)
            self._targets[model.name, call.account] = target
        if call.prompt_cache is not None:
            request = prepared(request, call.prompt_cache, model.wire.dialect)
        asked = Asked(request, model.upstream_name, call.max_tokens, model.wire)
        body = orjson.dumps(target.dialect.body(asked))
        standing = target.signed(body, self._clock())
        own = (("idempotency-key", call.started.event_id), *trace.items())
        try:
            reply = await self._exchange(Outgoing("POST", target.address, own, body, call.timeout_s, standing))
        except httpx.RequestError as error:
            is_cut_short = call.timeout_s < model.timeout_s
            return target.outcomes.from_exception(error, call.timeout_s, is_cut_short=is_cut_short)
        result = target.outcomes.from_reply(reply, self._clock())
        if call.account is not None and (told := told_limits(reply.headers)):
            result = replace(result, told_limits=told)
        if model.embeds and isinstance(result, Answer):
            return _whole(result, len(request.inputs), reply.status_code)
        return result


def _whole(answer: Answer, count: int, status_code: int) -> Answer | UpstreamFailure:
    """Return the vectors if there is one for each input: without that none can be told whose it is."""
    found = len(answer.message.embeddings or ())
    if found == count:
        return answer
    detail = f"{found} vectors for {count} inputs"
    return UpstreamFailure(AttemptOutcome.MALFORMED, detail, status_code, charge=Charge.UNKNOWN, usage=answer.usage)
