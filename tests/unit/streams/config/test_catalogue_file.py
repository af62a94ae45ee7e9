"""The catalogue file: what the reference one says, and that each kind of mistake is named with its key and its fix."""

from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from router.catalogue import DAY_MS, Agreement, CascadeRules, Catalogue, ContextTier, Price, PriceWindow
from router.charges import Charge, ChargeRow
from router.dialects.wire import DialectName, Wire
from router.errors import CatalogueError
from router.experiments import Experiment
from router.quality.prior import Prior
from router.shadow_rules import ShadowRules
from schemas.costs import SHADOW_TENANT
from schemas.vocabulary import AttemptOutcome, Capability, Policy, Task, Tier
from streams.config.catalogue_file import CatalogueFile, load_catalogue, parse_catalogue
from streams.config.catalogue_providers import ProviderEntry

REFERENCE = Path(__file__).parents[4] / "catalogue.toml"

MINIMAL = """\
name = "small"
version = "7"
baseline = "m-1.0"

[chains]
fast = ["m-1.0", "m-2"]
balanced = ["m-1.0"]
reasoning = ["m-1.0"]
powerful = ["m-2"]

[quality_floors]
fast = 1
balanced = 1
reasoning = 1
powerful = 1

[providers.openai]

[models."m-1.0"]
provider = "openai"
input_usd_per_mtok = 4.00
output_usd_per_mtok = 8
quality = 9
context_tokens = 1000
max_output_tokens = 100
requests_per_minute = 60
typical_latency_ms = 500

[models.m-2]
provider = "openai"
quality = 5
context_tokens = 1000
max_output_tokens = 100
requests_per_minute = 60
typical_latency_ms = 500
"""


def changed(old: str, new: str) -> str:
    """Return the minimal catalogue with the first `old` replaced."""
    assert old in MINIMAL
    return MINIMAL.replace(old, new, 1)


def first_model(line: str) -> str:
    """Return the minimal catalogue with one more line in its first model."""
    return changed('[models."m-1.0"]\n', f'[models."m-1.0"]\n{line}\n')


def top(line: str) -> str:
    return f"{line}\n{MINIMAL}"


SHADOWS = '[shadow_calls]\nshare = 0.1\nbudget_usd_per_day = 2.5\nmodels = ["m-1.0"]\n'


def appended(text: str) -> str:
    return f"{MINIMAL}\n{text}\n"


def the_complaint_about(text: str) -> str:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, "my.toml")
    return str(caught.value)


def test_the_reference_catalogue_holds_the_reference_figures() -> None:
    catalogue = load_catalogue(REFERENCE).catalogue
    figures = {
        name: (
            model.provider_name,
            model.price,
            model.typical_latency_ms,
            model.requests_per_minute,
            model.quality,
            model.context_tokens,
            model.max_output_tokens,
            model.timeout_s,
        )
        for name, model in catalogue.models.items()
    }
    four, seven_and_a_half, fifth = Decimal("4.00"), Decimal("7.50"), Decimal("0.21")
    gemini = Price(Decimal("1.25"), Decimal("5.00"))
    assert figures == {
        "gpt-4.1": ("openai", Price(four, four), 850, 500, 9, 1_047_576, 32_768, 20.0),
        "claude-sonnet-4.5": (
            "anthropic", Price(seven_and_a_half, seven_and_a_half), 1200, 300, 9, 200_000, 64_000, 20.0,
        ),
        "gemini-2.5-flash": ("google", gemini, 320, 1000, 6, 1_048_576, 65_536, 20.0),
        "deepseek-v3.2": ("deepseek", Price(fifth, fifth), 450, 800, 7, 131_072, 8_192, 20.0),
    }  # fmt: skip
    assert {tier: [model.name for model in chain] for tier, chain in catalogue.chains.items()} == {
        Tier.FAST: ["gemini-2.5-flash", "deepseek-v3.2", "gpt-4.1"],
        Tier.BALANCED: ["deepseek-v3.2", "gemini-2.5-flash"],
        Tier.REASONING: ["claude-sonnet-4.5", "gpt-4.1"],
        Tier.POWERFUL: ["gpt-4.1", "claude-sonnet-4.5"],
    }
    assert catalogue.quality_floors == {Tier.FAST: 5, Tier.BALANCED: 6, Tier.REASONING: 9, Tier.POWERFUL: 9}
    assert catalogue.baseline is catalogue.models["gpt-4.1"]


def test_the_reference_catalogue_states_what_each_model_lacks_by_its_makers_reference() -> None:
    # OpenAI, models/gpt-4.1: text and images in, structured outputs, no reasoning; Anthropic and Google, models
    # overview; DeepSeek, chat completions: messages of text alone, and a response_format of text or json_object
    lacks = {name: model.lacks for name, model in load_catalogue(REFERENCE).catalogue.models.items()}
    media = {Capability.IMAGES, Capability.AUDIO, Capability.FILES}
    assert lacks == {
        "gpt-4.1": {Capability.AUDIO, Capability.REASONING},
        "claude-sonnet-4.5": {Capability.AUDIO},
        "gemini-2.5-flash": set(),
        "deepseek-v3.2": {*media, Capability.JSON_SCHEMA},
    }


def test_an_image_and_a_tool_of_the_provider_may_have_a_price() -> None:
    file = parse_catalogue(first_model("image_usd = 0.005\nsurcharges_usd = { browser_search = 0.02 }"))
    assert file.catalogue.models["m-1.0"].image_usd == Decimal("0.005")
    assert file.catalogue.models["m-1.0"].surcharges_usd == {"browser_search": Decimal("0.02")}
    assert file.catalogue.models["m-2"].image_usd == 0
    with pytest.raises(CatalogueError, match="image_usd"):
        parse_catalogue(first_model("image_usd = -1"))


def test_expected_quality_is_read_by_task_and_band_and_else_follows_from_quality() -> None:
    table = "expected_quality = { math = [0.9, 0.7, 0.5], coding = 0.8, default = 1 }"
    prior = parse_catalogue(first_model(table)).catalogue.models["m-1.0"].prior
    assert prior == Prior((1, 1, 1), {Task.MATH: (0.9, 0.7, 0.5), Task.CODING: (0.8, 0.8, 0.8)})
    models = parse_catalogue(first_model("expected_quality = { math = 0.5 }")).catalogue.models
    assert models["m-1.0"].prior == Prior.from_quality(9, {Task.MATH: (0.5, 0.5, 0.5)})
    assert models["m-2"].prior == Prior.from_quality(5)


def test_what_is_not_stated_a_model_is_taken_to_be_able_to_do() -> None:
    file = parse_catalogue(first_model("capabilities = { images = false, tools = true }"))
    assert file.catalogue.models["m-1.0"].lacks == {Capability.IMAGES}
    assert file.catalogue.models["m-2"].lacks == frozenset()


