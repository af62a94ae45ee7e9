"""Shadow calls: after a request's answer another model is asked the same, and a judge compares.

A shadow takes no slot, holds up no offset and no handover: it begins when the response is acknowledged, and is given up
with its partition. Its calls are calls as any other: written ahead, reserved for, billed. What came of each is written
behind its write-ahead record before its cost event, as a response is for a request: a worker that finds the records
after a crash makes the same cost event again, or one of unknown cost, but never two prices for one event id. Until then
the checkpoint of the partition holds back for the shadow.
"""

import asyncio
from asyncio import Task
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from router.errors import Answer
from router.job import Job
from router.models.pool import ModelPool
from router.request.attempts import settled_alone
from router.request.session import Action, Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from router.retry import Chance
from router.shadow_rules import ShadowRules
from router.shadows.choice import Shadow, judge_job, judge_of, shadow_job, shadow_of
from router.shadows.judging import comparison, scores_of
from schemas.costs import CallStarted
from schemas.responses import AnswerMessage, Response
from schemas.shadow_answers import ShadowAnswer, Verdict
from schemas.vocabulary import Status
from streams.control.budget_client import BudgetClient
from streams.ops.metrics import Metrics, ShadowResult
from streams.ports import Clock, Fence, Provider, TopicPartition
from streams.publisher import Publisher
from streams.request.handling import Handling
from streams.request.outcomes import Written
from streams.request.partition_state import PartitionState

log = structlog.get_logger()

HAND_ON_S = 5.0
"""How long a shadow that is given up tries to write down what has come of its calls, seconds."""


