"""The product's own router on a set of answers: its planner, its policies and its table of quality."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from bench.routing.answers import Answered, AnswerSet
from router.catalogue import Catalogue, Model, Price
from router.identity import Identity
from router.job import Job, Origin
from router.models.pool import ModelPool
from router.quality.prior import band_of
from router.quality.table import Cell
from router.request.plan import make_plan
from router.tasks.analysis import Analysis
from schemas.quality import ModelQuality
from schemas.requests import Request
from schemas.vocabulary import Difficulty, Form, Policy, Task, Tier

NOW_S = 1_800_000_000.0
_AS_OF = datetime.fromtimestamp(NOW_S, UTC)
_ASKED = Request(prompt="-", max_tokens=500, max_cost_usd=Decimal(100))


class Product:
    """Turnout with the models of a set, as somebody sets it up who knows their prices and nothing else."""

    def __init__(self, answers: AnswerSet) -> None:
        self.catalogue = catalogue_of(answers.prices)
        self.pool = ModelPool(self.catalogue)
        self._chosen: dict[tuple[object, ...], str] = {}

    def learn(self, rows: Sequence[Answered]) -> None:
        """Follow what the feedback on all answers to these prompts comes to, as `llm.model-quality.v1` tells it."""
        for record in learnt(rows):
            self.pool.quality.follow(record)
        self._chosen.clear()

    def expected(self, row: Answered, model: str) -> float:
        """Return the quality that is expected of the model's answer."""
        return self.pool.quality.expected(model, *kind_of(row.analysis)).mean

    def choose(self, row: Answered, policy: Policy, slack: float | None = None) -> str:
        """Return the model that the planner puts first, all of them healthy."""
        analysis = row.analysis
        # what the planner looks at: all requests are of one length here
        seen = (policy, slack, *kind_of(analysis), analysis.tier)
        if seen not in self._chosen:
            self._chosen[seen] = self._plan(analysis, policy, slack)
        return self._chosen[seen]

    def _plan(self, analysis: Analysis, policy: Policy, slack: float | None) -> str:
        request = _ASKED.model_copy(update={"policy": policy, "quality_slack": slack})
        job = Job(request, Identity("bench", "r-1", None), Origin("llm.requests.v1", 0, 1), NOW_S, NOW_S + 60)
        return make_plan(job, analysis, self.pool, NOW_S).candidates[0].model.name


def kind_of(analysis: Analysis) -> tuple[Task, Difficulty, Form]:
    """Return what quality is kept by, beside the model."""
    return analysis.task, band_of(analysis.difficulty), analysis.features.form


def learnt(rows: Iterable[Answered]) -> list[ModelQuality]:
    """Return the mean score of each model by kind of prompt."""
    cells: dict[Cell, list[float]] = {}
    for row in rows:
        for model, score in row.scores.items():
            cells.setdefault(Cell(model, *kind_of(row.analysis)), []).append(score)
    return [
        ModelQuality.model_validate(
            {
                "request_model": cell.model,
                "task": cell.task,
                "difficulty": cell.band,
                "form": cell.form,
                "as_of": _AS_OF,
                "mean": min(1.0, sum(scores) / len(scores)),
                "weight": len(scores),
            }
        )
        for cell, scores in cells.items()
    ]


def catalogue_of(prices: Mapping[str, float]) -> Catalogue:
    """Return a catalogue that judges models by their prices: the dearer, the better."""
    ranks = sorted(set(prices.values()))
    models = {
        name: _model(name, usd, 5 + round(4 * ranks.index(usd) / (len(ranks) - 1))) for name, usd in prices.items()
    }
    cheap = tuple(sorted(models.values(), key=lambda model: (prices[model.name], -model.quality)))
    dear = tuple(sorted(models.values(), key=lambda model: (-model.quality, prices[model.name])))
    return Catalogue(
        name="bench",
        version="1",
        models=MappingProxyType(models),
        chains={Tier.FAST: cheap, Tier.BALANCED: cheap, Tier.REASONING: dear, Tier.POWERFUL: dear},
        quality_floors={Tier.FAST: 5, Tier.BALANCED: 5, Tier.REASONING: 9, Tier.POWERFUL: 9},
        baseline=dear[0],
    )


def _model(name: str, usd: float, quality: int) -> Model:
    price = Price(Decimal(str(usd)), Decimal(str(usd)))
    return Model(
        name=name,
        provider_name="bench",
        price=price,
        quality=quality,
        context_tokens=1_000_000,
        max_output_tokens=32_000,
        requests_per_minute=1_000_000,
        typical_latency_ms=500,
        timeout_s=20,
    )
