"""What must hold after a play. It reads the history alone and shares no code with the product.

Safety (`tests.simulation.safety`), as `docs/guarantees.md` promises:

1. Every case is answered once, to its tenant, and a completed answer was called for; what is no request has one dead
   letter.
2. The bill is the invoice: metered calls to the nano-dollar, unknown ones with no less than was charged, no call with
   two prices; where nothing goes wrong no call is cut off. What the accounts tell at last is the sum of the bill.
3. No committed offset goes back, or passes a record that is unfinished at that moment.
4. No request has two answers that were paid for, and no call is made twice, or before its write-ahead record.
   No batch is made twice, and no request is charged in two; what came back from the batch lane no batch answers. What
   a budget holds for a call in a batch is freed by its cost event, or by the word that it was never charged.
5. No worker has more calls under way than it may; no tenant is charged more than its budget, or has more at a time.
6. No key of a tenant stands in anything that a worker writes.

7. An answer from the cache (`tests.simulation.cached`) is the one to the same question of the same tenant, whole, no
   older than was asked for, costs nothing, and was not asked for before it was to be forgotten.

Liveness (`tests.simulation.liveness`):

8. Every request ends by its deadline and `GRACE_S`; each trouble meanwhile adds its own length and `TROUBLE_S`.
9. Where no trouble is near, a request of a tenant that has room is called for within `CALLED_S`, however quiet it is,
   and where models are well too, it is completed.
10. Health and shares are told again within `SILENCE_S` of the last trouble.
11. What waits for a batch holds up no offset, and each such request is answered at last, and known to be; where
    nothing goes wrong with workers, whatever batches do, in time, and by a model if nothing limits its tenant.
12. At the end nothing is reserved, but for calls that were cut off and whose time is not over; nothing is under way or
    waiting, no batch is unfinished, and no worker has logged a defect.

Two things are excused, because the guarantees say so: an answer beside another that a worker's client had on its way
when its link was cut or lost an acknowledgement, with the price that it tells of a call that was billed as cut off
before it came; and calls beyond the first of a worker that died, froze or was cut off.
"""

from tests.simulation import cached, liveness, safety
from tests.simulation.evidence import read
from tests.simulation.history import History

RULES = (*safety.RULES, *cached.RULES, *liveness.RULES)


def check(history: History) -> list[str]:
    """Return a sentence for each thing that does not hold."""
    evidence = read(history)
    return [f"seed {history.seed}: {sentence}" for rule in RULES for sentence in rule(evidence)]
