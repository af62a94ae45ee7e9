"""Scores the analysis on labelled prompts: how often it is right, how sure of it, and what makes it change its mind."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from router.tasks.analysis import Analysis, analyse
from schemas.vocabulary import Task, member
from streams.cli.prompt_edits import edited

SEED = 1
"""Of the typos."""
COVERAGES = (0.5, 0.7, 0.9, 1.0)
BINS = 10
"""Of confidence, for the calibration error."""


class LabelledError(Exception):
    """A line of a labelled file that is none; the text names the line and the fix."""


class Labelled(BaseModel):
    """One line: a prompt and what a careful reader says that it asks for. Other fields are ignored."""

    model_config = ConfigDict(frozen=True)

    text: str
    label: Annotated[Task, AfterValidator(member)]
    lang: str = "?"
    source: str = "?"


@dataclass(frozen=True, slots=True)
class Score:
    """What a run measured. Shares are fractions of 1; time is the process's own, of the analysis alone."""

    prompts: int
    accuracy: float
    macro_f1: float
    """The mean F1 of the tasks that are among the labels."""
    per_language: Mapping[str, float]
    """Accuracy."""
    per_source: Mapping[str, float]
    mean_accuracy_of_sources: float
    per_task_f1: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]
    """Label, what was said, how often."""
    abstentions: int
    """How often it said `unknown`."""
    accuracy_at_coverage: Mapping[str, float]
    """Accuracy among the part of the prompts that it is surest of."""
    calibration_error: float
    """The mean distance of confidence from accuracy, over ten bins of confidence, weighted by their size (ECE)."""
    flip_rate: float
    """The mean of `flips`."""
    flips: Mapping[str, float]
    """The share of the prompts an edit changes, whose task changes under that edit."""
    prompts_per_s: float


def read_labelled(content: str) -> Sequence[Labelled]:
    """Return the labelled prompts of a file, or none if its first line is not one.

    Raises:
        LabelledError: a later line is not one, or a label is no task.
    """
    lines = [(number, line) for number, line in enumerate(content.split("\n"), start=1) if line.strip()]
    if not lines or not _is_labelled(lines[0][1]):
        return ()
    prompts = []
    for number, line in lines:
        try:
            prompts.append(Labelled.model_validate(orjson.loads(line)))
        except (ValidationError, orjson.JSONDecodeError) as error:
            known = ", ".join(sorted(Task))
            raise LabelledError(
                f"Line {number} is no labelled prompt: it needs `text`, a string, and `label`, one of {known}."
            ) from error
    return prompts


def score(prompts: Sequence[Labelled]) -> Score:
    """Analyse each prompt as it is, timed, and under each edit."""
    started_s = time.process_time()
    said = [analyse(prompt.text) for prompt in prompts]
    took_s = max(time.process_time() - started_s, 1e-9)
    right = [analysis.task is prompt.label for prompt, analysis in zip(prompts, said, strict=True)]
    f1 = _f1_by_task(prompts, said)
    sources = _means(right, (prompt.source for prompt in prompts))
    flips = _flips(prompts, said)
    return Score(
        prompts=len(prompts),
        accuracy=fmean(right),
        macro_f1=fmean(f1.values()),
        per_language=_means(right, (prompt.lang for prompt in prompts)),
        per_source=sources,
        mean_accuracy_of_sources=fmean(sources.values()),
        per_task_f1=f1,
        confusion=_confusion(prompts, said),
        abstentions=sum(analysis.task is Task.UNKNOWN for analysis in said),
        accuracy_at_coverage=_at_coverage(right, said),
        calibration_error=_calibration_error(right, said),
        flip_rate=fmean(flips.values()) if flips else 0.0,
        flips=flips,
        prompts_per_s=len(prompts) / took_s,
    )


def _is_labelled(line: str) -> bool:
    try:
        first = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(first, dict) and {"text", "label"} <= first.keys()


def _means(right: Iterable[bool], groups: Iterable[str]) -> dict[str, float]:
    of_group: defaultdict[str, list[bool]] = defaultdict(list)
    for group, is_right in zip(groups, right, strict=True):
        of_group[group].append(is_right)
    return {group: fmean(of_group[group]) for group in sorted(of_group)}


def _f1_by_task(prompts: Sequence[Labelled], said: Sequence[Analysis]) -> dict[str, float]:
    labels, answers = Counter(prompt.label for prompt in prompts), Counter(analysis.task for analysis in said)
    hits = Counter(one.label for one, analysis in zip(prompts, said, strict=True) if one.label is analysis.task)
    return {str(task): 2 * hits[task] / (labels[task] + answers[task]) for task in sorted(labels)}


def _confusion(prompts: Sequence[Labelled], said: Sequence[Analysis]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for prompt, analysis in zip(prompts, said, strict=True):
        counts[str(prompt.label)][str(analysis.task)] += 1
    return {label: dict(counts[label].most_common()) for label in sorted(counts)}


def _at_coverage(right: Sequence[bool], said: Sequence[Analysis]) -> dict[str, float]:
    # the sort is stable: among equals the file's order holds
    surest = sorted(range(len(said)), key=lambda at: -said[at].confidence)
    counts = {coverage: max(1, round(coverage * len(surest))) for coverage in COVERAGES}
    return {f"{coverage:.0%}": fmean(right[at] for at in surest[:count]) for coverage, count in counts.items()}


def _calibration_error(right: Sequence[bool], said: Sequence[Analysis]) -> float:
    bins: defaultdict[int, list[tuple[bool, float]]] = defaultdict(list)
    for is_right, analysis in zip(right, said, strict=True):
        bins[int(analysis.confidence * BINS)].append((is_right, analysis.confidence))
    gaps = (abs(sum(is_right - confidence for is_right, confidence in inside)) for inside in bins.values())
    return sum(gaps) / len(right)


def _flips(prompts: Sequence[Labelled], said: Sequence[Analysis]) -> dict[str, float]:
    flipped: defaultdict[str, list[bool]] = defaultdict(list)
    for prompt, analysis in zip(prompts, said, strict=True):
        for name, text in edited(prompt.text, SEED).items():
            if text != prompt.text:
                flipped[name].append(analyse(text).task is not analysis.task)
    return {name: fmean(flips) for name, flips in flipped.items()}
