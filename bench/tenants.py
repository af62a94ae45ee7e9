"""Measures what tenants cost as workers, tenants, keys and remembered ids grow: one process, one core, no broker.

`python bench/tenants.py` prints a table for each of these and writes `build/bench-tenants.json`:

* **shares**: every worker tells where it stands with every tenant's limits, the owner takes that in, and hands out
  shares. The first round divides every limit; in the quiet one all have room; in the busy one a worker in ten has used
  up its share of a tenant in ten. A step is what the owner does before its event loop has a turn;
* **memory**: what the owner of the shares holds for one worker and one tenant;
* **grants**: every worker has a grant of one tenant's budget and asks for more, and the owner decides once for all;
  and another owner restores its row;
* **claims**: a worker looks at all its leases, of which one in a hundred is used;
* **keys**: finding the tenant of a key among so many.

Bytes are of what is published, per round or decision; every worker reads all of it.
"""

import argparse
import gc
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from router.budgets.ledger import BudgetLedger  # noqa: E402  (after the path is set)
from router.budgets.rules import day_of  # noqa: E402  (same)
from router.sharing.member import Member  # noqa: E402  (same)
from router.tenancy.admission import Admission  # noqa: E402  (same)
from router.tenancy.allotment import TenantAllotment  # noqa: E402  (same)
from router.tenancy.limiter import TenantLimiters  # noqa: E402  (same)
from router.tenants import Key, Tenant  # noqa: E402  (same)
from schemas.budgets import Budget, BudgetClaim  # noqa: E402  (same)
from schemas.tenant_shares import TenantDemand, TenantShares, WorkerDemand  # noqa: E402  (same)
from streams.control.budget_client import BudgetClient  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-tenants.json"
NOW_S = 1_800_014_400.0
SIZES = (10, 100, 1000)
LARGEST = 100_000
"""Workers times tenants; beyond it a cell takes minutes and gigabytes, and `--whole` asks for it."""
END = object()
Figures = dict[str, float]


def timed_ms(work: Callable[[], object]) -> float:
    """Return how long the work takes, CPU, milliseconds."""
    gc.collect()
    began_s = time.process_time()
    work()
    return round((time.process_time() - began_s) * 1000, 3)


