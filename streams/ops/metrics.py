"""What a worker measures of itself, in one registry, and the unit and meaning of each.

Gauges are read from the living parts when they are asked for, so they cost a request nothing. Names of calls follow
OpenTelemetry's conventions for generative AI (v1.41), in Prometheus' spelling.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from time import time
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from router.batches.lane import WhyLive
from router.caching.index import CacheIndex
from router.caching.results import CacheResult
from router.models.accounts import RestReason
from router.models.pool import ModelPool
from schemas.costs import CallStarted, CostEvent
from schemas.health import BreakerState
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome, ReturnReason
from streams.control.batch_news import METRICS as BATCH_METRICS
from streams.control.feedback_counter import FEEDBACK
from streams.control.shadow_mode import WouldRefuse
from streams.internal_records import SKIPPED

DURATION_BUCKETS_S = tuple(0.01 * 2**step for step in range(14))
"""0.01 doubling to 81.92 s, as OpenTelemetry advises for `gen_ai.client.operation.duration`."""


class ShadowResult(StrEnum):
    """What became of a request's shadow."""

    JUDGED = "judged"
    ANSWERED = "answered"
    """Without a verdict."""
    FAILED = "failed"
    """No answer, after a call."""
    NOT_CALLED = "not_called"
    """The model does not take the request, the budget did not pay for it, or a policy chose the one that answered."""
    NOT_SPARED = "not_spared"
    """The model is not well, or near its limit."""
    NO_TIME = "no_time"
    """Requests wait for the worker, it drains, or it has enough shadows."""
    GIVEN_UP = "given_up"
    """With its partition."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How one partition of the requests stands."""

    partition: int
    messages: int
    """Records that are not finished yet, read or not."""
    oldest_s: float | None
    """When the oldest unfinished record that has been read was written, seconds since 1970."""
    behind_open_transaction: int
    """Of the messages: those that cannot be read before a transaction has ended."""


class Load(Protocol):
    """What a worker has in hand, asked at the moment of a scrape."""

    @property
    def in_flight(self) -> int: ...  # noqa: D102
    @property
    def waiting(self) -> int: ...  # noqa: D102
    @property
    def held_back(self) -> int: ...  # noqa: D102
    def lags(self) -> Iterable[Lag]: ...  # noqa: D102


MetricT = TypeVar("MetricT", Counter, Histogram)


def _children_of(metric: MetricT) -> Callable[..., MetricT]:
    """Return what gives the metric of some labels: it is looked up in a twentieth of the time of `labels`."""
    return cache(metric.labels)


