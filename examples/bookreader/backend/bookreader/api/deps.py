"""What endpoints may ask for."""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from bookreader.cache import Cache
from bookreader.config import Settings
from bookreader.store import Store


def get_store(connection: HTTPConnection) -> Store:
    store: Store = connection.app.state.store
    return store


def get_cache(connection: HTTPConnection) -> Cache:
    cache: Cache = connection.app.state.cache
    return cache


def get_settings(connection: HTTPConnection) -> Settings:
    settings: Settings = connection.app.state.settings
    return settings


StoreDep = Annotated[Store, Depends(get_store)]
CacheDep = Annotated[Cache, Depends(get_cache)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
