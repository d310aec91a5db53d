"""Answers that take a while: what a deploy must not cut."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from bookreader.api.deps import SettingsDep
from bookreader.schemas import SlowOut

router = APIRouter()
Seconds = Annotated[float, Query(ge=0, le=30)]
STREAM_STEP_S = 0.2
TICK_S = 1.0


@router.get("/slow")
async def slow(settings: SettingsDep, seconds: Seconds = 1) -> SlowOut:
    await asyncio.sleep(seconds)
    return SlowOut(seconds=seconds, version=settings.version)


@router.get("/stream")
async def stream(settings: SettingsDep, seconds: Seconds = 1) -> StreamingResponse:
    """One line per step and a last line `end`: without it the answer was cut."""

    async def lines() -> AsyncIterator[str]:
        for number in range(round(seconds / STREAM_STEP_S)):
            yield f"{number} {settings.version}\n"
            await asyncio.sleep(STREAM_STEP_S)
        yield f"end {settings.version}\n"

    # nginx would otherwise collect the lines instead of passing each on
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/plain", headers=headers)


@router.websocket("/ws")
async def websocket(socket: WebSocket, settings: SettingsDep) -> None:
    """Echoes text as `echo <text>`, and says `tick <version>` every second."""
    await socket.accept()
    ticker = asyncio.create_task(_tick(socket, settings.version))
    try:
        while True:
            await socket.send_text(f"echo {await socket.receive_text()}")
    except WebSocketDisconnect:
        pass
    finally:
        ticker.cancel()


async def _tick(socket: WebSocket, version: str) -> None:
    while True:
        await socket.send_text(f"tick {version}")
        await asyncio.sleep(TICK_S)
