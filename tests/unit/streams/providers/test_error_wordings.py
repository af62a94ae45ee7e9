"""Errors in the words and codes of one vendor each, as they are reported, with where: what they mean, and no other."""

import pytest
from pydantic import JsonValue

from schemas.vocabulary import AttemptOutcome
from tests.unit.streams.providers.replies import failure_of

CONTEXT, FILTERED = AttemptOutcome.CONTEXT_TOO_LONG, AttemptOutcome.CONTENT_FILTERED
OPERATORS, LIMITED = AttemptOutcome.AUTHENTICATION, AttemptOutcome.RATE_LIMITED
UNAVAILABLE, INVALID = AttemptOutcome.UNAVAILABLE, AttemptOutcome.INVALID_REQUEST
TIMEOUT = AttemptOutcome.TIMEOUT


def error(message: str, **fields: JsonValue) -> JsonValue:
    return {"error": {"message": message, **fields}}


def base_resp(code: int, message: str) -> JsonValue:
    return {"choices": None, "base_resp": {"status_code": code, "status_msg": message}}


REPORTED: list[tuple[str, int, JsonValue, AttemptOutcome]] = [
    # --- what is asked does not fit the model ---
    (
        "xAI: cline/cline#3120",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
        },
        CONTEXT,
    ),
    (
        "TGI: huggingface/llm-vscode#94",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474 `inputs` "
            "tokens and 60 `max_new_tokens`",
            "error_type": "validation",
        },
        CONTEXT,
    ),
    (
        "TGI: huggingface/text-generation-inference#695",
        422,
        {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 1168"},
        CONTEXT,
    ),
    (
        "LM Studio: lmstudio-ai/lmstudio-bug-tracker#546",
        400,
        {
            "error": "Trying to keep the first 111490 tokens when context the overflows. However, the model is loaded "
            "with context length of only 32768 tokens, which is not enough."
        },
        CONTEXT,
    ),
    (
        "LM Studio: Gitlawb/openclaude#353",
        400,
        {
            "error": "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: "
            "13055>= n_ctx: 4096). Try to load the model with a larger context length, or provide a shorter input."
        },
        CONTEXT,
    ),
    (
        "vLLM: xorbitsai/inference#3785",
        400,
        error("The decoder prompt (length 21535) is longer than the maximum model length of 16384."),
        CONTEXT,
    ),
    (
        "vLLM behind a gateway: langchain-ai/deepagents#468",
        500,
        {"detail": "[pid=1065] The decoder prompt (length 66501) is longer than the maximum model length of 65536."},
        CONTEXT,
    ),
    (
        "vLLM, a prompt that leaves less than nothing for the answer",
        400,
        {"object": "error", "message": "max_tokens must be at least 1, got -200.", "type": "BadRequestError"},
        CONTEXT,
    ),
    (
        "SGLang: sgl-project/sglang#4048",
        400,
        {"message": "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).", "code": 400},
        CONTEXT,
    ),
    (
        "SiliconFlow: langgenius/dify#19394",
        400,
        {"code": 20015, "message": "length of prompt_tokens (57535) must be less than max_seq_len (32768)."},
        CONTEXT,
    ),
    (
        "Volcengine, error codes",
        400,
        error("Total tokens of image and text exceed max message tokens.", code="InvalidParameter"),
        CONTEXT,
    ),
    ("Zhipu, error codes", 400, error("Prompt 超长", code="1261"), CONTEXT),
    ("LiteLLM, exceptions", 400, error("litellm.ContextWindowExceededError: AnthropicException", code="400"), CONTEXT),
    (
        "Google: Gemini API, a request of more than 20 MB",
        400,
        error("Request payload size exceeds the limit: 20971520 bytes.", status="INVALID_ARGUMENT"),
        CONTEXT,
    ),
    ("Baidu, Qianfan, error codes", 400, error("Prompt tokens too long", code="tokens_too_long"), CONTEXT),
    ("gateways in Chinese", 400, error("输入长度超过最大限制"), CONTEXT),
    # --- a filter ---
    (
        "Portkey, guardrails: status 446",
        446,
        error("The guardrail checks defined in the config failed.", type="hooks_failed"),
        FILTERED,
    ),
    ("iFLYTEK Spark, error codes: 10013", 400, error("输入内容审核不通过", code="10013"), FILTERED),
    ("gateways in Chinese", 400, error("您的输入包含敏感内容"), FILTERED),
    (
        "DeepSeek: 666ghj/BettaFish#108, esengine/DeepSeek-Reasonix#6321",
        400,
        error("Content Exists Risk", type="invalid_request_error", code="invalid_request_error"),
        FILTERED,
    ),
    ("DeepSeek: deepseek-ai/DeepSeek-V2#30", 400, {"detail": "Content Exists Risk"}, FILTERED),
    (
        "Volcengine, error codes",
        400,
        error(
            "The request failed because the input text may contain sensitive information.",
            code="InputTextSensitiveContentDetected",
        ),
        FILTERED,
    ),
    ("LiteLLM, exceptions", 400, error("litellm.ContentPolicyViolationError: OpenAIException"), FILTERED),
    # --- the operator's: credit and access ---
    (
        "Anthropic: anthropics/claude-code#2127, #38035",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "You have reached your specified API usage limits. You will regain access on 2026-04-01 at "
                "00:00 UTC.",
            },
        },
        OPERATORS,
    ),
    (
        "Anthropic: anthropics/claude-code#19028, CherryHQ/cherry-studio#3340",
        400,
        error("This organization has been disabled.", type="invalid_request_error"),
        OPERATORS,
    ),
    (
        "LiteLLM: BerriAI/litellm#14144",
        400,
        error("Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", type="budget_exceeded", code="400"),
        OPERATORS,
    ),
    (
        "LiteLLM: BerriAI/litellm#14144",
        429,
        error("No deployments available - crossed budget: Exceeded budget for deployment model_name: x"),
        OPERATORS,
    ),
    ("one-api, in Chinese", 400, error("账户余额不足"), OPERATORS),
    ("new-api, in Chinese", 200, error("无效的令牌", type="new_api_error"), OPERATORS),
    # --- the operator's: a model that the provider does not have, or not for this key ---
    (
        "Bedrock: an account that may not call the model",
        400,
        {"message": "Operation not allowed"},
        OPERATORS,
    ),
    (
        "Bedrock, troubleshooting",
        404,
        {"message": "Could not resolve the foundation model from the provided model identifier."},
        OPERATORS,
    ),
    (
        "Vertex AI: a region without the model",
        400,
        error("Publisher Model `projects/p/models/y` is not servable in region us-central1."),
        OPERATORS,
    ),
    ("GitHub Models", 400, error("Unavailable model: x", code="unavailable_model"), OPERATORS),
    (
        "Google: a name with a dot in it",
        404,
        error("models/gemini-1.5-pro is not found for API version v1beta, or is not supported for generateContent."),
        OPERATORS,
    ),
    (
        "xAI: a name with a dot in it",
        404,
        {"error": "The model grok-2.5-x does not exist or your team abc does not have access to it."},
        OPERATORS,
    ),
    (
        "Moonshot: gethouston/houston#1344, langgenius/dify#39778",
        404,
        error("Not found the model kimi-k2-0711-preview or Permission denied", type="resource_not_found_error"),
        OPERATORS,
    ),
    (
        "Zhipu: esengine/DeepSeek-Reasonix#6858",
        400,
        error("[1211][模型不存在]", type="invalid_request_error", code="1211"),
        OPERATORS,
    ),
    (
        "one-api: songquanpeng/one-api#1494, #2340",
        503,
        error("当前分组 default 下对于模型 gpt-4 无可用渠道 (request id: 2025)", type="one_api_error"),
        OPERATORS,
    ),
    (
        "Bedrock: stackblitz-labs/bolt.diy#1102, anthropics/claude-quickstarts#167",
        400,
        {
            "message": "Invocation of model ID anthropic.claude-3-5-sonnet-20241022-v2:0 with on-demand throughput "
            "isn\u2019t supported. Retry your request with the ID or ARN of an inference profile."
        },
        OPERATORS,
    ),
    (
        "Bedrock, troubleshooting: models of Anthropic ask for a form first",
        404,
        {"message": "Model use case details have not been submitted for this account."},
        OPERATORS,
    ),
    (
        "Bedrock, model lifecycle",
        404,
        {"message": "This model version has reached the end of its life."},
        OPERATORS,
    ),
    (
        "NVIDIA NIM: Alishahryar1/free-claude-code#956, #1021",
        404,
        {"status": 404, "title": "Not Found", "detail": "Function '23d4f03a': Not found for account 'Qawmu2v'"},
        OPERATORS,
    ),
    (
        "OpenRouter: dnakov/anon-kode#13, unoplat/unoplat-code-confluence#1080",
        404,
        error("No endpoints found matching your data policy (Paid model training). Configure: https://e.x", code=404),
        OPERATORS,
    ),
    (
        "OpenRouter: truefoundry/models#826",
        404,
        error("No endpoints available matching your guardrail restrictions and data policy."),
        OPERATORS,
    ),
    (
        "Hugging Face, GitHub Copilot",
        400,
        error("The requested model is not supported.", code="model_not_supported"),
        OPERATORS,
    ),
    (
        "Groq: a model whose terms the organization has not accepted",
        400,
        error("The model `x` requires terms acceptance.", code="model_terms_required"),
        OPERATORS,
    ),
    ("LM Studio", 400, {"error": "No models loaded. Please load a model in the developer page."}, OPERATORS),
    (
        "OpenAI, error codes: a model of another API",
        404,
        error("This is not a chat model and thus not supported in the v1/chat/completions endpoint."),
        OPERATORS,
    ),
    (
        "Azure OpenAI: a deployment of a model of another API",
        400,
        error("The chatCompletion operation does not work with the specified model.", code="OperationNotSupported"),
        OPERATORS,
    ),
    (
        "Databricks, model serving",
        404,
        {"error_code": "ENDPOINT_NOT_FOUND", "message": "The given endpoint does not exist, please retry."},
        OPERATORS,
    ),
    # --- the operator's: the address ---
    (
        "Azure OpenAI: langchain-ai/langchain#13284, vibrantlabsai/ragas#478",
        404,
        error("Resource not found", code="404"),
        OPERATORS,
    ),
    (
        "LM Studio: lmstudio-ai/lmstudio-bug-tracker#618, pssah4/vault-operator#73",
        200,
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        OPERATORS,
    ),
    (
        "Cloudflare, Workers AI: the account's id in the base_url",
        400,
        {"success": False, "errors": [{"code": 7003, "message": "Could not route to /accounts/x, perhaps"}]},
        OPERATORS,
    ),
    ("APISIX", 404, {"error_msg": "404 Route Not Found"}, OPERATORS),
    ("Envoy AI Gateway", 404, {"message": "No matching route found. The model is not configured."}, OPERATORS),
    # --- what passes ---
    ("gateways in Chinese", 200, error("请求过于频繁"), LIMITED),
    ("gateways", 200, error("Request timed out"), TIMEOUT),
    ("gateways", 200, error("Timeout waiting for upstream", code="timeout"), TIMEOUT),
    ("gateways", 200, error("Service Unavailable"), UNAVAILABLE),
    ("gateways", 200, error("Bad Gateway", type="bad_gateway"), UNAVAILABLE),
    (
        "Groq: pydantic/pydantic-ai#2774, groq/groq-typescript#28",
        400,
        error(
            "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
            type="invalid_request_error",
            code="tool_use_failed",
        ),
        UNAVAILABLE,
    ),
    (
        "DashScope: QwenLM/Qwen#2254; a limit of tokens a minute",
        429,
        error("Allocated quota exceeded, please increase your quota limit.", code="insufficient_quota"),
        LIMITED,
    ),
    (
        "NVIDIA NIM: decolua/9router#2268",
        400,
        {"status": 400, "title": "Bad Request", "detail": "Function id 'x': DEGRADED function cannot be invoked"},
        UNAVAILABLE,
    ),
    # --- what another model may take, said with 500 ---
    (
        "llama.cpp: ggml-org/llama.cpp#13566, #15377",
        500,
        error("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
        INVALID,
    ),
    (
        "llama.cpp: ggml-org/llama.cpp#12947",
        500,
        error('Failed to parse messages: Unsupported content part type: "image_url"; messages = []'),
        INVALID,
    ),
    # --- numbers that mean one thing with one vendor ---
    ("Zhipu, docs.z.ai, errors: a wrong key", 401, error("Authentication Token非法", code="1002"), OPERATORS),
    ("MiniMax, error codes", 200, base_resp(1002, "rate limit"), LIMITED),
    ("MiniMax: MiniMax-AI/MiniMax-M2.5#18", 200, base_resp(2049, "invalid api key"), OPERATORS),
    ("MiniMax, error codes", 200, base_resp(1004, "login fail"), OPERATORS),
    ("MiniMax, error codes", 200, base_resp(1026, "input new_sensitive"), FILTERED),
    ("MiniMax: QwenLM/qwen-code#11834", 200, base_resp(2013, "invalid params, function parameters is empty"), INVALID),
    ("MiniMax, error codes", 200, base_resp(1000, "unknown error"), UNAVAILABLE),
    ("MiniMax, error codes", 200, base_resp(1001, "request timeout"), TIMEOUT),
    # --- errors with 200 that look like something else ---
    ("gateways: a sentence is no message", 200, {"message": "Invalid API key", "status": "error"}, OPERATORS),
    ("Azure API Management", 200, {"statusCode": 429, "message": "Rate limit is exceeded."}, LIMITED),
    ("Anthropic, errors", 200, {"type": "error", "error": {"type": "api_error", "message": "no"}}, UNAVAILABLE),
    ("OpenAI, error codes", 200, error("messages: too few", type="invalid_request_error"), INVALID),
]


