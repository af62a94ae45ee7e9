"""The dialects that workers speak."""

from collections.abc import Mapping
from types import MappingProxyType

from router.dialects.chat import ChatCompletions
from router.dialects.dialect import Dialect
from router.dialects.wire import DialectName

DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (ChatCompletions(),)})