def shares_of(workers: int, tenants: int) -> Figures:
    """Measure rounds of the shares' owner."""
    names = {f"tenant-{number}": Tenant(f"tenant-{number}", requests_per_minute=60_000) for number in range(tenants)}
    allotment = TenantAllotment(names)
    quiet = {name: TenantDemand(admitted=0, share_per_minute=1200, under_way=0) for name in names}
    demands = [demand_of(worker, 1, quiet, NOW_S) for worker in range(workers)]
    in_ms = timed_ms(lambda: take_in(allotment, demands))
    first_ms, first_step_ms = round_ms(allotment, NOW_S)
    settle(allotment, workers, names)
    quiet_ms, _ = round_ms(allotment, NOW_S + 3)
    busy = sorted(names)[: max(1, tenants // 10)]
    for worker in range(0, workers, 10):
        told = {name: standing(allotment, worker, name) for name in names}
        told |= {name: told[name].model_copy(update={"admitted": 900, "limited": True}) for name in busy}
        allotment.ingest(WorkerDemand.decode(demand_of(worker, 9, told, NOW_S + 3.5)), NOW_S + 3.5)
    said: list[bytes] = []
    busy_ms = timed_ms(lambda: said.extend(one.encode() for one in filter(None, allotment.shares(NOW_S + 3.5))))
    return {
        "workers": workers,
        "tenants": tenants,
        "demand_in_ms": in_ms,
        "first_round_ms": first_ms,
        "longest_step_ms": first_step_ms,
        "quiet_round_ms": quiet_ms,
        "busy_round_ms": busy_ms,
        "busy_round_kb": round(sum(map(len, said)) / 1000, 1),
        "demand_kb_per_worker": round(len(demands[0]) / 1000, 1),
    }


def round_ms(allotment: TenantAllotment, now_s: float) -> tuple[float, float]:
    """Return how long a round takes, and its longest step, milliseconds."""
    steps: list[float] = []
    left = allotment.shares(now_s)
    gc.collect()
    while True:
        began_s = time.process_time()
        shares = next(left, END)
        if isinstance(shares, TenantShares):
            shares.encode()
        steps.append((time.process_time() - began_s) * 1000)
        if shares is END:
            return round(sum(steps), 3), round(max(steps), 3)


def take_in(allotment: TenantAllotment, demands: Sequence[bytes]) -> None:
    """Let the owner hear all workers."""
    for told in demands:
        allotment.ingest(WorkerDemand.decode(told), NOW_S)


def memory_of(workers: int, tenants: int) -> Figures:
    """Measure what the owner of the shares holds."""
    names = {f"tenant-{number}": Tenant(f"tenant-{number}", requests_per_minute=60_000) for number in range(tenants)}
    stands = {name: TenantDemand(admitted=7, share_per_minute=1200, under_way=3) for name in names}
    demands = [demand_of(worker, 1, stands, NOW_S) for worker in range(workers)]
    gc.collect()
    tracemalloc.start()
    allotment = TenantAllotment(names)
    take_in(allotment, demands)
    for _ in allotment.shares(NOW_S):
        pass
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"workers": workers, "tenants": tenants, "bytes_per_tenant_and_worker": round(held / workers / tenants)}


def demand_of(worker: int, sequence: int, tenants: dict[str, TenantDemand], now_s: float) -> bytes:
    """Return what a worker tells."""
    as_of = datetime.fromtimestamp(now_s, UTC)
    return WorkerDemand(worker=f"worker-{worker}", epoch=1, sequence=sequence, as_of=as_of, tenants=tenants).encode()


def settle(allotment: TenantAllotment, workers: int, names: dict[str, Tenant]) -> None:
    """Let every worker take over its shares, until none changes any more."""
    for again in range(3):
        for worker in range(workers):
            told = {name: standing(allotment, worker, name) for name in names}
            allotment.ingest(WorkerDemand.decode(demand_of(worker, 2 + again, told, NOW_S + again)), NOW_S + again)
        list(allotment.shares(NOW_S + again))


def standing(allotment: TenantAllotment, worker: int, name: str) -> TenantDemand:
    """Return how a worker that asks little stands with a tenant's limit: it has taken over its share."""
    share = allotment.granted(name, Member(f"worker-{worker}", 1)).share_per_minute
    return TenantDemand(admitted=5, share_per_minute=share, under_way=1)


def grants_of(workers: int) -> Figures:
    """Measure what one decision about a budget takes and says."""
    ledger, day = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(100_000))), day_of(NOW_S)
    for sequence, wanted in ((1, Decimal("0.5")), (2, Decimal(0))):
        for worker in range(workers):
            ledger.receive(claim_of(worker, day, sequence, wanted, ledger), NOW_S)
        ledger.decide(NOW_S)
    for worker in range(workers):
        ledger.spend(day, Decimal("0.1"), f"worker-{worker}@1.1")
    claims = [claim_of(worker, day, 3, Decimal("0.5"), ledger).encode() for worker in range(workers)]
    heard_ms = timed_ms(lambda: hear(ledger, claims))
    told: list[Budget] = []
    all_ms = timed_ms(lambda: told.append(ledger.decide(NOW_S + 1)))
    ledger.receive(claim_of(0, day, 4, Decimal("0.5"), ledger), NOW_S + 2)
    one_ms = timed_ms(lambda: told.append(ledger.decide(NOW_S + 2)))
    row: list[bytes] = []
    dump_ms = timed_ms(lambda: row.append(ledger.dump()))
    load_ms = timed_ms(lambda: BudgetLedger.load(ledger.tenant, row[0]))
    return {
        "workers": workers,
        "all_heard_ms": heard_ms,
        "all_claim_ms": all_ms,
        "all_claim_kb": round(len(told[0].encode()) / 1000, 1),
        "one_claims_ms": one_ms,
        "one_claims_kb": round(len(told[1].encode()) / 1000, 1),
        "row_kb": round(len(row[0]) / 1000, 1),
        "row_written_ms": dump_ms,
        "row_restored_ms": load_ms,
    }