@pytest.mark.parametrize("file", [load_catalogue(REFERENCE), parse_catalogue(MINIMAL)], ids=["reference", "minimal"])
def test_what_a_catalogue_leaves_out_and_what_the_reference_shows_are_the_routers_defaults(file: CatalogueFile) -> None:
    defaults = {field.name: field.default for field in fields(Catalogue) if field.default is not MISSING}
    assert len(defaults) == 14
    if file.catalogue.name == "reference":
        assert file.catalogue.default_policy is Policy.VALUE
        assert file.catalogue.quality_slack == 0.03
        del defaults["default_policy"], defaults["quality_slack"]
    assert {name: getattr(file.catalogue, name) for name in defaults} == defaults


def test_the_optional_keys_that_the_reference_shows_are_known_and_have_the_defaults_it_says() -> None:
    lines = REFERENCE.read_text().splitlines()
    shown = [line.removeprefix("# ") for line in lines if line.startswith("# ") and " = " in line]
    assert len(shown) == 16
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)
    file = parse_catalogue(uncommented)
    assert file.catalogue == load_catalogue(REFERENCE).catalogue
    assert file.providers["openai"] == ProviderEntry("openai", "https://api.openai.com/v1")


def test_every_optional_key_reaches_its_value() -> None:
    file = parse_catalogue(
        """
        default_policy = "latency"
        quality_slack = 0.1
        explored_share = 0.01
        default_max_cost_usd = 2
        default_max_tokens = 10
        default_timeout_s = 5
        last_resort = false
        """
        + first_model("timeout_s = 1.5\ncached_input_usd_per_mtok = 0.000000001").replace(
            "[providers.openai]",
            '[providers.openai]\nbase_url = "http://127.0.0.1:8080/v1/"\ndialect = "openai"\n[providers.spare]\n'
            'charges = { 503 = "free", timeout = "charged" }',
        )
        + """
        [models."m-1.0".health]
        min_requests = 10
        degraded_p99_ms = 4000
        unhealthy_p99_ms = 9000.5
        [breaker]
        half_open_probes = 1
        ramp_up_s = 2
        [health]
        degraded_error_rate = 0.05
        [experiments.a]
        share = 0.1
        policy = "cascade"
        [experiments.b]
        share = 0.2
        quality_slack = 0.3
        [cascade]
        agreement = "sample"
        judge = "m-2"
        [retry]
        max_attempts = 2
        budget_ratio = 0.1
        budget_floor_per_s = 2
        """
    )
    catalogue = file.catalogue
    assert (catalogue.name, catalogue.version) == ("small", "7")
    assert catalogue.default_policy is Policy.LATENCY
    assert (catalogue.quality_slack, catalogue.explored_share) == (0.1, 0.01)
    assert (catalogue.default_max_cost_usd, catalogue.default_max_tokens, catalogue.last_resort) == (
        Decimal(2),
        10,
        False,
    )
    assert [model.timeout_s for model in catalogue.models.values()] == [1.5, 5.0]
    assert catalogue.models["m-1.0"].price == Price(Decimal(4), Decimal(8), Decimal("0.000000001"))
    assert catalogue.models["m-2"].price is None
    assert (catalogue.breaker.half_open_probes, catalogue.breaker.ramp_up_s) == (1, 2)
    assert (catalogue.retry.budget_ratio, catalogue.retry.budget_floor_per_s) == (0.1, 2)
    assert catalogue.health_of(catalogue.models["m-2"]) is catalogue.health
    assert catalogue.health_of(catalogue.models["m-1.0"]) == replace(
        catalogue.health, min_requests=10, degraded_p99_ms=4000, unhealthy_p99_ms=9000.5
    )
    assert catalogue.health.degraded_error_rate == 0.05
    assert catalogue.retry.max_attempts == 2
    assert catalogue.experiments == (Experiment("a", 0.1, Policy.CASCADE), Experiment("b", 0.2, quality_slack=0.3))
    assert catalogue.cascade == CascadeRules(Agreement.SAMPLE, "m-2")
    spare = "the catalogue, providers.spare.charges"
    assert file.providers == {
        "openai": ProviderEntry(
            "openai", "http://127.0.0.1:8080/v1", wire=Wire(max_tokens_field="max_tokens", is_bounded=False)
        ),
        "spare": ProviderEntry(
            "spare",
            None,
            charges=(
                ChargeRow(Charge.FREE, spare, statuses=frozenset({503})),
                ChargeRow(
                    Charge.CHARGED,
                    spare,
                    outcomes=frozenset({AttemptOutcome.TIMEOUT}),
                ),
            ),
        ),
    }


def provider(lines: str) -> Wire:
    """Return how the provider of a catalogue with these lines is asked."""
    file = parse_catalogue(changed("[providers.openai]", f"[providers.openai]\n{lines}"))
    wire = file.providers["openai"].wire
    assert wire is file.catalogue.models["m-1.0"].wire
    return wire


@pytest.mark.parametrize(
    ("lines", "name", "is_bounded"),
    [
        ("", "max_completion_tokens", True),
        ('base_url = "https://api.openai.com/v1"', "max_completion_tokens", True),
        ('base_url = "https://mine.openai.azure.com/openai/v1"', "max_completion_tokens", True),
        (
            'base_url = "https://llm.mine.example"\ndialect = "azure-openai"\napi_version = "2024-10-21"',
            "max_completion_tokens",
            True,
        ),
        ('base_url = "https://notopenai.com/v1"', "max_tokens", False),
        ('base_url = "http://127.0.0.1:8000/v1"', "max_tokens", False),
        ('base_url = "http://127.0.0.1:8000/v1"\nmax_tokens_field = "max_tokens"', "max_tokens", True),
        (
            'base_url = "http://127.0.0.1:8000/v1"\nmax_tokens_field = "max_completion_tokens"',
            "max_completion_tokens",
            True,
        ),
    ],
)
def test_the_limit_of_an_answer_goes_under_the_name_that_the_provider_heeds(
    lines: str, name: str, *, is_bounded: bool
) -> None:
    wire = provider(lines)
    assert (wire.max_tokens_field, wire.is_bounded) == (name, is_bounded)


def test_a_provider_is_spared_parameters_and_called_by_its_own_names() -> None:
    wire = provider('drop_parameters = ["temperature", "user"]\nrename_parameters = { seed = "random_seed" }')
    assert wire.drops == {"temperature", "user"}
    assert wire.renames == {"seed": "random_seed"}


@pytest.mark.parametrize(
    ("lines", "tells"),
    [
        ("", False),
        ('base_url = "https://api.openai.com/v1"', True),
        ('base_url = "https://api.openai.com/v1"\nprompt_cache = false', False),
        ('base_url = "https://api.openai.com/v1"\ndialect = "openai-responses"', True),
        ('base_url = "http://127.0.0.1:8000/v1"', False),
        ('base_url = "http://127.0.0.1:8000/v1"\nprompt_cache = true', True),
        ('base_url = "https://api.anthropic.com/v1"\ndialect = "anthropic"', False),
        ('base_url = "https://api.anthropic.com/v1"\ndialect = "anthropic"\nprompt_cache = true', True),
    ],
)
def test_a_provider_is_told_what_to_cache_where_that_costs_nothing_or_the_operator_says_so(
    lines: str, *, tells: bool
) -> None:
    assert provider(lines).prompt_cache is tells


