"""Prices a million requests, and what the real analyser and planner do with real prompts: what is truly saved.

`python bench/cost.py` prints tables and writes `build/bench-cost.json`. `--prompts FILE.jsonl` plans other prompts, one
object a line with `prompt`, `text` or `turns`. No call is made: every number is tokens times catalogue price.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from statistics import fmean

import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from bench import cost_batches  # noqa: E402  (same)
from bench.cost_caches import MIXES as MIXES_OF_TRAFFIC  # noqa: E402  (same)
from bench.cost_caches import Savings, at_list_prices, row, savings  # noqa: E402  (same)
from router.catalogue import Catalogue  # noqa: E402  (same)
from router.cost import estimate_tokens, price_of  # noqa: E402  (same)
from router.identity import Identity  # noqa: E402  (same)
from router.job import Job, Origin  # noqa: E402  (same)
from router.models.pool import ModelPool  # noqa: E402  (same)
from router.request.plan import make_plan  # noqa: E402  (same)
from router.route import Estimate  # noqa: E402  (same)
from router.tasks.analysis import analyse  # noqa: E402  (after the path is set)
from sandbox.provider.exam import share_known  # noqa: E402  (same)
from schemas.requests import Request  # noqa: E402  (same)
from schemas.vocabulary import Policy  # noqa: E402  (same)
from streams.config.catalogue_file import load_catalogue  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-cost.json"
OWN_PROMPTS = ROOT / "sandbox" / "prompts.jsonl"
CATALOGUES = {"reference prices": ROOT / "catalogue.toml", "public list prices": ROOT / "examples" / "list-prices.toml"}
REQUESTS = 1_000_000
TOKENS = Estimate(500, 500)
"""Of every request of the fixed mixes, and the answer of every planned prompt."""
NOW_S = 1_800_000_000.0
CLAIMED_PERCENT = 85
"""The saving that is often promised, looked at from the other end: which mix would give it."""

MIXES: Mapping[str, tuple[Mapping[str, int], str]] = {
    "all gpt-4.1": ({"gpt-4.1": 100}, "nothing"),
    "half gpt-4.1, half claude": ({"gpt-4.1": 50, "claude-sonnet-4.5": 50}, "the two are as good as each other"),
    "smart mix": (
        {"gpt-4.1": 10, "claude-sonnet-4.5": 15, "gemini-2.5-flash": 35, "deepseek-v3.2": 40},
        "75 of 100 requests are as well served by gemini or deepseek",
    ),
    "15 % gpt-4.1, 85 % deepseek": (
        {"gpt-4.1": 15, "deepseek-v3.2": 85},
        "85 of 100 requests are as well served by deepseek",
    ),
}
"""Shares in percent, and what has to be true of the quality for the saving to be one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What requests cost by one way of routing. Dollars are for a million requests."""

    way: str
    usd: Decimal
    baseline_usd: Decimal
    shares: dict[str, float]
    assumption: str
    quality_points: float | None = None
    """Right answers of a hundred, less those of all at the baseline, as the simulated provider's table has them; None:
    the prompts are none of the demo's."""

    @property
    def saved_percent(self) -> Decimal:
        """Against all at the baseline; negative if it costs more."""
        return (1 - self.usd / self.baseline_usd) * 100


def mixed(catalogue: Catalogue) -> list[Cost]:
    """Price the fixed mixes."""
    each = {name: _price(catalogue, name, TOKENS) for name in catalogue.models}
    baseline_usd = each[catalogue.baseline.name] * REQUESTS
    return [
        Cost(
            way,
            sum((each[name] * REQUESTS * share / 100 for name, share in shares.items()), Decimal(0)),
            baseline_usd,
            {name: float(share) for name, share in shares.items()},
            assumption,
        )
        for way, (shares, assumption) in MIXES.items()
    ]


