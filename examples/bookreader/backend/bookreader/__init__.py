"""Bookreader: a small reading list with bookmarks and summaries."""
