"""The bytes that go out: a whole answer, or one that a fault spoils."""

import asyncio
from dataclasses import dataclass

import orjson

from sandbox.provider.connection import Exchange, head
from sandbox.provider.dialects.dialect import Dialect
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.outcome import Outcome

SLOW_BODY_PIECES = 10
SLOW_BODY_S = 10.0


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error in OpenAI's shape, for paths that no dialect answers."""

    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None

    def send(self, exchange: Exchange) -> None:
        """Answer with this error."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        exchange.respond(self.status, orjson.dumps({"error": error}))


def send_outcome(
    exchange: Exchange, dialect: Dialect, outcome: Outcome, fault: Fault | None, time_scale: float
) -> None:
    """Answer with the outcome, spoiled by the fault if it is one that spoils answers."""
    if fault is not None and fault.fault is FaultKind.CHARGED_BUT_SILENT:
        return
    fields = dialect.write(outcome)
    match fault and fault.fault:
        case FaultKind.MISSING_USAGE:
            fields.pop(dialect.usage_field)
        case FaultKind.EMPTY_CHOICES:
            dialect.leave_out_answers(fields)
    body, headers = orjson.dumps(fields), dialect.headers(outcome)
    match fault and fault.fault:
        case FaultKind.HANG_AFTER_HEADERS:
            exchange.write(head(200, len(body), headers))
        case FaultKind.SLOW_BODY:
            over_s = SLOW_BODY_S if fault is None or fault.delay_s is None else fault.delay_s
            exchange.write(head(200, len(body), headers))
            _trickle(exchange, body, -(-len(body) // SLOW_BODY_PIECES), over_s * time_scale / (SLOW_BODY_PIECES - 1))
        case FaultKind.TRUNCATED_BODY:
            exchange.write(head(200, len(body), headers) + body[: len(body) // 2])
            exchange.close()
        case FaultKind.WRONG_CONTENT_LENGTH:
            exchange.write(head(200, len(body) // 2, headers) + body)
            exchange.finish()
        case FaultKind.INVALID_JSON:
            exchange.respond(200, body[: len(body) // 2], headers)
        case _:
            exchange.respond(200, body, headers)


def _trickle(exchange: Exchange, rest: bytes, piece: int, pause_s: float) -> None:
    exchange.write(rest[:piece])
    if len(rest) <= piece:
        exchange.finish()
    else:
        asyncio.get_running_loop().call_later(pause_s, _trickle, exchange, rest[piece:], piece, pause_s)
