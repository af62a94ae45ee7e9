"""What a prompt asks for: its task, how hard it is, how sure that is, and the tier of model it needs.

Rules first. Task: the one with the strongest clue, a command before a subject before a hint; between equals one near
the start or end of the text, then the one with more clues, then the order of `TASK_ORDER`. Where the rules have no
clue, or only a hint and the learned tie-break is sure of something else, the tie-break decides. A short turn of a
conversation that says nothing by itself ("and in French?") is read with the turn before it.

Tier: by task and difficulty, `tier_for`.
"""

from dataclasses import dataclass, replace
from typing import Final

from router.tasks.clues import HINT, Clue, Found, find_clues
from router.tasks.features import NOTHING_SEEN, Features, seen_in
from router.tasks.phrase_matcher import has_joined_script
from router.tasks.tie_break import HEAVY, TieBreak, Verdict, feature_names
from schemas.requests import Request
from schemas.vocabulary import Task, Tier

# Past this, more clues say that the text is long rather than what is asked for.
MAX_CLUES: Final = 3
MIN_WORDS: Final = 3
"""A text of fewer words without a clue is no task at all: `hello`."""
FOLLOW_UP_CHARS: Final = 80
"""A turn up to this long, without a command or a subject, goes on with what the turn before it was about."""
FOLLOW_UP_CONFIDENCE: Final = 0.8
"""What a task that is taken over from another turn is worth of that turn's confidence."""

EASY, HARD = 0.35, 0.65
"""Where `sandbox/labelled` has the borders between easy, medium and hard."""
SHORT_ANSWERS: Final = frozenset({Task.CLASSIFICATION, Task.EXTRACTION, Task.TRANSLATION})
"""Tasks whose answer is bound by the text that comes with them."""

TASK_ORDER: Final = (
    Task.TRANSLATION,
    Task.SUMMARIZATION,
    Task.EXTRACTION,
    Task.REWRITE,
    Task.CLASSIFICATION,
    Task.CODING,
    Task.MATH,
    Task.REASONING,
    Task.CREATIVE,
    Task.QA,
)

_TIE_BREAK: Final = TieBreak.shipped()


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a prompt asks for; `reason` is a short English clause that quotes nothing but phrases of our own tables."""

    task: Task
    tier: Tier
    reason: str
    difficulty: float = 0.5
    """0 to 1: below `EASY` the cheapest model does as well as any, above `HARD` it mostly does not."""
    confidence: float = 1.0
    """How many of a hundred prompts like this one have their task named rightly, over 100."""
    features: Features = NOTHING_SEEN


def analyse_request(request: Request) -> Analysis:
    """Analyse what a request asks for: the last message of its user, in the light of what was said before."""
    analysis = analyse(request.question, request)
    spoken = [message.text for message in request.messages or () if message.role == "user"]
    if len(spoken) < 2 or not _follows_up(spoken[-1], analysis):  # noqa: PLR2004  (a turn, and one before it)
        return analysis
    before = analyse(spoken[-2])
    if before.task is Task.UNKNOWN:
        return analysis
    difficulty = max(analysis.difficulty, before.difficulty)
    return replace(
        analysis,
        task=before.task,
        tier=tier_for(before.task, difficulty),
        reason=f"goes on with {before.task} of the turn before ({before.reason})",
        difficulty=difficulty,
        confidence=before.confidence * FOLLOW_UP_CONFIDENCE,
    )


def analyse(text: str, request: Request | None = None) -> Analysis:
    """Analyse a text of any length, in any language, with or without sense; never raises.

    The request that it is the question of, if any, adds what can be seen of tools, images, schema and turns.
    """
    found = find_clues(text)
    features = seen_in(found, request)
    verdict, reason = by_rules(found, features)
    if verdict.strength == 0 and _says_nothing(found):
        return Analysis(Task.UNKNOWN, tier_for(Task.UNKNOWN, 0.0), "no word names a task", 0.0, 0.0, features)
    guess, probability = _TIE_BREAK.guess(feature_names(found, features, verdict))
    task = verdict.task
    if guess is not task and verdict.yields_to(guess, probability):
        task, reason = (
            guess,
            f"{reason}, the form of the text {guess}" if verdict.strength else f"its form says {guess}",
        )
    difficulty = _TIE_BREAK.difficulty(task, features)
    confidence = _TIE_BREAK.confidence(verdict, guess)
    reason = f"{reason}, difficulty {difficulty:.2f}"
    return Analysis(task, tier_for(task, difficulty), reason, round(difficulty, 3), confidence, features)


def by_rules(found: Found, features: Features) -> tuple[Verdict, str]:
    """Return what the clues say, and why; strength 0 if there are none."""
    english = found.asked.english
    clues: dict[Task, list[Clue]] = {}
    for clue in found.clues:
        clues.setdefault(clue.task, []).append(clue)
    if not clues:
        task = Task.QA if features.question else Task.UNKNOWN
        return Verdict(task, 0, frozenset(), english), f"a question mark says {Task.QA}"
    strongest = {task: max(of_task, key=_weight) for task, of_task in clues.items()}
    task = max(
        (task for task in TASK_ORDER if task in clues),
        key=lambda task: (_weight(strongest[task]), min(len(clues[task]), MAX_CLUES)),
    )
    best = strongest[task]
    rivals = {other for other, clue in strongest.items() if clue.strength == best.strength} - {task}
    return Verdict(task, best.strength, frozenset(rivals), english), f"{best.reason} says {task}"


def tier_for(task: Task, difficulty: float) -> Tier:
    """Return the tier for a task of this difficulty.

    Hard work that is right or wrong goes to `reasoning`, other hard work to `powerful`; a task with an answer bound by
    its text to `fast` if it is easy; all else to `balanced`. No classification needs the dearest.
    """
    if difficulty > HARD and task not in SHORT_ANSWERS:
        return Tier.REASONING if task in HEAVY else Tier.POWERFUL
    if difficulty < EASY and task in SHORT_ANSWERS:
        return Tier.FAST
    return Tier.BALANCED


def _follows_up(turn: str, analysis: Analysis) -> bool:
    if len(turn) > FOLLOW_UP_CHARS:
        return False
    return all(clue.strength <= HINT for clue in find_clues(turn).clues) or analysis.task is Task.UNKNOWN


def _says_nothing(found: Found) -> bool:
    words = found.spelt.words
    return (
        words.count(" ") - 2 - words.count(" 0 ") < MIN_WORDS
        and not has_joined_script(words)
        and not (found.window.rstrip().endswith("?") and words.count(" ") > MIN_WORDS)
    )


def _weight(clue: Clue) -> tuple[int, bool]:
    return clue.strength, clue.near_edge
