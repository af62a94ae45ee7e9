"""Providers in memory: models that answer, fail, hang and charge, and the invoice of all that they charged.

They speak HTTP as OpenAI's chat completions and embeddings, over a transport for httpx, so that what a worker makes of
an answer, of a 429 or of a broken connection is its own. A call goes on, and is charged, whatever becomes of who made
it.
"""

import asyncio
import math
from asyncio import Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any

import httpx
import orjson

from tests.fakes.link import Link
from tests.fakes.loop import VirtualLoop

NANO_PER_TOKEN = 1000
"""A US dollar per million tokens, in nano-dollars a token."""


class Fate(StrEnum):
    """What becomes of one call."""

    ANSWER = "answer"
    WITHOUT_USAGE = "without_usage"
    MALFORMED = "malformed"
    ERROR = "error"
    """503, at once."""
    LIMITED = "limited"
    """429, with Retry-After."""
    UNAUTHORIZED = "unauthorized"
    """401."""
    REFUSED = "refused"
    """400."""
    UNREACHABLE = "unreachable"
    BROKEN_OFF = "broken_off"
    """The connection ends instead of an answer."""
    HANGS = "hangs"
    """No answer for ever."""


CHARGED = frozenset({Fate.ANSWER, Fate.WITHOUT_USAGE, Fate.MALFORMED, Fate.BROKEN_OFF, Fate.HANGS})
"""What was computed is charged, whether it arrives or not."""
STATUS = {Fate.ERROR: 503, Fate.LIMITED: 429, Fate.REFUSED: 400, Fate.UNAUTHORIZED: 401}
ERRORS_S = 0.05


@dataclass(slots=True)
class Character:
    """How a model is. What is left of the chances is an answer."""

    input_usd_per_mtok: int | Decimal
    output_usd_per_mtok: int | Decimal
    median_s: float = 0.5
    spread: float = 0.5
    """Of the logarithm of the time that an answer takes."""
    chances: dict[Fate, float] = field(default_factory=dict)
    requests_per_minute: int = 1_000_000
    retry_after_s: float = 2.0
    texts: list[str] = field(default_factory=list)
    """What it says first, a text a call; then `answer_text`."""
    finish_reason: str = "stop"


@dataclass(slots=True)
class KeyRules:
    """What the provider allows one key, in any minute of one model; None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    is_good: bool = True
    _calls: list[tuple[float, str, int]] = field(default_factory=list)

    def fate(self, model: str, tokens: int, now_s: float) -> Fate | None:
        """Count a call and return None, or return why it is not taken."""
        if not self.is_good:
            return Fate.UNAUTHORIZED
        self._calls = [entry for entry in self._calls if entry[0] > now_s - 60]
        of_model = [used for _, name, used in self._calls if name == model]
        if self.requests_per_minute is not None and len(of_model) >= self.requests_per_minute:
            return Fate.LIMITED
        if self.tokens_per_minute is not None and sum(of_model) + tokens > self.tokens_per_minute:
            return Fate.LIMITED
        self._calls.append((now_s, model, tokens))
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as the provider saw it; `ended_s` is when it was answered, or would have been."""

    key: str
    model: str
    caller: str
    began_s: float
    ended_s: float
    fate: Fate
    asked: Mapping[str, Any] = field(default_factory=dict)
    """The body."""
    shown: str | None = None
    """The key that it was made with."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the invoice."""

    at_s: float
    key: str
    nano_usd: int
    shown: str | None = None
    """Whom it is charged to: the key that the call was made with."""


Answer = tuple[int, Mapping[str, str], bytes] | httpx.RequestError


class Place(StrEnum):
    """Where usage tells tokens of a kind: as part of a larger count, or apart from it."""

    INSIDE = "inside"
    BESIDE = "beside"


