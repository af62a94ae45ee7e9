"""The closed sets of words that Turnout's messages and decisions are made of."""

import re
from enum import StrEnum
from typing import Self, TypeVar

from pydantic_core import PydanticCustomError

_WORD = re.compile("[a-z][a-z0-9_-]{0,63}")


class GrowingWords(StrEnum):
    """Words of what Turnout tells, to which later versions add: one that this version does not know is read as itself.

    It is no member, and equal to none: a decision by members passes it over. What clients and operators write has to be
    a member, `schemas.requests.Request.tier`.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            return None
        word = str.__new__(cls, value)
        word._name_, word._value_ = value, value
        return word


_WordT = TypeVar("_WordT", bound=GrowingWords)


def member(word: _WordT) -> _WordT:
    """Return the word if this version knows it: for what clients and operators write.

    Raises:
        ValueError: it does not; as pydantic says it of an enumeration.
    """
    words = tuple(type(word))
    if word not in words:
        *others, last = (f"'{one}'" for one in words)
        raise PydanticCustomError("enum", "Input should be {expected}", {"expected": f"{', '.join(others)} or {last}"})
    return word


class Task(GrowingWords):
    """What a prompt asks for."""

    CODING = "coding"
    MATH = "math"
    REASONING = "reasoning"
    SUMMARIZATION = "summarization"
    EXTRACTION = "extraction"
    TRANSLATION = "translation"
    REWRITE = "rewrite"
    CLASSIFICATION = "classification"
    QA = "qa"
    CREATIVE = "creative"
    UNKNOWN = "unknown"


class Tier(GrowingWords):
    """How much of a model a prompt needs; each tier has its fallback chain in the catalogue."""

    FAST = "fast"
    BALANCED = "balanced"
    REASONING = "reasoning"
    POWERFUL = "powerful"


class Difficulty(GrowingWords):
    """How hard a prompt is, in the bands by which quality is kept; rising."""

    EASY = "easy"
    """The cheapest model does as well as any."""
    MEDIUM = "medium"
    HARD = "hard"


class Form(GrowingWords):
    """What a prompt looks like, by which quality is kept beside task and difficulty.

    A statement is what ends without a question mark; material is a prompt with a quotation, or one that says at its
    start that something follows. Lengths are those of the question, in characters: short below 64, medium below 256,
    long below 1,024, huge from there on.
    """

    ANY = "any"
    """Not told: versions before did not."""
    CHOICES = "choices"
    """It has three options or more to choose from, whatever its length."""
    SHORT_QUESTION = "short_question"
    MEDIUM_QUESTION = "medium_question"
    LONG_QUESTION = "long_question"
    HUGE_QUESTION = "huge_question"
    SHORT_STATEMENT = "short_statement"
    MEDIUM_STATEMENT = "medium_statement"
    LONG_STATEMENT = "long_statement"
    HUGE_STATEMENT = "huge_statement"
    SHORT_MATERIAL = "short_material"
    MEDIUM_MATERIAL = "medium_material"
    LONG_MATERIAL = "long_material"
    HUGE_MATERIAL = "huge_material"


class FeedbackKind(GrowingWords):
    """What has judged an answer."""

    PERSON = "person"
    CHECK = "check"
    """A program that knows what is right: a test, a comparison with the truth."""
    JUDGE = "judge"
    """A model that was asked."""
    BUILT_IN = "built-in"
    """Turnout itself, by what an answer shows without being understood. No client may write it."""


class FeedbackLabel(StrEnum):
    """A score in a word."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"

    @property
    def score(self) -> float:
        """The score that it stands for."""
        return {FeedbackLabel.GOOD: 1.0, FeedbackLabel.FAIR: 0.5, FeedbackLabel.BAD: 0.0}[self]


class Flaw(GrowingWords):
    """What shows without understanding that an answer is of less use."""

    SCHEMA_VIOLATION = "schema_violation"
    """It does not fit the JSON schema that the request has for it."""
    EMPTY = "empty"
    """It holds neither words nor calls of tools."""
    REFUSED = "refused"
    """The model, or its provider's filter, declined."""
    LENGTH = "length"
    """It was cut off where the request, or the model, ends answers."""
    ARITHMETIC = "arithmetic"
    """An equation in it is wrong."""
    ASKED_AGAIN = "asked_again"
    """The tenant asked the very same again soon after."""


