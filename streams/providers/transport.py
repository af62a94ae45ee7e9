"""httpx's transport over aiohttp, for answers that are read whole. Why: docs/adr/0003."""

from typing import Self

import aiohttp
import httpx

CONNECT_TIMEOUT_S = 5.0
"""Whoever takes longer to accept a connection is as good as gone."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries thousands of requests at a time. httpx's `read` timeout is for the whole exchange."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool of connections; it belongs to the running event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the whole response.

        Raises:
            httpx.ConnectError, httpx.ConnectTimeout: there was no connection, so nothing was sent.
            httpx.TimeoutException: it took too long.
            httpx.TransportError: there is no whole response.
        """
        if self._session is None:
            raise RuntimeError("the transport is used outside its context")
        timeout = aiohttp.ClientTimeout(request.extensions["timeout"]["read"], sock_connect=CONNECT_TIMEOUT_S)
        try:
            async with self._session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=request.content,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no whole response in time", request=request) from error
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError("no connection", request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.TransportError(type(error).__name__, request=request) from error
        return httpx.Response(response.status, headers=response.raw_headers, content=content)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
