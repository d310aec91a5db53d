"""Books with some to begin with, bookmarks and summaries."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BOOKS = [
    ("Middlemarch", "George Eliot", 904),
    ("The Leopard", "Giuseppe Tomasi di Lampedusa", 320),
    ("Invisible Cities", "Italo Calvino", 165),
    ("The Left Hand of Darkness", "Ursula K. Le Guin", 304),
    ("Austerlitz", "W. G. Sebald", 415),
]


def upgrade() -> None:
    books = op.create_table(
        "books",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
    )
    op.create_table(
        "bookmarks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("book_id", sa.Integer, sa.ForeignKey("books.id"), nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        _now("created_at"),
    )
    op.create_table(
        "summaries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("book_id", sa.Integer, sa.ForeignKey("books.id"), nullable=False),
        sa.Column("version", sa.String, nullable=False),
        _now("started_at"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    columns = ("title", "author", "pages")
    op.bulk_insert(books, [dict(zip(columns, book, strict=True)) for book in BOOKS])


def downgrade() -> None:
    op.drop_table("summaries")
    op.drop_table("bookmarks")
    op.drop_table("books")


def _now(name: str) -> sa.Column[datetime]:
    type_ = sa.DateTime(timezone=True)
    return sa.Column(name, type_, server_default=sa.func.now(), nullable=False)