class Policy(GrowingWords):
    """How the candidates are put in order."""

    CHAIN = "chain"
    """As the catalogue lists them for the tier."""
    COST = "cost"
    """The cheapest of the tier's quality first."""
    LATENCY = "latency"
    """The fastest of the tier's quality first."""
    VALUE = "value"
    """The cheapest first that is expected to answer about as well as the best."""
    CASCADE = "cascade"
    """The cheapest first, its answer checked; if that is doubted, a better one."""


class Lane(GrowingWords):
    """Whether a request is answered at once, or may wait for a batch of its provider, which costs less."""

    LIVE = "live"
    BATCH = "batch"
    AUTO = "auto"
    """As its deadline allows. Of what has been decided it is never said."""


class WaitingState(GrowingWords):
    """How a request of the batch lane stands."""

    WAITING = "waiting"
    """For the result of a batch."""
    RETURNED = "returned"
    """The worker of its partition is to answer it by live calls."""
    ANSWERED = "answered"


class ReturnReason(GrowingWords):
    """Why no batch answers a request that waited for one."""

    LATE = "late"
    """Its deadline comes nearer than the batch's end is certain to be."""
    REFUSED = "refused"
    """The provider does not take it into a batch."""
    FAILED = "failed"
    """The batch failed as a whole."""
    EXPIRED = "expired"
    """The provider's time for the batch was over before it."""
    CANCELLED = "cancelled"
    """The batch was cancelled before it."""
    LINE_FAILED = "line_failed"
    """Its own call in the batch failed, or its result is missing or cannot be used."""
    CACHED = "cached"
    """Its question was answered meanwhile, and it has asked for the cache."""
    NOT_SHARED = "not_shared"
    """It was to be answered with another request's line, which gave no answer that may be used for it."""


class Status(GrowingWords):
    """How a request ended."""

    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"


class IdSource(GrowingWords):
    """Where a request's id comes from."""

    REQUEST = "request"
    """Its producer gave it."""
    RECORD = "record"
    """It had none, and has its record's place."""
    REPLAY = "replay"
    """A dead letter that was put back."""


class ErrorCode(GrowingWords):
    """Why a request did not complete. The first group is the caller's to mend, the second is upstream's."""

    INVALID_REQUEST = "invalid_request"
    UNKNOWN_MODEL = "unknown_model"
    NO_ELIGIBLE_MODEL = "no_eligible_model"
    COST_CAP_EXCEEDED = "cost_cap_exceeded"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    REPLY_TO_NOT_ALLOWED = "reply_to_not_allowed"
    UNAUTHENTICATED = "unauthenticated"
    TENANT_MISMATCH = "tenant_mismatch"
    ID_REUSED = "id_reused"
    NOT_ALLOWED = "not_allowed"
    RATE_EXCEEDED = "rate_exceeded"
    CONCURRENCY_EXCEEDED = "concurrency_exceeded"
    BUDGET_EXHAUSTED = "budget_exhausted"
    UPSTREAM_REJECTED = "upstream_rejected"

    FALLBACK_EXHAUSTED = "fallback_exhausted"
    SCHEMA_VIOLATION = "schema_violation"
    """Models answered, and no answer fits the request's strict JSON schema."""
    INTERNAL_ERROR = "internal_error"


class AttemptOutcome(GrowingWords):
    """What became of one upstream call: an answer, or one of the categories of `router.errors`."""

    SUCCEEDED = "succeeded"
    INVALID_REQUEST = "invalid_request"
    """The model does not take the request as it is; another one may."""
    AUTHENTICATION = "authentication"
    """The provider does not serve the operator: key, credit, country, address, or a model that it does not give."""
    RATE_LIMITED = "rate_limited"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTERED = "content_filtered"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    DISCONNECTED = "disconnected"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    ANSWER_TOO_LARGE = "answer_too_large"
    """An answer with more bytes than are read: the request asks for too much at once."""
    SCHEMA_VIOLATION = "schema_violation"
    """An answer that does not fit the request's strict JSON schema."""
    CUT_OFF = "cut_off"