class Metrics:
    """The registry of one worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(SKIPPED)
        self.registry.register(FEEDBACK)
        for metric in BATCH_METRICS:
            self.registry.register(metric)
        self.duplicates = 0
        """Requests that were answered from what had already happened."""
        self._requests = _children_of(
            Counter(
                "turnout_requests",
                "Requests that have ended, by how, and why if they did not complete.",
                ("status", "error_code", "tier"),
                registry=self.registry,
            )
        )
        self._latency = _children_of(
            Histogram(
                "turnout_request_duration_seconds",
                "From the moment the worker read the request to its acknowledged response.",
                ("status",),
                buckets=DURATION_BUCKETS_S,
                registry=self.registry,
            )
        )
        self._calls = _children_of(
            Histogram(
                "gen_ai_client_operation_duration_seconds",
                "Upstream calls; error_type is empty for an answer.",
                ("gen_ai_provider_name", "gen_ai_request_model", "error_type"),
                buckets=DURATION_BUCKETS_S,
                registry=self.registry,
            )
        )
        self._tokens = _children_of(
            Counter(
                "gen_ai_client_token_usage",
                "Tokens, as the providers counted them.",
                ("gen_ai_request_model", "gen_ai_token_type"),
                registry=self.registry,
            )
        )
        self._prompt_cache = _children_of(
            Counter(
                "turnout_prompt_cache_tokens",
                "Input tokens that providers have read from their own caches, or written into them.",
                ("gen_ai_request_model", "kind"),
                registry=self.registry,
            )
        )
        self._cost = _children_of(
            Counter(
                "turnout_cost_usd",
                "US dollars of the calls, estimates of unknown ones included.",
                ("gen_ai_request_model", "certainty"),
                registry=self.registry,
            )
        )
        self._cache = Counter(
            "turnout_cache_lookups",
            "Requests that asked for the answer cache, by what they found; `gone` ones are looked up once more.",
            ("result",),
            registry=self.registry,
        )
        self._saved = Counter(
            "turnout_cache_saved_usd",
            "US dollars that answers from the cache had cost, and did not cost again.",
            registry=self.registry,
        )
        self._shadows = Counter(
            "turnout_shadows",
            "Requests that were chosen to be asked of another model too, by what became of that.",
            ("result",),
            registry=self.registry,
        )
        self._shadow_cost = Counter(
            "turnout_shadow_cost_usd",
            "US dollars of shadow calls and judges, estimates of unknown ones included; they are in no other metric.",
            ("gen_ai_request_model", "purpose"),
            registry=self.registry,
        )
        self._handed_over = Counter(
            "turnout_lane_handed_over",
            "Requests that wait for a batch from then on.",
            ("gen_ai_provider_name", "gen_ai_request_model"),
            registry=self.registry,
        )
        self._went_live = Counter(
            "turnout_lane_live",
            "Requests that might have waited for a batch and are answered at once, by why.",
            ("reason",),
            registry=self.registry,
        )
        self._joined = Counter(
            "turnout_lane_joined",
            "Records of requests that waited for a batch already.",
            registry=self.registry,
        )
        self._came_back = Counter(
            "turnout_lane_returned",
            "Requests that live calls have answered because no batch did, by why.",
            ("reason",),
            registry=self.registry,
        )

    def handed_over(self, call: CallStarted) -> None:
        """Note a request that waits for a batch from now on."""
        self._handed_over.labels(call.provider_name, call.request_model).inc()

    def went_live(self, reason: WhyLive) -> None:
        """Note a request that might have waited."""
        self._went_live.labels(reason).inc()

    def joined(self) -> None:
        """Note a record of a request that waits already."""
        self._joined.inc()

    def came_back(self, reason: ReturnReason) -> None:
        """Note a request that was answered after all, by live calls."""
        self._came_back.labels(reason).inc()

    def shadow(self, result: ShadowResult) -> None:
        """Note what became of a request's shadow."""
        self._shadows.labels(result).inc()

    def shadow_cost(self, event: CostEvent) -> None:
        """Note a call of a shadow or of its judge."""
        self._shadow_cost.labels(event.request_model, event.purpose or "").inc(float(event.cost_usd or 0))

    def looked_up(self, result: CacheResult) -> None:
        """Note what a look into the answer cache has brought."""
        self._cache.labels(result).inc()

    def ended(self, response: Response) -> None:
        """Note a request whose response is acknowledged."""
        code = response.error.code if response.error else ""
        self._requests(response.status, code, response.tier or "").inc()
        self._latency(response.status).observe(response.latency_ms / 1000)
        if response.saved_usd is not None:
            self._saved.inc(float(response.saved_usd))
        for attempt in response.attempts:
            model, answered = attempt.request_model, attempt.outcome is AttemptOutcome.SUCCEEDED
            if attempt.latency_ms is not None:
                calls = self._calls(attempt.provider_name, model, "" if answered else attempt.outcome)
                calls.observe(attempt.latency_ms / 1000)
            if attempt.usage is not None:
                self._tokens(model, "input").inc(attempt.usage.input_tokens)
                self._tokens(model, "output").inc(attempt.usage.output_tokens)
                if attempt.usage.cached_input_tokens:
                    self._prompt_cache(model, "read").inc(attempt.usage.cached_input_tokens)
                if attempt.usage.cache_write_tokens:
                    self._prompt_cache(model, "written").inc(attempt.usage.cache_write_tokens)
            if attempt.cost_usd is not None and attempt.certainty is not None:
                self._cost(model, attempt.certainty).inc(float(attempt.cost_usd))

    def answered_again(self) -> None:
        """Note a request that was answered from what had already happened."""
        self.duplicates += 1

    def watch_roles(self, roles: Callable[[], Mapping[str, bool]]) -> None:
        """Tell from now on which of the roles, that one process at a time has for all, this one has."""
        self.registry.register(_Roles(roles))

    def watch(
        self,
        load: Load,
        pool: ModelPool,
        refusals: Callable[[], Iterable[WouldRefuse]],
        missing_partitions: Callable[[], Mapping[str, int]],
        cache: CacheIndex,
    ) -> None:
        """Read the gauges from these parts from now on.

        `refusals` tells what limits in shadow mode would refuse, `missing_partitions` how many a topic lacks.
        """
        self.registry.register(_Gauges(self, load, pool, refusals, missing_partitions, cache))


class _Roles(Collector):
    def __init__(self, roles: Callable[[], Mapping[str, bool]]) -> None:
        self._roles = roles

    def collect(self) -> Iterator[Metric]:
        """Read who keeps what."""
        kept = GaugeMetricFamily(
            "turnout_keeps", "1 while this process keeps for all workers what the role says; else 0.", labels=["role"]
        )
        for role, has in self._roles().items():
            kept.add_metric([role], float(has))
        yield kept


