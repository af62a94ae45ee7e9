"""Faust's partition assignor, made so that a group shares out roles, each with one partition of some topics.

Faust assigns what has the same number of partitions together, all of it to one member where that number is 1: one
worker would do for all others whatever is done for all. And where partitions are added to one of a role's topics, a
worker would own the topic, and another one its table; it would begin with an empty one. Here the topics of a role go to
one member together, the roles to as many members as there are (`streams.kafka.placement`). Partition 0 of each topic is
all that is written to and read, so it is all that is assigned.

What it relies on stands in `streams.kafka.pinned`.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar

from aiokafka.cluster import ClusterMetadata
from faust.assignor.client_assignment import ClientAssignment
from faust.assignor.partition_assignor import MemberAssignmentMapping, MemberMetadataMapping, PartitionAssignor

from streams.kafka.placement import Role, placed


class RoleAssignor(PartitionAssignor):  # type: ignore[misc]  # faust is untyped
    """Gives partition 0 of all topics of a role to one member, however many partitions each has."""

    along_with: ClassVar[Mapping[str, str]] = {}
    """The changelogs of tables, and the topic with which each goes."""
    weights: ClassVar[Mapping[str, int]] = {}
    """How much work comes with a topic, beside the others; 1 of those that are not here."""

    def _perform_assignment(
        self, cluster: ClusterMetadata, member_metadata: MemberMetadataMapping
    ) -> MemberAssignmentMapping:
        clients = {member: self._get_client_metadata(metadata) for member, metadata in member_metadata.items()}
        subscriptions = {member: list(metadata.subscription) for member, metadata in member_metadata.items()}
        self._update_member_urls(clients)
        topics = {topic for subscribed in subscriptions.values() for topic in subscribed}
        known = {topic for topic in topics if cluster.partitions_for_topic(topic)}
        together: dict[str, set[str]] = defaultdict(set)
        for topic in known:
            together[self.along_with.get(topic, topic)].add(topic)
        # members of another version may know other changelogs: what not all of them subscribe to goes by itself
        parts = [
            (f"{name}|{min(part)}", name, part)
            for name, role_topics in together.items()
            for part in self._group_co_subscribed(role_topics, subscriptions)
        ]
        roles = [
            Role(
                name=key,
                weight=self.weights.get(name, 1),
                candidates=tuple(sorted(member for member in subscriptions if part <= set(subscriptions[member]))),
                holder=next((one for one in sorted(clients) if _has(clients[one].assignment, part)), None),
            )
            for key, name, part in parts
        ]
        members = placed(roles, sorted(member_metadata))
        assignments = {member: ClientAssignment(actives={}, standbys={}) for member in member_metadata}
        for key, _, part in parts:
            assignments[members[key]].actives.update((topic, [0]) for topic in part)
        return self._protocol_assignments(
            assignments,
            self._get_changelog_distribution(assignments),
            self._get_external_topic_distribution(assignments),
            {topic: number for number, (_, _, part) in enumerate(sorted(parts)) for topic in part},
        )


def _has(assignment: ClientAssignment, topics: set[str]) -> bool:
    return any(assignment.actives.get(topic) for topic in topics)


def role_assignor(along_with: Mapping[str, str], weights: Mapping[str, int]) -> type[RoleAssignor]:
    """Return the assignor of a group; what is put into the mappings before it is joined counts."""
    return type("GroupsRoleAssignor", (RoleAssignor,), {"along_with": along_with, "weights": weights})
