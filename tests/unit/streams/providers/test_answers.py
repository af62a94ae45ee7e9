"""Answers as providers send them: what is odd beside an answer never destroys it, and what was paid for is kept."""

import orjson
import pytest
from pydantic import JsonValue

from schemas.requests import JsonObject
from schemas.responses import AnswerMessage
from schemas.vocabulary import AttemptOutcome
from streams.providers.answers import MAX_EXTRA_BYTES
from tests.unit.streams.providers.replies import answer_of, completion, failure_of


def message_of(**message: JsonValue) -> AnswerMessage:
    return answer_of(completion({"role": "assistant", **message})).message


def test_a_plain_answer_is_read_whole() -> None:
    answer = answer_of(completion())
    assert answer.message == AnswerMessage(content="an answer")
    assert (answer.finish_reason, answer.response_model, answer.response_id) == ("stop", "alpha-2026", "x1")
    assert (answer.logprobs, answer.other_choices) == (None, ())


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_any_success_is_one(status: int) -> None:
    assert answer_of(completion(), status).message.content == "an answer"


@pytest.mark.parametrize(
    ("given", "read"), [("assistant", "assistant"), ("model", "model"), (None, "assistant"), (7, "assistant")]
)
def test_a_role_that_is_none_is_the_assistants(given: JsonValue, read: str) -> None:
    message = completion({"role": given, "content": "hi"})
    assert answer_of(message).message.role == read


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        # Mistral's magistral: NousResearch/hermes-agent#4748, vercel/ai#8072, n8n-io/n8n#37352
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "forty two"},
            ],
            "forty two",
            "hm",
        ),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "42"}], "42", "hm"),  # Anthropic
        ([{"type": "output_text", "text": "for"}, {"type": "output_text", "text": "ty"}], "forty", None),
        ([{"type": "reasoning", "text": "a"}, "b", None, {"text": "c"}], "bc", "a"),
        ({"type": "text", "text": "one part"}, "one part", None),
        ({"city": "Huế"}, '{"city":"Huế"}', None),
        (42, "42", None),
        ("", "", None),
    ],
)
def test_content_in_parts_is_text_and_thought(content: JsonValue, text: str, reasoning: str | None) -> None:
    message = message_of(content=content)
    assert (message.content, message.reasoning_content, message.extra) == (text, reasoning, None)


def test_parts_that_are_neither_are_kept() -> None:
    image: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    message = message_of(content=[{"type": "text", "text": "here"}, image])
    assert (message.content, message.extra) == ("here", {"content_parts": [image]})
    assert message_of(content=[{"type": "refusal", "refusal": "no"}]).refusal == "no"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_the_thought_before_an_answer_is_kept_whatever_it_is_called(name: str) -> None:
    # DeepSeek, Moonshot; OpenRouter, Groq; Ollama. abhigyanpatwari/GitNexus#43, Zoo-Code-Org/Zoo-Code#201
    message = message_of(content="so", **{name: "because"})
    assert message.reasoning_content == "because"


@pytest.mark.parametrize(
    ("fields", "thought"),
    [
        ({"reasoning_text": "because", "reasoning_opaque": "zz"}, "because"),  # GitHub Copilot
        ({"reasoning": {"content": "because"}}, "because"),
        ({"reasoning_content": [{"type": "text", "text": "because"}]}, "because"),
        # OpenRouter, "Reasoning tokens"
        ({"reasoning_details": [{"type": "reasoning.text", "text": "be"}, {"summary": "cause"}]}, "because"),
    ],
)
def test_a_thought_is_read_whichever_form_it_has(fields: JsonObject, thought: str) -> None:
    assert message_of(content="so", **fields).reasoning_content == thought


@pytest.mark.parametrize(
    ("content", "finish", "read"),
    [
        # servers without a parser of thoughts: sipeed/picoclaw#1233, apache/camel#22834, langchain-ai/langchain#33042
        ("<think>\nhm\n</think>\n\n42", "stop", ("42", "hm")),
        ("  <thinking>hm</thinking>42", "stop", ("42", "hm")),
        ("<thought>hm</thought>42", "stop", ("42", "hm")),  # Gemini behind OpenAI's dialect
        ("[THINK]hm[/THINK]42", "stop", ("42", "hm")),  # Mistral's Magistral
        ("<think>\n\n</think>\n\n42", "stop", ("42", None)),  # Qwen 3 that was told not to think
        ("hm\nhm\n</think>\n\n42", "stop", ("42", "hm\nhm")),  # DeepSeek's R1: its template begins the thought
        ("<think>\nhm", "length", ("", "hm")),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>",
            "stop",
            ("42", "hm"),
        ),
        # what only speaks of thoughts is left as it is
        ("Write <think> before </think>.", "stop", ("Write <think> before </think>.", None)),
        ("<think> begins it", "stop", ("<think> begins it", None)),
        ("The tag </think> ends it", "stop", ("The tag </think> ends it", None)),
        ('{"think": "<think>x</think>"}', "stop", ('{"think": "<think>x</think>"}', None)),
        ("[1, 2]", "stop", ("[1, 2]", None)),
    ],
)
def test_a_thought_within_the_words_is_taken_out_of_them(content: str, finish: str, read: tuple[str, str]) -> None:
    message = answer_of(completion({"role": "assistant", "content": content}, finish_reason=finish)).message
    assert (message.content, message.reasoning_content) == read


