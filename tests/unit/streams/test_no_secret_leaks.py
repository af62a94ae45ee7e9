"""Providers that repeat every secret they know, over whole workers: none comes out, and the log holds no prompt."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO

import pytest
import structlog
from pydantic import SecretStr

from router.tenants import Key, Tenant
from schemas.topics import Topic
from streams.ops.log_lines import LogCleaner
from streams.providers.secrets import Scrubber
from streams.request.api_keys import key_digest
from tests.fakes.provider import Call, Character, Fate
from tests.fakes.scene import SETTINGS, Scene, played
from tests.stage import TWO

API_KEY, TENANT_KEY, REPLAY_KEY = "the-providers-plain-key", "turnout-the-tenants-key", "r" * 32
BEARER, LOOKS_LIKE_ONE = "bearer-of-the-proxy", "sk-ant-somebody-elses-key"
SECRETS = (API_KEY, TENANT_KEY, REPLAY_KEY, BEARER, LOOKS_LIKE_ONE)
PROMPT = "my secret diagnosis"
SAID = f", your key {API_KEY} (Authorization: Bearer {BEARER}; {LOOKS_LIKE_ONE}) is bad"
KEYED = replace(TWO, tenants={"acme": Tenant("acme", keys=(Key(key_digest(TENANT_KEY.encode())),))})
FATES = (Fate.REFUSED, Fate.ERROR, Fate.LIMITED, Fate.MALFORMED, Fate.UNREACHABLE, Fate.BROKEN_OFF)
SAFE = SETTINGS.model_copy(update={"replay_key": SecretStr(REPLAY_KEY), "api_key": SecretStr(API_KEY)})


@contextmanager
def log_of_everything() -> Iterator[StringIO]:
    """Log as a worker does, into memory."""
    lines, before = StringIO(), structlog.get_config()
    structlog.configure(
        processors=[LogCleaner(Scrubber(SAFE.secrets()), escapes=True), structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(lines),
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    try:
        yield lines
    finally:
        structlog.configure(**before)


def written(scene: Scene) -> Iterator[str]:
    """Yield all that workers have written to any topic."""
    own = scene.world.settings.topic(Topic.REQUESTS)
    for name, topic in scene.world.broker.topics.items():
        for record in (record for partition in topic.partitions for record in partition.records):
            if name != own:
                parts = (record.value, record.key, *(value for _, value in record.headers))
                yield f"{name} {b' '.join(filter(None, parts)).decode(errors='replace')}"


def breaks(call: Call) -> None:
    raise ValueError(f"cannot call for {PROMPT!r} with {API_KEY}: {call}")


async def play(scene: Scene) -> str:
    """Have requests end in every way, and return the log."""
    scene.world.api_key = SecretStr(API_KEY)
    scene.world.providers.error_text = SAID
    with log_of_everything() as log:
        await scene.start("w1")
        for number in range(6):
            scene.publish(f"r-{number}", key=TENANT_KEY, prompt=PROMPT, metadata={"to": "keep"})
        await scene.answered(*(f"r-{number}" for number in range(6)), within_s=200)
        shown = [("authorization", f"Bearer {TENANT_KEY}".encode())]
        scene.publish_bytes(b'{"request_id": "bad", "prompt": 7}', 0, shown)
        scene.publish_bytes(b"\xff", 0, shown)
        await scene.answered("bad")
        scene.world.providers.on_call.append(breaks)
        scene.publish("broken", key=TENANT_KEY, prompt=PROMPT)
        (broken,) = await scene.answered("broken")
        assert broken["error"]["code"] == "internal_error"
        await scene.until(lambda: len(scene.messages(Topic.DEAD_LETTERS)) >= 2)
    return log.getvalue()


def leaks(fate: Fate) -> None:
    characters = {name: Character(1, 2, chances={fate: 1.0}) for name in ("alpha", "beta")}

    @played(catalogue=KEYED, settings=SAFE, characters=characters)
    async def story(scene: Scene) -> None:
        log = await play(scene)
        everything = [*written(scene), log]
        assert [(secret, text) for secret in SECRETS for text in everything if secret in text] == []
        assert "a defect of Turnout" in log
        assert PROMPT not in log
        letters = [text for text in written(scene) if text.startswith(Topic.DEAD_LETTERS)]
        assert any("redacted" in text for text in letters)
        responses = [text for text in written(scene) if text.startswith(Topic.RESPONSES)]
        assert fate in {Fate.UNREACHABLE, Fate.BROKEN_OFF} or any("is bad" in text for text in responses), responses

    story()


@pytest.mark.parametrize("fate", FATES)
def test_no_output_holds_a_secret_that_a_provider_repeats(fate: Fate) -> None:
    leaks(fate)