def hear(ledger: BudgetLedger, claims: Sequence[bytes]) -> None:
    """Let the owner of the accounts hear all workers."""
    for claim in claims:
        ledger.receive(BudgetClaim.decode(claim), NOW_S + 1)


def claim_of(worker: int, day: str, sequence: int, wanted: Decimal, ledger: BudgetLedger) -> BudgetClaim:
    """Return a worker's claim."""
    holder = f"worker-{worker}@1.1"
    held = ledger.holdings.get((day, holder))
    return BudgetClaim(
        tenant="acme",
        holder=holder,
        day=day,
        sequence=sequence,
        cap_usd=Decimal(0) if held is None else held.granted,
        left_usd=Decimal(0),
        needed_usd=wanted,
        wanted_usd=wanted,
    )


def claims_of(tenants: int) -> Figures:
    """Measure a look at all leases, of which one in a hundred is used, and at all limiters of as many tenants."""
    names = {f"tenant-{number}": Tenant(f"tenant-{number}", daily_budget_usd=Decimal(100)) for number in range(tenants)}
    clock = [NOW_S]
    client = BudgetClient(names, "worker-0@1", lambda: clock[0])
    for name in list(names)[:: max(1, tenants // 10)]:
        if (lease := client.of(names[name])) is not None:
            lease.reserve("call", Decimal("0.01"), clock[0], 20)
    for at_s in (0.0, 0.5):
        clock[0] = NOW_S + at_s
        client.claims(clock[0])
    clock[0] = NOW_S + 0.75
    leases_ms = timed_ms(lambda: [client.claims(clock[0]) for _ in range(20)]) / 20
    limited = {name: Tenant(name, requests_per_minute=600) for name in names}
    limiters = TenantLimiters(limited, Member("worker-0", 1))
    limiters.take_report(NOW_S)
    limiters.take_report(NOW_S + 0.5)
    limiters_ms = timed_ms(lambda: [limiters.take_report(NOW_S + 0.6) for _ in range(20)]) / 20
    return {"tenants": tenants, "leases_look_ms": round(leases_ms, 3), "limiters_look_ms": round(limiters_ms, 3)}


def keys_of(keys: int) -> Figures:
    """Measure how long a tenant's key takes to be found."""
    names = {f"tenant-{n}": Tenant(f"tenant-{n}", keys=(Key(f"{n:064x}"),)) for n in range(keys)}
    admission = Admission(names)
    asked = [f"{number * 7919 % keys:064x}" for number in range(200)]
    found_ms = timed_ms(lambda: [admission.tenant_of(digest, NOW_S) for digest in asked])
    return {"keys": keys, "find_us": round(found_ms * 1000 / len(asked), 2)}


PARTS: dict[str, Callable[[bool], list[Figures]]] = {
    "shares": lambda whole: [
        shares_of(workers, tenants) for workers in SIZES for tenants in SIZES if whole or workers * tenants <= LARGEST
    ],
    "memory": lambda _whole: [memory_of(100, 100)],
    "grants": lambda _whole: [grants_of(workers) for workers in SIZES],
    "claims": lambda _whole: [claims_of(tenants) for tenants in SIZES],
    "keys": lambda _whole: [keys_of(keys) for keys in (*SIZES, 10_000)],
}


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--whole", action="store_true", help="the largest cell too: 1,000 workers x 1,000 tenants")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them without one")
    options = parser.parse_args()
    found = {name: PARTS[name](options.whole) for name in options.parts or PARTS}
    for name, rows in found.items():
        show(name, rows)
    REPORT.parent.mkdir(exist_ok=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    REPORT.write_bytes(orjson.dumps({**found, "peak_mb": round(peak_mb, 1)}, option=orjson.OPT_INDENT_2))


def show(title: str, rows: Sequence[Figures]) -> None:
    """Print one table."""
    table = Table(*(name.replace("_", " ") for name in rows[0]), title=title)
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
