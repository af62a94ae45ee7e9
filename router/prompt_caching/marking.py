"""Writes into a request what a call says of its prefix: a mark behind it, or the key by which requests share it.

| dialect                      | what is written                                                                    |
|------------------------------|------------------------------------------------------------------------------------|
| Anthropic, Bedrock           | `cache_control` on the last part of the last system message, else on the last tool |
| OpenAI, Responses and Azure  | `prompt_cache_key`, which tells nothing of what is said                              |
| Gemini                       | nothing: it caches by itself                                                       |

A request that says itself what to cache is left as it is.
"""

from router.dialects.wire import DialectName
from router.prompt_caching.memory import MARKED, PromptCache
from router.prompt_caching.prefix import says_what_to_cache
from schemas.requests import ChatMessage, JsonObject, Request

KEYED = frozenset({DialectName.CHAT, DialectName.RESPONSES, DialectName.AZURE})
_MARK: JsonObject = {"cache_control": {"type": "ephemeral"}}


def prepared(request: Request, prompt_cache: PromptCache, dialect: DialectName) -> Request:
    """Return the request as it is sent."""
    if says_what_to_cache(request):
        return request
    if dialect in KEYED:
        parameters: JsonObject = {**request.parameters, "prompt_cache_key": prompt_cache.key}
        return request.model_copy(update={"parameters": parameters})
    if dialect in MARKED and prompt_cache.is_marked:
        return _marked(request)
    return request


def _marked(request: Request) -> Request:
    if request.messages is None:
        if request.system_prompt is None:
            return _with_marked_tool(request)
        system = ChatMessage(role="system", content=[{"type": "text", "text": request.system_prompt, **_MARK}])
        user = ChatMessage(role="user", content=request.prompt)
        return request.model_copy(update={"messages": (system, user), "prompt": None, "system_prompt": None})
    last = _last_system(request.messages)
    if last is None:
        return _with_marked_tool(request)
    message = request.messages[last]
    content = message.content
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else [*(content or ())]
    if not parts:
        return _with_marked_tool(request)
    parts[-1] = {**parts[-1], **_MARK}
    messages = (
        *request.messages[:last],
        message.model_copy(update={"content": parts}),
        *request.messages[last + 1 :],
    )
    return request.model_copy(update={"messages": messages})


def _last_system(messages: tuple[ChatMessage, ...]) -> int | None:
    last = None
    for place, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            break
        last = place
    return last


def _with_marked_tool(request: Request) -> Request:
    if not request.tools:
        return request
    return request.model_copy(update={"tools": [*request.tools[:-1], {**request.tools[-1], **_MARK}]})