def test_a_mark_that_was_left_of_a_thought_is_taken_away() -> None:
    # Together, DeepSeek v3.1: BerriAI/litellm#16451
    message = message_of(content="<think>42", reasoning="hm")
    assert (message.content, message.reasoning_content) == ("42", "hm")
    message = message_of(content="<think>so</think>42", reasoning="hm")
    assert (message.content, message.reasoning_content) == ("42", "hm\nso")


def test_a_thought_that_is_marked_costs_a_schema_nothing() -> None:
    message = message_of(content='<think>\nan object\n</think>\n{"city": "Huế"}')
    assert orjson.loads(message.content or "") == {"city": "Huế"}


def test_a_providers_own_fields_are_kept_beside_the_answer() -> None:
    details: JsonValue = [{"type": "reasoning.encrypted", "data": "zz"}]
    message = message_of(content="so", reasoning="because", reasoning_details=details, prefix=None, images=[])
    assert message.reasoning_content == "because"
    assert message.extra == {"reasoning_details": details}


def test_citations_are_kept_in_the_message_and_beside_it() -> None:
    # OpenRouterTeam/ai-sdk-provider#63, vercel/ai#9164; Perplexity's and xAI's citations stand beside the choices
    cited: JsonObject = {"type": "url_citation", "url_citation": {"url": "https://e.x/1", "title": "t"}}
    body = completion({"content": "so", "annotations": [cited]}, top={"citations": ["https://e.x/1"]})
    message = answer_of(body).message
    assert message.annotations == [cited]
    assert message.extra == {"citations": ["https://e.x/1"]}


def test_logprobs_audio_and_a_function_call_are_kept() -> None:
    logprobs: JsonObject = {"content": [{"token": "an", "logprob": -0.1, "top_logprobs": []}]}
    assert answer_of(completion(logprobs=logprobs)).logprobs == logprobs
    audio: JsonObject = {"id": "a1", "data": "UklGRg==", "transcript": "hello", "expires_at": 1}
    assert message_of(content=None, audio=audio).audio == audio
    call = message_of(content=None, function_call={"name": "f", "arguments": {"a": 1}}).function_call
    assert call == {"name": "f", "arguments": '{"a":1}'}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ),
        # Ollama and vLLM: an object; Gemini behind OpenAI's dialect: a signature beside
        (
            {
                "id": "c1",
                "function": {"name": "f", "arguments": {"a": 1}},
                "extra_content": {"google": {"thought_signature": "abc"}},
            },
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"a":1}'},
                "extra_content": {"google": {"thought_signature": "abc"}},
            },
        ),
        (
            {"id": 7, "index": 0, "function": {"name": "f", "arguments": None}},
            {"id": "7", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ),
        (
            {"name": "f", "arguments": '{"a":1}'},
            {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        ),
        # a function without parameters: vercel/ai#6687, simonw/llm#1164, openai/openai-agents-js#664
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ),
        # written as JSON twice: vllm-project/vllm#54964, livekit/agents#5409, quarkiverse/quarkus-langchain4j#2642
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '"{\\"a\\":1}"'}},
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        ),
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '"a word"'}},
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '"a word"'}},
        ),
        # Llama's own form
        (
            {"id": "c1", "function": {"name": "f", "parameters": {"a": 1}}},
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        ),
    ],
)
def test_a_tool_call_has_openais_form(given: JsonObject, read: JsonObject) -> None:
    assert message_of(content=None, tool_calls=[given]).tool_calls == [read]
    assert message_of(content=None, tool_calls=given).tool_calls == [read]


def test_an_integer_of_any_length_in_a_tools_arguments_keeps_its_digits() -> None:
    body = orjson.dumps(completion({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"id": 0}}}]}))
    answer = answer_of(body.replace(b'"id":0', b'"id":1180591620717411303424'))
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0]["function"] == {"name": "f", "arguments": '{"id":1180591620717411303424}'}


