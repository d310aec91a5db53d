"""Everything the API asks of Postgres."""

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from bookreader.config import Settings
from bookreader.models import Book, Bookmark, Summary
from bookreader.schemas import BookmarkIn, BookmarkOut, BookOut, SummaryCountsOut


class UnknownBookError(Exception):
    pass


def make_engine(settings: Settings) -> AsyncEngine:
    # Connections of one container: WEB_CONCURRENCY x (pool + overflow). During a deploy both the
    # old and the new containers hold theirs, so twice that has to fit into max_connections.
    return create_async_engine(
        settings.database_url,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        # Longer than a migration may wait for its lock (sluice.yml: lock-timeout 5s). Queries that
        # queue behind it hold all connections; a request that waits for one is late, not lost.
        pool_timeout=15,
        pool_pre_ping=True,  # a restarted database costs nobody a failed request
        connect_args={"connect_timeout": 3},
    )


class Store:
    def __init__(self, engine: AsyncEngine) -> None:
        self._session = async_sessionmaker(engine, expire_on_commit=False)

    async def ping(self) -> None:
        async with self._session() as session:
            await session.execute(text("SELECT 1"))

    async def books(self) -> list[BookOut]:
        async with self._session() as session:
            rows = await session.scalars(select(Book).order_by(Book.id))
            return [_book(row) for row in rows]

    async def book(self, book_id: int) -> BookOut:
        async with self._session() as session:
            row = await session.get(Book, book_id)
        if row is None:
            raise UnknownBookError(book_id)
        return _book(row)

    async def add_bookmark(self, bookmark: BookmarkIn) -> BookmarkOut:
        row = Bookmark(book_id=bookmark.book_id, page=bookmark.page)
        try:
            async with self._session.begin() as session:
                session.add(row)
        except IntegrityError:  # the only constraint a valid bookmark can break is its book
            raise UnknownBookError(bookmark.book_id) from None
        return BookmarkOut(id=row.id, book_id=row.book_id, page=row.page)

    async def count_bookmarks(self) -> int:
        async with self._session() as session:
            return await session.scalar(select(func.count()).select_from(Bookmark)) or 0

    async def summary_counts(self) -> SummaryCountsOut:
        counts = select(func.count(), func.count(Summary.finished_at)).select_from(Summary)
        async with self._session() as session:
            started, finished = (await session.execute(counts)).one()
        return SummaryCountsOut(started=started, finished=finished)


def _book(row: Book) -> BookOut:
    return BookOut(id=row.id, title=row.title, author=row.author, pages=row.pages)
