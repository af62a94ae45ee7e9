"""`turnout health` as a person sees it, and the line of a failover."""

from pathlib import Path

from rich.console import Console

from schemas.health import ModelHealth
from schemas.topics import Topic
from streams.cli.health import health_table
from streams.cli.partitions import ReadRecord
from streams.cli.record_text import readable

GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "v1"
HEALTH = ModelHealth.decode((GOLDEN / "model-health-shares.json").read_bytes())
NOW_S = HEALTH.as_of.timestamp()


def shown(health: ModelHealth, now_s: float) -> str:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(health_table([health], now_s))
    return capture.get()


def test_a_model_is_a_line_and_what_is_to_be_known_stands_below() -> None:
    lines = [" ".join(line.split()) for line in shown(HEALTH, NOW_S + 1).splitlines()]
    figures = "unhealthy 4,096 2.1% 0.5% 182 330 4,210 819 1,000 12 2"
    assert f"gemini-2.5-flash {figures}" in lines
    text = shown(HEALTH, NOW_S + 1)
    assert "gemini-2.5-flash: p99 of 4096 calls is 4210 ms" in text
    assert "breaker open at host-1-4711" in text
    assert "breaker half-open at host-2-17" in text
    assert "shares host-1-4711 620, host-2-17 380" in text


def test_health_that_nobody_keeps_up_to_date_is_unknown() -> None:
    text = shown(HEALTH, NOW_S + 31)
    assert "unknown" in text
    assert "unhealthy" not in text
    assert "no update for 31 s" in text


def test_a_change_of_health_is_one_line_with_the_reason_and_who_stands_in() -> None:
    record = ReadRecord("llm.failovers.v1", 0, 0, int(NOW_S * 1000), (GOLDEN / "failover-health.json").read_bytes())
    line = readable(Topic.FAILOVERS, record).plain
    assert "gemini-2.5-flash  healthy -> unhealthy  p99 of 4096 calls is 4210 ms" in line
    assert "instead: deepseek-v3.2, gpt-4.1" in line


def test_an_account_shows_what_is_configured_beside_what_the_provider_says_and_where_it_rests() -> None:
    accounts = ModelHealth.decode((GOLDEN / "model-health-accounts.json").read_bytes())
    text = " ".join(shown(accounts, NOW_S + 1).split())
    assert (
        "account team-a: 412 of 500 requests per minute (the provider says 500); 98,000 of 150,000 tokens per minute "
        "(the provider says 200,000)"
    ) in text
    assert "account spare: 0 requests per minute; refused, rests at host-1-4711 until 12:00:30 UTC" in text
