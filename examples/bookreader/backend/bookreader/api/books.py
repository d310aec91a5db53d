"""Books and the bookmarks in them."""

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from bookreader.api.deps import CacheDep, StoreDep
from bookreader.schemas import BookmarkIn, BookmarkOut, BookOut, CountOut

router = APIRouter()
BOOKS_KEY = "bookreader:books"
BOOKS_TTL_S = 30
book_list = TypeAdapter(list[BookOut])


@router.get("/books", response_model=list[BookOut])
async def list_books(store: StoreDep, cache: CacheDep) -> Response:
    cached = await cache.get(BOOKS_KEY)
    body = cached or book_list.dump_json(await store.books()).decode()
    if cached is None:
        await cache.set(BOOKS_KEY, body, BOOKS_TTL_S)
    headers = {"X-Cache": "miss" if cached is None else "hit"}
    return Response(body, media_type="application/json", headers=headers)


@router.get("/books/{book_id}")
async def get_book(book_id: int, store: StoreDep) -> BookOut:
    return await store.book(book_id)


@router.post("/bookmarks", status_code=201)
async def add_bookmark(bookmark: BookmarkIn, store: StoreDep) -> BookmarkOut:
    return await store.add_bookmark(bookmark)


@router.get("/bookmarks/count")
async def count_bookmarks(store: StoreDep) -> CountOut:
    return CountOut(count=await store.count_bookmarks())
