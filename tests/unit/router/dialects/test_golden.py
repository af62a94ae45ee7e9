"""Requests in each vendor's words, by its public reference; golden, one file a request.

A file holds the reference that it follows (`source`), the request as a producer writes it, and what is sent: the path
below `base_url`, and the body.
"""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from router.dialects.dialect import Asked
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName, Wire
from schemas.requests import JsonObject, Request

GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


class GoldenRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    model: str
    max_tokens: int
    request: JsonObject
    path: str
    body: JsonObject


def dialect_of(name: str) -> DialectName:
    return max((dialect for dialect in DialectName if name.startswith(f"{dialect}-")), key=len)


@pytest.mark.parametrize("name", NAMES)
def test_a_request_reads_as_the_vendors_reference_has_it(name: str) -> None:
    golden = GoldenRequest.model_validate_json((GOLDEN / f"{name}.json").read_bytes())
    dialect = DIALECTS[dialect_of(name)]
    request = Request.model_validate(golden.request)

    assert dialect.path(golden.model) == golden.path
    assert dialect.body(Asked(request, golden.model, golden.max_tokens, Wire(dialect.name))) == golden.body


def test_every_dialect_has_requests() -> None:
    assert {dialect_of(name) for name in NAMES} == set(DialectName) - {DialectName.CHAT}
