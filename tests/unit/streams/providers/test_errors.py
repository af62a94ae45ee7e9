"""Errors as providers, gateways and proxies send them, and what each one means. Sources stand with the cases."""

from typing import cast

import httpx
import orjson
import pytest
from pydantic import JsonValue

from router.charges import Charge, ChargeRow
from router.dialects.wire import DialectName
from router.errors import Blame, Disposition, Next, UpstreamFailure
from schemas.requests import JsonObject
from schemas.vocabulary import AttemptOutcome
from streams.config.charges import charge_rules
from streams.providers.error_body import ErrorBody, read_error
from streams.providers.error_table import ROWS, row_of
from streams.providers.exchange import Reply
from streams.providers.outcomes import DETAIL_CHARS, ERROR_OUTCOMES, OutcomeReader
from streams.providers.secrets import Scrubber
from tests.unit.streams.providers.replies import USAGE, completion, failure_of

CONTEXT, FILTERED, INVALID = (
    AttemptOutcome.CONTEXT_TOO_LONG,
    AttemptOutcome.CONTENT_FILTERED,
    AttemptOutcome.INVALID_REQUEST,
)
OPERATORS, LIMITED = AttemptOutcome.AUTHENTICATION, AttemptOutcome.RATE_LIMITED
UNAVAILABLE, TIMEOUT = AttemptOutcome.UNAVAILABLE, AttemptOutcome.TIMEOUT