def test_a_provider_speaks_a_dialect() -> None:
    file = parse_catalogue(changed("[providers.openai]", f"[providers.openai]\n{BEDROCK}"))
    assert file.providers["openai"].region == "eu-west-1"
    named = changed("[providers.openai]", f'[providers.openai]\n{BEDROCK}\nregion = "us-west-2"')
    assert parse_catalogue(named).providers["openai"].region == "us-west-2"
    azure = changed("[providers.openai]", f'[providers.openai]\n{AZURE}\napi_version = "2024-10-21"')
    assert parse_catalogue(azure).providers["openai"].api_version == "2024-10-21"
    model = file.catalogue.models["m-1.0"]
    assert model.wire == Wire(DialectName.BEDROCK)
    assert model.parameters == {"thinking", "top_k"}
    assert model.surcharges_usd == {"thinking": 0, "top_k": 0}


def test_one_model_may_be_had_from_two_providers() -> None:
    text = first_model('upstream_model = "theirs"').replace("[models.m-2]", '[models.m-2]\nupstream_model = "theirs"')
    models = parse_catalogue(text).catalogue.models
    assert {name: model.upstream_name for name, model in models.items()} == {"m-1.0": "theirs", "m-2": "theirs"}
    assert parse_catalogue(MINIMAL).catalogue.models["m-2"].upstream_name == "m-2"


def test_prices_are_exact() -> None:
    price = parse_catalogue(changed("4.00", "0.1")).catalogue.models["m-1.0"].price
    assert price is not None
    assert price.input_usd_per_mtok == Decimal("0.1")


def test_a_free_model_is_not_one_of_unknown_price() -> None:
    free = appended("").replace("[models.m-2]", "[models.m-2]\ninput_usd_per_mtok = 0\noutput_usd_per_mtok = 0.0")
    assert parse_catalogue(free).catalogue.models["m-2"].price == Price(Decimal(0), Decimal(0))


def test_the_catalogue_of_list_prices_has_tiers_cache_prices_and_windows() -> None:
    models = load_catalogue(REFERENCE.parent / "examples" / "list-prices.toml").catalogue.models
    assert models["claude-sonnet-4.5"].price == Price(
        Decimal(3),
        Decimal(15),
        Decimal("0.3"),
        Decimal("3.75"),
        (ContextTier(Decimal(6), Decimal("22.5"), Decimal("0.6"), Decimal("7.5"), 200_000),),
    )
    deepseek = models["deepseek-v3.2"]
    first_ms, last_ms = (
        int(datetime(2025, month, day, tzinfo=UTC).timestamp()) * 1000 for month, day in ((2, 26), (9, 5))
    )
    half_past_four_ms = 16 * 3_600_000 + 1_800_000
    discount = Price(Decimal("0.135"), Decimal("0.55"), Decimal("0.035"))
    assert deepseek.price_windows == (PriceWindow(discount, half_past_four_ms, 1_800_000, first_ms, last_ms),)


def test_the_catalogue_of_dialects_has_one_model_from_two_providers() -> None:
    file = load_catalogue(REFERENCE.parent / "examples" / "dialects.toml")
    assert {name: provider.wire.dialect for name, provider in file.providers.items()} == {
        "anthropic": DialectName.ANTHROPIC,
        "aws": DialectName.BEDROCK,
        "google": DialectName.GEMINI,
        "openai": DialectName.RESPONSES,
        "azure": DialectName.AZURE,
    }
    assert file.providers["aws"].region == "us-east-1"
    assert all(provider.wire.is_bounded for provider in file.providers.values())
    chain = file.catalogue.chains[Tier.REASONING]
    assert [model.upstream_name for model in chain] == [
        "claude-sonnet-4-5-20250929",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "gpt-4.1",
    ]


def test_windows_that_only_touch_do_not_overlap_and_end_at_midnight() -> None:
    file = parse_catalogue(
        appended(
            window("from_utc = 22:00:00\nuntil_utc = 00:00:00\nvalid_until = 2027-01-01")
            + window("from_utc = 00:00:00\nuntil_utc = 06:00:00")
            + window("from_utc = 06:00:00\nuntil_utc = 22:00:00")
        )
    )
    windows = file.catalogue.models["m-1.0"].price_windows
    assert [(window.from_ms, window.until_ms) for window in windows] == [
        (22 * 3_600_000, DAY_MS),
        (0, 6 * 3_600_000),
        (6 * 3_600_000, 22 * 3_600_000),
    ]


M = 'models."m-1.0"'
SCORES = "must be a score from 0 to 1, or a list of three: of easy, medium and hard prompts."
DID_YOU_MEAN_M = 'did you mean "m-1.0"?'


def tier(above: int) -> str:
    return f"[[{M}.context_tiers]]\nabove_input_tokens = {above}\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n"


def window(when: str) -> str:
    return f"[[{M}.price_windows]]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 2\n{when}\n"


