"""The shares of right answers that the simulated provider answers by, as the nine models' answers give them."""

from collections.abc import Sequence

from rich.table import Table

from bench.routing.answers import Answered, AnswerSet
from schemas.vocabulary import Task

STAND_INS = {
    "gpt-4.1": "llama-3.1-nemotron-51b-instruct",
    "deepseek-v3.2": "llama-3.3-nemotron-super-49b-v1",
    "gemini-2.5-flash": "gemma-2-9b-it",
}
EASY_FROM, HARD_BELOW = 1 / 2, 1 / 6
"""Mean score of the other models: from the one on a question is easy, below the other hard."""
POOLED = 30
"""Answers of all tasks that are added to each cell."""
BANDS = ("easy", "medium", "hard")


def rates_table(sets: Sequence[AnswerSet]) -> Table:
    """Return the table for people; it needs the nine models' answers."""
    answers = next((one for one in sets if one.name == "nine models"), None)
    if answers is None:
        raise SystemExit("The rates are those of nine_models.jsonl: name the folder that has it.")
    rows = Table("task", *STAND_INS, title="Shares of right answers, easy, medium and hard")
    for task in sorted(set(Task) - {Task.UNKNOWN}):
        told = (
            ", ".join(f"{rate(answers.rows, theirs, task, band):.2f}" for band in BANDS)
            for theirs in STAND_INS.values()
        )
        rows.add_row(task, *told)
    return rows


def rate(rows: Sequence[Answered], model: str, task: Task, band: str) -> float:
    """Return a model's mean score in a cell, with `POOLED` answers of its band."""
    same_band = [row for row in rows if _band(row) == band]
    cell = [row.scores[model] for row in same_band if row.analysis.task is task]
    all_tasks = sum(row.scores[model] for row in same_band) / len(same_band)
    return (sum(cell) + POOLED * all_tasks) / (len(cell) + POOLED)


def _band(row: Answered) -> str:
    others = [score for model, score in row.scores.items() if model not in STAND_INS.values()]
    mean = sum(others) / len(others)
    return "easy" if mean >= EASY_FROM else "hard" if mean < HARD_BELOW else "medium"