def planned(catalogue: Catalogue, prompts: Sequence[str], policy: Policy) -> Cost:
    """Plan the prompts as a worker with healthy models does, and price the first candidate of each."""
    pool, chosen, usd, baseline_usd = ModelPool(catalogue), Counter[str](), Decimal(0), Decimal(0)
    gains: list[float] = []
    for number, prompt in enumerate(track(prompts, description=f"{catalogue.name}, {policy}", transient=True)):
        request = Request(prompt=prompt, policy=policy, max_tokens=TOKENS.output_tokens, max_cost_usd=Decimal(100))
        job = Job(
            request,
            Identity(request.tenant, f"r-{number}", None),
            Origin("llm.requests.v1", 0, number),
            NOW_S,
            NOW_S + 60,
        )
        model = make_plan(job, analyse(request.question), pool, NOW_S).candidates[0].model
        tokens = Estimate(estimate_tokens(prompt), TOKENS.output_tokens)
        chosen[model.name] += 1
        usd += _price(catalogue, model.name, tokens)
        baseline_usd += _price(catalogue, catalogue.baseline.name, tokens)
        shares_known = share_known(model.name, prompt), share_known(catalogue.baseline.name, prompt)
        if shares_known[0] is not None and shares_known[1] is not None:
            gains.append(shares_known[0] - shares_known[1])
    scale = Decimal(REQUESTS) / len(prompts)
    shares = {name: 100 * count / len(prompts) for name, count in chosen.most_common()}
    safe = sum(share for name, share in shares.items() if catalogue.models[name].quality < catalogue.baseline.quality)
    assumption = f"{safe:.0f} of 100 prompts, chosen by their words, are as well served by a model of lower quality"
    points = 100 * fmean(gains) if len(gains) == len(prompts) else None
    return Cost(f"policy {policy}", usd * scale, baseline_usd * scale, shares, assumption, points)


def read_prompts(path: Path) -> list[str]:
    """Read the texts of a JSON-lines file of prompts."""
    texts = []
    for line in path.read_bytes().splitlines():
        match orjson.loads(line):
            case {"prompt": str(text)} | {"text": str(text)} | {"turns": [str(text), *_]}:
                texts.append(text)
            case {"messages": [*_, {"content": str(text)}]}:
                texts.append(text)
    return [text for text in texts if text.strip()]


def _price(catalogue: Catalogue, name: str, tokens: Estimate) -> Decimal:
    price = catalogue.models[name].price_at(int(NOW_S * 1000))
    if price is None:
        raise SystemExit(f"{name} has no price in the catalogue {catalogue.name}; add one.")
    return price_of(price, tokens)


def table(title: str, costs: Sequence[Cost]) -> Table:
    """Return one way of routing a row."""
    rows = Table("", title=title, title_justify="left")
    for heading in ("USD", "all at gpt-4.1", "saved", "quality"):
        rows.add_column(heading, justify="right")
    rows.add_column("who answers, %")
    for cost in costs:
        shares = ", ".join(f"{name.partition('-')[0]} {share:.0f}" for name, share in cost.shares.items())
        saved = f"{cost.saved_percent:.1f} %"
        quality = "?" if cost.quality_points is None else f"{cost.quality_points:+.1f}"
        rows.add_row(cost.way, f"{cost.usd:,.0f}", f"{cost.baseline_usd:,.0f}", saved, quality, shares)
    return rows


def caches_table(found: Sequence[Savings]) -> Table:
    """Return a mix of traffic a row: what each means saves on top of those before it."""
    title = "What caches save on top of routing, percent of all at gpt-4.1, at public list prices"
    rows = Table("", title=title, title_justify="left")
    for heading in (
        "gpt-4.1, own cache",
        "routing",
        "+ prompt caches",
        "+ answer cache",
        "+ both",
        "answered again",
        "quality",
    ):
        rows.add_column(heading, justify="right")
    for one in found:
        ways = (
            one.baseline_cached_usd,
            one.routed_usd,
            one.with_prompt_caches_usd,
            one.with_answer_cache_usd,
            one.with_both_usd,
        )
        cells = (f"{one.saved(usd):.1f} %" for usd in ways)
        rows.add_row(one.mix, *cells, f"{one.answered_again:.1%}", f"{one.quality_points:+.1f}")
    return rows