HASH = "sha256:" + 64 * "a"
HASH_DEMAND = "must be sha256: and 64 hexadecimal digits, never the key; `turnout tenant key` makes one."
ALL_DIALECTS = (
    "providers.openai.dialect must be 'openai', 'openai-responses', 'azure-openai', 'anthropic', 'gemini' or 'bedrock'."
)
BEDROCK = 'base_url = "https://bedrock-runtime.eu-west-1.amazonaws.com"\ndialect = "bedrock"'
AZURE = 'base_url = "https://mine.openai.azure.com"\ndialect = "azure-openai"'
VERSION = 'api_version goes with dialect "azure-openai" alone; add it, such as "2024-10-21", or remove it.'
MISTAKES = {
    # what the file's form can have
    "no TOML": ("name = = 1", "this is not TOML: Invalid value (at line 1, column 8); mend it."),
    "open quote": ('name = "x', "this is not TOML: Unterminated string (at end of document); mend it."),
    "key twice": (top('version = "8"'), "this is not TOML: Cannot overwrite a value (at line 3, column 14); mend it."),
    "model twice": (
        appended("[models.m-2]"),
        "this is not TOML: Cannot declare ('models', 'm-2') twice (at line 37, column 12); mend it.",
    ),
    "endless number": (top("x = " + "9" * 5000), "a number is too long or brackets are nested too deep; mend it."),
    "endless exponent": (top("x = 1e" + "9" * 30), "a number is too long or brackets are nested too deep; mend it."),
    "deep nesting": (top("x = " + "[" * 5000), "a number is too long or brackets are nested too deep; mend it."),
    # unknown keys
    "unknown key": (top("last_resrt = true"), 'last_resrt is not known; did you mean "last_resort"?'),
    "unknown table": (appended("[braker]"), 'braker is not known; did you mean "breaker"?'),
    "unknown model key": (
        changed("input_usd_per_mtok", "input_usd_per_token"),
        f'{M}.input_usd_per_token is not known; did you mean "input_usd_per_mtok"?',
    ),
    "misspelt and so missing": (changed("quality =", "qualty ="), f'{M}.qualty is not known; did you mean "quality"?'),
    "case": (first_model("Timeout_S = 1"), f'{M}.Timeout_S is not known; did you mean "timeout_s"?'),
    "unlike anything": (
        appended("[retry]\nzzz = 1"),
        (
            "retry.zzz is not known; known: attempts_per_model, base_s, budget_floor_per_s, budget_ratio, "
            "max_attempts, max_s."
        ),
    ),
    "unknown threshold": (
        appended('[models."m-1.0".health]\nwindow_s = 60'),
        (
            f"{M}.health.window_s is not known; known: degraded_error_rate, degraded_p99_ms, min_requests, "
            "unhealthy_error_rate, unhealthy_p99_ms, unhealthy_timeout_rate."
        ),
    ),
    "thresholds the wrong way round": (
        appended('[models."m-1.0".health]\ndegraded_p99_ms = 4000'),
        f"{M}.health.degraded_p99_ms is 4000, more than unhealthy_p99_ms, 3000; lower it, or raise unhealthy_p99_ms.",
    ),
    "Bedrock without an address": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "bedrock"'),
        'providers.openai.base_url is missing; a provider of dialect "bedrock" has one of its own.',
    ),
    "Bedrock somewhere": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "bedrock"\nbase_url = "https://vpce.example"'),
        'providers.openai.region is missing; add the AWS region that requests are signed for, "us-east-1".',
    ),
    "a name for the limit in another dialect": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "gemini"\nmax_tokens_field = "max_tokens"'),
        "providers.openai.max_tokens_field goes with chat completions only; remove it.",
    ),
    "a parameter renamed in another dialect": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "gemini"\nrename_parameters = { seed = "s" }'),
        "providers.openai.rename_parameters goes with chat completions only; remove it.",
    ),
    "a prompt cache that has no word": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "gemini"\nprompt_cache = true'),
        'providers.openai.prompt_cache: dialect "gemini" has no word for it, and caches by itself; remove it.',
    ),
    "a region elsewhere": (
        changed("[providers.openai]", '[providers.openai]\nregion = "eu-west-1"'),
        'providers.openai.region goes only with dialect "bedrock"; remove it.',
    ),
    "Azure of no version": (
        changed("[providers.openai]", f"[providers.openai]\n{AZURE}"),
        f"providers.openai.{VERSION}",
    ),
    "a version elsewhere": (
        changed("[providers.openai]", '[providers.openai]\napi_version = "2024-10-21"'),
        f"providers.openai.{VERSION}",
    ),
    "drop what is answered with": (
        changed("[providers.openai]", '[providers.openai]\ndrop_parameters = ["user", "modalities"]'),
        (
            'providers.openai.drop_parameters[1] is "modalities", which decides the answer or its price, or is none of '
            "OpenAI's; known: frequency_penalty, logit_bias, logprobs, parallel_tool_calls, presence_penalty, "
            "prompt_cache_key, prompt_cache_retention, reasoning_effort, safety_identifier, seed, stop, store, "
            "temperature, top_logprobs, top_p, user, verbosity."
        ),
    ),
    "rename what is no parameter": (
        changed("[providers.openai]", '[providers.openai]\nrename_parameters = { sede = "x" }'),
        (
            'providers.openai.rename_parameters names "sede", which is no parameter of OpenAI\'s that Turnout passes '
            'on; did you mean "seed"?'
        ),
    ),
    "no budget": (appended("[retry]\nbudget_ratio = 0"), "retry.budget_ratio is 0, must be more than 0."),
    "no ramp": (appended("[breaker]\nramp_up_s = 0"), "breaker.ramp_up_s is 0, must be more than 0."),
    "dot without quotes": (
        appended("[models.m-3.5]\nquality = 1"),
        'models.m-3.5 is not known; a name with a dot is written in quotes: [models."m-3.5"].',
    ),
    "misspelt table of a model": (
        appended("[models.m-2.capabilites]\nimages = true"),
        'models.m-2.capabilites is not known; did you mean "capabilities"?',
    ),
    "key of feedback": (appended("[feedback]\nzzz = 1"), "feedback.zzz is not known; known: ignore_sources, weights."),
    "weight of no kind": (
        appended("[feedback.weights]\nrobot = 1"),
        "feedback.weights.robot is not known; known: check, judge, person.",
    ),
    "key of the cascade": (appended("[cascade]\njudg = 'm-2'"), 'cascade.judg is not known; did you mean "judge"?'),
    "key of an experiment": (
        appended("[experiments.e]\nshare = 0.1\nzzz = 1"),
        "experiments.e.zzz is not known; known: policy, quality_slack, shadow, share.",
    ),
    "charge of no status": (
        changed("[providers.openai]", '[providers.openai.charges]\n5003 = "free"'),
        (
            "providers.openai.charges.5003 is neither an HTTP status, such as 503, nor an outcome; "
            "known: answer_too_large, authentication, content_filtered, context_too_long, disconnected, "
            "invalid_request, malformed, rate_limited, timeout, unavailable, unreachable."
        ),
    ),
    "charge of no outcome": (
        changed("[providers.openai]", '[providers.openai.charges]\ntimeuot = "free"'),
        (
            "providers.openai.charges.timeuot is neither an HTTP status, such as 503, nor an outcome; "
            'did you mean "timeout"?'
        ),
    ),
    "no such charge": (
        changed("[providers.openai]", '[providers.openai.charges]\n503 = "half"'),
        "providers.openai.charges.503 must be 'free', 'charged' or 'unknown'.",
    ),
    "secret": (
        changed("[providers.openai]", '[providers.openai]\napi_key = "sk-abc"'),
        "providers.openai.api_key is not known; keys are settings: put it into TURNOUT_API_KEYS, and remove it here.",
    ),
    # missing keys
    "empty file": ("", "name is missing; add it at the top of the file, before the first table."),
    "no version": (
        changed('version = "7"\n', ""),
        "version is missing; add it at the top of the file, before the first table.",
    ),
    "no chains": (
        MINIMAL[: MINIMAL.index("[chains]")] + MINIMAL[MINIMAL.index("[quality_floors]") :],
        "chains is missing; add the table [chains].",
    ),
    "no models": (MINIMAL[: MINIMAL.index("[models")], "models is missing; add the table [models]."),
    "models empty": (
        MINIMAL[: MINIMAL.index("[models")] + "[models]",
        'models is empty; add a model, such as [models."gpt-4.1"].',
    ),
    "no quality": (changed("quality = 9\n", ""), f"{M}.quality is missing; add it under [{M}]."),
    # wrong types
    "text for a number": (changed("4.00", '"4.00"'), f"{M}.input_usd_per_mtok must be a number, without quotes."),
    "text for a count": (changed("= 60", '= "60"'), f"{M}.requests_per_minute must be a whole number, without quotes."),
    "fraction for a count": (
        changed("= 60", "= 60.5"),
        f"{M}.requests_per_minute is 60.5, must be a whole number, without quotes.",
    ),
    "truth for a count": (
        changed("= 60", "= true"),
        f"{M}.requests_per_minute is true, must be a whole number, without quotes.",
    ),
    "truth for a price": (
        changed("4.00", "true"),
        f"{M}.input_usd_per_mtok is true, must be a number, without quotes.",
    ),
    "truth for a time": (first_model("timeout_s = true"), f"{M}.timeout_s is true, must be a number, without quotes."),
    "text for truth": (top('last_resort = "yes"'), "last_resort must be true or false, without quotes."),
    "number for text": (changed('"7"', "7"), "version is 7, must be text in quotes."),
    "date for text": (changed('"7"', "2025-11-01"), "version must be text in quotes."),
    "text for a list": (changed('["m-1.0"]', '"m-1.0"'), "chains.balanced must be a list in square brackets."),
    "number in a list": (changed('"m-2"', "2"), "chains.fast[1] is 2, must be text in quotes."),
    "number for a table": (top("health = 1"), "health is 1, must be a table."),
    "list for a table": (top("retry = []"), "retry must be a table."),
    "unknown policy": (
        top('default_policy = "fast"'),
        "default_policy must be 'chain', 'cost', 'latency', 'value' or 'cascade'.",
    ),
    "unknown dialect": (
        changed("[providers.openai]", '[providers.openai]\ndialect = "cohere"'),
        ALL_DIALECTS,
    ),
    # values out of range
    "empty name": (changed('"small"', '""'), "name must not be empty."),
    "endless name": (changed("small", "x" * 129), "name must have at most 128 characters."),
    "nameless model": (
        appended('[models.""]'),
        'models."" must not be empty or hold spaces; give the table another name.',
    ),
    "space in a provider": (
        appended('[providers."my own"]'),
        'providers."my own" must not be empty or hold spaces; give the table another name.',
    ),
    "negative price": (changed("4.00", "-4.00"), f"{M}.input_usd_per_mtok is -4.00, must be 0 or more."),
    "absurd price": (changed("4.00", "4e9"), f"{M}.input_usd_per_mtok is 4e+9, must be 100000 or less."),
    "no number": (changed("4.00", "nan"), f"{M}.input_usd_per_mtok is nan, must be a finite number."),
    "endless price": (changed("4.00", "inf"), f"{M}.input_usd_per_mtok is infinity, must be a finite number."),
    "endless time": (first_model("timeout_s = inf"), f"{M}.timeout_s is inf, must be a finite number."),
    "long number": (changed("4.00", "0x" + "f" * 5000), f"{M}.input_usd_per_mtok must be a number, without quotes."),
    "too many places": (
        changed("4.00", "0.0000000001"),
        f"{M}.input_usd_per_mtok is 1e-10, must have at most 9 decimal places.",
    ),
    "no requests": (changed("= 60", "= 0"), f"{M}.requests_per_minute is 0, must be 1 or more."),
    "quality 0": (changed("quality = 9", "quality = 0"), f"{M}.quality is 0, must be 1 or more."),
    "quality 11": (changed("quality = 9", "quality = 11"), f"{M}.quality is 11, must be 10 or less."),
    "no context": (
        changed("context_tokens = 1000", "context_tokens = 0"),
        f"{M}.context_tokens is 0, must be 1 or more.",
    ),
    "no output": (
        changed("output_tokens = 100", "output_tokens = 0"),
        f"{M}.max_output_tokens is 0, must be 1 or more.",
    ),
    "no latency": (changed("= 500", "= 0"), f"{M}.typical_latency_ms is 0, must be 1 or more."),
    "no timeout": (first_model("timeout_s = 0"), f"{M}.timeout_s is 0, must be more than 0."),
    "no default timeout": (top("default_timeout_s = -1"), "default_timeout_s is -1, must be more than 0."),
    "no default cost": (top("default_max_cost_usd = 0"), "default_max_cost_usd is 0, must be more than 0."),
    "an unknown capability": (
        first_model("capabilities = { image = true }"),
        f'{M}.capabilities.image is not known; did you mean "images"?',
    ),
    "an experiment of nothing": (
        appended("[experiments.one]\nshare = 0.1"),
        "experiments.one changes nothing; add a policy or a quality_slack.",
    ),
    "an experiment for nobody": (
        appended('[experiments.one]\nshare = 0\npolicy = "cost"'),
        "experiments.one.share is 0, must be more than 0.",
    ),
    "an experiment named control": (
        appended('[experiments.control]\nshare = 0.1\npolicy = "cost"'),
        "experiments.control: control is what experiments are compared with; give it another name.",
    ),
    "experiments for more than everybody": (
        appended('[experiments.one]\nshare = 0.6\npolicy = "cost"\n[experiments.two]\nshare = 0.5\nquality_slack = 0'),
        "the shares of [experiments] are 1.1 together, must be 1 or less; lower one.",
    ),
    "shadow calls of no model": (
        appended(SHADOWS.replace('["m-1.0"]', "[]")),
        "shadow_calls.models is empty; name at least one model that is asked besides.",
    ),
    "shadow calls of no share": (
        appended(SHADOWS.replace("0.1", "0")),
        (
            "shadow_calls.share is 0, so nothing is asked of its models; raise it, or leave both out where an "
            "experiment has shadow = true."
        ),
    ),
    "a shadow experiment without a budget": (
        appended('[experiments.one]\nshare = 0.1\npolicy = "cost"\nshadow = true'),
        "experiments.one.shadow needs a budget; add [shadow_calls] with budget_usd_per_day.",
    ),
    "shadows of more than everybody": (
        appended(SHADOWS + '[experiments.one]\nshare = 0.95\npolicy = "cost"\nshadow = true'),
        (
            "shadow_calls.share and the shares of experiments with shadow = true are 1.05 together, must be 1 or less; "
            "lower one."
        ),
    ),
    "shadow calls of an unknown model": (
        appended(SHADOWS.replace("m-1.0", "m-1")),
        'shadow_calls.models[0] is "m-1", which is not in [models]; did you mean "m-1.0"?',
    ),
    "shadow calls of a model without a price": (
        appended(SHADOWS.replace('["m-1.0"]', '["m-1.0", "m-2"]')),
        (
            'shadow_calls.models[1] is "m-2", which has no price, so that no budget can hold; give it one, or choose '
            "another."
        ),
    ),
    "shadow calls of one model twice": (
        appended(SHADOWS.replace('["m-1.0"]', '["m-1.0", "m-1.0"]')),
        'shadow_calls.models[1] is "m-1.0" for the second time; remove it.',
    ),
    "a judge of its own answers": (
        appended(SHADOWS + 'judge = "m-1.0"'),
        (
            'shadow_calls.judge is "m-1.0", the only one of models, and none judges its own answers; add another '
            "model, or choose another judge."
        ),
    ),
    "an unknown judge of shadows": (
        appended(SHADOWS + 'judge = "m-1"'),
        'shadow_calls.judge is "m-1", which is not in [models]; did you mean "m-1.0"?',
    ),
    "shadow calls without a budget": (
        appended('[shadow_calls]\nshare = 0.1\nmodels = ["m-1.0"]'),
        "shadow_calls.budget_usd_per_day is missing; add it under [shadow_calls].",
    ),
    "shadow calls of all and more": (
        appended(SHADOWS.replace("0.1", "1.1")),
        "shadow_calls.share is 1.1, must be 1 or less.",
    ),
    "key of shadow calls": (
        appended(SHADOWS + "sahre = 1"),
        'shadow_calls.sahre is not known; did you mean "share"?',
    ),
    "who pays for shadow calls": (
        appended("[tenants.turnout-shadow]\ntiers = []"),
        "tenants.turnout-shadow: turnout-shadow is who pays for shadow calls; give it another name.",
    ),
    "an unknown judge": (
        appended('[cascade]\njudge = "m-1"'),
        'cascade.judge is "m-1", which is not in [models]; did you mean "m-1.0"?',
    ),
    "an unknown agreement": (
        appended('[cascade]\nagreement = "two"'),
        "cascade.agreement must be 'off', 'model' or 'sample'.",
    ),
    "quality of no task": (
        first_model("expected_quality = { maths = 0.5 }"),
        f'{M}.expected_quality.maths is no task; did you mean "math"?',
    ),
    "quality above 1": (
        first_model("expected_quality = { math = 1.5 }"),
        f"{M}.expected_quality.math is 1.5, {SCORES}",
    ),
    "two of three qualities": (
        first_model("expected_quality = { math = [0.5, 0.4] }"),
        f"{M}.expected_quality.math {SCORES}",
    ),
    "a capability that is no boolean": (
        first_model('capabilities = { images = "yes" }'),
        f"{M}.capabilities.images must be true or false, without quotes.",
    ),
    "no default tokens": (top("default_max_tokens = 0"), "default_max_tokens is 0, must be 1 or more."),
    "floor 0": (changed("balanced = 1", "balanced = 0"), "quality_floors.balanced is 0, must be 1 or more."),
    "percent for a rate": (
        appended("[health]\nunhealthy_error_rate = 5"),
        "health.unhealthy_error_rate is 5, must be 1 or less.",
    ),
    "window below its panes": (appended("[health]\nwindow_s = 5"), "health.window_s is 5, must be 10 or more."),
    "no probes": (appended("[breaker]\nhalf_open_probes = 0"), "breaker.half_open_probes is 0, must be 1 or more."),
    "no attempts": (appended("[retry]\nmax_attempts = 0"), "retry.max_attempts is 0, must be 1 or more."),
    # keys that do not go together
    "one price": (
        changed("output_usd_per_mtok = 8\n", ""),
        f"{M}.output_usd_per_mtok is missing; add it, or leave all prices out if they are not known.",
    ),
    "only the cached price": (
        changed("[models.m-2]", "[models.m-2]\ncached_input_usd_per_mtok = 1"),
        "models.m-2.input_usd_per_mtok is missing; add it, or leave all prices out if they are not known.",
    ),
    "half free": (
        changed("4.00", "0.0"),
        (
            f"{M}.input_usd_per_mtok is 0 while the other price is not; "
            "correct it, or leave all prices out if not known."
        ),
    ),
    "cached dearer": (
        first_model("cached_input_usd_per_mtok = 5"),
        f"{M}.cached_input_usd_per_mtok is 5, more than input_usd_per_mtok, 4.00; lower it or leave it out.",
    ),
    "output above context": (
        changed("max_output_tokens = 100", "max_output_tokens = 1001"),
        f"{M}.max_output_tokens is 1001, more than context_tokens, 1000, which it is part of; lower it.",
    ),
    "p99 not in order": (
        appended("[health]\nunhealthy_p99_ms = 1000"),
        "health.degraded_p99_ms is 1500, more than unhealthy_p99_ms, 1000; lower it, or raise unhealthy_p99_ms.",
    ),
    "error rates not in order": (
        appended("[health]\ndegraded_error_rate = 0.06"),
        (
            "health.degraded_error_rate is 0.06, more than unhealthy_error_rate, 0.05; "
            "lower it, or raise unhealthy_error_rate."
        ),
    ),
    "pauses not in order": (
        appended("[breaker]\npause_s = 301"),
        "breaker.pause_s is 301, more than max_pause_s, 300; lower it, or raise max_pause_s.",
    ),
    "backoff not in order": (
        appended("[retry]\nmax_s = 0.125"),
        "retry.base_s is 0.25, more than max_s, 0.125; lower it, or raise max_s.",
    ),
    "attempts not in order": (
        appended("[retry]\nmax_attempts = 1"),
        "retry.attempts_per_model is 2, more than max_attempts, 1; lower it, or raise max_attempts.",
    ),
    "floor above all": (
        changed("powerful = 1", "powerful = 10"),
        "quality_floors.powerful is 10, and no model's quality is above 9; lower it.",
    ),
    # price lists
    "tier without a length": (
        appended(f"[[{M}.context_tiers]]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1"),
        f"{M}.context_tiers[0].above_input_tokens is missing; add it under [[{M}.context_tiers]].",
    ),
    "tier without a price": (
        appended(f"[[{M}.context_tiers]]\nabove_input_tokens = 10"),
        (f"{M}.context_tiers[0].input_usd_per_mtok is missing; add it, or leave all prices out if they are not known."),
    ),
    "tiers out of order": (
        appended(tier(100) + tier(50)),
        (
            f"{M}.context_tiers[1].above_input_tokens is 50, not more than the 100 of the tier before it; "
            "put them in order."
        ),
    ),
    "tier out of reach": (
        appended(tier(1000)),
        (
            f"{M}.context_tiers[0].above_input_tokens is 1000, which no request exceeds: context_tokens is 1000; "
            "lower it or remove the tier."
        ),
    ),
    "tiers as text": (
        first_model('context_tiers = "long"'),
        f"{M}.context_tiers must be tables, each under a heading in double square brackets.",
    ),
    "unknown key of a tier": (
        appended(tier(100) + "above_tokens = 1"),
        f'{M}.context_tiers[0].above_tokens is not known; did you mean "above_input_tokens"?',
    ),
    "unknown key of a window": (
        appended(window("from = 16:30:00")),
        f'{M}.price_windows[0].from is not known; did you mean "from_utc"?',
    ),
    "tiers of an unknown price": (
        appended(tier(100).replace(M, "models.m-2")),
        "models.m-2.input_usd_per_mtok is missing; add it, as context_tiers need a price below them.",
    ),
    "windows of an unknown price": (
        appended(window("valid_from = 2027-01-01").replace(M, "models.m-2")),
        "models.m-2.input_usd_per_mtok is missing; add the price that holds outside of price_windows.",
    ),
    "window without a price": (
        appended(f"[[{M}.price_windows]]\nvalid_from = 2027-01-01"),
        f"{M}.price_windows[0].input_usd_per_mtok is missing; a window states its prices in whole.",
    ),
    "window without a time": (
        appended(window("")),
        f"{M}.price_windows[0] says no time; add from_utc and until_utc, or valid_from or valid_until.",
    ),
    "window without an end": (
        appended(window("from_utc = 16:30:00")),
        f"{M}.price_windows[0].until_utc is missing; add it beside from_utc, or leave both out for the whole day.",
    ),
    "empty window": (
        appended(window("from_utc = 16:30:00\nuntil_utc = 16:30:00")),
        f"{M}.price_windows[0].until_utc is the same as from_utc; leave both out for the whole day.",
    ),
    "days the wrong way round": (
        appended(window("valid_from = 2027-02-01\nvalid_until = 2027-02-01")),
        (
            f"{M}.price_windows[0].valid_until is 2027-02-01, not after valid_from, 2027-02-01; "
            "it is the first day without the price."
        ),
    ),
    "time in quotes": (
        appended(window('from_utc = "16:30"')),
        f"{M}.price_windows[0].from_utc must be a time without quotes, such as 16:30:00.",
    ),
    "day in quotes": (
        appended(window('valid_from = "2027-01-01"')),
        f"{M}.price_windows[0].valid_from must be a day without quotes, such as 2027-01-31.",
    ),
    "moment for a day": (
        appended(window("valid_from = 2027-01-01T12:00:00")),
        f"{M}.price_windows[0].valid_from must be a day without quotes, such as 2027-01-31.",
    ),
    "windows that overlap": (
        appended(
            window("valid_from = 2027-01-01\nvalid_until = 2027-02-01")
            + window("from_utc = 22:00:00\nuntil_utc = 06:00:00")
        ),
        f"{M}.price_windows[1] overlaps price_windows[0]; change the times or days of one.",
    ),
    "windows that overlap at midnight": (
        appended(
            window("from_utc = 23:00:00\nuntil_utc = 01:00:00") + window("from_utc = 00:30:00\nuntil_utc = 02:00:00")
        ),
        f"{M}.price_windows[1] overlaps price_windows[0]; change the times or days of one.",
    ),
    # names that nothing has
    "unknown provider": (
        changed('"openai"', '"opnai"'),
        f'{M}.provider is "opnai", which is not in [providers]; did you mean "openai"?',
    ),
    "no providers": (
        changed("[providers.openai]", "[providers]"),
        f'{M}.provider is "openai", which is not in [providers]; there is none yet, add it.',
    ),
    "unknown model in a chain": (
        changed('"m-1.0", "m-2"', '"m-2", "M-1.1"'),
        f'chains.fast[1] is "M-1.1", which is not in [models]; {DID_YOU_MEAN_M}',
    ),
    "strange model in a chain": (
        changed('"m-2"', '"gemini"'),
        'chains.fast[1] is "gemini", which is not in [models]; known: m-1.0, m-2.',
    ),
    "model twice in a chain": (
        changed('"m-2"', '"m-1.0"'),
        'chains.fast[1] is "m-1.0" for the second time; remove it.',
    ),
    "empty chain": (changed('["m-2"]', "[]"), "chains.powerful is empty; name at least one model."),
    "no chain for a tier": (changed('powerful = ["m-2"]\n', ""), "chains.powerful is missing; add it under [chains]."),
    "no floor for a tier": (
        changed("reasoning = 1\n", ""),
        "quality_floors.reasoning is missing; add it under [quality_floors].",
    ),
    "chain of no tier": (changed("balanced =", "balance ="), 'chains.balance is no tier; did you mean "balanced"?'),
    "floor of no tier": (
        changed("fast = 1", "fast = 1\nxyz = 1"),
        "quality_floors.xyz is no tier; known: balanced, fast, powerful, reasoning.",
    ),
    "unknown baseline": (
        changed('"m-1.0"', '"m-1.1"'),
        f'baseline is "m-1.1", which is not in [models]; {DID_YOU_MEAN_M}',
    ),
    "the key itself": (
        appended('[tenants.acme]\nkeys = ["turnout-secret"]'),
        f"tenants.acme.keys[0].hash {HASH_DEMAND}",
    ),
    "expiry without a zone": (
        appended(f'[tenants.acme]\nkeys = [{{ hash = "{HASH}", expires = 2027-01-01T00:00:00 }}]'),
        "tenants.acme.keys[0].expires must be a date and time with its zone, such as 2027-01-01T00:00:00Z.",
    ),
    "unknown word of a key": (
        appended(f'[tenants.acme]\nkeys = [{{ hash = "{HASH}", expire = 2027-01-01T00:00:00Z }}]'),
        'tenants.acme.keys[0].expire is not known; did you mean "expires"?',
    ),
    "one key twice": (
        appended(f'[tenants.acme]\nkeys = ["{HASH}"]\n[tenants.b]\nkeys = ["{HASH}"]'),
        "tenants.b.keys[0] is the same as tenants.acme.keys[0]; a key is one tenant's, once.",
    ),
    "tenant's tier": (
        appended('[tenants.acme]\ntiers = ["fats"]'),
        'tenants.acme.tiers[0] is "fats", which is no tier; did you mean "fast"?',
    ),
    "tenant's model": (
        appended('[tenants.acme]\nmodels = ["m-1.1"]'),
        f'tenants.acme.models[0] is "m-1.1", which is not in [models]; {DID_YOU_MEAN_M}',
    ),
    "tenant's rate": (
        appended("[tenants.acme]\nrequests_per_minute = 0"),
        "tenants.acme.requests_per_minute is 0, must be 1 or more.",
    ),
    "tenant's places": (
        appended("[tenants.acme]\nconcurrent_requests = 1.5"),
        "tenants.acme.concurrent_requests is 1.5, must be a whole number, without quotes.",
    ),
    "budget of nothing": (
        appended("[tenants.acme]\ndaily_budget_usd = 0"),
        "tenants.acme.daily_budget_usd is 0, must be more than 0.",
    ),
    "day beyond the month": (
        appended("[tenants.acme]\ndaily_budget_usd = 5\nmonthly_budget_usd = 4.5"),
        "tenants.acme.daily_budget_usd is 5, more than monthly_budget_usd, 4.5; lower it, or raise monthly_budget_usd.",
    ),
    "alert beyond the budget": (
        appended("[tenants.acme]\nalert_at = 80"),
        "tenants.acme.alert_at is 80, must be more than 0, and 1 or less.",
    ),
    "one alert of several beyond the budget": (
        appended("[tenants.acme]\nalert_at = [0.5, 1.5]"),
        "tenants.acme.alert_at[1] is 1.5, must be 1 or less.",
    ),
    "alert at nothing": (
        appended("[tenants.acme]\nalert_at = [0, 0.8]"),
        "tenants.acme.alert_at[0] is 0, must be more than 0.",
    ),
    "no share at all": (
        appended("[tenants.acme]\nalert_at = true"),
        "tenants.acme.alert_at is true, must be a number or a list of numbers, such as [0.5, 0.8].",
    ),
    "alert in quotes": (
        appended("[tenants.acme]\nalert_at = ['80%']"),
        "tenants.acme.alert_at[0] must be a number, without quotes.",
    ),
    "alert that is no number": (
        appended("[tenants.acme]\nalert_at = 'often'"),
        "tenants.acme.alert_at must be a number or a list of numbers, such as [0.5, 0.8].",
    ),
    "tenant's mode": (
        appended('[tenants.acme]\nmode = "off"'),
        "tenants.acme.mode must be 'enforce' or 'shadow'.",
    ),
    "tenant's tag": (
        appended("[tenants.acme]\ntags = { team = [1] }"),
        "tenants.acme.tags.team must be text of up to 256 characters, a whole number, true or false.",
    ),
    "tenant's misspelt key": (
        appended("[tenants.acme]\ndaily_budget = 5"),
        'tenants.acme.daily_budget is not known; did you mean "daily_budget_usd"?',
    ),
    "tenant with a dot": (
        appended("[tenants.acme.eu]\nmode = 'shadow'"),
        'tenants.acme.eu is not known; a name with a dot is written in quotes: [tenants."acme.eu"].',
    ),
    "baseline without a price": (
        changed('"m-1.0"', '"m-2"'),
        'baseline is "m-2", which has no price to compare with; choose a model that has one.',
    ),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_key_and_its_fix(text: str, sentence: str) -> None:
    assert the_complaint_about(text) == f"my.toml: {sentence}"


