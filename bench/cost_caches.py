"""What caches save on top of routing, for stated mixes of traffic. The decisions are the product's; no call is made.

A mix says how often questions repeat and what requests share at their beginning. Each request is planned by the policy
`value`, its mark and key are decided by `router.prompt_caching`, and it is priced as a provider bills it that keeps a
prefix for five minutes after its last use: by what is fresh, read and written. An answer is used again for an hour.
`bench.cost_batches` plays the same mixes with requests that can wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from random import Random
from statistics import fmean
from typing import NamedTuple

from router.batches.collecting import CollectingRules
from router.catalogue import Catalogue, Price
from router.cost import MILLION, estimate_tokens, price_of
from router.dialects.wire import DialectName, Wire
from router.identity import Identity
from router.job import Job, Origin
from router.models.pool import ModelPool
from router.prompt_caching.memory import MARKED, TTL_S, prompt_cache_of
from router.prompt_caching.prefix import Prefix, prefix_of
from router.request.lane_entry import BatchLane, HandOver, LaneEntry
from router.request.plan import Plan, make_plan
from router.route import Estimate
from router.tasks.analysis import analyse
from sandbox.provider.exam import share_known
from schemas.requests import Request
from schemas.responses import Usage
from schemas.vocabulary import Lane

REQUESTS = 3_000
ANSWER_TOKENS = 500
ANSWER_TTL_S = 3_600.0
LIVE_S = 60.0
WAITS_S = 86_400.0
"""Until its deadline a live request has so long, and one that can wait."""
BATCH_TAKES_S = 3_600.0
"""From the moment a batch is sent to its answers; providers promise a day."""
MARGIN_S = 900.0
"""The default of `TURNOUT_BATCH_MARGIN_S`."""
NOW_S = 1_800_000_000.0
SENTENCE = "The warranty covers parts and labour for two years from the day of purchase. "


@dataclass(frozen=True, slots=True)
class Mix:
    """Traffic as one operator may have it."""

    name: str
    per_minute: float
    repeats: float
    """The share of the questions that are among 360 common ones, the commonest most (Zipf's law); others come once."""
    system_tokens: int
    """What each application says before its questions, about so many tokens."""
    applications: int = 1


MIXES = (
    Mix("own questions", 60, repeats=0.0, system_tokens=0),
    Mix("support desk, 30 % common questions", 60, repeats=0.3, system_tokens=1_500, applications=4),
    Mix("FAQ bot, common questions only", 60, repeats=1.0, system_tokens=1_500, applications=4),
    Mix("documents, 6,000 tokens of instructions", 60, repeats=0.0, system_tokens=6_000),
    Mix("the same, once in an hour", 1 / 60, repeats=0.0, system_tokens=6_000),
)
"""60 requests a minute where nothing else is said; the support desk and the bot serve four applications."""


@dataclass(frozen=True, slots=True)
class Savings:
    """Dollars of one mix, for its requests."""

    mix: str
    baseline_usd: Decimal
    """All at the catalogue's baseline model, without caches."""
    baseline_cached_usd: Decimal
    """The same with the baseline's own prompt cache, which works by itself: what prompt caches save is not all ours."""
    routed_usd: Decimal
    with_prompt_caches_usd: Decimal
    with_answer_cache_usd: Decimal
    with_both_usd: Decimal
    answered_again: float
    """The share of the requests that the answer cache has answered."""
    quality_points: float
    """Right answers of a hundred, less those of all at the baseline; an answer again is as good as it was."""

    def saved(self, usd: Decimal) -> Decimal:
        """Return what is saved of the baseline, in percent."""
        return (1 - usd / self.baseline_usd) * 100


def at_list_prices(shipped: Catalogue, listed: Catalogue) -> Catalogue:
    """Return the shipped catalogue, which says what is expected of each model, at the public price lists.

    Claude is asked in its own dialect and told what to cache, as an operator may have it.
    """
    models = {
        name: replace(
            model,
            price=listed.models[name].price,
            batch=listed.models[name].batch,
            wire=Wire(DialectName.ANTHROPIC, prompt_cache=True) if name.startswith("claude") else model.wire,
        )
        for name, model in shipped.models.items()
        if name in listed.models
    }
    chains = {tier: tuple(models[model.name] for model in chain) for tier, chain in shipped.chains.items()}
    return replace(shipped, models=models, chains=chains, baseline=models[shipped.baseline.name])


def savings(mix: Mix, catalogue: Catalogue, prompts: Sequence[str]) -> Savings:
    """Play the mix four times, each time with the same requests."""
    requests = requests_of(mix, prompts)
    plain = Play(catalogue, Means()).run(requests)
    prompt_caches = Play(catalogue, Means(prompt_caches=True)).run(requests)
    answer_cache = Play(catalogue, Means(answer_cache=True)).run(requests)
    both = Play(catalogue, Means(answer_cache=True, prompt_caches=True)).run(requests)
    return Savings(
        mix.name,
        plain.baseline_usd,
        plain.baseline_cached_usd,
        plain.usd,
        prompt_caches.usd,
        answer_cache.usd,
        both.usd,
        both.again / len(requests),
        both.quality_points,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a mix."""

    at_s: float
    request: Request
    patience: float
    """0 to 1, evenly: it can wait if this is less than the share of those that can."""


def requests_of(mix: Mix, prompts: Sequence[str]) -> Sequence[Asked]:
    """Return the requests of a mix, the same each time."""
    random, patience = Random(16), Random(17)  # noqa: S311 - the same mix each time
    weights = list(accumulate(1 / rank for rank in range(1, len(prompts) + 1)))
    told, at_s = list[Asked](), NOW_S
    system = SENTENCE * round(mix.system_tokens / estimate_tokens(SENTENCE))
    for number in range(REQUESTS):
        at_s += random.expovariate(mix.per_minute / 60)
        is_common = random.random() < mix.repeats
        prompt = random.choices(prompts, cum_weights=weights)[0] if is_common else prompts[number % len(prompts)]
        application = random.randrange(mix.applications)
        asked = {"prompt": prompt if is_common else f"{prompt}\n({number})", "max_tokens": ANSWER_TOKENS}
        before = {"system_prompt": f"Application {application}. {system}"} if system else {}
        told.append(Asked(at_s, Request.model_validate({**asked, **before}), patience.random()))
    return told


@dataclass(frozen=True, slots=True)
class Means:
    """By which means a mix is served."""

    routing: bool = True
    """False: all requests pin the baseline."""
    answer_cache: bool = False
    prompt_caches: bool = False
    waiting: float = 0.0
    """The share of the requests that can wait for a batch, 0 to 1."""


Question = tuple[str | None, str | None]
"""What comes before a prompt, and the prompt."""


class Known(NamedTuple):
    """An answer that is kept."""

    from_s: float
    until_s: float
    model: str


class Called(NamedTuple):
    """A call that was paid."""

    model: str
    input_tokens: int
    in_batch: bool


class Play:
    """One mix under one set of means."""

    def __init__(self, catalogue: Catalogue, means: Means) -> None:
        self.usd, self.baseline_usd, self.baseline_cached_usd = Decimal(0), Decimal(0), Decimal(0)
        self.again = 0
        self.calls: list[Called] = []
        self._gains: list[float] = []
        self._catalogue = catalogue
        self._means = means
        self._pool = ModelPool(catalogue)
        self._lane = BatchLane.of(catalogue, MARGIN_S)
        self._answers: dict[Question, Known] = {}
        self._in_batches: dict[tuple[str, float], dict[Question, float]] = {}
        """The questions in each batch, by its model and the moment it is sent; when their answers come."""
        self._kept_until: dict[tuple[str, str], float] = {}
        """What the providers have in their caches, by model and prefix."""

    @property
    def quality_points(self) -> float:
        """Right answers of a hundred, less those of all at the baseline."""
        return 100 * fmean(self._gains) if self._gains else 0.0

    @property
    def in_batches(self) -> int:
        """The requests that waited for a batch."""
        return sum(call.in_batch for call in self.calls)

    def run(self, requests: Sequence[Asked]) -> "Play":
        """Play all requests, and return this."""
        for number, asked in enumerate(requests):
            self._ask(number, asked)
        return self

    def _ask(self, number: int, asked: Asked) -> None:
        request, now_s = asked.request, asked.at_s
        input_tokens = estimate_tokens(request.system_prompt or "") + estimate_tokens(request.question)
        tokens = Estimate(input_tokens, ANSWER_TOKENS)
        baseline, prefix = self._catalogue.baseline, prefix_of(request, "bench")
        price = _price(self._catalogue, baseline.name, now_s)
        self.baseline_usd += price_of(price, tokens)
        usage = Usage(input_tokens=tokens.input_tokens, output_tokens=tokens.output_tokens)
        if prefix is not None and self._is_kept(f"all at {baseline.name}", prefix, now_s):
            usage = usage.model_copy(update={"cached_input_tokens": min(prefix.tokens, input_tokens)})
        self.baseline_cached_usd += price_of(price, usage)
        question = request.system_prompt, request.prompt
        known = self._answers.get(question)
        if self._means.answer_cache and known is not None and known.from_s <= now_s < known.until_s:
            self.again += 1  # before it is asked whether it waits
            self._judge(known.model, request)
            return
        job = self._job(number, asked)
        waiting_at = self._waits_at(job, now_s)
        if waiting_at is None:
            plan = make_plan(job, analyse(request.question), self._pool, now_s)
            model = plan.candidates[0].model.name
            self._answers[question] = Known(now_s, now_s + ANSWER_TTL_S, model)
            self.usd += self._charged(plan, tokens, now_s)
        elif self._shares_a_line(question, waiting_at, now_s):
            self.again += 1
            self._judge(waiting_at, request)
            return
        else:
            model = waiting_at
            self.usd += self._charged_in_batch(model, tokens, now_s)
        self.calls.append(Called(model, input_tokens, waiting_at is not None))
        self._judge(model, request)

    def _job(self, number: int, asked: Asked) -> Job:
        request, can_wait = asked.request, asked.patience < self._means.waiting
        if not self._means.routing:
            request = request.model_copy(update={"model": self._catalogue.baseline.name})
        if can_wait:
            request = request.model_copy(update={"lane": Lane.BATCH})
        deadline_s = asked.at_s + (WAITS_S if can_wait else LIVE_S)
        identity = Identity("bench", f"r-{number}", None)
        return Job(request, identity, Origin("t", 0, number), asked.at_s, deadline_s)

    def _waits_at(self, job: Job, now_s: float) -> str | None:
        """Return in whose batch the request waits, as a worker decides it; None: it is answered at once."""
        if job.request.lane is not Lane.BATCH:
            return None
        decided = LaneEntry(job, self._lane, self._pool, lambda: 0.5, None).decide(now_s)
        return decided.call.request_model if isinstance(decided, HandOver) else None

    def _shares_a_line(self, question: Question, model: str, now_s: float) -> bool:
        """Say whether the batch that is collected has this question; else it has it now, and its answer is kept."""
        if not self._means.answer_cache:
            return False
        age_s = CollectingRules().max_age_s
        sent_s = (now_s // age_s + 1) * age_s
        batch = self._in_batches.setdefault((model, sent_s), {})
        if question in batch:
            return True
        batch[question] = known_s = sent_s + BATCH_TAKES_S
        if (live := self._answers.get(question)) is None or live.until_s < known_s:
            self._answers[question] = Known(known_s, known_s + ANSWER_TTL_S, model)
        return False

    def _charged_in_batch(self, model: str, tokens: Estimate, now_s: float) -> Decimal:
        """Return the price of batches for all tokens: none is taken to be read from a cache there."""
        if self._lane is None:
            raise SystemExit(f"the catalogue {self._catalogue.name} has no batches; set `batch` of a provider.")
        return price_of(_price(self._lane.catalogue, model, now_s), tokens)

    def _charged(self, plan: Plan, tokens: Estimate, now_s: float) -> Decimal:
        """Return what the provider charges: its cache obeys marks, or nothing, as its dialect has it."""
        model = plan.candidates[0].model
        price, prefix = _price(self._catalogue, model.name, now_s), plan.prefix
        usage = Usage(input_tokens=tokens.input_tokens, output_tokens=tokens.output_tokens)
        if prefix is None or not self._means.prompt_caches:
            return price_of(price, usage)
        told = prompt_cache_of(prefix, model, price, self._pool.prefixes, now_s)
        is_marked = told is not None and told.is_marked
        self._pool.prefixes.called(prefix, model, None, now_s, marked=is_marked)
        if model.wire.dialect in MARKED and not is_marked:
            return price_of(price, usage)
        share = min(prefix.tokens, usage.input_tokens)
        is_kept = self._is_kept(model.name, prefix, now_s)
        part = {"cached_input_tokens" if is_kept else "cache_write_tokens": share}
        return price_of(price, usage.model_copy(update=part))

    def _is_kept(self, model: str, prefix: Prefix, now_s: float) -> bool:
        """Say whether the provider has a prefix in its cache, where it is from now on."""
        place = model, prefix.key
        is_kept = self._kept_until.get(place, 0.0) > now_s
        self._kept_until[place] = now_s + TTL_S
        return is_kept

    def _judge(self, model: str, request: Request) -> None:
        prompt = (request.prompt or "").partition("\n(")[0] if request.prompt else ""
        shares = share_known(model, prompt), share_known(self._catalogue.baseline.name, prompt)
        if shares[0] is not None and shares[1] is not None:
            self._gains.append(shares[0] - shares[1])


def _price(catalogue: Catalogue, name: str, now_s: float) -> Price:
    price = catalogue.models[name].price_at(int(now_s * 1000))
    if price is None:
        raise SystemExit(f"{name} has no price in the catalogue {catalogue.name}; add one.")
    return price


def row(found: Savings) -> Mapping[str, object]:
    """Return the figures for a report."""
    ways = ("baseline_cached_usd", "routed_usd", "with_prompt_caches_usd", "with_answer_cache_usd", "with_both_usd")
    percent = {name.removesuffix("_usd"): round(float(found.saved(getattr(found, name))), 1) for name in ways}
    return {
        "mix": found.mix,
        "saved_percent": percent,
        "answered_again": round(found.answered_again, 3),
        "quality_points": round(found.quality_points, 2),
        "baseline_usd_per_million": round(float(found.baseline_usd * MILLION / REQUESTS)),
    }
