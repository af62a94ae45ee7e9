"""The request log: one structured line a request. Prompts, answers and secrets are never in it."""

import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO, Any, AnyStr, BinaryIO, Generic, TextIO, cast

import orjson
import structlog

from schemas.responses import Response
from schemas.vocabulary import Status
from streams.ops.log_lines import LibraryLines, LogCleaner, end_with_clean_tracebacks
from streams.plain_text import plain_json
from streams.providers.secrets import Scrubber

_SCRUB = Scrubber()
"""A process has one log."""


def scrub_from_the_log(secrets: Iterable[str]) -> None:
    """Take these out of every line too, from now on."""
    _SCRUB.learn(secrets)


def configure_logging(level: str, log_format: str, secrets: Iterable[str] = ()) -> None:
    """Send all logs to stderr: JSON lines for programs, or coloured text for people.

    Everything is scrubbed of the secrets, and of what looks like a key; errors and controls are as `log_lines` says.
    """
    scrub = _SCRUB
    scrub.learn(secrets)
    numeric = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor
    factory: Callable[..., structlog.typing.WrappedLogger]
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_as_json)
        factory = structlog.BytesLoggerFactory(file=cast("BinaryIO", _Unfailing(sys.stderr.buffer)))
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        factory = structlog.PrintLoggerFactory(file=cast("TextIO", _Unfailing(sys.stderr)))
    structlog.configure(
        processors=[*shared, LogCleaner(scrub, escapes=log_format != "json"), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LibraryLines(scrub))
    logging.basicConfig(level=max(numeric, logging.WARNING), handlers=[handler])
    end_with_clean_tracebacks(scrub)


def _as_json(line: object, **options: Any) -> bytes:  # noqa: ANN401 - structlog's
    return plain_json(orjson.dumps(line, **options))


class _Unfailing(Generic[AnyStr]):
    """A stream that drops what it cannot write: a full disk must not stop the work that a line is about."""

    def __init__(self, stream: IO[AnyStr]) -> None:
        self._stream: IO[AnyStr] = stream

    def write(self, text: AnyStr) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class RequestLog:
    """Writes the lines of a sample: of all that do not complete, and of a share of those that do."""

    def __init__(self, sample: float, chance: Callable[[], float]) -> None:
        self._sample = sample
        self._chance = chance
        self._log = structlog.get_logger("turnout.request")

    def write(self, response: Response) -> None:
        """Write the line of one request."""
        if response.status is Status.COMPLETED and self._chance() >= self._sample:
            return
        error, usage = response.error, response.usage
        self._log.info(
            "request",
            request_id=response.request_id,
            tenant=response.tenant,
            status=response.status,
            task=response.task,
            tier=response.tier,
            provider_name=response.provider_name,
            request_model=response.request_model,
            attempts=[f"{attempt.request_model}:{attempt.outcome}" for attempt in response.attempts],
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cost_usd=str(response.cost_usd),
            latency_ms=response.latency_ms,
            error_code=error.code if error else None,
            partition=response.request_partition,
            offset=response.request_offset,
        )
