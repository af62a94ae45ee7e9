import subprocess
import sys

from streams.ops.watchdog import STUCK, Progress

HANGING = """
import asyncio, time
from streams.ops.watchdog import Watchdog

async def main() -> None:
    async with Watchdog(2.0).watching():
        await asyncio.sleep(0.1)
        time.sleep(60)  # what a library may do to a loop

asyncio.run(main())
"""
NOT_READING = """
import asyncio
from streams.ops.watchdog import Concern, Watchdog

numbers = iter(range(1000))

async def moving() -> int:
    return next(numbers)

async def idle() -> None:
    return None

async def standing() -> str:
    return "the same"

async def main() -> None:
    concerns = Concern("it moves", moving), Concern("it is idle", idle), Concern("none has been read", standing)
    async with Watchdog(2.0, *concerns).watching():
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_what_moves_is_not_stuck() -> None:
    progress = Progress(10)
    assert not any(progress.look(second, second, should_move=True) for second in range(60))


def test_what_stands_still_though_it_should_move_is_stuck_after_its_time() -> None:
    progress = Progress(10)
    assert [progress.look("here", second, should_move=True) for second in (0, 5, 9, 10)] == [False, False, False, True]


def test_who_has_nothing_to_do_may_stand_still_and_its_time_begins_with_the_next_work() -> None:
    progress = Progress(10)
    assert not any(progress.look("here", second, should_move=False) for second in range(60))
    assert not progress.look("here", 65, should_move=True)
    assert progress.look("here", 70, should_move=True)


def ended(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)


def test_a_loop_that_hangs_ends_the_process_with_a_last_message() -> None:
    result = ended(HANGING)
    assert result.returncode == STUCK
    assert "the event loop has not turned for 2 s" in result.stdout + result.stderr


def test_a_consumer_that_does_not_read_ends_the_process_with_a_last_message() -> None:
    result = ended(NOT_READING)
    assert result.returncode == STUCK
    assert "none has been read for 2 s" in result.stdout + result.stderr