@dataclass(frozen=True, slots=True)
class ShadowCalls:
    """The shadows of one worker."""

    rules: ShadowRules
    pool: ModelPool
    budget_client: BudgetClient
    provider: Provider
    publisher: Publisher
    metrics: Metrics
    announce: Callable[[], None]
    """Called after each decision: breakers may have changed."""
    has_time: Callable[[], bool]
    fence: Fence
    clock: Clock
    chance: Chance
    _tasks: defaultdict[TopicPartition, dict[Task[None], None]] = field(default_factory=lambda: defaultdict(dict))

    def offer(self, job: Job, written: Written, handling: Handling) -> None:
        """Begin the shadow of a request whose response is acknowledged, if it is to have one and there is time."""
        if handling.is_back or handling.is_referenced or handling.state.is_lost:
            return
        shadow = shadow_of(self.rules, job, written.response)
        if shadow is None:
            return
        if not self.has_time() or sum(map(len, self._tasks.values())) >= self.rules.at_once:
            self.metrics.shadow(ShadowResult.NO_TIME)
            return
        if shadow.model is not None and not self._can_spare(shadow.model):
            self.metrics.shadow(ShadowResult.NOT_SPARED)
            return
        key = f"shadow\x1f{job.identity.key}"
        handling.state.came_back(key)  # now, while the request's own offset still holds the checkpoint
        origin = handling.delivery.origin
        tp = TopicPartition(origin.topic, origin.partition)
        task = asyncio.create_task(self._follow(shadow, job, written, handling))
        self._tasks[tp][task] = None
        task.add_done_callback(partial(self._over, tp, handling.state, key))

    def give_up(self, tps: Iterable[TopicPartition]) -> None:
        """Give up the shadows of these partitions; those that have called are found by the partitions' next owner."""
        for tp in tps:
            for task in self._tasks.get(tp, ()):
                task.cancel()

    async def let_go(self, tps: Iterable[TopicPartition]) -> None:
        """Give up the shadows of these partitions, and return when nothing more is written for them."""
        tps = list(tps)
        self.give_up(tps)
        left = [task for tp in tps for task in self._tasks.get(tp, ())]
        if left:
            await asyncio.wait(left, timeout=2 * HAND_ON_S)

    def _over(self, tp: TopicPartition, state: PartitionState, key: str, task: Task[None]) -> None:
        self._tasks[tp].pop(task, None)
        if task.cancelled():  # the next owner of the partition reads its calls back
            self.metrics.shadow(ShadowResult.GIVEN_UP)
            return
        state.went_out(key)
        if (problem := task.exception()) is not None:
            log.error("a defect of Turnout: a shadow was not brought to its end", exc_info=problem)

    async def _follow(self, shadow: Shadow, job: Job, written: Written, handling: Handling) -> None:
        asked = shadow_job(job, shadow, self.rules, self.clock())
        answered_by = None if shadow.experiment is None else written.response.request_model
        ended = await self._made(asked, handling, answered_by)
        if not ended.attempts:
            self.metrics.shadow(ShadowResult.NOT_CALLED)
            return
        answer = _told(written, shadow, ended)
        if ended.status is not Status.COMPLETED or ended.message is None:
            result = ShadowResult.FAILED
        else:
            answer = await self._judged(answer, shadow, job, asked, written.response, handling)
            result = ShadowResult.ANSWERED if answer.verdict is None else ShadowResult.JUDGED
        await self._publish(answer, handling)
        self.metrics.shadow(result)

    async def _judged(
        self, answer: ShadowAnswer, shadow: Shadow, job: Job, asked: Job, response: Response, handling: Handling
    ) -> ShadowAnswer:
        """Return the answer with the judge's verdict, or with why there is none."""
        judge = judge_of(self.rules, job, (answer.answered_by, answer.request_model))
        if judge is None:
            why = "no judge may read it, or it would judge itself" if self.rules.judge else "there is no judge"
            return answer.model_copy(update={"not_judged": why})
        nothing = AnswerMessage(content=None)
        first, second = response.message or nothing, answer.message or nothing
        if shadow.reads_first:
            first, second = second, first
        question = comparison(job.request, first, second, judge)
        if question is None:
            return answer.model_copy(update={"not_judged": "there are no words to judge, or too many"})
        if not self._can_spare(judge):
            return answer.model_copy(update={"not_judged": "the judge is not well, or near its limit"})
        ended = await self._made(judge_job(asked, question, len(answer.attempts), self.clock()), handling)
        known = {"attempts": (*answer.attempts, *ended.attempts), "judge_cost_usd": ended.cost_usd}
        if ended.message is None:
            why = "the judge was not asked" if not ended.attempts else "the judge's call failed"
            return answer.model_copy(update={**known, "not_judged": why})
        scores = scores_of(ended.message)
        if scores is None:
            return answer.model_copy(update={**known, "not_judged": "the judge's reply is no verdict"})
        shadow_score, answered_score = scores if shadow.reads_first else reversed(scores)
        verdict = Verdict(
            judge=judge,
            answered_score=answered_score,
            shadow_score=shadow_score,
            shadow_was_first=shadow.reads_first,
        )
        return answer.model_copy(update={**known, "verdict": verdict})

    async def _made(self, job: Job, handling: Handling, answered_by: str | None = None) -> Response:
        """Make the calls of a shadow or of its judge, publish what they cost, and return what came of them.

        Where a policy chooses the model, `answered_by` is the one that it need not choose again.
        """
        session = Session(job, self.pool, self.chance, self.budget_client.of(job.tenant))
        try:
            finish = await self._run(session, job, handling, answered_by)
        except asyncio.CancelledError:
            if await self._hand_on(session.abandon(self.clock()), handling):
                session.handed_on()
            raise
        except Exception:
            log.exception("a defect of Turnout: a shadow call is broken off", request_id=job.request_id)
            finish = session.break_off("a defect in the worker; see its log", self.clock())
        try:
            for call in session.ended_calls():
                await self._still_ours(handling)
                await self._write(call, handling)
            await self._still_ours(handling)
            for event in finish.costs:
                await self.publisher.cost(event, handling.trace, self.budget_client.drawn_by(event))
                self.metrics.shadow_cost(event)
        finally:
            self.budget_client.hand_over(finish.costs)  # those that were not told in the holder's name
        return finish.response

    async def _run(self, session: Session, job: Job, handling: Handling, answered_by: str | None) -> Finish:
        action = self._tell(session, Started(self.clock()))
        while not isinstance(action, Finish):
            match action:
                case Call() if answered_by is not None and not self._is_wanted(action, answered_by):
                    session.call_off(is_written=False)
                    return session.stop_waiting(self.clock())
                case Call():
                    event: Event = await self._call(session, action, job, handling)
                case Wait(call_id=None):
                    return session.stop_waiting(self.clock())
                case Wait(until_s=until_s, call_id=str(call_id)):
                    await self.budget_client.reserved(call_id, until_s - self.clock())
                    event = Woke(self.clock())
            action = self._tell(session, event)
        return action

    def _is_wanted(self, call: Call, answered_by: str) -> bool:
        """Say whether the model that a policy has chosen is another one, and can be asked without harm."""
        return call.model.name != answered_by and self._can_spare(call.model.name)

    def _can_spare(self, model: str) -> bool:
        return self.pool.can_spare(self.pool.catalogue.models[model], self.clock())

    async def _call(self, session: Session, call: Call, job: Job, handling: Handling) -> Answered | Failed:
        is_written = False
        try:
            await self._still_ours(handling)
            is_written = True
            await self._write(call.started, handling)
            await self._still_ours(handling)
        except BaseException:
            session.call_off(is_written=is_written)
            raise
        called_s = self.clock()
        result = await self.provider.call(call.repair or job.request, call, handling.trace)
        now_s = self.clock()
        if isinstance(result, Answer):
            return Answered(now_s, result, now_s - called_s)
        return Failed(now_s, result, now_s - called_s)

    async def _still_ours(self, handling: Handling) -> None:
        """Wait until the partition is certainly still this worker's.

        Raises:
            CancelledError: it is not, and its owner of now settles what this worker has called.
        """
        await self.fence.passed(lambda: handling.state.is_lost)
        if handling.state.is_lost:
            raise asyncio.CancelledError

    async def _write(self, call: CallStarted, handling: Handling) -> None:
        handling.state.call_written(await self.publisher.call_started(call, handling.delivery, handling.trace))

    async def _hand_on(self, ended: tuple[CallStarted, ...], handling: Handling) -> bool:
        """Write down what came of calls that are given up; say whether their partition's next owner can know it."""
        if handling.state.is_lost or not self.fence.is_open():
            return not ended
        try:
            async with asyncio.timeout(HAND_ON_S):
                for call in ended:
                    await self._write(call, handling)
        except TimeoutError:
            return False
        return True

    async def _publish(self, answer: ShadowAnswer, handling: Handling) -> None:
        await self._still_ours(handling)
        try:
            await self.publisher.shadow_answer(answer, handling.delivery, handling.trace)
        except MessageSizeTooLargeError:
            without = answer.model_copy(update={"message": None})
            await self.publisher.shadow_answer(without, handling.delivery, handling.trace)

    def _tell(self, session: Session, event: Event) -> Action:
        action = session.receive(event)
        self.announce()
        return action


