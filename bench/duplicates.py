"""Measures what finished request ids cost: to remember a million of them, and to read them back after a restart.

What a restart reads of an id is a part of a record of `llm.finished-ids.v1`; before there was that topic, it was the
response itself, of which one with an answer of 1,500 characters is measured beside it.
"""

import argparse
import gc
import resource
import sys
from pathlib import Path
from time import perf_counter

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from router.finished_ids import FinishedIds  # noqa: E402 - the repository is on the path only now
from router.identity import Identity, identity_of_response  # noqa: E402 - same
from schemas.responses import Response  # noqa: E402 - same
from streams.request.finished_records import MOST_A_RECORD, FinishedId, decode, encode  # noqa: E402 - same
from streams.request.partition_state import AnsweredIds, PartitionState  # noqa: E402 - same

HORIZON_S = 600.0
READ_BACK = 100_000
"""As many ids of a partition as are remembered by default."""


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    ids = parser.parse_args().ids
    gc.collect()
    before_kb = resident_kb()
    recent = FinishedIds(HORIZON_S, ids * 2)
    began_s = perf_counter()
    for number in range(ids):
        recent.add(f"request-{number:036d}", number, number * HORIZON_S / ids)
    added_s = perf_counter() - began_s
    grown_kb = resident_kb() - before_kb
    began_s = perf_counter()
    found = sum(recent.find(f"request-{number:036d}") == (number, 0) for number in range(ids))
    found_s = perf_counter() - began_s
    figures = {
        "ids": ids,
        "found": found,
        "bytes_per_id": round(grown_kb * 1024 / ids, 1),
        "add_us": round(added_s / ids * 1e6, 2),
        "find_us": round(found_s / ids * 1e6, 2),
    }
    figures |= read_back(min(ids, READ_BACK))
    table = Table("figure", "value", title="Finished request ids")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-duplicates.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    if found != ids:
        raise SystemExit(f"{ids - found:,} ids were forgotten.")


def read_back(ids: int) -> dict[str, float]:
    """Return what one id takes at a restart, from its record and from its response."""
    identities = [Identity("acme", f"request-{number:036d}", f"{number:064x}") for number in range(ids)]
    told = [FinishedId.of(identity, number) for number, identity in enumerate(identities)]
    records = [encode(told[begin : begin + MOST_A_RECORD]) for begin in range(0, ids, MOST_A_RECORD)]
    began_s = perf_counter()
    state = PartitionState(AnsweredIds(HORIZON_S, ids * 2))
    for record in records:
        for one in decode(record).ids:
            state.answered.put(one, 0.0)
    by_record_s = perf_counter() - began_s
    response = response_of(identities[0])
    some = max(1, ids // 10)
    began_s = perf_counter()
    for number in range(some):
        state.response_written(identity_of_response(orjson.loads(response)), number, 0.0)
    by_response_s = perf_counter() - began_s
    return {
        "read_back_bytes": round(sum(map(len, records)) / ids, 1),
        "read_back_us": round(by_record_s / ids * 1e6, 2),
        "response_bytes": len(response),
        "response_us": round(by_response_s / some * 1e6, 2),
    }


def response_of(identity: Identity) -> bytes:
    """Return a response as it lies on its topic: one attempt, and an answer of 1,500 characters."""
    golden = orjson.loads((ROOT / "tests" / "contract" / "golden" / "v1" / "response-completed.json").read_bytes())
    golden |= {"request_id": identity.request_id, "tenant": identity.tenant, "asked_sha256": identity.asked}
    golden["message"] = {"role": "assistant", "content": "A word. " * 187}
    return Response.model_validate(golden).encode()


def resident_kb() -> int:
    """Return the most that this process has had in memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
