"""What may stand in a log: no key, no control characters, and of an error its type and its places, not its words.

The words of an error may be a prompt, or an answer: `KeyError('my secret diagnosis')`, or pydantic's `input_value`.
Those of the classes in `SPEAK` are Kafka's, the system's and Turnout's own, and hold nothing of a record.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from traceback import format_tb
from types import TracebackType
from typing import Any

from aiokafka.errors import KafkaError

from router.errors import TurnoutError
from streams.plain_text import on_lines, on_one_line
from streams.providers.secrets import Scrubber

SPEAK: tuple[type[BaseException], ...] = (OSError, KafkaError, TurnoutError)
"""Errors whose words are told."""

Scrub = Callable[[str], str]
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def told(error: BaseException) -> str:
    """Return a traceback of the error and of what led to it: places, types, and the words of those that may speak."""
    return "\n".join(_chain(error, set()))


def _chain(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _chain(earlier, seen)
        yield "which led to" if error.__cause__ is earlier else "and then, while that was handled"
    yield "".join(("Traceback (most recent call last):\n", *format_tb(error.__traceback__))).rstrip()
    words = f": {error}" if isinstance(error, SPEAK) and str(error) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{words}"
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            if id(member) not in seen:
                yield from _chain(member, seen)


class LogCleaner:
    """A step of structlog's: puts the traceback into a line, scrubs all its texts of keys, and escapes controls.

    A line that has texts and numbers alone is looked at as a whole first: one a request is written, and hardly any has
    something in it to take out.
    """

    def __init__(self, scrub: Scrubber, *, escapes: bool) -> None:
        self._scrub = scrub
        self._escapes = escapes
        """Not for JSON, whose writer escapes without changing the value."""

    def __call__(self, _logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the line as it may be written."""
        if (error := _error_of(line.pop("exc_info", None))) is not None:
            line["exception"] = told(error)
        if not self._escapes and (texts := _plain_texts(line)) is not None and self._scrub.passes("\n".join(texts)):
            return line
        for name, value in line.items():
            line[name] = self._clean(value, on_lines if name == "exception" else on_one_line)
        return line

    def _clean(self, value: object, escape: Callable[[str], str]) -> object:
        if isinstance(value, str):
            scrubbed = self._scrub(value)
            return escape(scrubbed) if self._escapes else scrubbed
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(item, escape) for item in value]
        if isinstance(value, dict):
            return {str(self._clean(str(name), escape)): self._clean(item, escape) for name, item in value.items()}
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._clean(str(value), escape)


def _plain_texts(line: Mapping[str, object]) -> list[str] | None:
    """Return all texts of a line; None if it has something else in it than texts, lists of them and numbers."""
    texts: list[str] = []
    for value in line.values():
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str):
                texts.append(one)
            elif one is not None and not isinstance(one, bool | int | float):
                return None
    return texts


class LibraryLines(logging.Formatter):
    """Formats what libraries log, by the same rules."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self._scrub = scrub

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without the traceback."""
        return on_one_line(self._scrub(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - logging's name and type
        """Return the traceback."""
        return on_lines(self._scrub(told(ei[1])))


def end_with_clean_tracebacks(scrub: Scrub) -> None:
    """Let the traceback of an error that ends the process follow the same rules."""

    def show(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        sys.stderr.write(on_lines(scrub(told(error))) + "\n")

    sys.excepthook = show


def _error_of(given: object) -> BaseException | None:
    """Return the error that `exc_info` stands for: one, logging's triple, or True for the one being handled."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None
