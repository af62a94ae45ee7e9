import pytest
from pydantic import SecretStr

from router.dialects.wire import Wire
from router.errors import CatalogueError
from streams.config.catalogue_providers import ProviderEntry
from streams.config.settings import Settings
from streams.providers.endpoints import Endpoint, endpoints_of, is_private

OWN = "https://own.example/v1"
SETTINGS = Settings(
    provider_base_url="https://all.example/v1", api_key=SecretStr("sk-all"), api_keys={"keyed": SecretStr("sk-keyed")}
)


def test_the_key_for_all_goes_only_where_the_settings_say() -> None:
    found = endpoints_of(
        SETTINGS,
        {"plain": ProviderEntry("plain", None), "own": ProviderEntry("own", OWN), "keyed": ProviderEntry("keyed", OWN)},
    )
    assert found.by_provider == {
        "plain": Endpoint("https://all.example/v1", SecretStr("sk-all")),
        "own": Endpoint(OWN, None),
        "keyed": Endpoint(OWN, SecretStr("sk-keyed")),
    }
    (warning,) = found.warnings
    assert warning == (
        "Provider own has a base_url of its own and no key in TURNOUT_API_KEYS, so it is called without one: "
        "TURNOUT_API_KEY is only for TURNOUT_PROVIDER_BASE_URL."
    )


def test_without_any_key_there_is_nothing_to_warn_of() -> None:
    assert endpoints_of(Settings(), {"own": ProviderEntry("own", "http://own.example/v1")}).warnings == ()


def test_who_does_not_say_what_it_heeds_is_told_of_what_follows() -> None:
    unbounded = Wire(max_tokens_field="max_tokens", is_bounded=False)
    assert endpoints_of(Settings(), {"own": ProviderEntry("own", OWN, wire=unbounded)}).warnings == (
        (
            "Provider own is not known to heed max_tokens, so no request with a cost cap or of a tenant with a budget "
            "goes there; set providers.own.max_tokens_field to the name that it heeds."
        ),
    )


def test_a_key_does_not_cross_the_network_in_the_clear() -> None:
    with pytest.raises(CatalogueError) as caught:
        endpoints_of(SETTINGS, {"keyed": ProviderEntry("keyed", "http://own.example/v1")})
    assert str(caught.value) == (
        "providers.keyed.base_url is http, so that the key of keyed would cross the network in the clear; use https, "
        "or set providers.keyed.allow_http = true."
    )
    settings = SETTINGS.model_copy(update={"provider_base_url": "http://all.example/v1"})
    with pytest.raises(CatalogueError, match=r"^TURNOUT_PROVIDER_BASE_URL is http, .* providers\.plain\.allow_http"):
        endpoints_of(settings, {"plain": ProviderEntry("plain", None)})
    allowed = endpoints_of(settings, {"plain": ProviderEntry("plain", None, allow_http=True)})
    assert allowed.by_provider["plain"].api_key == SecretStr("sk-all")


@pytest.mark.parametrize(
    ("base_url", "private"),
    [
        ("https://own.example/v1", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://127.1.2.3/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://api.localhost/v1", True),
        ("http://10.0.0.7/v1", False),
        ("http://own.example/v1", False),
        ("http://localhost.example/v1", False),
        ("http://127.0.0.1.example/v1", False),
    ],
)
def test_private_is_tls_or_this_machine(base_url: str, *, private: bool) -> None:
    assert is_private(base_url) is private


# --- accounts ---

ACCOUNTS = {"team-a": "own.team-a", "old": "sk-perhaps-a-key-itself"}


def test_each_account_has_the_key_of_its_name() -> None:
    settings = Settings(
        api_keys={"own.team-a": SecretStr("key-a"), "sk-perhaps-a-key-itself": SecretStr("key-b")},
    )
    found = endpoints_of(settings, {"own": ProviderEntry("own", OWN, account_keys=ACCOUNTS)})
    endpoint = found.by_provider["own"]
    assert found.warnings == ()
    assert (endpoint.api_key, endpoint.of(None)) == (None, endpoint)
    assert {name: endpoint.of(name).api_key for name in ACCOUNTS} == {
        "team-a": SecretStr("key-a"),
        "old": SecretStr("key-b"),
    }


def test_the_providers_own_key_is_not_used_beside_accounts_and_that_is_told() -> None:
    settings = Settings(api_keys={"own": SecretStr("key-0"), "own.team-a": SecretStr("key-a")})
    found = endpoints_of(settings, {"own": ProviderEntry("own", OWN, account_keys={"team-a": "own.team-a"})})
    assert found.by_provider["own"].api_key is None
    assert found.warnings == ("Provider own has accounts, so its own key is not used; each account has one.",)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_without_a_key_ends_the_start_and_what_may_be_a_key_is_not_shown(account: str) -> None:
    keys = {name: SecretStr("key") for other, name in ACCOUNTS.items() if other != account}
    with pytest.raises(CatalogueError) as raised:
        endpoints_of(Settings(api_keys=keys), {"own": ProviderEntry("own", OWN, account_keys=ACCOUNTS)})
    assert str(raised.value).startswith(f"providers.own.accounts.{account} has no key: add ")
    assert "sk-perhaps" not in str(raised.value)


def test_the_key_of_an_account_crosses_no_network_in_the_clear() -> None:
    settings = Settings(api_keys={"own.team-a": SecretStr("key-a")})
    provider = ProviderEntry("own", "http://own.example/v1", account_keys={"team-a": "own.team-a"})
    with pytest.raises(CatalogueError, match="in the clear"):
        endpoints_of(settings, {"own": provider})
