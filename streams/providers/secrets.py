"""Takes secrets out of what providers say, before it enters a response, an event, a log or a dead letter."""

import re
from collections.abc import Iterable

REMOVED = "[secret]"
SHORTEST_KEY = 4
"""A key that is shorter is a word like any other: to take it out would spoil every sentence."""

_PATTERNS = re.compile(
    r"""
    \bbearer\s+[\w.~+/*=-]{6,}                  # RFC 6750
    | \bbasic\s+(?=\S*[\d=])[\w+/=]{8,}          # RFC 7617
    | (?<![\w-])sk-[\w*.-]{6,}                    # OpenAI, Anthropic, OpenRouter, DeepSeek; masked ones too
    | (?<![\w-])(?:gsk|xai|pplx|nvapi|hf|r8|fw|csk|tgp_v1|ghp|glpat)[_-][\w*-]{12,}
    | \bAIza[\w*-]{10,}                           # Google
    | \bya29\.[\w-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                # AWS
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?      # a JSON web token
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)             # user and password of a URL
    | (?:(?<=[?&]key=)|(?<=[?&]token=)|(?<=[?&]sig=)|(?<=[?&]api_key=)|(?<=[?&]api-key=)|(?<=[?&]apikey=))[^&\s"']+
    | (?:(?<=api-key:\s)|(?<=api_key:\s)|(?<=apikey:\s)|(?<=authorization:\s))[^\s"',}]{6,}
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Scrubber:
    """Knows this worker's keys, and what keys look like."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(keys)

    def learn(self, keys: Iterable[str]) -> None:
        """Know these keys too, and the parts of an AWS key; earlier ones may still come back."""
        self._keys |= {part for key in keys for part in (key, *key.split(":")) if len(part) >= SHORTEST_KEY}
        known = sorted(self._keys, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        if self._known is not None:
            text = self._known.sub(REMOVED, text)
        return _PATTERNS.sub(REMOVED, text)
