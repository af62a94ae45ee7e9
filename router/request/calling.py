"""A request's side of the models: its calls, each with a permit and a write-ahead record, and what the pool is told."""

from dataclasses import dataclass, replace

from router.cost import call_started
from router.job import Job
from router.models.model_state import Permit
from router.models.pool import ModelPool
from router.prompt_caching.memory import prompt_cache_of
from router.request.plan import Plan
from router.request.steps import Answered, Call, Failed, SessionError
from router.route import Candidate
from schemas.costs import CallStarted


@dataclass(frozen=True, slots=True)
class OpenCall:
    """The call that is under way."""

    candidate: Candidate
    permit: Permit
    started: CallStarted
    called_s: float


class Calling:
    """The calls of one request, of which at most one is under way."""

    def __init__(self, job: Job, pool: ModelPool) -> None:
        self.is_retry = False
        """Whether the next call comes out of the worker's budget of retries."""
        self._job = job
        self._pool = pool
        self._open: OpenCall | None = None

    def timeout_s(self, candidate: Candidate, now_s: float) -> float:
        """Return how long a call may take."""
        return min(candidate.model.timeout_s, self._job.deadline_s - now_s)

    def send(self, plan: Plan, candidate: Candidate, attempt: int, now_s: float, *, joinable: bool) -> Call:
        """Take a permit for a call, and return what is to be written ahead and asked."""
        model, timeout_s = candidate.model, self.timeout_s(candidate, now_s)
        prefixes, prefix = self._pool.prefixes, plan.prefix if candidate.request is None else None
        prefers = "" if prefix is None else prefixes.account(prefix, model, now_s)
        permit = self._pool.call(model, now_s, candidate.bound, retry=self.is_retry, prefers=prefers)
        started = call_started(self._job, plan.route, candidate, attempt, self._pool.catalogue, now_s)
        if permit.account is not None:
            started = started.model_copy(update={"account": permit.account})
        self._open = OpenCall(candidate, permit, started, now_s)
        self.is_retry = True
        cache = None
        if prefix is not None:
            cache = prompt_cache_of(prefix, model, candidate.price_at(int(now_s * 1000)), prefixes, now_s)
            prefixes.called(prefix, model, permit.account, now_s, marked=cache is not None and cache.is_marked)
        return Call(model, started, candidate.max_tokens, timeout_s, candidate.request, permit.account, joinable, cache)

    def join(self, upstream_call_id: str) -> CallStarted:
        """Make the call part of another one; return its write-ahead record."""
        call = self._close()
        started = call.started.model_copy(update={"upstream_call_id": upstream_call_id})
        self._open = replace(call, started=started)
        return started

    def call_off(self) -> OpenCall:
        """Take the call back that is under way, and return it: it was certainly not made."""
        call = self._close()
        self._pool.abandoned(call.permit)
        return call

    def abandon(self, now_s: float) -> OpenCall | None:
        """Give up the call that is under way, and return it; None: there is none."""
        if self._open is None:
            return None
        call = self._close()
        self._pool.abandoned(call.permit, now_s)
        return call

    def answered(self, event: Answered) -> OpenCall:
        """Tell the pool of an answer, and return the call that has ended with it."""
        call, answer = self._close(), event.answer
        if event.share is None or event.share.leads:
            self._pool.answered(call.permit, event.latency_s, event.now_s, answer.usage)
            self._pool.learn_limits(call.permit, answer.told_limits)
        else:
            self._pool.joined(call.permit, call.called_s, event.now_s, is_settled=answer.usage is not None)
        return call

    def failed(self, event: Failed) -> OpenCall:
        """Tell the pool of a failure, and return the call that has ended with it."""
        call, failure = self._close(), event.failure
        if event.share is None or event.share.leads:
            self._pool.failed(call.permit, failure, event.latency_s, event.now_s)
            self._pool.learn_limits(call.permit, failure.told_limits)
        else:
            is_settled = failure.usage is not None or not failure.maybe_charged
            self._pool.joined(call.permit, call.called_s, event.now_s, is_settled=is_settled)
        return call

    def _close(self) -> OpenCall:
        call, self._open = self._open, None
        if call is None:  # pragma: no cover - `Session.receive` has seen to it
            raise SessionError("no call is under way")
        return call
