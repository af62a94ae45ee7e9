"""`turnout send`: publishes one prompt or a file of them, and waits for the answers if asked."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from schemas.vocabulary import Lane, Policy, Tier
from streams.cli import options
from streams.cli.dispatch import Dispatch, Order
from streams.cli.line_input import opened_lines
from streams.cli.prompts import Overrides, prompt_of
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.sending import RecordKey
from streams.codec import Unreadable
from streams.config.load_settings import load_settings

EPILOG = """\b
Examples:
    turnout send "What is a turnout?" --wait
    turnout send --file prompts.jsonl --tenant research --tag run=7 --wait --json > answers.jsonl
    cat batch.jsonl | turnout send - --rate 50
    turnout send "Hello" --key-file ~/.turnout-acme
    turnout send --file night.jsonl --lane batch --deadline 8h --wait

\b
A line of a file is one of:
    {"prompt": "...", "tier": "fast"}                    a request, as docs/ describes it
    {"custom_id": "1", "body": {"messages": [...]}}      a line of an OpenAI batch file
    "What is a turnout?"                                 a prompt
    {"turns": ["..."], "category": "qa"}                 a line of MT-Bench or Spec-Bench: its first turn
    {"text": "...", "label": "qa"}                       a line of a data set; its other fields become tags

Options go before what a line says; tags are added. A bad line is named with its number, and the others are sent.
Ends with 0 only if every request was sent and, with --wait, completed. An id that has been answered before is not
answered again.
"""

PATIENCE_S = 90.0
"""Half as long again as a request lives by default."""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MOST_S = 1e9


def send(  # noqa: PLR0913 - one parameter an option
    prompt: Annotated[str | None, typer.Argument(help="The prompt, or - to read lines from stdin.")] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="Lines of prompts, one request each; - is stdin."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Who pays.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="Pin the tier.")] = None,
    model: Annotated[str | None, typer.Option(help="Pin the model.")] = None,
    policy: Annotated[Policy | None, typer.Option(help="How a model is chosen: docs/policies.md.")] = None,
    max_cost_usd: Annotated[str | None, typer.Option(help="The most that one answer may cost.", metavar="USD")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer, tokens.")] = None,
    deadline_s: Annotated[float | None, typer.Option(help="Answer within so many seconds of sending.", min=0)] = None,
    deadline: Annotated[
        str | None, typer.Option(help="The same with its unit: 90s, 30m, 6h, 2d.", metavar="TIME", show_default=False)
    ] = None,
    lane: Annotated[
        Lane | None, typer.Option(help="Whether it may wait for a batch, at half the price: docs/batch.md.")
    ] = None,
    cache_ttl_s: Annotated[
        int | None, typer.Option(help="An earlier answer will do that is no older, seconds: docs/cache.md.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag of the answers and costs; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    reply_to: Annotated[str | None, typer.Option(help="A topic that gets a copy of each answer.")] = None,
    key: Annotated[RecordKey, typer.Option(help="What the records are keyed by.")] = RecordKey.REQUEST_ID,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Where tenants have keys: the file that holds the tenant's.", show_default="TURNOUT_TENANT_KEY_FILE"
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Send no more a second than this.", min=0.001)] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the answers.")] = False,
    timeout_s: Annotated[
        float | None,
        typer.Option(
            help="Stop waiting when no answer has come for so long.", show_default="90, or --deadline-s + 30", min=0
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print responses as JSON lines; without --wait, where each request lies.")
    ] = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Send a prompt, or a file of them. With --wait, print the answer, or a table of all answers."""
    fields: dict[str, JsonValue] = {
        "tenant": tenant,
        "tier": tier,
        "model": model,
        "policy": policy,
        "max_cost_usd": max_cost_usd,
        "max_tokens": max_tokens,
        "lane": lane,
        "cache": None if cache_ttl_s is None else {"ttl_s": cache_ttl_s},
        "reply_to": reply_to,
    }
    if deadline is not None:
        if deadline_s is not None:
            raise typer.BadParameter("--deadline and --deadline-s say the same: give one of them")
        deadline_s = _seconds(deadline)
    given = {name: value for name, value in fields.items() if value is not None}
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers, tenant_key_file=key_file)
    order = Order(
        text=None if prompt == "-" else prompt,
        descriptor=_descriptor(prompt, file),
        overrides=Overrides(given, dict(_tag(text) for text in tag or ())),
        deadline_s=deadline_s,
        key=key,
        tenant_key=options.tenant_key(settings.tenant_key_file),
        per_second=rate,
        wait=wait,
        patience_s=max(PATIENCE_S, (deadline_s or 0) + 30) if timeout_s is None else timeout_s,
        as_json=as_json,
    )
    # An option that no worker would accept is the option's fault, not that of every line.
    probed = order.overrides_now() if order.text is not None else order.overrides.with_a_deadline()
    if isinstance(probe := prompt_of("?", probed, settings.max_request_bytes), Unreadable):
        raise typer.BadParameter(probe.reason)
    dispatch = Dispatch(settings, order)
    run(settings, dispatch.run())
    dispatch.report()
    raise typer.Exit(0 if dispatch.is_complete else 1)


def _descriptor(prompt: str | None, file: Path | None) -> int | None:
    if (prompt is None) == (file is None):
        raise typer.BadParameter("give either a prompt or --file; `turnout send --help` shows both")
    if file is None and prompt != "-":
        return None
    return opened_lines(file or Path("-"))


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * UNITS_S[unit]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 <= seconds < MOST_S:
        raise typer.BadParameter(f"--deadline {text!r} is not a time such as 90s, 30m, 6h or 2d")
    return seconds


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"--tag {text!r} is not NAME=VALUE")
    return name, value
