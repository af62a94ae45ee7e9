"""`[providers.NAME]` of the catalogue: where a provider is reached, how it is asked, and what it charges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from router.charges import ChargeRow
from router.dialects.wire import DROPPABLE, MAX_TOKENS_FIELDS, OPENAI, DialectName, Wire
from router.errors import CatalogueError
from router.parameters import PICKS_THE_MODEL
from schemas.requests import PROVIDER_PARAMETERS
from schemas.vocabulary import AttemptOutcome
from streams.config.accounts import key_names_of
from streams.config.catalogue_sentences import instead_of, key_of
from streams.config.catalogue_shape import RawProvider
from streams.config.tls_files import NO_FILES, TlsFiles

_ANSWERED = {AttemptOutcome.SUCCEEDED, AttemptOutcome.SCHEMA_VIOLATION}
UNANSWERED = frozenset(AttemptOutcome) - {*_ANSWERED, AttemptOutcome.CUT_OFF}
_HAS_OWN_URL = frozenset({DialectName.AZURE, DialectName.BEDROCK})
_CHAT = frozenset({DialectName.CHAT, DialectName.AZURE})


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """Where a provider is reached, and how it is asked."""

    name: str
    base_url: str | None
    """Without a slash at the end. None: the settings' `provider_base_url`."""
    allow_http: bool = False
    """A key may go there in the clear."""
    charges: tuple[ChargeRow, ...] = ()
    """What it charges without an answer, where that is not as in `charges.toml`."""
    wire: Wire = OPENAI
    tls: TlsFiles = NO_FILES
    api_version: str | None = None
    """Azure's."""
    region: str | None = None
    """AWS's."""
    account_keys: Mapping[str, str] = field(default_factory=dict)
    """Under which name the key of each account is kept."""


def checked_provider(name: str, raw: RawProvider, wire: Wire) -> ProviderEntry:
    """Return the provider's entry.

    Raises:
        CatalogueError: something in it is wrong; one sentence with key and fix.
    """
    return ProviderEntry(
        name=name,
        base_url=raw.base_url,
        allow_http=raw.allow_http,
        charges=_charges(name, raw),
        wire=wire,
        tls=_tls(name, raw),
        api_version=raw.api_version,
        region=_region(name, raw),
        account_keys=key_names_of(name, raw),
    )


def checked_wire(name: str, raw: RawProvider) -> Wire:
    """Return how a provider is asked.

    OpenAI and Azure heed `max_completion_tokens`, and the address in the settings is taken for one of theirs; others
    mostly heed `max_tokens` alone, and which name a server heeds only its operator knows.

    Raises:
        CatalogueError: something in it is wrong.
    """
    key = key_of("providers", name)
    for place, parameter in enumerate(raw.drop_parameters):
        if parameter not in DROPPABLE:
            raise CatalogueError(
                f'{key}.drop_parameters[{place}] is "{parameter}", which decides the answer or its price, or is none '
                f"of OpenAI's; {instead_of(parameter, DROPPABLE)}"
            )
    for parameter in raw.rename_parameters:
        if parameter not in PROVIDER_PARAMETERS:
            raise CatalogueError(
                f'{key}.rename_parameters names "{parameter}", which is no parameter of OpenAI\'s that Turnout passes '
                f"on; {instead_of(parameter, PROVIDER_PARAMETERS)}"
            )
    if raw.dialect in _HAS_OWN_URL and raw.base_url is None:
        raise CatalogueError(f'{key}.base_url is missing; a provider of dialect "{raw.dialect}" has one of its own.')
    if (raw.dialect is DialectName.AZURE) != (raw.api_version is not None):
        raise CatalogueError(
            f'{key}.api_version goes with dialect "azure-openai" alone; add it, such as "2024-10-21", or remove it.'
        )
    drops = frozenset(raw.drop_parameters)
    if raw.dialect not in _CHAT:
        for name_of_key in ("max_tokens_field", "rename_parameters"):
            if getattr(raw, name_of_key):
                raise CatalogueError(f"{key}.{name_of_key} goes with chat completions only; remove it.")
        return Wire(raw.dialect, drops=drops, prompt_cache=_prompt_cache(name, raw))
    is_openais = raw.dialect is DialectName.AZURE or raw.base_url is None or _is_openais(raw.base_url)
    return Wire(
        dialect=raw.dialect,
        max_tokens_field=raw.max_tokens_field or MAX_TOKENS_FIELDS[0 if is_openais else 1],
        is_bounded=is_openais or raw.max_tokens_field is not None,
        drops=drops,
        renames=raw.rename_parameters,
        prompt_cache=_prompt_cache(name, raw),
    )