def error(message: str, **fields: JsonValue) -> JsonObject:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        # --- another model may take it: the context ---
        (400, error("too long", code="context_length_exceeded"), CONTEXT),  # OpenAI
        (400, error("prompt is too long: 210000 tokens > 200000 maximum", type="invalid_request_error"), CONTEXT),
        (
            400,
            error(  # DeepSeek: musistudio/claude-code-router#895
                "This model's maximum context length is 131072 tokens. However, you requested 131329 tokens "
                "(123137 in the messages, 8192 in the completion).",
                code="invalid_request_error",
            ),
            CONTEXT,
        ),
        (
            400,
            {  # vLLM: BerriAI/litellm#12680, PrimeIntellect-ai/nano-rlm#162, earendil-works/pi#5930
                "object": "error",
                "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
                "type": "BadRequestError",
                "code": 400,
            },
            CONTEXT,
        ),
        (
            400,
            error(  # Google
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).",
                status="INVALID_ARGUMENT",
                code=400,
            ),
            CONTEXT,
        ),
        (400, error("the request exceeds the available context size", type="exceed_context_size_error"), CONTEXT),
        (
            400,
            {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
            CONTEXT,  # Mistral
        ),
        (400, {"message": "Input is too long for requested model.", "__type": "ValidationException"}, CONTEXT),
        (400, {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]"}, CONTEXT),  # Qwen
        (
            400,
            {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"},
            CONTEXT,  # Cohere
        ),
        (
            413,
            error("Request too large for model on TPM: Limit 6000, Requested 9000", code="rate_limit_exceeded"),
            CONTEXT,
        ),
        (
            429,
            error("Request too large for gpt-4o on tokens per min (TPM): Limit 30000", code="rate_limit_exceeded"),
            CONTEXT,
        ),
        (413, {"type": "error", "error": {"type": "request_too_large", "message": "too big"}}, CONTEXT),  # Anthropic
        (413, b"<html><title>413 Request Entity Too Large</title></html>", CONTEXT),  # nginx
        # --- a filter ---
        (
            400,
            error(  # Azure OpenAI, "Content filtering"
                "The response was filtered",
                code="content_filter",
                status=400,
                innererror={"code": "ResponsibleAIPolicyViolation"},
            ),
            FILTERED,
        ),
        (400, error("The request was rejected because it was considered high risk", type="content_filter"), FILTERED),
        (400, {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}, FILTERED),
        (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}, FILTERED),
        (
            403,
            error(  # OpenRouter, "Errors and debugging"
                "Your input was flagged", code=403, metadata={"reasons": ["violence"], "provider_name": "OpenAI"}
            ),
            FILTERED,
        ),
        (400, error("Your request was rejected as a result of our safety system."), FILTERED),
        (403, error("Content violates usage guidelines."), FILTERED),  # xAI
        (451, b"", FILTERED),
        # --- a parameter, and any 4xx that nothing is known of ---
        (
            400,
            error(  # joryirving/home-ops#9318, BerriAI/litellm#34301
                "Unsupported value: 'temperature' does not support 0 with this model.",
                param="temperature",
                code="unsupported_value",
            ),
            INVALID,
        ),
        (
            422,
            {  # BerriAI/litellm#9583, editor-code-assistant/eca#231
                "object": "error",
                "message": {
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "max_completion_tokens"],
                            "msg": "Extra inputs are not permitted",
                        }
                    ]
                },
                "type": "invalid_request_error",
            },
            INVALID,
        ),
        (400, error("'messages.0' : property 'foo' is unsupported", type="invalid_request_error"), INVALID),  # Groq
        (400, error("max_tokens is too large: 10000. This model supports at most 4096 completion tokens"), INVALID),
        (400, error("Tool choice is not supported by this model"), INVALID),
        (404, error("No endpoints found that support tool use."), INVALID),
        (404, error("No such File object: file-abc", param="file_id"), INVALID),
        (403, b"<html><title>Attention Required! | Cloudflare</title></html>", INVALID),
        (418, b"I am a teapot", INVALID),
        (460, b"", INVALID),
        (501, b"Not Implemented", INVALID),
        # --- the operator's: key, credit, country, model, address ---
        (401, error("Incorrect API key provided: sk-ab***yz.", code="invalid_api_key"), OPERATORS),
        (402, error("Insufficient Balance", type="unknown_error", code="invalid_request_error"), OPERATORS),  # DeepSeek
        (
            403,
            error("Country, region, or territory not supported", code="unsupported_country_region_territory"),
            OPERATORS,
        ),
        (429, error("You exceeded your current quota", code="insufficient_quota"), OPERATORS),  # OpenAI
        (400, error("Your credit balance is too low to access the Anthropic API."), OPERATORS),
        (
            400,
            [error("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT")],
            OPERATORS,  # Google: coreply/coreply#18
        ),
        (400, error("User location is not supported for the API use.", status="FAILED_PRECONDITION"), OPERATORS),
        (404, error("The model `odd` does not exist", code="model_not_found"), OPERATORS),
        (404, {"error": "model 'x' not found"}, OPERATORS),  # Ollama
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}}, OPERATORS),
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, OPERATORS),
        (400, error("odd is not a valid model ID"), OPERATORS),  # OpenRouter
        (400, {"message": "Invalid model: odd", "type": "invalid_model"}, OPERATORS),  # Mistral
        (404, b"<html><title>404 Not Found</title></html>", OPERATORS),
        (404, {"detail": "Not Found"}, OPERATORS),
        (405, {"detail": "Method Not Allowed"}, OPERATORS),
        (404, b"404 page not found", OPERATORS),
        (404, b"Cannot POST /chat/completions", OPERATORS),
        (404, b"", OPERATORS),
        (404, {"error": {"message": "Invalid URL (POST /chat/completions)"}}, OPERATORS),  # OpenAI
        (307, b"", OPERATORS),
        (301, b"<html>moved</html>", OPERATORS),
        # --- what passes ---
        (
            429,
            [  # Google: RooCodeInc/Roo-Code#3883, coreply/coreply#18
                {
                    "error": {
                        "code": 429,
                        "message": "You exceeded your current quota, please check your plan and billing details.",
                        "status": "RESOURCE_EXHAUSTED",
                    }
                }
            ],
            LIMITED,
        ),
        (429, error("Rate limit reached for gpt-4.1 in organization org-x", code="rate_limit_exceeded"), LIMITED),
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, LIMITED),
        (429, b"", LIMITED),
        (400, {"__type": "com.amazon.coral#ThrottlingException", "message": "Too many requests"}, LIMITED),
        (408, error("Request timeout"), TIMEOUT),
        (504, b"<html><h1>Gateway Time-out</h1></html>", TIMEOUT),
        (524, b"error code: 524", TIMEOUT),  # Cloudflare
        (409, error("Conflict"), UNAVAILABLE),  # openai-python retries it
        (424, error("Failed dependency"), UNAVAILABLE),
        (425, b"Too Early", UNAVAILABLE),
        (498, error("Flex tier capacity exceeded", type="server_error", code="capacity_exceeded"), UNAVAILABLE),  # Groq
        (499, b"", UNAVAILABLE),
        (500, error("The server had an error"), UNAVAILABLE),
        (502, b"<html><title>502 Bad Gateway</title></html>", UNAVAILABLE),
        (503, {"error": {"message": "The model is overloaded.", "status": "UNAVAILABLE", "code": 503}}, UNAVAILABLE),
        (520, b"<html>Web server is returning an unknown error</html>", UNAVAILABLE),  # Cloudflare
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, UNAVAILABLE),
        (599, b"", UNAVAILABLE),
        # --- gateways that say the one with the status of another ---
        (500, error("insufficient balance"), OPERATORS),
        (503, error("rate limit exceeded, slow down"), LIMITED),
        (
            400,
            error("Provider returned error", metadata={"raw": '{"error": {"code": "rate_limit_exceeded"}}'}),
            LIMITED,
        ),
    ],
)
def test_an_error_has_its_outcome(status: int, body: object, outcome: AttemptOutcome) -> None:
    failure = failure_of(body, status)
    assert (failure.category, failure.status_code) == (outcome, status), failure
    assert not failure.is_final
    assert failure.detail.startswith(f"HTTP {status}: ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no"}}, "no"),
        ({"error": "no"}, "no"),
        ([{"error": {"message": "no"}}], "no"),
        ({"message": "no"}, "no"),
        ({"detail": "no"}, "no"),
        ({"detail": [{"loc": ["body", "n"], "msg": "no", "type": "x"}]}, "body.n: no"),
        ({"errors": [{"message": "no"}, {"message": "never"}]}, "no; never"),
        ({"title": "Bad Request", "detail": "no", "status": 400}, "no; Bad Request"),  # RFC 9457
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "no"}}}, "Provider returned error; no"),
        ({"error": {"message": '{"error": {"message": "no"}}'}}, "no"),
        ({"base_resp": {"status_code": 1008, "status_msg": "no"}}, "no"),  # MiniMax
        ({"error": {"code": "quiet"}}, "quiet"),
        (b"no", "no"),
        (b"<html><title>no</title></html>", "an HTML page: no"),
        (b"<html></html>", "an HTML page"),
        (b"\xff\xfeno", "\u6f6e"),
        (b"", "the provider says no more"),
        (b"{}", "the provider says no more"),
        (b"null", "the provider says no more"),
        (b"[]", "the provider says no more"),
        ({"error": None}, "the provider says no more"),
        ({"error": {"message": "no", "details": [{"detail": "no"}]}}, "no"),
    ],
)
def test_the_caller_gets_the_providers_sentence_whatever_form_it_has(body: object, said: str) -> None:
    assert failure_of(body, 500).detail == f"HTTP 500: {said}"


