"""The command line, `turnout`: one module a command, imported only when that command is called.

Exit codes: 0 it is done; 1 it is not, or not wholly; 2 something has to be mended first: an option, a setting, the
catalogue, the topics; 3 too many dead letters have halted a worker; 130 Ctrl-C. A message to a person is a sentence on
stderr; what was asked for is on stdout.
"""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType
from typing import Annotated

import typer

from router.errors import TurnoutError
from streams.cli.speech import say

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "worker": "streams.cli.worker:worker",
        "control": "streams.cli.control:control",
        "topics": "streams.cli.topics:topics",
        "tenant": "streams.cli.tenant:tenant",
        "check": "streams.cli.check:check",
        "prices": "streams.cli.prices:prices",
        "classify": "streams.cli.classify:classify",
        "send": "streams.cli.send:send",
        "tail": "streams.cli.tail:tail",
        "replay": "streams.cli.replay:replay",
        "feedback": "streams.cli.feedback:feedback",
        "quality": "streams.cli.quality:quality",
        "cache": "streams.cli.cache:cache",
        "health": "streams.cli.health:health",
        "failovers": "streams.cli.failovers:failovers",
        "batches": "streams.cli.batches:batches",
        "provider": "sandbox.provider.cli:provider",
        "broker": "sandbox.broker.cli:broker",
        "demo": "sandbox.demo.cli:demo",
        "warehouse": "streams.cli.warehouse:warehouse",
        "report": "streams.cli.report:report",
        "dashboard": "streams.cli.dashboard:dashboard",
    }
)
"""Where each command is: a function, or an app of sub-commands. A module's EPILOG ends its command's help."""

EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        **{name: "sandbox" for name, place in COMMANDS.items() if place.startswith("sandbox.")},
        **dict.fromkeys(("warehouse", "report"), "warehouse"),
    }
)
"""The commands that need an extra, and which."""

EPILOG = """\b
A first look, in four terminals:
    turnout broker --port 9092
    turnout provider --port 8080
    turnout topics create && turnout worker --provider-base-url http://127.0.0.1:8080/v1
    turnout send "Translate to Vietnamese: the train is late." --wait

`turnout COMMAND --help` says more. Settings are TURNOUT_* variables; `turnout check` shows whether they are right.
"""


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    called = [name for name in sys.argv[1:2] if name in COMMANDS]
    try:
        _app(called or COMMANDS)(prog_name="turnout")
    except TurnoutError as error:
        say(str(error))
        sys.exit(2)
    except ModuleNotFoundError as error:
        if not called or called[0] not in EXTRAS:
            raise
        say(f'`turnout {called[0]}` needs {error.name}, which comes with: pip install "turnout[{EXTRAS[called[0]]}]"')
        sys.exit(2)


def _app(names: Iterable[str]) -> typer.Typer:
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_turnout)
    for name in names:
        _mount(app, name)
    return app


def _turnout(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and end.",
            is_eager=True,
            callback=lambda wanted: _print_version(wanted=wanted),
        ),
    ] = False,
) -> None:
    """Route LLM prompts between models, on Kafka: prompts in on one topic, answers and exact costs out on others."""


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"turnout {version('turnout')}")
        raise typer.Exit


def _mount(app: typer.Typer, name: str) -> None:
    module_name, _, attribute = COMMANDS[name].partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if name not in EXTRAS:
            raise
        _mount_missing(app, name, error)
        return
    command, epilog = getattr(module, attribute), getattr(module, "EPILOG", None)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name, epilog=epilog)
    else:
        app.command(name, epilog=epilog)(command)


def _mount_missing(app: typer.Typer, name: str, error: ModuleNotFoundError) -> None:
    what = f'Not installed; it comes with: pip install "turnout[{EXTRAS[name]}]".'

    @app.command(name, help=what, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def missing() -> None:
        raise error
