"""Where each provider is, the key that may go there, and what it charges without an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import SecretStr

from router.charges import ChargeRow
from router.dialects.wire import DialectName
from router.errors import CatalogueError
from streams.config.catalogue_providers import ProviderEntry
from streams.config.catalogue_sentences import key_of, quoted
from streams.config.key_files import KeyFiles
from streams.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is, the key to it, and its own rows of charges."""

    base_url: str
    api_key: SecretStr | None
    charges: tuple[ChargeRow, ...] = ()
    dialect: DialectName = DialectName.CHAT
    api_version: str | None = None
    """Azure's; None for all others."""
    region: str | None = None
    """AWS's; None for all others."""
    account_keys: Mapping[str, SecretStr] = field(default_factory=dict)
    """By the name of the account; where there are some, `api_key` is not used."""

    def of(self, account: str | None) -> "Endpoint":
        """Return the endpoint with the key of an account."""
        return self if account is None else replace(self, api_key=self.account_keys[account])


def keys_of(endpoints: Mapping[str, Endpoint]) -> list[str]:
    """Return all keys."""
    keys = (key for one in endpoints.values() for key in (one.api_key, *one.account_keys.values()))
    return [key.get_secret_value() for key in keys if key is not None]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every provider's endpoint, and what the operator should know about them."""

    by_provider: Mapping[str, Endpoint]
    warnings: tuple[str, ...] = ()


def endpoints_of(
    settings: Settings, providers: Mapping[str, ProviderEntry], files: KeyFiles | None = None
) -> Endpoints:
    """Return the endpoints of a catalogue's providers, with the keys as the files have them now.

    A provider with a `base_url` of its own is sent its own key or none: `TURNOUT_API_KEY` is for the address in the
    settings. A key leaves this machine over https only, unless the provider says `allow_http`.

    Raises:
        CatalogueError: a key would go over the network in the clear, or an account has none; one sentence with the key
            of the catalogue.
        SettingsError: a file of a key cannot be read.
    """
    files = settings.key_files() if files is None else files
    endpoints: dict[str, Endpoint] = {}
    warnings: list[str] = []
    for name, provider in providers.items():
        base_url = provider.base_url or settings.provider_base_url
        account_keys = _account_keys(settings, provider, files)
        own_key = settings.api_key_for(name, has_own_url=provider.base_url is not None, files=files)
        api_key = None if account_keys else own_key
        table = f"providers.{quoted(name)}"
        if account_keys and settings.named_key(name, files) is not None:
            warnings.append(f"Provider {name} has accounts, so its own key is not used; each account has one.")
        if (api_key is not None or account_keys) and not provider.allow_http and not is_private(base_url):
            of = f"{table}.base_url" if provider.base_url is not None else "TURNOUT_PROVIDER_BASE_URL"
            raise CatalogueError(
                f"{of} is http, so that the key of {name} would cross the network in the clear; use https, or set "
                f"{table}.allow_http = true."
            )
        if api_key is None and not account_keys and (settings.api_key or settings.api_key_file) is not None:
            warnings.append(
                f"Provider {name} has a base_url of its own and no key in TURNOUT_API_KEYS, so it is called without "
                "one: TURNOUT_API_KEY is only for TURNOUT_PROVIDER_BASE_URL."
            )
        if not provider.wire.is_bounded:
            warnings.append(
                f"Provider {name} is not known to heed {provider.wire.max_tokens_field}, so no request with a cost cap "
                f"or of a tenant with a budget goes there; set {table}.max_tokens_field to the name that it heeds."
            )
        endpoints[name] = Endpoint(
            base_url,
            api_key,
            provider.charges,
            provider.wire.dialect,
            provider.api_version,
            provider.region,
            account_keys,
        )
    strangers = sorted(files.keys.keys() - _known_files(settings, providers) - {settings.api_key_file})
    warnings += [f"{path} is named after no provider of the catalogue, so its key is not used." for path in strangers]
    return Endpoints(endpoints, tuple(warnings))


def _account_keys(settings: Settings, provider: ProviderEntry, files: KeyFiles) -> Mapping[str, SecretStr]:
    keys: dict[str, SecretStr] = {}
    for account, key_name in provider.account_keys.items():
        key = settings.named_key(key_name, files)
        if key is None:
            usual = f"{provider.name}.{account}"
            # any other name may be the key itself, in the wrong place
            name = f'"{usual}"' if key_name == usual else "what its key_name says"
            raise CatalogueError(
                f"{key_of('providers', provider.name, 'accounts', account)} has no key: add {name} to "
                "TURNOUT_API_KEYS, or a file of that name to TURNOUT_API_KEYS_DIR."
            )
        keys[account] = key
    return MappingProxyType(keys)


def _known_files(settings: Settings, providers: Mapping[str, ProviderEntry]) -> set[Path]:
    folder = settings.api_keys_dir
    if folder is None:
        return set()
    of_accounts = (key for provider in providers.values() for key in provider.account_keys.values())
    return {folder / name for name in (*providers, *of_accounts)}


def is_private(base_url: str) -> bool:
    """Say whether what is sent there can be read by no third party: over TLS, or within this machine."""
    parts = urlsplit(base_url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
