"""A worker's web server, on loopback: what it measures, and whether it lives and is ready."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger()

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(port: int | None, registry: CollectorRegistry, ready: Callable[[], bool]) -> AsyncIterator[None]:
    """Serve `/metrics`, `/healthz` (the loop turns) and `/readyz` (the group's coordinator answers) meanwhile.

    Raises:
        OSError: the port is taken.
    """
    if port is None:
        yield
        return

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_request: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(text="not in the group\n", status=503)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        log.info("metrics are served", url=f"http://{HOST}:{port}/metrics")
        yield
    finally:
        await runner.cleanup()