def test_calls_of_tools_are_found_among_the_parts_and_in_a_text() -> None:
    call: JsonObject = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    # Anthropic's parts behind OpenAI's dialect
    use: JsonObject = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
    message = message_of(content=[{"type": "text", "text": "let me see"}, use])
    assert (message.content, message.tool_calls, message.extra) == ("let me see", [call], None)
    assert message_of(content=None, tool_calls=orjson.dumps([call]).decode()).tool_calls == [call]


def nested(depth: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [100, 200, 237, 238, 245, 253, 254, 300, 900, 1200])
@pytest.mark.parametrize("place", ["arguments", "extra", "annotations", "logprobs"])
def test_a_value_that_is_nested_too_deep_costs_itself_and_not_the_answer(depth: int, place: str) -> None:
    marker = '"@"'
    message: JsonObject = {"content": "an answer"}
    body = completion(message)
    match place:
        case "arguments":
            message["tool_calls"] = [{"id": "c", "function": {"name": "f", "arguments": "@"}}]
        case "extra":
            message["details"] = "@"
        case "annotations":
            message["annotations"] = [{"x": "@"}]
        case _:
            body = completion(message, logprobs={"content": "@"})
    text = orjson.dumps(body).decode().replace(marker, "[" * depth + "]" * depth)
    answer = answer_of(text.encode())
    assert answer.message.content == "an answer"
    assert orjson.loads(orjson.dumps(answer.message.model_dump()))["content"] == "an answer"


@pytest.mark.parametrize("calls", [None, [], [None], [7], "none"])
def test_no_tool_calls_are_none(calls: JsonValue) -> None:
    message = message_of(content="so", tool_calls=calls)
    assert message.tool_calls is None
    assert "tool_calls" not in message.model_dump()


def test_of_several_choices_the_one_with_index_0_is_the_answer_and_the_others_are_kept() -> None:
    body = completion()
    body["choices"] = [
        {"index": 1, "message": {"content": "second"}, "finish_reason": "stop"},
        {"index": 0, "message": {"content": "first"}, "finish_reason": "length", "logprobs": {"content": []}},
        {"index": 2, "message": {"content": "third"}, "finish_reason": "stop"},
    ]
    answer = answer_of(body)
    assert (answer.message.content, answer.finish_reason) == ("first", "length")
    assert [(choice.index, choice.message.content) for choice in answer.other_choices] == [(1, "second"), (2, "third")]


def test_if_the_first_choice_was_withheld_another_one_is_the_answer() -> None:
    body = completion()
    body["choices"] = [
        {"index": 0, "message": {"content": ""}, "finish_reason": "content_filter"},
        {"index": 1, "message": {"content": "second"}, "finish_reason": "stop"},
    ]
    answer = answer_of(body)
    assert answer.message.content == "second"
    assert [choice.finish_reason for choice in answer.other_choices] == ["content_filter"]


@pytest.mark.parametrize(
    ("fields", "response_id", "model", "finish"),
    [
        ({"id": 12345}, "12345", "alpha-2026", "stop"),
        ({"id": None, "model": None}, None, None, "stop"),
        ({"id": {"x": 1}, "model": True}, None, None, "stop"),
        ({"model": "m" * 1000}, "x1", "m" * 256, "stop"),
    ],
)
def test_names_are_texts(fields: JsonObject, response_id: str | None, model: str | None, finish: str) -> None:
    answer = answer_of(completion(top=fields))
    assert (answer.response_id, answer.response_model, answer.finish_reason) == (response_id, model, finish)


@pytest.mark.parametrize("finish", [None, "", "stop", "eos", 3])
def test_a_finish_reason_is_no_condition(finish: JsonValue) -> None:
    assert answer_of(completion(finish_reason=finish)).message.content == "an answer"


@pytest.mark.parametrize(
    "choice",
    [
        {"text": "an answer"},  # legacy completions
        {"delta": {"content": "an answer"}},
        {"message": "an answer"},
        {"index": "0", "message": {"content": "an answer"}},
    ],
)
def test_words_are_found_wherever_a_choice_holds_them(choice: JsonObject) -> None:
    assert answer_of({"choices": [choice]}).message.content == "an answer"
    assert answer_of({"choices": choice}).message.content == "an answer"


