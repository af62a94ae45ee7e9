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
