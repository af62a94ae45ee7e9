"""Workers of a cluster that come, go and burst by generated steps."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

from hypothesis import strategies as st

from router.identity import Identity
from router.job import Job
from schemas.requests import Request
from tests.cluster import Cluster
from tests.stage import ORIGIN

Step = tuple[float, str, int, int]
"""Seconds until the next one, what happens, to which worker, and how many requests it gets."""

STEPS = st.lists(
    st.tuples(
        st.floats(0.1, 25),
        st.sampled_from(["join", "leave", "kill", "burst", "burst", "stream", "stream"]),
        st.integers(0, 5),
        st.integers(1, 200),
    ),
    min_size=3,
    max_size=14,
)


def job(number: int, now_s: float, model: str | None = None) -> Job:
    request = Request(prompt="Hello", max_tokens=100, model=model)
    return Job(request, Identity(request.tenant, f"r-{number}", None), ORIGIN, now_s, now_s + 60)


def serve(cluster: Cluster, number: int, worker: str) -> None:
    """Let a worker serve a job that comes now."""
    cluster.serve(job(number, cluster.now_s), worker)


def play_steps(cluster: Cluster, steps: Iterable[Step]) -> tuple[int, int]:
    """Play the steps and 70 s more, from one worker on.

    Returns:
        How many workers joined, and how many calls killed ones may have made that the others never heard of.
    """
    names = (f"w{number}" for number in count())
    numbers = count()
    cluster.join(next(names))
    cluster.play(cluster.now_s + 5)
    joined = killed_untold = 0
    for gap_s, what, which, many in steps:
        workers = sorted(cluster.pools)
        worker = workers[which % len(workers)] if workers else None
        start_s = cluster.now_s
        arrivals: list[tuple[float, Callable[[], None]]] = []
        if what == "join" and len(workers) < 4:
            cluster.join(next(names))
            joined += 1
        elif worker is not None and what == "leave":
            cluster.leave(worker)
        elif worker is not None and what == "kill":
            # what it had not told by then nobody can know: at most what it may call between two reports
            untold_s = start_s - 1 - cluster.lag_s
            killed_untold += sum(1 for at_s, by, _ in cluster.calls if by == worker and at_s > untold_s)
            cluster.kill(worker)
        elif worker is not None:
            spread_s = 0 if what == "burst" else gap_s
            arrivals = [
                (start_s + spread_s * n / many, partial(serve, cluster, next(numbers), worker)) for n in range(many)
            ]
        cluster.play(start_s + gap_s, arrivals)
    cluster.play(cluster.now_s + 70)
    return joined, killed_untold