async def settle_shadow_calls(state: PartitionState, publisher: Publisher, fence: Fence) -> None:
    """Bill the shadow calls of earlier workers that were read back: as what is written of each, or as unknown."""
    for call in state.take_shadow_calls():
        event = settled_alone(call)
        if event is not None:
            await fence.passed(lambda: state.is_lost)
            if state.is_lost:
                raise asyncio.CancelledError
            await publisher.cost(event, {})
        state.went_out(call.event_id)


def _told(written: Written, shadow: Shadow, ended: Response) -> ShadowAnswer:
    """Return what came of the shadow, without a verdict."""
    response = written.response
    if response.task is None or response.difficulty is None or response.form is None:
        raise AssertionError("such a response has no shadow")
    return ShadowAnswer(
        request_id=response.request_id,
        tenant=response.tenant,
        status=ended.status,
        task=response.task,
        tier=response.tier,
        difficulty=response.difficulty,
        form=response.form,
        answered_by=response.request_model or "",
        request_model=shadow.model or ended.request_model or ended.attempts[-1].request_model,
        provider_name=ended.provider_name,
        response_model=ended.response_model,
        experiment=None if shadow.experiment is None else shadow.experiment.name,
        message=ended.message,
        finish_reason=ended.finish_reason,
        usage=ended.usage,
        error=ended.error,
        latency_ms=ended.latency_ms,
        cost_usd=ended.cost_usd,
        judge_cost_usd=Decimal(0),
        attempts=ended.attempts,
        completed_at=ended.completed_at,
        response_offset=written.offset,
        request_topic=response.request_topic,
        request_partition=response.request_partition,
        request_offset=response.request_offset,
    )
