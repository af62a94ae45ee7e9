"""Runs a command's coroutine on uvloop, and turns what Kafka has against it into one sentence."""

import logging
from collections.abc import Coroutine
from typing import TypeVar

import typer
import uvloop
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.cli.speech import say
from streams.config.settings import Settings

T = TypeVar("T")

INTERRUPTED = 130
"""What shells report for a command that Ctrl-C has ended."""


def run(settings: Settings, work: Coroutine[None, None, T]) -> T:
    """Do the work.

    Raises:
        typer.Exit: Kafka is out of reach or refuses (1, and the sentence is said), or Ctrl-C (130).
    """
    try:
        return uvloop.run(work)
    except KafkaConnectionError:
        say(f"No Kafka broker answers at {settings.brokers}; start one, or name another: --brokers, TURNOUT_BROKERS.")
        raise typer.Exit(1) from None
    except KafkaError as error:
        say(f"Kafka at {settings.brokers} refuses: {error}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def keep_libraries_quiet() -> None:
    """Let nothing but the command itself speak: a broker out of reach is one sentence, not the client's log."""
    logging.basicConfig(level=logging.CRITICAL)
