"""The web application, put together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bookreader.api import books, live, status, summaries
from bookreader.cache import Cache
from bookreader.config import Settings
from bookreader.release import HEALTH_PATH
from bookreader.store import Store, UnknownBookError


def create_app(
    settings: Settings,
    store: Store,
    cache: Cache,
    close: Callable[[], Awaitable[None]],
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await close()

    app = FastAPI(
        title="Bookreader",
        version=settings.version,
        debug=settings.debug,
        docs_url="/api/docs" if settings.debug else None,
        redoc_url=None,
        openapi_url="/api/openapi.json" if settings.debug else None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.store = store
    app.state.cache = cache

    app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["*"])
    app.add_middleware(HostCheck, allowed_hosts=settings.allowed_hosts)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(error, _database_away)
    app.add_exception_handler(UnknownBookError, _unknown_book)
    for part in (status, books, summaries, live):
        app.include_router(part.router, prefix="/api")
    return app


class HostCheck(TrustedHostMiddleware):
    """ALLOWED_HOSTS, except for the health check: probes ask by address or by container name."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == HEALTH_PATH:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _database_away(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "the database is not available"}, status_code=503)


async def _unknown_book(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": f"there is no book {error}"}, status_code=404)