@pytest.mark.parametrize(
    ("url", "demand"),
    [
        ("api.openai.com/v1", "must be an http or https URL such as https://api.openai.com/v1."),
        ("ftp://host/v1", "must be an http or https URL such as https://api.openai.com/v1."),
        ("https://", "must be an http or https URL such as https://api.openai.com/v1."),
        ("https://host:port", "must be an http or https URL such as https://api.openai.com/v1."),
        ("https://[::1/v1", "must be an http or https URL such as https://api.openai.com/v1."),
        ("https://host/a b", "must be an http or https URL such as https://api.openai.com/v1."),
        ("https://me:sk-abc@host/v1", "must not hold a user or password; put the key into TURNOUT_API_KEYS."),
        ("https://host/v1?key=sk-abc", "must not have a query or fragment; end it before the ? or #."),
        ("https://host/v1/chat/completions/", "must not hold /chat/completions; end it before that."),
    ],
)
def test_a_base_url_that_cannot_be_called_is_refused_and_not_repeated(url: str, demand: str) -> None:
    text = changed("[providers.openai]", f'[providers.openai]\nbase_url = "{url}"')
    assert the_complaint_about(text) == f"my.toml: providers.openai.base_url {demand}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert str(caught.value) == f"{path}: there is no such file; set TURNOUT_CATALOGUE to the catalogue's path."


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the file cannot be read (Is a directory); set TURNOUT_CATALOGUE to a readable file."
    )


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('version = "1"\nname = "Modèles"\n'.encode("latin-1"))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert str(caught.value) == f"{path}: line 2 is not UTF-8; save the file as UTF-8."


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(changed('"7"', "7"))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert str(caught.value) == f"{path}: version is 7, must be text in quotes."


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(MINIMAL, encoding="utf-8-sig")
    assert load_catalogue(path) == parse_catalogue(MINIMAL)