@dataclass(slots=True)
class Providers:
    """All models, in the world. The kindest charge a call once by its key, and nothing for what fails at once."""

    loop: VirtualLoop
    random: Random
    models: dict[str, Character]
    honours_keys: bool = True
    charged_failures: frozenset[Fate] = frozenset()
    """What fails at once and is charged all the same."""
    reasoning: Place | None = None
    """Where the tokens of reasoning are told, of which each answer has some then; they are charged as output."""
    cached: Place | None = None
    """Where the tokens found in a cache are told, likewise; they are charged as input."""
    answer_text: str = "Certainly."
    refused_text: str = "\x00"
    """A call for an embedding of what holds it is refused."""
    error_text: str = ""
    """What errors say beside what they are."""
    keys: dict[str, KeyRules] = field(default_factory=dict)
    """If there are some, no other key is good."""
    calls: list[Call] = field(default_factory=list)
    invoice: list[Charge] = field(default_factory=list)
    on_call: list[Callable[[Call], None]] = field(default_factory=list)
    """Are told of every call when it comes."""
    _moments: dict[str, list[float]] = field(default_factory=dict)
    _charged: set[str] = field(default_factory=set)

    def call(self, body: bytes, key: str, caller: str, shown: str | None = None) -> "Future[Answer]":
        """Take a call, made with the key that is `shown`; the future is done when it is answered."""
        asked = orjson.loads(body)
        name = asked["model"]
        character, now_s = self.models[name], self.loop.time()
        fate = self._fate(name, character, now_s)
        if any(self.refused_text in text for text in _texts_to_embed(asked)):
            fate = Fate.REFUSED
        takes_s = character.median_s * math.exp(self.random.gauss(0, character.spread))
        usage = self._usage(asked)
        if self.keys:
            rules = self.keys.get(shown or "", KeyRules(is_good=False))
            fate = rules.fate(name, sum(usage), now_s) or fate
        if fate in {*STATUS, Fate.UNREACHABLE}:
            takes_s = ERRORS_S
        call = Call(key, name, caller, now_s, now_s + takes_s, fate, asked, shown)
        self.calls.append(call)
        for told in self.on_call:
            told(call)
        answered: Future[Answer] = self.loop.create_future()
        if fate in CHARGED or fate in self.charged_failures:
            self.loop.in_the_world(takes_s, self._charge, key, character, usage, shown)
        if fate is not Fate.HANGS:
            answer = self._answer(fate, character, call, len(self.calls), usage)
            self.loop.in_the_world(takes_s, _tell, answered, answer)
        return answered

    def _fate(self, name: str, character: Character, now_s: float) -> Fate:
        moments = [at_s for at_s in self._moments.get(name, ()) if at_s > now_s - 60]
        self._moments[name] = moments
        if len(moments) >= character.requests_per_minute:
            return Fate.LIMITED
        moments.append(now_s)
        luck = self.random.random()
        for fate, chance in character.chances.items():
            if luck < chance:
                return fate
            luck -= chance
        return Fate.ANSWER

    def _usage(self, asked: Mapping[str, object]) -> tuple[int, int]:
        """Return input and output tokens: a token for every four bytes, and an answer of any length that is allowed."""
        if texts := _texts_to_embed(asked):
            return sum(max(1, len(text) // 4) for text in texts), 0
        text = orjson.dumps(asked["messages"])
        longest = asked["max_completion_tokens"]
        assert isinstance(longest, int)
        return max(1, len(text) // 4), self.random.randint(1, longest)

    def _told(self, prompt: int, output: int) -> dict[str, object]:
        """Return the usage as it is told; what is charged is the same, wherever it stands."""
        told: dict[str, object] = {}
        if self.reasoning is not None or self.cached is not None:
            told["total_tokens"] = prompt + output
        if self.reasoning is not None and (thought := output // 3):
            told["completion_tokens_details"] = {"reasoning_tokens": thought}
            output -= thought if self.reasoning is Place.BESIDE else 0
        if self.cached is not None and (cached := prompt // 4):
            told["prompt_tokens_details"] = {"cached_tokens": cached}
            prompt -= cached if self.cached is Place.BESIDE else 0
        return told | {"prompt_tokens": prompt, "completion_tokens": output}

    def _charge(self, key: str, character: Character, usage: tuple[int, int], shown: str | None) -> None:
        if self.honours_keys and key in self._charged:
            return
        self._charged.add(key)
        dollars = usage[0] * character.input_usd_per_mtok + usage[1] * character.output_usd_per_mtok
        charge = Charge(self.loop.time(), key, round(dollars * NANO_PER_TOKEN), shown)  # half to even
        self.invoice.append(charge)

    def _answer(self, fate: Fate, character: Character, call: Call, number: int, usage: tuple[int, int]) -> Answer:
        match fate:
            case Fate.UNREACHABLE:
                return httpx.ConnectError(f"connection refused{self.error_text}")
            case Fate.BROKEN_OFF:
                return httpx.RemoteProtocolError(f"the peer has closed the connection{self.error_text}")
            case Fate.ERROR | Fate.LIMITED | Fate.REFUSED | Fate.UNAUTHORIZED:
                after = {"retry-after": f"{character.retry_after_s:.3f}"} if fate is Fate.LIMITED else {}
                return (
                    STATUS[fate],
                    after,
                    orjson.dumps({"error": {"message": f"{fate}{self.error_text}", "code": fate}}),
                )
            case Fate.MALFORMED:
                return 200, {}, f"<html>{self.error_text}".encode()
        if texts := _texts_to_embed(call.asked):
            vectors = [{"index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)]
            told = {"usage": {"prompt_tokens": usage[0]}} if fate is Fate.ANSWER else {}
            return 200, {}, orjson.dumps({"model": call.model, "data": vectors, **told})
        text = character.texts.pop(0) if character.texts else self.answer_text
        completion: dict[str, object] = {
            "id": f"c-{number}",
            "model": call.model,
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": character.finish_reason}],
        }
        if fate is Fate.ANSWER:
            completion["usage"] = self._told(*usage)
        return 200, {}, orjson.dumps(completion)


def _texts_to_embed(asked: Mapping[str, object]) -> list[str]:
    given = asked.get("input", [])
    assert isinstance(given, str | list)
    return [given] if isinstance(given, str) else given


def vector_of(text: str) -> list[float]:
    """Return the vector of a text: its length, and its first and last letter."""
    return [float(len(text)), float(ord(text[0])), float(ord(text[-1]))]


def _tell(answered: "Future[Answer]", answer: Answer) -> None:
    if not answered.done():
        answered.set_result(answer)


class MemoryTransport(httpx.AsyncBaseTransport):
    """One process's way to the providers."""

    def __init__(self, providers: Providers, link: Link) -> None:
        self._providers = providers
        self._link = link

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make the call.

        Raises:
            ConnectError: it could not be made.
            ReadTimeout: it takes longer than the request's extension `timeout` allows.
            RemoteProtocolError: the connection ended.
        """
        key = request.headers["idempotency-key"]
        shown = request.headers.get("authorization", "").removeprefix("Bearer ") or None
        answered = self._providers.call(await request.aread(), key, self._link.process.name, shown)
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                answer = await answered
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time") from None
        if isinstance(answer, httpx.RequestError):
            raise answer
        status, headers, body = answer
        return httpx.Response(status, headers=headers, content=body)
