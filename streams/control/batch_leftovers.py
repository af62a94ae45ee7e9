"""Deletes what providers hold of a batch that is settled: the prompts that were sent, and the answers to them.

It is repeatable: what is not there any more is deleted. A deletion that fails is told and tried again some times, and
then left to the operator; it never holds up a batch, all of whose answers are published before.
"""

from dataclasses import replace

import structlog

from router.batches.batch import BatchCallFailed, BatchQueue
from router.batches.stages import Batch
from streams.control.batch_news import LEFT
from streams.control.batch_parts import BatchParts

log = structlog.get_logger()

TRY_AFTER_S = (0.0, 30.0, 120.0, 300.0, 600.0)
"""How long after it was settled, or found settled, each try is made."""


def is_open(parts: BatchParts, batch: Batch) -> bool:
    """Say whether there is something to delete, and tries are left."""
    return bool(batch.left) and batch.deletions < len(TRY_AFTER_S) and not parts.keeps_files


def is_due(parts: BatchParts, batch: Batch, settled_s: float, now_s: float) -> bool:
    """Say whether the next try is to be made."""
    return is_open(parts, batch) and now_s - settled_s >= TRY_AFTER_S[batch.deletions]


async def tried(parts: BatchParts, batch: Batch) -> Batch:
    """Try to delete all that is left; return the batch with what is left then."""
    left, error = list[str](), ""
    for name in batch.left:
        try:
            await parts.provider.delete(queue_of(parts, batch), name)
        except (BatchCallFailed, LookupError) as problem:
            left.append(name)
            error = str(problem)
    batch = replace(batch, left=tuple(left), deletions=batch.deletions + 1)
    if left:
        is_last = not is_open(parts, batch)
        log.warning(
            "files of a batch are left at the provider: delete them" if is_last else "files could not be deleted yet",
            batch=batch.our_id,
            provider=batch.queue.provider,
            account=batch.queue.account,
            files=left,
            error=error,
        )
        if is_last:
            LEFT.labels(batch.queue.provider, batch.queue.model).inc(len(left))
    return batch


def queue_of(parts: BatchParts, batch: Batch) -> BatchQueue:
    """Return where a batch is sent.

    Raises:
        LookupError: the catalogue does not have its model any more.
    """
    name = batch.queue
    model = parts.catalogue.models.get(name.model)
    if model is None or model.provider_name != name.provider:
        raise LookupError(f"the catalogue has no model {name.model} of {name.provider} any more; add it again")
    return BatchQueue(model, name.account)
