"""Every dialect over real sockets: requests as the vendors' references write them, and what has to come back, golden.

A file holds the reference it follows (`source`), the request, the response and the lines of the invoice (null: nothing
is charged). In an expected value `*` stands for anything, and headers that are not named are not looked at.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
import orjson
import pytest
from pydantic import BaseModel, ConfigDict, JsonValue

from sandbox.provider.charges import total_usd
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.invoice import LineItem
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from sandbox.provider.sigv4 import Signed, sign
from sandbox.provider.unkind import UNKIND, Placement

GOLDEN = Path(__file__).with_name("dialects")


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Form):
    method: Literal["POST"] = "POST"
    path: str
    headers: dict[str, str] = {}
    body: JsonValue


class Answered(_Form):
    status: int
    headers: dict[str, str] = {}
    body: JsonValue


class Golden(_Form):
    source: str
    fault: Fault | None = None
    request: Asked
    response: Answered
    charged: dict[LineItem, int] | None


def read(name: str) -> Golden:
    return Golden.model_validate_json((GOLDEN / f"{name}.json").read_bytes())


SECRET = "right"  # noqa: S105 - not one of the world
KEY_HEADERS = {
    "chat-text": {"authorization": "Bearer {}"},
    "responses-text": {"authorization": "Bearer {}"},
    "embeddings-text": {"authorization": "Bearer {}"},
    "anthropic-text": {"x-api-key": "{}"},
    "azure-text": {"api-key": "{}"},
    "gemini-text": {"x-goog-api-key": "{}"},
    "bedrock-bearer": {"authorization": "Bearer {}"},
}
ANSWERS = {"choices", "output", "content", "candidates", "data"}
"""Where the vendors' bodies have what they answer."""

BESIDE_TOKENS = {LineItem.IMAGES, LineItem.WEB_SEARCH, LineItem.SERVICE_TIER}
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    invoice = tmp_path_factory.mktemp("dialects") / "invoice.jsonl"
    with ProviderProcess(ProviderOptions(invoice, latency_ms=10, limits=False, failures=False)) as provider:
        yield provider


@pytest.fixture
def provider(shared: ProviderProcess) -> Iterator[ProviderProcess]:
    yield shared
    shared.clear_faults()


def post(provider: ProviderProcess, asked: Asked, **headers: str) -> httpx.Response:
    url = provider.base_url.removesuffix("/v1") + asked.path
    content = orjson.dumps(asked.body)
    return httpx.request(asked.method, url, content=content, headers={**asked.headers, **headers}, timeout=5)


def difference(expected: JsonValue, actual: JsonValue, at: str = "$") -> str | None:
    """Return where the two differ first, None if nowhere."""
    if expected == "*":
        return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return f"{at}: the keys {sorted(actual)} are not {sorted(expected)}"
        pairs = [(f"{at}.{key}", value, actual[key]) for key, value in expected.items()]
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = [(f"{at}[{index}]", value, actual[index]) for index, value in enumerate(expected)]
    else:
        return None if expected == actual else f"{at}: {actual!r} is not {expected!r}"
    return next(filter(None, (difference(value, found, where) for where, value, found in pairs)), None)


@pytest.mark.parametrize("name", NAMES)
def test_a_request_of_the_reference_gets_the_answer_of_the_reference(provider: ProviderProcess, name: str) -> None:
    golden = read(name)
    before = len(provider.invoice())
    if golden.fault is not None:
        provider.add_fault(golden.fault)

    response = post(provider, golden.request, **{"idempotency-key": name})
    assert response.status_code == golden.response.status, response.text
    assert difference(golden.response.body, response.json()) is None
    for header, value in golden.response.headers.items():
        assert difference(value, response.headers.get(header)) is None
    rows = provider.invoice()[before:]
    charged = [{line.item: line.quantity for line in row.lines} for row in rows]
    assert charged == ([] if golden.charged is None else [golden.charged])


def test_an_input_that_is_too_long_to_embed_is_refused(provider: ProviderProcess) -> None:
    asked = Asked(path="/v1/embeddings", body={"model": "text-embedding-3-small", "input": [7] * 8193})

    assert post(provider, asked).json()["error"]["message"] == (
        "This model's maximum context length is 8192 tokens, however you requested 8193 tokens "
        "(8193 in your prompt; 0 for the completion)."
    )


def test_embeddings_of_equal_texts_are_equal_and_have_length_1(provider: ProviderProcess) -> None:
    asked = Asked(path="/v1/embeddings", body={"model": "text-embedding-3-small", "input": ["a", "b", "a"]})
    a, b, again = (item["embedding"] for item in post(provider, asked).json()["data"])

    assert a == again != b
    assert len(a) == 1536
    assert math.isclose(math.hypot(*a), 1, rel_tol=1e-6)


