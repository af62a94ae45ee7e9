"""The command that runs the simulated provider: `python -m sandbox.provider`."""

import asyncio
import gc
import logging
import os
import resource
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from pydantic import ValidationError

from sandbox.provider import faults
from sandbox.provider import unkind as unkind_ways
from sandbox.provider.accounts import read_accounts
from sandbox.provider.batches import faults as batch_faults
from sandbox.provider.invoice import Invoice, InvoiceUnusable
from sandbox.provider.options import ProviderOptions
from sandbox.provider.reports import Ready
from sandbox.provider.unkind import read_unkindness

_RETRY_AFTER_FORMS = f"\n{36 * ' '}".join(faults.RetryAfterForm)
_PARAGRAPHS = (
    "What it answers:",
    """\
    POST /v1/chat/completions, /v1/responses, /v1/embeddings
    POST /openai/deployments/MODEL/chat/completions?api-version=...
    POST /v1/messages
    POST /v1beta/models/MODEL:generateContent
    POST /model/MODEL/converse
    files and batches of OpenAI, Azure, Mistral, Anthropic and Gemini
    GET  /v1/models""",
    "Control API, on the same port:",
    f"""\
    POST   /sandbox/faults          a JSON object: fault, model, rate, count,
                                    duration_s, delay_s, factor, hang, status,
                                    retry_after_s, retry_after_form:
                                    {_RETRY_AFTER_FORMS}
    GET    /sandbox/faults          the faults in force
    DELETE /sandbox/faults[?model=] removes them
    PUT    /sandbox/unkind          a JSON object: the ways to be unkind
    GET    /sandbox/unkind          the ways chosen
    DELETE /sandbox/unkind          none any more
    GET    /sandbox/invoice         totals and rows
    GET    /sandbox/stats           calls, in flight, statuses, per model
    POST   /sandbox/batch-faults    a JSON object: fault, model, count, rate,
                                    factor, retry_after_s
    GET    /sandbox/batch-faults    the faults of batches in force
    DELETE /sandbox/batch-faults    removes them
    GET    /sandbox/batches         all batches and how they stand""",
    *(faults.__doc__ or "").split("\n\n"),
    *(batch_faults.__doc__ or "").split("\n\n"),
    *(unkind_ways.__doc__ or "").split("\n\n"),
)
EPILOG = "\n\n".join(f"\b\n{paragraph}" for paragraph in _PARAGRAPHS)
"""The control API and the fault table, for --help; the marks keep their lines as they are."""


def provider(  # noqa: PLR0913 - one parameter an option
    *,
    port: Annotated[int, typer.Option(help="The port; 0 picks a free one.", min=0, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    invoice: Annotated[Path, typer.Option(help="The invoice: one JSON line per charged call, appended.")] = Path(
        "invoice.jsonl"
    ),
    seed: Annotated[
        int, typer.Option(help="Chooses answers, latencies and failures.", min=-(2**63), max=2**63 - 1)
    ] = 1,
    time_scale: Annotated[
        float, typer.Option(help="Multiplies every duration; 0.1 is ten times faster.", min=0.001)
    ] = 1,
    latency_ms: Annotated[float | None, typer.Option(help="One fixed latency instead of drawn ones.", min=0)] = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="No requests-per-minute limits.")] = False,
    no_failures: Annotated[bool, typer.Option("--no-failures", help="Only scripted faults.")] = False,
    api_key: Annotated[str | None, typer.Option(help="The one bearer key accepted; else any is.")] = None,
    list_prices: Annotated[
        bool,
        typer.Option("--list-prices", help="Bill by public list prices; tell cached and reasoning tokens."),
    ] = False,
    prompt_cache: Annotated[
        bool,
        typer.Option("--prompt-cache", help="Cache prompts as the vendors do; tell and bill what is read and written."),
    ] = False,
    aws_secret: Annotated[
        str | None, typer.Option(help="The secret access key that Bedrock's calls are signed with; else any is.")
    ] = None,
    accounts: Annotated[
        str,
        typer.Option(help="Keys with limits: a JSON object of name: {key, requests_per_minute, tokens_per_minute}."),
    ] = "{}",
    batch_s: Annotated[
        float | None, typer.Option(help="How long each batch takes, instead of a drawn time.", min=0)
    ] = None,
    batch_enqueued_tokens: Annotated[
        int | None, typer.Option(help="Tokens of input in a model's batches that have not ended; else any.", min=1)
    ] = None,
    unkind: Annotated[str, typer.Option(help="Ways to be unkind: a JSON object, or all.", metavar="JSON")] = "{}",
) -> None:
    """Run a simulated provider of the four reference models, in the dialects of five vendors, with an invoice.

    Prints one JSON line with its base_url on stdout when it is ready. SIGTERM stops it.
    """
    try:
        unkindness = read_unkindness(unkind)
    except ValidationError as error:
        raise _bad("--unkind", error) from None
    try:
        rules = read_accounts(accounts)
    except ValidationError as error:
        raise _bad("--accounts", error) from None
    options = ProviderOptions(
        invoice,
        seed,
        time_scale,
        latency_ms,
        not no_limits,
        not no_failures,
        api_key,
        host,
        port,
        list_prices,
        unkindness,
        aws_secret,
        rules,
        batch_s,
        batch_enqueued_tokens,
        prompt_cache,
    )
    logging.basicConfig(format="%(message)s")
    _allow_many_connections()
    try:
        uvloop.run(_serve(options))
    except (InvoiceUnusable, OSError) as error:
        typer.echo(f"The provider cannot run: {error}", err=True)
        raise typer.Exit(1) from None


def _bad(option: str, error: ValidationError) -> typer.BadParameter:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the text"
    return typer.BadParameter(f"{place}: {first['msg']}.", param_hint=option)


async def _serve(options: ProviderOptions) -> None:
    # Loads the tokenizer, which takes most of a second that --help can do without.
    from sandbox.provider.server import Provider  # noqa: PLC0415

    invoice = Invoice(options.invoice)
    server = Provider(options, invoice)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.open()
    gc.freeze()
    origin = f"http://{options.host}:{server.port}"
    ready = Ready(base_url=f"{origin}/v1", control_url=f"{origin}/sandbox", pid=os.getpid())
    typer.echo(ready.model_dump_json())
    typer.echo(f"The simulated provider listens on {origin}; its invoice is {options.invoice}.", err=True)
    await stop.wait()
    server.close()
    invoice.close()


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
