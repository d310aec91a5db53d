"""What tells one release from another: its version on every answer, and the faults built into it.

BREAK exists so that a bad release can be deployed on purpose, to see that it is noticed:
`health` never gets well, `errors` is well but answers 500, `slow` is well but 2 s late.
(`boot` never gets here, see config.py.)
"""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH_PATH = "/api/health"
SLOW_S = 2.0
# The messages that carry headers; the last is a WebSocket that was refused with an HTTP answer.
STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
SICK = {
    "status": "unhealthy",
    "database": "disconnected",
    "redis": "connected",
    "celery": "running",
}


class Release:
    """Wraps the whole application, so that also its own error pages carry the version."""

    def __init__(self, app: ASGIApp, version: str, broken: str) -> None:
        self._app = app
        self._version = version
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] in STARTS:
                headers = MutableHeaders(scope=message)
                headers["X-Version"] = self._version
                headers.setdefault("Cache-Control", "no-cache, no-store")
            await send(message)

        app = self._faulty(scope["path"]) or self._app
        if self._broken == "slow" and scope["path"] != HEALTH_PATH:
            await asyncio.sleep(SLOW_S)
        await app(scope, receive, send_with_version)

    def _faulty(self, path: str) -> ASGIApp | None:
        is_health = path == HEALTH_PATH
        if self._broken == "health" and is_health:
            return JSONResponse(SICK, status_code=503)
        if self._broken == "errors" and not is_health:
            return JSONResponse({"detail": "BREAK=errors"}, status_code=500)
        return None
