"""One request's state machine: it is told what happened and answers with the next action (`router.request.steps`).

Rules:
1. Every path ends in exactly one `Finish`; an event that was not asked for is a `SessionError`.
2. A call is made only inside the deadline, only of a candidate of the plan, and only if what has been spent (calls of
   unknown outcome with their estimate) and the most that it may cost stay inside the cap.
3. Candidates go by rounds: first each of them once in the plan's order, where a model that may be retried has its
   `attempts_per_model` in one round, then all of them again.
4. Of the candidates the one is called that `router.request.choice` picks, or the session waits.
5. Calls after the first one come out of the worker's retry budget; without it, they wait.
6. If the tenant has a budget, the most that a call may cost is reserved before it, and settled after it. While others
   have reserved what is left, the session waits, and is woken by its reservation; when nothing is left for any
   candidate, it ends.
7. A failure that no model would answer differently ends the session at once. One of a call for several requests, which
   another of them may have caused, only has the same model asked for this one alone.
8. An answer that has to fit a schema and does not is none (`router.answer_schema.check`): its model is asked once more,
   with what is wrong, and then left. If no model's answer fits, the session fails with the last one that did not.
9. With the policy `cascade` an answer does not end the session before its checks (`router.request.cascade`); once there
   is one, the session does not fail any more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from router.answer_schema.check import PLAIN, AnswerSchema, Checked, answer_schema_of, repaired
from router.budgets.lease import BudgetLease
from router.errors import Answer, Next, RequestRejected
from router.job import Job
from router.models.pool import ModelPool
from router.obstacle import Obstacle
from router.request.attempts import AttemptLog, Ending
from router.request.calling import Calling
from router.request.candidate_state import CandidateState
from router.request.cascade import Accept, Ask, CascadeRun, Ladder, Step, judging
from router.request.choice import WAKE_JITTER_S, Option, choose
from router.request.plan import Plan, make_plan, plan_judge, plan_repair
from router.request.reserving import InVain, Reserving
from router.request.steps import (
    STATE_AFTER,
    TRANSITIONS,
    Action,
    Answered,
    Call,
    Event,
    Failed,
    Finish,
    SessionError,
    SessionState,
    Started,
    Wait,
    Woke,
)
from router.retry import Chance
from router.route import Candidate
from router.tasks.analysis import Analysis, analyse_request
from schemas.costs import CallStarted
from schemas.responses import ErrorDetail, Usage
from schemas.vocabulary import AnswerCheck, ErrorCode, Policy, SkipReason, Status

__all__ = ["Action", "Answered", "Call", "Event", "Failed", "Finish", "Session", "SessionError", "Started"]
__all__ += ["Wait", "Woke"]


class Session:
    """One request, from `Started` to `Finish`."""

    def __init__(self, job: Job, pool: ModelPool, chance: Chance, lease: BudgetLease | None = None) -> None:
        self._job = job
        self._reserving = Reserving(lease)
        self._pool = pool
        self._chance = chance
        self._calling = Calling(job, pool)
        self._attempt_log = AttemptLog(job)
        self._analysis: Analysis | None = None
        self._plan: Plan | None = None
        self._schema: AnswerSchema | None = None
        self._misfit: Ending | None = None
        """How it ends if no answer fits its schema: with the last one that did not."""
        self._cascade: CascadeRun | None = None
        self._standings: defaultdict[str, CandidateState] = defaultdict(CandidateState)
        self._state = SessionState.NEW

    def receive(self, event: Event) -> Action:
        """Take in what happened and return what to do.

        Raises:
            SessionError: the event does not fit the last action.
        """
        rule = TRANSITIONS[self._state, type(event)]
        if not rule.to:
            raise SessionError(f"{type(event).__name__} {rule.note}")
        action: Action
        match event:
            case Started():
                action = self._start(event)
            case Woke():
                action = self._decide(self._planned(), event.now_s)
                if not (isinstance(action, Wait) and action.call_id == self._reserving.waiting_for):
                    self._reserving.stop()
            case Answered():
                action = self._answered(event)
            case Failed():
                action = self._fail(event)
        self._state = STATE_AFTER[type(action)]
        return action

    def join(self, upstream_call_id: str) -> CallStarted:
        """Have the call that was asked for last made as part of another one; return its write-ahead record."""
        return self._calling.join(upstream_call_id)

    def call_off(self, *, is_written: bool) -> None:
        """Take the call back that was asked for last: it was certainly not made.

        One whose write-ahead record may be on its topic stays reserved until `handed_on`, or for its time: an heir that
        finds the record alone has to count it.
        """
        call = self._calling.call_off()
        self._reserving.called_off(call.started.event_id)
        if is_written:
            self._attempt_log.called_off(call.started)
        else:
            self.handed_on()

    def handed_on(self) -> None:
        """Free what the call that was called off had reserved: an heir of the request knows that it was not made."""
        self._reserving.handed_on()

    def abandon(self, now_s: float) -> tuple[CallStarted, ...]:
        """Give the session up without an end: the request is another worker's from now on.

        Returns:
            The calls that have ended, with what came of them, to be written down for the worker that goes on.
        """
        self._calling.abandon(now_s)
        self._reserving.stop()
        self._reserving.hand_over((call.event_id for call in self._attempt_log.calls), now_s)
        self._state = SessionState.ENDED
        return self._attempt_log.handed_on()

    def ended_calls(self) -> tuple[CallStarted, ...]:
        """Return the calls that have ended, with what came of them, for a worker that finds their records alone."""
        return self._attempt_log.handed_on()

    def stop_waiting(self, now_s: float) -> Finish:
        """End a request that waits, instead of waiting: as failed, in the words of its last call."""
        self._reserving.stop()
        return self._end(*self._attempt_log.exhausted("no other call can be made at once"), now_s)

    def refuse(self, error: ErrorDetail, now_s: float, earlier: Sequence[CallStarted] = ()) -> Finish:
        """End the request before it starts; calls of workers before are billed all the same."""
        for call in earlier:
            self._attempt_log.taken_over(call)
        return self._finish(Ending(Status.REJECTED, error=error), now_s)

    def break_off(self, reason: str, now_s: float) -> Finish:
        """End the request for a defect of our own: as failed, unless a cascade has its first answer in hand.

        A call under way counts as cut off.
        """
        if (call := self._calling.abandon(now_s)) is not None:
            self._attempt_log.cut_off(call.started)
            self._reserving.settle(call.started.event_id, self._attempt_log.attempts[-1].cost_usd)
        self._reserving.stop()
        self.handed_on()
        first = None if self._cascade is None else self._cascade.first
        error = ErrorDetail(code=ErrorCode.INTERNAL_ERROR, message=reason)
        return self._finish(first or Ending(Status.FAILED, error=error), now_s)

    def _start(self, event: Started) -> Action:
        for call in event.earlier:
            self._attempt_log.taken_over(call)
        self._analysis = analyse_request(self._job.request)
        if event.now_s >= self._job.deadline_s:
            return self._end(ErrorCode.DEADLINE_EXCEEDED, "the deadline had passed before a call was made", event.now_s)
        try:
            self._schema = answer_schema_of(self._job.request)
            self._plan = make_plan(self._job, self._analysis, self._pool, event.now_s, self._chance)
        except RequestRejected as rejection:
            return self._end(rejection.code, str(rejection), event.now_s, rejection.field)
        if len(self._plan.worths) > 1 and self._plan.policy is Policy.CASCADE:
            ladder = Ladder(self._plan.candidates, self._plan.worths, self._analysis.task)
            self._cascade = CascadeRun(self._pool.catalogue.cascade, ladder)
        return self._decide(self._plan, event.now_s)

    def _decide(self, plan: Plan, now_s: float) -> Action:
        calls = len(self._attempt_log.attempts)
        if now_s >= self._job.deadline_s:
            return self._end(ErrorCode.DEADLINE_EXCEEDED, "the deadline has passed", now_s)
        if calls >= self._pool.catalogue.retry.max_attempts:
            return self._end(*self._attempt_log.exhausted(f"{calls} calls failed"), now_s)
        candidates = self._affordable(plan, now_s)
        if not candidates:
            reasons = {obstacle.reason for obstacle in self._attempt_log.passed_over.values()}
            if SkipReason.BUDGET_USED in reasons:
                return self._end(ErrorCode.BUDGET_EXHAUSTED, "the tenant's budget does not pay for another call", now_s)
            return self._end(*self._attempt_log.exhausted("no candidate is left that may be called again"), now_s)
        return self._pick(plan, candidates, now_s)

    def _affordable(self, plan: Plan, now_s: float) -> list[Candidate]:
        left_usd = plan.max_cost_usd - self._attempt_log.spent_usd
        candidates: list[Candidate] = []
        for planned in plan.candidates if self._cascade is None else self._cascade.candidates:
            standing = self._standings[planned.model.name]
            candidate = standing.repair or planned
            if candidate.upper_usd is not None and candidate.upper_usd > left_usd:
                self._pass_over(candidate, SkipReason.COST_CAP_USED, left_usd)
            elif not self._reserving.pays_for(candidate, now_s):
                self._pass_over(candidate, SkipReason.BUDGET_USED)
            elif not standing.left:
                candidates.append(candidate)
        candidates.sort(key=lambda candidate: (self._standings[candidate.model.name].round, candidate.request is None))
        return candidates

    def _pick(self, plan: Plan, candidates: Sequence[Candidate], now_s: float) -> Action:
        if self._calling.is_retry and (budget_s := self._pool.retry_at(now_s)) > now_s:
            return self._wait(budget_s + self._chance() * WAKE_JITTER_S, now_s, "the worker's retry budget is used up")
        pick = choose(self._options(candidates, now_s), now_s, self._job.deadline_s, self._chance)
        for option, reason in pick.passed_over:
            self._pass_over(option.candidate, reason)
            if option.readiness.limited:
                self._pool.turned_away(option.candidate.model, now_s, option.candidate.bound)
        if pick.candidate is None:
            return self._wait(pick.at_s, now_s)
        return Wait(pick.at_s) if pick.at_s > now_s else self._call(plan, pick.candidate, now_s)

    def _options(self, candidates: Iterable[Candidate], now_s: float) -> Iterator[Option]:
        for candidate in candidates:
            readiness = self._pool.readiness(candidate.model, now_s, candidate.bound)
            yield Option(candidate, readiness, self._standings[candidate.model.name].not_before_s)

    def _pass_over(self, candidate: Candidate, reason: SkipReason, limit: Decimal = Decimal(0)) -> None:
        self._attempt_log.passed_over[candidate.model.name] = Obstacle(reason, limit=limit)

    def _wait(self, until_s: float, now_s: float, reason: str | None = None) -> Action:
        if until_s < self._job.deadline_s:
            return Wait(until_s)
        passed_over = (f"{name}: {obstacle}" for name, obstacle in self._attempt_log.passed_over.items())
        reasons = reason or "; ".join(passed_over)
        return self._end(ErrorCode.DEADLINE_EXCEEDED, f"nobody is free before the deadline ({reasons})", now_s)

    def _call(self, plan: Plan, candidate: Candidate, now_s: float) -> Action:
        if self._reserves(candidate, now_s):
            return self._send(plan, candidate, now_s)
        call_id = self._job.event_id(self._attempt_log.next_attempt)
        until = self._reserving.wait(call_id, self._job.deadline_s, self._chance, now_s)
        return self._end(until.code, until.message, now_s) if isinstance(until, InVain) else Wait(until, call_id)

    def _reserves(self, candidate: Candidate, now_s: float) -> bool:
        call_id = self._job.event_id(self._attempt_log.next_attempt)
        return self._reserving.reserve(call_id, candidate, self._calling.timeout_s(candidate, now_s), now_s)

    def _send(self, plan: Plan, candidate: Candidate, now_s: float) -> Call:
        name, attempt = candidate.model.name, self._attempt_log.next_attempt
        self._reserving.called()
        self._attempt_log.passed_over.pop(name, None)
        return self._calling.send(plan, candidate, attempt, now_s, joinable=not self._standings[name].apart)

    def _answered(self, event: Answered) -> Action:
        call, answer, now_s = self._calling.answered(event), event.answer, event.now_s
        is_check = self._cascade is not None and self._cascade.asking is not None
        checked = PLAIN if self._schema is None or is_check else self._schema.check(answer)
        usage = self._attempt_log.answered(call.started, call.candidate, event, checked.violation)
        self._reserving.settle(call.started.event_id, self._attempt_log.attempts[-1].cost_usd)
        if checked.violation is not None:
            return self._reject(call.candidate, answer, usage, checked, now_s)
        ending = Ending(Status.COMPLETED, answer, call.candidate, usage=usage, schema_check=checked.told)
        if self._cascade is None:
            return self._finish(ending, now_s)
        self._calling.is_retry = False  # what a cascade calls next is no retry, and takes from no budget of them
        attempt, run = call.started.attempt, self._cascade
        return self._follow(
            run, run.checked(answer.message, attempt) if is_check else run.answered(ending, attempt), now_s
        )

    def _follow(self, run: CascadeRun, step: Step, now_s: float) -> Action:
        """Do what the cascade says; a check that cannot be made now is left out."""
        while isinstance(step, Ask):
            candidate = self._checking(run, step.check, now_s)
            if candidate is not None:
                return self._send(self._planned(), candidate, now_s)
            step = run.unchecked("its call could not be made at once, or not paid for")
        return self._finish(step.ending, now_s) if isinstance(step, Accept) else self._decide(self._planned(), now_s)

    def _checking(self, run: CascadeRun, check: AnswerCheck, now_s: float) -> Candidate | None:
        """Return whom to call for a check, with the call's cost reserved; None if that is not possible now."""
        candidate, catalogue = None, self._pool.catalogue
        if check is AnswerCheck.AGREEMENT:
            candidate = run.beside()
        elif catalogue.cascade.judge is not None:
            judge, asked = catalogue.models[catalogue.cascade.judge], judging(self._job.request, run.first_message)
            candidate = None if asked is None else plan_judge(self._job, judge, asked, self._pool, now_s)
        return candidate if candidate is not None and self._may_check(candidate, now_s) else None

    def _may_check(self, candidate: Candidate, now_s: float) -> bool:
        left_usd = self._planned().max_cost_usd - self._attempt_log.spent_usd
        if (
            now_s >= self._job.deadline_s
            or len(self._attempt_log.attempts) >= self._pool.catalogue.retry.max_attempts
            or (candidate.upper_usd or 0) > left_usd
            or not self._pool.readiness(candidate.model, now_s, candidate.bound).now(now_s)
        ):
            return False
        if not self._reserving.pays_for(candidate, now_s):
            return False
        if self._reserves(candidate, now_s):
            return True
        self._reserving.release(self._job.event_id(self._attempt_log.next_attempt))
        return False

    def _reject(self, candidate: Candidate, answer: Answer, usage: Usage, checked: Checked, now_s: float) -> Action:
        """Take an answer for none: ask its model once more, or leave it."""
        plan, standing = self._planned(), self._standings[candidate.model.name]
        self._misfit = Ending(Status.FAILED, answer, candidate, None, usage, checked.told)
        standing.repair = None
        if checked.may_be_repaired and candidate.request is None:
            asked = repaired(self._job.request, answer.message, checked.violation or "")
            standing.repair = plan_repair(self._job, candidate, asked, self._pool, now_s)
        standing.left = standing.repair is None
        return self._decide(plan, now_s)

    def _fail(self, event: Failed) -> Action:
        call, failure, now_s = self._calling.failed(event), event.failure, event.now_s
        self._attempt_log.failed(call.started, call.candidate, event)
        self._reserving.settle(call.started.event_id, self._attempt_log.attempts[-1].cost_usd)
        if (run := self._cascade) is not None and run.asking is not None:
            return self._follow(run, run.unchecked(f"its call failed: {failure.category}", call.started.attempt), now_s)
        if self._pool.may_go_on(call.permit, failure, call.candidate.bound, now_s):
            return self._decide(self._planned(), now_s)
        standing = self._standings[call.candidate.model.name]
        if failure.disposition.next is Next.ASK_APART:
            standing.apart = True
            self._calling.is_retry = False  # asked anew, not again: it takes from no budget of retries
            return self._decide(self._planned(), now_s)
        standing.failed(failure.disposition.next, self._pool.catalogue.retry, self._chance, now_s)
        if failure.disposition.next is Next.STOP:
            message = f"{call.candidate.model.name} refused the request: {failure.detail}"
            return self._end(ErrorCode.UPSTREAM_REJECTED, message, now_s)
        return self._decide(self._planned(), now_s)

    def _planned(self) -> Plan:
        if self._plan is None:  # pragma: no cover - without a plan the session has ended
            raise SessionError("there is no plan")
        return self._plan

    def _end(self, code: ErrorCode, message: str, now_s: float, field: str | None = None) -> Finish:
        refused = code is ErrorCode.UPSTREAM_REJECTED or self._plan is None
        refused |= code is ErrorCode.BUDGET_EXHAUSTED and not self._attempt_log.attempts
        status = Status.REJECTED if refused else Status.FAILED
        if self._cascade is not None and (first := self._cascade.first) is not None:
            return self._finish(first, now_s)
        if (misfit := self._misfit) is not None:
            detail = misfit.schema_check.detail if misfit.schema_check else None
            message = f"no answer fits the request's JSON schema ({message}); of the last one: {detail}"
            error = ErrorDetail(code=ErrorCode.SCHEMA_VIOLATION, message=message)
            return self._finish(replace(misfit, error=error), now_s)
        return self._finish(Ending(status, error=ErrorDetail(code=code, message=message, field=field)), now_s)

    def _finish(self, ending: Ending, now_s: float) -> Finish:
        self._state = SessionState.ENDED
        response = self._attempt_log.response(ending, self._plan, self._analysis, now_s)
        return Finish(response, self._attempt_log.costs())
