"""`turnout prices` against the real data of genai-prices."""

import sys
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from router.catalogue import ContextTier, Price
from streams.cli import main
from streams.config.catalogue_file import load_catalogue
from streams.config.list_prices import list_price
from streams.config.public_lists import read_public_list

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "catalogue.toml"
AT = datetime(2026, 1, 31, tzinfo=UTC)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["turnout", "prices", "--catalogue", str(REFERENCE), *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_list_prices_have_cache_prices_and_context_tiers() -> None:
    assert list_price("gpt-4.1", "openai", AT) == Price(Decimal(2), Decimal(8), Decimal("0.5"))
    assert list_price("claude-sonnet-4.5", "anthropic", AT) == Price(
        Decimal(3),
        Decimal(15),
        Decimal("0.3"),
        Decimal("3.75"),
        (ContextTier(Decimal(6), Decimal("22.5"), Decimal("0.6"), Decimal("7.5"), 200_000),),
    )


def test_a_provider_of_another_name_does_not_hide_the_model_and_an_unlisted_model_has_no_price() -> None:
    assert list_price("gpt-4.1", "our-gateway", AT) == list_price("gpt-4.1", "openai", AT)
    assert list_price("nobody-knows-it", "openai", AT) is None


def test_each_price_stands_beside_the_list_price_with_the_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--json") == 0
    rows = {(row["model"], row["meter"]): row for row in orjson.loads(capsys.readouterr().out)}
    gpt = rows["gpt-4.1", "input"]
    assert (gpt["catalogue_usd_per_mtok"], gpt["list_usd_per_mtok"], gpt["difference_percent"]) == ("4.00", "2", 100)
    claude = rows["claude-sonnet-4.5", "output above 200,000"]
    assert (claude["catalogue_usd_per_mtok"], claude["list_usd_per_mtok"]) == ("7.50", "22.5")
    assert call(monkeypatch) == 0
    shown = capsys.readouterr().out
    assert "public list" in shown
    assert "+100 %" in shown


def test_the_toml_can_be_pasted_into_the_catalogue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--toml") == 0
    pasted = tomllib.loads(capsys.readouterr().out, parse_float=Decimal)["models"]
    for name, model in load_catalogue(REFERENCE).catalogue.models.items():
        price = list_price(name, model.provider_name, datetime.now(UTC))
        assert price is not None
        assert (pasted[name]["input_usd_per_mtok"], pasted[name]["output_usd_per_mtok"]) == (
            price.input_usd_per_mtok,
            price.output_usd_per_mtok,
        )
        assert pasted[name].get("cached_input_usd_per_mtok") == price.cached_input_usd_per_mtok
        assert "context_tiers" not in pasted[name], "in this catalogue claude's context ends where its tier begins"


def test_a_model_is_looked_up_by_the_providers_name_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--toml", "--catalogue", str(ROOT / "examples" / "dialects.toml")) == 0
    shown = capsys.readouterr()
    pasted = tomllib.loads(shown.out, parse_float=Decimal)["models"]
    ours, at_aws = pasted["claude-sonnet-4.5"], pasted["claude-sonnet-4.5@aws"]
    assert ours["output_usd_per_mtok"] == 15
    assert at_aws["output_usd_per_mtok"] >= 15
    assert pasted["gpt-4.1@azure"]["input_usd_per_mtok"] == 2
    assert "No public price" not in shown.err


def test_the_toml_has_the_tiers_that_a_model_can_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--toml", "--catalogue", str(ROOT / "examples" / "list-prices.toml")) == 0
    claude = tomllib.loads(capsys.readouterr().out, parse_float=Decimal)["models"]["claude-sonnet-4.5"]
    assert claude["context_tiers"] == [
        {
            "above_input_tokens": 200_000,
            "input_usd_per_mtok": 6,
            "cached_input_usd_per_mtok": Decimal("0.6"),
            "cache_write_usd_per_mtok": Decimal("7.5"),
            "output_usd_per_mtok": Decimal("22.5"),
        }
    ]


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert call(monkeypatch) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == 'List prices need genai_prices, which comes with: pip install "turnout[prices]".\n'


LITELLM = {
    # entries as LiteLLM's model_prices_and_context_window.json has them, 24 July 2026; not all of their fields
    "claude-sonnet-4-5": {
        "cache_creation_input_token_cost": 3.75e-06,
        "cache_creation_input_token_cost_above_200k_tokens": 7.5e-06,
        "cache_read_input_token_cost": 3e-07,
        "cache_read_input_token_cost_above_200k_tokens": 6e-07,
        "input_cost_per_token": 3e-06,
        "input_cost_per_token_above_200k_tokens": 6e-06,
        "litellm_provider": "anthropic",
        "max_input_tokens": 200000,
        "max_output_tokens": 64000,
        "mode": "chat",
        "output_cost_per_token": 1.5e-05,
        "output_cost_per_token_above_200k_tokens": 2.25e-05,
        "supports_function_calling": True,
        "supports_pdf_input": True,
        "supports_reasoning": True,
        "supports_response_schema": True,
        "supports_vision": True,
    },
    "gemini-2.5-flash": {
        "cache_read_input_token_cost": 3e-08,
        "input_cost_per_token": 3e-07,
        "max_input_tokens": 1048576,
        "max_output_tokens": 65535,
        "mode": "chat",
        "output_cost_per_token": 2.5e-06,
        "supported_modalities": ["text", "image", "audio", "video"],
        "supports_function_calling": True,
        "supports_pdf_input": True,
        "supports_reasoning": True,
        "supports_response_schema": True,
        "supports_vision": True,
    },
    "gpt-4.1": {"input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "mode": "chat", "max_input_tokens": "?"},
    "text-embedding-3-small": {
        "input_cost_per_token": 2e-08,
        "max_input_tokens": 8191,
        "mode": "embedding",
        "output_cost_per_token": 0.0,
        "output_vector_size": 1536,
    },
}
OPENROUTER = {
    # the form of https://openrouter.ai/docs/api-reference/list-available-models
    "data": [
        {
            "id": "deepseek/deepseek-v3.2",
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "pricing": {"prompt": "0.00000028", "completion": "0.0000004", "input_cache_read": "0.000000028"},
            "context_length": 163840,
            "top_provider": {"context_length": 163840, "max_completion_tokens": 65536},
            "supported_parameters": ["max_tokens", "reasoning", "response_format", "structured_outputs", "tools"],
        },
        {"id": "deepseek/deepseek-v3.2:free", "pricing": {"prompt": "0", "completion": "0"}},
        {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}, "context_length": 2000000},
    ]
}


def write(path: Path, listed: object) -> str:
    path.write_bytes(orjson.dumps(listed))
    return str(path)


def test_a_list_of_litellm_fills_prices_limits_and_capabilities(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    listed = write(tmp_path / "litellm.json", LITELLM)
    assert call(monkeypatch, "--toml", "--list", listed) == 0
    pasted = tomllib.loads(capsys.readouterr().out, parse_float=Decimal)["models"]
    able = dict.fromkeys(("images", "audio", "files", "tools", "json_schema", "reasoning"), True)
    assert pasted == {
        "claude-sonnet-4.5": {
            "input_usd_per_mtok": 3,
            "cached_input_usd_per_mtok": Decimal("0.3"),
            "cache_write_usd_per_mtok": Decimal("3.75"),
            "output_usd_per_mtok": 15,
            "context_tokens": 200_000,
            "max_output_tokens": 64_000,
            "capabilities": able | {"audio": False},
        },
        "gemini-2.5-flash": {
            "input_usd_per_mtok": Decimal("0.3"),
            "cached_input_usd_per_mtok": Decimal("0.03"),
            "output_usd_per_mtok": Decimal("2.5"),
            "context_tokens": 1_048_576,
            "max_output_tokens": 65_535,
            "capabilities": able,
        },
        "gpt-4.1": {"input_usd_per_mtok": 2, "output_usd_per_mtok": 8, "capabilities": dict.fromkeys(able, False)},
    }
    price = read_public_list(Path(listed)).find("claude-sonnet-4.5", "anthropic")
    assert price is not None
    assert price.price == list_price("claude-sonnet-4.5", "anthropic", AT), "the two lists agree"


def test_models_that_embed_have_a_price_for_input_and_a_context_and_are_found_by_the_providers_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = tmp_path / "catalogue.toml"
    table = """
[embedding_models.small]
provider = "openai"
upstream_model = "text-embedding-3-small"
context_tokens = 1000
requests_per_minute = 60
typical_latency_ms = 100
"""
    own.write_text(REFERENCE.read_text() + table)
    listed = write(tmp_path / "litellm.json", LITELLM)
    assert call(monkeypatch, "--toml", "--list", listed, "--catalogue", str(own)) == 0
    pasted = tomllib.loads(capsys.readouterr().out, parse_float=Decimal)["embedding_models"]
    assert pasted == {"small": {"input_usd_per_mtok": Decimal("0.02"), "context_tokens": 8191}}
    assert call(monkeypatch, "--json", "--list", listed, "--catalogue", str(own)) == 0
    shown = {
        row.get("what") or row["meter"] for row in orjson.loads(capsys.readouterr().out) if row["model"] == "small"
    }
    assert shown == {"input", "output", "context_tokens"}


def test_a_list_of_openrouter_is_compared_with_the_catalogue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    listed = write(tmp_path / "openrouter.json", OPENROUTER)
    assert call(monkeypatch, "--json", "--list", listed) == 0
    shown = capsys.readouterr()
    rows = {(row["model"], row.get("what") or row["meter"]): row for row in orjson.loads(shown.out)}
    assert rows["deepseek-v3.2", "input"]["list_usd_per_mtok"] == "0.28"
    assert [rows["deepseek-v3.2", what]["list"] for what in ("context_tokens", "max_output_tokens", "images")] == [
        163_840,
        65_536,
        False,
    ]
    assert rows["deepseek-v3.2", "json_schema"] == {
        "model": "deepseek-v3.2",
        "what": "json_schema",
        "catalogue": False,
        "list": True,
    }
    assert "No public price is known for gpt-4.1" in shown.err
    assert call(monkeypatch, "--list", listed) == 0
    assert "Limits and capabilities" in capsys.readouterr().out


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"a": 1}', b'{"data": [1, {"id": 7}]}'])
def test_a_file_that_is_no_public_list_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "list.json"
    assert call(monkeypatch, "--list", str(path)) == 2
    assert f"{path}: the list cannot be read" in capsys.readouterr().err
    path.write_bytes(text)
    assert call(monkeypatch, "--list", str(path)) == 2
    assert str(path) in capsys.readouterr().err
