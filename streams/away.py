"""How clients say that a broker is away, and how to wait until it is back."""

from collections.abc import Awaitable, Callable

import stamina
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError

AWAY = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError, TimeoutError)
"""The broker cannot be reached; asking again later does no harm."""
AGAIN_AFTER_S = 5.0


async def retry_while_unreachable(step: Callable[..., Awaitable[None]], *arguments: object) -> None:
    """Take a step that does no harm if it is repeated, again and again for as long as the broker is away."""
    async for attempt in stamina.retry_context(on=AWAY, attempts=None, timeout=None, wait_max=AGAIN_AFTER_S):
        with attempt:
            await step(*arguments)
