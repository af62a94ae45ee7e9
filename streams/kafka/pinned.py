"""What is overridden and used of Faust, aiokafka and aiohttp that they do not promise; `pinned_check` looks after it.

An override of a method that is no longer called dies without a word, and with it a guarantee: offsets would pass
unfinished records, or a worker would write for partitions that it has lost. So each member stands here, with its
parameters where it is called, and with the functions of the library that must go on using it. Whether the members still
mean the same is shown by `tests/integration/test_safe_commits.py`, `tests/integration/test_assignment.py` and
`tests/chaos`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TESTED: Mapping[str, str] = MappingProxyType(
    {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0", "aiohttp": "3.14.5"}
)
"""Distributions and the versions that every test has run with."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One member of a library's class or module."""

    name: str
    why: str
    parameters: str | None = None
    """As in a signature, without annotations and defaults. None: it is not called by us, nor are we in its place."""
    by: tuple[str, ...] = ()
    """Functions that must use it, `Class.function` beside the owner: else what is done to it would have no effect."""


OVERRIDDEN: Mapping[str, tuple[Pin, ...]] = MappingProxyType(
    {
        "faust.transport.consumer:ThreadDelegateConsumer": (
            Pin("__init__", "takes over Faust's collections", "(self, *args, **kwargs)"),
            Pin(
                "_commit",
                "commits metadata too, and nothing after the group has gone on",
                "(self, offsets)",
                by=("Consumer._commit_offsets",),
            ),
        ),
        "faust.transport.consumer:Consumer": (
            Pin(
                "_drain_messages",
                "hands over batches, without a task, a queue or a sleep for each record",
                "(self, fetcher)",
                by=("Fetcher._fetcher",),
            ),
            Pin(
                "_filter_tps_with_pending_acks",
                "which partitions to commit: those with a tracker",
                "(self, topics)",
                by=("Consumer.force_commit",),
            ),
            Pin(
                "_new_offset",
                "what to commit: a tracker's smallest unfinished offset",
                "(self, tp)",
                by=("Consumer._filter_committable_offsets",),
            ),
            Pin(
                "_commit_offsets",
                "forgets as committed what was not, or is void",
                "(self, offsets, start_new_transaction)",
                by=("Consumer._commit_tps",),
            ),
            Pin(
                "_add_gap",
                "would acknowledge the record after a gap",
                "(self, tp, offset_from, offset_to)",
                by=("Consumer._drain_messages",),
            ),
            Pin(
                "perform_seek",
                "hands nothing over while reading goes back to what is committed",
                "(self)",
                by=("faust.tables.recovery:Recovery.on_recovery_completed",),
            ),
            Pin("on_buffer_drop", "Faust's buffer must not overrule `hold_back`", "(self, tp)"),
            Pin("resume_partitions", "nor must the end of a recovery", "(self, tps)"),
            Pin(
                "_set_active_tps",
                "nor must an assignment",
                "(self, tps)",
                by=("Consumer.on_partitions_assigned", "Consumer._get_active_partitions"),
            ),
            Pin(
                "on_partitions_revoked",
                "drains and commits before anything is forgotten",
                "(self, revoked)",
                by=("ThreadDelegateConsumer.threadsafe_partitions_revoked",),
            ),
            Pin(
                "on_partitions_assigned",
                "starts afresh, and renews the fence",
                "(self, assigned, generation_id)",
                by=("ThreadDelegateConsumer.threadsafe_partitions_assigned",),
            ),
            Pin("wait_empty", "the drain, bounded in time", "(self)", by=("Consumer.on_stop",)),
        ),
        "faust.transport.drivers.aiokafka:Consumer": (
            Pin("_new_consumer_thread", "makes our thread", "(self)", by=("ThreadDelegateConsumer.__init__",)),
            Pin(
                "verify_event_path",
                "looks for streams that are stuck, as the watchdog does",
                "(self, now, tp)",
                by=("Consumer.verify_all_partitions_active",),
            ),
        ),
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread": (
            Pin(
                "_create_consumer",
                "it reads what is committed; its client answers every request but joining soon",
                "(self, loop)",
                by=("AIOKafkaConsumerThread.on_start",),
            ),
            Pin("__post_init__", "has a place for how far partitions were read", "(self)"),
            Pin(
                "_fetch_records",
                "tells how far partitions were read, records or not",
                "(self, consumer, active_partitions, timeout, max_records)",
                by=("AIOKafkaConsumerThread.getmany",),
            ),
            Pin(
                "seek_to_committed",
                "fetches again what was fetched too early",
                "(self)",
                by=("Consumer.perform_seek", "Consumer.seek_to_committed"),
            ),
            Pin(
                "highwaters",
                "keeps no worker of `call_thread`, however long it takes",
                "(self, *partitions)",
                by=("Consumer.highwaters",),
            ),
            Pin("earliest_offsets", "same", "(self, *partitions)", by=("Consumer.earliest_offsets",)),
            Pin("seek_wait", "same", "(self, partitions)", by=("Consumer.seek_wait",)),
            Pin(
                "on_thread_stop",
                "ends in order although the broker is away",
                "(self)",
                by=("mode.threads:ServiceThread._shutdown_thread",),
            ),
        ),
        "faust.transport.drivers.aiokafka:Producer": (
            Pin(
                "_settings_extra",
                "all replicas acknowledge, retries add nothing twice",
                "(self)",
                by=("Producer._new_producer",),
            ),
        ),
        "faust.transport.drivers.aiokafka:Transport": (
            Pin("__init__", "takes what consumer and producer need", "(self, *args, **kwargs)"),
            Pin("Consumer", "makes our consumer", by=("Transport.create_consumer",)),
            Pin("Producer", "makes our producer", by=("Transport.create_producer",)),
        ),
        "faust.tables.recovery:Recovery": (
            Pin(
                "_wait",
                "every step of a recovery goes through it; called without its limit",
                "(self, coro, timeout)",
                by=("Recovery._restart_recovery",),
            ),
            Pin(
                "_build_highwaters",
                "a step with a limit of its own; repeated",
                "(self, consumer, tps, destination, title)",
                by=("Recovery._restart_recovery",),
            ),
            Pin(
                "_build_offsets",
                "same",
                "(self, consumer, tps, destination, title)",
                by=("Recovery._restart_recovery",),
            ),
            Pin(
                "_seek_offsets",
                "same",
                "(self, consumer, tps, offsets, title)",
                by=("Recovery._restart_recovery",),
            ),
            Pin(
                "on_recovery_completed",
                "a recovery that is void completes nothing",
                "(self, generation_id)",
                by=("Recovery._restart_recovery",),
            ),
        ),
        "faust.assignor.partition_assignor:PartitionAssignor": (
            Pin(
                "_perform_assignment",
                "roles of partitions 0, however many partitions the topics have, to as many members as there are",
                "(self, cluster, member_metadata)",
                by=("PartitionAssignor._assign",),
            ),
        ),
        "aiokafka.consumer.fetcher:PartitionRecords": (
            Pin("__next__", "says where what cannot be unpacked stands", "(self)"),
        ),
        "aiokafka.record.memory_records:_MemoryRecordsPy": (
            Pin(
                "next_batch",
                "keeps the bytes of a batch, to unpack it again",
                "(self, _min_slice, _magic_offset)",
                by=("aiokafka.consumer.fetcher:PartitionRecords._unpack_records",),
            ),
        ),
        "aiokafka.record.default_records:_DefaultRecordBatchPy": (
            Pin("__iter__", "decodes names of any bytes", "(self)"),
        ),
        "faust.tables.manager:TableManager": (
            Pin("_recovery", "where the manager keeps its recovery", by=("TableManager.on_stop",)),
            Pin("recovery", "makes ours; the manager's own is a stock one", by=("TableManager.on_start",)),
        ),
    }
)
"""By owner, `module:Class`. Each stands in `SafeConsumer`, `ConsumerThread`, `PatientRecovery` and so on."""