EMBEDS = """
[embedding_models."e-1"]
provider = "openai"
input_usd_per_mtok = 0.02
context_tokens = 8192
requests_per_minute = 60
typical_latency_ms = 100
"""


def test_models_that_embed_have_a_table_of_their_own_and_a_price_for_input_alone() -> None:
    catalogue = parse_catalogue(appended(EMBEDS)).catalogue
    model = catalogue.models["e-1"]
    assert model.embeds
    assert model.price == Price(Decimal("0.02"), Decimal(0))
    assert not any(model in chain for chain in catalogue.chains.values())
    assert not any(one.embeds for name, one in catalogue.models.items() if name != "e-1")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (EMBEDS.replace("e-1", "m-2"), "embedding_models.m-2 has the name of a model in [models]"),
        (
            EMBEDS.replace('"openai"', '"opena"'),
            'embedding_models.e-1.provider is "opena", which is not in [providers]',
        ),
        (EMBEDS + "quality = 5\n", "embedding_models.e-1.quality is not known"),
        (EMBEDS.replace("context_tokens = 8192\n", ""), "embedding_models.e-1.context_tokens is missing"),
    ],
)
def test_a_mistake_in_a_model_that_embeds_is_named(text: str, sentence: str) -> None:
    assert the_complaint_about(appended(text)).startswith(f"my.toml: {sentence}")