def test_a_key_of_the_providers_is_asked_for_in_each_vendors_header(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, failures=False, api_key="right")
    with ProviderProcess(options) as provider:
        for name, header in KEY_HEADERS.items():
            asked = read(name).request
            right = {**asked.headers, **{key: value.format("right") for key, value in header.items()}}
            wrong = {**asked.headers, **{key: value.format("wrong") for key, value in header.items()}}
            assert post(provider, asked.model_copy(update={"headers": right})).status_code == 200, name
            assert post(provider, asked.model_copy(update={"headers": wrong})).status_code in (400, 401, 403), name


def told(usage: dict[str, int]) -> tuple[int, int]:
    """Return all input and all output tokens that a vendor's usage tells, whatever it counts beside."""
    match usage:
        case {"promptTokenCount": prompt, "totalTokenCount": total}:
            output = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
            assert total == prompt + output
            return prompt, output
        case {"inputTokens": fresh, "cacheReadInputTokens": read, "cacheWriteInputTokens": written}:
            assert usage["totalTokens"] == fresh + read + written + usage["outputTokens"]
            return fresh + read + written, usage["outputTokens"]
        case {"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": written}:
            return fresh + read + written, usage["output_tokens"]
        case {"input_tokens": prompt, "output_tokens": output}:
            assert usage["total_tokens"] == prompt + output
            return prompt, output
        case _:
            return usage["prompt_tokens"], usage.get("completion_tokens", 0)


@pytest.mark.parametrize("list_prices", [False, True])
def test_usage_tells_all_tokens_that_are_charged_in_every_dialect(tmp_path: Path, *, list_prices: bool) -> None:
    way = UNKIND.model_copy(update={"reasoning": Placement.INSIDE, "cached": Placement.INSIDE})
    options = ProviderOptions(
        tmp_path / "invoice.jsonl", latency_ms=0, limits=False, failures=False, list_prices=list_prices, unkind=way
    )
    with ProviderProcess(options) as provider:
        for name in (name for name in NAMES if read(name).charged):
            body = post(provider, read(name).request).json()
            row = provider.invoice()[-1]
            assert told(body.get("usage") or body["usageMetadata"]) == (row.input_tokens, row.output_tokens), name
            tokens = sum(line.quantity for line in row.lines if line.item not in BESIDE_TOKENS)
            assert tokens == row.input_tokens + row.output_tokens, name
            assert row.cost_usd == total_usd(row.lines)
        assert len(provider.invoice()) > 30


def signed(asked: Asked, host: str, secret: str) -> dict[str, str]:
    """Return the headers of a request to Bedrock that is signed as AWS's clients do it."""
    now = datetime.now(UTC)
    headers = {"host": host, "content-type": "application/json", "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")}
    request = Signed("POST", asked.path, "", headers, orjson.dumps(asked.body))
    scope, names = f"{now:%Y%m%d}/us-east-1/bedrock/aws4_request", sorted(headers)
    signature = sign(request, names, scope, secret)
    credential = f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}"
    return {**headers, "authorization": f"{credential}, SignedHeaders={';'.join(names)}, Signature={signature}"}


def test_bedrock_asks_for_the_right_signature_where_it_knows_the_secret(tmp_path: Path) -> None:
    asked = read("bedrock-text").request
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, failures=False, aws_secret=SECRET)
    with ProviderProcess(options) as provider:
        host = httpx.URL(provider.base_url).netloc.decode()
        right = asked.model_copy(update={"headers": signed(asked, host, SECRET)})
        wrong = asked.model_copy(update={"headers": signed(asked, host, SECRET[1:])})
        other = right.model_copy(update={"body": {"messages": []}})

        assert post(provider, right).status_code == 200
        for refused in (wrong, other, asked):
            response = post(provider, refused)
            assert response.status_code == 403
            assert response.headers["x-amzn-errortype"] == "InvalidSignatureException"
        assert len(provider.invoice()) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if read(name).charged and read(name).fault is None])
def test_a_faulty_answer_is_faulty_in_every_dialect(provider: ProviderProcess, name: str) -> None:
    golden = read(name)
    provider.add_fault(Fault(fault=FaultKind.EMPTY_CHOICES, count=1))
    provider.add_fault(Fault(fault=FaultKind.MISSING_USAGE, count=1))
    provider.add_fault(Fault(fault=FaultKind.INVALID_JSON, count=1))

    empty, unmetered, broken = (post(provider, golden.request) for _ in range(3))
    whole = post(provider, golden.request).json()
    gone = [field for field in whole if field not in unmetered.json()]
    assert gone in (["usage"], ["usageMetadata"])
    assert empty.json().keys() == whole.keys()
    (field,) = ANSWERS & whole.keys()
    assert whole[field]
    assert empty.json()[field] in ([], {"message": {"role": "assistant", "content": []}})
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(broken.content)
