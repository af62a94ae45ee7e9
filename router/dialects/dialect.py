"""What a dialect is: how one vendor's API is asked, and how its answer reads in OpenAI's words.

Translation is pure, and the same function says what does not translate: planning translates a request for each
candidate that does not speak OpenAI's chat completions, and leaves out those that raise `Untranslatable`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from router.dialects.wire import OPENAI, DialectName, Wire
from schemas.requests import PROVIDER_PARAMETERS, JsonObject, Request


class Untranslatable(Exception):  # noqa: N818 - named after the candidate that it leaves out
    """The dialect has no words for something in the request. The text says for what, beginning with its field."""


class Asked(NamedTuple):  # one for each candidate of each request, as `router.route.Candidate`
    """What one call asks for."""

    request: Request
    model: str
    """The provider's name for the model."""
    max_tokens: int
    wire: Wire = OPENAI

    @property
    def parameters(self) -> JsonObject:
        """The parameters that may be sent to this provider."""
        given, drops = self.request.parameters, self.wire.drops
        return {name: value for name, value in given.items() if name not in drops} if drops else given

    @property
    def temperature(self) -> float | None:
        """The temperature, if it may be sent."""
        return None if "temperature" in self.wire.drops else self.request.temperature


class Dialect(Protocol):
    """One vendor's API. An instance has no state and serves every call."""

    name: DialectName
    key_header: str
    """The header of the API key; in `authorization` it stands behind `Bearer`."""
    standing_headers: Mapping[str, str]
    """What every call carries beside its content type."""
    own_parameters: frozenset[str]
    """What it takes beside OpenAI's parameters, at no price beyond that of tokens."""

    def path(self, model: str) -> str:
        """Return where below `base_url` the model is called, percent-encoded."""
        ...

    def body(self, asked: Asked) -> JsonObject:
        """Return the request in the vendor's words.

        Raises:
            Untranslatable: there are none for something in it.
        """
        ...

    def added_tokens(self, asked: Asked) -> int:
        """Return the most tokens of input that the vendor adds of its own."""
        ...

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return an answer as a chat completion, its usage in the vendor's words; anything else as it is."""
        ...


NO_HEADERS: Mapping[str, str] = MappingProxyType({})

UNHEARD = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store", "user"})
"""Parameters that change no answer: where a dialect has no word for them they are left out."""

AS_LEFT_OUT: Mapping[str, tuple[JsonValue, ...]] = MappingProxyType(
    {
        "frequency_penalty": (0,),
        "logit_bias": ({},),
        "logprobs": (False,),
        "modalities": (["text"],),
        "parallel_tool_calls": (True,),
        "presence_penalty": (0,),
        "service_tier": ("auto",),
        "stop": ([], ""),
        "verbosity": ("medium",),
    }
)
"""Values that ask for what happens without them. Source: OpenAI's reference of chat completions."""


class Wishes:
    """The parameters of a request, of which a dialect takes those that it has words for."""

    def __init__(self, asked: Asked, title: str) -> None:
        self._title = title
        self._left = {
            name: value
            for name, value in asked.parameters.items()
            if value is not None and value not in AS_LEFT_OUT.get(name, ())
        }

    def take(self, name: str) -> JsonValue:
        """Return the value of a parameter, None without one."""
        return self._left.pop(name, None)

    def take_word(self, name: str, words: Mapping[str, str]) -> str | None:
        """Return the vendor's word for the value of a parameter, None without one.

        Raises:
            Untranslatable: there is none.
        """
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str) or value not in words:
            raise Untranslatable(f"{name}: {self._title} has no {str(value)[:64]!r}")
        return words[value]

    def take_all(self, names: Mapping[str, str]) -> JsonObject:
        """Return the parameters of these names that there are, under the vendor's names for them."""
        return {theirs: self._left.pop(ours) for ours, theirs in names.items() if ours in self._left}

    def rest(self) -> JsonObject:
        """Return the parameters that are no OpenAI's: the catalogue says that the provider takes them as they are.

        Raises:
            Untranslatable: one of OpenAI's that would change the answer is left.
        """
        for name in sorted(self._left.keys() & (PROVIDER_PARAMETERS - UNHEARD)):
            raise Untranslatable(f"{name}: {self._title} has no word for it")
        return {name: value for name, value in self._left.items() if name not in UNHEARD}


def stop_sequences(value: JsonValue) -> list[JsonValue] | None:
    """Return OpenAI's `stop`, a text or a list of them, as a list."""
    if value is None:
        return None
    return value if isinstance(value, list) else [value]


def up_to_1(temperature: float, title: str) -> float:
    """Return the temperature.

    Raises:
        Untranslatable: it is in the half of OpenAI's range that others lack.
    """
    if temperature > 1:
        raise Untranslatable(f"temperature: {title} takes 0 to 1")
    return temperature
