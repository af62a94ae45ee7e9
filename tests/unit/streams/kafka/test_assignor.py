from collections.abc import Mapping

import faust
from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import PartitionAssignor
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.assignor import role_assignor
from streams.kafka.placement import Role, placed

COUNTS = {"claims": 1, "accounts": 3, "stats": 2, "panes": 1, "demand": 5}
"""Topics that were made with one partition each, and to some of which others were added."""
OURS = role_assignor({"accounts": "claims", "panes": "stats"}, {"stats": 4, "claims": 3, "demand": 2})
HEALTH, BUDGETS, SHARES = {("stats", 0), ("panes", 0)}, {("claims", 0), ("accounts", 0)}, {("demand", 0)}


def rebalanced(
    members: Mapping[str, PartitionAssignor], topics: Mapping[str, set[str]] | None = None
) -> dict[str, set[tuple[str, int]]]:
    """Return what each member has now; `topics` are those that a member subscribes to, where not all."""
    cluster = ClusterMetadata()
    cluster._partitions = {topic: dict.fromkeys(range(count)) for topic, count in COUNTS.items()}
    leader = next(iter(members.values()))
    wanted = {name: (topics or {}).get(name, set(COUNTS)) for name in members}
    found = leader.assign(cluster, {name: one.metadata(wanted[name]) for name, one in members.items()})
    for name, one in members.items():
        one.on_assignment(found[name])
    return {
        name: {(topic, number) for topic, numbers in found[name].assignment for number in numbers} for name in members
    }


def member(assignor: type[PartitionAssignor] = OURS) -> PartitionAssignor:
    return assignor(faust.App("group", broker="kafka://127.0.0.1:1", table_standby_replicas=0))


def test_a_member_has_all_roles_until_others_come_and_gives_away_what_is_more_than_its_part() -> None:
    members = {"a": member()}
    assert rebalanced(members)["a"] == HEALTH | BUDGETS | SHARES
    members["b"] = member()
    assert rebalanced(members) == {"a": HEALTH, "b": BUDGETS | SHARES}
    members["c"] = member()
    for _ in range(3):
        assert rebalanced(members) == {"a": HEALTH, "b": BUDGETS, "c": SHARES}, "nothing moves without need"
    del members["a"]
    assert rebalanced(members) == {"b": BUDGETS | SHARES, "c": HEALTH}


def test_beside_members_of_another_version_each_has_what_it_knows_of_a_role() -> None:
    members = {"new": member(), "old": member()}
    found = rebalanced(members, {"old": {"claims", "accounts", "stats", "demand"}})
    assert ("panes", 0) in found["new"]
    assert set.union(*found.values()) == HEALTH | BUDGETS | SHARES
    assert not set.intersection(*found.values())


def test_the_stock_assignor_would_part_a_table_from_its_topic() -> None:
    members = {"a": member(PartitionAssignor)}
    rebalanced(members)
    members["b"] = member(PartitionAssignor)
    owners = [{topic for topic, number in each if number == 0} for each in rebalanced(members).values()]
    assert all(owners), "it does not any more: RoleAssignor could do less"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.lists(st.booleans(), max_size=12))
def test_no_member_has_much_more_than_its_part_and_nothing_moves_without_need(
    weights: list[int], joins: list[bool]
) -> None:
    members, held = ["m0"], dict[str, str]()

    def place() -> dict[str, str]:
        roles = [
            Role(f"r{number}", weight, tuple(members), held.get(f"r{number}")) for number, weight in enumerate(weights)
        ]
        return dict(placed(roles, members))

    for number, joins_now in enumerate((True, *joins), start=1):
        if joins_now:
            members.append(f"m{number}")
        elif len(members) > 1:
            members.remove(sorted(members)[number % len(members)])
        held = place()
        load = {name: sum(w for place, w in enumerate(weights) if held[f"r{place}"] == name) for name in members}
        assert max(load.values()) <= sum(weights) / len(members) + max(weights)
        assert place() == held