def test_a_chain_may_not_name_a_model_that_embeds() -> None:
    wrong = appended(EMBEDS).replace('fast = ["m-1.0", "m-2"]', 'fast = ["e-1"]')
    assert 'chains.fast[0] is "e-1", which is not in [models]' in the_complaint_about(wrong)


def test_feedback_has_weights_by_kind_and_sources_that_do_not_count() -> None:
    text = edited_feedback('[feedback]\nignore_sources = ["acme/mallory", "*/judge"]\nweights = { judge = 0 }\n')
    rules = parse_catalogue(text, "test").catalogue.feedback
    assert {str(kind): weight for kind, weight in rules.weights.items()} == {"person": 1.0, "check": 1.0, "judge": 0.0}
    assert [rules.ignores(*who) for who in (("acme", "mallory"), ("other", "mallory"), ("other", "judge"))] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("source", ["mallory", "acme/", "*/*", "a/b/c"])
def test_a_source_that_does_not_count_is_named_with_its_tenant(source: str) -> None:
    with pytest.raises(CatalogueError, match=r"feedback\.ignore_sources.* must be \"TENANT/SOURCE\""):
        parse_catalogue(edited_feedback(f'[feedback]\nignore_sources = ["{source}"]\n'), "test")


def edited_feedback(table: str) -> str:
    return f"{MINIMAL}\n{table}"


