"""A note on a bookmark, and an index to find the bookmarks of a book.

Made to run while the previous release serves:
- the column may be NULL and has no default that would rewrite the table; code that does not know
  it goes on working, and code that does comes with the next release (expand first, then use);
- the index is built CONCURRENTLY, so writes to the table go on meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INDEX = "ix_bookmarks_book_id"


def upgrade() -> None:
    # CONCURRENTLY can't run in a transaction. It comes first and may be repeated: a run that was
    # cut leaves an invalid index behind, which is dropped and built again.
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "bookmarks", postgresql_concurrently=True, if_exists=True)
        op.create_index(INDEX, "bookmarks", ["book_id"], postgresql_concurrently=True)
    op.add_column("bookmarks", sa.Column("note", sa.String, nullable=True))


def downgrade() -> None:
    op.drop_column("bookmarks", "note")
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "bookmarks", postgresql_concurrently=True, if_exists=True)
