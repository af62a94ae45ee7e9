"""The accounts of callers: a key each, and what it is allowed in a minute of each model.

As with the vendors, requests count when they are taken, and tokens when they have been charged. A call that comes while
as many tokens as are allowed have been charged within the minute is refused with 429.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.provider.models import RequestLimit

WINDOW_S = 60.0
KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Where the vendors' APIs take the key."""
_Limit = Annotated[int, Field(ge=1)]


class AccountRules(BaseModel):
    """One account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    requests_per_minute: _Limit | None = None
    tokens_per_minute: _Limit | None = None


Rules = Mapping[str, AccountRules]
"""By the account's name."""
_RULES = TypeAdapter(dict[str, AccountRules])


def read_accounts(text: str) -> Rules:
    """Read accounts from JSON. Raises pydantic.ValidationError."""
    return _RULES.validate_json(text)


def write_accounts(rules: Rules) -> str:
    """Return the JSON that `read_accounts` reads."""
    return _RULES.dump_json(dict(rules)).decode()


@dataclass(slots=True)
class _Tokens:
    """The tokens that were charged within the window."""

    limit: int
    window_s: float
    charged: deque[tuple[float, int]] = field(default_factory=deque)

    def wait_s(self, now_s: float) -> float:
        """Return how long the next call has to wait; 0: it need not."""
        charged = self.charged
        while charged and charged[0][0] <= now_s - self.window_s:
            charged.popleft()
        excess = sum(tokens for _, tokens in charged) - self.limit
        for at_s, tokens in charged:
            if excess < 0:
                break
            excess -= tokens
            if excess < 0:
                return at_s + self.window_s - now_s
        return 0.0


class Account:
    """One account's traffic."""

    def __init__(self, name: str, rules: AccountRules, time_scale: float) -> None:
        self.name = name
        self._rules = rules
        self._window_s = WINDOW_S * time_scale
        self._requests: dict[str, RequestLimit] = {}
        self._tokens: dict[str, _Tokens] = {}

    def admit(self, model: str, now_s: float) -> float:
        """Admit a call and return 0, or return the seconds until the next one is possible."""
        if self._rules.tokens_per_minute is not None:
            tokens = self._tokens.setdefault(model, _Tokens(self._rules.tokens_per_minute, self._window_s))
            if (wait_s := tokens.wait_s(now_s)) > 0:
                return wait_s
        if self._rules.requests_per_minute is None:
            return 0.0
        requests = self._requests.setdefault(model, RequestLimit(self._rules.requests_per_minute, self._window_s))
        return requests.admit(now_s)

    def charged(self, model: str, tokens: int, now_s: float) -> None:
        """Count the tokens of an answer."""
        if model in self._tokens:
            self._tokens[model].charged.append((now_s, tokens))


class Accounts:
    """All accounts; without any, keys are not looked at here."""

    def __init__(self, rules: Rules, time_scale: float) -> None:
        self._by_key = {one.key: Account(name, one, time_scale) for name, one in rules.items()}

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def of(self, headers: Mapping[bytes, bytes]) -> Account | None:
        """Return whose key a call shows; None: nobody's."""
        for header in KEY_HEADERS:
            shown = headers.get(header)
            if shown is not None:
                return self._by_key.get(shown.decode("latin-1").removeprefix("Bearer "))
        return None