def _prompt_cache(name: str, raw: RawProvider) -> bool:
    """Say whether calls say what is to be cached: by default at OpenAI's own address, where a key costs nothing."""
    if raw.dialect is DialectName.GEMINI and raw.prompt_cache:
        raise CatalogueError(
            f'{key_of("providers", name)}.prompt_cache: dialect "gemini" has no word for it, and caches by itself; '
            "remove it."
        )
    if raw.prompt_cache is not None:
        return raw.prompt_cache
    is_keyed = raw.dialect in _CHAT or raw.dialect is DialectName.RESPONSES
    return is_keyed and raw.base_url is not None and _is_openais(raw.base_url)


def checked_parameters(name: str, raw: RawProvider) -> frozenset[str]:
    """Return what the provider takes beside OpenAI's own parameters.

    Raises:
        CatalogueError: one of them would let another model answer.
    """
    for place, parameter in enumerate(raw.parameters):
        if parameter in PICKS_THE_MODEL:
            raise CatalogueError(
                f'{key_of("providers", name)}.parameters[{place}] is "{parameter}", which lets another model answer; '
                "remove it: Turnout routes."
            )
    return frozenset(raw.parameters)


def _charges(name: str, provider: RawProvider) -> tuple[ChargeRow, ...]:
    table = key_of("providers", name, "charges")
    for ending in provider.charges:
        if ending not in UNANSWERED and not re.fullmatch("[1-9][0-9]{2}", ending):
            instead = instead_of(ending, UNANSWERED)
            raise CatalogueError(f"{table}.{ending} is neither an HTTP status, such as 503, nor an outcome; {instead}")
    return tuple(
        ChargeRow(
            charge,
            f"the catalogue, {table}",
            outcomes=frozenset(() if ending.isdecimal() else (AttemptOutcome(ending),)),
            statuses=frozenset((int(ending),) if ending.isdecimal() else ()),
        )
        for ending, charge in provider.charges.items()
    )


def _tls(name: str, raw: RawProvider) -> TlsFiles:
    if raw.client_key_file is not None and raw.client_certificate_file is None:
        raise CatalogueError(
            f"{key_of('providers', name)}.client_key_file is the key of a certificate; add client_certificate_file."
        )
    authorities = () if raw.ca_file is None else (raw.ca_file,)
    return TlsFiles(authorities, raw.client_certificate_file, raw.client_key_file)


def _region(name: str, raw: RawProvider) -> str | None:
    """Return the region that requests to AWS are signed for: the one in the address, if the operator names none."""
    if raw.dialect is not DialectName.BEDROCK:
        if raw.region is not None:
            key = key_of("providers", name)
            raise CatalogueError(f'{key}.region goes only with dialect "{DialectName.BEDROCK}"; remove it.')
        return None
    found = re.fullmatch(r"bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\..+", urlsplit(raw.base_url or "").hostname or "")
    if raw.region is None and found is None:
        key = key_of("providers", name)
        raise CatalogueError(f'{key}.region is missing; add the AWS region that requests are signed for, "us-east-1".')
    return raw.region or (found[1] if found else None)


def _is_openais(base_url: str) -> bool:
    return f".{urlsplit(base_url).hostname}".endswith((".openai.com", ".openai.azure.com"))
