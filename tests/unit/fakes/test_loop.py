import asyncio
from contextlib import suppress

import pytest

from tests.fakes.loop import START_S, Process, StandstillError, VirtualLoop, in_virtual_time


def test_an_hour_passes_at_once_and_to_the_moment() -> None:
    async def main(loop: VirtualLoop) -> float:
        await asyncio.sleep(3600)
        return loop.time()

    assert in_virtual_time(main) == START_S + 3600


def test_what_is_due_runs_in_the_order_of_moments_and_then_of_asking() -> None:
    order: list[str] = []

    async def sleeper(name: str, for_s: float) -> None:
        await asyncio.sleep(for_s)
        order.append(name)

    async def main(_loop: VirtualLoop) -> None:
        await asyncio.gather(*(sleeper(f"{name}{for_s}", for_s) for name in "ab" for for_s in (2, 1)))

    in_virtual_time(main)
    assert order == ["a1", "b1", "a2", "b2"]


def test_timeouts_and_cancellations_are_those_of_asyncio() -> None:
    async def main(loop: VirtualLoop) -> float:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        task = asyncio.create_task(asyncio.sleep(60))
        loop.call_later(1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        return loop.time()

    assert in_virtual_time(main) == START_S + 6


def test_what_can_never_happen_is_said_rather_than_waited_for() -> None:
    async def main(_loop: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandstillError, match="nothing is due"):
        in_virtual_time(main)


def test_a_killed_process_says_no_goodbye_and_runs_nothing_more() -> None:
    said: list[str] = []

    async def work() -> None:
        try:
            await asyncio.create_task(asyncio.sleep(1))
            said.append("awake")
            await asyncio.sleep(10)
        finally:
            said.append("goodbye")

    async def main(loop: VirtualLoop) -> list[str]:
        process = Process(loop, "w1")
        process.start(work())
        await asyncio.sleep(2)
        process.kill()
        await asyncio.sleep(60)
        return list(said)

    assert in_virtual_time(main) == ["awake"]


def test_a_frozen_process_finds_everything_late_and_in_its_order() -> None:
    woke: list[tuple[int, float]] = []

    async def main(loop: VirtualLoop) -> None:
        async def ticks() -> None:
            for number in range(4):
                await asyncio.sleep(1)
                woke.append((number, loop.time() - START_S))

        process = Process(loop, "w1")
        running = process.start(ticks())
        await asyncio.sleep(1.5)
        process.freeze()
        await asyncio.sleep(10)
        process.thaw()
        await running

    in_virtual_time(main)
    assert woke == [(0, 1.0), (1, 11.5), (2, 12.5), (3, 13.5)]


def test_what_the_world_does_for_a_process_happens_though_it_is_frozen() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        happened: list[float] = []
        process = Process(loop, "w1")
        process.run(loop.in_the_world, 3.0, lambda: happened.append(loop.time() - START_S))
        process.freeze()
        await asyncio.sleep(5)
        return happened

    assert in_virtual_time(main) == [3.0]


def test_sets_of_tasks_have_the_same_order_in_every_run() -> None:
    async def main(_loop: VirtualLoop) -> list[str]:
        tasks = {asyncio.create_task(asyncio.sleep(1), name=str(number)) for number in range(100)}
        done, _ = await asyncio.wait(tasks)
        return [task.get_name() for task in done]

    assert in_virtual_time(main) == in_virtual_time(main)


def test_an_exception_that_is_never_retrieved_fails_the_run() -> None:
    async def fail() -> None:
        raise ValueError("it is not looked at")

    async def main(_loop: VirtualLoop) -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(1)
        del task

    with pytest.raises(AssertionError, match="it is not looked at"):
        in_virtual_time(main)


def test_one_moment_without_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.loop.MOST_AT_ONCE", 1000)

    async def main(_loop: VirtualLoop) -> None:
        while True:  # noqa: ASYNC110 - this is what is wrong
            await asyncio.sleep(0)

    with pytest.raises(StandstillError, match="no end"):
        in_virtual_time(main)
