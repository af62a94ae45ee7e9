"""The dashboard's web server, on loopback: the page, Chart.js, and the state as JSON."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

HOST = "127.0.0.1"
LOOPBACK = frozenset({HOST, "localhost"})
WEB = Path(__file__).with_name("web")

FILES: Mapping[str, tuple[Path, str]] = MappingProxyType(
    {
        "/": (WEB / "dashboard.html", "text/html"),
        "/dashboard.css": (WEB / "dashboard.css", "text/css"),
        "/dashboard.js": (WEB / "dashboard.js", "text/javascript"),
    }
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
)


@asynccontextmanager
async def serving(port: int, state: Callable[[], bytes], chart_js: bytes) -> AsyncIterator[str]:
    """Serve meanwhile, and give the page's address.

    Args:
        port: 0 is a free one.
        state: what the page shows, JSON; asked for at each request.
        chart_js: the library that draws the charts.

    Raises:
        OSError: the port is taken.
    """
    app = web.Application(middlewares=[_loopback_only])
    app.router.add_get("/chart.js", _file(chart_js, "text/javascript"))
    for path, (file, kind) in FILES.items():
        app.router.add_get(path, _file(file.read_bytes(), kind))

    async def tell(_request: web.Request) -> web.Response:
        return web.Response(body=state(), content_type="application/json", charset="utf-8")

    app.router.add_get("/state.json", tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _file(content: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def give(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8")

    return give


@web.middleware
async def _loopback_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a name that is not loopback's: a page elsewhere may have its own name resolve to 127.0.0.1 and read us."""
    if (request.host.rpartition(":")[0] or request.host) not in LOOPBACK:
        return web.Response(status=403, text="Open the dashboard by http://127.0.0.1 or http://localhost.\n")
    response = await handler(request)
    response.headers.update(HEADERS)
    return response
