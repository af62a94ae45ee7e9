"""What a provider's error means: one table from dialect, status, code and words to an outcome, with a source a row.

The first row that fits decides. Three kinds are told apart (`router.errors`): what the operator has to mend, what
another model may take, and what passes. A 4xx that no row knows leaves the model, and another one is asked; only what
is certainly the request's own fault ends it.

Where an outcome is held against the model, words count only outside of quotation marks: within them a provider repeats
the request, and no request may speak against a model.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from router.dialects.wire import DialectName
from router.errors import DISPOSITIONS, Blame
from schemas.vocabulary import AttemptOutcome
from streams.providers.error_body import ErrorBody

UNTRANSLATED = frozenset({DialectName.CHAT, DialectName.AZURE})
"""Dialects in which a request's own fields reach the provider as they came."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. What is None or empty fits anything."""

    outcome: AttemptOutcome
    source: str
    codes: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()
    dialects: frozenset[DialectName] = frozenset()
    is_final: bool = False
    """No model will take the request."""

    def fits(self, dialect: DialectName, status: int, error: ErrorBody) -> bool:
        """Say whether the error is one of this row."""
        return (
            (not self.dialects or dialect in self.dialects)
            and (not self.statuses or status in self.statuses)
            and (not self.codes or not self.codes.isdisjoint(error.codes))
            and (self.words is None or self.words.search(self._heard(error)) is not None)
        )

    def _heard(self, error: ErrorBody) -> str:
        return error.text if DISPOSITIONS[self.outcome].blame is Blame.NONE else error.own_words


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


_CLIENT_ERRORS = frozenset({*range(200, 300), *range(400, 500)} - {401, 402, 403, 429})
"""Errors that speak of the request; HTTP 2xx with an error inside is one of them."""
_REFUSALS = frozenset({*range(200, 300), *range(400, 500)} - {401, 402, 429})
_NOT_FOUND = frozenset({*range(200, 300), 400, 403, 404, 410, 422, 500, 503})
_SUCCESSES = frozenset(range(200, 300))
_IN_A_NAME = r"(?:[^.;]|\.(?=\S))"
"""A letter of a sentence that names a model: names have dots in them, and a dot before a space ends the sentence."""

_TOO_LONG, _FILTERED = AttemptOutcome.CONTEXT_TOO_LONG, AttemptOutcome.CONTENT_FILTERED
_OPERATORS, _LIMITED = AttemptOutcome.AUTHENTICATION, AttemptOutcome.RATE_LIMITED
_UNAVAILABLE, _TIMEOUT, _INVALID = AttemptOutcome.UNAVAILABLE, AttemptOutcome.TIMEOUT, AttemptOutcome.INVALID_REQUEST