def test_what_a_provider_says_is_shortened() -> None:
    assert len(failure_of(error("word " * 5000), 500).detail) == DETAIL_CHARS


def test_what_is_wrong_whichever_model_is_asked_ends_the_request() -> None:
    failure = failure_of(
        error(
            "Invalid type for 'messages[1].tool_calls': expected an array of objects, but got null instead.",
            param="messages[1].tool_calls",
            code="invalid_type",
        ),
        400,
    )
    assert (failure.category, failure.is_final, failure.disposition.next) == (INVALID, True, Next.STOP)
    # a dialect that Turnout translates into: what is wrong there is the translation
    row = row_of(cast("DialectName", "another"), 400, ErrorBody("no", frozenset({"invalid_type"})))
    assert row is not None
    assert (row.outcome, row.is_final) == (INVALID, False)


@pytest.mark.parametrize(
    "said",
    [
        "invalid api key",
        "insufficient balance",
        "model x does not exist",
        "rate limit: try again in 299s",
        "overloaded",
    ],
)
@pytest.mark.parametrize("form", ["Invalid value: '{}'.", '{} in quotes: "{}"', "bad `x` {} `y` here", "'a' {} 'b'"])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_a_provider_repeats_of_a_request_is_not_held_against_the_model(said: str, form: str, status: int) -> None:
    failure = failure_of(error(form.format("x" if form.startswith("{}") else said, said), code="invalid_value"), status)
    assert failure.disposition.blame is Blame.NONE
    assert failure.retry_after_s is None
    assert said in failure.detail


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 503, 529])
def test_an_error_of_a_provider_that_is_known_is_not_charged(status: int) -> None:
    for provider in ("openai", "anthropic", "google", "deepseek"):
        assert charge_by(provider, status) is Charge.FREE