USED: Mapping[str, tuple[Pin, ...]] = MappingProxyType(
    {
        "faust.assignor.partition_assignor:PartitionAssignor": (
            Pin("_group_co_subscribed", "topics by who subscribes to them", "(topics, subscriptions)"),
            Pin("_get_client_metadata", "what a member had before", "(metadata)"),
            Pin("_update_member_urls", "where the members are, which goes back to them", "(self, clients_metadata)"),
            Pin("_get_changelog_distribution", "who has which table", "(self, assignments)"),
            Pin("_get_external_topic_distribution", "who has which topic", "(self, assignments)"),
            Pin(
                "_protocol_assignments",
                "the members' assignments as the protocol has them",
                "(self, assignments, cl_distribution, tp_distribution, topic_groups)",
            ),
        ),
        "faust.transport.consumer:Consumer": (
            Pin("callback", "where records of tables' changelogs are handed over; wrapped"),
            Pin("_wait_next_records", "fetches, once the flow goes on", "(self, timeout)", by=("Consumer.getmany",)),
            Pin("flow_active", "whether records may be handed over", by=("Consumer.getmany", "Consumer.stop_flow")),
            Pin("suspend_flow", "is set when they may not", by=("Consumer.stop_flow",)),
            Pin("consumer_stopped_errors", "what a stop may raise"),
            Pin(
                "_unacked_messages",
                "streams (Cython and Python) add to it and discard from it, the one sign of an end; replaced",
                by=("Consumer.track_message", "Consumer.ack"),
            ),
            Pin(
                "_acked", "would grow, and hide an offset's second delivery; replaced by nothing", by=("Consumer.ack",)
            ),
            Pin("_acked_index", "same", by=("Consumer.ack",)),
            Pin(
                "_read_offset",
                "grows with each partition; replaced by nothing",
                by=("Consumer.perform_seek",),
            ),
            Pin(
                "_committed_offset",
                "what need not be committed again; forgotten where it was not, or is void",
                by=("Consumer._should_commit", "Consumer.ack"),
            ),
            Pin(
                "_waiting_for_ack",
                "the future that each acknowledgement resolves: wakes the drain",
                by=("Consumer.ack",),
            ),
            Pin("unacked", "what streams hold"),
            Pin("stop_flow", "hands nothing over while reading goes back", "(self)"),
            Pin(
                "_buffered_partitions",
                "holds a partition back and loses nothing that was fetched",
                by=("Consumer.getmany", "Consumer.on_buffer_drop"),
            ),
            Pin("_get_active_partitions", "what is fetched", "(self)", by=("Consumer._wait_next_records",)),
            Pin("maybe_wait_for_commit_to_finish", "a commit under way lacks the latest", "(self)"),
            Pin("commit_and_end_transactions", "the commit at the end of a drain", "(self)"),
        ),
        "faust.transport.drivers.aiokafka:Consumer": (
            Pin("_to_message", "makes a record of a changelog Faust's", "(self, tp, record)"),
        ),
        "faust.transport.consumer:ThreadDelegateConsumer": (Pin("_thread", "where the aiokafka consumer lives"),),
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread": (
            Pin("_consumer", "the aiokafka consumer, once it is made"),
            Pin("_ensure_consumer", "same; no public way leads to it", "(self)"),
            Pin("_highwaters", "where partitions end, asked by `ask`", "(self, partitions)"),
            Pin("_seek_wait", "goes to offsets, asked by `ask`", "(self, consumer, partitions)"),
            Pin("tp_last_committed_at", "Faust's look at commits"),
        ),
        "mode.threads:QueueServiceThread": (
            Pin("call_thread", "commits where the aiokafka consumer lives", "(self, fun, *args, **kwargs)"),
            Pin("on_thread_stop", "the end of the thread's queue, without that of its consumer", "(self)"),
        ),
        "mode.threads:ServiceThread": (Pin("thread_loop", "where the aiokafka consumer lives"),),
        "faust.types.tuples:Message": (Pin("generation_id", "the assignment that a record came under"),),
        "faust.app.base:App": (
            Pin("consumer_generation_id", "the present assignment"),
            Pin("crash", "ends the app", "(self, reason)"),
        ),
        "faust.tables.recovery:Recovery": (
            Pin(
                "signal_recovery_start",
                "the group has rebalanced meanwhile",
                by=("Recovery.on_rebalance",),
            ),
        ),
        "faust.tables.recovery:": (Pin("RebalanceAgain", "begins a recovery anew"),),
        "faust.tables.base:Collection": (
            Pin(
                "send_changelog",
                "writes without an event of a stream",
                "(self, partition, key, value, key_serializer, value_serializer)",
            ),
            Pin("on_recover", "tells when the tables are restored", "(self, fun)"),
        ),
        "aiokafka.consumer.consumer:AIOKafkaConsumer": (
            Pin("_client", "all its requests go through this client's `send`", by=("AIOKafkaConsumer.stop",)),
            Pin("_coordinator", "membership and commits", by=("AIOKafkaConsumer.stop",)),
            Pin(
                "_isolation_level",
                "Faust reads what is committed only where it writes transactions itself",
                by=("AIOKafkaConsumer.start",),
            ),
            Pin("_subscription", "positions, without waiting for one", by=("AIOKafkaConsumer.position",)),
            Pin("_fetcher", "resets positions without waiting for all", by=("AIOKafkaConsumer.stop",)),
        ),
        "aiokafka.client:AIOKafkaClient": (
            Pin(
                "send",
                "wrapped: an answer must come soon",
                "(self, node_id, request, *, group)",
                by=(
                    "aiokafka.consumer.fetcher:Fetcher._proc_fetch_request",
                    "aiokafka.consumer.group_coordinator:GroupCoordinator._send_req",
                ),
            ),
            Pin("_conns", "by node and group; a silent one is closed", by=("AIOKafkaClient._get_conn",)),
            Pin("close", "what `stop` of a consumer has not come to", "(self)"),
        ),
        "aiokafka.conn:AIOKafkaConnection": (Pin("close", "ends a silent one", "(self, reason, exc)"),),
        "aiokafka.consumer.fetcher:": (
            Pin("MemoryRecords", "replaced: what is fetched, in batches", by=("Fetcher._proc_fetch_request",)),
            Pin("PartitionRecords", "replaced: the same, in records", by=("Fetcher._proc_fetch_request",)),
        ),
        "aiokafka.consumer.fetcher:PartitionRecords": (
            Pin("_tp", "the partition of a fetch", by=("PartitionRecords._unpack_records",)),
            Pin("next_fetch_offset", "where unpacking has stopped", by=("PartitionRecords._unpack_records",)),
            Pin("_unpack_records", "goes through batches and records", "(self)", by=("PartitionRecords.__init__",)),
        ),
        "aiokafka.record.memory_records:_MemoryRecordsPy": (
            Pin("_next_slice", "the bytes of the next batch", by=("_MemoryRecordsPy.next_batch",)),
            Pin("MAGIC_OFFSET", "where a batch tells its format"),
        ),
        "aiokafka.record.default_records:_DefaultRecordBatchPy": (
            Pin(
                "_buffer",
                "records without compression; replaced by bytes that decode anything",
                by=("_DefaultRecordBatchPy._read_msg",),
            ),
        ),
        "aiokafka.record.default_records:": (
            Pin("_DefaultRecordBatchPy", "unpacks in Python, what C gave up over"),
            *(
                Pin(name, "replaced by one with a bound", "(payload)", by=("_DefaultRecordBatchPy._maybe_uncompress",))
                for name in ("gzip_decode", "lz4_decode", "snappy_decode", "zstd_decode")
            ),
        ),
        "aiokafka.consumer.fetcher:Fetcher": (
            Pin("request_offset_reset", "back to the beginning, waiting for none", "(self, tps, strategy)"),
        ),
        "aiokafka.consumer.group_coordinator:GroupCoordinator": (
            Pin("fetch_committed_offsets", "the one call that gives the metadata back", "(self, partitions)"),
            Pin(
                "_do_heartbeat",
                "wrapped: tells the fence when one was answered",
                "(self)",
                by=("GroupCoordinator._heartbeat_routine",),
            ),
            Pin("_coordination_task", "ends when the membership has", by=("GroupCoordinator.check_errors",)),
            Pin("_pending_exception", "why, where it has not ended yet", by=("GroupCoordinator.check_errors",)),
            Pin("member_id", "whether the group has gone on", by=("GroupCoordinator.reset_generation",)),
        ),
        "aiokafka.protocol.group:JoinGroupRequest": (
            Pin("UNKNOWN_MEMBER_ID", "the id of a member that is none any more"),
        ),
        "aiokafka.protocol.group:": (Pin("SyncGroupRequest", "may wait for the slowest member"),),
        "aiokafka.protocol.commit:": (
            Pin("OffsetFetchResponse_v2", "has an error for all partitions that the client does not look at"),
            Pin("OffsetFetchResponse_v3", "same"),
        ),
        "aiohttp.client_proto:ResponseHandler": (
            Pin("transport", "what a call is written to, in one piece"),
            Pin(
                "set_response_params",
                "how the response is to be read",
                "(self, *, timer, skip_payload, read_until_eof, auto_decompress, read_timeout, read_bufsize, "
                "timeout_ceil_threshold, max_line_size, max_field_size, max_headers)",
                by=("aiohttp.client:ClientSession._request",),
            ),
            Pin("read", "gives the response's head and the stream of its body", "(self)"),
        ),
        "aiohttp:BaseConnector": (Pin("connect", "gives a connection of the pool", "(self, req, traces, timeout)"),),
        "aiohttp.connector:Connection": (
            Pin("protocol", "whose connection it is"),
            Pin("release", "for the next call", "(self)"),
        ),
    }
)
"""By owner; `module:` is a module's own."""
