"""The dialects that workers speak."""

from collections.abc import Mapping
from types import MappingProxyType

from router.dialects.anthropic import AnthropicMessages
from router.dialects.bedrock import Converse
from router.dialects.chat import AzureChatCompletions, ChatCompletions
from router.dialects.dialect import Dialect
from router.dialects.embeddings import Embeddings
from router.dialects.gemini import GenerateContent
from router.dialects.responses import Responses
from router.dialects.wire import DialectName

_SPOKEN: tuple[Dialect, ...] = (
    ChatCompletions(),
    Responses(),
    AzureChatCompletions(),
    AnthropicMessages(),
    GenerateContent(),
    Converse(),
)
DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _SPOKEN})
EMBEDDINGS: Dialect = Embeddings()
"""How models that embed are spoken to, beside the chat completions of their provider."""
