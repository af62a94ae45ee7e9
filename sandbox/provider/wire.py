"""The JSON that goes out: OpenAI's completion, its error shape, and the ways in which faults spoil a completion."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import orjson
from pydantic import JsonValue

from sandbox.provider.answers import Answer
from sandbox.provider.connection import Exchange, head
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.models import TokenCounts

SLOW_BODY_PIECES = 10
SLOW_BODY_S = 10.0


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error in OpenAI's shape, with the status it comes under."""

    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None

    def send(self, exchange: Exchange, headers: str = "") -> None:
        """Answer with this error."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        exchange.respond(self.status, orjson.dumps({"error": error}), headers)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer with what the caller is told about it."""

    id: str
    model: str
    created_at: datetime
    counts: TokenCounts
    answer: Answer

    def to_json(self, *, without: str | None = None) -> bytes:
        """Return the response body; `without` leaves out `usage` or empties `choices`."""
        answer = self.answer
        message: _Message = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.tool is not None:
            message["content"] = None
            call_id = f"call_{self.id.removeprefix('chatcmpl-')}"
            function: _Function = {"name": answer.tool, "arguments": answer.text}
            message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
        body = {
            "id": self.id,
            "object": "chat.completion",
            "created": int(self.created_at.timestamp()),
            "model": self.model,
            "choices": [] if without == "choices" else [choice],
        }
        if without != "usage":
            counts = self.counts
            usage: dict[str, JsonValue] = {
                "prompt_tokens": counts.input_tokens,
                "completion_tokens": counts.output_tokens,
                "total_tokens": counts.input_tokens + counts.output_tokens,
                "prompt_tokens_details": {"cached_tokens": counts.cached_input_tokens},
                "completion_tokens_details": {"reasoning_tokens": counts.reasoning_tokens},
            }
            if counts.cache_write_tokens:
                usage["cache_creation_input_tokens"] = counts.cache_write_tokens
            body["usage"] = usage
        return orjson.dumps(body)

    def send(self, exchange: Exchange, fault: Fault | None, time_scale: float) -> None:
        """Answer with this completion, spoiled by the fault if it is one that spoils answers."""
        match fault and fault.fault:
            case FaultKind.CHARGED_BUT_SILENT:
                pass
            case FaultKind.HANG_AFTER_HEADERS:
                exchange.write(head(200, len(self.to_json())))
            case FaultKind.SLOW_BODY:
                body = self.to_json()
                over_s = SLOW_BODY_S if fault is None or fault.delay_s is None else fault.delay_s
                exchange.write(head(200, len(body)))
                _trickle(
                    exchange, body, -(-len(body) // SLOW_BODY_PIECES), over_s * time_scale / (SLOW_BODY_PIECES - 1)
                )
            case FaultKind.TRUNCATED_BODY:
                body = self.to_json()
                exchange.write(head(200, len(body)) + body[: len(body) // 2])
                exchange.close()
            case FaultKind.WRONG_CONTENT_LENGTH:
                body = self.to_json()
                exchange.write(head(200, len(body) // 2) + body)
                exchange.finish()
            case FaultKind.INVALID_JSON:
                body = self.to_json()
                exchange.respond(200, body[: len(body) // 2])
            case FaultKind.MISSING_USAGE:
                exchange.respond(200, self.to_json(without="usage"))
            case FaultKind.EMPTY_CHOICES:
                exchange.respond(200, self.to_json(without="choices"))
            case _:
                exchange.respond(200, self.to_json())


class _Function(TypedDict):
    name: str
    arguments: str


class _ToolCall(TypedDict):
    id: str
    type: str
    function: _Function


class _Message(TypedDict, total=False):
    role: str
    content: str | None
    refusal: None
    tool_calls: list[_ToolCall]


def _trickle(exchange: Exchange, rest: bytes, piece: int, pause_s: float) -> None:
    exchange.write(rest[:piece])
    if len(rest) <= piece:
        exchange.finish()
    else:
        asyncio.get_running_loop().call_later(pause_s, _trickle, exchange, rest[piece:], piece, pause_s)
