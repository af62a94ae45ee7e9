"""Faust's partition assignor, made so that topics of one partition may have more.

Faust assigns what has the same number of partitions together: a table's changelog to whom its topic goes. Where
partitions are added to one of them, a worker would own the topic, and another one the table; it would begin with an
empty one. Partition 0 of each is all that is written to and read, so it is all that is assigned.
"""

from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import MemberSubscriptionMapping, PartitionAssignor


class OnePartitionAssignor(PartitionAssignor):  # type: ignore[misc]  # faust is untyped
    """Gives partition 0 of all topics to one member, however many partitions each has."""

    @classmethod
    def _get_copartitioned_groups(
        cls, topics: set[str], cluster: ClusterMetadata, subscriptions: MemberSubscriptionMapping
    ) -> Mapping[int, Iterable[set[str]]]:
        by_count: Mapping[int, Iterable[set[str]]] = super()._get_copartitioned_groups(topics, cluster, subscriptions)
        known = {topic for together in by_count.values() for group in together for topic in group}
        return {1: cls._group_co_subscribed(known, subscriptions)}
