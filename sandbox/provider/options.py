"""How one simulated provider is set up."""

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.provider.accounts import Rules
from sandbox.provider.unkind import KIND, Unkindness


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """Everything that can be chosen at the start.

    `time_scale` multiplies every duration: latencies, fault delays and windows, the rate limit's minute and every
    Retry-After. `latency_ms` replaces the drawn latencies, before the time scale. `limits` and `failures` turn the
    reference rate limits and uptimes on. Any bearer key is accepted unless `api_key` is set. Port 0 picks a free one.
    With `list_prices` calls are billed by the public price lists, and answers tell cached and reasoning tokens.
    With `aws_secret` calls in AWS's manner have to be signed with it; else the form of their signature is looked at.
    With `accounts` only their keys are good, each within its limits, and the invoice tells whom it charges.
    `batch_s` is how long each batch takes instead of a drawn time, before the time scale, and `batch_enqueued_tokens`
    how many tokens of input may be in the batches of a model that have not ended.
    With `prompt_cache` it has a cache of prompts, and tells and bills what is read from it and written into it; else
    such counts are drawn by lot where a request or the prices ask for them.
    `unkind` is how the provider begins; it can be changed while it runs.
    """

    invoice: Path
    seed: int = 1
    time_scale: float = 1.0
    latency_ms: float | None = None
    limits: bool = True
    failures: bool = True
    api_key: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    list_prices: bool = False
    unkind: Unkindness = KIND
    aws_secret: str | None = None
    accounts: Rules = field(default_factory=dict)
    batch_s: float | None = None
    batch_enqueued_tokens: int | None = None
    prompt_cache: bool = False
