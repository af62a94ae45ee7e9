"""A pipeline for each test."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.broker import BrokerInfo
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from tests.harness import MakePipeline, MakeProvider, Pipeline


@pytest.fixture
def make_provider(tmp_path: Path) -> Iterator[MakeProvider]:
    """Starts simulated providers; they stop with the test."""
    started: list[ProviderProcess] = []

    def make(**options: object) -> ProviderProcess:
        quick = ProviderOptions(invoice=tmp_path / "invoice.jsonl", latency_ms=50, limits=False, failures=False)
        provider = ProviderProcess(replace(quick, **options))  # type: ignore[arg-type]  # the dataclass checks the names
        provider.start()
        started.append(provider)
        return provider

    yield make
    for provider in started:
        provider.stop()


@pytest.fixture
async def make_pipeline(kafka: BrokerInfo, make_provider: MakeProvider, tmp_path: Path) -> AsyncIterator[MakePipeline]:
    """Makes pipelines on the shared broker; their workers end with the test."""
    made: list[Pipeline] = []

    async def make(provider: ProviderProcess | None = None, **environment: str) -> Pipeline:
        pipeline = await Pipeline.create(kafka.bootstrap_servers, provider or make_provider(), tmp_path, **environment)
        made.append(pipeline)
        return pipeline

    yield make
    for pipeline in made:
        pipeline.end()
