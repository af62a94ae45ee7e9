"""Keys in files, as Kubernetes replaces them: used from the next call on, and scrubbed before that."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from router.cost import call_started
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from schemas.requests import Request
from schemas.vocabulary import Task, Tier
from streams.config.catalogue_providers import ProviderEntry
from streams.config.env_file import SettingsError
from streams.config.key_files import KeyFiles
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.providers import key_renewal
from streams.providers.endpoints import endpoints_of
from streams.providers.http_provider import HttpProvider
from tests.stage import ALPHA, NOW_S, ONE, make_job

PROVIDERS = {"openai": ProviderEntry("openai", None), "own": ProviderEntry("own", "https://own.example/v1")}


def mounted(folder: Path, version: str, **keys: str) -> None:
    """Write keys as the kubelet does: into a folder of their own, which a link is swapped to."""
    (folder / version).mkdir(parents=True)
    for name, key in keys.items():
        (folder / version / name).write_text(key + "\n")
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    (folder / "..new").symlink_to(version)
    (folder / "..new").replace(folder / "..data")


def settings(**fields: Any) -> Settings:  # noqa: ANN401 - any setting
    return Settings(provider_base_url="https://api.example/v1", **fields)


def keys_of(made: Settings, files: KeyFiles | None = None) -> dict[str, str | None]:
    found = endpoints_of(made, PROVIDERS, files).by_provider
    keys = {name: one.api_key for name, one in found.items()}
    return {name: None if key is None else key.get_secret_value() for name, key in keys.items()}


def test_each_provider_has_the_key_of_the_file_with_its_name(tmp_path: Path) -> None:
    mounted(tmp_path, "..v1", openai="key-1", own="key-2")
    made = settings(api_keys_dir=tmp_path, api_keys={"openai": SecretStr("by-variable")})
    assert keys_of(made) == {"openai": "key-1", "own": "key-2"}


def test_the_file_of_the_key_for_all_is_for_the_address_of_the_settings_alone(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("for-all")
    assert keys_of(settings(api_key_file=tmp_path / "key")) == {"openai": "for-all", "own": None}


def test_a_file_that_is_named_after_no_provider_is_told(tmp_path: Path) -> None:
    mounted(tmp_path, "..v1", opnai="key-1")
    (warning,) = endpoints_of(settings(api_keys_dir=tmp_path), PROVIDERS).warnings
    assert warning == f"{tmp_path}/opnai is named after no provider of the catalogue, so its key is not used."


@pytest.mark.parametrize("content", ["", "two words", None])
def test_a_file_without_a_key_ends_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"^TURNOUT_API_KEY_FILE or TURNOUT_API_KEYS_DIR: .*key"):
        settings(api_key_file=path).key_files()
    with pytest.raises(SettingsError, match="both set; remove one"):
        load_settings(api_key_file=path, api_key="x")


def test_what_cannot_be_read_later_changes_nothing(tmp_path: Path) -> None:
    mounted(tmp_path, "..v1", openai="key-1")
    files = KeyFiles(folders=[tmp_path])
    mounted(tmp_path, "..v2", openai="")
    assert [problem.partition(" ")[2] for problem in files.look()] == ["is empty; it must hold the bare key"]
    assert files.keys == {tmp_path / "openai": SecretStr("key-1")}
    mounted(tmp_path, "..v3", openai="key-3", own="key-4")
    assert files.look() == []
    assert files.keys == {tmp_path / "openai": SecretStr("key-3"), tmp_path / "own": SecretStr("key-4")}


async def call_of(provider: HttpProvider) -> object:
    candidate = Candidate(ALPHA, "the test's", Estimate(20, 100), Decimal("0.001"), 100)
    started = call_started(make_job(), Route(Task.MATH, Tier.FAST, "the test's"), candidate, 1, ONE, NOW_S)
    return await provider.call(Request(prompt="Hello"), Call(ALPHA, started, 100, 5.0), {})


class Heard(httpx.AsyncBaseTransport):
    """Refuses every call, and keeps the keys that it was shown."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("authorization"))
        said = {"error": {"message": f"your key {request.headers.get('authorization')} is bad"}}
        return httpx.Response(401, json=said)


async def test_a_key_that_is_replaced_is_used_from_then_on_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_renewal, "LOOK_AT_KEYS_S", 0.01)
    mounted(tmp_path, "..v1", one="key-of-old")
    made, providers = settings(api_keys_dir=tmp_path), {"one": ProviderEntry("one", None)}
    files, secrets, transport = made.key_files(), set[str](), Heard()
    provider = HttpProvider(transport, endpoints_of(made, providers, files).by_provider, lambda: 0.0)
    async with key_renewal.renewing(provider.renew, made, providers, files, secrets.update):
        failures = [await call_of(provider)]
        mounted(tmp_path, "..v2", one="key-of-new")
        async with asyncio.timeout(5):
            while "key-of-new" not in secrets:  # noqa: ASYNC110 - nothing tells when a file has been looked at
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        failures.append(await call_of(provider))
    assert transport.keys == ["Bearer key-of-old", "Bearer key-of-new"]
    assert secrets == {"key-of-old", "key-of-new"}
    assert not any("key-of" in str(failure) for failure in failures)


async def test_it_is_told_which_account_has_another_key_once_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_renewal, "LOOK_AT_KEYS_S", 0.01)
    names = {"one.a": "key-of-a", "one.b": "key-of-b"}
    mounted(tmp_path, "..v1", **names)
    made = settings(api_keys_dir=tmp_path)
    providers = {"one": ProviderEntry("one", None, account_keys={"a": "one.a", "b": "one.b"})}
    files, told = made.key_files(), list[tuple[str, str]]()
    provider = HttpProvider(Heard(), endpoints_of(made, providers, files).by_provider, lambda: 0.0)
    provider.tell_replaced_keys(lambda *account: told.append(account))
    async with key_renewal.renewing(provider.renew, made, providers, files, set[str]().update):
        mounted(tmp_path, "..v2", **names | {"one.b": "key-of-new"})
        async with asyncio.timeout(5):
            while not told:  # noqa: ASYNC110 - nothing tells when a file has been looked at
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    assert told == [("one", "b")]
