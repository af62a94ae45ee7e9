import asyncio
from random import Random

import httpx
import orjson
import pytest

from tests.fakes.link import Link
from tests.fakes.loop import Process, VirtualLoop, in_virtual_time
from tests.fakes.provider import STATUS, Character, Fate, MemoryTransport, Place, Providers


def providers_of(
    loop: VirtualLoop, fate: Fate = Fate.ANSWER, *, honours_keys: bool = True, charges_failures: bool = False
) -> Providers:
    charged = frozenset(STATUS) if charges_failures else frozenset[Fate]()
    return Providers(loop, Random(1), {"m": Character(2, 6, chances={fate: 1.0})}, honours_keys, charged)  # noqa: S311 - a test's dice


async def ask(providers: Providers, key: str = "k", timeout_s: float = 30.0) -> httpx.Response:
    link = Link(providers.loop, Process(providers.loop, "w1"), Random(1))  # noqa: S311 - a test's dice
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 20}
    request = httpx.Request(
        "POST",
        "http://provider/v1/chat/completions",
        headers={"idempotency-key": key},
        content=orjson.dumps(body),
        extensions={"timeout": {"read": timeout_s}},
    )
    return await MemoryTransport(providers, link).handle_async_request(request)


def test_an_answer_takes_time_and_is_charged_what_its_usage_says() -> None:
    async def main(loop: VirtualLoop) -> None:
        providers, began_s = providers_of(loop), loop.time()
        usage = orjson.loads((await ask(providers)).content)["usage"]
        assert loop.time() > began_s
        (charge,) = providers.invoice
        assert charge.nano_usd == (usage["prompt_tokens"] * 2 + usage["completion_tokens"] * 6) * 1000

    in_virtual_time(main)


@pytest.mark.parametrize("place", Place)
def test_wherever_tokens_are_told_the_total_is_what_is_charged(place: Place) -> None:
    async def main(loop: VirtualLoop) -> None:
        providers = providers_of(loop)
        providers.reasoning = providers.cached = place
        usage = orjson.loads((await ask(providers)).content)["usage"]
        thought = usage["completion_tokens_details"]["reasoning_tokens"]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        beside = place is Place.BESIDE
        output = usage["completion_tokens"] + (thought if beside else 0)
        prompt = usage["prompt_tokens"] + (cached if beside else 0)
        (charge,) = providers.invoice
        assert thought > 0 < cached
        assert usage["total_tokens"] == prompt + output
        assert charge.nano_usd == (prompt * 2 + output * 6) * 1000

    in_virtual_time(main)


@pytest.mark.parametrize(("kind", "charges"), [(True, 1), (False, 2)])
def test_a_key_is_charged_once_by_who_honours_it_and_each_call_by_who_does_not(*, kind: bool, charges: int) -> None:
    async def main(loop: VirtualLoop) -> int:
        providers = providers_of(loop, honours_keys=kind)
        await ask(providers)
        await ask(providers)
        return len(providers.invoice)

    assert in_virtual_time(main) == charges


@pytest.mark.parametrize(
    ("fate", "error"),
    [
        (Fate.UNREACHABLE, httpx.ConnectError),
        (Fate.BROKEN_OFF, httpx.RemoteProtocolError),
        (Fate.HANGS, httpx.ReadTimeout),
    ],
)
def test_calls_die_in_the_ways_of_a_network(fate: Fate, error: type[Exception]) -> None:
    async def main(loop: VirtualLoop) -> int:
        providers = providers_of(loop, fate)
        with pytest.raises(error):
            await ask(providers)
        return len(providers.invoice)

    assert in_virtual_time(main) == (fate is not Fate.UNREACHABLE)


@pytest.mark.parametrize(("fate", "status"), [(Fate.ERROR, 503), (Fate.LIMITED, 429), (Fate.REFUSED, 400)])
@pytest.mark.parametrize("charges_failures", [False, True])
def test_failures_are_free_but_for_who_charges_them(fate: Fate, status: int, *, charges_failures: bool) -> None:
    async def main(loop: VirtualLoop) -> None:
        providers = providers_of(loop, fate, charges_failures=charges_failures)
        response = await ask(providers)
        assert response.status_code == status
        assert (response.headers.get("retry-after") is not None) == (fate is Fate.LIMITED)
        assert len(providers.invoice) == charges_failures

    in_virtual_time(main)


def test_more_calls_a_minute_than_a_model_takes_are_told_to_come_later() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        providers = Providers(loop, Random(1), {"m": Character(1, 1, requests_per_minute=2)})  # noqa: S311 - a test's dice
        found = [(await ask(providers, str(number))).status_code for number in range(3)]
        await asyncio.sleep(60)
        return [*found, (await ask(providers, "3")).status_code]

    assert in_virtual_time(main) == [200, 200, 429, 200]


def test_a_call_is_charged_though_its_caller_is_killed() -> None:
    async def main(loop: VirtualLoop) -> int:
        providers = providers_of(loop)
        process = Process(loop, "w1")
        process.start(ask(providers))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        process.kill()
        await asyncio.sleep(60)
        return len(providers.invoice)

    assert in_virtual_time(main) == 1