@pytest.mark.parametrize("finish", ["content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "sensitive"])
def test_an_answer_that_was_withheld_is_filtered_and_its_usage_is_billed(finish: str) -> None:
    # bespokelabsai/curator#258, HKUDS/Vibe-Trading#308
    failure = failure_of(completion({"content": ""}, finish_reason=finish))
    assert failure.category is AttemptOutcome.CONTENT_FILTERED
    assert failure.maybe_charged
    assert failure.usage is not None
    assert answer_of(completion({"content": "half of"}, finish_reason=finish)).message.content == "half of"
    assert answer_of(completion({"content": None, "refusal": "I cannot"}, finish_reason=finish)).message.refusal


@pytest.mark.parametrize(
    ("finish", "outcome"),
    [
        # Google behind OpenAI's dialect has its own words beside OpenAI's, or instead of them: HKUDS/Vibe-Trading#308
        ("content_filter: PROHIBITED_CONTENT", AttemptOutcome.CONTENT_FILTERED),
        ("IMAGE_PROHIBITED_CONTENT", AttemptOutcome.CONTENT_FILTERED),
        ("ERROR_TOXIC", AttemptOutcome.CONTENT_FILTERED),  # Cohere
        # NousResearch/hermes-agent#83886, google-gemini/gemini-cli#12674
        ("function_call_filter: MALFORMED_FUNCTION_CALL", AttemptOutcome.UNAVAILABLE),
        ("MALFORMED_FUNCTION_CALL", AttemptOutcome.UNAVAILABLE),
        ("UNEXPECTED_TOOL_CALL", AttemptOutcome.UNAVAILABLE),
        ("TIMEOUT", AttemptOutcome.UNAVAILABLE),  # Cohere
    ],
)
def test_an_end_in_a_vendors_own_words_is_no_answer(finish: str, outcome: AttemptOutcome) -> None:
    failure = failure_of(completion({"role": "assistant", "content": None}, finish_reason=finish))
    assert failure.category is outcome
    assert failure.usage is not None


@pytest.mark.parametrize("message", [{"content": None}, {"role": "assistant"}, {"content": None, "prefix": False}])
def test_an_answer_without_anything_in_it_is_none_unless_it_says_why_it_ended(message: JsonObject) -> None:
    failure = failure_of(completion(message, finish_reason=None))
    assert (failure.category, failure.detail) == (AttemptOutcome.MALFORMED, "the answer is empty")
    assert failure.usage is not None
    # a stop sequence, or tokens that went into thinking: the request's doing, and nothing to hold against the model
    for finish in ("stop", "length"):
        answer = answer_of(completion(message, finish_reason=finish))
        assert (answer.message.content, answer.finish_reason) == (None, finish)


def test_what_came_before_an_error_is_no_answer_unless_it_had_ended() -> None:
    # OpenRouter, "Errors and debugging": the connection to the provider behind broke
    broken: JsonObject = {"message": "Provider disconnected", "code": 502}
    begun = completion({"content": "half of"}, finish_reason=None, top={"error": broken})
    failure = failure_of(begun)
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.UNAVAILABLE, True)
    assert answer_of(completion(top={"error": broken})).message.content == "an answer"
    assert answer_of(completion(finish_reason=None, top={"error": None})).message.content == "an answer"


@pytest.mark.parametrize(
    "reply",
    [
        # developers.cloudflare.com, Workers AI, REST API
        {
            "result": {"response": "an answer", "usage": {"prompt_tokens": 9, "completion_tokens": 3}},
            "success": True,
            "errors": [],
        },
        # DashScope, Qwen API reference: result_format text
        {
            "output": {"text": "an answer", "finish_reason": "stop"},
            "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
        },
        # docs.ollama.com, "Generate a response"
        {"response": "an answer", "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3},
        # Anthropic's and Google's own forms behind an address that is said to speak OpenAI's
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "an answer"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 9, "output_tokens": 3},
        },
        {
            "candidates": [{"content": {"parts": [{"text": "an answer"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
        },
        # Workers AI passes Responses of gpt-oss on in its envelope
        {
            "result": {
                "object": "response",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "an answer"}]}],
                "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
            },
            "success": True,
        },
    ],
)
def test_an_answer_in_another_form_than_was_asked_for_is_read_and_billed(reply: JsonObject) -> None:
    answer = answer_of(reply)
    assert answer.message.content == "an answer"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 3)


def test_a_text_that_nothing_was_counted_for_is_no_answer() -> None:
    assert failure_of({"response": "the moon is full"}).category is AttemptOutcome.MALFORMED
    assert answer_of([{"generated_text": "an answer"}]).message.content == "an answer"  # Hugging Face, text generation


def test_an_answer_that_is_all_thought_is_one() -> None:
    thought = completion({"content": None, "reasoning": "hm"}, finish_reason=None)
    assert answer_of(thought).message.reasoning_content == "hm"


def test_large_fields_beside_the_answer_do_not_make_it_too_large_to_be_published() -> None:
    message = message_of(content="an answer", small="kept", large="x" * MAX_EXTRA_BYTES)
    assert message.extra == {"small": "kept"}