@pytest.mark.parametrize(("source", "status", "body", "outcome"), REPORTED)
def test_an_error_is_understood_in_its_vendors_words(
    source: str, status: int, body: JsonValue, outcome: AttemptOutcome
) -> None:
    failure = failure_of(body, status)
    assert failure.category is outcome, (source, failure)
    assert not failure.is_final


@pytest.mark.parametrize(
    "message",
    [
        "function 'get_weather' not found in tools",
        "Input validation error: `top_p` must be > 0.0 and < 1.0",
        "Input validation error: `max_new_tokens` must be <= 192",
        "No endpoints found that support image input",
        "Tool choice is not supported by this model. A tool was not found",
    ],
)
def test_a_sentence_that_only_resembles_one_is_what_another_model_may_take(message: str) -> None:
    failure = failure_of(error(message), 404 if message.startswith("No endpoints") else 400)
    assert failure.category is INVALID


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        # huggingface/transformers#23793, huggingface/unity-api#18
        ({"error": "Model x is currently loading", "estimated_time": 20.0}, 20),
        # router-for-me/CLIProxyAPI#1666
        (error("The usage limit has been reached", resets_at=1_800_000_120, resets_in_seconds=120), 120),
    ],
)
def test_a_wait_is_read_by_its_vendors_name(body: JsonValue, seconds: float) -> None:
    assert failure_of(body, 503).retry_after_s == seconds
