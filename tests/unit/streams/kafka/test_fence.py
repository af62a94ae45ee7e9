"""The right to write: it ends a share of the session after the last heartbeat that was answered was sent."""

import pytest

from streams.kafka.fence import OPEN_SHARE, HeartbeatFence, WatchedHeartbeat

SESSION_S = 10.0


class Member:
    """A member whose coordinator takes a while to answer."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.takes_s = 0.1
        self.is_member = True
        self.fence = HeartbeatFence(SESSION_S, lambda: self.now_s)
        self.heartbeat = WatchedHeartbeat(self.beat, self.fence, lambda: self.now_s)

    async def beat(self) -> bool:
        self.now_s += self.takes_s
        return self.is_member


async def test_it_is_closed_until_a_heartbeat_is_answered() -> None:
    member = Member()
    assert not member.fence.is_open()
    assert await member.heartbeat()
    assert member.fence.is_open()


async def test_it_closes_a_share_of_the_session_after_the_heartbeat_was_sent_not_after_it_was_answered() -> None:
    member = Member()
    member.takes_s = 3.0
    await member.heartbeat()
    member.now_s = 1000.0 + SESSION_S * OPEN_SHARE - 0.01
    assert member.fence.is_open()
    member.now_s += 0.02
    assert not member.fence.is_open()


async def test_a_member_that_froze_over_its_heartbeat_has_no_right_to_write() -> None:
    member = Member()
    member.takes_s = SESSION_S
    await member.heartbeat()
    assert not member.fence.is_open()


@pytest.mark.parametrize("refuses", [True, False])
async def test_what_is_told_that_it_is_no_member_keeps_its_fence_closed(refuses: bool) -> None:  # noqa: FBT001
    member = Member()
    member.is_member = not refuses
    assert await member.heartbeat() is not refuses
    assert member.fence.is_open() is not refuses
