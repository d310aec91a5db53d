"""What goes over the wire."""

from pydantic import BaseModel, Field


class BookOut(BaseModel):
    id: int
    title: str
    author: str
    pages: int


class BookmarkIn(BaseModel):
    book_id: int
    page: int = Field(ge=1)


class BookmarkOut(BookmarkIn):
    id: int


class CountOut(BaseModel):
    count: int


class SummaryIn(BaseModel):
    book_id: int = 1
    seconds: float = Field(default=1, ge=0, le=300)


class SummaryOut(BaseModel):
    task: str


class SummaryCountsOut(BaseModel):
    started: int
    finished: int


class VersionOut(BaseModel):
    version: str
    host: str


class SlowOut(BaseModel):
    seconds: float
    version: str
