"""The accounts of the catalogue's providers, checked: several keys to one provider, by name."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from router.catalogue import Account
from router.errors import CatalogueError
from schemas.vocabulary import AccountLimit
from streams.config.catalogue_sentences import instead_of, key_of
from streams.config.catalogue_shape import RawAccountLimits, RawProvider

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Names go into files' names, events and tables."""


def accounts_of(providers: Mapping[str, RawProvider], models: Mapping[str, str]) -> Mapping[str, tuple[Account, ...]]:
    """Return the accounts of those providers that have some.

    Args:
        providers: of the file.
        models: the provider of each model.

    Raises:
        CatalogueError: a name or a limit cannot be used.
    """
    return MappingProxyType(
        {name: tuple(_accounts(name, raw, models)) for name, raw in providers.items() if raw.accounts}
    )


def key_names_of(provider: str, raw: RawProvider) -> Mapping[str, str]:
    """Return under which name the key of each account is kept, in TURNOUT_API_KEYS or as a file of its folder.

    Raises:
        CatalogueError: two accounts have one key.
    """
    names = {name: account.key_name or f"{provider}.{name}" for name, account in raw.accounts.items()}
    owners: dict[str, str] = {}
    for name, key in names.items():
        if (owner := owners.setdefault(key, name)) != name:
            raise CatalogueError(
                f"{key_of('providers', provider, 'accounts', name)} has the same key_name as {owner}; name another "
                "key, or remove one of the accounts."
            )
    return MappingProxyType(names)


def _accounts(provider: str, raw: RawProvider, models: Mapping[str, str]) -> Iterable[Account]:
    own = [model for model, of in models.items() if of == provider]
    for name, account in raw.accounts.items():
        key = key_of("providers", provider, "accounts", name)
        if not NAME.fullmatch(name):
            raise CatalogueError(
                f"{key} is no name for an account; use up to 64 letters, digits, hyphens and underscores."
            )
        for model in account.models:
            if model not in own:
                raise CatalogueError(
                    f'{key}.models names "{model}", which is no model of {provider}; {instead_of(model, own)}'
                )
        yield Account(
            name,
            account.weight,
            _limits(account),
            MappingProxyType({model: _limits(limits) for model, limits in account.models.items()}),
        )


def _limits(raw: RawAccountLimits) -> Mapping[AccountLimit, int]:
    given = ((limit, getattr(raw, limit)) for limit in AccountLimit)
    return MappingProxyType({limit: most for limit, most in given if most is not None})