def test_shadow_calls_have_a_payer_with_a_budget_and_a_tenant_may_want_none() -> None:
    catalogue = parse_catalogue(appended(SHADOWS + "[tenants.acme]\nshadow_calls = false")).catalogue
    assert catalogue.shadow_calls == ShadowRules(0.1, Decimal("2.5"), ("m-1.0",), None, 8)
    assert set(catalogue.payers) == {"acme", SHADOW_TENANT}
    assert catalogue.payers[SHADOW_TENANT].daily_budget_usd == Decimal("2.5")
    assert not catalogue.tenants["acme"].shadow_calls
    without = parse_catalogue(MINIMAL).catalogue
    assert (without.shadow_calls, without.payers) == (None, without.tenants)


def test_an_experiment_of_shadows_is_no_arm_of_the_answers() -> None:
    text = '[shadow_calls]\nbudget_usd_per_day = 1\n[experiments.s]\nshare = 1\npolicy = "cost"\nshadow = true\n'
    catalogue = parse_catalogue(appended(text + '[experiments.a]\nshare = 0.5\npolicy = "cost"')).catalogue
    assert [one.name for one in catalogue.experiments] == ["a"]
    assert catalogue.shadow_calls is not None
    assert [one.name for one in catalogue.shadow_calls.experiments] == ["s"]
