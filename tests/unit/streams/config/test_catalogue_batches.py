"""Batches in the catalogue: prices and limits by the vendors' published terms, and every mistake by its key."""

from decimal import Decimal
from pathlib import Path

import pytest

from router.catalogue import BatchTerms, ContextTier, Model, Price
from router.dialects.wire import BatchForm, DialectName
from router.errors import CatalogueError
from streams.config.catalogue_batches import FORMS
from streams.config.catalogue_file import load_catalogue, parse_catalogue
from tests.unit.streams.config.test_catalogue_file import MINIMAL

ROOT = Path(__file__).parents[4]
AZURE = 'base_url = "https://x.openai.azure.com"\napi_version = "2024-10-21"\n'


def model(provider: str = "", own: str = "", name: str = "m-1.0") -> Model:
    text = MINIMAL.replace("[providers.openai]", f"[providers.openai]\n{provider}")
    return parse_catalogue(text.replace("quality = 9\n", f"quality = 9\n{own}\n")).catalogue.models[name]


def terms(provider: str = "batch = true", own: str = "") -> BatchTerms:
    found = model(provider, own).batch
    assert found is not None
    return found


def test_a_provider_has_no_batches_unless_it_says_so() -> None:
    assert model().batch is None
    assert model("batch = false").batch is None
    assert model().in_batches() is None


@pytest.mark.parametrize(
    ("dialect", "form", "window_h", "requests", "size_bytes"),
    [
        ("", BatchForm.OPENAI, 24, 50_000, 200_000_000),
        ('dialect = "openai-responses"\n', BatchForm.OPENAI, 24, 50_000, 200_000_000),
        (f'dialect = "azure-openai"\n{AZURE}', BatchForm.AZURE, 24, 100_000, 200_000_000),
        ('dialect = "anthropic"\n', BatchForm.ANTHROPIC, 24, 100_000, 256_000_000),
        ('dialect = "gemini"\n', BatchForm.GEMINI, 48, 1_000_000, 2_000_000_000),
    ],
)
def test_a_provider_that_only_says_so_has_its_vendors_terms(
    dialect: str, form: BatchForm, window_h: int, requests: int, size_bytes: int
) -> None:
    found = terms(f"{dialect}batch = true")
    assert (found.form, found.window_s, found.max_requests, found.max_bytes) == (
        form,
        window_h * 3600,
        requests,
        size_bytes,
    )
    assert found.price == Price(Decimal("2.000"), Decimal("4.0"))
    assert found.max_enqueued_tokens is None


def test_a_table_says_what_differs() -> None:
    found = terms(
        'batch = { form = "mistral", discount = 0.25, window_h = 168, max_requests = 10, max_bytes = 5000, '
        "max_enqueued_tokens = 90000 }"
    )
    price = Price(Decimal("3.0000"), Decimal("6.00"))
    assert found == BatchTerms(BatchForm.MISTRAL, price, 604_800, 10, 5000, 90_000)


def test_a_model_may_have_no_batches_or_terms_of_its_own() -> None:
    assert model("batch = true", "batch = false").batch is None
    found = terms(own="batch = { discount = 0.75, max_enqueued_tokens = 7 }")
    assert (found.price, found.max_enqueued_tokens) == (Price(Decimal(1), Decimal(2)), 7)
    own = "batch = { input_usd_per_mtok = 1.5, output_usd_per_mtok = 5, cached_input_usd_per_mtok = 0.1 }"
    assert terms(own=own).price == Price(Decimal("1.5"), Decimal(5), Decimal("0.1"))


def test_a_model_without_a_price_has_none_in_batches() -> None:
    unpriced = model("batch = true", name="m-2").batch
    assert unpriced is not None
    assert unpriced.price is None


