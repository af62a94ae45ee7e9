"""From a provider's reply to the router's words: an answer, or a failure of one category.

Bytes become JSON (`body`), JSON a completion (`answers`, `usage`) or an error (`error_body`), an error a row of the
table (`error_table`), with the time that the provider asks for (`waits`) and whether it is charged (`router.charges`).
This worker's keys are taken out of a body before any of it is read or shortened, and what looks like a key out of
each text that is kept beside the answer (`secrets`).
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType

import httpx
import orjson
from pydantic import JsonValue

from router.charges import Charge, ChargeRules
from router.dialects.dialect import Dialect
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName
from router.errors import Answer, UpstreamFailure
from schemas.requests import JsonObject
from schemas.responses import Choice, Usage
from schemas.vocabulary import AttemptOutcome
from streams.providers.answers import (
    ReadChoice,
    completion_in,
    read_choices,
    texts_of,
    with_exact_arguments,
)
from streams.providers.body import LONG_INTEGER, MAX_TEXT_CHARS, BodyTooLarge, UnreadableBody, parsed, text_of, unpacked
from streams.providers.error_body import ErrorBody, read_error
from streams.providers.error_table import is_success, row_of
from streams.providers.exchange import Reply
from streams.providers.message_parts import name_of
from streams.providers.secrets import Scrubber
from streams.providers.usage import read_usage
from streams.providers.waits import wait_s

DETAIL_CHARS = 500
"""Of what a provider says, so much is kept."""
MAX_UNPACKED_BYTES = 67_108_864

CHAT_COMPLETIONS = DIALECTS[DialectName.CHAT]

ERROR_OUTCOMES: tuple[tuple[type[httpx.RequestError], AttemptOutcome], ...] = (
    (httpx.ConnectError, AttemptOutcome.UNREACHABLE),
    (httpx.ConnectTimeout, AttemptOutcome.UNREACHABLE),
    (httpx.ProxyError, AttemptOutcome.UNREACHABLE),
    (httpx.TimeoutException, AttemptOutcome.TIMEOUT),
    (httpx.RemoteProtocolError, AttemptOutcome.MALFORMED),
    (httpx.RequestError, AttemptOutcome.DISCONNECTED),
)
"""The first class that fits. Only what is unreachable has certainly not been sent."""

_AWS_ERROR, _AWS_REQUEST = "x-amzn-errortype", "x-amzn-requestid"
"""Headers in which AWS names an exception and a call, which its bodies do not. Source: AWS JSON 1.1 and REST JSON
protocols, smithy.io."""

WAITED_FOR = frozenset({AttemptOutcome.RATE_LIMITED, AttemptOutcome.UNAVAILABLE, AttemptOutcome.TIMEOUT})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class OutcomeReader:
    """Reads what came of a call to a provider."""

    def __init__(
        self,
        scrub: Scrubber | None = None,
        dialect: Dialect = CHAT_COMPLETIONS,
        charges: ChargeRules | None = None,
    ) -> None:
        self._scrub = scrub or Scrubber()
        self._dialect = dialect
        self._charges = charges or ChargeRules(())
        self._completion = dialect.completion

    def from_exception(
        self, error: httpx.RequestError, timeout_s: float | None = None, *, is_cut_short: bool = False
    ) -> UpstreamFailure:
        """Return what an error of the transport means. Its text is not passed on unless it is the transport's own.

        Args:
            error: what the transport raised.
            timeout_s: how long the call might take.
            is_cut_short: it was the request's deadline that left no more.
        """
        outcome = next(outcome for kind, outcome in ERROR_OUTCOMES if isinstance(error, kind))
        reason = getattr(error, "reason", None)
        detail = reason if isinstance(reason, str) else type(error).__name__
        is_cut_short &= outcome is AttemptOutcome.TIMEOUT
        if outcome is AttemptOutcome.TIMEOUT and timeout_s is not None:
            detail = f"no whole answer in {timeout_s:.3g} s"
            detail += ", all that the request's deadline left" if is_cut_short else ""
        elif outcome is AttemptOutcome.UNREACHABLE:
            detail = f"no connection: {detail}" if isinstance(reason, str) else "no connection"
        return self._sealed(
            UpstreamFailure(
                outcome,
                detail,
                charge=self._charges.of(outcome),
                is_cut_short=is_cut_short,
            )
        )

    def from_reply(self, reply: Reply, now_s: float) -> Answer | UpstreamFailure:
        """Return what a whole HTTP response means, whatever it holds. Seconds are since 1970. Raises nothing."""
        if (content := self._scrub.body(reply.content)) is not reply.content:
            reply = replace(reply, content=content)
        result = self._answered(reply, now_s) if is_success(reply.status_code) else self._refused(reply, now_s)
        return result if isinstance(result, Answer) else self._sealed(result)

    def unread(self, outcome: AttemptOutcome, why: str) -> UpstreamFailure:
        """Return what a reply means that could not be read; what it says is shortened, and holds no secret."""
        return self._sealed(UpstreamFailure(outcome, why, charge=self._charges.of(outcome)))

    def said(self, text: str) -> str:
        """Return what a provider says, shortened and without secrets."""
        clean = self._scrub(text)
        return clean if len(clean) <= DETAIL_CHARS else f"{clean[: DETAIL_CHARS - 1]}…"

    def _sealed(self, failure: UpstreamFailure) -> UpstreamFailure:
        return replace(failure, detail=self.said(failure.detail))

    def _answered(self, reply: Reply, now_s: float) -> Answer | UpstreamFailure:
        status = reply.status_code
        if reply.is_cut:
            return self._too_large(f"the body is larger than the {len(reply.content)} bytes that are read", status)
        try:
            value = self._value_of(reply)
        except BodyTooLarge as reason:
            return self._too_large(str(reason), status)
        except UnreadableBody as reason:
            return self._malformed(str(reason), status)
        completion = completion_in(self._completion(value))
        choices = [self._clean(choice) for choice in read_choices(completion)]
        if not choices:
            completion, choices = self._in_another_dialect(value, completion)
        if choices and choices[0].message.tool_calls and LONG_INTEGER.search(reply.content):
            choices = with_exact_arguments(choices, self._completion(self._value_of(reply, exact=True)))
        usage = self._usage_of(completion, choices)
        main = choices[0] if choices else None
        if main is None or (not main.is_usable and not main.is_withheld):
            return self._error_inside(reply, value, main, usage, now_s)
        if main.is_withheld:
            return UpstreamFailure(
                AttemptOutcome.CONTENT_FILTERED,
                f"the answer was withheld: finish_reason {main.finish_reason}",
                status_code=status,
                charge=self._charges.of(AttemptOutcome.CONTENT_FILTERED, status),
                usage=usage,
            )
        return Answer(
            main.message,
            main.finish_reason,
            self._name_of(completion.get("model")),
            self._name_of(completion.get("id") or reply.headers.get(_AWS_REQUEST)),
            usage,
            main.logprobs,
            () if len(choices) == 1 else _others(choices),
        )

    def _in_another_dialect(self, value: JsonValue, unread: JsonObject) -> tuple[JsonObject, list[ReadChoice]]:
        """Return the completion of a reply in another dialect than was asked for, as gateways pass it on."""
        within = [inner for name in ("result", "data", "response") if isinstance(inner := unread.get(name), dict)]
        for found in (value, *within):
            for dialect in DIALECTS.values():
                read = dialect.completion(found)
                if read is not found and isinstance(read, dict) and (choices := read_choices(read)):
                    return read, [self._clean(choice) for choice in choices]
        return unread, []

    def _error_inside(
        self, reply: Reply, value: JsonValue, main: ReadChoice | None, usage: Usage | None, now_s: float
    ) -> UpstreamFailure:
        """Return what a 2xx means that holds no answer: the error that it holds, or else it is malformed."""
        told = main.error if main is not None and main.error is not None else _without_choices(value)
        error = read_error(told)
        row = row_of(self._dialect.name, error.status or reply.status_code, error)
        broken_off = main is not None and main.is_broken_off
        if row is None and broken_off:
            why = error.text or f"finish_reason {main.finish_reason if main else None}"
            return UpstreamFailure(
                AttemptOutcome.UNAVAILABLE,
                f"HTTP {reply.status_code} with an error in it: {why}",
                status_code=reply.status_code,
                charge=_begun(self._charges.of(AttemptOutcome.UNAVAILABLE, reply.status_code, error_body=True)),
                usage=usage,
            )
        if row is None or not (error.text or error.codes):
            return self._malformed(_what_is_missing(value, main, error), reply.status_code, usage)
        status = error.status or reply.status_code
        charge = self._charges.of(row.outcome, status, error_body=True)
        return UpstreamFailure(
            row.outcome,
            f"HTTP {reply.status_code} with an error in it: {error.text or ', '.join(sorted(error.codes))}",
            status_code=status,
            retry_after_s=self._wait(row.outcome, reply, told, error, now_s),
            charge=_begun(charge) if broken_off else charge,
            usage=usage,
            is_final=row.is_final,
        )

    def _refused(self, reply: Reply, now_s: float) -> UpstreamFailure:
        status = reply.status_code
        try:
            content = self._unpacked(reply)
        except UnreadableBody:
            content = b""
        try:
            body = text_of(content[:MAX_TEXT_CHARS]) if reply.is_cut else parsed(content)
        except UnreadableBody:
            body = text_of(content[:MAX_TEXT_CHARS])
        error = read_error(body)
        if (exception := reply.headers.get(_AWS_ERROR)) is not None:
            error = replace(error, codes=error.codes | {exception.partition(":")[0].lower()})
        is_json = isinstance(body, dict | list)
        row = row_of(self._dialect.name, status, error)
        outcome = row.outcome if row else AttemptOutcome.UNAVAILABLE
        said = error.text or ", ".join(sorted(error.codes)) or "the provider says no more"
        if location := reply.headers.get("location") if status in range(300, 400) else None:
            said = f"it redirects to {self._scrub(location)[:200]}; base_url is to be mended"
        return UpstreamFailure(
            outcome,
            f"HTTP {status}: {said}",
            status_code=status,
            retry_after_s=self._wait(outcome, reply, body, error, now_s),
            charge=self._charges.of(outcome, status, error_body=is_json and bool(error.text or error.codes)),
            usage=self._usage_of(completion_in(self._completion(body)), []) if is_json else None,
            is_final=bool(row and row.is_final),
        )

    def _too_large(self, why: str, status: int) -> UpstreamFailure:
        """Return what ends a call whose answer is too large: the request's doing, not the model's."""
        detail = f"{why}; ask for less: lower max_tokens or top_logprobs, or raise TURNOUT_MAX_MESSAGE_BYTES"
        charge = self._charges.of(AttemptOutcome.ANSWER_TOO_LARGE, status)
        return UpstreamFailure(AttemptOutcome.ANSWER_TOO_LARGE, detail, status_code=status, charge=charge)

    def _malformed(self, why: str, status: int, usage: Usage | None = None) -> UpstreamFailure:
        charge = self._charges.of(AttemptOutcome.MALFORMED, status)
        return UpstreamFailure(AttemptOutcome.MALFORMED, why, status_code=status, charge=charge, usage=usage)

    def _wait(
        self, outcome: AttemptOutcome, reply: Reply, body: JsonValue, error: ErrorBody, now_s: float
    ) -> float | None:
        if outcome not in WAITED_FOR:
            return None
        status = reply.status_code
        heeded = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        headers = {name.lower(): value for name, value in reply.headers.items()} if heeded else _NO_HEADERS
        return wait_s(headers, body, error.own_words, now_s)

    def _value_of(self, reply: Reply, *, exact: bool = False) -> JsonValue:
        """Return the body of a reply as JSON. Of what is plain JSON no header is looked at."""
        if not exact:
            try:
                return orjson.loads(reply.content)  # type: ignore[no-any-return]  # JSON is what it returns
            except orjson.JSONDecodeError:
                pass
        return parsed(self._unpacked(reply), reply.headers.get("content-type", ""), exact=exact)

    def _unpacked(self, reply: Reply) -> bytes:
        coding = self._scrub(reply.headers.get("content-encoding", ""))
        return self._scrub.body(unpacked(reply.content, coding, MAX_UNPACKED_BYTES))

    def _usage_of(self, completion: JsonObject, choices: list[ReadChoice]) -> Usage | None:
        usage = read_usage(completion, lambda: texts_of(choices)) if completion else None
        if usage is None or usage.service_tier is None:
            return usage
        return usage.model_copy(update={"service_tier": self._scrub(usage.service_tier)})

    def _name_of(self, value: JsonValue) -> str | None:
        name = name_of(value)
        return None if name is None else self._scrub(name)

    def _clean(self, choice: ReadChoice) -> ReadChoice:
        reason = choice.finish_reason
        if reason is None or (clean := self._scrub(reason)) == reason:
            return choice
        return replace(choice, finish_reason=clean)


def _begun(charge: Charge) -> Charge:
    """Return what an answer costs that had begun: what is free of charge speaks of calls that were refused."""
    return Charge.UNKNOWN if charge is Charge.FREE else charge


def _others(choices: list[ReadChoice]) -> tuple[Choice, ...]:
    return tuple(sorted((choice.as_choice() for choice in choices[1:]), key=lambda choice: choice.index))


def _without_choices(value: JsonValue) -> JsonValue:
    """Return what a reply says beside its answer."""
    if not isinstance(value, dict):
        return value
    read: JsonObject = {name: inner for name, inner in value.items() if name not in ("choices", "usage", "id", "model")}
    return read


def _what_is_missing(value: JsonValue, main: ReadChoice | None, error: ErrorBody) -> str:
    if main is not None:
        return "the answer is empty"
    said = f": {error.text}" if error.text else ""
    if not isinstance(value, dict):
        return f"the body is no JSON object{said}"
    return f"choices: {'empty' if value.get('choices') == [] else 'missing'}{said}"
