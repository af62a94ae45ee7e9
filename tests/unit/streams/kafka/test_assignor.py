import faust
from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import PartitionAssignor

from streams.kafka.assignor import OnePartitionAssignor

COUNTS = {"claims": 1, "accounts": 3, "stats": 2, "panes": 1, "demand": 5}
"""Topics that were made with one partition each, and to some of which others were added."""


def assigned(assignor: type[PartitionAssignor]) -> list[set[tuple[str, int]]]:
    """Let a second member join a group of one, and return what each of them has then."""
    cluster = ClusterMetadata()
    cluster._partitions = {topic: dict.fromkeys(range(count)) for topic, count in COUNTS.items()}
    first, second = (
        assignor(faust.App("group", broker="kafka://127.0.0.1:1", table_standby_replicas=0)) for _ in range(2)
    )
    alone = first.assign(cluster, {"first": first.metadata(set(COUNTS))})
    first.on_assignment(alone["first"])
    members = {"first": first.metadata(set(COUNTS)), "second": second.metadata(set(COUNTS))}
    found = first.assign(cluster, members)
    return [
        {(topic, number) for topic, numbers in found[member].assignment for number in numbers} for member in members
    ]


def test_one_member_has_the_first_partition_of_every_topic_and_nobody_has_another() -> None:
    assert assigned(OnePartitionAssignor) == [{(topic, 0) for topic in COUNTS}, set()]


def test_the_stock_assignor_would_part_a_table_from_its_topic() -> None:
    owners = [{topic for topic, number in each if number == 0} for each in assigned(PartitionAssignor)]
    assert all(owners), "it does not any more: OnePartitionAssignor has become needless"