def test_the_model_in_batches_has_the_batch_prices_at_every_hour_and_length() -> None:
    found = model(
        "batch = true",
        "cached_input_usd_per_mtok = 1\ncontext_tiers = [{ above_input_tokens = 100, input_usd_per_mtok = 6, "
        "output_usd_per_mtok = 10, cached_input_usd_per_mtok = 2 }]\n"
        "price_windows = [{ from_utc = 16:00:00, until_utc = 20:00:00, input_usd_per_mtok = 1, "
        "output_usd_per_mtok = 2 }]",
    ).in_batches()
    assert found is not None
    tier = ContextTier(Decimal(3), Decimal(5), Decimal(1), None, 100)
    assert found.price_at(0) == Price(Decimal(2), Decimal(4), Decimal("0.5"), None, (tier,))
    assert found.price_at(17 * 3_600_000) == Price(Decimal("0.5"), Decimal(1))
    assert found.prices_between(0, 86_400_000) == {found.price_at(0), found.price_at(17 * 3_600_000)}


def test_the_price_of_geminis_cached_input_stays() -> None:
    found = load_catalogue(ROOT / "examples/dialects.toml").catalogue.models["gemini-2.5-flash"].in_batches()
    assert found is not None
    assert found.price == Price(Decimal("0.15"), Decimal("1.25"), Decimal("0.03"))


def test_claudes_caches_are_discounted_with_the_rest() -> None:
    found = load_catalogue(ROOT / "examples/list-prices.toml").catalogue.models["claude-sonnet-4.5"].in_batches()
    assert found is not None
    tier = ContextTier(Decimal(3), Decimal("11.25"), Decimal("0.3"), Decimal("3.75"), 200_000)
    price = Price(Decimal("1.5"), Decimal("7.5"), Decimal("0.15"), Decimal("1.875"), (tier,))
    assert found.price == price


def test_the_shipped_catalogue_has_batches_where_the_vendor_has() -> None:
    models = load_catalogue(ROOT / "catalogue.toml").catalogue.models
    assert {name for name, one in models.items() if one.batch} == {"gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash"}


def test_every_dialect_but_bedrock_has_a_form() -> None:
    assert set(FORMS) == set(DialectName) - {DialectName.BEDROCK}
    assert {form for forms in FORMS.values() for form in forms} == set(BatchForm)


MISTAKES = {
    "no table": (
        ("batch = 1", ""),
        "providers.openai.batch is 1, must be true, false or a table, such as { discount = 0.5 }.",
    ),
    "unknown form": (
        ('batch = { form = "files" }', ""),
        "providers.openai.batch.form must be 'openai', 'azure-openai', 'mistral', 'anthropic' or 'gemini'.",
    ),
    "another's form": (
        ('batch = { form = "gemini" }', ""),
        'providers.openai.batch.form is "gemini"; with dialect "openai" it is "openai" or "mistral".',
    ),
    "all for nothing": (("batch = { discount = 1 }", ""), "providers.openai.batch.discount is 1, must be less than 1."),
    "misspelt key": (
        ("batch = { max_request = 5 }", ""),
        'providers.openai.batch.max_request is not known; did you mean "max_requests"?',
    ),
    "a model beyond its provider": (
        ("", "batch = { discount = 0.5 }"),
        'models."m-1.0".batch is set, and its provider has no batch; set it there, or remove it here.',
    ),
    "a model that has batches where its provider has none": (
        ("batch = false", "batch = true"),
        'models."m-1.0".batch is set, and its provider has no batch; set it there, or remove it here.',
    ),
    "two prices": (
        ("batch = true", "batch = { discount = 0.5, input_usd_per_mtok = 1, output_usd_per_mtok = 1 }"),
        'models."m-1.0".batch has prices and a discount; remove one of both.',
    ),
    "half a price": (
        ("batch = true", "batch = { input_usd_per_mtok = 1 }"),
        'models."m-1.0".batch.output_usd_per_mtok is missing; add it, or leave all prices out if they are not known.',
    ),
    "a model's misspelt key": (
        ("batch = true", "batch = { discout = 0.5 }"),
        'models."m-1.0".batch.discout is not known; did you mean "discount"?',
    ),
    "Bedrock": (
        ('dialect = "bedrock"\nbase_url = "https://bedrock-runtime.us-east-1.amazonaws.com"\nbatch = true', ""),
        'providers.openai.batch is set, and dialect "bedrock" has no batches here; remove it.',
    ),
}


@pytest.mark.parametrize(("lines", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_key_and_its_fix(lines: tuple[str, str], sentence: str) -> None:
    with pytest.raises(CatalogueError) as error:
        model(*lines)
    assert str(error.value) == f"the catalogue: {sentence}"