def batches_table(found: Sequence[cost_batches.BatchSavings]) -> Table:
    """Return a mix of traffic, and the share of it that can wait for a batch, a row: what each means and all save."""
    title = "What batches save beside them, percent of all at gpt-4.1, at public list prices"
    rows = Table("", title=title, title_justify="left")
    for heading in ("can wait", *found[0].saved(), "in batches", "with caches", "quality"):
        rows.add_column(heading, justify="right")
    for one in found:
        saved = (f"{percent:.1f} %" for percent in one.saved().values())
        in_batches = (f"{share:.0%}" for share in (one.in_batches, one.in_batches_with_caches))
        rows.add_row(one.mix, f"{one.waiting:.0%}", *saved, *in_batches, f"{one.quality_points_with_caches:+.1f}")
    return rows


def share_needed(catalogue: Catalogue, saved_percent: int) -> tuple[str, Decimal]:
    """Return the cheapest model, and what part of the traffic it has to take for the saving, in percent."""
    baseline_usd = _price(catalogue, catalogue.baseline.name, TOKENS)
    usd, cheapest = min((_price(catalogue, name, TOKENS), name) for name in catalogue.models)
    return cheapest, saved_percent / (1 - usd / baseline_usd)


def main() -> None:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--prompts", type=Path, default=OWN_PROMPTS, help="JSON lines; default: our own prompts")
    path: Path = arguments.parse_args().prompts
    prompts = read_prompts(path)
    if not prompts:
        sys.exit(f"{path} has no prompts; give JSON lines with prompt, text or turns.")
    console, report = Console(), {}
    for prices, file in CATALOGUES.items():
        catalogue = load_catalogue(file).catalogue
        fixed = mixed(catalogue)
        real = [planned(catalogue, prompts, policy) for policy in (Policy.CHAIN, Policy.COST, Policy.VALUE)]
        console.print(table(f"{REQUESTS:,} requests, 500 tokens in and 500 out, at {prices}", fixed))
        title = f"The prompts of {path.name} ({len(prompts):,}), 500 tokens out, scaled to {REQUESTS:,}, at {prices}"
        console.print(table(title, real))
        for cost in (*fixed[1:], *real):
            console.print(f"  {cost.way}: a saving only if {cost.assumption}.", highlight=False)
        cheapest, needed = share_needed(catalogue, CLAIMED_PERCENT)
        claim = (
            f"  {CLAIMED_PERCENT} % less than all at {catalogue.baseline.name}: {needed:.1f} % of all requests go to"
        )
        console.print(f"{claim} {cheapest}, the cheapest, and the rest stays.", highlight=False)
        report[prices] = {
            "mixes": [_row(cost) for cost in fixed],
            "planned": [_row(cost) for cost in real],
            "claim": {"saved_percent": CLAIMED_PERCENT, "model": cheapest, "share_percent": round(float(needed), 2)},
        }
    shipped, listed = (load_catalogue(file).catalogue for file in CATALOGUES.values())
    priced = at_list_prices(shipped, listed)
    found = [savings(mix, priced, prompts) for mix in MIXES_OF_TRAFFIC]
    console.print(caches_table(found))
    with_batches = [
        one
        for mix, known in zip(MIXES_OF_TRAFFIC, found, strict=True)
        for one in cost_batches.batch_savings(mix, priced, prompts, known)
    ]
    console.print(batches_table(with_batches))
    reached = cost_batches.reached(with_batches, CLAIMED_PERCENT)
    told = "; ".join(reached) or "none"
    console.print(f"  Of these, {CLAIMED_PERCENT} % less is reached by: {told}.", highlight=False)
    REPORT.parent.mkdir(exist_ok=True)
    content = {"requests": REQUESTS, "prompts_file": path.name, "prompts": len(prompts), "prices": report}
    content["caches"] = [row(one) for one in found]
    content["batches"] = [cost_batches.row(one) for one in with_batches]
    content["batches_claim_reached_by"] = reached
    REPORT.write_bytes(orjson.dumps(content, default=str, option=orjson.OPT_INDENT_2))


def _row(cost: Cost) -> dict[str, object]:
    return {**asdict(cost), "saved_percent": round(float(cost.saved_percent), 2)}


if __name__ == "__main__":
    main()
