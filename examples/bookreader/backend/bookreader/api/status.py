"""How this container is, and which release it runs."""

from fastapi import APIRouter, Response

from bookreader import health
from bookreader.api.deps import CacheDep, SettingsDep, StoreDep
from bookreader.schemas import VersionOut

router = APIRouter()


@router.get("/health")
async def get_health(store: StoreDep, cache: CacheDep, response: Response) -> health.Health:
    result = await health.check(store, cache)
    if result.status != "healthy":
        response.status_code = 503
    return result


@router.get("/version")
async def get_version(settings: SettingsDep) -> VersionOut:
    return VersionOut(version=settings.version, host=settings.host)
