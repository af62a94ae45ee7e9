"""Has a worker use keys that are replaced in their files, without a restart."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog

from router.errors import TurnoutError
from streams.config.catalogue_providers import ProviderEntry
from streams.config.key_files import KeyFiles
from streams.config.settings import Settings
from streams.providers.endpoints import Endpoint, endpoints_of

log = structlog.get_logger()

LOOK_AT_KEYS_S = 1.0
OnSecrets = Callable[[Iterable[str]], None]
Renew = Callable[[Mapping[str, Endpoint]], None]
"""Has those who call providers use these endpoints from now on."""


@asynccontextmanager
async def renewing(
    renew: Renew,
    settings: Settings,
    providers: Mapping[str, ProviderEntry],
    files: KeyFiles,
    on_secrets: OnSecrets,
) -> AsyncIterator[None]:
    """Look at the files again every second while the context is open; without files do nothing.

    `on_secrets` is told the keys before they are used.
    """
    on_secrets(key.get_secret_value() for key in files.keys.values())
    if settings.api_key_file is None and settings.api_keys_dir is None:
        yield
        return
    looking = asyncio.create_task(_look(renew, settings, providers, files, on_secrets))
    try:
        yield
    finally:
        looking.cancel()


async def _look(
    renew: Renew,
    settings: Settings,
    providers: Mapping[str, ProviderEntry],
    files: KeyFiles,
    on_secrets: OnSecrets,
) -> None:
    told: list[str] = []
    while True:
        await asyncio.sleep(LOOK_AT_KEYS_S)
        before = files.keys
        problems = files.look()
        if problems and problems != told:
            log.warning("a key cannot be read: the one before holds", problems=problems)
        told = problems
        if (now := files.keys) == before:
            continue
        on_secrets(key.get_secret_value() for key in now.values())
        try:
            renew(endpoints_of(settings, providers, files).by_provider)
        except TurnoutError as error:  # a new key, for a provider that is reached in the clear
            log.warning("a new key is not used", error=str(error))
            continue
        log.info("keys are renewed", files=sorted(str(path) for path in now if before.get(path) != now[path]))