@pytest.mark.parametrize("status", [408, 499, 502, 504, 520, 524])
def test_an_error_behind_which_a_model_may_have_run_may_be_charged(status: int) -> None:
    for provider in ("openai", "anthropic", "google", "deepseek", "acme"):
        assert charge_by(provider, status) is Charge.UNKNOWN


@pytest.mark.parametrize("status", [400, 422, 500, 503, 529])
def test_what_a_provider_without_rows_charges_is_not_known(status: int) -> None:
    assert charge_by("acme", status) is Charge.UNKNOWN


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 429])
def test_a_call_that_was_turned_away_is_charged_by_no_provider(status: int) -> None:
    assert charge_by("acme", status) is Charge.FREE


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_without_a_readable_body_may_be_somebody_elses(status: int) -> None:
    for body in (b"", b"no healthy upstream", b"<html><title>503</title></html>"):
        assert charge_by("openai", status, body) is Charge.UNKNOWN


def test_an_own_row_goes_before_the_table_in_the_order_of_the_catalogue() -> None:
    own = (
        ChargeRow(Charge.CHARGED, "mine", outcomes=frozenset({AttemptOutcome.CONTENT_FILTERED})),
        ChargeRow(Charge.FREE, "mine", statuses=frozenset({400, 502})),
    )
    assert charge_by("acme", 400, error("no", code="content_filter"), own) is Charge.CHARGED
    assert charge_by("acme", 502, b"", own) is Charge.FREE
    assert charge_by("acme", 500, error("no"), own) is Charge.UNKNOWN


def test_a_prompt_that_was_filtered_may_be_charged_whatever_the_status() -> None:
    for status in (400, 403):
        assert charge_by("openai", status, error("no", code="content_filter")) is Charge.UNKNOWN


def charge_by(provider: str, status: int, body: object = None, own: tuple[ChargeRow, ...] = ()) -> Charge:
    content = body if isinstance(body, bytes) else orjson.dumps(error("no") if body is None else body)
    failure = OutcomeReader(charges=charge_rules(provider, own)).from_reply(Reply(status, {}, content), 0.0)
    assert isinstance(failure, UpstreamFailure)
    return failure.charge


def test_a_redirect_says_where_to() -> None:
    failure = failure_of(b"", 307, location="https://x.example/v1/chat/completions")
    assert failure.detail == (
        "HTTP 307: it redirects to https://x.example/v1/chat/completions; base_url is to be mended"
    )
    assert failure.disposition.next is Next.LEAVE_MODEL


# --- HTTP 200 with an error in it ---


