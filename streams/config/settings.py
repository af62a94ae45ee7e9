"""The settings of a worker: addresses, secrets and limits, from `TURNOUT_*` variables and an optional file of them.

    TurnoutError
    └── SettingsError        the operator's; only at start-up

What a model costs and when it is left alone stands in the catalogue instead, `streams.config.catalogue_file`.
"""

import os
import socket
import tempfile
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.message import TopicName
from schemas.topics import Topic
from streams.config.env_file import SettingsError
from streams.config.key_files import KeyFiles
from streams.config.values import (
    ApiKey,
    BaseUrl,
    Brokers,
    LogFormat,
    LogLevel,
    LongKey,
    SaslMechanism,
    SecurityProtocol,
    from_json,
    split_at_commas,
)

PREFIX = "TURNOUT_"


def _worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def _data_dir() -> Path:
    return Path(tempfile.gettempdir()) / f"turnout-{os.getuid()}"


class Settings(BaseSettings):
    """The checked settings, made by `load_settings`; the bare constructor overlooks unknown variables."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix=PREFIX,
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    brokers: Brokers = Field(
        default="127.0.0.1:9092", description="Kafka brokers to start from, HOST:PORT with commas between them."
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT",
        description="How the connection to the brokers is protected: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
    )
    kafka_sasl_mechanism: SaslMechanism | None = Field(
        default=None, description="With SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_sasl_username: str | None = Field(default=None, description="With SASL: the user.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="With SASL: the password.")
    kafka_ca_file: FilePath | None = Field(
        default=None, description="With SSL: the authorities to trust, a PEM file. Without it, the system's."
    )
    group: TopicName = Field(
        default="turnout", description="Consumer group. Workers of one group share the requests between them."
    )
    worker_id: TopicName = Field(
        default_factory=_worker_id,
        description="This worker's name in its records and logs, unique in the group. Without it, host and process id.",
    )
    control: bool = Field(
        default=True,
        description="Let this worker take its part in what one worker at a time does for all: health, shares, budgets, "
        "quality, batches. Off where `turnout control` does it; without either, nobody does.",
    )
    data_dir: Path = Field(
        default_factory=_data_dir,
        description="Folder for Faust's local files, which may be lost. Without it, one in the temporary folder.",
    )

    catalogue: Path = Field(default=Path("catalogue.toml"), description="The catalogue file.")
    provider_base_url: BaseUrl = Field(
        default="https://api.openai.com/v1",
        description="Where providers are reached that have no base_url of their own in the catalogue.",
    )
    api_key: ApiKey | None = Field(
        default=None,
        description="Key for TURNOUT_PROVIDER_BASE_URL; a provider with a base_url of its own has its key in "
        "TURNOUT_API_KEYS, or is called without one.",
    )
    api_keys: Annotated[dict[str, ApiKey], NoDecode, BeforeValidator(from_json)] = Field(
        default={},
        description='Keys by provider, a JSON object: {"openai": "sk-...", "google": "..."}; those of accounts by '
        'PROVIDER.ACCOUNT: {"openai.team-a": "sk-..."}.',
    )

    api_key_file: Path | None = Field(
        default=None, description="The file that holds TURNOUT_API_KEY instead; it is read again when it changes."
    )
    api_keys_dir: Path | None = Field(
        default=None,
        description="A folder of keys, one file a provider, by the provider's name, or one an account, named "
        "PROVIDER.ACCOUNT, such as a mounted secret. These go before TURNOUT_API_KEYS, and are read again when they "
        "change.",
    )
    provider_ca_file: Path | None = Field(
        default=None,
        description="Authorities to trust beside the system's when providers are called, a PEM file, such as that of a "
        "proxy that looks into TLS. It is read again when it changes.",
    )

    topic_prefix: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._-]*$")] = Field(
        default="", description="Put before the name of each topic, so that several Turnouts can share a cluster."
    )
    partitions: int = Field(
        default=8,
        ge=1,
        le=10_000,
        description="Partitions of the busy topics, when they are created; no more workers share them.",
    )
    replication: int = Field(default=1, ge=1, le=32, description="Replicas of each topic; 3 in production.")
    retention_hours: int | None = Field(
        default=None, ge=1, le=87_600, description="How long topics keep records, hours. Without it, the broker's rule."
    )
    reply_to_allowed: Annotated[tuple[TopicName, ...], NoDecode, BeforeValidator(split_at_commas)] = Field(
        default=(), description="Topics that a request may name in reply_to, with commas between them. None by default."
    )
    max_message_bytes: int = Field(
        default=6_291_456, ge=65_536, le=104_857_600, description="Largest record that is read or written, bytes."
    )

    max_request_bytes: int = Field(
        default=1_048_576,
        ge=1024,
        le=104_857_600,
        description="Largest request that is served, bytes; a larger one is refused.",
    )
    dataref_url: str | None = Field(
        default=None,
        description="Where payloads may lie that no record holds: file:///FOLDER, or s3://BUCKET/PREFIX. Without it, "
        "no reference is followed, and an answer that is too large for its topic is not kept.",
    )
    dataref_endpoint: BaseUrl | None = Field(
        default=None, description="Of what speaks S3's API, https://HOST. Without it, AWS's of the region."
    )
    dataref_region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = Field(
        default="us-east-1", description="Of the bucket, as its requests are signed."
    )
    dataref_key: ApiKey | None = Field(
        default=None, description="To the bucket: ID:SECRET, or ID:SECRET:TOKEN. Without it, requests are not signed."
    )
    max_dataref_bytes: int = Field(
        default=33_554_432,
        ge=1024,
        le=1_073_741_824,
        description="Largest payload that is read from there, and largest answer that is kept there, bytes.",
    )
    max_in_flight: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Requests that one worker decides about or calls for at a time; the others wait, tenants in turn.",
    )
    max_held: int = Field(
        default=5000,
        ge=1,
        le=1_000_000,
        description="Records that one worker has read and not finished, at most; it then stops reading.",
    )
    max_held_mb: int = Field(
        default=256, ge=1, le=65_536, description="The same in megabytes, since a record may be large."
    )
    max_span: int = Field(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="How far one partition is read ahead of its oldest unfinished record; a crash reads so much again.",
    )
    duplicate_horizon_s: float = Field(
        default=600,
        ge=0,
        le=86_400,
        description="A request id that is published again so soon is not called for again, seconds.",
    )
    duplicate_ids: int = Field(
        default=100_000,
        ge=0,
        le=100_000_000,
        description="Finished request ids that are remembered of one partition, at most.",
    )
    cache_keys: int = Field(
        default=100_000,
        ge=0,
        le=50_000_000,
        description="Answers that this worker knows where to find for requests that want the cache, about 140 bytes "
        "each; of more, those that were used last. 0: none.",
    )
    cache_mb: int = Field(
        default=64,
        ge=0,
        le=100_000,
        description="Memory for the answers themselves, MB; what is not there is read from the responses topic.",
    )
    feedback_within_s: float = Field(
        default=604_800,
        ge=1,
        le=1_814_400,
        description="Feedback that comes later after its response is not counted, seconds.",
    )
    feedback_ids: int = Field(
        default=200_000,
        ge=1000,
        le=10_000_000,
        description="Scores that are remembered, the newest, so that one that is sent again counts once and a "
        "correction takes its place.",
    )
    dead_letter_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="A worker ends when more than this share of what it takes are dead letters; 1 is never exceeded.",
    )
    dead_letter_minimum: int = Field(
        default=200, ge=1, le=1_000_000, description="The share is judged from so many records on."
    )
    dead_letter_window_s: int = Field(
        default=60, ge=1, le=3600, description="The share is that of the last so many seconds."
    )
    max_deadline_s: float = Field(
        default=3600,
        gt=0,
        le=86_400,
        description="A request whose deadline is further away is refused: it might hold its place until then, seconds.",
    )
    default_deadline_s: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description="Time to answer a request that names no deadline, seconds since its record.",
    )
    max_batch_deadline_s: float = Field(
        default=172_800,
        ge=3600,
        le=2_592_000,
        description="The same of a request that may wait in the batch lane, seconds. The lane's topics keep their "
        "records for longer; that is checked at the start.",
    )
    batch_max_age_s: float = Field(
        default=300,
        ge=0,
        le=86_400,
        description="The longest time that a request of the batch lane waits for others to go with, seconds.",
    )
    batch_keep_files: bool = Field(
        default=False,
        description="Whether what providers hold of batches, files with prompts and answers, stays there. They are "
        "deleted when all answers are published, else.",
    )
    batch_poll_s: float = Field(
        default=15,
        ge=0.1,
        le=3600,
        description="How often a provider is asked how a new batch stands, seconds; older batches are asked for less "
        "often, up to every five minutes.",
    )
    batch_margin_s: float = Field(
        default=900,
        ge=0,
        le=86_400,
        description="Time that is kept for live calls before the deadline of a request in the batch lane, at the "
        "least; one with less time than twice that does not wait, seconds.",
    )
    drain_s: float = Field(
        default=30, ge=0, le=3600, description="Longest wait for requests under way on stop and on rebalance, seconds."
    )
    commit_interval_s: float = Field(default=1.0, ge=0.01, le=60, description="Time between offset commits, seconds.")
    session_timeout_s: float = Field(
        default=10, ge=1, le=1800, description="Silence after which the group gives up a worker, seconds."
    )
    probe_idle_s: float | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="A model that nobody has called for so long is asked one small question, which costs money: it is "
        "billed to the tenant turnout-probe. Without it, idle models are not probed. 30 is a good beginning.",
    )
    probe_key: ApiKey | None = Field(
        default=None, description="Where tenants have keys: the key of the tenant that pays for probes."
    )
    replay_key: LongKey | None = Field(
        default=None,
        description="Where tenants have keys: a secret of 32 characters or more, the same for the workers and for "
        "`turnout replay`, which signs with it what it puts back in a tenant's name.",
    )
    tenant_key_file: Path | None = Field(
        default=None,
        description="Where tenants have keys: the file with the key that `turnout send` shows.",
    )
    static_membership: bool = Field(
        default=False,
        description="Let a worker that comes back under its TURNOUT_WORKER_ID within the session timeout have its "
        "partitions back, without a rebalance. A worker that is gone for good is missed a session timeout later.",
    )
    idempotence: bool = Field(
        default=True, description="Idempotent producing. Off only for a broker that cannot, such as the embedded one."
    )
    linger_ms: int = Field(
        default=5,
        ge=0,
        le=1000,
        description="Wait for more records before a batch is sent, milliseconds; one forms anyway behind another.",
    )

    warehouse_duckdb: Path | None = Field(default=None, description="The DuckDB file that is the warehouse.")
    warehouse_postgres: SecretStr | None = Field(
        default=None, description="The Postgres database that is the warehouse, a DSN: postgresql://USER@HOST/DATABASE."
    )

    stuck_after_s: float = Field(
        default=120,
        ge=5,
        le=86_400,
        description="A worker ends itself that reads nothing for so long although it should, whose loop hangs for so "
        "long, or that is at a request for so long after its deadline.",
    )
    web_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="Port of the worker's web server on 127.0.0.1. Without it, no server.",
    )
    log_level: LogLevel = Field(
        default="info", description="Least severe line that is logged: debug, info, warning or error."
    )
    log_format: LogFormat = Field(default="json", description="Log lines for programs, json, or for people, console.")
    log_sample: float = Field(default=1.0, ge=0, le=1, description="Share of requests that get a log line, 0 to 1.")

    @model_validator(mode="after")
    def _security_is_whole(self) -> Self:
        protocol = self.kafka_security_protocol
        with_sasl, with_ssl = protocol.startswith("SASL"), protocol.endswith("SSL")
        for name in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"):
            is_given = getattr(self, name) is not None
            if with_sasl and not is_given:
                raise ValueError(f"{variable(name)} is missing; {_PROTOCOL} {protocol} needs it")
            if is_given and not with_sasl:
                raise ValueError(
                    f"{variable(name)} has no effect without SASL; set {_PROTOCOL} to SASL_SSL, or remove it"
                )
        if self.kafka_ca_file is not None and not with_ssl:
            name = variable("kafka_ca_file")
            raise ValueError(f"{name} has no effect without SSL; set {_PROTOCOL} to SASL_SSL or SSL, or remove it")
        return self

    @model_validator(mode="after")
    def _one_key_for_all(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError(f"{variable('api_key')} and {variable('api_key_file')} are both set; remove one")
        return self

    @model_validator(mode="after")
    def _no_answer_becomes_a_request(self) -> Self:
        for name in set(self.reply_to_allowed) & set(map(self.topic, Topic)):
            raise ValueError(f"{variable('reply_to_allowed')} names {name}, a topic of Turnout's own; remove it")
        return self

    def topic(self, topic: Topic) -> str:
        """Return the topic's name on this cluster."""
        return self.topic_prefix + topic.value

    def secrets(self) -> tuple[str, ...]:
        """Return everything in these settings that may be shown to nobody."""
        values = (getattr(self, name) for name in Settings.model_fields)
        each = (one for value in values for one in (value.values() if isinstance(value, dict) else (value,)))
        return tuple(one.get_secret_value() for one in each if isinstance(one, SecretStr))

    def key_files(self) -> KeyFiles:
        """Read the keys that stand in files.

        Raises:
            SettingsError: one cannot be read.
        """
        files, folders = self.api_key_file, self.api_keys_dir
        try:
            return KeyFiles([] if files is None else [files], [] if folders is None else [folders])
        except ValueError as error:
            names = f"{variable('api_key_file')} or {variable('api_keys_dir')}"
            raise SettingsError(f"{names}: {error}.") from None

    def named_key(self, name: str, files: KeyFiles) -> SecretStr | None:
        """Return the key of this name: a file of `api_keys_dir`, or else an entry of `api_keys`."""
        in_file = None if self.api_keys_dir is None else files.get(self.api_keys_dir / name)
        return in_file or self.api_keys.get(name)

    def api_key_for(self, provider_name: str, *, has_own_url: bool, files: KeyFiles | None = None) -> SecretStr | None:
        """Return the provider's own key, or else the one for all, which is for `provider_base_url` alone."""
        files = KeyFiles() if files is None else files
        own = self.named_key(provider_name, files)
        if own is not None or has_own_url:
            return own
        return self.api_key if self.api_key_file is None else files.get(self.api_key_file)


def variable(field: str) -> str:
    """Return the name of the environment variable of a field."""
    return PREFIX + field.upper()


_PROTOCOL = variable("kafka_security_protocol")
