"""How well a judge recovers which models answer better, at the simulated provider's known rates: `make bench-judge`.

Everything is the product's but the models: the question to the judge, its order and how its reply is read are
`router.shadows`, the scores are summed by model. Who is right, and what the judge believes, is the exam of
`sandbox.provider.exam`, whose prompts are asked again and again, with another seed each time. A pair of models is
ordered rightly if the one with the larger share of right answers has the higher mean score.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from random import Random
from statistics import fmean

from router.shadow_rules import lot_of
from router.shadows.judging import comparison, scores_of
from sandbox.prompts import DemoPrompt, load_prompts
from sandbox.provider.exam import KNOWN, Exam, share_known
from sandbox.provider.judge import judges
from schemas.requests import Request
from schemas.responses import AnswerMessage

JUDGED = (100, 300, 1000)
TRIALS = 10
CLOSE = 0.03
"""Pairs whose shares differ by less are left out: either will do."""
Scores = Mapping[str, list[float]]


def main() -> None:
    """Print a row for each judge and number of verdicts."""
    prompts = load_prompts()
    sys.stdout.write("judge               knows  verdicts  pairs of models  pairs by task  mean error of a score\n")
    for judge in KNOWN:
        others = [name for name in KNOWN if name != judge]
        for count in JUDGED:
            rows = [_trial(prompts, judge, others, count, seed) for seed in range(TRIALS)]
            whole, by_task, off = (fmean(row[place] for row in rows) for place in range(3))
            sys.stdout.write(
                f"{judge:<18} {_share(prompts, judge):6.0%} {count:9,} {whole:16.1%} {by_task:14.1%} {off:22.2f}\n"
            )


def _trial(
    prompts: Sequence[DemoPrompt], judge: str, others: Sequence[str], count: int, seed: int
) -> tuple[float, float, float]:
    """Return which share of the pairs is ordered rightly, over all and by task, and how far scores are from shares."""
    chance = Random(seed)  # noqa: S311 - a sample of requests
    scores: dict[str, list[float]] = defaultdict(list)
    for number in range(count):
        prompt = chance.choice(prompts)
        exam = Exam(seed * 100_000 + number)
        for model, score in _judged(exam, judge, prompt.request, chance.sample(others, 2), f"{seed}-{number}"):
            scores[model].append(score)
            scores[f"{model} {prompt.task}"].append(score)
    tasks = sorted({str(prompt.task) for prompt in prompts})
    whole = [_is_right(prompts, scores, pair, None) for pair in combinations(others, 2)]
    by_task = [_is_right(prompts, scores, pair, task) for pair in combinations(others, 2) for task in tasks]
    off = fmean(abs(fmean(scores[model]) - _share(prompts, model)) for model in others)
    return _rate(whole), _rate(by_task), off


def _judged(
    exam: Exam, judge: str, request: Request, pair: Sequence[str], request_id: str
) -> Iterator[tuple[str, float]]:
    question = request.question
    answers = [AnswerMessage(content=f"On it: {exam.says(model, question)} And more.") for model in pair]
    order = [0, 1] if lot_of("order", "bench", request_id) < 0.5 else [1, 0]  # noqa: PLR2004  (a fair coin)
    asked = comparison(request, answers[order[0]], answers[order[1]], judge)
    reply = None if asked is None else judges(exam, judge, asked.prompt or "")
    found = None if reply is None else scores_of(AnswerMessage(content=reply))
    if found is not None:
        yield from ((pair[place], score) for place, score in zip(order, found, strict=True))


def _is_right(prompts: Sequence[DemoPrompt], scores: Scores, pair: tuple[str, str], task: str | None) -> bool | None:
    """Say whether the pair is ordered rightly; None: it is too close, or not judged."""
    shares = [_share(prompts, model, task) for model in pair]
    names = pair if task is None else tuple(f"{model} {task}" for model in pair)
    if abs(shares[0] - shares[1]) < CLOSE or not all(scores.get(name) for name in names):
        return None
    means = [fmean(scores[name]) for name in names]
    return (means[0] > means[1]) is (shares[0] > shares[1])


def _share(prompts: Sequence[DemoPrompt], model: str, task: str | None = None) -> float:
    return fmean(
        share_known(model, prompt.request.question) or 0.0 for prompt in prompts if task in {None, prompt.task}
    )


def _rate(found: Sequence[bool | None]) -> float:
    return fmean(one for one in found if one is not None)


if __name__ == "__main__":
    main()