@pytest.mark.parametrize(
    ("body", "outcome", "status"),
    [
        ({"error": {"message": "Insufficient credits", "code": 402}}, OPERATORS, 402),  # SWE-agent/mini-swe-agent#902
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, LIMITED, 429),
        ({"error": {"message": "Overloaded", "code": 503}, "id": "x"}, UNAVAILABLE, 503),
        ({"error": "model 'x' not found"}, OPERATORS, 200),
        ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, OPERATORS, 200),
        ({"code": "1113", "msg": "account in arrears", "success": False}, OPERATORS, 200),
    ],
)
def test_a_success_that_holds_an_error_is_that_error_and_not_charged(
    body: object, outcome: AttemptOutcome, status: int
) -> None:
    failure = failure_of(body)
    assert (failure.category, failure.status_code, failure.maybe_charged) == (outcome, status, False)
    assert failure.detail.startswith("HTTP 200 with an error in it: ")


def test_a_success_that_cannot_be_used_may_be_charged_unless_it_was_turned_away() -> None:
    failure = failure_of({"choices": [], "error": {"message": "maximum context length is 4096"}})
    assert (failure.category, failure.charge) == (CONTEXT, Charge.UNKNOWN)


def test_a_success_that_holds_an_error_nobody_knows_is_malformed_and_says_what_it_said() -> None:
    failure = failure_of({"error": {"message": "the moon is full"}})
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.MALFORMED, True)
    assert failure.detail == "choices: missing: the moon is full"


