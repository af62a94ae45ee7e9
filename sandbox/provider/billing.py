"""What a call costs and what its answer says: composed, metered, itemized, and written on the invoice."""

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.provider.answers import compose_choices, count_tokens
from sandbox.provider.ask import Ask
from sandbox.provider.charges import Extras, itemize, total_usd
from sandbox.provider.dialects.dialect import Dialect
from sandbox.provider.exam import Exam
from sandbox.provider.invoice import ChargeReason, Invoice, InvoiceRow
from sandbox.provider.judge import judges
from sandbox.provider.metering import Division, measure
from sandbox.provider.models import ReferenceModel, TokenCounts, list_price_of
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import Answer, FinishReason, Outcome
from sandbox.provider.prompt_cache import TTL_S, PromptCaches
from sandbox.provider.unkind import Placement

BATCH_FACTOR = Decimal("0.5")
_WITHHELD = frozenset({FinishReason.CONTENT_FILTER, FinishReason.PROMPT_BLOCKED})


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, and of whom."""

    ask: Ask
    model: ReferenceModel
    dialect: Dialect
    choice: bytes
    """The fingerprint of the request, which chooses the answer."""
    idempotency_key: str | None
    account: str | None = None
    """Whose key was shown, where there are accounts."""
    batch: tuple[str, str] | None = None
    """The batch that it is a line of, and the line's `custom_id`."""

    @property
    def keyed_id(self) -> str | None:
        """The answer's id, the same for the same call under the same key, also after a restart; None without a key."""
        if self.idempotency_key is None:
            return None
        key = self.idempotency_key.encode()
        return self.dialect.id_prefix + hashlib.blake2b(key, digest_size=12, key=self.choice).hexdigest()


class Billing:
    """Charges calls as kindly as `unkind` says."""

    def __init__(self, options: ProviderOptions, invoice: Invoice) -> None:
        self.unkind = options.unkind
        self._options = options
        self._invoice = invoice
        self._exam = Exam(options.seed)
        self._caches = PromptCaches(TTL_S * options.time_scale)
        self._started_ns = time.time_ns()

    def charge(
        self,
        call: Call,
        reason: ChargeReason,
        status: int | None,
        *,
        withheld: FinishReason | None = None,
        takes_s: float = 0.0,
    ) -> Outcome:
        """Write what an answer costs on the invoice, and return that answer. Raises OSError."""
        ask, model, unkind = call.ask, call.model, self.unkind
        answers = self._answers(call, withheld)
        list_prices = self._options.list_prices
        division = Division(
            cached=list_prices or ask.caches or unkind.cached is not None,
            written=call.dialect.tells_cache_writes and (ask.caches or (list_prices and model.provider == "anthropic")),
            reasoning=list_prices,
        )
        counts = measure(ask, answers, call.choice, division, predicts=unkind.charges_predictions)
        if self._options.prompt_cache:
            counts = self._with_cache(call, counts)
        price = (list_prices and list_price_of(model.name, counts.input_tokens)) or model.price
        lines = itemize(counts, price, self._extras(call))
        cost_usd = total_usd(lines)
        keyed = reason in (ChargeReason.ANSWERED, ChargeReason.CALLER_LEFT)
        row = InvoiceRow(
            id=(call.keyed_id if keyed else None) or self._unique_id(call),
            idempotency_key=call.idempotency_key,
            model=model.name,
            input_tokens=counts.input_tokens,
            cached_input_tokens=counts.cached_input_tokens,
            output_tokens=counts.output_tokens,
            finish_reason=answers[0].finish_reason,
            cost_usd=cost_usd,
            cost_nano_usd=int(cost_usd.scaleb(9)),
            charged_at=datetime.now(UTC),
            cache_write_tokens=counts.cache_write_tokens,
            reasoning_tokens=counts.reasoning_tokens,
            audio_input_tokens=counts.audio_input_tokens,
            audio_output_tokens=counts.audio_output_tokens,
            rejected_tokens=counts.rejected_tokens,
            reason=reason,
            status=status,
            lines=lines,
            account=call.account,
            batch_id=None if call.batch is None else call.batch[0],
            custom_id=None if call.batch is None else call.batch[1],
        )
        self._invoice.charge(row)
        return self._outcome(ask, row, answers, int(takes_s * 1000))

    def _extras(self, call: Call) -> Extras:
        extras = self.unkind.extras(call.ask)
        if call.batch is None:
            return extras
        # all three vendors take half; of cached input Google does not: ai.google.dev, "Batch API"
        return replace(extras, tier_factor=BATCH_FACTOR, cached_at_full=call.model.provider == "google")

    def recall(self, call: Call, row: InvoiceRow) -> Outcome:
        """Return the answer that was charged in this row."""
        withheld = row.finish_reason if row.finish_reason in _WITHHELD else None
        answers = self._answers(call, withheld)
        return self._outcome(call.ask, row, answers)

    def _with_cache(self, call: Call, counts: TokenCounts) -> TokenCounts:
        """Put into the counts what the cache of prompts says, in place of what was drawn."""
        place, lot = (call.model.name, call.account or ""), call.choice[5]
        found = self._caches.take(call.ask, place, lot, time.monotonic(), by_itself=call.dialect.caches_by_itself)
        return replace(counts, cached_input_tokens=found.read_tokens, cache_write_tokens=found.written_tokens)

    def _answers(self, call: Call, withheld: FinishReason | None) -> tuple[Answer, ...]:
        ask = call.ask
        verdict = judges(self._exam, call.model.name, ask.turns[-1].text) if ask.turns else None
        if verdict is not None and withheld is None:
            return (Answer(verdict, None, FinishReason.STOP, count_tokens(verdict)),)
        says = self._exam.says(call.model.name, ask.turns[-1].text) if ask.turns else None
        return compose_choices(ask, call.choice, withheld=withheld, thinks=self._thinks(ask), says=says)

    def _outcome(self, ask: Ask, row: InvoiceRow, answers: tuple[Answer, ...], latency_ms: int = 0) -> Outcome:
        unkind = self.unkind
        return Outcome(
            row.id,
            ask,
            row.charged_at,
            row.counts,
            answers,
            reasoning_beside=unkind.reasoning is Placement.BESIDE,
            cached_beside=unkind.cached is Placement.BESIDE,
            service_tier=ask.service_tier if ask.service_tier in unkind.tier_factors else None,
            cost_usd=row.cost_usd if unkind.tells_cost else None,
            latency_ms=latency_ms,
        )

    def _thinks(self, ask: Ask) -> bool:
        return ask.thinks or self.unkind.reasoning is not None

    def _unique_id(self, call: Call) -> str:
        name = call.model.name
        return f"{call.dialect.id_prefix}{self._started_ns:x}-{name}-{self._invoice.totals[name].calls}"
