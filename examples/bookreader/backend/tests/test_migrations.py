"""What the migrations would do, seen in the SQL that Alembic writes without a database."""

import io
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

BACKEND = Path(__file__).parent.parent


@pytest.fixture
def alembic() -> Config:
    # Not from the file: that would also set up its logging, for all tests that follow.
    config = Config(output_buffer=io.StringIO())
    config.set_main_option("script_location", str(BACKEND / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def sql(alembic: Config, revisions: str) -> str:
    command.upgrade(alembic, revisions, sql=True)
    assert isinstance(alembic.output_buffer, io.StringIO)
    return alembic.output_buffer.getvalue()


def test_the_first_makes_the_tables_and_some_books(alembic: Config) -> None:
    text = sql(alembic, "0001")
    for table in ("books", "bookmarks", "summaries"):
        assert f"CREATE TABLE {table}" in text
    assert text.count("INSERT INTO books") == 5


def test_the_second_locks_nobody_out_and_breaks_no_older_code(alembic: Config) -> None:
    text = sql(alembic, "0001:0002")
    assert "CREATE INDEX CONCURRENTLY ix_bookmarks_book_id ON bookmarks (book_id)" in text
    assert "ALTER TABLE bookmarks ADD COLUMN note VARCHAR;" in text  # NULL, no default


def test_the_index_is_built_outside_of_a_transaction(alembic: Config) -> None:
    before_index = sql(alembic, "0001:0002").split("CREATE INDEX")[0]
    assert before_index.count("BEGIN;") == before_index.count("COMMIT;")