ROWS: tuple[Row, ...] = (
    # A limit of tokens a minute that is smaller than the request is no limit to wait for.
    Row(_TOO_LONG, "OpenAI, Groq: tokens per minute", words=_words(r"request too large\b")),
    Row(
        _INVALID,
        "OpenAI, error codes: what is wrong whichever model is asked",
        codes=_codes("invalid_type missing_required_parameter empty_array invalid_image image_parse_error"),
        statuses=frozenset({400, 422}),
        dialects=UNTRANSLATED,
        is_final=True,
    ),
    Row(
        _TOO_LONG,
        "OpenAI; GitHub Models; Anthropic; llama.cpp; Google; Zhipu 1261",
        codes=_codes(
            "context_length_exceeded string_above_max_length model_max_prompt_tokens_exceeded tokens_limit_reached "
            "request_too_large exceed_context_size_error context_window_exceeded input_too_long 1261"
        ),
    ),
    Row(
        _FILTERED,
        "OpenAI, Azure, Moonshot; DashScope; Zhipu 1301; Volcengine",
        codes=_codes(
            "content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed "
            "datainspectionfailed moderation_blocked content_blocked prohibited_content safety 1301 "
            "sensitivecontentdetected inputtextsensitivecontentdetected inputimagesensitivecontentdetected "
            "outputtextsensitivecontentdetected"
        ),
    ),
    Row(
        _LIMITED,
        "DashScope: tokens a minute, by the code of a quota that is used up",
        words=_words(r"allocated quota exceeded"),
        statuses=frozenset({HTTPStatus.TOO_MANY_REQUESTS}),
    ),
    Row(
        _OPERATORS,
        "OpenAI; Anthropic; Google; Moonshot; DashScope; Volcengine; Azure; Zhipu 1113; LiteLLM",
        codes=_codes(
            "invalid_api_key insufficient_quota account_deactivated billing_not_active billing_hard_limit_reached "
            "unsupported_country_region_territory authentication_error permission_error billing_error unauthenticated "
            "permission_denied api_key_invalid invalid_authentication_error incorrect_api_key_error "
            "exceeded_current_quota_error insufficient_balance insufficient_user_quota insufficient_credits arrearage "
            "accountoverdueerror invalidapikey invalid_organization organization_restricted ip_not_authorized "
            "accessdeniedexception unrecognizedclientexception budget_exceeded 1113"
        ),
    ),
    Row(
        _OPERATORS,
        "OpenAI, Groq, Mistral; Azure; Hugging Face; Moonshot; Volcengine; Zhipu 1211: a model that the provider does "
        "not have, or not for this key",
        codes=_codes(
            "model_not_found deploymentnotfound invalid_model model_not_available model_decommissioned "
            "model_not_supported model_terms_required modelnotopen operationnotsupported unknown_model "
            "resource_not_found_error endpoint_not_found 1211"
        ),
    ),
    Row(
        _LIMITED,
        "OpenAI; Anthropic; Google; Moonshot; DashScope; Bedrock; Zhipu 1302, 1303, 1305",
        codes=_codes(
            "rate_limit_exceeded rate_limit_error rate_limit_reached_error resource_exhausted too_many_requests "
            "requests_limit_exceeded throttling throttling.ratequota throttling.allocationquota throttlingexception "
            "limit_requests limit_burst_rate 1302 1303 1305"
        ),
    ),
    Row(
        _UNAVAILABLE,
        "Anthropic; Moonshot; Groq; Google; Bedrock",
        codes=_codes(
            "overloaded_error engine_overloaded_error capacity_exceeded unavailable modelnotreadyexception "
            "serviceunavailableexception service_unavailable overloaded"
        ),
    ),
    Row(
        _UNAVAILABLE,
        "Groq: what the model wrote is no call and no JSON, and with another try it may be",
        codes=_codes("tool_use_failed json_validate_failed output_parse_failed"),
    ),
    # MiniMax answers 200 whatever happens, by codes that elsewhere mean something else: Zhipu's 1002 is a wrong key.
    Row(_FILTERED, "MiniMax, error codes: 1026, 1027", codes=_codes("1026 1027"), statuses=_SUCCESSES),
    Row(_OPERATORS, "MiniMax, error codes: 1004, 1008, 2049", codes=_codes("1004 1008 2049"), statuses=_SUCCESSES),
    Row(_LIMITED, "MiniMax, error codes: 1002, 1039, 2056", codes=_codes("1002 1039 2056"), statuses=_SUCCESSES),
    Row(_TIMEOUT, "MiniMax, error codes: 1001", codes=_codes("1001"), statuses=_SUCCESSES),
    Row(_INVALID, "MiniMax, error codes: 2013", codes=_codes("2013"), statuses=_SUCCESSES),
    Row(_UNAVAILABLE, "MiniMax, error codes: 1000, 1013", codes=_codes("1000 1013"), statuses=_SUCCESSES),
    Row(
        _TOO_LONG,
        "vLLM, SGLang, TGI, LM Studio, llama.cpp, DeepSeek, Anthropic, Mistral, Google, Bedrock, Qwen, Cohere, xAI: "
        "the sentence",
        words=_words(
            r"(maximum|max|model'?s?|available) (context|prompt|model|sequence) (length|size|window)",
            r"context[ _]?(length|window|size).{0,60}exceed|context ?window ?exceeded",
            r"exceed\w*.{0,60}(context|maximum number of (input )?tokens|token limit"
            r"|max\w* (allowed |input |message |prompt )*(length|tokens))",
            r"(longer|greater|larger) than the (model'?s )?(maximum |context )",
            r"context length of (only )?\d",
            r"(\binputs\b|\bprompt_?\w*).{0,60}must (be|have) (<|less|smaller|at most|fewer)",
            r"max_tokens must be at least 1, got -",
            r"(prompt|input|inputs|messages?|request|conversation)( tokens?| length)?( (is|are))? too (long|large)",
            r"payload size exceeds|超长|长度超过",
            r"too many (input |total )?tokens",
            r"(token count|number of (input )?tokens).{0,80}exceed",
            r"range of input length should be",
            r"reduce the length",
        ),
        statuses=_CLIENT_ERRORS | {500},
    ),
    Row(
        _FILTERED,
        "Azure, Moonshot, OpenRouter, Google, xAI, DeepSeek, LiteLLM: the sentence",
        words=_words(
            r"content ?(management |safety |usage )?polic",
            r"content exists risk|guardrail\w*.{0,40}(fail|violat|interven|block)",
            r"审核不通过|敏感内容|涉嫌违规",
            r"content.?filter",
            r"safety (system|filter|reason|setting|check|guideline)",
            r"considered high risk",
            r"inappropriate content",
            r"(input|prompt|content|request|message)s? (was|were|ha(s|ve) been|is|are) (flagged|filtered|moderated)",
            r"violat\w+.{0,60}(usage|acceptable use|polic|guideline)",
            r"(unsafe|sensitive|harmful|prohibited) (content|word|material|information)",
            r"blocked (by|due to).{0,40}(safety|polic|filter|moderation|guardrail)",
        ),
        statuses=_REFUSALS,
    ),
    Row(
        _OPERATORS,
        "DeepSeek, Anthropic, OpenRouter, Moonshot, LiteLLM: no credit",
        words=_words(
            r"(insufficient|not enough|out of|low|no|negative) (account )?(balance|credit|quota|fund)",
            r"credit balance is too low",
            r"(requires?|need) more credits",
            r"exceeded your current quota",
            r"payment (is )?required|billing (hard limit|is not active|has not been)",
            r"\b(account|organization|workspace|project).{0,40}(suspended|deactivated|disabled|overdue|arrear)",
            r"\bspend(ing)? limit|\b(api|workspace) usage limit",
            r"budget has been exceeded|exceeded budget|over budget|余额不足|欠费",
        ),
    ),
    Row(
        _OPERATORS,
        "Google, Mistral, Cohere, Together: the key",
        words=_words(
            r"(api|access|auth\w*|secret|subscription)[ _-]?(key|token|credential)s?\b.{0,60}"
            r"(not valid|invalid|incorrect|missing|required|expired|not found|revoked|disabled|leaked|suspended)",
            r"(invalid|incorrect|missing|expired|wrong|no|bad) (api|access|auth\w*|subscription)[ _-]?"
            r"(key|token|credential|header)",
            r"authentication (failed|fails|error)|\bunauthori[sz]ed\b|not authenticated|无效的令牌|令牌已过期",
        ),
    ),
    Row(
        _OPERATORS,
        "OpenAI, Google: the country",
        words=_words(
            r"(country|region|territory|location)\b.{0,60}not (supported|available|allowed)",
            r"not (supported|available|allowed) in your (country|region|territory|location)",
        ),
    ),
    Row(
        _INVALID,
        "OpenRouter: no endpoint of the model takes a parameter",
        words=_words(r"no endpoints found (that|matching)(?! your)|does not support"),
        statuses=frozenset({404}),
    ),
    Row(
        _INVALID,
        "Cloudflare, WAFs: a page that may be for what the request says",
        words=_words(r"an html page"),
        statuses=frozenset({403}),
    ),
    Row(
        _OPERATORS,
        "OpenAI, Ollama, LM Studio, Anthropic, Google, OpenRouter, vLLM, Together, Bedrock, one-api: a model that the "
        "provider does not have",
        words=_words(
            rf"\bmodels?\b{_IN_A_NAME}{{0,120}}(not found|does ?n[o']t exist|not exist|no longer|not available|"
            r"unavailable to you|not have access|decommissioned|deprecated|"
            r"has been (shut|retired|removed)|on-demand throughput|not been submitted|end of (its )?life|as legacy)",
            r"\bnot found the model|\bno models? loaded|not activated the model|requested model is not supported",
            r"not a chat model|model is only supported in v1/",
            r"could not resolve the foundation model|not servable in region|^operation not allowed\W*$",
            r"模型不存在|无可用渠道",
            r"(no such|unknown|invalid|unsupported|nonexistent|unavailable) model\b(?! (input|parameter|output))",
            r"not a valid model|model identifier is invalid",
            r"no endpoints found for",
            r"(deployment|endpoint).{0,60}(not exist|not found)",
            r"^function\s+; not found",  # NVIDIA: which one stands in quotation marks
            r"no endpoints (found|available) matching your|no allowed providers",
            r"^model: ",
        ),
        statuses=_NOT_FOUND,
    ),
    Row(
        _LIMITED,
        "one-api, gateways: a limit, said with another status",
        words=_words(
            r"rate.?limit\w*|too many requests|requests? per (minute|second|day)|\bquota exceeded|请求过于频繁|请求过多"
        ),
        statuses=frozenset({*range(200, 300), 400, 403, 503}),
    ),
    Row(
        _UNAVAILABLE,
        "Google, OpenRouter, gateways: what passes, said with another status",
        words=_words(
            r"overloaded|(try|retry) again later|temporarily (unavailable|unable)|degraded function",
            r"upstream (error|went away|timed? ?out)|^(internal server error|service unavailable|bad gateway)\W*$",
        ),
        statuses=frozenset({*range(200, 300), 400, 404}),
    ),
    Row(
        _TIMEOUT,
        "gateways: a timeout, said with 200",
        words=_words(r"\btime(d |-)?out\b|\btimed out\b"),
        statuses=_SUCCESSES,
    ),
    Row(
        _OPERATORS,
        "Cloudflare: an account that is not there, so the base_url is wrong",
        words=_words(r"^could not route to"),
        statuses=frozenset({400}),
    ),
    Row(
        _INVALID,
        "llama.cpp: what it was not started for, said with 500",
        words=_words(r"(image|audio|file) input is not supported|unsupported content part type|requires --jinja"),
        statuses=frozenset({500}),
    ),
    Row(
        _OPERATORS,
        "LM Studio: 200 for a path that it does not have, so the base_url is wrong",
        words=_words(r"^unexpected endpoint or method"),
        statuses=_SUCCESSES,
    ),
    Row(
        _UNAVAILABLE,
        "Anthropic, OpenAI: an error of the server, said with 200",
        codes=_codes("api_error server_error internal_error internal_server_error"),
        statuses=_SUCCESSES,
    ),
    Row(
        _INVALID,
        "OpenAI, Anthropic: a refusal, said with 200",
        codes=_codes("invalid_request_error"),
        statuses=_SUCCESSES,
    ),
    Row(_OPERATORS, "RFC 9110: key, credit, access", statuses=frozenset({401, 402, 403, 407})),
    Row(
        _OPERATORS,
        "nginx, FastAPI, Express, OpenAI, Azure: nothing is there, so the base_url is wrong",
        words=_words(
            r"^(404 |error )?(page |resource |route )?not found\W*$|^$|an html page|cannot post|no (matching )?route",
            r"invalid url|unknown path|api version not supported|unexpected endpoint or method",
        ),
        statuses=frozenset({404, 410}),
    ),
    Row(_OPERATORS, "RFC 9110: the base_url is wrong", statuses=frozenset({405})),
    Row(_OPERATORS, "RFC 9110: it is elsewhere, so the base_url is wrong", statuses=frozenset(range(300, 400))),
    Row(_TIMEOUT, "RFC 9110; Cloudflare 524", statuses=frozenset({408, 504, 524})),
    Row(_TOO_LONG, "RFC 9110", statuses=frozenset({413})),
    Row(_LIMITED, "RFC 6585", statuses=frozenset({HTTPStatus.TOO_MANY_REQUESTS})),
    Row(_UNAVAILABLE, "nginx 499: it gave the call up, having had it", statuses=frozenset({499})),
    Row(
        _UNAVAILABLE,
        "openai-python retries 409; RFC 9110 and 8470: 423 to 425; Groq 498",
        statuses=frozenset({409, 423, 424, 425, 498}),
    ),
    Row(_FILTERED, "RFC 7725", statuses=frozenset({451})),
    Row(_INVALID, "RFC 9110: what is asked for is not offered", statuses=frozenset({501})),
    Row(_INVALID, "any other 4xx: another model may take it", statuses=frozenset(range(400, 500))),
    Row(_UNAVAILABLE, "any other 5xx; Cloudflare 520 to 527; Anthropic 529", statuses=frozenset(range(500, 1000))),
)


def row_of(dialect: DialectName, status: int, error: ErrorBody) -> Row | None:
    """Return the row for an error, or None if no row fits: a 2xx that holds none of the errors that are known."""
    return next((row for row in ROWS if row.fits(dialect, status, error)), None)


def is_success(status: int) -> bool:
    """Say whether the HTTP status promises an answer."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
