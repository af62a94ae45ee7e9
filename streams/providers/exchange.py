"""A call over HTTP as it is sent, and the whole reply: what the adapters have in common with each transport."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to be sent. The transport adds host and length."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    timeout_s: float
    """For the whole exchange."""
    standing: Mapping[str, str] = field(default_factory=dict)
    """Headers before these: what all calls of one target have in common, the same mapping for each of them."""

    @property
    def all_headers(self) -> Sequence[tuple[str, str]]:
        """The headers in the order in which they are sent."""
        return (*self.standing.items(), *self.headers)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP response."""

    status_code: int
    headers: Mapping[str, str]
    """Case does not count when one is looked up."""
    content: bytes
    """As it came, not unpacked."""
    is_cut: bool = False
    """It was larger than is read; `content` is its beginning."""


Exchange = Callable[[Outgoing], Awaitable[Reply]]
"""Sends a request and returns the whole response; raises httpx's errors."""


async def by_httpx(transport: httpx.AsyncBaseTransport, outgoing: Outgoing) -> Reply:
    """Send it by a transport of httpx, which raises the errors."""
    response = await transport.handle_async_request(
        httpx.Request(
            outgoing.method,
            outgoing.url,
            headers=list(outgoing.all_headers),
            content=outgoing.body,
            extensions={"timeout": {"read": outgoing.timeout_s}},
        )
    )
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport is not asynchronous")
    # as it came: httpx's own ways to read it would unpack it, without a bound
    content = b"".join([chunk async for chunk in response.stream])
    return Reply(response.status_code, response.headers, content, is_cut=bool(response.extensions.get("is_cut")))
