"""What the two Faust apps of a worker have in common."""

import faust
from faust.types import StreamT

from streams.config.settings import Settings
from streams.kafka.clients import METADATA_MAX_AGE_MS, faust_credentials
from streams.kafka.table_recovery import Tables


def faust_app(settings: Settings, rebalance_timeout_s: float, suffix: str = "", **options: object) -> faust.App:
    """Return an app without agents, not started.

    Args:
        settings: the worker's.
        rebalance_timeout_s: how long its group waits for a member to join again, drain included.
        suffix: tells its group and its client from those of the worker's other app.
        options: Faust's, beside those that both apps have.
    """
    return faust.App(
        f"{settings.group}{suffix}",
        broker=";".join(f"kafka://{address}" for address in settings.brokers.split(",")),
        broker_credentials=faust_credentials(settings),
        broker_client_id=f"turnout-{settings.worker_id}{suffix}",
        broker_commit_interval=settings.commit_interval_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 5,
        broker_rebalance_timeout=rebalance_timeout_s,
        # joining a group takes as long as its slowest member, and is one request
        broker_request_timeout=max(settings.session_timeout_s, rebalance_timeout_s) + 5,
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.worker_id if settings.static_membership else None,
        consumer_max_fetch_size=settings.max_message_bytes,
        datadir=settings.data_dir,
        TableManager=Tables,  # also what ends a rebalance of an app without tables
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        **options,
    )


def subscribe(app: faust.App, topic: str, name: str) -> None:
    """Let the app's group have the topic's partitions, by an agent of this name that no record reaches."""

    @app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw"), name=name)  # type: ignore[untyped-decorator]  # faust is untyped
    async def agent(stream: StreamT[bytes]) -> None:
        async for _ in stream:
            raise AssertionError("records go past streams")
