import pytest

from router.catalogue import Account
from router.errors import CatalogueError
from schemas.vocabulary import AccountLimit
from streams.config.catalogue_file import parse_catalogue

MODELS = """
name = "test"
version = "1"
baseline = "alpha"
[chains]
fast = ["alpha"]
balanced = ["alpha"]
reasoning = ["alpha"]
powerful = ["alpha"]
[quality_floors]
fast = 1
balanced = 1
reasoning = 1
powerful = 1
[models.alpha]
provider = "openai"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
quality = 5
context_tokens = 100_000
max_output_tokens = 4_000
requests_per_minute = 1_000
typical_latency_ms = 300
[providers.openai]
"""
ACCOUNTS = """
[providers.openai.accounts.team-a]
weight = 3
requests_per_minute = 500
tokens_per_minute = 200_000
[providers.openai.accounts.team-a.models.alpha]
tokens_per_minute = 30_000
[providers.openai.accounts.spare]
key_name = "openai-old"
output_tokens_per_minute = 8_000
"""


def test_a_provider_without_accounts_has_none() -> None:
    file = parse_catalogue(MODELS)
    assert file.catalogue.accounts == {}
    assert file.providers["openai"].account_keys == {}


def test_accounts_have_a_weight_limits_and_what_differs_for_a_model() -> None:
    first, second = parse_catalogue(MODELS + ACCOUNTS).catalogue.accounts["openai"]
    assert (first.name, first.weight) == ("team-a", 3)
    assert first.limits_of("alpha") == {AccountLimit.REQUESTS: 500, AccountLimit.TOKENS: 30_000}
    assert first.limits_of("other") == {AccountLimit.REQUESTS: 500, AccountLimit.TOKENS: 200_000}
    assert second == Account("spare", 1, {AccountLimit.OUTPUT_TOKENS: 8_000}, {})


def test_a_key_is_kept_under_provider_and_account_unless_the_catalogue_names_another() -> None:
    provider = parse_catalogue(MODELS + ACCOUNTS).providers["openai"]
    assert provider.account_keys == {"team-a": "openai.team-a", "spare": "openai-old"}


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("[providers.openai.accounts.'a.b']", 'providers.openai.accounts."a.b" is no name for an account'),
        ("[providers.openai.accounts.a]\nweigth = 2", 'did you mean "weight"?'),
        ("[providers.openai.accounts.a]\nkey = 'sk-secret-key'", "keys are settings: put it into TURNOUT_API_KEYS"),
        ("[providers.openai.accounts.a]\nweight = 0", "providers.openai.accounts.a.weight is 0"),
        ("[providers.openai.accounts.a.models.beta]", 'names "beta", which is no model of openai'),
        ("[providers.openai.accounts.a.models.alpha]\nrequests = 2", "requests_per_minute"),
        (
            "[providers.openai.accounts.a.models.gpt-4.1]\ntokens_per_minute = 2",
            "a name with a dot is written in quotes",
        ),
        (
            "[providers.openai.accounts.a]\nkey_name = 'x'\n[providers.openai.accounts.b]\nkey_name = 'x'",
            "providers.openai.accounts.b has the same key_name as a",
        ),
    ],
)
def test_what_is_wrong_with_an_account_is_said_with_its_fix(added: str, said: str) -> None:
    with pytest.raises(CatalogueError) as raised:
        parse_catalogue(f"{MODELS}{added}\n")
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