class _Gauges(Collector):
    def __init__(
        self,
        metrics: Metrics,
        load: Load,
        pool: ModelPool,
        refusals: Callable[[], Iterable[WouldRefuse]],
        missing_partitions: Callable[[], Mapping[str, int]],
        cache: CacheIndex,
    ) -> None:
        self._metrics = metrics
        self._load = load
        self._pool = pool
        self._refusals = refusals
        self._missing_partitions = missing_partitions
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """Read everything once."""
        load, lags, now_s = self._load, list(self._load.lags()), time()
        ages_s = [0.0 if lag.oldest_s is None else max(0.0, now_s - lag.oldest_s) for lag in lags]
        for name, meaning, value in (
            ("turnout_in_flight", "Requests that have begun and are not acknowledged.", load.in_flight),
            ("turnout_waiting", "Records that have been read and wait for their turn.", load.waiting),
            ("turnout_held_back_partitions", "Partitions that are not read, at a bound.", load.held_back),
            ("turnout_watermark_age_seconds", "Age of the oldest unfinished record.", max(ages_s, default=0.0)),
            ("turnout_cache_keys", "Questions whose answers this worker knows where to find.", len(self._cache)),
            ("turnout_cache_bytes", "Answers that it has in memory.", self._cache.bodies.size_bytes),
        ):
            yield GaugeMetricFamily(name, meaning, value)
        yield CounterMetricFamily(
            "turnout_duplicates_avoided", "Requests answered from what had already happened.", self._metrics.duplicates
        )
        yield CounterMetricFamily(
            "turnout_cache_forgets", "Records followed that tell the answer cache to forget.", self._cache.forgets
        )
        messages = GaugeMetricFamily(
            "turnout_consumer_lag_messages", "Records of the partition that are not finished.", labels=["partition"]
        )
        seconds = GaugeMetricFamily(
            "turnout_consumer_lag_seconds", "Age of the partition's oldest unfinished record.", labels=["partition"]
        )
        unreadable = GaugeMetricFamily(
            "turnout_open_transaction_messages",
            "Records of the partition that cannot be read before a producer's transaction has ended.",
            labels=["partition"],
        )
        for lag, age_s in zip(lags, ages_s, strict=True):
            messages.add_metric([str(lag.partition)], lag.messages)
            unreadable.add_metric([str(lag.partition)], lag.behind_open_transaction)
            seconds.add_metric([str(lag.partition)], age_s)
        missing = GaugeMetricFamily(
            "turnout_topic_partitions_missing",
            "Partitions that the topic lacks beside the requests topic; their requests wait unread.",
            labels=["topic"],
        )
        for topic, count in self._missing_partitions().items():
            missing.add_metric([topic], count)
        model_label = ["gen_ai_request_model"]
        breakers = GaugeMetricFamily("turnout_breaker_open", "0 closed, 0.5 half-open, 1 open.", labels=model_label)
        calls = GaugeMetricFamily("turnout_calls_in_flight", "Upstream calls under way.", labels=model_label)
        rests = GaugeMetricFamily(
            "turnout_account_rests",
            "1 while this worker does not call the model by the account, for this reason; else 0.",
            labels=["gen_ai_provider_name", *model_label, "account", "reason"],
        )
        for model in self._pool.catalogue.models.values():
            breakers.add_metric([model.name], _OPENNESS[self._pool.breaker(model).state])
            calls.add_metric([model.name], self._pool.in_flight(model))
            for account, reason in self._pool.account_rests(model, now_s).items():
                for one in RestReason:
                    rests.add_metric([model.provider_name, model.name, account, one], float(reason is one))
        quality = GaugeMetricFamily(
            "turnout_expected_quality",
            "The score that is expected of an answer, 0 to 1, where feedback has shown something.",
            labels=[*model_label, "task", "difficulty"],
        )
        for model_name, task, band, expected in self._pool.quality.learnt():
            quality.add_metric([model_name, task, band], expected.mean)
        shadow = CounterMetricFamily(
            "turnout_shadow_refusals",
            "What limits in shadow mode would have refused: requests, or calls for `budget_exhausted`.",
            labels=["tenant", "limit"],
        )
        for refused in self._refusals():
            shadow.add_metric([refused.tenant, refused.limit], refused.count)
        yield from (messages, seconds, unreadable, missing, breakers, calls, rests, quality, shadow)


_OPENNESS = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 0.5, BreakerState.OPEN: 1.0}