class SkipReason(GrowingWords):
    """Why a candidate was not called. The first group holds for the whole request, the second for the moment."""

    NOT_ALLOWED = "not_allowed"
    CONTEXT_TOO_SMALL = "context_too_small"
    CAPABILITY_LACKING = "capability_lacking"
    PARAMETER_NOT_TAKEN = "parameter_not_taken"
    NOT_TRANSLATABLE = "not_translatable"
    PRICE_UNKNOWN = "price_unknown"
    ABOVE_COST_CAP = "above_cost_cap"
    COST_CAP_USED = "cost_cap_used"
    TOO_SLOW = "too_slow"
    BUDGET_USED = "budget_used"

    BREAKER_OPEN = "breaker_open"
    BREAKER_OPEN_SLOW = "breaker_open_slow"
    PROBES_OUT = "probes_out"
    RATE_LIMIT = "rate_limit"
    RAMPING_UP = "ramping_up"
    BACKING_OFF = "backing_off"
    ACCOUNTS_REFUSED = "accounts_refused"


class AccountLimit(StrEnum):
    """What the limit of a provider's account counts within a minute. Named as in the catalogue."""

    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"
    """Of input and output together."""
    INPUT_TOKENS = "input_tokens_per_minute"
    OUTPUT_TOKENS = "output_tokens_per_minute"


class SchemaResult(StrEnum):
    """What the check of an answer against its request's JSON schema has shown."""

    PASSED = "passed"
    VIOLATED = "violated"
    NOT_CHECKED = "not_checked"
    """It would have taken too long."""


class AnswerCheck(GrowingWords):
    """What an answer of the policy `cascade` is checked by. The first group is free, the second takes a call."""

    FINISH = "finish"
    """Whether it was cut off at its longest."""
    FILTER = "filter"
    """Whether the provider's filter cut it off."""
    EMPTY = "empty"
    REFUSAL = "refusal"
    SCHEMA = "schema"
    """Whether it fits the request's JSON schema, also one that is not strict."""
    ARITHMETIC = "arithmetic"
    """Whether the equations in it are right."""

    AGREEMENT = "agreement"
    """Whether another answer, of a second cheap model or of the same, comes to the same."""
    JUDGE = "judge"
    """Whether another model finds it good."""


class CascadeVerdict(GrowingWords):
    """What became of the first answer of the policy `cascade`."""

    ACCEPTED = "accepted"
    ESCALATED = "escalated"
    """It was doubted, and the answer of a better model stands in its place."""
    KEPT = "kept"
    """It was doubted, and no better model could answer."""


class Purpose(GrowingWords):
    """What a call is made for that answers no request."""

    SHADOW = "shadow"
    """Another model is asked the same, to be compared with the one that answered."""
    JUDGE = "judge"
    """A model is asked how good both answers are."""


class Capability(StrEnum):
    """What a model may be able to do beside words in and words out."""

    IMAGES = "images"
    """It takes images."""
    AUDIO = "audio"
    """It takes audio."""
    FILES = "files"
    """It takes files, PDF foremost."""
    TOOLS = "tools"
    """It calls tools."""
    JSON_SCHEMA = "json_schema"
    """It keeps to the JSON Schema that it is given for its answer, or for a tool that is strict."""
    REASONING = "reasoning"
    """It takes `reasoning_effort`."""


class Certainty(GrowingWords):
    """How well the cost of a call is known, the best first."""

    METERED = "metered"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"

    @property
    def worse(self) -> tuple["Certainty", ...]:
        """The certainties of events that one with this certainty, and the same id, takes the place of."""
        every = tuple(Certainty)
        return every[every.index(self) + 1 :] if self in every else ()


class TokenCountSource(GrowingWords):
    """Who counted the tokens."""

    PROVIDER = "provider"
    ESTIMATE = "estimate"


class PriceStatus(GrowingWords):
    """Whether the catalogue has the price that the call was charged at.

    Unknown: it has none, then the cost is null, never 0; or none for the service tier that the provider names, then the
    cost is what the provider says, or else that of the price list.
    """

    KNOWN = "known"
    UNKNOWN = "unknown"
