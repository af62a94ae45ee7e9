"""`turnout tenant`: makes the keys by which tenants prove who they are."""

from typing import Annotated

import typer

from streams.cli import options
from streams.cli.speech import print_json, say
from streams.codec import KEY_HEADER
from streams.config.catalogue_sentences import quoted
from streams.request.api_keys import key_digest, make_key

tenant = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Make keys for tenants.")


@tenant.callback()
def _tenant() -> None:
    """Keep `key` a sub-command, though it is the only one."""


@tenant.command(epilog="\b\nExample:\n    turnout tenant key acme")
def key(
    name: Annotated[str, typer.Argument(help="The tenant, as the catalogue calls it.")],
    *,
    as_json: options.AsJson = False,
) -> None:
    """Make a key and print it, once, with the line that makes the catalogue know it. Nothing is stored."""
    made = make_key()
    line = f'keys = ["sha256:{key_digest(made.encode())}"]'
    if as_json:
        print_json({"tenant": name, "key": made, "hash": f"sha256:{key_digest(made.encode())}"})
        return
    typer.echo(made)
    say(f"That is the key, for {name} to send as the Kafka header `{KEY_HEADER}: Bearer KEY`. It is shown only now.")
    say(f"Put its hash into the catalogue, under [tenants.{quoted(name)}], and start the workers again:")
    typer.echo(f"\n    {line}\n", err=True)
