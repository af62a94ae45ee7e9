"""Whether an answer keeps to what its request's schemas say, and what to say to a model whose answer does not.

| in the request                                     | checked is                          | strict if               |
|----------------------------------------------------|-------------------------------------|-------------------------|
| `response_format` of type `json_schema`            | the text of an answer without calls | its `strict` is true    |
| a tool whose function has `strict` true            | the arguments of each call of it    | always                  |

A refusal is no answer to check, and neither is one of which nothing is asked. What is not strict is checked and
told; what is strict and does not fit is no answer (`router.request.session`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from router.answer_schema.schema import BadSchema, NotCheckable, Schema, schema_of
from router.capabilities import functions_of, has_schema
from router.errors import Answer, RequestRejected
from router.quality.answer_checks import CUT_SHORT
from schemas.requests import ChatMessage, JsonObject, Request
from schemas.responses import AnswerMessage, SchemaCheck
from schemas.vocabulary import ErrorCode, SchemaResult

_FORMAT = "response_format.json_schema.schema"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has shown."""

    told: SchemaCheck | None = None
    """As it stands in the response; None: there was nothing to check."""
    violation: str | None = None
    """Why it is no answer: it had to fit, and does not."""
    may_be_repaired: bool = False


PLAIN = Checked()


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The schemas of one request."""

    of_text: Schema | None
    is_strict: bool
    """Whether the text has to fit."""
    of_arguments: Mapping[str, Schema]
    """By the names of the strict functions."""

    def check(self, answer: Answer) -> Checked:
        """Check an answer."""
        message = answer.message
        try:
            if message.tool_calls:
                checked = [said for said in self._misfits(message.tool_calls) if said is not None]
                if not checked:
                    return PLAIN
                misfit, strict = next(filter(None, checked), ""), True
            elif self.of_text is None or message.refusal or message.function_call:
                return PLAIN
            else:
                misfit, strict = self.of_text.misfit(message.content or "") or "", self.is_strict
        except NotCheckable as reason:
            return Checked(SchemaCheck(result=SchemaResult.NOT_CHECKED, detail=str(reason)))
        if not misfit:
            return Checked(SchemaCheck(result=SchemaResult.PASSED))
        is_cut = (answer.finish_reason or "").lower() in CUT_SHORT
        detail = f"it was cut off at its longest, max_tokens; {misfit}" if is_cut else misfit
        told = SchemaCheck(result=SchemaResult.VIOLATED, detail=detail)
        return Checked(told, detail, not is_cut) if strict else Checked(told)

    def _misfits(self, calls: Sequence[JsonObject]) -> Iterator[str | None]:
        """Yield why the arguments of each call do not fit; "" if they do, None if nothing is asked of them."""
        for call in calls:
            function = call.get("function")
            name = function.get("name") if isinstance(function, dict) else None
            schema = self.of_arguments.get(name) if isinstance(name, str) else None
            if schema is None or not isinstance(function, dict):
                yield None
            else:
                misfit = schema.misfit(str(function.get("arguments") or ""))
                yield f"arguments of {name}: {misfit}" if misfit else ""


def answer_schema_of(request: Request) -> AnswerSchema | None:
    """Return what the request asks of its answer; None if it names no schema.

    Raises:
        RequestRejected: a schema is missing, is none, or could take too long to check.
    """
    if not has_schema(request):
        return None
    asked = request.response_format or {}
    of_text, is_strict = None, False
    if asked.get("type") == "json_schema":
        described = asked.get("json_schema")
        if not isinstance(described, dict) or described.get("schema") is None:
            raise _refused(_FORMAT, "is missing; give the schema, or a response_format of another type")
        of_text, is_strict = _schema(described["schema"], _FORMAT), _is_strict(described, "response_format.json_schema")
    of_arguments: dict[str, Schema] = {}
    for place, tool in enumerate(request.tools or ()):
        for function in functions_of((tool,)):
            name, parameters = function.get("name"), function.get("parameters")
            if _is_strict(function, f"tools[{place}].function") and isinstance(name, str) and parameters is not None:
                of_arguments[name] = _schema(parameters, f"tools[{place}].function.parameters")
    return AnswerSchema(of_text, is_strict, of_arguments)


def repaired(request: Request, answer: AnswerMessage, detail: str) -> Request:
    """Return the request as it is asked again: with the answer, and with what is wrong with it."""
    said = f"This does not fit the JSON Schema that was asked for: {detail}. Answer again with what fits it."
    again: list[ChatMessage] = [_as_request(answer)]
    tool_choice = request.tool_choice
    if answer.tool_calls:
        tool_choice = "required"  # else it may answer its own failed call with words
        # each call wants its result before anything else is said
        again += [
            ChatMessage.model_validate({"role": "tool", "tool_call_id": str(call.get("id")), "content": said})
            for call in answer.tool_calls
        ]
    else:
        again.append(ChatMessage(role="user", content=said))
    before = [ChatMessage.model_validate(message) for message in request.chat_messages()]
    messages = (*before, *again)
    return request.model_copy(
        update={"prompt": None, "system_prompt": None, "messages": messages, "tool_choice": tool_choice}
    )


def _as_request(answer: AnswerMessage) -> ChatMessage:
    said: JsonObject = {"role": "assistant", "content": answer.content or ""}
    if answer.tool_calls:
        said["tool_calls"] = list(answer.tool_calls)
    return ChatMessage.model_validate(said)


def _is_strict(described: JsonObject, field: str) -> bool:
    strict = described.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise _refused(f"{field}.strict", "is neither true nor false")
    return strict is True


def _schema(schema: JsonValue, field: str) -> Schema:
    try:
        return schema_of(schema)
    except BadSchema as reason:
        raise _refused(field, str(reason)) from None


def _refused(field: str, why: str) -> RequestRejected:
    return RequestRejected(ErrorCode.INVALID_REQUEST, f"{field}: {why}", field)
