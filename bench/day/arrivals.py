"""The requests of a day: 24 copies of an hour, each with its place in the hour shifted, half of which can wait.

The hour is that of two services in Azure's public traces of 2023 (AzureLLMInferenceTrace_code.csv and _conv.csv of
https://github.com/Azure/AzurePublicDataset, CC-BY 4.0): arrivals, and tokens of context and answer; there are no
texts. Without these files it is a synthetic one of the same rates: code in bursts, conversation evenly.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import exp, log
from pathlib import Path
from random import Random

HOURS = 24
HOUR_S = 3600.0
FILES = {"code": "AzureLLMInferenceTrace_code.csv", "conv": "AzureLLMInferenceTrace_conv.csv"}
TIERS = {"code": "powerful", "conv": "fast"}
"""What each service asks for: gpt-4.1 and gemini-2.5-flash first."""
WAITING = 0.5
"""The share that can wait."""
LEAST_WAIT_S, MOST_WAIT_S = 6 * HOUR_S, 24 * HOUR_S
"""From such a request to its deadline, evenly."""
LIVE_S = 60.0
MOST_CONTEXT = 8_000
"""Longer prompts are cut to so many tokens."""
SENTENCE = "The quick brown fox jumps over the lazy dog by the old mill at dawn. "
BYTES_A_TOKEN = 4
SYNTHETIC = {"code": (8_819, 1_500, 0.9, 28, 1.0), "conv": (19_366, 1_020, 0.9, 130, 1.0)}
"""Requests an hour, and the median and the spread of the logarithm of tokens of context and of answer: near to Azure's
(code: 2,048 and 28 on average, conversation: 1,155 and 211)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the hour."""

    at_s: float
    service: str
    context_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the day; moments are seconds since its begin."""

    at_s: float
    request_id: str
    service: str
    context_tokens: int
    answer_tokens: int
    deadline_s: float
    can_wait: bool

    def fields(self) -> dict[str, object]:
        """Return what it asks, but for its deadline."""
        text = SENTENCE * (self.context_tokens * BYTES_A_TOKEN // len(SENTENCE) + 1)
        return {
            "request_id": self.request_id,
            "tenant": self.service,
            "prompt": text[: self.context_tokens * BYTES_A_TOKEN],
            "max_tokens": max(16, 2 * self.answer_tokens),  # half of what is asked for is answered on average
            "tier": TIERS[self.service],
            "lane": "batch" if self.can_wait else "live",
        }


def hour(data: Path | None) -> list[Row]:
    """Return the requests of an hour, in order.

    Raises:
        SystemExit: the folder lacks a file.
    """
    return sorted(_synthetic() if data is None else _recorded(data), key=lambda row: row.at_s)


def day(rows: list[Row], one_in: int) -> Iterator[Arrival]:
    """Yield every `one_in`-th request of the day, in order."""
    dice, number = Random(16), 0  # noqa: S311 - the same day each time
    for copy in range(HOURS):
        shift_s = dice.uniform(0, HOUR_S)
        shifted = sorted(((row.at_s + shift_s) % HOUR_S, place) for place, row in enumerate(rows))
        for at_s, place in shifted:
            number += 1
            can_wait, patience_s = dice.random() < WAITING, dice.uniform(LEAST_WAIT_S, MOST_WAIT_S)
            if number % one_in:
                continue
            row, begins_s = rows[place], copy * HOUR_S + at_s
            yield Arrival(
                at_s=begins_s,
                request_id=f"{row.service}-{copy}-{place}",
                service=row.service,
                context_tokens=min(max(1, row.context_tokens), MOST_CONTEXT),
                answer_tokens=max(1, row.answer_tokens),
                deadline_s=begins_s + (patience_s if can_wait else LIVE_S),
                can_wait=can_wait,
            )


def told_of(data: Path | None) -> str:
    """Return what day it is, as the begin of a sentence."""
    whose = "a synthetic hour at the rates of Azure's of 2023" if data is None else "Azure's hours of 2023"
    hours = f"{LEAST_WAIT_S / HOUR_S:.0f} to {MOST_WAIT_S / HOUR_S:.0f} hours"
    return f"24 shifted copies of {whose}, {WAITING:.0%} of the requests with {hours} of time"


def _recorded(data: Path) -> Iterator[Row]:
    for service, name in FILES.items():
        found = next((path for path in (data / name, data / "azure-llm-2023" / name) if path.exists()), None)
        if found is None:
            raise SystemExit(
                f"{data} has no {name}; get it from https://github.com/Azure/AzurePublicDataset/tree/master/data."
            )
        with found.open(newline="") as file:
            first_s: float | None = None
            for row in csv.DictReader(file):
                at_s = datetime.fromisoformat(row["TIMESTAMP"][:26] + "+00:00").timestamp()
                first_s = at_s if first_s is None else first_s
                yield Row((at_s - first_s) % HOUR_S, service, int(row["ContextTokens"]), int(row["GeneratedTokens"]))


def _synthetic() -> Iterator[Row]:
    dice = Random(2023)  # noqa: S311 - same
    for service, (count, context, context_spread, answer, answer_spread) in SYNTHETIC.items():
        bursts = [dice.uniform(0, HOUR_S) for _ in range(count // 20 if service == "code" else 0)]
        for _ in range(count):
            at_s = dice.choice(bursts) + dice.expovariate(1.0) if bursts else dice.uniform(0, HOUR_S)
            yield Row(
                at_s % HOUR_S,
                service,
                round(exp(dice.gauss(log(context), context_spread))),
                round(exp(dice.gauss(log(answer), answer_spread))),
            )
