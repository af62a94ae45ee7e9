"""The batch APIs that workers speak, and a request as a line of one."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import orjson

from router.batches.anthropic_batches import MessageBatches
from router.batches.api import BatchApi
from router.batches.batch import CUSTOM_ID_CHARS
from router.batches.gemini_batches import GeminiBatches
from router.batches.openai_files import AzureBatches, MistralJobs, OpenAiBatches
from router.catalogue import Model
from router.dialects.dialect import Asked, Dialect
from router.dialects.registry import DIALECTS, EMBEDDINGS
from router.dialects.wire import BatchForm
from schemas.requests import Request

_SPOKEN: tuple[BatchApi, ...] = (OpenAiBatches(), AzureBatches(), MistralJobs(), MessageBatches(), GeminiBatches())
BATCH_APIS: Mapping[BatchForm, BatchApi] = MappingProxyType({api.form: api for api in _SPOKEN})
OUR_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{CUSTOM_ID_CHARS}}}")
"""What batches, files and lines may be named."""


def batch_api_of(model: Model) -> BatchApi:
    """Return the batch API of the model's provider.

    Raises:
        ValueError: it does not answer in batches.
    """
    if model.batch is None:
        raise ValueError(f"{model.name} does not answer in batches")
    return BATCH_APIS[model.batch.form]


def dialect_of(model: Model) -> Dialect:
    """Return the dialect in which the model is asked, live and in batches."""
    return EMBEDDINGS if model.embeds else DIALECTS[model.wire.dialect]


def endpoint_of(model: Model) -> str:
    """Return the name of what each line of a batch calls."""
    return batch_api_of(model).endpoint(dialect_of(model).path(model.upstream_name))


def request_line(model: Model, custom_id: str, request: Request, max_tokens: int) -> bytes:
    """Return a request as a line of a batch, with its line feed.

    Args:
        model: is asked.
        custom_id: the line's name, in no other batch of the model that has not ended.
        request: as a live call would have it.
        max_tokens: the longest answer.

    Raises:
        Untranslatable: the model's dialect has no words for something in it.
        ValueError: the id is none that all vendors take, or the model does not answer in batches.
    """
    if OUR_ID.fullmatch(custom_id) is None:
        raise ValueError(f"a custom_id has 1 to {CUSTOM_ID_CHARS} of A-Z, a-z, 0-9, _ and -, and is not {custom_id!r}")
    body = dialect_of(model).body(Asked(request, model.upstream_name, max_tokens, model.wire))
    return orjson.dumps(batch_api_of(model).line(custom_id, endpoint_of(model), body)) + b"\n"
