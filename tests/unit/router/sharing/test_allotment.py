"""What one round of dealing out a limit may do. Whole histories are in `tests/property`."""

from router.sharing.allotment import Claim, allot


def test_grants_do_not_grow_where_nothing_is_free_because_a_second_counts_whole() -> None:
    claims = [Claim("a", granted=60, in_force=60, made=70, held_back=True)]
    claims += [Claim(worker, granted=20, in_force=20, made=20, held_back=True) for worker in "bc"]
    assert sum(allot(100, claims, 0).values()) <= 100
    claims = [Claim(f"w{n}", granted=11, in_force=11, made=11, held_back=True) for n in range(5)]
    claims += [Claim(f"v{n}", granted=9, in_force=9, made=10, held_back=True) for n in range(5)]
    assert sum(allot(100, claims, 0).values()) == 100
