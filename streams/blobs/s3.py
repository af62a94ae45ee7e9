"""Blobs as objects of one bucket, at AWS or whatever speaks S3's API: GetObject and PutObject, by paths, signed.

Source: docs.aws.amazon.com, Amazon S3 API Reference, GetObject, PutObject, "Authenticating Requests (AWS Signature
Version 4)". Redirects are not followed: only the endpoint of the settings is ever spoken to.
"""

from collections.abc import Callable
from http import HTTPStatus

import httpx

from streams.blobs.names import Prefix, placed
from streams.ports import BlobRefusedError, BlobStoreAwayError
from streams.providers.aws_signature import Signer

TIMEOUT_S = 30.0
"""The longest exchange, seconds."""
_PASSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class S3Blobs:
    """The objects below one prefix of one bucket."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        endpoint: str,
        prefix: str,
        signer: Signer | None,
        clock: Callable[[], float],
    ) -> None:
        """Take where and how to ask.

        Args:
            transport: reads as many bytes as an object may have, and says in `is_cut` that there are more.
            endpoint: `https://HOST`, without a slash at the end.
            prefix: `BUCKET/` or `BUCKET/PREFIX/`.
            signer: proves who asks; None: the bucket is open to this machine.
            clock: seconds since 1970.
        """
        self._transport = transport
        self._base = f"{endpoint}/{prefix}"
        self._prefix = Prefix(f"s3://{prefix}")
        self._signer = signer
        self._clock = clock

    def name_in(self, reference: str, tenant: str | None) -> str:
        """Return the name in a reference."""
        return self._prefix.name_in(reference, tenant)

    async def get(self, name: str) -> bytes:
        """Return the object."""
        response, content = await self._exchange("GET", name, b"")
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response.status_code)
        if response.extensions.get("is_cut"):
            raise BlobRefusedError("has more bytes than TURNOUT_MAX_DATAREF_BYTES")
        return content

    async def put(self, name: str, content: bytes, tenant: str | None) -> str:
        """Write the object and return its reference."""
        name = placed(name, tenant)
        response, _ = await self._exchange("PUT", name, content)
        if not response.is_success:
            raise _refusal(response.status_code)
        return self._prefix.reference_to(name)

    async def _exchange(self, method: str, name: str, body: bytes) -> tuple[httpx.Response, bytes]:
        url = self._base + name  # plain by `streams.blobs.names`: nothing in it to encode
        headers = {"content-type": "application/json"} if body else {}
        if self._signer is not None:
            headers |= self._signer.headers(method, url, headers, body, self._clock())
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": {"read": TIMEOUT_S}})
        try:
            response = await self._transport.handle_async_request(request)
            if not isinstance(response.stream, httpx.AsyncByteStream):
                raise TypeError("the transport is not asynchronous")
            return response, b"".join([chunk async for chunk in response.stream])
        except httpx.TransportError as error:
            raise BlobStoreAwayError(f"the store cannot be reached: {error}") from None


def _refusal(status: int) -> BlobRefusedError | BlobStoreAwayError:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSES:
        return BlobStoreAwayError(f"the store answers HTTP {status}")
    match status:
        case HTTPStatus.NOT_FOUND:
            why = "is not there"
        case HTTPStatus.FORBIDDEN | HTTPStatus.UNAUTHORIZED:
            why = f"is not there, or TURNOUT_DATAREF_KEY may not have it (HTTP {status})"
        case _:
            why = f"is not to be had: the store answers HTTP {status}; look at TURNOUT_DATAREF_ENDPOINT and _REGION"
    return BlobRefusedError(why)
