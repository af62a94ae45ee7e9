"""`turnout broker`: a local broker in the foreground."""

import json
import signal
import sys
import time
from typing import Annotated

import typer

from sandbox.broker.choice import open_broker
from sandbox.broker.info import BrokerUnavailableError
from sandbox.broker.wire import Address, check_answers

_CHECK_EVERY_S = 2.0
_CHECK_TIMEOUT_S = 10.0


def broker(
    broker: Annotated[
        str, typer.Option(help="auto, kafka, docker, embedded, or the HOST:PORT of one that runs already.")
    ] = "auto",
    port: Annotated[int | None, typer.Option(help="Where it listens, on loopback; by default any free port.")] = None,
) -> None:
    """Run a local Kafka broker until Ctrl-C; print its address as a JSON line once it answers."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell starts its background jobs with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        with open_broker(broker, port=port, on_progress=_say) as info:
            _say(info.description)
            sys.stdout.write(json.dumps({"bootstrap_servers": info.bootstrap_servers}) + "\n")
            sys.stdout.flush()
            while True:
                time.sleep(_CHECK_EVERY_S)
                check_answers(Address.parse(info.bootstrap_servers.partition(",")[0]), timeout_s=_CHECK_TIMEOUT_S)
    except BrokerUnavailableError as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except OSError as error:
        _say(f"The broker no longer answers: {error}.")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        _say("The broker has stopped.")


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