@pytest.mark.parametrize(
    ("choice", "outcome"),
    [
        # OpenRouter, "Errors and debugging"
        ({"finish_reason": "error", "error": {"code": 502, "message": "Upstream went away"}}, UNAVAILABLE),
        ({"finish_reason": "error", "error": {"code": 429, "message": "slow down"}}, LIMITED),
        ({"finish_reason": "error"}, UNAVAILABLE),
        ({"finish_reason": "insufficient_system_resource"}, UNAVAILABLE),  # DeepSeek
        ({"finish_reason": "stop", "error": {"message": "the moon is full"}}, UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("content", ["", None, "half an ans"])
def test_a_choice_that_broke_off_is_no_answer_and_its_usage_is_billed(
    choice: JsonObject, outcome: AttemptOutcome, content: str | None
) -> None:
    body = completion({"role": "assistant", "content": content}, **choice)
    failure = failure_of(body)
    assert (failure.category, failure.maybe_charged) == (outcome, True)
    assert failure.usage is not None
    assert failure_of({**body, "usage": None}).usage is None


def test_an_error_beside_an_answer_does_not_take_the_answer_away() -> None:
    body = completion(top={"error": None, "warning": "deprecated"})
    assert not isinstance(failure_or_answer(body), AttemptOutcome)


def failure_or_answer(body: JsonObject) -> object:
    outcome = OutcomeReader().from_reply(Reply(200, {}, httpx.Response(200, json=body).content), 0.0)
    return getattr(outcome, "category", outcome)


# --- the table itself ---


def test_every_row_has_a_source_and_can_be_reached() -> None:
    assert all(row.source for row in ROWS)
    for row in ROWS:
        code = next(iter(row.codes), "")
        status = min(row.statuses, default=418)
        first = row_of(next(iter(row.dialects), DialectName.CHAT), status, ErrorBody("", frozenset({code})))
        assert first is row or row.words is not None or status in {400, 500}, row


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_that_is_no_success_has_a_row(status: int) -> None:
    assert row_of(DialectName.CHAT, status, ErrorBody("", frozenset())) is not None


def test_an_error_without_end_is_read_as_far_as_it_is_an_error() -> None:
    deep: JsonValue = {"message": "deep"}
    for _ in range(200):
        deep = {"error": deep}
    assert read_error(deep).text == ""
    assert len(read_error([{"message": f"m{number}"} for number in range(10_000)]).text) <= 2000


# --- what the transport says ---


@pytest.mark.parametrize("exception", [httpx.ConnectError("refused"), httpx.ConnectTimeout("late")])
def test_what_was_never_sent_was_never_charged(exception: httpx.RequestError) -> None:
    failure = OutcomeReader(charges=charge_rules("acme")).from_exception(exception)
    assert (failure.category, failure.charge) == (AttemptOutcome.UNREACHABLE, Charge.FREE)


def test_every_error_of_the_transport_has_its_outcome_and_none_repeats_the_address() -> None:
    assert ERROR_OUTCOMES[-1][0] is httpx.RequestError
    failure = OutcomeReader().from_exception(httpx.ReadError("secret.example refused", request=None))
    assert (failure.category, failure.detail) == (AttemptOutcome.DISCONNECTED, "ReadError")
    assert failure.maybe_charged


def test_a_timeout_says_how_long_it_was_and_whose_it_was() -> None:
    own = OutcomeReader().from_exception(httpx.ReadTimeout("late"), 20.0)
    assert (own.detail, own.disposition.blame) == ("no whole answer in 20 s", Blame.MODEL)
    assert own.maybe_charged
    cut = OutcomeReader().from_exception(httpx.ReadTimeout("late"), 0.06, is_cut_short=True)
    assert cut.detail == "no whole answer in 0.06 s, all that the request's deadline left"
    assert cut.disposition.blame is Blame.NONE
    refused = OutcomeReader().from_exception(httpx.ConnectTimeout("late"), 0.06, is_cut_short=True)
    assert not refused.is_cut_short


def test_no_key_comes_back_in_an_error() -> None:
    reader = OutcomeReader(Scrubber(["secretly-yours"]))
    reply = Reply(401, {}, b'{"error": {"message": "bad key secretly-yours, sk-proj-abcdef123456 or Bearer abcdef12"}}')
    failure = reader.from_reply(reply, 0.0)
    assert getattr(failure, "detail", None) == "HTTP 401: bad key [secret], [secret] or [secret]"


def test_a_key_is_not_spared_by_where_the_sentence_is_cut() -> None:
    key = "k" * 40
    reader = OutcomeReader(Scrubber([key]))
    for length in range(DETAIL_CHARS - 60, DETAIL_CHARS + 5):
        reply = Reply(400, {}, b'{"error": "' + b"x" * length + b" " + key.encode() + b'"}')
        assert "kk" not in getattr(reader.from_reply(reply, 0.0), "detail", "kk")


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503, 504])
@pytest.mark.parametrize(
    "usage", [{"usage": USAGE}, {"usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 110}}]
)
def test_an_error_that_tells_its_usage_is_billed_by_it(status: int, usage: JsonObject) -> None:
    told = failure_of({"error": {"message": "The server had an error"}, **usage}, status).usage
    assert told is not None
    assert (told.input_tokens, told.output_tokens) == (100, 10)


@pytest.mark.parametrize(
    "body", [{"error": "no"}, {"error": "no", "usage": {"prompt_tokens": 0, "completion_tokens": 0}}, ["no"], b"no"]
)
def test_an_error_that_tells_no_usage_has_none(body: object) -> None:
    assert failure_of(body, 500).usage is None


def test_an_answer_that_is_too_large_is_not_held_against_its_model() -> None:
    failure = OutcomeReader().from_reply(Reply(200, {}, b'{"choices": [', is_cut=True), 0.0)
    assert isinstance(failure, UpstreamFailure)
    assert (failure.category, failure.disposition) == (
        AttemptOutcome.ANSWER_TOO_LARGE,
        Disposition(Next.LEAVE_MODEL, Blame.NONE),
    )
    assert failure.maybe_charged
    assert "13 bytes that are read; ask for less: lower max_tokens or top_logprobs" in failure.detail
    refused = OutcomeReader().from_reply(Reply(503, {}, b'{"error": "' + b"x" * 100, is_cut=True), 0.0)
    assert isinstance(refused, UpstreamFailure)
    assert refused.category is AttemptOutcome.UNAVAILABLE
