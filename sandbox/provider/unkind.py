"""The ways in which the simulated provider can be as unkind as the world's.

None is on unless it is chosen, at the start (--unkind) or while the provider
runs (PUT /sandbox/unkind):

    ignores_keys            an idempotency key is no use: each call is charged
    charges_statuses        errors that are charged as if they were answers:
                            ["4xx", "5xx", "429", ...]
    charges_unanswered      calls that hang or are reset are charged
    image_usd               of each image, beside its tokens
    audio_usd_per_mtok      of audio tokens, heard or spoken, instead of the
                            price of text
    tier_factors            {"flex": "0.5", "priority": "2", ...}: what a
                            service tier multiplies the price of tokens by
    search_usd              of each call that may search the web
    charges_predictions     a predicted output is rejected whole, and charged
    reasoning               "beside": reasoning tokens are no part of the output
                            tokens told (xAI, Gemini); "inside": they are
                            (OpenAI). Either way there are some in each answer
    cached                  "beside": tokens found in a cache are no part of the
                            input tokens told (Anthropic); "inside": they are
    tells_cost              usage has the cost in US dollars (OpenRouter)

An answer tells the tokens it is charged for, wherever they are told.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox.provider.ask import Ask, MediaKind
from sandbox.provider.charges import Extras

_Statuses = Annotated[str, BeforeValidator(str), Field(pattern="^[45](xx|[0-9][0-9])$")]
_Usd = Annotated[Decimal, Field(ge=0, le=1_000)]


class Placement(StrEnum):
    """Where tokens of a kind are told: as part of a larger count, or apart from it."""

    INSIDE = "inside"
    BESIDE = "beside"


class Unkindness(BaseModel):
    """The ways chosen; the module's docstring says what each one does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ignores_keys: bool = False
    charges_statuses: tuple[_Statuses, ...] = ()
    charges_unanswered: bool = False
    image_usd: _Usd = Decimal(0)
    audio_usd_per_mtok: _Usd | None = None
    tier_factors: dict[str, _Usd] = {}
    search_usd: _Usd = Decimal(0)
    charges_predictions: bool = False
    reasoning: Placement | None = None
    cached: Placement | None = None
    tells_cost: bool = False

    def charges(self, status: int) -> bool:
        """Whether an error with this status is charged."""
        return any(text in (str(status), f"{status // 100}xx") for text in self.charges_statuses)

    def extras(self, ask: Ask) -> Extras:
        """Return what is charged for a call beside its text."""
        return Extras(
            audio_usd_per_mtok=self.audio_usd_per_mtok,
            tier_factor=self.tier_factors.get(ask.service_tier or "", Decimal(1)),
            images=sum(medium.kind is MediaKind.IMAGE for turn in ask.turns for medium in turn.media),
            image_usd=self.image_usd,
            searches=int(ask.may_search),
            search_usd=self.search_usd,
        )


KIND = Unkindness()
UNKIND = Unkindness(
    ignores_keys=True,
    charges_statuses=("4xx", "5xx"),
    charges_unanswered=True,
    image_usd=Decimal("0.005"),
    audio_usd_per_mtok=Decimal(40),
    tier_factors={"flex": Decimal("0.5"), "batch": Decimal("0.5"), "priority": Decimal(2)},
    search_usd=Decimal("0.035"),
    charges_predictions=True,
    reasoning=Placement.BESIDE,
    cached=Placement.BESIDE,
    tells_cost=True,
)
"""All of it, at prices of 2026: OpenAI's for audio input, its flex, batch and priority tiers, Google's for a search."""


def read_unkindness(text: str) -> Unkindness:
    """Read what `--unkind` is given: `all`, or a JSON object. Raises pydantic.ValidationError."""
    return UNKIND if text == "all" else Unkindness.model_validate_json(text)
