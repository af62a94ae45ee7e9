import pytest
from pydantic import JsonValue

from router.answer_schema.check import AnswerSchema, answer_schema_of, repaired
from router.errors import Answer, RequestRejected
from schemas.requests import JsonObject, Request
from schemas.responses import AnswerMessage
from schemas.vocabulary import ErrorCode, SchemaResult

NUMBER: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def asked(schema: JsonValue = NUMBER, *, strict: JsonValue = True, **fields: JsonValue) -> Request:
    described = {"name": "number", "schema": schema, "strict": strict}
    return Request.model_validate(
        {"prompt": "Hello", "response_format": {"type": "json_schema", "json_schema": described}, **fields}
    )


def tool(name: str, *, strict: bool = True) -> JsonObject:
    return {"type": "function", "function": {"name": name, "parameters": NUMBER, "strict": strict}}


def schema_in(request: Request) -> AnswerSchema:
    found = answer_schema_of(request)
    assert found is not None
    return found


def said(content: str | None = None, *calls: tuple[str, str], finish_reason: str = "stop", **fields: str) -> Answer:
    made: list[JsonObject] = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]
    message = AnswerMessage(content=content, tool_calls=made or None, refusal=fields.get("refusal"))
    return Answer(message, finish_reason, None, None, None)


def test_a_request_without_a_schema_has_none() -> None:
    assert answer_schema_of(Request(prompt="Hello")) is None
    assert answer_schema_of(Request(prompt="Hello", response_format={"type": "json_object"})) is None
    assert answer_schema_of(Request(prompt="Hello", tools=[tool("find", strict=False)])) is None


def test_a_strict_answer_that_fits_passes_and_one_that_does_not_is_rejected() -> None:
    schema = schema_in(asked())
    fits = schema.check(said('{"n": 1}'))
    assert fits.told is not None
    assert (fits.told.result, fits.told.detail, fits.violation) == (SchemaResult.PASSED, None, None)
    misfits = schema.check(said('{"n": "one"}'))
    assert misfits.told is not None
    assert misfits.told.result is SchemaResult.VIOLATED
    assert misfits.violation == misfits.told.detail == '$.n: the value is not of type "integer"'
    assert misfits.may_be_repaired


@pytest.mark.parametrize("strict", [False, None])
def test_what_is_not_strict_is_told_and_not_rejected(strict: JsonValue) -> None:
    checked = schema_in(asked(strict=strict)).check(said("one"))
    assert checked.told is not None
    assert checked.told.result is SchemaResult.VIOLATED
    assert checked.violation is None


def test_an_answer_that_was_cut_off_is_not_asked_for_again_at_the_same_model() -> None:
    checked = schema_in(asked()).check(said('{"n": ', finish_reason="length"))
    assert checked.violation is not None
    assert "cut off at its longest" in checked.violation
    assert not checked.may_be_repaired


def test_a_refusal_and_calls_of_tools_are_no_text_to_check() -> None:
    schema = schema_in(asked(tools=[tool("find", strict=False)]))
    assert schema.check(said(refusal="I cannot.")).told is None
    assert schema.check(said(None, ("find", "x"))).told is None


def test_an_answer_too_large_to_be_checked_is_told_and_not_rejected() -> None:
    deep = '{"child": ' * 200 + "1" + "}" * 200
    checked = schema_in(asked({"properties": {"child": {"$ref": "#"}}})).check(said(deep))
    assert checked.told is not None
    assert checked.told.result is SchemaResult.NOT_CHECKED
    assert checked.told.detail == "it is nested too deeply for a schema that refers to itself"
    assert checked.violation is None


def test_the_arguments_of_strict_tools_are_checked_and_of_others_not() -> None:
    request = Request(prompt="Hello", tools=[tool("strict"), tool("loose", strict=False)])
    schema = schema_in(request)
    assert schema.check(said(None, ("loose", "nonsense"))).told is None
    passed = schema.check(said(None, ("loose", "nonsense"), ("strict", '{"n": 1}'))).told
    assert passed is not None
    assert passed.result is SchemaResult.PASSED
    checked = schema.check(said(None, ("strict", '{"n": 1}'), ("strict", "{}")))
    assert checked.violation == 'arguments of strict: $: "n" is a required property'


@pytest.mark.parametrize(
    ("request_", "field", "why"),
    [
        (asked({"type": "objec"}), "response_format.json_schema.schema", "is no JSON Schema: $.type"),
        (asked(None), "response_format.json_schema.schema", "is missing"),
        (asked([]), "response_format.json_schema.schema", "is no JSON Schema"),
        (asked(strict="yes"), "response_format.json_schema.strict", "is neither true nor false"),
        (
            Request(prompt="Hello", response_format={"type": "json_schema"}),
            "response_format.json_schema.schema",
            "is missing",
        ),
        (
            Request(
                prompt="Hello",
                tools=[tool("a"), {"type": "function", "function": {"name": "b", "strict": True, "parameters": 7}}],
            ),
            "tools[1].function.parameters",
            "is no JSON Schema",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_refuses_the_request_and_names_the_field(
    request_: Request, field: str, why: str
) -> None:
    with pytest.raises(RequestRejected) as told:
        answer_schema_of(request_)
    assert (told.value.code, told.value.field) == (ErrorCode.INVALID_REQUEST, field)
    assert str(told.value).startswith(f"{field}: {why}")


def test_a_repair_shows_the_model_its_answer_and_what_is_wrong_with_it() -> None:
    request = asked(system_prompt="Be brief.", temperature=0.5)
    again = repaired(request, said("one").message, "$: it is bad")
    roles = [message["role"] for message in again.chat_messages()]
    assert roles == ["system", "user", "assistant", "user"]
    assert again.chat_messages()[2]["content"] == "one"
    assert "$: it is bad" in str(again.chat_messages()[3]["content"])
    assert (again.response_format, again.temperature) == (request.response_format, 0.5)
    Request.model_validate(again.model_dump(mode="json"))


def test_a_repair_of_calls_answers_each_of_them_as_providers_want() -> None:
    request = Request(prompt="Hello", tools=[tool("find")])
    message = said(None, ("find", "{}"), ("find", '{"n": 1}')).message
    again = repaired(request, message, "bad")
    assert again.tool_choice == "required", "it is not answered with words"
    *_, called, first, second = again.chat_messages()
    assert called["tool_calls"] == message.tool_calls
    assert [(result["role"], result["tool_call_id"]) for result in (first, second)] == [
        ("tool", "call_0"),
        ("tool", "call_1"),
    ]
