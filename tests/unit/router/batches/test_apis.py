from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from router.batches.apis import batch_api_of, endpoint_of, request_line
from router.catalogue import BatchTerms, Model, Price
from router.dialects.dialect import Untranslatable
from router.dialects.wire import BatchForm, DialectName, Wire
from schemas.requests import Request
from tests.stage import ALPHA

PRICE = Price(Decimal(1), Decimal(2))


def model(form: BatchForm = BatchForm.OPENAI, wire: Wire = ALPHA.wire) -> Model:
    return replace(ALPHA, batch=BatchTerms(form, PRICE, 86_400, 10, 1_000_000), wire=wire, upstream_model="up")


ASKED = Request.model_validate({"prompt": "Say hello.", "parameters": {"seed": 7}})


def test_a_line_is_one_live_request_with_its_name() -> None:
    line = request_line(model(), "a_1-B", ASKED, 50)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert orjson.loads(line) == {
        "custom_id": "a_1-B",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "seed": 7,
            "model": "up",
            "messages": [{"role": "user", "content": "Say hello."}],
            "max_completion_tokens": 50,
        },
    }


@pytest.mark.parametrize("custom_id", ["", "a b", "ä", "x" * 65, "a/b"])
def test_a_name_that_not_every_vendor_takes_is_refused(custom_id: str) -> None:
    with pytest.raises(ValueError, match="a custom_id has 1 to 64"):
        request_line(model(), custom_id, ASKED, 50)


def test_what_a_dialect_has_no_words_for_is_said() -> None:
    with pytest.raises(Untranslatable, match="seed"):
        request_line(model(BatchForm.ANTHROPIC, Wire(DialectName.ANTHROPIC)), "a", ASKED, 50)


def test_a_model_without_batches_has_no_api() -> None:
    with pytest.raises(ValueError, match="does not answer in batches"):
        batch_api_of(ALPHA)


def test_responses_have_an_endpoint_of_their_own() -> None:
    assert endpoint_of(model(wire=Wire(DialectName.RESPONSES))) == "/v1/responses"


def test_a_window_of_days_is_written_as_days() -> None:
    api = batch_api_of(model())
    windows = [api.create("i", "m", "f", "e", hours * 3600).body for hours in (24, 36, 168, 0.1)]
    assert [body and body["completion_window"] for body in windows] == ["24h", "36h", "7d", "1h"]
